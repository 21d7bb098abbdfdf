//! Groups of ordinary numbers, which take fewer instructions than all that there are: those without NaN, for example, or that are not
//! far beyond what an integer holds. A group that has others is converted once more, by the kernel for all numbers.

use super::bytes::{shift_left, shift_right};
use super::*;
use crate::convert::float::Float;

/// What a group of ordinary numbers becomes.
pub trait Ordinary {
    /// Bytes of a source element.
    const FROM: usize;
    /// Bytes of a destination element.
    const TO: usize;
    /// Converts a group, and tells whether all its numbers are ordinary. If not, what it has written is to be written again.
    ///
    /// # Safety
    /// As for [`Group::convert`].
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) -> bool;
}

/// Elements that are taken for others from one that is not ordinary on: where there is one, there may be many.
const OTHERS: usize = 1024;

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
        // The last group may begin in the one before.
        let start = done.min(count.saturating_sub(N));
        // SAFETY: the caller's promise.
        unsafe {
            let (from, to) = (from.add(start * O::FROM), to.add(start * O::TO));
            if count >= N && O::convert(from, to, parameters) {
                done = start + N;
                continue;
            }
            let others = OTHERS.min(count - start);
            convert_others(all, from, to, others, parameters);
            done = start + others;
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

/// [`convert`] with these instructions.
///
/// # Safety
/// As for it.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,f16c")]
unsafe fn run<O: Ordinary, A: Group>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    // SAFETY: the caller's promise.
    unsafe { convert::<O, GROUP>(super::run::<A, GROUP>, from, to, count, parameters) }
}

/// Floats of sixteen bits to signed integers of four and eight bytes.
pub struct Integers<L, T>(L, T);

/// An integer that is made of one of 32 bits.
pub trait Widened {
    /// Bytes of an element.
    const SIZE: usize;
    /// Writes sixteen.
    ///
    /// # Safety
    /// They are writable.
    unsafe fn store_sixteen(to: *mut u8, integers: __m512i);
}

impl Widened for I32 {
    const SIZE: usize = 4;
    #[inline(always)]
    unsafe fn store_sixteen(to: *mut u8, integers: __m512i) {
        // SAFETY: the caller's promise.
        unsafe { store512(to, integers) }
    }
}

impl Widened for I64 {
    const SIZE: usize = 8;
    #[inline(always)]
    unsafe fn store_sixteen(to: *mut u8, integers: __m512i) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (
                _mm512_castsi512_si256(integers),
                _mm512_extracti64x4_epi64::<1>(integers),
            );
            store512(to, _mm512_cvtepi32_epi64(low));
            store512(to.add(64), _mm512_cvtepi32_epi64(high));
        }
    }
}

impl<L: Load<__m512>, T: Widened> Ordinary for Integers<L, T> {
    const FROM: usize = L::SIZE;
    const TO: usize = T::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(L::load(from), |sixteen| _mm512_cvttps_epi32(sixteen));
            for (i, words) in words.into_iter().enumerate() {
                T::store_sixteen(to.add(16 * T::SIZE * i), words);
            }
            // What is NaN, or not held, becomes the lowest integer.
            let [a, b, c, d] = words;
            let lowest = _mm512_min_epi32(_mm512_min_epi32(a, b), _mm512_min_epi32(c, d));
            _mm512_cmpeq_epi32_mask(lowest, set32(i32::MIN as u32)) == 0
        }
    }
}

/// float16 to signed integers of one and two bytes: the significand times a power of two.
pub struct Halves<T>(T);

/// What float16 is multiplied by to be such an integer.
pub trait Multiplied {
    /// Bits of an element.
    const BITS: u32;
    /// How far the significand is shifted up first.
    const UP: u32;
}

impl Multiplied for I8 {
    const BITS: u32 = 8;
    const UP: u32 = 0;
}

impl Multiplied for I16 {
    const BITS: u32 = 16;
    const UP: u32 = 5;
}

impl<T: Multiplied> Halves<T> {
    const FRACTION: u32 = float::F16::FORMAT.fraction_bits;
    /// The significand of 1, as it is multiplied.
    const ONE: u32 = 1 << (Self::FRACTION + T::UP);
    /// For each exponent what makes the upper half of the product the integer, or, of what is not held, as much as the least such number.
    /// If there is no room for that, and of what is infinite or NaN, the product is greater than all others.
    const MULTIPLIERS: [u16; 32] = {
        let bias = float::F16::FORMAT.bias as u32;
        let beyond = bias + T::BITS - 1;
        let mut table = [0; 32];
        let mut exponent = bias;
        while exponent < 32 {
            let held = if exponent < beyond { exponent } else { beyond };
            let power = held - bias + 16 - Self::FRACTION - T::UP;
            table[exponent as usize] = match exponent == 31 || power == 16 {
                true => u16::MAX,
                false => 1 << power,
            };
            exponent += 1;
        }
        table
    };

    /// Thirty-two integers, without their signs.
    #[inline(always)]
    unsafe fn magnitudes(floats: __m512i) -> __m512i {
        // (First and second) or third.
        const AND_OR: i32 = 0xea;
        // SAFETY: the module's features; the table is as long as a register.
        unsafe {
            let table = load512(const { &Self::MULTIPLIERS }.as_ptr().cast());
            // The sign is above what is looked up.
            let exponents = shift_right(floats, Self::FRACTION);
            let multipliers = _mm512_permutexvar_epi16(exponents, table);
            let fractions = match T::UP {
                0 => floats,
                up => shift_left(floats, up),
            };
            let (mask, one) = (set16(Self::ONE - 1), set16(Self::ONE));
            let significands = _mm512_ternarylogic_epi32::<AND_OR>(fractions, mask, one);
            _mm512_mulhi_epu16(significands, multipliers)
        }
    }

    /// The same with them.
    #[inline(always)]
    unsafe fn signed(magnitudes: __m512i, floats: __m512i) -> __m512i {
        // SAFETY: the module's features.
        unsafe {
            let signs = _mm512_movepi16_mask(floats);
            _mm512_mask_sub_epi16(magnitudes, signs, _mm512_setzero_si512(), magnitudes)
        }
    }
}

impl<T: Multiplied> Ordinary for Halves<T> {
    const FROM: usize = 2;
    const TO: usize = T::BITS as usize / 8;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let (first, second) = (load512(from), load512(from.add(64)));
            let (low, high) = (Self::magnitudes(first), Self::magnitudes(second));
            let highest = _mm512_max_epu16(low, high);
            let (low, high) = (Self::signed(low, first), Self::signed(high, second));
            if T::BITS == 8 {
                let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
                let bytes = _mm512_packs_epi16(low, high);
                store512(to, _mm512_permutexvar_epi64(order, bytes));
            } else {
                store512(to, low);
                store512(to.add(64), high);
            }
            // What the greatest multiplier leaves of one.
            _mm512_cmpge_epu16_mask(highest, set16(Self::ONE - 1)) == 0
        }
    }
}

/// bfloat16 to integers of one and two bytes.
pub struct Brains<T>(T);

/// An integer that is packed from ones of 32 bits.
pub trait Packed {
    /// Bytes of an element.
    const SIZE: usize;
    /// Thirty-two words of two registers, which have the elements at even places and the others: in each quarter the former come first.
    ///
    /// # Safety
    /// The processor has the module's features.
    #[inline(always)]
    unsafe fn words(first: __m512i, second: __m512i) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packs_epi32(first, second) }
    }
    /// Whether a group of which these are the words, and these the numbers, is ordinary.
    ///
    /// # Safety
    /// The processor has the module's features.
    #[inline(always)]
    unsafe fn is_ordinary(words: [__m512i; 2], _: [__m512i; 2]) -> bool {
        // SAFETY: the caller's promise.
        unsafe { are_above_lowest(words) }
    }
    /// Writes a group of such words.
    ///
    /// # Safety
    /// It is writable.
    unsafe fn store(to: *mut u8, words: [__m512i; 2]);
}

/// Words held inside bytes.
pub trait Bytes {
    /// Two registers of words in one.
    ///
    /// # Safety
    /// The processor has the module's features.
    unsafe fn packed(words: [__m512i; 2]) -> __m512i;
}

impl Bytes for I8 {
    #[inline(always)]
    unsafe fn packed([low, high]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packs_epi16(low, high) }
    }
}

impl Bytes for U8 {
    #[inline(always)]
    unsafe fn packed([low, high]: [__m512i; 2]) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packus_epi16(low, high) }
    }
}

impl<T: Bytes> Packed for T {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, words: [__m512i; 2]) {
        // SAFETY: the caller's promise.
        unsafe { store_bytes(to, Self::packed(words)) }
    }
}

impl Packed for I16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, words: [__m512i; 2]) {
        // SAFETY: the caller's promise.
        unsafe { store_words(to, words) }
    }
}

impl Packed for U16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn words(first: __m512i, second: __m512i) -> __m512i {
        // SAFETY: the caller's promise.
        unsafe { _mm512_packus_epi32(first, second) }
    }
    #[inline(always)]
    unsafe fn is_ordinary(_: [__m512i; 2], [low, high]: [__m512i; 2]) -> bool {
        // As binary32 has it: what is as high becomes the lowest integer, and then zero, like what is below it.
        const END: u32 = (2147483648f32.to_bits()) >> 16;
        // SAFETY: the caller's promise.
        unsafe { _mm512_cmpge_epi16_mask(_mm512_max_epi16(low, high), set16(END)) == 0 }
    }
    #[inline(always)]
    unsafe fn store(to: *mut u8, words: [__m512i; 2]) {
        // SAFETY: the caller's promise.
        unsafe { store_words(to, words) }
    }
}

/// Writes words of which those at even places come first in each quarter of a register.
#[inline(always)]
unsafe fn store_words(to: *mut u8, [low, high]: [__m512i; 2]) {
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        let order = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
        let order = _mm512_broadcast_i32x4(order);
        store512(to, _mm512_shuffle_epi8(low, order));
        store512(to.add(64), _mm512_shuffle_epi8(high, order));
    }
}

/// Writes bytes that are packed from two such registers, the second of which follows the first in each quarter.
#[inline(always)]
unsafe fn store_bytes(to: *mut u8, bytes: __m512i) {
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        let order = _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
        let bytes = _mm512_shuffle_epi8(bytes, _mm512_broadcast_i32x4(order));
        let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
        store512(to, _mm512_permutexvar_epi64(order, bytes));
    }
}

impl<T: Packed> Brains<T> {
    #[inline(always)]
    unsafe fn words(brains: __m512i) -> __m512i {
        // SAFETY: the module's features.
        unsafe {
            let first = _mm512_slli_epi32::<16>(brains);
            // What is below the second adds less than one to what a byte holds.
            let second = match T::SIZE {
                1 => brains,
                _ => _mm512_and_si512(brains, set32(0xffff_0000)),
            };
            T::words(
                _mm512_cvttps_epi32(_mm512_castsi512_ps(first)),
                _mm512_cvttps_epi32(_mm512_castsi512_ps(second)),
            )
        }
    }
}

impl<T: Packed> Ordinary for Brains<T> {
    const FROM: usize = 2;
    const TO: usize = T::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let brains = [load512(from), load512(from.add(64))];
            let words = [Self::words(brains[0]), Self::words(brains[1])];
            T::store(to, words);
            T::is_ordinary(words, brains)
        }
    }
}

/// Whether no word is the lowest, which is what becomes of NaN, and of what is far too high or low.
#[inline(always)]
pub unsafe fn are_above_lowest([low, high]: [__m512i; 2]) -> bool {
    // SAFETY: the module's features.
    unsafe { _mm512_cmpeq_epi16_mask(_mm512_min_epi16(low, high), set16(1 << 15)) == 0 }
}

/// bfloat16 to float16, where it is zero or normal.
pub struct BrainToHalf;

impl BrainToHalf {
    const LIFT: u32 = float::F16::FORMAT.fraction_bits - float::BF16::FORMAT.fraction_bits;
    const REBIAS: u32 = (float::BF16::FORMAT.bias - float::F16::FORMAT.bias) as u32;
    const ONE: u32 = 1 << float::BF16::FORMAT.fraction_bits;

    /// Thirty-two numbers, and which are not ordinary.
    #[inline(always)]
    unsafe fn halves(brains: __m512i) -> (__m512i, __mmask32) {
        // (First and third) or second.
        const OR: i32 = 0xec;
        // SAFETY: the module's features.
        unsafe {
            let magnitudes = _mm512_and_si512(brains, set16(0x7fff));
            let nonzero = _mm512_test_epi16_mask(magnitudes, magnitudes);
            let offset = Self::REBIAS * Self::ONE;
            // Exponents from the first one of normal numbers on.
            let above = _mm512_sub_epi16(magnitudes, set16(offset + Self::ONE));
            let other = _mm512_mask_cmpge_epu16_mask(nonzero, above, set16(30 * Self::ONE));
            let rebiased = _mm512_maskz_sub_epi16(nonzero, magnitudes, set16(offset));
            let halves = shift_left(rebiased, Self::LIFT);
            let sign = set16(1 << 15);
            let halves = _mm512_ternarylogic_epi32::<OR>(brains, halves, sign);
            (halves, other)
        }
    }
}

impl Ordinary for BrainToHalf {
    const FROM: usize = 2;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, first) = Self::halves(load512(from));
            let (high, second) = Self::halves(load512(from.add(64)));
            store512(to, low);
            store512(to.add(64), high);
            first | second == 0
        }
    }
}

/// Integers of eight bytes to bfloat16, where binary32 holds them.
pub struct Short<const SIGNED: bool, S>(S);

impl<const SIGNED: bool, S: Store<__m512>> Ordinary for Short<SIGNED, S> {
    const FROM: usize = 8;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) -> bool {
        const HELD: i64 = 1 << 24;
        // The first, the second or the third.
        const OR: i32 = 0xfe;
        // SAFETY: the caller's promise.
        unsafe {
            let lower =
                _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let mut bits = _mm512_setzero_si512();
            let singles = each!([0, 128, 256, 384], |at| {
                let (first, second) = (load512(from.add(at)), load512(from.add(at + 64)));
                let words = _mm512_permutex2var_epi32(first, lower, second);
                let (first, second) = match SIGNED {
                    true => (
                        _mm512_add_epi64(first, _mm512_set1_epi64(HELD)),
                        _mm512_add_epi64(second, _mm512_set1_epi64(HELD)),
                    ),
                    false => (first, second),
                };
                bits = _mm512_ternarylogic_epi64::<OR>(bits, first, second);
                _mm512_cvtepi32_ps(words)
            });
            S::store(to, singles, parameters);
            let end = if SIGNED { 2 * HELD } else { HELD };
            _mm512_test_epi64_mask(bits, _mm512_set1_epi64(-end)) == 0
        }
    }
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

fn short<const SIGNED: bool, L: LoadSixteen>() -> Step {
    through::<Short<SIGNED, BrainOfNumbers>, L, BrainOfNumbers>()
}

/// Ordinary groups by the first, others through binary32.
fn through<O: Ordinary, L: LoadSixteen, S: StoreSixteen>() -> Step {
    let few = Step::of_groups(super::run::<Sixteen<L, S>, FEW>, FEW);
    Step::of_groups(run::<O, Through<L, S>>, GROUP).with_few(Some(few))
}
