//! How the numbers of one tensor are written: chosen once from all that are shown, so that they line up.

use super::SciMode;
use super::number::{Digits, Form};
use crate::convert::Carrier;
use crate::dtype::{Kind, Scalar};

/// What is known of the numbers seen so far.
pub enum Seen {
    /// Truth values: whether one was false.
    Truths {
        /// One was.
        any_false: bool,
    },
    /// Integers: the lowest and highest, and zero.
    Integers {
        /// At most zero.
        lowest: i64,
        /// At least zero.
        highest: u64,
    },
    /// Floating-point numbers that are finite and not zero.
    Floats {
        /// The number that counts as zero.
        zero: f64,
        /// All are whole numbers.
        whole: bool,
        /// Magnitudes of the positive ones.
        positive: Magnitudes,
        /// Magnitudes of the negative ones.
        negative: Magnitudes,
    },
    /// Bits without a value.
    Opaque,
}

/// Smallest and largest magnitude. Infinity and zero until there is one.
#[derive(Clone, Copy)]
pub struct Magnitudes {
    smallest: f64,
    largest: f64,
}

impl Magnitudes {
    const NONE: Self = Self {
        smallest: f64::INFINITY,
        largest: 0.0,
    };

    fn is_empty(self) -> bool {
        self.largest == 0.0
    }

    fn add(&mut self, magnitude: f64) {
        self.smallest = self.smallest.min(magnitude);
        self.largest = self.largest.max(magnitude);
    }
}

impl Seen {
    /// Nothing yet.
    pub fn nothing(scalar: Scalar) -> Self {
        match scalar.kind() {
            Kind::Bool => Self::Truths { any_false: false },
            Kind::UInt | Kind::Int => Self::Integers {
                lowest: 0,
                highest: 0,
            },
            Kind::Float | Kind::Complex => Self::Floats {
                zero: nearest_to_zero(scalar),
                whole: true,
                positive: Magnitudes::NONE,
                negative: Magnitudes::NONE,
            },
            Kind::Opaque => Self::Opaque,
        }
    }

    /// Looks at numbers.
    pub fn add(&mut self, carrier: Carrier, words: &[u64]) {
        match self {
            Self::Truths { any_false } => *any_false |= words.contains(&0),
            Self::Integers { lowest, highest } => {
                for &word in words {
                    match carrier {
                        Carrier::Signed if (word as i64) < 0 => {
                            *lowest = (*lowest).min(word as i64);
                        }
                        _ => *highest = (*highest).max(word),
                    }
                }
            }
            Self::Floats {
                zero,
                whole,
                positive,
                negative,
            } => {
                for &word in words {
                    let value = f64::from_bits(word);
                    if !value.is_finite() || value == *zero {
                        continue;
                    }
                    *whole = *whole && value == value.trunc();
                    let side = if value < 0.0 {
                        &mut *negative
                    } else {
                        &mut *positive
                    };
                    side.add(value.abs());
                }
            }
            Self::Opaque => {}
        }
    }
}

/// What zero is in a format. float8_e8m0fnu has none, and torch takes its smallest number, 2^-127, for it.
fn nearest_to_zero(scalar: Scalar) -> f64 {
    if scalar == Scalar::Float8E8M0Fnu {
        f64::from_bits((1023 - 127) << 52)
    } else {
        0.0
    }
}

/// How every number is written, and how wide most are. Zeros and what is not finite can be wider.
#[derive(Clone, Copy)]
pub struct Style {
    /// For floating-point numbers.
    form: Form,
    /// Shorter text gets spaces on its left.
    pub width: usize,
}

impl Style {
    /// The style of no numbers.
    pub const NOTHING: Self = Self {
        form: Form::Whole,
        width: 1,
    };

    /// The style for all numbers that were seen.
    pub fn new(seen: &Seen, precision: usize, sci_mode: SciMode, digits: &mut Digits) -> Self {
        let mut style = Self::NOTHING;
        match *seen {
            Seen::Truths { any_false } => style.width = if any_false { 5 } else { 4 },
            Seen::Integers { lowest, highest } => {
                style.widen_to(highest, digits);
                if lowest < 0 {
                    style.widen_to(lowest, digits);
                }
            }
            Seen::Floats {
                whole,
                positive,
                negative,
                ..
            } => {
                if positive.is_empty() && negative.is_empty() {
                    return style;
                }
                let smallest = positive.smallest.min(negative.smallest);
                let largest = positive.largest.max(negative.largest);
                let scientific = match sci_mode {
                    SciMode::On => true,
                    SciMode::Off => false,
                    SciMode::Auto => {
                        largest / smallest > 1000.0 || largest > 1.0e8 || smallest < 1.0e-4
                    }
                };
                style.form = match (scientific, whole) {
                    (true, _) => Form::Scientific(precision),
                    (false, true) => Form::Whole,
                    (false, false) => Form::Fixed(precision),
                };
                // Text grows with the magnitude, or, in an exponent, towards both ends.
                for (side, sign) in [(positive, 1.0), (negative, -1.0)] {
                    if !side.is_empty() {
                        for magnitude in [side.smallest, side.largest] {
                            digits.set_float(sign * magnitude, style.form);
                            style.width = style.width.max(digits.text().len());
                        }
                    }
                }
            }
            Seen::Opaque => {}
        }
        style
    }

    fn widen_to(&mut self, value: impl core::fmt::Display, digits: &mut Digits) {
        digits.set(value);
        self.width = self.width.max(digits.text().len());
    }

    /// Puts the text of a number into `digits`.
    pub fn write(&self, kind: Kind, carrier: Carrier, word: u64, digits: &mut Digits) {
        match (kind, carrier) {
            (Kind::Bool, _) => digits.set(if word == 0 { "False" } else { "True" }),
            (_, Carrier::Signed) => digits.set(word as i64),
            (_, Carrier::Unsigned) => digits.set(word),
            (_, Carrier::Float) => digits.set_float(f64::from_bits(word), self.form),
        }
    }
}
