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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn only_the_whole_value_is_a_choice() {
        let value = std::env::var_os("PATH").unwrap();
        let value = value.as_bytes();
        let chosen = |name| choice(c"PATH", &[(b"another", 1), (name, 2)]);
        assert_eq!(chosen(value), Some(2));
        assert_eq!(chosen(&value[..value.len() - 1]), None);
        assert_eq!(
            choice(c"ASTENSOR_IS_NOT_SET", &[(value, 1), (b"", 2)]),
            None
        );
    }
}
