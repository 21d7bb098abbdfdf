//! Who owns the bytes: a counted storage that is released exactly once, after the last alias.

mod allocate;
mod count;

pub use allocate::{Scratch, allocate, free};
pub use count::Count;

use crate::dlpack::{DLManagedTensor, DLManagedTensorVersioned};
use core::ffi::c_void;
use core::ptr::NonNull;

/// Alignment of the data of every copy: a cache line, and the widest vector.
pub const DATA_ALIGNMENT: usize = 64;

/// A function of the lender's that takes its memory back.
pub type Deleter = unsafe extern "C" fn(*mut c_void);

/// What happens to the memory after the last alias.
pub enum Release {
    /// Nothing: it was borrowed on the lender's word, or is part of the storage's own block.
    Nothing,
    /// The lender's function is called.
    Deleter(Deleter, *mut c_void),
    /// A managed tensor of DLPack 1.x is given back to its producer.
    Versioned(NonNull<DLManagedTensorVersioned>),
    /// A managed tensor of DLPack before 1.0 is given back to its producer.
    Legacy(NonNull<DLManagedTensor>),
    /// Memory of the library's own.
    Allocation(NonNull<u8>),
}

impl Release {
    /// Releases the memory.
    ///
    /// # Safety
    /// Nothing reaches the memory any more, and the lender's promises about the deleter hold: it may be called once, on
    /// this thread. It must not unwind.
    pub unsafe fn run(self) {
        match self {
            Release::Nothing => {}
            // SAFETY: the caller's promise.
            Release::Deleter(deleter, context) => unsafe { deleter(context) },
            Release::Versioned(managed) => {
                // SAFETY: the producer keeps the struct alive until its deleter is called.
                if let Some(deleter) = unsafe { (*managed.as_ptr()).deleter } {
                    // SAFETY: the caller's promise.
                    unsafe { deleter(managed.as_ptr()) }
                }
            }
            Release::Legacy(managed) => {
                // SAFETY: the producer keeps the struct alive until its deleter is called.
                if let Some(deleter) = unsafe { (*managed.as_ptr()).deleter } {
                    // SAFETY: the caller's promise.
                    unsafe { deleter(managed.as_ptr()) }
                }
            }
            // SAFETY: the variant holds what `allocate` gave, and nothing reaches it any more.
            Release::Allocation(pointer) => unsafe { free(pointer) },
        }
    }
}

/// Addresses of the memory that views may reach: `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Extent {
    /// Whether no byte is in both.
    #[inline(always)]
    pub fn is_apart_from(self, other: Self) -> bool {
        self.end <= other.start || other.end <= self.start
    }
}

/// Counted ownership of some bytes. It lives at the start of a block from [`allocate()`], which it frees.
pub struct Storage {
    count: Count,
    release: Release,
    extent: Extent,
}

impl Storage {
    /// A storage with one holder.
    pub fn new(release: Release, extent: Extent) -> Self {
        Self {
            count: Count::one(),
            release,
            extent,
        }
    }

    /// The memory that views may reach.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Tensors and exports that hold this storage.
    pub fn count(&self) -> usize {
        self.count.get()
    }
}

/// One holder's share of a [`Storage`].
pub struct Hold {
    storage: NonNull<Storage>,
}

impl Hold {
    /// Takes over the first holder's share.
    ///
    /// # Safety
    /// `storage` is at the start of a block from [`allocate()`], and the share is not owned by anyone yet.
    pub unsafe fn from_raw(storage: NonNull<Storage>) -> Self {
        Self { storage }
    }

    /// Gives up the handle without giving up the share.
    pub fn into_raw(self) -> NonNull<Storage> {
        let storage = self.storage;
        core::mem::forget(self);
        storage
    }

    /// One more share.
    pub fn try_clone(&self) -> crate::error::Result<Self> {
        self.storage().count.increment()?;
        Ok(Self {
            storage: self.storage,
        })
    }

    /// The storage.
    pub fn storage(&self) -> &Storage {
        // SAFETY: a share keeps the storage alive.
        unsafe { self.storage.as_ref() }
    }
}

impl Drop for Hold {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.storage().count.decrement() {
            return;
        }
        // SAFETY: this was the last share.
        unsafe {
            match self.storage().release {
                Release::Nothing => free(self.storage.cast()),
                _ => self.release(),
            }
        }
    }
}

impl Hold {
    /// # Safety
    /// This was the last share, and is not used any more.
    #[inline(never)]
    unsafe fn release(&mut self) {
        // SAFETY: the caller's promise. The release is moved out, the block is freed, and only then does foreign code run:
        // nothing of ours is in use while it does.
        unsafe {
            let release = core::ptr::read(&raw const (*self.storage.as_ptr()).release);
            free(self.storage.cast());
            release.run();
        }
    }
}

// SAFETY: the count is atomic; the rest is read-only until the last share is dropped.
unsafe impl Send for Hold {}
// SAFETY: as above.
unsafe impl Sync for Hold {}
