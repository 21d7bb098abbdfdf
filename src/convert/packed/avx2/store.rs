//! Groups of binary32, written as every dtype that has kernels here.

use super::*;
use crate::convert::float::Float;
use crate::convert::round::{Format, Special};

/// How 32-bit integers become narrower ones: two registers to one.
pub type Pack = unsafe fn(__m256i, __m256i) -> __m256i;

impl Store<__m256> for F32 {
    const SIZE: usize = 4;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        for (i, eight) in singles.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_ps(to.add(32 * i).cast(), eight) }
        }
    }
}

/// float32 from formats that are read as they lie: their NaNs may be signalling, and become quiet.
pub struct QuietF32;

impl Store<__m256> for QuietF32 {
    const SIZE: usize = 4;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let quiet = each!(singles, |eight| {
                let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(eight, eight);
                let bit = _mm256_castsi256_ps(_mm256_set1_epi32(1 << 22));
                _mm256_or_ps(eight, _mm256_and_ps(nan, bit))
            });
            F32::store(to, quiet, parameters);
        }
    }
}

impl Store<__m256> for F64 {
    const SIZE: usize = 8;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        for (i, eight) in singles.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let low = _mm256_cvtps_pd(_mm256_castps256_ps128(eight));
                let high = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(eight));
                _mm256_storeu_pd(to.add(64 * i).cast(), low);
                _mm256_storeu_pd(to.add(64 * i + 32).cast(), high);
            }
        }
    }
}

impl Store<__m256> for F16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        for (i, eight) in singles.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(eight);
                _mm_storeu_si128(to.add(16 * i).cast(), halves);
            }
        }
    }
}

impl Store<__m256> for BF16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| {
                let quiet = _mm256_or_si256(_mm256_castps_si256(eight), _mm256_set1_epi32(1 << 22));
                let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(eight, eight);
                let nan = _mm256_castps_si256(nan);
                let chosen = _mm256_blendv_epi8(rounded_to_brain(eight), quiet, nan);
                _mm256_srli_epi32::<16>(chosen)
            });
            store_words(to, words, packus_epi32);
        }
    }
}

/// bfloat16 of what is not NaN: integers.
pub struct BrainOfNumbers;

impl Store<__m256> for BrainOfNumbers {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| _mm256_srli_epi32::<16>(rounded_to_brain(
                eight
            )));
            store_words(to, words, packus_epi32);
        }
    }
}

/// Eight numbers that are not NaN, rounded so that their upper halves are bfloat16.
#[inline(always)]
pub unsafe fn rounded_to_brain(eight: __m256) -> __m256i {
    // SAFETY: the module's features.
    unsafe {
        let bits = _mm256_castps_si256(eight);
        let last = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), last)
    }
}

/// To 16 bits, signed.
#[inline(always)]
pub unsafe fn packs_epi32(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packs_epi32(a, b) }
}

/// To 16 bits, unsigned.
#[inline(always)]
pub unsafe fn packus_epi32(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packus_epi32(a, b) }
}

/// To 8 bits, signed.
#[inline(always)]
pub unsafe fn packs_epi16(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packs_epi16(a, b) }
}

/// To 8 bits, unsigned.
#[inline(always)]
pub unsafe fn packus_epi16(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packus_epi16(a, b) }
}

/// Writes 32-bit integers as 16-bit ones.
#[inline(always)]
pub unsafe fn store_words(to: *mut u8, words: Words, pack: Pack) {
    let [a, b, c, d] = words;
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        store256(to, _mm256_permute4x64_epi64::<0xd8>(pack(a, b)));
        store256(to.add(32), _mm256_permute4x64_epi64::<0xd8>(pack(c, d)));
    }
}

/// Writes 32-bit integers as 8-bit ones; the first step to 16 bits saturates as signed.
#[inline(always)]
pub unsafe fn store_bytes(to: *mut u8, words: Words, pack: Pack) {
    let [a, b, c, d] = words;
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        let bytes = pack(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
        // Both steps work on halves of registers: fours of bytes are 0, 4, 1, 5, 2, 6, 3, 7.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        store256(to, _mm256_permutevar8x32_epi32(bytes, order));
    }
}

/// The floats of at most 8 bits, one to a byte.
pub struct Small<F>(F);

impl<F: Float> Store<__m256> for Small<F> {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| narrow(eight, F::FORMAT, parameters));
            store_bytes(to, words, packus_epi16);
        }
    }
}

/// Integers in the low `BITS` bits of a byte whose other bits are zero.
pub struct Tiny<const BITS: u32, const SIGNED: bool>;

impl<const BITS: u32, const SIGNED: bool> Store<__m256> for Tiny<BITS, SIGNED> {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let mask = _mm256_set1_epi32((1 << BITS) - 1);
            let words = if SIGNED {
                let highest = (1 << (BITS - 1)) - 1;
                each!(signed_words(singles), |words| {
                    let held = _mm256_min_epi32(words, _mm256_set1_epi32(highest));
                    let held = _mm256_max_epi32(held, _mm256_set1_epi32(-1 - highest));
                    _mm256_and_si256(held, mask)
                })
            } else {
                each!(unsigned_words(singles), |words| _mm256_min_epi32(
                    words, mask
                ))
            };
            store_bytes(to, words, packs_epi16);
        }
    }
}

/// [`crate::convert::packed::narrow::narrow`] of eight numbers, to a format of at most 8 bits.
#[inline(always)]
pub unsafe fn narrow(eight: __m256, format: Format, parameters: Parameters) -> __m256i {
    const FRACTION: u32 = 23;
    const BIAS: i32 = 127;
    #[inline(always)]
    unsafe fn set(value: u32) -> __m256i {
        // SAFETY: the module's features.
        unsafe { _mm256_set1_epi32(value as i32) }
    }
    // SAFETY: the module's features.
    unsafe {
        let infinity = set(0xff << FRACTION);
        let lost = FRACTION - format.fraction_bits;
        let exponents = 1 << (format.bits - 1 - format.fraction_bits);
        let bits = _mm256_castps_si256(eight);
        let magnitude = _mm256_and_si256(bits, set(u32::MAX >> 1));
        let beyond = set(((BIAS - format.bias + exponents) as u32) << FRACTION);
        let held = _mm256_min_epi32(magnitude, beyond);
        let smallest = ((BIAS + 1 - format.bias) as u32) << FRACTION;
        let power = _mm256_max_epi32(_mm256_and_si256(held, infinity), set(smallest));
        let anchor = _mm256_add_epi32(power, set(lost << FRACTION));
        let sum = _mm256_add_ps(_mm256_castsi256_ps(held), _mm256_castsi256_ps(anchor));
        let places = _mm256_sub_epi32(_mm256_castps_si256(sum), anchor);
        let exponent = _mm256_srl_epi32(power, _mm_cvtsi32_si128(lost as i32));
        let code = _mm256_add_epi32(places, exponent);
        let code = _mm256_sub_epi32(code, set(smallest >> lost));
        let code = _mm256_min_epi32(code, set(parameters.overflowed));
        let nan = _mm256_cmpgt_epi32(magnitude, infinity);
        let sign = _mm256_srl_epi32(bits, _mm_cvtsi32_si128(32 - format.bits as i32));
        let sign = _mm256_and_si256(sign, set(format.sign() as u32));
        match format.special {
            Special::Ieee => {
                let payload = _mm256_srl_epi32(magnitude, _mm_cvtsi32_si128(lost as i32));
                let payload = _mm256_and_si256(payload, set((1 << format.fraction_bits) - 1));
                let quiet = format.infinity() as u32 | 1 << (format.fraction_bits - 1);
                let quiet = _mm256_or_si256(payload, set(quiet));
                _mm256_or_si256(_mm256_blendv_epi8(code, quiet, nan), sign)
            }
            Special::Fn => {
                let all = _mm256_and_si256(nan, set(format.largest() as u32 + 1));
                _mm256_or_si256(_mm256_or_si256(code, all), sign)
            }
            Special::Fnuz => {
                let zero = _mm256_cmpeq_epi32(code, _mm256_setzero_si256());
                let signed = _mm256_or_si256(code, _mm256_andnot_si256(zero, sign));
                _mm256_blendv_epi8(signed, set(format.sign() as u32), nan)
            }
            Special::Finite => {
                let signed = _mm256_or_si256(code, sign);
                _mm256_blendv_epi8(signed, set(format.sign() as u32), nan)
            }
        }
    }
}

pub struct BoolTarget;

impl Store<__m256> for BoolTarget {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| {
                let nonzero = _mm256_cmp_ps::<_CMP_NEQ_UQ>(eight, _mm256_setzero_ps());
                _mm256_srli_epi32::<31>(_mm256_castps_si256(nonzero))
            });
            store_bytes(to, words, packs_epi16);
        }
    }
}

/// Toward zero, held inside 32 bits; NaN is 0.
#[inline(always)]
pub unsafe fn signed_words(singles: Singles) -> Words {
    // SAFETY: the module's features.
    unsafe {
        each!(singles, |eight| {
            let number = _mm256_and_ps(eight, _mm256_cmp_ps::<_CMP_ORD_Q>(eight, eight));
            // What is out of range becomes the lowest integer, which has all bits of the highest one inverted.
            let integers = _mm256_cvttps_epi32(number);
            let high = _mm256_cmp_ps::<_CMP_GE_OQ>(number, _mm256_set1_ps(2147483648.0));
            _mm256_xor_si256(integers, _mm256_castps_si256(high))
        })
    }
}

/// Toward zero, from 0 to far beyond 16 bits; NaN is 0.
#[inline(always)]
pub unsafe fn unsigned_words(singles: Singles) -> Words {
    // SAFETY: the module's features.
    unsafe {
        each!(singles, |eight| {
            // The second operand is the result where the first is NaN.
            let number = _mm256_max_ps(eight, _mm256_setzero_ps());
            _mm256_cvttps_epi32(_mm256_min_ps(number, _mm256_set1_ps(1048576.0)))
        })
    }
}

/// Implements [`Store`] for integers by the 32-bit integers of a group.
macro_rules! store_integer {
    ($name:ident, $size:literal, |$singles:ident, $to:ident| $store:expr) => {
        impl Store<__m256> for $name {
            const SIZE: usize = $size;
            #[inline(always)]
            unsafe fn store($to: *mut u8, $singles: Singles, _: Parameters) {
                // SAFETY: the caller's promise.
                unsafe { $store }
            }
        }
    };
}

store_integer!(I8, 1, |singles, to| store_bytes(
    to,
    signed_words(singles),
    packs_epi16
));
store_integer!(U8, 1, |singles, to| store_bytes(
    to,
    unsigned_words(singles),
    packus_epi16
));
store_integer!(I16, 2, |singles, to| store_words(
    to,
    signed_words(singles),
    packs_epi32
));
store_integer!(U16, 2, |singles, to| store_words(
    to,
    unsigned_words(singles),
    packus_epi32
));
store_integer!(I32, 4, |singles, to| {
    for (i, words) in signed_words(singles).into_iter().enumerate() {
        store256(to.add(32 * i), words);
    }
});
store_integer!(U32, 4, |singles, to| {
    for (i, eight) in singles.into_iter().enumerate() {
        let half = _mm256_set1_ps(2147483648.0);
        let number = _mm256_max_ps(eight, _mm256_setzero_ps());
        let low = _mm256_cvttps_epi32(number);
        // From 2^31 on the first conversion gives 2^31, and the second what is above it.
        let high = _mm256_cvttps_epi32(_mm256_sub_ps(number, half));
        let above = _mm256_and_si256(high, _mm256_srai_epi32::<31>(low));
        let too_large = _mm256_cmp_ps::<_CMP_GE_OQ>(number, _mm256_set1_ps(4294967296.0));
        let words = _mm256_or_si256(_mm256_or_si256(low, above), _mm256_castps_si256(too_large));
        store256(to.add(32 * i), words);
    }
});
store_integer!(I64, 8, |singles, to| store_long::<true>(to, singles));
store_integer!(U64, 8, |singles, to| store_long::<false>(to, singles));

/// Writes a group as 64-bit integers.
#[inline(always)]
pub unsafe fn store_long<const SIGNED: bool>(to: *mut u8, singles: Singles) {
    for (i, eight) in singles.into_iter().enumerate() {
        // SAFETY: the caller's promise that a group is writable.
        unsafe {
            let low = _mm256_cvtps_pd(_mm256_castps256_ps128(eight));
            let high = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(eight));
            store256(to.add(64 * i), long::<SIGNED>(low));
            store256(to.add(64 * i + 32), long::<SIGNED>(high));
        }
    }
}
