//! Whether the process has one thread only: then nobody else can count at the same time, and counting needs no locked
//! instruction, which would take longer than all the rest of a call.

/// Whether this is certainly the only thread. Until it makes another one itself.
///
/// The C library of GNU systems tells, from 2.32 on. Its own `malloc`, and C++'s shared pointers, rely on the same: a thread that
/// it did not make must not call it either.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(any(loom, miri))
))]
#[inline(always)]
pub fn is_only_thread() -> bool {
    use core::sync::atomic::{AtomicU8, Ordering};
    let flag: *const AtomicU8;
    // SAFETY: the address of a symbol is read from where the loader put it: NULL if there is none, since it is weak.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!(
            ".weak __libc_single_threaded",
            "mov {}, qword ptr [rip + __libc_single_threaded@GOTPCREL]",
            out(reg) flag,
            options(pure, nomem, nostack, preserves_flags)
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!(
            ".weak __libc_single_threaded",
            "adrp {0}, :got:__libc_single_threaded",
            "ldr {0}, [{0}, :got_lo12:__libc_single_threaded]",
            out(reg) flag,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    // SAFETY: the C library's `char` lives as long as the process. It is written when there is one thread.
    unsafe { flag.as_ref() }.is_some_and(|flag| flag.load(Ordering::Relaxed) != 0)
}

/// Nobody tells.
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(any(loom, miri))
)))]
#[inline(always)]
pub fn is_only_thread() -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_second_thread_is_known() {
        // Tests run on threads of their own.
        let told = std::thread::spawn(is_only_thread).join();
        assert_eq!(told.ok(), Some(false));
    }
}
