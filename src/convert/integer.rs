//! Integers and bools: decoding by extension, encoding by wrapping from integers and by saturation from floats.

use super::for_each_element;
use super::number::{Number, Word};
use crate::dtype::Overflow;

/// An unsigned integer of one of the storage sizes.
pub trait Bits: 'static {
    /// Reads one, extended to 64 bits.
    ///
    /// # Safety
    /// `pointer` is readable for the size of the integer.
    unsafe fn load(pointer: *const u8) -> u64;

    /// Writes the low bits of a word.
    ///
    /// # Safety
    /// `pointer` is writable for the size of the integer.
    unsafe fn store(pointer: *mut u8, word: u64);
}

/// Implements [`Bits`] by the integer's own conversions: zero extension for unsigned, sign extension for signed.
macro_rules! bits {
    ($($integer:ty),*) => {$(
        impl Bits for $integer {
            #[inline(always)]
            unsafe fn load(pointer: *const u8) -> u64 {
                // SAFETY: the caller's promise.
                unsafe { pointer.cast::<$integer>().read_unaligned() as u64 }
            }

            #[inline(always)]
            unsafe fn store(pointer: *mut u8, word: u64) {
                // SAFETY: the caller's promise.
                unsafe { pointer.cast::<$integer>().write_unaligned(word as $integer) }
            }
        }
    )*};
}

bits!(u8, u16, u32, u64, i8, i16, i32, i64);

/// Decodes integers of whole bytes.
///
/// # Safety
/// As [`super::Decode`] says.
pub unsafe fn decode<T: Bits>(source: *const u8, stride: isize, words: &mut [u64]) {
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter_mut(), source, stride, |word, element| {
            *word = T::load(element);
        });
    }
}

/// Decodes bools: any byte but zero is true.
///
/// # Safety
/// As [`super::Decode`] says.
pub unsafe fn decode_bool(source: *const u8, stride: isize, words: &mut [u64]) {
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter_mut(), source, stride, |word, element| {
            *word = u64::from(*element != 0);
        });
    }
}

/// Decodes signed integers in the low `BITS` bits of a byte.
///
/// # Safety
/// As [`super::Decode`] says.
pub unsafe fn decode_signed_bits<const BITS: u32>(
    source: *const u8,
    stride: isize,
    words: &mut [u64],
) {
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter_mut(), source, stride, |word, element| {
            let unused = 64 - BITS;
            *word = ((u64::from(*element) << unused) as i64 >> unused) as u64;
        });
    }
}

/// Decodes unsigned integers in the low `BITS` bits of a byte.
///
/// # Safety
/// As [`super::Decode`] says.
pub unsafe fn decode_unsigned_bits<const BITS: u32>(
    source: *const u8,
    stride: isize,
    words: &mut [u64],
) {
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter_mut(), source, stride, |word, element| {
            *word = u64::from(*element) & ((1 << BITS) - 1);
        });
    }
}

/// Encodes words as integers of `BITS` bits stored in `T`: integers wrap, floats go toward zero and saturate.
///
/// # Safety
/// As [`super::Encode`] says.
pub unsafe fn encode<C: Word, T: Bits, const BITS: u32, const SIGNED: bool>(
    words: &[u64],
    destination: *mut u8,
    stride: isize,
    _: Overflow,
) {
    let mask = u64::MAX >> (64 - BITS);
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter(), destination, stride, |word, element| {
            let integer = if C::IS_FLOAT {
                truncate::<C, BITS, SIGNED>(*word)
            } else {
                *word
            };
            T::store(element, integer & mask);
        });
    }
}

/// Encodes words as bools: true where the number is not zero.
///
/// # Safety
/// As [`super::Encode`] says.
pub unsafe fn encode_bool<C: Word>(
    words: &[u64],
    destination: *mut u8,
    stride: isize,
    _: Overflow,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter(), destination, stride, |word, element| {
            // The highest bit of a float is only its sign.
            let magnitude = if C::IS_FLOAT { word << 1 } else { *word };
            *element = u8::from(magnitude != 0);
        });
    }
}

/// A number toward zero, held inside the range of an integer of `BITS` bits; NaN is 0.
#[inline(always)]
fn truncate<C: Word, const BITS: u32, const SIGNED: bool>(word: u64) -> u64 {
    let (negative, magnitude) = match C::number(word) {
        Number::Nan => return 0,
        Number::Infinity { negative } => (negative, u64::MAX),
        Number::Finite {
            negative,
            significand,
            exponent,
        } => {
            let magnitude = match exponent {
                ..0 => 0,
                0..=63 => significand >> (63 - exponent),
                64.. => u64::MAX,
            };
            (negative, magnitude)
        }
    };
    match (SIGNED, negative) {
        (false, true) => 0,
        (false, false) => magnitude.min(u64::MAX >> (64 - BITS)),
        (true, true) => magnitude.min(1 << (BITS - 1)).wrapping_neg(),
        (true, false) => magnitude.min((1 << (BITS - 1)) - 1),
    }
}
