//! Views: functions from a layout to a layout and the element it starts at. None of them touches memory.

use super::{Layout, check_ndim};
use crate::error::{Error, Result, Text};

/// A layout derived from another, and how many elements after the other's first it begins.
pub struct View {
    /// The derived layout.
    pub layout: Layout,
    /// Elements from the base's first element to this one's.
    pub offset: i64,
}

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
    /// A view of this layout made of `dims` (size, stride) that begins `offset` elements further on.
    fn view_of(
        &self,
        dims: impl ExactSizeIterator<Item = (i64, i64)>,
        offset: i64,
    ) -> Result<View> {
        check_ndim(dims.len() as i64)?;
        let mut layout = Layout::zeroed(dims.len())?;
        for (dim, (size, stride)) in dims.enumerate() {
            layout.shape_mut()[dim] = size;
            layout.strides_mut()[dim] = stride;
        }
        layout.numel = super::count_elements(layout.shape())?;
        // Without elements there is no first one to move to.
        let offset = if layout.numel() == 0 { 0 } else { offset };
        Ok(View { layout, offset })
    }

    /// Without dimension `dim`, at `index` of it; a negative index counts from the end.
    pub fn select(&self, dim: usize, index: i64) -> Result<View> {
        let size = self.shape()[dim];
        let resolved = if index < 0 {
            index.saturating_add(size)
        } else {
            index
        };
        if resolved < 0 || resolved >= size {
            return Err(Error::Index { index, dim, size });
        }
        let offset = resolved.wrapping_mul(self.strides()[dim]);
        let kept = (0..self.ndim() - 1).map(|i| {
            let i = i + usize::from(i >= dim);
            (self.shape()[i], self.strides()[i])
        });
        self.view_of(kept, offset)
    }

    /// Every `step`-th index of dimension `dim`.
    pub fn slice(&self, dim: usize, slice: Slice) -> Result<View> {
        let (start, count) = slice.resolve(self.shape()[dim]);
        let stride = self.strides()[dim];
        let offset = if count > 0 {
            start.wrapping_mul(stride)
        } else {
            0
        };
        // With fewer than two indices the stride means nothing and is kept.
        let new_stride = if count > 1 {
            stride.wrapping_mul(slice.step)
        } else {
            stride
        };
        let dims = (0..self.ndim()).map(|i| {
            if i == dim {
                (count, new_stride)
            } else {
                (self.shape()[i], self.strides()[i])
            }
        });
        self.view_of(dims, offset)
    }

    /// Dimension `i` of the result is dimension `dims[i]` of this layout. `dims` names each once.
    pub fn permute(&self, dims: &[usize]) -> Result<View> {
        self.view_of(
            dims.iter().map(|&d| (self.shape()[d], self.strides()[d])),
            0,
        )
    }

    /// With dimensions `a` and `b` exchanged.
    pub fn transpose(&self, a: usize, b: usize) -> Result<View> {
        let dims = (0..self.ndim()).map(|i| {
            let i = match i {
                _ if i == a => b,
                _ if i == b => a,
                _ => i,
            };
            (self.shape()[i], self.strides()[i])
        });
        self.view_of(dims, 0)
    }

    /// Stretched to `shape`, in which `-1` keeps a dimension.
    pub fn expand(&self, shape: &[i64]) -> Result<View> {
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
        Ok(View {
            layout: self.broadcast_to(wanted)?,
            offset: 0,
        })
    }

    /// Without dimension `dim` when its size is 1, else unchanged.
    pub fn squeeze(&self, dim: usize) -> Result<View> {
        let removed = self.shape()[dim] == 1;
        self.keep(|i| !(removed && i == dim))
    }

    /// Without any dimension of size 1.
    pub fn squeeze_all(&self) -> Result<View> {
        self.keep(|i| self.shape()[i] != 1)
    }

    fn keep(&self, kept: impl Fn(usize) -> bool) -> Result<View> {
        let mut dims = [(0, 0); super::MAX_NDIM];
        let mut count = 0;
        for (i, dim) in self.dims().enumerate() {
            if kept(i) {
                dims[count] = dim;
                count += 1;
            }
        }
        self.view_of(dims[..count].iter().copied(), 0)
    }

    /// With a dimension of size 1 before dimension `dim`, which may be one past the last.
    pub fn unsqueeze(&self, dim: usize) -> Result<View> {
        // The stride a row-major tensor would have there.
        let stride = if dim < self.ndim() {
            self.shape()[dim].max(1).wrapping_mul(self.strides()[dim])
        } else {
            1
        };
        let dims = (0..self.ndim() + 1).map(|i| match i {
            _ if i == dim => (1, stride),
            _ => {
                let i = i - usize::from(i > dim);
                (self.shape()[i], self.strides()[i])
            }
        });
        self.view_of(dims, 0)
    }

    /// With the dimensions for which `flipped` is true reversed.
    pub fn flip(&self, flipped: &[bool]) -> Result<View> {
        let mut offset: i64 = 0;
        if self.numel() > 0 {
            for ((size, stride), _) in self.dims().zip(flipped).filter(|(_, f)| **f) {
                offset = offset.wrapping_add((size - 1).wrapping_mul(stride));
            }
        }
        let dims = self.dims().zip(flipped).map(|((size, stride), &flip)| {
            // A stride that may be anything is kept; others are proved to be far from i64::MIN.
            let stride = if flip && size > 1 {
                stride.wrapping_neg()
            } else {
                stride
            };
            (size, stride)
        });
        self.view_of(dims, offset)
    }

    /// The same elements in row-major order with another shape of as many elements, when strides for it exist.
    pub fn reshape(&self, shape: &[i64]) -> Result<Option<View>> {
        let mut layout = Layout::new(shape, None)?;
        if self.numel() == 0 {
            return Ok(Some(View { layout, offset: 0 }));
        }
        // Old dimensions joined to runs that one stride walks; each run must be the product of whole new dimensions.
        let mut new = layout.ndim();
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
                    return Ok(None);
                }
                new -= 1;
                let size = layout.shape()[new];
                layout.strides_mut()[new] = stride.wrapping_mul(walked);
                walked *= size;
            }
            if walked != run {
                return Ok(None);
            }
        }
        // What is left over in front has size 1.
        for dim in (0..new).rev() {
            let inner = if dim + 1 < layout.ndim() {
                layout.shape()[dim + 1].wrapping_mul(layout.strides()[dim + 1])
            } else {
                1
            };
            layout.strides_mut()[dim] = inner;
        }
        Ok(Some(View { layout, offset: 0 }))
    }

    /// The same memory as elements of `to_bits` instead of `from_bits`: the last dimension grows or shrinks.
    ///
    /// `to` is the name of the new dtype, for the error.
    pub fn reinterpret(&self, from_bits: u64, to_bits: u64, to: Text) -> Result<Layout> {
        let refused = |reason| Error::ViewDType { to, reason };
        let mut layout = self.try_clone()?;
        if from_bits == to_bits {
            return Ok(layout);
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
            layout.shape_mut()[dim] = size;
            layout.strides_mut()[dim] = stride;
        }
        layout.numel = super::count_elements(layout.shape())?;
        Ok(layout)
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
        let transposed = Layout::new(&[4, 3], Some(&[1, 4])).unwrap();
        assert!(transposed.reshape(&[12]).unwrap().is_none());
        let split = transposed.reshape(&[2, 2, 3]).unwrap().unwrap();
        assert_eq!(split.layout.strides(), [2, 1, 4]);
        let broadcast = Layout::new(&[2, 3], Some(&[0, 0])).unwrap();
        assert_eq!(
            broadcast.reshape(&[6]).unwrap().unwrap().layout.strides(),
            [0]
        );
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
        let layout = Layout::new(&[2, 4], Some(&[8, 1])).unwrap();
        let text = Text::of("x");
        let bytes = layout.reinterpret(32, 8, text).unwrap();
        assert_eq!(
            (bytes.shape(), bytes.strides()),
            (&[2, 16][..], &[32, 1][..])
        );
        let wide = layout.reinterpret(32, 64, text).unwrap();
        assert_eq!((wide.shape(), wide.strides()), (&[2, 2][..], &[4, 1][..]));
        assert!(layout.reinterpret(32, 96, text).is_err());
        assert!(
            layout
                .transpose(0, 1)
                .unwrap()
                .layout
                .reinterpret(32, 8, text)
                .is_err()
        );
    }
}
