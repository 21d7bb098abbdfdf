//! float16 to unsigned integers of eight and sixteen bits: significands are shifted to the place of the binary
//! point, thirty-two to a register.

use super::bytes::{shift_left, shift_right};
use super::*;
use crate::convert::float::Float;

/// What a significand is shifted to.
pub trait Integer {
    /// Bits of an element.
    const BITS: u32;
}

impl Integer for U8 {
    const BITS: u32 = 8;
}

impl Integer for U16 {
    const BITS: u32 = 16;
}

/// float16 to an integer.
pub struct Shifted<S>(S);

impl<S: Integer> Shifted<S> {
    const FRACTION: u32 = float::F16::FORMAT.fraction_bits;
    /// How far the significand is shifted up first: for bytes, until its leading bit stands for more than they hold, since words from
    /// there on are saturated; for words, to their upper bit.
    const UP: u32 = {
        let leading = if S::BITS > 15 { 15 } else { S::BITS };
        leading.saturating_sub(Self::FRACTION)
    };
    /// The biased exponent of what is not shifted down.
    const TOP: u32 = float::F16::FORMAT.bias as u32 + Self::FRACTION + Self::UP;

    /// Thirty-two words, which are what integers of eight bits are saturated from.
    ///
    /// # Safety
    /// The processor has the module's features.
    #[inline(always)]
    unsafe fn words(floats: __m512i) -> __m512i {
        // (First and second) or third.
        const AND_OR: i32 = 0xea;
        // SAFETY: the caller's promise.
        unsafe {
            // What has a sign is above infinity, too.
            let infinity = set16(float::F16::FORMAT.infinity() as u32);
            let numbers = _mm512_cmple_epu16_mask(floats, infinity);
            let exponents = shift_right(floats, Self::FRACTION);
            let places = _mm512_subs_epu16(set16(Self::TOP), exponents);
            let leading = 1 << (Self::FRACTION + Self::UP);
            let fractions = match Self::UP {
                0 => floats,
                up => shift_left(floats, up),
            };
            let significands =
                _mm512_ternarylogic_epi32::<AND_OR>(fractions, set16(leading - 1), set16(leading));
            let words = _mm512_maskz_srlv_epi16(numbers, significands, places);
            if S::BITS < 16 {
                return words;
            }
            let beyond = set16((Self::TOP + 1) << Self::FRACTION);
            let beyond = _mm512_mask_cmpge_epu16_mask(numbers, floats, beyond);
            _mm512_mask_mov_epi16(words, beyond, set16(0xffff))
        }
    }
}

impl<S: Integer> Group for Shifted<S> {
    const FROM: usize = 2;
    const TO: usize = S::BITS as usize / 8;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (
                Self::words(load512(from)),
                Self::words(load512(from.add(64))),
            );
            if S::BITS == 16 {
                store512(to, low);
                store512(to.add(64), high);
                return;
            }
            let bytes = _mm512_packus_epi16(low, high);
            let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
            store512(to, _mm512_permutexvar_epi64(order, bytes));
        }
    }
}
