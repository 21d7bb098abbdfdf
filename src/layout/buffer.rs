//! Layouts in the making: room on the stack, filled once, for a layout of any rank.

use super::{Layout, MAX_NDIM, Reach, check_ndim, count_elements};
use crate::error::Result;
use core::mem::MaybeUninit;
use core::ops::Deref;

/// A layout of its own, with room for the highest rank, so that none needs the heap. Room that is not used is not touched;
/// moving it is what would cost, so functions fill one that they are given.
pub struct LayoutBuf {
    ndim: usize,
    contents: Contents,
}

/// As [`Layout`]: the number of elements, then shape and strides side by side.
#[repr(C)]
struct Contents {
    numel: i64,
    dims: [MaybeUninit<i64>; 2 * MAX_NDIM],
}

impl LayoutBuf {
    /// The layout of a single element.
    #[inline(always)]
    pub const fn new() -> Self {
        Self {
            ndim: 0,
            contents: Contents {
                numel: 1,
                dims: [MaybeUninit::uninit(); 2 * MAX_NDIM],
            },
        }
    }

    /// A layout that has been proved by [`LayoutBuf::set`].
    #[cfg(test)]
    pub fn of(shape: &[i64], strides: Option<&[i64]>) -> Result<Self> {
        let mut layout = Self::new();
        layout.set(shape, strides)?;
        Ok(layout)
    }

    /// Proves a shape, and takes it with its strides. Without strides the layout is row-major.
    pub fn set(&mut self, shape: &[i64], strides: Option<&[i64]>) -> Result<()> {
        match strides {
            Some(strides) => {
                let strides = &strides[..shape.len()];
                self.set_dims(shape.len(), |dim| (shape[dim], strides[dim]))
            }
            None => {
                self.set_dims(shape.len(), |dim| (shape[dim], 0))?;
                self.make_row_major();
                Ok(())
            }
        }
    }

    /// [`LayoutBuf::set`], and the reach of its elements of so many bits, in one pass over the dimensions.
    #[inline(always)]
    pub fn set_within_reach(
        &mut self,
        shape: &[i64],
        strides: Option<&[i64]>,
        element_bits: u64,
    ) -> Result<Reach> {
        if let Some(strides) = strides
            && shape.len() == strides.len()
            && shape.len() <= MAX_NDIM
            && let Some(reach) = self.set_plain(shape, strides, element_bits as i64)
        {
            return Ok(reach);
        }
        self.set(shape, strides)?;
        self.nbytes(element_bits)?;
        self.reach(element_bits)
    }

    /// Takes a shape without a size of zero, with strides, if nothing about it overflows. What is not plain is for others to
    /// judge; the layout is then unchanged.
    #[inline(always)]
    fn set_plain(&mut self, shape: &[i64], strides: &[i64], bits: i64) -> Option<Reach> {
        let ndim = shape.len();
        self.ndim = 0;
        let (mut numel, mut lo, mut hi) = (1i64, 0i64, 1i64);
        for dim in 0..ndim {
            let (size, stride) = (shape[dim], strides[dim]);
            self.contents.dims[dim].write(size);
            self.contents.dims[ndim + dim].write(stride);
            if size <= 0 {
                return None;
            }
            numel = numel.checked_mul(size)?;
            let far = (size - 1).checked_mul(stride)?;
            if far < 0 {
                lo = lo.checked_add(far)?;
            } else {
                hi = hi.checked_add(far)?;
            }
        }
        numel.checked_mul(bits)?;
        let reach = Reach {
            lo: lo.checked_mul(bits)?,
            hi: hi.checked_mul(bits)?,
        };
        self.ndim = ndim;
        self.contents.numel = numel;
        Some(reach)
    }

    /// Takes `ndim` dimensions, size and stride of each as `get` tells, and proves the shape.
    #[inline(always)]
    pub(super) fn set_dims(
        &mut self,
        ndim: usize,
        get: impl Fn(usize) -> (i64, i64),
    ) -> Result<()> {
        check_ndim(ndim as i64)?;
        let (mut numel, mut plain) = (1i64, true);
        for dim in 0..ndim {
            let (size, stride) = get(dim);
            self.contents.dims[dim].write(size);
            self.contents.dims[ndim + dim].write(stride);
            let (product, overflows) = numel.overflowing_mul(size);
            plain &= size > 0 && !overflows;
            numel = product;
        }
        self.ndim = ndim;
        self.contents.numel = numel;
        if plain { Ok(()) } else { self.recount() }
    }

    /// Counts the elements of a shape with a size of zero, and says what is wrong with an impossible one.
    #[cold]
    pub(super) fn recount(&mut self) -> Result<()> {
        let counted = count_elements(self.shape());
        self.contents.numel = *counted.as_ref().unwrap_or(&1);
        if counted.is_err() {
            self.ndim = 0;
        }
        counted.map(|_| ())
    }

    /// The row-major layout of another's shape, which has been proved.
    pub fn set_row_major(&mut self, layout: &Layout) {
        let ndim = layout.ndim();
        for (to, &size) in self.contents.dims.iter_mut().zip(layout.shape()) {
            to.write(size);
        }
        for to in &mut self.contents.dims[ndim..2 * ndim] {
            to.write(0);
        }
        self.ndim = ndim;
        self.contents.numel = layout.numel();
        self.make_row_major();
    }

    /// The same layout as another.
    #[inline(always)]
    pub fn copy_from(&mut self, layout: &Layout) {
        let ndim = layout.ndim();
        for (dim, (&size, &stride)) in layout.shape().iter().zip(layout.strides()).enumerate() {
            self.contents.dims[dim].write(size);
            self.contents.dims[ndim + dim].write(stride);
        }
        self.ndim = layout.ndim();
        self.contents.numel = layout.numel();
    }

    /// Exchanges two dimensions.
    #[inline(always)]
    pub(super) fn swap_dims(&mut self, a: usize, b: usize) {
        self.contents.dims.swap(a, b);
        self.contents.dims.swap(self.ndim + a, self.ndim + b);
    }

    /// Sets a dimension; the elements are to be counted again.
    pub(super) fn set_dim(&mut self, dim: usize, size: i64, stride: i64) {
        self.contents.dims[dim].write(size);
        self.set_stride(dim, stride);
    }

    /// The offset of a view that begins `offset` elements after its base: without elements there is no first one to move to.
    #[inline(always)]
    pub(super) fn start_at(&self, offset: i64) -> i64 {
        if self.numel() == 0 { 0 } else { offset }
    }

    /// Sets the stride of a dimension.
    #[inline(always)]
    pub(super) fn set_stride(&mut self, dim: usize, stride: i64) {
        self.contents.dims[self.ndim + dim].write(stride);
    }

    #[inline(always)]
    fn make_row_major(&mut self) {
        // Only a tensor without elements can have strides beyond an i64; no element is ever found by them.
        let mut stride: Option<i64> = Some(1);
        for dim in (0..self.ndim).rev() {
            self.set_stride(dim, stride.unwrap_or(0));
            let size = self.shape()[dim].max(1);
            stride = stride.and_then(|stride| stride.checked_mul(size));
        }
    }
}

impl Deref for LayoutBuf {
    type Target = Layout;

    #[inline(always)]
    fn deref(&self) -> &Layout {
        let start = (&raw const self.contents).cast::<i64>();
        // SAFETY: the contents begin like a layout, and whoever sets the rank has written that many dimensions.
        unsafe { Layout::at(start, self.ndim) }
    }
}
