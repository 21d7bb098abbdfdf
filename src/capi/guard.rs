//! The one door between C and the core: turns errors and panics into a status and a message.

use super::status::{TENSOR_OK, set_last_error, status_of, tensor_status_t};
use super::tensor_t;
use crate::error::{Error, Result};
use crate::tensor::Handle;
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::OnceLock;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Not a lock: a child that forks while another thread installs the hook must not wait for it.
static INSTALLED: AtomicBool = AtomicBool::new(false);
static PREVIOUS: OnceLock<Hook> = OnceLock::new();

thread_local! {
    /// How many calls into the library this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Says nothing about panics of this library; leaves others to the hook there was.
fn silent_hook(info: &PanicHookInfo<'_>) {
    if DEPTH.try_with(Cell::get).unwrap_or(0) == 0
        && let Some(previous) = PREVIOUS.get()
    {
        previous(info);
    }
}

/// One call into the library, for as long as it lives.
struct Call;

impl Call {
    fn enter() -> Self {
        // Boxing a function takes no memory.
        if !INSTALLED.load(Ordering::Relaxed) && !INSTALLED.swap(true, Ordering::Relaxed) {
            let _ = PREVIOUS.set(panic::take_hook());
            panic::set_hook(Box::new(silent_hook));
        }
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
        Call
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() - 1));
    }
}

/// Runs `body`; its panic becomes [`Error::Internal`].
fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let call = Call::enter();
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping a payload may panic again.
        core::mem::forget(payload);
        Err(Error::Internal)
    });
    drop(call);
    result
}

/// Runs `body` and reports how it ended.
pub(super) fn guard(body: impl FnOnce() -> Result<()>) -> tensor_status_t {
    match caught(body) {
        Ok(()) => TENSOR_OK,
        Err(error) => {
            set_last_error(&error);
            status_of(&error)
        }
    }
}

/// Runs `body`, whose caller cannot be told how it ended.
pub(super) fn guard_silently(body: impl FnOnce()) {
    let _ = caught(|| {
        body();
        Ok(())
    });
}

/// Runs `body` and writes its result to `out`, which holds `nothing` until then and after an error.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn guard_out<T>(
    out: *mut T,
    nothing: T,
    body: impl FnOnce() -> Result<T>,
) -> tensor_status_t {
    if out.is_null() {
        return guard(|| Err(Error::Null("out")));
    }
    // SAFETY: the caller's promise; old contents are never read.
    unsafe { out.write(nothing) };
    guard(|| {
        let value = body()?;
        // SAFETY: as above.
        unsafe { out.write(value) };
        Ok(())
    })
}

/// [`guard_out`] for functions that make a tensor.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn guard_tensor(
    out: *mut *mut tensor_t,
    body: impl FnOnce() -> Result<Handle>,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe { guard_out(out, core::ptr::null_mut(), || Ok(body()?.into_raw().cast())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::{TENSOR_ERROR_INTERNAL, tensor_last_error};
    use core::ffi::CStr;

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(guard(|| panic!("not seen")), TENSOR_ERROR_INTERNAL);
        // SAFETY: the message is this thread's, and no call comes between.
        let message = unsafe { CStr::from_ptr(tensor_last_error()) };
        assert_eq!(message.to_str(), Ok("internal error"));
        assert_eq!(DEPTH.get(), 0);
    }
}
