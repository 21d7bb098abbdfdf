//! How large the caches are, as far as the system tells.

use core::ffi::c_int;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the last-level cache that one processor can count on: a larger one is shared by many, or is the sum of several.
pub fn last_level() -> usize {
    const MOST: usize = 32 << 20;
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    once(&KNOWN, || {
        told(names::LAST).unwrap_or(MOST).clamp(4 << 20, MOST)
    })
}

/// Bytes of the second-level cache, between those that the usual processors have.
pub fn second_level() -> usize {
    const LEAST: usize = 512 << 10;
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    once(&KNOWN, || {
        told(names::SECOND).unwrap_or(LEAST).clamp(LEAST, 2 << 20)
    })
}

/// What is found by `find`, which is not 0. Threads that find it at once find the same.
#[inline(always)]
fn once(known: &AtomicUsize, find: impl FnOnce() -> usize) -> usize {
    match known.load(Ordering::Relaxed) {
        0 => {
            let found = find();
            known.store(found, Ordering::Relaxed);
            found
        }
        found => found,
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod names {
    pub const SECOND: super::c_int = libc::_SC_LEVEL2_CACHE_SIZE;
    pub const LAST: super::c_int = libc::_SC_LEVEL3_CACHE_SIZE;
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod names {
    pub const SECOND: super::c_int = 0;
    pub const LAST: super::c_int = 0;
}

/// A size of the system's, if it tells.
#[cold]
fn told(name: c_int) -> Option<usize> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sysconf takes any name.
    let told = unsafe { libc::sysconf(name) };
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let told = i64::from(name);
    usize::try_from(told).ok().filter(|&told| told > 0)
}
