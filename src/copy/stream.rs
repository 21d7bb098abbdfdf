//! Streaming stores: whole cache lines that go to memory without being brought into the cache first.
//!
//! They pay where the destination will not be found in the cache anyway; elsewhere they would throw out what the next
//! reader wants.

use core::sync::atomic::{AtomicI64, Ordering};

/// Bytes of a cache line.
pub const LINE: usize = 64;

/// Destinations of as many bytes are streamed. 0 until it is known; threads that find it at once find the same.
static THRESHOLD: AtomicI64 = AtomicI64::new(0);

/// Whether a destination of `bytes` is better streamed: with its source it does not fit the last-level cache.
pub fn pays(bytes: i64) -> bool {
    if !cfg!(target_arch = "x86_64") {
        return false;
    }
    let mut threshold = THRESHOLD.load(Ordering::Relaxed);
    if threshold == 0 {
        threshold = last_level_cache() / 2;
        THRESHOLD.store(threshold, Ordering::Relaxed);
    }
    bytes >= threshold
}

/// Bytes of the last-level cache, as far as the system tells, between bounds that one processor can count on.
fn last_level_cache() -> i64 {
    const USUAL: i64 = 32 << 20;
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sysconf takes any name.
    let told = unsafe { libc::sysconf(libc::_SC_LEVEL3_CACHE_SIZE) } as i64;
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let told = 0;
    if told <= 0 {
        USUAL
    } else {
        // A larger one is shared by many processors, or is the sum of several.
        told.clamp(4 << 20, USUAL)
    }
}

/// Whether lines of a destination begin at elements: then [`write()`] has something to stream.
pub fn is_aligned(to: *const u8, size: usize) -> bool {
    size.is_power_of_two() && (to as usize).is_multiple_of(size.min(LINE))
}

/// Bytes from `to` to the next line.
pub fn to_next_line(to: *const u8) -> usize {
    (to as usize).wrapping_neg() % LINE
}

/// Copies `bytes` bytes: whole lines of the destination as a stream, what is before and after them as usual.
///
/// # Safety
/// The bytes are readable and writable, and do not overlap. [`finish`] is called before another thread is told.
#[inline(always)]
pub unsafe fn write(from: *const u8, to: *mut u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::*;
        let head = to_next_line(to).min(bytes);
        let lines = (bytes - head) / LINE;
        // SAFETY: the caller's promise; the lines begin at a multiple of their size, and SSE2 is part of the architecture.
        unsafe {
            core::ptr::copy_nonoverlapping(from, to, head);
            let (mut line_from, mut line_to) = (from.add(head), to.add(head));
            for _ in 0..lines {
                let quarters = [0, 16, 32, 48].map(|i| _mm_loadu_si128(line_from.add(i).cast()));
                for (i, quarter) in quarters.into_iter().enumerate() {
                    _mm_stream_si128(line_to.add(16 * i).cast(), quarter);
                }
                (line_from, line_to) = (line_from.add(LINE), line_to.add(LINE));
            }
            core::ptr::copy_nonoverlapping(line_from, line_to, bytes - head - lines * LINE);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's promise.
    unsafe {
        core::ptr::copy_nonoverlapping(from, to, bytes)
    }
}

/// Asks for the lines of a few runs of `count` units, `step` bytes apart. They may be anywhere.
#[inline(always)]
pub fn prefetch(from: *const u8, run_step: isize, runs: usize, step: isize, count: usize) {
    if step.unsigned_abs() <= LINE / 2 {
        let bytes = count * step.unsigned_abs();
        for run in 0..runs {
            let from = from.wrapping_offset(run as isize * run_step);
            for line in 0..bytes.div_ceil(LINE) {
                prefetch_line(from.wrapping_offset((line * LINE) as isize * step.signum()));
            }
        }
    }
}

/// Asks for the line of an address, which may be any.
#[inline(always)]
fn prefetch_line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing; SSE is part of the architecture.
    unsafe {
        use core::arch::x86_64::*;
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch reads nothing.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}

/// Puts what was streamed before all that comes after.
pub fn finish() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of the architecture.
    unsafe {
        core::arch::x86_64::_mm_sfence()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_every_length_and_place_are_copies() {
        let source: Vec<u8> = (0..400).map(|i| (i * 7) as u8).collect();
        for start in 0..70 {
            for bytes in [0, 1, 63, 64, 65, 200, 256, 300] {
                let mut target = vec![0xee; 400];
                // SAFETY: both sides have room, and are different.
                unsafe {
                    write(
                        source.as_ptr().add(3),
                        target.as_mut_ptr().add(start),
                        bytes,
                    )
                };
                finish();
                assert_eq!(target[start..start + bytes], source[3..3 + bytes]);
                assert!(
                    target[..start]
                        .iter()
                        .chain(&target[start + bytes..])
                        .all(|b| *b == 0xee)
                );
            }
        }
    }
}
