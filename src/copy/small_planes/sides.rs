//! The two sides of a plane: how the runs of each lie, and go on along another loop.

use crate::copy::axes::Axes;
use crate::copy::tiles::{FEW_PLACES, FEWEST_PLACES, lines_held};
use crate::prefetch::LINE;

/// Units of a run that is worth being converted by itself.
const RUN: i64 = 16;

/// One side of a plane: runs of units that follow each other.
#[derive(Clone, Copy)]
pub struct Runs {
    pub count: i64,
    /// Bytes of each, and from one to the next.
    pub bytes: i64,
    pub step: i64,
}

/// Whether what is so many bytes away is what follows so many bytes, exactly or with not much between them.
pub fn follows(step: i64, bytes: i64, exactly: bool) -> bool {
    match exactly {
        true => step == bytes,
        false => (bytes..=2 * bytes).contains(&step.abs()),
    }
}

impl Runs {
    /// Runs along a loop of so many steps, so many bits apart, of units that take so many bits along the other.
    fn new(count: i64, apart: i64, bits: i64) -> Self {
        Self {
            count,
            bytes: bits / 8,
            step: apart / 8,
        }
    }

    /// Whether they follow each other, and are one run.
    pub fn are_joined(self) -> bool {
        self.step == self.bytes
    }

    /// Whether the first-level cache holds lines of all of them together.
    pub fn are_held(self) -> bool {
        self.count as usize <= lines_held(self.step as isize)
    }

    /// Whether the first-level cache has places for so few lines of them, and there are as many times as many.
    pub fn take_places(self, few: usize, times: usize) -> bool {
        let held = lines_held(self.step as isize);
        held <= few && self.count as usize >= times * held
    }

    /// Whether the first-level cache has as few places for lines of them as can be, and loses some.
    pub fn share_fewest_places(self) -> bool {
        lines_held(self.step as isize) <= FEWEST_PLACES && !self.are_held()
    }

    /// Whether they are parts of lines, which the first-level cache loses before the next planes meet the others.
    pub fn lose_parts(self) -> bool {
        self.bytes < LINE as i64 && self.take_places(FEW_PLACES, 2)
    }

    /// Bytes of all of them, if they follow each other.
    fn together(self, exactly: bool) -> Option<i64> {
        follows(self.step, self.bytes, exactly).then(|| self.count * self.step.abs())
    }

    /// Whether a loop that moves so many bits goes on where all of them end.
    pub fn go_on_together(self, bits: i64, exactly: bool) -> bool {
        self.together(exactly)
            .is_some_and(|all| follows(bits / 8, all, exactly))
    }

    /// Whether it goes on where each of them ends, or where all of them do.
    pub fn go_on(self, bits: i64, exactly: bool) -> bool {
        follows(bits / 8, self.bytes, exactly) || self.go_on_together(bits, exactly)
    }

    /// Whether a loop that moves so many bits makes one run of them, or of each a run of so many units, which is worth a call.
    pub fn are_run(self, bits: i64, units: i64) -> bool {
        self.go_on_together(bits, true) || follows(bits / 8, self.bytes, true) && units >= RUN
    }

    /// Whether a loop that moves so many bits comes to what is beside them, or to other lines.
    pub fn are_beside(self, bits: i64) -> bool {
        self.go_on(bits, false) || self.have_lines()
    }

    /// Whether most lines that they have a part of are theirs alone.
    fn have_lines(self) -> bool {
        let line = LINE as i64;
        self.together(false).unwrap_or(self.bytes) >= 2 * line
    }
}

/// The two sides of the plane of the innermost loop and of that at `along`, whose units follow each other in the source.
pub fn sides(axes: &Axes<'_>, along: usize) -> [Runs; 2] {
    let ([_, inner], along) = (axes.inner_two(), axes.get(along));
    [
        Runs::new(inner.size, inner.source, along.size * along.source),
        Runs::new(
            along.size,
            along.destination,
            inner.size * inner.destination,
        ),
    ]
}
