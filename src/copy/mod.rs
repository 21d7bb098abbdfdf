//! Copies between two layouts of one shape: plan the loops, choose how elements move, run.
//!
//! Traversal and conversion know nothing of each other: [`axes`] decides the order in which elements are met, [`mover`]
//! how runs of them move, [`plane`], [`small_planes`], [`reweave`] and [`bricks`] how those that must be transposed do, [`pattern`] how those of
//! short loops do, [`plan`] which of these it is, and [`threads`] who does which part.

mod again;
mod axes;
mod block;
mod bricks;
mod close_rows;
mod exact;
mod few;
mod futex;
mod lanes;
mod mover;
mod offsets;
mod pattern;
mod places;
mod plan;
mod plane;
mod reweave;
mod rounds;
mod scratch;
mod shares;
mod sheet;
mod shuffle;
mod slices;
mod small_planes;
mod spread;
mod stepped;
mod stream;
mod strided;
mod threads;
mod tiles;
mod transpose;
mod turns;
mod weave;

pub use exact::check_exact;
pub use few::copy as copy_few;
pub use threads::{num_threads, set_num_threads};

use crate::caches;
use crate::dtype::{DType, Overflow};
use crate::layout::Layout;
use axes::{Axes, MAX_AXES, Room};
use mover::{Mover, Reach};

/// Ranks that most copies have.
const SMALL_NDIM: usize = 6;

/// What a conversion may do.
#[derive(Clone, Copy)]
pub struct Conversion {
    /// What happens to values out of range.
    pub overflow: Overflow,
    /// Every value must survive.
    pub exact: bool,
}

/// One side of a copy.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The first element.
    pub pointer: *mut u8,
    /// Where the others are.
    pub layout: &'a Layout,
    /// What they are.
    pub dtype: DType,
}

/// Copies every element of `source` to its place in `destination`, converting where the dtypes differ.
///
/// # Safety
/// The shapes are equal and the dtypes convertible. Both layouts stay, for their dtypes, inside memory the processor can
/// read and, for the destination, write; nobody else writes either meanwhile. The two do not overlap, and the
/// destination does not overlap itself.
pub unsafe fn copy(source: Side<'_>, destination: Side<'_>, overflow: Overflow) {
    let dense = source.layout.is_contiguous() && destination.layout.is_contiguous();
    // SAFETY: the caller's promises.
    unsafe {
        if !(dense && few::copy(source, destination)) {
            copy_elements(source, destination, overflow, false, dense);
        }
    }
}

/// [`copy`] to memory that was just allocated. The destination is row-major.
///
/// # Safety
/// As for [`copy`].
#[inline(always)]
pub unsafe fn copy_to_fresh(source: Side<'_>, destination: Side<'_>, overflow: Overflow) {
    let dense = source.layout.is_contiguous();
    // SAFETY: the caller's promises.
    unsafe {
        if !(dense && few::copy(source, destination)) {
            copy_elements(source, destination, overflow, true, dense);
        }
    }
}

/// # Safety
/// As for [`copy`]. `fresh`: the system has not written the destination's pages yet, and will by way of the cache. `dense`:
/// elements follow each other on both sides, in row-major order.
#[inline(never)]
unsafe fn copy_elements(
    source: Side<'_>,
    destination: Side<'_>,
    overflow: Overflow,
    fresh: bool,
    dense: bool,
) {
    debug_assert_eq!(source.layout.shape(), destination.layout.shape());
    if destination.layout.numel() == 0 {
        return;
    }
    let bytes = destination
        .layout
        .nbytes(destination.dtype.storage_bits())
        .unwrap_or(i64::MAX);
    let (from, to) = (source.dtype, destination.dtype);
    // SAFETY: the caller's promises.
    unsafe {
        if dense && few::convert(source, destination, overflow, bytes) {
            return;
        }
        let read = (source.layout.numel_once() as u64).saturating_mul(from.storage_bits()) / 8;
        let read = i64::try_from(read).unwrap_or(i64::MAX);
        let reach = Reach::of(read, bytes, dense, fresh);
        let distant = read.saturating_add(bytes) > caches::second_level() as i64;
        let mover = Mover::choose(from, to, overflow, reach, distant);
        // Setting up room for the highest rank takes longer than a small copy.
        if dense {
            let mut room = Room::<3>::new();
            let axes = Axes::of_run(room.as_mut(), destination.layout.numel(), from, to);
            plan::run(source, destination, mover, axes, bytes);
        } else if source.layout.ndim() <= SMALL_NDIM {
            let mut room = Room::<{ SMALL_NDIM + 2 }>::new();
            let axes = Axes::new(room.as_mut(), source, destination);
            plan::run(source, destination, mover, axes, bytes);
        } else {
            let mut room = Room::<MAX_AXES>::new();
            let axes = Axes::new(room.as_mut(), source, destination);
            plan::run(source, destination, mover, axes, bytes);
        }
    }
}
