//! What a word means: a number taken apart, the form in which all formats meet.

use super::Carrier;
use core::fmt;

/// A number as sign, significand and exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Not a number.
    Nan,
    /// An infinity.
    Infinity {
        /// Below zero.
        negative: bool,
    },
    /// `significand / 2^63 * 2^exponent`. The highest bit of the significand is set, but in zero.
    Finite {
        /// Below zero.
        negative: bool,
        /// The digits.
        significand: u64,
        /// The scale.
        exponent: i32,
    },
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self::Finite {
        negative: false,
        significand: 0,
        exponent: 0,
    };

    fn integer(negative: bool, magnitude: u64) -> Self {
        if magnitude == 0 {
            return Self::ZERO;
        }
        let shift = magnitude.leading_zeros();
        Self::Finite {
            negative,
            significand: magnitude << shift,
            exponent: 63 - shift as i32,
        }
    }
}

/// A carrier as a type, so that encoders are compiled for each.
pub trait Word: 'static {
    /// Whether words are the bits of binary64.
    const IS_FLOAT: bool;
    /// The number of a word. The sign of zero is not part of it.
    fn number(word: u64) -> Number;
}

/// Words that are `i64`.
pub struct Signed;
/// Words that are `u64`.
pub struct Unsigned;
/// Words that are the bits of binary64.
pub struct Binary64;

impl Word for Signed {
    const IS_FLOAT: bool = false;

    #[inline(always)]
    fn number(word: u64) -> Number {
        let value = word as i64;
        Number::integer(value < 0, value.unsigned_abs())
    }
}

impl Word for Unsigned {
    const IS_FLOAT: bool = false;

    #[inline(always)]
    fn number(word: u64) -> Number {
        Number::integer(false, word)
    }
}

impl Word for Binary64 {
    const IS_FLOAT: bool = true;

    #[inline(always)]
    fn number(word: u64) -> Number {
        let negative = word >> 63 != 0;
        let fraction = word & ((1 << 52) - 1);
        match (word >> 52 & 0x7ff) as i32 {
            0x7ff if fraction == 0 => Number::Infinity { negative },
            0x7ff => Number::Nan,
            0 if fraction == 0 => Number::ZERO,
            0 => {
                let shift = fraction.leading_zeros();
                Number::Finite {
                    negative,
                    significand: fraction << shift,
                    // A fraction with only its highest bit, number 51, set is 2^-1023.
                    exponent: -1023 - (shift as i32 - 12),
                }
            }
            exponent => Number::Finite {
                negative,
                significand: (fraction | 1 << 52) << 11,
                exponent: exponent - 1023,
            },
        }
    }
}

/// The number of a word of a carrier.
pub fn number(carrier: Carrier, word: u64) -> Number {
    match carrier {
        Carrier::Signed => Signed::number(word),
        Carrier::Unsigned => Unsigned::number(word),
        Carrier::Float => Binary64::number(word),
    }
}

/// A word and what it holds, to be written in a message.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    carrier: Carrier,
    word: u64,
}

impl Value {
    /// The value of a word.
    pub fn new(carrier: Carrier, word: u64) -> Self {
        Self { carrier, word }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.carrier {
            Carrier::Signed => write!(f, "{}", self.word as i64),
            Carrier::Unsigned => write!(f, "{}", self.word),
            Carrier::Float => {
                let value = f64::from_bits(self.word);
                // Decided by the bits: comparing floats would depend on the caller's settings.
                match number(self.carrier, self.word) {
                    Number::Nan => f.write_str("nan"),
                    Number::Finite {
                        significand,
                        exponent,
                        ..
                    } if significand != 0 && !(-14..54).contains(&exponent) => {
                        write!(f, "{value:e}")
                    }
                    _ => write!(f, "{value}"),
                }
            }
        }
    }
}
