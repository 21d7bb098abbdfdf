//! The loops of a copy: axes of both sides side by side, merged and ordered so that the destination is written in the
//! order of its addresses.

use super::Side;
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

    /// The loop to divide among threads, its size, and into how many parts, which are `parts` at most and go along a page of the destination
    /// at least. The outermost one that has four for each thread, so that the loops inside stay whole, unless it repeats what the others
    /// read; or two; else the one that has most. The two innermost loops may be those of planes, of which a part has `narrowest` steps, more
    /// than one: then rows had better be whole as well.
    #[inline(never)]
    pub fn divisible(&self, parts: i64, threads: i64, narrowest: i64) -> (usize, i64, i64) {
        const PAGE_BITS: u64 = 8 * 4096;
        let (inside, whole) = (
            self.len.saturating_sub(2),
            self.len - usize::from(narrowest > 1 && self.len > 0),
        );
        // The best loop so far, how good it is, and how many parts it has.
        let mut best = (0, 0, 1);
        for (i, axis) in self.axes[..self.len].iter().enumerate() {
            let page = PAGE_BITS / axis.destination.unsigned_abs().clamp(1, PAGE_BITS);
            let fewest = if i < inside { 1 } else { narrowest };
            let most = (axis.size / fewest.max(page as i64)).max(1);
            let rank = match most {
                _ if most >= parts.min(4 * threads) && i < whole && axis.source != 0 => i64::MAX,
                _ if most >= parts.min(2 * threads) => i64::MAX - 1,
                _ => most,
            };
            if rank > best.1 {
                best = (i, rank, most);
            }
        }
        let (i, _, most) = best;
        let size = self.axes[..self.len].get(i).map_or(1, |axis| axis.size);
        (i, size, parts.min(most))
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

/// What one of several threads does: some of the steps of one loop.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    axis: usize,
    first: i64,
    end: i64,
}

impl Share {
    /// Part `part` of `parts` of a loop, given by its number and size. Parts begin at multiples of a line of bytes where
    /// the loop is long.
    pub fn new(part: i64, parts: i64, (axis, size): (usize, i64)) -> Self {
        const MULTIPLE: i64 = 64;
        let bound = |part: i64| {
            if part == 0 || part == parts {
                return if part == 0 { 0 } else { size };
            }
            // In 128 bits: a size may be close to 2^63.
            let exact = (i128::from(size) * i128::from(part) / i128::from(parts)) as i64;
            if size / parts >= 4 * MULTIPLE {
                exact / MULTIPLE * MULTIPLE
            } else {
                exact
            }
        };
        Self {
            axis,
            first: bound(part),
            end: bound(part + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlpack::{DLDataType, code};
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
    fn what_threads_divide_leaves_rows_whole() {
        // Rows of two pages, in an order of their own: not 8192 elements into as many parts, but 64 loops around.
        let row = 8192;
        let source = [row, 192 * row, 64 * row, 1];
        let (rows, _) = axes(&[64, 3, 16, row], &source, &[48 * row, 16 * row, row, 1]);
        assert_eq!(rows.divisible(96, 2, 1), (0, 64, 64));
        assert_eq!(rows.divisible(96, 32, 1), (0, 64, 64));
        // A few long rows are divided, by pages at least.
        let (rows, _) = axes(&[3, 100 * row], &[200 * row, 1], &[100 * row, 1]);
        assert_eq!(rows.divisible(1000, 2, 1), (1, 100 * row, 200));
        // Planes: of a few, which have a few parts of 128 rows, rows stay whole; of many, each is one.
        let (planes, _) = axes(
            &[3, 1000, 2000],
            &[2_000_000, 1, 1000],
            &[2_000_000, 2000, 1],
        );
        assert_eq!(planes.divisible(24, 2, 128), (1, 1000, 7));
        let (planes, _) = axes(&[40, 300, 300], &[90_000, 1, 300], &[90_000, 300, 1]);
        assert_eq!(planes.divisible(14, 2, 128), (0, 40, 14));
        // What repeats is read by each thread, if the row is too short for several.
        let (rows, _) = axes(&[20, 100 * row], &[0, 1], &[100 * row, 1]);
        assert_eq!(rows.divisible(64, 2, 1), (1, 100 * row, 64));
        let (rows, _) = axes(&[2000, row], &[0, 1], &[row, 1]);
        assert_eq!(rows.divisible(64, 2, 1), (0, 2000, 64));
        // One loop, and none.
        let (run, _) = axes(&[1 << 20], &[1], &[1]);
        assert_eq!(run.divisible(4, 2, 1), (0, 1 << 20, 4));
        let (none, _) = axes(&[1], &[1], &[1]);
        assert_eq!(none.divisible(4, 2, 1), (0, 1, 1));
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

    #[test]
    fn parts_cover_every_element_once() {
        let (axes, start) = axes(&[7, 3], &[1, 7], &[3, 1]);
        for divided in [(0, 7), (1, 3)] {
            for parts in 1..=9 {
                let mut seen = [0; 21];
                for part in 0..parts {
                    let share = Share::new(part, parts, divided);
                    axes.for_each_sheet(start, share, |source, destination, outer, inner| {
                        for i in 0..outer.size * inner.size {
                            let (i, j) = (i / inner.size, i % inner.size);
                            let s = source + i * outer.source + j * inner.source;
                            let d = destination + i * outer.destination + j * inner.destination;
                            assert_eq!(s / 8, d / 8 / 3 + d / 8 % 3 * 7);
                            seen[(d / 8) as usize] += 1;
                        }
                    });
                }
                assert_eq!(seen, [1; 21]);
            }
        }
    }
}
