//! Small planes: they are exchanged in registers as they lie, one after the other, wherever the other loops lead. Those that are
//! converted go by groups, which are converted at once, before or after that, and so do those that are streamed together. Those whose lines
//! share few places of the first-level cache come [`Together`].

mod choice;
mod loops;
mod sides;

use super::axes::{Axes, Axis, for_each_place};
use super::block;
use super::mover::Mover;
use super::plane::Line;
use super::rounds::Rounds;
use super::scratch::Small;
use super::tiles::{Planes, PlanesBlock, Tiles, Together};
use super::weave::{self, Direction, Weave};
use choice::weaving;
use loops::next_together;
use sides::{Runs, sides};

/// Planes that follow each other on both sides.
struct Group {
    rounds: Rounds,
    /// They are put together before they are exchanged, on their way through a block, not after that.
    first: bool,
    /// On that side each of them ends before the next one begins. Otherwise their runs go on.
    together: bool,
}

impl Group {
    /// Those that follow each other along the loop at `index`, of which some steps are taken away.
    fn new(
        tiles: Tiles<'_>,
        [source, destination]: [Runs; 2],
        axes: &mut Axes<'_>,
        index: usize,
    ) -> Self {
        let axis = axes.get(index);
        let first = tiles.converts() && tiles.converts_first();
        Self {
            rounds: Rounds::of(axes, index, Self::most(tiles, source, destination)),
            first,
            together: match first {
                true => source.go_on_together(axis.source, true),
                false => destination.go_on_together(axis.destination, true),
            },
        }
    }

    /// One plane, which is converted as a run.
    fn of_one(tiles: Tiles<'_>) -> Self {
        Self {
            rounds: Rounds::ONE,
            first: tiles.converts_first(),
            together: true,
        }
    }

    /// How many planes of so many runs on each side have room in a block.
    fn most(tiles: Tiles<'_>, source: Runs, destination: Runs) -> i64 {
        let units = (source.count * destination.count) as usize;
        (size_of::<Small>() / (units * tiles.unit())) as i64
    }
}

/// What moves small planes.
enum Way {
    /// Each is exchanged as it lies.
    Alone,
    /// Several go together.
    Group(Group),
    /// Those of the rounds of two loops, along which their runs and rows go on, come to a block together.
    Together { planes: Planes, rounds: [Rounds; 2] },
}

/// Small planes of the units of a mover.
pub struct SmallPlanes<'a> {
    mover: &'a Mover,
    tiles: Tiles<'a>,
    sides: [Runs; 2],
    way: Way,
    weave: Option<Weave<'a>>,
}

impl<'a> SmallPlanes<'a> {
    /// Takes the innermost loop and that at `along` away, and a loop of planes that go together.
    pub fn take(
        mover: &'a Mover,
        axes: &mut Axes<'_>,
        along: usize,
        room: &'a mut weave::Room,
    ) -> Self {
        let sides = sides(axes, along);
        let together = next_together(mover, axes, along);
        let (tiles, next) = match together {
            Some(_) => (Tiles::new(mover), None),
            None => Self::next(mover, axes, along),
        };
        let weave = weaving(mover, sides).map(|direction| {
            let few = direction.few(sides.map(|side| side.count as usize));
            let bytes = axes.steps() as usize * tiles.unit();
            Weave::new(direction, few, tiles.unit(), bytes, room)
        });
        axes.remove(axes.len() - 1);
        axes.remove(along);
        let index = |index: usize| index - usize::from(index > along);
        let way = match (together, next) {
            (Some(together), _) => {
                let loops = together.loops.map(|i| i.map(index));
                let mut rounds = [Rounds::ONE; 2];
                // The later one first, so that the other one stays where it is.
                let order = if loops[0] > loops[1] { [0, 1] } else { [1, 0] };
                for i in order {
                    if let Some(index) = loops[i] {
                        rounds[i] = Rounds::of(axes, index, together.most[i]);
                    }
                }
                Way::Together {
                    planes: together.planes,
                    rounds,
                }
            }
            (None, Some(next)) => Way::Group(Group::new(tiles, sides, axes, index(next))),
            (None, None) if mover.converts() => Way::Group(Group::of_one(tiles)),
            (None, None) => Way::Alone,
        };
        Self {
            mover,
            tiles,
            sides,
            way,
            weave,
        }
    }

    pub fn rounds(&self) -> [Rounds; 2] {
        match &self.way {
            Way::Alone => [Rounds::ONE; 2],
            Way::Group(group) => [group.rounds, Rounds::ONE],
            Way::Together { rounds, .. } => *rounds,
        }
    }

    /// Moves the planes of two loops around as many steps of a group.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; there are as many steps.
    pub unsafe fn sheet(&self, first: (*const u8, *mut u8), around: [Axis; 2], steps: [usize; 2]) {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.way {
                Way::Alone => {
                    let [from_step, to_step] = self.sides.map(|side| side.step as isize);
                    for_each_place(first, around, |from, to| {
                        self.exchange((from, from_step), (to, to_step))
                    })
                }
                Way::Group(group) => for_each_place(first, around, |from, to| {
                    self.exchange_group(from, to, group, steps[0])
                }),
                Way::Together { planes, .. } => self.bring_together(first, around, planes, steps),
            }
        }
    }

    /// Moves planes of two loops around as many steps of those along which they go together.
    ///
    /// # Safety
    /// As for [`SmallPlanes::sheet`].
    #[inline(never)]
    unsafe fn bring_together(
        &self,
        first: (*const u8, *mut u8),
        around: [Axis; 2],
        planes: &Planes,
        steps: [usize; 2],
    ) {
        let mut block = PlanesBlock::new();
        let part = |line: Line, size: usize| Line { size, ..line };
        let planes = Planes {
            read: part(planes.read, steps[0]),
            written: part(planes.written, steps[1]),
            ..*planes
        };
        let together = Together::new(&self.tiles, planes, false);
        for_each_place(first, around, |from, to| {
            // SAFETY: the caller's promise.
            unsafe { together.run(from, to, &mut block) }
        });
    }

    /// Exchanges a plane.
    ///
    /// # Safety
    /// It is readable and writable there.
    #[inline(always)]
    unsafe fn exchange(&self, from: (*const u8, isize), to: (*mut u8, isize)) {
        let [columns, rows] = self.sides.map(|side| side.count as usize);
        // SAFETY: the caller's promise.
        unsafe {
            let woven = match self.weave {
                Some(weave) => weave.exchange(from, to, columns, rows),
                None => false,
            };
            if !woven {
                self.tiles.transpose().run(from, to, columns, rows);
            }
        }
    }

    /// Whether planes of a group had better come from memory in the order of their bytes before they are woven: all runs of one, if they are
    /// long, are more than the processor follows.
    fn comes_in_order(&self, inside: Axis) -> bool {
        let [source, _] = self.sides;
        let runs = source.count as usize;
        let together = |weave: Weave<'_>| weave.is_of(Direction::Together, runs);
        self.mover.is_far()
            && self.weave.is_some_and(together)
            && !self.mover.converts()
            && source.bytes >= weave::IN_ORDER as i64
            && source.go_on_together(inside.source, true)
    }

    /// Moves the planes of a group by way of a block.
    ///
    /// # Safety
    /// As for [`SmallPlanes::sheet`].
    unsafe fn exchange_group(&self, from: *const u8, to: *mut u8, group: &Group, steps: usize) {
        let mut small = Small::new();
        let block = small.as_mut_ptr();
        let unit = self.tiles.unit();
        let inside = group.rounds.inside;
        let [source, destination] = self.sides;
        // In the block are the runs of one side.
        let (runs, units) = match group.first {
            true => (source.count as usize, destination.count as usize),
            false => (destination.count as usize, source.count as usize),
        };
        let run = units * unit;
        let (rows, row_units, pitch, next) = match group.together {
            true => (1, steps * runs * units, run, runs * run),
            false => (runs, steps * units, steps * run, run),
        };
        // Rows that follow each other on their side as they do in the block are one.
        let (side, side_unit) = match group.first {
            true => (source, self.mover.units().0),
            false => (destination, self.mover.units().1),
        };
        let (rows, row_units) = match side.step == (row_units * side_unit) as i64 {
            true => (1, rows * row_units),
            false => (rows, row_units),
        };
        let row = |i: usize| block.wrapping_add(i * pitch);
        let plane = |i: usize| (block.wrapping_add(i * next), pitch as isize);
        // SAFETY: the caller's promise; the block holds as many planes.
        unsafe {
            if group.first {
                for i in 0..rows {
                    let from = from.wrapping_offset(i as isize * source.step as isize);
                    self.mover.adjacent(from, row(i), row_units);
                }
                for i in 0..steps {
                    let to = to.wrapping_offset(i as isize * inside.destination_bytes());
                    let (block, pitch) = plane(i);
                    self.exchange((block.cast_const(), pitch), (to, destination.step as isize));
                }
            } else {
                let mut near = Small::new();
                let from = match self.comes_in_order(inside) {
                    true => {
                        let bytes = steps * inside.source_bytes() as usize;
                        block::copy(from, near.as_mut_ptr(), bytes);
                        near.as_mut_ptr().cast_const()
                    }
                    false => from,
                };
                for i in 0..steps {
                    let from = from.wrapping_offset(i as isize * inside.source_bytes());
                    self.exchange((from, source.step as isize), plane(i));
                }
                for i in 0..rows {
                    let to = to.wrapping_offset(i as isize * destination.step as isize);
                    self.tiles.take_row(row(i), to, row_units);
                }
            }
        }
    }
}
