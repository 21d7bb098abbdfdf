//! Runs that are taken apart and woven anew: a few of the source, which have a few units at a time, become a few of the destination, as
//! when (a, n, c) is turned round to (c, n, a). Both steps go by way of a block, in registers.

use super::axes::{Axes, Axis, for_each_place};
use super::block::Aligned;
use super::mover::Mover;
use super::rounds::Rounds;
use super::scratch::{PAD, Small};
use super::tiles::Tiles;
use super::weave::{self, Direction, MOST, Room, Weave};
use crate::prefetch::LINE;

/// Bytes that are woven anew at a time.
const BYTES: usize = 16 << 10;

/// Memory of a block for them, whose runs are in different lines of the cache.
type Woven = Aligned<{ BYTES + MOST * MOST * 2 * PAD }>;

/// Bytes of a unit that is small, and of one that is larger, at most.
const SMALL: i64 = 2;
const LARGER: i64 = 4;

/// Bytes of a copy from which it pays, and steps of the loop between, which are a line at least.
const FEWEST: i64 = 4 << 10;
const STEPS: i64 = 32;

/// How runs of the units of a mover are woven anew.
pub struct Reweave<'a> {
    mover: &'a Mover,
    tiles: Tiles<'a>,
    /// Takes a run of the source apart, and weaves one of the destination.
    apart: Weave<'a>,
    together: Weave<'a>,
    /// Bytes from one run to the next on each side.
    source: isize,
    destination: isize,
    /// The loop along which all of them go on.
    rounds: Rounds,
}

impl<'a> Reweave<'a> {
    /// Whether this is better than anything else: larger units are as well exchanged as small planes.
    pub fn is_best(mover: &Mover) -> bool {
        let (from, to) = mover.units();
        from.min(to) as i64 <= SMALL
    }

    /// The loop along which a few runs of the source go on, of which each step is that at `along`, and a few of the destination, of which
    /// each is the innermost loop: if there is one, and it is worth it.
    pub fn between(mover: &Mover, axes: &Axes<'_>, along: usize) -> Option<usize> {
        let ([_, inner], run) = (axes.inner_two(), axes.get(along));
        let (from, to) = mover.units();
        let unit = from.min(to) as i64;
        let most = weave::most_anew(unit as usize) as i64;
        // Larger units are as well moved one by one from memory.
        let small = unit <= SMALL || unit <= LARGER && !mover.is_far();
        let few = [inner, run]
            .iter()
            .all(|axis| (2..=most).contains(&axis.size));
        if !few || !small || !run.is_dense_in(from) || axes.steps().saturating_mul(unit) < FEWEST {
            return None;
        }
        (0..axes.len() - 1).find(|&i| {
            let axis = axes.get(i);
            axis.source == run.size * run.source
                && axis.destination == inner.size * inner.destination
                && axis.size >= STEPS.max(LINE as i64 / unit)
        })
    }

    /// Takes the innermost loop away, that at `along`, and the one [between](Reweave::between) them.
    pub fn take(
        mover: &'a Mover,
        axes: &mut Axes<'_>,
        [along, between]: [usize; 2],
        [apart, together]: [&'a mut Room; 2],
    ) -> Self {
        let ([_, inner], run) = (axes.inner_two(), axes.get(along));
        let tiles = Tiles::new(mover);
        let unit = tiles.unit();
        let bytes = axes.steps() as usize * unit;
        let (columns, rows) = (inner.size as usize, run.size as usize);
        let most = BYTES / (columns * rows * unit) / (LINE / unit) * (LINE / unit);
        axes.remove(axes.len() - 1);
        axes.remove(along);
        let rounds = Rounds::of(axes, between - usize::from(between > along), most as i64);
        Self {
            mover,
            tiles,
            apart: Weave::new(Direction::Apart, rows, unit, bytes, apart),
            together: Weave::new(Direction::Together, columns, unit, bytes, together),
            source: inner.source_bytes(),
            destination: run.destination_bytes(),
            rounds,
        }
    }

    pub fn rounds(&self) -> [Rounds; 2] {
        [self.rounds, Rounds::ONE]
    }

    /// Moves the units of two loops around as many steps.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; there are as many steps.
    pub unsafe fn sheet(&self, first: (*const u8, *mut u8), around: [Axis; 2], steps: usize) {
        let (mut woven, mut one) = (Woven::new(), Small::new());
        let blocks = (woven.as_mut_ptr(), one.as_mut_ptr());
        // SAFETY: the caller's promise.
        for_each_place(first, around, |from, to| unsafe {
            self.run(from, to, blocks, steps)
        });
    }

    /// Moves so many steps, by way of a block for all runs and one for one of either side.
    ///
    /// # Safety
    /// As for [`Reweave::sheet`].
    unsafe fn run(
        &self,
        from: *const u8,
        to: *mut u8,
        (woven, one): (*mut u8, *mut u8),
        steps: usize,
    ) {
        let (columns, rows) = (self.together.few(), self.apart.few());
        let unit = self.tiles.unit();
        let pitch = (steps * unit).next_multiple_of(PAD) + PAD;
        let converts_first = self.mover.converts() && self.tiles.converts_first();
        let direct = self.tiles.converts_first() && !self.mover.streams();
        // SAFETY: the caller's promise; the blocks hold as many units.
        unsafe {
            for column in 0..columns {
                let from = from.wrapping_offset(column as isize * self.source);
                let from = match converts_first {
                    true => {
                        self.mover.adjacent(from, one, steps * rows);
                        one.cast_const()
                    }
                    false => from,
                };
                let to = woven.add(column * rows * pitch);
                self.apart.run(from, to, pitch as isize, steps, false);
            }
            for row in 0..rows {
                let from = woven.add(row * pitch);
                let to = to.wrapping_offset(row as isize * self.destination);
                let apart = (rows * pitch) as isize;
                let target = if direct { to } else { one };
                self.together.run(from, target, apart, steps, false);
                if !direct {
                    self.tiles.take(one, to, steps * columns);
                }
            }
        }
    }
}
