//! Complex numbers: their real part, real ones that become complex, and whether either part is not zero. The parts are of the type that is
//! on the other side; other types take another step before or after.

use super::element::Parameters;
use super::plain::{Compiled, Element};
use super::steps::Run;
use crate::convert::float::{F16, F32, F64, Float};
use crate::dtype::Scalar;
use core::marker::PhantomData;

/// The real part of a complex number whose parts are such.
struct Real<F>(PhantomData<F>);

/// A complex number whose imaginary part is zero.
struct Made<F>(PhantomData<F>);

/// Whether either part is not zero, as a bool.
struct Either<F>(PhantomData<F>);

/// The elements of a format, whose bits are `$part`. Two of them, of which the first one is in the low bits, are what the compiler
/// vectorises best: one integer where they are written, `$pair` with its `$real` and `$imaginary` part where they are read.
macro_rules! parts {
    ($format:ty, $part:ty, $written:ty, $pair:ty, $real:expr, $imaginary:expr) => {
        impl Real<$format> {
            /// The same number, of a NaN the quiet one.
            #[inline(always)]
            fn quiet(bits: $part) -> $part {
                const INFINITY: $part = <$format>::FORMAT.infinity() as $part;
                const QUIET: $part = 1 << (<$format>::FORMAT.fraction_bits - 1);
                let is_nan = bits << 1 > INFINITY << 1;
                bits | if is_nan { QUIET } else { 0 }
            }
        }

        impl Element for Real<$format> {
            type From = $pair;
            type To = $part;
            #[inline(always)]
            fn convert(pair: $pair, _: Parameters) -> $part {
                let real: fn($pair) -> $part = $real;
                Self::quiet(real(pair))
            }
        }

        impl Element for Made<$format> {
            type From = $part;
            type To = $written;
            #[inline(always)]
            fn convert(real: $part, _: Parameters) -> $written {
                Real::<$format>::quiet(real).into()
            }
        }

        impl Element for Either<$format> {
            type From = $pair;
            type To = u8;
            #[inline(always)]
            fn convert(pair: $pair, _: Parameters) -> u8 {
                let (real, imaginary): (fn($pair) -> $part, fn($pair) -> $part) =
                    ($real, $imaginary);
                // Zero has no other bit set than its sign.
                u8::from((real(pair) | imaginary(pair)) << 1 != 0)
            }
        }
    };
}

parts!(F16, u16, u32, u32, |pair| pair as u16, |pair| (pair >> 16)
    as u16);
parts!(F32, u32, u64, u64, |pair| pair as u32, |pair| (pair >> 32)
    as u32);
parts!(F64, u64, u128, [u64; 2], |[real, _]| real, |[
    _,
    imaginary,
]| { imaginary });

/// The loop of a complex number and a real one of the type of its parts, or bool.
pub fn of<L: Compiled>(from: Scalar, to: Scalar) -> Option<Run> {
    Some(match (from, to) {
        (Scalar::Complex32, Scalar::Float16) => L::run::<Real<F16>>(),
        (Scalar::Complex64, Scalar::Float32) => L::run::<Real<F32>>(),
        (Scalar::Complex128, Scalar::Float64) => L::run::<Real<F64>>(),
        (Scalar::Float16, Scalar::Complex32) => L::run::<Made<F16>>(),
        (Scalar::Float32, Scalar::Complex64) => L::run::<Made<F32>>(),
        (Scalar::Float64, Scalar::Complex128) => L::run::<Made<F64>>(),
        (Scalar::Complex32, Scalar::Bool) => L::run::<Either<F16>>(),
        (Scalar::Complex64, Scalar::Bool) => L::run::<Either<F32>>(),
        (Scalar::Complex128, Scalar::Bool) => L::run::<Either<F64>>(),
        _ => return None,
    })
}
