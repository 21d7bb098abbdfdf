//! The atomic reference count of handles and storages.

use super::only_thread::is_only_thread;
use crate::error::{Error, Result};
use core::sync::atomic::Ordering;

#[cfg(not(loom))]
use core::sync::atomic::AtomicUsize;
#[cfg(loom)]
use loom::sync::atomic::AtomicUsize;

/// Counts above this are refused. Threads that pass it at the same time are far too few to reach the type's end.
const MAX: usize = isize::MAX as usize;

/// A number of holders, at least one while anything can be reached through it.
pub struct Count(AtomicUsize);

impl Count {
    /// A first holder.
    pub fn one() -> Self {
        Self(AtomicUsize::new(1))
    }

    /// One more holder.
    #[inline(always)]
    pub fn increment(&self) -> Result<()> {
        self.increment_as(is_only_thread)
    }

    /// One holder less; true when it was the last, and everything the others did is visible.
    #[inline(always)]
    pub fn decrement(&self) -> bool {
        self.decrement_as(is_only_thread)
    }

    /// [`Count::increment`] by a thread that is `alone` or may not be.
    #[inline(always)]
    fn increment_as(&self, alone: impl FnOnce() -> bool) -> Result<()> {
        // A holder exists already and passed this value on, so no ordering is needed.
        if alone() {
            let more = self.get().wrapping_add(1);
            if more > MAX {
                return Err(Error::Count);
            }
            self.0.store(more, Ordering::Relaxed);
        } else if self.0.fetch_add(1, Ordering::Relaxed) >= MAX {
            self.0.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Count);
        }
        Ok(())
    }

    /// [`Count::decrement`] by a thread that is `alone` or may not be.
    #[inline(always)]
    fn decrement_as(&self, alone: impl FnOnce() -> bool) -> bool {
        // Only a holder can add one, so for the only one there is nothing to decide: a read does, at a fraction of the price.
        if self.is_one() {
            return true;
        }
        if alone() {
            self.0.store(self.get() - 1, Ordering::Relaxed);
            return false;
        }
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether there is one holder; then everything the others did is visible.
    #[inline(always)]
    pub fn is_one(&self) -> bool {
        self.0.load(Ordering::Acquire) == 1
    }

    /// The number of holders at some moment.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_count_at_its_maximum_is_refused_and_kept() {
        for alone in [false, true] {
            let count = Count(AtomicUsize::new(MAX));
            assert_eq!(count.increment_as(|| alone), Err(Error::Count));
            assert_eq!(count.get(), MAX);
            assert!(!count.decrement_as(|| alone));
            assert_eq!(count.get(), MAX - 1);
        }
    }

    #[test]
    fn the_last_holder_is_known_whoever_counts() {
        for alone in [false, true] {
            let count = Count::one();
            assert_eq!(count.increment_as(|| alone), Ok(()));
            assert!(!count.decrement_as(|| alone));
            assert!(count.is_one());
            assert!(count.decrement_as(|| alone));
        }
    }
}
