//! Shuffles: blocks of short loops, which are permuted in registers, whatever the order of their units on both sides.
//!
//! The runs of a block come to memory that is near, are permuted there all at once, and leave as rows. A block that is one run in the
//! source is read as it lies, and one that is one row in the destination is written as it will lie.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod blocks;

use super::axes::{Axis, for_each_place};
use super::block::Aligned;
use super::mover::Mover;
use super::offsets::{MOST, Offsets, Space};
use super::places::{Step, move_blocks};
#[cfg(target_arch = "x86_64")]
use crate::level;
#[cfg(target_arch = "x86_64")]
use avx512::Table;
pub use blocks::{Beat, Blocks};
use blocks::{LOOPS, Loops, Sided, following};
use core::mem::MaybeUninit;

/// Bytes of a block while it is permuted, at most: as many as registers hold.
const BYTES: usize = 1024;

/// Bytes of near memory that several blocks go by way of, and of each of them on either side, at most.
const NEAR: usize = 8 << 10;
const LARGEST: usize = 4 << 10;

/// Units of a block that are worth being converted by themselves.
const CONVERTED: usize = 32;

/// Memory for several blocks.
type Near = Aligned<NEAR>;

/// Whether the processor has the instructions.
#[cfg(target_arch = "x86_64")]
fn is_possible() -> bool {
    level::has_avx512_vbmi()
}

#[cfg(not(target_arch = "x86_64"))]
fn is_possible() -> bool {
    false
}

/// How registers are permuted: not at all.
#[cfg(not(target_arch = "x86_64"))]
enum Table {}

#[cfg(not(target_arch = "x86_64"))]
impl Table {
    unsafe fn new(
        _: usize,
        _: usize,
        _: impl Iterator<Item = (usize, isize)>,
        _: &mut MaybeUninit<Self>,
    ) -> &Self {
        unreachable!("there are no such blocks")
    }

    unsafe fn run(&self, _: (*const u8, isize), _: (*mut u8, isize), _: usize) {
        match *self {}
    }
}

/// Memory on the stack for what is known of a block.
pub struct Room {
    spaces: [Space; 2],
    table: MaybeUninit<Table>,
}

impl Room {
    /// Nothing is written yet.
    pub fn new() -> Self {
        Self {
            spaces: [Space::NEW; 2],
            table: MaybeUninit::uninit(),
        }
    }
}

/// One side of a block: bytes of a run, and where all of them are.
struct Side<'a> {
    run: usize,
    runs: Offsets<'a>,
    /// Loops of a run, and bytes from their first unit to the lowest one, which is another if loops go backwards.
    loops: usize,
    lowest: isize,
}

impl<'a> Side<'a> {
    /// The runs of these loops, and the order of loops in them, from the inside. One function for both sides.
    #[inline(never)]
    fn new(
        loops: &[Axis],
        unit: usize,
        step: Sided,
        space: &'a mut Space,
    ) -> (Self, [usize; LOOPS]) {
        let (mut order, mut len) = ([0; LOOPS], 0);
        let (mut run, mut lowest) = (unit, 0);
        while let Some(next) = following(loops.iter().copied(), run, step) {
            order[len] = next;
            len += 1;
            let axis = loops[next];
            run *= axis.size as usize;
            lowest += (axis.size as isize - 1) * step(axis).min(0);
        }
        let in_run = len;
        let mut runs = Offsets::new(space);
        for (i, &axis) in loops.iter().enumerate() {
            if !order[..len].contains(&i) {
                order[len] = i;
                len += 1;
                runs.repeat(axis.size as usize, step(axis));
            }
        }
        let side = Self {
            run,
            runs,
            loops: in_run,
            lowest,
        };
        (side, order)
    }

    fn is_one_run(&self) -> bool {
        self.runs.len() == 1
    }
}

/// How blocks of some loops are moved.
pub struct Shuffle<'a> {
    mover: &'a Mover,
    units: usize,
    /// Bytes of a block in the source, in the destination, and while it is permuted.
    source_bytes: usize,
    destination_bytes: usize,
    bytes: usize,
    source: Side<'a>,
    destination: Side<'a>,
    table: &'a Table,
}

impl<'a> Shuffle<'a> {
    /// Of these loops, of which those that go in rounds have so many steps.
    pub fn new(mover: &'a Mover, loops: &Loops, steps: [usize; 2], room: &'a mut Room) -> Self {
        let (loops, len) = loops.of_steps(steps);
        let loops = &loops[..len];
        let (from, to) = mover.units();
        let unit = from.min(to);
        let [sources, destinations] = &mut room.spaces;
        let (source, order) = Side::new(loops, from, Axis::source_bytes, sources);
        let mut steps = [0; LOOPS];
        // Bytes, and those before the first unit.
        let (mut bytes, mut before) = (unit, 0);
        for (number, &i) in order[..loops.len()].iter().enumerate() {
            let size = loops[i].size as usize;
            steps[i] = bytes as isize;
            if number < source.loops && loops[i].source < 0 {
                steps[i] = -steps[i];
                before += (size - 1) * bytes;
            }
            bytes *= size;
        }
        let (destination, order) = Side::new(loops, to, Axis::destination_bytes, destinations);
        let permuted = order[..loops.len()]
            .iter()
            .map(|&i| (loops[i].size as usize, steps[i]));
        // SAFETY: the loops are those of blocks, for which the processor was asked, and which have no more bytes.
        let table = unsafe { Table::new(unit, before, permuted, &mut room.table) };
        let units = bytes / unit;
        Self {
            mover,
            units,
            source_bytes: units * from,
            destination_bytes: units * to,
            bytes,
            source,
            destination,
            table,
        }
    }

    /// Moves the blocks of two loops.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    pub unsafe fn sheet(&self, first: (*const u8, *mut u8), [outer, inner]: [Axis; 2]) {
        let all = inner.size as usize;
        let most = self.at_once().min(all);
        let (from_step, to_step) = (inner.source_bytes(), inner.destination_bytes());
        // The runs of as many blocks.
        let [mut sources, mut destinations] = [Space::NEW; 2];
        let runs = [
            &self.source.runs.repeated(most, from_step, &mut sources),
            &self
                .destination
                .runs
                .repeated(most, to_step, &mut destinations),
        ];
        let [mut near, mut other] = [Near::new(), Near::new()];
        let near = [near.as_mut_ptr(), other.as_mut_ptr()];
        for_each_place(first, [outer, Axis::ONE], |from, to| {
            for done in (0..all).step_by(most) {
                let from = from.wrapping_offset(done as isize * from_step + self.source.lowest);
                let to = to.wrapping_offset(done as isize * to_step);
                let count = most.min(all - done);
                // SAFETY: the caller's promise.
                unsafe { self.run((from, from_step), (to, to_step), runs, near, count) }
            }
        });
    }

    /// How many blocks go together.
    fn at_once(&self) -> usize {
        let largest = self.source_bytes.max(self.destination_bytes);
        let runs = self.source.runs.len().max(self.destination.runs.len());
        (NEAR / largest).min(MOST / runs)
    }

    /// Moves so many blocks, whose runs are there, by way of near memory.
    ///
    /// # Safety
    /// As for [`Shuffle::sheet`].
    unsafe fn run(
        &self,
        from: (*const u8, isize),
        to: (*mut u8, isize),
        [sources, destinations]: [&Offsets<'_>; 2],
        [mut near, mut other]: [*mut u8; 2],
        count: usize,
    ) {
        let converts = self.mover.converts();
        let converts_first = converts && self.bytes == self.destination_bytes;
        let converts_last = converts && !converts_first;
        // What is converted at once must follow each other, in whatever order.
        let follow =
            |step: isize, bytes: usize| step.unsigned_abs() == bytes || self.units >= CONVERTED;
        let gathers =
            !self.source.is_one_run() || converts_first && !follow(from.1, self.source_bytes);
        let scatters = !self.destination.is_one_run()
            || converts_last && !follow(to.1, self.destination_bytes);
        let mut now = from;
        let mut next = |bytes: usize| {
            core::mem::swap(&mut near, &mut other);
            (other, bytes as isize)
        };
        // SAFETY: the caller's promise; near memory holds as many blocks, of which each step reads those of the step before.
        unsafe {
            if gathers {
                let target = next(self.source_bytes);
                let (runs, run) = (count * self.source.runs.len(), self.source.run);
                let source = (now.0, sources.first(runs));
                move_blocks(source, (target.0, Step(run as isize)), runs, run);
                now = read(target);
            }
            if converts_first {
                let target = next(self.destination_bytes);
                now = self.convert_first(now, target, count);
            }
            let target = match scatters || converts_last {
                true => next(self.bytes),
                false => to,
            };
            self.table.run(now, target, count);
            now = read(target);
            if converts_last {
                let target = match scatters {
                    true => next(self.destination_bytes),
                    false => to,
                };
                self.convert(now, target, count);
                now = read(target);
            }
            if scatters {
                let (runs, run) = (count * self.destination.runs.len(), self.destination.run);
                let target = (to.0, destinations.first(runs));
                move_blocks((now.0, Step(run as isize)), target, runs, run);
            }
        }
    }

    /// Converts so many blocks to such that follow each other, in the order of their addresses. Returns the first one and the distance to the
    /// next.
    ///
    /// # Safety
    /// As for [`Mover::adjacent`].
    unsafe fn convert_first(
        &self,
        from: (*const u8, isize),
        to: (*mut u8, isize),
        count: usize,
    ) -> (*const u8, isize) {
        let last = count as isize - 1;
        let (from, made) = match from.1 < 0 {
            true => (
                (from.0.wrapping_offset(last * from.1), -from.1),
                (to.0.wrapping_offset(last * to.1), -to.1),
            ),
            false => (from, to),
        };
        // SAFETY: the caller's promise.
        unsafe { self.convert(from, to, count) };
        read(made)
    }

    /// Converts so many blocks, at once if they follow each other on both sides.
    ///
    /// # Safety
    /// As for [`Mover::adjacent`].
    unsafe fn convert(&self, from: (*const u8, isize), to: (*mut u8, isize), count: usize) {
        let follow = (self.source_bytes as isize, self.destination_bytes as isize);
        let (blocks, units) = match (from.1, to.1) == follow {
            true => (1, count * self.units),
            false => (count, self.units),
        };
        for i in 0..blocks as isize {
            let from = from.0.wrapping_offset(i * from.1);
            let to = to.0.wrapping_offset(i * to.1);
            // SAFETY: the caller's promise.
            unsafe { self.mover.adjacent(from, to, units) }
        }
    }
}

/// What has been written, as what is read next.
fn read((place, step): (*mut u8, isize)) -> (*const u8, isize) {
    (place.cast_const(), step)
}
