//! Loops along rows: of which runs stay whole, or whose units are gathered one by one.

use super::{Copy, MANY};
use crate::copy::axes::{Axes, Axis, MAX_AXES, Room, Start};
use crate::copy::close_rows::{Row, Together};
use crate::copy::mover::{self, DenseRows};
use crate::copy::pattern::Pattern;
use crate::copy::rounds::Rounds;
use crate::copy::strided::Loop;
use crate::copy::tiles::{FEW_PLACES, lines_held};
use crate::prefetch::LINE;

/// Steps from which rows of units that are gathered, or put in their places, are long enough to be gone along by themselves.
const LONG_APART: i64 = 4;

/// Bytes of a row, on the side that has more, from which it is not worth being part of a pattern if it is dense, and units of one that is
/// converted, up to which it is, unless it is one of [`DenseRows`]: patterns convert many at once.
const DENSE: i64 = 32;
const CONVERTED: i64 = 32;

/// Bits of rows that follow each other in the destination, and are all the same one, from which they are better copied than made by patterns.
const AGAIN_BITS: i64 = 8 * mover::AGAIN as i64;

/// Such rows that are too few for a loop along them.
const FEW_ROWS: i64 = 5;

/// Bytes of such a row that is worth a loop even so.
const LONG_DENSE: i64 = 256;

/// Bytes of a row, in the smaller of both units, up to which it is better turned round together with others, if its units are in the
/// opposite order, or if rows are: of those that are copied, and of those that are converted.
const TURNED_UNITS: [i64; 2] = [40, 80];
const TURNED_ROWS: [i64; 2] = [24, 32];

/// Rows that follow each other in the source of which each is moved before the next ones of another loop, if the lines of that share places:
/// as many as the first-level cache has ways.
const ROWS_AT_ONCE: i64 = 8;

impl Copy<'_> {
    /// Whether rows are short, and their units or the rows are in the opposite order: of these, blocks are better turned round at once.
    pub(super) fn are_turned_round(&self, axes: &Axes<'_>) -> bool {
        if axes.len() < 2 {
            return false;
        }
        let [outer, inner] = axes.inner_two();
        let (from, to) = self.mover.units();
        let most = match (inner.source < 0, outer.source < 0) {
            (true, _) => TURNED_UNITS,
            (_, true) => TURNED_ROWS,
            _ => return false,
        };
        let row = inner.size.saturating_mul(from.min(to) as i64);
        row <= most[usize::from(self.mover.converts())]
    }

    /// Whether rows are so short, and so close to each other on both sides, that several are copied at once, whatever the order of their
    /// units.
    pub(super) fn has_close_rows(&self, axes: &Axes<'_>) -> bool {
        let [outer, inner] = axes.inner_two();
        let (from, to) = self.mover.units();
        let bytes = inner.size as usize * from;
        let unit = match inner.is_dense_in(from) {
            true => bytes,
            false if inner.source_bytes() == -(from as isize) => from,
            false => return false,
        };
        // What is converted is gathered to a block before.
        let written = match self.mover.converts() {
            true if outer.destination_bytes() != inner.size as isize * to as isize => return false,
            true => bytes as isize,
            false => outer.destination_bytes(),
        };
        let row = Row { bytes, unit };
        let together = Together::of(outer.source_bytes(), written, outer.size as usize, row);
        inner.is_dense_out(to) && together.is_some()
    }

    /// Whether the rows are long, or cannot be anything else.
    pub(super) fn has_long_rows(&self, axes: &Axes<'_>) -> bool {
        let [outer, inner] = axes.inner_two();
        let (from, to) = self.mover.units();
        if axes.len() < 2 || !Pattern::takes(self.mover) {
            return true;
        }
        let few = axes.len() < 3;
        let dense = inner.is_dense_in(from) && inner.is_dense_out(to);
        let repeats = inner.source == 0 && inner.is_dense_out(to);
        let row = inner.size.saturating_mul(8 * to as i64);
        let joined = outer.destination == row && outer.size.saturating_mul(row) >= AGAIN_BITS;
        if dense && outer.source == 0 && joined {
            return true;
        }
        // Patterns are not streamed.
        let long = if repeats || dense && (few || self.mover.streams()) {
            true
        } else if dense && self.mover.converts() {
            inner.size > CONVERTED
        } else if dense {
            inner.size * from as i64 >= DENSE
        } else {
            inner.size >= LONG_APART
        };
        let sheet = outer.size.saturating_mul(inner.size);
        long && (few || sheet >= MANY)
    }

    /// Along rows of the innermost loop.
    ///
    /// # Safety
    /// As for [`run`](super::run).
    pub(super) unsafe fn by_rows(&self, axes: &Axes<'_>) {
        // SAFETY: the caller's promises.
        unsafe {
            self.visit(axes, self.start, 1, &|(from, to), outer, inner| {
                self.mover.sheet(from, to, outer, inner);
            });
        }
    }

    /// Along rows of the innermost loop, if they are adjacent units on both sides, and not too short for being moved each by itself. Returns
    /// whether they are; else the loops stay as they were.
    ///
    /// # Safety
    /// As for [`run`](super::run).
    pub(super) unsafe fn by_dense_rows(&self, axes: &mut Axes<'_>) -> bool {
        let (from, to) = self.mover.units();
        let [_, row] = axes.inner_two();
        let row_bytes = row.size * from.max(to) as i64;
        if axes.len() < 3 || row_bytes < DENSE {
            return false;
        }
        // Patterns ask for what is far away across few rows.
        let (far, outer) = (self.mover.is_far(), axes.len() - 2);
        let (along, long) = match far {
            _ if axes.get(outer).source == 0 && !self.mover.converts() => (outer, true),
            true => (outer, self.mover.converts()),
            false => (axes.long_enough(outer, FEW_ROWS), row_bytes >= LONG_DENSE),
        };
        if axes.get(along).size < FEW_ROWS && !long {
            return false;
        }
        let Some(rows) = self.mover.dense_rows(axes.get(along), row) else {
            return false;
        };
        axes.bring_inside(along);
        axes.remove(outer + 1);
        // SAFETY: the caller's promises.
        unsafe {
            match self.next_of_lost_rows(axes, row) {
                Some(next) => self.by_few_rows(axes, next, rows),
                None => self.by_sheets(axes, self.start, rows),
            }
        }
        true
    }

    /// Along dense rows, which the two innermost of these loops lead to.
    ///
    /// # Safety
    /// As for [`run`](super::run).
    unsafe fn by_sheets(&self, axes: &Axes<'_>, start: Start, rows: DenseRows) {
        // SAFETY: the caller's promises.
        unsafe {
            self.visit(axes, start, 1, &|(from, to), outer, inner| {
                let source = Loop::of_bits(inner.size, inner.source);
                let target = Loop::of_bits(inner.size, inner.destination);
                rows.run_groups((from.0, to.0), outer, [source, target]);
            });
        }
    }

    /// The same, but a few rows along the loop at `next` before each step of the others.
    ///
    /// # Safety
    /// As for [`run`](super::run).
    #[inline(never)]
    unsafe fn by_few_rows(&self, axes: &mut Axes<'_>, next: usize, rows: DenseRows) {
        let rounds = Rounds::of(axes, next, ROWS_AT_ONCE);
        let both = [rounds, Rounds::ONE];
        Rounds::for_each(axes, self.start, both, &mut |axes, start, [steps, _]| {
            let mut room = Room::<MAX_AXES>::new();
            let mut axes = axes.without([None; 2], room.as_mut());
            axes.push(Axis {
                size: steps as i64,
                ..rounds.inside
            });
            // SAFETY: the caller's promises.
            unsafe { self.by_sheets(&axes, start, rows) }
        });
    }

    /// Whether the innermost of these loops leads to rows, no longer than a line or two, whose lines share few places in the first-level cache:
    /// then the loop along which rows follow each other in the source.
    fn next_of_lost_rows(&self, axes: &Axes<'_>, row: Axis) -> Option<usize> {
        let apart = axes.innermost().filter(|apart| apart.source != 0)?;
        let bytes = row.size * self.mover.units().0 as i64;
        let held = lines_held(apart.source_bytes());
        let lost = held <= FEW_PLACES && apart.size >= 2 * held as i64;
        let short = !self.mover.converts() && bytes < 2 * LINE as i64;
        let follow = |&i: &usize| axes.get(i).source == 8 * bytes;
        (0..axes.len() - 1).find(follow).filter(|_| lost && short)
    }
}
