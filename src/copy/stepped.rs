//! Units a few units apart, or in the opposite order, gathered to adjacent ones.

use super::strided::Loop;
#[cfg(target_arch = "x86_64")]
use crate::convert;

#[cfg(target_arch = "x86_64")]
mod avx512;

/// Gathers every `STEP`-th unit, of the type of an array of eight bytes at most, of each row.
///
/// # Safety
/// `count` units of each row are readable and the result is writable; they do not overlap.
#[inline(always)]
pub unsafe fn gather<T: Copy, const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if size_of::<T>() > 1 && convert::has_avx512() {
            return avx512::gather::<T, STEP>(from, rows, to, count);
        } else if convert::has_avx512_vbmi() {
            return avx512::gather_bytes::<STEP>(from, rows, to, count);
        } else if convert::has_avx2() {
            return avx2::<T, STEP>(from, rows, to, count);
        }
        each::<T, STEP>(from, rows, to, count)
    }
}

/// [`each`], which the compiler vectorises.
///
/// # Safety
/// As for [`gather`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<T: Copy, const STEP: isize>(from: *const u8, rows: Loop, to: *mut u8, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { each::<T, STEP>(from, rows, to, count) }
}

/// One unit after the other.
///
/// # Safety
/// As for [`gather`].
#[inline(always)]
unsafe fn each<T: Copy, const STEP: isize>(from: *const u8, rows: Loop, to: *mut u8, count: usize) {
    for row in 0..rows.count {
        let from = from.wrapping_offset(row as isize * rows.step).cast::<T>();
        let to = to.wrapping_add(row * count * size_of::<T>()).cast::<T>();
        for i in 0..count as isize {
            // SAFETY: the caller's promise.
            unsafe { to.offset(i).write(from.offset(i * STEP).read()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source has no bytes before the first unit and after the last one.
    fn check<T: Copy, const STEP: isize>() {
        let (size, step) = (size_of::<T>(), STEP.unsigned_abs());
        for count in (1..70).chain([127, 128, 129, 1000]) {
            for (rows, pitch) in [(1, 0), (3, count * step + 1)] {
                let bytes = ((rows - 1) * pitch + (count - 1) * step + 1) * size;
                let source: Vec<u8> = (0..bytes).map(|i| (i * 7 + i / 251) as u8).collect();
                let first = if STEP < 0 { (count - 1) * step } else { 0 };
                let rows = Loop {
                    count: rows,
                    step: (pitch * size) as isize,
                };
                let mut target = vec![0xee; rows.count * count * size + 1];
                let from = source[first * size..].as_ptr();
                // SAFETY: both have room.
                unsafe { gather::<T, STEP>(from, rows, target.as_mut_ptr(), count) };
                for i in 0..rows.count * count {
                    let (row, unit) = (i / count, i % count);
                    let unit = if STEP < 0 { count - 1 - unit } else { unit };
                    assert_eq!(
                        target[i * size..][..size],
                        source[(row * pitch + unit * step) * size..][..size],
                        "unit {i} of rows of {count}, of {size} bytes, {STEP} apart"
                    );
                }
                assert_eq!(target[rows.count * count * size], 0xee);
            }
        }
    }

    #[test]
    fn every_unit_is_gathered() {
        macro_rules! check_steps {
            ($($size:literal)*) => {$(
                check::<[u8; $size], -1>();
                check::<[u8; $size], 2>();
                check::<[u8; $size], 3>();
                check::<[u8; $size], 4>();
            )*};
        }
        check_steps!(1 2 4 8);
    }
}
