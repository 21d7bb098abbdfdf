//! Streaming stores: whole cache lines that go to memory without being brought into the cache first.
//!
//! They pay where the destination will not be found in the cache anyway; elsewhere they would throw out what the next
//! reader wants.

use crate::caches;
use crate::prefetch::LINE;
#[cfg(target_arch = "x86_64")]
use crate::{level, prefetch};

/// Whether there are streaming stores.
pub const EXISTS: bool = cfg!(target_arch = "x86_64");

/// Whether a destination is better streamed that takes, with its source, so many bytes: they do not fit the last-level cache.
pub fn pays(bytes: i64) -> bool {
    EXISTS && bytes >= caches::last_level() as i64
}

/// Whether lines of a destination begin at elements: then [`write()`] has something to stream.
pub fn is_aligned(to: *const u8, size: usize) -> bool {
    size.is_power_of_two() && (to as usize).is_multiple_of(size.min(LINE))
}

/// Whether rows of `bytes` bytes, `step` bytes apart, are whole lines.
pub fn are_lines(to: *const u8, step: isize, bytes: usize) -> bool {
    let multiples = [to as usize, step as usize, bytes];
    multiples.iter().all(|bytes| bytes.is_multiple_of(LINE))
}

/// How many of `all` units come next, after `done`: `most` at a time, but `first` at first, if that is not 0. So what follows begins
/// where a line does.
#[inline(always)]
pub fn piece(done: usize, first: usize, most: usize, all: usize) -> usize {
    let count = match done == 0 && first > 0 {
        true => first,
        false => most,
    };
    count.min(all - done)
}

/// Bytes by which asking for a source in memory is ahead.
const AHEAD: usize = 4096;

/// Copies `bytes` bytes that are in the cache: whole lines of the destination as a stream, what is before and after them as usual.
///
/// # Safety
/// The bytes are readable and writable, and do not overlap. [`finish`] is called before another thread is told.
#[inline(always)]
pub unsafe fn write(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { write_ahead::<0>(from, to, bytes) }
}

/// [`write()`] of bytes that come from memory, and are asked for ahead of their turn.
///
/// # Safety
/// As for [`write()`].
#[inline(always)]
pub unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match caches::last_level_is_far() {
            true => write_ahead::<AHEAD>(from, to, bytes),
            false => write_ahead::<0>(from, to, bytes),
        }
    }
}

/// [`write()`] of rows, so many bytes apart on each side, which are whole lines of the destination.
///
/// # Safety
/// As for [`write()`].
pub unsafe fn write_rows(
    (from, from_step): (*const u8, isize),
    (to, to_step): (*mut u8, isize),
    rows: usize,
    bytes: usize,
) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512(
        (from, from_step): (*const u8, isize),
        (to, to_step): (*mut u8, isize),
        rows: usize,
        bytes: usize,
    ) {
        use core::arch::x86_64::*;
        for row in 0..rows as isize {
            let from = from.wrapping_offset(row * from_step);
            let to = to.wrapping_offset(row * to_step);
            for line in (0..bytes).step_by(LINE) {
                // SAFETY: the caller's promise.
                unsafe {
                    let register = _mm512_loadu_si512(from.add(line).cast());
                    _mm512_stream_si512(to.add(line).cast(), register)
                }
            }
        }
    }
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if level::has_avx512() {
            return avx512((from, from_step), (to, to_step), rows, bytes);
        }
        for row in 0..rows as isize {
            let from = from.wrapping_offset(row * from_step);
            write(from, to.wrapping_offset(row * to_step), bytes);
        }
    }
}

/// [`write()`], with the source asked for so many bytes ahead.
///
/// # Safety
/// As for [`write()`].
#[inline(always)]
unsafe fn write_ahead<const AHEAD: usize>(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        match level::has_avx512() {
            true => write_avx512::<AHEAD>(from, to, bytes),
            false => write_lines(from, to, bytes, line_sse2),
        }
        #[cfg(not(target_arch = "x86_64"))]
        core::ptr::copy_nonoverlapping(from, to, bytes);
    }
}

/// [`write()`] by a function for each line.
///
/// # Safety
/// As for [`write()`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn write_lines(
    from: *const u8,
    to: *mut u8,
    bytes: usize,
    line: unsafe fn(*const u8, *mut u8),
) {
    let head = prefetch::to_next_line(to).min(bytes);
    let lines = (bytes - head) / LINE;
    // SAFETY: the caller's promise; the lines begin at a multiple of their size.
    unsafe {
        core::ptr::copy_nonoverlapping(from, to, head);
        let (mut line_from, mut line_to) = (from.add(head), to.add(head));
        for _ in 0..lines {
            line(line_from, line_to);
            (line_from, line_to) = (line_from.add(LINE), line_to.add(LINE));
        }
        core::ptr::copy_nonoverlapping(line_from, line_to, bytes - head - lines * LINE);
    }
}

/// A line by four stores. Processors collect them, some of them slowly.
///
/// # Safety
/// As for [`write()`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn line_sse2(from: *const u8, to: *mut u8) {
    use core::arch::x86_64::*;
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let quarters = [0, 16, 32, 48].map(|i| _mm_loadu_si128(from.add(i).cast()));
        for (i, quarter) in quarters.into_iter().enumerate() {
            _mm_stream_si128(to.add(16 * i).cast(), quarter);
        }
    }
}

/// [`write_ahead`] by a store for each line.
///
/// # Safety
/// As for [`write()`]; the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn write_avx512<const AHEAD: usize>(from: *const u8, to: *mut u8, bytes: usize) {
    use core::arch::x86_64::*;
    #[target_feature(enable = "avx512f")]
    unsafe fn line<const AHEAD: usize>(from: *const u8, to: *mut u8) {
        if AHEAD > 0 {
            prefetch::line(from.wrapping_add(AHEAD));
        }
        // SAFETY: the caller's promise.
        unsafe { _mm512_stream_si512(to.cast(), _mm512_loadu_si512(from.cast())) }
    }
    // SAFETY: the caller's promise.
    unsafe { write_lines(from, to, bytes, line::<AHEAD>) }
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

    #[test]
    fn streams_of_rows_are_copies() {
        #[repr(align(64))]
        struct Lines([u8; 64 * LINE]);
        let source: Vec<u8> = (0..5000).map(|i| (i * 7 + i / 251) as u8).collect();
        for (lines, from_step, to_step) in [(1, 65, 1), (1, -70, 3), (3, 300, 5), (4, 0, 9)] {
            let mut target = Lines([0xee; 64 * LINE]);
            let (from, to) = (source.as_ptr().wrapping_add(1001), target.0.as_mut_ptr());
            let (rows, bytes) = (5, lines * LINE);
            // SAFETY: both sides have room, and are different; rows begin at lines.
            unsafe {
                write_rows(
                    (from, from_step),
                    (to, to_step * LINE as isize),
                    rows,
                    bytes,
                )
            };
            finish();
            let mut wanted = [0xee; 64 * LINE];
            for row in 0..rows as isize {
                let from = (1001 + row * from_step) as usize;
                wanted[(row * to_step) as usize * LINE..][..bytes]
                    .copy_from_slice(&source[from..][..bytes]);
            }
            assert!(target.0 == wanted, "rows of {lines} lines, {to_step} apart");
        }
    }
}
