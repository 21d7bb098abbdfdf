//! Look: what a tensor is, where it came from, whether two share memory, and what dtypes are called.

use super::create::{guard_plan, tensor_plan_t};
use super::guard::guard_out;
use super::options::casting as casting_rule;
use super::{tensor_ref, tensor_status_t, tensor_t};
use crate::dlpack::{DLDataType, DLDevice, DLTensor};
use crate::dtype::{self, DType};
use crate::error::{Error, Result, Text};
use crate::layout::Answer;
use crate::tensor::Tensor;
use core::ffi::{CStr, c_char};

/// What `get` finds in a tensor, or `none` for NULL.
///
/// # Safety
/// `tensor` is NULL or a live handle.
unsafe fn read<T>(tensor: *const tensor_t, none: T, get: impl FnOnce(&Tensor) -> T) -> T {
    // SAFETY: the caller's promise.
    unsafe { tensor.cast::<Tensor>().as_ref() }.map_or(none, get)
}

/// The tensor as a DLTensor: data, shape, strides, dtype, device.
///
/// Strides are never NULL. On devices whose memory the processor reaches, `byte_offset` is 0 and `data` points to the first
/// element; on others both are as the producer gave them, but for the offset of a view.
///
/// @param tensor  A live handle, or NULL, which gives NULL.
/// @return Valid as long as the handle; not to be changed. The bytes may be read and, unless the tensor is read-only, written.
/// @par Lifetime  On a loan, this gives a pointer away without saying until when: it counts as a pin for reading that lasts as
///                long as the handle, so the loan can be neither revoked nor evacuated before, and what overlaps cannot be
///                pinned for writing. tensor_pin() is the same with an end; tensor_shape() and the other getters give no
///                pointer away. Of a tensor whose loan was revoked, `data` is NULL.
/// @par Threads   Who reads or writes the bytes from several threads keeps them in order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_view(tensor: *const tensor_t) -> *const DLTensor {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, core::ptr::null(), Tensor::view_for_good) }
}

/// Tell how a handle was made: by aliasing memory, or by copying it, and why.
///
/// @param tensor  Not NULL.
/// @param out     Not NULL, begun with TENSOR_PLAN_INIT. Of a view: an alias, but for a tensor_reshape() that copied.
///                Of tensor_empty(): a copy of 0 bytes that was requested.
/// @return TENSOR_OK, TENSOR_ERROR_NULL or TENSOR_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_origin(
    tensor: *const tensor_t,
    out: *mut tensor_plan_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe { guard_plan(out, || Ok(tensor_ref(tensor, "tensor")?.origin())) }
}

/// The number of references to this handle, plus the other handles and exports that keep the same storage.
///
/// @param tensor  A live handle, or NULL, which gives 0.
/// @par Threads   The number at some moment: other threads may change it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_use_count(tensor: *const tensor_t) -> u64 {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, 0, |tensor| tensor.use_count() as u64) }
}

/// The number of dimensions; -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_ndim(tensor: *const tensor_t) -> i32 {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, -1, |tensor| tensor.layout().ndim() as i32) }
}

/// The sizes of the dimensions.
///
/// @param tensor  A live handle, or NULL, which gives NULL.
/// @return tensor_ndim() sizes, valid as long as the handle; not to be changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_shape(tensor: *const tensor_t) -> *const i64 {
    // SAFETY: what the header asks of the caller.
    unsafe {
        read(tensor, core::ptr::null(), |tensor| {
            tensor.layout().shape().as_ptr()
        })
    }
}

/// The strides of the dimensions, in elements.
///
/// @param tensor  A live handle, or NULL, which gives NULL.
/// @return tensor_ndim() strides, valid as long as the handle; not to be changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_strides(tensor: *const tensor_t) -> *const i64 {
    // SAFETY: what the header asks of the caller.
    unsafe {
        read(tensor, core::ptr::null(), |tensor| {
            tensor.layout().strides().as_ptr()
        })
    }
}

/// The type of the elements; zeros (lanes 0: no dtype) for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_dtype(tensor: *const tensor_t) -> DLDataType {
    let nothing = DLDataType {
        code: 0,
        bits: 0,
        lanes: 0,
    };
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, nothing, |tensor| tensor.dtype().raw()) }
}

/// Where the memory is; zeros (no device) for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_device(tensor: *const tensor_t) -> DLDevice {
    let nothing = DLDevice {
        device_type: 0,
        device_id: 0,
    };
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, nothing, |tensor| tensor.device().raw()) }
}

/// The number of elements; -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_numel(tensor: *const tensor_t) -> i64 {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, -1, |tensor| tensor.layout().numel()) }
}

/// The bytes that the elements take when stored one after another, rounded up once; -1 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_nbytes(tensor: *const tensor_t) -> i64 {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, -1, Tensor::nbytes) }
}

/// Whether the elements lie one after another in row-major order. Strides of dimensions of size 1 do not matter; a tensor
/// without elements is contiguous. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_is_contiguous(tensor: *const tensor_t) -> bool {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, false, |tensor| tensor.layout().is_contiguous()) }
}

/// Whether the tensor must not be written. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_is_read_only(tensor: *const tensor_t) -> bool {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, false, Tensor::is_read_only) }
}

/// Whether elements smaller than a byte take one byte each instead of being packed. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_is_subbyte_padded(tensor: *const tensor_t) -> bool {
    // SAFETY: what the header asks of the caller.
    unsafe { read(tensor, false, |tensor| tensor.dtype().is_padded()) }
}

/// Tell whether two tensors have at least one bit of memory in common. Exact: interleaved columns of one matrix do not.
///
/// The question is a bounded linear equation in integers, which is solved, not approximated. Equations made to be hard
/// (many dimensions with large strides that share no divisor) end after a fixed number of steps, a fraction of a second.
///
/// @param a    Not NULL.
/// @param b    Not NULL. Tensors without elements share nothing. Memory on different devices is not shared, except that
///             all memory the processor reaches is one space.
/// @param out  Not NULL. Set to false on error.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_TOO_HARD when the steps did not suffice: the answer is not known;
///         TENSOR_ERROR_REVOKED for a tensor whose loan was revoked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_shares_memory(
    a: *const tensor_t,
    b: *const tensor_t,
    out: *mut bool,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, false, || {
            match tensor_ref(a, "a")?.shares_memory(tensor_ref(b, "b")?)? {
                Answer::Yes => Ok(true),
                Answer::No => Ok(false),
                Answer::TooHard { steps } => Err(Error::TooHard { steps }),
            }
        })
    }
}

/// The dtype that a pointer to one means.
///
/// # Safety
/// `raw` is NULL or readable.
unsafe fn dtype_at(raw: *const DLDataType, name: &'static str) -> Result<DType> {
    // SAFETY: the caller's promise.
    let raw = unsafe { raw.as_ref() }.ok_or(Error::Null(name))?;
    DType::new(*raw, false)
}

/// Write the name of a dtype, such as "float32", "float8_e4m3fn" or, with lanes, "float4_e2m1fnx2".
///
/// @param dtype       Not NULL.
/// @param buffer      Written with as much of the name as fits, and a NUL; may be NULL if `capacity` is 0.
/// @param capacity    Bytes of `buffer`.
/// @param out_needed  Set to the bytes the whole name takes, with its NUL; 0 on error. 32 always suffice. May be NULL.
/// @return TENSOR_OK, also when the name did not fit; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_dtype_name(
    dtype: *const DLDataType,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
) -> tensor_status_t {
    let mut unwanted = 0;
    let out_needed = if out_needed.is_null() {
        &raw mut unwanted
    } else {
        out_needed
    };
    // SAFETY: what the header asks of the caller.
    unsafe {
        if capacity > 0 && !buffer.is_null() {
            buffer.write(0);
        }
        guard_out(out_needed, 0, || {
            let name = dtype_at(dtype, "dtype")?.text();
            let name = name.as_str().as_bytes();
            if capacity > 0 {
                if buffer.is_null() {
                    return Err(Error::Null("buffer"));
                }
                let fitting = name.len().min(capacity - 1);
                buffer.copy_from_nonoverlapping(name.as_ptr().cast(), fitting);
                buffer.add(fitting).write(0);
            }
            Ok(name.len() + 1)
        })
    }
}

/// Find the dtype of a name: the reverse of tensor_dtype_name().
///
/// @param name  Not NULL, ends with NUL.
/// @param out   Not NULL. Set to zeros (lanes 0: no dtype) on error.
/// @return TENSOR_OK, TENSOR_ERROR_NULL, or TENSOR_ERROR_DTYPE for a name that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_dtype_from_name(
    name: *const c_char,
    out: *mut DLDataType,
) -> tensor_status_t {
    let nothing = DLDataType {
        code: 0,
        bits: 0,
        lanes: 0,
    };
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, nothing, || {
            if name.is_null() {
                return Err(Error::Null("name"));
            }
            let name = CStr::from_ptr(name).to_str().unwrap_or("?");
            DType::from_name(name)
                .map(DType::raw)
                .ok_or(Error::UnknownDTypeName(Text::of(name)))
        })
    }
}

/// Tell whether a casting rule allows a conversion.
///
/// @param from     Not NULL.
/// @param to       Not NULL.
/// @param casting  TENSOR_CASTING_ value. TENSOR_CASTING_EXACT depends on the values, and is answered like
///                 TENSOR_CASTING_UNSAFE.
/// @param out      Not NULL. Set to false on error.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype; TENSOR_ERROR_ARGUMENT for an unknown rule.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_can_cast(
    from: *const DLDataType,
    to: *const DLDataType,
    casting: i32,
    out: *mut bool,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, false, || {
            let (from, to) = (dtype_at(from, "from")?, dtype_at(to, "to")?);
            Ok(dtype::can_cast(from, to, casting_rule(casting)?))
        })
    }
}

/// Find the dtype in which two meet. Categories count first (bool, integer, floating point, complex); within one, it is the
/// smallest that holds the values of both. Two different floating-point dtypes meet in the narrowest of float16, bfloat16,
/// float32 and float64 that holds both.
///
/// @param a    Not NULL.
/// @param b    Not NULL.
/// @param out  Not NULL. Set to zeros (lanes 0: no dtype) on error.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype, and when there is none: uint64 with a
///         signed integer, opaque handles, different lanes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_promote(
    a: *const DLDataType,
    b: *const DLDataType,
    out: *mut DLDataType,
) -> tensor_status_t {
    let nothing = DLDataType {
        code: 0,
        bits: 0,
        lanes: 0,
    };
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, nothing, || {
            dtype::promote(dtype_at(a, "a")?, dtype_at(b, "b")?).map(DType::raw)
        })
    }
}
