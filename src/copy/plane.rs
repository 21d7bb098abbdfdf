//! Planes: two loops of which one goes along the source's adjacent units and the other along the destination's.
//!
//! A few rows are woven together or taken apart, as those of images are; others go by [`tiles`](super::tiles).

use super::axes::Axis;
use super::block::{BLOCK, Block};
use super::mover::Mover;
use super::stream;
use super::strided::{Loop, gather, interleave};
use super::tiles::Tiles;
use crate::prefetch::{self, LINE};

/// Rows that are woven together or taken apart.
const FEW: usize = 4;

/// Bytes of a unit that is large.
const LARGE: usize = 16;

/// One loop in units of each side's bytes.
#[derive(Clone, Copy)]
pub struct Line {
    pub size: usize,
    pub source: isize,
    pub destination: isize,
}

impl Line {
    /// One step.
    pub const ONE: Self = Self {
        size: 1,
        source: 0,
        destination: 0,
    };

    pub fn of(axis: Axis) -> Self {
        Self {
            size: axis.size as usize,
            source: (axis.source / 8) as isize,
            destination: (axis.destination / 8) as isize,
        }
    }
}

/// A number of units, of any size, that are whole cache lines, if there are as many.
fn whole_lines(units: usize) -> usize {
    match units / LINE * LINE {
        0 => units,
        whole => whole,
    }
}

/// How planes of a mover are transposed.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    mover: &'a Mover,
    tiles: Tiles<'a>,
    /// Bytes of a unit in the source, the destination, and the smaller one of these, in which it is moved.
    source_unit: usize,
    destination_unit: usize,
    unit: usize,
}

impl<'a> Plane<'a> {
    /// Planes of the units of a mover that has [`Mover::unit_bits`].
    pub fn new(mover: &'a Mover) -> Self {
        let (source_unit, destination_unit) = mover.units();
        let tiles = Tiles::new(mover);
        Self {
            mover,
            tiles,
            source_unit,
            destination_unit,
            unit: tiles.unit(),
        }
    }

    /// Whether units that are in their places can be in the destination at once.
    fn is_direct(&self) -> bool {
        self.tiles.converts_first() && !self.mover.streams()
    }

    /// Steps of so many units each after which a destination that is streamed is where a line begins, if it ever is.
    fn lead(&self, to: *const u8, units: usize) -> usize {
        let step = units * self.destination_unit;
        let begins = |steps: &usize| prefetch::to_next_line(to.wrapping_add(steps * step)) == 0;
        match self.mover.streams() {
            true => (0..LINE).find(begins).unwrap_or(0),
            false => 0,
        }
    }

    /// Whether a few rows are woven together or taken apart.
    pub fn is_woven(&self, along: Axis, inner: Axis) -> bool {
        let (along, inner) = (Line::of(along), Line::of(inner));
        self.interleaves(along, inner) || self.separates(along, inner)
    }

    fn interleaves(&self, along: Line, inner: Line) -> bool {
        // A large unit is better moved to where it belongs at once than with its row.
        let large = self.unit >= LARGE && !self.is_joined(along, inner);
        inner.size <= FEW && along.source == self.source_unit as isize && !large
    }

    /// Whether rows of the destination follow each other.
    fn is_joined(&self, along: Line, inner: Line) -> bool {
        along.destination == (inner.size * self.destination_unit) as isize
    }

    fn separates(&self, along: Line, inner: Line) -> bool {
        along.size <= FEW
            && along.source == self.source_unit as isize
            && inner.source == (along.size * self.source_unit) as isize
    }

    /// Moves a plane: units are close to each other in the source along `along`, adjacent in the destination along `inner`.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, along: Axis, inner: Axis) {
        let (along, inner) = (Line::of(along), Line::of(inner));
        // SAFETY: the caller's promise.
        unsafe {
            if self.interleaves(along, inner) {
                self.interleave(from, to, along, inner);
            } else if self.separates(along, inner) {
                self.separate(from, to, along, inner);
            } else {
                self.tiles.run(from, to, along, inner);
            }
        }
    }

    /// A few runs of the source, woven into one of the destination: planar to interleaved.
    ///
    /// # Safety
    /// As for [`Plane::run`].
    unsafe fn interleave(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let (mut block, mut woven) = (Block::new(), Block::new());
        let most = whole_lines(BLOCK / (inner.size * self.unit));
        // Rows that follow each other are one.
        let joined = self.is_joined(along, inner);
        let direct = self.is_direct() && joined;
        let lead = match joined {
            true => self.lead(to, inner.size),
            false => 0,
        };
        let mut done = 0;
        while done < along.size {
            let count = stream::piece(done, lead, most, along.size);
            let from = from.wrapping_offset(done as isize * along.source);
            let to = to.wrapping_offset(done as isize * along.destination);
            // SAFETY: the caller's promise; both blocks hold as many units.
            unsafe {
                let target = match direct {
                    true => to,
                    false => woven.as_mut_ptr(),
                };
                if self.mover.converts() && self.tiles.converts_first() {
                    let run_bytes = count * self.unit;
                    let block = block.as_mut_ptr();
                    for i in 0..inner.size {
                        let run = from.wrapping_offset(i as isize * inner.source);
                        self.mover.adjacent(run, block.add(i * run_bytes), count);
                    }
                    let step = run_bytes as isize;
                    interleave(block, step, inner.size, self.unit, target, count);
                } else {
                    interleave(from, inner.source, inner.size, self.unit, target, count);
                }
                if !joined {
                    let from = (target.cast_const(), (inner.size * self.unit) as isize);
                    let to = (to, along.destination);
                    self.tiles.take_rows(from, to, count, inner.size);
                } else if !direct {
                    self.tiles.take(target, to, count * inner.size);
                }
            }
            done += count;
        }
    }

    /// One run of the source, taken apart into a few of the destination: interleaved to planar.
    ///
    /// # Safety
    /// As for [`Plane::run`]; the rows of the source follow each other.
    unsafe fn separate(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let (mut block, mut whole) = (Block::new(), Block::new());
        let converts = self.mover.converts() && self.tiles.converts_first();
        // What is converted first is a block of all rows, otherwise of each.
        let most = match converts {
            true => whole_lines(BLOCK / (along.size * self.unit)),
            false => BLOCK / self.unit,
        };
        let lead = self.lead(to, 1);
        let one = Loop { count: 1, step: 0 };
        let mut done = 0;
        while done < inner.size {
            let count = stream::piece(done, lead, most, inner.size);
            let from = from.wrapping_offset(done as isize * inner.source);
            let to = to.wrapping_offset(done as isize * inner.destination);
            let units = Loop {
                count,
                step: (along.size * self.unit) as isize,
            };
            // SAFETY: the caller's promise; both blocks hold as many units.
            unsafe {
                let from = if converts {
                    let whole = whole.as_mut_ptr();
                    self.mover.adjacent(from, whole, count * along.size);
                    whole.cast_const()
                } else {
                    from
                };
                for i in 0..along.size {
                    let from = from.add(i * self.unit);
                    let to = to.wrapping_offset(i as isize * along.destination);
                    if self.is_direct() {
                        gather(from, one, units, self.unit, to);
                    } else {
                        let block = block.as_mut_ptr();
                        gather(from, one, units, self.unit, block);
                        self.tiles.take(block, to, count);
                    }
                }
            }
            done += count;
        }
    }
}
