//! float16 to and from float32 by the processor's own instructions (F16C), which round to nearest whatever MXCSR says.

use super::element::{Parameters, Source, Target, roundable};
use crate::convert::float::F32;
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

/// Elements that go through a buffer at a time.
const BLOCK: usize = 256;

/// Converts elements of `S` to float16, through binary32.
///
/// # Safety
/// As for [`from_half`]; the processor has AVX2.
#[target_feature(enable = "avx2,f16c")]
pub unsafe fn to_half_of<S: Source>(
    source: *const u8,
    destination: *mut u8,
    count: usize,
    _: Parameters,
) {
    let mut singles = [0f32; BLOCK];
    let source = source.cast::<S::Raw>();
    for start in (0..count).step_by(BLOCK) {
        let len = BLOCK.min(count - start);
        // SAFETY: the caller's promise, and a block fits the buffer.
        unsafe {
            for (i, single) in singles[..len].iter_mut().enumerate() {
                *single = roundable::<S>(source.add(start + i).read_unaligned());
            }
            to_half(singles.as_ptr().cast(), destination.add(2 * start), len);
        }
    }
}

/// Converts float16 to elements of `T`, through binary32.
///
/// # Safety
/// As for [`to_half_of`].
#[target_feature(enable = "avx2,f16c")]
pub unsafe fn from_half_to<T: Target>(
    source: *const u8,
    destination: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    let mut singles = [0f32; BLOCK];
    let destination = destination.cast::<T::Raw>();
    for start in (0..count).step_by(BLOCK) {
        let len = BLOCK.min(count - start);
        // SAFETY: the caller's promise, and a block fits the buffer.
        unsafe {
            from_half(source.add(2 * start), singles.as_mut_ptr().cast(), len);
            for (i, single) in singles[..len].iter().enumerate() {
                let element = T::of::<F32>(*single, parameters);
                destination.add(start + i).write_unaligned(element);
            }
        }
    }
}
