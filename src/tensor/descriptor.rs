//! From a `DLTensor` to a proved description of its memory. Every descriptor that enters the library comes through here.

use super::Tensor;
use crate::copy::Side;
use crate::device::Device;
use crate::dlpack::DLTensor;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Layout, Placed, Room, check_ndim};
use crate::storage::Extent;
use core::ptr::NonNull;

/// Memory described as a tensor: its layout is proved to stay inside the address space, and inside the bytes told.
#[derive(Clone, Copy)]
pub struct Descriptor<'a> {
    /// The pointer given.
    pub data: *mut u8,
    /// Bytes from it to the first element.
    pub byte_offset: u64,
    /// Shape and strides.
    pub layout: &'a Layout,
    /// Element type.
    pub dtype: DType,
    /// Where the memory is.
    pub device: Device,
    /// Whether writing is forbidden.
    pub read_only: bool,
    /// Memory that views may reach.
    pub extent: Extent,
}

impl<'a> Descriptor<'a> {
    /// Proves a descriptor. `padded` tells how sub-byte elements are stored, `nbytes` how many bytes from `raw.data` on
    /// may be touched. The elements themselves are not read. The layout is put into `room`.
    ///
    /// # Safety
    /// `raw.shape` and `raw.strides` are NULL or readable for `raw.ndim` values.
    #[inline(always)]
    pub unsafe fn prove(
        raw: &DLTensor,
        padded: bool,
        nbytes: Option<u64>,
        room: &'a mut Room,
    ) -> Result<Self> {
        // SAFETY: the caller's promise; the layout is there when it has been judged.
        unsafe {
            let plain = match nbytes {
                None => Self::judge_plain_in(raw, padded, room),
                Some(_) => None,
            };
            match plain {
                Some((dtype, extent)) => Ok(Self::of_plain(raw, dtype, extent, room)),
                None => Self::prove_with_care(raw, padded, nbytes, room),
            }
        }
    }

    /// [`Descriptor::prove`] of what is plain. What is not may be right or wrong.
    ///
    /// # Safety
    /// As [`Descriptor::prove`].
    #[inline(always)]
    pub unsafe fn prove_plain(raw: &DLTensor, room: &'a mut Room) -> Option<Self> {
        // SAFETY: the caller's promise.
        let (dtype, extent) = unsafe { Self::judge_plain_in(raw, false, room)? };
        Some(Self::of_plain(raw, dtype, extent, room))
    }

    /// [`Descriptor::prove_plain`], with the layout put where room begins.
    ///
    /// # Safety
    /// As [`Descriptor::prove`], and [`Room::set_plain_at`] for `ndim`, which is the rank, and has been checked.
    #[inline(always)]
    pub unsafe fn prove_plain_at(raw: &DLTensor, ndim: usize, start: NonNull<i64>) -> Option<Self> {
        // SAFETY: the caller's promise; the layout is there when it has been judged.
        unsafe {
            let (dtype, extent) = Self::judge_plain(raw, false, ndim, start)?;
            let layout = Layout::at(Room::layout_start(start).as_ptr(), ndim);
            Some(Self::of_plain(raw, dtype, extent, layout))
        }
    }

    /// [`Descriptor::judge_plain`], with the layout put into `room`.
    ///
    /// # Safety
    /// As [`Descriptor::prove`].
    #[inline(always)]
    unsafe fn judge_plain_in(
        raw: &DLTensor,
        padded: bool,
        room: &mut Room,
    ) -> Option<(DType, Extent)> {
        let ndim = check_ndim(i64::from(raw.ndim)).ok()?;
        let start = room.start_for(ndim)?;
        // SAFETY: the caller's promise; there is room. The layout is there when it has been judged.
        unsafe {
            let judged = Self::judge_plain(raw, padded, ndim, start)?;
            room.set_rank(ndim);
            Some(judged)
        }
    }

    /// The dtype of a descriptor, and what its elements reach, if it is plain: if they are in the processor's own memory, there is
    /// one at least, no stride is negative, and nothing overflows. The layout is put where room begins.
    ///
    /// # Safety
    /// As [`Descriptor::prove`], and [`Room::set_plain_at`] for `ndim`, which is the rank.
    #[inline(always)]
    unsafe fn judge_plain(
        raw: &DLTensor,
        padded: bool,
        ndim: usize,
        start: NonNull<i64>,
    ) -> Option<(DType, Extent)> {
        // SAFETY: the caller's promise; the rank has been checked.
        let span = unsafe {
            let (shape, strides) = (dims_at(raw.shape, ndim)?, dims_at(raw.strides, ndim));
            Room::set_plain_at(start, shape, strides)?
        };
        let dtype = DType::new(raw.dtype, padded).ok()?;
        if raw.data.is_null() || !Device::known(raw.device).is_cpu() {
            return None;
        }
        let first = (raw.data as u64).checked_add(raw.byte_offset)?;
        let (start, end) = span.reach(dtype.storage_bits())?.addresses(first)?;
        Some((dtype, Extent { start, end }))
    }

    /// A plain descriptor.
    #[inline(always)]
    fn of_plain(raw: &DLTensor, dtype: DType, extent: Extent, layout: &'a Layout) -> Self {
        Self {
            data: raw.data.cast::<u8>().wrapping_add(raw.byte_offset as usize),
            byte_offset: 0,
            layout,
            dtype,
            device: Device::known(raw.device),
            read_only: false,
            extent,
        }
    }

    /// [`Descriptor::prove`], whatever is described: as well where a few nanoseconds do not matter.
    ///
    /// # Safety
    /// As [`Descriptor::prove`].
    #[cold]
    pub unsafe fn prove_with_care(
        raw: &DLTensor,
        padded: bool,
        nbytes: Option<u64>,
        room: &'a mut Room,
    ) -> Result<Self> {
        let ndim = check_ndim(i64::from(raw.ndim))?;
        // SAFETY: the caller's promise; the rank has been checked.
        let (shape, strides) = unsafe { (dims_at(raw.shape, ndim), dims_at(raw.strides, ndim)) };
        let shape = shape.ok_or(Error::Null("data->shape"))?;
        let dtype = DType::new(raw.dtype, padded)?;
        let device = Device::new(raw.device)?;
        let bits = dtype.storage_bits();
        room.set(shape, strides)?;
        room.nbytes(bits)?;
        let reach = room.reach(bits)?;
        let layout: &Layout = room;
        let numel = layout.numel();
        if raw.data.is_null() && numel > 0 {
            return Err(Error::NullData { numel });
        }
        let base = if device.has_addresses() {
            raw.data as u64
        } else {
            0
        };
        let first = base
            .checked_add(raw.byte_offset)
            .ok_or(Error::AddressOffset {
                data: raw.data as u64,
                byte_offset: raw.byte_offset,
            })?;
        let (start, end) = layout.check_addresses(bits, reach, first)?;
        let mut extent = Extent { start, end };
        if let Some(nbytes) = nbytes {
            layout.check_within(bits, reach, i128::from(raw.byte_offset), nbytes)?;
            if numel > 0 {
                extent = Extent {
                    start: base,
                    end: base.saturating_add(nbytes),
                };
            }
        }
        let mut memory = Self {
            data: raw.data.cast(),
            byte_offset: raw.byte_offset,
            layout,
            dtype,
            device,
            read_only: false,
            extent,
        };
        memory.normalise();
        Ok(memory)
    }

    /// The description of a tensor's memory, proved when the tensor was made.
    ///
    /// # Safety
    /// As [`Tensor::data`]; it is not used for longer.
    #[inline(always)]
    pub unsafe fn of(tensor: &'a Tensor) -> Self {
        // SAFETY: the caller's promise.
        let (data, extent) = unsafe { (tensor.data().cast(), tensor.extent()) };
        Self {
            data,
            byte_offset: tensor.byte_offset(),
            layout: tensor.layout(),
            dtype: tensor.dtype(),
            device: tensor.device(),
            read_only: tensor.is_read_only(),
            extent,
        }
    }

    /// The same, with the layout copied to `room`.
    #[inline(always)]
    pub fn moved_to<'r>(&self, room: &'r mut Room) -> Descriptor<'r> {
        room.copy_from(self.layout);
        Descriptor {
            layout: room,
            ..*self
        }
    }

    /// Address of the first element; on devices whose pointers are handles, its offset.
    pub fn first(&self) -> u64 {
        if self.device.has_addresses() {
            // Proved not to wrap.
            (self.data as u64).wrapping_add(self.byte_offset)
        } else {
            self.byte_offset
        }
    }

    /// Pointer to the first element of host-accessible memory.
    pub fn pointer(&self) -> *mut u8 {
        self.data.wrapping_add(self.byte_offset as usize)
    }

    /// Moves `data` to the first element where pointers are the processor's; elsewhere the producer's are kept.
    fn normalise(&mut self) {
        if self.device.is_host_accessible() {
            self.data = self.pointer();
            self.byte_offset = 0;
        }
    }

    /// Moves the first element by `bytes`. The result is inside the memory that was proved.
    pub fn advance(&mut self, bytes: i64) {
        match self.byte_offset.checked_add_signed(bytes) {
            Some(byte_offset) => self.byte_offset = byte_offset,
            None => {
                let before = self.byte_offset.wrapping_add_signed(bytes) as i64;
                self.data = self.data.wrapping_offset(before as isize);
                self.byte_offset = 0;
            }
        }
        self.normalise();
    }

    /// The layout at its address.
    pub fn placed(&self) -> Placed<'a> {
        Placed {
            layout: self.layout,
            address: self.first(),
            element_bits: self.dtype.storage_bits(),
        }
    }

    /// The elements as one side of a copy. They are the processor's to reach.
    #[inline(always)]
    pub fn side(&self) -> Side<'a> {
        Side {
            pointer: self.pointer(),
            layout: self.layout,
            dtype: self.dtype,
        }
    }

    /// An error unless the processor can read and write the memory.
    #[inline(always)]
    pub fn check_host_accessible(&self, action: &'static str) -> Result<()> {
        if self.device.is_host_accessible() {
            return Ok(());
        }
        Err(self.device.elsewhere(action))
    }

    /// Whether an address of the one can be compared with an address of the other.
    pub fn same_memory_space(&self, other: &Descriptor<'_>) -> bool {
        if self.device.is_host_accessible() && other.device.is_host_accessible() {
            return true;
        }
        self.device == other.device && (self.device.has_addresses() || self.data == other.data)
    }
}

/// Sizes or strides of `ndim` dimensions; none if there is nothing where they should be.
///
/// # Safety
/// `dims` is NULL or readable for as many values.
#[inline(always)]
unsafe fn dims_at<'a>(dims: *const i64, ndim: usize) -> Option<&'a [i64]> {
    match (NonNull::new(dims.cast_mut()), ndim) {
        // SAFETY: the caller's promise.
        (Some(dims), _) => Some(unsafe { core::slice::from_raw_parts(dims.as_ptr(), ndim) }),
        (None, 0) => Some(&[]),
        (None, _) => None,
    }
}
