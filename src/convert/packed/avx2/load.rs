//! Groups of every dtype that has kernels here, read as binary32.

use super::*;

/// Implements [`Load`] by an expression for the eight elements at `at`.
macro_rules! load {
    ($(#[$doc:meta])* $name:ident, $size:literal, |$at:ident| $eight:expr) => {
        $(#[$doc])*
        pub struct $name;
        impl Load<__m256> for $name {
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
pub unsafe fn join_low_bits(integers: __m256i, beyond: __m256i) -> __m256i {
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

/// [`crate::convert::packed::narrow::odd`] of eight numbers.
#[inline(always)]
pub unsafe fn odd_singles(first: __m256d, second: __m256d) -> __m256 {
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
pub unsafe fn magnitude(numbers: __m256d) -> __m256d {
    // SAFETY: the module's features.
    unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), numbers) }
}

/// The low halves of eight 64-bit lanes, in order.
#[inline(always)]
pub unsafe fn halves(first: __m256d, second: __m256d) -> __m256i {
    // SAFETY: the module's features.
    unsafe {
        let mixed = _mm256_shuffle_ps::<0x88>(_mm256_castpd_ps(first), _mm256_castpd_ps(second));
        _mm256_permute4x64_epi64::<0xd8>(_mm256_castps_si256(mixed))
    }
}

/// The nearest binary64 of four 64-bit integers, in one rounding: halves that it holds, then their sum.
#[inline(always)]
pub unsafe fn doubles<const SIGNED: bool>(integers: __m256i) -> __m256d {
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
pub unsafe fn odd_double<const SIGNED: bool>(integers: __m256i) -> __m256d {
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
