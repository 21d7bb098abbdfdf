//! What a layer above keeps beside a tensor or a storage, without their knowing what it is.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, Ordering};

/// How what is kept begins: with the way it ends.
pub struct Companion {
    /// Called once, when its place is gone: nobody else has it then.
    pub end: unsafe fn(NonNull<Companion>),
}

/// A place for a companion, which is put there once and stays.
pub struct Slot(AtomicPtr<Companion>);

impl Slot {
    /// Nothing is kept.
    pub const fn empty() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    /// What is kept.
    #[inline(always)]
    pub fn get(&self) -> Option<NonNull<Companion>> {
        NonNull::new(self.0.load(Ordering::Acquire))
    }

    /// Keeps `companion`, unless another was put here before.
    pub fn put(&self, companion: NonNull<Companion>) -> bool {
        let nothing = core::ptr::null_mut();
        let put = self.0.compare_exchange(
            nothing,
            companion.as_ptr(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        put.is_ok()
    }

    /// Ends what is kept.
    ///
    /// # Safety
    /// The place is gone, and so is all that could find the companion there.
    #[inline(always)]
    pub unsafe fn end(self) {
        if let Some(companion) = self.get() {
            // SAFETY: the caller's promise.
            unsafe { (companion.as_ref().end)(companion) }
        }
    }
}
