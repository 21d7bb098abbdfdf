//! Rows that would be converted by few units: slices come to a block by whatever way is best for their loops, and are converted from there.

use super::{Copy, Start};
use crate::copy::axes::{Axes, Axis, MAX_AXES, Room, for_each_place};
use crate::copy::plane::Plane;
use crate::copy::rounds::Rounds;
use crate::copy::scratch::{Scratch, Small};
use crate::copy::slices::Slices;
use crate::copy::small_planes::SmallPlanes;

impl Copy<'_> {
    /// By slices, if there are planes whose rows would be converted by few units. Returns whether it did.
    ///
    /// # Safety
    /// As for [`run`](super::run); slices [are wanted](Slices::are_wanted).
    #[inline(never)]
    pub(super) unsafe fn by_slices(&self, axes: &Axes<'_>) -> bool {
        let Some(along) = self.plane(axes) else {
            return false;
        };
        let [_, inner] = axes.inner_two();
        if SmallPlanes::convert_many_units(self.mover, axes, along)
            || Plane::is_woven(self.mover, axes.get(along), inner)
        {
            return false;
        }
        // A copy: if there are no slices, the loops are still needed.
        let mut room = Room::<MAX_AXES>::new();
        let mut axes = axes.without([None; 2], room.as_mut());
        let Some(slices) = Slices::take(self.mover, &mut axes) else {
            return false;
        };
        let both = [slices.rounds(), Rounds::ONE];
        // SAFETY: the caller's promises; there are so many steps.
        let sheet = |first, around, steps: [usize; 2]| unsafe {
            self.slice(first, around, &slices, steps[0]);
        };
        // SAFETY: the caller's promises.
        unsafe { self.by_rounds(&axes, both, &sheet) };
        true
    }

    /// Moves the slices of two loops, of so many steps.
    ///
    /// # Safety
    /// As for [`run`](super::run); there are as many steps.
    unsafe fn slice(
        &self,
        first: (*const u8, *mut u8),
        around: [Axis; 2],
        slices: &Slices,
        steps: usize,
    ) {
        let (from_unit, to_unit) = self.mover.units();
        let count = slices.count(steps);
        let row = Axis {
            size: count as i64,
            source: 8 * from_unit as i64,
            destination: 8 * to_unit as i64,
        };
        let unconverted = self.mover.unconverted().to_near();
        let mut small = Small::new();
        let mut scratch = Scratch::large(&mut small);
        let (block, bytes) = scratch.tile();
        // Without memory they go as they would otherwise.
        let has_room = count * from_unit <= bytes;
        for_each_place(first, around, |from, to| {
            let (mover, destination) = match has_room {
                true => (&unconverted, block),
                false => (self.mover, to),
            };
            let mut room = Room::<MAX_AXES>::new();
            let axes = slices.loops(steps, mover.units().1, room.as_mut());
            let copy = Copy {
                source: from,
                destination,
                mover,
                start: Start::ZERO,
                bytes: (count * mover.units().1) as i64,
            };
            // SAFETY: the caller's promise; the block holds a slice.
            unsafe {
                copy.by_loops(axes);
                if has_room {
                    self.mover.sheet((block, 0), (to, 0), Axis::ONE, row);
                }
            }
        });
    }
}
