//! Broadcasting: a shape stretched to another by strides of zero.

use super::{Layout, Room};
use crate::error::{Error, Result};

impl Layout {
    /// This layout stretched to `shape`: dimensions are aligned at the end, missing and size-1 ones repeat. It is put into
    /// `room` unless it is this one.
    #[inline(always)]
    pub fn broadcast_to<'a>(&'a self, shape: &[i64], room: &'a mut Room) -> Result<&'a Self> {
        if self.ndim() == shape.len() && self.shape().iter().eq(shape) {
            return Ok(self);
        }
        self.stretched_to(shape, room)
    }

    #[inline(never)]
    fn stretched_to<'a>(&'a self, shape: &[i64], room: &'a mut Room) -> Result<&'a Self> {
        let Some(added) = shape.len().checked_sub(self.ndim()) else {
            return Err(Error::BroadcastNdim {
                from: self.ndim(),
                to: shape.len(),
            });
        };
        room.set_dims(shape.len(), |dim| {
            // SAFETY: one of the shape; those after the added ones are its own.
            unsafe {
                let size = *shape.get_unchecked(dim);
                match dim.checked_sub(added) {
                    Some(own) if self.dim(own).0 == size => self.dim(own),
                    _ => (size, 0),
                }
            }
        })?;
        let both = self.shape().iter().zip(shape.iter().skip(added));
        for (dim, (&from, &to)) in both.enumerate() {
            if from != to && from != 1 {
                return Err(Error::Broadcast { dim, from, to });
            }
        }
        Ok(room)
    }
}

#[cfg(test)]
mod tests {
    use crate::layout::LayoutBuf;

    #[test]
    fn stretched_dimensions_have_stride_zero() {
        let layout = LayoutBuf::of(&[3, 1], Some(&[5, 7])).unwrap();
        let mut room = LayoutBuf::new();
        let wide = layout.broadcast_to(&[2, 3, 4], &mut room).unwrap();
        assert_eq!(wide.strides(), [0, 5, 0]);
        let same = layout.broadcast_to(&[3, 1], &mut room).unwrap();
        assert_eq!(same.strides(), [5, 7]);
        assert!(layout.broadcast_to(&[3], &mut room).is_err());
        assert!(layout.broadcast_to(&[2, 4], &mut room).is_err());
    }
}
