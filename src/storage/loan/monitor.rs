//! A lock with something to wait for. It is the C library's own, which tools that look for races understand, and which
//! needs no memory. In models of concurrency it is that of the model checker.

#[cfg(not(loom))]
pub use native::{Guard, Monitor};

#[cfg(loom)]
pub use modelled::{Guard, Monitor};

/// A moment to stop waiting at.
#[derive(Clone, Copy)]
pub struct Deadline {
    time: libc::timespec,
}

impl Deadline {
    /// So many nanoseconds from now; none if that is negative.
    pub fn after(nanoseconds: i64) -> Option<Self> {
        const SECOND: i64 = 1_000_000_000;
        if nanoseconds < 0 {
            return None;
        }
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the struct is writable.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
        let nanoseconds = time.tv_nsec + nanoseconds % SECOND + nanoseconds / SECOND * SECOND;
        time.tv_sec += nanoseconds / SECOND;
        time.tv_nsec = nanoseconds % SECOND;
        Some(Self { time })
    }
}

#[cfg_attr(loom, allow(dead_code))]
pub mod native {
    use super::Deadline;
    use core::cell::UnsafeCell;
    use core::mem::MaybeUninit;
    use core::ops::{Deref, DerefMut};

    /// A value that one thread at a time looks at.
    pub struct Monitor<T> {
        mutex: UnsafeCell<libc::pthread_mutex_t>,
        changed: UnsafeCell<libc::pthread_cond_t>,
        value: UnsafeCell<T>,
    }

    // SAFETY: the value is reached only by whoever holds the mutex.
    unsafe impl<T: Send> Sync for Monitor<T> {}
    // SAFETY: as above; a monitor is not moved once it is in use.
    unsafe impl<T: Send> Send for Monitor<T> {}

    impl<T> Monitor<T> {
        /// A monitor that is not in use yet.
        pub const fn new(value: T) -> Self {
            Self {
                mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
                changed: UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER),
                value: UnsafeCell::new(value),
            }
        }

        /// Makes waiting go by a clock that nobody sets. To be called once, before anything else, at its final place.
        pub fn prepare(&self) {
            let mut attributes = MaybeUninit::uninit();
            // SAFETY: the attributes are made before they are used; nobody uses the condition yet.
            unsafe {
                libc::pthread_condattr_init(attributes.as_mut_ptr());
                libc::pthread_condattr_setclock(attributes.as_mut_ptr(), libc::CLOCK_MONOTONIC);
                libc::pthread_cond_init(self.changed.get(), attributes.as_ptr());
                libc::pthread_condattr_destroy(attributes.as_mut_ptr());
            }
        }

        /// Takes the lock.
        pub fn lock(&self) -> Guard<'_, T> {
            // SAFETY: the mutex stays where it is; it is never taken twice by one thread.
            unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
            Guard { monitor: self }
        }
    }

    impl<T> Monitor<T> {
        /// The lock, which this thread holds without having kept the guard.
        ///
        /// # Safety
        /// It does.
        pub unsafe fn held(&self) -> Guard<'_, T> {
            Guard { monitor: self }
        }
    }

    /// The lock, while it is held.
    pub struct Guard<'a, T> {
        monitor: &'a Monitor<T>,
    }

    impl<T> Guard<'_, T> {
        /// Lets others have the lock until something has changed.
        pub fn wait(&mut self) {
            let monitor = self.monitor;
            // SAFETY: the mutex is held, and is again when this returns.
            unsafe { libc::pthread_cond_wait(monitor.changed.get(), monitor.mutex.get()) };
        }

        /// The same until `deadline` at the latest; false when that has passed.
        pub fn wait_until(&mut self, deadline: &Deadline) -> bool {
            let monitor = self.monitor;
            // SAFETY: as above.
            let status = unsafe {
                libc::pthread_cond_timedwait(
                    monitor.changed.get(),
                    monitor.mutex.get(),
                    &deadline.time,
                )
            };
            status != libc::ETIMEDOUT
        }

        /// Wakes all that wait.
        pub fn notify(&self) {
            // SAFETY: the condition stays where it is.
            unsafe { libc::pthread_cond_broadcast(self.monitor.changed.get()) };
        }
    }

    impl<T> Deref for Guard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: the lock is held.
            unsafe { &*self.monitor.value.get() }
        }
    }

    impl<T> DerefMut for Guard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: the lock is held.
            unsafe { &mut *self.monitor.value.get() }
        }
    }

    impl<T> Drop for Guard<'_, T> {
        fn drop(&mut self) {
            // SAFETY: the lock is held, and given up here.
            unsafe { libc::pthread_mutex_unlock(self.monitor.mutex.get()) };
        }
    }
}

#[cfg(loom)]
mod modelled {
    use super::Deadline;
    use core::ops::{Deref, DerefMut};
    use loom::sync::{Condvar, Mutex, MutexGuard};

    /// A value that one thread at a time looks at.
    pub struct Monitor<T> {
        mutex: Mutex<T>,
        changed: Condvar,
    }

    impl<T> Monitor<T> {
        /// A monitor that is not in use yet.
        pub fn new(value: T) -> Self {
            Self {
                mutex: Mutex::new(value),
                changed: Condvar::new(),
            }
        }

        /// Nothing to do in a model.
        pub fn prepare(&self) {}

        /// Takes the lock.
        pub fn lock(&self) -> Guard<'_, T> {
            Guard {
                monitor: self,
                guard: self.mutex.lock().ok(),
            }
        }
    }

    /// The lock, while it is held.
    pub struct Guard<'a, T> {
        monitor: &'a Monitor<T>,
        guard: Option<MutexGuard<'a, T>>,
    }

    impl<T> Guard<'_, T> {
        /// Lets others have the lock until something has changed.
        pub fn wait(&mut self) {
            let guard = self.guard.take().expect("the lock is held");
            self.guard = self.monitor.changed.wait(guard).ok();
        }

        /// In a model there is no time that could pass.
        pub fn wait_until(&mut self, _: &Deadline) -> bool {
            self.wait();
            true
        }

        /// Wakes all that wait.
        pub fn notify(&self) {
            self.monitor.changed.notify_all();
        }
    }

    impl<T> Deref for Guard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.guard.as_ref().expect("the lock is held")
        }
    }

    impl<T> DerefMut for Guard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.guard.as_mut().expect("the lock is held")
        }
    }
}
