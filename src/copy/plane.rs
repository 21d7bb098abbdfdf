//! Planes: two loops of which one goes along the source's adjacent units and the other along the destination's.
//!
//! A few rows are woven together or taken apart, as those of images are; others go by [`tiles`](super::tiles).

use super::axes::Axis;
use super::block::{BLOCK, Block};
use super::mover::Mover;
use super::strided::{Loop, gather, interleave};
use super::tiles::Tiles;

/// Rows that are woven together or taken apart.
const FEW: usize = 4;

/// One loop in units of each side's bytes.
#[derive(Clone, Copy)]
pub struct Line {
    pub size: usize,
    pub source: isize,
    pub destination: isize,
}

impl Line {
    fn of(axis: Axis) -> Self {
        Self {
            size: axis.size as usize,
            source: (axis.source / 8) as isize,
            destination: (axis.destination / 8) as isize,
        }
    }
}

/// How planes of a mover are transposed.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    mover: &'a Mover,
    tiles: Tiles<'a>,
    /// Bytes of a unit in the source, the destination, and the smaller one of these.
    source_unit: usize,
    destination_unit: usize,
    unit: usize,
}

impl<'a> Plane<'a> {
    /// Planes of the units of a mover that has [`Mover::unit_bits`].
    pub fn new(mover: &'a Mover) -> Self {
        let (source_unit, destination_unit) = mover.units();
        let unit = source_unit.min(destination_unit);
        Self {
            mover,
            tiles: Tiles::new(mover),
            source_unit,
            destination_unit,
            unit,
        }
    }

    /// Whether units are converted on the way in.
    fn converts_first(&self) -> bool {
        self.destination_unit <= self.source_unit
    }

    /// Whether a few rows are woven together or taken apart.
    pub fn is_woven(&self, along: Axis, inner: Axis) -> bool {
        let (along, inner) = (Line::of(along), Line::of(inner));
        self.interleaves(along, inner) || self.separates(along, inner)
    }

    fn interleaves(&self, along: Line, inner: Line) -> bool {
        inner.size <= FEW
            && along.source == self.source_unit as isize
            && along.destination == (inner.size * self.destination_unit) as isize
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
    /// As for [`Plane::run`]; the rows of the destination follow each other.
    unsafe fn interleave(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let (mut block, mut woven) = (Block::new(), Block::new());
        let most = BLOCK / (inner.size * self.unit);
        let mut done = 0;
        while done < along.size {
            let count = most.min(along.size - done);
            let from = from.wrapping_offset(done as isize * along.source);
            let to = to.wrapping_offset(done as isize * along.destination);
            // SAFETY: the caller's promise; both blocks hold as many units.
            unsafe {
                if self.source_unit == self.destination_unit && !self.mover.converts() {
                    interleave(from, inner.source, inner.size, self.unit, to, count);
                } else if self.converts_first() {
                    let run_bytes = count * self.unit;
                    for i in 0..inner.size {
                        let run = from.wrapping_offset(i as isize * inner.source);
                        let block = block.as_mut_ptr().add(i * run_bytes);
                        self.mover.adjacent(run, block, count);
                    }
                    let runs = inner.size;
                    let block = block.as_mut_ptr();
                    interleave(block, run_bytes as isize, runs, self.unit, to, count);
                } else {
                    let woven = woven.as_mut_ptr();
                    interleave(from, inner.source, inner.size, self.unit, woven, count);
                    self.mover.adjacent(woven, to, count * inner.size);
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
        let most = BLOCK / (along.size * self.unit);
        let one = Loop { count: 1, step: 0 };
        let mut done = 0;
        while done < inner.size {
            let count = most.min(inner.size - done);
            let from = from.wrapping_offset(done as isize * inner.source);
            let to = to.wrapping_offset(done as isize * inner.destination);
            let units = Loop {
                count,
                step: (along.size * self.unit) as isize,
            };
            // SAFETY: the caller's promise; both blocks hold as many units.
            unsafe {
                let from = if self.mover.converts() && self.converts_first() {
                    let whole = whole.as_mut_ptr();
                    self.mover.adjacent(from, whole, count * along.size);
                    whole.cast_const()
                } else {
                    from
                };
                for i in 0..along.size {
                    let from = from.add(i * self.unit);
                    let to = to.wrapping_offset(i as isize * along.destination);
                    if self.converts_first() {
                        gather(from, one, units, self.unit, to);
                    } else {
                        let block = block.as_mut_ptr();
                        gather(from, one, units, self.unit, block);
                        self.mover.adjacent(block, to, count);
                    }
                }
            }
            done += count;
        }
    }
}
