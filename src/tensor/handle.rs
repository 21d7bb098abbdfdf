//! Counted references to tensors: taken, given up, and what happens with the last one.

use super::Tensor;
use super::block::Root;
use crate::error::Result;
use crate::storage::{Storage, free};
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
        // SAFETY: the reference is this handle's; what is left is done here.
        unsafe {
            if let Some(rest) = Self::give_up(self.0) {
                Self::leave(rest);
            }
        }
    }
}

/// What is left to do at the end of a tensor that does not end by being freed.
#[derive(Clone, Copy)]
pub struct Rest {
    /// The tensor, of which the last reference is gone.
    tensor: NonNull<Tensor>,
    /// Whether its share of its storage is still to be given up; else it was the last.
    has_share: bool,
}

impl Handle {
    /// Gives up a reference. What ends by being freed is freed; what is left to do of others is for [`Handle::leave`].
    ///
    /// # Safety
    /// It is the caller's.
    #[inline(always)]
    pub unsafe fn give_up(tensor: NonNull<Tensor>) -> Option<Rest> {
        // SAFETY: a reference keeps the tensor alive. When it was the last, nobody else reads the tensor, and its share keeps the
        // storage, whose block it may be in, until that is given up.
        unsafe {
            if !tensor.as_ref().references.decrement() {
                return None;
            }
            let storage = tensor.as_ref().hold.as_ptr();
            if !storage.as_ref().is_plain() || tensor.as_ref().companion.get().is_some() {
                let has_share = true;
                return Some(Rest { tensor, has_share });
            }
            let is_root = Self::is_root(tensor, storage);
            let is_last = storage.as_ref().give_up_share();
            if is_last && storage.as_ref().companion().get().is_some() {
                let has_share = false;
                return Some(Rest { tensor, has_share });
            }
            match (is_root, is_last) {
                (true, true) => free(storage.cast()),
                (true, false) => {}
                (false, true) => Self::free_both(tensor, storage),
                (false, false) => free(tensor.cast()),
            }
            None
        }
    }

    /// Frees a view and the storage it was on. That this is a function of its own spares others a frame.
    ///
    /// # Safety
    /// Nothing refers to them any more.
    #[inline(never)]
    unsafe fn free_both(tensor: NonNull<Tensor>, storage: NonNull<Storage>) {
        // SAFETY: the caller's promise.
        unsafe {
            free(tensor.cast());
            free(storage.cast());
        }
    }

    /// Whether a tensor is in the block of its storage.
    #[inline(always)]
    fn is_root(tensor: NonNull<Tensor>, storage: NonNull<Storage>) -> bool {
        tensor == Root::tensor_of(storage)
    }

    /// Does what is left to do.
    ///
    /// # Safety
    /// It was left by [`Handle::give_up`], and is done once.
    #[inline(never)]
    pub unsafe fn leave(Rest { tensor, has_share }: Rest) {
        // SAFETY: the caller's promise. A tensor on a loan joined it when it was made.
        unsafe {
            let storage = tensor.as_ref().hold.as_ptr();
            if let Some(loan) = storage.as_ref().loan() {
                loan.remove(tensor.as_ref().member_place());
            }
            let companion = core::ptr::read(&raw const (*tensor.as_ptr()).companion);
            if !Self::is_root(tensor, storage) {
                free(tensor.cast());
            }
            if !has_share || storage.as_ref().give_up_share() {
                Storage::end(storage);
            }
            companion.end();
        }
    }
}
