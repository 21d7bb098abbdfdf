//! Integers of four and eight bytes, from floats of sixteen bits and to bfloat16.

use super::*;

/// Floats of sixteen bits to signed integers of four and eight bytes.
pub struct Integers<L, T>(L, T);

/// An integer that is made of one of 32 bits.
pub trait Widened {
    /// Bytes of an element.
    const SIZE: usize;
    /// Writes sixteen.
    ///
    /// # Safety
    /// They are writable.
    unsafe fn store_sixteen(to: *mut u8, integers: __m512i);
}

impl Widened for I32 {
    const SIZE: usize = 4;
    #[inline(always)]
    unsafe fn store_sixteen(to: *mut u8, integers: __m512i) {
        // SAFETY: the caller's promise.
        unsafe { store512(to, integers) }
    }
}

impl Widened for I64 {
    const SIZE: usize = 8;
    #[inline(always)]
    unsafe fn store_sixteen(to: *mut u8, integers: __m512i) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (
                _mm512_castsi512_si256(integers),
                _mm512_extracti64x4_epi64::<1>(integers),
            );
            store512(to, _mm512_cvtepi32_epi64(low));
            store512(to.add(64), _mm512_cvtepi32_epi64(high));
        }
    }
}

impl<L: Load<__m512>, T: Widened> Ordinary for Integers<L, T> {
    const FROM: usize = L::SIZE;
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
            let words = each!(L::load(from), |sixteen| _mm512_cvttps_epi32(sixteen));
            for (i, words) in words.into_iter().enumerate() {
                T::store_sixteen(to.add(16 * T::SIZE * i), words);
            }
            lowest(seen, words)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the module's features.
        unsafe { are_held(seen) }
    }
}

/// What no integer is above.
#[inline(always)]
pub unsafe fn highest() -> __m512i {
    // SAFETY: the module's features.
    unsafe { set32(i32::MAX as u32) }
}

/// The least integers, of each place of a register.
#[inline(always)]
pub unsafe fn lowest(seen: __m512i, [a, b, c, d]: Words) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        let lowest = _mm512_min_epi32(_mm512_min_epi32(a, b), _mm512_min_epi32(c, d));
        _mm512_min_epi32(seen, lowest)
    }
}

/// Whether no integer is the lowest, which is what becomes of a number that is NaN or not held.
#[inline(always)]
pub unsafe fn are_held(lowest: __m512i) -> bool {
    // SAFETY: the module's features.
    unsafe { _mm512_cmpeq_epi32_mask(lowest, set32(i32::MIN as u32)) == 0 }
}

/// Up to here binary32 holds all integers.
const HELD: i64 = 1 << 24;

/// Integers of eight bytes to bfloat16, where binary32 holds them.
pub struct Short<const SIGNED: bool, S>(S);

impl<const SIGNED: bool, S: Store<__m512>> Ordinary for Short<SIGNED, S> {
    const FROM: usize = 8;
    const TO: usize = S::SIZE;
    type Seen = __m512i;
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the module's features.
        unsafe { _mm512_setzero_si512() }
    }
    #[inline(always)]
    unsafe fn convert(
        from: *const u8,
        to: *mut u8,
        seen: __m512i,
        parameters: Parameters,
    ) -> __m512i {
        // The first, the second or the third.
        const OR: i32 = 0xfe;
        // SAFETY: the caller's promise.
        unsafe {
            let lower =
                _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let mut bits = seen;
            let singles = each!([0, 128, 256, 384], |at| {
                let (first, second) = (load512(from.add(at)), load512(from.add(at + 64)));
                let words = _mm512_permutex2var_epi32(first, lower, second);
                let (first, second) = match SIGNED {
                    true => (
                        _mm512_add_epi64(first, _mm512_set1_epi64(HELD)),
                        _mm512_add_epi64(second, _mm512_set1_epi64(HELD)),
                    ),
                    false => (first, second),
                };
                bits = _mm512_ternarylogic_epi64::<OR>(bits, first, second);
                _mm512_cvtepi32_ps(words)
            });
            S::store(to, singles, parameters);
            bits
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the module's features.
        unsafe {
            let end = if SIGNED { 2 * HELD } else { HELD };
            _mm512_test_epi64_mask(seen, _mm512_set1_epi64(-end)) == 0
        }
    }
}
