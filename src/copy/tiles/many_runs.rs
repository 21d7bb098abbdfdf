//! Planes whose lines have few places in near caches: many runs of the source come to a block before rows are made of them.
//!
//! Lines that are a power of two apart share a few places of the first-level cache, and some hundred of the second. Pieces in registers make
//! a line of each of several rows, one below the other, or read a line of each of many runs in several parts; when the next line of a row is
//! written, or the next part of a line is read, it has been driven out, and what the processor fetches in advance as well. Here both sides are
//! met by several lines at a time, one after the other. Where lines are streamed, that is the better order in any case.

use super::runs::lines_held;
use super::together::{Planes, PlanesBlock, Together};
use super::{LARGE, Tiles, is_cached, place};
use crate::caches;
use crate::copy::plane::Line;
use crate::copy::stream;
use crate::prefetch::LINE;

/// Runs of a block; of large units, and where they are twice as long, half of them.
pub(super) const RUNS: usize = 128;

/// Bytes of a run in a block, but for what comes before the first line of the source; and of one that is converted after it is exchanged.
pub(super) const RUN: usize = 256;
const RUN_CONVERTED_LAST: usize = 128;

/// Bytes of a row that is streamed.
const STREAMED: usize = 1024;

/// Lines, so far from each other, that there are few places for; fewer, where that alone makes them cost much; and as few as there can be.
pub const FEW_PLACES: usize = 32;
const FEWER_PLACES: usize = 16;
pub const FEWEST_PLACES: usize = 8;

/// Bytes of a unit that is no small one.
pub(super) const WIDE: usize = 4;

/// Units of a run from which the kernels that are written for small units convert it by groups.
const GROUP: usize = 64;

/// Units of a run, and columns, that are so many that a plane goes by many runs for less.
const LONG: usize = 3 * RUNS;

impl Tiles<'_> {
    /// Whether a plane, whose two sides take so many bytes, goes by many runs: its lines have few places, or it is streamed or converted and
    /// had better go so in any case.
    pub(super) fn takes_many_runs(
        &self,
        to: *const u8,
        along: Line,
        inner: Line,
        bytes: usize,
    ) -> bool {
        let dense = along.source == self.source_unit as isize;
        if !dense || !self.transpose.makes_lines() || caches::last_level_is_far() {
            return false;
        }
        if self.mover.streams() {
            return self.streams_many_runs(to, along, inner);
        }
        // So many lines of each side have places, if that is fewer than it has.
        let (read, written) = (lines_held(inner.source), lines_held(along.destination));
        let many = inner.size >= self.transpose.runs();
        let read = (many && inner.size > read).then_some(read);
        let written = (along.size > written).then_some(written);
        let few = |places: Option<usize>, most: usize| places.is_some_and(|held| held <= most);
        let wide = self.unit >= WIDE;
        let cached = is_cached(bytes);
        if !self.converts_first() {
            return !self.mover.is_far() && self.grows_in_many_runs(inner.size, read, written);
        }
        if !self.mover.converts() {
            let most = self.transpose.runs() - 1;
            let in_parts = few(read, most) && !(cached && wide);
            let near = self.unit < LARGE || bytes <= caches::last_level() / 5 * 2;
            let fours = self.may_write_four(inner) && !self.mover.is_far();
            return in_parts || (wide && near || fours) && few(written, FEWEST_PLACES);
        }
        let long = self.converts_long_runs(to, along, inner, few(read, FEW_PLACES));
        let most = match (wide, self.mover.is_far()) {
            (true, true) if self.unit >= LARGE => FEWEST_PLACES,
            (true, _) => FEW_PLACES,
            (false, true) => return false,
            (false, false) if many && long => return true,
            (false, false) if cached => FEWER_PLACES,
            (false, false) => FEW_PLACES,
        };
        few(written, most) && (wide || along.size >= GROUP)
    }

    /// Whether a plane that is streamed goes so.
    fn streams_many_runs(&self, to: *const u8, along: Line, inner: Line) -> bool {
        let narrow = match self.source_unit > self.unit {
            true => self.unit < LARGE,
            // What is not converted goes to the destination from registers.
            false if self.unit == WIDE => {
                self.mover.converts() && lines_held(inner.source) <= FEW_PLACES
            }
            false => self.unit < WIDE && inner.source % LINE as isize == 0,
        };
        let long = inner.size * self.unit >= STREAMED && along.size * self.source_unit >= 2 * RUN;
        self.converts_first() && narrow && long && self.first_line(to, along, inner).is_some()
    }

    /// Whether a plane of so many columns, which is converted on its way out, goes so: its lines have few places where they are read, and
    /// where they are written, or there are many columns. Rows of smaller elements have fewer lines, and wait less.
    fn grows_in_many_runs(
        &self,
        columns: usize,
        read: Option<usize>,
        written: Option<usize>,
    ) -> bool {
        let few_read = match self.destination_unit < LARGE {
            true => FEW_PLACES,
            false => FEWER_PLACES,
        };
        let few_written = match self.destination_unit < WIDE {
            true => FEWER_PLACES,
            false => FEWEST_PLACES,
        };
        let Some(read) = read else { return false };
        let both = read <= FEW_PLACES && written.is_some_and(|held| held <= few_written);
        let long = columns >= LONG && self.unit < WIDE;
        both || long && read <= few_read
    }

    /// Whether a plane of small units, which are converted on their way in, goes so in any case: its runs are long enough to be converted
    /// each by itself, and, of bytes, their lines have few places.
    fn converts_long_runs(&self, to: *const u8, along: Line, inner: Line, few: bool) -> bool {
        match (self.source_unit, self.unit) {
            (1, 1) => few && along.size >= RUN,
            (2 | 4, 1) => along.size >= RUN,
            (2, 2) => along.size >= LONG,
            // Pieces in registers are as quick where they make lines.
            (4, 2) => along.size >= LONG && self.first_line(to, along, inner).is_none(),
            _ => false,
        }
    }

    /// Moves a plane by many runs at a time.
    ///
    /// # Safety
    /// As for [`Tiles::run`]; the plane [takes many runs](Tiles::takes_many_runs).
    #[inline(never)]
    pub(super) unsafe fn bring_many(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let mut block = PlanesBlock::new();
        let streams = self.mover.streams();
        let lead = self.first_line_read(from, along, inner);
        let head = self.first_line(to, along, inner).unwrap_or(0);
        let units = match self.converts_first() {
            true if self.has_long_runs() => 2 * RUN,
            true if self.narrows_much() => LINE,
            true => RUN,
            false => RUN_CONVERTED_LAST,
        } / self.unit;
        let mut row = 0;
        while row < along.size {
            // What comes before the first line of the source comes with it, if there is room.
            let with_line = if self.narrows_much() { 0 } else { units };
            let row_count = stream::piece(row, lead + with_line, units, along.size);
            let most = self.most_runs();
            let part = |line: Line, size: usize| Line { size, ..line };
            let of = |columns: usize| {
                let plane = Planes::one(part(along, row_count), part(inner, columns));
                Together::new(self, plane, streams)
            };
            let usual = of(most);
            let mut column = 0;
            while column < inner.size {
                let column_count = stream::piece(column, head, most, inner.size);
                let (from, to) = place((from, to), (along, row), (inner, column));
                // SAFETY: the caller's promise; a block holds as many runs.
                unsafe {
                    match column_count == most {
                        true => usual.run(from, to, &mut block),
                        false => of(column_count).run(from, to, &mut block),
                    }
                }
                column += column_count;
            }
            row += row_count;
        }
    }

    /// Whether what is streamed has few units in a line of the source, and many in one of the destination: longer rows of it are made of more
    /// and shorter runs.
    fn narrows_much(&self) -> bool {
        self.mover.streams() && self.converts_first() && self.source_unit >= LARGE * self.unit
    }

    /// Whether half as many runs are twice as long, since they come sooner from far away so: those of large units, and of two or four bytes if
    /// they are converted to as many and streamed.
    fn has_long_runs(&self) -> bool {
        match self.unit >= LARGE {
            true => self.mover.is_far(),
            false => {
                let same = self.source_unit == self.destination_unit && self.unit > 1;
                same && self.mover.converts() && self.converts_first() && self.mover.streams()
            }
        }
    }

    /// Runs of a block.
    pub(super) fn most_runs(&self) -> usize {
        match self.unit >= LARGE || self.has_long_runs() {
            true => RUNS / 2,
            false if self.narrows_much() => 4 * RUNS,
            false => RUNS,
        }
    }
}
