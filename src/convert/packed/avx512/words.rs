//! Integers of 16 bits to float16, by the instruction that rounds to bfloat16: AVX-512 BF16 and VBMI.
//!
//! An integer that is multiplied by 65536 has, as binary32, an exponent of which the last five bits are that of float16. Three bits further up,
//! they and the fraction are where bfloat16 has its exponent and fraction, and round as those do.

use super::brain::pairs;
use super::*;
use crate::opaque::opaque_mask;

/// Thirty-two integers to a register.
pub struct HalvesOfWords<const SIGNED: bool>;

/// Upper words.
const UPPER: __mmask32 = 0xaaaa_aaaa;

/// How far exponents are moved up.
const UP: u32 = 3;

impl<const SIGNED: bool> HalvesOfWords<SIGNED> {
    /// Which of 32 words is the upper one of each of sixteen double words, from the `first` on.
    const fn places(first: u16) -> [u16; 32] {
        let mut places = [0; 32];
        let mut i = 0;
        while i < 16 {
            places[2 * i + 1] = first + i as u16;
            i += 1;
        }
        places
    }

    /// Where the bits of each byte of two double words begin, if they are moved up. Those that would come from below are zero, as are those
    /// at the beginning.
    const MOVED: i64 = {
        let mut places = [0; 8];
        let mut byte = 0;
        while byte < 8 {
            places[byte] = match byte % 4 {
                0 => 8 * byte as u8,
                _ => (8 * byte as u32 - UP) as u8,
            };
            byte += 1;
        }
        i64::from_le_bytes(places)
    };

    /// Sixteen of the words, as binary32 of which exponents are moved up: by a shift, or by choosing bits, which other units of the processor
    /// do.
    #[inline(always)]
    unsafe fn sixteen(words: __m512i, places: &'static [u16; 32], shifts: bool) -> __m512 {
        // SAFETY: the features are those of `brain::run`. Of a mask that it sees the compiler would make one more instruction.
        unsafe {
            let places = load512(places.as_ptr().cast());
            let words = _mm512_maskz_permutexvar_epi16(opaque_mask(UPPER), places, words);
            let bits = _mm512_castps_si512(match SIGNED {
                true => _mm512_cvtepi32_ps(words),
                false => _mm512_cvtepu32_ps(words),
            });
            _mm512_castsi512_ps(match shifts {
                true => _mm512_slli_epi32::<UP>(bits),
                false => _mm512_multishift_epi64_epi8(_mm512_set1_epi64(Self::MOVED), bits),
            })
        }
    }

    #[inline(always)]
    unsafe fn halves(words: __m512i) -> __m512i {
        // (First and third) or second.
        const OR: i32 = 0xec;
        // SAFETY: the features are those of `brain::run`.
        unsafe {
            // Measured: half and half with signs, none by a shift without.
            let low = Self::sixteen(words, const { &Self::places(0) }, false);
            let high = Self::sixteen(words, const { &Self::places(16) }, SIGNED);
            let magnitudes = pairs(low, high);
            match SIGNED {
                true => _mm512_ternarylogic_epi32::<OR>(words, magnitudes, set16(1 << 15)),
                false => magnitudes,
            }
        }
    }
}

impl<const SIGNED: bool> Group for HalvesOfWords<SIGNED> {
    const FROM: usize = 2;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise; the features are those of `brain::run`.
        unsafe {
            let (low, high) = (load512(from), load512(from.add(LINE)));
            store512(to, Self::halves(low));
            store512(to.add(LINE), Self::halves(high));
        }
    }
}
