//! The loops of a copy: axes of both sides side by side, merged and ordered so that the destination is written in the
//! order of its addresses.

use super::Side;
use super::shares::Share;
use crate::dtype::DType;
use crate::layout::MAX_NDIM;
use crate::order::sort_few;

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
    pub const ONE: Self = Self {
        size: 1,
        source: 0,
        destination: 0,
    };

    /// Whether units of so many bytes follow each other in the source.
    pub fn is_dense_in(self, unit: usize) -> bool {
        self.source == 8 * unit as i64
    }

    /// Bytes from one step to the next in the source, of units that are whole bytes.
    pub fn source_bytes(self) -> isize {
        (self.source / 8) as isize
    }

    /// The same in the destination.
    pub fn destination_bytes(self) -> isize {
        (self.destination / 8) as isize
    }

    /// Whether units of so many bytes follow each other in the destination.
    pub fn is_dense_out(self, unit: usize) -> bool {
        self.destination == 8 * unit as i64
    }
}

/// Calls `each` with the places of every step of two loops, of units that are whole bytes.
#[inline(always)]
pub fn for_each_place(
    (from, to): (*const u8, *mut u8),
    [outer, inner]: [Axis; 2],
    mut each: impl FnMut(*const u8, *mut u8),
) {
    for i in 0..outer.size {
        for j in 0..inner.size {
            let bytes = |outer: i64, inner: i64| ((i * outer + j * inner) / 8) as isize;
            each(
                from.wrapping_offset(bytes(outer.source, inner.source)),
                to.wrapping_offset(bytes(outer.destination, inner.destination)),
            );
        }
    }
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

    /// The first loops there.
    pub fn first(&self, len: usize) -> &[Axis] {
        &self.0[..len]
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

impl Start {
    /// At the first elements.
    pub const ZERO: Self = Self {
        source: 0,
        destination: 0,
    };

    /// At the same place of the destination on one side, and so many bits further on the other.
    pub fn along_destination(self, bits: i64) -> Self {
        Self {
            source: self.destination,
            destination: self.destination + bits,
        }
    }

    /// After all steps of a loop.
    pub fn after(self, axis: Axis) -> Self {
        Self {
            source: self.source + axis.size * axis.source,
            destination: self.destination + axis.size * axis.destination,
        }
    }
}

impl<'a> Axes<'a> {
    /// No loops yet.
    pub fn none(room: &'a mut [Axis]) -> Self {
        Self { axes: room, len: 0 }
    }

    /// The dimensions of two layouts of one shape. There is room for two loops more than that.
    pub fn new(room: &'a mut [Axis], source: Side<'_>, destination: Side<'_>) -> Self {
        let mut axes = Self::none(room);
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

    /// Elements that follow each other on both sides. There is room for three loops.
    pub fn of_run(room: &'a mut [Axis], size: i64, from: DType, to: DType) -> Self {
        let mut axes = Self::none(room);
        axes.push(Axis {
            size,
            source: from.storage_bits() as i64,
            destination: to.storage_bits() as i64,
        });
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
        let mut start = Start::ZERO;
        let axes = &mut self.axes[..self.len];
        for axis in axes.iter_mut().filter(|axis| axis.destination < 0) {
            start.source += (axis.size - 1) * axis.source;
            start.destination += (axis.size - 1) * axis.destination;
            axis.source = -axis.source;
            axis.destination = -axis.destination;
        }
        sort_few(axes, |axis| {
            core::cmp::Reverse((axis.destination, axis.size))
        });
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

    /// How many loops there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// All of them.
    pub fn each(&self) -> impl Iterator<Item = Axis> {
        self.axes[..self.len].iter().copied()
    }

    /// The innermost loop.
    pub fn innermost(&self) -> Option<Axis> {
        self.axes[..self.len].last().copied()
    }

    /// The loop at `index`, from the outermost.
    pub fn get(&self, index: usize) -> Axis {
        self.axes[index]
    }

    /// The two innermost loops, of one step where there are not as many.
    pub fn inner_two(&self) -> [Axis; 2] {
        match self.axes[..self.len] {
            [.., outer, inner] => [outer, inner],
            [inner] => [Axis::ONE, inner],
            [] => [Axis::ONE; 2],
        }
    }

    /// Steps of all loops together.
    pub fn steps(&self) -> i64 {
        let sizes = self.axes[..self.len].iter().map(|axis| axis.size);
        sizes.fold(1, i64::saturating_mul)
    }

    /// Puts another loop in the place of one.
    pub fn set(&mut self, index: usize, axis: Axis) {
        self.axes[index] = axis;
    }

    /// Takes a loop away.
    pub fn remove(&mut self, index: usize) {
        self.axes.copy_within(index + 1..self.len, index);
        self.len -= 1;
    }

    /// These loops without some of them.
    pub fn without<'b>(&self, others: [Option<Axis>; 2], room: &'b mut [Axis]) -> Axes<'b> {
        let mut axes = Axes::none(room);
        for axis in &self.axes[..self.len] {
            if !others.contains(&Some(*axis)) {
                axes.push(*axis);
            }
        }
        axes
    }

    /// Brings the loops whose steps are closest in the source to the inside.
    pub fn follow_source(&mut self) {
        let axes = &mut self.axes[..self.len];
        let key = |axis: &Axis| (axis.source.unsigned_abs(), axis.destination);
        sort_few(axes, |axis| core::cmp::Reverse(key(axis)));
    }

    /// The other loop of a plane that must be transposed: if elements are adjacent in the destination along the innermost axis, and
    /// closer to each other in the source along another one, several to a cache line, the number of that one.
    pub fn plane(&self, source_bits: i64, destination_bits: i64) -> Option<usize> {
        /// A cache line.
        const LINE_BITS: u64 = 8 * 64;
        let (inner, outer) = self.axes[..self.len].split_last()?;
        let distance = inner.source.unsigned_abs();
        if inner.destination != destination_bits || distance <= source_bits as u64 {
            return None;
        }
        let closer = |axis: &Axis| {
            let apart = axis.source.unsigned_abs();
            apart != 0 && apart < distance && 2 * apart <= LINE_BITS
        };
        (0..outer.len())
            .filter(|&i| closer(&outer[i]))
            .min_by_key(|&i| (outer[i].source.unsigned_abs(), self.len - i))
    }

    /// The number of a loop, or, if that has fewer steps than asked for, of the longest one outside: of those whose steps are not pages apart
    /// in the destination, which share places in the first-level cache.
    pub fn long_enough(&self, index: usize, steps: i64) -> usize {
        const PAGE_BITS: i64 = 8 * 4096;
        let outer = &self.axes[..index];
        let longest = (0..index)
            .filter(|&i| outer[i].destination % PAGE_BITS != 0)
            .max_by_key(|&i| outer[i].size);
        let longer = longest.filter(|&i| outer[i].size > self.axes[index].size);
        match self.axes[index].size < steps {
            true => longer.unwrap_or(index),
            false => index,
        }
    }

    /// Makes the loop at `index` the second innermost.
    pub fn bring_inside(&mut self, index: usize) {
        self.axes[index..self.len - 1].rotate_left(1);
    }

    /// Adds a loop as the second innermost.
    pub fn insert_inside(&mut self, axis: Axis) {
        self.push(axis);
        self.axes[..self.len].swap(self.len - 2, self.len - 1);
    }

    /// Calls `sheet` with the two places and the two innermost loops, for one share of all that is to be done.
    pub fn for_each_sheet(
        &self,
        start: Start,
        share: Share,
        mut sheet: impl FnMut(i64, i64, Axis, Axis),
    ) {
        let Start {
            mut source,
            mut destination,
        } = start;
        let first_inside = self.len.saturating_sub(2);
        let outer = &self.axes[..first_inside];
        let mut inner = self.inner_two();
        // What is divided, among the loops inside or outside.
        let divided = share.axis;
        let divided_size = share.end - share.first;
        if let Some(axis) = self.axes[..self.len].get(divided) {
            source += share.first * axis.source;
            destination += share.first * axis.destination;
            if divided >= first_inside {
                // One loop is the second of the two inside.
                let place = divided - first_inside + usize::from(self.len == 1);
                inner[place].size = divided_size;
            }
        }
        let size_of = |i: usize| {
            if i == divided {
                divided_size
            } else {
                outer[i].size
            }
        };
        if divided_size == 0 {
            return;
        }
        if outer.is_empty() {
            sheet(source, destination, inner[0], inner[1]);
            return;
        }
        let mut index = [0i64; MAX_AXES];
        loop {
            sheet(source, destination, inner[0], inner[1]);
            // The odometer: the innermost of the outer loops that can go on does, those inside it begin again.
            let mut turning = outer.len();
            loop {
                if turning == 0 {
                    return;
                }
                turning -= 1;
                let axis = outer[turning];
                index[turning] += 1;
                if index[turning] < size_of(turning) {
                    source += axis.source;
                    destination += axis.destination;
                    break;
                }
                index[turning] = 0;
                source -= (size_of(turning) - 1) * axis.source;
                destination -= (size_of(turning) - 1) * axis.destination;
            }
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::dlpack::{DLDataType, code};
    use crate::layout::LayoutBuf;

    /// The loops of bytes with these strides on both sides.
    pub fn axes(shape: &[i64], source: &[i64], destination: &[i64]) -> (Axes<'static>, Start) {
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
    fn short_loops_make_way_for_the_longest_whose_steps_are_not_pages_apart() {
        let loop_for = |destination: &[i64], steps| {
            let (axes, _) = axes(&[9, 6, 3], &[100, 10_000, 1_000], destination);
            axes.long_enough(2, steps)
        };
        assert_eq!(loop_for(&[200, 30, 10], 4), 0);
        assert_eq!(loop_for(&[8192, 100, 10], 4), 1);
        assert_eq!(loop_for(&[200, 30, 10], 3), 2);
    }
}
