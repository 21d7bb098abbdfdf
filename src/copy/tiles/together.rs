//! Small planes that go together, by way of a block: so many that several lines of each run of the source, and of each row of the
//! destination, are met one after the other, wherever those lie.

use super::Tiles;
use super::many_runs::{FEWEST_PLACES, RUN, RUNS};
use crate::copy::block::Aligned;
use crate::copy::mover::DenseRows;
use crate::copy::plane::Line;
use crate::copy::transpose::{NARROW, Transpose};
use crate::prefetch::{self, LINE};

/// Bytes of a plane, as it is where its units are larger: larger ones had better go by parts.
pub const PLANE: i64 = 32 << 10;

/// Rows of some planes that are written before the next ones, at least.
const FEW_ROWS: usize = 4;

/// Bytes by which asking for runs in memory is ahead, and most runs of those.
const AHEAD: usize = 3 << 10;
const MOST_AHEAD: usize = 8;

/// Runs by which it is ahead in the cache.
const AHEAD_CACHED: usize = 2;

/// Memory of a block.
pub type PlanesBlock = Aligned<{ RUNS * pitch(RUN) }>;

/// Bytes from one row of so many bytes to the next in a block: whole lines, and an odd number of them, which do not share a few places.
pub const fn pitch(bytes: usize) -> usize {
    (bytes.div_ceil(LINE) | 1) * LINE
}

/// Planes that go together. Along one loop their runs go on in the source, along another one their rows in the destination; or both do
/// along the first, and the other has one step.
#[derive(Clone, Copy)]
pub struct Planes {
    pub along: Line,
    pub inner: Line,
    pub read: Line,
    pub written: Line,
}

impl Planes {
    /// A plane by itself.
    pub(super) fn one(along: Line, inner: Line) -> Self {
        Self {
            along,
            inner,
            read: Line::ONE,
            written: Line::ONE,
        }
    }

    /// Whether runs and rows go on along the same loop.
    fn are_joined(&self, tiles: &Tiles<'_>) -> bool {
        self.read.destination == (self.inner.size * tiles.destination_unit) as isize
    }

    /// How many steps of both loops a block has room for, if it has for one plane, so that both sides are met at about the same length:
    /// powers of two, as most loops are whose lines share places.
    pub fn most(&self, tiles: &Tiles<'_>) -> Option<[i64; 2]> {
        let columns = self.inner.size.min(tiles.most_runs());
        // Parts of rows do not go on.
        let rows = match columns == self.inner.size {
            true => self.written.size,
            false => 1,
        };
        let (run, row) = (self.along.size * tiles.unit, columns * tiles.unit);
        let (mut read, mut written) = (1, 1);
        if !self.fit(tiles, read, written) {
            return None;
        }
        loop {
            let longer = read < self.read.size && self.fit(tiles, 2 * read, written);
            let more = written < rows && self.fit(tiles, read, 2 * written);
            match read * run <= written * row {
                true if longer => read *= 2,
                _ if more => written *= 2,
                _ if longer => read *= 2,
                _ => return Some([read as i64, written as i64]),
            }
        }
    }

    /// Whether a block has room for so many steps of both loops, before they are exchanged and, if they are converted last, after that.
    fn fit(&self, tiles: &Tiles<'_>, read: usize, written: usize) -> bool {
        let (units, columns) = (self.along.size, self.inner.size.min(tiles.most_runs()));
        let (run, row) = (units * tiles.unit, columns * tiles.unit);
        let runs = written * columns * pitch(read * run);
        let rows = match self.are_joined(tiles) {
            true => units * pitch(read * row),
            false => units * read * pitch(written * row),
        };
        let room = size_of::<PlanesBlock>();
        runs <= room && (tiles.converts_first() || rows <= room)
    }
}

/// What moves such planes, wherever they begin: chosen once, since that takes as long as moving some runs.
pub struct Together<'a> {
    tiles: &'a Tiles<'a>,
    planes: Planes,
    transpose: Transpose,
    /// What moves runs to a block, and rows that are converted last from a tile.
    runs: DenseRows,
    rows: Option<DenseRows>,
    /// Lines of the destination are streamed.
    streams: bool,
}

impl<'a> Together<'a> {
    /// For no more planes than [there is room for](Planes::most). Those that are streamed have lines as columns.
    pub fn new(tiles: &'a Tiles<'a>, planes: Planes, streams: bool) -> Self {
        debug_assert!(planes.fit(tiles, planes.read.size, planes.written.size));
        let Planes {
            along,
            inner,
            read,
            written,
        } = planes;
        let last = tiles.last();
        // Rows that go on along the same loop as runs are one, if they are whole.
        let units = match planes.are_joined(tiles) && inner.size <= tiles.most_runs() {
            true => read.size * inner.size,
            false => written.size * inner.size.min(tiles.most_runs()),
        };
        Self {
            tiles,
            planes,
            transpose: Transpose::by_rows(tiles.unit),
            runs: tiles.runs_by_block(read.size * along.size, streams),
            rows: last.converts().then(|| last.rows_by_block(units, None)),
            streams,
        }
    }

    /// Moves planes by way of a block.
    ///
    /// # Safety
    /// As for [`Tiles::run`]; units follow each other along `planes.along` in the source.
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, block: &mut PlanesBlock) {
        let block = block.as_mut_ptr();
        let Planes {
            along,
            inner,
            read,
            written,
        } = self.planes;
        let run = along.size * self.tiles.unit;
        let apart = pitch(read.size * run);
        let most = self.tiles.most_runs();
        let mut column = 0;
        while column < inner.size {
            let columns = most.min(inner.size - column);
            let from = from.wrapping_offset(column as isize * inner.source);
            let to = to.wrapping_offset(column as isize * inner.destination);
            let made = Steps {
                row: self.tiles.unit as isize,
                read: run as isize,
                written: (columns * apart) as isize,
            };
            let place = Steps {
                row: along.destination,
                read: read.destination,
                written: written.destination,
            };
            // SAFETY: the caller's promise; the block holds as many runs.
            unsafe {
                for i in 0..written.size as isize {
                    let from = from.wrapping_offset(i * written.source);
                    let block = block.wrapping_offset(i * made.written);
                    self.runs
                        .run((from, inner.source), (block, apart as isize), columns);
                }
                let made = (block.cast_const(), apart as isize, made);
                match self.rows {
                    Some(rows) => self.convert(made, (to, place), columns, rows),
                    None => self.exchange(made, (to, place), columns),
                }
            }
            column += columns;
        }
    }

    /// Exchanges planes of so many columns, and converts their rows.
    ///
    /// # Safety
    /// As for [`Together::run`]; a block has room for the rows.
    #[inline(never)]
    unsafe fn convert(
        &self,
        made: Made,
        (to, place): (*mut u8, Steps),
        columns: usize,
        by_rows: DenseRows,
    ) {
        let mut tile = PlanesBlock::new();
        let tile = tile.as_mut_ptr();
        let (read, written) = (self.planes.read.size, self.planes.written.size);
        let row = columns * self.tiles.unit;
        let joined = self.planes.are_joined(self.tiles);
        let steps = match joined {
            true => [pitch(read * row), row, row],
            false => [read * pitch(written * row), pitch(written * row), row],
        };
        let [rows, next, beside] = steps.map(|bytes| bytes as isize);
        let steps = Steps {
            row: rows,
            read: next,
            written: beside,
        };
        let whole = columns == self.planes.inner.size;
        let parts = if joined && whole { 1 } else { read };
        // The last columns may be fewer.
        let by_rows = match whole || columns == self.tiles.most_runs() {
            true => by_rows,
            false => self.tiles.last().rows_by_block(written * columns, None),
        };
        // SAFETY: the caller's promise.
        unsafe {
            self.exchange(made, (tile, steps), columns);
            for i in 0..parts as isize {
                let tile = tile.wrapping_offset(i * next).cast_const();
                let to = to.wrapping_offset(i * place.read);
                by_rows.run((tile, rows), (to, place.row), self.planes.along.size);
            }
        }
    }

    /// Exchanges planes of so many columns: some rows of all, then the next ones.
    ///
    /// # Safety
    /// They are readable and writable there.
    #[inline(always)]
    unsafe fn exchange(
        &self,
        (from, apart, made): Made,
        (to, place): (*mut u8, Steps),
        columns: usize,
    ) {
        let (rows, unit) = (self.planes.along.size, self.tiles.unit);
        let (read, written) = (self.planes.read.size, self.planes.written.size);
        // Rows that a piece in registers makes, or, of few columns, as many as there are always places for.
        let most = match columns {
            ..=NARROW => (16 / unit).max(FEWEST_PLACES),
            _ if read * written == 1 && columns == self.tiles.most_runs() => rows,
            _ => (16 / unit).max(FEW_ROWS),
        };
        let (function, some) = (self.transpose.function(self.streams), most.min(rows));
        let mut begin = 0;
        while begin < rows {
            let row = begin.min(rows - some) as isize;
            let mut next = (
                from.wrapping_offset(row * made.row),
                to.wrapping_offset(row * place.row),
            );
            for _ in 0..read {
                let (mut from, mut to) = next;
                for _ in 0..written {
                    // SAFETY: the caller's promise.
                    unsafe { function((from, apart), (to, place.row), columns, some) }
                    from = from.wrapping_offset(made.written);
                    to = to.wrapping_offset(place.written);
                }
                next.0 = next.0.wrapping_offset(made.read);
                next.1 = next.1.wrapping_offset(place.read);
            }
            begin += some;
        }
    }
}

/// Bytes from one row, and from one step of the loops of [`Planes`], to the next.
#[derive(Clone, Copy)]
struct Steps {
    row: isize,
    read: isize,
    written: isize,
}

impl Tiles<'_> {
    /// What moves runs of so many units to a block.
    fn runs_by_block(&self, units: usize, streams: bool) -> DenseRows {
        let first = self.first();
        let ahead = match streams {
            true => {
                let runs = AHEAD / (units * self.source_unit);
                Some(runs.clamp(prefetch::ROWS_AHEAD, MOST_AHEAD))
            }
            false => first.outlasts_reading().then_some(AHEAD_CACHED),
        };
        first.rows_by_block(units, ahead)
    }
}

/// Runs in a block: the first one, the bytes from one to the next, and the steps to what is beside and behind it.
type Made = (*const u8, isize, Steps);
