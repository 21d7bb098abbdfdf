//! The atomic reference count of handles and storages.

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
        // A holder exists already and passed this value on, so no ordering is needed.
        if self.0.fetch_add(1, Ordering::Relaxed) >= MAX {
            self.0.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Count);
        }
        Ok(())
    }

    /// One holder less; true when it was the last, and everything the others did is visible.
    #[inline(always)]
    pub fn decrement(&self) -> bool {
        // Only a holder can add one, so for the only one there is nothing to decide: a read does, at a fraction of the price.
        self.is_one() || self.0.fetch_sub(1, Ordering::AcqRel) == 1
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
        let count = Count(AtomicUsize::new(MAX));
        assert_eq!(count.increment(), Err(Error::Count));
        assert_eq!(count.get(), MAX);
        assert!(!count.decrement());
    }
}
