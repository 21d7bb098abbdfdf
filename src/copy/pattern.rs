//! Patterns: short loops inside others. Where their units are is the same each time but for where they begin, so it is written
//! down once, and followed by one loop.

use super::axes::{Axes, Axis, for_each_place};
use super::block::{BLOCK, Block};
use super::mover::Mover;
use super::offsets::{MOST, Offsets, Space};
use super::places::{Step, move_blocks};
use super::rounds::Rounds;
use crate::prefetch;

/// Bytes of a unit, at most.
const LARGEST: usize = 64;

/// Bytes of a row of the destination, one of several, from which it is better asked for before it is written.
const ASKED: usize = 32;

/// Short loops over the units of a mover.
pub struct Pattern<'a> {
    mover: &'a Mover,
    /// Rounds of the outermost of the loops.
    rounds: Rounds,
    /// Units that are adjacent on both sides, and where such pieces are in the source.
    piece: usize,
    pieces: Offsets<'a>,
    /// Units that are adjacent in the destination, and where such rows are.
    row: usize,
    rows: Offsets<'a>,
}

impl<'a> Pattern<'a> {
    /// Whether there are patterns for a mover: units are whole bytes, and not so many that they are better moved one by one.
    pub fn takes(mover: &Mover) -> bool {
        let (from, to) = mover.units();
        mover.moves_bytes() && from.max(to) <= LARGEST
    }

    /// Takes the innermost loops away, as many as a pattern has room for. The others then follow the source.
    pub fn take(mover: &'a Mover, axes: &mut Axes<'_>, spaces: &'a mut [Space; 2]) -> Self {
        let [pieces, rows] = spaces;
        let (source_unit, destination_unit) = mover.units();
        let mut pattern = Self {
            mover,
            rounds: Rounds::ONE,
            piece: 1,
            pieces: Offsets::new(pieces),
            row: 1,
            rows: Offsets::new(rows),
        };
        let mut most = MOST.min(BLOCK / source_unit.max(destination_unit)) as i64;
        while axes.len() > 0 && most >= 2 && pattern.rounds.is_whole() {
            pattern.rounds = Rounds::of(axes, axes.len() - 1, most);
            pattern.add(pattern.rounds.inside);
            most /= pattern.rounds.inside.size;
        }
        axes.follow_source();
        pattern
    }

    pub fn rounds(&self) -> Rounds {
        self.rounds
    }

    /// Adds a loop around those that are there.
    fn add(&mut self, axis: Axis) {
        let (source_unit, destination_unit) = self.mover.units();
        let size = axis.size as usize;
        let (from, to) = (axis.source_bytes(), axis.destination_bytes());
        let row = self.rows.len() == 1 && to == (self.row * destination_unit) as isize;
        let piece = row && self.pieces.len() == 1 && from == (self.piece * source_unit) as isize;
        match piece {
            true => self.piece *= size,
            false => self.pieces.repeat(size, from),
        }
        match row {
            true => self.row *= size,
            false => self.rows.repeat(size, to),
        }
    }

    /// Moves the units of two loops around as many steps of the pattern.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; there are as many steps.
    pub unsafe fn sheet(&self, first: (*const u8, *mut u8), around: [Axis; 2], steps: usize) {
        // SAFETY: the caller's promise.
        for_each_place(first, around, |from, to| unsafe {
            self.run(from, to, steps)
        });
    }

    /// Moves the units of the pattern from here on.
    ///
    /// # Safety
    /// As for [`Pattern::sheet`].
    #[inline(always)]
    unsafe fn run(&self, from: *const u8, to: *mut u8, steps: usize) {
        // The loop of those steps is the outermost one.
        let of_steps = |all: usize| match all {
            1 => 1,
            all => self.rounds.part(all, steps),
        };
        let pieces = self.pieces.first(of_steps(self.pieces.len()));
        let rows = self.rows.first(of_steps(self.rows.len()));
        // Of several pieces, a round of one step may have one, whole as it is.
        let piece = match self.pieces.len() {
            1 => of_steps(self.piece),
            _ => self.piece,
        };
        let (source_unit, destination_unit) = self.mover.units();
        let piece_bytes = piece * source_unit;
        let count = pieces.len() * piece;
        let row_bytes = count / rows.len() * destination_unit;
        let source = (from, pieces);
        if self.mover.is_far() && rows.len() > 1 && row_bytes >= ASKED {
            for row in rows {
                prefetch::bytes_to_write(to.wrapping_offset(*row), row_bytes);
            }
        }
        let gather = |to: *mut u8| {
            let target = (to, Step(piece_bytes as isize));
            // SAFETY: the caller's promise; there is room for all units.
            unsafe { move_blocks(source, target, pieces.len(), piece_bytes) }
        };
        let produce = |to: *mut u8| {
            if !self.mover.converts() {
                return gather(to);
            }
            let mut block = Block::new();
            gather(block.as_mut_ptr());
            // SAFETY: the same.
            unsafe { self.mover.adjacent(block.as_mut_ptr(), to, count) }
        };
        if rows.len() == 1 {
            produce(to);
        } else if !self.mover.converts() && pieces.len() == rows.len() {
            // SAFETY: the caller's promise.
            unsafe { move_blocks(source, (to, rows), pieces.len(), piece_bytes) }
        } else {
            let mut block = Block::new();
            produce(block.as_mut_ptr());
            let source = (block.as_mut_ptr().cast_const(), Step(row_bytes as isize));
            // SAFETY: the caller's promise.
            unsafe { move_blocks(source, (to, rows), rows.len(), row_bytes) }
        }
    }
}
