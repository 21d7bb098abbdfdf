//! The one door between C and the core: turns errors and panics into a status and a message.

use super::status::{TENSOR_OK, set_last_error, status_of, tensor_status_t};
use super::tensor_t;
use crate::error::{Error, Result};
use crate::tensor::Handle;
use core::num::NonZeroI32;
use core::sync::atomic::{AtomicBool, Ordering};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::OnceLock;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Not a lock: a child that forks while another thread installs the hook must not wait for it.
static INSTALLED: AtomicBool = AtomicBool::new(false);
static PREVIOUS: OnceLock<Hook> = OnceLock::new();

/// What the paths of this library's sources begin with.
const SOURCES: &str = {
    let (this, rest) = (file!(), "capi/guard.rs".len());
    this.split_at(this.len() - rest).0
};

/// Says nothing about panics of this library, on whatever thread; leaves others to the hook there was.
fn silent_hook(info: &PanicHookInfo<'_>) {
    let ours = info
        .location()
        .is_some_and(|place| place.file().starts_with(SOURCES));
    if !ours && let Some(previous) = PREVIOUS.get() {
        previous(info);
    }
}

#[cold]
fn install_hook() {
    if !INSTALLED.swap(true, Ordering::Relaxed) {
        // Boxing a function takes no memory.
        let _ = PREVIOUS.set(panic::take_hook());
        panic::set_hook(Box::new(silent_hook));
    }
}

/// Runs `body`; its panic becomes [`Error::Internal`]. What there is to know about panics is known from where they come, so
/// calls that end well keep no record of themselves.
#[inline(always)]
fn caught(body: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping a payload may panic again.
        core::mem::forget(payload);
        Err(Error::Internal.into())
    })
}

/// An error that has been reported: its status.
///
/// Where time counts, an error becomes one of these where it comes up, far from the way of a call that ends well; the
/// [`Error`] itself, which is large, then never passes through that.
pub(super) struct Reported(NonZeroI32);

/// What guarded calls end with.
pub(super) type Outcome<T> = core::result::Result<T, Reported>;

impl From<Error> for Reported {
    #[cold]
    #[inline(never)]
    fn from(error: Error) -> Self {
        guard_silently(|| set_last_error(&error));
        // Only success is zero.
        Self(NonZeroI32::new(status_of(&error)).unwrap_or(NonZeroI32::MIN))
    }
}

/// Writes the tensor that `body` gives to `out`, or NULL after an error, without a guard: `body` does not panic. (What tells of an
/// error has a guard of its own.)
///
/// # Safety
/// `out` is writable.
#[inline(always)]
pub(super) unsafe fn unguarded_tensor(
    out: *mut *mut tensor_t,
    body: impl FnOnce() -> Outcome<Handle>,
) -> tensor_status_t {
    let (tensor, status) = match body() {
        Ok(tensor) => (tensor.into_raw().cast(), TENSOR_OK),
        Err(Reported(status)) => (core::ptr::null_mut(), status.get()),
    };
    // SAFETY: the caller's promise.
    unsafe { out.write(tensor) };
    status
}

/// Runs `body` and reports how it ended.
#[inline(always)]
pub(super) fn guard(body: impl FnOnce() -> Result<()>) -> tensor_status_t {
    guard_quick(|| Ok(body()?))
}

/// [`guard`] for calls that should take no longer than they must.
#[inline(always)]
pub(super) fn guard_quick(body: impl FnOnce() -> Outcome<()>) -> tensor_status_t {
    if !INSTALLED.load(Ordering::Relaxed) {
        install_hook();
    }
    match caught(body) {
        Ok(()) => TENSOR_OK,
        Err(Reported(status)) => status.get(),
    }
}

/// Runs `body`, whose caller cannot be told how it ended. It is about something that an earlier call made.
#[inline(always)]
pub(super) fn guard_silently(body: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(body)).map_err(core::mem::forget);
}

/// There is nowhere to write to.
#[cold]
#[inline(never)]
fn no_out() -> tensor_status_t {
    guard(|| Err(Error::Null("out")))
}

/// Writes what `body` gives to `out`, which holds `nothing` until then and after an error.
///
/// # Safety
/// `out` is NULL or writable.
#[inline(always)]
unsafe fn guard_out_quick<T>(
    out: *mut T,
    nothing: T,
    body: impl FnOnce() -> Outcome<T>,
) -> tensor_status_t {
    if out.is_null() {
        return no_out();
    }
    // SAFETY: the caller's promise; old contents are never read.
    unsafe { out.write(nothing) };
    guard_quick(|| {
        let value = body()?;
        // SAFETY: as above.
        unsafe { out.write(value) };
        Ok(())
    })
}

/// [`guard`] for functions with a result, which is written to `out`: `nothing` until then and after an error.
///
/// # Safety
/// `out` is NULL or writable.
#[inline(always)]
pub(super) unsafe fn guard_out<T>(
    out: *mut T,
    nothing: T,
    body: impl FnOnce() -> Result<T>,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe { guard_out_quick(out, nothing, || Ok(body()?)) }
}

/// [`guard_out`] for functions that make a tensor.
///
/// # Safety
/// `out` is NULL or writable.
#[inline(always)]
pub(super) unsafe fn guard_tensor(
    out: *mut *mut tensor_t,
    body: impl FnOnce() -> Result<Handle>,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe { guard_quick_tensor(out, || Ok(body()?)) }
}

/// [`guard_tensor`] for calls that should take no longer than they must.
///
/// # Safety
/// `out` is NULL or writable.
#[inline(always)]
pub(super) unsafe fn guard_quick_tensor(
    out: *mut *mut tensor_t,
    body: impl FnOnce() -> Outcome<Handle>,
) -> tensor_status_t {
    // SAFETY: the caller's promise.
    unsafe { guard_out_quick(out, core::ptr::null_mut(), || Ok(body()?.into_raw().cast())) }
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
        assert!(file!().starts_with(SOURCES));
    }
}
