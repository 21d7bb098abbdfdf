//! Registers of which the compiler does not see what is in them: it would put together what is better apart.

use core::arch::asm;
use core::arch::x86_64::*;

/// The same sixteen bytes.
#[inline]
#[target_feature(enable = "avx")]
pub fn opaque128(mut register: __m128i) -> __m128i {
    // SAFETY: there is no instruction.
    unsafe {
        asm!("/* {} */", inout(xmm_reg) register, options(pure, nomem, nostack, preserves_flags));
    }
    register
}

/// The same thirty-two bytes.
#[inline]
#[target_feature(enable = "avx")]
pub fn opaque256(mut register: __m256i) -> __m256i {
    // SAFETY: as above.
    unsafe {
        asm!("/* {} */", inout(ymm_reg) register, options(pure, nomem, nostack, preserves_flags));
    }
    register
}
