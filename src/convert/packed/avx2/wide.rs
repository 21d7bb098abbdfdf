//! What does not pass through binary32: binary64 to integers, 64-bit integers to floats, and short cuts for bools and bytes.

use super::*;

/// Four numbers toward zero, held inside 64 bits; NaN is 0.
///
/// The significand is moved to its place: left, right, or out, since a shift by 64 or more (a negative one is more) gives
/// zero.
#[inline(always)]
pub unsafe fn long<const SIGNED: bool>(numbers: __m256d) -> __m256i {
    // SAFETY: the module's features.
    unsafe {
        #[inline(always)]
        unsafe fn set(value: i64) -> __m256i {
            // SAFETY: the module's features.
            unsafe { _mm256_set1_epi64x(value) }
        }
        let zero = _mm256_setzero_si256();
        let bits = _mm256_castpd_si256(numbers);
        let negative = _mm256_cmpgt_epi64(zero, bits);
        let magnitude = _mm256_and_si256(bits, set(i64::MAX));
        let exponent = _mm256_srli_epi64::<52>(magnitude);
        let fraction = _mm256_and_si256(bits, set((1 << 52) - 1));
        let significand = _mm256_or_si256(fraction, set(1 << 52));
        let left = _mm256_sub_epi64(exponent, set(1075));
        let moved = _mm256_or_si256(
            _mm256_sllv_epi64(significand, left),
            _mm256_srlv_epi64(significand, _mm256_sub_epi64(zero, left)),
        );
        let integers = if SIGNED {
            let too_large = _mm256_cmpgt_epi64(exponent, set(1023 + 62));
            let held = _mm256_blendv_epi8(moved, set(i64::MAX), too_large);
            // The complement of the highest integer is the lowest one; of others it is one less than their negative.
            let one_more = _mm256_andnot_si256(too_large, negative);
            _mm256_sub_epi64(_mm256_xor_si256(held, negative), one_more)
        } else {
            let too_large = _mm256_cmpgt_epi64(exponent, set(1023 + 63));
            _mm256_andnot_si256(negative, _mm256_or_si256(moved, too_large))
        };
        let nan = _mm256_cmp_pd::<_CMP_UNORD_Q>(numbers, numbers);
        _mm256_andnot_si256(_mm256_castpd_si256(nan), integers)
    }
}

/// binary64 to integers.
pub struct Doubles<S>(S);

/// An integer that binary64 is converted to.
pub trait FromDoubles: Store<__m256> {
    /// Writes a group from four numbers at a time.
    ///
    /// # Safety
    /// The group is readable and writable.
    unsafe fn convert(from: *const u8, to: *mut u8);
}

impl<S: FromDoubles> Group for Doubles<S> {
    const FROM: usize = 8;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { S::convert(from, to) }
    }
}

/// Four integers of 32 bits, from numbers held inside them, signed; NaN is 0.
#[inline(always)]
pub unsafe fn four_words(from: *const u8) -> __m128i {
    // SAFETY: the caller's promise that four numbers are readable.
    unsafe {
        let number = _mm256_loadu_pd(from.cast());
        let number = _mm256_and_pd(number, _mm256_cmp_pd::<_CMP_ORD_Q>(number, number));
        // What is too low becomes the lowest integer.
        _mm256_cvttpd_epi32(_mm256_min_pd(number, _mm256_set1_pd(2147483647.0)))
    }
}

/// A group of them.
#[inline(always)]
pub unsafe fn words_of_doubles(from: *const u8) -> Words {
    // SAFETY: the caller's promise that a group is readable.
    unsafe {
        each!([0, 64, 128, 192], |first| {
            let at = from.add(first);
            _mm256_set_m128i(four_words(at.add(32)), four_words(at))
        })
    }
}

/// Four numbers held inside 32 bits, unsigned, as 2^52 more: the low halves are the integers. NaN is 0.
#[inline(always)]
pub unsafe fn four_unsigned(from: *const u8) -> __m256d {
    // SAFETY: the caller's promise that four numbers are readable.
    unsafe {
        let number = _mm256_max_pd(_mm256_loadu_pd(from.cast()), _mm256_setzero_pd());
        let number = _mm256_min_pd(number, _mm256_set1_pd(4294967295.0));
        let whole = _mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(number);
        _mm256_add_pd(whole, _mm256_set1_pd(4503599627370496.0))
    }
}

/// Which of four numbers are not zero, as masks.
#[inline(always)]
pub unsafe fn four_nonzero(from: *const u8) -> __m256d {
    // SAFETY: the caller's promise that four numbers are readable.
    unsafe { _mm256_cmp_pd::<_CMP_NEQ_UQ>(_mm256_loadu_pd(from.cast()), _mm256_setzero_pd()) }
}

/// Implements [`FromDoubles`].
macro_rules! from_doubles {
    ($name:ident, |$from:ident, $to:ident| $convert:expr) => {
        impl FromDoubles for $name {
            #[inline(always)]
            unsafe fn convert($from: *const u8, $to: *mut u8) {
                // SAFETY: the caller's promise.
                unsafe { $convert }
            }
        }
    };
}

from_doubles!(I8, |from, to| store_bytes(
    to,
    words_of_doubles(from),
    packs_epi16
));
from_doubles!(U8, |from, to| store_bytes(
    to,
    words_of_doubles(from),
    packus_epi16
));
from_doubles!(I16, |from, to| store_words(
    to,
    words_of_doubles(from),
    packs_epi32
));
from_doubles!(U16, |from, to| store_words(
    to,
    words_of_doubles(from),
    packus_epi32
));
from_doubles!(I32, |from, to| {
    for (i, words) in words_of_doubles(from).into_iter().enumerate() {
        store256(to.add(32 * i), words);
    }
});
from_doubles!(U32, |from, to| {
    for i in 0..4 {
        let at = from.add(64 * i);
        let words = halves(four_unsigned(at), four_unsigned(at.add(32)));
        store256(to.add(32 * i), words);
    }
});
from_doubles!(I64, |from, to| {
    for i in 0..8 {
        let number = _mm256_loadu_pd(from.add(32 * i).cast());
        store256(to.add(32 * i), long::<true>(number));
    }
});
from_doubles!(U64, |from, to| {
    for i in 0..8 {
        let number = _mm256_loadu_pd(from.add(32 * i).cast());
        store256(to.add(32 * i), long::<false>(number));
    }
});
from_doubles!(BoolTarget, |from, to| {
    let words = each!([0, 64, 128, 192], |first| {
        let at = from.add(first);
        _mm256_srli_epi32::<31>(halves(four_nonzero(at), four_nonzero(at.add(32))))
    });
    store_bytes(to, words, packs_epi16);
});

/// Bool to a 16-bit float, which is 0 or `ONE`.
pub struct BoolToHalf<const ONE: i16>;

impl<const ONE: i16> Group for BoolToHalf<ONE> {
    const FROM: usize = 1;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..2 {
            // SAFETY: the caller's promise.
            unsafe {
                let bytes = _mm256_cvtepu8_epi16(load128(from.add(16 * i)));
                let zero = _mm256_cmpeq_epi16(bytes, _mm256_setzero_si256());
                let halves = _mm256_andnot_si256(zero, _mm256_set1_epi16(ONE));
                store256(to.add(32 * i), halves);
            }
        }
    }
}

/// 8-bit integers to bfloat16, whose eight significant bits hold them: nothing is rounded.
pub struct ByteToBrain<L>(L);

impl<L: Load<__m256>> Group for ByteToBrain<L> {
    const FROM: usize = 1;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(L::load(from), |eight| _mm256_srli_epi32::<16>(
                _mm256_castps_si256(eight)
            ));
            store_words(to, words, packus_epi32);
        }
    }
}

/// 64-bit integers to the nearest binary64.
pub struct LongToDouble<const SIGNED: bool>;

impl<const SIGNED: bool> Group for LongToDouble<SIGNED> {
    const FROM: usize = 8;
    const TO: usize = 8;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..8 {
            // SAFETY: the caller's promise.
            unsafe {
                let numbers = doubles::<SIGNED>(load256(from.add(32 * i)));
                _mm256_storeu_pd(to.add(32 * i).cast(), numbers);
            }
        }
    }
}

/// 64-bit integers to the nearest binary32, through a binary64 that is odd where bits were lost.
pub struct LongToSingle<const SIGNED: bool>;

impl<const SIGNED: bool> Group for LongToSingle<SIGNED> {
    const FROM: usize = 8;
    const TO: usize = 4;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..8 {
            // SAFETY: the caller's promise.
            unsafe {
                let numbers = odd_double::<SIGNED>(load256(from.add(32 * i)));
                _mm_storeu_ps(to.add(16 * i).cast(), _mm256_cvtpd_ps(numbers));
            }
        }
    }
}
