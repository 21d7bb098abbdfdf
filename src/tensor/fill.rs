//! Writing into a tensor that exists: broadcast, convert, and give the same result as if through a temporary.

use super::{Descriptor, Tensor, Touched};
use crate::copy::{self, Side};
use crate::dtype::{Casting, Overflow, can_cast};
use crate::error::{Error, Result};
use crate::layout::{Answer, LayoutBuf, overlaps_itself, shares_bits};
use crate::storage::{Call, Scratch, Touch};

/// What may be chosen about a fill.
#[derive(Clone, Copy)]
pub struct FillOptions {
    /// Which conversions are allowed.
    pub casting: Casting,
    /// What conversions do with values out of range.
    pub overflow: Overflow,
}

/// Copies `source` into `destination`, stretched to its shape. On error no byte is written.
pub fn copy_into(destination: &Tensor, source: Touched<'_>, options: FillOptions) -> Result<()> {
    if destination.is_read_only() {
        return Err(Error::ReadOnly("the destination is read-only"));
    }
    let room = 0;
    source.with_both(
        Touch::Reads,
        Touched::Tensor(destination),
        Touch::Writes,
        Call::of(&room),
        |source, target| fill(target, &source, options),
    )?;
    destination.storage().count_change();
    Ok(())
}

fn fill(target: Descriptor<'_>, source: &Descriptor<'_>, options: FillOptions) -> Result<()> {
    target.check_host_accessible("written")?;
    source.check_host_accessible("copied")?;
    let (from, to) = (source.dtype, target.dtype);
    from.check_convertible(to)?;
    if !can_cast(from, to, options.casting) {
        return Err(Error::Casting {
            from: from.text(),
            to: to.text(),
            rule: options.casting.name(),
        });
    }
    let mut room = LayoutBuf::new();
    let stretched = source
        .layout
        .broadcast_to(target.layout.shape(), &mut room)?;
    match overlaps_itself(target.layout) {
        Answer::No => {}
        Answer::Yes => return Err(Error::SelfOverlap),
        Answer::TooHard { steps } => return Err(Error::SelfOverlapTooHard { steps }),
    }
    let whole = Side {
        pointer: source.pointer(),
        layout: source.layout,
        dtype: from,
    };
    if options.casting == Casting::Exact {
        // SAFETY: the source was proved, and is host-accessible.
        unsafe { copy::check_exact(whole, to, options.overflow)? }
    }
    let destination = Side {
        pointer: target.pointer(),
        layout: target.layout,
        dtype: to,
    };
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
    let mut row_major = LayoutBuf::new();
    row_major.set_row_major(source.layout);
    let memory = Scratch::new(row_major.nbytes(from.storage_bits())? as usize)?;
    let temporary = Side {
        pointer: memory.as_ptr(),
        layout: &row_major,
        dtype: from,
    };
    let stretched = row_major.broadcast_to(target.layout.shape(), &mut room)?;
    // SAFETY: as above; the temporary is fresh memory of the source's size.
    unsafe {
        copy::copy(whole, temporary, options.overflow);
        let source = Side {
            layout: stretched,
            ..temporary
        };
        copy::copy(source, destination, options.overflow);
    }
    Ok(())
}
