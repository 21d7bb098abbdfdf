//! Views: handles on the same storage with another layout. They keep the storage, and stay read-only.

use super::create::{CopyMode, Plan, Reasons, Request, to};
use super::{Descriptor, Handle, Tensor};
use crate::dlpack::DLDataType;
use crate::dtype::DType;
use crate::error::{Error, Result, Text};
use crate::layout::{
    Layout, LayoutBuf, MAX_NDIM, Room, Slice, check_ndim, infer_shape, resolve_dim,
};
use crate::storage::{Loan, Touch};

impl Tensor {
    /// The handle on a view of this tensor: what `make` does with its layout, `make`'s result elements further on.
    /// Its rank is at most `ndim`.
    #[inline(always)]
    fn alias(
        &self,
        ndim: usize,
        make: impl FnOnce(&Layout, &mut Room) -> Result<i64>,
    ) -> Result<Handle> {
        #[inline(always)]
        fn described<'a>(
            base: &'a Tensor,
            room: &'a mut Room,
            make: impl FnOnce(&Layout, &mut Room) -> Result<i64>,
        ) -> Result<Descriptor<'a>> {
            let offset = make(base.layout(), room)?;
            // SAFETY: the memory is on no loan, or the lock is held.
            unsafe { base.described_at(room, offset) }
        }
        match self.loan() {
            None => Handle::alias_made(self, ndim, Plan::ALIAS, None, |room| {
                described(self, room, make)
            }),
            Some(loan) => self.alias_lent(loan, ndim, |room| described(self, room, make)),
        }
    }

    /// The handle on a view of this tensor, which is on a loan.
    #[inline(never)]
    fn alias_lent<'a>(
        &'a self,
        loan: &'static Loan,
        ndim: usize,
        make: impl FnOnce(&'a mut Room) -> Result<Descriptor<'a>>,
    ) -> Result<Handle> {
        Handle::alias_made(self, ndim, Plan::ALIAS, Some(loan.access()?), make)
    }

    /// The handle on elements of this tensor's memory.
    fn alias_at(&self, layout: &Layout, offset: i64) -> Result<Handle> {
        self.alias(layout.ndim(), |_, room| {
            room.copy_from(layout);
            Ok(offset)
        })
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

    fn dim(&self, name: &'static str, dim: i32) -> Result<usize> {
        resolve_dim(name, i64::from(dim), self.layout().ndim())
    }

    /// Without a dimension, at one index of it.
    pub fn select(&self, dim: i32, index: i64) -> Result<Handle> {
        let dim = self.dim("dim", dim)?;
        self.alias(self.layout().ndim(), |layout, to| {
            layout.select(dim, index, to)
        })
    }

    /// Some indices of a dimension.
    pub fn slice(&self, dim: i32, slice: Slice) -> Result<Handle> {
        if slice.step == 0 {
            return Err(Error::Parameter {
                name: "step",
                value: 0,
                expected: "a step is not zero",
            });
        }
        let dim = self.dim("dim", dim)?;
        self.alias(self.layout().ndim(), |layout, to| {
            layout.slice(dim, slice, to)
        })
    }

    /// Dimensions in another order.
    pub fn permute(&self, dims: &[i32]) -> Result<Handle> {
        let ndim = self.layout().ndim();
        if dims.len() != ndim {
            return Err(Error::DimsCount {
                found: dims.len() as i64,
                ndim,
            });
        }
        let mut order = [0; MAX_NDIM];
        let mut seen = [false; MAX_NDIM];
        for (&dim, place) in dims.iter().zip(&mut order) {
            *place = self.unseen(dim, &mut seen)?;
        }
        self.alias(ndim, |layout, to| layout.permute(&order[..ndim], to))
    }

    /// Two dimensions exchanged.
    pub fn transpose(&self, a: i32, b: i32) -> Result<Handle> {
        let (a, b) = (self.dim("dim0", a)?, self.dim("dim1", b)?);
        self.alias(self.layout().ndim(), |layout, to| {
            layout.transpose(a, b, to)
        })
    }

    /// Some dimensions reversed.
    pub fn flip(&self, dims: &[i32]) -> Result<Handle> {
        let mut seen = [false; MAX_NDIM];
        for &dim in dims {
            self.unseen(dim, &mut seen)?;
        }
        self.alias(self.layout().ndim(), |layout, to| {
            layout.flip(&seen[..layout.ndim()], to)
        })
    }

    /// The dimension that `dim` names, marked as seen; an error when it was before.
    fn unseen(&self, dim: i32, seen: &mut [bool; MAX_NDIM]) -> Result<usize> {
        let dim = self.dim("dims", dim)?;
        if core::mem::replace(&mut seen[dim], true) {
            return Err(Error::DimTwice { dim });
        }
        Ok(dim)
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
                return self.alias_at(&layout, offset);
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

    /// Stretched to a shape by repeating dimensions of size 1; `-1` keeps a size.
    pub fn expand(&self, shape: &[i64]) -> Result<Handle> {
        let ndim = check_ndim(shape.len() as i64)?;
        self.alias(ndim, |layout, to| {
            let offset = layout.expand(shape, to)?;
            // More elements over the same memory: their size must still be a number.
            to.nbytes(self.dtype().storage_bits())?;
            Ok(offset)
        })
    }

    /// Without one dimension of size 1; unchanged when its size is another.
    pub fn squeeze(&self, dim: i32) -> Result<Handle> {
        let dim = self.dim("dim", dim)?;
        self.alias(self.layout().ndim(), |layout, to| layout.squeeze(dim, to))
    }

    /// Without any dimension of size 1.
    pub fn squeeze_all(&self) -> Result<Handle> {
        self.alias(self.layout().ndim(), Layout::squeeze_all)
    }

    /// With a dimension of size 1 inserted.
    pub fn unsqueeze(&self, dim: i32) -> Result<Handle> {
        let dim = resolve_dim("dim", i64::from(dim), self.layout().ndim() + 1)?;
        self.alias(self.layout().ndim() + 1, |layout, to| {
            layout.unsqueeze(dim, to)
        })
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
        self.alias_at(&layout, offset)
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
