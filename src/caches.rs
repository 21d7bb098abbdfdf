//! How large the caches are, as far as the system tells, and how far away the last one is.

use crate::setting;
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

/// Whether the last-level cache is so far away that lines must be asked for in time, and memory is better read by several pages at once:
/// that of Intel's server processors, unless `ASTENSOR_CACHE` tells otherwise. Elsewhere a core asks for enough by itself, and what it is
/// asked for besides is in the way.
#[inline(always)]
pub fn last_level_is_far() -> bool {
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    once(&KNOWN, distance) == FAR
}

/// How far away the last-level cache is.
const NEAR: usize = 1;
const FAR: usize = 2;

/// What the environment tells of it, or the processor.
#[cold]
fn distance() -> usize {
    let told = setting::choice(c"ASTENSOR_CACHE", &[(b"near", NEAR), (b"far", FAR)]);
    told.unwrap_or(match is_server_of_intel() {
        true => FAR,
        false => NEAR,
    })
}

/// Whether this is a processor of Intel with AVX-512.
fn is_server_of_intel() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let vendor = core::arch::x86_64::__cpuid(0);
        let name = [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes);
        name.as_flattened() == b"GenuineIntel" && is_x86_feature_detected!("avx512f")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
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
