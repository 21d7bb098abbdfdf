//! One row to many, in the order of their bytes.

use super::axes::{Axis, for_each_place};
use super::block;
#[cfg(target_arch = "x86_64")]
use super::block::BLOCK;
use super::strided::Loop;
#[cfg(target_arch = "x86_64")]
use crate::level;
use crate::prefetch::LINE;

/// Bytes of a row, at least.
pub const LEAST: usize = LINE / 2;

/// Bytes of a row that is better copied by half lines.
const LONG: usize = 1 << 10;

/// Copies rows of so many bytes, one for each step of `groups`, each to as many places as there are `copies`.
///
/// # Safety
/// The rows are readable, of [`LEAST`] bytes or more, and the places are writable and elsewhere. The groups are whole bytes apart.
pub unsafe fn copy_again(first: (*const u8, *mut u8), groups: Axis, copies: Loop, bytes: usize) {
    debug_assert!(bytes >= LEAST);
    // SAFETY: the caller's promise.
    unsafe {
        match bytes < LONG {
            true => copy_lines(first, groups, copies, bytes),
            false => copy_halves(first, groups, copies, bytes),
        }
    }
}

/// The same by lines, if the processor has such registers: for parts of rows, too, of which each goes to all places before the next one.
///
/// # Safety
/// As for [`copy_again`].
pub unsafe fn copy_lines(first: (*const u8, *mut u8), groups: Axis, copies: Loop, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    if bytes >= LINE && level::has_avx512() {
        // SAFETY: the caller's promise; the processor was asked.
        return unsafe { by_lines(first, groups, copies, bytes) };
    }
    // SAFETY: the caller's promise.
    unsafe { copy_halves(first, groups, copies, bytes) }
}

/// The same by half lines.
///
/// # Safety
/// As for [`copy_again`].
unsafe fn copy_halves(first: (*const u8, *mut u8), groups: Axis, copies: Loop, bytes: usize) {
    for_each_place(first, [groups, Axis::ONE], |from, to| {
        // SAFETY: the caller's promise.
        unsafe { block::copy_in_order((from, 0), (to, copies.step), copies.count, bytes) }
    });
}

/// A line at a time, of which the last one overlaps the one before.
///
/// # Safety
/// As for [`copy_lines`]; rows have a line or more, and the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn by_lines(first: (*const u8, *mut u8), groups: Axis, copies: Loop, bytes: usize) {
    let last = bytes - LINE;
    for_each_place(first, [groups, Axis::ONE], |from, to| {
        for i in 0..copies.count as isize {
            let to = to.wrapping_offset(i * copies.step);
            // SAFETY: the caller's promise.
            let copy = |at: usize| unsafe {
                let line = from.add(at).cast::<[u8; LINE]>().read_unaligned();
                to.add(at).cast::<[u8; LINE]>().write_unaligned(line);
            };
            if last > 0 {
                copy(0);
            }
            // Of many lines, those of the destination are written whole.
            let next = match bytes > BLOCK {
                true => LINE - to.addr() % LINE,
                false => LINE,
            };
            (next..last).step_by(LINE).for_each(copy);
            copy(last);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_copied_to_each_place() {
        let source: Vec<u8> = (0..20_000).map(|i| (i * 7 + i / 251) as u8).collect();
        let lengths = (LEAST..2 * LINE + 3).chain([1000, BLOCK, BLOCK + 1, 2 * BLOCK + 77]);
        for (bytes, gap) in lengths.flat_map(|bytes| [(bytes, 0), (bytes, 5)]) {
            let (rows, count, step) = (2, 3, bytes + gap);
            let mut target = vec![0xee; 7 + rows * count * step];
            let groups = Axis {
                size: rows as i64,
                source: 8 * 1001,
                destination: 8 * (count * step) as i64,
            };
            let copies = Loop {
                count,
                step: step as isize,
            };
            // SAFETY: both sides have room, and are different.
            unsafe {
                copy_again(
                    (source.as_ptr(), target.as_mut_ptr().add(7)),
                    groups,
                    copies,
                    bytes,
                );
            }
            let mut wanted = vec![0xee; target.len()];
            for place in 0..rows * count {
                let row = &source[place / count * 1001..][..bytes];
                wanted[7 + place * step..][..bytes].copy_from_slice(row);
            }
            assert!(
                target == wanted,
                "rows of {bytes} bytes, {gap} between them"
            );
        }
    }
}
