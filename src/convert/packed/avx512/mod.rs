//! Kernels written for AVX-512 F, BW, DQ and VL, for the pairs that have a float on a side and, from the last-level cache, for 64-bit
//! integers that wrap.
//!
//! Sixty-four elements are a group, or sixteen of those of eight bytes that need no other registers. Most pass through binary32, sixteen to a register, exactly or, where it does not hold
//! them, odd (see [`crate::convert::packed::narrow::odd`]). The results are those of the plain loops, bit for bit. Every
//! function here needs the instruction sets and, but for the loads and stores of bits, the standard floating-point
//! environment.

use super::element::Parameters;
use super::groups::{self, Group, Load, Store, each, for_small, subnormals, subnormals_end};
use super::steps::{Run, Step};
use crate::convert::float;
use crate::dtype::Scalar;
use crate::lines::first_bytes;
use core::arch::x86_64::*;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// Elements of a group.
const GROUP: usize = 64;

/// Elements of a group of what converts fewer: a register of binary32.
const FEW: usize = 16;

/// Elements of a register of eight bytes each.
const EIGHT: usize = 8;

/// A group as binary32.
type Singles = [__m512; 4];

/// A group as 32-bit integers.
type Words = [__m512i; 4];

pub mod brain;
mod bytes;
pub mod complex;
mod load;
mod ordinary;
mod products;
mod shifted;
mod store;
pub mod tables;
mod wide;
mod words;

use bytes::{Eight, Lengthen, Shorten};
use load::*;
use shifted::Shifted;
use store::*;
use wide::*;

/// Through binary32.
type Through<L, S> = groups::Through<__m512, L, S>;

/// The same of fewer elements.
struct Sixteen<L, S>(PhantomData<(L, S)>);

impl<L: LoadSixteen, S: StoreSixteen> Group for Sixteen<L, S> {
    const FROM: usize = L::SIZE;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { S::store_sixteen(to, L::sixteen(from)) }
    }
}

/// Bytes of a register.
const LINE: usize = 64;

/// Room for a group of any dtype.
#[repr(align(64))]
struct Room(MaybeUninit<[u8; 16 * GROUP]>);

/// [`convert`] with these instructions.
///
/// # Safety
/// As for [`super::Steps::run`]; the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c")]
unsafe fn run<G: Group, const N: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { convert::<G, N>(run::<G, N>, from, to, count, parameters) }
}

/// [`run`] of a group or more.
///
/// # Safety
/// As for it.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c")]
unsafe fn run_many<G: Group, const N: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    let done = unsafe { groups::convert::<G, N>(from, to, count, parameters) };
    debug_assert!(done);
}

/// Converts `count` elements: groups of `N`, or fewer by way of one of [`GROUP`], which `kernel` converts in the same way.
///
/// # Safety
/// As for [`super::Steps::run`]; the processor has the features.
#[inline(always)]
unsafe fn convert<G: Group, const N: usize>(
    kernel: Run,
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if !groups::convert::<G, N>(from, to, count, parameters) {
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
unsafe fn store128(to: *mut u8, register: __m128i) {
    // SAFETY: the caller's promise that as many bytes are writable.
    unsafe { _mm_storeu_si128(to.cast(), register) }
}

#[inline(always)]
unsafe fn store256(to: *mut u8, register: __m256i) {
    // SAFETY: as above.
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

/// The kernel of a pair.
fn alone<G: Group>() -> Step {
    Step::of_groups(run::<G, GROUP>, GROUP)
}

/// The kernels of a pair, for groups of sixty-four and of sixteen.
fn step<M: Group, F: Group>() -> Step {
    alone::<M>().with_few(Some(Step::of_groups(run::<F, FEW>, FEW)))
}

/// The same through binary32.
fn through<L: LoadSixteen, S: StoreSixteen>() -> Step {
    step::<Through<L, S>, Sixteen<L, S>>()
}

/// float64, eight to a register, to what does not pass through binary32, or rounds in it.
fn doubles<S: FromDoubles>() -> Step {
    eight::<Doubles<S, AtOnce, EIGHT>>()
}

/// Eight elements at a time.
fn eight<G: Group>() -> Step {
    Step::of_groups(run::<G, EIGHT>, EIGHT)
}

/// What reads the last-level cache by parts of lines (see [`crate::lines`]), where it waits for these: by quarters or, with fewer
/// instructions, by halves. As many elements are converted as a register or a group has, or more.
pub fn distant(from: Scalar, to: Scalar) -> Option<Run> {
    Some(match (from, to) {
        (Scalar::Float32, Scalar::Float16) => run_many::<Sixteen<Near<F32, InQuarters>, F16>, FEW>,
        (Scalar::Float32, Scalar::Int32) => run_many::<Sixteen<Near<F32, InQuarters>, I32>, FEW>,
        (Scalar::Float32, Scalar::UInt32) => run_many::<Sixteen<Near<F32, InQuarters>, U32>, FEW>,
        (Scalar::Float32, Scalar::Int16) => run_many::<Through<Near<F32, InHalves>, I16>, GROUP>,
        (Scalar::Int32, Scalar::Float32) => run_many::<Sixteen<Near<I32, InQuarters>, F32>, FEW>,
        (Scalar::UInt32, Scalar::Float32) => run_many::<Sixteen<Near<U32, InQuarters>, F32>, FEW>,
        (Scalar::Float64, Scalar::Float32) => run_many::<Doubles<F32, InQuarters, EIGHT>, EIGHT>,
        (Scalar::Float64, Scalar::Int64) => run_many::<Doubles<I64, InQuarters, EIGHT>, EIGHT>,
        (Scalar::Float64, Scalar::UInt64) => run_many::<Doubles<U64, InQuarters, EIGHT>, EIGHT>,
        (Scalar::Int64, Scalar::Float32) => run_many::<Narrowed<I64, InHalves, F32>, EIGHT>,
        (Scalar::UInt64, Scalar::Float32) => run_many::<Narrowed<U64, InHalves, F32>, EIGHT>,
        (Scalar::Int64, Scalar::Float64) => run_many::<DoublesOf<true, InQuarters>, EIGHT>,
        (Scalar::UInt64, Scalar::Float64) => run_many::<DoublesOf<false, InQuarters>, EIGHT>,
        (Scalar::Int64 | Scalar::UInt64, Scalar::Int16 | Scalar::UInt16) => {
            run_many::<Shortened, EIGHT>
        }
        (Scalar::Int64 | Scalar::UInt64, Scalar::Int32 | Scalar::UInt32) => {
            run_many::<Wrapped<InQuarters>, EIGHT>
        }
        _ => return ordinary::distant(from, to).or_else(|| complex::distant(from, to)),
    })
}

/// The kernels of a pair, if there are some here.
pub fn direct(from: Scalar, to: Scalar) -> Option<Step> {
    ordinary::direct(from, to).or_else(|| of_any(from, to))
}

fn of_any(from: Scalar, to: Scalar) -> Option<Step> {
    match from {
        Scalar::Bool => of_bool(to),
        Scalar::Int8 => of_byte::<I8>(to).or_else(|| to_small::<I8>(to)),
        Scalar::UInt8 => of_byte::<U8>(to).or_else(|| to_small::<U8>(to)),
        Scalar::Int16 => of_integer::<I16, I16>(to),
        Scalar::UInt16 => of_integer::<U16, U16>(to),
        Scalar::Int32 => of_integer::<I32, Near<I32, AtOnce>>(to),
        Scalar::UInt32 => of_integer::<U32, Near<U32, AtOnce>>(to),
        Scalar::Int64 => match to {
            Scalar::Float32 => Some(eight::<Narrowed<I64, AtOnce, F32>>()),
            _ => of_integer::<I64, Held<I64>>(to),
        },
        Scalar::UInt64 => match to {
            Scalar::Float32 => Some(eight::<Narrowed<U64, AtOnce, F32>>()),
            _ => of_integer::<U64, Held<U64>>(to),
        },
        Scalar::Float64 => of_double(to),
        Scalar::Float32 => match to {
            Scalar::Bool => Some(through::<F32, Nonzero>()),
            // Halves of complex numbers.
            Scalar::Float32 => Some(through::<F32, QuietF32>()),
            _ => of_float::<F32>(to)
                .or_else(|| to_small::<F32>(to))
                .or_else(|| to_eight::<F32>(to)),
        },
        Scalar::Float16 => match to {
            Scalar::Bool => Some(step::<NonzeroHalves, Sixteen<F16, Nonzero>>()),
            Scalar::Float32 => Some(through::<F16, F32>()),
            _ => shifted(to)
                .or_else(|| of_float::<F16>(to))
                .or_else(|| to_small::<F16>(to))
                .or_else(|| shorten::<float::F16>(to)),
        },
        Scalar::BFloat16 => match to {
            Scalar::Bool => Some(step::<NonzeroHalves, Sixteen<BF16, Nonzero>>()),
            Scalar::Float32 => Some(through::<BF16, QuietF32>()),
            _ => of_float::<BF16>(to)
                .or_else(|| to_small::<BF16>(to))
                .or_else(|| shorten::<float::BF16>(to)),
        },
        _ => of_eight(from, to),
    }
}

/// What rounds to binary32 and keeps the result: the first step to a narrow format.
pub fn rounded(from: Scalar, to: Scalar) -> Option<Step> {
    Some(match (from, to) {
        (Scalar::Int32, _) => alone::<Through<I32, F32>>(),
        (Scalar::UInt32, _) => alone::<Through<U32, F32>>(),
        (Scalar::Int64, _) => alone::<Through<I64, F32>>(),
        (Scalar::UInt64, _) => alone::<Through<U64, F32>>(),
        // Its smallest number is subnormal in binary32.
        (Scalar::Float64, Scalar::Float8E8M0Fnu) => alone::<Through<F64, F32>>(),
        (Scalar::Float64, _) => alone::<Through<OddF64, F32>>(),
        _ => return None,
    })
}

fn of_bool(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::Float16 => step::<OfBool<F16>, Sixteen<Bool, F16>>(),
        Scalar::BFloat16 => step::<OfBool<BF16>, Sixteen<Bool, UpperHalves>>(),
        Scalar::Float32 => step::<OfBool<F32>, Sixteen<Bool, F32>>(),
        Scalar::Float64 => step::<OfBool<F64>, Sixteen<Bool, F64>>(),
        _ => return None,
    })
}

/// An integer, read as it is for bfloat16, and for float16 in a way that suffices below its infinity.
fn of_integer<L: LoadSixteen, H: LoadSixteen>(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::Float16 => through::<H, F16>(),
        Scalar::BFloat16 => through::<L, BrainOfNumbers>(),
        _ => return None,
    })
}

fn of_byte<L: LoadSixteen>(to: Scalar) -> Option<Step> {
    match to {
        Scalar::BFloat16 => Some(through::<L, UpperHalves>()),
        _ => of_integer::<L, L>(to),
    }
}

/// `$kernel` for the number other than float32 and bool that `$scalar` is.
macro_rules! for_number {
    ($scalar:expr, $kernel:ident) => {
        Some(match $scalar {
            Scalar::Int8 => $kernel!(I8),
            Scalar::UInt8 => $kernel!(U8),
            Scalar::Int16 => $kernel!(I16),
            Scalar::UInt16 => $kernel!(U16),
            Scalar::Int32 => $kernel!(I32),
            Scalar::UInt32 => $kernel!(U32),
            Scalar::Int64 => $kernel!(I64),
            Scalar::UInt64 => $kernel!(U64),
            Scalar::Float16 => $kernel!(F16),
            Scalar::BFloat16 => $kernel!(BF16),
            Scalar::Float64 => $kernel!(F64),
            _ => return None,
        })
    };
}

use for_number;

fn of_float<L: LoadSixteen>(to: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($number:ident) => {
            through::<L, $number>()
        };
    }
    for_number!(to, kernel)
}

/// float16 to unsigned integers that words are enough for.
fn shifted(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::UInt8 => step::<Shifted<U8>, Sixteen<F16, U8>>(),
        Scalar::UInt16 => step::<Shifted<U16>, Sixteen<F16, U16>>(),
        _ => return None,
    })
}

fn of_double(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::Bool => step::<NonzeroDoubles, FewNonzeroDoubles>(),
        Scalar::Int32 => doubles::<I32>(),
        Scalar::UInt32 => doubles::<U32>(),
        Scalar::Int64 => doubles::<I64>(),
        Scalar::UInt64 => doubles::<U64>(),
        Scalar::Float16 => doubles::<F16>(),
        Scalar::BFloat16 => through::<F64, BF16>(),
        // Fewer of these go by loops that the compiler makes.
        Scalar::Float32 => doubles::<F32>(),
        Scalar::Float64 => doubles::<F64>(),
        _ => return None,
    })
}

/// The floats of less than eight bits, and the scale of eight.
fn to_small<L: Load<__m512>>(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::Float8E8M0Fnu => alone::<Through<L, Scale>>(),
        Scalar::Float6E2M3Fn => alone::<Through<L, Small<float::E2M3Fn>>>(),
        Scalar::Float6E3M2Fn => alone::<Through<L, Small<float::E3M2Fn>>>(),
        Scalar::Float4E2M1Fn => alone::<Through<L, Small<float::E2M1Fn>>>(),
        _ => return None,
    })
}

/// The floats of eight bits.
fn to_eight<L: Load<__m512>>(to: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($small:ident) => {
            alone::<Through<L, Small<float::$small>>>()
        };
    }
    for_small!(to, kernel)
}

fn shorten<W: float::Float>(to: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($small:ident) => {
            alone::<Shorten<W, float::$small>>()
        };
    }
    for_small!(to, kernel)
}

fn lengthen<W: float::Float>(from: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($small:ident) => {
            alone::<Lengthen<float::$small, W>>()
        };
    }
    for_small!(from, kernel)
}

fn to_number<L: Load<__m512>>(to: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($number:ident) => {
            alone::<Through<L, $number>>()
        };
    }
    for_number!(to, kernel)
}

/// Floats of at most eight bits.
fn of_eight(from: Scalar, to: Scalar) -> Option<Step> {
    macro_rules! to_single {
        ($small:ident) => {
            alone::<Through<Eight<float::$small>, F32>>()
        };
    }
    match (from, to) {
        (Scalar::Float8E8M0Fnu, Scalar::Float32) => Some(alone::<Through<Scale, F32>>()),
        (Scalar::Float6E2M3Fn, Scalar::Float32) => Some(alone::<Through<E2M3, F32>>()),
        (Scalar::Float6E3M2Fn, Scalar::Float32) => Some(alone::<Through<E3M2, F32>>()),
        (Scalar::Float4E2M1Fn, Scalar::Float32) => Some(alone::<Through<E2M1, F32>>()),
        (_, Scalar::Float16) => lengthen::<float::F16>(from),
        (_, Scalar::BFloat16) => lengthen::<float::BF16>(from),
        (_, Scalar::Float32) => for_small!(from, to_single),
        (Scalar::Float8E4M3Fn, _) => to_number::<Eight<float::E4M3Fn>>(to),
        (Scalar::Float8E5M2, _) => to_number::<Eight<float::E5M2>>(to),
        _ => None,
    }
}
