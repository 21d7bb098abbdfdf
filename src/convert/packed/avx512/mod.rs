//! Kernels written for AVX-512 F, BW, DQ and VL, for the pairs that have a float on a side.
//!
//! Sixty-four elements are a group. Most pass through binary32, sixteen to a register, exactly or, where it does not hold
//! them, odd (see [`crate::convert::packed::narrow::odd`]). The results are those of the plain loops, bit for bit. Every
//! function here needs the instruction sets and, but for the loads and stores of bits, the standard floating-point
//! environment.

use super::element::Parameters;
use super::groups::{self, Group, Load, Store, each, for_small, subnormals, subnormals_end};
use super::{Run, Scalar, Step, first_bytes};
use crate::convert::float;
use core::arch::x86_64::*;
use core::mem::MaybeUninit;

/// Elements of a group.
const GROUP: usize = 64;

/// A group as binary32.
type Singles = [__m512; 4];

/// A group as 32-bit integers.
type Words = [__m512i; 4];

pub mod brain;
mod bytes;
mod load;
mod shifted;
mod store;
pub mod tables;
mod wide;

use bytes::{Eight, Lengthen, Shorten};
use load::*;
use shifted::Shifted;
use store::*;
use wide::*;

/// Through binary32.
type Through<L, S> = groups::Through<__m512, L, S>;

/// Bytes of a register.
const LINE: usize = 64;

/// Room for a group of any dtype.
#[repr(align(64))]
struct Room(MaybeUninit<[u8; 8 * GROUP]>);

/// [`convert`] with these instructions.
///
/// # Safety
/// As for [`super::Steps::run`]; the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c")]
unsafe fn run<G: Group>(from: *const u8, to: *mut u8, count: usize, parameters: Parameters) {
    // SAFETY: the caller's promise.
    unsafe { convert::<G>(run::<G>, from, to, count, parameters) }
}

/// Converts `count` elements: groups, or fewer by way of one, which `kernel` converts in the same way.
///
/// # Safety
/// As for [`super::Steps::run`]; the processor has the features.
#[inline(always)]
unsafe fn convert<G: Group>(
    kernel: Run,
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if !groups::convert::<G, GROUP>(from, to, count, parameters) {
            short(kernel, from, G::FROM, to, G::TO, count, parameters);
        }
    }
}

/// [`padded`], which is not to be a part of each kernel, of which there are many: `inline(never)` is not heeded where a function names
/// instruction sets, so this one does not.
///
/// # Safety
/// As for [`padded`].
#[inline(never)]
unsafe fn short(
    kernel: Run,
    from: *const u8,
    from_size: usize,
    to: *mut u8,
    to_size: usize,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { padded(kernel, from, from_size, to, to_size, count, parameters) }
}

/// Converts fewer elements than a group has, of so many bytes.
///
/// # Safety
/// As for [`super::Steps::run`]; `kernel` converts a group, and the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c")]
unsafe fn padded(
    kernel: Run,
    from: *const u8,
    from_size: usize,
    to: *mut u8,
    to_size: usize,
    count: usize,
    parameters: Parameters,
) {
    let (mut source, mut target) = (Room(MaybeUninit::uninit()), Room(MaybeUninit::uninit()));
    let (source, target) = (
        source.0.as_mut_ptr().cast::<u8>(),
        target.0.as_mut_ptr().cast::<u8>(),
    );
    // SAFETY: the caller's promise; a group fits the rooms, and all of the one that is read has been written.
    unsafe {
        for line in (0..GROUP * from_size).step_by(LINE) {
            let part = first_bytes(count * from_size, line);
            let bytes = _mm512_maskz_loadu_epi8(part, from.wrapping_add(line).cast());
            store512(source.add(line), bytes);
        }
        kernel(source, target, GROUP, parameters);
        for line in (0..count * to_size).step_by(LINE) {
            let part = first_bytes(count * to_size, line);
            let bytes = load512(target.add(line));
            _mm512_mask_storeu_epi8(to.add(line).cast(), part, bytes);
        }
    }
}

/// Sixteen bytes, thirty-two bytes, and so on, at any address.
#[inline(always)]
unsafe fn load128(from: *const u8) -> __m128i {
    // SAFETY: the caller's promise that as many bytes are readable.
    unsafe { _mm_loadu_si128(from.cast()) }
}

#[inline(always)]
unsafe fn load256(from: *const u8) -> __m256i {
    // SAFETY: as above.
    unsafe { _mm256_loadu_si256(from.cast()) }
}

#[inline(always)]
unsafe fn load512(from: *const u8) -> __m512i {
    // SAFETY: as above.
    unsafe { _mm512_loadu_si512(from.cast()) }
}

#[inline(always)]
unsafe fn store256(to: *mut u8, register: __m256i) {
    // SAFETY: the caller's promise that as many bytes are writable.
    unsafe { _mm256_storeu_si256(to.cast(), register) }
}

#[inline(always)]
unsafe fn store512(to: *mut u8, register: __m512i) {
    // SAFETY: as above.
    unsafe { _mm512_storeu_si512(to.cast(), register) }
}

#[inline(always)]
unsafe fn set8(value: u32) -> __m512i {
    // SAFETY: the module's features.
    unsafe { _mm512_set1_epi8(value as i8) }
}

#[inline(always)]
unsafe fn set16(value: u32) -> __m512i {
    // SAFETY: the module's features.
    unsafe { _mm512_set1_epi16(value as i16) }
}

#[inline(always)]
unsafe fn set32(value: u32) -> __m512i {
    // SAFETY: the module's features.
    unsafe { _mm512_set1_epi32(value as i32) }
}

/// A kernel that takes groups.
pub fn of_groups(run: Run) -> Step {
    Step::of_groups(run, GROUP)
}

/// The kernel of a pair, if there is one here.
pub fn direct(from: Scalar, to: Scalar) -> Option<Run> {
    match from {
        Scalar::Bool => match to {
            Scalar::Float16 => Some(run::<OfBool<F16>>),
            Scalar::BFloat16 => Some(run::<OfBool<BF16>>),
            Scalar::Float32 => Some(run::<OfBool<F32>>),
            Scalar::Float64 => Some(run::<OfBool<F64>>),
            _ => None,
        },
        Scalar::Int8 => of_byte::<I8>(to).or_else(|| to_small::<I8>(to)),
        Scalar::UInt8 => of_byte::<U8>(to).or_else(|| to_small::<U8>(to)),
        Scalar::Int16 => of_integer::<I16, I16>(to),
        Scalar::UInt16 => of_integer::<U16, U16>(to),
        Scalar::Int32 => of_integer::<I32, Near<I32>>(to),
        Scalar::UInt32 => of_integer::<U32, Near<U32>>(to),
        Scalar::Int64 => match to {
            Scalar::Float32 => Some(run::<Fours<Longs<true>>>),
            _ => of_integer::<I64, Held<I64>>(to),
        },
        Scalar::UInt64 => match to {
            Scalar::Float32 => Some(run::<Fours<Longs<false>>>),
            _ => of_integer::<U64, Held<U64>>(to),
        },
        Scalar::Float64 => of_double(to),
        Scalar::Float32 => match to {
            Scalar::Bool => Some(run::<Through<F32, Nonzero>>),
            // Halves of complex numbers.
            Scalar::Float32 => Some(run::<Through<F32, QuietF32>>),
            _ => of_float::<F32>(to)
                .or_else(|| to_small::<F32>(to))
                .or_else(|| to_eight::<F32>(to)),
        },
        Scalar::Float16 => match to {
            Scalar::Bool => Some(run::<NonzeroHalves>),
            Scalar::Float32 => Some(run::<Through<F16, F32>>),
            _ => shifted::<float::F16>(to)
                .or_else(|| of_float::<F16>(to))
                .or_else(|| to_small::<F16>(to))
                .or_else(|| shorten::<float::F16>(to)),
        },
        Scalar::BFloat16 => match to {
            Scalar::Bool => Some(run::<NonzeroHalves>),
            Scalar::Float32 => Some(run::<Through<BF16, QuietF32>>),
            _ => shifted::<float::BF16>(to)
                .or_else(|| of_float::<BF16>(to))
                .or_else(|| to_small::<BF16>(to))
                .or_else(|| shorten::<float::BF16>(to)),
        },
        _ => of_eight(from, to),
    }
}

/// What rounds to binary32 and keeps the result: the first step to a narrow format.
pub fn rounded(from: Scalar, to: Scalar) -> Option<Run> {
    Some(match (from, to) {
        (Scalar::Int32, _) => run::<Through<I32, F32>>,
        (Scalar::UInt32, _) => run::<Through<U32, F32>>,
        (Scalar::Int64, _) => run::<Through<I64, F32>>,
        (Scalar::UInt64, _) => run::<Through<U64, F32>>,
        // Its smallest number is subnormal in binary32.
        (Scalar::Float64, Scalar::Float8E8M0Fnu) => run::<Through<F64, F32>>,
        (Scalar::Float64, _) => run::<Through<OddF64, F32>>,
        _ => return None,
    })
}

/// An integer, read as it is for bfloat16, and for float16 in a way that suffices below its infinity.
fn of_integer<L: Load<__m512>, H: Load<__m512>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float16 => run::<Through<H, F16>>,
        Scalar::BFloat16 => run::<Through<L, BrainOfNumbers>>,
        _ => return None,
    })
}

fn of_byte<L: Load<__m512>>(to: Scalar) -> Option<Run> {
    match to {
        Scalar::BFloat16 => Some(run::<Through<L, UpperHalves>>),
        _ => of_integer::<L, L>(to),
    }
}

fn of_float<L: Load<__m512>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Int8 => run::<Through<L, I8>>,
        Scalar::UInt8 => run::<Through<L, U8>>,
        Scalar::Int16 => run::<Through<L, I16>>,
        Scalar::UInt16 => run::<Through<L, U16>>,
        Scalar::Int32 => run::<Through<L, I32>>,
        Scalar::UInt32 => run::<Through<L, U32>>,
        Scalar::Int64 => run::<Through<L, I64>>,
        Scalar::UInt64 => run::<Through<L, U64>>,
        Scalar::Float16 => run::<Through<L, F16>>,
        Scalar::BFloat16 => run::<Through<L, BF16>>,
        Scalar::Float64 => run::<Through<L, F64>>,
        _ => return None,
    })
}

/// A float of sixteen bits to the integers that words are enough for.
fn shifted<W: float::Float>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Int8 => run::<Shifted<W, I8>>,
        Scalar::UInt8 => run::<Shifted<W, U8>>,
        Scalar::UInt16 => run::<Shifted<W, U16>>,
        _ => return None,
    })
}

fn of_double(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Bool => run::<NonzeroDoubles>,
        Scalar::Int8 => run::<Through<Truncated, I8>>,
        Scalar::UInt8 => run::<Through<Truncated, U8>>,
        Scalar::Int16 => run::<Through<Truncated, I16>>,
        Scalar::UInt16 => run::<Through<Truncated, U16>>,
        Scalar::Int32 => run::<Fours<Doubles<I32>>>,
        Scalar::UInt32 => run::<Fours<Doubles<U32>>>,
        Scalar::Int64 => run::<Fours<Doubles<I64>>>,
        Scalar::UInt64 => run::<Fours<Doubles<U64>>>,
        Scalar::Float16 => run::<Through<OddF64, F16>>,
        Scalar::BFloat16 => run::<Through<F64, BF16>>,
        Scalar::Float32 => run::<Fours<Doubles<F32>>>,
        Scalar::Float64 => run::<Fours<Doubles<F64>>>,
        _ => return None,
    })
}

/// The floats of less than eight bits, and the scale of eight.
fn to_small<L: Load<__m512>>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float8E8M0Fnu => run::<Through<L, Scale>>,
        Scalar::Float6E2M3Fn => run::<Through<L, Small<float::E2M3Fn>>>,
        Scalar::Float6E3M2Fn => run::<Through<L, Small<float::E3M2Fn>>>,
        Scalar::Float4E2M1Fn => run::<Through<L, Small<float::E2M1Fn>>>,
        _ => return None,
    })
}

/// The floats of eight bits.
fn to_eight<L: Load<__m512>>(to: Scalar) -> Option<Run> {
    macro_rules! kernel {
        ($small:ident) => {
            run::<Through<L, Small<float::$small>>>
        };
    }
    for_small!(to, kernel)
}

fn shorten<W: float::Float>(to: Scalar) -> Option<Run> {
    macro_rules! kernel {
        ($small:ident) => {
            run::<Shorten<W, float::$small>>
        };
    }
    for_small!(to, kernel)
}

fn lengthen<W: float::Float>(from: Scalar) -> Option<Run> {
    macro_rules! kernel {
        ($small:ident) => {
            run::<Lengthen<float::$small, W>>
        };
    }
    for_small!(from, kernel)
}

/// Floats of at most eight bits.
fn of_eight(from: Scalar, to: Scalar) -> Option<Run> {
    macro_rules! to_single {
        ($small:ident) => {
            run::<Through<Eight<float::$small>, F32>>
        };
    }
    match (from, to) {
        (Scalar::Float8E8M0Fnu, Scalar::Float32) => Some(run::<Through<Scale, F32>>),
        (Scalar::Float6E2M3Fn, Scalar::Float32) => Some(run::<Through<E2M3, F32>>),
        (Scalar::Float6E3M2Fn, Scalar::Float32) => Some(run::<Through<E3M2, F32>>),
        (Scalar::Float4E2M1Fn, Scalar::Float32) => Some(run::<Through<E2M1, F32>>),
        (_, Scalar::Float16) => lengthen::<float::F16>(from),
        (_, Scalar::BFloat16) => lengthen::<float::BF16>(from),
        (_, Scalar::Float32) => for_small!(from, to_single),
        (Scalar::Float8E4M3Fn, _) => of_float::<Eight<float::E4M3Fn>>(to),
        (Scalar::Float8E5M2, _) => of_float::<Eight<float::E5M2>>(to),
        _ => None,
    }
}
