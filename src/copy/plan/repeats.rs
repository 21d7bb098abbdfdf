//! Loops along which the source repeats: what they lead to is copied once, and then again from what has become of it.

use super::{Copy, Start};
use crate::caches;
use crate::copy::axes::{Axes, Axis, MAX_AXES, Room, for_each_place};
use crate::copy::rounds::Rounds;
use crate::copy::threads;

/// Bytes of a copy that is worth two.
const WORTH: i64 = 2 << 10;

/// Bytes of what is copied again at a time, at least: less is better moved from the source.
const LEAST: i64 = 16;

/// Bytes from which what is far away is worth a round by itself.
const FAR: i64 = 32 << 10;

/// Bytes that are copied once from which several threads share them.
const SHARED: i64 = 64 << 10;

/// Steps from which a row that grows is not made each time if it is near, and bytes of one that takes no longer than a copy.
const MANY: i64 = 32;
const LONG: i64 = 256;

impl Copy<'_> {
    /// The outermost loop along which the source repeats, if what it leads to takes longer than a copy of what becomes of it.
    pub(super) fn repeating(&self, axes: &Axes<'_>) -> Option<usize> {
        let [_, inner] = axes.inner_two();
        let dense = inner.is_dense_out(self.mover.units().1);
        if !self.mover.moves_bytes() || !dense || self.bytes < WORTH {
            return None;
        }
        let rows = axes.len().saturating_sub(1);
        let index = (0..rows).find(|&i| axes.get(i).source == 0)?;
        let takes = axes.get(index).destination >= 8 * LEAST;
        (takes && !self.is_as_quick(axes, index)).then_some(index)
    }

    /// Whether all steps of a loop along which the source repeats are made of it as quickly as they are copied.
    fn is_as_quick(&self, axes: &Axes<'_>, index: usize) -> bool {
        let (from, to) = self.mover.units();
        let ([_, inner], again) = (axes.inner_two(), axes.get(index));
        let follow = index + 2 == axes.len();
        // Little that is far away had better be written at once.
        match (inner.is_dense_in(from), self.mover.converts()) {
            (true, false) => follow || self.is_scattered(again),
            (false, _) => self.is_scattered(again),
            // Long rows that grow are made as soon as they are copied; of short ones that follow each other, several are made at once.
            (true, true) => {
                let row = inner.size.saturating_mul(to as i64);
                let quick = row >= LONG || follow && row < LONG / 2;
                from < to && (again.size < MANY || self.mover.is_far()) && quick
            }
        }
    }

    /// Whether little of what is far away follows before the next step of a loop.
    fn is_scattered(&self, again: Axis) -> bool {
        self.mover.is_far() && self.is_much_at_once(again) && again.destination < 8 * FAR
    }

    /// Whether what is copied once, before the other steps of a loop, does not stay in the second-level cache.
    fn is_much_at_once(&self, again: Axis) -> bool {
        self.bytes / again.size > caches::second_level() as i64
    }

    /// Bytes that are copied once before the other steps of a loop: all, if those stay in the second-level cache, or else what does. Of
    /// several threads, each copies again what it has copied once, if that is much.
    fn at_once(&self, again: Axis) -> i64 {
        let (all, near) = (self.bytes / again.size, caches::second_level() as i64);
        let share = match threads::parts_for(self.bytes) > 1 && all >= SHARED {
            true => (all / (4 * i64::from(threads::num_threads()))).max(SHARED / 4),
            false => all,
        };
        match self.is_much_at_once(again) {
            // With all that is made of it.
            true if self.is_scattered(again) => share.min(near / 2 / again.size),
            true => share.min(near / 4),
            false => share,
        }
    }

    /// Along the other loops once, and from there to the rest of the steps of that at `index`: at once, or in rounds.
    ///
    /// # Safety
    /// As for [`run`](super::run); the source [repeats](Copy::repeating) along that loop.
    #[inline(never)]
    pub(super) unsafe fn by_repeating(&self, axes: &mut Axes<'_>, index: usize) {
        let again = axes.get(index);
        axes.remove(index);
        let at_once = self.at_once(again);
        if at_once == self.bytes / again.size {
            // SAFETY: the caller's promises.
            return unsafe { self.once_and_again(axes, again) };
        }
        let unit = self.mover.units().1 as i64;
        let most = at_once / unit;
        let (mut first, mut count) = (axes.len() - 1, 1i64);
        while first > 0 && count.saturating_mul(axes.get(first).size) <= most {
            count *= axes.get(first).size;
            first -= 1;
        }
        let mut inside = Room::<MAX_AXES>::new();
        let mut inside = Axes::none(inside.as_mut());
        while first + 1 < axes.len() {
            inside.push(axes.get(first + 1));
            axes.remove(first + 1);
        }
        let rounds = Rounds::of(axes, first, (most / count).max(1));
        // SAFETY: the caller's promises; there are so many steps.
        let sheet = |first, around, steps: [usize; 2]| unsafe {
            let mut room = Room::<MAX_AXES>::new();
            let mut axes = Axes::none(room.as_mut());
            axes.push(Axis {
                size: steps[0] as i64,
                ..rounds.inside
            });
            inside.each().for_each(|axis| axes.push(axis));
            for_each_place(first, around, |source, destination| {
                let copy = Copy {
                    source,
                    destination,
                    start: Start::ZERO,
                    bytes: axes.steps() * unit,
                    ..*self
                };
                copy.once_and_again(&axes, again);
            });
        };
        // SAFETY: the caller's promises.
        unsafe { self.by_rounds(axes, [rounds, Rounds::ONE], &sheet) }
    }

    /// Along these loops, and then from where they lead to the other steps of one more.
    ///
    /// # Safety
    /// As for [`run`](super::run).
    unsafe fn once_and_again(&self, axes: &Axes<'_>, again: Axis) {
        let mut room = Room::<MAX_AXES>::new();
        let once = Copy {
            mover: &self.mover.to_near(),
            bytes: axes.steps() * self.mover.units().1 as i64,
            ..*self
        };
        // SAFETY: the caller's promises.
        unsafe { once.by_slices_or_loops(axes.without([None; 2], room.as_mut())) }
        let mut copies = Axes::none(room.as_mut());
        copies.push(Axis {
            size: again.size - 1,
            ..again
        });
        for axis in axes.each() {
            copies.push(Axis {
                source: axis.destination,
                ..axis
            });
        }
        copies.simplify();
        // In a round, its bytes are those of the one step: threads are at work on other rounds.
        let rest = Copy {
            source: self.destination,
            mover: &self.mover.converted(),
            start: self.start.along_destination(again.destination),
            ..*self
        };
        // SAFETY: the caller's promises; the first steps are there, and others are elsewhere.
        unsafe { rest.by_loops(copies) }
    }
}
