//! float64 to integers of up to four bytes, by way of those of four.

use super::*;

/// float64 to integers of one and two bytes.
pub struct Doubles<T>(T);

impl<T: FromWords> Ordinary for Doubles<T> {
    const FROM: usize = 8;
    const TO: usize = T::SIZE;
    type Seen = __m512i;
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the module's features.
        unsafe { highest() }
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __m512i, _: Parameters) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!([0, 128, 256, 384], |at| sixteen_integers(from.add(at)));
            T::store_packed(to, words);
            lowest(seen, words)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the module's features.
        unsafe { are_held(seen) }
    }
}

/// Sixteen numbers toward zero. What is NaN, or not held, becomes the lowest integer.
#[inline(always)]
unsafe fn sixteen_integers(from: *const u8) -> __m512i {
    // SAFETY: the caller's promise that they are readable.
    unsafe {
        let low = _mm512_cvttpd_epi32(_mm512_loadu_pd(from.cast()));
        let high = _mm512_cvttpd_epi32(_mm512_loadu_pd(from.add(64).cast()));
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }
}

/// float64 to integers of two bytes by halves of registers: lines from far away come sooner.
pub struct Halved<T>(T);

/// An integer of two bytes that is packed from one of 32 bits.
pub trait Packed {
    /// Eight, held inside sixteen bits.
    ///
    /// # Safety
    /// The processor has the module's features.
    unsafe fn packed(low: __m128i, high: __m128i) -> __m128i;
}

impl Packed for I16 {
    #[inline(always)]
    unsafe fn packed(low: __m128i, high: __m128i) -> __m128i {
        // SAFETY: the caller's promise.
        unsafe { _mm_packs_epi32(low, high) }
    }
}

impl Packed for U16 {
    #[inline(always)]
    unsafe fn packed(low: __m128i, high: __m128i) -> __m128i {
        // SAFETY: the caller's promise.
        unsafe { _mm_packus_epi32(low, high) }
    }
}

impl<T: Packed> Ordinary for Halved<T> {
    const FROM: usize = 8;
    const TO: usize = 2;
    type Seen = __m128i;
    #[inline(always)]
    unsafe fn nothing() -> __m128i {
        // SAFETY: the module's features.
        unsafe { _mm_set1_epi32(i32::MAX) }
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __m128i, _: Parameters) -> __m128i {
        // SAFETY: the caller's promise.
        unsafe {
            let least = each!([0, 16, 32, 48], |first| {
                let (from, to) = (from.add(8 * first), to.add(2 * first));
                let [a, b, c, d] = each!([0, 32, 64, 96], |at| {
                    _mm256_cvttpd_epi32(_mm256_loadu_pd(from.add(at).cast()))
                });
                store128(to, T::packed(a, b));
                store128(to.add(16), T::packed(c, d));
                _mm_min_epi32(_mm_min_epi32(a, b), _mm_min_epi32(c, d))
            });
            let [a, b, c, d] = least;
            let least = _mm_min_epi32(_mm_min_epi32(a, b), _mm_min_epi32(c, d));
            _mm_min_epi32(seen, least)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m128i) -> bool {
        // SAFETY: the module's features.
        unsafe { _mm_cmpeq_epi32_mask(seen, _mm_set1_epi32(i32::MIN)) == 0 }
    }
}

/// float64 to int32 by quarters of registers, eight at a time.
pub struct Quartered;

impl Ordinary for Quartered {
    const FROM: usize = 8;
    const TO: usize = 4;
    type Seen = __m256i;
    #[inline(always)]
    unsafe fn nothing() -> __m256i {
        // SAFETY: the module's features.
        unsafe { _mm256_set1_epi32(i32::MAX) }
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __m256i, _: Parameters) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe {
            let [a, b, c, d] = each!([0, 16, 32, 48], |at| {
                _mm_cvttpd_epi32(_mm_loadu_pd(from.add(at).cast()))
            });
            let low = _mm256_castsi128_si256(_mm_unpacklo_epi64(a, b));
            let both = _mm256_inserti128_si256::<1>(low, _mm_unpacklo_epi64(c, d));
            store256(to, both);
            _mm256_min_epi32(seen, both)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m256i) -> bool {
        // SAFETY: the module's features.
        unsafe { _mm256_cmpeq_epi32_mask(seen, _mm256_set1_epi32(i32::MIN)) == 0 }
    }
}
