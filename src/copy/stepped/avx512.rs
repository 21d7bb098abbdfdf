//! Lines of the result, each of one register, chosen from those that the units are in.
//!
//! Long rows are read and written by whole lines of memory, each of which is met once. The units of a line of the result then begin
//! anywhere in the first register, and end in one more.

use crate::copy::stream;
use crate::copy::strided::Loop;
use crate::lines::first_bytes;
use crate::prefetch::{self, LINE};
use core::arch::x86_64::*;

/// Units that are apart, at most.
const MOST: usize = 4;

/// Lines of a row from which it is worth meeting those of memory.
const LONG: usize = 6;

/// Units of `SIZE` bytes, `STEP` units apart.
struct Units<const SIZE: usize, const STEP: isize>;

impl<const SIZE: usize, const STEP: isize> Units<SIZE, STEP> {
    const APART: usize = {
        assert!(STEP == -1 || STEP > 1 && STEP.unsigned_abs() <= MOST);
        STEP.unsigned_abs()
    };
    /// Units of a line.
    const COUNT: usize = LINE / SIZE;
    /// Bytes from the lowest unit of a line to the end of the highest.
    const SPAN: usize = ((Self::COUNT - 1) * Self::APART + 1) * SIZE;
    /// Bytes from the lowest unit of a line to the first.
    const BELOW: usize = if STEP < 0 { Self::SPAN - SIZE } else { 0 };
    /// How many units above the lowest one the units of a line are: numbers of `SIZE` bytes.
    const PLACES: [u8; LINE] = {
        let mut places = [0; LINE];
        let mut unit = 0;
        while unit < Self::COUNT {
            let place = match STEP < 0 {
                true => Self::COUNT - 1 - unit,
                false => unit * Self::APART,
            };
            places[unit * SIZE] = place as u8;
            unit += 1;
        }
        places
    };
}

/// Gathers units of more than a byte: lines, of which the last one may overlap the one before, or is a part of one.
///
/// # Safety
/// As for [`super::Gather`]; the processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn gather_units<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { gather_rows::<SIZE, STEP>(from, rows, to, count) }
}

/// Gathers bytes.
///
/// # Safety
/// As for [`super::Gather`]; the processor has AVX-512 VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub unsafe fn gather_bytes<const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { gather_rows::<1, STEP>(from, rows, to, count) }
}

/// Gathers rows, of which long ones go by [`meet_lines`].
///
/// # Safety
/// As for [`super::Gather`].
#[inline(always)]
unsafe fn gather_rows<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    rows: Loop,
    to: *mut u8,
    count: usize,
) {
    let units = Units::<SIZE, STEP>::COUNT;
    // Of the last line, which may be a part of one, and what that lacks of the bytes that a line comes from.
    let left = count.min(units);
    let missing = (units - left) * Units::<SIZE, STEP>::APART * SIZE;
    let last = count - left;
    // SAFETY: the caller's promise; of the last line, only what is there is read and written.
    unsafe {
        let mut to = to;
        for row in 0..rows.count {
            let from = from
                .wrapping_offset(row as isize * rows.step)
                .wrapping_sub(Units::<SIZE, STEP>::BELOW);
            let lowest = |unit: usize| from.wrapping_offset(unit as isize * STEP * SIZE as isize);
            // Long rows: a line, what is left to one of memory, and then those.
            let (head, whole) = match count >= LONG * units {
                true => {
                    let head = prefetch::to_next_line(to) / SIZE;
                    (head, head + units)
                }
                false => (0, usize::MAX),
            };
            let mut done = 0;
            loop {
                let unit = last.min(done);
                let (from, to) = (lowest(unit), to.add(unit * SIZE));
                if done >= last {
                    let span = Units::<SIZE, STEP>::SPAN;
                    let line = line::<SIZE, STEP>(from, |start| match STEP < 0 {
                        true => !first_bytes(missing, start),
                        false => first_bytes(span.saturating_sub(missing), start),
                    });
                    _mm512_mask_storeu_epi8(to.cast(), first_bytes(left * SIZE, 0), line);
                    break;
                }
                if done == whole {
                    // There is a line before these, and one is left for after them.
                    let lines = (count - done) / units - 1;
                    meet_lines::<SIZE, STEP>(from, to, lines);
                    done += lines * units;
                    continue;
                }
                let line = line::<SIZE, STEP>(from, |_| u64::MAX);
                _mm512_storeu_si512(to.cast(), line);
                done = if done < head { head } else { done + units };
            }
            to = to.add(count * SIZE);
        }
    }
}

/// One line of units of which the lowest is at `from`. `there` has the bytes that are to be read of the 64 which begin so far from it.
#[inline(always)]
unsafe fn line<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    there: impl Fn(usize) -> __mmask64,
) -> __m512i {
    let apart = Units::<SIZE, STEP>::APART;
    // SAFETY: the caller's promise.
    unsafe {
        let places = places::<SIZE, STEP>();
        let register = |i: usize| load(from.wrapping_add(i * LINE), there(i * LINE));
        if apart == 1 {
            return choose::<SIZE>([register(0); 2], places);
        }
        let mut line = choose::<SIZE>([register(0), register(1)], places);
        if apart > 2 {
            line = merge::<SIZE>(line, later::<SIZE>(2, 0, apart), register(2), places);
        }
        if apart > 3 {
            line = merge::<SIZE>(line, later::<SIZE>(3, 0, apart), register(3), places);
        }
        line
    }
}

/// Gathers lines, of the first of which the lowest unit is at `from`: by whole lines of memory, each of which is met once, if units do
/// not cross these.
///
/// # Safety
/// As for [`super::Gather`]; as many bytes as a line has are readable on both sides of what is gathered.
#[inline(always)]
unsafe fn meet_lines<const SIZE: usize, const STEP: isize>(
    from: *const u8,
    to: *mut u8,
    lines: usize,
) {
    let apart = Units::<SIZE, STEP>::APART;
    let before = match stream::is_aligned(from, SIZE) {
        true => from.addr() % LINE,
        false => 0,
    };
    let mut from = from.wrapping_sub(before);
    let before = before / SIZE;
    let later = |register| later::<SIZE>(register, before, apart);
    let (third, fourth, fifth) = (later(2), later(3), later(4));
    // SAFETY: the caller's promise.
    unsafe {
        let mut places = add::<SIZE>(places::<SIZE, STEP>(), before);
        let mut shared = from;
        if STEP < 0 {
            // The first register is the one that a line shares with the line before it, and that is the upper one.
            places = add::<SIZE>(places, LINE / SIZE);
            shared = from.wrapping_add(LINE);
        }
        let mut shared = load(shared, u64::MAX);
        for i in 0..lines {
            let register = |i: usize| load(from.wrapping_add(i * LINE), u64::MAX);
            let mut next = register(if STEP < 0 { 0 } else { 1 });
            let mut line = choose::<SIZE>([shared, next], places);
            if apart > 1 {
                next = register(2);
                line = merge::<SIZE>(line, third, next, places);
            }
            if apart > 2 {
                next = register(3);
                line = merge::<SIZE>(line, fourth, next, places);
            }
            if apart > 3 {
                next = register(4);
                line = merge::<SIZE>(line, fifth, next, places);
            }
            _mm512_storeu_si512(to.add(i * LINE).cast(), line);
            shared = next;
            from = from.wrapping_offset(STEP * LINE as isize);
        }
    }
}

/// The units of a line that are in a register or in a later one, if the lowest has so many places before it in the first.
#[inline(always)]
fn later<const SIZE: usize>(register: usize, before: usize, apart: usize) -> u64 {
    match (register * (LINE / SIZE) - before).div_ceil(apart) {
        earlier @ 0..LINE => u64::MAX << earlier,
        _ => 0,
    }
}

/// [`Units::PLACES`] in a register.
#[inline(always)]
unsafe fn places<const SIZE: usize, const STEP: isize>() -> __m512i {
    let table = const { &Units::<SIZE, STEP>::PLACES };
    // SAFETY: a table is as long as a register.
    unsafe { load(table.as_ptr(), u64::MAX) }
}

/// Places that are so many further.
#[inline(always)]
unsafe fn add<const SIZE: usize>(places: __m512i, more: usize) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        match SIZE {
            1 => _mm512_add_epi8(places, _mm512_set1_epi8(more as i8)),
            2 => _mm512_add_epi16(places, _mm512_set1_epi16(more as i16)),
            4 => _mm512_add_epi32(places, _mm512_set1_epi32(more as i32)),
            _ => _mm512_add_epi64(places, _mm512_set1_epi64(more as i64)),
        }
    }
}

/// Units from two registers, of which the second one's places follow those of the first.
///
/// # Safety
/// The processor has AVX-512 F and BW, and for bytes VBMI.
#[inline(always)]
pub unsafe fn choose<const SIZE: usize>([first, second]: [__m512i; 2], places: __m512i) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        match SIZE {
            1 => _mm512_permutex2var_epi8(first, places, second),
            2 => _mm512_permutex2var_epi16(first, places, second),
            4 => _mm512_permutex2var_epi32(first, places, second),
            _ => _mm512_permutex2var_epi64(first, places, second),
        }
    }
}

/// A line with some units from another register.
#[inline(always)]
unsafe fn merge<const SIZE: usize>(
    line: __m512i,
    units: u64,
    register: __m512i,
    places: __m512i,
) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        match SIZE {
            1 => _mm512_mask_permutexvar_epi8(line, units, places, register),
            2 => _mm512_mask_permutexvar_epi16(line, units as __mmask32, places, register),
            4 => _mm512_mask_permutexvar_epi32(line, units as __mmask16, places, register),
            _ => _mm512_mask_permutexvar_epi64(line, units as __mmask8, places, register),
        }
    }
}

/// The bytes of a register that are in a mask. Others are zero, and may be nowhere.
#[inline(always)]
unsafe fn load(from: *const u8, mask: __mmask64) -> __m512i {
    // SAFETY: the caller's promise that they are readable.
    unsafe { _mm512_maskz_loadu_epi8(mask, from.cast()) }
}
