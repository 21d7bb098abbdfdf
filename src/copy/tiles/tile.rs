//! Tile by tile: runs come to the rows of a tile, and those go out in one piece each, or several at a time.

use super::*;
use crate::copy::block::{self, Block};
use crate::copy::mover::LONG_ROW;
use crate::copy::places::{Step, move_blocks};
use crate::copy::scratch::{LARGE_TILE, PAD, Scratch, Small, TILE};
use crate::copy::sheet::Sheet;
use crate::copy::strided::Loop;

/// Bytes that a row of large elements has in the destination, if it is converted on its way there, in near caches; and units of such rows
/// that are whole in a tile, wherever it is possible: the longer they are, the less it takes to convert them.
const LARGE_ROW: usize = 4096;
const WHOLE_ROW: usize = 1024;

/// Most bytes of rows that are streamed whole, several at a time, where they do not go from registers to lines.
const STREAMED_WHOLE: usize = 4096;

/// Bytes of a row of the destination that is short: several had better go there at a time.
const SHORT_ROW: usize = 2 * LINE;

/// Most bytes of runs that come in at a time for a tile, so that they and the next ones stay in the first-level cache.
const RUNS: usize = 16 << 10;

/// Planes whose two sides take no more bytes are so near that rows leave a tile without asking for the lines of the next ones.
const UNASKED: usize = 256 << 10;

impl Tiles<'_> {
    /// Tile by tile.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    pub(super) unsafe fn by_tiles(
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
        let whole_row = self.streams_whole_rows(along, inner);
        // Rows, which are units of a run of the source, and units of a row. Few rows may be longer.
        let rows = how.most.min(along.size.next_multiple_of(SIDE));
        // Where a tile of those is large, lines of the source had better be read one at a time.
        let by_lines =
            whole_row.is_some() && self.source_unit < LARGE && rows * inner.size * self.unit > TILE;
        let rows = if by_lines {
            rows.min(LINE / self.source_unit)
        } else {
            rows
        };
        let row_bytes = match whole_row {
            Some(row) => row,
            None if self.mover.streams() && !self.streams_near() => STREAMED_ROW,
            None => ROW,
        };
        let row_bytes = row_bytes * (how.most / rows).clamp(1, 2);
        let longer = !self.converts_first && !self.mover.streams() && !caches::last_level_is_far();
        let row = match longer {
            true if inner.size <= WHOLE_ROW => inner.size.next_multiple_of(SIDE),
            true if self.destination_unit >= LARGE => LARGE_ROW / self.destination_unit,
            _ => row_bytes / self.destination_unit,
        };
        let mut small = Small::new();
        let mut scratch = match bytes {
            ..=SMALL => Scratch::small(&mut small),
            _ if self.streams_near() && rows * row.min(inner.size) * self.unit > TILE => {
                Scratch::of(LARGE_TILE, &mut small)
            }
            _ => Scratch::large(&mut small),
        };
        let (tile, tile_bytes) = scratch.tile();
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
                        self.take_row(from, to, end - first);
                    }
                }
                column += next;
            }
            row += row_count;
        }
    }

    /// The bytes of a row of the destination, if rows follow each other and go from a tile as one stream.
    fn streams_whole_rows(&self, along: Line, inner: Line) -> Option<usize> {
        let row = inner.size * self.destination_unit;
        let whole = row <= STREAMED_WHOLE && along.destination == row as isize;
        (whole && self.streams_near()).then_some(row)
    }

    /// Whether the destination is streamed where the last-level cache is near.
    fn streams_near(&self) -> bool {
        self.mover.streams() && !caches::last_level_is_far()
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
    pub fn first(&self) -> Mover {
        match self.converts_first() {
            true => *self.mover,
            false => self.mover.unconverted(),
        }
    }

    /// What moves units from a tile to the destination.
    #[inline(always)]
    pub(super) fn last(&self) -> Mover {
        match self.converts_first() {
            true => self.mover.converted(),
            false => *self.mover,
        }
    }

    /// Takes adjacent units of a tile to the destination, converted if that is done last.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    #[inline(never)]
    pub unsafe fn take(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.take_row(from, to, count) }
    }

    /// [`Tiles::take`] of one row after the other.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    #[inline(always)]
    pub unsafe fn take_row(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match (self.mover.streams(), self.converts_first()) {
                (true, _) => self.take_far(from, to, count),
                (false, true) => block::copy(from, to, count * self.destination_unit),
                (false, false) => self.mover.adjacent(from, to, count),
            }
        }
    }

    /// The same to a destination that is streamed, as far as the row is long enough.
    ///
    /// # Safety
    /// As for [`Tiles::run`].
    #[inline(never)]
    unsafe fn take_far(&self, from: *const u8, to: *mut u8, count: usize) {
        let bytes = count * self.destination_unit;
        let streams = bytes >= self.last().streamed_row() || stream::are_lines(to, 0, bytes);
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
