//! Kernels written for AVX2 and F16C, for the pairs whose plain loop the compiler does not vectorise well.
//!
//! Thirty-two elements are a group. Most pass through binary32, eight to a register, exactly or, where it does not hold
//! them, odd (see [`super::narrow::odd`]); binary64 to integers goes its own way. The results are those of the plain
//! loops, bit for bit. Every function here needs the two instruction sets and, but for the loads and stores of bits, the
//! standard floating-point environment.

use super::element::Parameters;
use super::{Run, Scalar};
use crate::convert::float::{self, Float};
use crate::convert::round::{Format, Special};
use core::arch::x86_64::*;

/// Elements of a group.
const GROUP: usize = 32;

/// A group as binary32.
type Singles = [__m256; 4];

/// A group as 32-bit integers.
type Words = [__m256i; 4];

/// The same for each register of a group. Not a closure, which would be compiled without the instruction sets.
macro_rules! each {
    ($group:expr, |$register:ident| $body:expr) => {{
        let [a, b, c, d] = $group;
        [
            {
                let $register = a;
                $body
            },
            {
                let $register = b;
                $body
            },
            {
                let $register = c;
                $body
            },
            {
                let $register = d;
                $body
            },
        ]
    }};
}

/// A dtype that is read.
trait Load {
    /// Bytes of an element.
    const SIZE: usize;
    /// A group, in a form that rounds like the numbers themselves.
    ///
    /// # Safety
    /// The group is readable.
    unsafe fn load(from: *const u8) -> Singles;
}

/// A dtype that is written.
trait Store {
    /// Bytes of an element.
    const SIZE: usize;
    /// Writes a group.
    ///
    /// # Safety
    /// The group is writable.
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters);
}

/// What a group of elements becomes.
trait Group {
    /// Bytes of a source element.
    const FROM: usize;
    /// Bytes of a destination element.
    const TO: usize;
    /// Converts a group.
    ///
    /// # Safety
    /// The group is readable and writable.
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters);
}

/// Through binary32.
struct Through<L, S>(L, S);

impl<L: Load, S: Store> Group for Through<L, S> {
    const FROM: usize = L::SIZE;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { S::store(to, L::load(from), parameters) }
    }
}

/// Converts `count` elements: groups, of which the last one may overlap the one before; fewer by way of a group of their
/// own.
///
/// # Safety
/// As for [`super::Steps::run`]; the processor has AVX2 and F16C.
#[target_feature(enable = "avx2,f16c")]
unsafe fn run<G: Group>(from: *const u8, to: *mut u8, count: usize, parameters: Parameters) {
    // SAFETY: the caller's promise; a group fits the buffers.
    unsafe {
        if count >= GROUP {
            let last = count - GROUP;
            let mut i = 0;
            while i < last {
                G::convert(from.add(i * G::FROM), to.add(i * G::TO), parameters);
                i += GROUP;
            }
            G::convert(from.add(last * G::FROM), to.add(last * G::TO), parameters);
        } else if count > 0 {
            let (mut source, mut target) = ([0u64; GROUP], [0u64; GROUP]);
            let (source, target) = (
                source.as_mut_ptr().cast::<u8>(),
                target.as_mut_ptr().cast::<u8>(),
            );
            source.copy_from_nonoverlapping(from, count * G::FROM);
            G::convert(source, target, parameters);
            to.copy_from_nonoverlapping(target, count * G::TO);
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

/// How 32-bit integers become narrower ones: two registers to one.
type Pack = unsafe fn(__m256i, __m256i) -> __m256i;

/// Implements [`Load`] by an expression for the eight elements at `at`.
macro_rules! load {
    ($(#[$doc:meta])* $name:ident, $size:literal, |$at:ident| $eight:expr) => {
        $(#[$doc])*
        struct $name;
        impl Load for $name {
            const SIZE: usize = $size;
            #[inline(always)]
            unsafe fn load(from: *const u8) -> Singles {
                each!([0, 8, 16, 24], |first| {
                    let $at = from.wrapping_add(first * $size);
                    // SAFETY: the caller's promise; eight elements from here on are part of the group.
                    unsafe { $eight }
                })
            }
        }
    };
}

load!(I8, 1, |at| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(
    load64(at)
)));
load!(U8, 1, |at| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(
    load64(at)
)));
load!(I16, 2, |at| _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(
    load128(at)
)));
load!(U16, 2, |at| _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(
    load128(at)
)));
load!(F16, 2, |at| _mm256_cvtph_ps(load128(at)));
load!(BF16, 2, |at| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(
    _mm256_cvtepu16_epi32(load128(at))
)));
load!(F32, 4, |at| _mm256_loadu_ps(at.cast()));
load!(I32, 4, |at| {
    let integers = load256(at);
    // Between -2^24 and 2^24 binary32 holds them. Beyond, the last eight bits are joined to one, which leaves 24.
    let beyond = _mm256_srli_epi32::<25>(_mm256_add_epi32(integers, _mm256_set1_epi32(1 << 24)));
    _mm256_cvtepi32_ps(join_low_bits(integers, beyond))
});
load!(U32, 4, |at| {
    let integers = load256(at);
    let joined = join_low_bits(integers, _mm256_srli_epi32::<24>(integers));
    // Halves of sixteen bits: their sum has 24 significant bits, so it is exact.
    let high = _mm256_cvtepi32_ps(_mm256_srli_epi32::<16>(joined));
    let low = _mm256_cvtepi32_ps(_mm256_and_si256(joined, _mm256_set1_epi32(0xffff)));
    _mm256_add_ps(_mm256_mul_ps(high, _mm256_set1_ps(65536.0)), low)
});
load!(F64, 8, |at| odd_singles(
    _mm256_loadu_pd(at.cast()),
    _mm256_loadu_pd(at.add(32).cast())
));
load!(I64, 8, |at| odd_singles(
    odd_double::<true>(load256(at)),
    odd_double::<true>(load256(at.add(32)))
));
load!(U64, 8, |at| odd_singles(
    odd_double::<false>(load256(at)),
    odd_double::<false>(load256(at.add(32)))
));

/// Where `beyond` is not zero, the low eight bits as one: set if any of them is.
#[inline(always)]
unsafe fn join_low_bits(integers: __m256i, beyond: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe {
        let zero = _mm256_setzero_si256();
        let low = _mm256_and_si256(integers, _mm256_set1_epi32(0xff));
        let lost = _mm256_cmpgt_epi32(low, zero);
        let kept = _mm256_sub_epi32(integers, low);
        let joined = _mm256_or_si256(kept, _mm256_and_si256(lost, _mm256_set1_epi32(0x100)));
        _mm256_blendv_epi8(joined, integers, _mm256_cmpeq_epi32(beyond, zero))
    }
}

/// [`super::narrow::odd`] of eight numbers.
#[inline(always)]
unsafe fn odd_singles(first: __m256d, second: __m256d) -> __m256 {
    // SAFETY: the module's features.
    unsafe {
        let (a, b) = (_mm256_cvtpd_ps(first), _mm256_cvtpd_ps(second));
        let (back_a, back_b) = (_mm256_cvtps_pd(a), _mm256_cvtps_pd(b));
        let away = halves(
            _mm256_cmp_pd::<_CMP_GT_OQ>(magnitude(back_a), magnitude(first)),
            _mm256_cmp_pd::<_CMP_GT_OQ>(magnitude(back_b), magnitude(second)),
        );
        let lost = halves(
            _mm256_cmp_pd::<_CMP_NEQ_UQ>(back_a, first),
            _mm256_cmp_pd::<_CMP_NEQ_UQ>(back_b, second),
        );
        let nearest = _mm256_castps_si256(_mm256_set_m128(b, a));
        // A mask is -1.
        let toward_zero = _mm256_add_epi32(nearest, away);
        _mm256_castsi256_ps(_mm256_or_si256(toward_zero, _mm256_srli_epi32::<31>(lost)))
    }
}

/// Numbers without their signs.
#[inline(always)]
unsafe fn magnitude(numbers: __m256d) -> __m256d {
    // SAFETY: the module's features.
    unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), numbers) }
}

/// The low halves of eight 64-bit lanes, in order.
#[inline(always)]
unsafe fn halves(first: __m256d, second: __m256d) -> __m256i {
    // SAFETY: the module's features.
    unsafe {
        let mixed = _mm256_shuffle_ps::<0x88>(_mm256_castpd_ps(first), _mm256_castpd_ps(second));
        _mm256_permute4x64_epi64::<0xd8>(_mm256_castps_si256(mixed))
    }
}

/// The nearest binary64 of four 64-bit integers, in one rounding: halves that it holds, then their sum.
#[inline(always)]
unsafe fn doubles<const SIGNED: bool>(integers: __m256i) -> __m256d {
    // SAFETY: the module's features.
    unsafe {
        const TWO_52: i64 = 0x4330 << 48;
        if SIGNED {
            // 3 * 2^67, whose last place is 2^16: the upper 48 bits are added to its fraction.
            const HIGH: i64 = 0x4438 << 48;
            let upper = _mm256_srai_epi32::<16>(integers);
            let upper = _mm256_blend_epi16::<0x33>(upper, _mm256_setzero_si256());
            let upper = _mm256_add_epi64(upper, _mm256_set1_epi64x(HIGH));
            let lower = _mm256_blend_epi16::<0x88>(integers, _mm256_set1_epi64x(TWO_52));
            let both = f64::from_bits(HIGH as u64) + f64::from_bits(TWO_52 as u64);
            let upper = _mm256_sub_pd(_mm256_castsi256_pd(upper), _mm256_set1_pd(both));
            _mm256_add_pd(upper, _mm256_castsi256_pd(lower))
        } else {
            const TWO_84: i64 = 0x4530 << 48;
            let upper = _mm256_or_si256(
                _mm256_srli_epi64::<32>(integers),
                _mm256_set1_epi64x(TWO_84),
            );
            let lower = _mm256_blend_epi16::<0xcc>(integers, _mm256_set1_epi64x(TWO_52));
            let both = f64::from_bits(TWO_84 as u64) + f64::from_bits(TWO_52 as u64);
            let upper = _mm256_sub_pd(_mm256_castsi256_pd(upper), _mm256_set1_pd(both));
            _mm256_add_pd(upper, _mm256_castsi256_pd(lower))
        }
    }
}

/// Four 64-bit integers as binary64 that is odd where bits are lost.
#[inline(always)]
unsafe fn odd_double<const SIGNED: bool>(integers: __m256i) -> __m256d {
    // SAFETY: the module's features.
    unsafe {
        const LOW: i64 = (1 << 11) - 1;
        let zero = _mm256_setzero_si256();
        let offset = if SIGNED { 1 << 52 } else { 0 };
        let beyond =
            _mm256_srli_epi64::<53>(_mm256_add_epi64(integers, _mm256_set1_epi64x(offset)));
        let low = _mm256_and_si256(integers, _mm256_set1_epi64x(LOW));
        let nothing_lost = _mm256_cmpeq_epi64(low, zero);
        let sticky = _mm256_andnot_si256(nothing_lost, _mm256_set1_epi64x(LOW + 1));
        let joined = _mm256_or_si256(_mm256_sub_epi64(integers, low), sticky);
        let fits = _mm256_cmpeq_epi64(beyond, zero);
        doubles::<SIGNED>(_mm256_blendv_epi8(joined, integers, fits))
    }
}

/// float8_e5m2: the upper half of float16.
struct E5M2;

impl Load for E5M2 {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Singles {
        // SAFETY: the caller's promise.
        unsafe {
            each!([0, 8, 16, 24], |first| {
                let bytes = load64(from.wrapping_add(first));
                _mm256_cvtph_ps(_mm_unpacklo_epi8(_mm_setzero_si128(), bytes))
            })
        }
    }
}

/// float8_e4m3fn: one exponent bit less than float16, so 2^8 times too small there.
struct E4M3Fn;

impl Load for E4M3Fn {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Singles {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (sixteen_e4m3fn(from), sixteen_e4m3fn(from.wrapping_add(16)));
            let scale = _mm256_set1_ps(256.0);
            each!([low.0, low.1, high.0, high.1], |halves| {
                _mm256_mul_ps(_mm256_cvtph_ps(halves), scale)
            })
        }
    }
}

/// Sixteen elements as float16, 2^8 times too small.
///
/// # Safety
/// They are readable.
#[inline(always)]
unsafe fn sixteen_e4m3fn(from: *const u8) -> (__m128i, __m128i) {
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = _mm256_cvtepu8_epi16(load128(from));
        // The sign stays, the rest moves down by one place, and what the sign left behind goes.
        let moved = _mm256_srai_epi16::<1>(_mm256_slli_epi16::<8>(bytes));
        let halves = _mm256_and_si256(moved, _mm256_set1_epi16(0xbfffu16 as i16));
        // NaN, all ones but for the sign, becomes the quiet NaN without a payload.
        let all = _mm256_set1_epi16(0x7f);
        let nan = _mm256_cmpeq_epi16(_mm256_and_si256(bytes, all), all);
        let difference = _mm256_set1_epi16(0x3f80 ^ 0x7e00);
        let halves = _mm256_xor_si256(halves, _mm256_and_si256(nan, difference));
        (
            _mm256_castsi256_si128(halves),
            _mm256_extracti128_si256::<1>(halves),
        )
    }
}

impl Store for F32 {
    const SIZE: usize = 4;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        for (i, eight) in singles.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm256_storeu_ps(to.add(32 * i).cast(), eight) }
        }
    }
}

/// float32 from formats that are read as they lie: their NaNs may be signalling, and become quiet.
struct QuietF32;

impl Store for QuietF32 {
    const SIZE: usize = 4;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let quiet = each!(singles, |eight| {
                let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(eight, eight);
                let bit = _mm256_castsi256_ps(_mm256_set1_epi32(1 << 22));
                _mm256_or_ps(eight, _mm256_and_ps(nan, bit))
            });
            F32::store(to, quiet, parameters);
        }
    }
}

impl Store for F64 {
    const SIZE: usize = 8;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        for (i, eight) in singles.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let low = _mm256_cvtps_pd(_mm256_castps256_ps128(eight));
                let high = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(eight));
                _mm256_storeu_pd(to.add(64 * i).cast(), low);
                _mm256_storeu_pd(to.add(64 * i + 32).cast(), high);
            }
        }
    }
}

impl Store for F16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        for (i, eight) in singles.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(eight);
                _mm_storeu_si128(to.add(16 * i).cast(), halves);
            }
        }
    }
}

impl Store for BF16 {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| {
                let quiet = _mm256_or_si256(_mm256_castps_si256(eight), _mm256_set1_epi32(1 << 22));
                let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(eight, eight);
                let nan = _mm256_castps_si256(nan);
                let chosen = _mm256_blendv_epi8(rounded_to_brain(eight), quiet, nan);
                _mm256_srli_epi32::<16>(chosen)
            });
            store_words(to, words, packus_epi32);
        }
    }
}

/// bfloat16 of what is not NaN: integers.
struct BrainOfNumbers;

impl Store for BrainOfNumbers {
    const SIZE: usize = 2;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| _mm256_srli_epi32::<16>(rounded_to_brain(
                eight
            )));
            store_words(to, words, packus_epi32);
        }
    }
}

/// Eight numbers that are not NaN, rounded so that their upper halves are bfloat16.
#[inline(always)]
unsafe fn rounded_to_brain(eight: __m256) -> __m256i {
    // SAFETY: the module's features.
    unsafe {
        let bits = _mm256_castps_si256(eight);
        let last = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), last)
    }
}

/// To 16 bits, signed.
#[inline(always)]
unsafe fn packs_epi32(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packs_epi32(a, b) }
}

/// To 16 bits, unsigned.
#[inline(always)]
unsafe fn packus_epi32(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packus_epi32(a, b) }
}

/// To 8 bits, signed.
#[inline(always)]
unsafe fn packs_epi16(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packs_epi16(a, b) }
}

/// To 8 bits, unsigned.
#[inline(always)]
unsafe fn packus_epi16(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_packus_epi16(a, b) }
}

/// Writes 32-bit integers as 16-bit ones.
#[inline(always)]
unsafe fn store_words(to: *mut u8, words: Words, pack: Pack) {
    let [a, b, c, d] = words;
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        store256(to, _mm256_permute4x64_epi64::<0xd8>(pack(a, b)));
        store256(to.add(32), _mm256_permute4x64_epi64::<0xd8>(pack(c, d)));
    }
}

/// Writes 32-bit integers as 8-bit ones; the first step to 16 bits saturates as signed.
#[inline(always)]
unsafe fn store_bytes(to: *mut u8, words: Words, pack: Pack) {
    let [a, b, c, d] = words;
    // SAFETY: the caller's promise that a group is writable.
    unsafe {
        let bytes = pack(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
        // Both steps work on halves of registers: fours of bytes are 0, 4, 1, 5, 2, 6, 3, 7.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        store256(to, _mm256_permutevar8x32_epi32(bytes, order));
    }
}

/// The floats of at most 8 bits, one to a byte.
struct Small<F>(F);

impl<F: Float> Store for Small<F> {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| narrow(eight, F::FORMAT, parameters));
            store_bytes(to, words, packus_epi16);
        }
    }
}

/// Integers in the low `BITS` bits of a byte whose other bits are zero.
struct Tiny<const BITS: u32, const SIGNED: bool>;

impl<const BITS: u32, const SIGNED: bool> Store for Tiny<BITS, SIGNED> {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let mask = _mm256_set1_epi32((1 << BITS) - 1);
            let words = if SIGNED {
                let highest = (1 << (BITS - 1)) - 1;
                each!(signed_words(singles), |words| {
                    let held = _mm256_min_epi32(words, _mm256_set1_epi32(highest));
                    let held = _mm256_max_epi32(held, _mm256_set1_epi32(-1 - highest));
                    _mm256_and_si256(held, mask)
                })
            } else {
                each!(unsigned_words(singles), |words| _mm256_min_epi32(
                    words, mask
                ))
            };
            store_bytes(to, words, packs_epi16);
        }
    }
}

/// [`super::narrow::narrow`] of eight numbers, to a format of at most 8 bits.
#[inline(always)]
unsafe fn narrow(eight: __m256, format: Format, parameters: Parameters) -> __m256i {
    const FRACTION: u32 = 23;
    const BIAS: i32 = 127;
    #[inline(always)]
    unsafe fn set(value: u32) -> __m256i {
        // SAFETY: the module's features.
        unsafe { _mm256_set1_epi32(value as i32) }
    }
    // SAFETY: the module's features.
    unsafe {
        let infinity = set(0xff << FRACTION);
        let lost = FRACTION - format.fraction_bits;
        let exponents = 1 << (format.bits - 1 - format.fraction_bits);
        let bits = _mm256_castps_si256(eight);
        let magnitude = _mm256_and_si256(bits, set(u32::MAX >> 1));
        let beyond = set(((BIAS - format.bias + exponents) as u32) << FRACTION);
        let held = _mm256_min_epi32(magnitude, beyond);
        let smallest = ((BIAS + 1 - format.bias) as u32) << FRACTION;
        let power = _mm256_max_epi32(_mm256_and_si256(held, infinity), set(smallest));
        let anchor = _mm256_add_epi32(power, set(lost << FRACTION));
        let sum = _mm256_add_ps(_mm256_castsi256_ps(held), _mm256_castsi256_ps(anchor));
        let places = _mm256_sub_epi32(_mm256_castps_si256(sum), anchor);
        let exponent = _mm256_srl_epi32(power, _mm_cvtsi32_si128(lost as i32));
        let code = _mm256_add_epi32(places, exponent);
        let code = _mm256_sub_epi32(code, set(smallest >> lost));
        let code = _mm256_min_epi32(code, set(parameters.overflowed));
        let nan = _mm256_cmpgt_epi32(magnitude, infinity);
        let sign = _mm256_srl_epi32(bits, _mm_cvtsi32_si128(32 - format.bits as i32));
        let sign = _mm256_and_si256(sign, set(format.sign() as u32));
        match format.special {
            Special::Ieee => {
                let payload = _mm256_srl_epi32(magnitude, _mm_cvtsi32_si128(lost as i32));
                let payload = _mm256_and_si256(payload, set((1 << format.fraction_bits) - 1));
                let quiet = format.infinity() as u32 | 1 << (format.fraction_bits - 1);
                let quiet = _mm256_or_si256(payload, set(quiet));
                _mm256_or_si256(_mm256_blendv_epi8(code, quiet, nan), sign)
            }
            Special::Fn => {
                let all = _mm256_and_si256(nan, set(format.largest() as u32 + 1));
                _mm256_or_si256(_mm256_or_si256(code, all), sign)
            }
            Special::Fnuz => {
                let zero = _mm256_cmpeq_epi32(code, _mm256_setzero_si256());
                let signed = _mm256_or_si256(code, _mm256_andnot_si256(zero, sign));
                _mm256_blendv_epi8(signed, set(format.sign() as u32), nan)
            }
            Special::Finite => {
                let signed = _mm256_or_si256(code, sign);
                _mm256_blendv_epi8(signed, set(format.sign() as u32), nan)
            }
        }
    }
}

struct BoolTarget;

impl Store for BoolTarget {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn store(to: *mut u8, singles: Singles, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(singles, |eight| {
                let nonzero = _mm256_cmp_ps::<_CMP_NEQ_UQ>(eight, _mm256_setzero_ps());
                _mm256_srli_epi32::<31>(_mm256_castps_si256(nonzero))
            });
            store_bytes(to, words, packs_epi16);
        }
    }
}

/// Toward zero, held inside 32 bits; NaN is 0.
#[inline(always)]
unsafe fn signed_words(singles: Singles) -> Words {
    // SAFETY: the module's features.
    unsafe {
        each!(singles, |eight| {
            let number = _mm256_and_ps(eight, _mm256_cmp_ps::<_CMP_ORD_Q>(eight, eight));
            // What is out of range becomes the lowest integer, which has all bits of the highest one inverted.
            let integers = _mm256_cvttps_epi32(number);
            let high = _mm256_cmp_ps::<_CMP_GE_OQ>(number, _mm256_set1_ps(2147483648.0));
            _mm256_xor_si256(integers, _mm256_castps_si256(high))
        })
    }
}

/// Toward zero, from 0 to far beyond 16 bits; NaN is 0.
#[inline(always)]
unsafe fn unsigned_words(singles: Singles) -> Words {
    // SAFETY: the module's features.
    unsafe {
        each!(singles, |eight| {
            // The second operand is the result where the first is NaN.
            let number = _mm256_max_ps(eight, _mm256_setzero_ps());
            _mm256_cvttps_epi32(_mm256_min_ps(number, _mm256_set1_ps(1048576.0)))
        })
    }
}

/// Implements [`Store`] for integers by the 32-bit integers of a group.
macro_rules! store_integer {
    ($name:ident, $size:literal, |$singles:ident, $to:ident| $store:expr) => {
        impl Store for $name {
            const SIZE: usize = $size;
            #[inline(always)]
            unsafe fn store($to: *mut u8, $singles: Singles, _: Parameters) {
                // SAFETY: the caller's promise.
                unsafe { $store }
            }
        }
    };
}

store_integer!(I8, 1, |singles, to| store_bytes(
    to,
    signed_words(singles),
    packs_epi16
));
store_integer!(U8, 1, |singles, to| store_bytes(
    to,
    unsigned_words(singles),
    packus_epi16
));
store_integer!(I16, 2, |singles, to| store_words(
    to,
    signed_words(singles),
    packs_epi32
));
store_integer!(U16, 2, |singles, to| store_words(
    to,
    unsigned_words(singles),
    packus_epi32
));
store_integer!(I32, 4, |singles, to| {
    for (i, words) in signed_words(singles).into_iter().enumerate() {
        store256(to.add(32 * i), words);
    }
});
store_integer!(U32, 4, |singles, to| {
    for (i, eight) in singles.into_iter().enumerate() {
        let half = _mm256_set1_ps(2147483648.0);
        let number = _mm256_max_ps(eight, _mm256_setzero_ps());
        let low = _mm256_cvttps_epi32(number);
        // From 2^31 on the first conversion gives 2^31, and the second what is above it.
        let high = _mm256_cvttps_epi32(_mm256_sub_ps(number, half));
        let above = _mm256_and_si256(high, _mm256_srai_epi32::<31>(low));
        let too_large = _mm256_cmp_ps::<_CMP_GE_OQ>(number, _mm256_set1_ps(4294967296.0));
        let words = _mm256_or_si256(_mm256_or_si256(low, above), _mm256_castps_si256(too_large));
        store256(to.add(32 * i), words);
    }
});
store_integer!(I64, 8, |singles, to| store_long::<true>(to, singles));
store_integer!(U64, 8, |singles, to| store_long::<false>(to, singles));

/// Writes a group as 64-bit integers.
#[inline(always)]
unsafe fn store_long<const SIGNED: bool>(to: *mut u8, singles: Singles) {
    for (i, eight) in singles.into_iter().enumerate() {
        // SAFETY: the caller's promise that a group is writable.
        unsafe {
            let low = _mm256_cvtps_pd(_mm256_castps256_ps128(eight));
            let high = _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(eight));
            store256(to.add(64 * i), long::<SIGNED>(low));
            store256(to.add(64 * i + 32), long::<SIGNED>(high));
        }
    }
}

/// Four numbers toward zero, held inside 64 bits; NaN is 0.
///
/// The significand is moved to its place: left, right, or out, since a shift by 64 or more (a negative one is more) gives
/// zero.
#[inline(always)]
unsafe fn long<const SIGNED: bool>(numbers: __m256d) -> __m256i {
    // SAFETY: the module's features.
    unsafe {
        #[inline(always)]
        unsafe fn set(value: i64) -> __m256i {
            // SAFETY: the module's features.
            unsafe { _mm256_set1_epi64x(value) }
        }
        let zero = _mm256_setzero_si256();
        let bits = _mm256_castpd_si256(numbers);
        let negative = _mm256_cmpgt_epi64(zero, bits);
        let magnitude = _mm256_and_si256(bits, set(i64::MAX));
        let exponent = _mm256_srli_epi64::<52>(magnitude);
        let fraction = _mm256_and_si256(bits, set((1 << 52) - 1));
        let significand = _mm256_or_si256(fraction, set(1 << 52));
        let left = _mm256_sub_epi64(exponent, set(1075));
        let moved = _mm256_or_si256(
            _mm256_sllv_epi64(significand, left),
            _mm256_srlv_epi64(significand, _mm256_sub_epi64(zero, left)),
        );
        let integers = if SIGNED {
            let too_large = _mm256_cmpgt_epi64(exponent, set(1023 + 62));
            let held = _mm256_blendv_epi8(moved, set(i64::MAX), too_large);
            // The complement of the highest integer is the lowest one; of others it is one less than their negative.
            let one_more = _mm256_andnot_si256(too_large, negative);
            _mm256_sub_epi64(_mm256_xor_si256(held, negative), one_more)
        } else {
            let too_large = _mm256_cmpgt_epi64(exponent, set(1023 + 63));
            _mm256_andnot_si256(negative, _mm256_or_si256(moved, too_large))
        };
        let nan = _mm256_cmp_pd::<_CMP_UNORD_Q>(numbers, numbers);
        _mm256_andnot_si256(_mm256_castpd_si256(nan), integers)
    }
}

/// binary64 to integers.
struct Doubles<S>(S);

/// An integer that binary64 is converted to.
trait FromDoubles: Store {
    /// Writes a group from four numbers at a time.
    ///
    /// # Safety
    /// The group is readable and writable.
    unsafe fn convert(from: *const u8, to: *mut u8);
}

impl<S: FromDoubles> Group for Doubles<S> {
    const FROM: usize = 8;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { S::convert(from, to) }
    }
}

/// Four integers of 32 bits, from numbers held inside them, signed; NaN is 0.
#[inline(always)]
unsafe fn four_words(from: *const u8) -> __m128i {
    // SAFETY: the caller's promise that four numbers are readable.
    unsafe {
        let number = _mm256_loadu_pd(from.cast());
        let number = _mm256_and_pd(number, _mm256_cmp_pd::<_CMP_ORD_Q>(number, number));
        // What is too low becomes the lowest integer.
        _mm256_cvttpd_epi32(_mm256_min_pd(number, _mm256_set1_pd(2147483647.0)))
    }
}

/// A group of them.
#[inline(always)]
unsafe fn words_of_doubles(from: *const u8) -> Words {
    // SAFETY: the caller's promise that a group is readable.
    unsafe {
        each!([0, 64, 128, 192], |first| {
            let at = from.add(first);
            _mm256_set_m128i(four_words(at.add(32)), four_words(at))
        })
    }
}

/// Four numbers held inside 32 bits, unsigned, as 2^52 more: the low halves are the integers. NaN is 0.
#[inline(always)]
unsafe fn four_unsigned(from: *const u8) -> __m256d {
    // SAFETY: the caller's promise that four numbers are readable.
    unsafe {
        let number = _mm256_max_pd(_mm256_loadu_pd(from.cast()), _mm256_setzero_pd());
        let number = _mm256_min_pd(number, _mm256_set1_pd(4294967295.0));
        let whole = _mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(number);
        _mm256_add_pd(whole, _mm256_set1_pd(4503599627370496.0))
    }
}

/// Which of four numbers are not zero, as masks.
#[inline(always)]
unsafe fn four_nonzero(from: *const u8) -> __m256d {
    // SAFETY: the caller's promise that four numbers are readable.
    unsafe { _mm256_cmp_pd::<_CMP_NEQ_UQ>(_mm256_loadu_pd(from.cast()), _mm256_setzero_pd()) }
}

/// Implements [`FromDoubles`].
macro_rules! from_doubles {
    ($name:ident, |$from:ident, $to:ident| $convert:expr) => {
        impl FromDoubles for $name {
            #[inline(always)]
            unsafe fn convert($from: *const u8, $to: *mut u8) {
                // SAFETY: the caller's promise.
                unsafe { $convert }
            }
        }
    };
}

from_doubles!(I8, |from, to| store_bytes(
    to,
    words_of_doubles(from),
    packs_epi16
));
from_doubles!(U8, |from, to| store_bytes(
    to,
    words_of_doubles(from),
    packus_epi16
));
from_doubles!(I16, |from, to| store_words(
    to,
    words_of_doubles(from),
    packs_epi32
));
from_doubles!(U16, |from, to| store_words(
    to,
    words_of_doubles(from),
    packus_epi32
));
from_doubles!(I32, |from, to| {
    for (i, words) in words_of_doubles(from).into_iter().enumerate() {
        store256(to.add(32 * i), words);
    }
});
from_doubles!(U32, |from, to| {
    for i in 0..4 {
        let at = from.add(64 * i);
        let words = halves(four_unsigned(at), four_unsigned(at.add(32)));
        store256(to.add(32 * i), words);
    }
});
from_doubles!(I64, |from, to| {
    for i in 0..8 {
        let number = _mm256_loadu_pd(from.add(32 * i).cast());
        store256(to.add(32 * i), long::<true>(number));
    }
});
from_doubles!(U64, |from, to| {
    for i in 0..8 {
        let number = _mm256_loadu_pd(from.add(32 * i).cast());
        store256(to.add(32 * i), long::<false>(number));
    }
});
from_doubles!(BoolTarget, |from, to| {
    let words = each!([0, 64, 128, 192], |first| {
        let at = from.add(first);
        _mm256_srli_epi32::<31>(halves(four_nonzero(at), four_nonzero(at.add(32))))
    });
    store_bytes(to, words, packs_epi16);
});

/// Bool to a 16-bit float, which is 0 or `ONE`.
struct BoolToHalf<const ONE: i16>;

impl<const ONE: i16> Group for BoolToHalf<ONE> {
    const FROM: usize = 1;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..2 {
            // SAFETY: the caller's promise.
            unsafe {
                let bytes = _mm256_cvtepu8_epi16(load128(from.add(16 * i)));
                let zero = _mm256_cmpeq_epi16(bytes, _mm256_setzero_si256());
                let halves = _mm256_andnot_si256(zero, _mm256_set1_epi16(ONE));
                store256(to.add(32 * i), halves);
            }
        }
    }
}

/// 8-bit integers to bfloat16, whose eight significant bits hold them: nothing is rounded.
struct ByteToBrain<L>(L);

impl<L: Load> Group for ByteToBrain<L> {
    const FROM: usize = 1;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = each!(L::load(from), |eight| _mm256_srli_epi32::<16>(
                _mm256_castps_si256(eight)
            ));
            store_words(to, words, packus_epi32);
        }
    }
}

/// 64-bit integers to the nearest binary64.
struct LongToDouble<const SIGNED: bool>;

impl<const SIGNED: bool> Group for LongToDouble<SIGNED> {
    const FROM: usize = 8;
    const TO: usize = 8;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..8 {
            // SAFETY: the caller's promise.
            unsafe {
                let numbers = doubles::<SIGNED>(load256(from.add(32 * i)));
                _mm256_storeu_pd(to.add(32 * i).cast(), numbers);
            }
        }
    }
}

/// 64-bit integers to the nearest binary32, through a binary64 that is odd where bits were lost.
struct LongToSingle<const SIGNED: bool>;

impl<const SIGNED: bool> Group for LongToSingle<SIGNED> {
    const FROM: usize = 8;
    const TO: usize = 4;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..8 {
            // SAFETY: the caller's promise.
            unsafe {
                let numbers = odd_double::<SIGNED>(load256(from.add(32 * i)));
                _mm_storeu_ps(to.add(16 * i).cast(), _mm256_cvtpd_ps(numbers));
            }
        }
    }
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
        (Scalar::BFloat16, Scalar::Float32) => return Some(run::<Through<BF16, QuietF32>>),
        // Halves of complex numbers.
        (Scalar::Float32, Scalar::Float32) => return Some(run::<Through<F32, QuietF32>>),
        _ => {}
    }
    match from {
        Scalar::Int8 => of_integer::<I8>(to).or_else(|| to_small::<I8>(to)),
        Scalar::UInt8 => of_integer::<U8>(to).or_else(|| to_small::<U8>(to)),
        Scalar::Int16 => of_integer::<I16>(to),
        Scalar::UInt16 => of_integer::<U16>(to),
        Scalar::Int32 => of_integer::<I32>(to),
        Scalar::UInt32 => of_integer::<U32>(to),
        Scalar::Int64 => of_integer::<I64>(to),
        Scalar::UInt64 => of_integer::<U64>(to),
        Scalar::Float64 => to_narrow::<F64>(to),
        Scalar::Float32 => from_float::<F32>(to)
            .or_else(|| to_small::<F32>(to))
            .or_else(|| to_tiny(to)),
        Scalar::Float16 => from_float::<F16>(to).or_else(|| to_small::<F16>(to)),
        Scalar::BFloat16 => from_float::<BF16>(to).or_else(|| to_small::<BF16>(to)),
        Scalar::Float8E4M3Fn => from_float::<E4M3Fn>(to),
        Scalar::Float8E5M2 => from_float::<E5M2>(to),
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

fn of_integer<L: Load>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float16 => run::<Through<L, F16>>,
        Scalar::BFloat16 => run::<Through<L, BrainOfNumbers>>,
        _ => return None,
    })
}

fn to_narrow<L: Load>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float16 => run::<Through<L, F16>>,
        Scalar::BFloat16 => run::<Through<L, BF16>>,
        _ => return None,
    })
}

fn from_float<L: Load>(to: Scalar) -> Option<Run> {
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
        _ => return to_narrow::<L>(to).or_else(|| to_float::<L>(to)),
    })
}

fn to_float<L: Load>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float32 => run::<Through<L, F32>>,
        Scalar::Float8E4M3Fn => run::<Through<L, Small<float::E4M3Fn>>>,
        Scalar::Float8E5M2 => run::<Through<L, Small<float::E5M2>>>,
        _ => return None,
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

fn to_small<L: Load>(to: Scalar) -> Option<Run> {
    Some(match to {
        Scalar::Float8E4M3Fn => run::<Through<L, Small<float::E4M3Fn>>>,
        Scalar::Float8E5M2 => run::<Through<L, Small<float::E5M2>>>,
        Scalar::Float8E3M4 => run::<Through<L, Small<float::E3M4>>>,
        Scalar::Float8E4M3 => run::<Through<L, Small<float::E4M3>>>,
        Scalar::Float8E4M3B11Fnuz => run::<Through<L, Small<float::E4M3B11Fnuz>>>,
        Scalar::Float8E4M3Fnuz => run::<Through<L, Small<float::E4M3Fnuz>>>,
        Scalar::Float8E5M2Fnuz => run::<Through<L, Small<float::E5M2Fnuz>>>,
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
