//! Counted references to tensors: taken, given up, and what happens with the last one.

use super::Tensor;
use super::block::Root;
use crate::error::Result;
use crate::storage::{Hold, free};
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

/// A counted reference to a tensor.
pub struct Handle(pub(super) NonNull<Tensor>);

impl Handle {
    /// One more reference.
    pub fn try_clone(&self) -> Result<Self> {
        self.retain()?;
        Ok(Self(self.0))
    }

    /// Where the tensor is. No reference is given up.
    pub fn as_ptr(&self) -> *mut Tensor {
        self.0.as_ptr()
    }

    /// Gives up the handle without giving up the reference.
    pub fn into_raw(self) -> *mut Tensor {
        let tensor = self.0.as_ptr();
        core::mem::forget(self);
        tensor
    }

    /// Takes over a reference.
    ///
    /// # Safety
    /// `tensor` came from [`Handle::into_raw`], and its reference is given up to this handle.
    pub unsafe fn from_raw(tensor: NonNull<Tensor>) -> Self {
        Self(tensor)
    }
}

impl Tensor {
    /// One more reference, to be taken over with [`Handle::from_raw`].
    pub fn retain(&self) -> Result<()> {
        self.references.increment()
    }
}

impl Deref for Handle {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        // SAFETY: a reference keeps the tensor alive.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the reference is this handle's.
        unsafe { Self::give_up(self.0) }
    }
}

impl Handle {
    /// Gives up a reference.
    ///
    /// # Safety
    /// It is the caller's.
    #[inline(always)]
    pub unsafe fn give_up(tensor: NonNull<Tensor>) {
        // SAFETY: a reference keeps the tensor alive. When it was the last, nobody else reads the tensor. Its share of the
        // storage is moved out, and given up last: that may free the block the tensor is in, and run the lender's deleter.
        unsafe {
            if !tensor.as_ref().references.decrement() {
                return;
            }
            let hold = ManuallyDrop::new(core::ptr::read(&raw const (*tensor.as_ptr()).hold));
            if !hold.storage().is_plain() || tensor.as_ref().companion.get().is_some() {
                Self::leave(tensor, ManuallyDrop::into_inner(hold));
            } else if Self::is_root(tensor, &hold) {
                hold.give_up_plain();
            } else {
                hold.give_up_plain();
                free(tensor.cast());
            }
        }
    }

    /// Whether a tensor is in the block of its storage.
    #[inline(always)]
    fn is_root(tensor: NonNull<Tensor>, hold: &Hold) -> bool {
        tensor == Root::tensor_of(hold.as_ptr())
    }

    /// The end of a tensor whose storage has something to do at its own end.
    ///
    /// # Safety
    /// The last reference to the tensor is gone; `hold` was its share.
    #[inline(never)]
    unsafe fn leave(tensor: NonNull<Tensor>, hold: Hold) {
        // SAFETY: the caller's promise. A tensor on a loan joined it when it was made.
        unsafe {
            if let Some(loan) = hold.storage().loan() {
                loan.remove(tensor.as_ref().member_place());
            }
            let companion = core::ptr::read(&raw const (*tensor.as_ptr()).companion);
            if !Self::is_root(tensor, &hold) {
                free(tensor.cast());
            }
            drop(hold);
            companion.end();
        }
    }
}
