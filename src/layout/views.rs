//! Views: functions from a layout to a layout, which they fill, and the element it starts at, which they return: how many
//! elements it is from the first of the base. None of them touches memory.

use super::{Layout, LayoutBuf, MAX_NDIM, Room, check_ndim};
use crate::error::{Error, Result};

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
    /// First index and number of indices within a dimension of `size`.
    fn resolve(self, size: i64) -> (i64, i64) {
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
            index.clamp(lowest, highest)
        };
        let (start, stop) = (clamp(self.start), clamp(self.stop));
        let distance = if self.step > 0 {
            stop - start
        } else {
            start - stop
        };
        let step = self.step.unsigned_abs();
        let count = if distance <= 0 {
            0
        } else {
            (distance as u64).div_ceil(step)
        };
        // A count never passes the size.
        (start, count as i64)
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

impl View<'_> {
    /// The highest rank that the view of a layout of rank `ndim` may have.
    #[inline(always)]
    pub fn max_ndim(self, ndim: usize) -> usize {
        match self {
            View::Expand(shape) => shape.len(),
            View::Unsqueeze(_) => ndim + 1,
            View::Picked(layout, _) => layout.ndim(),
            _ => ndim,
        }
    }

    /// Puts the view of a layout into `to`; returns the element it starts at.
    #[inline(always)]
    pub fn of(self, layout: &Layout, to: &mut Room) -> Result<i64> {
        let ndim = layout.ndim();
        match self {
            View::Select { dim, index } => layout.select(resolve_dim("dim", dim, ndim)?, index, to),
            View::Slice { dim, slice } => {
                if slice.step == 0 {
                    return Err(Error::Parameter {
                        name: "step",
                        value: 0,
                        expected: "a step is not zero",
                    });
                }
                layout.slice(resolve_dim("dim", dim, ndim)?, slice, to)
            }
            View::Permute(dims) => layout.permute_dims(dims, to),
            View::Transpose(dim0, dim1) => {
                let dim0 = resolve_dim("dim0", dim0, ndim)?;
                layout.transpose(dim0, resolve_dim("dim1", dim1, ndim)?, to)
            }
            View::Flip(dims) => layout.flip(dims, to),
            View::Expand(shape) => layout.expand(shape, to),
            View::Squeeze(dim) => layout.squeeze(resolve_dim("dim", dim, ndim)?, to),
            View::SqueezeAll => layout.squeeze_all(to),
            View::Unsqueeze(dim) => layout.unsqueeze(resolve_dim("dim", dim, ndim + 1)?, to),
            View::Picked(picked, offset) => {
                to.copy_from(picked);
                Ok(offset)
            }
        }
    }
}

/// The dimension that `dim` names, counted from the end when negative.
#[inline(always)]
fn resolve_dim(name: &'static str, dim: i32, ndim: usize) -> Result<usize> {
    let from_end = if dim < 0 { ndim } else { 0 };
    // What is before the first dimension wraps to what is far behind the last.
    let resolved = from_end.wrapping_add_signed(dim as isize);
    if resolved < ndim {
        return Ok(resolved);
    }
    let dim = i64::from(dim);
    Err(Error::Dim { name, dim, ndim })
}

/// The dimension that `dim` names, marked as seen; an error when it was before.
fn unseen(dim: i32, ndim: usize, seen: &mut [bool; MAX_NDIM]) -> Result<usize> {
    let dim = resolve_dim("dims", dim, ndim)?;
    if core::mem::replace(&mut seen[dim], true) {
        return Err(Error::DimTwice { dim });
    }
    Ok(dim)
}

impl Layout {
    /// The size and the stride of a dimension.
    #[inline(always)]
    fn dim(&self, dim: usize) -> (i64, i64) {
        (self.shape()[dim], self.strides()[dim])
    }

    /// Without dimension `dim`, at `index` of it; a negative index counts from the end.
    fn select(&self, dim: usize, index: i64, to: &mut Room) -> Result<i64> {
        let (size, stride) = self.dim(dim);
        let resolved = if index < 0 {
            index.saturating_add(size)
        } else {
            index
        };
        if resolved < 0 || resolved >= size {
            return Err(Error::Index { index, dim, size });
        }
        to.set_dims(self.ndim() - 1, |i| self.dim(i + usize::from(i >= dim)))?;
        Ok(to.start_at(resolved.wrapping_mul(stride)))
    }

    /// Some indices of dimension `dim`.
    fn slice(&self, dim: usize, slice: Slice, to: &mut Room) -> Result<i64> {
        let (size, stride) = self.dim(dim);
        let (start, count) = slice.resolve(size);
        // With fewer than two indices the stride means nothing and is kept.
        let new_stride = if count > 1 {
            stride.wrapping_mul(slice.step)
        } else {
            stride
        };
        to.set_dims(self.ndim(), |i| {
            if i == dim {
                (count, new_stride)
            } else {
                self.dim(i)
            }
        })?;
        Ok(to.start_at(start.wrapping_mul(stride)))
    }

    /// Dimension `i` of the result is the one that `dims[i]` names.
    fn permute_dims(&self, dims: &[i32], to: &mut Room) -> Result<i64> {
        let ndim = self.ndim();
        if dims.len() != ndim {
            return Err(Error::DimsCount {
                found: dims.len() as i64,
                ndim,
            });
        }
        let mut order = [0; MAX_NDIM];
        let mut seen = [false; MAX_NDIM];
        for (&dim, place) in dims.iter().zip(&mut order) {
            *place = unseen(dim, ndim, &mut seen)?;
        }
        self.permute(&order[..ndim], to)
    }

    /// Dimension `i` of the result is dimension `dims[i]` of this layout.
    fn permute(&self, dims: &[usize], to: &mut Room) -> Result<i64> {
        to.set_dims(dims.len(), |i| self.dim(dims[i]))?;
        Ok(0)
    }

    /// With dimensions `a` and `b` exchanged.
    #[inline(always)]
    fn transpose(&self, a: usize, b: usize, to: &mut Room) -> Result<i64> {
        to.copy_from(self);
        to.swap_dims(a, b);
        Ok(0)
    }

    /// Stretched to `shape`, in which `-1` keeps a dimension.
    fn expand(&self, shape: &[i64], to: &mut Room) -> Result<i64> {
        let mut wanted = [0; MAX_NDIM];
        check_ndim(shape.len() as i64)?;
        let wanted = &mut wanted[..shape.len()];
        wanted.copy_from_slice(shape);
        let added = shape.len().saturating_sub(self.ndim());
        for (dim, size) in wanted.iter_mut().enumerate() {
            if *size == -1 && dim >= added && dim - added < self.ndim() {
                *size = self.shape()[dim - added];
            }
        }
        let mut room = LayoutBuf::new();
        to.copy_from(self.broadcast_to(wanted, &mut room)?);
        Ok(0)
    }

    /// Without dimension `dim` when its size is 1, else unchanged.
    fn squeeze(&self, dim: usize, to: &mut Room) -> Result<i64> {
        let removed = self.shape()[dim] == 1;
        self.keep(|i| !(removed && i == dim), to)
    }

    /// Without any dimension of size 1.
    fn squeeze_all(&self, to: &mut Room) -> Result<i64> {
        self.keep(|i| self.shape()[i] != 1, to)
    }

    fn keep(&self, kept: impl Fn(usize) -> bool, to: &mut Room) -> Result<i64> {
        let mut dims = [0; MAX_NDIM];
        let mut count = 0;
        for dim in (0..self.ndim()).filter(|&dim| kept(dim)) {
            dims[count] = dim;
            count += 1;
        }
        self.permute(&dims[..count], to)
    }

    /// With a dimension of size 1 before dimension `dim`, which may be one past the last.
    fn unsqueeze(&self, dim: usize, to: &mut Room) -> Result<i64> {
        // The stride a row-major tensor would have there.
        let stride = if dim < self.ndim() {
            let (size, stride) = self.dim(dim);
            size.max(1).wrapping_mul(stride)
        } else {
            1
        };
        to.set_dims(self.ndim() + 1, |i| match i {
            _ if i == dim => (1, stride),
            _ => self.dim(i - usize::from(i > dim)),
        })?;
        Ok(0)
    }

    /// With some dimensions reversed.
    fn flip(&self, dims: &[i32], to: &mut Room) -> Result<i64> {
        let mut flipped = [false; MAX_NDIM];
        for &dim in dims {
            unseen(dim, self.ndim(), &mut flipped)?;
        }
        let mut offset: i64 = 0;
        for ((size, stride), _) in self.dims().zip(flipped).filter(|(_, flip)| *flip) {
            offset = offset.wrapping_add((size - 1).wrapping_mul(stride));
        }
        to.set_dims(self.ndim(), |i| {
            let (size, stride) = self.dim(i);
            // A stride that may be anything is kept; others are proved to be far from i64::MIN.
            let stride = if flipped[i] && size > 1 {
                stride.wrapping_neg()
            } else {
                stride
            };
            (size, stride)
        })?;
        Ok(to.start_at(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_python() {
        let resolve = |start, stop, step, size| Slice { start, stop, step }.resolve(size);
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
