//! Slices: parts of a destination whose elements follow each other. Units of a conversion come to a block as they are, in the order that
//! they have there, and are converted at once, however short the loops are that lead to them.

use super::axes::{Axes, Axis, MAX_AXES, Room};
use super::mover::Mover;
use super::rounds::Rounds;
use super::scratch::TILE;
use crate::prefetch::LINE;

/// Units of a copy, and of a slice, at least: of fewer, what is planned for each costs more than it saves.
const MANY: i64 = 8192;
const FEW: i64 = 2048;

/// Units of a row from which it is as well converted by itself.
const LONG_ROW: i64 = 64;

/// The slices of a conversion.
pub struct Slices {
    /// The outermost of their loops, and units of a step of it.
    rounds: Rounds,
    step: i64,
    /// The others.
    inside: Room<MAX_AXES>,
    len: usize,
    /// Bytes of a unit in the destination.
    unit: usize,
}

impl Slices {
    /// Whether many units become larger, of which few follow each other in rows that are converted by themselves.
    pub fn are_wanted(mover: &Mover, axes: &Axes<'_>) -> bool {
        let (units, [_, row]) = (mover.units(), axes.inner_two());
        units.0 < units.1 && row.size < LONG_ROW && axes.len() > 2 && axes.steps() >= MANY
    }

    /// Takes the loops of slices away, if those have many units, of whole lines of the source.
    pub fn take(mover: &Mover, axes: &mut Axes<'_>) -> Option<Self> {
        let units = mover.units();
        let most = (TILE / units.0) as i64;
        let (mut step, mut count, mut first) = (1, 1, axes.len());
        while first > 0 && 2 * count <= most {
            let axis = axes.get(first - 1);
            if axis.destination != 8 * units.1 as i64 * count {
                break;
            }
            first -= 1;
            step = count;
            count = count.saturating_mul(axis.size);
        }
        let most = most / step;
        // Units that follow each other in the source.
        let mut run = 1;
        let next = |run: i64| {
            (first..axes.len()).find(|&i| axes.get(i).source == 8 * units.0 as i64 * run)
        };
        while let Some(i) = next(run) {
            let size = axes.get(i).size;
            run *= if i == first { size.min(most) } else { size };
        }
        if count < FEW || run * (units.0 as i64) < LINE as i64 {
            return None;
        }
        let mut inside = Room::new();
        let mut loops = Axes::none(inside.as_mut());
        while first + 1 < axes.len() {
            loops.push(axes.get(first + 1));
            axes.remove(first + 1);
        }
        let len = loops.len();
        Some(Self {
            rounds: Rounds::of(axes, first, most),
            step,
            inside,
            len,
            unit: units.1,
        })
    }

    pub fn rounds(&self) -> Rounds {
        self.rounds
    }

    /// Units of a slice of so many steps.
    pub fn count(&self, steps: usize) -> usize {
        steps * self.step as usize
    }

    /// The loops of a slice of so many steps, where units have so many bytes in the order of the destination.
    pub fn loops<'a>(&self, steps: usize, unit: usize, room: &'a mut [Axis]) -> Axes<'a> {
        let mut axes = Axes::none(room);
        let outermost = Axis {
            size: steps as i64,
            ..self.rounds.inside
        };
        for axis in [outermost].iter().chain(self.inside.first(self.len)) {
            axes.push(Axis {
                destination: axis.destination / self.unit as i64 * unit as i64,
                ..*axis
            });
        }
        axes
    }
}
