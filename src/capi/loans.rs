//! Loans and pins: memory whose lender can ask who still uses it, and take it back.

use super::guard::{guard, guard_out};
use super::{tensor_loan_t, tensor_ref, tensor_status_t, tensor_t};
use crate::dlpack::DLTensor;
use crate::error::{Error, Result, Text};
use crate::storage::{Counted, Extent, Lender, Touch};
use crate::tensor::{Handle, Tensor};
use core::ffi::{CStr, c_char, c_void};
use core::ptr::{NonNull, null, null_mut};

/// Nothing on the loan can be written through this library.
pub const TENSOR_LOAN_READ_ONLY: u32 = 1;

/// Everything that reaches the memory: tensors, views and exports.
pub const TENSOR_LOAN_ALIASES: i32 = 0;
/// Tensors made from descriptors.
pub const TENSOR_LOAN_TENSORS: i32 = 1;
/// Tensors made from tensors.
pub const TENSOR_LOAN_VIEWS: i32 = 2;
/// Managed tensors that were exported and not given back.
pub const TENSOR_LOAN_EXPORTS: i32 = 3;
/// Pins, and tensors whose pointer was given away by tensor_view().
pub const TENSOR_LOAN_PINS: i32 = 4;

/// Read, beside others that read.
pub const TENSOR_PIN_READ: u32 = 1;
/// Write, and read, alone.
pub const TENSOR_PIN_WRITE: u32 = 2;

/// The loan behind a handle.
fn lender(loan: *const tensor_loan_t) -> Result<Lender> {
    match loan.addr() {
        0 => Err(Error::Null("loan")),
        handle => Lender::from_raw(handle),
    }
}

/// Lend memory: tensors are made on it with `options.loan`.
///
/// Each descriptor used with the loan is proved to stay inside the memory, or refused with TENSOR_ERROR_BOUNDS.
///
/// @param data    The first byte; NULL only if `nbytes` is 0.
/// @param nbytes  Bytes that are lent.
/// @param flags   TENSOR_LOAN_READ_ONLY, or 0.
/// @param out     Not NULL. Set to NULL on error; otherwise end the loan with tensor_loan_close() or tensor_loan_evacuate().
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for unknown flags; TENSOR_ERROR_OVERFLOW if the memory would
///         wrap around the end of the address space; TENSOR_ERROR_OUT_OF_MEMORY, with more than 32 loans at a time.
/// @par Lifetime  The memory must stay until the loan is closed, revoked or evacuated, and may be freed, unmapped or filled
///                anew as soon as one of these has returned TENSOR_OK.
/// @par Threads   Loans may be used, and ended, by any thread, also in deleters. A child after fork() has the loans of its
///                parent; what other threads had pinned stays pinned there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_loan_open(
    data: *mut c_void,
    nbytes: usize,
    flags: u32,
    out: *mut *mut tensor_loan_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, null_mut(), || {
            let unknown = flags & !TENSOR_LOAN_READ_ONLY;
            if unknown != 0 {
                return Err(Error::UnknownFlags {
                    flags: flags.into(),
                    unknown: unknown.into(),
                });
            }
            if data.is_null() && nbytes > 0 {
                return Err(Error::Null("data"));
            }
            // What is copied in an evacuation is reached by addresses.
            let start = data.expose_provenance() as u64;
            let end = start.checked_add(nbytes as u64);
            let end = end.ok_or(Error::AddressOffset {
                data: start,
                byte_offset: nbytes as u64,
            })?;
            let memory = Extent { start, end };
            let lender = Lender::open(memory, flags & TENSOR_LOAN_READ_ONLY != 0)?;
            Ok(core::ptr::without_provenance_mut(lender.into_raw()))
        })
    }
}

/// End a loan that nothing is on any more.
///
/// @param loan  A handle from tensor_loan_open(). Used up on success.
/// @return TENSOR_OK: the memory is the caller's again. TENSOR_ERROR_BUSY while tensors, views or exports reach it: the
///         message counts them by kind, and names those that have a label; the loan goes on. TENSOR_ERROR_CLOSED if it was
///         ended before; TENSOR_ERROR_NULL. A loan that was revoked is closed whatever handles there still are.
/// @par Threads  Any thread; waits for an evacuation or a revocation that another is busy with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_loan_close(loan: *mut tensor_loan_t) -> tensor_status_t {
    guard(|| lender(loan)?.close())
}

/// Wait until nothing is on a loan any more, and all deleters of memory on it have returned. Then close it: others may have
/// put something on it meanwhile.
///
/// Memory that is adopted, by a deleter or from DLPack, can be waited for in the same way when it is put on a loan as well.
///
/// @param loan        A handle from tensor_loan_open(). Not used up.
/// @param timeout_ns  Nanoseconds to wait at most; 0 asks only; below 0 there is no limit.
/// @return TENSOR_OK, also if the loan is revoked or ended by somebody meanwhile; TENSOR_ERROR_BUSY when the time was up, with
///         a message as tensor_loan_close() has it; TENSOR_ERROR_CLOSED if it was ended before; TENSOR_ERROR_NULL.
/// @par Threads  Any thread. In a deleter, it does not wait for that deleter itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_loan_wait(
    loan: *mut tensor_loan_t,
    timeout_ns: i64,
) -> tensor_status_t {
    guard(|| lender(loan)?.wait(timeout_ns))
}

/// Take the memory back now. Handles stay valid, and what they say of themselves can be read, but their memory is gone: every
/// touch of it (copies from and to it, exports, pins, new views) is TENSOR_ERROR_REVOKED, and tensor_view() shows a NULL
/// `data`. Copies that other threads are making are waited for.
///
/// @param loan  A handle from tensor_loan_open(). Not used up: end the loan with tensor_loan_close().
/// @return TENSOR_OK: the memory is the caller's again, also if it was revoked before. TENSOR_ERROR_BUSY while somebody has a
///         pointer to it: an export, a pin, or a live tensor for which tensor_view() was called; nothing has changed then.
///         TENSOR_ERROR_CLOSED; TENSOR_ERROR_NULL.
/// @par Lifetime  Deleters of memory on the loan are called before this returns.
/// @par Threads   Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_loan_revoke(loan: *mut tensor_loan_t) -> tensor_status_t {
    guard(|| lender(loan)?.revoke())
}

/// Move everything that is on a loan to a private copy, all together, and end the loan. Tensors and views keep their values,
/// strides and addresses relative to each other (and modulo 64), go on sharing memory with each other, and stay read-only
/// where they were. Copies that are being made are waited for, and uses that begin meanwhile wait.
///
/// @param loan  A handle from tensor_loan_open(). Used up on success.
/// @return TENSOR_OK: the memory is the caller's again. TENSOR_ERROR_BUSY as tensor_loan_revoke();
///         TENSOR_ERROR_OUT_OF_MEMORY; TENSOR_ERROR_DEVICE if the processor cannot reach the memory; after these nothing has
///         changed. TENSOR_ERROR_REVOKED; TENSOR_ERROR_CLOSED; TENSOR_ERROR_NULL.
/// @par Lifetime  The copy is freed with the last tensor on it. Deleters of memory on the loan are called before this returns.
/// @par Threads   Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_loan_evacuate(loan: *mut tensor_loan_t) -> tensor_status_t {
    guard(|| lender(loan)?.evacuate())
}

/// Count what is on a loan.
///
/// @param loan  A handle from tensor_loan_open().
/// @param kind  TENSOR_LOAN_ALIASES, or _TENSORS, _VIEWS, _EXPORTS or _PINS.
/// @param out   Not NULL. Set to 0 on error.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for an unknown kind; TENSOR_ERROR_CLOSED.
/// @par Threads  The number at some moment: other threads may change it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_loan_count(
    loan: *const tensor_loan_t,
    kind: i32,
    out: *mut usize,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, 0, || {
            let what = match kind {
                TENSOR_LOAN_ALIASES => Counted::Aliases,
                TENSOR_LOAN_TENSORS => Counted::Tensors,
                TENSOR_LOAN_VIEWS => Counted::Views,
                TENSOR_LOAN_EXPORTS => Counted::Exports,
                TENSOR_LOAN_PINS => Counted::Pins,
                _ => {
                    return Err(Error::UnknownValue {
                        field: "kind",
                        value: kind.into(),
                    });
                }
            };
            lender(loan)?.count(what)
        })
    }
}

/// Name a tensor on a loan, for the messages about what is still on it. Views have names of their own.
///
/// @param tensor  Not NULL, on a loan.
/// @param label   Ends with NUL; copied, 31 bytes of it at most. NULL or "" takes the name away.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_UNSUPPORTED for a tensor that is on no loan.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_set_label(
    tensor: *mut tensor_t,
    label: *const c_char,
) -> tensor_status_t {
    guard(|| {
        // SAFETY: what the header asks of the caller.
        unsafe {
            let tensor = tensor_ref(tensor, "tensor")?;
            let label = match label.is_null() {
                true => Text::of(""),
                false => Text::lossy(CStr::from_ptr(label).to_bytes()),
            };
            tensor.set_label(label)
        }
    })
}

/// Get raw access to a tensor's memory for a while. Memory on a loan can be neither revoked nor evacuated until the pin ends.
///
/// On a loan, pins are for any number of readers or one writer, by exact overlap: interleaved columns of a matrix may both be
/// written. Copies pin what they read and write while they run. That stays so when a loan is evacuated. On memory that never
/// was on a loan, nothing is checked but whether it is read-only.
///
/// @param tensor  Not NULL. The pin is a reference to it.
/// @param access  TENSOR_PIN_READ; TENSOR_PIN_WRITE, with or without TENSOR_PIN_READ.
/// @param out     Not NULL. Set to NULL on error; otherwise what tensor_view() shows. Unlike with tensor_view(), the pointer in
///                it may be used only until tensor_unpin().
/// @return TENSOR_OK: end the pin with tensor_unpin(). TENSOR_ERROR_ALIASED if another pin, or a copy, is in the way, or if
///         that takes too long to find out. TENSOR_ERROR_READ_ONLY; TENSOR_ERROR_REVOKED; TENSOR_ERROR_ARGUMENT for unknown
///         bits or none; TENSOR_ERROR_NULL; TENSOR_ERROR_COUNT.
/// @par Threads   Any thread; waits for an evacuation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_pin(
    tensor: *mut tensor_t,
    access: u32,
    out: *mut *const DLTensor,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_out(out, null(), || {
            let touch = match access {
                TENSOR_PIN_READ => Touch::Reads,
                _ if access & !TENSOR_PIN_READ == TENSOR_PIN_WRITE => Touch::Writes,
                _ => {
                    return Err(Error::UnknownValue {
                        field: "access",
                        value: access.into(),
                    });
                }
            };
            tensor_ref(tensor, "tensor")?.pin(touch)
        })
    }
}

/// End a pin, on any thread, and give its reference back. A tensor that was pinned several times is unpinned as often.
///
/// @param tensor  Not NULL, and pinned.
/// @return TENSOR_OK; TENSOR_ERROR_NULL; TENSOR_ERROR_ARGUMENT for a tensor on a loan that is not pinned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_unpin(tensor: *mut tensor_t) -> tensor_status_t {
    guard(|| {
        let pinned = NonNull::new(tensor.cast::<Tensor>()).ok_or(Error::Null("tensor"))?;
        // SAFETY: what the header asks of the caller: the pin is a reference, which is given up.
        unsafe {
            pinned.as_ref().unpin()?;
            drop(Handle::from_raw(pinned));
        }
        Ok(())
    })
}
