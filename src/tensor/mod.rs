//! A tensor: storage, layout and dtype together, behind an atomically counted handle.

mod create;
mod descriptor;
mod exchange;
mod fill;
mod views;

pub use create::{Action, CopyMode, Plan, Request, as_tensor, copy, empty, plan, to};
pub use descriptor::Descriptor;
pub use exchange::{Export, ExportDeleters, to_legacy, to_versioned};
pub use fill::{FillOptions, copy_into};

use crate::device::Device;
use crate::dlpack::DLTensor;
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::{Answer, Layout, shares_bits};
use crate::storage::{Count, DATA_ALIGNMENT, Extent, Hold, Release, Storage, allocate, free};
use core::mem::offset_of;
use core::ops::Deref;
use core::ptr::NonNull;

/// A tensor in its block. It is reached through a [`Handle`].
pub struct Tensor {
    references: Count,
    hold: Hold,
    layout: Layout,
    dtype: DType,
    device: Device,
    read_only: bool,
    origin: Plan,
    /// What others see: its shape and strides are `layout`'s.
    view: DLTensor,
}

// SAFETY: nothing in a tensor changes after it was made but the counts, which are atomic. The bytes it describes belong to
// the lender, whose word the caller gives.
unsafe impl Send for Tensor {}
// SAFETY: as above.
unsafe impl Sync for Tensor {}

/// A storage and the first tensor on it, in one block: a borrow is one allocation.
#[repr(C)]
struct Root {
    storage: Storage,
    tensor: Tensor,
}

impl Tensor {
    /// What others see.
    pub fn view(&self) -> &DLTensor {
        &self.view
    }

    /// Shape and strides.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the memory is.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Whether writing is forbidden.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// How this tensor came to be.
    pub fn origin(&self) -> Plan {
        self.origin
    }

    /// The memory its views may reach.
    pub fn extent(&self) -> Extent {
        self.hold.storage().extent()
    }

    /// References to this tensor, and other tensors and exports on its storage.
    pub fn use_count(&self) -> usize {
        self.references.get() + self.hold.storage().count() - 1
    }

    /// Bytes of the elements, rounded up once. Proved to fit when the tensor was made.
    pub fn nbytes(&self) -> i64 {
        self.layout
            .nbytes(self.dtype.storage_bits())
            .unwrap_or(i64::MAX)
    }

    /// Whether two tensors have a bit in common.
    pub fn shares_memory(&self, other: &Self) -> Result<Answer> {
        let (a, b) = (Descriptor::of(self)?, Descriptor::of(other)?);
        Ok(if a.same_memory_space(&b) {
            shares_bits(a.placed(), b.placed())
        } else {
            Answer::No
        })
    }
}

/// A counted reference to a tensor.
pub struct Handle(NonNull<Tensor>);

impl Handle {
    /// A tensor on memory that somebody else owns. `release` runs after its last alias; on error it does not.
    #[inline(always)]
    pub fn borrow(mut memory: Descriptor, release: Release, origin: Plan) -> Result<Self> {
        memory.normalise();
        let block = allocate(size_of::<Root>(), align_of::<Root>())?;
        // SAFETY: the block is fresh and large enough for a root.
        Ok(unsafe { Self::place_root(block, memory, release, origin) })
    }

    /// A tensor on uninitialised memory of its own, row-major, at a multiple of `alignment`.
    pub fn allocate(
        layout: Layout,
        dtype: DType,
        alignment: usize,
        read_only: bool,
        origin: Plan,
    ) -> Result<Self> {
        /// Data up to this size shares the block of its tensor.
        const INLINE_BYTES: usize = 1024;
        let layout = layout.row_major()?;
        let bytes = layout.nbytes(dtype.storage_bits())? as usize;
        let alignment = alignment.max(DATA_ALIGNMENT);
        let in_block = bytes <= INLINE_BYTES && alignment == DATA_ALIGNMENT;
        let block_bytes = if in_block {
            size_of::<Root>() + DATA_ALIGNMENT + bytes
        } else {
            size_of::<Root>()
        };
        // The large allocation is the one that may fail: it comes first.
        let separate = if in_block {
            None
        } else {
            Some(allocate(bytes, alignment)?)
        };
        let block = match allocate(block_bytes, align_of::<Root>()) {
            Ok(block) => block,
            Err(error) => {
                if let Some(pointer) = separate {
                    // SAFETY: allocated above and not used.
                    unsafe { free(pointer) }
                }
                return Err(error);
            }
        };
        let (data, release) = match separate {
            Some(pointer) => (pointer.as_ptr(), Release::Allocation(pointer)),
            None if bytes == 0 => (core::ptr::null_mut(), Release::Nothing),
            None => {
                let after = block.as_ptr().wrapping_add(size_of::<Root>());
                let data = after.wrapping_add(after.align_offset(DATA_ALIGNMENT));
                (data, Release::Nothing)
            }
        };
        let memory = Descriptor {
            data,
            byte_offset: 0,
            layout,
            dtype,
            device: Device::CPU,
            read_only,
            extent: Extent {
                start: data as u64,
                end: data as u64 + bytes as u64,
            },
        };
        // SAFETY: the block is fresh and large enough for a root, and for the data behind it where it is there.
        Ok(unsafe { Self::place_root(block, memory, release, origin) })
    }

    /// A tensor on the memory of `base`: a view.
    pub fn alias(base: &Tensor, memory: Descriptor, origin: Plan) -> Result<Self> {
        let hold = base.hold.try_clone()?;
        let block = allocate(size_of::<Tensor>(), align_of::<Tensor>())?.cast();
        // SAFETY: the block is fresh and large enough for a tensor.
        Ok(unsafe { Self::place(block, memory, hold, origin) })
    }

    /// # Safety
    /// `block` is an unused block from `allocate`, large enough for a root.
    #[inline(always)]
    unsafe fn place_root(
        block: NonNull<u8>,
        memory: Descriptor,
        release: Release,
        origin: Plan,
    ) -> Self {
        let root: NonNull<Root> = block.cast();
        // SAFETY: the caller's promise; the storage is written before a share of it is made.
        unsafe {
            let storage = NonNull::new_unchecked(&raw mut (*root.as_ptr()).storage);
            storage.write(Storage::new(release, memory.extent));
            let tensor = NonNull::new_unchecked(&raw mut (*root.as_ptr()).tensor);
            Self::place(tensor, memory, Hold::from_raw(storage), origin)
        }
    }

    /// # Safety
    /// `at` is unused and large enough for a tensor, and stays where it is.
    #[inline(always)]
    unsafe fn place(at: NonNull<Tensor>, memory: Descriptor, hold: Hold, origin: Plan) -> Self {
        let view = DLTensor {
            data: memory.data.cast(),
            device: memory.device.raw(),
            ndim: memory.layout.ndim() as i32,
            dtype: memory.dtype.raw(),
            shape: core::ptr::null_mut(),
            strides: core::ptr::null_mut(),
            byte_offset: memory.byte_offset,
        };
        // SAFETY: the caller's promise. The layout is at its final place when its addresses are taken.
        unsafe {
            at.write(Tensor {
                references: Count::one(),
                hold,
                layout: memory.layout,
                dtype: memory.dtype,
                device: memory.device,
                read_only: memory.read_only,
                origin,
                view,
            });
            let tensor = at.as_ptr();
            (*tensor).view.shape = (*tensor).layout.shape().as_ptr().cast_mut();
            (*tensor).view.strides = (*tensor).layout.strides().as_ptr().cast_mut();
        }
        Self(at)
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
        if !self.references.decrement() {
            return;
        }
        let tensor = self.0;
        // SAFETY: this was the last reference, so nobody else reads the tensor. Its share of the storage is moved out, and
        // given up last: that may free the block the tensor is in, and run the lender's deleter.
        unsafe {
            core::ptr::drop_in_place(&raw mut (*tensor.as_ptr()).layout);
            let hold = core::ptr::read(&raw const (*tensor.as_ptr()).hold);
            let storage = hold.into_raw();
            let root = storage
                .as_ptr()
                .byte_add(offset_of!(Root, tensor))
                .cast::<Tensor>();
            if root != tensor.as_ptr() {
                free(tensor.cast());
            }
            drop(Hold::from_raw(storage));
        }
    }
}
