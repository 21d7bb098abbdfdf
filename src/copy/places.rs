//! Blocks of bytes at places, which are copied one by one.

use super::block;
use super::close_rows::{Row, Together};

/// Where blocks are: at equal distances, or by a table of them.
pub trait Places: Copy {
    /// Bytes from the first block to number `i`.
    ///
    /// # Safety
    /// There is such a block.
    unsafe fn offset(self, i: usize) -> isize;
}

/// So many bytes from one to the next.
#[derive(Clone, Copy)]
pub struct Step(pub isize);

impl Places for Step {
    #[inline(always)]
    unsafe fn offset(self, i: usize) -> isize {
        (i as isize).wrapping_mul(self.0)
    }
}

impl Places for &[isize] {
    #[inline(always)]
    unsafe fn offset(self, i: usize) -> isize {
        // SAFETY: the caller's promise.
        unsafe { *self.get_unchecked(i) }
    }
}

/// Blocks of the size of `T`.
///
/// # Safety
/// As for [`move_blocks`].
#[inline(always)]
unsafe fn exact<T: Copy>(from: (*const u8, impl Places), to: (*mut u8, impl Places), count: usize) {
    for i in 0..count {
        // SAFETY: the caller's promise.
        unsafe {
            let from = from.0.wrapping_offset(from.1.offset(i)).cast::<T>();
            let to = to.0.wrapping_offset(to.1.offset(i)).cast::<T>();
            to.write_unaligned(from.read_unaligned());
        }
    }
}

/// Blocks of two overlapping pieces of the size of `T`.
///
/// # Safety
/// As for [`move_blocks`]; a block has `size_of::<T>()` to twice as many bytes.
#[inline(always)]
unsafe fn pieces<T: Copy>(
    from: (*const u8, impl Places),
    to: (*mut u8, impl Places),
    count: usize,
    bytes: usize,
) {
    let second = bytes - size_of::<T>();
    for i in 0..count {
        // SAFETY: the caller's promise.
        unsafe {
            let from = from.0.wrapping_offset(from.1.offset(i));
            let to = to.0.wrapping_offset(to.1.offset(i));
            to.cast::<T>()
                .write_unaligned(from.cast::<T>().read_unaligned());
            let (from, to) = (from.add(second), to.add(second));
            to.cast::<T>()
                .write_unaligned(from.cast::<T>().read_unaligned());
        }
    }
}

/// Copies blocks of `bytes` bytes, which are so many bytes apart on each side: several at once if they are short and close. What is between
/// those, in the pages that they are in, is read then, and whatever it is, goes nowhere.
///
/// # Safety
/// As for [`move_blocks`].
// Not a part of its callers, each of which would be some KiB larger.
#[inline(never)]
pub unsafe fn move_rows(
    (from, from_step): (*const u8, isize),
    (to, to_step): (*mut u8, isize),
    rows: usize,
    bytes: usize,
) {
    let row = Row::whole(bytes);
    let done = match Together::of(from_step, to_step, rows, row) {
        // SAFETY: the caller's promise.
        Some(together) => unsafe { together.copy((from, from_step), (to, to_step), rows, row) },
        None => 0,
    };
    let from = from.wrapping_offset(done as isize * from_step);
    let to = to.wrapping_offset(done as isize * to_step);
    // SAFETY: the caller's promise.
    unsafe {
        move_blocks(
            (from, Step(from_step)),
            (to, Step(to_step)),
            rows - done,
            bytes,
        )
    }
}

/// Copies `count` blocks of `bytes` bytes.
///
/// # Safety
/// Every block is readable on the one side and writable on the other; they do not overlap.
pub unsafe fn move_blocks(
    (from, from_places): (*const u8, impl Places),
    (to, to_places): (*mut u8, impl Places),
    count: usize,
    bytes: usize,
) {
    let (source, target) = ((from, from_places), (to, to_places));
    // SAFETY: the caller's promise; each arm's pieces fit its blocks.
    unsafe {
        match bytes {
            0 => {}
            1 => exact::<u8>(source, target, count),
            2 => exact::<u16>(source, target, count),
            4 => exact::<u32>(source, target, count),
            8 => exact::<u64>(source, target, count),
            16 => exact::<[u64; 2]>(source, target, count),
            32 => exact::<[u64; 4]>(source, target, count),
            3 => pieces::<u16>(source, target, count, bytes),
            5..=7 => pieces::<u32>(source, target, count, bytes),
            9..=15 => pieces::<u64>(source, target, count, bytes),
            17..=31 => pieces::<[u64; 2]>(source, target, count, bytes),
            33..=64 => pieces::<[u64; 4]>(source, target, count, bytes),
            65..=128 => pieces::<[u64; 8]>(source, target, count, bytes),
            _ => {
                for i in 0..count {
                    let from = from.wrapping_offset(from_places.offset(i));
                    let to = to.wrapping_offset(to_places.offset(i));
                    block::copy(from, to, bytes);
                }
            }
        }
    }
}
