//! Copies between two layouts of one shape: plan the loops, choose how elements move, run.
//!
//! Traversal and conversion know nothing of each other: [`axes`] decides the order in which elements are met,
//! [`element`] how a run of them moves, and [`threads`] who does which part.

mod axes;
mod element;
mod exact;
mod threads;
mod transpose;

pub use exact::check_exact;
pub use threads::{num_threads, set_num_threads};

use crate::convert::Standard;
use crate::dtype::{DType, Overflow};
use crate::layout::Layout;
use axes::{Axes, MAX_AXES, Room};
use element::Mover;

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
    debug_assert_eq!(source.layout.shape(), destination.layout.shape());
    if destination.layout.numel() == 0 {
        return;
    }
    let mover = Mover::choose(source.dtype, destination.dtype, overflow);
    // Setting up room for the highest rank takes longer than a small copy.
    let (mut small, mut large);
    let room = if source.layout.ndim() <= SMALL_NDIM {
        small = Room::<{ SMALL_NDIM + 2 }>::new();
        small.as_mut()
    } else {
        large = Room::<MAX_AXES>::new();
        large.as_mut()
    };
    let mut axes = Axes::new(room, source, destination);
    mover.add_inner_axes(source.dtype, destination.dtype, &mut axes);
    let start = axes.simplify();
    let plane = match mover.unit_bits() {
        Some((from, to)) => axes.find_plane(from, to),
        None => false,
    };
    let bytes = destination.layout.nbytes(destination.dtype.storage_bits());
    let parts = match bytes {
        // Two threads must never share a byte, so packed destinations stay with one.
        Ok(bytes) if !mover.writes_shared_bytes() => threads::parts_for(bytes),
        _ => 1,
    };
    let parts = parts.min(axes.outermost_size());
    let places = Places {
        source: source.pointer,
        destination: destination.pointer,
    };
    let work = |part: i64| {
        let places = &places;
        // Kernels compute; the caller's rounding mode is no business of theirs.
        let _environment = mover.computes().then(Standard::enter);
        let (source, destination) = (places.source, places.destination);
        let inside = if plane { 2 } else { 1 };
        axes.for_each_run(start, part, parts, inside, |from, to, inner| {
            // SAFETY: the caller's promises; the axes visit exactly the elements of both layouts, and each part its own.
            unsafe {
                match *inner {
                    [rows, columns] => mover.plane(source, from, destination, to, rows, columns),
                    [run] => mover.run(source, from, destination, to, run),
                    _ => {}
                }
            }
        });
    };
    if parts > 1 {
        threads::run(parts, &work);
    } else {
        work(0);
    }
}

/// Where both sides begin, for several threads.
struct Places {
    source: *const u8,
    destination: *mut u8,
}

// SAFETY: the caller of `copy` promised that the memory may be used; parts touch different elements of the destination.
unsafe impl Sync for Places {}
