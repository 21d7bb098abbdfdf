//! Few elements that follow each other on both sides, in row-major order: they need no plan, which takes longer than they do.

use super::Side;
use super::block;
use super::mover::{has_same_bits, scalars};
use crate::convert::{self, Standard};
use crate::dtype::Overflow;

/// Bytes of a destination that is small.
const SMALL: i64 = 64 << 10;

/// Copies elements of one type, if they are few. Returns whether it did.
///
/// # Safety
/// As for [`super::copy()`]; both layouts are contiguous.
#[inline(always)]
pub unsafe fn copy(source: Side<'_>, destination: Side<'_>) -> bool {
    let dtype = destination.dtype;
    let bytes = destination.layout.nbytes(dtype.storage_bits());
    match bytes {
        Ok(bytes @ ..=SMALL) if source.dtype == dtype && !dtype.is_subbyte() => {
            // SAFETY: the caller's promises.
            unsafe { block::copy(source.pointer, destination.pointer, bytes as usize) }
            true
        }
        _ => false,
    }
}

/// Converts elements, `bytes` bytes of the destination, if they are few and of whole bytes. Returns whether it did.
///
/// # Safety
/// As for [`copy`].
#[inline(always)]
pub unsafe fn convert(
    source: Side<'_>,
    destination: Side<'_>,
    overflow: Overflow,
    bytes: i64,
) -> bool {
    let (from, to) = (source.dtype, destination.dtype);
    if from.is_subbyte() || to.is_subbyte() || bytes > SMALL {
        return false;
    }
    // SAFETY: the caller's promises.
    unsafe {
        if has_same_bits(from, to) {
            block::copy(source.pointer, destination.pointer, bytes as usize);
            return true;
        }
        let (scalar, target, scalars) = scalars(from, to);
        let kernel = convert::kernel(scalar, target, overflow);
        let _environment = kernel.computes().then(Standard::enter);
        let count = destination.layout.numel() as usize * scalars;
        kernel.run(source.pointer, destination.pointer, count);
    }
    true
}
