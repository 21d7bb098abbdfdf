//! Create: tensors from descriptors, and from other tensors.

use super::guard::{guard, guard_out, guard_quick_tensor, guard_tensor};
use super::options::{Accepts, Options, tensor_options_t};
use super::{TENSOR_OK, array, check_struct_size, tensor_ref, tensor_status_t, tensor_t};
use crate::autograd;
use crate::device::Device;
use crate::dlpack::{DLDataType, DLDevice, DLTensor};
use crate::error::{Error, Result};
use crate::layout::LayoutBuf;
use crate::storage::{Allocation, Release};
use crate::tensor::{self, Action, Descriptor, Handle, Plan, Request};

/// Largest rank of a tensor.
pub const TENSOR_MAX_NDIM: i32 = 64;

const _: () = assert!(TENSOR_MAX_NDIM as usize == crate::layout::MAX_NDIM);

/// The tensor's bytes are the data's bytes.
pub const TENSOR_ACTION_ALIAS: i32 = 0;
/// The tensor has bytes of its own.
pub const TENSOR_ACTION_COPY: i32 = 1;

/// Copied because another dtype was asked for, or another storage of sub-byte elements.
pub const TENSOR_REASON_DTYPE: u32 = 1;
/// Copied because another device was asked for.
pub const TENSOR_REASON_DEVICE: u32 = 2;
/// Copied because a contiguous tensor was asked for and the data is not, or a new shape needed it.
pub const TENSOR_REASON_LAYOUT: u32 = 4;
/// Copied because an alignment was asked for that the data does not have.
pub const TENSOR_REASON_ALIGNMENT: u32 = 8;
/// Copied because a copy was asked for.
pub const TENSOR_REASON_REQUESTED: u32 = 16;

/// How a tensor is made, or was made. Begin with TENSOR_PLAN_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tensor_plan_t {
    /// Size of this struct, set by TENSOR_PLAN_INIT.
    pub struct_size: u32,
    /// TENSOR_ACTION_ALIAS or TENSOR_ACTION_COPY.
    pub action: i32,
    /// TENSOR_REASON_ bits; 0 for an alias.
    pub reasons: u32,
    /// 0.
    pub reserved: u32,
    /// Bytes that the copy writes; 0 for an alias.
    pub bytes_moved: i64,
}

impl tensor_plan_t {
    fn filled(plan: Plan) -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            action: match plan.action {
                Action::Alias => TENSOR_ACTION_ALIAS,
                Action::Copy => TENSOR_ACTION_COPY,
            },
            reasons: plan.reasons.bits(),
            reserved: 0,
            bytes_moved: plan.bytes_moved,
        }
    }
}

/// Writes the plan that `body` finds to `out`, if its size is right.
///
/// # Safety
/// `out` is NULL, or its `struct_size` is readable and, if right, the whole struct writable.
pub(super) unsafe fn guard_plan(
    out: *mut tensor_plan_t,
    body: impl FnOnce() -> Result<Plan>,
) -> tensor_status_t {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        let checked = unsafe { check_struct_size(out, "plan") };
        if checked.is_err() {
            return guard(|| checked);
        }
    }
    // SAFETY: the caller's promise.
    unsafe {
        guard_out(out, tensor_plan_t::filled(Plan::ALIAS), || {
            Ok(tensor_plan_t::filled(body()?))
        })
    }
}

/// Proves what a call was given with the options that `read` reads, and gives it to `make`. That it is a function of its own leaves
/// the call without options one in which nothing is left to decide when it is compiled. `quick`: nanoseconds matter.
///
/// # Safety
/// `data` is NULL or a descriptor.
#[inline(never)]
unsafe fn as_asked<T>(
    data: *const DLTensor,
    read: impl FnOnce() -> Result<Options>,
    make: impl FnOnce(&mut Descriptor<'_>, &Request, Release, bool) -> Result<T>,
    quick: bool,
) -> Result<T> {
    let mut room = LayoutBuf::new();
    // SAFETY: the caller's promise.
    unsafe {
        let data = data.as_ref().ok_or(Error::Null("data"))?;
        let options = read()?;
        let padded = options.request.padded;
        let mut memory = match quick {
            true => Descriptor::prove(data, padded, options.nbytes, &mut room)?,
            false => Descriptor::prove_with_care(data, padded, options.nbytes, &mut room)?,
        };
        memory.confine(options.lender)?;
        make(
            &mut memory,
            &options.request,
            options.release,
            options.requires_grad,
        )
    }
}

/// What `make` makes, as a leaf if that is asked for.
#[inline(always)]
fn made(
    make: impl FnOnce(&mut Descriptor<'_>, &Request, Release) -> Result<Handle>,
    memory: &mut Descriptor<'_>,
    request: &Request,
    release: Release,
    requires_grad: bool,
) -> Result<Handle> {
    let dtype = request.result_dtype(memory.dtype)?;
    autograd::made_leaf(requires_grad, dtype, memory.layout, || {
        make(memory, request, release)
    })
}

/// [`tensor::as_tensor`], as a leaf if that is asked for.
#[inline(always)]
pub(super) fn as_tensor(
    memory: &mut Descriptor<'_>,
    request: &Request,
    release: Release,
    requires_grad: bool,
) -> Result<Handle> {
    made(tensor::as_tensor, memory, request, release, requires_grad)
}

/// Borrow the caller's memory as a tensor; copy only if `options` make it necessary.
///
/// Without options nothing is copied, whatever the strides (positive, zero, negative, overlapping), the offset, the
/// alignment or the device. A different dtype, device, layout or alignment that is asked for means a copy: row-major, in
/// memory of the processor's, at a multiple of 64 bytes or of the alignment asked for. tensor_plan() tells beforehand,
/// tensor_origin() afterwards.
///
/// @param data     Not NULL. `shape`, `strides`: `ndim` values, strides in elements, NULL strides for row-major;
///                 `byte_offset` in bytes. Copied in: they may die when this returns. The bytes at `data->data` are not.
/// @param options  NULL for the defaults.
/// @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK; TENSOR_ERROR_NULL, _SHAPE, _DTYPE, _DEVICE, _OVERFLOW or _BOUNDS for a descriptor that is wrong;
///         TENSOR_ERROR_ARGUMENT or _UNSUPPORTED for options that are; TENSOR_ERROR_CASTING, _INEXACT, _DTYPE, _DEVICE
///         or _COPY_NEEDED when the conversion is not possible or not allowed; TENSOR_ERROR_OUT_OF_MEMORY.
/// @par Lifetime   An alias without `options->deleter`: the memory must live until the last handle, view and export is
///                 released. With it: until the library calls it, exactly once. After a copy the memory is not used; the
///                 deleter is called before this returns. On error nothing is called and the memory stays the caller's.
/// @par Threads    May run on any number of threads at once. While it copies, nobody may write the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_as_tensor(
    data: *const DLTensor,
    options: *const tensor_options_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        if options.is_null()
            && !out.is_null()
            && let Some(data) = data.as_ref()
        {
            // No guard: this does not panic.
            return match Handle::borrow_plain(data) {
                Ok(borrowed) => {
                    out.write(borrowed.into_raw().cast());
                    TENSOR_OK
                }
                Err(block) => borrow_with_care(data, block, out),
            };
        }
        as_tensor_asked(data, options, out)
    }
}

/// tensor_as_tensor() without options, whatever is described.
///
/// # Safety
/// What the header asks of the caller, and what [`Handle::borrow_with_care`] asks.
#[cold]
unsafe fn borrow_with_care(
    data: &DLTensor,
    block: Option<Allocation>,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe { guard_tensor(out, || Handle::borrow_with_care(data, block)) }
}

/// tensor_as_tensor(), whatever is asked.
///
/// # Safety
/// What the header asks of the caller.
#[inline(never)]
unsafe fn as_tensor_asked(
    data: *const DLTensor,
    options: *const tensor_options_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        guard_tensor(out, || {
            let accepts = Accepts::creation("tensor_as_tensor");
            as_asked(
                data,
                || Options::read_here(options, accepts),
                as_tensor,
                true,
            )
        })
    }
}

/// Copy the caller's memory to a tensor of its own, always; convert it on the way if `options` say so.
///
/// The result is row-major, in memory of the processor's, at a multiple of 64 bytes or of `options->alignment`.
///
/// @param data     Not NULL. As for tensor_as_tensor(). The memory must be reachable by the processor (CPU, CUDAHost,
///                 ROCMHost, CUDAManaged).
/// @param options  NULL for the defaults. TENSOR_COPY_NEVER is TENSOR_ERROR_COPY_NEEDED.
/// @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return As tensor_as_tensor().
/// @par Lifetime   The tensor owns its memory. The caller's is not used after this returns; `options->deleter` is called
///                 before, if all went well.
/// @par Threads    May run on any number of threads at once. While it runs, nobody may write the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_copy(
    data: *const DLTensor,
    options: *const tensor_options_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_quick_tensor(out, || {
            let mut room = LayoutBuf::new();
            if options.is_null()
                && let Some(data) = data.as_ref()
                && let Some(mut memory) = Descriptor::prove_plain(data, &mut room)
            {
                return Ok(tensor::copy(
                    &mut memory,
                    &Request::DEFAULT,
                    Release::Nothing,
                )?);
            }
            let accepts = Accepts::creation("tensor_copy");
            let copy = |memory: &mut Descriptor<'_>, request: &Request, release, requires_grad| {
                made(tensor::copy, memory, request, release, requires_grad)
            };
            Ok(as_asked(
                data,
                || Options::read(options, accepts),
                copy,
                true,
            )?)
        })
    }
}

/// Tell what tensor_as_tensor() would do with the same arguments, and why, without doing it.
///
/// @param data     Not NULL. As for tensor_as_tensor(); the bytes at `data->data` are not read.
/// @param options  NULL for the defaults. The deleter is not called.
/// @param out      Not NULL, begun with TENSOR_PLAN_INIT. On error: an alias of 0 bytes.
/// @return As tensor_as_tensor(), but for what depends on the values (TENSOR_ERROR_INEXACT) and on memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_plan(
    data: *const DLTensor,
    options: *const tensor_options_t,
    out: *mut tensor_plan_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_plan(out, || {
            let accepts = Accepts::creation("tensor_plan");
            as_asked(
                data,
                || Options::read(options, accepts),
                |memory, request, _, requires_grad| {
                    if requires_grad {
                        autograd::check_differentiable(request.result_dtype(memory.dtype)?)?;
                    }
                    tensor::plan(memory, request)
                },
                false,
            )
        })
    }
}

/// What tensor_as_tensor() does, for the memory of a tensor: another handle on the same memory if it is as asked, else a
/// copy.
///
/// @param tensor   Not NULL. Keeps its reference.
/// @param options  NULL for the defaults: an alias. `nbytes`, `loan` and `deleter` have no meaning here.
///                 TENSOR_FLAG_SUBBYTE_PADDED asks for one byte per sub-byte element.
/// @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return As tensor_as_tensor(), but for what can be wrong with a descriptor.
/// @par Lifetime   An alias keeps the storage of `tensor` alive; a copy has its own.
/// @par Threads    May run on any number of threads at once. While it copies, nobody may write the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_to(
    tensor: *mut tensor_t,
    options: *const tensor_options_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_tensor(out, || {
            let tensor = tensor_ref(tensor, "tensor")?;
            let options = Options::read(options, Accepts::tensor("tensor_to"))?;
            let result = autograd::to(tensor, &options.request)?;
            if options.requires_grad && !autograd::requires_grad(&result) {
                autograd::set_requires_grad(&result, true)?;
            }
            Ok(result)
        })
    }
}

/// Make a tensor of its own memory, uninitialised, row-major, at a multiple of 64 bytes.
///
/// @param dtype   Not NULL. Sub-byte elements are packed.
/// @param device  NULL or the CPU; memory of other devices cannot be allocated: TENSOR_ERROR_DEVICE.
/// @param ndim    0 to 64.
/// @param shape   `ndim` sizes; may be NULL if `ndim` is 0.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK; TENSOR_ERROR_NULL, _SHAPE, _DTYPE, _DEVICE, _OVERFLOW or _OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_empty(
    dtype: *const DLDataType,
    device: *const DLDevice,
    ndim: i32,
    shape: *const i64,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_tensor(out, || {
            let dtype = dtype.as_ref().ok_or(Error::Null("dtype"))?;
            let device = device.as_ref().map(|raw| Device::new(*raw)).transpose()?;
            tensor::empty(*dtype, device, array(shape, ndim, "shape")?)
        })
    }
}
