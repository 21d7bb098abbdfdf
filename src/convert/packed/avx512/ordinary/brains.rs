//! bfloat16 to integers of one and two bytes and to float16.

use super::*;
use crate::convert::float::Float;
use crate::convert::packed::avx512::bytes::shift_left;

/// bfloat16 to integers of one and two bytes.
pub struct Brains<T>(T);

/// An integer that is packed from ones of 32 bits.
pub trait Packed {
    /// Bytes of an element.
    const SIZE: usize;
    /// Thirty-two words of two registers, which have the elements at even places and the others: in each quarter the former come first.
    ///
    /// # Safety
    /// The processor has the module's features.
    #[inline(always)]
    unsafe fn words(first: __m512i, second: __m512i) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packs_epi32(first, second) }
    }
    /// What is collected of no group.
    ///
    /// # Safety
    /// The processor has the module's features.
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { highest_word() }
    }
    /// That, and of a group of which these are the words, and these the numbers.
    ///
    /// # Safety
    /// The processor has the module's features.
    #[inline(always)]
    unsafe fn collect(seen: __m512i, words: [__m512i; 2], _: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { lowest_words(seen, words) }
    }
    /// Whether it is ordinary.
    ///
    /// # Safety
    /// The processor has the module's features.
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the caller's promise.
        unsafe { are_above_lowest(seen) }
    }
    /// Writes a group of such words.
    ///
    /// # Safety
    /// It is writable.
    unsafe fn store(to: *mut u8, words: [__m512i; 2]);
}

/// Words held inside bytes.
pub trait Bytes {
    /// Two registers of words in one.
    ///
    /// # Safety
    /// The processor has the module's features.
    unsafe fn packed(words: [__m512i; 2]) -> __m512i;
}

impl Bytes for I8 {
    #[inline(always)]
    unsafe fn packed([low, high]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packs_epi16(low, high) }
    }
}

impl Bytes for U8 {
    #[inline(always)]
    unsafe fn packed([low, high]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packus_epi16(low, high) }
    }
}

impl<T: Bytes> Packed for T {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, words: [__m512i; 2]) {
        // SAFETY: the caller's promise.
        unsafe { store_bytes(to, Self::packed(words)) }
    }
}

impl Packed for I16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, words: [__m512i; 2]) {
        // SAFETY: the caller's promise.
        unsafe { store_words(to, words) }
    }
}

impl Packed for U16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn words(first: __m512i, second: __m512i) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packus_epi32(first, second) }
    }
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { set16(1 << 15) }
    }
    #[inline(always)]
    unsafe fn collect(seen: __m512i, _: [__m512i; 2], [low, high]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_max_epi16(seen, _mm512_max_epi16(low, high)) }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // As binary32 has it: what is as high becomes the lowest integer, and then zero, like what is below it.
        const END: u32 = (2147483648f32.to_bits()) >> 16;
        // SAFETY: the caller's promise.
        unsafe { _mm512_cmpge_epi16_mask(seen, set16(END)) == 0 }
    }
    #[inline(always)]
    unsafe fn store(to: *mut u8, words: [__m512i; 2]) {
        // SAFETY: the caller's promise.
        unsafe { store_words(to, words) }
    }
}

/// Writes words of which those at even places come first in each quarter of a register.
#[inline(always)]
unsafe fn store_words(to: *mut u8, [low, high]: [__m512i; 2]) {
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        let order = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
        let order = _mm512_broadcast_i32x4(order);
        store512(to, _mm512_shuffle_epi8(low, order));
        store512(to.add(64), _mm512_shuffle_epi8(high, order));
    }
}

/// Writes bytes that are packed from two such registers, the second of which follows the first in each quarter.
#[inline(always)]
unsafe fn store_bytes(to: *mut u8, bytes: __m512i) {
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        let order = _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
        let bytes = _mm512_shuffle_epi8(bytes, _mm512_broadcast_i32x4(order));
        let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
        store512(to, _mm512_permutexvar_epi64(order, bytes));
    }
}

impl<T: Packed> Brains<T> {
    #[inline(always)]
    unsafe fn words(brains: __m512i) -> __m512i {
        // SAFETY: the module's features.
        unsafe {
            let first = _mm512_slli_epi32::<16>(brains);
            // What is below the second adds less than one to what a byte holds.
            let second = match T::SIZE {
                1 => brains,
                _ => _mm512_and_si512(brains, set32(0xffff_0000)),
            };
            T::words(
                _mm512_cvttps_epi32(_mm512_castsi512_ps(first)),
                _mm512_cvttps_epi32(_mm512_castsi512_ps(second)),
            )
        }
    }
}

impl<T: Packed> Ordinary for Brains<T> {
    const FROM: usize = 2;
    const TO: usize = T::SIZE;
    type Seen = __m512i;
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the module's features.
        unsafe { T::nothing() }
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __m512i, _: Parameters) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe {
            let brains = [load512(from), load512(from.add(64))];
            let words = [Self::words(brains[0]), Self::words(brains[1])];
            T::store(to, words);
            T::collect(seen, words, brains)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the module's features.
        unsafe { T::are_ordinary(seen) }
    }
}

/// What no word is above.
#[inline(always)]
pub unsafe fn highest_word() -> __m512i {
    // SAFETY: the module's features.
    unsafe { set16(i16::MAX as u32) }
}

/// The least words, of each place of a register.
#[inline(always)]
pub unsafe fn lowest_words(seen: __m512i, [low, high]: [__m512i; 2]) -> __m512i {
    // SAFETY: the module's features.
    unsafe { _mm512_min_epi16(seen, _mm512_min_epi16(low, high)) }
}

/// Whether no word is the lowest, which is what becomes of NaN, and of what is far too high or low.
#[inline(always)]
pub unsafe fn are_above_lowest(lowest: __m512i) -> bool {
    // SAFETY: the module's features.
    unsafe { _mm512_cmpeq_epi16_mask(lowest, set16(1 << 15)) == 0 }
}

/// bfloat16 to float16, where it is zero or normal.
pub struct BrainToHalf;

impl BrainToHalf {
    const LIFT: u32 = float::F16::FORMAT.fraction_bits - float::BF16::FORMAT.fraction_bits;
    const REBIAS: u32 = (float::BF16::FORMAT.bias - float::F16::FORMAT.bias) as u32;
    const ONE: u32 = 1 << float::BF16::FORMAT.fraction_bits;

    /// Thirty-two numbers, and which are not ordinary.
    #[inline(always)]
    unsafe fn halves(brains: __m512i) -> (__m512i, __mmask32) {
        // (First and third) or second.
        const OR: i32 = 0xec;
        // SAFETY: the module's features.
        unsafe {
            let magnitudes = _mm512_and_si512(brains, set16(0x7fff));
            let nonzero = _mm512_test_epi16_mask(magnitudes, magnitudes);
            let offset = Self::REBIAS * Self::ONE;
            // Exponents from the first one of normal numbers on.
            let above = _mm512_sub_epi16(magnitudes, set16(offset + Self::ONE));
            let other = _mm512_mask_cmpge_epu16_mask(nonzero, above, set16(30 * Self::ONE));
            let rebiased = _mm512_maskz_sub_epi16(nonzero, magnitudes, set16(offset));
            let halves = shift_left(rebiased, Self::LIFT);
            let sign = set16(1 << 15);
            let halves = _mm512_ternarylogic_epi32::<OR>(brains, halves, sign);
            (halves, other)
        }
    }
}

impl Ordinary for BrainToHalf {
    const FROM: usize = 2;
    const TO: usize = 2;
    type Seen = __mmask32;
    #[inline(always)]
    unsafe fn nothing() -> __mmask32 {
        0
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __mmask32, _: Parameters) -> __mmask32 {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, first) = Self::halves(load512(from));
            let (high, second) = Self::halves(load512(from.add(64)));
            store512(to, low);
            store512(to.add(64), high);
            seen | first | second
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __mmask32) -> bool {
        seen == 0
    }
}
