//! The two steps of [`Quarters`](crate::copy::transpose::Quarters) by registers of 64 bytes.

use super::{REGISTER, half, woven};
use crate::copy::transpose::quarters::{Columns, Lines};
use crate::copy::transpose::{Runs, read_at, write_at};
use core::arch::x86_64::*;

/// Brings lines of runs to a block: quarters of four runs, which are `rows` apart, share registers there.
///
/// # Safety
/// As for [`crate::copy::transpose::Quarters::gather`]; the processor has AVX-512.
#[target_feature(enable = "avx512f")]
pub unsafe fn gather(
    from: Runs<*const u8>,
    (to, pitch): (*mut u8, usize),
    columns: Columns,
    lines: Lines,
    rows: usize,
) {
    for line in 0..columns.lines() {
        let first = line * 4 * rows;
        let run = |k: usize| read_at(from, columns.run(first + k), 0);
        let whole = columns.has(first, 4 * rows);
        let mut runs = [0, 1, 2, 3].map(|k| run(k * rows));
        for i in 0..rows {
            let (mut at, mut to) = (runs, to.wrapping_add((line * rows + i) * REGISTER));
            // SAFETY: the caller's promise.
            unsafe {
                for _ in 0..lines.whole {
                    gather_line(at, (to, pitch));
                    at = at.map(|at| at.wrapping_add(REGISTER));
                    to = to.wrapping_add(4 * pitch);
                }
                if lines.rest > 0 {
                    let at = at.map(|at| at.wrapping_add(lines.rest).wrapping_sub(REGISTER));
                    gather_line(at, (to, pitch));
                }
            }
            runs = match whole {
                true => runs.map(|at| at.wrapping_offset(from.1)),
                false => [0, 1, 2, 3].map(|k| run(k * rows + i + 1)),
            };
        }
    }
}

/// Brings a line of four runs, whose quarters share registers.
///
/// # Safety
/// As for [`gather`].
#[inline(always)]
unsafe fn gather_line(runs: [*const u8; 4], (to, pitch): (*mut u8, usize)) {
    // SAFETY: the caller's promise.
    unsafe {
        let [a, b, c, d] = runs.map(|at| _mm512_loadu_si512(at.cast()));
        let low = [(a, b), (c, d)].map(|(x, y)| _mm512_shuffle_i32x4::<0x44>(x, y));
        let high = [(a, b), (c, d)].map(|(x, y)| _mm512_shuffle_i32x4::<0xee>(x, y));
        let made = [
            _mm512_shuffle_i32x4::<0x88>(low[0], low[1]),
            _mm512_shuffle_i32x4::<0xdd>(low[0], low[1]),
            _mm512_shuffle_i32x4::<0x88>(high[0], high[1]),
            _mm512_shuffle_i32x4::<0xdd>(high[0], high[1]),
        ];
        for (k, register) in made.into_iter().enumerate() {
            _mm512_storeu_si512(to.wrapping_add(k * pitch).cast(), register);
        }
    }
}

/// Makes rows of a quarter of runs.
///
/// # Safety
/// As for [`crate::copy::transpose::Quarters::exchange`]; the processor has AVX-512.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn exchange<const SIZE: usize, const ROWS: usize>(
    from: *const u8,
    to: Runs<*mut u8>,
    lines: usize,
    masks: [u64; 2],
) {
    // SAFETY: the caller's promise.
    unsafe {
        for line in 0..lines {
            let rows = quarter::<ROWS>(from, line);
            write_rows(woven::<SIZE, ROWS>(rows), to, lines, line, masks);
        }
    }
}

/// [`exchange`] of units of one or two bytes, but four rows of all lines before the next four.
///
/// # Safety
/// As for [`exchange`].
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn exchange_fours<const SIZE: usize, const ROWS: usize>(
    from: *const u8,
    to: Runs<*mut u8>,
    lines: usize,
    masks: [u64; 2],
) {
    // SAFETY: the caller's promise.
    unsafe {
        exchange_four::<SIZE, ROWS, 0>(from, to, lines, masks);
        exchange_four::<SIZE, ROWS, 1>(from, to, lines, masks);
        if ROWS == 16 {
            exchange_four::<SIZE, ROWS, 2>(from, to, lines, masks);
            exchange_four::<SIZE, ROWS, 3>(from, to, lines, masks);
        }
    }
}

/// A part of four rows.
///
/// # Safety
/// As for [`exchange`].
#[inline(always)]
unsafe fn exchange_four<const SIZE: usize, const ROWS: usize, const PART: usize>(
    from: *const u8,
    to: Runs<*mut u8>,
    lines: usize,
    masks: [u64; 2],
) {
    let to = (write_at(to, PART * 4, 0), to.1);
    for line in 0..lines {
        // SAFETY: the caller's promise.
        unsafe {
            // The first steps leave the parts of the rows in registers by themselves.
            let rows = quarter::<ROWS>(from, line);
            let mut x = [_mm512_setzero_si512(); 4];
            for (k, x) in x.iter_mut().enumerate() {
                *x = match SIZE {
                    1 => {
                        let [a, b] = [k, k + 4].map(|k| (rows[k], rows[k + 8]));
                        let [a, b] = [half::<SIZE>(a, PART / 2), half::<SIZE>(b, PART / 2)];
                        half::<SIZE>((a, b), PART % 2)
                    }
                    _ => half::<SIZE>((rows[k], rows[k + 4]), PART),
                };
            }
            write_rows(woven::<SIZE, 4>(x), to, lines, line, masks);
        }
    }
}

/// The registers of a quarter that become a line of its rows.
///
/// # Safety
/// As for [`exchange`].
#[inline(always)]
unsafe fn quarter<const ROWS: usize>(from: *const u8, line: usize) -> [__m512i; ROWS] {
    let mut from = from.wrapping_add(line * ROWS * REGISTER);
    // SAFETY: the caller's promise.
    unsafe {
        let mut rows = [_mm512_setzero_si512(); ROWS];
        for row in &mut rows {
            *row = _mm512_loadu_si512(from.cast());
            from = from.wrapping_add(REGISTER);
        }
        rows
    }
}

/// Writes a line of rows, of which the first and the last one have such masks.
///
/// # Safety
/// As for [`exchange`].
#[inline(always)]
unsafe fn write_rows<const ROWS: usize>(
    rows: [__m512i; ROWS],
    to: Runs<*mut u8>,
    lines: usize,
    line: usize,
    [first, last]: [u64; 2],
) {
    let mask = match line {
        0 => first,
        _ if line + 1 == lines => last,
        _ => !0,
    };
    let mut at = write_at(to, 0, line * REGISTER);
    for row in rows {
        // SAFETY: the caller's promise.
        unsafe { _mm512_mask_storeu_epi8(at.cast(), mask, row) }
        at = at.wrapping_offset(to.1);
    }
}
