//! The same elements in another shape, and the same bytes as elements of another size: strides for either may not exist.

use super::{Layout, Room, count_elements};
use crate::error::{Error, Result, Text};

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
        let known = count_elements(inferred)?;
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
    let to = count_elements(inferred)?;
    if to != numel {
        return Err(Error::ReshapeCount { from: numel, to });
    }
    Ok(())
}

impl Layout {
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
    use crate::layout::{LayoutBuf, View};

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
        View::Transpose(0, -1)
            .of(&layout, 8, &mut transposed)
            .unwrap();
        assert!(transposed.reinterpret(32, 8, text, &mut to).is_err());
    }
}
