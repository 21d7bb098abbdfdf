//! Planes by tiles: both sides are read and written in long runs, whatever the distance between their rows.
//!
//! Runs of the source come in, a few at a time, and are transposed in registers. Where the columns of registers are lines of the
//! destination, they go there at once. Elsewhere they are gathered in the rows of a tile, and these go out in one piece each;
//! then units are transposed in whichever size is smaller, before or after the conversion.

mod many_runs;
mod runs;
mod together;

use super::block::{self, Block};
use super::mover::{LONG_ROW, Mover};
use super::plane::Line;
use super::scratch::{PAD, Scratch, Small};
use super::sheet::Sheet;
use super::stream;
use super::strided::{Loop, Step, move_blocks};
use super::transpose::{SIDE, Transpose};
use crate::caches;
use crate::prefetch::{self, LINE};
use core::ops::RangeInclusive;
pub use many_runs::FEW_PLACES;
use runs::Bring;
pub use runs::lines_held;
pub use together::{PLANE, Planes, PlanesBlock, Together};

/// Bytes that a row of a tile has in the destination: long enough for the processor's prefetching.
const ROW: usize = 1024;

/// The same where rows are streamed: as long as the runs, of which a tile then holds as many as come in at a time.
const STREAMED_ROW: usize = 512;

/// The same where rows are converted on their way there, in near caches, of large elements; and units of such rows that are whole in a
/// tile, wherever it is possible: the longer they are, the less it takes to convert them.
const LARGE_ROW: usize = 4096;
const WHOLE_ROW: usize = 1024;

/// Bytes of a row of the destination that is short: several had better go there at a time.
const SHORT_ROW: usize = 2 * LINE;

/// Bytes of the source's runs that come in at a time.
const RUN: usize = 512;

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

/// Most bytes of runs that come in at a time for a tile, so that they and the next ones stay in the first-level cache.
const RUNS: usize = 16 << 10;

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

/// Those whose two sides take no more are so near that rows leave a tile without asking for the lines of the next ones.
const UNASKED: usize = 256 << 10;

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
                return self.bring_many(from, to, along, inner);
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
            let how = Bring {
                lead,
                head,
                streams: true,
                asks: true,
                ..converted.bring_by(RUN)
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

    /// Tile by tile.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    unsafe fn by_tiles(
        &self,
        from: *const u8,
        to: *mut u8,
        along: Line,
        inner: Line,
        bytes: usize,
        near: bool,
    ) {
        let how = self.bring_by(self.run_bytes(along));
        // Asking for more runs than the cache holds costs more than it saves, but where reading is most of the work.
        let held = lines_held(inner.source) >= how.runs || self.source_unit >= LARGE;
        let how = Bring {
            asks: self.mover.streams() || !near && held && self.asks(),
            ..how
        };
        let mut small = Small::new();
        let mut scratch = match bytes {
            ..=SMALL => Scratch::small(&mut small),
            _ => Scratch::large(&mut small),
        };
        let (tile, tile_bytes) = scratch.tile();
        // Rows, which are units of a run of the source, and units of a row. Few rows may be longer.
        let rows = how.most.min(along.size.next_multiple_of(SIDE));
        let row_bytes = match self.mover.streams() {
            true => STREAMED_ROW,
            false => ROW,
        };
        let row_bytes = row_bytes * (how.most / rows).clamp(1, 2);
        let longer = !self.converts_first && !self.mover.streams() && !caches::last_level_is_far();
        let row = match longer {
            true if inner.size <= WHOLE_ROW => inner.size.next_multiple_of(SIDE),
            true if self.destination_unit >= LARGE => LARGE_ROW / self.destination_unit,
            _ => row_bytes / self.destination_unit,
        };
        // A side of squares fits in any case.
        let fit = (tile_bytes / SIDE - 2 * PAD) / self.unit / SIDE * SIDE;
        let columns = row.min(fit).min(inner.size.next_multiple_of(SIDE));
        // Rows of the destination that follow each other follow each other in the tile as well, and go out in one piece.
        let joined = columns >= inner.size
            && along.destination == (inner.size * self.destination_unit) as isize;
        let pitch = match joined {
            true => inner.size * self.unit,
            false => (columns * self.unit).next_multiple_of(PAD) + PAD,
        };
        // Whole lines of the source, and whole squares.
        let line = (LINE / self.source_unit).max(SIDE);
        let rows = rows.min((tile_bytes / pitch / line * line).max(SIDE));
        let runs = match how.runs * rows * self.source_unit > RUNS {
            true => (how.runs / 2).max(SIDE),
            false => how.runs,
        };
        let how = Bring { runs, ..how };
        // Streams are of whole lines. Those that begin in a tile and end in the next one are left to that, which begins earlier.
        let unit = self.destination_unit;
        let whole = self.mover.streams() && stream::is_aligned(to, unit);
        let shared = match along.destination % LINE as isize == 0 && prefetch::to_next_line(to) == 0
        {
            false if whole && columns >= 2 * (LINE / unit) => LINE / unit,
            _ => 0,
        };
        // Short rows are whole in a tile, and go out several at a time.
        let short = columns >= inner.size
            && match self.converts_first() {
                true => inner.size * unit < SHORT_ROW,
                false => inner.size < LONG_ROW,
            };
        let asks_to_write = self.asks() && !self.mover.streams() && bytes > UNASKED;
        let to_line = |at: *const u8| match shared {
            0 => 0,
            _ => prefetch::to_next_line(at) / unit,
        };
        let mut row = 0;
        while row < along.size {
            let row_count = rows.min(along.size - row);
            let mut column = 0;
            while column < inner.size {
                let column_count = columns.min(inner.size - column);
                let next = match column + column_count == inner.size {
                    true => column_count,
                    false => column_count - shared,
                };
                let tile_along = Line {
                    size: row_count,
                    ..along
                };
                let tile_inner = Line {
                    size: column_count,
                    ..inner
                };
                let (from, to) = place((from, to), (along, row), (inner, column));
                // SAFETY: the caller's promise; the tile has room for these rows and columns.
                unsafe {
                    let rows = (tile, pitch as isize);
                    self.bring(from, rows, tile_along, tile_inner, how);
                    if joined {
                        self.take(tile, to, row_count * column_count);
                        break;
                    }
                    if short {
                        let (from, to) =
                            ((tile.cast_const(), pitch as isize), (to, along.destination));
                        self.take_rows(from, to, row_count, column_count);
                        column += next;
                        continue;
                    }
                    for i in 0..row_count {
                        let to = to.wrapping_offset(i as isize * along.destination);
                        let first = if column == 0 { 0 } else { to_line(to) };
                        let end = match next == column_count {
                            true => next,
                            false => next + to_line(to.wrapping_add(next * unit)),
                        };
                        let from = tile.add(i * pitch + first * self.unit);
                        let to = to.wrapping_add(first * unit);
                        if asks_to_write && i + 1 < row_count {
                            let next = to.wrapping_offset(along.destination);
                            prefetch::bytes_to_write(next, (end - first) * unit);
                        }
                        self.take(from, to, end - first);
                    }
                }
                column += next;
            }
            row += row_count;
        }
    }

    /// Takes short rows of a tile to the destination, several at a time.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    pub unsafe fn take_rows(
        &self,
        (from, pitch): (*const u8, isize),
        (to, step): Rows,
        rows: usize,
        units: usize,
    ) {
        let sheet = |first, step, unit: usize| Sheet {
            first,
            rows: Loop { count: rows, step },
            units: Loop {
                count: units,
                step: unit as isize,
            },
        };
        let target = sheet(to.cast_const(), step, self.destination_unit);
        // SAFETY: the caller's promise.
        unsafe { self.last().rows(sheet(from, pitch, self.unit), target) }
    }

    /// Takes rows of a tile to the places that each has in the destination.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    pub unsafe fn take_each(
        &self,
        (from, pitch): (*const u8, isize),
        (to, places): (*mut u8, &[isize]),
        units: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.converts_first() && !self.mover.streams() {
                let bytes = units * self.destination_unit;
                return move_blocks((from, Step(pitch)), (to, places), places.len(), bytes);
            }
            for (i, place) in places.iter().enumerate() {
                let from = from.wrapping_offset(i as isize * pitch);
                self.take(from, to.wrapping_offset(*place), units);
            }
        }
    }

    /// What moves units from the source to a tile.
    fn first(&self) -> Mover {
        match self.converts_first() {
            true => *self.mover,
            false => self.mover.unconverted(),
        }
    }

    /// What moves units from a tile to the destination.
    #[inline(always)]
    fn last(&self) -> Mover {
        match self.converts_first() {
            true => self.mover.converted(),
            false => *self.mover,
        }
    }

    /// Takes a row of a tile to the destination, converted if that is done last.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    #[inline(always)]
    pub unsafe fn take(&self, from: *const u8, to: *mut u8, count: usize) {
        let bytes = count * self.destination_unit;
        let long = bytes >= self.last().streamed_row() || stream::are_lines(to, 0, bytes);
        let streams = self.mover.streams() && long;
        // SAFETY: the caller's promise.
        unsafe {
            match (self.converts_first(), streams) {
                (true, true) => stream::write(from, to, bytes),
                (true, false) => block::copy(from, to, bytes),
                (false, false) => self.mover.adjacent(from, to, count),
                (false, true) => {
                    let mut block = Block::new();
                    let block = block.as_mut_ptr();
                    let most = STREAMED_ROW / self.destination_unit;
                    let to_line = prefetch::to_next_line(to) / self.destination_unit;
                    let mut done = 0;
                    while done < count {
                        let len = stream::piece(done, to_line, most, count);
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
