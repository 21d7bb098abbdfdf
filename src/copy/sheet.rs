//! One side of two loops, and its parts.

use super::strided::Loop;

/// One side of a sheet: two loops over units of whole bytes.
#[derive(Clone, Copy)]
pub struct Sheet {
    /// The first unit.
    pub first: *const u8,
    /// The rows.
    pub rows: Loop,
    /// The units of a row.
    pub units: Loop,
}

impl Sheet {
    /// One row, if the rows follow each other like their units.
    pub fn joined(self) -> Self {
        let along = self.rows.step == self.units.step.wrapping_mul(self.units.count as isize);
        if self.rows.count == 1 || self.units.count == 1 || along {
            let step = if self.units.count == 1 {
                self.rows.step
            } else {
                self.units.step
            };
            return Self {
                first: self.first,
                rows: Loop { count: 1, step: 0 },
                units: Loop {
                    count: self.rows.count * self.units.count,
                    step,
                },
            };
        }
        self
    }

    /// One row as rows of `count` units.
    pub fn split(self, count: usize) -> Self {
        Self {
            first: self.first,
            rows: Loop {
                count: self.units.count / count,
                step: self.units.step.wrapping_mul(count as isize),
            },
            units: Loop {
                count,
                step: self.units.step,
            },
        }
    }

    /// Whether the units of a row are adjacent.
    pub fn is_dense(&self, unit: usize) -> bool {
        self.units.step == unit as isize || self.units.count == 1
    }

    /// Whether all units are adjacent, a row after the other.
    pub fn is_run(&self, unit: usize) -> bool {
        self.is_dense(unit) && self.rows.step == (self.units.count * unit) as isize
    }

    pub fn row_range(&self, first: usize, count: usize) -> Self {
        Self {
            first: self
                .first
                .wrapping_offset(self.rows.step.wrapping_mul(first as isize)),
            rows: Loop {
                count,
                step: self.rows.step,
            },
            units: self.units,
        }
    }

    pub fn row(&self, row: usize) -> Self {
        self.row_range(row, 1)
    }

    /// Units of the only row.
    pub fn unit_range(&self, first: usize, count: usize) -> Self {
        Self {
            first: self
                .first
                .wrapping_offset(self.units.step.wrapping_mul(first as isize)),
            rows: self.rows,
            units: Loop {
                count,
                step: self.units.step,
            },
        }
    }
}
