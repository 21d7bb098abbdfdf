//! Waiting for a word of memory to change, without a lock: what a child after `fork` finds is never held by anyone.

use core::sync::atomic::AtomicU32;

/// Returns when `word` may no longer hold `value`, or for no reason.
pub fn wait(word: &AtomicU32, value: u32) {
    #[cfg(target_os = "linux")]
    // SAFETY: the word is alive; the call reads it and sleeps while it holds the value.
    unsafe {
        let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        let errno = libc::__errno_location();
        let before = *errno;
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            operation,
            value,
            core::ptr::null::<libc::timespec>(),
        );
        *errno = before;
    }
    #[cfg(not(target_os = "linux"))]
    if word.load(core::sync::atomic::Ordering::Relaxed) == value {
        let pause = libc::timespec {
            tv_sec: 0,
            tv_nsec: 50_000,
        };
        // SAFETY: the time is valid, and what is left of it is not asked for.
        unsafe { libc::nanosleep(&pause, core::ptr::null_mut()) };
    }
}

/// Wakes up to `count` threads that wait for `word`.
pub fn wake(word: &AtomicU32, count: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: the word is alive; the call reads nothing.
    unsafe {
        let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word.as_ptr(), operation, count);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (word, count);
}
