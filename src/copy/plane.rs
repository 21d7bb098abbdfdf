//! Planes: two loops of which one goes along the source's adjacent units and the other along the destination's.
//!
//! A plane goes by tiles. Runs of the source come in, a few at a time, are transposed in registers and gathered in the rows
//! of a tile; the rows go out in one piece each. So both sides are read and written in long runs, whatever the distance
//! between their rows. Units are transposed in whichever size is smaller, before or after the conversion.

use super::axes::Axis;
use super::block::{self, Aligned, BLOCK, Block};
use super::mover::Mover;
use super::prefetch::{self, LINE};
use super::stream;
use super::strided::{Loop, gather, interleave};
use super::transpose::{MOST_RUNS, SIDE, Transpose};
use crate::storage::{Allocation, DATA_ALIGNMENT};

/// Bytes that a row of a tile has in the destination: long enough for streams and for the processor's prefetching.
const ROW: usize = 1024;

/// Bytes of the source's runs that come in at a time.
const RUN: usize = 512;

/// Units of a run that is long enough to be converted by itself.
const LONG: usize = 32;

/// Bytes of a tile in memory that is allocated, and, if that fails or the plane is small, on the stack.
const TILE: usize = 72 << 10;
const SMALL_TILE: usize = 9 << 10;

/// Bytes that keep rows of a tile from falling into the same lines of the cache.
const PAD: usize = 64;

/// Planes whose two sides take as many bytes stay in the cache as they are, and need no tile.
const CACHED: usize = 128 << 10;

/// How many lines, so many bytes from one to the next, a first-level cache of eight ways of 4 KiB has places for: eight at least.
fn lines_held(distance: isize) -> usize {
    const WAYS: usize = 8;
    const WAY: u32 = 12;
    WAYS << (WAY - distance.trailing_zeros().clamp(LINE.trailing_zeros(), WAY))
}

/// One loop in units of each side's bytes.
#[derive(Clone, Copy)]
struct Line {
    size: usize,
    source: isize,
    destination: isize,
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
    transpose: Transpose,
    /// Bytes of a unit in the source, the destination, and while it is transposed.
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
            transpose: Transpose::of(unit),
            source_unit,
            destination_unit,
            unit,
        }
    }

    /// Whether units are converted on the way in.
    fn converts_first(&self) -> bool {
        self.destination_unit <= self.source_unit
    }

    /// Moves a plane: units are close to each other in the source along `along`, adjacent in the destination along `inner`.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, along: Axis, inner: Axis) {
        let (along, inner) = (Line::of(along), Line::of(inner));
        let dense_in = along.source == self.source_unit as isize;
        // SAFETY: the caller's promise.
        unsafe {
            if inner.size <= 4
                && dense_in
                && along.destination == (inner.size * self.destination_unit) as isize
            {
                self.interleave(from, to, along, inner);
            } else if along.size <= 4
                && dense_in
                && inner.source == (along.size * self.source_unit) as isize
            {
                self.separate(from, to, along, inner);
            } else {
                self.tiles(from, to, along, inner);
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

    /// Tile by tile.
    ///
    /// # Safety
    /// As for [`Plane::run`].
    unsafe fn tiles(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let bytes = along
            .size
            .saturating_mul(inner.size)
            .saturating_mul(self.source_unit + self.destination_unit);
        // SAFETY: the caller's promise.
        unsafe {
            if bytes <= CACHED && self.converts_first() {
                // Rows of the destination are the rows of the tile.
                self.bring(from, (to, along.destination), along, inner);
                return;
            }
            let mut small = Aligned::<SMALL_TILE>::new();
            let scratch = match bytes {
                ..=CACHED => None,
                _ => Allocation::new(TILE, DATA_ALIGNMENT).ok(),
            };
            let (tile, tile_bytes) = match &scratch {
                Some(scratch) => (scratch.start().as_ptr(), TILE),
                None => (small.as_mut_ptr(), SMALL_TILE),
            };
            // Rows, which are units of a run of the source, and units of a row. Few rows may be longer.
            let most = RUN / self.source_unit;
            let rows = most.min(along.size.next_multiple_of(SIDE));
            let row_bytes = ROW * (most / rows).clamp(1, 4);
            // A side of squares fits in any case.
            let fit = (tile_bytes / SIDE - 2 * PAD) / self.unit / SIDE * SIDE;
            let columns = (row_bytes / self.destination_unit).min(fit);
            let columns = columns.min(inner.size.next_multiple_of(SIDE));
            let pitch = (columns * self.unit).next_multiple_of(PAD) + PAD;
            // Whole lines of the source, and whole squares.
            let line = (LINE / self.source_unit).max(SIDE);
            let rows = rows.min((tile_bytes / pitch / line * line).max(SIDE));
            let mut row = 0;
            while row < along.size {
                let row_count = rows.min(along.size - row);
                let mut column = 0;
                while column < inner.size {
                    let column_count = columns.min(inner.size - column);
                    let tile_along = Line {
                        size: row_count,
                        ..along
                    };
                    let tile_inner = Line {
                        size: column_count,
                        ..inner
                    };
                    let (row_offset, column_offset) = (row as isize, column as isize);
                    let from = from
                        .wrapping_offset(row_offset * along.source + column_offset * inner.source);
                    let to = to.wrapping_offset(
                        row_offset * along.destination + column_offset * inner.destination,
                    );
                    self.bring(from, (tile, pitch as isize), tile_along, tile_inner);
                    for i in 0..row_count {
                        let from = tile.add(i * pitch);
                        let to = to.wrapping_offset(i as isize * along.destination);
                        self.take(from, to, column_count);
                    }
                    column += column_count;
                }
                row += row_count;
            }
        }
    }

    /// Transposes runs of the source to the rows of a tile, converted if that is done first.
    ///
    /// # Safety
    /// As for [`Plane::run`]; the tile has room for as many rows and columns.
    unsafe fn bring(
        &self,
        from: *const u8,
        (tile, pitch): (*mut u8, isize),
        along: Line,
        inner: Line,
    ) {
        let dense = along.source == self.source_unit as isize;
        let direct = dense && !(self.mover.converts() && self.converts_first());
        let (mut runs, mut gathered) = (
            Aligned::<{ MOST_RUNS * RUN }>::new(),
            Aligned::<{ MOST_RUNS * RUN }>::new(),
        );
        let (runs, gathered) = (runs.as_mut_ptr(), gathered.as_mut_ptr());
        let most = RUN / self.source_unit;
        // Runs that are read by pieces, or asked for in time, must stay in the cache together.
        let step = match direct || self.mover.streams() {
            true => self.transpose.runs().min(lines_held(inner.source)),
            false => self.transpose.runs(),
        };
        let mut row = 0;
        // SAFETY: the caller's promise; the blocks hold as many runs.
        unsafe {
            while row < along.size {
                let row_count = most.min(along.size - row);
                let run_bytes = row_count * self.source_unit;
                let units = Loop {
                    count: row_count,
                    step: along.source,
                };
                let from = from.wrapping_offset(row as isize * along.source);
                let tile = tile.wrapping_offset(row as isize * pitch);
                let mut column = 0;
                while column < inner.size {
                    let column_count = step.min(inner.size - column);
                    if self.mover.streams() && run_bytes >= LINE {
                        // So much comes from memory: the next runs are asked for in time.
                        let next = from.wrapping_offset((column + step) as isize * inner.source);
                        prefetch::runs(next, inner.source, step, along.source, row_count);
                    }
                    let from = from.wrapping_offset(column as isize * inner.source);
                    let tile = tile.wrapping_add(column * self.unit);
                    let source = if direct {
                        (from, inner.source)
                    } else {
                        let columns = Loop {
                            count: column_count,
                            step: inner.source,
                        };
                        let converts = self.converts_first() && self.mover.converts();
                        if converts && dense && row_count >= LONG {
                            for i in 0..column_count {
                                let from = from.wrapping_offset(i as isize * inner.source);
                                let run = runs.add(i * row_count * self.unit);
                                self.mover.adjacent(from, run, row_count);
                            }
                            let source = (runs.cast_const(), (row_count * self.unit) as isize);
                            self.transpose
                                .run(source, (tile, pitch), column_count, row_count);
                            column += column_count;
                            continue;
                        }
                        let source = if dense && inner.source == run_bytes as isize {
                            from
                        } else {
                            gather(from, columns, units, self.source_unit, gathered);
                            gathered.cast_const()
                        };
                        if converts {
                            self.mover.adjacent(source, runs, column_count * row_count);
                            (runs.cast_const(), (row_count * self.unit) as isize)
                        } else {
                            (source, run_bytes as isize)
                        }
                    };
                    self.transpose
                        .run(source, (tile, pitch), column_count, row_count);
                    column += column_count;
                }
                row += row_count;
            }
        }
    }

    /// Takes a row of a tile to the destination, converted if that is done last.
    ///
    /// # Safety
    /// As for [`Plane::run`].
    #[inline(always)]
    unsafe fn take(&self, from: *const u8, to: *mut u8, count: usize) {
        let bytes = count * self.destination_unit;
        let streams = self.mover.streams() && bytes >= 2 * LINE;
        // SAFETY: the caller's promise.
        unsafe {
            match (self.converts_first(), streams) {
                (true, true) => stream::write(from, to, bytes),
                (true, false) => block::copy(from, to, bytes),
                (false, false) => self.mover.adjacent(from, to, count),
                (false, true) => {
                    let mut block = Block::new();
                    let block = block.as_mut_ptr();
                    let most = 512 / self.destination_unit;
                    let mut done = 0;
                    while done < count {
                        let len = most.min(count - done);
                        self.mover.adjacent(from.add(done * self.unit), block, len);
                        let to = to.add(done * self.destination_unit);
                        stream::write(block, to, len * self.destination_unit);
                        done += len;
                    }
                }
            }
        }
    }
}
