//! How elements move: as bytes, as bits of packed streams, or converted. [`choice`] has which way rows go, [`rows`] the moving itself,
//! [`dense_rows`] that of rows which need no more than one loop, [`blocks`] what goes by way of the first-level cache, [`repeats`] units
//! that repeat, [`copies`] rows that do.

mod blocks;
mod choice;
mod copies;
mod dense_rows;
mod repeats;
mod rows;

pub use choice::LONG_ROW;
pub use copies::AGAIN;
pub use dense_rows::DenseRows;

use super::axes::{Axes, Axis};
use super::block;
use super::lanes::Lane;
use super::stream;
use super::strided::is_movable;
use super::threads;
use crate::caches;
use crate::convert::{self, Kernel};
use crate::dtype::{DType, Kind, Overflow, Scalar};

/// The way elements of one dtype become elements of another. A unit is what moves at once: an element, or a lane of it.
#[derive(Clone, Copy)]
pub struct Mover {
    way: Way,
    /// Bytes of a unit in the source; sub-byte lanes: 1.
    source_unit: usize,
    /// Bytes of a unit in the destination.
    destination_unit: usize,
    /// How far away the destination is.
    reach: Reach,
}

/// Bytes of a destination that, with as many of a source, do not fit the caches of a core.
const NEAR_WRITTEN: i64 = 1 << 20;

/// Where the memory of a destination is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// With its source it fits the caches that are near: those of the core, or half of the last one if that is near as well.
    Near,
    /// It does not: lines are better asked for before they are written.
    Far,
    /// It does not fit the cache at all, but the system has just written its pages there.
    Fresh,
    /// It does not fit the cache at all, and is better streamed.
    Streamed,
}

impl Reach {
    /// That of a destination of `written` bytes and a source of `read`, whose elements follow each other if it is `dense`. If it is
    /// `fresh`, the system has not written the destination's pages yet, and will by way of the cache.
    pub fn of(read: i64, written: i64, dense: bool, fresh: bool) -> Self {
        let far = caches::last_level_is_far();
        let several = threads::parts_for(written) > 1;
        let both = match (far, dense) {
            (true, true) => read.max(written).saturating_add(written),
            // What is read for elements that are apart from each other, or repeat, is not known.
            (true, false) => written.saturating_mul(2),
            // A run that writes more than it reads does not wait for much. Several threads find more of it where each has left its part.
            (false, true) => {
                let all = read.saturating_add(written.min(read));
                if several { all / 5 * 4 } else { all }
            }
            // Of what repeats, much stays in the cache for the next copy or whoever reads it.
            (false, false) if read < written / 4 => {
                read.saturating_add(written / if several { 4 } else { 2 })
            }
            (false, false) => read.saturating_add(written),
        };
        let near = match far {
            true => written < NEAR_WRITTEN,
            false => read.saturating_add(written) < caches::last_level() as i64 / 2,
        };
        match (stream::pays(both), near) {
            (true, _) if fresh => Self::Fresh,
            (true, _) => Self::Streamed,
            (false, false) => Self::Far,
            (false, true) => Self::Near,
        }
    }
}

#[derive(Clone, Copy)]
enum Way {
    /// Whole bytes, unchanged.
    Bytes,
    /// So many scalars a unit, each by the kernel.
    Convert { kernel: Kernel, scalars: usize },
    /// Sub-byte lanes on at least one side, converted or, without a kernel, unchanged.
    Lanes {
        kernel: Option<Kernel>,
        from: Lane,
        to: Lane,
    },
}

fn is_complex(dtype: DType) -> bool {
    dtype.scalar().kind() == Kind::Complex
}

/// Whether converted elements are the same bits, but for how sub-byte ones are stored: those of one type, and integers of
/// one width, which wrap.
pub fn has_same_bits(from: DType, to: DType) -> bool {
    let is_integer = |dtype: DType| matches!(dtype.scalar().kind(), Kind::Int | Kind::UInt);
    let same_width = from.scalar().bits() == to.scalar().bits() && from.lanes() == to.lanes();
    from.same_type(to) || is_integer(from) && is_integer(to) && same_width
}

/// The scalars of two dtypes that are converted one by one, and how many an element has: parts of complex numbers, where both sides have them.
pub fn scalars(from: DType, to: DType) -> (Scalar, Scalar, usize) {
    let (scalar, target, lanes) = (from.scalar(), to.scalar(), usize::from(from.lanes()));
    match is_complex(from) && is_complex(to) {
        true => (scalar.component(), target.component(), 2 * lanes),
        false => (scalar, target, lanes),
    }
}

impl Mover {
    /// The way from one dtype to another, which must be convertible, to a destination that is so far away. `distant`: both sides do not fit
    /// the second-level cache.
    pub fn choose(from: DType, to: DType, overflow: Overflow, reach: Reach, distant: bool) -> Self {
        let mover = |way, source_unit, destination_unit| Self {
            way,
            source_unit,
            destination_unit,
            reach,
        };
        let whole = |dtype: DType| (dtype.storage_bits() / 8) as usize;
        let same = has_same_bits(from, to);
        if same && !from.is_subbyte() {
            return mover(Way::Bytes, whole(from), whole(to));
        }
        let (source, target, scalars) = scalars(from, to);
        let kernel = match same {
            true => None,
            false => {
                let kernel = convert::kernel(source, target, overflow);
                Some(match distant {
                    true => kernel.for_distant(source, target),
                    false => kernel,
                })
            }
        };
        if from.is_subbyte() || to.is_subbyte() {
            let lanes = Way::Lanes {
                kernel,
                from: Lane::of(from),
                to: Lane::of(to),
            };
            return mover(lanes, 1, 1);
        }
        let Some(kernel) = kernel else {
            // Of the same type, and not sub-byte, they would be equal.
            unreachable!("{from} is not {to}")
        };
        let (source_size, target_size) = (source.bits() as usize / 8, target.bits() as usize / 8);
        let convert = |scalars| {
            let way = Way::Convert { kernel, scalars };
            mover(way, scalars * source_size, scalars * target_size)
        };
        let whole = is_movable(scalars * source_size) && is_movable(scalars * target_size);
        convert(if whole { scalars } else { 1 })
    }

    /// Adds the loops over the units of an element, where it has several.
    pub fn add_inner_axes(&self, from: DType, to: DType, axes: &mut Axes<'_>) {
        let (source, destination) = (
            from.lane_storage_bits() as i64,
            to.lane_storage_bits() as i64,
        );
        let lanes = Axis {
            size: i64::from(from.lanes()),
            source,
            destination,
        };
        match self.way {
            Way::Bytes => {}
            Way::Convert { scalars: 1, .. } => {
                axes.push(lanes);
                if is_complex(from) && is_complex(to) {
                    axes.push(Axis {
                        size: 2,
                        source: source / 2,
                        destination: destination / 2,
                    });
                }
            }
            // A unit is the whole element.
            Way::Convert { .. } => {}
            Way::Lanes { .. } => axes.push(lanes),
        }
    }

    /// Makes a unit of what the innermost loop moves, if that is adjacent on both sides and small.
    pub fn absorb_inner_axis(&mut self, axes: &mut Axes<'_>) {
        let Some((source, destination)) = self.unit_bits() else {
            return;
        };
        let Some(inner) = axes.innermost() else {
            return;
        };
        if inner.source != source || inner.destination != destination || inner.size > 16 {
            return;
        }
        let count = inner.size as usize;
        let sizes = (count * self.source_unit, count * self.destination_unit);
        if is_movable(sizes.0) && is_movable(sizes.1) && axes.len() > 1 {
            (self.source_unit, self.destination_unit) = sizes;
            if let Way::Convert { scalars, .. } = &mut self.way {
                *scalars *= count;
            }
            axes.remove(axes.len() - 1);
        }
    }

    /// Whether two units of a destination may share a byte.
    pub fn writes_shared_bytes(&self) -> bool {
        matches!(self.way, Way::Lanes { to, .. } if to.packed)
    }

    /// Whether moving computes with floating-point instructions, and needs the standard environment.
    pub fn computes(&self) -> bool {
        match self.way {
            Way::Bytes => false,
            Way::Convert { kernel, .. } => kernel.computes(),
            Way::Lanes { kernel, .. } => kernel.is_some_and(|kernel| kernel.computes()),
        }
    }

    /// Whether units are of whole bytes.
    pub fn moves_bytes(&self) -> bool {
        !matches!(self.way, Way::Lanes { .. })
    }

    /// Whether units change on the way.
    pub fn converts(&self) -> bool {
        !matches!(self.way, Way::Bytes)
    }

    /// Whether they do by so many instructions that the processor does not come to the next run in time.
    pub fn outlasts_reading(&self) -> bool {
        matches!(&self.way, Way::Convert { kernel, .. } if kernel.outlasts_reading())
    }

    /// The way of units that have been converted.
    pub fn converted(&self) -> Self {
        Self {
            way: Way::Bytes,
            source_unit: self.destination_unit,
            ..*self
        }
    }

    /// The way of units that will be converted.
    pub fn unconverted(&self) -> Self {
        Self {
            way: Way::Bytes,
            destination_unit: self.source_unit,
            ..*self
        }
    }

    /// The same to a destination that is near.
    pub fn to_near(self) -> Self {
        Self {
            reach: Reach::Near,
            ..self
        }
    }

    /// The same for planes of so many bytes of the destination; `aligned`: rows begin at the same place of a line, all of them. What becomes no
    /// larger is better streamed as soon as it is far in a cache that is near: lines that are a power of two apart do not all have a place in
    /// it. If rows begin anywhere, bytes, and what is converted, are so a little later, since parts of lines are written.
    pub fn for_planes(self, aligned: bool, bytes: i64) -> Self {
        let early = self.reach == Reach::Far && !caches::last_level_is_far() && stream::EXISTS;
        let (from, to) = (self.source_unit as i64, self.destination_unit as i64);
        let waits = (self.converts() || to == 1) && !aligned;
        let both = || bytes / to * (from + to);
        let enough = || both() >= caches::last_level() as i64 / 4 * 3;
        let reach = match early && from >= to && (!waits || enough()) {
            true => Reach::Streamed,
            false => self.reach,
        };
        Self { reach, ..self }
    }

    /// Whether destinations are streamed; the end is then told by [`super::stream::finish`].
    pub fn streams(&self) -> bool {
        self.reach == Reach::Streamed
    }

    /// Whether the destination goes by way of the caches, and the last one is near.
    pub fn goes_by_near_caches(&self) -> bool {
        !self.streams() && !caches::last_level_is_far()
    }

    /// Whether the destination is too large for the caches that are near.
    pub fn is_far(&self) -> bool {
        self.reach != Reach::Near
    }

    /// Bytes of a unit on each side.
    pub fn units(&self) -> (usize, usize) {
        (self.source_unit, self.destination_unit)
    }

    /// Bits of a unit on each side, for movers that can transpose planes of them.
    pub fn unit_bits(&self) -> Option<(i64, i64)> {
        let units = match self.way {
            Way::Bytes | Way::Convert { .. } => self.units(),
            _ => return None,
        };
        let fits = is_movable(units.0) && is_movable(units.1);
        fits.then_some((8 * units.0 as i64, 8 * units.1 as i64))
    }

    /// Moves `count` adjacent units to adjacent ones.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the mover [moves bytes](Mover::moves_bytes).
    // One function for all: a part of each loop it was called from, it made the library 10 KB larger, and nothing quicker.
    #[inline(never)]
    pub unsafe fn adjacent(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.way {
                Way::Convert { kernel, scalars } => kernel.run(from, to, count * scalars),
                _ => block::copy(from, to, count * self.source_unit),
            }
        }
    }
}
