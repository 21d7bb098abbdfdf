//! Many runs that are exchanged as they are, by quarters of registers: a block holds them in the order in which rows are made of them. Those
//! that are converted then are so after a line of all runs has become rows.

use super::many_runs::{FEWEST_PLACES, RUN, RUNS, WIDE};
use super::runs::lines_held;
use super::{Tiles, place};
use crate::copy::block::Aligned;
use crate::copy::plane::Line;
use crate::copy::stream;
use crate::copy::transpose::{Columns, Lines, QUARTER, Quarters, Runs};
use crate::prefetch::LINE;

/// Memory for a block: quarters of all lines of all runs, or of fewer lines of as many more.
type QuartersBlock = Aligned<{ RUN / QUARTER * (RUNS * QUARTER + LINE) }>;

/// Memory for the rows that lines of all runs become.
type Rows = Aligned<{ RUNS * LINE }>;

impl Tiles<'_> {
    /// How a plane that [takes many runs](Tiles::takes_many_runs) goes by quarters, if it does.
    pub(super) fn by_quarters(&self, along: Line, inner: Line) -> Option<(Self, Quarters)> {
        let few = lines_held(along.destination) <= FEWEST_PLACES;
        // A piece in registers makes eight rows of such units. Those that are converted last are written one by one.
        let late = few && (self.source_unit, self.destination_unit) == (2, 2);
        let tiles = Self {
            converts_first: self.converts_first && !(late && self.mover.converts()),
            ..*self
        };
        let as_it_is = !(tiles.converts_first && self.mover.converts());
        let fits = along.size * self.unit >= LINE && inner.size * self.unit >= LINE;
        if !as_it_is || !fits || self.mover.streams() {
            return None;
        }
        let quarters = Quarters::of(self.unit)?;
        let fours = few && !self.mover.converts() && self.may_write_four(inner);
        Some(match fours {
            true => (tiles, quarters.four_at_a_time()),
            false => (tiles, quarters),
        })
    }

    /// Whether rows are written four at a time where their lines have few places: those of small units, of which there would be more at a
    /// time. Of bytes, runs are a line long then, and must begin with one.
    pub(super) fn may_write_four(&self, inner: Line) -> bool {
        match self.unit {
            1 => inner.source % LINE as isize == 0,
            unit => unit < WIDE,
        }
    }

    /// Moves a plane so.
    ///
    /// # Safety
    /// As for [`Tiles::run`]; the plane goes [by quarters](Tiles::by_quarters).
    #[inline(never)]
    pub(super) unsafe fn bring_quarters(
        &self,
        quarters: Quarters,
        from: *const u8,
        to: *mut u8,
        along: Line,
        inner: Line,
    ) {
        let mut block = QuartersBlock::new();
        let block = block.as_mut_ptr();
        let line = LINE / self.unit;
        let (run, runs) = match quarters.writes_four() {
            true if self.unit == 1 => (LINE, 4 * RUNS),
            true => (RUN / 2 / self.unit, 2 * RUNS),
            false => (RUN / self.unit, RUNS),
        };
        // What comes before the first line of either side comes with some of those.
        let lead = self.first_line_read(from, along, inner);
        let head = self.first_line(to, along, inner).unwrap_or(0);
        let with_lines = |before: usize, most: usize| match before {
            0 => most,
            _ => before + most - line,
        };
        let (first_row, first_column, before) = match self.last().converts() {
            // Rows that are converted are written by themselves.
            true => (with_lines(lead, run), head, 0),
            false => (with_lines(lead, run), with_lines(head, runs), head),
        };
        let mut row = 0;
        while row < along.size {
            let row_count = stream::piece(row, first_row, run, along.size);
            // The last ones, if they are fewer than a line has, come once more with those before.
            let first = row.min(along.size - row_count.max(line));
            let lines = Lines::new(row_count.max(line) * self.unit);
            let mut column = 0;
            while column < inner.size {
                let column_count = stream::piece(column, first_column, runs, inner.size);
                let before = if column == 0 { before } else { 0 };
                let columns = Columns::new(self.unit, before, column_count);
                let (from, to) = place((from, to), (along, first), (inner, column));
                let (from, to) = ((from, inner.source), (to, along.destination));
                debug_assert!(quarters.bytes(columns, lines) <= size_of::<QuartersBlock>());
                // SAFETY: the caller's promise; the block has room for as many runs, which are whole lines and those before them.
                unsafe {
                    quarters.gather(from, block, columns, lines);
                    self.take_quarters(quarters, block, to, columns, lines);
                }
                column += column_count;
            }
            row += row_count;
        }
    }

    /// Takes a block to the destination, a line of all runs after the other.
    ///
    /// # Safety
    /// As for [`Tiles::run`]; the block was filled with such columns and lines.
    unsafe fn take_quarters(
        &self,
        quarters: Quarters,
        block: *const u8,
        to: Runs<*mut u8>,
        columns: Columns,
        lines: Lines,
    ) {
        let mut made = Rows::new();
        let made = (made.as_mut_ptr(), (columns.lines() * LINE) as isize);
        let (last, rows) = (self.last(), quarters.rows());
        let converts = last.converts();
        let by_rows = last.rows_by_block(columns.count(), None);
        for line in 0..lines.count() {
            let first = lines.begin(line) / self.unit;
            let to = (to.0.wrapping_offset(first as isize * to.1), to.1);
            let target = if converts { made } else { to };
            // SAFETY: the caller's promise.
            unsafe {
                for quarter in 0..LINE / QUARTER {
                    let row = (quarter * rows) as isize * target.1;
                    let target = (target.0.wrapping_offset(row), target.1);
                    let quarter = line * LINE / QUARTER + quarter;
                    quarters.exchange((block, quarter), target, columns, converts);
                }
                // By then the first ones have left the registers they were written from, and need not be waited for.
                if converts {
                    let made = (made.0.cast_const(), made.1);
                    by_rows.run(made, to, LINE / self.unit);
                }
            }
        }
    }
}
