//! Which conversions a casting rule allows, and the dtype that holds the values of two.
//!
//! `Safe` is decided by value sets: every value of the source must exist in the target. The one exception is
//! NumPy's: 64-bit integers count as safe to float64 and complex128.

use super::{DType, Kind, Scalar};
use crate::error::{Error, Result};

/// How much a conversion may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Casting {
    /// Anything that is defined.
    Unsafe,
    /// To the same kind or one further in bool, uint, int, float, complex.
    SameKind,
    /// Only where every value exists in the target.
    Safe,
    /// Only to the same dtype.
    Equiv,
    /// Anything that is defined, as long as each value met survives.
    Exact,
}

impl Casting {
    /// The rule's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Casting::Unsafe => "unsafe",
            Casting::SameKind => "same-kind",
            Casting::Safe => "safe",
            Casting::Equiv => "equiv",
            Casting::Exact => "exact",
        }
    }
}

/// Whether `casting` allows converting `from` to `to`. `Exact` depends on values and allows here what `Unsafe` does.
#[inline(always)]
pub fn can_cast(from: DType, to: DType, casting: Casting) -> bool {
    from.same_type(to) || can_cast_values(from, to, casting)
}

/// Proves that values of `from` can be converted to `to`, and that `casting` allows it.
#[inline(always)]
pub fn check_cast(from: DType, to: DType, casting: Casting) -> Result<()> {
    if from.same_type(to) {
        return Ok(());
    }
    from.check_convertible(to)?;
    if !allows(from, to, casting) {
        return Err(Error::Casting {
            from: from.text(),
            to: to.text(),
            rule: casting.name(),
        });
    }
    Ok(())
}

/// [`can_cast`] for two different types.
fn can_cast_values(from: DType, to: DType, casting: Casting) -> bool {
    from.check_convertible(to).is_ok() && allows(from, to, casting)
}

/// Whether `casting` allows a conversion between two different types, which is possible.
#[inline(always)]
fn allows(from: DType, to: DType, casting: Casting) -> bool {
    match casting {
        Casting::Unsafe | Casting::Exact => true,
        Casting::Equiv => false,
        Casting::Safe => is_safe(from.scalar(), to.scalar()),
        Casting::SameKind => {
            from.scalar().kind() <= to.scalar().kind() || is_safe(from.scalar(), to.scalar())
        }
    }
}

/// The dtype that a computation with both takes place in.
///
/// Categories count first (bool, then integers, then floating point, then complex); within one, the smallest dtype that
/// holds the values of both. Two different floating-point dtypes meet in the narrowest of float16, bfloat16, float32
/// and float64 that holds both.
pub fn promote(a: DType, b: DType) -> Result<DType> {
    if a.same_type(b) {
        return Ok(a.with_padding(false));
    }
    let scalar = if a.lanes() == b.lanes() {
        promote_scalars(a.scalar(), b.scalar())
    } else {
        None
    };
    scalar
        .map(|scalar| DType::packed(scalar, a.lanes()))
        .ok_or(Error::NoPromotion {
            a: a.text(),
            b: b.text(),
        })
}

fn promote_scalars(a: Scalar, b: Scalar) -> Option<Scalar> {
    use Kind::*;
    if a == b {
        return Some(a);
    }
    let (low, high) = if a.kind() <= b.kind() { (a, b) } else { (b, a) };
    match (low.kind(), high.kind()) {
        (_, Opaque) => None,
        (Bool, _) | (UInt | Int, Float) | (UInt | Int, Complex) => Some(high),
        (UInt, UInt) | (Int, Int) => Some(if low.bits() < high.bits() { high } else { low }),
        (UInt, Int) => {
            use Scalar::{Int2, Int4, Int8, Int16, Int32, Int64};
            [Int2, Int4, Int8, Int16, Int32, Int64]
                .into_iter()
                .find(|int| int.bits() > low.bits() && int.bits() >= high.bits())
        }
        (Float, Float) => narrowest_common_float(low, high),
        (Float | Complex, Complex) => {
            match narrowest_common_float(low.component(), high.component())? {
                Scalar::Float16 => Some(Scalar::Complex32),
                Scalar::Float64 => Some(Scalar::Complex128),
                _ => Some(Scalar::Complex64),
            }
        }
        // `low` has the lower kind, so nothing else can be met.
        _ => None,
    }
}

fn narrowest_common_float(a: Scalar, b: Scalar) -> Option<Scalar> {
    use Scalar::{BFloat16, Float16, Float32, Float64};
    if a == b {
        return Some(a);
    }
    [Float16, BFloat16, Float32, Float64]
        .into_iter()
        .find(|&wide| is_safe(a, wide) && is_safe(b, wide))
}

/// Whether every value of `from` exists in `to`.
fn is_safe(from: Scalar, to: Scalar) -> bool {
    let (from, to) = match (from.kind(), to.kind()) {
        (Kind::Complex, Kind::Complex) | (_, Kind::Complex) => (from.component(), to.component()),
        (Kind::Complex, _) => return false,
        _ => (from, to),
    };
    if to == Scalar::Bool {
        return from == Scalar::Bool;
    }
    // NumPy's exception.
    if matches!(from, Scalar::Int64 | Scalar::UInt64) && to == Scalar::Float64 {
        return true;
    }
    let (Some(source), Some(target)) = (Values::of(from), Values::of(to)) else {
        return false;
    };
    source.is_subset_of(target)
}

/// The finite values of a scalar, as bounds: zero or not, sign or not, all `m * 2^e` with `|m| < 2^precision` and
/// `e >= min_exponent`, up to a largest and a smallest value.
#[derive(Clone, Copy)]
struct Values {
    /// Bits of the significand.
    precision: i32,
    /// Exponent of the smallest step.
    min_exponent: i32,
    /// Largest value is below `2^max_exponent` and representable with all bits of the significand set but those
    /// that the format spends on NaN or infinity.
    max: Largest,
    has_negative: bool,
    has_zero: bool,
    has_infinity: bool,
    has_nan: bool,
    /// Integers: the magnitude of the lowest value as a power of two, when it exceeds the largest value.
    lowest_power: Option<i32>,
}

/// `significand * 2^exponent`.
#[derive(Clone, Copy)]
struct Largest {
    significand: u64,
    exponent: i32,
}

impl Largest {
    fn at_most(self, other: Self) -> bool {
        if self.significand == 0 || other.significand == 0 {
            return self.significand == 0;
        }
        // Both brought to a significand with its highest bit set, so that exponents decide first.
        let key = |l: Self| {
            let shift = l.significand.leading_zeros();
            (l.exponent - shift as i32, l.significand << shift)
        };
        key(self) <= key(other)
    }
}

impl Values {
    fn of(scalar: Scalar) -> Option<Self> {
        let integer = |bits: u32, signed: bool| {
            let magnitude = if signed { bits - 1 } else { bits };
            Self {
                precision: magnitude as i32,
                min_exponent: 0,
                max: Largest {
                    significand: u64::MAX.checked_shr(64 - magnitude).unwrap_or(0),
                    exponent: 0,
                },
                has_negative: signed,
                has_zero: true,
                has_infinity: false,
                has_nan: false,
                lowest_power: signed.then_some(magnitude as i32),
            }
        };
        // Precision, exponent of the smallest step, largest value, infinity, NaN.
        let float = |precision, min_exponent, significand, exponent, has_infinity, has_nan| Self {
            precision,
            min_exponent,
            max: Largest {
                significand,
                exponent,
            },
            has_negative: true,
            has_zero: true,
            has_infinity,
            has_nan,
            lowest_power: None,
        };
        Some(match scalar {
            Scalar::Bool => integer(1, false),
            _ if scalar.kind() == Kind::UInt => integer(scalar.bits(), false),
            _ if scalar.kind() == Kind::Int => integer(scalar.bits(), true),
            Scalar::Float16 => float(11, -24, 0x7ff, 5, true, true),
            Scalar::BFloat16 => float(8, -133, 0xff, 120, true, true),
            Scalar::Float32 => float(24, -149, 0xff_ffff, 104, true, true),
            Scalar::Float64 => float(53, -1074, (1 << 53) - 1, 971, true, true),
            Scalar::Float8E3M4 => float(5, -6, 31, -1, true, true),
            Scalar::Float8E4M3 => float(4, -9, 15, 4, true, true),
            Scalar::Float8E4M3B11Fnuz => float(4, -13, 15, 1, false, true),
            Scalar::Float8E4M3Fn => float(4, -9, 14, 5, false, true),
            Scalar::Float8E4M3Fnuz => float(4, -10, 15, 4, false, true),
            Scalar::Float8E5M2 => float(3, -16, 7, 13, true, true),
            Scalar::Float8E5M2Fnuz => float(3, -17, 7, 13, false, true),
            Scalar::Float8E8M0Fnu => Self {
                has_negative: false,
                has_zero: false,
                ..float(1, -127, 1, 127, false, true)
            },
            Scalar::Float6E2M3Fn => float(4, -3, 15, -1, false, false),
            Scalar::Float6E3M2Fn => float(3, -4, 7, 2, false, false),
            Scalar::Float4E2M1Fn => float(2, -1, 3, 1, false, false),
            _ => return None,
        })
    }

    fn is_subset_of(self, other: Self) -> bool {
        let lowest_fits = match self.lowest_power {
            None => true,
            Some(power) => match other.lowest_power {
                Some(limit) => power <= limit,
                None => Largest {
                    significand: 1,
                    exponent: power,
                }
                .at_most(other.max),
            },
        };
        self.precision <= other.precision
            && self.min_exponent >= other.min_exponent
            && self.max.at_most(other.max)
            && lowest_fits
            && (!self.has_negative || other.has_negative)
            && (!self.has_zero || other.has_zero)
            && (!self.has_infinity || other.has_infinity)
            && (!self.has_nan || other.has_nan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> DType {
        DType::from_name(name).unwrap()
    }

    #[test]
    fn safe_casting_keeps_every_value() {
        let safe = |from, to| can_cast(named(from), named(to), Casting::Safe);
        for (from, to) in [
            ("bool", "uint1"),
            ("bool", "float4_e2m1fn"),
            ("uint8", "int16"),
            ("int8", "bfloat16"),
            ("int16", "float32"),
            ("int32", "float64"),
            ("int64", "float64"),
            ("uint64", "complex128"),
            ("float16", "float32"),
            ("float8_e5m2", "float16"),
            ("float8_e8m0fnu", "bfloat16"),
            ("float4_e2m1fn", "float6_e2m3fn"),
            ("float6_e3m2fn", "float8_e4m3fn"),
            ("float32", "complex64"),
            ("int4", "float8_e4m3fn"),
            ("int1", "int2"),
        ] {
            assert!(safe(from, to), "{from} -> {to}");
        }
        for (from, to) in [
            ("bool", "int1"),
            ("bool", "float8_e8m0fnu"),
            ("uint8", "int8"),
            ("int8", "uint16"),
            ("int16", "float16"),
            ("int32", "float32"),
            ("int64", "float32"),
            ("bfloat16", "float16"),
            ("float16", "bfloat16"),
            ("float8_e5m2", "float8_e5m2fnuz"),
            ("float8_e4m3fnuz", "float8_e4m3fn"),
            ("complex64", "float64"),
            ("float32", "int64"),
        ] {
            assert!(!safe(from, to), "{from} -> {to}");
        }
    }

    #[test]
    fn same_kind_goes_one_way() {
        let same_kind = |from, to| can_cast(named(from), named(to), Casting::SameKind);
        assert!(same_kind("int64", "int8"));
        assert!(same_kind("int64", "float16"));
        assert!(same_kind("uint8", "int8"));
        assert!(same_kind("float64", "complex32"));
        assert!(!same_kind("int8", "uint8"));
        assert!(!same_kind("complex64", "float32"));
        assert!(!same_kind("float32", "int32"));
        assert!(!same_kind("int8", "bool"));
    }

    #[test]
    fn promotion_is_symmetric_and_follows_categories() {
        for (a, b, expected) in [
            ("bool", "int1", Some("int1")),
            ("uint8", "int8", Some("int16")),
            ("uint1", "int1", Some("int2")),
            ("uint4", "int32", Some("int32")),
            ("uint64", "int8", None),
            ("uint64", "float16", Some("float16")),
            ("float16", "bfloat16", Some("float32")),
            ("float8_e4m3fn", "float8_e5m2", Some("float16")),
            ("float8_e8m0fnu", "float4_e2m1fn", Some("bfloat16")),
            ("float8_e8m0fnu", "float16", Some("float32")),
            ("complex64", "float64", Some("complex128")),
            ("complex32", "bfloat16", Some("complex64")),
            ("complex32", "int64", Some("complex32")),
            ("opaque8", "int8", None),
        ] {
            let expected = expected.map(named);
            assert_eq!(promote(named(a), named(b)).ok(), expected, "{a}, {b}");
            assert_eq!(promote(named(b), named(a)).ok(), expected, "{b}, {a}");
        }
    }
}
