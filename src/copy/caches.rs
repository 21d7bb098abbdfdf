//! How large the caches are, as far as the system tells.

use core::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the last-level cache that one processor can count on: a larger one is shared by many, or is the sum of several.
pub fn last_level() -> usize {
    const MOST: usize = 32 << 20;
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    once(&KNOWN, || told(3).unwrap_or(MOST).clamp(4 << 20, MOST))
}

/// Bytes of the second-level cache, between those that the usual processors have.
pub fn second_level() -> usize {
    const LEAST: usize = 512 << 10;
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    once(&KNOWN, || told(2).unwrap_or(LEAST).clamp(LEAST, 2 << 20))
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

/// The size of the cache of a level, if the system tells.
#[cold]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn told(level: u8) -> Option<usize> {
    let name = match level {
        2 => libc::_SC_LEVEL2_CACHE_SIZE,
        _ => libc::_SC_LEVEL3_CACHE_SIZE,
    };
    // SAFETY: sysconf takes any name.
    let bytes = unsafe { libc::sysconf(name) };
    usize::try_from(bytes).ok().filter(|&bytes| bytes > 0)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn told(_level: u8) -> Option<usize> {
    None
}
