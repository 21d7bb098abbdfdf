//! float16 to int8 by products of bytes: AVX-512 VBMI.
//!
//! One instruction moves the upper eight bits of the significand to one byte of a word, and sign and exponent to the other. By these a table
//! gives a factor for each: the power of two that belongs to the exponent, with the sign, and what rounds toward zero. The sum of both
//! products, which ends at what words hold, has the integer in its upper byte.

use super::ordinary::{self, Ordinary};
use super::*;
use crate::convert::float::Float;

/// Sixty-four numbers that are neither infinite nor NaN.
struct Products;

impl Products {
    const FRACTION: u32 = float::F16::FORMAT.fraction_bits;
    const BIAS: usize = float::F16::FORMAT.bias as usize;
    /// Signs and exponents.
    const SIGN: usize = 32;
    const INFINITE: usize = 31;
    /// The exponent of what is just not held, but for the lowest integer.
    const BEYOND: usize = Self::BIAS + 7;
    /// The factor of a byte of ones that rounds a negative number toward zero.
    const UP: i16 = 1;
    /// One that, with the greatest factor of a significand, leaves nothing but the highest integer; negated both, nothing but the lowest.
    const FAR: i16 = 64;
    /// A bit that no such factor has.
    const OTHER: i16 = 32;

    /// For each sign and exponent, the factor of a byte of ones, and above it that of the significand: twice 2 to the power of the exponent,
    /// since 1 is 128 there, and 256 in the sum.
    const FACTORS: [i16; 64] = {
        let mut table = [0; 64];
        let mut exponent = Self::BIAS;
        while exponent <= Self::INFINITE {
            let (positive, negative) = if exponent < Self::BEYOND - 1 {
                let power = 2 << (exponent - Self::BIAS);
                ([power, 0], [-power, Self::UP])
            } else if exponent == Self::BEYOND - 1 {
                // There is no factor 128. With 127, and 255 more, the sum is greater by up to 127, but less than the next integer.
                ([127, Self::UP], [-128, Self::UP])
            } else {
                ([127, Self::FAR], [-128, -Self::FAR])
            };
            let other = match exponent == Self::INFINITE {
                true => Self::OTHER,
                false => 0,
            };
            table[exponent] = Self::word(positive) | other;
            table[exponent + Self::SIGN] = Self::word(negative) | other;
            exponent += 1;
        }
        table
    };

    /// Two signed bytes as a word.
    const fn word([upper, lower]: [i16; 2]) -> i16 {
        upper << 8 | lower & 0xff
    }

    /// Where the bits of each byte begin in eight: sign and exponent of each word, and what is above the last three bits of its fraction.
    const PARTS: i64 = {
        let mut parts = [0; 8];
        let mut word = 0;
        while word < 4 {
            parts[2 * word] = (16 * word as u32 + Self::FRACTION) as u8;
            parts[2 * word + 1] = (16 * word as u32 + Self::FRACTION - 7) as u8;
            word += 1;
        }
        i64::from_le_bytes(parts)
    };

    /// The upper bytes of two registers of words.
    const UPPER: [u8; GROUP] = {
        let mut places = [0; GROUP];
        let mut i = 0;
        while i < GROUP {
            places[i] = (2 * i + 1) as u8;
            i += 1;
        }
        places
    };

    /// Words of which the upper bytes are integers, and the factors that they were made with.
    #[inline(always)]
    unsafe fn words(floats: __m512i) -> (__m512i, __m512i) {
        // A byte of ones, and the leading bit of the significand.
        const ONES: u32 = 0x80ff;
        // SAFETY: the features are those of `run`; the table is as long as two registers.
        unsafe {
            let parts = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(Self::PARTS), floats);
            let table = const { &Self::FACTORS }.as_ptr().cast::<u8>();
            let (positive, negative) = (load512(table), load512(table.add(LINE)));
            let factors = _mm512_permutex2var_epi16(positive, parts, negative);
            let significands = _mm512_or_si512(parts, set16(ONES));
            (_mm512_maddubs_epi16(significands, factors), factors)
        }
    }
}

impl Ordinary for Products {
    const FROM: usize = 2;
    const TO: usize = 1;
    type Seen = __m512i;
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the features are those of `run`.
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __m512i, _: Parameters) -> __m512i {
        // The first, the second or the third.
        const OR: i32 = 0xfe;
        // SAFETY: the caller's promise; the features are those of `run`.
        unsafe {
            let (low, first) = Self::words(load512(from));
            let (high, second) = Self::words(load512(from.add(LINE)));
            let upper = load512(const { &Self::UPPER }.as_ptr());
            store512(to, _mm512_permutex2var_epi8(low, upper, high));
            _mm512_ternarylogic_epi32::<OR>(seen, first, second)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the features are those of `run`.
        unsafe { _mm512_test_epi16_mask(seen, set16(Self::OTHER as u32)) == 0 }
    }
}

/// The kernel of the pair.
pub fn half_to_byte() -> Step {
    Step::of_groups(run, GROUP)
}

/// Groups without infinities and NaN by products, others through binary32.
///
/// # Safety
/// As for [`super::run`]; the processor has VBMI as well.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,f16c")]
unsafe fn run(from: *const u8, to: *mut u8, count: usize, parameters: Parameters) {
    let all = super::run::<Through<F16, I8>, GROUP>;
    // SAFETY: the caller's promise.
    unsafe { ordinary::convert::<Products, GROUP>(all, from, to, count, parameters) }
}
