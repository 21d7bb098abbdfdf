//! Lines of the result, each of one register, chosen from those that the units are in by tables.

use crate::convert::first_bytes;
use crate::copy::strided::Loop;
use crate::prefetch::LINE;
use core::arch::x86_64::*;

/// Registers from which a line is chosen, at most.
const MOST: usize = 4;

/// Where the units of a line come from: of `SIZE` bytes, `STEP` units apart.
struct Places<const SIZE: usize, const STEP: isize>;

impl<const SIZE: usize, const STEP: isize> Places<SIZE, STEP> {
    const APART: usize = STEP.unsigned_abs();
    /// Units of a line.
    const UNITS: usize = LINE / SIZE;
    /// Bytes from the lowest unit to the end of the highest.
    const SPAN: usize = ((Self::UNITS - 1) * Self::APART + 1) * SIZE;
    /// Bytes that are chosen together.
    const PART: usize = if SIZE < 8 { SIZE } else { 8 };

    /// For each register but the first, the places of the parts of a line in what has been chosen before, or, beyond, in that register.
    /// For the only one the places in it.
    const TABLES: [[u8; LINE]; MOST] = {
        assert!(STEP == -1 || STEP > 1 && Self::APART <= MOST);
        let parts = LINE / Self::PART;
        let mut tables = [[0; LINE]; MOST];
        let mut part = 0;
        while part < parts {
            let unit = part * Self::PART / SIZE;
            let unit = if STEP < 0 {
                Self::UNITS - 1 - unit
            } else {
                unit
            };
            let byte = unit * Self::APART * SIZE + part * Self::PART % SIZE;
            let (register, place) = (byte / LINE, byte % LINE / Self::PART);
            let mut later = 1;
            while later < MOST {
                let chosen = if later == register {
                    parts + place
                } else if later == 1 && register == 0 {
                    place
                } else {
                    part
                };
                tables[later][part * Self::PART] = chosen as u8;
                later += 1;
            }
            tables[0][part * Self::PART] = place as u8;
            part += 1;
        }
        tables
    };
}

/// Gathers units of more than a byte: lines, of which the last one may overlap the one before, or is a part of one.
///
/// # Safety
/// As for [`super::gather`]; the processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn gather<T: Copy, const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match size_of::<T>() {
            2 => lines::<2, STEP>(from, rows, to, count),
            4 => lines::<4, STEP>(from, rows, to, count),
            _ => lines::<8, STEP>(from, rows, to, count),
        }
    }
}

/// Gathers bytes.
///
/// # Safety
/// As for [`gather`]; the processor has AVX-512 VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub unsafe fn gather_bytes<const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { lines::<1, STEP>(from, rows, to, count) }
}

/// # Safety
/// As for [`gather`].
#[inline(always)]
unsafe fn lines<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    let units = Places::<SIZE, STEP>::UNITS;
    let span = Places::<SIZE, STEP>::SPAN;
    // Of the last line, which may be a part of one, and what that lacks of the bytes that a line comes from.
    let left = count.min(units);
    let missing = (units - left) * STEP.unsigned_abs() * SIZE;
    let last = count - left;
    // Bytes from the lowest unit of a line to the first.
    let below = if STEP < 0 { span - SIZE } else { 0 };
    // SAFETY: the caller's promise; of the last line, only what is there is read and written.
    unsafe {
        let tables = tables::<SIZE, STEP>();
        let mut to = to;
        for row in 0..rows.count {
            let from = from
                .wrapping_offset(row as isize * rows.step)
                .wrapping_sub(below);
            let mut i = 0;
            loop {
                let unit = i.min(last);
                let from = from.wrapping_offset(unit as isize * STEP * SIZE as isize);
                let to = to.add(unit * SIZE);
                if i >= last {
                    let line = line::<SIZE, STEP>(from, &tables, |start| match STEP < 0 {
                        true => !first_bytes(missing, start),
                        false => first_bytes(span.saturating_sub(missing), start),
                    });
                    _mm512_mask_storeu_epi8(to.cast(), first_bytes(left * SIZE, 0), line);
                    break;
                }
                let line = line::<SIZE, STEP>(from, &tables, |_| u64::MAX);
                _mm512_storeu_si512(to.cast(), line);
                i += units;
            }
            to = to.add(count * SIZE);
        }
    }
}

/// The tables in registers.
#[inline(always)]
unsafe fn tables<const SIZE: usize, const STEP: isize>() -> [__m512i; MOST] {
    let tables = const { &Places::<SIZE, STEP>::TABLES };
    // SAFETY: the module's features; a table is as long as a register.
    unsafe {
        [
            load(tables[0].as_ptr(), u64::MAX),
            load(tables[1].as_ptr(), u64::MAX),
            load(tables[2].as_ptr(), u64::MAX),
            load(tables[3].as_ptr(), u64::MAX),
        ]
    }
}

/// One line of units of which the lowest is at `from`. `there` has the bytes that are to be read of the 64 which begin so far from it.
#[inline(always)]
unsafe fn line<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    tables: &[__m512i; MOST],
    there: impl Fn(usize) -> __mmask64,
) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let register = |i| {
            let start = i * LINE;
            (from.wrapping_add(start), there(start))
        };
        let (at, mask) = register(0);
        let mut line = load(at, mask);
        if STEP == -1 {
            return match SIZE {
                1 => _mm512_permutexvar_epi8(tables[0], line),
                2 => _mm512_permutexvar_epi16(tables[0], line),
                4 => _mm512_permutexvar_epi32(tables[0], line),
                _ => _mm512_permutexvar_epi64(tables[0], line),
            };
        }
        for (i, table) in tables.iter().enumerate().take(STEP.unsigned_abs()).skip(1) {
            let (at, mask) = register(i);
            let next = load(at, mask);
            line = match SIZE {
                1 => _mm512_permutex2var_epi8(line, *table, next),
                2 => _mm512_permutex2var_epi16(line, *table, next),
                4 => _mm512_permutex2var_epi32(line, *table, next),
                _ => _mm512_permutex2var_epi64(line, *table, next),
            };
        }
        line
    }
}

/// The bytes of a register that are in a mask. Others are zero, and may be nowhere.
#[inline(always)]
unsafe fn load(from: *const u8, mask: __mmask64) -> __m512i {
    // SAFETY: the caller's promise that they are readable.
    unsafe { _mm512_maskz_loadu_epi8(mask, from.cast()) }
}
