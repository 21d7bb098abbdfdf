//! float16 to and from float32 by the processor's own instructions (F16C), which round to nearest whatever MXCSR says.

use core::arch::x86_64::*;

/// Converts `count` elements.
///
/// # Safety
/// The runs are readable and writable for `count` elements; the processor has AVX and F16C.
#[target_feature(enable = "avx,f16c")]
pub unsafe fn from_half(source: *const u8, destination: *mut u8, count: usize) {
    // SAFETY: the caller's promise; the last elements go through buffers of eight.
    unsafe {
        let whole = count / 8 * 8;
        for i in (0..whole).step_by(8) {
            let halves = _mm_loadu_si128(source.add(2 * i).cast());
            _mm256_storeu_ps(destination.add(4 * i).cast(), _mm256_cvtph_ps(halves));
        }
        let rest = count - whole;
        if rest == 0 {
            return;
        }
        let (mut halves, mut singles) = ([0u8; 16], [0u8; 32]);
        halves
            .as_mut_ptr()
            .copy_from_nonoverlapping(source.add(2 * whole), 2 * rest);
        let converted = _mm256_cvtph_ps(_mm_loadu_si128(halves.as_ptr().cast()));
        _mm256_storeu_ps(singles.as_mut_ptr().cast(), converted);
        destination
            .add(4 * whole)
            .copy_from_nonoverlapping(singles.as_ptr(), 4 * rest);
    }
}

/// Converts `count` elements.
///
/// # Safety
/// As for [`from_half`].
#[target_feature(enable = "avx,f16c")]
pub unsafe fn to_half(source: *const u8, destination: *mut u8, count: usize) {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT;
    // SAFETY: the caller's promise; the last elements go through buffers of eight.
    unsafe {
        let whole = count / 8 * 8;
        for i in (0..whole).step_by(8) {
            let singles = _mm256_loadu_ps(source.add(4 * i).cast());
            let halves = _mm256_cvtps_ph::<NEAREST>(singles);
            _mm_storeu_si128(destination.add(2 * i).cast(), halves);
        }
        let rest = count - whole;
        if rest == 0 {
            return;
        }
        let (mut singles, mut halves) = ([0u8; 32], [0u8; 16]);
        singles
            .as_mut_ptr()
            .copy_from_nonoverlapping(source.add(4 * whole), 4 * rest);
        let converted = _mm256_cvtps_ph::<NEAREST>(_mm256_loadu_ps(singles.as_ptr().cast()));
        _mm_storeu_si128(halves.as_mut_ptr().cast(), converted);
        destination
            .add(2 * whole)
            .copy_from_nonoverlapping(halves.as_ptr(), 2 * rest);
    }
}
