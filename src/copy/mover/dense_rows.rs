//! Rows whose units are adjacent on both sides, and which are moved each by itself: by what is chosen once for all sheets of a copy, since
//! choosing takes as long as moving a dozen short rows.

use super::choice::LONG_ROW;
use super::{Mover, Way};
use crate::caches;
use crate::convert::Kernel;
use crate::copy::again::{self, copy_again};
use crate::copy::axes::{Axis, for_each_place};
use crate::copy::block;
use crate::copy::places::move_rows;
use crate::copy::sheet::Sheet;
use crate::copy::spread::spread;
use crate::copy::strided::Loop;
use crate::copy::tiles::lines_held;
use crate::prefetch::{self, LINE};

/// Bytes of a row that is copied, and of one that is converted on the side that has more, up to which lines of later rows are asked for.
/// Of longer ones the processor reads ahead by itself, and more of them than it has room for would be asked for.
const ASKED: usize = 3 << 10;
const ASKED_CONVERTED: usize = 2 << 10;

/// Units of a row, and bytes on the side that has more, from which it is converted by itself where rows are joined.
const MANY: usize = 24;
const MANY_BYTES: usize = 48;

/// Bytes from one row to the next as far as the processor reads ahead by itself: what is further apart is scattered.
pub const READ_AHEAD: usize = 2048;

/// What moves such rows.
#[derive(Clone, Copy)]
pub enum DenseRows {
    /// So many bytes as they are, which may be far away.
    Copied { bytes: usize, far: bool },
    /// So many bytes of one row, each time.
    Repeated { bytes: usize },
    /// A unit of so many bytes, so many times.
    Spread { unit: usize, count: usize },
    /// So many elements by the kernel, asking for later rows.
    Converted {
        kernel: Kernel,
        count: usize,
        asked: Option<Asked>,
    },
}

/// What is asked for with each row: of one so many rows later as many bytes on each side.
#[derive(Clone, Copy)]
pub struct Asked {
    rows: usize,
    bytes: [usize; 2],
}

impl DenseRows {
    /// Moves the rows of two sheets.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the sheets are of the mover and the units that these are for.
    #[inline(always)]
    pub unsafe fn run_sheet(&self, source: &Sheet, target: &Sheet) {
        let to = (target.first.cast_mut(), target.rows.step);
        // SAFETY: the caller's promise.
        unsafe { self.run((source.first, source.rows.step), to, source.rows.count) }
    }

    /// Moves the rows of one loop wherever another one leads.
    ///
    /// # Safety
    /// As for [`DenseRows::run_sheet`].
    pub unsafe fn run_groups(
        &self,
        first: (*const u8, *mut u8),
        groups: Axis,
        [source, target]: [Loop; 2],
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if let &Self::Repeated { bytes } = self {
                return copy_again(first, groups, target, bytes);
            }
            for_each_place(first, [groups, Axis::ONE], |from, to| {
                self.run((from, source.step), (to, target.step), source.count);
            });
        }
    }

    /// Moves so many rows, which are so many bytes apart.
    ///
    /// # Safety
    /// As for [`DenseRows::run_sheet`].
    pub unsafe fn run(&self, from: (*const u8, isize), to: (*mut u8, isize), rows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                &Self::Copied { bytes, far } if bytes <= ASKED => {
                    block::copy_rows(from, to, rows, bytes, far);
                }
                &Self::Copied { bytes, far: false } => {
                    move_rows(from, to, rows, bytes);
                }
                &Self::Copied { bytes, far: true } => {
                    for row in 0..rows as isize {
                        let from = from.0.wrapping_offset(row * from.1);
                        block::copy_far(from, to.0.wrapping_offset(row * to.1), bytes);
                    }
                }
                &Self::Repeated { bytes } => {
                    let copies = Loop {
                        count: rows,
                        step: to.1,
                    };
                    copy_again((from.0, to.0), Axis::ONE, copies, bytes);
                }
                &Self::Spread { unit, count } => {
                    let units = Loop {
                        count: rows,
                        step: from.1,
                    };
                    spread(from.0, units, unit, to, count);
                }
                Self::Converted {
                    kernel,
                    count,
                    asked,
                } => kernel.run_rows(from, to, rows, *count, |read, written| {
                    if let &Some(asked) = asked {
                        asked.ask((read, from.1), (written, to.1));
                    }
                }),
            }
        }
    }
}

impl Asked {
    /// Asks for what comes after the rows at `from` and `to`. Not a part of the loop over rows, which it would slow where nothing is asked
    /// for.
    #[inline(never)]
    fn ask(self, from: (*const u8, isize), to: (*mut u8, isize)) {
        let ahead = |(row, step)| prefetch::rows_ahead(row, step, self.rows, 0);
        let [from_bytes, to_bytes] = self.bytes;
        prefetch::run(ahead(from), 1, from_bytes);
        prefetch::bytes_to_write(ahead((to.0.cast_const(), to.1)), to_bytes);
    }
}

impl Mover {
    /// What moves the rows of two loops, wherever they begin, if these are adjacent units on both sides, or one that repeats, and moved each
    /// by itself.
    pub fn dense_rows(&self, outer: Axis, inner: Axis) -> Option<DenseRows> {
        let (from, to) = self.units();
        let whole = matches!(self.way, Way::Bytes | Way::Convert { .. });
        if !whole || !inner.is_dense_out(to) {
            return None;
        }
        let source = Sheet {
            first: core::ptr::null(),
            rows: Loop::of_bits(outer.size, outer.source),
            units: Loop::of_bits(inner.size, inner.source),
        };
        if self.spreads(&source) {
            let alone = !self.converts() && !self.streams() && !self.asks_to_spread();
            return alone.then_some(DenseRows::Spread {
                unit: to,
                count: source.units.count,
            });
        }
        if !inner.is_dense_in(from) {
            return None;
        }
        let row_bytes = source.units.count * to;
        // Whether lines are whole depends on where rows begin.
        if self.streams() && self.streams_rows(&source, row_bytes, true) {
            return None;
        }
        let joined = outer.destination == 8 * row_bytes as i64;
        if outer.source == 0 {
            // Of what is converted, and copied by pieces or parts, each sheet is looked at.
            let alone = !self.converts() && self.copies(&source, joined).is_none();
            return self.repeated_row(&source).filter(|_| alone);
        }
        match self.converts() {
            true => self.converted_rows(&source, joined),
            false => Some(self.copied_rows(&source)),
        }
    }

    /// What moves rows of so many adjacent units to or from the first-level cache, each by itself, if units can be
    /// [transposed](Mover::unit_bits); with each, one so many rows later may be asked for; of those
    /// that are copied, a few rows later.
    pub fn rows_by_block(&self, units: usize, ahead: Option<usize>) -> DenseRows {
        match self.way {
            Way::Convert { kernel, scalars } => DenseRows::Converted {
                kernel,
                count: units * scalars,
                asked: ahead.map(|rows| Asked {
                    rows,
                    bytes: [units * self.source_unit, 0],
                }),
            },
            _ => DenseRows::Copied {
                bytes: units * self.source_unit,
                far: ahead.is_some(),
            },
        }
    }

    /// What copies the rows of a sheet.
    pub(super) fn copied_rows(&self, source: &Sheet) -> DenseRows {
        self.repeated_row(source).unwrap_or(DenseRows::Copied {
            bytes: source.units.count * self.source_unit,
            far: self.is_far(),
        })
    }

    /// What copies the row of a sheet that repeats to where it belongs, in the order of its bytes, if that pays: where the last-level cache
    /// is near.
    fn repeated_row(&self, source: &Sheet) -> Option<DenseRows> {
        let bytes = source.units.count * self.source_unit;
        let repeats = source.rows.step == 0 && source.rows.count > 1;
        let pays = repeats && bytes >= again::LEAST && !caches::last_level_is_far();
        pays.then_some(DenseRows::Repeated { bytes })
    }

    /// What converts the rows of a sheet, if each is better converted by itself than several at a time: those that are joined would be
    /// gathered before, the others put where they belong after that, both cheap for about a line, unless what is gathered must be waited
    /// for.
    pub(super) fn converted_rows(&self, source: &Sheet, joined: bool) -> Option<DenseRows> {
        let Way::Convert { kernel, scalars } = self.way else {
            return None;
        };
        let (rows, units) = (source.rows.count, source.units.count);
        let (source_bytes, bytes) = (units * self.source_unit, units * self.destination_unit);
        let long = match joined && rows > 1 {
            true => {
                let lines = source_bytes > LINE && source_bytes + bytes > 2 * LINE;
                let many = units >= MANY && source_bytes.max(bytes) >= MANY_BYTES;
                // In near caches, elements that are left are felt.
                let whole = units >= 16 || units.is_multiple_of(8) || self.is_far();
                let halves = source_bytes >= LINE / 2 && bytes > LINE / 2;
                lines || many || self.is_lost(source) && whole && halves
            }
            false => bytes > LINE,
        };
        let alone = units * scalars >= kernel.group() && (long || units >= LONG_ROW);
        let asks = self.asks_for_rows(source) && source_bytes.max(bytes) <= ASKED_CONVERTED;
        // Where the last-level cache is near, the processor follows rows that are joined by itself.
        let written = match joined && !caches::last_level_is_far() {
            true => 0,
            false => bytes,
        };
        alone.then_some(DenseRows::Converted {
            kernel,
            count: units * scalars,
            asked: asks.then_some(Asked {
                rows: prefetch::ROWS_AHEAD,
                bytes: [source_bytes, written],
            }),
        })
    }

    /// Whether rows are so far from each other that the processor does not read ahead, and the first-level cache does not hold the lines of
    /// all: the next ones come from further away as well, even if they begin where these end.
    fn is_lost(&self, source: &Sheet) -> bool {
        let Loop { count, step } = source.rows;
        let lines = count * (source.units.count * self.source_unit / LINE + 2);
        step.unsigned_abs() > READ_AHEAD && lines > lines_held(step)
    }
}
