//! Units that are put every few places: a register of them, spread, of which only the bytes that are units are stored.

use crate::lines::first_bytes;
use crate::prefetch::LINE;
use core::arch::x86_64::*;

/// Units of `SIZE` bytes that are put `STEP` units apart.
struct Spread<const SIZE: usize, const STEP: usize>;

impl<const SIZE: usize, const STEP: usize> Spread<SIZE, STEP> {
    /// Units that begin in a line, and the bytes from the first of them to the first of the next ones.
    const COUNT: usize = (LINE / SIZE).div_ceil(STEP);
    const SPAN: usize = Self::COUNT * STEP * SIZE;
    /// Which unit belongs to each place of a line: numbers of `SIZE` bytes.
    const UNITS: [u8; LINE] = {
        let mut units = [0; LINE];
        let mut place = 0;
        while place < LINE / SIZE {
            units[place * SIZE] = (place / STEP) as u8;
            place += 1;
        }
        units
    };
    /// The places of a line where units are: a bit for each place.
    const TAKEN: u64 = {
        let (mut taken, mut place) = (0, 0);
        while place < LINE / SIZE {
            taken |= 1 << place;
            place += STEP;
        }
        taken
    };
}

/// Puts units of more than a byte, `STEP` units apart.
///
/// # Safety
/// As for [`super::scatter`]; the processor has AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn scatter<const SIZE: usize, const STEP: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { put::<SIZE, STEP>(from, to, count) }
}

/// Puts bytes.
///
/// # Safety
/// As for [`scatter`]; the processor has AVX-512 VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub unsafe fn scatter_bytes<const STEP: usize>(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { put::<1, STEP>(from, to, count) }
}

/// The units of a line at a time, of the last one what there is.
///
/// # Safety
/// As for [`scatter`].
#[inline(always)]
unsafe fn put<const SIZE: usize, const STEP: usize>(from: *const u8, to: *mut u8, count: usize) {
    let most = Spread::<SIZE, STEP>::COUNT;
    let units = const { &Spread::<SIZE, STEP>::UNITS };
    // SAFETY: the caller's promise: what is masked out is neither read nor written.
    unsafe {
        let units = _mm512_loadu_si512(units.as_ptr().cast());
        let (mut from, mut to) = (from, to);
        for _ in 0..count / most {
            put_line::<SIZE, STEP>(from, to, most, units);
            from = from.wrapping_add(most * SIZE);
            to = to.wrapping_add(Spread::<SIZE, STEP>::SPAN);
        }
        put_line::<SIZE, STEP>(from, to, count % most, units);
    }
}

/// So many units of a line, none to all.
#[inline(always)]
unsafe fn put_line<const SIZE: usize, const STEP: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    units: __m512i,
) {
    let taken = Spread::<SIZE, STEP>::TAKEN & first_bytes(count * STEP, 0);
    // SAFETY: the caller's promise.
    unsafe {
        let register = _mm512_maskz_loadu_epi8(first_bytes(count * SIZE, 0), from.cast());
        store::<SIZE>(to, taken, choose::<SIZE>(register, units));
    }
}

/// The units of a register that belong to the places of another.
#[inline(always)]
unsafe fn choose<const SIZE: usize>(register: __m512i, units: __m512i) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        match SIZE {
            1 => _mm512_permutexvar_epi8(units, register),
            2 => _mm512_permutexvar_epi16(units, register),
            4 => _mm512_permutexvar_epi32(units, register),
            _ => _mm512_permutexvar_epi64(units, register),
        }
    }
}

/// Stores the places that are in a mask.
#[inline(always)]
unsafe fn store<const SIZE: usize>(to: *mut u8, places: u64, register: __m512i) {
    // SAFETY: the caller's promise.
    unsafe {
        match SIZE {
            1 => _mm512_mask_storeu_epi8(to.cast(), places, register),
            2 => _mm512_mask_storeu_epi16(to.cast(), places as u32, register),
            4 => _mm512_mask_storeu_epi32(to.cast(), places as u16, register),
            _ => _mm512_mask_storeu_epi64(to.cast(), places as u8, register),
        }
    }
}
