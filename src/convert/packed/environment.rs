//! The floating-point environment that kernels compute in: round to nearest, subnormals kept, exceptions masked.
//!
//! A program may have set another one; it gets it back, its exception flags included.

/// The standard environment, for as long as this lives.
pub struct Standard {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    saved: Saved,
}

#[cfg(target_arch = "x86_64")]
type Saved = u32;

#[cfg(target_arch = "x86_64")]
impl Standard {
    /// Puts the standard environment in force on this thread.
    pub fn enter() -> Self {
        /// All exceptions masked, no flags, nearest, no flushing.
        const STANDARD: u32 = 0x1f80;
        /// Exceptions that have been met.
        const FLAGS: u32 = 0x3f;
        let mut saved = 0u32;
        // SAFETY: MXCSR is stored to and loaded from memory of ours; the value loaded is the architecture's default.
        unsafe {
            core::arch::asm!("stmxcsr [{}]", in(reg) &mut saved, options(nostack));
            // Most programs have it, and to load it takes longer than to look.
            if saved & !FLAGS != STANDARD {
                core::arch::asm!("ldmxcsr [{}]", in(reg) &STANDARD, options(nostack));
            }
        }
        Self { saved }
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for Standard {
    fn drop(&mut self) {
        // SAFETY: the value was read from MXCSR, so it is valid.
        unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &self.saved, options(nostack)) }
    }
}

#[cfg(target_arch = "aarch64")]
type Saved = (u64, u64);

#[cfg(target_arch = "aarch64")]
impl Standard {
    /// Puts the standard environment in force on this thread.
    pub fn enter() -> Self {
        let (control, status): (u64, u64);
        // SAFETY: FPCR and FPSR may be read and written by any program; zero is nearest, nothing flushed, nothing trapped.
        unsafe {
            core::arch::asm!("mrs {}, fpcr", out(reg) control, options(nostack));
            core::arch::asm!("mrs {}, fpsr", out(reg) status, options(nostack));
            core::arch::asm!("msr fpcr, {}", in(reg) 0u64, options(nostack));
        }
        Self {
            saved: (control, status),
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Drop for Standard {
    fn drop(&mut self) {
        // SAFETY: both values were read from these registers.
        unsafe {
            core::arch::asm!("msr fpcr, {}", in(reg) self.saved.0, options(nostack));
            core::arch::asm!("msr fpsr, {}", in(reg) self.saved.1, options(nostack));
        }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Standard {
    /// There is nothing to put in force that is known here.
    pub fn enter() -> Self {
        Self {}
    }
}
