//! Fill: write into a tensor that exists.

use super::guard::{guard, guard_quick};
use super::options::{Accepts, Options, tensor_options_t};
use super::{tensor_ref, tensor_status_t, tensor_t};
use crate::autograd::copy_into;
use crate::dlpack::DLTensor;
use crate::error::{Error, Result};
use crate::layout::LayoutBuf;
use crate::tensor::{Descriptor, FillOptions, Tensor, Touched};

/// Copy the caller's data into a tensor: converted to its dtype, stretched to its shape.
///
/// When source and destination overlap, the result is that of copying through a temporary, and is made so.
///
/// @param destination  Not NULL. Must be writable, reachable by the processor, and not overlap itself. Keeps its reference.
/// @param source       Not NULL. As for tensor_as_tensor(); its shape must broadcast to the destination's.
/// @param options      NULL for the defaults. Only `casting`, `overflow`, `nbytes` and TENSOR_FLAG_SUBBYTE_PADDED (of the
///                     source) have a meaning.
/// @return TENSOR_OK; TENSOR_ERROR_READ_ONLY; TENSOR_ERROR_OVERLAP if two elements of the destination share memory;
///         TENSOR_ERROR_TOO_HARD if that cannot be decided; TENSOR_ERROR_SHAPE if the source does not broadcast; else as
///         tensor_as_tensor(). TENSOR_ERROR_GRADIENT for a leaf that requires grad, or a view of one, unless
///         tensor_set_grad_enabled(false) is in force. On error no byte of the destination has changed.
/// @par Lifetime       Nothing of `source` is used after this returns.
/// @par Threads        While it runs, nobody may write the source, nor read or write the destination.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_copy_into(
    destination: *mut tensor_t,
    source: *const DLTensor,
    options: *const tensor_options_t,
) -> tensor_status_t {
    guard_quick(|| {
        // SAFETY: what the header asks of the caller.
        unsafe {
            let destination = tensor_ref(destination, "destination")?;
            let source = source.as_ref().ok_or(Error::Null("source"))?;
            let mut room = LayoutBuf::new();
            if options.is_null()
                && let Some(source) = Descriptor::prove_plain(source, &mut room)
            {
                let source = Touched::Described(&source, None);
                return Ok(copy_into(destination, source, FillOptions::DEFAULT)?);
            }
            Ok(copy_as_asked(destination, source, options)?)
        }
    })
}

/// tensor_copy_into(), whatever is asked and described.
///
/// # Safety
/// As for [`Options::read`] and [`Descriptor::prove`].
#[inline(never)]
unsafe fn copy_as_asked(
    destination: &Tensor,
    source: &DLTensor,
    options: *const tensor_options_t,
) -> Result<()> {
    let mut room = LayoutBuf::new();
    // SAFETY: the caller's promise.
    unsafe {
        let options = Options::read(options, Accepts::fill("tensor_copy_into"))?;
        let padded = options.request.padded;
        let mut source = Descriptor::prove(source, padded, options.nbytes, &mut room)?;
        source.confine(options.lender)?;
        let source = Touched::Described(&source, options.lender);
        copy_into(destination, source, options.fill())
    }
}

/// Copy one tensor into another: tensor_copy_into() from a handle.
///
/// @param destination  As for tensor_copy_into().
/// @param source       Not NULL. Keeps its reference; may share memory with the destination, or be it.
/// @param options      NULL for the defaults. Only `casting` and `overflow` have a meaning.
/// @return As tensor_copy_into().
/// @par Threads        As tensor_copy_into().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_assign(
    destination: *mut tensor_t,
    source: *mut tensor_t,
    options: *const tensor_options_t,
) -> tensor_status_t {
    guard(|| {
        // SAFETY: what the header asks of the caller.
        unsafe {
            let destination = tensor_ref(destination, "destination")?;
            let source = tensor_ref(source, "source")?;
            let options = Options::read(options, Accepts::assignment("tensor_assign"))?;
            copy_into(destination, Touched::Tensor(source), options.fill())
        }
    })
}
