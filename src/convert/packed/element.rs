//! One element of a packed conversion, through a wide form that holds it exactly.

use super::super::float::{self, Float};
use super::narrow::{narrow, odd, widen};

/// What a kernel needs to know besides its types.
#[derive(Clone, Copy)]
pub struct Parameters {
    /// The encoding, without sign, of magnitudes beyond the largest finite one of a narrow target.
    pub overflowed: u32,
}

/// The wide form of a source: one is its own.
#[derive(Clone, Copy)]
pub enum Wide {
    /// An integer in the low bits, extended.
    Integer(u64),
    /// A number that binary32 holds.
    Single(f32),
    /// A number that binary64 holds.
    Double(f64),
}

/// A bool: any byte but zero is true.
pub struct Bool;

/// A dtype that is read.
pub trait Source: 'static {
    /// What is in memory.
    type Raw: Copy;
    /// The number as an integer, if it is one, or else as a float.
    fn wide(raw: Self::Raw) -> Wide;
    /// The number in binary32 or binary64, whichever holds it. 64-bit integers: see [`Source::single`] and the other two.
    fn float(raw: Self::Raw) -> Wide;
    /// The nearest binary32 of an integer too wide for it.
    fn single(raw: Self::Raw) -> f32;
    /// The nearest binary64.
    fn double(raw: Self::Raw) -> f64;
}

/// A dtype that is written.
pub trait Target: 'static {
    /// What is in memory.
    type Raw;
    /// The element for a source's.
    fn of<S: Source>(raw: S::Raw, parameters: Parameters) -> Self::Raw;
}

/// A binary32 that rounds to any narrower format like the source's number.
#[inline(always)]
pub fn roundable<S: Source>(raw: S::Raw) -> f32 {
    match S::float(raw) {
        Wide::Single(value) => value,
        Wide::Double(value) => odd(value),
        Wide::Integer(_) => unreachable!("a float"),
    }
}

/// Integers that binary32, or else binary64, holds.
macro_rules! narrow_integer {
    ($($integer:ty, $form:ident, $float:ty);*) => {$(
        impl Source for $integer {
            type Raw = $integer;
            #[inline(always)]
            fn wide(raw: $integer) -> Wide {
                Wide::Integer(raw as u64)
            }
            #[inline(always)]
            fn float(raw: $integer) -> Wide {
                Wide::$form(raw as $float)
            }
            #[inline(always)]
            fn single(raw: $integer) -> f32 {
                raw as f32
            }
            #[inline(always)]
            fn double(raw: $integer) -> f64 {
                raw as f64
            }
        }
    )*};
}

narrow_integer!(i8, Single, f32; u8, Single, f32; i16, Single, f32; u16, Single, f32; i32, Double, f64; u32, Double, f64);

/// 64-bit integers: binary64 does not hold them, but a binary64 that is odd where bits were lost rounds like them to any
/// format with a significand shorter by two bits or more.
macro_rules! wide_integer {
    ($($integer:ty, $fits:expr);*) => {$(
        impl Source for $integer {
            type Raw = $integer;
            #[inline(always)]
            fn wide(raw: $integer) -> Wide {
                Wide::Integer(raw as u64)
            }
            #[inline(always)]
            fn float(raw: $integer) -> Wide {
                const LOW: $integer = (1 << 11) - 1;
                let sticky = if raw & LOW != 0 { LOW + 1 } else { 0 };
                let odd = raw & !LOW | sticky;
                let fits: fn($integer) -> bool = $fits;
                Wide::Double((if fits(raw) { raw } else { odd }) as f64)
            }
            #[inline(always)]
            fn single(raw: $integer) -> f32 {
                // Not by the processor's own instruction, which valgrind emulates with two roundings.
                match Self::float(raw) {
                    Wide::Double(value) => value as f32,
                    _ => unreachable!("a binary64"),
                }
            }
            #[inline(always)]
            fn double(raw: $integer) -> f64 {
                raw as f64
            }
        }
    )*};
}

wide_integer!(i64, |raw| raw.wrapping_add(1 << 52) as u64 <= 1 << 53; u64, |raw| raw <= 1 << 53);

impl Source for Bool {
    type Raw = u8;
    #[inline(always)]
    fn wide(raw: u8) -> Wide {
        Wide::Integer(u64::from(raw != 0))
    }
    #[inline(always)]
    fn float(raw: u8) -> Wide {
        Wide::Single(Self::single(raw))
    }
    #[inline(always)]
    fn single(raw: u8) -> f32 {
        f32::from(u8::from(raw != 0))
    }
    #[inline(always)]
    fn double(raw: u8) -> f64 {
        f64::from(u8::from(raw != 0))
    }
}

/// The wide floats. Of themselves they are the halves of complex numbers, whose NaNs a conversion makes quiet.
macro_rules! wide_float {
    ($format:ident, $float:ty, $form:ident, $single:expr, $double:expr) => {
        impl Source for float::$format {
            type Raw = $float;
            #[inline(always)]
            fn wide(raw: $float) -> Wide {
                Wide::$form(raw)
            }
            #[inline(always)]
            fn float(raw: $float) -> Wide {
                Wide::$form(raw)
            }
            #[inline(always)]
            fn single(raw: $float) -> f32 {
                let single: fn($float) -> f32 = $single;
                single(raw)
            }
            #[inline(always)]
            fn double(raw: $float) -> f64 {
                let double: fn($float) -> f64 = $double;
                double(raw)
            }
        }
    };
}

wide_float!(
    F32,
    f32,
    Single,
    |raw| f32::from_bits(raw.to_bits() | if raw.is_nan() { 1 << 22 } else { 0 }),
    f64::from
);
wide_float!(F64, f64, Double, |raw| raw as f32, |raw| f64::from_bits(
    raw.to_bits() | if raw.is_nan() { 1 << 51 } else { 0 }
));

/// The formats of 16 bits: binary32 holds them, and they are read by shifting bits.
macro_rules! half_float {
    ($($format:ident),*) => {$(
        impl Source for float::$format {
            type Raw = <float::$format as Float>::Bits;
            #[inline(always)]
            fn wide(raw: Self::Raw) -> Wide {
                Wide::Single(Self::single(raw))
            }
            #[inline(always)]
            fn float(raw: Self::Raw) -> Wide {
                Wide::Single(Self::single(raw))
            }
            #[inline(always)]
            fn single(raw: Self::Raw) -> f32 {
                widen(u32::from(raw), Self::FORMAT)
            }
            #[inline(always)]
            fn double(raw: Self::Raw) -> f64 {
                f64::from(Self::single(raw))
            }
        }
    )*};
}

half_float!(F16, BF16);

/// The formats narrower than binary32, which are rounded to.
macro_rules! narrow_float {
    ($($format:ident),*) => {$(
        impl Target for float::$format {
            type Raw = <float::$format as Float>::Bits;
            #[inline(always)]
            fn of<S: Source>(raw: S::Raw, parameters: Parameters) -> Self::Raw {
                narrow(roundable::<S>(raw), Self::FORMAT, parameters.overflowed) as Self::Raw
            }
        }
    )*};
}

narrow_float!(
    F16,
    BF16,
    E3M4,
    E4M3,
    E4M3B11Fnuz,
    E4M3Fn,
    E4M3Fnuz,
    E5M2,
    E5M2Fnuz,
    E2M3Fn,
    E3M2Fn,
    E2M1Fn
);

/// A binary32 on the way to a narrower format.
pub struct Rounded;

impl Target for Rounded {
    type Raw = f32;
    #[inline(always)]
    fn of<S: Source>(raw: S::Raw, _: Parameters) -> f32 {
        roundable::<S>(raw)
    }
}

/// float8_e8m0fnu: see [`crate::convert::e8m0`].
pub struct E8M0;

impl Target for E8M0 {
    type Raw = u8;
    #[inline(always)]
    fn of<S: Source>(raw: S::Raw, parameters: Parameters) -> u8 {
        const NAN: u32 = 0xff;
        const INFINITY: u32 = 0xff << 23;
        const HALF: u32 = 1 << 22;
        let bits = roundable::<S>(raw).to_bits();
        // The exponent, and one more from the middle on; of the smallest value, 2^-127, from just above it on.
        let up = if bits < 1 << 23 { HALF - 1 } else { HALF };
        let code = ((bits & (u32::MAX >> 1)) + up) >> 23;
        // What has a sign is above infinity, too.
        let is_number = bits.wrapping_sub(1) < INFINITY;
        (if is_number {
            code.min(parameters.overflowed)
        } else {
            NAN
        }) as u8
    }
}

/// Integers in the low `BITS` bits of a byte whose other bits are zero.
pub struct SmallInteger<const BITS: u32, const SIGNED: bool>;

impl<const BITS: u32, const SIGNED: bool> Target for SmallInteger<BITS, SIGNED> {
    type Raw = u8;
    #[inline(always)]
    fn of<S: Source>(raw: S::Raw, parameters: Parameters) -> u8 {
        let mask = u8::MAX >> (8 - BITS);
        mask & match S::wide(raw) {
            Wide::Integer(value) => value as u8,
            _ if SIGNED => {
                let highest = mask as i8 >> 1;
                <i8 as Target>::of::<S>(raw, parameters).clamp(-1 - highest, highest) as u8
            }
            _ => <u8 as Target>::of::<S>(raw, parameters).min(mask),
        }
    }
}

impl Target for float::F32 {
    type Raw = f32;
    #[inline(always)]
    fn of<S: Source>(raw: S::Raw, _: Parameters) -> f32 {
        S::single(raw)
    }
}

impl Target for float::F64 {
    type Raw = f64;
    #[inline(always)]
    fn of<S: Source>(raw: S::Raw, _: Parameters) -> f64 {
        S::double(raw)
    }
}

/// Integers: from integers by their low bits; from floats toward zero, held inside the range, NaN to 0.
///
/// That is what `as` does, written so that it vectorises: the float is held inside what the integer can be before it is
/// converted (through 32 bits, for smaller ones), and a float that is too large becomes the maximum afterwards, which the
/// float format may not have.
macro_rules! integer_target {
    ($($integer:ty, $through:ty);*) => {$(
        impl Target for $integer {
            type Raw = $integer;
            #[inline(always)]
            fn of<S: Source>(raw: S::Raw, _: Parameters) -> $integer {
                integer_target!(@truncate $integer, $through, f32, single);
                integer_target!(@truncate $integer, $through, f64, double);
                match S::wide(raw) {
                    Wide::Integer(value) => value as $integer,
                    Wide::Single(value) => single(value),
                    Wide::Double(value) => double(value),
                }
            }
        }
    )*};
    (@truncate $integer:ty, $through:ty, $float:ty, $name:ident) => {
        #[inline(always)]
        fn $name(value: $float) -> $integer {
            const LOWEST: $float = <$integer>::MIN as $float;
            /// One past the maximum: a power of two, so exact.
            const END: $float = (<$integer>::MAX / 2 + 1) as $float * 2.0;
            /// The largest float below it.
            const LARGEST: $float = <$float>::from_bits(END.to_bits() - 1);
            let low = if value > LOWEST { value } else { LOWEST };
            let held = if low < LARGEST { low } else { LARGEST };
            // SAFETY: the number is not NaN, and truncated it is inside the range of both integers.
            let integer = unsafe { held.to_int_unchecked::<$through>() } as $integer;
            let integer = if value >= END { <$integer>::MAX } else { integer };
            if value.is_nan() { 0 } else { integer }
        }
    };
}

integer_target!(i8, i32; i16, i32; i32, i32; i64, i64; u8, i32; u16, i32; u32, u32; u64, u64);

impl Target for Bool {
    type Raw = u8;
    #[inline(always)]
    fn of<S: Source>(raw: S::Raw, _: Parameters) -> u8 {
        // Zero has no other bit set than its sign.
        u8::from(match S::wide(raw) {
            Wide::Integer(value) => value != 0,
            Wide::Single(value) => value.to_bits() << 1 != 0,
            Wide::Double(value) => value.to_bits() << 1 != 0,
        })
    }
}
