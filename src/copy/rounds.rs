//! Loops of which some steps go inside others: what is left of them goes around in rounds, of which the last may be shorter.

use super::axes::{Axes, Axis, MAX_AXES, Room, Start};

/// The rounds of one loop.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Steps of a round.
    pub steps: i64,
    /// Steps of the last round, if those are fewer.
    rest: i64,
    /// The loop around the other rounds.
    outer: Axis,
}

impl Rounds {
    /// One round of one step.
    pub const ONE: Self = Self {
        steps: 1,
        rest: 0,
        outer: Axis::ONE,
    };

    /// Rounds of the loop at `index`, of `most` steps at most, and about as many each. They stay among the loops, if there are
    /// several. Returns the loop inside as well.
    pub fn of(axes: &mut Axes<'_>, index: usize, most: i64) -> (Self, Axis) {
        let axis = axes.get(index);
        if axis.size <= most {
            axes.remove(index);
            return (
                Self {
                    steps: axis.size,
                    ..Self::ONE
                },
                axis,
            );
        }
        let rounds = (axis.size - 1) / most + 1;
        let steps = (axis.size - 1) / rounds + 1;
        let outer = Axis {
            size: axis.size / steps,
            source: axis.source * steps,
            destination: axis.destination * steps,
        };
        axes.set(index, outer);
        let inside = Axis {
            size: steps,
            ..axis
        };
        (
            Self {
                steps,
                rest: axis.size % steps,
                outer,
            },
            inside,
        )
    }

    /// Whether there is one round.
    pub fn is_whole(&self) -> bool {
        self.outer == Axis::ONE
    }

    /// Calls `each` with the loops around rounds of so many steps of two loops, and where they begin.
    pub fn for_each(
        axes: &Axes<'_>,
        start: Start,
        both: [Self; 2],
        mut each: impl FnMut(&Axes<'_>, Start, [usize; 2]),
    ) {
        for last in [[false, false], [false, true], [true, false], [true, true]] {
            let mut begins = start;
            let mut steps = [0; 2];
            let mut left_out = [None; 2];
            for i in 0..2 {
                let rounds = both[i];
                steps[i] = if last[i] { rounds.rest } else { rounds.steps } as usize;
                if last[i] {
                    begins = begins.after(rounds.outer);
                    left_out[i] = Some(rounds.outer);
                }
            }
            if steps.contains(&0) {
                continue;
            }
            if last == [false, false] {
                each(axes, begins, steps);
                continue;
            }
            let mut room = Room::<MAX_AXES>::new();
            let axes = axes.without(left_out, room.as_mut());
            each(&axes, begins, steps);
        }
    }
}
