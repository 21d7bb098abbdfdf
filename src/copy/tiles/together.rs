//! Small planes that go together, by way of a block: so many that several lines of each run of the source, and of each row of the
//! destination, are met one after the other, wherever those lie.

use super::Tiles;
use super::many_runs::{Block, FEWEST_PLACES};
use crate::copy::plane::Line;
use crate::copy::scratch::PAD;
use crate::copy::transpose::{NARROW, Transpose};

/// Bytes of a plane, as it is where its units are larger, that a block has room for.
pub const PLANE: i64 = 32 << 10;

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
    /// Whether runs and rows go on along the same loop.
    fn are_joined(&self, tiles: &Tiles<'_>) -> bool {
        self.read.destination == (self.inner.size * tiles.destination_unit) as isize
    }

    /// How many steps of both loops a block has room for, so that both sides are met at about the same length: one at least, if planes are
    /// no larger than [`PLANE`].
    pub fn most(&self, tiles: &Tiles<'_>) -> [i64; 2] {
        let (units, columns) = (self.along.size, self.inner.size.min(tiles.most_runs()));
        let (run, row) = (units * tiles.unit, columns * tiles.unit);
        let joined = self.are_joined(tiles);
        let fits = |read: usize, written: usize| {
            let tile = match joined {
                true => units * (read * row + PAD),
                false => units * read * (written * row + PAD),
            };
            let block = written * columns * (read * run + PAD);
            let most = size_of::<Block>();
            block <= most && (tiles.converts_first() || tile <= most)
        };
        // Parts of rows do not go on.
        let rows = match columns == self.inner.size {
            true => self.written.size,
            false => 1,
        };
        let (mut read, mut written) = (1, 1);
        loop {
            let longer = read < self.read.size && fits(read + 1, written);
            let more = written < rows && fits(read, written + 1);
            match read * run <= written * row {
                true if longer => read += 1,
                _ if more => written += 1,
                _ if longer => read += 1,
                _ => return [read as i64, written as i64],
            }
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
    /// Moves planes that go together: no more than [there is room for](Planes::most).
    ///
    /// # Safety
    /// As for [`Tiles::run`]; units follow each other along `planes.along` in the source.
    #[inline(never)]
    pub unsafe fn bring_planes(&self, from: *const u8, to: *mut u8, planes: &Planes) {
        let mut block = Block::new();
        let block = block.as_mut_ptr();
        let Planes {
            along,
            inner,
            read,
            written,
        } = *planes;
        let (run, joined) = (along.size * self.unit, planes.are_joined(self));
        let pitch = read.size * run + PAD;
        let (first, last) = (self.first(), self.last());
        let to_block = first.rows_by_block(read.size * along.size, false);
        for column in (0..inner.size).step_by(self.most_runs()) {
            let columns = self.most_runs().min(inner.size - column);
            let from = from.wrapping_offset(column as isize * inner.source);
            let to = to.wrapping_offset(column as isize * inner.destination);
            let made = Steps {
                row: self.unit as isize,
                read: run as isize,
                written: (columns * pitch) as isize,
            };
            let place = Steps {
                row: along.destination,
                read: read.destination,
                written: written.destination,
            };
            // SAFETY: the caller's promise; the blocks hold as many runs and rows.
            unsafe {
                for i in 0..written.size as isize {
                    let from = from.wrapping_offset(i * written.source);
                    let block = block.wrapping_offset(i * made.written);
                    to_block.run((from, inner.source), (block, pitch as isize), columns);
                }
                let made = (block.cast_const(), pitch as isize, made);
                if !last.converts() {
                    self.exchange_planes(made, (to, place), planes, columns);
                    continue;
                }
                let mut tile = Block::new();
                let tile = tile.as_mut_ptr();
                let row = columns * self.unit;
                let (rows, next) = match joined {
                    true => (read.size * row + PAD, row),
                    false => (
                        read.size * (written.size * row + PAD),
                        written.size * row + PAD,
                    ),
                };
                let steps = Steps {
                    row: rows as isize,
                    read: next as isize,
                    written: row as isize,
                };
                self.exchange_planes(made, (tile, steps), planes, columns);
                let (parts, units) = match joined && columns == inner.size {
                    true => (1, read.size * columns),
                    false => (read.size, written.size * columns),
                };
                let to_place = last.rows_by_block(units, false);
                for i in 0..parts as isize {
                    let tile = tile.wrapping_offset(i * steps.read).cast_const();
                    let to = to.wrapping_offset(i * place.read);
                    to_place.run((tile, steps.row), (to, place.row), along.size);
                }
            }
        }
    }

    /// Exchanges planes of so many columns: some rows of all, then the next ones.
    ///
    /// # Safety
    /// They are readable and writable there.
    #[inline(always)]
    unsafe fn exchange_planes(
        &self,
        (from, pitch, made): (*const u8, isize, Steps),
        (to, place): (*mut u8, Steps),
        planes: &Planes,
        columns: usize,
    ) {
        let transpose = Transpose::by_rows(self.unit);
        let rows = planes.along.size;
        // Rows that a piece in registers makes, or, of few columns, as many as there are always places for.
        let piece = (16 / self.unit).max(1);
        let most = match columns <= NARROW {
            true => piece.max(FEWEST_PLACES),
            false => piece,
        };
        for row in (0..rows).step_by(most) {
            let row = row.min(rows.saturating_sub(most)) as isize;
            let mut read = (
                from.wrapping_offset(row * made.row),
                to.wrapping_offset(row * place.row),
            );
            for _ in 0..planes.read.size {
                let (mut from, mut to) = read;
                for _ in 0..planes.written.size {
                    // SAFETY: the caller's promise.
                    unsafe {
                        transpose.run((from, pitch), (to, place.row), columns, most.min(rows))
                    }
                    from = from.wrapping_offset(made.written);
                    to = to.wrapping_offset(place.written);
                }
                read.0 = read.0.wrapping_offset(made.read);
                read.1 = read.1.wrapping_offset(place.read);
            }
        }
    }
}
