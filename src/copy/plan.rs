//! The plan of a copy: how its loops are gone along, and by how many threads.
//!
//! Rows are runs of one loop. Planes are two loops of which one follows the source and the other the destination; small ones go one
//! after the other, and those of a few runs that go on along another loop are woven anew. Where such a loop is short, several make the
//! side of a brick; and where that is short too, or there is nothing to transpose, short loops are a pattern. Blocks of short loops are
//! shuffled in registers where that takes less time than small planes or patterns. What repeats along a loop is copied once, and then again.
//! What pays was measured: see `docs/techniques.md`.

mod repeats;
mod rows;
mod slices;

use super::Side;
use super::axes::{Axes, Axis, MAX_AXES, Room, Start};
use super::bricks::Bricks;
use super::mover::Mover;
use super::offsets::Space;
use super::pattern::Pattern;
use super::plane::Plane;
use super::reweave::Reweave;
use super::rounds::Rounds;
use super::shares::Division;
use super::shuffle::{self, Beat, Blocks, Shuffle};
use super::slices::Slices;
use super::small_planes::SmallPlanes;
use super::stream;
use super::threads;
use super::transpose::{NARROW, SIDE};
use super::weave;
use crate::convert::Standard;
use crate::prefetch::LINE;
use core::ops::Range;

/// Steps from which loops are long enough to be gone along by themselves.
const LONG: i64 = 32;

/// The same for planes that are streamed, whose rows had better be longer.
const LONG_STREAMED: i64 = 128;

/// Bytes of a row of planes that are woven, at most: of longer ones the lines that they share are few.
const WOVEN: i64 = 1024;

/// Rows of such planes that are written before the next ones of any, and bytes that runs of the source then have, at least.
const WOVEN_ROWS: i64 = 64;
const WOVEN_RUN: i64 = 256;

/// Steps of the loops of a plane from which squares of them are whole.
const SQUARE: i64 = SIDE as i64;

/// Units of two loops that are worth being gone along by themselves, and of those that are woven together or taken apart.
const MANY: i64 = 256;
const MANY_WOVEN: i64 = 128;

/// Units of a copy from which bricks pay: with fewer, the rest of them costs more than it saves.
const BRICKS: i64 = 8192;

/// Steps of the loops of a plane that a part has at least: no fewer than a tile.
const NARROWEST: i64 = 128;

/// A copy, but for its loops.
struct Copy<'a> {
    source: *const u8,
    destination: *mut u8,
    mover: &'a Mover,
    start: Start,
    /// Bytes of the destination, or as many of them as decide how to go along the loops.
    bytes: i64,
}

// SAFETY: the caller of `run` promised that the memory may be used; parts touch different elements of the destination.
unsafe impl Sync for Copy<'_> {}

/// One place on each side: an address and a bit from there.
type Place = ((*const u8, i64), (*mut u8, i64));

/// Copies by a mover along the loops of both sides.
///
/// # Safety
/// As for [`super::copy`]; the axes are those of both sides, and there is an element.
pub unsafe fn run(
    source: Side<'_>,
    destination: Side<'_>,
    mut mover: Mover,
    mut axes: Axes<'_>,
    bytes: i64,
) {
    mover.add_inner_axes(source.dtype, destination.dtype, &mut axes);
    let start = axes.simplify();
    mover.absorb_inner_axis(&mut axes);
    let copy = Copy {
        source: source.pointer,
        destination: destination.pointer,
        mover: &mover,
        start,
        bytes,
    };
    // SAFETY: the caller's promises; the axes visit exactly the elements of both layouts.
    unsafe {
        match copy.repeating(&axes) {
            Some(index) => copy.by_repeating(&mut axes, index),
            None => copy.by_slices_or_loops(axes),
        }
    }
}

/// Whether the runs of a plane follow each other in the source.
fn are_joined(along: Axis, inner: Axis) -> bool {
    inner.source == along.size * along.source
}

impl Copy<'_> {
    /// The other loop of a plane that must be transposed, if there is one.
    fn plane(&self, axes: &Axes<'_>) -> Option<usize> {
        let (from, to) = self.mover.unit_bits()?;
        axes.plane(from, to)
    }

    /// By slices, or along the loops as they are.
    ///
    /// # Safety
    /// As for [`run`].
    unsafe fn by_slices_or_loops(self, axes: Axes<'_>) {
        // SAFETY: the caller's promises.
        unsafe {
            if !(Slices::are_wanted(self.mover, &axes) && self.by_slices(&axes)) {
                self.by_loops(axes);
            }
        }
    }

    /// Along these loops, in whatever way is best for them.
    ///
    /// # Safety
    /// As for [`run`].
    unsafe fn by_loops(self, mut axes: Axes<'_>) {
        let mover = self.mover;
        // SAFETY: the caller's promises.
        unsafe {
            let plane = self.plane(&axes);
            let between = plane.and_then(|along| Reweave::between(mover, &axes, along));
            match (plane, between) {
                (Some(along), Some(between)) if Reweave::is_best(mover) => {
                    self.by_reweaving(axes, [along, between])
                }
                (Some(along), _) if SmallPlanes::pay(mover, &axes, along) => {
                    let short = SmallPlanes::are_rather_bricks(mover, &axes, along)
                        && self.has_short_planes(&axes, along);
                    let plane = Some([along, axes.len() - 1]);
                    let beat = SmallPlanes::beaten_by_shuffles(mover, &axes, along);
                    if !(beat.is_some_and(|beat| self.by_shuffles(&axes, plane, beat))
                        || short && self.by_bricks(&axes, along))
                    {
                        self.by_small_planes(axes, along)
                    }
                }
                (Some(along), Some(between)) => self.by_reweaving(axes, [along, between]),
                (Some(along), _)
                    if self.has_short_planes(&axes, along) && self.by_bricks(&axes, along) => {}
                (Some(along), _) if self.has_long_plane(&axes, along) => {
                    let aligned = axes.get(along).destination % (8 * LINE as i64) == 0;
                    let mover = &mover.for_planes(aligned, self.bytes);
                    Copy { mover, ..self }.by_planes(axes, along)
                }
                (None, _) if self.by_dense_rows(&mut axes) => {}
                (None, _)
                    if self.are_turned_round(&axes)
                        && self.by_shuffles(&axes, None, Blocks::are_runs) => {}
                (None, _) if self.has_long_rows(&axes) || self.has_close_rows(&axes) => {
                    self.by_rows(&axes)
                }
                _ if self.by_shuffles(&axes, None, Blocks::beat_patterns) => {}
                _ => self.by_patterns(axes),
            }
        }
    }

    /// Whether there are many planes of the innermost loop and of that at `along`, whose units follow each other in the source, and
    /// they might be longer.
    fn has_short_planes(&self, axes: &Axes<'_>, along: usize) -> bool {
        let quick = SmallPlanes::is_quick(self.mover, axes, along)
            && !SmallPlanes::are_very_short(self.mover, axes, along);
        let ([_, inner], along) = (axes.inner_two(), axes.get(along));
        let long = match self.mover.streams() {
            true => LONG_STREAMED,
            false => LONG,
        };
        let dense = along.is_dense_in(self.mover.units().0);
        let short = along.size.min(inner.size) < long && !quick;
        axes.len() > 2 && dense && short && axes.steps() >= BRICKS
    }

    /// Whether the plane of the innermost loop and of that at `along` is worth being transposed by itself.
    fn has_long_plane(&self, axes: &Axes<'_>, along: usize) -> bool {
        let ([_, inner], along) = (axes.inner_two(), axes.get(along));
        let (from, to) = self.mover.units();
        let woven = along.is_dense_in(from) && Plane::is_woven(self.mover, along, inner);
        let many = if woven { MANY_WOVEN } else { MANY };
        if axes.len() > 2 && along.size.saturating_mul(inner.size) < many {
            return false;
        }
        let shorter = along.size.min(inner.size);
        let joined = axes.len() < 3 || are_joined(along, inner);
        match along.is_dense_in(from) {
            true if woven => true,
            // Runs so short are not worth being converted one by one.
            true if self.mover.converts() && along.size < SQUARE && !joined => false,
            true => shorter >= NARROW as i64,
            // Runs that must be gathered.
            false => shorter >= 2 * SQUARE && from.min(to) <= 4,
        }
    }

    /// By planes of the innermost loop and of that at `along`.
    ///
    /// # Safety
    /// As for [`run`].
    unsafe fn by_planes(&self, mut axes: Axes<'_>, along: usize) {
        let [_, inner] = axes.inner_two();
        let mut room = weave::Room::new();
        let bytes = self.bytes as usize;
        let plane = Plane::new(self.mover, axes.get(along), inner, bytes, &mut room);
        let planes = |axes: &Axes<'_>, start, narrowest| {
            // SAFETY: the caller's promises.
            unsafe {
                self.visit(axes, start, narrowest, &|(from, to), along, inner| {
                    plane.run(from.0, to.0, along, inner);
                });
            }
        };
        if !self.has_woven_planes(&axes, along) {
            axes.bring_inside(along);
            return planes(&axes, self.start, NARROWEST);
        }
        let rounds = Rounds::of(&mut axes, along, self.woven_rows());
        let both = [rounds, Rounds::ONE];
        Rounds::for_each(&axes, self.start, both, &mut |axes, start, [rows, _]| {
            let mut room = Room::<MAX_AXES>::new();
            let mut axes = axes.without([None; 2], room.as_mut());
            axes.insert_inside(Axis {
                size: rows as i64,
                ..rounds.inside
            });
            planes(&axes, start, 1);
        });
    }

    /// Whether rows of a plane are parts of what other planes write as well, far away: some rows of all of these had better be written
    /// before the next ones.
    fn has_woven_planes(&self, axes: &Axes<'_>, along: usize) -> bool {
        let ([_, inner], rows) = (axes.inner_two(), axes.get(along).size);
        let row = inner.size * self.mover.units().1 as i64;
        // There are loops between, whose steps are closer to each other in the destination.
        along + 2 < axes.len()
            && axes.len() < MAX_AXES
            && self.mover.is_far()
            && row < WOVEN
            && rows > self.woven_rows()
    }

    /// How many rows of woven planes are written before the next ones of any, at most.
    fn woven_rows(&self) -> i64 {
        (WOVEN_RUN / self.mover.units().0 as i64).max(WOVEN_ROWS)
    }

    /// By runs that are woven anew, of the innermost loop and these.
    ///
    /// # Safety
    /// As for [`run`]; the second one is [between](Reweave::between) the others.
    #[inline(never)]
    unsafe fn by_reweaving(&self, mut axes: Axes<'_>, loops: [usize; 2]) {
        let [mut apart, mut together] = [weave::Room::new(), weave::Room::new()];
        let rooms = [&mut apart, &mut together];
        let reweave = Reweave::take(self.mover, &mut axes, loops, rooms);
        // SAFETY: the caller's promises; there are so many steps.
        let sheet =
            |first, around, steps: [usize; 2]| unsafe { reweave.sheet(first, around, steps[0]) };
        // SAFETY: the caller's promises.
        unsafe { self.by_rounds(&axes, reweave.rounds(), &sheet) }
    }

    /// By small planes of the innermost loop and of that at `along`.
    ///
    /// # Safety
    /// As for [`run`].
    #[inline(never)]
    unsafe fn by_small_planes(&self, mut axes: Axes<'_>, along: usize) {
        let mut room = weave::Room::new();
        let planes = SmallPlanes::take(self.mover, &mut axes, along, &mut room);
        // SAFETY: the caller's promises; there are so many steps.
        let sheet =
            |first, around, steps: [usize; 2]| unsafe { planes.sheet(first, around, steps) };
        // SAFETY: the caller's promises.
        unsafe { self.by_rounds(&axes, planes.rounds(), &sheet) }
    }

    /// By bricks, if those make more of a plane whose loops are short. Returns whether they do.
    ///
    /// # Safety
    /// As for [`run`].
    #[inline(never)]
    unsafe fn by_bricks(&self, axes: &Axes<'_>, along: usize) -> bool {
        // A copy: if there are no bricks, the loops are still needed.
        let mut room = Room::<MAX_AXES>::new();
        let mut axes = axes.without([None; 2], room.as_mut());
        let mut spaces = [Space::NEW; 2];
        let Some(bricks) = Bricks::take(self.mover, &mut axes, along, &mut spaces) else {
            return false;
        };
        // SAFETY: the caller's promises; there are so many steps.
        let sheet =
            |first, around, steps: [usize; 2]| unsafe { bricks.sheet(first, around, steps) };
        // SAFETY: the caller's promises.
        unsafe { self.by_rounds(&axes, bricks.rounds(), &sheet) }
        true
    }

    /// By blocks that are permuted in registers, of all steps of the two loops of a plane, if there is one, and some of others, if there are
    /// blocks that `beat` what else would be done. Returns whether it did.
    ///
    /// # Safety
    /// As for [`run`].
    #[inline(never)]
    unsafe fn by_shuffles(&self, axes: &Axes<'_>, plane: Option<[usize; 2]>, beat: Beat) -> bool {
        let Some(blocks) = Blocks::of(self.mover, axes, self.bytes, plane).filter(beat) else {
            return false;
        };
        let mut room = Room::<MAX_AXES>::new();
        let mut axes = axes.without([None; 2], room.as_mut());
        let loops = blocks.take(&mut axes);
        // Far away, pages of the source are met one after the other.
        if self.mover.is_far() {
            axes.follow_source();
        }
        Rounds::for_each(
            &axes,
            self.start,
            loops.rounds(),
            &mut |axes, start, steps| {
                let mut room = shuffle::Room::new();
                let shuffle = Shuffle::new(self.mover, &loops, steps, &mut room);
                // SAFETY: the caller's promises.
                unsafe {
                    self.visit(axes, start, 1, &|(from, to), outer, inner| {
                        shuffle.sheet((from.0, to.0), [outer, inner]);
                    });
                }
            },
        );
        true
    }

    /// By patterns of the innermost loops.
    ///
    /// # Safety
    /// As for [`run`].
    #[inline(never)]
    unsafe fn by_patterns(&self, mut axes: Axes<'_>) {
        let mut spaces = [Space::NEW; 2];
        let pattern = Pattern::take(self.mover, &mut axes, &mut spaces);
        let both = [pattern.rounds(), Rounds::ONE];
        // SAFETY: the caller's promises; there are so many steps.
        let sheet = |first, around, steps: [usize; 2]| unsafe {
            pattern.sheet(first, around, steps[0]);
        };
        // SAFETY: the caller's promises.
        unsafe { self.by_rounds(&axes, both, &sheet) }
    }

    /// Calls `sheet` for the two innermost loops around as many steps of the rounds of two others, wherever the rest of them lead.
    ///
    /// # Safety
    /// As for [`Copy::visit`].
    unsafe fn by_rounds(
        &self,
        axes: &Axes<'_>,
        both: [Rounds; 2],
        sheet: &(dyn Fn((*const u8, *mut u8), [Axis; 2], [usize; 2]) + Sync),
    ) {
        Rounds::for_each(axes, self.start, both, &mut |axes, start, steps| {
            // SAFETY: the caller's promise.
            unsafe {
                self.visit(axes, start, 1, &|(from, to), outer, inner| {
                    sheet((from.0, to.0), [outer, inner], steps);
                });
            }
        });
    }

    /// Calls `sheet` for the two innermost loops wherever the others lead, in as many threads as this is worth; each takes
    /// `narrowest` steps of these two at least.
    ///
    /// # Safety
    /// `sheet` may be called there, by several threads at once.
    unsafe fn visit(
        &self,
        axes: &Axes<'_>,
        start: Start,
        narrowest: i64,
        sheet: &(dyn Fn(Place, Axis, Axis) + Sync),
    ) {
        // Two threads must never share a byte, so packed destinations stay with one.
        let parts = match self.mover.writes_shared_bytes() {
            true => 1,
            false => threads::parts_for(self.bytes),
        };
        let threads = threads::num_threads().into();
        let division = Division::of(axes, parts, threads, narrowest);
        let work = |parts: Range<i64>| {
            // Kernels compute; the caller's rounding mode is no business of theirs.
            let _environment = self.mover.computes().then(Standard::enter);
            axes.for_each_sheet(start, division.share(parts), |from, to, outer, inner| {
                let byte = |bit: i64| bit.div_euclid(8) as isize;
                let from = (self.source.wrapping_offset(byte(from)), from.rem_euclid(8));
                let to = (self.destination.wrapping_offset(byte(to)), to.rem_euclid(8));
                sheet((from, to), outer, inner);
            });
            if self.mover.streams() {
                stream::finish();
            }
        };
        if division.parts > 1 {
            threads::run(division.parts, &work);
        } else {
            work(0..1);
        }
    }
}
