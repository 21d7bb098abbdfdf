//! A tensor: storage, layout and dtype together, behind an atomically counted handle.

mod block;
mod create;
mod descriptor;
mod exchange;
mod fill;
mod handle;
mod lent;
#[cfg(all(test, loom))]
mod models;
mod traits;
mod views;

pub use create::{Action, CopyMode, Plan, Reasons, Request, as_tensor, copy, empty, plan, to};
pub use descriptor::Descriptor;
pub use exchange::{Export, ExportDeleters, to_legacy, to_versioned};
pub use fill::{FillOptions, copy_into};
pub use handle::{Handle, Rest};
pub use lent::Touched;

use crate::device::Device;
use crate::dlpack::DLTensor;
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::{Answer, Layout, shares_bits};
use crate::storage::{Call, Count, Extent, Hold, Slot, Storage, Touch};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use traits::Traits;

/// A tensor in its block, with its layout behind it and, if it is on a loan, a [`crate::storage::Member`] behind that. It is reached through
/// a [`Handle`].
///
/// So that making one takes few stores, fields are as few and as wide as they can be.
#[repr(C)]
pub struct Tensor {
    /// What others see. Its shape and strides are those of the layout behind. `data` changes when a loan is evacuated or
    /// revoked, under the lock of the loan; nothing else ever does.
    view: UnsafeCell<DLTensor>,
    /// What the layer of gradients keeps for this tensor.
    companion: Slot,
    references: Count,
    hold: Hold,
    traits: Traits,
}

// SAFETY: nothing in a tensor changes after it was made but the counts, which are atomic, and the pointer to memory on a
// loan, which is behind the lock of the loan. The bytes it describes belong to the lender, whose word the caller gives.
unsafe impl Send for Tensor {}
// SAFETY: as above.
unsafe impl Sync for Tensor {}

impl Tensor {
    /// What others see. The pointer to the elements is [`Tensor::data`].
    #[inline(always)]
    pub fn view(&self) -> *const DLTensor {
        self.view.get()
    }

    /// The pointer to the elements, less [`Tensor::byte_offset`].
    ///
    /// # Safety
    /// The memory is on no loan, or cannot be moved now: the lock of the loan is held, or there is a copy in flight.
    #[inline(always)]
    pub unsafe fn data(&self) -> *mut c_void {
        // SAFETY: the caller's promise.
        unsafe { (*self.view.get()).data }
    }

    /// Bytes from the pointer to the first element.
    #[inline(always)]
    pub fn byte_offset(&self) -> u64 {
        // SAFETY: this field never changes.
        unsafe { (*self.view.get()).byte_offset }
    }

    /// Shape and strides.
    #[inline(always)]
    pub fn layout(&self) -> &Layout {
        let view = self.view.get();
        // SAFETY: a layout of this rank, whose shape the view points to, is behind its number of elements.
        // These fields never change.
        unsafe { Layout::at((*view).shape.sub(1), (*view).ndim as usize) }
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        // SAFETY: this field never changes.
        self.traits.dtype(unsafe { (*self.view.get()).dtype })
    }

    /// Where the memory is.
    pub fn device(&self) -> Device {
        // SAFETY: this field never changes.
        Device::known(unsafe { (*self.view.get()).device })
    }

    /// Whether writing is forbidden.
    pub fn is_read_only(&self) -> bool {
        self.traits.is_read_only()
    }

    /// What is kept for this tensor.
    #[inline(always)]
    pub fn companion(&self) -> &Slot {
        &self.companion
    }

    /// The storage, which others share.
    pub fn storage(&self) -> &Storage {
        self.hold.storage()
    }

    /// One more share of the storage.
    #[inline(always)]
    fn share(&self) -> Result<Hold> {
        self.hold.try_clone()
    }

    /// How this tensor came to be.
    pub fn origin(&self) -> Plan {
        self.traits.origin(|| self.nbytes())
    }

    /// The memory its views may reach.
    ///
    /// # Safety
    /// As [`Tensor::data`].
    #[inline(always)]
    pub unsafe fn extent(&self) -> Extent {
        // SAFETY: the caller's promise.
        unsafe { Storage::extent_of(self.hold.as_ptr()) }
    }

    /// References to this tensor, and other tensors and exports on its storage.
    pub fn use_count(&self) -> usize {
        self.references.get() + self.hold.storage().count() - 1
    }

    /// Bytes of the elements, rounded up once. Proved to fit when the tensor was made.
    pub fn nbytes(&self) -> i64 {
        self.layout()
            .nbytes(self.dtype().storage_bits())
            .unwrap_or(i64::MAX)
    }

    /// Whether two tensors have a bit in common.
    pub fn shares_memory(&self, other: &Self) -> Result<Answer> {
        let room = 0;
        Touched::Tensor(self).with_both(
            Touch::Nothing,
            Touched::Tensor(other),
            Touch::Nothing,
            Call::of(&room),
            |a, b| {
                Ok(if a.same_memory_space(&b) {
                    shares_bits(a.placed(), b.placed())
                } else {
                    Answer::No
                })
            },
        )
    }
}
