//! Who owns the bytes: a counted storage that is released exactly once, after the last alias.

mod allocate;
mod companion;
mod count;
mod loan;
mod only_thread;

pub use allocate::{Allocation, allocate, free};
pub use companion::{Companion, Slot};
pub use count::Count;
pub use loan::{
    Access, Call, Counted, Flight, InFlight, Kind, Lender, Loan, Member, Monitor, Place, Touch,
};

use crate::dlpack::{DLManagedTensor, DLManagedTensorVersioned};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};
use only_thread::is_only_thread;

/// Alignment of the data of every copy: a cache line, and the widest vector.
pub const DATA_ALIGNMENT: usize = 64;

/// A function of the lender's that takes its memory back.
pub type Deleter = unsafe extern "C" fn(*mut c_void);

/// How memory goes back to a lender.
pub enum Foreign {
    /// The lender's function is called.
    Deleter(Deleter, *mut c_void),
    /// A managed tensor of DLPack 1.x is given back to its producer.
    Versioned(NonNull<DLManagedTensorVersioned>),
    /// A managed tensor of DLPack before 1.0 is given back to its producer.
    Legacy(NonNull<DLManagedTensor>),
}

impl Foreign {
    /// Gives the memory back.
    ///
    /// # Safety
    /// Nothing reaches the memory any more, and the lender's promises about the deleter hold: it may be called once, on
    /// this thread. It must not unwind. No lock is held.
    pub unsafe fn run(self) {
        match self {
            // SAFETY: the caller's promise.
            Foreign::Deleter(deleter, context) => unsafe { deleter(context) },
            Foreign::Versioned(managed) => {
                // SAFETY: the producer keeps the struct alive until its deleter is called.
                if let Some(deleter) = unsafe { (*managed.as_ptr()).deleter } {
                    // SAFETY: the caller's promise.
                    unsafe { deleter(managed.as_ptr()) }
                }
            }
            Foreign::Legacy(managed) => {
                // SAFETY: the producer keeps the struct alive until its deleter is called.
                if let Some(deleter) = unsafe { (*managed.as_ptr()).deleter } {
                    // SAFETY: the caller's promise.
                    unsafe { deleter(managed.as_ptr()) }
                }
            }
        }
    }
}

/// What happens to the memory after the last alias.
pub enum Release {
    /// Nothing: it was borrowed on the lender's word, or is part of the storage's own block.
    Nothing,
    /// It goes back to the lender.
    Foreign(Foreign),
    /// Memory of the library's own.
    Allocation(NonNull<u8>),
    /// It is on a loan.
    Lent(Lent),
}

/// Memory on a loan.
pub struct Lent {
    lender: Lender,
    /// What is called besides. Touched only by whoever holds the lock of the loan, or the last share.
    foreign: UnsafeCell<Option<Foreign>>,
}

impl Lent {
    /// Memory of a loan, with what is called when it is not needed any more.
    pub fn new(lender: Lender, foreign: Option<Foreign>) -> Self {
        Self {
            lender,
            foreign: UnsafeCell::new(foreign),
        }
    }
}

impl Release {
    /// Releases memory that no storage was made of, or of which the storage is gone.
    ///
    /// # Safety
    /// As [`Foreign::run`].
    pub unsafe fn run(self) {
        match self {
            Release::Nothing => {}
            // SAFETY: the caller's promise.
            Release::Foreign(foreign) => unsafe { foreign.run() },
            // SAFETY: the variant holds what `allocate` gave, and nothing reaches it any more.
            Release::Allocation(pointer) => unsafe { free(pointer) },
            Release::Lent(lent) => {
                if let Some(foreign) = lent.foreign.into_inner() {
                    // SAFETY: the caller's promise.
                    unsafe { foreign.run() }
                }
            }
        }
    }

    /// What is called, on a loan or not.
    pub fn of(foreign: Foreign, lender: Option<Lender>) -> Self {
        match lender {
            Some(lender) => Release::Lent(Lent::new(lender, Some(foreign))),
            None => Release::Foreign(foreign),
        }
    }

    /// The loan that the memory is on.
    #[inline(always)]
    pub fn lender(&self) -> Option<Lender> {
        match self {
            Release::Lent(lent) => Some(lent.lender),
            _ => None,
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
#[repr(C)]
pub struct Storage {
    count: Count,
    /// Changed only when an evacuation moves the memory, under the lock of the loan.
    extent: UnsafeCell<Extent>,
    /// How often the elements were changed.
    version: AtomicU64,
    /// What the layer of gradients keeps for all that share the memory.
    companion: Slot,
    release: Release,
}

impl Storage {
    /// A storage with one holder.
    pub fn new(release: Release, extent: Extent) -> Self {
        Self {
            count: Count::one(),
            release,
            extent: UnsafeCell::new(extent),
            version: AtomicU64::new(0),
            companion: Slot::empty(),
        }
    }

    /// How often the elements were changed.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Tells that the elements were changed.
    pub fn count_change(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// [`Storage::count_change`] by a caller who has the elements of a tensor to himself, at a fraction of the price where
    /// nobody else can count at the same time.
    #[inline(always)]
    pub fn count_change_alone(&self) {
        if self.count.is_one() || is_only_thread() {
            let version = self.version.load(Ordering::Relaxed);
            self.version.store(version + 1, Ordering::Release);
        } else {
            self.count_change();
        }
    }

    /// What is kept for all that share the memory.
    pub fn companion(&self) -> &Slot {
        &self.companion
    }

    /// The memory that views may reach.
    ///
    /// # Safety
    /// It is on no loan, or cannot be moved now: the lock of the loan is held, or there is a copy in flight.
    #[inline(always)]
    pub unsafe fn extent_of(storage: NonNull<Self>) -> Extent {
        // SAFETY: the caller's promise.
        unsafe { *storage.as_ref().extent.get() }
    }

    /// Tells that the memory was moved.
    ///
    /// # Safety
    /// The storage is alive, the lock of its loan is held, and there is no copy in flight.
    pub unsafe fn set_extent(storage: NonNull<Self>, extent: Extent) {
        // SAFETY: the caller's promise.
        unsafe { *storage.as_ref().extent.get() = extent }
    }

    /// Takes out what is to be called when the memory is not needed any more.
    ///
    /// # Safety
    /// The storage is alive, and the lock of its loan is held.
    pub unsafe fn take_foreign(storage: NonNull<Self>) -> Option<Foreign> {
        // SAFETY: the caller's promise.
        match unsafe { &storage.as_ref().release } {
            // SAFETY: as above.
            Release::Lent(lent) => unsafe { (*lent.foreign.get()).take() },
            _ => None,
        }
    }

    /// The loan that the memory is on, or was before it was moved away.
    #[inline(always)]
    pub fn loan(&self) -> Option<&'static Loan> {
        match &self.release {
            Release::Lent(lent) => Some(lent.lender.loan()),
            _ => None,
        }
    }

    /// Whether nothing is to be done after the last alias.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        matches!(self.release, Release::Nothing)
    }

    /// Gives up a share. True if it was the last.
    ///
    /// # Safety
    /// The share is a [`Hold`]'s that is not used any more, nor dropped; if it was the last, [`Storage::end`] comes next, or the storage is
    /// freed if it is plain and nothing is kept with it.
    #[inline(always)]
    pub unsafe fn give_up_share(&self) -> bool {
        self.count.decrement()
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

    /// One more share.
    pub fn try_clone(&self) -> crate::error::Result<Self> {
        self.storage().count.increment()?;
        Ok(Self {
            storage: self.storage,
        })
    }

    /// Where the storage is.
    pub fn as_ptr(&self) -> NonNull<Storage> {
        self.storage
    }

    /// The storage.
    #[inline(always)]
    pub fn storage(&self) -> &Storage {
        // SAFETY: a share keeps the storage alive.
        unsafe { self.storage.as_ref() }
    }
}

impl Drop for Hold {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the share is not used any more; when it was the last, its storage is not either.
        unsafe {
            if self.storage().give_up_share() {
                Storage::end(self.storage);
            }
        }
    }
}

impl Storage {
    /// The end of a storage.
    ///
    /// # Safety
    /// The last share has been given up.
    #[cold]
    #[inline(never)]
    pub unsafe fn end(block: NonNull<Storage>) {
        // SAFETY: the caller's promise. The release is moved out, the block is freed, and only then does foreign code run:
        // nothing of ours is in use while it does, and no lock is held.
        unsafe {
            let companion = core::ptr::read(&raw const (*block.as_ptr()).companion);
            match core::ptr::read(&raw const (*block.as_ptr()).release) {
                Release::Lent(lent) => {
                    let Lent { lender, foreign } = lent;
                    // No lock is needed: nobody else can find this storage any more.
                    lender
                        .loan()
                        .leave(foreign.into_inner(), || free(block.cast()));
                }
                release => {
                    free(block.cast());
                    release.run();
                }
            }
            companion.end();
        }
    }
}

// SAFETY: the count is atomic; the rest is read-only until the last share is dropped.
unsafe impl Send for Hold {}
// SAFETY: as above.
unsafe impl Sync for Hold {}
