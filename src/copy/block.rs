//! Blocks of bytes: copied as they are, and memory for those that stay in the first-level cache.

#[cfg(target_arch = "x86_64")]
use crate::convert;
#[cfg(target_arch = "x86_64")]
use crate::prefetch;
use core::mem::MaybeUninit;

/// Bytes from which the C library may use the processor's string instructions. Some processors crawl with those when the
/// destination is a little behind the source, modulo a page.
#[cfg(target_arch = "x86_64")]
const LONG: usize = 2048;

/// Bytes by which asking for lines is ahead.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 1024;

/// Bytes of a block on either side.
pub const BLOCK: usize = 4096;

/// Memory on the stack, aligned for any register.
#[repr(align(64))]
pub struct Aligned<const BYTES: usize>(MaybeUninit<[u8; BYTES]>);

/// Memory for a block.
pub type Block = Aligned<BLOCK>;

impl<const BYTES: usize> Aligned<BYTES> {
    /// Nothing is written yet.
    pub fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Where it begins.
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// Copies `bytes` bytes.
///
/// # Safety
/// The bytes are readable and writable, and do not overlap.
#[inline(always)]
pub unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if bytes >= LONG && convert::has_avx2() {
            return match convert::has_avx512() {
                true if bytes >= prefetch::FAR => copy_long_avx512::<true>(from, to, bytes),
                true => copy_long_avx512::<false>(from, to, bytes),
                false => copy_long(from, to, bytes),
            };
        }
        core::ptr::copy_nonoverlapping(from, to, bytes);
    }
}

/// [`copy()`] of a block that is not in the caches that are near.
///
/// # Safety
/// As for [`copy()`].
pub unsafe fn copy_far(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if bytes >= LONG && convert::has_avx512() {
            return copy_long_avx512::<true>(from, to, bytes);
        }
        copy(from, to, bytes);
    }
}

/// Four registers at a time, to multiples of their size.
///
/// # Safety
/// As for [`copy`]; there are at least 128 bytes, and the processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn copy_long(from: *const u8, to: *mut u8, bytes: usize) {
    use core::arch::x86_64::*;
    const REGISTER: usize = 32;
    const STEP: usize = 4 * REGISTER;
    // SAFETY: the caller's promise: the first step, whole steps from the next multiple on, and the last step, which overlap.
    unsafe {
        let load = |i: usize| _mm256_loadu_si256(from.add(i).cast());
        let last = [0, 1, 2, 3].map(|i| load(bytes - STEP + i * REGISTER));
        let first = load(0);
        let mut done = (to as usize).wrapping_neg() % REGISTER;
        _mm256_storeu_si256(to.cast(), first);
        while done + STEP <= bytes {
            let at = from.add(done).cast::<__m256i>();
            let (a, b) = (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1)));
            let (c, d) = (_mm256_loadu_si256(at.add(2)), _mm256_loadu_si256(at.add(3)));
            let at = to.add(done).cast::<__m256i>();
            _mm256_store_si256(at, a);
            _mm256_store_si256(at.add(1), b);
            _mm256_store_si256(at.add(2), c);
            _mm256_store_si256(at.add(3), d);
            done += STEP;
        }
        for (i, register) in last.into_iter().enumerate() {
            let at = to.add(bytes - STEP + i * REGISTER);
            _mm256_storeu_si256(at.cast(), register);
        }
    }
}

/// Two registers at a time, to multiples of their size. `ASKS`: lines of both sides are asked for before their turn.
///
/// # Safety
/// As for [`copy`]; there are at least 128 bytes, and the processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn copy_long_avx512<const ASKS: bool>(from: *const u8, to: *mut u8, bytes: usize) {
    use core::arch::x86_64::*;
    const REGISTER: usize = 64;
    const STEP: usize = 2 * REGISTER;
    // SAFETY: the caller's promise, as in `copy_long`.
    unsafe {
        let load = |i: usize| _mm512_loadu_si512(from.add(i).cast());
        let last = [0, 1].map(|i| load(bytes - STEP + i * REGISTER));
        let first = load(0);
        let mut done = (to as usize).wrapping_neg() % REGISTER;
        _mm512_storeu_si512(to.cast(), first);
        while done + STEP <= bytes {
            if ASKS {
                for line in [done, done + REGISTER] {
                    prefetch::line(from.wrapping_add(line + AHEAD));
                    prefetch::line_to_write(to.wrapping_add(line + AHEAD));
                }
            }
            let (a, b) = (load(done), load(done + REGISTER));
            let at = to.add(done);
            _mm512_store_si512(at.cast(), a);
            _mm512_store_si512(at.add(REGISTER).cast(), b);
            done += STEP;
        }
        for (i, register) in last.into_iter().enumerate() {
            let at = to.add(bytes - STEP + i * REGISTER);
            _mm512_storeu_si512(at.cast(), register);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_every_length_and_place_are_copied() {
        let source: Vec<u8> = (0..5000).map(|i| (i * 7 + i / 256) as u8).collect();
        for start in [0, 1, 16, 31, 33] {
            for bytes in (0..40).chain(2040..2200).chain([4096, 4900]) {
                let mut target = vec![0xee; 5000];
                // SAFETY: both sides have room, and are different.
                unsafe {
                    copy(
                        source.as_ptr().add(3),
                        target.as_mut_ptr().add(start),
                        bytes,
                    )
                };
                assert_eq!(target[start..start + bytes], source[3..3 + bytes]);
                let (before, after) = (&target[..start], &target[start + bytes..]);
                assert!(before.iter().chain(after).all(|b| *b == 0xee));
            }
        }
    }
}
