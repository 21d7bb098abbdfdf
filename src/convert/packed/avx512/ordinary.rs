//! Groups of ordinary numbers, which take fewer instructions than all that there are: those without NaN, for example, or that are not
//! far beyond what an integer holds. A group that has others is converted once more, by the kernel for all numbers.

mod brains;
mod doubles;
mod halves;
mod integers;

use super::*;
use brains::{BrainToHalf, Brains};
pub use brains::{Bytes, are_above_lowest, highest_word, lowest_words};
use doubles::{Doubles, Halved, Quartered};
use halves::Halves;
pub use integers::Short;
use integers::{Integers, are_held, highest, lowest};

/// What groups of ordinary numbers become.
pub trait Ordinary {
    /// Bytes of a source element.
    const FROM: usize;
    /// Bytes of a destination element.
    const TO: usize;
    /// What is collected of groups, and tells whether all their numbers are ordinary: to ask it of each took longer.
    type Seen: Copy;
    /// Of no group.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn nothing() -> Self::Seen;
    /// Converts a group, and adds it to what is collected. If that is not ordinary, what has been written is to be written again.
    ///
    /// # Safety
    /// As for [`Group::convert`].
    unsafe fn convert(
        from: *const u8,
        to: *mut u8,
        seen: Self::Seen,
        parameters: Parameters,
    ) -> Self::Seen;
    /// Whether all numbers are ordinary of which this was collected.
    ///
    /// # Safety
    /// As for [`Ordinary::nothing`].
    unsafe fn are_ordinary(seen: Self::Seen) -> bool;
}

/// Elements that are a block, and are taken for others if one is not ordinary: where there is one, there may be many.
const BLOCK: usize = 1024;

/// Converts ordinary groups of `N` elements, and others, or fewer, by the kernel for `all`.
///
/// # Safety
/// As for [`crate::convert::packed::Steps::run`]; the processor has the module's features.
#[inline(always)]
pub unsafe fn convert<O: Ordinary, const N: usize>(
    all: Run,
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    let mut done = 0;
    while done < count {
        // The last block may begin in the one before.
        let start = done.min(count.saturating_sub(N));
        let block = BLOCK.min(count - start);
        // SAFETY: the caller's promise.
        unsafe {
            let (from, to) = (from.add(start * O::FROM), to.add(start * O::TO));
            if block < N || !convert_block::<O, N>(from, to, block, parameters) {
                convert_others(all, from, to, block, parameters);
            }
        }
        done = start + block;
    }
}

/// Converts a block of `N` elements or more, by groups of which the last may overlap the one before, and tells whether all are ordinary. If
/// the first ones are not, it leaves it at that.
///
/// # Safety
/// As for [`convert`].
#[inline(always)]
unsafe fn convert_block<O: Ordinary, const N: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) -> bool {
    let last = count - N;
    // SAFETY: the caller's promise.
    unsafe {
        let group = |i: usize, seen| {
            let (from, to) = (from.add(i * O::FROM), to.add(i * O::TO));
            O::convert(from, to, seen, parameters)
        };
        let mut seen = group(0, O::nothing());
        if last == 0 || !O::are_ordinary(seen) {
            return O::are_ordinary(seen);
        }
        let mut i = N.min(last);
        loop {
            seen = group(i, seen);
            i += N;
            if i > last {
                if i == last + N {
                    return O::are_ordinary(seen);
                }
                i = last;
            }
        }
    }
}

/// Calls `all`, which is not to be a part of the loop: see [`short`].
///
/// # Safety
/// As for it.
#[cold]
#[inline(never)]
unsafe fn convert_others(
    all: Run,
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { all(from, to, count, parameters) }
}

/// [`convert`] with these instructions: ordinary groups of `N`, and others by groups of `M`.
///
/// # Safety
/// As for it.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c")]
unsafe fn run<O: Ordinary, A: Group, const N: usize, const M: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { convert::<O, N>(super::run::<A, M>, from, to, count, parameters) }
}

/// What reads the last-level cache by parts of lines, if ordinary numbers take less.
pub fn distant(from: Scalar, to: Scalar) -> Option<Run> {
    Some(match (from, to) {
        (Scalar::Float64, Scalar::Int16) => {
            run::<Halved<I16>, Sixteen<Truncated<AtOnce>, I16>, GROUP, FEW>
        }
        (Scalar::Float64, Scalar::UInt16) => {
            run::<Halved<U16>, Sixteen<Truncated<AtOnce>, U16>, GROUP, FEW>
        }
        (Scalar::Float64, Scalar::Int32) => {
            run::<Quartered, super::Doubles<I32, AtOnce, FEW>, EIGHT, FEW>
        }
        _ => return None,
    })
}

/// The kernels of a pair, if ordinary numbers take less.
pub fn direct(from: Scalar, to: Scalar) -> Option<Step> {
    match (from, to) {
        (Scalar::Float16, Scalar::Int8) => Some(through::<Halves<I8>, F16, I8>()),
        (Scalar::Float16, Scalar::Int16) => Some(through::<Halves<I16>, F16, I16>()),
        (Scalar::BFloat16, Scalar::Int8) => Some(through::<Brains<I8>, BF16, I8>()),
        (Scalar::BFloat16, Scalar::UInt8) => Some(through::<Brains<U8>, BF16, U8>()),
        (Scalar::BFloat16, Scalar::Int16) => Some(through::<Brains<I16>, BF16, I16>()),
        (Scalar::BFloat16, Scalar::UInt16) => Some(through::<Brains<U16>, BF16, U16>()),
        (Scalar::Float16, _) => to_widened::<F16>(to),
        (Scalar::BFloat16, Scalar::Float16) => Some(through::<BrainToHalf, BF16, F16>()),
        (Scalar::BFloat16, _) => to_widened::<BF16>(to),
        (Scalar::Float64, Scalar::Int8) => Some(doubles::<I8>()),
        (Scalar::Float64, Scalar::UInt8) => Some(doubles::<U8>()),
        (Scalar::Float64, Scalar::Int16) => Some(doubles::<I16>()),
        (Scalar::Float64, Scalar::UInt16) => Some(doubles::<U16>()),
        (Scalar::Int64, Scalar::BFloat16) => Some(short::<true, I64>()),
        (Scalar::UInt64, Scalar::BFloat16) => Some(short::<false, U64>()),
        _ => None,
    }
}

fn to_widened<L: LoadSixteen>(to: Scalar) -> Option<Step> {
    match to {
        Scalar::Int32 => Some(through::<Integers<L, I32>, L, I32>()),
        Scalar::Int64 => Some(through::<Integers<L, I64>, L, I64>()),
        _ => None,
    }
}

/// Groups of ordinary numbers, and others by fewer at a time.
fn doubles<T: FromWords + StoreSixteen>() -> Step {
    let few = Step::of_groups(super::run::<Sixteen<Truncated<AtOnce>, T>, FEW>, FEW);
    Step::of_groups(
        run::<Doubles<T>, Sixteen<Truncated<AtOnce>, T>, GROUP, FEW>,
        GROUP,
    )
    .with_few(Some(few))
}

fn short<const SIGNED: bool, L: LoadSixteen>() -> Step {
    through::<Short<SIGNED, BrainOfNumbers>, L, BrainOfNumbers>()
}

/// Ordinary groups by the first, others through binary32.
fn through<O: Ordinary, L: LoadSixteen, S: StoreSixteen>() -> Step {
    let few = Step::of_groups(super::run::<Sixteen<L, S>, FEW>, FEW);
    Step::of_groups(run::<O, Through<L, S>, GROUP, GROUP>, GROUP).with_few(Some(few))
}
