//! One row to many, in the order of their bytes.

use super::axes::{Axis, for_each_place};
use super::block::{self, BLOCK};
use super::strided::Loop;
#[cfg(target_arch = "x86_64")]
use crate::level;
#[cfg(target_arch = "x86_64")]
use crate::prefetch::LINE;

/// Copies rows of so many bytes, one each step of `groups`, each to as many places as there are `copies`.
///
/// # Safety
/// The rows are readable, and the places are writable and elsewhere. The groups are of whole bytes.
pub unsafe fn copy_again(first: (*const u8, *mut u8), groups: Axis, copies: Loop, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    if level::has_avx512() && bytes >= LINE / 2 {
        // SAFETY: the caller's promise; the processor was asked.
        return unsafe { copy_again_avx512(first, groups, copies, bytes) };
    }
    for_each_place(first, [groups, Axis::ONE], |from, to| {
        // SAFETY: the caller's promise.
        unsafe { block::copy_rows((from, 0), (to, copies.step), copies.count, bytes, true) }
    });
}

/// A line at a time: the last one of a row overlaps the one before.
///
/// # Safety
/// As for [`copy_again`]; the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn copy_again_avx512(first: (*const u8, *mut u8), groups: Axis, copies: Loop, bytes: usize) {
    use core::arch::x86_64::*;
    for_each_place(first, [groups, Axis::ONE], |from, to| {
        let copy = |row: usize| to.wrapping_offset(row as isize * copies.step);
        // SAFETY: the caller's promise.
        unsafe {
            if bytes <= LINE {
                // Both halves stay in registers.
                let last = bytes - LINE / 2;
                let first = _mm256_loadu_si256(from.cast());
                let second = _mm256_loadu_si256(from.add(last).cast());
                for to in (0..copies.count).map(copy) {
                    _mm256_storeu_si256(to.cast(), first);
                    _mm256_storeu_si256(to.add(last).cast(), second);
                }
                return;
            }
            let last = bytes - LINE;
            let move_line = |to: *mut u8, at: usize| {
                _mm512_storeu_si512(to.add(at).cast(), _mm512_loadu_si512(from.add(at).cast()));
            };
            for to in (0..copies.count).map(copy) {
                move_line(to, 0);
                // Of many lines, those of the destination are written whole.
                let next = match bytes > BLOCK {
                    true => LINE - to.addr() % LINE,
                    false => LINE,
                };
                (next..last).step_by(LINE).for_each(|at| move_line(to, at));
                move_line(to, last);
            }
        }
    });
}
