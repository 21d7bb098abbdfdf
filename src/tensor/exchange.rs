//! DLPack: taking over managed tensors of others, and making managed tensors for them.

use super::create::{Action, Request, to};
use super::{Descriptor, Handle, Tensor};
use crate::dlpack::{
    DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor, FLAG_IS_COPIED,
    FLAG_READ_ONLY, FLAG_SUBBYTE_PADDED, MAJOR_VERSION, MINOR_VERSION,
};
use crate::error::{Error, Result};
use crate::layout::LayoutBuf;
use crate::storage::{Foreign, Hold, Lender, Release, Storage, allocate, free};
use core::ptr::NonNull;

/// The functions a consumer calls to give exports back: `extern "C"` doors to [`Export::release`].
#[derive(Clone, Copy)]
pub struct ExportDeleters {
    /// For DLPack 1.x.
    pub versioned: unsafe extern "C" fn(*mut DLManagedTensorVersioned),
    /// For DLPack before 1.0.
    pub legacy: unsafe extern "C" fn(*mut DLManagedTensor),
}

/// An export: the struct the consumer sees, with its shape and strides behind it in the same block.
#[repr(C)]
pub struct Export<M> {
    managed: M,
    hold: Shared,
}

/// An export's share of its storage. On a loan it is counted: the memory is not moved, nor taken back.
struct Shared(Hold);

impl Shared {
    fn new(hold: Hold) -> Result<Self> {
        if let Some(loan) = hold.storage().loan() {
            loan.add_export()?;
        }
        Ok(Self(hold))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(loan) = self.0.storage().loan() {
            loan.remove_export();
        }
    }
}

impl Handle {
    /// Takes over a managed tensor of DLPack 1.x: `make` makes the tensor. On error it stays the caller's.
    ///
    /// # Safety
    /// `managed` is a managed tensor as DLPack defines it, whose ownership the caller can give away.
    pub unsafe fn from_versioned(
        managed: NonNull<DLManagedTensorVersioned>,
        request: &Request,
        nbytes: Option<u64>,
        lender: Option<Lender>,
        make: impl FnOnce(&mut Descriptor<'_>, &Request, Release) -> Result<Self>,
    ) -> Result<Self> {
        let raw = managed.as_ptr();
        // SAFETY: the version comes first in every version of the struct.
        let version = unsafe { (*raw).version };
        if version.major != MAJOR_VERSION {
            return Err(Error::Version {
                major: version.major,
                minor: version.minor,
            });
        }
        // SAFETY: of this major version, all fields are where they are declared.
        let (flags, tensor) = unsafe { ((*raw).flags, &(*raw).dl_tensor) };
        // A flag may change what the bytes mean, as the one for padding did when it was new.
        let unknown = flags & !(FLAG_READ_ONLY | FLAG_IS_COPIED | FLAG_SUBBYTE_PADDED);
        if unknown != 0 {
            return Err(Error::UnknownFlags { flags, unknown });
        }
        let request = Request {
            padded: request.padded || flags & FLAG_SUBBYTE_PADDED != 0,
            ..*request
        };
        let mut room = LayoutBuf::new();
        // SAFETY: the producer's shape and strides are readable for its rank.
        let mut memory = unsafe {
            Descriptor::prove_with_care(
                tensor,
                flags & FLAG_SUBBYTE_PADDED != 0,
                nbytes,
                &mut room,
            )?
        };
        memory.read_only = flags & FLAG_READ_ONLY != 0;
        let release = Release::of(Foreign::Versioned(managed), lender);
        memory.confine(lender)?;
        make(&mut memory, &request, release)
    }

    /// Takes over a managed tensor of DLPack before 1.0: `make` makes the tensor. On error it stays the caller's.
    ///
    /// # Safety
    /// `managed` is a managed tensor as DLPack defines it, whose ownership the caller can give away.
    pub unsafe fn from_legacy(
        managed: NonNull<DLManagedTensor>,
        request: &Request,
        nbytes: Option<u64>,
        lender: Option<Lender>,
        make: impl FnOnce(&mut Descriptor<'_>, &Request, Release) -> Result<Self>,
    ) -> Result<Self> {
        let mut room = LayoutBuf::new();
        // SAFETY: the caller's promise.
        let mut memory = unsafe {
            let tensor = &(*managed.as_ptr()).dl_tensor;
            Descriptor::prove_with_care(tensor, request.padded, nbytes, &mut room)?
        };
        let release = Release::of(Foreign::Legacy(managed), lender);
        memory.confine(lender)?;
        make(&mut memory, request, release)
    }
}

/// Exports `tensor`, as requested, for DLPack 1.x.
pub fn to_versioned(
    tensor: &Tensor,
    request: &Request,
    deleters: ExportDeleters,
) -> Result<NonNull<DLManagedTensorVersioned>> {
    let tensor = to(tensor, request)?;
    let mut flags = 0;
    if tensor.is_read_only() {
        flags |= FLAG_READ_ONLY;
    }
    // The copy was made by this call, so the consumer is its only holder.
    if tensor.origin().action == Action::Copy {
        flags |= FLAG_IS_COPIED;
    }
    if tensor.dtype().is_padded() {
        flags |= FLAG_SUBBYTE_PADDED;
    }
    Export::make(&tensor, |dl_tensor| DLManagedTensorVersioned {
        version: DLPackVersion {
            major: MAJOR_VERSION,
            minor: MINOR_VERSION,
        },
        manager_ctx: core::ptr::null_mut(),
        deleter: Some(deleters.versioned),
        flags,
        dl_tensor,
    })
}

/// Exports `tensor`, as requested, for DLPack before 1.0, which cannot say "read-only" or "padded".
pub fn to_legacy(
    tensor: &Tensor,
    request: &Request,
    deleters: ExportDeleters,
) -> Result<NonNull<DLManagedTensor>> {
    let tensor = to(tensor, request)?;
    if tensor.is_read_only() {
        return Err(Error::ReadOnly(
            "a DLManagedTensor cannot say that its memory is read-only: export a DLManagedTensorVersioned",
        ));
    }
    if tensor.dtype().is_padded() {
        return Err(Error::Unsupported(
            "a DLManagedTensor cannot say that its sub-byte elements are padded: export a DLManagedTensorVersioned",
        ));
    }
    Export::make(&tensor, |dl_tensor| DLManagedTensor {
        dl_tensor,
        manager_ctx: core::ptr::null_mut(),
        deleter: Some(deleters.legacy),
    })
}

impl<M> Export<M> {
    fn make(tensor: &Tensor, managed: impl FnOnce(DLTensor) -> M) -> Result<NonNull<M>> {
        let hold = Shared::new(tensor.hold.try_clone()?)?;
        let ndim = tensor.layout().ndim();
        let bytes = size_of::<Self>() + 2 * ndim * size_of::<i64>();
        let block: NonNull<Self> = allocate(bytes, align_of::<Self>())?.cast();
        // SAFETY: the block holds an export and, behind it, twice `ndim` values; an export's size is a multiple of 8.
        unsafe {
            let shape = block.as_ptr().add(1).cast::<i64>();
            let strides = shape.add(ndim);
            shape.copy_from_nonoverlapping(tensor.layout().shape().as_ptr(), ndim);
            strides.copy_from_nonoverlapping(tensor.layout().strides().as_ptr(), ndim);
            let managed = managed(DLTensor {
                shape,
                strides,
                // SAFETY: exported memory is not moved.
                ..*tensor.view()
            });
            block.write(Self { managed, hold });
        }
        Ok(block.cast())
    }

    /// Takes back an export.
    ///
    /// # Safety
    /// `managed` is NULL, or came from this library as an export of this struct and is given back for the first time.
    pub unsafe fn release(managed: *mut M) {
        let Some(block) = NonNull::new(managed.cast::<Self>()) else {
            return;
        };
        // SAFETY: the struct is the first field of the export, whose share is moved out before its block is freed.
        unsafe {
            let hold = core::ptr::read(&raw const (*block.as_ptr()).hold);
            free(block.cast());
            drop(hold);
        }
    }
}

const _: () = {
    assert!(size_of::<Export<DLManagedTensor>>().is_multiple_of(align_of::<i64>()));
    assert!(size_of::<Export<DLManagedTensorVersioned>>().is_multiple_of(align_of::<i64>()));
    assert!(align_of::<Storage>() <= 16);
};
