//! Lines of 64 bytes in registers of AVX-512: parts of them by masks, and how they are read from a last-level cache that is near. There the
//! processor asks for more by itself if a line is read by parts, one after the other, than if it is read at once.

use crate::opaque::{opaque128, opaque256};
use crate::prefetch::LINE;
use core::arch::x86_64::*;

/// Which bytes of 64 are among the first `count`, of which `before` are in other lines: a mask of AVX-512.
#[inline(always)]
pub fn first_bytes(count: usize, before: usize) -> u64 {
    match count.saturating_sub(before) {
        0 => 0,
        left => u64::MAX >> (LINE - left.min(LINE)),
    }
}

/// Sixty-four bytes, read by quarters.
///
/// # Safety
/// They are readable; the processor has AVX-512 F.
#[inline]
#[target_feature(enable = "avx512f,avx2")]
pub unsafe fn by_quarters(from: *const u8) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { joined(half_by_quarters(from), half_by_quarters(from.add(32))) }
}

/// Thirty-two bytes, read as [`by_quarters`] does.
///
/// # Safety
/// They are readable; the processor has AVX2.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn half_by_quarters(from: *const u8) -> __m256i {
    // SAFETY: the caller's promise. The compiler would read both at once.
    unsafe {
        let first = opaque128(_mm_loadu_si128(from.cast()));
        let second = _mm_loadu_si128(from.add(16).cast());
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(first), second)
    }
}

/// Sixty-four bytes, read by halves, which takes fewer instructions than quarters.
///
/// # Safety
/// As for [`by_quarters`].
#[inline]
#[target_feature(enable = "avx512f,avx2")]
pub unsafe fn by_halves(from: *const u8) -> __m512i {
    // SAFETY: as above.
    unsafe {
        let low = opaque256(_mm256_loadu_si256(from.cast()));
        joined(low, _mm256_loadu_si256(from.add(32).cast()))
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn joined(low: __m256i, high: __m256i) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}
