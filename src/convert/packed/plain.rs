//! The plain loops: one generic, branch-free loop per pair, which the compiler vectorises for each instruction-set level.

use super::element::{self as e, Parameters, Source, Target};
use super::{Run, Scalar};
use crate::convert::float as f;

/// Converts `count` elements.
///
/// # Safety
/// As for [`super::Steps::run`].
#[inline(always)]
unsafe fn convert<S: Source, T: Target>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    let (from, to) = (from.cast::<S::Raw>(), to.cast::<T::Raw>());
    for i in 0..count {
        // SAFETY: the caller's promise.
        unsafe {
            let raw = from.add(i).read_unaligned();
            to.add(i).write_unaligned(T::of::<S>(raw, parameters));
        }
    }
}

/// A level: its name, and the features it is compiled with.
macro_rules! level {
    ($name:ident $(, $feature:literal)?) => {
        pub mod $name {
            use super::*;

            /// # Safety
            /// As for `Steps::run`; the processor has the features of the level.
            $(#[target_feature(enable = $feature)])?
            unsafe fn run<S: Source, T: Target>(
                from: *const u8,
                to: *mut u8,
                count: usize,
                parameters: Parameters,
            ) {
                // SAFETY: the caller's promise.
                unsafe { convert::<S, T>(from, to, count, parameters) }
            }

            /// The loop of a pair: between whole-byte integers, bool, and the floats of 32 and 64 bits; to those floats
            /// from those of 16 bits; and from float32 to all that is narrower.
            pub fn direct(from: Scalar, to: Scalar) -> Option<Run> {
                match from {
                    Scalar::Bool => to_wide::<e::Bool>(to),
                    Scalar::Int8 => to_wide::<i8>(to),
                    Scalar::Int16 => to_wide::<i16>(to),
                    Scalar::Int32 => to_wide::<i32>(to),
                    Scalar::Int64 => to_wide::<i64>(to),
                    Scalar::UInt8 => to_wide::<u8>(to).or_else(|| to_subbyte::<u8>(to)),
                    Scalar::UInt16 => to_wide::<u16>(to),
                    Scalar::UInt32 => to_wide::<u32>(to),
                    Scalar::UInt64 => to_wide::<u64>(to),
                    Scalar::Float16 => to_float::<f::F16>(to),
                    Scalar::BFloat16 => to_float::<f::BF16>(to),
                    Scalar::Float32 => to_wide::<f::F32>(to)
                        .or_else(|| to_narrow(to))
                        .or_else(|| to_subbyte::<f::F32>(to)),
                    Scalar::Float64 => to_wide::<f::F64>(to),
                    _ => None,
                }
            }

            fn to_wide<S: Source>(to: Scalar) -> Option<Run> {
                Some(match to {
                    Scalar::Bool => run::<S, e::Bool>,
                    Scalar::Int8 => run::<S, i8>,
                    Scalar::Int16 => run::<S, i16>,
                    Scalar::Int32 => run::<S, i32>,
                    Scalar::Int64 => run::<S, i64>,
                    Scalar::UInt8 => run::<S, u8>,
                    Scalar::UInt16 => run::<S, u16>,
                    Scalar::UInt32 => run::<S, u32>,
                    Scalar::UInt64 => run::<S, u64>,
                    _ => return to_float::<S>(to),
                })
            }

            fn to_float<S: Source>(to: Scalar) -> Option<Run> {
                Some(match to {
                    Scalar::Float32 => run::<S, f::F32>,
                    Scalar::Float64 => run::<S, f::F64>,
                    _ => return None,
                })
            }

            fn to_narrow(to: Scalar) -> Option<Run> {
                Some(match to {
                    Scalar::Float16 => run::<f::F32, f::F16>,
                    Scalar::BFloat16 => run::<f::F32, f::BF16>,
                    Scalar::Float8E3M4 => run::<f::F32, f::E3M4>,
                    Scalar::Float8E4M3 => run::<f::F32, f::E4M3>,
                    Scalar::Float8E4M3B11Fnuz => run::<f::F32, f::E4M3B11Fnuz>,
                    Scalar::Float8E4M3Fn => run::<f::F32, f::E4M3Fn>,
                    Scalar::Float8E4M3Fnuz => run::<f::F32, f::E4M3Fnuz>,
                    Scalar::Float8E5M2 => run::<f::F32, f::E5M2>,
                    Scalar::Float8E5M2Fnuz => run::<f::F32, f::E5M2Fnuz>,
                    Scalar::Float8E8M0Fnu => run::<f::F32, e::E8M0>,
                    Scalar::Float6E2M3Fn => run::<f::F32, f::E2M3Fn>,
                    Scalar::Float6E3M2Fn => run::<f::F32, f::E3M2Fn>,
                    Scalar::Float4E2M1Fn => run::<f::F32, f::E2M1Fn>,
                    _ => return None,
                })
            }

            fn to_subbyte<S: Source>(to: Scalar) -> Option<Run> {
                Some(match to {
                    Scalar::Int1 => run::<S, e::SmallInteger<1, true>>,
                    Scalar::Int2 => run::<S, e::SmallInteger<2, true>>,
                    Scalar::Int4 => run::<S, e::SmallInteger<4, true>>,
                    Scalar::UInt1 => run::<S, e::SmallInteger<1, false>>,
                    Scalar::UInt2 => run::<S, e::SmallInteger<2, false>>,
                    Scalar::UInt4 => run::<S, e::SmallInteger<4, false>>,
                    _ => return None,
                })
            }
        }
    };
}

level!(baseline);

/// To binary32, on the way to a narrower float, for every processor: see [`super::narrow::odd`].
pub fn rounded(from: Scalar) -> Option<Run> {
    Some(match from {
        Scalar::Int32 => convert::<i32, e::Rounded>,
        Scalar::UInt32 => convert::<u32, e::Rounded>,
        Scalar::Int64 => convert::<i64, e::Rounded>,
        Scalar::UInt64 => convert::<u64, e::Rounded>,
        Scalar::Float64 => convert::<f::F64, e::Rounded>,
        _ => return None,
    })
}

#[cfg(target_arch = "x86_64")]
level!(avx2, "avx2,f16c");
#[cfg(target_arch = "x86_64")]
level!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c");
