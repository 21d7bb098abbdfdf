//! Gradients: leaves, backward, and functions of the caller's.

use super::guard::{guard, guard_out, guard_tensor};
use super::{tensor_deleter_t, tensor_ref, tensor_status_t, tensor_t};
use crate::autograd::{self, List};
use crate::error::{Error, Result};
use crate::storage::Deleter;
use crate::tensor::{Handle, Tensor};
use core::ffi::c_void;
use core::ptr::{NonNull, null_mut};

/// For tensor_backward(): keep what the backward functions of tensor_grad_record() need, so that it can run again.
pub const TENSOR_BACKWARD_RETAIN_GRAPH: u32 = 1;

/// The backward function of a kernel: from the gradients of its outputs to those of its inputs.
///
/// `grad_outputs` has a gradient for each output: row-major, of its shape and dtype, zeros if none came in. They are the
/// library's; retain one to keep it or to give it back. `grad_inputs` has a NULL for each input: put a reference there that
/// the library takes over, or leave it for no gradient. A gradient of another dtype is converted; of a shape that the
/// input's broadcasts to, it is summed. What is put there is taken over after an error too.
///
/// Returns TENSOR_OK, or anything else to stop: tensor_backward() then returns TENSOR_ERROR_CALLBACK. It may call the
/// library, which keeps no history meanwhile; it must return normally (no exception, no longjmp).
pub type tensor_backward_t = Option<
    unsafe extern "C" fn(
        ctx: *mut c_void,
        num_outputs: i32,
        grad_outputs: *const *mut tensor_t,
        num_inputs: i32,
        grad_inputs: *mut *mut tensor_t,
    ) -> tensor_status_t,
>;

/// The same, from the library's side: a handle is a pointer to a tensor.
type Callback = unsafe extern "C" fn(
    *mut c_void,
    i32,
    *const *mut tensor_t,
    i32,
    *mut *mut tensor_t,
) -> tensor_status_t;

/// A reference of our own to the tensor behind a handle.
///
/// # Safety
/// `tensor` is NULL or a live handle.
unsafe fn retained(tensor: *mut tensor_t, name: &'static str) -> Result<Handle> {
    // SAFETY: the caller's promise; the reference is added before it is taken over.
    unsafe {
        tensor_ref(tensor, name)?.retain()?;
        let tensor = NonNull::new(tensor.cast::<Tensor>()).ok_or(Error::Null(name))?;
        Ok(Handle::from_raw(tensor))
    }
}

/// The handles of an array.
///
/// # Safety
/// `handles` is NULL or readable for `count` handles.
unsafe fn handles<'a>(
    handles: *const *mut tensor_t,
    count: i32,
    name: &'static str,
) -> Result<&'a [*mut tensor_t]> {
    let length = usize::try_from(count).map_err(|_| Error::Parameter {
        name,
        value: count.into(),
        expected: "a number of tensors, which is not negative",
    })?;
    if length == 0 {
        return Ok(&[]);
    }
    if handles.is_null() {
        return Err(Error::Null(name));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { core::slice::from_raw_parts(handles, length) })
}

/// The tensors behind them.
///
/// # Safety
/// They are NULL or live.
unsafe fn tensors<'a>(handles: &[*mut tensor_t], name: &'static str) -> Result<List<&'a Tensor>> {
    let mut tensors = List::with_capacity(handles.len())?;
    for handle in handles {
        // SAFETY: the caller's promise.
        tensors.push(unsafe { tensor_ref(*handle, name)? })?;
    }
    Ok(tensors)
}

/// Whether gradients of the tensor are asked for: it is a leaf of which they are kept, or was made of one. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_requires_grad(tensor: *const tensor_t) -> bool {
    // SAFETY: what the header asks of the caller.
    unsafe { tensor_ref(tensor, "tensor") }.is_ok_and(autograd::requires_grad)
}

/// Whether the tensor is the result of nothing that requires grad. False for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_is_leaf(tensor: *const tensor_t) -> bool {
    // SAFETY: what the header asks of the caller.
    unsafe { tensor_ref(tensor, "tensor") }.is_ok_and(autograd::is_leaf)
}

/// Ask for gradients of a leaf, or do not any more. Views and copies made before are not concerned.
///
/// @param tensor         Not NULL. Floating-point or complex, if gradients are asked for.
/// @param requires_grad  Whether they are. False for something that was made of a leaf is an error.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_DTYPE for other dtypes; TENSOR_ERROR_GRADIENT for the result of
///         something; TENSOR_ERROR_OUT_OF_MEMORY.
/// @par Threads          Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_set_requires_grad(
    tensor: *mut tensor_t,
    requires_grad: bool,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    guard(|| unsafe { autograd::set_requires_grad(tensor_ref(tensor, "tensor")?, requires_grad) })
}

/// Make a handle on the same memory without history: gradients do not pass it.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param out     Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK, TENSOR_ERROR_NULL, _REVOKED or _OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_detach(
    tensor: *mut tensor_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe { guard_tensor(out, || autograd::detach(tensor_ref(tensor, "tensor")?)) }
}

/// The gradient of a leaf: what tensor_backward() has added up so far. It has the leaf's shape and dtype.
///
/// @param tensor  Not NULL. Keeps its reference.
/// @param out     Not NULL. Set to NULL if there is no gradient, or on error; otherwise a handle on the gradient itself, in
///                which later calls of tensor_backward() go on adding: release it with tensor_release().
/// @return TENSOR_OK or TENSOR_ERROR_NULL.
/// @par Threads   While others run tensor_backward(), the elements may change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_grad(
    tensor: *mut tensor_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, null_mut(), || {
            let gradient = autograd::gradient_of(tensor_ref(tensor, "tensor")?)?;
            Ok(gradient.map_or(null_mut(), |gradient| gradient.into_raw().cast()))
        })
    }
}

/// Set the elements of a leaf's gradient to zero. Nothing happens if there is none.
///
/// @param tensor  Not NULL.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_OUT_OF_MEMORY; TENSOR_ERROR_REVOKED if the gradient is in a buffer
///         on a loan that was revoked.
/// @par Threads   Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_zero_grad(tensor: *mut tensor_t) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    guard(|| unsafe { autograd::zero_gradient(tensor_ref(tensor, "tensor")?) })
}

/// Make a tensor of the caller's the gradient of a leaf: tensor_backward() adds to what is in its memory.
///
/// @param tensor  Not NULL. A leaf that requires grad.
/// @param buffer  Of the leaf's shape and dtype, with any strides; writable, reachable by the processor, not overlapping
///                itself. A reference is added, and kept until another takes its place or the leaf and its graph are gone.
///                NULL: the leaf has no gradient then.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_GRADIENT if `tensor` is no leaf that requires grad;
///         TENSOR_ERROR_SHAPE, _DTYPE, _READ_ONLY, _DEVICE, _OVERLAP or _TOO_HARD for a buffer that is not so.
/// @par Lifetime  The buffer's memory must live as its handles ask. On a loan that is revoked, tensor_backward() is
///                TENSOR_ERROR_REVOKED.
/// @par Threads   While tensor_backward() runs, nobody may read or write the buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_set_grad_buffer(
    tensor: *mut tensor_t,
    buffer: *mut tensor_t,
) -> tensor_status_t {
    guard(|| {
        // SAFETY: what the header asks of the caller.
        unsafe {
            let tensor = tensor_ref(tensor, "tensor")?;
            let buffer = match buffer.is_null() {
                true => None,
                false => Some(retained(buffer, "buffer")?),
            };
            autograd::set_buffer(tensor, buffer)
        }
    })
}

/// Run backward: add to the gradients of all leaves that `tensor` was made of.
///
/// The gradient passes each conversion as a conversion back, each view as a scatter into zeros; where several meet they are
/// summed in binary64 and rounded once, in an order that is always the same. All of it is computed before any leaf is
/// changed.
///
/// @param tensor    Not NULL. Requires grad.
/// @param gradient  That of `tensor`, of its shape and dtype; NULL for 1, if `tensor` has one real element. Read, not kept.
/// @param flags     0 or TENSOR_BACKWARD_RETAIN_GRAPH. Without it, what backward functions need is freed after they ran, and
///                  their deleters are called; views and conversions need nothing, and can be passed again in any case.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for unknown flags; TENSOR_ERROR_GRADIENT if `tensor` does not
///         require grad, if `gradient` is missing, if a backward function was freed before, or if a tensor it saved was
///         changed in place; TENSOR_ERROR_SHAPE or _DTYPE for a gradient that is of another; TENSOR_ERROR_CALLBACK if a
///         backward function failed; TENSOR_ERROR_REVOKED; TENSOR_ERROR_OUT_OF_MEMORY. After an error no gradient has
///         changed, unless a lender revoked a buffer in the middle of it.
/// @par Threads     May run on several threads at once, also through the same graph and to the same leaves. Backward functions
///                  run on the calling thread, with no lock held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_backward(
    tensor: *mut tensor_t,
    gradient: *mut tensor_t,
    flags: u32,
) -> tensor_status_t {
    guard(|| {
        let unknown = flags & !TENSOR_BACKWARD_RETAIN_GRAPH;
        if unknown != 0 {
            return Err(Error::UnknownFlags {
                flags: flags.into(),
                unknown: unknown.into(),
            });
        }
        // SAFETY: what the header asks of the caller.
        let (tensor, gradient) = unsafe {
            let gradient = gradient.cast::<Tensor>().as_ref();
            (tensor_ref(tensor, "tensor")?, gradient)
        };
        autograd::backward(tensor, gradient, flags & TENSOR_BACKWARD_RETAIN_GRAPH != 0)
    })
}

/// Keep history on this thread, or do not: what is made meanwhile of tensors that require grad does not require it, and
/// leaves may be written in place.
///
/// @param enabled  Whether to. It is at first, on each thread.
/// @return What it was before.
/// @par Threads    For the calling thread only. Nothing is allocated.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_set_grad_enabled(enabled: bool) -> bool {
    autograd::set_enabled(enabled)
}

/// Whether this thread keeps history.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_grad_enabled() -> bool {
    autograd::is_enabled()
}

/// Make `outputs` the results of `inputs`, by a kernel of the caller's that has computed them, so that gradients pass it.
///
/// Nothing is recorded if no input requires grad, or history is not kept on this thread; the deleter is then called before
/// this returns. An output that has a history loses it, as one that is written in place does.
///
/// @param inputs       `num_inputs` handles. Their gradients are asked for in this order. They are not kept: what backward
///                     reads, keep with tensor_grad_save().
/// @param num_inputs   0 or more.
/// @param outputs      `num_outputs` handles, each another: floating-point or complex, and no leaf that requires grad.
/// @param num_outputs  1 or more.
/// @param backward     Not NULL. See tensor_backward_t. May be called several times, on any thread.
/// @param ctx          Given to `backward` and `deleter`.
/// @param deleter      NULL, or called once with `ctx` when `backward` is not needed any more: after it ran, unless the graph
///                     was retained, or when the last tensor that was made of the outputs is gone. No lock is held.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT; TENSOR_ERROR_DTYPE or _GRADIENT for an output that is not so;
///         TENSOR_ERROR_OUT_OF_MEMORY. After an error nothing is recorded and the deleter is not called.
/// @par Threads        As writing the outputs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_grad_record(
    inputs: *const *mut tensor_t,
    num_inputs: i32,
    outputs: *const *mut tensor_t,
    num_outputs: i32,
    backward: tensor_backward_t,
    ctx: *mut c_void,
    deleter: tensor_deleter_t,
) -> tensor_status_t {
    let mut recorded = true;
    let status = guard(|| {
        // SAFETY: what the header asks of the caller.
        unsafe {
            let inputs = tensors(handles(inputs, num_inputs, "inputs")?, "inputs[i]")?;
            let outputs = tensors(handles(outputs, num_outputs, "outputs")?, "outputs[i]")?;
            if outputs.is_empty() {
                return Err(Error::Parameter {
                    name: "num_outputs",
                    value: 0,
                    expected: "1 or more",
                });
            }
            let backward = backward.ok_or(Error::Null("backward"))?;
            // SAFETY: the two types differ in what a handle is called only.
            let backward = core::mem::transmute::<Callback, autograd::Backward>(backward);
            let deleter = deleter.map(|deleter| deleter as Deleter);
            recorded = autograd::grad_record(&inputs, &outputs, backward, ctx, deleter)?;
            Ok(())
        }
    });
    if let (false, Some(deleter)) = (recorded, deleter) {
        // SAFETY: what the header asks of the caller.
        unsafe { deleter(ctx) }
    }
    status
}

/// Keep tensors that the backward function of a recorded kernel reads, until it is not needed any more. If one of them is
/// changed in place before, tensor_backward() says so instead of computing with it.
///
/// @param output  Not NULL: one that was recorded with tensor_grad_record(). Nothing is kept if nothing was recorded, as it
///                then does not require grad.
/// @param saved   `num_saved` handles, to each of which a reference is added. Outputs would keep themselves: save what
///                tensor_detach() makes of them.
/// @param num_saved  How many; not negative.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for an output; TENSOR_ERROR_GRADIENT if `output` is the result
///         of something else; TENSOR_ERROR_OUT_OF_MEMORY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_grad_save(
    output: *mut tensor_t,
    saved: *const *mut tensor_t,
    num_saved: i32,
) -> tensor_status_t {
    guard(|| {
        // SAFETY: what the header asks of the caller.
        unsafe {
            let output = tensor_ref(output, "output")?;
            let saved = handles(saved, num_saved, "saved")?;
            let mut tensors = List::with_capacity(saved.len())?;
            for tensor in saved {
                tensors.push(retained(*tensor, "saved[i]")?)?;
            }
            if !autograd::requires_grad(output) {
                return Ok(());
            }
            autograd::grad_save(output, tensors)
        }
    })
}

/// How often the memory of a tensor was changed by this library, or by a caller that said so: views share the counter. 0 for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_version_counter(tensor: *const tensor_t) -> u64 {
    // SAFETY: what the header asks of the caller.
    unsafe { tensor_ref(tensor, "tensor") }.map_or(0, |tensor| tensor.storage().version())
}

/// Tell that the caller has changed the memory of a tensor. tensor_copy_into(), tensor_assign() and tensor_pin() for
/// writing tell it themselves.
///
/// @return TENSOR_OK or TENSOR_ERROR_NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_mark_dirty(tensor: *mut tensor_t) -> tensor_status_t {
    guard(|| {
        // SAFETY: what the header asks of the caller.
        unsafe { tensor_ref(tensor, "tensor")? }
            .storage()
            .count_change();
        Ok(())
    })
}
