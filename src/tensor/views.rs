//! Views: handles on the same storage with another layout. They keep the storage, and stay read-only.

use super::block::{AliasBlock, NewAlias};
use super::create::{CopyMode, Plan, Reasons, Request, to};
use super::{Descriptor, Handle, Tensor};
use crate::dlpack::DLDataType;
use crate::dtype::DType;
use crate::error::{Error, Result, Text};
use crate::layout::{Layout, LayoutBuf, MAX_NDIM, View, check_ndim, infer_shape};
use crate::storage::{Access, Touch};

impl Tensor {
    /// A view of this tensor.
    pub fn viewed(&self, view: View<'_>) -> Result<Handle> {
        self.viewed_with(view, self.access()?)
    }

    /// [`Tensor::viewed`] of memory that is on no loan. It does not panic.
    #[inline(always)]
    pub fn viewed_at_rest(&self, view: View<'_>) -> Result<Handle> {
        self.viewed_with(view, None)
    }

    /// [`Tensor::viewed`] with access to the loan that the memory is on, if it is on one.
    #[inline(always)]
    fn viewed_with(&self, view: View<'_>, access: Option<Access>) -> Result<Handle> {
        let bits = self.dtype().storage_bits();
        let (base, is_lent) = (self, access.is_some());
        let (alias, offset) = view.of(self.layout(), bits, NewAlias { base, is_lent })?;
        let AliasBlock { block, hold, room } = alias;
        // SAFETY: the memory is on no loan, or the lock is held. The layout is in the room of the block.
        unsafe {
            let memory = self.described_at(room, offset)?;
            Ok(Handle::finish_alias(
                block,
                hold,
                &memory,
                Plan::ALIAS,
                access,
            ))
        }
    }

    /// The memory of this tensor with another layout, which begins `offset` elements further on.
    ///
    /// # Safety
    /// As [`Descriptor::of`].
    #[inline(always)]
    unsafe fn described_at<'a>(
        &'a self,
        layout: &'a Layout,
        offset: i64,
    ) -> Result<Descriptor<'a>> {
        // SAFETY: the caller's promise.
        let mut memory = unsafe { Descriptor::of(self) };
        memory.layout = layout;
        if offset != 0 {
            let bits = i128::from(offset) * i128::from(memory.dtype.storage_bits());
            let inside = bits.rem_euclid(8) as u64;
            if inside != 0 {
                return Err(Error::StartsInsideByte { bits: inside });
            }
            // Elements of this tensor are within reach; only the storage, if its size was told, may be larger than that.
            let first = memory.first();
            memory.advance(i64::try_from(bits / 8).map_err(|_| Error::AddressElement { first })?);
        }
        Ok(memory)
    }

    /// Another shape of as many elements; `-1` is inferred. A copy where strides for it do not exist, if allowed.
    pub fn reshape(&self, shape: &[i64], copy: CopyMode) -> Result<Handle> {
        check_ndim(shape.len() as i64)?;
        let mut inferred = [0; MAX_NDIM];
        let inferred = &mut inferred[..shape.len()];
        infer_shape(shape, self.layout().numel(), inferred)?;
        let mut layout = LayoutBuf::new();
        let offset = self.layout().reshape(inferred, &mut layout)?;
        match (offset, copy) {
            (Some(offset), CopyMode::IfNeeded | CopyMode::Never) => {
                return self.viewed(View::Picked(&layout, offset));
            }
            (None, CopyMode::Never) => {
                return Err(Error::CopyNeeded {
                    reasons: Text::of(Reasons::LAYOUT),
                });
            }
            _ => {}
        }
        // A layout that cannot be aliased in the new shape is not row-major, so this copies.
        let request = Request {
            copy,
            contiguous: true,
            read_only: self.is_read_only(),
            ..Request::DEFAULT
        };
        let row_major = to(self, &request)?;
        layout.set(inferred, None)?;
        // SAFETY: a copy is on no loan.
        let mut memory = unsafe { Descriptor::of(&row_major) };
        memory.layout = &layout;
        Handle::alias(&row_major, &memory, row_major.origin(), None)
    }

    /// Any shape and strides, as long as all elements are inside the storage.
    pub fn as_strided(&self, shape: &[i64], strides: &[i64], offset: i64) -> Result<Handle> {
        let mut layout = LayoutBuf::new();
        layout.set(shape, Some(strides))?;
        let bits = self.dtype().storage_bits();
        layout.nbytes(bits)?;
        let reach = layout.reach(bits)?;
        let offset = if layout.numel() == 0 { 0 } else { offset };
        let distance = i128::from(offset) * i128::from(bits);
        let inside = distance.rem_euclid(8) as u64;
        if inside != 0 {
            return Err(Error::StartsInsideByte { bits: inside });
        }
        let (first, extent) =
            self.touching(Touch::Nothing, |memory| Ok((memory.first(), memory.extent)))?;
        // An evacuation moves both ends alike.
        let first = i128::from(first) - i128::from(extent.start) + distance / 8;
        layout.check_within(bits, reach, first, extent.end - extent.start)?;
        self.viewed(View::Picked(&layout, offset))
    }

    /// The same bytes as another dtype.
    pub fn view_dtype(&self, raw: DLDataType) -> Result<Handle> {
        let from = self.dtype();
        let dtype = DType::new(raw, from.is_padded())?;
        let mut layout = LayoutBuf::new();
        self.layout().reinterpret(
            from.storage_bits(),
            dtype.storage_bits(),
            dtype.text(),
            &mut layout,
        )?;
        layout.nbytes(dtype.storage_bits())?;
        let access = self.access()?;
        // SAFETY: the memory is on no loan, or the lock is held.
        let mut memory = unsafe { Descriptor::of(self) };
        memory.layout = &layout;
        memory.dtype = dtype;
        Handle::alias(self, &memory, Plan::ALIAS, access)
    }
}
