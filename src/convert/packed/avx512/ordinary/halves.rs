//! float16 to integers of one and two bytes, by a table of multipliers.

use super::*;
use crate::convert::float::Float;
use crate::convert::packed::avx512::bytes::{shift_left, shift_right};

/// float16 to signed integers of one and two bytes: the significand times a power of two.
pub struct Halves<T>(T);

/// What float16 is multiplied by to be such an integer.
pub trait Multiplied {
    /// Bits of an element.
    const BITS: u32;
    /// How far the significand is shifted up first.
    const UP: u32;
}

impl Multiplied for I8 {
    const BITS: u32 = 8;
    const UP: u32 = 0;
}

impl Multiplied for I16 {
    const BITS: u32 = 16;
    const UP: u32 = 5;
}

impl<T: Multiplied> Halves<T> {
    const FRACTION: u32 = float::F16::FORMAT.fraction_bits;
    /// The significand of 1, as it is multiplied.
    const ONE: u32 = 1 << (Self::FRACTION + T::UP);
    /// For each exponent what makes the upper half of the product the integer, or, of what is not held, as much as the least such number.
    /// If there is no room for that, and of what is infinite or NaN, the product is greater than all others.
    const MULTIPLIERS: [u16; 32] = {
        let bias = float::F16::FORMAT.bias as u32;
        let beyond = bias + T::BITS - 1;
        let mut table = [0; 32];
        let mut exponent = bias;
        while exponent < 32 {
            let held = if exponent < beyond { exponent } else { beyond };
            let power = held - bias + 16 - Self::FRACTION - T::UP;
            table[exponent as usize] = match exponent == 31 || power == 16 {
                true => u16::MAX,
                false => 1 << power,
            };
            exponent += 1;
        }
        table
    };

    /// Thirty-two integers, without their signs.
    #[inline(always)]
    unsafe fn magnitudes(floats: __m512i) -> __m512i {
        // (First and second) or third.
        const AND_OR: i32 = 0xea;
        // SAFETY: the module's features; the table is as long as a register.
        unsafe {
            let table = load512(const { &Self::MULTIPLIERS }.as_ptr().cast());
            // The sign is above what is looked up.
            let exponents = shift_right(floats, Self::FRACTION);
            let multipliers = _mm512_permutexvar_epi16(exponents, table);
            let fractions = match T::UP {
                0 => floats,
                up => shift_left(floats, up),
            };
            let (mask, one) = (set16(Self::ONE - 1), set16(Self::ONE));
            let significands = _mm512_ternarylogic_epi32::<AND_OR>(fractions, mask, one);
            _mm512_mulhi_epu16(significands, multipliers)
        }
    }

    /// The same with them.
    #[inline(always)]
    unsafe fn signed(magnitudes: __m512i, floats: __m512i) -> __m512i {
        // SAFETY: the module's features.
        unsafe {
            let signs = _mm512_movepi16_mask(floats);
            _mm512_mask_sub_epi16(magnitudes, signs, _mm512_setzero_si512(), magnitudes)
        }
    }
}

impl<T: Multiplied> Ordinary for Halves<T> {
    const FROM: usize = 2;
    const TO: usize = T::BITS as usize / 8;
    type Seen = __m512i;
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the module's features.
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __m512i, _: Parameters) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe {
            let (first, second) = (load512(from), load512(from.add(64)));
            let (low, high) = (Self::magnitudes(first), Self::magnitudes(second));
            let highest = _mm512_max_epu16(low, high);
            let (low, high) = (Self::signed(low, first), Self::signed(high, second));
            if T::BITS == 8 {
                let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
                let bytes = _mm512_packs_epi16(low, high);
                store512(to, _mm512_permutexvar_epi64(order, bytes));
            } else {
                store512(to, low);
                store512(to.add(64), high);
            }
            _mm512_max_epu16(seen, highest)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the module's features.
        unsafe {
            // What the greatest multiplier leaves of one.
            _mm512_cmpge_epu16_mask(seen, set16(Self::ONE - 1)) == 0
        }
    }
}
