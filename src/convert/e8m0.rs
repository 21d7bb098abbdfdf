//! float8_e8m0fnu: the scale format of OCP Microscaling Formats 1.0, a bare exponent. No sign, no zero, no infinity.
//!
//! The standard leaves conversions to it open. These are those of the Python package `ml_dtypes`: what is not above zero
//! becomes NaN; what is too small becomes the smallest value; between powers of two the nearer wins and the upper one a
//! tie.

use super::for_each_element;
use super::number::{Number, Word};
use crate::dtype::Overflow;

const BIAS: i32 = 127;
const NAN: u8 = 0xff;
const LARGEST: u8 = 0xfe;

/// Decodes elements.
///
/// # Safety
/// As [`super::Decode`] says.
pub unsafe fn decode(source: *const u8, stride: isize, words: &mut [u64]) {
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter_mut(), source, stride, |word, element| {
            *word = match *element {
                NAN => 0x7ff8 << 48,
                exponent => (u64::from(exponent) + (1023 - BIAS as u64)) << 52,
            };
        });
    }
}

/// Encodes words.
///
/// # Safety
/// As [`super::Encode`] says.
pub unsafe fn encode<C: Word>(
    words: &[u64],
    destination: *mut u8,
    stride: isize,
    overflow: Overflow,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for_each_element(words.iter(), destination, stride, |word, element| {
            *element = narrow(C::number(*word), overflow);
        });
    }
}

/// What is written for numbers beyond the largest.
pub fn overflowed(overflow: Overflow) -> u8 {
    if overflow == Overflow::Saturate {
        LARGEST
    } else {
        NAN
    }
}

fn narrow(number: Number, overflow: Overflow) -> u8 {
    let too_large = overflowed(overflow);
    let (significand, exponent) = match number {
        Number::Infinity { negative: false } => return too_large,
        Number::Finite {
            negative: false,
            significand: significand @ 1..,
            exponent,
        } => (significand, exponent),
        _ => return NAN,
    };
    match exponent + BIAS {
        ..0 => 0,
        // Above the smallest value, any amount goes up.
        0 => u8::from(significand != 1 << 63),
        field => match field + (significand >> 62 & 1) as i32 {
            field @ ..0xff => field as u8,
            _ => too_large,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::number::Binary64;

    #[test]
    fn powers_of_two_are_rounded_to() {
        let encode = |value: f64| narrow(Binary64::number(value.to_bits()), Overflow::Default);
        assert_eq!(encode(1.0), 127);
        assert_eq!(encode(1.49), 127);
        assert_eq!(encode(1.5), 128);
        assert_eq!(encode(0.0), NAN);
        assert_eq!(encode(-1.0), NAN);
        assert_eq!(encode(1e-300), 0);
        let smallest = 2f64.powi(-127);
        assert_eq!(encode(smallest), 0);
        assert_eq!(encode(smallest * 1.01), 1);
        assert_eq!(encode(smallest * 2.99), 1);
        assert_eq!(encode(smallest * 3.0), 2);
        assert_eq!(encode(2f64.powi(127) * 1.49), LARGEST);
        assert_eq!(encode(2f64.powi(127) * 1.5), NAN);
    }
}
