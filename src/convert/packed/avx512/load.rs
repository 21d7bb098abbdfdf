//! Groups of every dtype that has kernels here, read as binary32.

use super::*;
use crate::convert::packed::small;
use crate::lines;

/// How 64 bytes are read.
pub trait ReadLine {
    /// The bytes.
    ///
    /// # Safety
    /// They are readable; the processor has the module's features.
    unsafe fn read(from: *const u8) -> __m512i;
}

/// At once.
pub struct AtOnce;

/// By quarters, or by halves, as [`lines`] come from the last-level cache.
pub struct InQuarters;
pub struct InHalves;

/// Implements [`ReadLine`].
macro_rules! read_line {
    ($name:ident, $read:path) => {
        impl ReadLine for $name {
            #[inline(always)]
            unsafe fn read(from: *const u8) -> __m512i {
                // SAFETY: the caller's promise.
                unsafe { $read(from) }
            }
        }
    };
}

read_line!(AtOnce, load512);
read_line!(InQuarters, lines::by_quarters);
read_line!(InHalves, lines::by_halves);

/// Rounding toward zero, whatever the environment.
pub const TO_ZERO: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

/// A dtype of which sixteen elements are read by themselves.
pub trait LoadSixteen: Load<__m512> {
    /// Sixteen elements.
    ///
    /// # Safety
    /// They are readable.
    unsafe fn sixteen(at: *const u8) -> __m512;
}

/// Implements [`LoadSixteen`] by an expression for the elements at `at`, and [`Load`] by four of them; of what is read in some way, for
/// each.
macro_rules! load {
    ($(#[$doc:meta])* $name:ty $(where $reader:ident: $bound:ident)?, $size:expr, |$at:ident| $sixteen:expr) => {
        $(#[$doc])*
        impl $(<$reader: $bound>)? LoadSixteen for $name {
            #[inline(always)]
            unsafe fn sixteen($at: *const u8) -> __m512 {
                // SAFETY: the caller's promise.
                unsafe { $sixteen }
            }
        }

        impl $(<$reader: $bound>)? Load<__m512> for $name {
            const SIZE: usize = $size;
            #[inline(always)]
            unsafe fn load(from: *const u8) -> Singles {
                each!([0, 16, 32, 48], |first| {
                    // SAFETY: the caller's promise; sixteen elements from here on are part of the group.
                    unsafe { Self::sixteen(from.wrapping_add(first * $size)) }
                })
            }
        }
    };
}

pub(super) use load;

pub struct Bool;
pub struct I8;
pub struct U8;
pub struct I16;
pub struct U16;
pub struct I32;
pub struct U32;
pub struct I64;
pub struct U64;
pub struct F16;
pub struct BF16;
pub struct F32;
pub struct F64;

load!(Bool, 1, |at| {
    let bytes = load128(at);
    _mm512_maskz_mov_ps(_mm_test_epi8_mask(bytes, bytes), _mm512_set1_ps(1.0))
});
load!(I8, 1, |at| _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(
    load128(at)
)));
load!(U8, 1, |at| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(
    load128(at)
)));
load!(I16, 2, |at| _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(
    load256(at)
)));
load!(U16, 2, |at| _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(
    load256(at)
)));
load!(F16, 2, |at| _mm512_cvtph_ps(load256(at)));
load!(BF16, 2, |at| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(
    _mm512_cvtepu16_epi32(load256(at))
)));
load!(F32, 4, |at| _mm512_loadu_ps(at.cast()));
load!(I32, 4, |at| {
    let integers = load512(at);
    let singles = _mm512_cvt_roundepi32_ps::<TO_ZERO>(integers);
    let lost = _mm512_cmpneq_epi32_mask(_mm512_cvttps_epi32(singles), integers);
    odd_where(lost, singles)
});
load!(U32, 4, |at| {
    let integers = load512(at);
    let singles = _mm512_cvt_roundepu32_ps::<TO_ZERO>(integers);
    let lost = _mm512_cmpneq_epi32_mask(_mm512_cvttps_epu32(singles), integers);
    odd_where(lost, singles)
});
load!(I64, 8, |at| {
    let (first, second) = (load512(at), load512(at.add(64)));
    let a = _mm512_cvt_roundepi64_ps::<TO_ZERO>(first);
    let b = _mm512_cvt_roundepi64_ps::<TO_ZERO>(second);
    let lost_a = _mm512_cmpneq_epi64_mask(_mm512_cvttps_epi64(a), first);
    let lost_b = _mm512_cmpneq_epi64_mask(_mm512_cvttps_epi64(b), second);
    odd_where(_mm512_kunpackb(lost_b.into(), lost_a.into()), joined(a, b))
});
load!(U64, 8, |at| {
    let (first, second) = (load512(at), load512(at.add(64)));
    let a = _mm512_cvt_roundepu64_ps::<TO_ZERO>(first);
    let b = _mm512_cvt_roundepu64_ps::<TO_ZERO>(second);
    let lost_a = _mm512_cmpneq_epi64_mask(_mm512_cvttps_epu64(a), first);
    let lost_b = _mm512_cmpneq_epi64_mask(_mm512_cvttps_epu64(b), second);
    odd_where(_mm512_kunpackb(lost_b.into(), lost_a.into()), joined(a, b))
});
load!(F64, 8, |at| {
    let (first, second) = (
        _mm512_loadu_pd(at.cast()),
        _mm512_loadu_pd(at.add(64).cast()),
    );
    let a = _mm512_cvt_roundpd_ps::<TO_ZERO>(first);
    let b = _mm512_cvt_roundpd_ps::<TO_ZERO>(second);
    let lost_a = _mm512_cmp_pd_mask::<_CMP_NEQ_UQ>(_mm512_cvtps_pd(a), first);
    let lost_b = _mm512_cmp_pd_mask::<_CMP_NEQ_UQ>(_mm512_cvtps_pd(b), second);
    odd_where(_mm512_kunpackb(lost_b.into(), lost_a.into()), joined(a, b))
});

/// float64 for formats whose smallest numbers are far above the subnormal ones of binary32, where bits are lost unseen.
pub struct OddF64;

load!(OddF64, 8, |at| {
    joined(odd_single(load512(at)), odd_single(load512(at.add(64))))
});

/// Bits of binary64 that normal numbers of binary32 do not have.
pub const LOST_BITS: i64 = (1 << (52 - 23)) - 1;

/// Eight numbers toward zero, the last bit set where others were lost that normal numbers of binary32 do not have.
#[inline(always)]
unsafe fn odd_single(bits: __m512i) -> __m256 {
    // SAFETY: the module's features.
    unsafe {
        const LAST: i64 = LOST_BITS + 1;
        let lost = _mm512_test_epi64_mask(bits, _mm512_set1_epi64(LOST_BITS));
        let odd = _mm512_mask_or_epi64(bits, lost, bits, _mm512_set1_epi64(LAST));
        _mm512_cvt_roundpd_ps::<TO_ZERO>(_mm512_castsi512_pd(odd))
    }
}

/// float64 toward zero, which suffices for integers that binary32 holds.
pub struct Truncated<D>(D);

load!(Truncated<D> where D: ReadDoubles, D::SIZE, |at| joined(
    _mm512_cvt_roundpd_ps::<TO_ZERO>(D::read_doubles(at)),
    _mm512_cvt_roundpd_ps::<TO_ZERO>(D::read_doubles(at.add(8 * D::SIZE)))
));

/// The nearest binary32, of which integers that it does not hold are beyond all finite numbers of float16, or which is the result.
pub struct Near<L, R>(L, R);

load!(Near<I32, R> where R: ReadLine, 4, |at| _mm512_cvtepi32_ps(R::read(at)));
load!(Near<U32, R> where R: ReadLine, 4, |at| _mm512_cvtepu32_ps(R::read(at)));
load!(Near<F32, R> where R: ReadLine, 4, |at| _mm512_castsi512_ps(R::read(at)));

/// Integers held inside 32 bits, then the same.
pub struct Held<L>(L);

load!(Held<I64>, 8, |at| {
    let low = _mm512_cvtsepi64_epi32(load512(at));
    let high = _mm512_cvtsepi64_epi32(load512(at.add(64)));
    _mm512_cvtepi32_ps(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high))
});
load!(Held<U64>, 8, |at| {
    let low = _mm512_cvtusepi64_epi32(load512(at));
    let high = _mm512_cvtusepi64_epi32(load512(at.add(64)));
    _mm512_cvtepu32_ps(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high))
});

/// Numbers rounded toward zero, with their last bits set where something was lost.
#[inline(always)]
unsafe fn odd_where(lost: __mmask16, singles: __m512) -> __m512 {
    // SAFETY: the module's features.
    unsafe {
        // The first, or the second and the third: written as such, the compiler makes a number of the mask first.
        const OR_AND: i32 = 0xf8;
        let (bits, one) = (_mm512_castps_si512(singles), set32(1));
        let odd = _mm512_mask_ternarylogic_epi32::<OR_AND>(bits, lost, one, one);
        _mm512_castsi512_ps(odd)
    }
}

#[inline(always)]
pub unsafe fn joined(low: __m256, high: __m256) -> __m512 {
    // SAFETY: the module's features.
    unsafe { _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high) }
}

/// Powers of two. The lowest and what stands for NaN have the upper bit of the fraction in binary32.
pub struct Scale;

load!(Scale, 1, |at| {
    let bytes = load128(at);
    // 255 and 0.
    let ends = _mm_cmplt_epu8_mask(_mm_add_epi8(bytes, _mm_set1_epi8(1)), _mm_set1_epi8(2));
    let bits = _mm512_slli_epi32::<23>(_mm512_cvtepu8_epi32(bytes));
    _mm512_castsi512_ps(_mm512_mask_or_epi32(bits, ends, bits, set32(1 << 22)))
});

/// The floats of six bits: tables of the magnitudes, two registers long.
pub struct E2M3;
pub struct E3M2;

load!(E2M3, 1, |at| six(at, &small::E2M3));
load!(E3M2, 1, |at| six(at, &small::E3M2));

#[inline(always)]
unsafe fn six(at: *const u8, table: &small::Table) -> __m512 {
    // SAFETY: the caller's promise that sixteen elements are readable; the table is longer than two registers.
    unsafe {
        let codes = _mm512_cvtepu8_epi32(load128(at));
        let low = _mm512_loadu_ps(table.as_ptr());
        let high = _mm512_loadu_ps(table.as_ptr().add(16));
        let magnitudes = _mm512_permutex2var_ps(low, codes, high);
        let signs = _mm512_and_si512(_mm512_slli_epi32::<26>(codes), set32(1 << 31));
        _mm512_or_ps(magnitudes, _mm512_castsi512_ps(signs))
    }
}

/// The float of four bits: its table fits a register.
pub struct E2M1;

load!(E2M1, 1, |at| {
    let codes = _mm512_cvtepu8_epi32(load128(at));
    _mm512_permutexvar_ps(codes, _mm512_loadu_ps(small::E2M1.as_ptr()))
});
