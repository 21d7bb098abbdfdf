//! The loops of a copy: axes of both sides side by side, merged and ordered so that the destination is written in the
//! order of its addresses.

use super::Side;
use crate::layout::MAX_NDIM;

/// One loop: how many steps, and how many bits a step moves on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Steps.
    pub size: i64,
    /// Bits from one element to the next in the source.
    pub source: i64,
    /// Bits from one element to the next in the destination.
    pub destination: i64,
}

impl Axis {
    /// A loop of one step.
    const ONE: Self = Self {
        size: 1,
        source: 0,
        destination: 0,
    };
}

/// Dimensions, lanes, and the two halves of complex numbers.
pub const MAX_AXES: usize = MAX_NDIM + 2;

/// Room for the loops of a copy of `N - 2` dimensions.
pub struct Room<const N: usize>([Axis; N]);

impl<const N: usize> Room<N> {
    /// Room that is not used yet.
    pub fn new() -> Self {
        Self([Axis::ONE; N])
    }

    /// The room, of whatever size.
    pub fn as_mut(&mut self) -> &mut [Axis] {
        &mut self.0
    }
}

/// Loops from the outermost to the innermost.
pub struct Axes<'a> {
    axes: &'a mut [Axis],
    len: usize,
}

/// Where a traversal begins, in bits from the first element of each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    source: i64,
    destination: i64,
}

impl<'a> Axes<'a> {
    /// The dimensions of two layouts of one shape. There is room for two loops more than that.
    pub fn new(room: &'a mut [Axis], source: Side<'_>, destination: Side<'_>) -> Self {
        let mut axes = Self { axes: room, len: 0 };
        // Strides of dimensions that are walked fit 63 bits: the reach of both layouts was proved.
        let (from, to) = (
            source.dtype.storage_bits() as i64,
            destination.dtype.storage_bits() as i64,
        );
        for (dim, &size) in destination.layout.shape().iter().enumerate() {
            axes.push(Axis {
                size,
                source: source.layout.strides()[dim].wrapping_mul(from),
                destination: destination.layout.strides()[dim].wrapping_mul(to),
            });
        }
        axes
    }

    /// Adds a loop inside the others.
    pub fn push(&mut self, axis: Axis) {
        if axis.size != 1 {
            self.axes[self.len] = axis;
            self.len += 1;
        }
    }

    /// Turns, orders and merges the loops; returns where they begin.
    pub fn simplify(&mut self) -> Start {
        let mut start = Start {
            source: 0,
            destination: 0,
        };
        let axes = &mut self.axes[..self.len];
        for axis in axes.iter_mut().filter(|axis| axis.destination < 0) {
            start.source += (axis.size - 1) * axis.source;
            start.destination += (axis.size - 1) * axis.destination;
            axis.source = -axis.source;
            axis.destination = -axis.destination;
        }
        axes.sort_unstable_by_key(|axis| core::cmp::Reverse((axis.destination, axis.size)));
        let mut merged = 0;
        for i in 1..axes.len() {
            let (outer, inner) = (axes[merged], axes[i]);
            if outer.source == inner.source.wrapping_mul(inner.size)
                && outer.destination == inner.destination.wrapping_mul(inner.size)
            {
                axes[merged] = Axis {
                    size: outer.size * inner.size,
                    ..inner
                };
            } else {
                merged += 1;
                axes[merged] = inner;
            }
        }
        self.len = self.len.min(merged + 1);
        start
    }

    /// Steps of the outermost loop, which is what can be divided among threads.
    pub fn outermost_size(&self) -> i64 {
        self.axes[..self.len].first().map_or(1, |axis| axis.size)
    }

    /// Brings a transposed plane to the inside: if elements are adjacent in the destination along the innermost axis and
    /// in the source along another, that one becomes the second innermost. Returns whether there is such a plane.
    pub fn find_plane(&mut self, source_bits: i64, destination_bits: i64) -> bool {
        let Some((inner, outer)) = self.axes[..self.len].split_last() else {
            return false;
        };
        if inner.destination != destination_bits || inner.source == source_bits || inner.size < 2 {
            return false;
        }
        let Some(along) = outer.iter().rposition(|axis| axis.source == source_bits) else {
            return false;
        };
        self.axes[along..self.len - 1].rotate_left(1);
        true
    }

    /// Calls `run` with the two places and the `inside` innermost axes, for part `part` of `parts` of the outermost loop.
    /// There is always at least one axis.
    pub fn for_each_run(
        &self,
        start: Start,
        part: i64,
        parts: i64,
        inside: usize,
        mut run: impl FnMut(i64, i64, &[Axis]),
    ) {
        let one = [Axis::ONE];
        let axes = if self.len == 0 {
            &one
        } else {
            &self.axes[..self.len]
        };
        let Start {
            mut source,
            mut destination,
        } = start;
        // In 128 bits: a size may be close to 2^63.
        let bound = |part: i64| match parts {
            1 => part * axes[0].size,
            _ => (i128::from(axes[0].size) * i128::from(part) / i128::from(parts)) as i64,
        };
        let (first, end) = (bound(part), bound(part + 1));
        source += first * axes[0].source;
        destination += first * axes[0].destination;
        let size_of_part = end - first;

        let (outer, inner) = axes.split_at(axes.len() - inside);
        let mut innermost = [Axis::ONE; 2];
        let innermost = &mut innermost[..inside];
        innermost.copy_from_slice(inner);
        if outer.is_empty() {
            innermost[0].size = size_of_part;
            run(source, destination, innermost);
            return;
        }
        let mut index = [0i64; MAX_AXES];
        loop {
            run(source, destination, innermost);
            // The odometer: the innermost of the outer loops that can go on does, those inside it begin again.
            let mut turning = outer.len();
            loop {
                if turning == 0 {
                    return;
                }
                turning -= 1;
                let axis = outer[turning];
                let size = if turning == 0 {
                    size_of_part
                } else {
                    axis.size
                };
                index[turning] += 1;
                if index[turning] < size {
                    source += axis.source;
                    destination += axis.destination;
                    break;
                }
                index[turning] = 0;
                source -= (size - 1) * axis.source;
                destination -= (size - 1) * axis.destination;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlpack::{DLDataType, code};
    use crate::dtype::DType;
    use crate::layout::LayoutBuf;

    fn axes(shape: &[i64], source: &[i64], destination: &[i64]) -> (Axes<'static>, Start) {
        let raw = DLDataType {
            code: code::UINT,
            bits: 8,
            lanes: 1,
        };
        let dtype = DType::new(raw, false).unwrap();
        let pointer = core::ptr::null_mut();
        let layouts = [source, destination].map(|s| LayoutBuf::of(shape, Some(s)).unwrap());
        let side = |layout| Side {
            pointer,
            layout,
            dtype,
        };
        let room = Box::leak(Box::new(Room::<MAX_AXES>::new()));
        let mut axes = Axes::new(room.as_mut(), side(&layouts[0]), side(&layouts[1]));
        let start = axes.simplify();
        (axes, start)
    }

    #[test]
    fn contiguous_dimensions_merge_to_one_run() {
        let (axes, _) = axes(&[4, 1, 6], &[6, 99, 1], &[6, 0, 1]);
        assert_eq!(axes.len, 1);
        assert_eq!(axes.axes[0].size, 24);
    }

    #[test]
    fn reversed_destinations_are_written_forwards() {
        let (axes, start) = axes(&[5], &[1], &[-1]);
        assert_eq!(axes.axes[0].source, -8);
        assert_eq!((start.source, start.destination), (32, -32));
    }

    #[test]
    fn parts_cover_every_element_once() {
        let (axes, start) = axes(&[7, 3], &[1, 7], &[3, 1]);
        for parts in 1..=7 {
            let mut seen = [0; 21];
            for part in 0..parts {
                axes.for_each_run(start, part, parts, 1, |source, destination, inside| {
                    let run = inside[0];
                    for i in 0..run.size {
                        let (s, d) = (source + i * run.source, destination + i * run.destination);
                        assert_eq!(s / 8, d / 8 / 3 + d / 8 % 3 * 7);
                        seen[(d / 8) as usize] += 1;
                    }
                });
            }
            assert_eq!(seen, [1; 21]);
        }
    }
}
