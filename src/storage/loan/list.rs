//! Lists through the things that are on them, so that none needs memory of its own.

use core::ptr::{NonNull, null_mut};

/// The neighbours of a thing on a list.
pub struct Links<T> {
    previous: *mut T,
    next: *mut T,
}

impl<T> Links<T> {
    /// Of a thing that is on no list.
    pub const fn none() -> Self {
        Self {
            previous: null_mut(),
            next: null_mut(),
        }
    }
}

/// A thing that can be on a list.
///
/// # Safety
/// `links` points into the thing.
pub unsafe trait Linked: Sized {
    /// Where its neighbours are kept.
    fn links(at: NonNull<Self>) -> NonNull<Links<Self>>;
}

/// A list. Whoever reaches it, and what is on it, holds the lock that it is behind.
pub struct List<T> {
    first: *mut T,
}

// SAFETY: a list and what is on it are reached only by whoever holds the lock.
unsafe impl<T> Send for List<T> {}

impl<T: Linked> List<T> {
    /// Nothing.
    pub const fn none() -> Self {
        Self { first: null_mut() }
    }

    /// Whether there is nothing on it.
    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// Puts a thing on the list.
    ///
    /// # Safety
    /// It is on no list, and stays where it is until it is removed.
    pub unsafe fn add(&mut self, thing: NonNull<T>) {
        // SAFETY: the caller's promise; things on a list are alive.
        unsafe {
            T::links(thing).write(Links {
                previous: null_mut(),
                next: self.first,
            });
            if let Some(next) = NonNull::new(self.first) {
                (*T::links(next).as_ptr()).previous = thing.as_ptr();
            }
        }
        self.first = thing.as_ptr();
    }

    /// Takes a thing off the list.
    ///
    /// # Safety
    /// It is on this list.
    pub unsafe fn remove(&mut self, thing: NonNull<T>) {
        // SAFETY: the caller's promise; things on a list are alive.
        unsafe {
            let Links { previous, next } = T::links(thing).read();
            match NonNull::new(previous) {
                Some(previous) => (*T::links(previous).as_ptr()).next = next,
                None => self.first = next,
            }
            if let Some(next) = NonNull::new(next) {
                (*T::links(next).as_ptr()).previous = previous;
            }
        }
    }

    /// Takes off what is not to be kept.
    #[cfg(not(loom))]
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        loop {
            let other = self.iter().find(|thing| !keep(thing)).map(NonNull::from);
            match other {
                // SAFETY: it was found on this list.
                Some(other) => unsafe { self.remove(other) },
                None => return,
            }
        }
    }

    /// Everything on it, the latest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let mut at = NonNull::new(self.first);
        core::iter::from_fn(move || {
            let thing = at?;
            // SAFETY: things on a list are alive, and nobody else touches them while the list is looked at.
            unsafe {
                at = NonNull::new((*T::links(thing).as_ptr()).next);
                Some(thing.as_ref())
            }
        })
    }
}
