//! Branch-free rounding of binary32, and of binary64 through an odd binary32, to narrower formats; and the way back.
//!
//! The same results as [`Format::round`](super::super::round::Format::round), in a form that vectorises: a power of two is
//! added whose last place in binary32 is the place to round to, so that the processor rounds there, normal and subnormal
//! results alike. Needs the standard floating-point environment.

use super::super::round::{Format, Special};

/// Binary32: bits of the fraction, bias, infinity, and what makes a NaN quiet.
const FRACTION: u32 = 23;
const BIAS: i32 = 127;
const INFINITY: u32 = 0xff << FRACTION;
const QUIET: u32 = 1 << (FRACTION - 1);

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
    let bits = value.to_bits();
    let magnitude = bits & (u32::MAX >> 1);
    let is_nan = magnitude > INFINITY;
    let lost = FRACTION - format.fraction_bits;
    let code = if format.bias == BIAS {
        // The same exponents: rounded by an addition that carries into them. An infinity stays one, and what overflows
        // becomes one.
        let last = magnitude >> lost & 1;
        (magnitude + ((1 << (lost - 1)) - 1) + last) >> lost
    } else {
        // Beyond the largest value there is no need to tell numbers apart, and NaN is dealt with below.
        let exponents = 1 << (format.bits - 1 - format.fraction_bits);
        let beyond = ((BIAS - format.bias + exponents) as u32) << FRACTION;
        let held = magnitude.min(beyond);
        // The power of two below the number, or the format's smallest normal one.
        let smallest = ((BIAS + 1 - format.bias) as u32) << FRACTION;
        let power = (held & INFINITY).max(smallest);
        // A number whose last place is the format's last place there: the sum is rounded to it by the processor.
        let anchor = power + (lost << FRACTION);
        let sum = (f32::from_bits(held) + f32::from_bits(anchor)).to_bits();
        // Places above the power, and the power's own exponent in the format.
        (sum - anchor) + ((power - smallest) >> lost)
    };
    // What overflows has an encoding beyond the largest finite one, and `overflowed` is at most one beyond it.
    let code = code.min(overflowed);
    let sign = (bits >> 31) << (format.bits - 1);
    match format.special {
        Special::Ieee => {
            // Quiet, with the upper bits of the payload.
            let quiet = 1 << (format.fraction_bits - 1);
            let payload = magnitude >> lost & ((1 << format.fraction_bits) - 1);
            let nan = format.infinity() as u32 | quiet | payload;
            (if is_nan { nan } else { code }) | sign
        }
        Special::Fn => {
            let nan = format.largest() as u32 + 1;
            (if is_nan { nan } else { code }) | sign
        }
        Special::Fnuz => {
            // Zero has no sign, and NaN is where it would be with one.
            let signed = if code == 0 { 0 } else { code | sign };
            if is_nan { format.sign() as u32 } else { signed }
        }
        Special::Finite => {
            if is_nan {
                format.sign() as u32
            } else {
                code | sign
            }
        }
    }
}

/// The binary32 of an encoding of a narrower format, which it holds exactly.
#[inline(always)]
pub const fn widen(encoding: u32, format: Format) -> f32 {
    let magnitude = encoding & (format.sign() as u32 - 1);
    let sign = (encoding & format.sign() as u32) << (32 - format.bits);
    let shift = FRACTION - format.fraction_bits;
    let moved = magnitude << shift;
    let bits = if format.bias == BIAS {
        moved
    } else {
        let rebias = ((BIAS - format.bias) as u32) << FRACTION;
        // A subnormal has no leading one: it is given one, which is then taken away. No operand is subnormal here, which
        // some processors are slow with.
        let one = rebias + (1 << FRACTION);
        let subnormal = f32::from_bits(moved + one) - f32::from_bits(one);
        if magnitude < 1 << format.fraction_bits {
            subnormal.to_bits()
        } else {
            moved + rebias
        }
    };
    let quiet_nan = INFINITY | QUIET;
    let bits = match format.special {
        Special::Ieee if format.bias == BIAS => bits | if bits > INFINITY { QUIET } else { 0 },
        Special::Ieee => {
            let infinity = format.infinity() as u32;
            let special = moved | INFINITY | if magnitude > infinity { QUIET } else { 0 };
            if magnitude >= infinity { special } else { bits }
        }
        Special::Fn if magnitude > format.largest() as u32 => quiet_nan,
        Special::Fnuz if magnitude == 0 && sign != 0 => quiet_nan,
        Special::Fn | Special::Fnuz | Special::Finite => bits,
    };
    f32::from_bits(sign | bits)
}
