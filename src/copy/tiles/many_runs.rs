//! Planes in near caches whose lines have few places there: many runs of the source come to a block before rows are made of them.
//!
//! Lines that are a power of two apart share a few places of the first-level cache, and some hundred of the second. Pieces in registers make
//! a line of each of several rows, one below the other, or read a line of each of many runs in several parts; when the next line of a row is
//! written, or the next part of a line is read, it has been driven out, and what the processor fetches in advance as well. Here both sides are
//! met by several lines at a time, one after the other.

use super::runs::lines_held;
use super::{LARGE, Tiles, is_cached};
use crate::caches;
use crate::copy::block::Aligned;
use crate::copy::plane::Line;
use crate::copy::scratch::PAD;
use crate::copy::stream;
use crate::copy::transpose::Transpose;

/// Runs of a block; of large units, half of them.
const RUNS: usize = 128;

/// Bytes of a run in a block, and from one to the next: what comes before the first line of the source has room between them.
const RUN: usize = 256;
const PITCH: usize = RUN + PAD;

/// Bytes of a plane, as it is where its units are larger, that a block has room for.
pub const PLANE: i64 = 32 << 10;

/// Memory of a block.
type Block = Aligned<{ RUNS * PITCH }>;

/// Lines, so far from each other, that there are few places for; fewer, where that alone makes them cost much; and as few as there can be.
pub const FEW_PLACES: usize = 32;
const FEWER_PLACES: usize = 16;
pub const FEWEST_PLACES: usize = 8;

/// Bytes of a unit that is no small one.
const WIDE: usize = 4;

/// Units of a run from which the kernels that are written for small units convert it by groups.
const GROUP: usize = 64;

impl Tiles<'_> {
    /// Whether lines of a plane, whose two sides take so many bytes, have so few places that it goes by many runs.
    pub(super) fn takes_many_runs(&self, along: Line, inner: Line, bytes: usize) -> bool {
        let dense = along.source == self.source_unit as isize;
        let made = dense && self.converts_first() && self.transpose.makes_lines();
        if !made || self.mover.streams() || caches::last_level_is_far() {
            return false;
        }
        let (read, written) = (lines_held(inner.source), lines_held(along.destination));
        let (reads_many, writes_many) = (inner.size > read, along.size > written);
        let wide = self.unit >= WIDE;
        let (cached, far) = (is_cached(bytes), self.mover.is_far());
        if self.mover.converts() {
            let few = match (wide, far) {
                (true, true) if self.unit >= LARGE => FEWEST_PLACES,
                (true, _) => FEW_PLACES,
                (false, true) => return false,
                (false, false) if cached => FEWER_PLACES,
                (false, false) => FEW_PLACES,
            };
            return writes_many && written <= few && (wide || along.size >= GROUP);
        }
        let in_parts = read < self.transpose.runs() && !(cached && wide);
        reads_many && in_parts || writes_many && wide && written <= FEWEST_PLACES
    }

    /// Moves a plane by many runs at a time.
    ///
    /// # Safety
    /// As for [`Tiles::run`]; the plane [takes many runs](Tiles::takes_many_runs).
    #[inline(never)]
    pub(super) unsafe fn bring_many(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let mut block = Block::new();
        let block = block.as_mut_ptr();
        let lead = self.first_line_read(from, along, inner);
        let head = self.first_line(to, along, inner).unwrap_or(0);
        let units = RUN / self.unit;
        let transpose = Transpose::by_rows(self.unit);
        let mut row = 0;
        while row < along.size {
            let first = if row == 0 { lead + units } else { 0 };
            let row_count = stream::piece(row, first, units, along.size);
            let to_block = self.mover.rows_to_block(row_count);
            let mut column = 0;
            while column < inner.size {
                let column_count = stream::piece(column, head, self.most_runs(), inner.size);
                let (row_offset, column_offset) = (row as isize, column as isize);
                let from =
                    from.wrapping_offset(row_offset * along.source + column_offset * inner.source);
                let to = to.wrapping_offset(
                    row_offset * along.destination + column_offset * inner.destination,
                );
                // SAFETY: the caller's promise; the block holds as many runs.
                unsafe {
                    let pitch = PITCH as isize;
                    to_block.run((from, inner.source), (block, pitch), column_count);
                    let (made, rows) = ((block.cast_const(), pitch), (to, along.destination));
                    transpose.run(made, rows, column_count, row_count);
                }
                column += column_count;
            }
            row += row_count;
        }
    }

    /// Runs of a block.
    fn most_runs(&self) -> usize {
        match self.unit >= LARGE {
            true => RUNS / 2,
            false => RUNS,
        }
    }

    /// How many planes of so many bytes, whose runs and rows go on from each to the next one, a block has room for: one at least, if they
    /// are no larger than [`PLANE`].
    pub fn most_planes(&self, along: Line, inner: Line) -> i64 {
        let runs = inner.size.min(self.most_runs());
        let most =
            |rows: usize, units: usize| (size_of::<Block>() / rows - PAD) / (units * self.unit);
        let read = most(runs, along.size);
        match self.converts_first() {
            true => read as i64,
            false => read.min(most(along.size, runs)) as i64,
        }
    }

    /// Moves planes, along which all runs and rows go on, together: no more than [there is room for](Tiles::most_planes).
    ///
    /// # Safety
    /// As for [`Tiles::run`]; units follow each other along `along` in the source.
    #[inline(never)]
    pub unsafe fn bring_planes(
        &self,
        from: *const u8,
        to: *mut u8,
        along: Line,
        inner: Line,
        planes: Line,
    ) {
        let mut block = Block::new();
        let block = block.as_mut_ptr();
        let run = along.size * self.unit;
        let pitch = (planes.size * run + PAD) as isize;
        let (first, last) = (self.first(), self.last());
        let to_block = first.rows_to_block(planes.size * along.size);
        for column in (0..inner.size).step_by(self.most_runs()) {
            let columns = self.most_runs().min(inner.size - column);
            let from = from.wrapping_offset(column as isize * inner.source);
            let to = to.wrapping_offset(column as isize * inner.destination);
            // SAFETY: the caller's promise; the blocks hold as many runs and rows.
            unsafe {
                to_block.run((from, inner.source), (block, pitch), columns);
                let made = (block.cast_const(), pitch, run);
                let [rows, step] = [along.destination, planes.destination];
                if !last.converts() {
                    self.exchange_planes(
                        made,
                        (to, rows, step),
                        [columns, along.size, planes.size],
                    );
                    continue;
                }
                let mut tile = Block::new();
                let tile = tile.as_mut_ptr();
                let row = columns * self.unit;
                let tile_pitch = (planes.size * row + PAD) as isize;
                self.exchange_planes(
                    made,
                    (tile, tile_pitch, row as isize),
                    [columns, along.size, planes.size],
                );
                // Whole rows go on, too.
                let (parts, units) = match columns == inner.size {
                    true => (1, planes.size * columns),
                    false => (planes.size, columns),
                };
                let to_place = last.rows_to_block(units);
                for plane in 0..parts {
                    let tile = tile.add(plane * row).cast_const();
                    let to = to.wrapping_offset(plane as isize * step);
                    to_place.run((tile, tile_pitch), (to, rows), along.size);
                }
            }
        }
    }

    /// Exchanges planes of so many columns and rows, which are so many bytes apart on either side: some rows of all, then the next ones.
    ///
    /// # Safety
    /// They are readable and writable there.
    #[inline(always)]
    unsafe fn exchange_planes(
        &self,
        (from, pitch, run): (*const u8, isize, usize),
        (to, row_step, step): (*mut u8, isize, isize),
        [columns, rows, planes]: [usize; 3],
    ) {
        let transpose = Transpose::by_rows(self.unit);
        // Rows that a piece in registers makes.
        let most = (16 / self.unit).max(1);
        for row in (0..rows).step_by(most) {
            let row = row.min(rows.saturating_sub(most));
            let to = to.wrapping_offset(row as isize * row_step);
            for plane in 0..planes {
                let from = from.wrapping_add(plane * run + row * self.unit);
                let to = to.wrapping_offset(plane as isize * step);
                // SAFETY: the caller's promise.
                unsafe { transpose.run((from, pitch), (to, row_step), columns, most.min(rows)) }
            }
        }
    }
}
