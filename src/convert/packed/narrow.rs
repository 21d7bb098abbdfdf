//! Branch-free rounding of binary32 and binary64 to narrower formats, and the way back.
//!
//! The same results as [`Format::round`](super::super::round::Format::round), in a form that vectorises: a normal result
//! is rounded by integer addition, which carries into the exponent; a subnormal one by adding a power of two whose last
//! place is the format's smallest step, so that the processor rounds there. Needs the standard floating-point environment.

use super::super::round::{Format, Special};

/// Writes the two directions for one wide format.
macro_rules! wide_format {
    ($narrow:ident, $float:ty, $bits:ty, $fraction:expr, $bias:expr) => {
        /// The encoding in `format` of a wide number; `overflowed` is that of magnitudes beyond its largest, without a
        /// sign.
        #[inline(always)]
        pub fn $narrow(value: $float, format: Format, overflowed: u32) -> u32 {
            const FRACTION: u32 = $fraction;
            const INFINITY: $bits = (2 * $bias + 1) << FRACTION;
            let bits = value.to_bits();
            let sign = ((bits >> (<$bits>::BITS - 1)) as u32) << (format.bits - 1);
            let magnitude = bits & (<$bits>::MAX >> 1);
            let lost = FRACTION - format.fraction_bits;

            // Normal: half of the last place less one, plus one if the last place kept is odd.
            let odd = magnitude >> lost & 1;
            let rebias = (($bias - format.bias) as $bits) << format.fraction_bits;
            let normal =
                (magnitude.wrapping_add((1 << (lost - 1)) - 1 + odd) >> lost).wrapping_sub(rebias);
            let code = if format.bias == $bias {
                // The same exponents: subnormals are rounded like the rest.
                normal
            } else {
                let smallest_normal = (($bias + 1 - format.bias) as $bits) << FRACTION;
                let step_exponent = 1 - format.bias - format.fraction_bits as i32;
                let anchor = <$float>::from_bits(
                    ((step_exponent + FRACTION as i32 + $bias) as $bits) << FRACTION,
                );
                let anchored = (<$float>::from_bits(magnitude) + anchor).to_bits();
                let subnormal = anchored.wrapping_sub(anchor.to_bits());
                if magnitude < smallest_normal {
                    subnormal
                } else {
                    normal
                }
            };

            // An infinity rounds to far beyond the largest finite encoding, too. With the same exponents it rounds to itself,
            // and what overflows to it.
            let overflows = format.bias != $bias && code > format.largest() as $bits;
            let code = if overflows { overflowed } else { code as u32 };
            let nan = match format.special {
                Special::Ieee => {
                    let quiet = 1 << (format.fraction_bits - 1);
                    let payload = (magnitude >> lost) as u32 & ((1 << format.fraction_bits) - 1);
                    format.infinity() as u32 | quiet | payload
                }
                Special::Fn => format.largest() as u32 + 1,
                Special::Fnuz | Special::Finite => format.sign() as u32,
            };
            let code = if magnitude > INFINITY { nan } else { code };
            match format.special {
                Special::Ieee | Special::Fn => code | sign,
                // Zero has no sign; NaN has it already.
                Special::Fnuz if code == 0 => 0,
                Special::Fnuz => code | sign,
                Special::Finite if magnitude > INFINITY => code,
                Special::Finite => code | sign,
            }
        }
    };
}

wide_format!(narrow_single, f32, u32, 23, 127);
wide_format!(narrow_double, f64, u64, 52, 1023);

/// The binary32 of an encoding of a narrower format, which it holds exactly.
#[inline(always)]
pub fn widen(encoding: u32, format: Format) -> f32 {
    const FRACTION: u32 = 23;
    const INFINITY: u32 = 0xff << FRACTION;
    const QUIET: u32 = 1 << 22;
    let magnitude = encoding & (format.sign() as u32 - 1);
    let sign = (encoding & format.sign() as u32) << (32 - format.bits);
    let shift = FRACTION - format.fraction_bits;
    let moved = magnitude << shift;
    let bits = if format.bias == 127 {
        moved
    } else {
        // As a number with the wide bias it is too small by a power of two, subnormal or not; the product is exact.
        let scale = f32::from_bits(((127 - format.bias + 127) as u32) << FRACTION);
        (f32::from_bits(moved) * scale).to_bits()
    };
    let bits = match format.special {
        Special::Ieee => {
            let special = moved & ((1 << FRACTION) - 1) | INFINITY;
            let quiet = if magnitude > format.infinity() as u32 {
                QUIET
            } else {
                0
            };
            if magnitude >= format.infinity() as u32 {
                special | quiet
            } else {
                bits
            }
        }
        Special::Fn => {
            if magnitude > format.largest() as u32 {
                INFINITY | QUIET
            } else {
                bits
            }
        }
        Special::Fnuz => {
            if encoding & (2 * format.sign() as u32 - 1) == format.sign() as u32 {
                INFINITY | QUIET
            } else {
                bits
            }
        }
        Special::Finite => bits,
    };
    f32::from_bits(sign | bits)
}
