//! Views: new handles on the same memory.

use super::guard::{guard_tensor, unguarded_tensor};
use super::options::copy_mode;
use super::{array, tensor_ref, tensor_status_t, tensor_t};
use crate::autograd;
use crate::dlpack::DLDataType;
use crate::error::{Error, Result};
use crate::layout::{Slice, View};
use crate::tensor::Tensor;

/// The view that `what` says of the tensor behind a handle.
///
/// # Safety
/// `tensor` is NULL or a live handle; `out` is NULL or writable.
#[inline(always)]
unsafe fn view_of<'a>(
    tensor: *mut tensor_t,
    out: *mut *mut tensor_t,
    what: impl Fn() -> Result<View<'a>>,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        if !out.is_null()
            && let Some(base) = tensor.cast::<Tensor>().as_ref()
            && autograd::is_plain(base)
        {
            // No guard: this does not panic.
            return unguarded_tensor(out, || Ok(base.viewed_at_rest(what()?)?));
        }
        view_with_care(tensor, out, what())
    }
}

/// [`view_of`], whatever is known of the tensor.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn view_with_care(
    tensor: *mut tensor_t,
    out: *mut *mut tensor_t,
    what: Result<View<'_>>,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe { guard_tensor(out, || autograd::view(tensor_ref(tensor, "tensor")?, what?)) }
}

/// Make a view without dimension `dim`, at one index of it.
///
/// As every view: a new handle that aliases the same memory, keeps its storage alive, and is read-only if `tensor` is.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param dim     Dimension; negative counts from the end.
/// @param index   Index; negative counts from the end.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_INDEX for a dimension or index that does not exist;
///         TENSOR_ERROR_UNSUPPORTED if the view would start inside a byte (packed sub-byte elements);
///         TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_select(
    tensor: *mut tensor_t,
    dim: i32,
    index: i64,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe { view_of(tensor, out, || Ok(View::Select { dim, index })) }
}

/// Make a view of every `step`-th index of a dimension, from `start` to before `stop`, as Python slices do.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param dim     Dimension; negative counts from the end.
/// @param start   Negative counts from the end; clamped to the dimension. INT64_MAX: past the end. INT64_MIN: before the
///                start.
/// @param stop    Likewise. `start` INT64_MAX, `stop` INT64_MIN, `step` -1 reverses.
/// @param step    Not 0; may be negative.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return As tensor_select(); TENSOR_ERROR_ARGUMENT for a step of 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_slice(
    tensor: *mut tensor_t,
    dim: i32,
    start: i64,
    stop: i64,
    step: i64,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        view_of(tensor, out, || {
            let slice = Slice { start, stop, step };
            Ok(View::Slice { dim, slice })
        })
    }
}

/// Make a view with the dimensions in another order: dimension `i` of it is dimension `dims[i]` of `tensor`.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param ndim    Number of `dims`: the tensor's own.
/// @param dims    Each dimension once; negative counts from the end. May be NULL if `ndim` is 0.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_SHAPE, TENSOR_ERROR_INDEX or TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_permute(
    tensor: *mut tensor_t,
    ndim: i32,
    dims: *const i32,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        view_of(tensor, out, || {
            Ok(View::Permute(array(dims, ndim, "dims")?))
        })
    }
}

/// Make a view with two dimensions exchanged.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param dim0    Dimension; negative counts from the end.
/// @param dim1    Dimension; negative counts from the end.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_INDEX or TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_transpose(
    tensor: *mut tensor_t,
    dim0: i32,
    dim1: i32,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe { view_of(tensor, out, || Ok(View::Transpose(dim0, dim1))) }
}

/// Give the elements, in row-major order, another shape: a view where strides for it exist, else a copy if allowed.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param ndim    0 to 64.
/// @param shape   `ndim` sizes, one of which may be -1 to be inferred. May be NULL if `ndim` is 0.
/// @param copy    TENSOR_COPY_IF_NEEDED; TENSOR_COPY_NEVER: TENSOR_ERROR_COPY_NEEDED instead of a copy;
///                TENSOR_COPY_ALWAYS: never a view.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release(). tensor_origin() tells whether
///                it is a copy.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_SHAPE for another number of elements; TENSOR_ERROR_ARGUMENT for an
///         unknown `copy`; TENSOR_ERROR_COPY_NEEDED; TENSOR_ERROR_DEVICE if a copy is needed of memory that the processor
///         cannot reach; TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_reshape(
    tensor: *mut tensor_t,
    ndim: i32,
    shape: *const i64,
    copy: i32,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_tensor(out, || {
            let tensor = tensor_ref(tensor, "tensor")?;
            let (shape, copy) = (array(shape, ndim, "shape")?, copy_mode(copy)?);
            autograd::reshape(tensor, shape, copy)
        })
    }
}

/// Make a view stretched to a shape: dimensions are aligned at the end, those of size 1 and missing ones repeat with stride 0.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param ndim    At least the tensor's own, at most 64.
/// @param shape   `ndim` sizes; -1 keeps the tensor's. May be NULL if `ndim` is 0.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_SHAPE if a dimension cannot be stretched so; TENSOR_ERROR_OVERFLOW;
///         TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_expand(
    tensor: *mut tensor_t,
    ndim: i32,
    shape: *const i64,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        view_of(tensor, out, || {
            Ok(View::Expand(array(shape, ndim, "shape")?))
        })
    }
}

/// Make a view without a dimension of size 1, or without any.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param dim     Dimension, removed if its size is 1, else kept; negative counts from the end. TENSOR_ALL_DIMS: every one
///                of size 1.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_INDEX or TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_squeeze(
    tensor: *mut tensor_t,
    dim: i32,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // TENSOR_ALL_DIMS of the header.
    const ALL_DIMS: i32 = i32::MIN;
    // SAFETY: what the header asks of the caller.
    unsafe {
        view_of(tensor, out, || {
            Ok(match dim {
                ALL_DIMS => View::SqueezeAll,
                _ => View::Squeeze(dim),
            })
        })
    }
}

/// Make a view with a new dimension of size 1 before dimension `dim`.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param dim     0 to the rank, which appends; negative counts from the end of the result.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK, TENSOR_ERROR_NULL, TENSOR_ERROR_INDEX, TENSOR_ERROR_SHAPE above rank 64, or
///         TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_unsqueeze(
    tensor: *mut tensor_t,
    dim: i32,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe { view_of(tensor, out, || Ok(View::Unsqueeze(dim))) }
}

/// Make a view with some dimensions reversed.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param ndim    Number of `dims`.
/// @param dims    Dimensions to reverse, each at most once; negative counts from the end. May be NULL if `ndim` is 0.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return As tensor_select(), and TENSOR_ERROR_SHAPE if `ndim` is negative or above 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_flip(
    tensor: *mut tensor_t,
    ndim: i32,
    dims: *const i32,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe { view_of(tensor, out, || Ok(View::Flip(array(dims, ndim, "dims")?))) }
}

/// Make a view of any shape and strides, proved to stay inside the storage of `tensor`: the bytes that its first tensor
/// reached, or those told by `nbytes` when it was made.
///
/// @param tensor   Not NULL. Keeps its reference.
/// @param ndim     0 to 64.
/// @param shape    `ndim` sizes. May be NULL if `ndim` is 0.
/// @param strides  `ndim` strides in elements; may be negative, zero or overlapping. May be NULL if `ndim` is 0.
/// @param offset   Elements from the first element of `tensor` to that of the view; may be negative.
/// @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_SHAPE; TENSOR_ERROR_OVERFLOW; TENSOR_ERROR_BOUNDS, which names the
///         dimension that leaves the storage; TENSOR_ERROR_UNSUPPORTED if the view would start inside a byte;
///         TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_as_strided(
    tensor: *mut tensor_t,
    ndim: i32,
    shape: *const i64,
    strides: *const i64,
    offset: i64,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_tensor(out, || {
            let tensor = tensor_ref(tensor, "tensor")?;
            let shape = array(shape, ndim, "shape")?;
            autograd::as_strided(tensor, shape, array(strides, ndim, "strides")?, offset)
        })
    }
}

/// Make a view of the same bytes as another dtype.
///
/// Of a dtype of the same size only the dtype changes. Otherwise the last dimension must be contiguous and grows or shrinks
/// by the ratio of the sizes; to a larger dtype, its size and all other strides must be multiples of that ratio.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param dtype   Not NULL.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for an unknown dtype; TENSOR_ERROR_SHAPE if the bytes do not
///         divide so; TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_view_dtype(
    tensor: *mut tensor_t,
    dtype: *const DLDataType,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_tensor(out, || {
            let tensor = tensor_ref(tensor, "tensor")?;
            autograd::view_dtype(tensor, *dtype.as_ref().ok_or(Error::Null("dtype"))?)
        })
    }
}
