//! The plain loops: one generic, branch-free loop per pair, which the compiler vectorises for each instruction-set level.

use super::element::{self as e, Parameters, Source, Target};
#[cfg(target_arch = "x86_64")]
use super::groups::{self, Group};
use super::steps::Run;
use crate::convert::float as f;
use crate::dtype::Scalar;
use core::marker::PhantomData;

/// What one element becomes.
pub trait Element {
    /// What is in memory.
    type From: Copy;
    /// What is written.
    type To;
    /// The one for the other.
    fn convert(raw: Self::From, parameters: Parameters) -> Self::To;
}

/// An element of one dtype as one of another.
pub struct Pair<S, T>(PhantomData<(S, T)>);

impl<S: Source, T: Target> Element for Pair<S, T> {
    type From = S::Raw;
    type To = T::Raw;
    #[inline(always)]
    fn convert(raw: S::Raw, parameters: Parameters) -> T::Raw {
        T::of::<S>(raw, parameters)
    }
}

/// Converts `count` elements.
///
/// # Safety
/// As for [`super::Steps::run`].
#[inline(always)]
unsafe fn convert<E: Element>(from: *const u8, to: *mut u8, count: usize, parameters: Parameters) {
    let (from, to) = (from.cast::<E::From>(), to.cast::<E::To>());
    for i in 0..count {
        // SAFETY: the caller's promise.
        unsafe {
            let raw = from.add(i).read_unaligned();
            to.add(i).write_unaligned(E::convert(raw, parameters));
        }
    }
}

/// `N` elements, for which the compiler needs no loop.
#[cfg(target_arch = "x86_64")]
struct Several<E, const N: usize>(PhantomData<E>);

#[cfg(target_arch = "x86_64")]
impl<E: Element, const N: usize> Group for Several<E, N> {
    const FROM: usize = size_of::<E::From>();
    const TO: usize = size_of::<E::To>();
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: the caller's promise; the arrays may be anywhere.
        unsafe {
            let raws = from.cast::<[E::From; N]>().read_unaligned();
            if N * Self::TO == size_of::<u64>() {
                // Put together first, the compiler takes them for one integer, which it makes of shifted parts.
                for (i, raw) in raws.into_iter().enumerate() {
                    let to = to.add(i * Self::TO).cast::<E::To>();
                    to.write_unaligned(E::convert(raw, parameters));
                }
                return;
            }
            let made = raws.map(|raw| E::convert(raw, parameters));
            to.cast::<[E::To; N]>().write_unaligned(made);
        }
    }
}

/// [`convert`] by groups, of one register or a few, of what is less, of eight, and the rest as eight: the loop that the compiler makes has
/// one for all that is left of its steps, an element at a time. `kernel` is what this is a part of.
///
/// # Safety
/// As for [`convert`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn convert_by_groups<E: Element>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
    kernel: Run,
) {
    let sizes = (size_of::<E::From>(), size_of::<E::To>());
    // SAFETY: the caller's promise.
    unsafe {
        let done = match sizes {
            (1, 1) => groups::convert::<Several<E, 64>, 64>(from, to, count, parameters),
            (1 | 2, 1 | 2) | (4, 1) => {
                groups::convert::<Several<E, 32>, 32>(from, to, count, parameters)
            }
            // Eight have two lines and more.
            (8.., 16) | (16, 8) => false,
            _ => groups::convert::<Several<E, 16>, 16>(from, to, count, parameters),
        };
        if !done && !groups::convert::<Several<E, EIGHT>, EIGHT>(from, to, count, parameters) {
            groups::short::<EIGHT>(from, to, count, parameters, kernel, sizes);
        }
    }
}

/// Elements of the smallest group.
#[cfg(target_arch = "x86_64")]
const EIGHT: usize = 8;

/// [`convert`] as it is, for the kernel that it is a part of.
///
/// # Safety
/// As for [`convert`].
#[inline(always)]
unsafe fn convert_all<E: Element>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
    _: Run,
) {
    // SAFETY: the caller's promise.
    unsafe { convert::<E>(from, to, count, parameters) }
}

/// A level that the loops are compiled for.
pub trait Compiled {
    /// The loop over elements.
    fn run<E: Element>() -> Run;
}

/// Names a level by what converts and the features it is compiled with.
macro_rules! level {
    ($(#[$doc:meta])* $name:ident, $convert:expr $(, $feature:literal)?) => {
        $(#[$doc])*
        pub struct $name;
        impl Compiled for $name {
            fn run<E: Element>() -> Run {
                /// # Safety
                /// As for `Steps::run`; the processor has the features of the level.
                $(#[target_feature(enable = $feature)])?
                unsafe fn run<E: Element>(
                    from: *const u8,
                    to: *mut u8,
                    count: usize,
                    parameters: Parameters,
                ) {
                    // SAFETY: the caller's promise.
                    unsafe { $convert(from, to, count, parameters, run::<E>) }
                }
                run::<E>
            }
        }
    };
}

level!(
    /// What every processor has.
    Baseline,
    convert_all::<E>
);
#[cfg(target_arch = "x86_64")]
level!(
    /// AVX2 and F16C.
    Avx2,
    convert_by_groups::<E>,
    "avx2,f16c"
);
/// The loop of a whole-byte integer or bool, to these and the floats of 32 and 64 bits; from bytes also to narrower integers.
pub fn of_integer<L: Compiled>(from: Scalar, to: Scalar) -> Option<Run> {
    match from {
        Scalar::Bool => to_wide::<L, e::Bool>(to),
        Scalar::Int8 => to_wide::<L, i8>(to),
        Scalar::Int16 => to_wide::<L, i16>(to),
        Scalar::Int32 => to_wide::<L, i32>(to),
        Scalar::Int64 => to_wide::<L, i64>(to),
        Scalar::UInt8 => to_wide::<L, u8>(to).or_else(|| to_subbyte::<L, u8>(to)),
        Scalar::UInt16 => to_wide::<L, u16>(to),
        Scalar::UInt32 => to_wide::<L, u32>(to),
        Scalar::UInt64 => to_wide::<L, u64>(to),
        _ => None,
    }
}

/// The loop of a float of 32 or 64 bits, to the same, and from float32 to all that is narrower; to these floats from those of
/// 16 bits.
pub fn of_float<L: Compiled>(from: Scalar, to: Scalar) -> Option<Run> {
    match from {
        Scalar::Float16 => to_float::<L, f::F16>(to),
        Scalar::BFloat16 => to_float::<L, f::BF16>(to),
        Scalar::Float32 => to_wide::<L, f::F32>(to)
            .or_else(|| to_narrow::<L>(to))
            .or_else(|| to_subbyte::<L, f::F32>(to)),
        Scalar::Float64 => to_wide::<L, f::F64>(to),
        _ => None,
    }
}

/// Of the loops of floats those that the compiler vectorises well, with AVX2.
#[cfg(target_arch = "x86_64")]
pub fn of_float_with_ease(from: Scalar, to: Scalar) -> Option<Run> {
    match (from, to) {
        (Scalar::Float64, _) => to_float::<Avx2, f::F64>(to),
        (Scalar::Float32, Scalar::Float64) => Some(Avx2::run::<Pair<f::F32, f::F64>>()),
        (Scalar::Float32, Scalar::Float8E8M0Fnu) => Some(Avx2::run::<Pair<f::F32, e::E8M0>>()),
        _ => None,
    }
}

fn to_wide<L: Compiled, S: Source>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Bool => L::run::<Pair<S, e::Bool>>(),
        Scalar::Int8 => L::run::<Pair<S, i8>>(),
        Scalar::Int16 => L::run::<Pair<S, i16>>(),
        Scalar::Int32 => L::run::<Pair<S, i32>>(),
        Scalar::Int64 => L::run::<Pair<S, i64>>(),
        Scalar::UInt8 => L::run::<Pair<S, u8>>(),
        Scalar::UInt16 => L::run::<Pair<S, u16>>(),
        Scalar::UInt32 => L::run::<Pair<S, u32>>(),
        Scalar::UInt64 => L::run::<Pair<S, u64>>(),
        _ => return to_float::<L, S>(to),
    })
}

fn to_float<L: Compiled, S: Source>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float32 => L::run::<Pair<S, f::F32>>(),
        Scalar::Float64 => L::run::<Pair<S, f::F64>>(),
        _ => return None,
    })
}

fn to_narrow<L: Compiled>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float16 => L::run::<Pair<f::F32, f::F16>>(),
        Scalar::BFloat16 => L::run::<Pair<f::F32, f::BF16>>(),
        Scalar::Float8E3M4 => L::run::<Pair<f::F32, f::E3M4>>(),
        Scalar::Float8E4M3 => L::run::<Pair<f::F32, f::E4M3>>(),
        Scalar::Float8E4M3B11Fnuz => L::run::<Pair<f::F32, f::E4M3B11Fnuz>>(),
        Scalar::Float8E4M3Fn => L::run::<Pair<f::F32, f::E4M3Fn>>(),
        Scalar::Float8E4M3Fnuz => L::run::<Pair<f::F32, f::E4M3Fnuz>>(),
        Scalar::Float8E5M2 => L::run::<Pair<f::F32, f::E5M2>>(),
        Scalar::Float8E5M2Fnuz => L::run::<Pair<f::F32, f::E5M2Fnuz>>(),
        Scalar::Float8E8M0Fnu => L::run::<Pair<f::F32, e::E8M0>>(),
        Scalar::Float6E2M3Fn => L::run::<Pair<f::F32, f::E2M3Fn>>(),
        Scalar::Float6E3M2Fn => L::run::<Pair<f::F32, f::E3M2Fn>>(),
        Scalar::Float4E2M1Fn => L::run::<Pair<f::F32, f::E2M1Fn>>(),
        _ => return None,
    })
}

fn to_subbyte<L: Compiled, S: Source>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Int1 => L::run::<Pair<S, e::SmallInteger<1, true>>>(),
        Scalar::Int2 => L::run::<Pair<S, e::SmallInteger<2, true>>>(),
        Scalar::Int4 => L::run::<Pair<S, e::SmallInteger<4, true>>>(),
        Scalar::UInt1 => L::run::<Pair<S, e::SmallInteger<1, false>>>(),
        Scalar::UInt2 => L::run::<Pair<S, e::SmallInteger<2, false>>>(),
        Scalar::UInt4 => L::run::<Pair<S, e::SmallInteger<4, false>>>(),
        _ => return None,
    })
}

/// To binary32, on the way to a narrower float, for every processor: see [`super::narrow::odd`].
pub fn rounded(from: Scalar) -> Option<Run> {
    Some(match from {
        Scalar::Int32 => convert::<Pair<i32, e::Rounded>>,
        Scalar::UInt32 => convert::<Pair<u32, e::Rounded>>,
        Scalar::Int64 => convert::<Pair<i64, e::Rounded>>,
        Scalar::UInt64 => convert::<Pair<u64, e::Rounded>>,
        Scalar::Float64 => convert::<Pair<f::F64, e::Rounded>>,
        _ => return None,
    })
}
