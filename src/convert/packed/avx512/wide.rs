//! What does not pass through binary32: binary64 to what is as precise as it, and short cuts for bools.

use super::*;

/// binary64, eight numbers at a time.
pub struct Doubles<S>(S);

/// What eight numbers of binary64 become.
pub trait FromDoubles: Store {
    /// Writes them.
    ///
    /// # Safety
    /// Eight elements are writable.
    unsafe fn store_eight(to: *mut u8, numbers: __m512d);
}

impl<S: FromDoubles> Group for Doubles<S> {
    const FROM: usize = 8;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..GROUP / 8 {
            // SAFETY: the caller's promise.
            unsafe {
                let numbers = _mm512_loadu_pd(from.add(64 * i).cast());
                S::store_eight(to.add(8 * S::SIZE * i), numbers);
            }
        }
    }
}

/// Implements [`FromDoubles`].
macro_rules! from_doubles {
    ($name:ident, |$numbers:ident, $to:ident| $store:expr) => {
        impl FromDoubles for $name {
            #[inline(always)]
            unsafe fn store_eight($to: *mut u8, $numbers: __m512d) {
                // SAFETY: the caller's promise.
                unsafe { $store }
            }
        }
    };
}

from_doubles!(F32, |numbers, to| _mm256_storeu_ps(
    to.cast(),
    _mm512_cvtpd_ps(numbers)
));
from_doubles!(F64, |numbers, to| {
    // Halves of complex numbers, whose NaNs become quiet, both kinds of them, four bits each.
    const QUIET: i64 = 0x22;
    let quiet = _mm512_fixupimm_pd::<0>(numbers, numbers, _mm512_set1_epi64(QUIET));
    _mm512_storeu_pd(to.cast(), quiet);
});
from_doubles!(I32, |numbers, to| {
    let number = _mm512_cmp_pd_mask::<_CMP_ORD_Q>(numbers, numbers);
    // What is too low becomes the lowest integer.
    let held = _mm512_min_pd(numbers, _mm512_set1_pd(2147483647.0));
    store256(to, _mm512_maskz_cvttpd_epi32(number, held));
});
from_doubles!(U32, |numbers, to| {
    // What is too high becomes the highest integer.
    store256(to, _mm512_cvttpd_epu32(from_zero(numbers)));
});
from_doubles!(I64, |numbers, to| {
    let number = _mm512_cmp_pd_mask::<_CMP_ORD_Q>(numbers, numbers);
    let end = _mm512_set1_pd(9223372036854775808.0);
    let high = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(numbers, end);
    let longs = _mm512_maskz_cvttpd_epi64(number, numbers);
    store512(
        to,
        _mm512_mask_mov_epi64(longs, high, _mm512_set1_epi64(i64::MAX)),
    );
});
from_doubles!(U64, |numbers, to| {
    store512(to, _mm512_cvttpd_epu64(from_zero(numbers)));
});

/// What is below zero, or is NaN, as zero.
#[inline(always)]
unsafe fn from_zero(numbers: __m512d) -> __m512d {
    // SAFETY: the module's features. The second operand is the result where the first is NaN.
    unsafe { _mm512_max_pd(numbers, _mm512_setzero_pd()) }
}

/// Floats of `SIZE` bytes to bool: zero has no other bit set than its sign.
pub struct Nonzero<const SIZE: usize>;

impl<const SIZE: usize> Group for Nonzero<SIZE> {
    const FROM: usize = SIZE;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut mask: __mmask64 = 0;
            for i in 0..SIZE {
                let bits = load512(from.add(64 * i));
                let part = match SIZE {
                    2 => u64::from(_mm512_test_epi16_mask(bits, set16(0x7fff))),
                    4 => u64::from(_mm512_test_epi32_mask(bits, set32(u32::MAX >> 1))),
                    _ => {
                        let magnitude = _mm512_set1_epi64(i64::MAX);
                        u64::from(_mm512_test_epi64_mask(bits, magnitude))
                    }
                };
                mask |= part << (64 / SIZE * i);
            }
            store512(to, _mm512_maskz_mov_epi8(mask, set8(1)));
        }
    }
}

/// Bool to a 16-bit float, which is 0 or `ONE`.
pub struct BoolToHalf<const ONE: u32>;

impl<const ONE: u32> Group for BoolToHalf<ONE> {
    const FROM: usize = 1;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = load512(from);
            let mask = _mm512_test_epi8_mask(bytes, bytes);
            store512(to, _mm512_maskz_mov_epi16(mask as u32, set16(ONE)));
            let high = (mask >> 32) as u32;
            store512(to.add(64), _mm512_maskz_mov_epi16(high, set16(ONE)));
        }
    }
}
