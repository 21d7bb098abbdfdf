//! A tensor: storage, layout and dtype together, behind an atomically counted handle.

mod create;
mod descriptor;
mod exchange;
mod fill;
mod lent;
#[cfg(all(test, loom))]
mod models;
mod views;

pub use create::{Action, CopyMode, Plan, Reasons, Request, as_tensor, copy, empty, plan, to};
pub use descriptor::Descriptor;
pub use exchange::{Export, ExportDeleters, to_legacy, to_versioned};
pub use fill::{FillOptions, copy_into};
pub use lent::Touched;

use crate::device::Device;
use crate::dlpack::DLTensor;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Answer, Layout, LayoutBuf, Room, check_ndim, shares_bits};
use crate::storage::{
    Access, Allocation, Call, Count, DATA_ALIGNMENT, Extent, Hold, Member, Release, Slot, Storage,
    Touch, free,
};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::offset_of;
use core::ops::Deref;
use core::ptr::NonNull;

/// A tensor in its block, with its layout behind it and, if it is on a loan, a [`Member`] behind that. It is reached through
/// a [`Handle`].
pub struct Tensor {
    references: Count,
    hold: Hold,
    /// What others see. Its shape and strides are those of the layout behind. `data` changes when a loan is evacuated or
    /// revoked, under the lock of the loan; nothing else ever does.
    view: UnsafeCell<DLTensor>,
    dtype: DType,
    read_only: bool,
    origin: Plan,
    /// What the layer of gradients keeps for this tensor.
    companion: Slot,
}

// SAFETY: nothing in a tensor changes after it was made but the counts, which are atomic, and the pointer to memory on a
// loan, which is behind the lock of the loan. The bytes it describes belong to the lender, whose word the caller gives.
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
        self.dtype
    }

    /// Where the memory is.
    pub fn device(&self) -> Device {
        // SAFETY: this field never changes.
        Device::known(unsafe { (*self.view.get()).device })
    }

    /// Whether writing is forbidden.
    pub fn is_read_only(&self) -> bool {
        self.read_only
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

    /// How this tensor came to be.
    pub fn origin(&self) -> Plan {
        self.origin
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
            .nbytes(self.dtype.storage_bits())
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

/// The room in a block or, if there is no memory for one, the spare: what else is wrong with a call is told even then.
///
/// # Safety
/// As for [`room_behind`]; the spare is not used otherwise for as long.
#[inline(always)]
unsafe fn room_or_spare<'a, T>(
    block: &Result<Allocation>,
    ndim: usize,
    spare: *mut LayoutBuf,
) -> &'a mut Room {
    // SAFETY: the caller's promise.
    unsafe {
        match block {
            Ok(block) => room_behind::<T>(block.start(), ndim),
            Err(_) => &mut *spare,
        }
    }
}

/// A counted reference to a tensor.
pub struct Handle(NonNull<Tensor>);

/// A block that begins with a `T` and goes on with room for a layout, and for so many bytes more.
#[inline(always)]
fn block_of<T>(ndim: usize, more: usize) -> Result<Allocation> {
    const { assert!(size_of::<T>().is_multiple_of(align_of::<i64>())) }
    Allocation::new(size_of::<T>() + Room::size(ndim) + more, align_of::<T>())
}

/// The room in a block that begins with a `T`.
///
/// # Safety
/// `block` is from [`block_of`], for this rank at least, and nobody else uses the room for as long as is said here.
#[inline(always)]
unsafe fn room_behind<'a, T>(block: NonNull<u8>, ndim: usize) -> &'a mut Room {
    // SAFETY: the caller's promise.
    unsafe { Room::at(block.cast::<T>().add(1).cast(), ndim) }
}

impl Handle {
    /// A tensor on memory that somebody else owns. `release` runs after its last alias; on error it does not.
    #[inline(always)]
    pub fn borrow(memory: &mut Descriptor<'_>, release: Release, origin: Plan) -> Result<Self> {
        memory.normalise();
        if let Some(lender) = release.lender() {
            return Self::borrow_lent(memory, lender, release, origin);
        }
        let block = block_of::<Root>(memory.layout.ndim(), 0)?;
        // SAFETY: the block is a root's.
        Ok(unsafe { Self::place_root(block, memory, release, origin) })
    }

    /// A tensor on the caller's memory, of which nothing in particular is asked: [`Handle::borrow`] of what
    /// [`Descriptor::prove`] proves, which puts the layout where it will stay.
    ///
    /// # Safety
    /// As [`Descriptor::prove`].
    #[inline(always)]
    pub unsafe fn borrow_described(raw: &DLTensor) -> Result<Self> {
        let ndim = check_ndim(i64::from(raw.ndim))?;
        // SAFETY: the caller's promise; the block is a root's.
        unsafe {
            let block = match block_of::<Root>(ndim, 0) {
                Ok(block) => block,
                Err(error) => return Err(Self::wrong_without_memory(raw, error)),
            };
            let room = room_behind::<Root>(block.start(), ndim);
            let mut memory = Descriptor::prove(raw, false, None, room)?;
            memory.normalise();
            Ok(Self::finish_root(
                block,
                &memory,
                Release::Nothing,
                Plan::ALIAS,
            ))
        }
    }

    /// What is wrong with a description, or else `error`: that there is no memory for a tensor.
    ///
    /// # Safety
    /// As [`Descriptor::prove`].
    #[cold]
    unsafe fn wrong_without_memory(raw: &DLTensor, error: Error) -> Error {
        let mut room = LayoutBuf::new();
        // SAFETY: the caller's promise.
        unsafe { Descriptor::prove(raw, false, None, &mut room) }
            .err()
            .unwrap_or(error)
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
        let ndim = memory.layout.ndim();
        Self::alias_placed(base, ndim, origin, access, |room| Ok(memory.moved_to(room)))
    }

    /// [`Handle::alias`] of the memory that `make` describes; it puts a layout of rank `ndim` at most into the room it is given.
    #[inline(always)]
    pub fn alias_made<'a>(
        base: &'a Tensor,
        ndim: usize,
        access: Option<Access>,
        make: impl FnOnce(&'a mut Room) -> Result<Descriptor<'a>>,
    ) -> Result<Self> {
        Self::alias_placed(base, ndim, Plan::ALIAS, access, make)
    }

    #[inline(always)]
    fn alias_placed<'a>(
        base: &Tensor,
        ndim: usize,
        origin: Plan,
        access: Option<Access>,
        make: impl FnOnce(&'a mut Room) -> Result<Descriptor<'a>>,
    ) -> Result<Self> {
        let member = access.as_ref().map_or(0, |_| size_of::<Member>());
        let (block, mut spare) = (block_of::<Tensor>(ndim, member), LayoutBuf::new());
        // SAFETY: the block is a tensor's, and has room for a member where it becomes one. The room for the layout is not used
        // after this.
        unsafe {
            let memory = make(room_or_spare::<Tensor>(&block, ndim, &mut spare))?;
            let (block, hold) = (block?, base.hold.try_clone()?);
            let handle = Self::finish(block.keep().cast(), &memory, hold, origin);
            if let Some(access) = access {
                handle.join(access);
            }
            Ok(handle)
        }
    }

    /// # Safety
    /// `block` is from [`block_of`] for a root and the layout of `memory`.
    #[inline(always)]
    unsafe fn place_root(
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
            let tensor = root.byte_add(offset_of!(Root, tensor)).cast();
            Self::finish(tensor, memory, Hold::from_raw(storage), origin)
        }
    }

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
            at.write(Tensor {
                references: Count::one(),
                hold,
                view: UnsafeCell::new(DLTensor {
                    data: memory.data.cast(),
                    device: memory.device.raw(),
                    ndim: ndim as i32,
                    dtype: memory.dtype.raw(),
                    shape: shape.as_ptr(),
                    strides: shape.add(ndim).as_ptr(),
                    byte_offset: memory.byte_offset,
                }),
                dtype: memory.dtype,
                read_only: memory.read_only,
                origin,
                companion: Slot::empty(),
            });
        }
        Self(at)
    }

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
            let hold = core::ptr::read(&raw const (*tensor.as_ptr()).hold);
            if !hold.storage().is_plain() || tensor.as_ref().companion.get().is_some() {
                return Self::leave(tensor, hold);
            }
            if !Self::is_root(tensor, &hold) {
                free(tensor.cast());
            }
            hold.give_up_plain();
        }
    }

    /// Whether a tensor is in the block of its storage.
    #[inline(always)]
    fn is_root(tensor: NonNull<Tensor>, hold: &Hold) -> bool {
        // SAFETY: the address is compared, not used.
        tensor == unsafe { hold.as_ptr().byte_add(offset_of!(Root, tensor)).cast() }
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
