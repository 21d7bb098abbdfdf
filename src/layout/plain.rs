//! Plain shapes, judged in one pass while they are put where they stay: none has a size of zero, no dimension goes backwards, and
//! nothing overflows. What is not so plain, right or wrong, is for [`Room::set`] to judge.

use super::{FEW, Reach, Room};
use core::num::NonZeroI64;
use core::ptr::NonNull;

/// How many elements there are, at least one, and how far they go in memory, in elements from the first, which comes first there too.
#[derive(Clone, Copy)]
pub struct Span {
    /// Not zero, so that this or none is returned in two registers.
    numel: NonZeroI64,
    /// One past the last.
    end: i64,
}

impl Span {
    /// What elements of so many bits reach, if that fits, and their bits too.
    #[inline(always)]
    pub fn reach(self, element_bits: u64) -> Option<Reach> {
        let bits = element_bits as i64;
        self.numel.get().checked_mul(bits)?;
        let hi = self.end.checked_mul(bits)?;
        Some(Reach { lo: 0, hi })
    }
}

impl Room {
    /// Where room for rank `ndim` begins, if this is as much.
    #[inline(always)]
    pub fn start_for(&mut self, ndim: usize) -> Option<NonNull<i64>> {
        self.has_dims(ndim).then(|| NonNull::from(self).cast())
    }

    /// [`Room::set`] of what is plain, in room that begins at `start`, and what its elements span: then there is a layout, of which the
    /// rank is not yet told, else nothing.
    ///
    /// # Safety
    /// There is room for the rank, and nothing else uses it; the strides are as many as the sizes.
    #[inline(always)]
    pub unsafe fn set_plain_at(
        start: NonNull<i64>,
        shape: &[i64],
        strides: Option<&[i64]>,
    ) -> Option<Span> {
        // SAFETY: the caller's promise.
        unsafe {
            let to = Self::shape_at(start);
            let span = match strides {
                Some(strides) => set_strided(to, shape, strides)?,
                None => set_row_major(to, shape)?,
            };
            Self::layout_start(start).write(span.numel.get());
            Some(span)
        }
    }
}

/// What some dimensions of a shape with strides span, as long as nothing overflows.
#[derive(Clone, Copy)]
struct Strided {
    numel: i64,
    end: i64,
    /// The signs of all sizes and strides.
    signs: i64,
}

impl Strided {
    /// No dimensions.
    const NONE: Self = Self {
        numel: 1,
        end: 1,
        signs: 0,
    };

    /// One dimension more.
    #[inline(always)]
    fn and(self, size: i64, stride: i64) -> Option<Self> {
        Some(Self {
            numel: self.numel.checked_mul(size)?,
            // That a size is negative is found by its sign, whatever comes out here.
            end: (self.end).checked_add(size.wrapping_sub(1).checked_mul(stride)?)?,
            signs: self.signs | size | stride,
        })
    }

    /// These were all.
    #[inline(always)]
    fn span(self) -> Option<Span> {
        let Self { numel, end, signs } = self;
        if signs < 0 || numel < 0 {
            return None;
        }
        let numel = NonZeroI64::new(numel)?;
        Some(Span { numel, end })
    }
}

/// Puts a shape with strides where it stays, and tells what it spans.
///
/// # Safety
/// There is room for both at `to`; the strides are as many as the sizes.
#[inline(always)]
unsafe fn set_strided(to: NonNull<i64>, shape: &[i64], strides: &[i64]) -> Option<Span> {
    let mut all = Strided::NONE;
    for dim in 0..FEW {
        if dim == shape.len() {
            return all.span();
        }
        // SAFETY: the caller's promise.
        let (size, stride) = unsafe { put_strided(to, shape, strides, dim) };
        all = all.and(size, stride)?;
    }
    // One by one: they stay in registers.
    let Strided { numel, end, signs } = all;
    // SAFETY: the caller's promise.
    unsafe { set_more(to, shape, strides, numel, end, signs) }
}

/// [`set_strided`] of what comes after the first few dimensions, of which `numel`, `end` and `signs` are a [`Strided`].
///
/// # Safety
/// As [`set_strided`].
#[cold]
#[inline(never)]
unsafe fn set_more(
    to: NonNull<i64>,
    shape: &[i64],
    strides: &[i64],
    numel: i64,
    end: i64,
    signs: i64,
) -> Option<Span> {
    let mut all = Strided { numel, end, signs };
    for dim in FEW..shape.len() {
        // SAFETY: the caller's promise.
        let (size, stride) = unsafe { put_strided(to, shape, strides, dim) };
        all = all.and(size, stride)?;
    }
    all.span()
}

/// Puts one dimension where it stays.
///
/// # Safety
/// As [`set_strided`], and there is this dimension.
#[inline(always)]
unsafe fn put_strided(to: NonNull<i64>, shape: &[i64], strides: &[i64], dim: usize) -> (i64, i64) {
    // SAFETY: the caller's promise.
    unsafe {
        let (size, stride) = (*shape.get_unchecked(dim), *strides.get_unchecked(dim));
        to.add(dim).write(size);
        to.add(shape.len() + dim).write(stride);
        (size, stride)
    }
}

/// Puts a shape in row-major order where it stays, with its strides, and tells what it spans.
///
/// # Safety
/// There is room for both at `to`.
#[inline(always)]
unsafe fn set_row_major(to: NonNull<i64>, shape: &[i64]) -> Option<Span> {
    let mut numel = 1i64;
    for (dim, &size) in shape.iter().enumerate().rev() {
        // SAFETY: the caller's promise.
        unsafe {
            to.add(dim).write(size);
            to.add(shape.len() + dim).write(numel);
        }
        if size <= 0 {
            return None;
        }
        numel = numel.checked_mul(size)?;
    }
    let end = numel;
    let numel = NonZeroI64::new(numel)?;
    Some(Span { numel, end })
}
