//! Blocks of bytes: copied as they are, and memory for those that stay in the first-level cache.

use super::places::move_rows;
use crate::caches;
#[cfg(target_arch = "x86_64")]
use crate::level;
#[cfg(target_arch = "x86_64")]
use crate::lines;
use crate::prefetch::{self, LINE};
use core::mem::MaybeUninit;
use core::ptr::copy_nonoverlapping;

/// Bytes from which the C library may use the processor's string instructions. With AVX-512 and a last-level cache that is far away these
/// are the quickest way between near caches, unless the destination is a little [behind](is_behind) the source: then some crawl with
/// them. Elsewhere registers are as quick or quicker.
#[cfg(target_arch = "x86_64")]
const LONG: usize = 2048;

/// Whether a destination is less than a line behind its source, modulo a page.
#[cfg(target_arch = "x86_64")]
fn is_behind(from: *const u8, to: *const u8) -> bool {
    const PAGE: usize = 4096;
    (1..LINE).contains(&(from.addr().wrapping_sub(to.addr()) % PAGE))
}

/// Bytes by which asking for lines is ahead.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 1024;

/// Bytes of a block on either side.
pub const BLOCK: usize = 4096;

/// Memory on the stack, aligned for any register.
#[repr(align(64))]
pub struct Aligned<const BYTES: usize>(MaybeUninit<[u8; BYTES]>);

/// Memory for a block.
pub type Block = Aligned<BLOCK>;

impl<const BYTES: usize> Aligned<BYTES> {
    /// Nothing is written yet.
    pub fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Where it begins.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// Copies `bytes` bytes.
///
/// # Safety
/// The bytes are readable and writable, and do not overlap.
#[inline(always)]
pub unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if bytes >= LONG {
            return copy_large(from, to, bytes);
        }
        copy_nonoverlapping(from, to, bytes);
    }
}

/// [`copy()`] of a block of [`LONG`] bytes or more, which is worth a call.
///
/// # Safety
/// As for [`copy()`]; there are as many.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
unsafe fn copy_large(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        if level::has_avx2() {
            match level::has_avx512() && caches::last_level_is_far() {
                true if bytes >= prefetch::FAR => return copy_far_avx512(from, to, bytes),
                true if !is_behind(from, to) => {}
                _ if level::has_avx512() && bytes >= prefetch::FAR => {
                    return copy_by_quarters(from, to, bytes);
                }
                _ => return copy_long(from, to, bytes),
            }
        }
        copy_nonoverlapping(from, to, bytes);
    }
}

/// [`copy()`] of a block that is not in the caches that are near.
///
/// # Safety
/// As for [`copy()`].
pub unsafe fn copy_far(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if bytes >= LONG && level::has_avx512() && caches::last_level_is_far() {
            return copy_far_avx512(from, to, bytes);
        }
        copy(from, to, bytes);
    }
}

/// Four registers at a time, to multiples of their size: what is before and after whole steps overlaps them.
///
/// # Safety
/// As for [`copy`]; there are at least 128 bytes, and the processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn copy_long(from: *const u8, to: *mut u8, bytes: usize) {
    use core::arch::x86_64::*;
    const REGISTER: usize = 32;
    const STEP: usize = 4 * REGISTER;
    // SAFETY: the caller's promise.
    unsafe {
        copy_nonoverlapping(from, to, REGISTER);
        let mut done = to.addr().wrapping_neg() % REGISTER;
        while done + STEP <= bytes {
            let at = from.add(done).cast::<__m256i>();
            let (a, b) = (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)));
            let (c, d) = (_mm256_loadu_si256(at.add(2)), _mm256_loadu_si256(at.add(3)));
            let at = to.add(done).cast::<__m256i>();
            _mm256_store_si256(at, a);
            _mm256_store_si256(at.add(1), b);
            _mm256_store_si256(at.add(2), c);
            _mm256_store_si256(at.add(3), d);
            done += STEP;
        }
        copy_nonoverlapping(from.add(bytes - STEP), to.add(bytes - STEP), STEP);
    }
}

/// A line at a time, which is read by quarters; as in [`copy_long`] otherwise.
///
/// # Safety
/// As for [`copy`]; there are at least 128 bytes, and the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2")]
unsafe fn copy_by_quarters(from: *const u8, to: *mut u8, bytes: usize) {
    use core::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        copy_nonoverlapping(from, to, LINE);
        let mut done = prefetch::to_next_line(to);
        while done + LINE <= bytes {
            _mm512_store_si512(to.add(done).cast(), lines::by_quarters(from.add(done)));
            done += LINE;
        }
        copy_nonoverlapping(from.add(bytes - LINE), to.add(bytes - LINE), LINE);
    }
}

/// Two lines at a time, which are asked for before their turn on both sides; as in [`copy_long`] otherwise.
///
/// # Safety
/// As for [`copy`]; there are at least 128 bytes, and the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn copy_far_avx512(from: *const u8, to: *mut u8, bytes: usize) {
    use core::arch::x86_64::*;
    const STEP: usize = 2 * LINE;
    // SAFETY: the caller's promise.
    unsafe {
        copy_nonoverlapping(from, to, LINE);
        let mut done = prefetch::to_next_line(to);
        while done + STEP <= bytes {
            for line in [done, done + LINE] {
                prefetch::line(from.wrapping_add(line + AHEAD));
                prefetch::line_to_write(to.wrapping_add(line + AHEAD));
            }
            let at = from.add(done);
            let a = _mm512_loadu_si512(at.cast());
            let b = _mm512_loadu_si512(at.add(LINE).cast());
            let at = to.add(done);
            _mm512_store_si512(at.cast(), a);
            _mm512_store_si512(at.add(LINE).cast(), b);
            done += STEP;
        }
        copy_nonoverlapping(from.add(bytes - STEP), to.add(bytes - STEP), STEP);
    }
}

/// Whether rows come soonest in the order of their bytes, and unasked: where the last-level cache is near, but for very few bytes, and
/// for a whole line or two, which smaller moves find in fewer halves.
fn come_in_order(bytes: usize) -> bool {
    let few = bytes < LINE / 2 || [LINE, 2 * LINE].contains(&bytes);
    !few && !caches::last_level_is_far()
}

/// Copies rows, so many bytes apart on each side: `far` if they are not in the caches that are near, and then of a few pages at most.
///
/// # Safety
/// As for [`copy()`], of each row.
pub unsafe fn copy_rows(
    from: (*const u8, isize),
    to: (*mut u8, isize),
    rows: usize,
    bytes: usize,
    far: bool,
) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        let in_order = come_in_order(bytes);
        #[cfg(target_arch = "x86_64")]
        if in_order && bytes > LINE / 2 && (far || bytes < LONG) {
            return copy_in_order(from, to, rows, bytes);
        }
        if in_order || !far || bytes < LINE / 4 {
            return move_rows(from, to, rows, bytes);
        }
        #[cfg(target_arch = "x86_64")]
        if level::has_avx512() {
            return copy_rows_avx512(from, to, rows, bytes);
        }
        for row in 0..rows as isize {
            let ((from, from_step), (to, to_step)) = (from, to);
            let from = from.wrapping_offset(row * from_step);
            let to = to.wrapping_offset(row * to_step);
            for line in (0..bytes).step_by(LINE) {
                ask_for_rows((from, from_step), (to, to_step), line);
            }
            copy(from, to, bytes);
        }
    }
}

/// [`copy_rows`] of half a line or more each, in the order of their bytes, if the processor has such registers.
///
/// # Safety
/// As for [`copy()`], of each row.
pub unsafe fn copy_in_order(
    from: (*const u8, isize),
    to: (*mut u8, isize),
    rows: usize,
    bytes: usize,
) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if level::has_avx2() {
            return copy_in_order_avx2(from, to, rows, bytes);
        }
        move_rows(from, to, rows, bytes)
    }
}

/// A register at a time, in the order of the bytes, as the processor reads ahead: the C library begins with both ends.
///
/// # Safety
/// As for [`copy_rows`]; rows have a register at least, and the processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn copy_in_order_avx2(
    (from, from_step): (*const u8, isize),
    (to, to_step): (*mut u8, isize),
    rows: usize,
    bytes: usize,
) {
    use core::arch::x86_64::*;
    const REGISTER: usize = 32;
    let last = bytes - REGISTER;
    let (mut from, mut to) = (from, to);
    for _ in 0..rows {
        // SAFETY: the caller's promise.
        unsafe {
            let load = |at: usize| _mm256_loadu_si256(from.add(at).cast());
            let store = |at: usize, register| _mm256_storeu_si256(to.add(at).cast(), register);
            if last > 0 {
                store(0, load(0));
            }
            let mut done = REGISTER;
            while done + REGISTER < last {
                store(done, load(done));
                store(done + REGISTER, load(done + REGISTER));
                done += 2 * REGISTER;
            }
            if done < last {
                store(done, load(done));
            }
            store(last, load(last));
        }
        from = from.wrapping_offset(from_step);
        to = to.wrapping_offset(to_step);
    }
}

/// Asks for lines of rows a few rows later.
#[inline(always)]
fn ask_for_rows(from: (*const u8, isize), to: (*mut u8, isize), line: usize) {
    let ahead = |(row, step)| prefetch::rows_ahead(row, step, prefetch::ROWS_AHEAD, line);
    prefetch::line(ahead(from));
    prefetch::line_to_write(ahead((to.0.cast_const(), to.1)));
}

/// A register at a time, of the last one what there is.
///
/// # Safety
/// As for [`copy_rows`]; rows are not empty, and the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn copy_rows_avx512(
    (from, from_step): (*const u8, isize),
    (to, to_step): (*mut u8, isize),
    rows: usize,
    bytes: usize,
) {
    use core::arch::x86_64::*;
    let last = (bytes - 1) / LINE * LINE;
    let rest = lines::first_bytes(bytes, last);
    for row in 0..rows as isize {
        let from = from.wrapping_offset(row * from_step);
        let to = to.wrapping_offset(row * to_step);
        // SAFETY: the caller's promise.
        unsafe {
            for line in (0..last).step_by(LINE) {
                ask_for_rows((from, from_step), (to, to_step), line);
                let register = _mm512_loadu_si512(from.add(line).cast());
                _mm512_storeu_si512(to.add(line).cast(), register);
            }
            ask_for_rows((from, from_step), (to, to_step), last);
            let register = _mm512_maskz_loadu_epi8(rest, from.add(last).cast());
            _mm512_mask_storeu_epi8(to.add(last).cast(), rest, register);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_every_length_are_copied() {
        let source: Vec<u8> = (0..5000).map(|i| (i * 7 + i / 256) as u8).collect();
        let lengths = (0..200).chain([255, 256, 257, 999]);
        for (bytes, far) in lengths.flat_map(|bytes| [(bytes, false), (bytes, true)]) {
            let mut target = vec![0xee; 5000];
            let (from, to) = (source.as_ptr(), target.as_mut_ptr());
            // SAFETY: both sides have room, and are different.
            unsafe { copy_rows((from.add(3003), -1001), (to.add(5), 1010), 4, bytes, far) };
            let mut wanted = vec![0xee; 5000];
            for row in 0..4 {
                let row_source = &source[3003 - 1001 * row..][..bytes];
                wanted[5 + 1010 * row..][..bytes].copy_from_slice(row_source);
            }
            assert!(target == wanted, "rows of {bytes} bytes");
        }
    }

    #[test]
    fn blocks_of_every_length_and_place_are_copied() {
        let source: Vec<u8> = (0..5000).map(|i| (i * 7 + i / 256) as u8).collect();
        for start in [0, 1, 16, 31, 33] {
            for bytes in (0..40).chain(2040..2200).chain([4096, 4900]) {
                let mut target = vec![0xee; 5000];
                // SAFETY: both sides have room, and are different.
                unsafe {
                    copy(
                        source.as_ptr().add(3),
                        target.as_mut_ptr().add(start),
                        bytes,
                    )
                };
                assert_eq!(target[start..start + bytes], source[3..3 + bytes]);
                let (before, after) = (&target[..start], &target[start + bytes..]);
                assert!(before.iter().chain(after).all(|b| *b == 0xee));
            }
        }
    }

    #[test]
    fn blocks_are_copied_wherever_they_are_in_a_page() {
        const PAGE: usize = 4096;
        const MOST: usize = 70_000;
        let source: Vec<u8> = (0..MOST).map(|i| (i * 7 + i / 251) as u8).collect();
        for bytes in [2048, 4103, 65_536, MOST] {
            for behind in [0, 1, 63, 64, PAGE - 1] {
                let mut target = vec![0xee; PAGE + MOST + 1];
                let from = source.as_ptr();
                let start = from
                    .addr()
                    .wrapping_sub(behind)
                    .wrapping_sub(target.as_ptr().addr());
                let start = start % PAGE;
                for copy in [copy, copy_far] {
                    // SAFETY: both sides have room, and are different.
                    unsafe { copy(from, target.as_mut_ptr().add(start), bytes) };
                    assert!(
                        target[start..start + bytes] == source[..bytes],
                        "{bytes}, {behind}"
                    );
                    target[start..start + bytes].fill(0xee);
                    assert!(target.iter().all(|b| *b == 0xee), "{bytes}, {behind}");
                }
            }
        }
    }
}
