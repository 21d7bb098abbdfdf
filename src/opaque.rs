//! Registers and masks of which the compiler does not see what is in them: it would put together what is better apart.

use core::arch::asm;
use core::arch::x86_64::*;

/// A function that gives back what is in a register.
macro_rules! opaque {
    ($name:ident, $register:ty, $class:ident, $bytes:literal) => {
        #[doc = concat!("The same ", $bytes, " bytes.")]
        #[inline]
        #[target_feature(enable = "avx")]
        pub fn $name(mut register: $register) -> $register {
            // SAFETY: there is no instruction.
            unsafe {
                asm!(
                    "/* {} */",
                    inout($class) register,
                    options(pure, nomem, nostack, preserves_flags)
                );
            }
            register
        }
    };
}

opaque!(opaque128, __m128i, xmm_reg, "sixteen");
opaque!(opaque256, __m256i, ymm_reg, "thirty-two");

/// The same mask.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub fn opaque_mask(mut mask: __mmask32) -> __mmask32 {
    // SAFETY: there is no instruction.
    unsafe {
        asm!(
            "/* {} */",
            inout(kreg) mask,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    mask
}
