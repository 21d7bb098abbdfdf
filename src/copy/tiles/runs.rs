//! Runs of the source, brought to the rows of a tile or of the destination: transposed as they lie, or gathered and converted before.

use super::{FEW_RUNS, RUN, Rows, Tiles};
use crate::copy::block::{self, Aligned};
use crate::copy::plane::Line;
use crate::copy::stream;
use crate::copy::strided::{Loop, gather};
use crate::copy::transpose::{MOST_RUNS, NARROW};
use crate::prefetch::{self, LINE};

/// Units of a run that is long enough to be converted by itself.
const LONG: usize = 32;

/// How runs are brought to the rows of a tile, or of the destination.
#[derive(Clone, Copy)]
pub struct Bring {
    /// Units of a run that come in at a time.
    pub most: usize,
    /// Runs that come in at a time.
    pub runs: usize,
    /// Units of a run that come before its first line.
    pub lead: usize,
    /// Runs that come before the first line of the destination.
    pub head: usize,
    /// Lines are streamed.
    pub streams: bool,
    /// The next runs are asked for in time, since they are not in the cache.
    pub asks: bool,
    /// So are lines of the destination.
    pub asks_to_write: bool,
}

/// How many lines, so many bytes from one to the next, a first-level cache of eight ways of 4 KiB has places for: eight at least.
pub fn lines_held(distance: isize) -> usize {
    const WAYS: usize = 8;
    const WAY: u32 = 12;
    WAYS << (WAY - distance.trailing_zeros().clamp(LINE.trailing_zeros(), WAY))
}

impl Tiles<'_> {
    /// Transposes runs of the source to the rows of a tile, or of the destination; converted if that is done first.
    ///
    /// # Safety
    /// As for [`Tiles::run`]; there is room for as many rows and columns.
    pub(super) unsafe fn bring(
        &self,
        from: *const u8,
        (rows, pitch): Rows,
        along: Line,
        inner: Line,
        how: Bring,
    ) {
        let dense = along.source == self.source_unit as isize;
        let converts = self.converts_first() && self.mover.converts();
        // Runs that are read by pieces, or asked for in time, must stay in the cache together.
        let held = lines_held(inner.source);
        let lines = self.transpose.makes_lines();
        let step = match lines || !(how.asks || dense && !converts) {
            true => how.runs,
            false => how.runs.min(held),
        };
        let direct = dense && !converts && step <= held.max(FEW_RUNS);
        // All that are whole steps are taken at once, if nothing is asked for meanwhile.
        let asks = how.asks || how.asks_to_write;
        let after_head = inner.size.saturating_sub(how.head);
        let step = match direct && !asks && after_head > step {
            true => after_head / step * step,
            false => step,
        };
        let mut row = 0;
        while row < along.size {
            let row_count = stream::piece(row, how.lead, how.most, along.size);
            let from = from.wrapping_offset(row as isize * along.source);
            let rows = rows.wrapping_offset(row as isize * pitch);
            let mut column = 0;
            while column < inner.size {
                let column_count = stream::piece(column, how.head, step, inner.size);
                // The last few, too few for a piece in registers, come with those before.
                let column_count = match inner.size - column - column_count {
                    rest if direct && rest < NARROW => column_count + rest,
                    _ => column_count,
                };
                // What comes next: more runs of these, or more of the first ones.
                let (done, left) = (column + column_count, along.size - row - row_count);
                let (next, next_count, next_units) = match inner.size - done {
                    0 => (
                        from.wrapping_offset(row_count as isize * along.source),
                        column_count,
                        row_count.min(left),
                    ),
                    more => (
                        from.wrapping_offset(done as isize * inner.source),
                        column_count.min(more),
                        row_count,
                    ),
                };
                let from = from.wrapping_offset(column as isize * inner.source);
                let to = rows.wrapping_add(column * self.unit);
                let share = row_count.div_ceil(column_count);
                // Asks for a run of the next ones, and for its share of the lines that are written. What rows have up to `end` is then
                // there: their pieces begin in lines that those before have ended in.
                let ask = |run: usize, end: usize| {
                    if how.asks && run < next_count && next_units * self.source_unit >= LINE {
                        let next = next.wrapping_offset(run as isize * inner.source);
                        prefetch::run(next, along.source, next_units);
                    }
                    if how.asks_to_write {
                        for i in run * share..row_count.min((run + 1) * share) {
                            let to = to.wrapping_offset(i as isize * pitch);
                            prefetch::line_to_write(to.wrapping_add(end - 1));
                        }
                    }
                };
                let columns = Loop {
                    count: column_count,
                    step: inner.source,
                };
                let units = Loop {
                    count: row_count,
                    step: along.source,
                };
                let (target, piece) = ((to, pitch), column_count * self.unit);
                // SAFETY: the caller's promise.
                unsafe {
                    if direct {
                        if asks {
                            (0..column_count).for_each(|run| ask(run, 2 * piece));
                        }
                        self.exchange((from, inner.source), target, columns, units, how.streams);
                    } else {
                        let ask = |run| ask(run, piece);
                        self.exchange_made(from, target, columns, units, how.streams, ask);
                    }
                }
                column += column_count;
            }
            row += row_count;
        }
    }

    /// Transposes runs of units.
    ///
    /// # Safety
    /// As for [`Tiles::bring`]; rows begin where lines do if they are streamed.
    #[inline(always)]
    unsafe fn exchange(
        &self,
        from: (*const u8, isize),
        rows: Rows,
        columns: Loop,
        units: Loop,
        streams: bool,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            match streams {
                true => self
                    .transpose
                    .stream(from, rows, columns.count, units.count),
                false => self.transpose.run(from, rows, columns.count, units.count),
            }
        }
    }

    /// Transposes runs that are gathered or converted before, in the first-level cache. With each, `ask` asks for others.
    ///
    /// # Safety
    /// As for [`Tiles::bring`]; there are no more units than a block holds, as they are on either side.
    unsafe fn exchange_made(
        &self,
        from: *const u8,
        rows: Rows,
        columns: Loop,
        units: Loop,
        streams: bool,
        ask: impl Fn(usize),
    ) {
        let mut made = Aligned::<{ MOST_RUNS * RUN }>::new();
        let made = made.as_mut_ptr();
        debug_assert!(columns.count * units.count * self.unit <= MOST_RUNS * RUN);
        let dense = units.step == self.source_unit as isize;
        let run_bytes = units.count * self.source_unit;
        let converts = self.converts_first() && self.mover.converts();
        let made_bytes = units.count * self.unit;
        // SAFETY: the caller's promise; the block holds as many runs.
        unsafe {
            if dense && units.count >= LONG && columns.step != run_bytes as isize {
                for i in 0..columns.count {
                    ask(i);
                    let from = from.wrapping_offset(i as isize * columns.step);
                    let run = made.add(i * made_bytes);
                    match converts {
                        true => self.mover.adjacent(from, run, units.count),
                        false => block::copy(from, run, run_bytes),
                    }
                }
            } else {
                (0..columns.count).for_each(ask);
                if !converts {
                    gather(from, columns, units, self.source_unit, made);
                } else if dense && columns.step == run_bytes as isize {
                    let count = columns.count * units.count;
                    self.mover.adjacent(from, made, count);
                } else {
                    self.gather_and_convert(from, made, columns, units);
                }
            }
            let made = (made.cast_const(), made_bytes as isize);
            self.exchange(made, rows, columns, units, streams);
        }
    }

    /// Makes adjacent converted units of runs of few, or of units that are apart.
    ///
    /// # Safety
    /// As for [`Tiles::exchange_made`].
    #[inline(never)]
    unsafe fn gather_and_convert(&self, from: *const u8, to: *mut u8, columns: Loop, units: Loop) {
        let mut gathered = Aligned::<{ MOST_RUNS * RUN }>::new();
        let gathered = gathered.as_mut_ptr();
        debug_assert!(columns.count * units.count * self.source_unit <= MOST_RUNS * RUN);
        // SAFETY: the caller's promise; the block holds as many runs.
        unsafe {
            gather(from, columns, units, self.source_unit, gathered);
            let count = columns.count * units.count;
            self.mover.adjacent(gathered, to, count);
        }
    }
}
