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

impl StoreSixteen for BrainOfNormal {
    #[inline(always)]
    unsafe fn store_sixteen(to: *mut u8, sixteen: __m512) {
        // SAFETY: as above; both are 256 bits, and any are valid.
        unsafe {
            let brains = _mm512_cvtneps_pbh(sixteen);
            store256(to, core::mem::transmute::<__m256bh, __m256i>(brains));
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
            let [a, b, c, d] = each!(singles, |sixteen| subnormal(sixteen));
            match a | b | c | d != 0 {
                true => Through::<F64, BF16>::convert(from, to, parameters),
                false => BrainOfNormal::store(to, singles, parameters),
            }
        }
    }
}

/// The same of sixteen.
struct FewBrainsOfDoubles;

impl Group for FewBrainsOfDoubles {
    const FROM: usize = 8;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: as above.
        unsafe {
            let sixteen = OddF64::sixteen(from);
            match subnormal(sixteen) != 0 {
                true => Sixteen::<F64, BF16>::convert(from, to, parameters),
                false => BrainOfNormal::store_sixteen(to, sixteen),
            }
        }
    }
}

/// Which numbers are subnormal.
#[inline(always)]
unsafe fn subnormal(sixteen: __m512) -> __mmask16 {
    const SUBNORMAL: i32 = 0x20;
    // SAFETY: the module's features.
    unsafe { _mm512_fpclass_ps_mask::<SUBNORMAL>(sixteen) }
}

/// The kernels of a pair, if the instruction makes them faster.
pub fn direct(from: Scalar, to: Scalar) -> Option<Step> {
    if to != Scalar::BFloat16 {
        return None;
    }
    Some(match from {
        Scalar::Int16 => through::<I16>(),
        Scalar::UInt16 => through::<U16>(),
        Scalar::Int32 => through::<I32>(),
        Scalar::UInt32 => through::<U32>(),
        Scalar::Int64 => through::<I64>(),
        Scalar::UInt64 => through::<U64>(),
        // All its numbers are normal in binary32.
        Scalar::Float16 => through::<F16>(),
        Scalar::Float64 => step::<BrainOfDoubles, FewBrainsOfDoubles>(),
        _ => return None,
    })
}

/// [`super::step`] with these instructions.
fn step<M: Group, F: Group>() -> Step {
    Step::of_groups(run::<M, GROUP>, GROUP).with_few(Some(Step::of_groups(run::<F, FEW>, FEW)))
}

/// The same through binary32.
fn through<L: LoadSixteen>() -> Step {
    step::<Through<L, BrainOfNormal>, Sixteen<L, BrainOfNormal>>()
}

/// [`super::run`] with these instructions.
///
/// # Safety
/// As for [`super::run`]; the processor has BF16 as well.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,f16c")]
unsafe fn run<G: Group, const N: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { convert::<G, N>(run::<G, N>, from, to, count, parameters) }
}
