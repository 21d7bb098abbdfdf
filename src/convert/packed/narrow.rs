//! Branch-free rounding of binary32, and of binary64 through an odd binary32, to narrower formats; and the way back.
//!
//! The same results as [`Format::round`](super::super::round::Format::round), in a form that vectorises: a normal result
//! is rounded by integer addition, which carries into the exponent; a subnormal one by adding a power of two whose last
//! place is the format's smallest step, so that the processor rounds there. Needs the standard floating-point environment.

use super::super::round::{Format, Special};

/// The binary32 nearest to zero, or the one further out, whichever is odd, unless a binary64 is exact in it.
///
/// What is then rounded to a format shorter by two bits or more comes out as if it had been rounded at once.
#[inline(always)]
pub fn odd(value: f64) -> f32 {
    let nearest = value as f32;
    let back = f64::from(nearest);
    let toward_zero = nearest.to_bits() - u32::from(back.abs() > value.abs());
    f32::from_bits(toward_zero | u32::from(back != value))
}

/// The encoding in `format` of a binary32; `overflowed` is that of magnitudes beyond its largest, without a sign.
#[inline(always)]
pub fn narrow(value: f32, format: Format, overflowed: u32) -> u32 {
    const FRACTION: u32 = 23;
    const BIAS: i32 = 127;
    const INFINITY: u32 = 0xff << FRACTION;
    let bits = value.to_bits();
    let sign = (bits >> 31) << (format.bits - 1);
    let magnitude = bits & (u32::MAX >> 1);
    let lost = FRACTION - format.fraction_bits;

    // Normal: half of the last place less one, plus one if the last place kept is odd.
    let last = magnitude >> lost & 1;
    let rebias = ((BIAS - format.bias) as u32) << format.fraction_bits;
    let normal =
        (magnitude.wrapping_add((1 << (lost - 1)) - 1 + last) >> lost).wrapping_sub(rebias);
    let code = if format.bias == BIAS {
        // The same exponents: subnormals are rounded like the rest.
        normal
    } else {
        let smallest_normal = ((BIAS + 1 - format.bias) as u32) << FRACTION;
        let step_exponent = 1 - format.bias - format.fraction_bits as i32;
        let anchor = f32::from_bits(((step_exponent + FRACTION as i32 + BIAS) as u32) << FRACTION);
        let anchored = (f32::from_bits(magnitude) + anchor).to_bits();
        let subnormal = anchored.wrapping_sub(anchor.to_bits());
        if magnitude < smallest_normal {
            subnormal
        } else {
            normal
        }
    };

    // An infinity rounds to far beyond the largest finite encoding, too. With the same exponents it rounds to itself, and
    // what overflows to it.
    let overflows = format.bias != BIAS && code > format.largest() as u32;
    let code = if overflows { overflowed } else { code };
    let nan = match format.special {
        Special::Ieee => {
            let quiet = 1 << (format.fraction_bits - 1);
            let payload = magnitude >> lost & ((1 << format.fraction_bits) - 1);
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
