//! Into how many parts a copy is divided, and how many threads may take them.

use core::sync::atomic::{AtomicI32, Ordering};

/// Threads that a copy may use at most.
pub const MAX_THREADS: i32 = 64;

/// Bytes of a destination from which a second thread pays: writing as many takes several times as long as waking a helper.
const WORTH_DIVIDING: i64 = 1 << 20;

/// Bytes of a destination that are a part: long beside what it takes to claim one, short beside the time that the system
/// lets a thread run.
const PART: i64 = 256 << 10;

/// Parts of a copy at most.
const MAX_PARTS: i64 = 1024;

/// Bits of the number of a part in the state of a job, where two of them and the number of a helper have half a word.
pub const PART_BITS: u32 = 12;
const _: () = assert!(MAX_PARTS < 1 << PART_BITS && MAX_THREADS <= u8::MAX as i32);
const _: () = assert!(2 * PART_BITS + u8::BITS == 32);

/// What was asked for; 0 means as many as the process may run on.
static REQUESTED: AtomicI32 = AtomicI32::new(0);

/// Sets how many threads a copy may use: 0 for as many as there are processors.
pub fn set_num_threads(count: i32) {
    REQUESTED.store(count, Ordering::Relaxed);
}

/// How many threads a copy may use.
pub fn num_threads() -> i32 {
    match REQUESTED.load(Ordering::Relaxed) {
        0 => processors().clamp(1, MAX_THREADS),
        count => count,
    }
}

/// Into how many parts a copy that writes `bytes` is divided.
pub fn parts_for(bytes: i64) -> i64 {
    if bytes < WORTH_DIVIDING || num_threads() < 2 {
        return 1;
    }
    (bytes / PART).min(MAX_PARTS)
}

/// Processors that this process may run on.
// Not a part of each copy, which seldom asks.
#[inline(never)]
fn processors() -> i32 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: an all-zero set is valid, and the size given is its own.
        unsafe {
            let mut set: libc::cpu_set_t = core::mem::zeroed();
            if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) == 0 {
                return libc::CPU_COUNT(&set);
            }
        }
    }
    // SAFETY: sysconf takes any name.
    unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) as i32 }
}
