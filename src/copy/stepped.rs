//! Units a few units apart, or in the opposite order, gathered to adjacent ones, and adjacent ones put a few units apart.

use super::strided::Loop;
#[cfg(target_arch = "x86_64")]
use crate::level;

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod masked;

#[cfg(target_arch = "x86_64")]
pub use avx512::choose;
#[cfg(target_arch = "x86_64")]
use avx512::{gather_bytes, gather_units};

/// Units that are worth being put by registers.
#[cfg(target_arch = "x86_64")]
const SEVERAL: usize = 8;

/// Gathers so many units of each row to adjacent ones.
///
/// # Safety
/// They are readable and the result is writable; the two do not overlap. The processor has what the function is for.
pub type Gather = unsafe fn(from: *const u8, rows: Loop, to: *mut u8, count: usize);

/// The function of a step, which is a constant, and maybe of a size.
macro_rules! by_step {
    ($step:expr, $gather:ident $(, $size:literal)?) => {
        match $step {
            -1 => $gather::<$($size,)? -1>,
            2 => $gather::<$($size,)? 2>,
            3 => $gather::<$($size,)? 3>,
            4 => $gather::<$($size,)? 4>,
            _ => return None,
        }
    };
}

/// The same of units of so many bytes.
macro_rules! by_size {
    ($size:expr, $step:expr, $gather:ident, $($known:literal)+) => {
        match $size {
            $($known => by_step!($step, $gather, $known),)+
            _ => return None,
        }
    };
}

/// What gathers units of `size` bytes, so many bytes apart, if that is quicker than one by one.
pub fn gather_of(size: usize, step: isize) -> Option<Gather> {
    let size = size as isize;
    let (steps, 0) = (step / size, step % size) else {
        return None;
    };
    #[cfg(target_arch = "x86_64")]
    return Some(match size {
        1 if level::has_avx512_vbmi() => by_step!(steps, gather_bytes),
        2.. if level::has_avx512() => by_size!(size, steps, gather_units, 2 4 8),
        _ if level::has_avx2() => by_size!(size, steps, avx2, 1 2 4 8),
        _ => return None,
    });
    #[cfg(not(target_arch = "x86_64"))]
    Some(by_size!(size, steps, each, 1 2 4 8))
}

/// Puts adjacent units of `size` bytes so many bytes apart, if the processor stores them quicker than one by one. Returns whether it has.
///
/// # Safety
/// `count` units are readable and writable there; they do not overlap.
#[cfg(target_arch = "x86_64")]
pub unsafe fn scatter(
    from: *const u8,
    (to, step): (*mut u8, isize),
    size: usize,
    count: usize,
) -> bool {
    let has = match size {
        1 => level::has_avx512_vbmi(),
        _ => level::has_avx512(),
    };
    if !has || count < SEVERAL {
        return false;
    }
    let put = match (size, step) {
        (1, 2) => masked::scatter_bytes::<2>,
        (1, 3) => masked::scatter_bytes::<3>,
        (1, 4) => masked::scatter_bytes::<4>,
        (2, 4) => masked::scatter::<2, 2>,
        (2, 6) => masked::scatter::<2, 3>,
        (2, 8) => masked::scatter::<2, 4>,
        (4, 8) => masked::scatter::<4, 2>,
        (4, 12) => masked::scatter::<4, 3>,
        (4, 16) => masked::scatter::<4, 4>,
        (8, 16) => masked::scatter::<8, 2>,
        // Of larger units, or such as are further apart, a register puts too few.
        _ => return false,
    };
    // SAFETY: the caller's promise; the processor was asked.
    unsafe { put(from, to, count) };
    true
}

/// [`each`] with these instructions.
///
/// # Safety
/// As for [`Gather`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { each::<SIZE, STEP>(from, rows, to, count) }
}

/// One unit after the other: since the step is known, the compiler makes shuffles of them.
///
/// # Safety
/// As for [`Gather`].
#[inline(always)]
unsafe fn each<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    for row in 0..rows.count {
        let from = from.wrapping_offset(row as isize * rows.step);
        let to = to.wrapping_add(row * count * SIZE);
        let (from, to) = (from.cast::<[u8; SIZE]>(), to.cast::<[u8; SIZE]>());
        for i in 0..count as isize {
            // SAFETY: the caller's promise.
            unsafe { to.offset(i).write(from.offset(i * STEP).read()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::strided;
    use crate::prefetch::LINE;
    use core::slice::from_raw_parts_mut;
    use std::alloc::{Layout, alloc_zeroed, dealloc};

    /// The source has no bytes before the first unit and after the last one. Both sides begin so far into a line.
    fn check(size: usize, apart: isize, lines: (usize, usize)) {
        let step = apart.unsigned_abs();
        for count in (1..70).chain([127, 128, 129, 1000]) {
            for (rows, pitch) in [(1, 0), (3, count * step + 1)] {
                let bytes = ((rows - 1) * pitch + (count - 1) * step + 1) * size;
                let mut source = Placed::new(bytes, lines.0);
                for (i, byte) in source.bytes().iter_mut().enumerate() {
                    *byte = (i * 7 + i / 251) as u8;
                }
                let first = if apart < 0 { (count - 1) * step } else { 0 };
                let rows = Loop {
                    count: rows,
                    step: (pitch * size) as isize,
                };
                let mut target = Placed::new(rows.count * count * size + 1, lines.1);
                target.bytes().fill(0xee);
                let from = source.bytes()[first * size..].as_ptr();
                // SAFETY: both have room.
                unsafe {
                    let units = Loop {
                        count,
                        step: apart * size as isize,
                    };
                    strided::gather(from, rows, units, size, target.bytes().as_mut_ptr());
                }
                let (source, target) = (source.bytes(), target.bytes());
                for i in 0..rows.count * count {
                    let (row, unit) = (i / count, i % count);
                    let unit = if apart < 0 { count - 1 - unit } else { unit };
                    assert_eq!(
                        target[i * size..][..size],
                        source[(row * pitch + unit * step) * size..][..size],
                        "unit {i} of rows of {count}, of {size} bytes, {apart} apart, lines {lines:?}"
                    );
                }
                assert_eq!(target[rows.count * count * size], 0xee);
            }
        }
    }

    /// Bytes that begin so far into a line, and end where their memory does.
    struct Placed {
        memory: *mut u8,
        layout: Layout,
        line: usize,
    }

    impl Placed {
        fn new(bytes: usize, line: usize) -> Self {
            let layout = Layout::from_size_align(line + bytes, LINE).unwrap();
            // SAFETY: there are bytes.
            let memory = unsafe { alloc_zeroed(layout) };
            assert!(!memory.is_null());
            Self {
                memory,
                layout,
                line,
            }
        }

        fn bytes(&mut self) -> &mut [u8] {
            // SAFETY: as much was allocated, and is initialized.
            let all = unsafe { from_raw_parts_mut(self.memory, self.layout.size()) };
            &mut all[self.line..]
        }
    }

    impl Drop for Placed {
        fn drop(&mut self) {
            // SAFETY: allocated like that.
            unsafe { dealloc(self.memory, self.layout) }
        }
    }

    /// The source has no bytes before the first unit and after the last one, and neither has the target.
    #[test]
    fn every_unit_is_scattered() {
        for size in [1, 2, 4, 8] {
            for (step, count) in (2..5).flat_map(|step| (1..150).map(move |count| (step, count))) {
                for lines in [(0, 0), (16, 0), (1, 3), (63, 61)] {
                    let mut source = Placed::new(count * size, lines.0);
                    for (i, byte) in source.bytes().iter_mut().enumerate() {
                        *byte = (i * 7 + i / 251) as u8;
                    }
                    let mut target = Placed::new(((count - 1) * step + 1) * size, lines.1);
                    target.bytes().fill(0xee);
                    let (from, to) = (source.bytes().as_ptr(), target.bytes().as_mut_ptr());
                    let row = Loop { count: 1, step: 0 };
                    let step_bytes = (step * size) as isize;
                    let units = Loop {
                        count,
                        step: step_bytes,
                    };
                    // SAFETY: both have room.
                    unsafe { strided::scatter(from, to, row, units, size) };
                    for (i, place) in target.bytes().chunks(size).enumerate() {
                        let unit = i / step * size;
                        match i % step {
                            0 => assert_eq!(place, &source.bytes()[unit..][..size]),
                            _ => assert!(place.iter().all(|byte| *byte == 0xee)),
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_unit_is_gathered() {
        for lines in [
            (0, 0),
            (0, 16),
            (16, 16),
            (24, 0),
            (40, 8),
            (56, 48),
            (63, 0),
            (8, 3),
            (1, 1),
        ] {
            for size in [1, 2, 4, 8] {
                [-1, 2, 3, 4]
                    .into_iter()
                    .for_each(|apart| check(size, apart, lines));
            }
        }
    }
}
