//! To bfloat16 by an instruction that rounds two registers of binary32, of which it takes subnormal numbers for zero: from what has
//! none there, or hardly ever; and from bfloat16 by one that multiplies. AVX-512 BF16. Another kernel that
//! needs it is chosen here, too: see [`super::words`].

use super::ordinary::{self, Bytes, Ordinary, Short};
use super::words::HalvesOfWords;
use super::*;

/// bfloat16 of numbers that are normal in binary32, zero, infinite or not numbers. A NaN becomes quiet and keeps its upper bits.
pub struct BrainOfNormal;

impl Store<__m512> for BrainOfNormal {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        let [a, b, c, d] = singles;
        // SAFETY: the caller's promise; the features are those of `run`.
        unsafe {
            store512(to, pairs(a, b));
            store512(to.add(64), pairs(c, d));
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

/// Two registers of binary32, rounded to one.
///
/// # Safety
/// The features are those of [`run`].
#[inline(always)]
pub unsafe fn pairs(first: __m512, second: __m512) -> __m512i {
    // SAFETY: the caller's promise; both types are 512 bits, and any are valid. The first operand makes the upper half.
    unsafe { core::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first)) }
}

/// bfloat16 of binary64, if no number is subnormal in binary32. What is less than those is zero in bfloat16, too.
struct BrainOfDoubles;

impl Ordinary for BrainOfDoubles {
    const FROM: usize = 8;
    const TO: usize = 2;
    type Seen = __mmask16;
    #[inline(always)]
    unsafe fn nothing() -> __mmask16 {
        0
    }
    #[inline(always)]
    unsafe fn convert(
        from: *const u8,
        to: *mut u8,
        seen: __mmask16,
        parameters: Parameters,
    ) -> __mmask16 {
        // SAFETY: the caller's promise; the features are those of `run`.
        unsafe {
            let singles = <OddF64 as Load<__m512>>::load(from);
            BrainOfNormal::store(to, singles, parameters);
            let [a, b, c, d] = each!(singles, |sixteen| subnormal(sixteen));
            seen | a | b | c | d
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __mmask16) -> bool {
        seen == 0
    }
}

/// The same of sixteen.
struct FewBrainsOfDoubles;

impl Ordinary for FewBrainsOfDoubles {
    const FROM: usize = 8;
    const TO: usize = 2;
    type Seen = __mmask16;
    #[inline(always)]
    unsafe fn nothing() -> __mmask16 {
        0
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __mmask16, _: Parameters) -> __mmask16 {
        // SAFETY: as above.
        unsafe {
            let sixteen = OddF64::sixteen(from);
            BrainOfNormal::store_sixteen(to, sixteen);
            seen | subnormal(sixteen)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __mmask16) -> bool {
        seen == 0
    }
}

/// Which numbers are subnormal.
#[inline(always)]
unsafe fn subnormal(sixteen: __m512) -> __mmask16 {
    const SUBNORMAL: i32 = 0x20;
    // SAFETY: the module's features.
    unsafe { _mm512_fpclass_ps_mask::<SUBNORMAL>(sixteen) }
}

/// bfloat16 to integers of one byte.
struct BrainsToBytes<T>(T);

impl<T: Bytes> BrainsToBytes<T> {
    /// Which byte is where after packing: in each quarter of a register eight of the first one's, of which those at even places come
    /// before the others, and eight of the second's.
    const ORDER: [u8; GROUP] = {
        let mut order = [0; GROUP];
        let mut i = 0;
        while i < GROUP {
            let (quarter, place) = (i % 32 / 8, i % 8);
            order[i] = (quarter * 16 + i / 32 * 8 + place % 2 * 4 + place / 2) as u8;
            i += 1;
        }
        order
    };

    /// Thirty-two numbers as words, those that words do not hold as the highest or the lowest, NaN as that.
    #[inline(always)]
    unsafe fn words(brains: __m512i) -> __m512i {
        const ONE: u32 = 0x3f80;
        // SAFETY: the features are those of `run`; both types are 512 bits, and any are valid.
        unsafe {
            let [brain, one]: [__m512bh; 2] = core::mem::transmute([brains, set32(ONE)]);
            // Once the first of two, and nothing of the second: what a shift does, by units that are free.
            let first = _mm512_dpbf16_ps(_mm512_setzero_ps(), brain, one);
            // What is below the second adds less than one to what a byte holds.
            let second = _mm512_castsi512_ps(brains);
            _mm512_packs_epi32(_mm512_cvttps_epi32(first), _mm512_cvttps_epi32(second))
        }
    }
}

impl<T: Bytes> Ordinary for BrainsToBytes<T> {
    const FROM: usize = 2;
    const TO: usize = 1;
    type Seen = __m512i;
    #[inline(always)]
    unsafe fn nothing() -> __m512i {
        // SAFETY: the features are those of `run`.
        unsafe { ordinary::highest_word() }
    }
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, seen: __m512i, _: Parameters) -> __m512i {
        // SAFETY: the caller's promise; the features are those of `run`.
        unsafe {
            let words = [
                Self::words(load512(from)),
                Self::words(load512(from.add(64))),
            ];
            let order = load512(const { &Self::ORDER }.as_ptr());
            store512(to, _mm512_permutexvar_epi8(order, T::packed(words)));
            ordinary::lowest_words(seen, words)
        }
    }
    #[inline(always)]
    unsafe fn are_ordinary(seen: __m512i) -> bool {
        // SAFETY: the features are those of `run`.
        unsafe { ordinary::are_above_lowest(seen) }
    }
}

/// The kernels of a pair, if the instructions make them faster.
pub fn direct(from: Scalar, to: Scalar) -> Option<Step> {
    match (from, to) {
        (Scalar::BFloat16, Scalar::Int8) => Some(of_loops(
            run_ordinary::<BrainsToBytes<I8>, Through<BF16, I8>, GROUP>,
            run::<Sixteen<BF16, I8>, FEW>,
        )),
        (Scalar::BFloat16, Scalar::UInt8) => Some(of_loops(
            run_ordinary::<BrainsToBytes<U8>, Through<BF16, U8>, GROUP>,
            run::<Sixteen<BF16, U8>, FEW>,
        )),
        (Scalar::Int16, Scalar::Float16) => Some(of_loops(
            run::<HalvesOfWords<true>, GROUP>,
            run::<Sixteen<I16, F16>, FEW>,
        )),
        (Scalar::UInt16, Scalar::Float16) => Some(of_loops(
            run::<HalvesOfWords<false>, GROUP>,
            run::<Sixteen<U16, F16>, FEW>,
        )),
        (_, Scalar::BFloat16) => to_brain(from),
        _ => None,
    }
}

fn to_brain(from: Scalar) -> Option<Step> {
    Some(match from {
        Scalar::Int16 => through::<I16>(),
        Scalar::UInt16 => through::<U16>(),
        Scalar::Int32 => through::<I32>(),
        Scalar::UInt32 => through::<U32>(),
        Scalar::Int64 => longs::<true, I64>(),
        Scalar::UInt64 => longs::<false, U64>(),
        // All its numbers are normal in binary32.
        Scalar::Float16 => through::<F16>(),
        Scalar::Float64 => of_loops(
            run_ordinary::<BrainOfDoubles, Through<F64, BF16>, GROUP>,
            run_ordinary::<FewBrainsOfDoubles, Sixteen<F64, BF16>, FEW>,
        ),
        _ => return None,
    })
}

/// A loop of large groups and one of small ones.
fn of_loops(many: Run, few: Run) -> Step {
    Step::of_groups(many, GROUP).with_few(Some(Step::of_groups(few, FEW)))
}

/// Through binary32.
fn through<L: LoadSixteen>() -> Step {
    of_loops(
        run::<Through<L, BrainOfNormal>, GROUP>,
        run::<Sixteen<L, BrainOfNormal>, FEW>,
    )
}

/// The same of 64-bit integers.
fn longs<const SIGNED: bool, L: LoadSixteen>() -> Step {
    of_loops(
        run_ordinary::<Short<SIGNED, BrainOfNormal>, Through<L, BrainOfNormal>, GROUP>,
        run::<Sixteen<L, BrainOfNormal>, FEW>,
    )
}

/// [`super::run`] with these instructions.
///
/// # Safety
/// As for [`super::run`]; the processor has VBMI and BF16 as well.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bf16,avx2,f16c")]
unsafe fn run<G: Group, const N: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { convert::<G, N>(run::<G, N>, from, to, count, parameters) }
}

/// [`ordinary::convert`] with these instructions.
///
/// # Safety
/// As for it; the processor has VBMI and BF16 as well.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bf16,avx2,f16c")]
unsafe fn run_ordinary<O: Ordinary, A: Group, const N: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { ordinary::convert::<O, N>(run::<A, N>, from, to, count, parameters) }
}
