//! The one rounding: a number to the nearest value of a binary floating-point format, ties to even.
//!
//! IEEE 754-2019, 4.3.1. Subnormals are kept. The exponent is unbounded while rounding; what then exceeds the largest
//! finite value has overflowed.

use crate::dtype::Overflow;

/// What the largest encodings of a format stand for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// IEEE 754: the highest exponent is infinity and NaN.
    Ieee,
    /// "fn": finite but for NaN, which is all ones.
    Fn,
    /// "fnuz": finite but for NaN, which takes the place of negative zero.
    Fnuz,
    /// Finite only.
    Finite,
}

/// A binary floating-point format with a sign bit.
#[derive(Clone, Copy)]
pub struct Format {
    /// Bits of an element.
    pub bits: u32,
    /// Bits of the fraction.
    pub fraction_bits: u32,
    /// What is added to the exponent.
    pub bias: i32,
    /// What the largest encodings stand for.
    pub special: Special,
}

impl Format {
    /// The sign bit.
    pub const fn sign(self) -> u64 {
        1 << (self.bits - 1)
    }

    /// The encoding of infinity without its sign, in formats that have it.
    pub const fn infinity(self) -> u64 {
        self.sign() - (1 << self.fraction_bits)
    }

    /// The largest finite encoding.
    pub const fn largest(self) -> u64 {
        match self.special {
            Special::Ieee => self.infinity() - 1,
            Special::Fn => self.sign() - 2,
            Special::Fnuz | Special::Finite => self.sign() - 1,
        }
    }

    /// The encoding without sign of the value nearest to `significand / 2^63 * 2^exponent`; above [`Format::largest`]
    /// when that overflows. The highest bit of the significand is set.
    #[inline(always)]
    pub const fn round(self, significand: u64, exponent: i32) -> u64 {
        let biased = exponent + self.bias;
        // Subnormals have the exponent of the smallest normal numbers, and lose what is below.
        let below = if biased < 1 { 1 - biased } else { 0 } as u32;
        let shift = 63 - self.fraction_bits + below;
        if shift > 64 {
            return 0;
        }
        let (kept, lost) = if shift == 64 {
            (0, significand)
        } else {
            // The two shifts of 64 - shift bits keep it below 64 where nothing is lost.
            (significand >> shift, significand << 1 << (63 - shift))
        };
        let half = 1 << 63;
        let up = lost > half || lost == half && kept & 1 == 1;
        // The leading bit of a normal number adds one to the exponent field, and a carry goes on into it.
        let field = if biased < 1 { 0 } else { (biased - 1) as u64 };
        (field << self.fraction_bits) + kept + up as u64
    }

    /// The encoding of what has overflowed, or is infinite.
    #[inline(always)]
    pub const fn overflowed(self, negative: bool, overflow: Overflow) -> u64 {
        let magnitude = match (self.special, overflow) {
            (_, Overflow::Saturate) => self.largest(),
            (Special::Ieee, _) => self.infinity(),
            (Special::Fn, Overflow::Nan) => self.largest() + 1,
            (Special::Fnuz, _) => return self.sign(),
            _ => self.largest(),
        };
        self.signed(negative, magnitude)
    }

    /// A magnitude with its sign. Without a negative zero, zero has none.
    #[inline(always)]
    pub const fn signed(self, negative: bool, magnitude: u64) -> u64 {
        let has_sign = negative && !(matches!(self.special, Special::Fnuz) && magnitude == 0);
        if has_sign {
            self.sign() | magnitude
        } else {
            magnitude
        }
    }
}
