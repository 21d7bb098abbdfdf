//! Shape and strides, proved: element count, reach, contiguity. Views are functions from layout to layout.

mod broadcast;
mod diophantine;
mod overlap;
mod views;

pub use overlap::{Answer, Placed, overlaps_itself, shares_bits};
pub use views::{Slice, View, infer_shape, resolve_dim};

use crate::error::{Error, Result};

/// Highest rank of a tensor.
pub const MAX_NDIM: usize = 64;

/// Ranks up to this one are kept in place.
const INLINE_NDIM: usize = 8;

/// Shape and strides (in elements) of a tensor.
///
/// Every value of this type has passed [`Layout::new`] or was derived from one that did by a function of this module:
/// no dimension is negative and the number of elements fits an `i64`. Strides of dimensions of size 0 or 1 mean nothing
/// and are kept as given.
pub struct Layout {
    ndim: usize,
    /// Number of elements, kept up to date by whoever sets the shape.
    numel: i64,
    /// Shape in `0..8`, strides in `8..16`, when `ndim <= 8`.
    inline: [i64; 2 * INLINE_NDIM],
    /// Shape, then strides, otherwise.
    heap: Vec<i64>,
}

/// First and last bit that the elements of a layout touch, counted from the first element: `lo <= 0 <= hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// First bit, at or below zero.
    pub lo: i64,
    /// One past the last bit. Zero without elements.
    pub hi: i64,
}

impl Reach {
    /// First byte, at or below zero.
    pub fn lo_byte(self) -> i64 {
        self.lo.div_euclid(8)
    }

    /// One past the last byte.
    pub fn hi_byte(self) -> i64 {
        self.hi.div_euclid(8) + i64::from(self.hi % 8 != 0)
    }
}

impl Layout {
    /// Proves a shape, and strides where given. Without strides the layout is row-major.
    #[inline(always)]
    pub fn new(shape: &[i64], strides: Option<&[i64]>) -> Result<Self> {
        check_ndim(shape.len() as i64)?;
        for (dim, &size) in shape.iter().enumerate() {
            if size < 0 {
                return Err(Error::NegativeSize { dim, size });
            }
        }
        let numel = count_elements(shape)?;
        let mut layout = Self::zeroed(shape.len())?;
        layout.numel = numel;
        layout.shape_mut().copy_from_slice(shape);
        match strides {
            Some(strides) => layout.strides_mut().copy_from_slice(strides),
            None => layout.make_row_major(),
        }
        Ok(layout)
    }

    /// A layout of `ndim` dimensions, all zero, to be filled by this module.
    #[inline(always)]
    fn zeroed(ndim: usize) -> Result<Self> {
        let mut heap = Vec::new();
        if ndim > INLINE_NDIM {
            heap.try_reserve_exact(2 * ndim)
                .map_err(|_| Error::OutOfMemory {
                    bytes: 16 * ndim as u64,
                })?;
            heap.resize(2 * ndim, 0);
        }
        Ok(Self {
            ndim,
            numel: 0,
            inline: [0; 2 * INLINE_NDIM],
            heap,
        })
    }

    /// The same layout again. Fails only when memory for a rank above 8 does.
    pub fn try_clone(&self) -> Result<Self> {
        let mut layout = Self::zeroed(self.ndim)?;
        layout.numel = self.numel;
        layout.shape_mut().copy_from_slice(self.shape());
        layout.strides_mut().copy_from_slice(self.strides());
        Ok(layout)
    }

    /// The row-major layout of the same shape.
    pub fn row_major(&self) -> Result<Self> {
        let mut layout = Self::zeroed(self.ndim)?;
        layout.numel = self.numel;
        layout.shape_mut().copy_from_slice(self.shape());
        layout.make_row_major();
        Ok(layout)
    }

    /// Rank.
    pub fn ndim(&self) -> usize {
        self.ndim
    }

    /// Sizes of the dimensions.
    pub fn shape(&self) -> &[i64] {
        if self.ndim <= INLINE_NDIM {
            &self.inline[..self.ndim]
        } else {
            &self.heap[..self.ndim]
        }
    }

    /// Strides of the dimensions, in elements.
    pub fn strides(&self) -> &[i64] {
        if self.ndim <= INLINE_NDIM {
            &self.inline[INLINE_NDIM..INLINE_NDIM + self.ndim]
        } else {
            &self.heap[self.ndim..]
        }
    }

    fn shape_mut(&mut self) -> &mut [i64] {
        if self.ndim <= INLINE_NDIM {
            &mut self.inline[..self.ndim]
        } else {
            &mut self.heap[..self.ndim]
        }
    }

    fn strides_mut(&mut self) -> &mut [i64] {
        if self.ndim <= INLINE_NDIM {
            &mut self.inline[INLINE_NDIM..INLINE_NDIM + self.ndim]
        } else {
            &mut self.heap[self.ndim..]
        }
    }

    /// Size and stride of each dimension.
    fn dims(&self) -> impl DoubleEndedIterator<Item = (i64, i64)> + ExactSizeIterator {
        self.shape()
            .iter()
            .copied()
            .zip(self.strides().iter().copied())
    }

    fn make_row_major(&mut self) {
        // Only a tensor without elements can have strides beyond an i64; no element is ever found by them.
        let mut stride: Option<i64> = Some(1);
        for dim in (0..self.ndim).rev() {
            self.strides_mut()[dim] = stride.unwrap_or(0);
            let size = self.shape()[dim].max(1);
            stride = stride.and_then(|stride| stride.checked_mul(size));
        }
    }

    /// Number of elements.
    pub fn numel(&self) -> i64 {
        self.numel
    }

    /// Bytes of the elements stored one after another, rounded up once.
    pub fn nbytes(&self, element_bits: u64) -> Result<i64> {
        let numel = self.numel();
        let bytes = (i128::from(numel) * i128::from(element_bits) + 7) / 8;
        i64::try_from(bytes).map_err(|_| Error::ByteSize {
            numel,
            bits: element_bits,
        })
    }

    /// Whether the elements lie one after another in row-major order.
    pub fn is_contiguous(&self) -> bool {
        if self.numel() == 0 {
            return true;
        }
        let mut expected = 1;
        for (size, stride) in self.dims().rev() {
            if size == 1 {
                continue;
            }
            if stride != expected {
                return false;
            }
            expected *= size;
        }
        true
    }

    /// The bits that the elements touch, proved to fit 63 bits on either side of the first element.
    pub fn reach(&self, element_bits: u64) -> Result<Reach> {
        if self.numel() == 0 {
            return Ok(Reach { lo: 0, hi: 0 });
        }
        let bits = i128::from(element_bits);
        let (mut lo, mut hi) = (0i128, bits);
        for (dim, (size, stride)) in self.dims().enumerate() {
            // The first two factors fit 64 bits each; what is out of range with them is so before the third.
            let far = i128::from(size - 1) * i128::from(stride);
            let far = far
                .checked_mul(bits)
                .filter(|far| far.unsigned_abs() <= 1 << 64)
                .ok_or(Error::Reach { dim, stride, size })?;
            if far < 0 {
                lo += far;
            } else {
                hi += far;
            }
            if lo < i128::from(i64::MIN) || hi > i128::from(i64::MAX) {
                return Err(Error::Reach { dim, stride, size });
            }
        }
        Ok(Reach {
            lo: lo as i64,
            hi: hi as i64,
        })
    }

    /// Proves that elements starting at byte `first` of a memory of `nbytes` bytes stay inside it.
    ///
    /// `reach` is theirs, from [`Layout::reach`]. The error names the dimension that leaves the memory.
    pub fn check_within(
        &self,
        element_bits: u64,
        reach: Reach,
        first: i128,
        nbytes: u64,
    ) -> Result<()> {
        let (low, high) = (
            first + i128::from(reach.lo_byte()),
            first + i128::from(reach.hi_byte()),
        );
        if self.numel == 0 || low >= 0 && high <= i128::from(nbytes) {
            return Ok(());
        }
        Err(self.leaving(element_bits, first, nbytes))
    }

    /// The error that names the dimension with which elements leave a memory, as they do.
    #[cold]
    fn leaving(&self, element_bits: u64, first: i128, nbytes: u64) -> Error {
        let bits = i128::from(element_bits);
        let limit = i128::from(nbytes) * 8;
        let (mut lo, mut hi) = (first * 8, first * 8 + bits);
        if lo >= 0 && hi <= limit {
            for (dim, (size, stride)) in self.dims().enumerate() {
                let far = i128::from(size - 1) * i128::from(stride) * bits;
                if far < 0 {
                    lo += far;
                } else {
                    hi += far;
                }
                let outside = if lo < 0 { lo } else { hi - 1 };
                if lo < 0 || hi > limit {
                    return Error::Bounds {
                        dim,
                        size,
                        stride,
                        reaches: outside.div_euclid(8),
                        nbytes,
                    };
                }
            }
        }
        Error::BoundsOffset {
            byte_offset: first,
            nbytes,
        }
    }

    /// Proves that elements from address `first` on stay inside the address space.
    pub fn check_addresses(&self, element_bits: u64, reach: Reach, first: u64) -> Result<()> {
        self.check_within(element_bits, reach, i128::from(first), u64::MAX)
            .map_err(|error| match error {
                Error::Bounds {
                    dim, size, stride, ..
                } => Error::AddressReach {
                    dim,
                    stride,
                    size,
                    first,
                },
                _ => Error::AddressElement { first },
            })
    }
}

/// Proves a rank.
pub fn check_ndim(ndim: i64) -> Result<usize> {
    match usize::try_from(ndim) {
        Ok(rank) if rank <= MAX_NDIM => Ok(rank),
        _ => Err(Error::Ndim { ndim }),
    }
}

/// The number of elements of a shape without negative sizes. Only a size of zero makes it zero.
fn count_elements(shape: &[i64]) -> Result<i64> {
    if shape.contains(&0) {
        return Ok(0);
    }
    let mut count: i64 = 1;
    for (dim, &size) in shape.iter().enumerate() {
        count = count
            .checked_mul(size)
            .ok_or(Error::ElementCount { dim, size })?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_wraps_to_zero_is_an_error() {
        assert!(matches!(
            Layout::new(&[1 << 32, 1 << 32], None),
            Err(Error::ElementCount { dim: 1, .. })
        ));
        assert_eq!(
            Layout::new(&[0, 1 << 40, 1 << 40], None).unwrap().numel(),
            0
        );
    }

    #[test]
    fn reach_counts_negative_strides_below_zero() {
        let layout = Layout::new(&[3, 4], Some(&[-10, 2])).unwrap();
        assert_eq!(layout.reach(8), Ok(Reach { lo: -160, hi: 56 }));
    }

    #[test]
    fn bounds_name_the_dimension_that_leaves() {
        let layout = Layout::new(&[2, 4], Some(&[4, 1])).unwrap();
        let reach = layout.reach(32).unwrap();
        assert_eq!(layout.check_within(32, reach, 0, 32), Ok(()));
        assert!(matches!(
            layout.check_within(32, reach, 0, 31),
            Err(Error::Bounds {
                dim: 1,
                reaches: 31,
                ..
            })
        ));
        assert!(matches!(
            layout.check_within(32, reach, 0, 16),
            Err(Error::Bounds { dim: 0, .. })
        ));
        assert!(matches!(
            layout.check_within(32, reach, 30, 32),
            Err(Error::BoundsOffset { .. })
        ));
    }

    #[test]
    fn subbyte_size_is_rounded_up_once() {
        let layout = Layout::new(&[3, 3], None).unwrap();
        assert_eq!(layout.nbytes(4), Ok(5));
        assert_eq!(layout.reach(4).unwrap().hi_byte(), 5);
    }

    #[test]
    fn contiguity_ignores_strides_of_size_one() {
        assert!(
            Layout::new(&[1, 3], Some(&[99, 1]))
                .unwrap()
                .is_contiguous()
        );
        assert!(!Layout::new(&[2, 3], Some(&[4, 1])).unwrap().is_contiguous());
        assert!(Layout::new(&[0, 3], Some(&[7, 7])).unwrap().is_contiguous());
    }
}
