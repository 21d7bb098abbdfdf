//! Views: functions from a layout to a layout, which they fill, and the element it starts at, which they return: how many
//! elements it is from the first of the base. None of them touches memory.

use super::{Layout, LayoutBuf, Room, check_ndim};
use crate::error::{Error, Result, Text};

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

/// The dimension that `dim` names, counted from the end when negative.
pub fn resolve_dim(name: &'static str, dim: i64, ndim: usize) -> Result<usize> {
    let resolved = if dim < 0 { dim + ndim as i64 } else { dim };
    match usize::try_from(resolved) {
        Ok(resolved) if resolved < ndim => Ok(resolved),
        _ => Err(Error::Dim { name, dim, ndim }),
    }
}

/// `shape` with its one `-1`, if any, replaced so that it holds `numel` elements.
pub fn infer_shape(shape: &[i64], numel: i64, inferred: &mut [i64]) -> Result<()> {
    inferred.copy_from_slice(shape);
    let mut wildcard = None;
    for (dim, &size) in shape.iter().enumerate() {
        match size {
            -1 if wildcard.is_some() => {
                return Err(Error::ReshapeInfer {
                    dim,
                    reason: "another dimension is -1 already",
                });
            }
            -1 => wildcard = Some(dim),
            _ if size < 0 => return Err(Error::NegativeSize { dim, size }),
            _ => {}
        }
    }
    if let Some(dim) = wildcard {
        inferred[dim] = 1;
        let known = super::count_elements(inferred)?;
        if known == 0 {
            return Err(Error::ReshapeInfer {
                dim,
                reason: "the other dimensions have no elements",
            });
        }
        if numel % known != 0 {
            return Err(Error::ReshapeInfer {
                dim,
                reason: "the number of elements is not a multiple of the other dimensions",
            });
        }
        inferred[dim] = numel / known;
    }
    let to = super::count_elements(inferred)?;
    if to != numel {
        return Err(Error::ReshapeCount { from: numel, to });
    }
    Ok(())
}

impl Layout {
    /// The size and the stride of a dimension.
    #[inline(always)]
    fn dim(&self, dim: usize) -> (i64, i64) {
        (self.shape()[dim], self.strides()[dim])
    }

    /// Without dimension `dim`, at `index` of it; a negative index counts from the end.
    pub fn select(&self, dim: usize, index: i64, to: &mut Room) -> Result<i64> {
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

    /// Every `step`-th index of dimension `dim`.
    pub fn slice(&self, dim: usize, slice: Slice, to: &mut Room) -> Result<i64> {
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

    /// Dimension `i` of the result is dimension `dims[i]` of this layout. `dims` names each once.
    pub fn permute(&self, dims: &[usize], to: &mut Room) -> Result<i64> {
        to.set_dims(dims.len(), |i| self.dim(dims[i]))?;
        Ok(0)
    }

    /// With dimensions `a` and `b` exchanged.
    #[inline(always)]
    pub fn transpose(&self, a: usize, b: usize, to: &mut Room) -> Result<i64> {
        to.copy_from(self);
        to.swap_dims(a, b);
        Ok(0)
    }

    /// Stretched to `shape`, in which `-1` keeps a dimension.
    pub fn expand(&self, shape: &[i64], to: &mut Room) -> Result<i64> {
        let mut wanted = [0; super::MAX_NDIM];
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
    pub fn squeeze(&self, dim: usize, to: &mut Room) -> Result<i64> {
        let removed = self.shape()[dim] == 1;
        self.keep(|i| !(removed && i == dim), to)
    }

    /// Without any dimension of size 1.
    pub fn squeeze_all(&self, to: &mut Room) -> Result<i64> {
        self.keep(|i| self.shape()[i] != 1, to)
    }

    fn keep(&self, kept: impl Fn(usize) -> bool, to: &mut Room) -> Result<i64> {
        let mut dims = [0; super::MAX_NDIM];
        let mut count = 0;
        for dim in (0..self.ndim()).filter(|&dim| kept(dim)) {
            dims[count] = dim;
            count += 1;
        }
        self.permute(&dims[..count], to)
    }

    /// With a dimension of size 1 before dimension `dim`, which may be one past the last.
    pub fn unsqueeze(&self, dim: usize, to: &mut Room) -> Result<i64> {
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

    /// With the dimensions for which `flipped` is true reversed.
    pub fn flip(&self, flipped: &[bool], to: &mut Room) -> Result<i64> {
        let mut offset: i64 = 0;
        for ((size, stride), _) in self.dims().zip(flipped).filter(|(_, flip)| **flip) {
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

    /// The same elements in row-major order with another shape of as many elements. `None` when strides for it do not exist:
    /// then the row-major layout of that shape is filled in.
    pub fn reshape(&self, shape: &[i64], to: &mut Room) -> Result<Option<i64>> {
        to.set(shape, None)?;
        if self.numel() == 0 {
            return Ok(Some(0));
        }
        // Old dimensions joined to runs that one stride walks; each run must be the product of whole new dimensions.
        let mut new = to.ndim();
        let mut old = self.ndim();
        while old > 0 {
            old -= 1;
            let (mut run, stride) = (self.shape()[old], self.strides()[old]);
            if run == 1 {
                continue;
            }
            while old > 0 {
                let (size, outer) = (self.shape()[old - 1], self.strides()[old - 1]);
                if size != 1 {
                    if i128::from(outer) != i128::from(run) * i128::from(stride) {
                        break;
                    }
                    run *= size;
                }
                old -= 1;
            }
            let mut walked = 1;
            while walked < run {
                if new == 0 {
                    to.set(shape, None)?;
                    return Ok(None);
                }
                new -= 1;
                let size = to.shape()[new];
                to.set_stride(new, stride.wrapping_mul(walked));
                walked *= size;
            }
            if walked != run {
                to.set(shape, None)?;
                return Ok(None);
            }
        }
        // What is left over in front has size 1.
        for dim in (0..new).rev() {
            let inner = if dim + 1 < to.ndim() {
                to.shape()[dim + 1].wrapping_mul(to.strides()[dim + 1])
            } else {
                1
            };
            to.set_stride(dim, inner);
        }
        Ok(Some(0))
    }

    /// The same memory as elements of `to_bits` instead of `from_bits`: the last dimension grows or shrinks.
    ///
    /// `name` is that of the new dtype, for the error.
    pub fn reinterpret(
        &self,
        from_bits: u64,
        to_bits: u64,
        name: Text,
        to: &mut Room,
    ) -> Result<()> {
        let refused = |reason| Error::ViewDType { to: name, reason };
        to.copy_from(self);
        if from_bits == to_bits {
            return Ok(());
        }
        let last = self
            .ndim()
            .checked_sub(1)
            .ok_or(refused("a tensor without dimensions keeps its size"))?;
        let shrinks = to_bits > from_bits;
        let (large, small) = if shrinks {
            (to_bits, from_bits)
        } else {
            (from_bits, to_bits)
        };
        if large % small != 0 {
            return Err(refused("the sizes are not multiples of each other"));
        }
        // A dtype takes at most 2^23 bits.
        let ratio = (large / small) as i64;
        for (dim, (size, stride)) in self.dims().enumerate() {
            let (size, stride) = match (dim == last, shrinks) {
                (true, _) if size > 1 && stride != 1 => {
                    return Err(refused("the last dimension is not contiguous"));
                }
                (true, true) if size % ratio != 0 => {
                    return Err(refused(
                        "the last dimension is not a multiple of the larger size",
                    ));
                }
                (true, true) => (size / ratio, 1),
                (true, false) => {
                    let grown = size.checked_mul(ratio);
                    (grown.ok_or(Error::ElementCount { dim, size })?, 1)
                }
                (false, true) if size > 1 && stride % ratio != 0 => {
                    return Err(refused("a stride is not a multiple of the larger size"));
                }
                (false, true) => (size, stride / ratio),
                // Strides that are used cannot overflow: the bits they reach stay the same.
                (false, false) => (size, stride.wrapping_mul(ratio)),
            };
            to.set_dim(dim, size, stride);
        }
        to.recount()
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

    #[test]
    fn reshape_aliases_only_where_strides_exist() {
        let mut to = LayoutBuf::new();
        let transposed = LayoutBuf::of(&[4, 3], Some(&[1, 4])).unwrap();
        assert_eq!(transposed.reshape(&[12], &mut to), Ok(None));
        assert_eq!(to.strides(), [1]);
        assert_eq!(transposed.reshape(&[2, 2, 3], &mut to), Ok(Some(0)));
        assert_eq!(to.strides(), [2, 1, 4]);
        let broadcast = LayoutBuf::of(&[2, 3], Some(&[0, 0])).unwrap();
        assert_eq!(broadcast.reshape(&[6], &mut to), Ok(Some(0)));
        assert_eq!(to.strides(), [0]);
    }

    #[test]
    fn inferred_size_must_divide() {
        let mut shape = [0; 2];
        assert_eq!(infer_shape(&[2, -1], 6, &mut shape), Ok(()));
        assert_eq!(shape, [2, 3]);
        assert!(infer_shape(&[4, -1], 6, &mut shape).is_err());
        assert!(infer_shape(&[0, -1], 0, &mut shape).is_err());
        assert!(infer_shape(&[-1, -1], 6, &mut shape).is_err());
    }

    #[test]
    fn a_layout_reinterprets_along_its_last_dimension() {
        let layout = LayoutBuf::of(&[2, 4], Some(&[8, 1])).unwrap();
        let text = Text::of("x");
        let mut to = LayoutBuf::new();
        layout.reinterpret(32, 8, text, &mut to).unwrap();
        assert_eq!((to.shape(), to.strides()), (&[2, 16][..], &[32, 1][..]));
        assert_eq!(to.numel(), 32);
        layout.reinterpret(32, 64, text, &mut to).unwrap();
        assert_eq!((to.shape(), to.strides()), (&[2, 2][..], &[4, 1][..]));
        assert!(layout.reinterpret(32, 96, text, &mut to).is_err());
        let mut transposed = LayoutBuf::new();
        layout.transpose(0, 1, &mut transposed).unwrap();
        assert!(transposed.reinterpret(32, 8, text, &mut to).is_err());
    }
}
