//! Units of whole bytes that are apart, to or from units that are adjacent: gather and scatter.
//!
//! A sheet is two loops: `rows` of them, each of `count` units. Steps are in bytes.

use super::close_rows::{Row, Together};
use super::places::move_rows;
use super::{spread, stepped};

/// Sizes that whole units can be transposed, gathered, scattered and spread at.
pub fn is_movable(size: usize) -> bool {
    matches!(size, 1 | 2 | 4 | 8 | 16)
}

/// One loop over units.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// How many.
    pub count: usize,
    /// Bytes from one to the next.
    pub step: isize,
}

impl Loop {
    /// So many units, which are so many bits of whole bytes apart.
    pub fn of_bits(count: i64, bits: i64) -> Self {
        Self {
            count: count as usize,
            step: (bits / 8) as isize,
        }
    }
}

/// Gathers the units of a sheet, row by row, to adjacent ones at `to`.
///
/// # Safety
/// Every unit of `size` bytes is readable, and the result writable; they do not overlap.
pub unsafe fn gather(from: *const u8, rows: Loop, units: Loop, size: usize, to: *mut u8) {
    let row_bytes = units.count * size;
    // SAFETY: the caller's promise.
    unsafe {
        if units.step == size as isize {
            let target = (to, row_bytes as isize);
            return move_rows((from, rows.step), target, rows.count, row_bytes);
        }
        let (mut from, mut to, mut rows) = (from, to, rows);
        if units.step == -(size as isize) {
            let done = gather_turned((from, rows.step), units.count, size, to, rows.count);
            from = from.wrapping_offset(done as isize * rows.step);
            to = to.wrapping_add(done * row_bytes);
            rows.count -= done;
        }
        if units.step == 0 && is_movable(size) {
            return spread::spread(from, rows, size, (to, row_bytes as isize), units.count);
        }
        if let Some(gather) = stepped::gather_of(size, units.step) {
            return gather(from, rows, to, units.count);
        }
        match size {
            1 => gather_sized::<[u8; 1]>(from, rows, units, to),
            2 => gather_sized::<[u8; 2]>(from, rows, units, to),
            4 => gather_sized::<[u8; 4]>(from, rows, units, to),
            8 => gather_sized::<[u8; 8]>(from, rows, units, to),
            // Each is a register, or several.
            _ => {
                for row in 0..rows.count {
                    let from = from.wrapping_offset(row as isize * rows.step);
                    let target = (to.add(row * row_bytes), size as isize);
                    move_rows((from, units.step), target, units.count, size)
                }
            }
        }
    }
}

/// Gathers short rows of units in the opposite order, several at once if they are close. Returns how many.
///
/// # Safety
/// As for [`gather`].
#[inline(never)]
unsafe fn gather_turned(
    (from, step): (*const u8, isize),
    units: usize,
    size: usize,
    to: *mut u8,
    rows: usize,
) -> usize {
    let row = Row {
        bytes: units * size,
        unit: size,
    };
    let Some(together) = Together::of(step, row.bytes as isize, rows, row) else {
        return 0;
    };
    let lowest = from.wrapping_sub(row.bytes - size);
    // SAFETY: the caller's promise.
    unsafe { together.copy((lowest, step), (to, row.bytes as isize), rows, row) }
}

/// Scatters adjacent units at `from` to those of a sheet, row by row.
///
/// # Safety
/// As for [`gather`], the other way round.
pub unsafe fn scatter(from: *const u8, to: *mut u8, rows: Loop, units: Loop, size: usize) {
    let row_bytes = units.count * size;
    // SAFETY: the caller's promise.
    unsafe {
        if units.step == size as isize {
            let source = (from, row_bytes as isize);
            return move_rows(source, (to, rows.step), rows.count, row_bytes);
        }
        if units.count < SHORT {
            match size {
                1 => return scatter_short::<u8>(from, to, rows, units),
                2 => return scatter_short::<u16>(from, to, rows, units),
                4 => return scatter_short::<u32>(from, to, rows, units),
                8 => return scatter_short::<u64>(from, to, rows, units),
                _ => {}
            }
        }
        for row in 0..rows.count {
            let to = to.wrapping_offset(row as isize * rows.step);
            scatter_row(from.add(row * row_bytes), to, units, size);
        }
    }
}

/// Units of a row, of which fewer are not worth being looked at by themselves.
const SHORT: usize = 16;

/// [`scatter`] of units of the size of `T`, in short rows: one loop in another.
///
/// # Safety
/// As for [`scatter`].
unsafe fn scatter_short<T: Copy>(from: *const u8, to: *mut u8, rows: Loop, units: Loop) {
    let mut from = from.cast::<T>();
    for row in 0..rows.count {
        let mut to = to.wrapping_offset(row as isize * rows.step);
        for _ in 0..units.count {
            // SAFETY: the caller's promise.
            unsafe {
                to.cast::<T>().write_unaligned(from.read_unaligned());
                from = from.add(1);
            }
            to = to.wrapping_offset(units.step);
        }
    }
}

/// Gathers units of the size of `T`, an array of bytes, which may be anywhere.
///
/// # Safety
/// As for [`gather`].
unsafe fn gather_sized<T: Copy>(from: *const u8, rows: Loop, units: Loop, to: *mut u8) {
    let size = size_of::<T>() as isize;
    let unit = Row::whole(size_of::<T>());
    // SAFETY: the caller's promise.
    unsafe {
        let together = Together::of(units.step, size, units.count, unit);
        for row in 0..rows.count {
            let from = from.wrapping_offset(row as isize * rows.step);
            let to = to.add(row * units.count * unit.bytes);
            let done = match &together {
                Some(together) => together.copy((from, units.step), (to, size), units.count, unit),
                None => 0,
            };
            let from = from.wrapping_offset(done as isize * units.step);
            let to = to.add(done * unit.bytes).cast::<T>();
            gather_row((from, units.step), to, units.count - done);
        }
    }
}

/// Gathers units of the size of `T`, an array of bytes, which are so many bytes apart.
///
/// # Safety
/// As for [`gather`].
#[inline(always)]
unsafe fn gather_row<T: Copy>((from, step): (*const u8, isize), to: *mut T, count: usize) {
    let (mut from, mut to) = (from, to);
    // SAFETY: the caller's promise.
    unsafe {
        let unit = |from: *const u8, i: isize| from.wrapping_offset(i * step).cast::<T>().read();
        // Four at a time, which do not wait for each other's places.
        for _ in 0..count / 4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| unit(from, i));
            to.write(a);
            to.add(1).write(b);
            to.add(2).write(c);
            to.add(3).write(d);
            from = from.wrapping_offset(4 * step);
            to = to.add(4);
        }
        for i in 0..count % 4 {
            to.write(unit(from, i as isize));
            to = to.add(1);
        }
    }
}

/// Scatters one row.
///
/// # Safety
/// As for [`scatter`].
unsafe fn scatter_row(from: *const u8, to: *mut u8, units: Loop, size: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if stepped::scatter(from, (to, units.step), size, units.count) {
            return;
        }
        move_rows((from, size as isize), (to, units.step), units.count, size)
    }
}
