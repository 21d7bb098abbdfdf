//! The block of a tensor: how tensors are made, with all that is theirs in one allocation.
//!
//! A block begins with a tensor, or with a storage and the first tensor on it. Room for the layout comes next; then the data
//! itself where there is little, or the tensor's place among the members of a loan.

use super::traits::Traits;
use super::{Descriptor, Handle, Plan, Tensor};
use crate::device::Device;
use crate::dlpack::DLTensor;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Layout, LayoutBuf, MakeRoom, Room, check_ndim};
use crate::storage::{
    Access, Allocation, Count, DATA_ALIGNMENT, Extent, Hold, Member, Release, Slot, Storage,
};
use core::mem::offset_of;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// A storage and the first tensor on it, in one block: a borrow is one allocation.
#[repr(C)]
pub(super) struct Root {
    storage: Storage,
    tensor: Tensor,
}

impl Root {
    /// Where the first tensor on a storage is.
    #[inline(always)]
    pub(super) fn tensor_of(storage: NonNull<Storage>) -> NonNull<Tensor> {
        let at = storage
            .as_ptr()
            .wrapping_byte_add(offset_of!(Root, tensor) - offset_of!(Root, storage));
        // SAFETY: a block is not at the end of the address space.
        unsafe { NonNull::new_unchecked(at.cast()) }
    }
}

/// A block that begins with a `T` and goes on with room for a layout, and for so many bytes more.
#[inline(always)]
pub(super) fn block_of<T>(ndim: usize, more: usize) -> Result<Allocation> {
    Allocation::new(block_bytes::<T>(ndim, more), align_of::<T>())
}

/// The size of a [`block_of`].
#[inline(always)]
fn block_bytes<T>(ndim: usize, more: usize) -> usize {
    const { assert!(size_of::<T>().is_multiple_of(align_of::<i64>())) }
    size_of::<T>() + Room::size(ndim) + more
}

/// The room in a block that begins with a `T`.
///
/// # Safety
/// `block` is from [`block_of`], for this rank at least, and nobody else uses the room for as long as is said here.
#[inline(always)]
pub(super) unsafe fn room_behind<'a, T>(block: NonNull<u8>, ndim: usize) -> &'a mut Room {
    // SAFETY: the caller's promise.
    unsafe { Room::at(block.cast::<T>().add(1).cast(), ndim) }
}

/// A view of a tensor, to be made where there is memory for it: on a loan or not.
pub(super) struct NewAlias<'a> {
    pub base: &'a Tensor,
    pub is_lent: bool,
}

/// The block of a view, with room for its layout, and its share of the storage.
pub(super) struct AliasBlock<'a> {
    pub block: Allocation,
    pub hold: Hold,
    pub room: &'a mut Room,
}

impl<'a> MakeRoom for NewAlias<'a> {
    type Room = AliasBlock<'a>;

    #[inline(always)]
    fn make(self, ndim: usize) -> Result<AliasBlock<'a>> {
        let hold = self.base.share()?;
        let beside = if self.is_lent { size_of::<Member>() } else { 0 };
        let block = block_of::<Tensor>(ndim, beside)?;
        // SAFETY: the room is that of the block.
        let room = unsafe { room_behind::<Tensor>(block.start(), ndim) };
        Ok(AliasBlock { block, hold, room })
    }
}

impl Deref for AliasBlock<'_> {
    type Target = Room;

    #[inline(always)]
    fn deref(&self) -> &Room {
        self.room
    }
}

impl DerefMut for AliasBlock<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Room {
        self.room
    }
}

impl Handle {
    /// A tensor on memory that somebody else owns. `release` runs after its last alias; on error it does not.
    #[inline(always)]
    pub fn borrow(memory: &Descriptor<'_>, release: Release, origin: Plan) -> Result<Self> {
        if let Some(lender) = release.lender() {
            return Self::borrow_lent(memory, lender, release, origin);
        }
        let block = block_of::<Root>(memory.layout.ndim(), 0)?;
        // SAFETY: the block is a root's.
        Ok(unsafe { Self::place_root(block, memory, release, origin) })
    }

    /// A tensor on the caller's memory, of which nothing in particular is asked, if its description is plain: [`Handle::borrow`] of
    /// what [`Descriptor::prove_plain_at`] proves, which puts the layout where it will stay. It does not panic.
    ///
    /// Else the block for it, if there is memory for one, which is for [`Handle::borrow_with_care`].
    ///
    /// # Safety
    /// As [`Descriptor::prove`].
    #[inline(always)]
    pub unsafe fn borrow_plain(raw: &DLTensor) -> core::result::Result<Self, Option<Allocation>> {
        let ndim = check_ndim(i64::from(raw.ndim)).map_err(|_| None)?;
        let block = block_of::<Root>(ndim, 0).map_err(|_| None)?;
        // SAFETY: the caller's promise; the block is a root's.
        unsafe {
            let start = block.start().cast::<Root>().add(1).cast();
            match Descriptor::prove_plain_at(raw, ndim, start) {
                Some(memory) => {
                    let nothing = Release::Nothing;
                    Ok(Self::finish_root(block, &memory, nothing, Plan::ALIAS))
                }
                None => Err(Some(block)),
            }
        }
    }

    /// [`Handle::borrow_plain`], whatever the description is.
    ///
    /// # Safety
    /// As [`Descriptor::prove`]; `block` is what was given for it.
    pub unsafe fn borrow_with_care(raw: &DLTensor, block: Option<Allocation>) -> Result<Self> {
        let mut spare = LayoutBuf::new();
        // SAFETY: the caller's promise; a block is a root's.
        unsafe {
            let room = match &block {
                Some(block) => room_behind::<Root>(block.start(), raw.ndim as usize),
                None => &mut *spare,
            };
            // What is wrong with the description is told even if there is no memory.
            let memory = Descriptor::prove(raw, false, None, room)?;
            let block = block.ok_or(Error::OutOfMemory {
                bytes: block_bytes::<Root>(memory.layout.ndim(), 0) as u64,
            })?;
            let nothing = Release::Nothing;
            Ok(Self::finish_root(block, &memory, nothing, Plan::ALIAS))
        }
    }

    /// A row-major tensor of the shape of `like`, on uninitialised memory of its own at a multiple of `alignment`.
    #[inline(always)]
    pub fn allocate(
        like: &Layout,
        dtype: DType,
        alignment: usize,
        read_only: bool,
        origin: Plan,
    ) -> Result<Self> {
        /// Data up to this size shares the block of its tensor.
        const INLINE_BYTES: usize = 1024;
        let bytes = like.nbytes(dtype.storage_bits())? as usize;
        if bytes > INLINE_BYTES || alignment > DATA_ALIGNMENT {
            return Self::allocate_apart(like, dtype, bytes, alignment, read_only, origin);
        }
        let block = block_of::<Root>(like.ndim(), DATA_ALIGNMENT + bytes)?;
        let before = size_of::<Root>() + Room::size(like.ndim());
        let after = block.start().as_ptr().wrapping_add(before);
        let data = match bytes {
            0 => core::ptr::null_mut(),
            _ => after.map_addr(|addr| addr.next_multiple_of(DATA_ALIGNMENT)),
        };
        // SAFETY: the block is a root's, with the data behind it.
        Ok(unsafe {
            Self::own(
                block,
                like,
                (data, bytes),
                dtype,
                read_only,
                Release::Nothing,
                origin,
            )
        })
    }

    /// [`Handle::allocate`] of data that has an allocation of its own.
    #[inline(never)]
    fn allocate_apart(
        like: &Layout,
        dtype: DType,
        bytes: usize,
        alignment: usize,
        read_only: bool,
        origin: Plan,
    ) -> Result<Self> {
        // The large allocation is the one that may fail: it comes first.
        let data = Allocation::new(bytes, alignment.max(DATA_ALIGNMENT))?;
        let block = block_of::<Root>(like.ndim(), 0)?;
        let data = data.keep();
        let release = Release::Allocation(data);
        // SAFETY: the block is a root's.
        Ok(unsafe {
            Self::own(
                block,
                like,
                (data.as_ptr(), bytes),
                dtype,
                read_only,
                release,
                origin,
            )
        })
    }

    /// A row-major tensor and its storage, on data of its own.
    ///
    /// # Safety
    /// `block` is from [`block_of`] for a root and a layout of the shape of `like`; the data is the tensor's own.
    #[inline(always)]
    unsafe fn own(
        block: Allocation,
        like: &Layout,
        (data, bytes): (*mut u8, usize),
        dtype: DType,
        read_only: bool,
        release: Release,
        origin: Plan,
    ) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let layout = room_behind::<Root>(block.start(), like.ndim());
            layout.set_row_major(like);
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
            Self::finish_root(block, &memory, release, origin)
        }
    }

    /// A tensor on the memory of `base`: a view. `access` is that to the loan of the base, if it is on one.
    #[inline(always)]
    pub fn alias(
        base: &Tensor,
        memory: &Descriptor<'_>,
        origin: Plan,
        access: Option<Access>,
    ) -> Result<Self> {
        let is_lent = access.is_some();
        let alias = NewAlias { base, is_lent }.make(memory.layout.ndim())?;
        let memory = memory.moved_to(alias.room);
        // SAFETY: the layout is in that room.
        Ok(unsafe { Self::finish_alias(alias.block, alias.hold, &memory, origin, access) })
    }

    /// A view on a storage, of which the layout is there already.
    ///
    /// # Safety
    /// `block` and `hold` are from [`NewAlias`] for this access, and the layout of `memory` is in the room there.
    #[inline(always)]
    pub(super) unsafe fn finish_alias(
        block: Allocation,
        hold: Hold,
        memory: &Descriptor<'_>,
        origin: Plan,
        access: Option<Access>,
    ) -> Self {
        // SAFETY: the caller's promise; the block has room for a member where it becomes one.
        unsafe {
            let handle = Self::finish(block.keep().cast(), memory, hold, origin);
            if let Some(access) = access {
                handle.join(access);
            }
            handle
        }
    }

    /// A tensor and its storage, with the layout moved to where it stays.
    ///
    /// # Safety
    /// `block` is from [`block_of`] for a root and the layout of `memory`.
    #[inline(always)]
    pub(super) unsafe fn place_root(
        block: Allocation,
        memory: &Descriptor<'_>,
        release: Release,
        origin: Plan,
    ) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            let room = room_behind::<Root>(block.start(), memory.layout.ndim());
            Self::finish_root(block, &memory.moved_to(room), release, origin)
        }
    }

    /// A tensor and its storage, of which the layout is there already.
    ///
    /// # Safety
    /// `block` is from [`block_of`] for a root, and the layout of `memory` is in its room.
    #[inline(always)]
    unsafe fn finish_root(
        block: Allocation,
        memory: &Descriptor<'_>,
        release: Release,
        origin: Plan,
    ) -> Self {
        let root: NonNull<Root> = block.keep().cast();
        // SAFETY: the caller's promise; the storage is written before a share of it is made.
        unsafe {
            let storage = NonNull::new_unchecked(&raw mut (*root.as_ptr()).storage);
            storage.write(Storage::new(release, memory.extent));
            let tensor = Root::tensor_of(storage);
            Self::finish(tensor, memory, Hold::from_raw(storage), origin)
        }
    }

    /// A tensor, of which the layout is there already.
    ///
    /// # Safety
    /// `at` is unused and stays where it is, and the layout of `memory` is in the room behind.
    #[inline(always)]
    unsafe fn finish(
        at: NonNull<Tensor>,
        memory: &Descriptor<'_>,
        hold: Hold,
        origin: Plan,
    ) -> Self {
        let ndim = memory.layout.ndim();
        // SAFETY: the caller's promise.
        unsafe {
            let shape = Room::shape_at(at.add(1).cast());
            let to = at.as_ptr();
            DLTensor {
                data: memory.data.cast(),
                device: memory.device.raw(),
                ndim: ndim as i32,
                dtype: memory.dtype.raw(),
                shape: shape.as_ptr(),
                strides: shape.add(ndim).as_ptr(),
                byte_offset: memory.byte_offset,
            }
            .write_to((&raw mut (*to).view).cast());
            (&raw mut (*to).companion).write(Slot::empty());
            (&raw mut (*to).references).write(Count::one());
            (&raw mut (*to).hold).write(hold);
            let traits = Traits::new(memory.dtype, memory.read_only, origin);
            (&raw mut (*to).traits).write(traits);
        }
        Self(at)
    }
}
