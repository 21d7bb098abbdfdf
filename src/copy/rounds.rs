//! Loops of which some steps go inside others: what is left of them goes around in rounds, of which the last may be shorter.

use super::axes::{Axes, Axis, MAX_AXES, Room, Start};

/// The rounds of one loop.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// The loop of one round.
    pub inside: Axis,
    /// Steps of the last round, if those are fewer.
    rest: i64,
    /// The loop around the other rounds.
    outer: Axis,
}

impl Rounds {
    /// One round of one step.
    pub const ONE: Self = Self {
        inside: Axis::ONE,
        rest: 0,
        outer: Axis::ONE,
    };

    /// Rounds of the loop at `index`, of `most` steps at most, and about as many each. They stay among the loops, if several have as
    /// many steps.
    pub fn of(axes: &mut Axes<'_>, index: usize, most: i64) -> Self {
        let axis = axes.get(index);
        if axis.size <= most {
            axes.remove(index);
            return Self {
                inside: axis,
                ..Self::ONE
            };
        }
        let rounds = (axis.size - 1) / most + 1;
        let steps = (axis.size - 1) / rounds + 1;
        let outer = Axis {
            size: axis.size / steps,
            source: axis.source * steps,
            destination: axis.destination * steps,
        };
        match outer.size {
            1 => axes.remove(index),
            _ => axes.set(index, outer),
        }
        Self {
            inside: Axis {
                size: steps,
                ..axis
            },
            rest: axis.size % steps,
            outer,
        }
    }

    /// Of `all` units in a round, those of so many of its steps.
    pub fn part(&self, all: usize, steps: usize) -> usize {
        all / self.inside.size as usize * steps
    }

    /// Whether there is one round.
    pub fn is_whole(&self) -> bool {
        self.outer == Axis::ONE
    }

    /// Calls `each` with the loops around rounds of so many steps of two loops, and where they begin.
    #[inline(never)]
    pub fn for_each(
        axes: &Axes<'_>,
        start: Start,
        both: [Self; 2],
        each: &mut dyn FnMut(&Axes<'_>, Start, [usize; 2]),
    ) {
        for last in [[false, false], [false, true], [true, false], [true, true]] {
            let mut begins = start;
            let mut steps = [0; 2];
            let mut left_out = [None; 2];
            for i in 0..2 {
                let rounds = both[i];
                steps[i] = rounds.inside.size as usize;
                if last[i] {
                    steps[i] = rounds.rest as usize;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::shares::Division;

    #[test]
    fn one_round_and_a_shorter_one_leave_no_loop() {
        let mut room = Room::<4>::new();
        let mut axes = Axes::none(room.as_mut());
        axes.push(Axis {
            size: 43,
            source: 8,
            destination: 8,
        });
        let rounds = Rounds::of(&mut axes, 0, 32);
        assert_eq!((axes.len(), rounds.inside.size, rounds.rest), (0, 22, 21));
        assert!(!rounds.is_whole());
    }

    #[test]
    fn rounds_cover_every_step_once() {
        let loops = [
            ([7, 9], [3, 4]),
            ([8, 8], [4, 8]),
            ([5, 100], [5, 33]),
            ([5, 7], [3, 4]),
        ];
        for (sizes, most) in loops {
            let mut room = Room::<4>::new();
            let mut axes = Axes::none(room.as_mut());
            for (size, step) in [(sizes[0], 1000), (sizes[1], 1)] {
                axes.push(Axis {
                    size,
                    source: step,
                    destination: step,
                });
            }
            let second = Rounds::of(&mut axes, 1, most[1]);
            let first = Rounds::of(&mut axes, 0, most[0]);
            let mut seen = vec![0; 100_000];
            Rounds::for_each(
                &axes,
                Start::ZERO,
                [first, second],
                &mut |axes, start, steps| {
                    let share = Division::of(axes, 1, 1, 1).share(0..1);
                    axes.for_each_sheet(start, share, |from, _, outer, inner| {
                        for at in 0..outer.size * inner.size * (steps[0] * steps[1]) as i64 {
                            let (at, i) = (at / steps[1] as i64, at % steps[1] as i64);
                            let (at, j) = (at / steps[0] as i64, at % steps[0] as i64);
                            let (k, l) = (at % inner.size, at / inner.size);
                            let bit = from + l * outer.source + k * inner.source + 1000 * j + i;
                            seen[bit as usize] += 1;
                        }
                    });
                },
            );
            for (bit, times) in seen.into_iter().enumerate() {
                let inside = bit as i64 / 1000 < sizes[0] && bit as i64 % 1000 < sizes[1];
                assert_eq!(times, i32::from(inside));
            }
        }
    }
}
