//! Writing into a tensor that exists: broadcast, convert, and give the same result as if through a temporary.

use super::{Descriptor, Request, Tensor, Touched};
use crate::copy::{self, Side};
use crate::dtype::{Casting, Overflow, check_cast};
use crate::error::{Error, Result};
use crate::layout::{Answer, LayoutBuf, overlaps_itself, shares_bits};
use crate::storage::{Allocation, Call, DATA_ALIGNMENT, Touch};

/// What may be chosen about a fill.
#[derive(Clone, Copy)]
pub struct FillOptions {
    /// Which conversions are allowed.
    pub casting: Casting,
    /// What conversions do with values out of range.
    pub overflow: Overflow,
}

impl FillOptions {
    /// Nothing in particular.
    pub const DEFAULT: Self = Self {
        casting: Request::DEFAULT.casting,
        overflow: Request::DEFAULT.overflow,
    };
}

/// Copies `source` into `destination`, stretched to its shape. On error no byte is written.
#[inline(always)]
pub fn copy_into(destination: &Tensor, source: Touched<'_>, options: FillOptions) -> Result<()> {
    if destination.is_read_only() {
        return Err(Error::ReadOnly("the destination is read-only"));
    }
    match source {
        Touched::Described(source, None) if destination.loan().is_none() => {
            // SAFETY: the memory is on no loan.
            let target = unsafe { Descriptor::of(destination) };
            if !fill_few(&target, source) {
                fill(&target, source, options)?;
            }
        }
        _ => fill_kept(destination, source, options)?,
    }
    destination.storage().count_change_alone();
    Ok(())
}

/// Fills while both sides are kept where they are.
#[inline(never)]
fn fill_kept(destination: &Tensor, source: Touched<'_>, options: FillOptions) -> Result<()> {
    let room = 0;
    source.with_both(
        Touch::Reads,
        Touched::Tensor(destination),
        Touch::Writes,
        Call::of(&room),
        |source, target| fill(&target, &source, options),
    )
}

/// What many fills are: few elements of the type that the destination has, contiguous on both sides, which lie apart. Returns
/// whether that is what is to be done, and then it is done.
#[inline(always)]
fn fill_few(target: &Descriptor<'_>, source: &Descriptor<'_>) -> bool {
    let plain = source.dtype == target.dtype
        && source.layout.is_contiguous_and_like(target.layout)
        && source.device.is_host_accessible()
        && target.device.is_host_accessible()
        && source.extent.is_apart_from(target.extent);
    // SAFETY: both were proved and are host-accessible; they are disjoint, and the destination is the caller's to write.
    plain && unsafe { copy::copy_few(source.side(), target.side()) }
}

#[inline(never)]
fn fill(target: &Descriptor<'_>, source: &Descriptor<'_>, options: FillOptions) -> Result<()> {
    target.check_host_accessible("written")?;
    source.check_host_accessible("copied")?;
    let (from, to) = (source.dtype, target.dtype);
    check_cast(from, to, options.casting)?;
    let mut room = LayoutBuf::new();
    let stretched = source
        .layout
        .broadcast_to(target.layout.shape(), &mut room)?;
    match overlaps_itself(target.layout) {
        Answer::No => {}
        Answer::Yes => return Err(Error::SelfOverlap),
        Answer::TooHard { steps } => return Err(Error::SelfOverlapTooHard { steps }),
    }
    let (whole, destination) = (source.side(), target.side());
    if options.casting == Casting::Exact {
        // SAFETY: the source was proved, and is host-accessible.
        unsafe { copy::check_exact(whole, to, options.overflow)? }
    }
    // An overlap that cannot be ruled out is treated as one: the result is the same.
    if source.extent.is_apart_from(target.extent)
        || shares_bits(source.placed(), target.placed()) == Answer::No
    {
        let source = Side {
            layout: stretched,
            ..whole
        };
        // SAFETY: both were proved, are host-accessible and disjoint; the destination does not overlap itself and is
        // the caller's to write.
        unsafe { copy::copy(source, destination, options.overflow) };
        return Ok(());
    }
    // SAFETY: as above, but for the overlap.
    unsafe { copy_by_temporary(whole, destination, options.overflow) }
}

/// Copies a source that may overlap its destination.
///
/// # Safety
/// As for [`copy::copy`], but for the overlap; the source broadcasts to the destination's shape.
#[cold]
unsafe fn copy_by_temporary(
    source: Side<'_>,
    destination: Side<'_>,
    overflow: Overflow,
) -> Result<()> {
    let (mut row_major, mut room) = (LayoutBuf::new(), LayoutBuf::new());
    row_major.set_row_major(source.layout);
    let bytes = row_major.nbytes(source.dtype.storage_bits())? as usize;
    let memory = Allocation::new(bytes, DATA_ALIGNMENT)?;
    let temporary = Side {
        pointer: memory.start().as_ptr(),
        layout: &row_major,
        dtype: source.dtype,
    };
    let stretched = row_major.broadcast_to(destination.layout.shape(), &mut room)?;
    // SAFETY: the caller's promise; the temporary is fresh memory of the source's size.
    unsafe {
        copy::copy(source, temporary, overflow);
        let source = Side {
            layout: stretched,
            ..temporary
        };
        copy::copy(source, destination, overflow);
    }
    Ok(())
}
