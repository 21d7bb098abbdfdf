//! Groups of binary32, written as every dtype that has kernels here.

use super::bytes::{join_signs, packed};
use super::*;
use crate::convert::float::Float;
use crate::convert::round::{Format, Special};

/// A dtype that is written from sixteen numbers by themselves.
pub trait StoreSixteen: Store<__m512> {
    /// Writes sixteen elements.
    ///
    /// # Safety
    /// They are writable.
    unsafe fn store_sixteen(to: *mut u8, sixteen: __m512);
}

/// Implements [`StoreSixteen`] by an expression for sixteen numbers.
macro_rules! store_sixteen {
    ($name:ident, |$sixteen:ident, $to:ident| $store:expr) => {
        impl StoreSixteen for $name {
            #[inline(always)]
            unsafe fn store_sixteen($to: *mut u8, $sixteen: __m512) {
                // SAFETY: the caller's promise.
                unsafe { $store }
            }
        }
    };
}

/// The same, and [`Store`] by four of them.
macro_rules! store {
    ($name:ident, $size:literal, |$sixteen:ident, $to:ident| $store:expr) => {
        store_sixteen!($name, |$sixteen, $to| $store);

        impl Store<__m512> for $name {
            const SIZE: usize = $size;
            #[inline(always)]
            unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
                for (i, sixteen) in singles.into_iter().enumerate() {
                    // SAFETY: the caller's promise.
                    unsafe { Self::store_sixteen(to.add(16 * $size * i), sixteen) }
                }
            }
        }
    };
}

pub(super) use {store, store_sixteen};

store!(F32, 4, |sixteen, to| _mm512_storeu_ps(to.cast(), sixteen));
store!(F16, 2, |sixteen, to| {
    let halves = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(sixteen);
    store256(to, halves);
});
store!(F64, 8, |sixteen, to| {
    let [low, high] = halves(sixteen);
    _mm512_storeu_pd(to.cast(), _mm512_cvtps_pd(low));
    _mm512_storeu_pd(to.add(64).cast(), _mm512_cvtps_pd(high));
});

/// Where a float is NaN, that NaN, quiet; elsewhere what there is.
#[inline(always)]
pub unsafe fn with_quiet(there: __m512, floats: __m512) -> __m512 {
    // What a quiet and a signalling NaN become, four bits each: the former.
    const QUIET: u32 = 0x22;
    // SAFETY: the module's features.
    unsafe { _mm512_fixupimm_ps::<0>(there, floats, set32(QUIET)) }
}

/// float32 from formats that are read as they lie: their NaNs may be signalling, and become quiet.
pub struct QuietF32;

store!(QuietF32, 4, |sixteen, to| {
    F32::store_sixteen(to, with_quiet(sixteen, sixteen));
});

/// The lower and the upper eight numbers of a register.
#[inline(always)]
pub unsafe fn halves(sixteen: __m512) -> [__m256; 2] {
    // SAFETY: the module's features.
    unsafe {
        [
            _mm512_castps512_ps256(sixteen),
            _mm512_extractf32x8_ps::<1>(sixteen),
        ]
    }
}

impl Store<__m512> for BF16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let rounded = each!(singles, |sixteen| with_quiet(
                rounded_to_brain(sixteen),
                sixteen
            ));
            UpperHalves::store(to, rounded, parameters);
        }
    }
}

store_sixteen!(BF16, |sixteen, to| {
    let rounded = with_quiet(rounded_to_brain(sixteen), sixteen);
    UpperHalves::store_sixteen(to, rounded);
});

/// bfloat16 of what is not NaN: integers.
pub struct BrainOfNumbers;

impl Store<__m512> for BrainOfNumbers {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let rounded = each!(singles, |sixteen| rounded_to_brain(sixteen));
            UpperHalves::store(to, rounded, parameters);
        }
    }
}

store_sixteen!(BrainOfNumbers, |sixteen, to| {
    UpperHalves::store_sixteen(to, rounded_to_brain(sixteen));
});

/// Sixteen numbers that are not NaN, rounded so that their upper halves are bfloat16.
#[inline(always)]
unsafe fn rounded_to_brain(sixteen: __m512) -> __m512 {
    // SAFETY: the module's features.
    unsafe {
        let bits = _mm512_castps_si512(sixteen);
        let is_odd = _mm512_test_epi32_mask(bits, set32(1 << 16));
        let carried = _mm512_add_epi32(bits, set32(0x7fff));
        _mm512_castsi512_ps(_mm512_mask_add_epi32(carried, is_odd, bits, set32(0x8000)))
    }
}

/// bfloat16 of numbers that it holds.
pub struct UpperHalves;

impl Store<__m512> for UpperHalves {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let [a, b, c, d] = each!(singles, |sixteen| _mm512_castps_si512(sixteen));
            store512(to, upper_halves(a, b));
            store512(to.add(64), upper_halves(c, d));
        }
    }
}

store_sixteen!(UpperHalves, |sixteen, to| {
    let bits = _mm512_castps_si512(sixteen);
    store256(to, _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(bits)));
});

/// The upper halves of two registers in one.
#[inline(always)]
unsafe fn upper_halves(first: __m512i, second: __m512i) -> __m512i {
    const PLACES: [u16; 32] = {
        let mut places = [0; 32];
        let mut i = 0;
        while i < 32 {
            places[i] = (2 * (i % 16) + i / 16) as u16;
            i += 1;
        }
        places
    };
    // SAFETY: the module's features; the table is as long as a register.
    unsafe {
        let lowered = _mm512_srli_epi32::<16>(first);
        let mixed = _mm512_mask_blend_epi16(0xaaaa_aaaa, lowered, second);
        _mm512_permutexvar_epi16(load512(PLACES.as_ptr().cast()), mixed)
    }
}

/// The floats of at most 8 bits, one to a byte.
pub struct Small<F>(F);

impl<F: Float> Store<__m512> for Small<F> {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let codes = each!(singles, |sixteen| magnitudes(
                sixteen,
                F::FORMAT,
                parameters
            ));
            // Held inside eight bits, the numbers keep their signs.
            let signs = each!(singles, |sixteen| _mm512_castps_si512(sixteen));
            let bytes = join_signs(packed::<false>(codes), packed::<true>(signs), F::FORMAT);
            store_in_order(to, bytes);
        }
    }
}

/// [`crate::convert::packed::narrow::narrow`] of sixteen numbers, to a format of at most 8 bits, without their signs.
#[inline(always)]
unsafe fn magnitudes(sixteen: __m512, format: Format, parameters: Parameters) -> __m512i {
    const FRACTION: u32 = 23;
    const BIAS: i32 = 127;
    let lost = FRACTION - format.fraction_bits;
    let offset = ((BIAS - format.bias) as u32) << FRACTION;
    // SAFETY: the module's features.
    unsafe {
        let bits = _mm512_castps_si512(sixteen);
        let magnitude = _mm512_and_si512(bits, set32(u32::MAX >> 1));
        // An addition that carries into the places that stay. Overflow is met below.
        let half = 1 << (lost - 1);
        let is_odd = _mm512_test_epi32_mask(bits, set32(1 << lost));
        let carried = _mm512_add_epi32(magnitude, set32((half - 1u32).wrapping_sub(offset)));
        let up = set32(half.wrapping_sub(offset));
        let carried = _mm512_mask_add_epi32(carried, is_odd, magnitude, up);
        let code = _mm512_srl_epi32(carried, _mm_cvtsi32_si128(lost as i32));
        // Below the smallest normal number the last place is always the same: that of a power of two, to which the
        // processor rounds.
        let smallest = offset + (1 << FRACTION);
        let anchor = set32(smallest + (lost << FRACTION));
        let sum = _mm512_add_ps(_mm512_castsi512_ps(magnitude), _mm512_castsi512_ps(anchor));
        let is_below = _mm512_cmplt_epu32_mask(magnitude, set32(smallest));
        let code = _mm512_mask_sub_epi32(code, is_below, _mm512_castps_si512(sum), anchor);
        let code = _mm512_min_epu32(code, set32(parameters.overflowed));
        let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(sixteen, sixteen);
        let encoding = match format.special {
            Special::Ieee => {
                let payload = _mm512_srl_epi32(magnitude, _mm_cvtsi32_si128(lost as i32));
                let payload = _mm512_and_si512(payload, set32((1 << format.fraction_bits) - 1));
                let quiet = format.infinity() as u32 | 1 << (format.fraction_bits - 1);
                _mm512_or_si512(payload, set32(quiet))
            }
            Special::Fn => set32(format.largest() as u32 + 1),
            Special::Fnuz | Special::Finite => set32(format.sign() as u32),
        };
        _mm512_mask_mov_epi32(code, nan, encoding)
    }
}

impl Store<__m512> for Scale {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let codes = each!(singles, |sixteen| scales(sixteen, parameters));
            store_in_order(to, packed::<false>(codes));
        }
    }
}

/// [`crate::convert::packed::element::E8M0`] of sixteen numbers.
#[inline(always)]
unsafe fn scales(sixteen: __m512, parameters: Parameters) -> __m512i {
    const NAN: u32 = 0xff;
    const INFINITY: u32 = 0xff << 23;
    const HALF: u32 = 1 << 22;
    // SAFETY: the module's features.
    unsafe {
        let bits = _mm512_castps_si512(sixteen);
        // The exponent, and one more from the middle on; of the smallest value, 2^-127, from just above it on.
        let is_small = _mm512_cmplt_epu32_mask(bits, set32(1 << 23));
        let up = _mm512_mask_mov_epi32(set32(HALF), is_small, set32(HALF - 1));
        let code = _mm512_srli_epi32::<23>(_mm512_add_epi32(bits, up));
        let code = _mm512_min_epu32(code, set32(parameters.overflowed));
        // What has a sign is above infinity, too, and so is zero.
        let before = _mm512_sub_epi32(bits, set32(1));
        let is_none = _mm512_cmpge_epu32_mask(before, set32(INFINITY));
        _mm512_mask_mov_epi32(code, is_none, set32(NAN))
    }
}

/// Writes bytes that were packed twice: by halves of 256 bits, each by halves.
#[inline(always)]
unsafe fn store_in_order(to: *mut u8, bytes: __m512i) {
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        // Fours of bytes are 0, 4, 8, 12, 1, 5, and so on.
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        store512(to, _mm512_permutexvar_epi32(order, bytes));
    }
}

/// Writes words that were packed once.
#[inline(always)]
unsafe fn store_words(to: *mut u8, first: __m512i, second: __m512i) {
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
        store512(to, _mm512_permutexvar_epi64(order, first));
        store512(to.add(64), _mm512_permutexvar_epi64(order, second));
    }
}

/// [`beyond`] of a group.
#[inline(always)]
unsafe fn words_beyond(singles: Singles) -> Words {
    // SAFETY: the module's features.
    unsafe { each!(singles, |sixteen| beyond(sixteen)) }
}

/// Toward zero, held far beyond 16 bits, where packing holds them inside; NaN is 0.
#[inline(always)]
unsafe fn beyond(sixteen: __m512) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        let number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(sixteen, sixteen);
        // What is too low becomes the lowest integer.
        let held = _mm512_min_ps(sixteen, _mm512_set1_ps(1048576.0));
        _mm512_maskz_cvttps_epi32(number, held)
    }
}

/// The same from zero on.
#[inline(always)]
unsafe fn beyond_from_zero(sixteen: __m512) -> __m512i {
    // SAFETY: the module's features.
    unsafe { _mm512_max_epi32(beyond(sixteen), _mm512_setzero_si512()) }
}

/// What is below zero, or is NaN, as zero.
#[inline(always)]
unsafe fn from_zero(sixteen: __m512) -> __m512 {
    // SAFETY: the module's features. The second operand is the result where the first is NaN.
    unsafe { _mm512_max_ps(sixteen, _mm512_setzero_ps()) }
}

/// Whether a float is not zero, which has no other bit set than its sign.
pub struct Nonzero;

impl Store<__m512> for Nonzero {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let magnitudes = each!(singles, |sixteen| _mm512_and_si512(
                _mm512_castps_si512(sixteen),
                set32(u32::MAX >> 1)
            ));
            // Held inside eight bits, what is not zero stays so.
            store_in_order(to, _mm512_min_epu8(packed::<true>(magnitudes), set8(1)));
        }
    }
}

store_sixteen!(Nonzero, |sixteen, to| {
    let bits = _mm512_castps_si512(sixteen);
    let mask = _mm512_test_epi32_mask(bits, set32(u32::MAX >> 1));
    let ones = _mm_maskz_mov_epi8(mask, _mm_set1_epi8(1));
    store128(to, ones);
});

/// An integer that is packed from those of 32 bits.
pub trait FromWords: Store<__m512> {
    /// Writes a group of integers, held inside what there is of them.
    ///
    /// # Safety
    /// It is writable.
    unsafe fn store_packed(to: *mut u8, integers: Words);
}

/// Implements [`FromWords`], and [`Store`] by it.
macro_rules! from_words {
    ($name:ident, $size:literal, |$integers:ident, $to:ident| $store:expr) => {
        impl FromWords for $name {
            #[inline(always)]
            unsafe fn store_packed($to: *mut u8, $integers: Words) {
                // SAFETY: the caller's promise.
                unsafe { $store }
            }
        }

        impl Store<__m512> for $name {
            const SIZE: usize = $size;
            #[inline(always)]
            unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
                // SAFETY: the caller's promise.
                unsafe { Self::store_packed(to, words_beyond(singles)) }
            }
        }
    };
}

from_words!(I8, 1, |words, to| store_in_order(to, packed::<true>(words)));
from_words!(U8, 1, |words, to| store_in_order(
    to,
    packed::<false>(words)
));
from_words!(I16, 2, |words, to| {
    let [a, b, c, d] = words;
    store_words(to, _mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
});
from_words!(U16, 2, |words, to| {
    let [a, b, c, d] = words;
    store_words(to, _mm512_packus_epi32(a, b), _mm512_packus_epi32(c, d));
});
store_sixteen!(I8, |sixteen, to| {
    store128(to, _mm512_cvtsepi32_epi8(beyond(sixteen)));
});
store_sixteen!(U8, |sixteen, to| {
    let words = beyond_from_zero(sixteen);
    store128(to, _mm512_cvtusepi32_epi8(words));
});
store_sixteen!(I16, |sixteen, to| {
    store256(to, _mm512_cvtsepi32_epi16(beyond(sixteen)));
});
store_sixteen!(U16, |sixteen, to| {
    store256(to, _mm512_cvtusepi32_epi16(beyond_from_zero(sixteen)));
});
store!(I32, 4, |sixteen, to| {
    let number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(sixteen, sixteen);
    // What is out of range becomes the lowest integer.
    let words = _mm512_maskz_cvttps_epi32(number, sixteen);
    let high = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(sixteen, _mm512_set1_ps(2147483648.0));
    let words = _mm512_mask_mov_epi32(words, high, set32(i32::MAX as u32));
    store512(to, words);
});
store!(U32, 4, |sixteen, to| {
    // What is too high becomes the highest integer.
    store512(to, _mm512_cvttps_epu32(from_zero(sixteen)));
});
store!(I64, 8, |sixteen, to| {
    let number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(sixteen, sixteen);
    let end = _mm512_set1_ps(9223372036854775808.0);
    let high = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(sixteen, end);
    for (half, eight) in halves(sixteen).into_iter().enumerate() {
        let (number, high) = ((number >> (8 * half)) as u8, (high >> (8 * half)) as u8);
        let longs = _mm512_maskz_cvttps_epi64(number, eight);
        let longs = _mm512_mask_mov_epi64(longs, high, _mm512_set1_epi64(i64::MAX));
        store512(to.add(64 * half), longs);
    }
});
store!(U64, 8, |sixteen, to| {
    let [low, high] = halves(from_zero(sixteen));
    store512(to, _mm512_cvttps_epu64(low));
    store512(to.add(64), _mm512_cvttps_epu64(high));
});
