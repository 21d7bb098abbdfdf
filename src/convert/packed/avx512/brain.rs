//! To bfloat16 by an instruction that rounds two registers of binary32, of which it takes subnormal numbers for zero: from what has
//! none there, or hardly ever. AVX-512 BF16.

use super::*;

/// bfloat16 of numbers that are normal in binary32, zero, infinite or not numbers. A NaN becomes quiet and keeps its upper bits.
pub struct BrainOfNormal;

impl Store<__m512> for BrainOfNormal {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        let [a, b, c, d] = singles;
        // SAFETY: the caller's promise; the features are those of `run`. The first operand makes the upper half.
        unsafe {
            store512(to, bits(_mm512_cvtne2ps_pbh(b, a)));
            store512(to.add(64), bits(_mm512_cvtne2ps_pbh(d, c)));
        }
    }
}

#[inline(always)]
fn bits(brains: __m512bh) -> __m512i {
    // SAFETY: both are 512 bits, and any are valid.
    unsafe { core::mem::transmute(brains) }
}

/// bfloat16 of binary64, by the instruction but for groups that have numbers which are subnormal in binary32. What is less than those
/// is zero in bfloat16, too.
struct BrainOfDoubles;

impl Group for BrainOfDoubles {
    const FROM: usize = 8;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: the caller's promise; the features are those of `run`.
        unsafe {
            let singles = <OddF64 as Load<__m512>>::load(from);
            match has_subnormal(singles) {
                true => Through::<F64, BF16>::convert(from, to, parameters),
                false => BrainOfNormal::store(to, singles, parameters),
            }
        }
    }
}

/// Whether there is a subnormal number among those of a group.
#[inline(always)]
unsafe fn has_subnormal([a, b, c, d]: Singles) -> bool {
    const SUBNORMAL: i32 = 0x20;
    // SAFETY: the module's features.
    unsafe {
        let in_these = _mm512_fpclass_ps_mask::<SUBNORMAL>(a)
            | _mm512_fpclass_ps_mask::<SUBNORMAL>(b)
            | _mm512_fpclass_ps_mask::<SUBNORMAL>(c)
            | _mm512_fpclass_ps_mask::<SUBNORMAL>(d);
        in_these != 0
    }
}

/// The kernel of a pair, if the instruction makes it faster.
pub fn direct(from: Scalar, to: Scalar) -> Option<Run> {
    if to != Scalar::BFloat16 {
        return None;
    }
    Some(match from {
        Scalar::Int16 => run::<Through<I16, BrainOfNormal>>,
        Scalar::UInt16 => run::<Through<U16, BrainOfNormal>>,
        Scalar::Int32 => run::<Through<I32, BrainOfNormal>>,
        Scalar::UInt32 => run::<Through<U32, BrainOfNormal>>,
        Scalar::Int64 => run::<Through<I64, BrainOfNormal>>,
        Scalar::UInt64 => run::<Through<U64, BrainOfNormal>>,
        // All its numbers are normal in binary32.
        Scalar::Float16 => run::<Through<F16, BrainOfNormal>>,
        Scalar::Float64 => run::<BrainOfDoubles>,
        _ => return None,
    })
}

/// [`super::run`] with these instructions.
///
/// # Safety
/// As for [`super::run`]; the processor has BF16 as well.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,f16c")]
unsafe fn run<G: Group>(from: *const u8, to: *mut u8, count: usize, parameters: Parameters) {
    // SAFETY: the caller's promise.
    unsafe { convert::<G>(run::<G>, from, to, count, parameters) }
}
