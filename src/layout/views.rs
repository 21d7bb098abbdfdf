//! Views: functions from a layout to a layout, which they fill, and the element it starts at, which they return: how many
//! elements it is from the first of the base. None of them touches memory.

use super::{Layout, LayoutBuf, MAX_NDIM, Room, check_ndim};
use crate::error::{Error, Result};
use core::num::NonZeroI64;
use core::ops::DerefMut;

/// A slice with Python's meaning: `start:stop:step`.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// First index; negative counts from the end; beyond either end is clamped.
    pub start: i64,
    /// Index before which to stop, likewise.
    pub stop: i64,
    /// Distance of two indices, not zero.
    pub step: i64,
}

impl Slice {
    /// First index and number of indices within a dimension of `size`. None if the step is zero.
    #[inline(always)]
    fn resolve(self, size: i64) -> Option<(i64, i64)> {
        let step = NonZeroI64::new(self.step)?;
        let (lowest, highest) = if self.step > 0 {
            (0, size)
        } else {
            (-1, size - 1)
        };
        // i64::MIN as a bound means "before the start", not "so far from the end".
        let clamp = |index: i64| {
            let index = if index < 0 {
                index.saturating_add(size).max(-1)
            } else {
                index
            };
            index.max(lowest).min(highest)
        };
        let (start, stop) = (clamp(self.start), clamp(self.stop));
        let distance = if self.step > 0 {
            stop - start
        } else {
            start - stop
        };
        let count = if distance <= 0 {
            0
        } else {
            (distance - 1) as u64 / step.unsigned_abs() + 1
        };
        // A count never passes the size.
        Some((start, count as i64))
    }
}

/// A view: which elements, in which order. Dimensions count from the end when negative.
#[derive(Clone, Copy)]
pub enum View<'a> {
    /// Without a dimension, at one index of it; a negative index counts from the end.
    Select {
        /// The dimension.
        dim: i32,
        /// The index.
        index: i64,
    },
    /// Some indices of a dimension.
    Slice {
        /// The dimension.
        dim: i32,
        /// The indices.
        slice: Slice,
    },
    /// The dimensions in another order: each is named once.
    Permute(&'a [i32]),
    /// Two dimensions exchanged.
    Transpose(i32, i32),
    /// Some dimensions reversed.
    Flip(&'a [i32]),
    /// Stretched to a shape by repeating dimensions of size 1; `-1` keeps a size.
    Expand(&'a [i64]),
    /// Without a dimension if its size is 1.
    Squeeze(i32),
    /// Without any dimension of size 1.
    SqueezeAll,
    /// With a dimension of size 1 inserted.
    Unsqueeze(i32),
    /// Whatever this layout picks, which begins so many elements further on.
    Picked(&'a Layout, i64),
}

/// How a view comes by room for its layout.
pub trait MakeRoom {
    /// The room, or what it is in.
    type Room: DerefMut<Target = Room>;

    /// Room for a rank. It is asked for when all else is known to be right.
    fn make(self, ndim: usize) -> Result<Self::Room>;
}

/// A view in its room, and the element that it starts at.
type Made<M> = Result<(<M as MakeRoom>::Room, i64)>;

impl View<'_> {
    /// Makes room for the view of a layout of elements of so many bits, and puts it there. Returns it with the element that it starts
    /// at.
    #[inline(always)]
    pub fn of<M: MakeRoom>(self, layout: &Layout, element_bits: u64, room: M) -> Made<M> {
        let ndim = layout.ndim();
        // SAFETY: dimensions that are resolved are there.
        unsafe {
            match self {
                View::Select { dim, index } => {
                    layout.select(resolve_dim("dim", dim, ndim)?, index, room)
                }
                View::Slice { dim, slice } => {
                    layout.slice(resolve_dim("dim", dim, ndim)?, slice, room)
                }
                View::Permute(dims) => layout.permute(dims, room),
                View::Transpose(dim0, dim1) => {
                    let dim0 = resolve_dim("dim0", dim0, ndim)?;
                    layout.transpose(dim0, resolve_dim("dim1", dim1, ndim)?, room)
                }
                View::Flip(dims) => layout.flip(dims, room),
                View::Expand(shape) => {
                    let mut stretched = LayoutBuf::new();
                    let stretched = layout.expand(shape, &mut stretched)?;
                    // More elements over the same memory: their size must still be a number.
                    stretched.nbytes(element_bits)?;
                    stretched.picked(0, room)
                }
                View::Squeeze(dim) => {
                    let dim = resolve_dim("dim", dim, ndim)?;
                    layout.squeeze(|i| i == dim, room)
                }
                View::SqueezeAll => layout.squeeze(|_| true, room),
                View::Unsqueeze(dim) => layout.unsqueeze(resolve_dim("dim", dim, ndim + 1)?, room),
                View::Picked(picked, offset) => picked.picked(offset, room),
            }
        }
    }
}

/// The dimension that `dim` names, counted from the end when negative.
#[inline(always)]
fn resolve_dim(name: &'static str, dim: i32, ndim: usize) -> Result<usize> {
    let resolved = counted(dim, ndim);
    if resolved < ndim {
        return Ok(resolved);
    }
    let dim = i64::from(dim);
    Err(Error::Dim { name, dim, ndim })
}

/// [`resolve_dim`], whether there is such a dimension or not: what is before the first one wraps to what is far behind the last.
#[inline(always)]
fn counted(dim: i32, ndim: usize) -> usize {
    let from_end = if dim < 0 { ndim } else { 0 };
    from_end.wrapping_add_signed(dim as isize)
}

/// Adds the dimension that `dim` names to a set, a bit for each; an error when it is there already.
#[inline(always)]
fn add_dim(dim: i32, ndim: usize, set: &mut u64) -> Result<()> {
    const { assert!(MAX_NDIM <= u64::BITS as usize) }
    let dim = resolve_dim("dims", dim, ndim)?;
    if *set >> dim & 1 != 0 {
        return Err(Error::DimTwice { dim });
    }
    *set |= 1 << dim;
    Ok(())
}

impl Layout {
    /// The size and the stride of a dimension.
    ///
    /// # Safety
    /// There is this dimension.
    #[inline(always)]
    pub(super) unsafe fn dim(&self, dim: usize) -> (i64, i64) {
        debug_assert!(dim < self.ndim());
        // SAFETY: the caller's promise.
        unsafe {
            (
                *self.shape().get_unchecked(dim),
                *self.strides().get_unchecked(dim),
            )
        }
    }

    /// Without dimension `dim`, at `index` of it; a negative index counts from the end.
    ///
    /// # Safety
    /// There is this dimension.
    #[inline(always)]
    unsafe fn select<M: MakeRoom>(&self, dim: usize, index: i64, room: M) -> Made<M> {
        // SAFETY: the caller's promise.
        let (size, stride) = unsafe { self.dim(dim) };
        let resolved = if index < 0 {
            index.saturating_add(size)
        } else {
            index
        };
        if resolved < 0 || resolved >= size {
            return Err(Error::Index { index, dim, size });
        }
        let ndim = self.ndim() - 1;
        let mut to = room.make(ndim)?;
        // SAFETY: those before the dimension, and those after.
        to.set_dims(ndim, |i| unsafe { self.dim(i + usize::from(i >= dim)) })?;
        let start = to.start_at(resolved.wrapping_mul(stride));
        Ok((to, start))
    }

    /// Some indices of dimension `dim`.
    ///
    /// # Safety
    /// There is this dimension.
    #[inline(always)]
    unsafe fn slice<M: MakeRoom>(&self, dim: usize, slice: Slice, room: M) -> Made<M> {
        // SAFETY: the caller's promise.
        let (size, stride) = unsafe { self.dim(dim) };
        let Some((start, count)) = slice.resolve(size) else {
            return Err(Error::Parameter {
                name: "step",
                value: 0,
                expected: "a step is not zero",
            });
        };
        // With fewer than two indices the stride means nothing and is kept.
        let new_stride = if count > 1 {
            stride.wrapping_mul(slice.step)
        } else {
            stride
        };
        let mut to = room.make(self.ndim())?;
        to.set_dims(self.ndim(), |i| match i {
            _ if i == dim => (count, new_stride),
            // SAFETY: one of its own.
            _ => unsafe { self.dim(i) },
        })?;
        let start = to.start_at(start.wrapping_mul(stride));
        Ok((to, start))
    }

    /// Dimension `i` of the result is the one that `dims[i]` names.
    #[inline(always)]
    fn permute<M: MakeRoom>(&self, dims: &[i32], room: M) -> Made<M> {
        let ndim = self.ndim();
        if dims.len() != ndim {
            return Err(Error::DimsCount {
                found: dims.len() as i64,
                ndim,
            });
        }
        let mut seen = 0;
        for &dim in dims {
            add_dim(dim, ndim, &mut seen)?;
        }
        let mut to = room.make(ndim)?;
        // SAFETY: each is there, and is named once.
        unsafe {
            to.set_counted(ndim, self.numel(), |i| {
                self.dim(counted(*dims.get_unchecked(i), ndim))
            })?;
        }
        Ok((to, 0))
    }

    /// With dimensions `a` and `b` exchanged.
    ///
    /// # Safety
    /// There are these dimensions.
    #[inline(always)]
    unsafe fn transpose<M: MakeRoom>(&self, a: usize, b: usize, room: M) -> Made<M> {
        let mut to = room.make(self.ndim())?;
        // SAFETY: the caller's promise.
        unsafe {
            to.set_counted(self.ndim(), self.numel(), |i| {
                self.dim(match i {
                    _ if i == a => b,
                    _ if i == b => a,
                    _ => i,
                })
            })?;
        }
        Ok((to, 0))
    }

    /// As it is.
    #[inline(always)]
    fn picked<M: MakeRoom>(&self, offset: i64, room: M) -> Made<M> {
        let mut to = room.make(self.ndim())?;
        to.copy_from(self);
        Ok((to, offset))
    }

    /// Stretched to `shape`, in which `-1` keeps a dimension. It is put into `room` unless it is this one.
    fn expand<'a>(&'a self, shape: &[i64], room: &'a mut Room) -> Result<&'a Self> {
        check_ndim(shape.len() as i64)?;
        if !shape.contains(&-1) {
            return self.broadcast_to(shape, room);
        }
        let mut wanted = [0; MAX_NDIM];
        let wanted = &mut wanted[..shape.len()];
        wanted.copy_from_slice(shape);
        // Where there are fewer dimensions than here, that is the error.
        for (size, &kept) in wanted.iter_mut().rev().zip(self.shape().iter().rev()) {
            if *size == -1 {
                *size = kept;
            }
        }
        self.broadcast_to(wanted, room)
    }

    /// Without those dimensions of size 1 that are `among` some.
    #[inline(always)]
    fn squeeze<M: MakeRoom>(&self, among: impl Fn(usize) -> bool, room: M) -> Made<M> {
        let is_kept = |(dim, size): (usize, i64)| size != 1 || !among(dim);
        let sizes = || self.shape().iter().copied().enumerate();
        let ndim = sizes().filter(|&dim| is_kept(dim)).count();
        let mut to = room.make(ndim)?;
        let mut from = 0;
        // SAFETY: as many as were counted; sizes of 1 do not count among the elements.
        unsafe {
            to.set_counted(ndim, self.numel(), |_| {
                while !is_kept((from, self.dim(from).0)) {
                    from += 1;
                }
                from += 1;
                self.dim(from - 1)
            })?;
        }
        Ok((to, 0))
    }

    /// With a dimension of size 1 before dimension `dim`, which may be one past the last.
    ///
    /// # Safety
    /// It is not further on.
    #[inline(always)]
    unsafe fn unsqueeze<M: MakeRoom>(&self, dim: usize, room: M) -> Made<M> {
        // The stride a row-major tensor would have there.
        let stride = if dim < self.ndim() {
            // SAFETY: one of its own.
            let (size, stride) = unsafe { self.dim(dim) };
            size.max(1).wrapping_mul(stride)
        } else {
            1
        };
        let ndim = check_ndim(self.ndim() as i64 + 1)?;
        let mut to = room.make(ndim)?;
        // SAFETY: those before the dimension, and those after; a size of 1 does not count among the elements.
        unsafe {
            to.set_counted(ndim, self.numel(), |i| match i {
                _ if i == dim => (1, stride),
                _ => self.dim(i - usize::from(i > dim)),
            })?;
        }
        Ok((to, 0))
    }

    /// With some dimensions reversed.
    #[inline(always)]
    fn flip<M: MakeRoom>(&self, dims: &[i32], room: M) -> Made<M> {
        let mut flipped = 0;
        for &dim in dims {
            add_dim(dim, self.ndim(), &mut flipped)?;
        }
        let mut to = room.make(self.ndim())?;
        let mut offset: i64 = 0;
        // SAFETY: these are all, and as large as before.
        unsafe {
            to.set_counted(self.ndim(), self.numel(), |dim| {
                let (size, stride) = self.dim(dim);
                if flipped >> dim & 1 == 0 {
                    return (size, stride);
                }
                offset = offset.wrapping_add((size - 1).wrapping_mul(stride));
                // A stride that may be anything is kept; others are proved to be far from i64::MIN.
                let is_free = size <= 1;
                (
                    size,
                    if is_free {
                        stride
                    } else {
                        stride.wrapping_neg()
                    },
                )
            })?;
        }
        let start = to.start_at(offset);
        Ok((to, start))
    }
}

#[cfg(test)]
impl<'r> MakeRoom for &'r mut LayoutBuf {
    type Room = &'r mut Room;

    fn make(self, _: usize) -> Result<&'r mut Room> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_python() {
        let resolve = |start, stop, step, size| Slice { start, stop, step }.resolve(size).unwrap();
        assert_eq!(resolve(0, i64::MAX, 1, 5), (0, 5));
        assert_eq!(resolve(-2, i64::MAX, 1, 5), (3, 2));
        assert_eq!(resolve(i64::MAX, i64::MIN, -1, 5), (4, 5));
        assert_eq!(resolve(i64::MAX, i64::MIN, -2, 5), (4, 3));
        assert_eq!(resolve(3, 1, 1, 5).1, 0);
        assert_eq!(resolve(1, -1, 2, 6), (1, 2));
        assert_eq!(resolve(0, 5, i64::MAX, 5), (0, 1));
        assert_eq!(resolve(4, i64::MIN, i64::MIN, 5), (4, 1));
        assert_eq!(resolve(2, -100, -1, 5), (2, 3));
    }
}
