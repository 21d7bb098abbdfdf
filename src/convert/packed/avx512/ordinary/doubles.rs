//! float64 to integers of up to four bytes, by halves of registers: what is packed from them is in order, and lines from far away come
//! sooner.

use super::*;

/// float64 to integers of one and two bytes.
pub struct Doubles<T>(T);

/// An integer that is made of ones of 32 bits.
pub trait Narrowed {
    /// Bytes of an element.
    const SIZE: usize;
    /// Writes sixteen, each the lowest of its kind or of those that it is made of if the number was NaN or is not held by 32 bits. Returns
    /// whether there may be such a number: where a bit is set.
    ///
    /// # Safety
    /// They are readable and writable; the processor has the module's features.
    unsafe fn sixteen(from: *const u8, to: *mut u8) -> __mmask8;
}

impl Narrowed for I16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn sixteen(from: *const u8, to: *mut u8) -> __mmask8 {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (eight_words(from), eight_words(from.add(64)));
            store128(to, low);
            store128(to.add(16), high);
            lowest_words(low, high)
        }
    }
}

impl Narrowed for U16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn sixteen(from: *const u8, to: *mut u8) -> __mmask8 {
        // SAFETY: the caller's promise.
        unsafe {
            // The lowest of words that have no sign may be what becomes of any number below zero.
            let (a, b) = (four_integers(from), four_integers(from.add(32)));
            let (c, d) = (four_integers(from.add(64)), four_integers(from.add(96)));
            store128(to, _mm_packus_epi32(a, b));
            store128(to.add(16), _mm_packus_epi32(c, d));
            let lowest = _mm_min_epi32(_mm_min_epi32(a, b), _mm_min_epi32(c, d));
            _mm_cmpeq_epi32_mask(lowest, _mm_set1_epi32(i32::MIN))
        }
    }
}

impl Narrowed for I8 {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn sixteen(from: *const u8, to: *mut u8) -> __mmask8 {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (eight_words(from), eight_words(from.add(64)));
            store128(to, _mm_packs_epi16(low, high));
            lowest_words(low, high)
        }
    }
}

impl Narrowed for U8 {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn sixteen(from: *const u8, to: *mut u8) -> __mmask8 {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (eight_words(from), eight_words(from.add(64)));
            store128(to, _mm_packus_epi16(low, high));
            lowest_words(low, high)
        }
    }
}

/// Four numbers toward zero. What is NaN, or not held, becomes the lowest integer.
#[inline(always)]
unsafe fn four_integers(from: *const u8) -> __m128i {
    // SAFETY: the caller's promise that they are readable.
    unsafe { _mm256_cvttpd_epi32(_mm256_loadu_pd(from.cast())) }
}

/// Those held inside sixteen bits.
#[inline(always)]
unsafe fn eight_words(from: *const u8) -> __m128i {
    // SAFETY: as above.
    unsafe { _mm_packs_epi32(four_integers(from), four_integers(from.add(32))) }
}

/// Where one of two words is the lowest.
#[inline(always)]
unsafe fn lowest_words(low: __m128i, high: __m128i) -> __mmask8 {
    // SAFETY: the module's features.
    unsafe { _mm_cmpeq_epi16_mask(_mm_min_epi16(low, high), _mm_set1_epi16(i16::MIN)) }
}

impl<T: Narrowed> Ordinary for Doubles<T> {
    const FROM: usize = 8;
    const TO: usize = T::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let lowest = each!([0, 16, 32, 48], |first| {
                T::sixteen(from.add(8 * first), to.add(T::SIZE * first))
            });
            lowest == [0; 4]
        }
    }
}

/// float64 to int32, eight by themselves: that lines come sooner is worth more than that there are fewer tests.
pub struct EightIntegers;

impl Ordinary for EightIntegers {
    const FROM: usize = 8;
    const TO: usize = 4;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let low = _mm256_castsi128_si256(four_integers(from));
            let integers = _mm256_inserti128_si256::<1>(low, four_integers(from.add(32)));
            store256(to, integers);
            _mm256_cmpeq_epi32_mask(integers, _mm256_set1_epi32(i32::MIN)) == 0
        }
    }
}
