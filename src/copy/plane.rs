//! Planes: two loops of which one goes along the source's adjacent units and the other along the destination's.
//!
//! A few rows are [woven] together or taken apart, as those of images are; others go by [`tiles`](super::tiles).

mod woven;

use super::axes::Axis;
use super::mover::Mover;
use super::tiles::Tiles;
use super::weave::{self, Direction, Room, Weave};

/// Rows that are woven even if they do not follow each other, or taken apart one by one.
const FEW: usize = 4;

/// Bytes of a unit that is large.
const LARGE: usize = 16;

/// One loop in units of each side's bytes.
#[derive(Clone, Copy)]
pub struct Line {
    pub size: usize,
    pub source: isize,
    pub destination: isize,
}

impl Line {
    /// One step.
    pub const ONE: Self = Self {
        size: 1,
        source: 0,
        destination: 0,
    };

    pub fn of(axis: Axis) -> Self {
        Self {
            size: axis.size as usize,
            source: axis.source_bytes(),
            destination: axis.destination_bytes(),
        }
    }
}

/// How planes of a mover are transposed.
pub struct Plane<'a> {
    mover: &'a Mover,
    tiles: Tiles<'a>,
    weave: Option<Weave<'a>>,
}

/// How a plane of these two loops of a mover is woven, if it is: its units are close to each other in the source along `along`, adjacent
/// in the destination along `inner`.
fn weaving(mover: &Mover, along: Line, inner: Line) -> Option<Direction> {
    let (source_unit, destination_unit) = mover.units();
    let unit = source_unit.min(destination_unit);
    let most = |direction| weave::most(unit, direction, mover.streams());
    if along.source != source_unit as isize {
        return None;
    }
    // Rows that do not follow each other are short ones; and a large unit is better moved to where it belongs at once than with its row.
    let is_joined = along.destination == (inner.size * destination_unit) as isize;
    let most_together = match is_joined {
        true => most(Direction::Together),
        false if unit < LARGE => FEW,
        false => 0,
    };
    if inner.size <= most_together {
        return Some(Direction::Together);
    }
    // Rows that become larger are taken apart one by one.
    let most_apart = match source_unit < destination_unit {
        true => FEW,
        false => most(Direction::Apart),
    };
    let follows = inner.source == (along.size * source_unit) as isize;
    (along.size <= most_apart && follows).then_some(Direction::Apart)
}

impl<'a> Plane<'a> {
    /// Whether a few rows are woven together or taken apart.
    pub fn is_woven(mover: &Mover, along: Axis, inner: Axis) -> bool {
        weaving(mover, Line::of(along), Line::of(inner)).is_some()
    }

    /// Planes of these two loops of a mover that has [`Mover::unit_bits`], of so many bytes altogether.
    pub fn new(
        mover: &'a Mover,
        along: Axis,
        inner: Axis,
        bytes: usize,
        room: &'a mut Room,
    ) -> Self {
        let (along, inner) = (Line::of(along), Line::of(inner));
        let tiles = Tiles::new(mover);
        let weave = weaving(mover, along, inner).map(|direction| {
            let few = direction.few([inner.size, along.size]);
            Weave::new(direction, few, tiles.unit(), bytes, room)
        });
        Self {
            mover,
            tiles,
            weave,
        }
    }

    /// Moves a plane: units are close to each other in the source along `along`, adjacent in the destination along `inner`.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, along: Axis, inner: Axis) {
        let (along, inner) = (Line::of(along), Line::of(inner));
        // SAFETY: the caller's promise.
        unsafe {
            match self.weave {
                Some(weave) if weave.is_of(Direction::Together, inner.size) => {
                    self.weave_together(weave, from, to, along, inner);
                }
                Some(weave) if weave.is_of(Direction::Apart, along.size) => {
                    self.take_apart(weave, from, to, along, inner);
                }
                _ => self.tiles.run(from, to, along, inner),
            }
        }
    }
}
