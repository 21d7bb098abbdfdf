//! Broadcasting: a shape stretched to another by strides of zero.

use super::Layout;
use crate::error::{Error, Result};

impl Layout {
    /// This layout stretched to `shape`: dimensions are aligned at the end, missing and size-1 ones repeat.
    pub fn broadcast_to(&self, shape: &[i64]) -> Result<Layout> {
        let Some(added) = shape.len().checked_sub(self.ndim()) else {
            return Err(Error::BroadcastNdim {
                from: self.ndim(),
                to: shape.len(),
            });
        };
        let mut layout = Layout::new(shape, None)?;
        layout.strides_mut()[..added].fill(0);
        for (dim, (size, stride)) in self.dims().enumerate() {
            let to = shape[added + dim];
            layout.strides_mut()[added + dim] = if size == to {
                stride
            } else if size == 1 {
                0
            } else {
                return Err(Error::Broadcast {
                    dim,
                    from: size,
                    to,
                });
            };
        }
        Ok(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretched_dimensions_have_stride_zero() {
        let layout = Layout::new(&[3, 1], Some(&[5, 7])).unwrap();
        let wide = layout.broadcast_to(&[2, 3, 4]).unwrap();
        assert_eq!(wide.strides(), [0, 5, 0]);
        assert!(layout.broadcast_to(&[3]).is_err());
        assert!(layout.broadcast_to(&[2, 4]).is_err());
    }
}
