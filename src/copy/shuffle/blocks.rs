//! Which loops a block takes, and whether it pays.

use super::{BYTES, LARGEST, is_possible};
use crate::copy::axes::{Axes, Axis, MAX_AXES};
use crate::copy::mover::Mover;
use crate::copy::offsets::MOST;
use crate::copy::rounds::Rounds;
use crate::copy::strided::is_movable;
use crate::prefetch::LINE;

/// Bytes of runs, on either side, that are long enough.
const LONG: i64 = 48;

/// Bytes of a unit while it is permuted, at most, and of one in blocks that are not one run on both sides: larger units move as well one by one.
const LARGEST_UNIT: usize = 8;
const SMALL_UNIT: usize = 2;

/// Bytes of a copy from which blocks pay, from which they pay instead of small planes, and of pieces that are moved in two parts.
const FEWEST: i64 = 4 << 10;
const FEWEST_PLANES: i64 = 16 << 10;
const FEWEST_PARTS: i64 = 64 << 10;

/// Loops of a block, at most: each has two steps, or more.
pub const LOOPS: usize = BYTES.ilog2() as usize;

/// Bytes by which a loop moves on one side.
pub type Sided = fn(Axis) -> isize;

/// The first of some loops, of more than one step, that goes on where a run of so many bytes ends, or comes from there.
pub fn following(mut loops: impl Iterator<Item = Axis>, run: usize, step: Sided) -> Option<usize> {
    loops.position(|axis| step(axis).unsigned_abs() == run && axis.size > 1)
}

/// How loops go on where each other ends, on one side of a block.
#[derive(Clone, Copy)]
struct Chain {
    /// Units of a run.
    units: i64,
    /// The loop that makes it longer, if it has more steps.
    next: Option<usize>,
}

/// Whether blocks take less time than what would be done otherwise.
pub type Beat = fn(&Blocks) -> bool;

/// The loops of a block: steps of each of all loops.
pub struct Blocks {
    /// Bytes of all of them.
    bytes: i64,
    steps: [i64; MAX_AXES],
    units: i64,
    /// Rows and columns of a plane that stays whole if it fits, or one of each.
    plane: [i64; 2],
    /// Bytes of a unit on each side, and while it is permuted.
    sizes: [usize; 2],
    unit: usize,
    /// Units of a run on each side, and of a piece that stays whole.
    runs: [i64; 2],
    piece: i64,
}

impl Blocks {
    /// The loops of a block of the units of a mover, if there are such blocks and a copy of so many bytes is worth them: those of a plane, if
    /// there is one that is not too large, and on both sides those that follow each other, until runs are long enough.
    pub fn of(
        mover: &Mover,
        axes: &Axes<'_>,
        bytes: i64,
        plane: Option<[usize; 2]>,
    ) -> Option<Self> {
        let fits = is_possible() && mover.moves_bytes() && bytes >= FEWEST;
        fits.then(|| Self::choose(mover.units(), axes, bytes, plane))
            .flatten()
    }

    /// The same of units of so many bytes on each side, whether or not the processor has the instructions.
    fn choose(
        (from, to): (usize, usize),
        axes: &Axes<'_>,
        bytes: i64,
        plane: Option<[usize; 2]>,
    ) -> Option<Self> {
        let unit = from.min(to);
        if unit > LARGEST_UNIT || axes.len() < 2 {
            return None;
        }
        let inner = axes.get(axes.len() - 1);
        let dense = inner.is_dense_in(from) && inner.is_dense_out(to);
        let mut blocks = Self {
            bytes,
            steps: [1; MAX_AXES],
            units: 1,
            plane: plane.map_or([1; 2], |plane| plane.map(|i| axes.get(i).size)),
            sizes: [from, to],
            unit,
            runs: [1; 2],
            piece: if dense { inner.size } else { 1 },
        };
        let sides: [(usize, Sided); 2] =
            [(from, Axis::source_bytes), (to, Axis::destination_bytes)];
        let most = (BYTES / unit).min(LARGEST / from.max(to)) as i64;
        for i in plane.into_iter().flatten() {
            blocks.grow_to(i, axes.get(i).size, most);
        }
        let mut open = [true; 2];
        loop {
            let chains = sides.map(|(unit, step)| blocks.chain(axes, unit, step));
            blocks.runs = chains.map(|chain| chain.units);
            // The shorter side first.
            let first = usize::from(chains[1].units < chains[0].units);
            let short = |side: usize| open[side] && blocks.run_bytes(side) < LONG;
            let Some((side, next)) = [first, 1 - first]
                .into_iter()
                .filter(|&side| short(side))
                .find_map(|side| Some((side, chains[side].next?)))
            else {
                break;
            };
            let (now, size) = (blocks.steps[next], axes.get(next).size);
            // What is left would be few.
            let steps = if 8 * now > 3 * size { size } else { 2 * now };
            open[side] = blocks.grow_to(next, steps, most);
        }
        blocks.fill_pair(axes, most);
        (blocks.runs_on_sides() <= MOST as i64).then_some(blocks)
    }

    /// The loops that follow each other on one side.
    fn chain(&self, axes: &Axes<'_>, unit: usize, step: Sided) -> Chain {
        let mut units = 1;
        loop {
            let from_inside = (0..axes.len()).rev().map(|i| axes.get(i));
            let next = following(from_inside, units as usize * unit, step);
            let next = next.map(|number| axes.len() - 1 - number);
            let Some(i) = next else {
                return Chain { units, next };
            };
            units *= self.steps[i];
            if self.steps[i] < axes.get(i).size {
                return Chain { units, next };
            }
        }
    }

    /// If a block is one run on both sides, makes both as long as two registers, which take little longer than one that is not full.
    fn fill_pair(&mut self, axes: &Axes<'_>, most: i64) {
        const PAIR: i64 = 2 * LINE as i64;
        let [from, to] = self.sizes;
        let source = self.chain(axes, from, Axis::source_bytes).next;
        let destination = self.chain(axes, to, Axis::destination_bytes).next;
        // What goes on with one side may not with the other.
        let both = destination.filter(|_| source == destination && self.are_runs());
        let Some(next) = both else {
            return;
        };
        let others = self.units / self.steps[next];
        let steps = PAIR / self.unit as i64 / others;
        self.grow_to(next, steps.min(axes.get(next).size), most);
        self.runs = [self.units; 2];
    }

    /// Takes so many steps of a loop, or fewer, if blocks can have no more than so many units. Returns whether there are more than before.
    fn grow_to(&mut self, index: usize, steps: i64, most: i64) -> bool {
        let now = self.steps[index];
        let others = self.units / now;
        self.steps[index] = steps.min(most / others).max(now);
        self.units = others * self.steps[index];
        self.steps[index] > now
    }

    /// Bytes of a run on one side.
    fn run_bytes(&self, side: usize) -> i64 {
        self.runs[side] * self.unit as i64
    }

    /// Runs on the side that has more.
    fn runs_on_sides(&self) -> i64 {
        self.units / self.runs[0].min(self.runs[1])
    }

    /// About how long a block takes, in eighths of a cycle: what was measured.
    fn cost(&self) -> i64 {
        const BLOCK: i64 = 80;
        const PERMUTED: i64 = 14;
        const MOVED: i64 = 12;
        const MOVED_BYTES: i64 = 4;
        let lines = (self.units * self.unit as i64 - 1) / LINE as i64 + 1;
        let moved = |side: usize| match self.units / self.runs[side] {
            1 => 0,
            runs => runs * MOVED + self.units * self.sizes[side] as i64 / MOVED_BYTES,
        };
        BLOCK + lines * ((lines + 1) / 2) * PERMUTED + moved(0) + moved(1)
    }

    /// Whether they are one run on each side.
    pub fn are_runs(&self) -> bool {
        self.runs == [self.units; 2]
    }

    /// Whether they take less time than [patterns](crate::copy::pattern), which move piece by piece, or in two parts those of few bytes that
    /// are no number.
    pub fn beat_patterns(&self) -> bool {
        const PIECE: i64 = 10;
        const IN_PARTS: i64 = 18;
        let bytes = self.piece * self.unit as i64;
        let in_parts = bytes < 8 && !is_movable(bytes as usize);
        let piece = match in_parts && self.bytes >= FEWEST_PARTS {
            true => IN_PARTS,
            false => PIECE,
        };
        let small = self.unit <= SMALL_UNIT || self.are_runs();
        small && self.cost() * self.piece < self.units * piece
    }

    /// Whether they take less time than [small planes](crate::copy::small_planes), of which those of larger units take more for each.
    pub fn beat_small_planes(&self) -> bool {
        let tenths = 13 + 7 * self.unit as i64;
        let enough = self.bytes >= FEWEST_PLANES;
        enough && self.are_runs() && 10 * self.cost() < self.units * tenths
    }

    /// The same of planes that are no run on a side.
    pub fn beat_planes_apart(&self) -> bool {
        self.unit <= SMALL_UNIT && self.have_runs_of(LONG) && self.beat_planes(0)
    }

    /// The same of planes whose rows in the destination share so few places of the first-level cache that it loses each of them.
    pub fn beat_lost_planes(&self) -> bool {
        const LOST: i64 = 120;
        self.unit <= SMALL_UNIT
            && self.have_runs_of(LONG / 2)
            && self.beat_planes(LOST * self.plane[0])
    }

    /// Whether they take less time than planes, if rows take so many eighths of a cycle more, of either.
    fn beat_planes(&self, rows_lost: i64) -> bool {
        const PLANE: i64 = 180;
        const PIECE: i64 = 95;
        let [rows, columns] = self.plane;
        let pieces = (rows + 7) / 8 * ((columns + 7) / 8);
        // None, if a plane is too large for a block.
        let planes = self.units / (rows * columns);
        let each = PLANE + PIECE * pieces + rows_lost;
        // Blocks take half as long again as their cost.
        let quick = 3 * self.cost() + 2 * rows_lost < 2 * planes * each;
        self.bytes >= FEWEST_PLANES && quick
    }

    /// Whether runs on both sides have so many bytes.
    fn have_runs_of(&self, bytes: i64) -> bool {
        [0, 1].into_iter().all(|side| self.run_bytes(side) >= bytes)
    }

    /// Takes the loops away, from the innermost one on.
    pub fn take(&self, axes: &mut Axes<'_>) -> Loops {
        let mut loops = Loops {
            axes: [Axis::ONE; LOOPS],
            len: 0,
            rounds: [Rounds::ONE; 2],
            partial: [LOOPS; 2],
        };
        let mut partial = 0;
        for i in (0..axes.len()).rev().filter(|&i| self.steps[i] > 1) {
            let rounds = Rounds::of(axes, i, self.steps[i]);
            if !rounds.is_whole() {
                loops.rounds[partial] = rounds;
                loops.partial[partial] = loops.len;
                partial += 1;
            }
            loops.axes[loops.len] = rounds.inside;
            loops.len += 1;
        }
        loops
    }
}

/// The loops of a block.
pub struct Loops {
    axes: [Axis; LOOPS],
    len: usize,
    /// The rounds of two of them at most, on each side the last one, and which they are.
    rounds: [Rounds; 2],
    partial: [usize; 2],
}

impl Loops {
    pub fn rounds(&self) -> [Rounds; 2] {
        self.rounds
    }

    /// The loops, with so many steps of those that go in rounds, and how many there are.
    pub fn of_steps(&self, steps: [usize; 2]) -> ([Axis; LOOPS], usize) {
        let mut axes = self.axes;
        for (partial, steps) in self.partial.into_iter().zip(steps) {
            if let Some(axis) = axes.get_mut(partial) {
                axis.size = steps as i64;
            }
        }
        (axes, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::axes::tests::axes;

    /// What a copy of bytes in row-major order to that of these dimensions, from the outermost one on, goes by.
    fn blocks(
        shape: &[i64],
        order: &[usize],
        plane: Option<[usize; 2]>,
    ) -> (Blocks, Axes<'static>) {
        let strides = |order: &mut dyn Iterator<Item = usize>| {
            let (mut strides, mut next) = (vec![0; shape.len()], 1);
            for dim in order {
                strides[dim] = next;
                next *= shape[dim];
            }
            strides
        };
        let source = strides(&mut (0..shape.len()).rev());
        let destination = strides(&mut order.iter().rev().copied());
        let (axes, _) = axes(shape, &source, &destination);
        let bytes = shape.iter().product();
        let blocks = Blocks::choose((1, 1), &axes, bytes, plane);
        (blocks.unwrap(), axes)
    }

    #[test]
    fn blocks_take_what_makes_runs_on_both_sides() {
        let (blocks, mut axes) = blocks(&[5, 64, 2, 50, 50], &[0, 3, 1, 4, 2], None);
        assert_eq!((blocks.runs, blocks.units), ([50, 100], 100));
        assert!(blocks.beat_patterns() && !blocks.beat_small_planes());
        let loops = blocks.take(&mut axes);
        assert_eq!((loops.len, axes.len(), loops.partial), (2, 3, [LOOPS; 2]));
    }

    #[test]
    fn both_sides_may_go_in_rounds() {
        let (blocks, mut axes) = blocks(&[3, 37, 41], &[2, 1, 0], None);
        assert!(blocks.units <= BYTES as i64 && !blocks.are_runs());
        let loops = blocks.take(&mut axes);
        let whole = loops.of_steps(loops.rounds.map(|rounds| rounds.inside.size as usize));
        let last = loops.of_steps([1, 1]);
        let units = |(axes, len): ([Axis; LOOPS], usize)| -> i64 {
            axes[..len].iter().map(|axis| axis.size).product()
        };
        assert!(units(whole) <= blocks.units && units(last) < units(whole));
    }

    #[test]
    fn a_small_plane_that_is_one_run_is_a_block() {
        let (small, _) = blocks(&[300, 12, 20, 6], &[0, 1, 3, 2], Some([1, 2]));
        assert!(small.are_runs() && small.beat_small_planes());
        assert_eq!(small.units, 120);
        // Registers grow with the square of bytes, and a table with few copies is not worth it.
        let (large, _) = blocks(&[300, 40, 30], &[0, 2, 1], Some([1, 2]));
        assert!(!large.beat_small_planes());
        let (few, _) = blocks(&[100, 20, 6], &[0, 2, 1], Some([1, 2]));
        assert!(few.are_runs() && !few.beat_small_planes());
    }

    #[test]
    fn small_planes_that_are_apart_are_blocks_if_they_go_on() {
        // Pieces of eight bytes a side are filled well by sixteen, but not by nine.
        let whole = |a: i64, c: i64| blocks(&[a, 600, c], &[2, 1, 0], Some([0, 2])).0;
        assert!(whole(7, 9).beat_planes_apart() && whole(13, 12).beat_planes_apart());
        assert!(!whole(16, 16).beat_planes_apart() && !whole(14, 15).beat_planes_apart());
        assert_eq!((whole(7, 9).runs, whole(7, 9).units), ([72, 56], 504));
        assert!(!whole(40, 40).beat_planes_apart() && !whole(40, 40).beat_lost_planes());
        // Rows that are written from far away are better written several at a time.
        assert!(whole(14, 15).beat_lost_planes());
    }

    #[test]
    fn units_that_are_apart_are_no_blocks() {
        let (axes, _) = axes(&[100, 100], &[300, 3], &[1, 100]);
        let blocks = Blocks::choose((1, 1), &axes, 10_000, None);
        assert!(blocks.is_none_or(|blocks| !blocks.beat_patterns()));
    }
}
