//! Copies of one row: of short rows, pieces of several are made once and written where lines begin; long ones go by parts that stay in the
//! first-level cache.

use super::Mover;
use super::dense_rows::DenseRows;
use crate::caches;
use crate::copy::again::{LEAST, copy_lines};
use crate::copy::axes::Axis;
use crate::copy::block::{self, Aligned, BLOCK};
use crate::copy::sheet::Sheet;
use crate::copy::strided::Loop;
use crate::prefetch::{self, LINE};
use core::ptr::copy_nonoverlapping as copy;

/// Bytes of a piece, if a row does not need more.
const PIECE: usize = BLOCK;

/// The most bytes of a piece.
const MOST: usize = 2 * PIECE;

/// Bytes of all rows from which they are worth it.
pub const AGAIN: usize = 2 << 10;

/// The same of rows of half a line or more where the last-level cache is near, which are soon written one by one.
const ENOUGH: usize = 16 << 10;

/// Bytes of a row that is worth it wherever pieces begin, and however far the last-level cache is.
const SHORT: usize = 512;

/// Pieces from which making one is worth it.
const PIECES: usize = 8;

/// Bytes of a row that leaves no room for others in the first-level cache, and of a part of it.
const LONG: usize = 4 * BLOCK;
const PART: usize = 2 * BLOCK;

/// Rows to which parts of one are copied even if those are not in the caches that are near.
const FEW: usize = 16;

const PAGE: usize = 4096;

/// Rows that follow each other, some to a piece.
pub(super) struct Pieces {
    /// Bytes of a piece: a multiple of those of a row and of what its beginning is a multiple of.
    bytes: usize,
    /// What the beginning of each is a multiple of: a line, or less if that took too many rows.
    alignment: usize,
}

impl Pieces {
    /// How to divide so many rows, of so many bytes, if they are worth it. The longer they are, the more they need to begin with.
    fn of(row: usize, rows: usize) -> Option<Self> {
        let bytes = row * rows / PIECES;
        let enough = match (row <= LINE, row <= SHORT) {
            (true, _) => 1,
            (_, true) => LINE / 4,
            _ => LINE,
        };
        let multiple = |alignment: usize| row.max(row * (alignment >> row.trailing_zeros()));
        let mut alignment = LINE;
        while multiple(alignment) > bytes.min(MOST) {
            // Of few rows that are not very short, making a piece takes longer than it saves.
            if alignment == enough || row > LINE && bytes < PIECE / 2 {
                return None;
            }
            alignment /= 2;
        }
        let least = multiple(alignment);
        Some(Self {
            bytes: least * (bytes.min(PIECE) / least).max(1),
            alignment,
        })
    }
}

/// How a row is copied to many.
pub(super) enum Copies {
    /// Each part of it to all rows.
    Parts,
    /// By pieces, if they follow each other.
    Pieces(Pieces),
}

impl Copies {
    /// How to copy a row of so many bytes to so many rows, which are `joined` if they follow each other, `far` if they are not in the caches
    /// that are near. `near`: so is the last one. None if that is better done row by row.
    fn of(row: usize, rows: usize, joined: bool, far: bool, near: bool) -> Option<Self> {
        let few = rows <= FEW && row <= caches::second_level();
        if near && row > LONG && rows > 1 && (few || !far) {
            return Some(Self::Parts);
        }
        let (most, enough) = match near {
            // In the order of their bytes, rows of whole lines are written as soon, and others but for their ends.
            true if row >= LEAST && row.is_multiple_of(LINE) => return None,
            true if row >= LEAST => (MOST, ENOUGH),
            true => (MOST, AGAIN),
            false => (SHORT, AGAIN),
        };
        let takes = joined && row <= most && row * rows >= enough;
        takes
            .then(|| Pieces::of(row, rows))
            .flatten()
            .map(Self::Pieces)
    }
}

impl Mover {
    /// How to copy the row of a sheet that repeats, if not row by row. Units of both are adjacent, and stay as they are.
    /// `joined`: the copies follow each other.
    pub(super) fn copies(&self, source: &Sheet, joined: bool) -> Option<Copies> {
        if source.rows.step != 0 {
            return None;
        }
        let (bytes, rows) = (source.units.count * self.source_unit, source.rows.count);
        let near = !caches::last_level_is_far();
        Copies::of(bytes, rows, joined, self.is_far(), near)
    }

    /// Copies a row to all of a sheet.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the copies are for these sheets.
    pub(super) unsafe fn copy_again(&self, copies: &Copies, source: &Sheet, target: &Sheet) {
        let (bytes, rows) = (source.units.count * self.source_unit, source.rows.count);
        let (from, to) = (source.first, target.first.cast_mut());
        // SAFETY: the caller's promise.
        unsafe {
            match copies {
                Copies::Parts => copy_parts(from, bytes, to, target.rows),
                Copies::Pieces(pieces) => self.copy_pieces(from, bytes, to, rows, pieces),
            }
        }
    }

    /// Copies a row to so many rows that follow each other.
    ///
    /// # Safety
    /// The row is readable, and the rows are writable and elsewhere; the pieces are for them.
    unsafe fn copy_pieces(
        &self,
        from: *const u8,
        row: usize,
        to: *mut u8,
        rows: usize,
        pieces: &Pieces,
    ) {
        let bytes = row * rows;
        // What comes before the first piece, and what of a row that leaves in its last one.
        let before = to.addr().wrapping_neg() % pieces.alignment;
        let begun = before % row;
        let mut room = Aligned::<{ PAGE + LINE + MOST }>::new();
        let room = room.as_mut_ptr();
        // SAFETY: the caller's promise; the room has as many bytes as a piece, the row it is in, and what is before that in a page. A piece has
        // whole rows, and more bytes than come before it.
        unsafe {
            let first = to.add(before);
            // Reads wait for what was written at the same place of another page just before: there is nothing if both sides go together.
            let made = room.add((first.addr() - begun).wrapping_sub(room.addr()) % PAGE);
            copy(from, made, row);
            let (mut done, all) = (row, begun + pieces.bytes);
            while done < all {
                let more = done.min(all - done);
                copy(made, made.add(done), more);
                done += more;
            }
            copy(made, to, before);
            let piece = made.add(begun);
            let count = (bytes - before) / pieces.bytes;
            let done = before + count * pieces.bytes;
            let places = (first, pieces.bytes as isize);
            if caches::last_level_is_far() {
                let copied = DenseRows::Copied {
                    bytes: pieces.bytes,
                    far: self.is_far(),
                };
                copied.run((piece, 0), places, count);
            } else {
                // In the order of their bytes, even if they are long.
                block::copy_in_order((piece, 0), places, count, pieces.bytes);
            }
            copy(piece, to.add(done), bytes - done);
        }
    }
}

/// Copies a row to rows that are so many bytes apart, part by part.
///
/// # Safety
/// The row is readable, and the rows are writable and elsewhere.
unsafe fn copy_parts(from: *const u8, row: usize, to: *mut u8, copies: Loop) {
    // The first one ends where a line does, and the last one may begin in the one before.
    let mut part = PART + prefetch::to_next_line(to);
    let mut done = 0;
    while done < row {
        part = part.min(row - done).max(LEAST);
        let start = done.min(row - part);
        // SAFETY: the caller's promise; the row is longer than a part.
        unsafe { copy_lines((from.add(start), to.add(start)), Axis::ONE, copies, part) }
        done = start + part;
        part = PART;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_whole_rows_and_fit_their_room() {
        for row in 1..=MOST {
            for rows in [8, 9, 31, 100, 700, 4096, 1 << 20] {
                let Some(Pieces { bytes, alignment }) = Pieces::of(row, rows) else {
                    continue;
                };
                assert!(alignment <= LINE && (alignment == LINE || row <= SHORT));
                assert!(bytes.is_multiple_of(row) && bytes.is_multiple_of(alignment));
                assert!(
                    bytes <= MOST && PIECES * bytes <= row * rows,
                    "{row} {rows}"
                );
            }
        }
        // Short rows, and others of which few make whole lines, begin with a line if there are many.
        for row in [1, 3, 12, 17, 64, 100, 127, 400, 4000, 4096, 8192] {
            let pieces = Pieces::of(row, 1 << 20).unwrap();
            assert_eq!(pieces.alignment, LINE, "{row}");
        }
        assert!(Pieces::of(1001, 1 << 20).is_none() && Pieces::of(3, 7).is_none());
    }

    #[test]
    fn long_rows_go_by_parts_and_others_by_pieces() {
        let of = |row, rows, joined, far, near| match Copies::of(row, rows, joined, far, near) {
            Some(Copies::Parts) => "parts",
            Some(Copies::Pieces(_)) => "pieces",
            None => "rows",
        };
        // Of a row that the first-level cache does not hold with its copies: far away to a few, from the second-level cache.
        assert_eq!(of(LONG + 1, 2, false, false, true), "parts");
        assert_eq!(of(LONG + 1, 100, false, false, true), "parts");
        assert_eq!(of(LONG + 1, FEW, true, true, true), "parts");
        assert_eq!(of(LONG, 2, false, false, true), "rows");
        assert_eq!(of(LONG + 1, FEW + 1, true, true, true), "rows");
        assert_eq!(of(1 << 30, 2, true, true, true), "rows");
        assert_eq!(of(LONG + 1, FEW, true, false, false), "rows");
        // Rows that follow each other, the longer ones where the last-level cache is near.
        assert_eq!(of(100, 1000, true, true, true), "pieces");
        assert_eq!(of(100, 1000, true, true, false), "pieces");
        assert_eq!(of(100, 1000, false, true, true), "rows");
        assert_eq!(of(4064, 1000, true, false, true), "pieces");
        assert_eq!(of(4096, 1000, true, false, false), "rows");
        // There, whole lines are written one row after the other, and a few others.
        assert_eq!(of(4096, 1000, true, false, true), "rows");
        assert_eq!(of(100, ENOUGH / 100, true, false, true), "rows");
        // Few bytes.
        assert_eq!(of(16, AGAIN / 16, true, false, true), "pieces");
        assert_eq!(of(16, AGAIN / 16 - 1, true, false, true), "rows");
    }
}
