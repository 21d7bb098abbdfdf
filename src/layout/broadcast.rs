//! Broadcasting: a shape stretched to another by strides of zero.

use super::{Layout, LayoutBuf};
use crate::error::{Error, Result};

impl Layout {
    /// Fills `to` with this layout stretched to `shape`: dimensions are aligned at the end, missing and size-1 ones repeat.
    #[inline(always)]
    pub fn broadcast_to(&self, shape: &[i64], to: &mut LayoutBuf) -> Result<()> {
        let Some(added) = shape.len().checked_sub(self.ndim()) else {
            return Err(Error::BroadcastNdim {
                from: self.ndim(),
                to: shape.len(),
            });
        };
        to.set_dims(shape.len(), |dim| {
            let size = shape[dim];
            match dim.checked_sub(added) {
                Some(dim) if self.shape()[dim] == size => (size, self.strides()[dim]),
                _ => (size, 0),
            }
        })?;
        for (dim, &from) in self.shape().iter().enumerate() {
            let to = shape[added + dim];
            if from != to && from != 1 {
                return Err(Error::Broadcast { dim, from, to });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretched_dimensions_have_stride_zero() {
        let layout = LayoutBuf::of(&[3, 1], Some(&[5, 7])).unwrap();
        let mut wide = LayoutBuf::new();
        layout.broadcast_to(&[2, 3, 4], &mut wide).unwrap();
        assert_eq!(wide.strides(), [0, 5, 0]);
        assert!(layout.broadcast_to(&[3], &mut wide).is_err());
        assert!(layout.broadcast_to(&[2, 4], &mut wide).is_err());
    }
}
