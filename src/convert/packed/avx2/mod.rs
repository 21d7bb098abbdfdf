//! Kernels written for AVX2 and F16C, for the pairs whose plain loop the compiler does not vectorise well.
//!
//! Thirty-two elements are a group. Most pass through binary32, eight to a register, exactly or, where it does not hold
//! them, odd (see [`crate::convert::packed::narrow::odd`]); binary64 to integers goes its own way. The results are those of the plain
//! loops, bit for bit. Every function here needs the two instruction sets and, but for the loads and stores of bits, the
//! standard floating-point environment.

use super::element::Parameters;
use super::groups::{self, Group, Load, Store, each, for_small, subnormals};
use super::steps::{Run, Step};
use crate::convert::float;
use crate::dtype::Scalar;
use core::arch::x86_64::*;

/// Elements of a group.
const GROUP: usize = 32;

/// A group as binary32.
type Singles = [__m256; 4];

/// A group as 32-bit integers.
type Words = [__m256i; 4];

mod bytes;
mod load;
mod store;
mod wide;

use bytes::Eight;
use load::*;
use store::*;
use wide::*;

/// Through binary32.
type Through<L, S> = groups::Through<__m256, L, S>;

/// Converts `count` elements: groups, or fewer by way of one.
///
/// # Safety
/// As for [`super::Steps::run`]; the processor has AVX2 and F16C.
#[target_feature(enable = "avx2,f16c")]
unsafe fn run<G: Group>(from: *const u8, to: *mut u8, count: usize, parameters: Parameters) {
    // SAFETY: the caller's promise.
    unsafe {
        if !groups::convert::<G, GROUP>(from, to, count, parameters) {
            let sizes = (G::FROM, G::TO);
            groups::short::<GROUP>(from, to, count, parameters, run::<G>, sizes);
        }
    }
}

/// Eight bytes, thirty-two bytes, and so on, at any address.
#[inline(always)]
unsafe fn load64(from: *const u8) -> __m128i {
    // SAFETY: the caller's promise that as many bytes are readable.
    unsafe { _mm_loadl_epi64(from.cast()) }
}

#[inline(always)]
unsafe fn load128(from: *const u8) -> __m128i {
    // SAFETY: as above.
    unsafe { _mm_loadu_si128(from.cast()) }
}

#[inline(always)]
unsafe fn load256(from: *const u8) -> __m256i {
    // SAFETY: as above.
    unsafe { _mm256_loadu_si256(from.cast()) }
}

#[inline(always)]
unsafe fn store256(to: *mut u8, register: __m256i) {
    // SAFETY: the caller's promise that as many bytes are writable.
    unsafe { _mm256_storeu_si256(to.cast(), register) }
}

/// A kernel that takes groups.
pub fn of_groups(run: Run) -> Step {
    Step::of_groups(run, GROUP)
}

/// The kernel of a pair, if there is one here.
pub fn direct(from: Scalar, to: Scalar) -> Option<Run> {
    match (from, to) {
        (Scalar::Float64, to) => {
            if let Some(run) = from_double(to) {
                return Some(run);
            }
        }
        (Scalar::Int64, Scalar::Float64) => return Some(run::<LongToDouble<true>>),
        (Scalar::UInt64, Scalar::Float64) => return Some(run::<LongToDouble<false>>),
        (Scalar::Int64, Scalar::Float32) => return Some(run::<LongToSingle<true>>),
        (Scalar::UInt64, Scalar::Float32) => return Some(run::<LongToSingle<false>>),
        (Scalar::Bool, Scalar::Float16) => return Some(run::<BoolToHalf<0x3c00>>),
        (Scalar::Bool, Scalar::BFloat16) => return Some(run::<BoolToHalf<0x3f80>>),
        (Scalar::Int8, Scalar::BFloat16) => return Some(run::<ByteToBrain<I8>>),
        (Scalar::UInt8, Scalar::BFloat16) => return Some(run::<ByteToBrain<U8>>),
        // Its exponents reach below those of float16.
        (Scalar::Float16, Scalar::Float8E5M2Fnuz) => {
            return Some(run::<Through<F16, Small<float::E5M2Fnuz>>>);
        }
        (Scalar::BFloat16, Scalar::Float32) => return Some(run::<Through<BF16, QuietF32>>),
        // Halves of complex numbers.
        (Scalar::Float32, Scalar::Float32) => return Some(run::<Through<F32, QuietF32>>),
        _ => {}
    }
    if let Some(run) = bytes::direct(from, to) {
        return Some(run);
    }
    match from {
        Scalar::Int8 => of_integer::<I8>(to),
        Scalar::UInt8 => of_integer::<U8>(to),
        Scalar::Int16 => of_integer::<I16>(to),
        Scalar::UInt16 => of_integer::<U16>(to),
        Scalar::Int32 => of_integer::<I32>(to),
        Scalar::UInt32 => of_integer::<U32>(to),
        Scalar::Int64 => of_integer::<I64>(to),
        Scalar::UInt64 => of_integer::<U64>(to),
        Scalar::Float64 => to_narrow::<F64>(to),
        Scalar::Float32 => from_float::<F32>(to)
            .or_else(|| to_eight::<F32>(to))
            .or_else(|| to_six::<F32>(to))
            .or_else(|| to_tiny(to)),
        Scalar::Float16 => from_float::<F16>(to).or_else(|| to_six::<F16>(to)),
        Scalar::BFloat16 => from_float::<BF16>(to).or_else(|| to_six::<BF16>(to)),
        Scalar::Float8E4M3Fn => from_float::<Eight<float::E4M3Fn>>(to),
        Scalar::Float8E5M2 => from_float::<Eight<float::E5M2>>(to),
        _ => None,
    }
}

/// What rounds to binary32 and keeps the result: the first step to any narrow format.
pub fn rounded(from: Scalar) -> Option<Run> {
    Some(match from {
        Scalar::Int32 => run::<Through<I32, F32>>,
        Scalar::UInt32 => run::<Through<U32, F32>>,
        Scalar::Int64 => run::<Through<I64, F32>>,
        Scalar::UInt64 => run::<Through<U64, F32>>,
        Scalar::Float64 => run::<Through<F64, F32>>,
        _ => return None,
    })
}

fn of_integer<L: Load<__m256>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float16 => run::<Through<L, F16>>,
        Scalar::BFloat16 => run::<Through<L, BrainOfNumbers>>,
        _ => return None,
    })
}

fn to_narrow<L: Load<__m256>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float16 => run::<Through<L, F16>>,
        Scalar::BFloat16 => run::<Through<L, BF16>>,
        _ => return None,
    })
}

fn from_float<L: Load<__m256>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Bool => run::<Through<L, BoolTarget>>,
        Scalar::Int8 => run::<Through<L, I8>>,
        Scalar::UInt8 => run::<Through<L, U8>>,
        Scalar::Int16 => run::<Through<L, I16>>,
        Scalar::UInt16 => run::<Through<L, U16>>,
        Scalar::Int32 => run::<Through<L, I32>>,
        Scalar::UInt32 => run::<Through<L, U32>>,
        Scalar::Int64 => run::<Through<L, I64>>,
        Scalar::UInt64 => run::<Through<L, U64>>,
        Scalar::Float64 => run::<Through<L, F64>>,
        Scalar::Float32 => run::<Through<L, F32>>,
        _ => return to_narrow::<L>(to),
    })
}

fn to_tiny(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Int1 => run::<Through<F32, Tiny<1, true>>>,
        Scalar::Int2 => run::<Through<F32, Tiny<2, true>>>,
        Scalar::Int4 => run::<Through<F32, Tiny<4, true>>>,
        Scalar::UInt1 => run::<Through<F32, Tiny<1, false>>>,
        Scalar::UInt2 => run::<Through<F32, Tiny<2, false>>>,
        Scalar::UInt4 => run::<Through<F32, Tiny<4, false>>>,
        _ => return None,
    })
}

/// The floats of eight bits.
fn to_eight<L: Load<__m256>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float8E4M3Fn => run::<Through<L, Small<float::E4M3Fn>>>,
        Scalar::Float8E5M2 => run::<Through<L, Small<float::E5M2>>>,
        Scalar::Float8E3M4 => run::<Through<L, Small<float::E3M4>>>,
        Scalar::Float8E4M3 => run::<Through<L, Small<float::E4M3>>>,
        Scalar::Float8E4M3B11Fnuz => run::<Through<L, Small<float::E4M3B11Fnuz>>>,
        Scalar::Float8E4M3Fnuz => run::<Through<L, Small<float::E4M3Fnuz>>>,
        Scalar::Float8E5M2Fnuz => run::<Through<L, Small<float::E5M2Fnuz>>>,
        _ => return None,
    })
}

/// The floats of less.
fn to_six<L: Load<__m256>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float6E2M3Fn => run::<Through<L, Small<float::E2M3Fn>>>,
        Scalar::Float6E3M2Fn => run::<Through<L, Small<float::E3M2Fn>>>,
        Scalar::Float4E2M1Fn => run::<Through<L, Small<float::E2M1Fn>>>,
        _ => return None,
    })
}

fn from_double(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Bool => run::<Doubles<BoolTarget>>,
        Scalar::Int8 => run::<Doubles<I8>>,
        Scalar::UInt8 => run::<Doubles<U8>>,
        Scalar::Int16 => run::<Doubles<I16>>,
        Scalar::UInt16 => run::<Doubles<U16>>,
        Scalar::Int32 => run::<Doubles<I32>>,
        Scalar::UInt32 => run::<Doubles<U32>>,
        Scalar::Int64 => run::<Doubles<I64>>,
        Scalar::UInt64 => run::<Doubles<U64>>,
        _ => return None,
    })
}
