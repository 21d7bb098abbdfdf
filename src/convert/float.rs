//! The binary floating-point formats with a sign: decoding to binary64, and encoding from any carrier.
//!
//! Sources: IEEE 754-2019 (binary16, 32, 64); bfloat16 is the upper half of binary32; OCP 8-bit Floating Point
//! Specification 1.0 (e4m3fn, e5m2); OCP Microscaling Formats 1.0 (fp6, fp4); the fnuz formats as defined by their
//! implementers (arXiv 2206.02915); e3m4 and e4m3 follow IEEE 754's pattern.

use super::number::{Number, Word};
use super::round::{Format, Special};
use super::{for_each_element, integer::Bits};
use crate::dtype::Overflow;

/// A format as a type, so that its numbers are constants in the loops.
pub trait Float: 'static {
    /// The unsigned integer an element is stored as.
    type Bits: Bits;
    /// The format.
    const FORMAT: Format;
}

/// Names a format: storage, bits, fraction bits, bias, special values.
macro_rules! format {
    ($name:ident, $storage:ty, $bits:expr, $fraction_bits:expr, $bias:expr, $special:ident) => {
        pub struct $name;
        impl Float for $name {
            type Bits = $storage;
            const FORMAT: Format = Format {
                bits: $bits,
                fraction_bits: $fraction_bits,
                bias: $bias,
                special: Special::$special,
            };
        }
    };
}

format!(F64, u64, 64, 52, 1023, Ieee);
format!(F32, u32, 32, 23, 127, Ieee);
format!(F16, u16, 16, 10, 15, Ieee);
format!(BF16, u16, 16, 7, 127, Ieee);
format!(E3M4, u8, 8, 4, 3, Ieee);
format!(E4M3, u8, 8, 3, 7, Ieee);
format!(E4M3B11Fnuz, u8, 8, 3, 11, Fnuz);
format!(E4M3Fn, u8, 8, 3, 7, Fn);
format!(E4M3Fnuz, u8, 8, 3, 8, Fnuz);
format!(E5M2, u8, 8, 2, 15, Ieee);
format!(E5M2Fnuz, u8, 8, 2, 16, Fnuz);
format!(E2M3Fn, u8, 6, 3, 1, Finite);
format!(E3M2Fn, u8, 6, 2, 3, Finite);
format!(E2M1Fn, u8, 4, 1, 1, Finite);

const BINARY64: Format = F64::FORMAT;
/// The highest bit of binary64's fraction: set in a quiet NaN.
const QUIET: u64 = 1 << 51;

/// The bits of binary64 for an encoding of `F`. Exact: binary64 holds every value of the formats here.
#[inline(always)]
fn widen<F: Float>(encoding: u64) -> u64 {
    let format = F::FORMAT;
    let negative = encoding & format.sign() != 0;
    let magnitude = encoding & (format.sign() - 1);
    let sign = (negative as u64) << 63;
    let widened_fraction = BINARY64.fraction_bits - format.fraction_bits;
    match format.special {
        Special::Ieee if magnitude >= format.infinity() => {
            let fraction = (magnitude - format.infinity()) << widened_fraction;
            return sign | BINARY64.infinity() | fraction;
        }
        Special::Fn if magnitude > format.largest() => {
            return sign | BINARY64.infinity() | QUIET;
        }
        // NaN takes the place of negative zero, and has its sign.
        Special::Fnuz if negative && magnitude == 0 => {
            return sign | BINARY64.infinity() | QUIET;
        }
        _ => {}
    }
    if magnitude >> format.fraction_bits == 0 {
        if magnitude == 0 {
            return sign;
        }
        // Subnormal here, normal in binary64.
        let top = magnitude.ilog2();
        let exponent = top as i32 - format.fraction_bits as i32 + 1 - format.bias;
        // The leading bit adds one to the exponent field.
        let fraction = magnitude << (BINARY64.fraction_bits - top);
        let field = (exponent + BINARY64.bias - 1) as u64;
        return sign | ((field << BINARY64.fraction_bits) + fraction);
    }
    let rebias = ((BINARY64.bias - format.bias) as u64) << BINARY64.fraction_bits;
    sign | ((magnitude << widened_fraction) + rebias)
}

/// The encoding in `F` of a word.
#[inline(always)]
fn narrow<C: Word, F: Float>(word: u64, overflow: Overflow) -> u64 {
    let format = F::FORMAT;
    match C::number(word) {
        Number::Finite { significand: 0, .. } => format.signed(C::IS_FLOAT && word >> 63 != 0, 0),
        Number::Finite {
            negative,
            significand,
            exponent,
        } => {
            let magnitude = format.round(significand, exponent);
            if magnitude > format.largest() {
                format.overflowed(negative, overflow)
            } else {
                format.signed(negative, magnitude)
            }
        }
        Number::Infinity { negative } => format.overflowed(negative, overflow),
        Number::Nan => {
            let negative = word >> 63 != 0;
            match format.special {
                Special::Ieee => {
                    // Quiet, with the upper bits of the payload.
                    let fraction = word & ((1 << BINARY64.fraction_bits) - 1) | QUIET;
                    let kept = fraction >> (BINARY64.fraction_bits - format.fraction_bits);
                    format.signed(negative, format.infinity() | kept)
                }
                Special::Fn => format.signed(negative, format.largest() + 1),
                // NaN of the one, and, by the same bits, negative zero of the other.
                Special::Fnuz | Special::Finite => format.sign(),
            }
        }
    }
}

/// Decodes elements of `F`.
///
/// # Safety
/// As [`super::Decode`] says.
pub unsafe fn decode<F: Float>(source: *const u8, stride: isize, words: &mut [u64]) {
    // SAFETY: the caller's promise; elements are read at any alignment.
    unsafe {
        for_each_element(words.iter_mut(), source, stride, |word, element| {
            *word = widen::<F>(F::Bits::load(element));
        });
    }
}

/// Encodes words as elements of `F`.
///
/// # Safety
/// As [`super::Encode`] says.
pub unsafe fn encode<C: Word, F: Float>(
    words: &[u64],
    destination: *mut u8,
    stride: isize,
    overflow: Overflow,
) {
    // SAFETY: the caller's promise; elements are written at any alignment.
    unsafe {
        for_each_element(words.iter(), destination, stride, |word, element| {
            F::Bits::store(element, narrow::<C, F>(*word, overflow));
        });
    }
}
