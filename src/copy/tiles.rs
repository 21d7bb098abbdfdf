//! Planes by tiles: both sides are read and written in long runs, whatever the distance between their rows.
//!
//! Runs of the source come in, a few at a time, and are transposed in registers. Where the columns of registers are lines of the
//! destination, they go there at once. Elsewhere they are gathered in the rows of a tile, and these go out in one piece each;
//! then units are transposed in whichever size is smaller, before or after the conversion.

mod many_runs;
mod quarters;
mod runs;
mod tile;
mod together;

use super::mover::Mover;
use super::plane::Line;
use super::stream;
use super::transpose::{SIDE, Transpose};
use crate::caches;
use crate::prefetch::{self, LINE};
use core::ops::RangeInclusive;
pub use many_runs::{FEW_PLACES, FEWEST_PLACES};
use runs::Bring;
pub use runs::lines_held;
pub use together::{PLANE, Planes, PlanesBlock, Together, pitch};

/// Bytes that a row of a tile has in the destination: long enough for the processor's prefetching.
const ROW: usize = 1024;

/// The same where rows are streamed: as long as the runs, of which a tile then holds as many as come in at a time.
const STREAMED_ROW: usize = 512;

/// Bytes of the source's runs that come in at a time.
const RUN: usize = 512;

/// The same where they become larger, but for those of bytes, and are streamed.
const RUN_THAT_GROWS: usize = 256;

/// The same where they are converted on the way, if nothing is asked for: the processor follows what is longer.
const CONVERTED_RUN: usize = 1024;

/// Most units of those.
const CONVERTED_UNITS: usize = 256;

/// Bytes of runs that are read by pieces, if nothing is asked for.
const PIECES_RUN: usize = 256;

/// The same where lines of the destination are asked for: so few that those are still at hand when their neighbours follow.
const SHORT_RUN: usize = 128;

/// Runs that are read by pieces wherever they lie, since the second-level cache is near enough for what the first does not hold.
const FEW_RUNS: usize = 16;

/// Rows of bytes from which pieces are whole lines of them.
const FEW_ROWS: usize = 16;

/// Bytes of a unit that is large: runs have few of them.
pub const LARGE: usize = 8;

/// Bytes of units that are larger. Of smaller ones a line takes many runs.
const LARGER: RangeInclusive<usize> = 4..=LARGE;

/// So many rows, written side by side, are followed by the processor itself.
const FOLLOWED: usize = 32;

/// Planes whose two sides take no more bytes are in the first-level cache, where lines need not be asked for.
const NEAREST: usize = 64 << 10;

/// Planes whose two sides take as many do with the tile on the stack.
const SMALL: usize = 128 << 10;

/// Bytes from the first to the last row or column of a plane that is near: it has most pages, and what the processor fetches in
/// advance, to itself.
const NEAR: usize = 640 << 10;

/// Whether a plane whose two sides take so many bytes stays in the second-level cache as it is, and needs no tile.
fn is_cached(bytes: usize) -> bool {
    bytes <= caches::second_level()
}

/// Where a unit of a plane is on both sides, so many steps along each of its lines.
fn place(
    (from, to): (*const u8, *mut u8),
    (along, row): (Line, usize),
    (inner, column): (Line, usize),
) -> (*const u8, *mut u8) {
    let offset = |rows: isize, columns: isize| row as isize * rows + column as isize * columns;
    (
        from.wrapping_offset(offset(along.source, inner.source)),
        to.wrapping_offset(offset(along.destination, inner.destination)),
    )
}

/// Runs of rows: the first unit, and the bytes from one row to the next.
type Rows = (*mut u8, isize);

/// How units of a mover are transposed by tiles.
#[derive(Clone, Copy)]
pub struct Tiles<'a> {
    mover: &'a Mover,
    transpose: Transpose,
    /// Bytes of a unit in the source, the destination, and while it is transposed.
    source_unit: usize,
    destination_unit: usize,
    unit: usize,
    converts_first: bool,
}

impl<'a> Tiles<'a> {
    /// Tiles of the units of a mover that has [`Mover::unit_bits`].
    pub fn new(mover: &'a Mover) -> Self {
        let (source_unit, destination_unit) = mover.units();
        let unit = source_unit.min(destination_unit);
        Self {
            mover,
            transpose: Transpose::of(unit),
            source_unit,
            destination_unit,
            unit,
            converts_first: unit == destination_unit,
        }
    }

    /// The same, but for units that are converted on the way out, even if that is where they are smaller.
    pub fn converting_last(mover: &'a Mover) -> Self {
        let (source_unit, _) = mover.units();
        Self {
            transpose: Transpose::of(source_unit),
            unit: source_unit,
            converts_first: !mover.converts(),
            ..Self::new(mover)
        }
    }

    /// Bytes of a unit while it is transposed, and how that is done.
    pub fn unit(&self) -> usize {
        self.unit
    }

    pub fn transpose(&self) -> Transpose {
        self.transpose
    }

    /// Whether units change on the way.
    pub fn converts(&self) -> bool {
        self.mover.converts()
    }

    /// Whether units are converted on the way in.
    pub fn converts_first(&self) -> bool {
        self.converts_first
    }

    /// Whether it pays to ask for lines.
    fn asks(&self) -> bool {
        caches::last_level_is_far() || self.mover.is_far()
    }

    /// Moves a plane: units are close to each other in the source along `along`, adjacent in the destination along `inner`.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let bytes = along
            .size
            .saturating_mul(inner.size)
            .saturating_mul(self.source_unit + self.destination_unit);
        let rows = (to, along.destination);
        // Planes of few bytes that are far from each other are in different lines than the planes before.
        let span = |line: isize, size: usize| line.unsigned_abs().saturating_mul(size);
        let near = span(along.destination, along.size) <= NEAR
            && span(inner.source, inner.size) <= NEAR
            && !(self.mover.streams() && self.has_streams(to, along, inner));
        // SAFETY: the caller's promise. Rows of the destination are the rows of the tile.
        unsafe {
            if self.takes_many_runs(to, along, inner, bytes) {
                return match self.by_quarters(along, inner) {
                    Some((tiles, quarters)) => {
                        tiles.bring_quarters(quarters, from, to, along, inner)
                    }
                    None => self.bring_many(from, to, along, inner),
                };
            }
            if self.loses_parts(along) {
                return self.by_tiles(from, to, along, inner, bytes, near);
            }
            if near && self.converts_first() && is_cached(bytes) {
                if self.mover.is_far() && bytes < SMALL {
                    // In their order they come sooner than by columns.
                    let row = inner.size * self.destination_unit;
                    prefetch::rows_to_write(to, along.destination, row, along.size);
                }
                let first = self.first_line(to, along, inner);
                // Columns that are no lines had better be parts of them: few are in two then. But fewer runs of what is converted come at
                // a time, if units are not large.
                let parts = match self.mover.converts() {
                    true => self.unit == LARGE,
                    false => LARGER.contains(&self.unit),
                };
                let tiles = match parts && first.is_none() && bytes > NEAREST {
                    true => Self {
                        transpose: Transpose::by_parts(self.unit),
                        ..*self
                    },
                    false => *self,
                };
                let how = tiles.bring_by(RUN);
                // Lines that are asked for stay in the cache until their turn. Whole ones are written without waiting.
                let held = how.most.min(along.size) <= lines_held(along.destination);
                let waits = first.is_none() && along.size > FOLLOWED;
                let how = Bring {
                    head: first.unwrap_or(0),
                    asks_to_write: self.asks()
                        && bytes > NEAREST
                        && held
                        && waits
                        && LARGER.contains(&self.unit),
                    ..how
                };
                return tiles.bring(from, rows, along, inner, how);
            }
            if let Some((tiles, how)) = self.by_lines(from, to, along, inner) {
                return tiles.bring(from, rows, along, inner, how);
            }
            self.by_tiles(from, to, along, inner, bytes, near);
        }
    }

    /// Whether rows are written by parts of lines, and the first-level cache loses these before the next part comes: bytes, in fewer rows than
    /// pieces of whole lines have.
    fn loses_parts(&self, along: Line) -> bool {
        self.unit == 1 && along.size < FEW_ROWS && along.size > lines_held(along.destination)
    }

    /// The same where the lines of runs are not held together: each had better be met once.
    fn by_whole_lines(self) -> Self {
        Self {
            transpose: Transpose::by_whole_lines(self.unit),
            ..self
        }
    }

    /// Whether units are converted on the way in, and need not be gathered for that.
    fn converts_adjacent(&self, along: Line) -> bool {
        let dense = along.source == self.source_unit as isize;
        dense && self.converts_first() && self.mover.converts()
    }

    /// Bytes of runs that come in at a time by way of a block or to a tile.
    fn run_bytes(&self, along: Line) -> usize {
        match self.converts_adjacent(along) && !self.asks() {
            true => CONVERTED_RUN.min(CONVERTED_UNITS * self.source_unit),
            false => RUN,
        }
        .max(RUN)
    }

    /// Whether rows of the destination are streams but for a little at their ends.
    fn has_streams(&self, to: *const u8, along: Line, inner: Line) -> bool {
        let row = inner.size * self.destination_unit;
        row >= ROW
            || along.destination == row as isize
            || stream::are_lines(to, along.destination, row)
    }

    /// How a plane is brought to lines of its destination, without a tile, if it can be.
    fn by_lines(
        &self,
        from: *const u8,
        to: *mut u8,
        along: Line,
        inner: Line,
    ) -> Option<(Self, Bring)> {
        if !self.transpose.makes_lines() {
            return None;
        }
        let first = self.first_line(to, along, inner);
        let (has_lines, head) = (first.is_some(), first.unwrap_or(0));
        let lead = self.first_line_read(from, along, inner);
        // Rows that are neither lines nor long are not streamed anyway. Of bytes a line takes too many runs.
        let row = (inner.size * self.destination_unit) as isize;
        let held = self.mover.converts() || lines_held(inner.source) >= self.transpose.runs();
        let parts =
            row < STREAMED_ROW as isize && !has_lines && along.destination != row && self.unit > 1;
        if self.mover.streams() && !parts {
            let converted = Self {
                transpose: Transpose::of(self.destination_unit),
                unit: self.destination_unit,
                converts_first: true,
                ..*self
            };
            let run = match 1 < self.source_unit && self.source_unit < self.destination_unit {
                true => RUN_THAT_GROWS,
                false => RUN,
            };
            let how = Bring {
                lead,
                head,
                streams: true,
                asks: true,
                ..converted.bring_by(run)
            };
            // Of short rows, too much is in lines that are not whole.
            let whole = head == 0 || inner.size * self.destination_unit >= ROW;
            let tiles = match held {
                true => converted,
                false => converted.by_whole_lines(),
            };
            return (has_lines && whole).then_some((tiles, how));
        }
        let direct = !self.mover.converts() && self.transpose.runs() <= FEW_RUNS;
        // A few rows that lie side by side are followed by the processor itself.
        let few = along.size <= FOLLOWED;
        let joined = inner.source == (along.size * self.source_unit) as isize;
        let run = match direct {
            true if self.asks() => SHORT_RUN,
            true if !held => LINE,
            true => PIECES_RUN,
            false => self.run_bytes(along),
        };
        let tiles = match held {
            true => *self,
            false => self.by_whole_lines(),
        };
        let how = Bring {
            lead,
            head,
            asks: !(few && joined) && self.asks(),
            asks_to_write: !few && self.asks(),
            ..self.bring_by(run)
        };
        self.converts_first().then_some((tiles, how))
    }

    /// How many columns come before those that are lines, if there are some in all rows.
    fn first_line(&self, to: *const u8, along: Line, inner: Line) -> Option<usize> {
        let head = prefetch::to_next_line(to);
        let has_lines = head.is_multiple_of(self.destination_unit)
            && along.destination % LINE as isize == 0
            && inner.size * self.destination_unit >= 2 * LINE;
        has_lines.then(|| head / self.destination_unit)
    }

    /// How many units of runs come before those that begin a line of the source, if they do in all. Short runs are read at once, wherever
    /// their lines begin.
    fn first_line_read(&self, from: *const u8, along: Line, inner: Line) -> usize {
        match along.source == self.source_unit as isize
            && along.size * self.source_unit > RUN
            && inner.source % LINE as isize == 0
            && stream::is_aligned(from, self.source_unit)
        {
            true => prefetch::to_next_line(from) / self.source_unit,
            false => 0,
        }
    }

    /// By runs of as many bytes, and nothing else.
    fn bring_by(&self, run: usize) -> Bring {
        Bring {
            most: run / self.source_unit,
            runs: self.transpose.runs(),
            lead: 0,
            head: 0,
            streams: false,
            asks: false,
            asks_to_write: false,
        }
    }
}
