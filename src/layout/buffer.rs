//! Layouts in the making: room for one, on the stack or in the block of a tensor, which is filled where it is.

use super::{FEW, Layout, MAX_NDIM, check_ndim, count_elements};
use crate::error::{Error, Result};
use core::mem::{MaybeUninit, offset_of};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// Room for a layout, which is that of a single element at first. Functions that make layouts fill the room they are given,
/// so that a layout is written once, where it stays. Room that is not used is not touched.
#[repr(C)]
pub struct Room<D: ?Sized = [MaybeUninit<i64>]> {
    ndim: usize,
    /// From here on as [`Layout`]: the number of elements, then shape and strides side by side.
    numel: i64,
    dims: D,
}

/// Room on the stack for a layout of any rank.
pub struct LayoutBuf(Room<[MaybeUninit<i64>; 2 * MAX_NDIM]>);

impl LayoutBuf {
    /// The layout of a single element.
    #[inline(always)]
    pub const fn new() -> Self {
        Self(Room {
            ndim: 0,
            numel: 1,
            dims: [MaybeUninit::uninit(); 2 * MAX_NDIM],
        })
    }

    /// A layout that has been proved by [`Room::set`].
    #[cfg(test)]
    pub fn of(shape: &[i64], strides: Option<&[i64]>) -> Result<Self> {
        let mut layout = Self::new();
        layout.set(shape, strides)?;
        Ok(layout)
    }
}

impl Deref for LayoutBuf {
    type Target = Room;

    #[inline(always)]
    fn deref(&self) -> &Room {
        &self.0
    }
}

impl DerefMut for LayoutBuf {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Room {
        &mut self.0
    }
}

impl Room {
    /// Bytes of room for rank `ndim`.
    pub const fn size(ndim: usize) -> usize {
        offset_of!(Room<[MaybeUninit<i64>; 0]>, dims) + 2 * ndim * size_of::<i64>()
    }

    /// Where the shape begins in room at `start`; the strides come behind it.
    ///
    /// # Safety
    /// There is room for a layout.
    #[inline(always)]
    pub unsafe fn shape_at(start: NonNull<i64>) -> NonNull<i64> {
        // SAFETY: the caller's promise.
        unsafe { start.byte_add(Self::size(0)) }
    }

    /// Where the layout, which begins with the number of elements, begins in room at `start`.
    ///
    /// # Safety
    /// There is room for a layout.
    #[inline(always)]
    pub unsafe fn layout_start(start: NonNull<i64>) -> NonNull<i64> {
        const BEFORE: usize = offset_of!(Room<[MaybeUninit<i64>; 0]>, numel);
        // SAFETY: the caller's promise.
        unsafe { start.byte_add(BEFORE) }
    }

    /// Room for rank `ndim` in a block of memory.
    ///
    /// # Safety
    /// `start` is writable for [`Room::size`] bytes, which nothing else uses for as long as is said here.
    #[inline(always)]
    pub unsafe fn at<'a>(start: NonNull<i64>, ndim: usize) -> &'a mut Self {
        let whole = core::ptr::slice_from_raw_parts_mut(start.as_ptr(), 2 * ndim) as *mut Self;
        // SAFETY: the caller's promise. The rank is written before a reference is made; the dimensions need not be.
        unsafe {
            (&raw mut (*whole).ndim).write(0);
            (&raw mut (*whole).numel).write(1);
            &mut *whole
        }
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

    /// Whether there is room for a layout of rank `ndim`.
    #[inline(always)]
    pub(super) fn has_dims(&self, ndim: usize) -> bool {
        ndim <= self.dims.len() / 2
    }

    /// Tells the rank of a layout that is there.
    ///
    /// # Safety
    /// Its number of elements and all its dimensions have been written.
    #[inline(always)]
    pub unsafe fn set_rank(&mut self, ndim: usize) {
        self.ndim = ndim;
    }

    /// Writes a dimension of a layout of rank `ndim`.
    ///
    /// # Safety
    /// There is room for the rank, and it has this dimension.
    #[inline(always)]
    unsafe fn put(&mut self, ndim: usize, dim: usize, size: i64, stride: i64) {
        // SAFETY: the caller's promise.
        unsafe {
            self.dims.get_unchecked_mut(dim).write(size);
            self.dims.get_unchecked_mut(ndim + dim).write(stride);
        }
    }

    /// An error unless there can be, and there is room for, a layout of rank `ndim`.
    #[inline(always)]
    fn check_room(&self, ndim: usize) -> Result<()> {
        check_ndim(ndim as i64)?;
        // Whoever makes room knows for what.
        if self.has_dims(ndim) {
            Ok(())
        } else {
            Err(Error::Internal)
        }
    }

    /// Takes `ndim` dimensions, size and stride of each as `get` tells, and proves the shape.
    #[inline(always)]
    pub(super) fn set_dims(
        &mut self,
        ndim: usize,
        get: impl Fn(usize) -> (i64, i64),
    ) -> Result<()> {
        self.check_room(ndim)?;
        let (mut numel, mut plain) = (1i64, true);
        for dim in 0..ndim {
            let (size, stride) = get(dim);
            // SAFETY: there is room, as was asked above.
            unsafe { self.put(ndim, dim, size, stride) };
            let (product, overflows) = numel.overflowing_mul(size);
            plain &= size > 0 && !overflows;
            numel = product;
        }
        self.ndim = ndim;
        self.numel = numel;
        if plain { Ok(()) } else { self.recount() }
    }

    /// Counts the elements of a shape with a size of zero, and says what is wrong with an impossible one.
    #[cold]
    pub(super) fn recount(&mut self) -> Result<()> {
        let counted = count_elements(self.shape());
        self.numel = *counted.as_ref().unwrap_or(&1);
        if counted.is_err() {
            self.ndim = 0;
        }
        counted.map(|_| ())
    }

    /// The row-major layout of another's shape, which has been proved.
    #[inline(always)]
    pub fn set_row_major(&mut self, layout: &Layout) {
        if layout.numel() == 0 {
            self.copy_from(layout);
            self.make_row_major();
            return;
        }
        let ndim = layout.ndim();
        assert!(self.has_dims(ndim));
        let mut stride = 1i64;
        for dim in (0..ndim).rev() {
            let size = layout.shape()[dim];
            // SAFETY: there is room, as was asked above.
            unsafe { self.put(ndim, dim, size, stride) };
            // The number of elements was proved to fit.
            stride = stride.wrapping_mul(size);
        }
        self.ndim = ndim;
        self.numel = layout.numel();
    }

    /// Takes `ndim` dimensions, size and stride of each in turn as `next` tells, of a shape that has been proved to have so many
    /// elements.
    ///
    /// # Safety
    /// It has.
    #[inline(always)]
    pub(super) unsafe fn set_counted(
        &mut self,
        ndim: usize,
        numel: i64,
        next: impl FnMut(usize) -> (i64, i64),
    ) -> Result<()> {
        self.check_room(ndim)?;
        // SAFETY: there is room.
        unsafe { self.put_all(ndim, numel, next) };
        Ok(())
    }

    /// [`Room::set_counted`] where there is room.
    ///
    /// # Safety
    /// As there, and there is.
    #[inline(always)]
    unsafe fn put_all(
        &mut self,
        ndim: usize,
        numel: i64,
        mut next: impl FnMut(usize) -> (i64, i64),
    ) {
        // First, so that less is to be remembered meanwhile.
        (self.ndim, self.numel) = (ndim, numel);
        let mut put = |dim: usize| {
            let (size, stride) = next(dim);
            // SAFETY: the caller's promise.
            unsafe { self.put(ndim, dim, size, stride) };
        };
        for dim in 0..FEW {
            if dim < ndim {
                put(dim);
            }
        }
        for dim in FEW..ndim {
            put(dim);
        }
    }

    /// The same layout as another.
    #[inline(always)]
    pub fn copy_from(&mut self, layout: &Layout) {
        let ndim = layout.ndim();
        assert!(self.has_dims(ndim));
        let (shape, strides) = (layout.shape().as_ptr(), layout.strides().as_ptr());
        // SAFETY: the other layout has these dimensions, and there is room. One by one: what was written so a moment ago would keep a
        // move of several at once waiting.
        unsafe {
            self.put_all(ndim, layout.numel(), |dim| {
                (
                    shape.add(dim).read_volatile(),
                    strides.add(dim).read_volatile(),
                )
            });
        }
    }

    /// Sets a dimension; the elements are to be counted again.
    pub(super) fn set_dim(&mut self, dim: usize, size: i64, stride: i64) {
        self.dims[dim].write(size);
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
        self.dims[self.ndim + dim].write(stride);
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

impl Deref for Room {
    type Target = Layout;

    #[inline(always)]
    fn deref(&self) -> &Layout {
        // SAFETY: from the number of elements on this is a layout, and whoever sets the rank has written that many dimensions.
        unsafe { Layout::at(&raw const self.numel, self.ndim) }
    }
}
