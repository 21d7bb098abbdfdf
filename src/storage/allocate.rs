//! The one place that takes memory from the system and gives it back.

use crate::error::{Error, Result};
use core::ptr::NonNull;

/// Alignment that `malloc` gives without being asked.
const MALLOC_ALIGNMENT: usize = 16;

/// A huge page, where the system has them.
const HUGE_PAGE: usize = 2 << 20;

/// Allocations of as many bytes are asked to be of huge pages: a fault for each 4 KiB takes longer than to fill them.
const LARGE: usize = 2 * HUGE_PAGE;

/// `bytes` uninitialised bytes at a multiple of `alignment`, a power of two.
#[inline(always)]
pub fn allocate(bytes: usize, alignment: usize) -> Result<NonNull<u8>> {
    if bytes < LARGE {
        return allocate_plain(bytes.max(1), alignment);
    }
    allocate_large(bytes, alignment)
}

/// [`allocate`] of many bytes.
#[inline(never)]
fn allocate_large(bytes: usize, alignment: usize) -> Result<NonNull<u8>> {
    let pointer = allocate_plain(bytes, alignment.max(HUGE_PAGE))?;
    #[cfg(target_os = "linux")]
    // SAFETY: the range is part of what was just allocated; the advice changes no contents, and may be ignored.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        let whole = bytes / HUGE_PAGE * HUGE_PAGE;
        libc::madvise(pointer.as_ptr().cast(), whole, libc::MADV_HUGEPAGE);
        *errno = before;
    }
    Ok(pointer)
}

/// [`allocate`], whatever the number of bytes.
#[inline(always)]
fn allocate_plain(bytes: usize, alignment: usize) -> Result<NonNull<u8>> {
    let pointer = if alignment <= MALLOC_ALIGNMENT {
        // SAFETY: malloc accepts any size.
        unsafe { libc::malloc(bytes) }
    } else {
        let mut pointer = core::ptr::null_mut();
        // SAFETY: `alignment` is a power of two above 16, so a multiple of the pointer size; `pointer` is writable.
        match unsafe { libc::posix_memalign(&mut pointer, alignment, bytes) } {
            0 => pointer,
            _ => core::ptr::null_mut(),
        }
    };
    NonNull::new(pointer.cast()).ok_or(Error::OutOfMemory {
        bytes: bytes as u64,
    })
}

/// Gives back what [`allocate`] gave.
///
/// # Safety
/// `pointer` came from [`allocate`], and nothing uses it any more.
pub unsafe fn free(pointer: NonNull<u8>) {
    // SAFETY: the caller's promise; both allocation functions pair with free.
    unsafe { libc::free(pointer.as_ptr().cast()) }
}

/// Memory that is given back when dropped.
pub struct Allocation {
    pointer: NonNull<u8>,
}

impl Allocation {
    /// As [`allocate`].
    #[inline(always)]
    pub fn new(bytes: usize, alignment: usize) -> Result<Self> {
        let pointer = allocate(bytes, alignment)?;
        Ok(Self { pointer })
    }

    /// Start of the memory.
    #[inline(always)]
    pub fn start(&self) -> NonNull<u8> {
        self.pointer
    }

    /// Keeps the memory: whoever calls this is to [`free`] it.
    #[inline(always)]
    pub fn keep(self) -> NonNull<u8> {
        let pointer = self.pointer;
        core::mem::forget(self);
        pointer
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` and not kept, and the borrow of `self` ends here.
        unsafe { free(self.pointer) }
    }
}
