//! Settings that the environment makes, for tests and tools: no result depends on one.

use core::ffi::CStr;

/// What a variable of the environment chooses, if it is set to one of the names.
pub fn choice<T: Copy>(variable: &CStr, names: &[(&[u8], T)]) -> Option<T> {
    // SAFETY: the name ends with NUL. The value is read at once, and not kept.
    let value = unsafe {
        let value = libc::getenv(variable.as_ptr());
        if value.is_null() {
            return None;
        }
        CStr::from_ptr(value)
    };
    names
        .iter()
        .find(|(name, _)| *name == value.to_bytes())
        .map(|(_, chosen)| *chosen)
}
