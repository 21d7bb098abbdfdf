//! Share: references, and DLPack in both directions.

use super::create::as_tensor;
use super::guard::{guard, guard_out, guard_silently, guard_tensor};
use super::options::{Accepts, Options, tensor_options_t};
use super::{tensor_ref, tensor_status_t, tensor_t};
use crate::autograd;
use crate::dlpack::{DLManagedTensor, DLManagedTensorVersioned};
use crate::error::{Error, Result};
use crate::tensor::{
    Descriptor, Export, ExportDeleters, Handle, Request, Rest, Tensor, to_legacy, to_versioned,
};
use core::ptr::NonNull;

/// Add a reference to a handle.
///
/// @param tensor  A live handle, or NULL for nothing to do.
/// @return TENSOR_OK; TENSOR_ERROR_COUNT when the count is at its maximum, and then nothing was added.
/// @par Threads   One atomic operation; any thread that has a reference may call it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_retain(tensor: *mut tensor_t) -> tensor_status_t {
    guard(|| {
        // SAFETY: what the header asks of the caller.
        match unsafe { tensor.cast::<Tensor>().as_ref() } {
            Some(tensor) => tensor.retain(),
            None => Ok(()),
        }
    })
}

/// Give a reference back. With the last one the handle is gone; with the last alias of its memory, the memory: the
/// lender's deleter is called, or the library's own allocation is freed.
///
/// @param tensor  A reference of the caller's, or NULL for nothing to do.
/// @par Threads   May be called on any thread. A deleter runs on the thread that gives up the last alias, with no lock held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_release(tensor: *mut tensor_t) {
    if let Some(tensor) = NonNull::new(tensor.cast::<Tensor>()) {
        // SAFETY: the caller gives this reference up.
        if let Some(rest) = unsafe { Handle::give_up(tensor) } {
            leave(rest);
        }
    }
}

/// The end of what does not end by being freed.
#[cold]
#[inline(never)]
fn leave(rest: Rest) {
    // SAFETY: it is done here, and once.
    guard_silently(|| unsafe { Handle::leave(rest) });
}

/// Takes over what `*managed` points to: it becomes NULL exactly when `import` succeeds.
///
/// # Safety
/// `managed` is NULL or readable and writable; `out` is NULL or writable.
unsafe fn import<M>(
    managed: *mut *mut M,
    out: *mut *mut tensor_t,
    import: impl FnOnce(NonNull<M>) -> Result<Handle>,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        guard_tensor(out, || {
            let slot = managed.as_mut().ok_or(Error::Null("managed"))?;
            let tensor = NonNull::new(*slot).ok_or(Error::Null("*managed"))?;
            // A copy gives the memory back at once, and the producer's deleter may look at the slot.
            let taken = core::mem::replace(slot, core::ptr::null_mut());
            let result = import(tensor);
            if result.is_err() {
                managed.write(taken);
            }
            result
        })
    }
}

/// Take over a managed tensor of DLPack 1.x.
///
/// @param managed  Not NULL, nor `*managed`. On success ownership moves and `*managed` becomes NULL: the producer's deleter,
///                 if there is one, is called exactly once after the last alias, or before this returns if the data was
///                 copied. On error `*managed` is unchanged and still the caller's.
/// @param options  NULL for the defaults. As for tensor_as_tensor(), but without `deleter`. Whether sub-byte elements are
///                 padded is taken from the managed tensor's flags.
/// @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return As tensor_as_tensor(); TENSOR_ERROR_VERSION for another major version than 1, of which nothing past the
///         version is read; TENSOR_ERROR_ARGUMENT for flags that DLPack 1.3 does not define.
/// @par Lifetime   Read-only tensors stay read-only. NULL strides are accepted.
/// @par Threads    The deleter runs on whichever thread gives up the last alias.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_from_dlpack(
    managed: *mut *mut DLManagedTensorVersioned,
    options: *const tensor_options_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        import(managed, out, |managed| {
            let options = Options::read(options, Accepts::import("tensor_from_dlpack"))?;
            let make = |memory: &mut Descriptor<'_>, request: &Request, release| {
                as_tensor(memory, request, release, options.requires_grad)
            };
            let (nbytes, lender) = (options.nbytes, options.lender);
            Handle::from_versioned(managed, &options.request, nbytes, lender, make)
        })
    }
}

/// Take over a managed tensor of DLPack before 1.0.
///
/// @param managed  As for tensor_from_dlpack().
/// @param options  As for tensor_from_dlpack(); TENSOR_FLAG_SUBBYTE_PADDED tells how sub-byte elements are stored, which
///                 the struct cannot.
/// @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return As tensor_as_tensor().
/// @par Lifetime   As tensor_from_dlpack(). Nothing says whether the memory may be written: TENSOR_FLAG_READ_ONLY can.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_from_dlpack_legacy(
    managed: *mut *mut DLManagedTensor,
    options: *const tensor_options_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        import(managed, out, |managed| {
            let options = Options::read(options, Accepts::import("tensor_from_dlpack_legacy"))?;
            let make = |memory: &mut Descriptor<'_>, request: &Request, release| {
                as_tensor(memory, request, release, options.requires_grad)
            };
            let (nbytes, lender) = (options.nbytes, options.lender);
            Handle::from_legacy(managed, &options.request, nbytes, lender, make)
        })
    }
}

/// Whoever imports a tensor knows nothing of gradients.
fn check_exportable(tensor: &Tensor) -> Result<()> {
    if autograd::requires_grad(tensor) {
        return Err(Error::Gradient(
            "a tensor that requires grad cannot be exported: use tensor_detach() first",
        ));
    }
    Ok(())
}

const DELETERS: ExportDeleters = ExportDeleters {
    versioned: release_versioned,
    legacy: release_legacy,
};

unsafe extern "C" fn release_versioned(managed: *mut DLManagedTensorVersioned) {
    // SAFETY: this function is only found in exports of this library.
    guard_silently(|| unsafe { Export::release(managed) });
}

unsafe extern "C" fn release_legacy(managed: *mut DLManagedTensor) {
    // SAFETY: this function is only found in exports of this library.
    guard_silently(|| unsafe { Export::release(managed) });
}

/// Export a tensor for DLPack 1.x: version 1.3, strides never NULL.
///
/// The flags say truthfully whether the memory is read-only, whether sub-byte elements are padded, and whether it is a
/// copy: that is, whether this very call made one, so that nobody else holds it.
///
/// @param tensor   Not NULL. Keeps its reference.
/// @param options  NULL: export the memory as it is. Otherwise the tensor is first brought to what they say, as by
///                 tensor_to(); TENSOR_COPY_ALWAYS gives the consumer a copy of its own.
/// @param out      Not NULL. Set to NULL on error; otherwise give it to a consumer, or call its `deleter`.
/// @return TENSOR_OK, TENSOR_ERROR_OUT_OF_MEMORY, or as tensor_to().
/// @par Lifetime   The export keeps the storage alive until its deleter is called, which must happen exactly once.
/// @par Threads    The deleter may be called on any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_to_dlpack(
    tensor: *mut tensor_t,
    options: *const tensor_options_t,
    out: *mut *mut DLManagedTensorVersioned,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, core::ptr::null_mut(), || {
            let tensor = tensor_ref(tensor, "tensor")?;
            let options = Options::read(options, Accepts::export("tensor_to_dlpack"))?;
            check_exportable(tensor)?;
            to_versioned(tensor, &options.request, DELETERS).map(NonNull::as_ptr)
        })
    }
}

/// Export a tensor for DLPack before 1.0.
///
/// @param tensor   Not NULL. Keeps its reference.
/// @param options  As for tensor_to_dlpack().
/// @param out      Not NULL. Set to NULL on error; otherwise give it to a consumer, or call its `deleter`.
/// @return As tensor_to_dlpack(); TENSOR_ERROR_READ_ONLY for read-only memory and TENSOR_ERROR_UNSUPPORTED for padded
///         sub-byte elements, which the struct cannot express.
/// @par Lifetime   As tensor_to_dlpack().
/// @par Threads    As tensor_to_dlpack().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_to_dlpack_legacy(
    tensor: *mut tensor_t,
    options: *const tensor_options_t,
    out: *mut *mut DLManagedTensor,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, core::ptr::null_mut(), || {
            let tensor = tensor_ref(tensor, "tensor")?;
            let options = Options::read(options, Accepts::export("tensor_to_dlpack_legacy"))?;
            check_exportable(tensor)?;
            to_legacy(tensor, &options.request, DELETERS).map(NonNull::as_ptr)
        })
    }
}
