//! Which numbers an integer dtype holds.

use crate::convert::Carrier;
use crate::dtype::{Kind, Scalar};

/// The numbers from a power of two to another.
#[derive(Clone, Copy)]
pub struct Range {
    lowest: i64,
    highest: u64,
    /// One past the highest, which a binary64 always holds.
    end: f64,
}

impl Range {
    /// Those of a scalar, unless it is no integer. Any number is true or false.
    pub fn of(scalar: Scalar) -> Option<Self> {
        let bits = scalar.bits();
        let (lowest, highest) = match scalar.kind() {
            Kind::Int => (i64::MIN >> (64 - bits), i64::MAX as u64 >> (64 - bits)),
            Kind::UInt => (0, u64::MAX >> (64 - bits)),
            _ => return None,
        };
        // The sum of two powers of two below, which is exact.
        let half = (highest / 2 + 1) as f64;
        Some(Self {
            lowest,
            highest,
            end: if highest == 0 { 1.0 } else { half + half },
        })
    }

    /// Whether a number becomes an integer of the range when what is behind its point is dropped. As in torch, nothing
    /// below the lowest integer does.
    #[inline(always)]
    pub fn contains(&self, carrier: Carrier, word: u64) -> bool {
        match carrier {
            Carrier::Signed => {
                let value = word as i64;
                value >= self.lowest && (value < 0 || value as u64 <= self.highest)
            }
            Carrier::Unsigned => word <= self.highest,
            Carrier::Float => {
                let value = f64::from_bits(word);
                value >= self.lowest as f64 && value < self.end
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_every_integer_are_where_they_should_be() {
        for scalar in Scalar::all() {
            let bits = scalar.bits();
            let signed = match scalar.kind() {
                Kind::Int => true,
                Kind::UInt => false,
                _ => {
                    assert!(Range::of(scalar).is_none());
                    continue;
                }
            };
            let range = Range::of(scalar).unwrap();
            let (low, high) = if signed {
                (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
            } else {
                (0, (1i128 << bits) - 1)
            };
            for value in [low - 1, low, low + 1, 0, high - 1, high, high + 1] {
                let inside = value >= low && value <= high;
                if let Ok(value) = i64::try_from(value) {
                    assert_eq!(range.contains(Carrier::Signed, value as u64), inside);
                }
                if let Ok(value) = u64::try_from(value) {
                    assert_eq!(range.contains(Carrier::Unsigned, value), inside);
                }
            }
            let contains = |value: f64| range.contains(Carrier::Float, value.to_bits());
            assert!(contains(low as f64) && contains(-0.0));
            assert!(!contains((high + 1) as f64));
            assert!(!contains(low as f64 - 0.5) || bits == 64);
            assert!(contains(((high + 1) as f64).next_down()));
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(!contains(value));
            }
        }
    }
}
