//! Shape and strides, proved: element count, reach, contiguity. Views are functions from layout to layout.

mod broadcast;
mod buffer;
mod diophantine;
mod overlap;
mod plain;
mod reshape;
mod views;

pub use buffer::{LayoutBuf, Room};
pub use overlap::{Answer, Placed, overlaps_itself, shares_bits};
pub use reshape::infer_shape;
pub use views::{MakeRoom, Slice, View};

use crate::error::{Error, Result};

/// Highest rank of a tensor.
pub const MAX_NDIM: usize = 64;

/// So many dimensions are gone through without a loop where time counts: often these are all.
const FEW: usize = 4;

/// Shape and strides (in elements) of a tensor, in a [`Room`]: on the stack or behind a tensor in its block.
///
/// Every value of this type has passed [`Room::set`] or [`Room::set_plain_at`], or was derived from one that did by a function of this
/// module: no dimension is negative and the number of elements fits an `i64`. Strides of dimensions of size 0 or 1 mean nothing
/// and are kept as given.
#[repr(C)]
pub struct Layout {
    /// Number of elements, kept up to date by whoever sets the shape.
    numel: i64,
    /// Shape, then strides.
    dims: [i64],
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
    #[inline(always)]
    pub fn lo_byte(self) -> i64 {
        self.lo >> 3
    }

    /// One past the last byte.
    #[inline(always)]
    pub fn hi_byte(self) -> i64 {
        // Not negative, so the sum fits.
        ((self.hi as u64 + 7) >> 3) as i64
    }

    /// The bytes that are reached from address `first`, and those between: none if they leave the address space.
    #[inline(always)]
    pub fn addresses(self, first: u64) -> Option<(u64, u64)> {
        // The signs are known, which makes these checks cheaper than those of signed additions.
        let start = first.checked_sub(-self.lo_byte() as u64)?;
        let end = first.checked_add(self.hi_byte() as u64)?;
        Some((start, end))
    }
}

impl Layout {
    /// The layout that begins, with the number of elements, at `start`.
    ///
    /// # Safety
    /// There is one of this rank, in a [`Room`], which is not changed for as long as is said here.
    #[inline(always)]
    pub unsafe fn at<'a>(start: *const i64, ndim: usize) -> &'a Self {
        // SAFETY: the caller's promise; no layout has a higher rank. The number of elements comes first, so the slice's length is that
        // of `dims`.
        unsafe {
            core::hint::assert_unchecked(ndim <= MAX_NDIM);
            &*(core::ptr::slice_from_raw_parts(start, 2 * ndim) as *const Self)
        }
    }

    /// Rank.
    #[inline(always)]
    pub fn ndim(&self) -> usize {
        self.dims.len() / 2
    }

    /// Sizes of the dimensions.
    #[inline(always)]
    pub fn shape(&self) -> &[i64] {
        &self.dims[..self.ndim()]
    }

    /// Strides of the dimensions, in elements.
    #[inline(always)]
    pub fn strides(&self) -> &[i64] {
        &self.dims[self.ndim()..]
    }

    /// Size and stride of each dimension.
    #[inline(always)]
    fn dims(&self) -> impl DoubleEndedIterator<Item = (i64, i64)> + ExactSizeIterator {
        self.shape()
            .iter()
            .copied()
            .zip(self.strides().iter().copied())
    }

    /// Number of elements.
    #[inline(always)]
    pub fn numel(&self) -> i64 {
        self.numel
    }

    /// Number of elements, of which those that a stride of zero repeats count once. Not empty.
    pub fn numel_once(&self) -> i64 {
        let sizes = self.dims().filter(|&(_, stride)| stride != 0);
        sizes.map(|(size, _)| size).product()
    }

    /// Bytes of the elements stored one after another, rounded up once.
    #[inline(always)]
    pub fn nbytes(&self, element_bits: u64) -> Result<i64> {
        // Proved: not negative.
        let numel = self.numel as u64;
        match numel.checked_mul(element_bits) {
            Some(bits) => Ok(bits.div_ceil(8) as i64),
            None => nbytes_of_many(numel, element_bits),
        }
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

    /// Whether both layouts have one shape, and are contiguous.
    #[inline(always)]
    pub fn is_contiguous_and_like(&self, other: &Self) -> bool {
        if other.ndim() != self.ndim() {
            return false;
        }
        let mut expected = 1;
        for ((size, stride), (other_size, other_stride)) in self.dims().zip(other.dims()).rev() {
            let follows = size == 1 || stride == expected && other_stride == expected;
            if size != other_size || !follows {
                return false;
            }
            // Sizes of a layout without elements may be large.
            expected = size.wrapping_mul(expected);
        }
        true
    }

    /// The bits that the elements touch, proved to fit 63 bits on either side of the first element.
    #[inline(always)]
    pub fn reach(&self, element_bits: u64) -> Result<Reach> {
        if self.numel() == 0 {
            return Ok(Reach { lo: 0, hi: 0 });
        }
        // Neither end comes back towards the first element, so what leaves 63 bits at any step has left them for good.
        let bits = element_bits as i64;
        let (mut lo, mut hi) = (0i64, bits);
        for (dim, (size, stride)) in self.dims().enumerate() {
            let far = (size - 1)
                .checked_mul(stride)
                .and_then(|far| far.checked_mul(bits));
            let end = match far {
                Some(far) if far < 0 => lo.checked_add(far).map(|end| lo = end),
                Some(far) => hi.checked_add(far).map(|end| hi = end),
                None => None,
            };
            end.ok_or(Error::Reach { dim, stride, size })?;
        }
        Ok(Reach { lo, hi })
    }

    /// Proves that elements starting at byte `first` of a memory of `nbytes` bytes stay inside it.
    ///
    /// `reach` is theirs, from [`Layout::reach`]. The error names the dimension that leaves the memory.
    #[inline(always)]
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
                        reaches: outside.div_euclid(8).into(),
                        nbytes,
                    };
                }
            }
        }
        Error::BoundsOffset {
            byte_offset: first.into(),
            nbytes,
        }
    }

    /// Proves that elements from address `first` on stay inside the address space; returns the bytes that they reach.
    #[inline(always)]
    pub fn check_addresses(
        &self,
        element_bits: u64,
        reach: Reach,
        first: u64,
    ) -> Result<(u64, u64)> {
        reach
            .addresses(first)
            .ok_or_else(|| self.leaving_addresses(element_bits, first))
    }

    /// The error that names the dimension with which elements leave the address space, as they do.
    #[cold]
    fn leaving_addresses(&self, element_bits: u64, first: u64) -> Error {
        match self.leaving(element_bits, i128::from(first), u64::MAX) {
            Error::Bounds {
                dim, size, stride, ..
            } => Error::AddressReach {
                dim,
                stride,
                size,
                first,
            },
            _ => Error::AddressElement { first },
        }
    }
}

/// Proves a rank.
#[inline(always)]
pub fn check_ndim(ndim: i64) -> Result<usize> {
    match usize::try_from(ndim) {
        Ok(rank) if rank <= MAX_NDIM => Ok(rank),
        _ => Err(Error::Ndim { ndim }),
    }
}

/// The number of elements of a shape. Only a size of zero makes it zero.
#[cold]
fn count_elements(shape: &[i64]) -> Result<i64> {
    let mut sizes = shape.iter().copied().enumerate();
    if let Some((dim, size)) = sizes.find(|(_, size)| *size < 0) {
        return Err(Error::NegativeSize { dim, size });
    }
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

/// [`Layout::nbytes`] where the number of bits does not fit 64.
#[cold]
fn nbytes_of_many(numel: u64, element_bits: u64) -> Result<i64> {
    let bytes = (u128::from(numel) * u128::from(element_bits)).div_ceil(8);
    i64::try_from(bytes).map_err(|_| Error::ByteSize {
        numel: numel as i64,
        bits: element_bits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_wraps_to_zero_is_an_error() {
        assert!(matches!(
            LayoutBuf::of(&[1 << 32, 1 << 32], None).map(|layout| layout.numel()),
            Err(Error::ElementCount { dim: 1, .. })
        ));
        assert_eq!(
            LayoutBuf::of(&[0, 1 << 40, 1 << 40], None).unwrap().numel(),
            0
        );
    }

    #[test]
    fn reach_counts_negative_strides_below_zero() {
        let layout = LayoutBuf::of(&[3, 4], Some(&[-10, 2])).unwrap();
        assert_eq!(layout.reach(8), Ok(Reach { lo: -160, hi: 56 }));
    }

    #[test]
    fn bounds_name_the_dimension_that_leaves() {
        let layout = LayoutBuf::of(&[2, 4], Some(&[4, 1])).unwrap();
        let reach = layout.reach(32).unwrap();
        assert_eq!(layout.check_within(32, reach, 0, 32), Ok(()));
        assert!(matches!(
            layout.check_within(32, reach, 0, 31),
            Err(Error::Bounds {
                dim: 1,
                reaches,
                ..
            }) if reaches == 31.into()
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
        let layout = LayoutBuf::of(&[3, 3], None).unwrap();
        assert_eq!(layout.nbytes(4), Ok(5));
        assert_eq!(layout.reach(4).unwrap().hi_byte(), 5);
    }

    #[test]
    fn contiguity_ignores_strides_of_size_one() {
        assert!(
            LayoutBuf::of(&[1, 3], Some(&[99, 1]))
                .unwrap()
                .is_contiguous()
        );
        assert!(
            !LayoutBuf::of(&[2, 3], Some(&[4, 1]))
                .unwrap()
                .is_contiguous()
        );
        assert!(
            LayoutBuf::of(&[0, 3], Some(&[7, 7]))
                .unwrap()
                .is_contiguous()
        );
    }
}
