//! Whether small planes pay, and along which loop they go together.

use super::loops::next_together;
use super::sides::{Runs, follows, sides};
use super::{Group, SmallPlanes};
use crate::caches;
use crate::copy::axes::{Axes, Axis};
use crate::copy::mover::Mover;
use crate::copy::shuffle::{Beat, Blocks};
use crate::copy::tiles::{LARGE, PLANE, Tiles};
use crate::copy::transpose::{NARROW, SIDE, Transpose};
use crate::copy::weave::{self, Direction};
use crate::prefetch::LINE;

/// Bytes of a plane that is small, of one that is converted, and of one and its rows in a destination that is streamed: larger ones
/// had better be.
const SMALL: i64 = 16 << 10;
const SMALL_CONVERTED: i64 = 4 << 10;
const SMALL_STREAMED: i64 = 4 << 10;
const ROW_STREAMED: i64 = 256;

/// Bytes of a plane that is worth being exchanged wherever the next one is, and units of one that has the next one beside it.
const QUICK: i64 = 640;
const FEW: i64 = 32;

/// Units of a row that is short.
const SHORT_ROW: i64 = 8;

/// Bytes of a row that is so short that longer ones are better made, and written at once; and of a run, for longer ones to be read.
const VERY_SHORT_ROW: i64 = 16;
const VERY_SHORT_RUN: i64 = 12;

/// Bytes of a row that is as good as rows that follow each other.
const LONG_ROW: i64 = 256;

/// Units of a run that is long.
const LONG_RUN: i64 = 64;

/// Bytes of a plane that is woven, up to which anything else takes fewer instructions.
const WOVEN: i64 = 600;

/// What planes that follow each other along a loop are converted as.
struct Converted {
    /// The side where they are converted, and the bits by which the loop moves there.
    side: Runs,
    bits: i64,
    /// The other side.
    other: (Runs, i64),
    /// Steps of the loop in a group, and units of a run of as many.
    steps: i64,
    units: i64,
}

impl Converted {
    fn new(tiles: Tiles<'_>, [source, destination]: [Runs; 2], axis: Axis) -> Self {
        let steps = axis.size.min(Group::most(tiles, source, destination));
        let (from, to) = ((source, axis.source), (destination, axis.destination));
        let ((side, bits), other) = match tiles.converts_first() {
            true => (from, to),
            false => (to, from),
        };
        Self {
            side,
            bits,
            other,
            steps,
            units: steps * other.0.count,
        }
    }
}

/// Whether a plane is a run where it is converted, and long enough for that.
fn is_run(tiles: Tiles<'_>, [source, destination]: [Runs; 2]) -> bool {
    let side = match tiles.converts_first() {
        true => source,
        false => destination,
    };
    side.are_joined() && source.count * destination.count >= LONG_RUN
}

/// How planes are woven, if they are: the few runs have a line at least.
pub fn weaving(mover: &Mover, [source, destination]: [Runs; 2]) -> Option<Direction> {
    let (from, to) = mover.units();
    let unit = from.min(to);
    let few = |side: Runs, other: Runs| {
        let units = other.count as usize;
        side.count as usize <= weave::most_small(unit) && units * unit >= LINE && other.are_joined()
    };
    if few(source, destination) {
        return Some(Direction::Together);
    }
    few(destination, source).then_some(Direction::Apart)
}

impl SmallPlanes<'_> {
    /// Whether a plane of two loops is transposed as it lies, in near caches, and has enough units to be worth it, although one of the
    /// loops is short.
    pub fn is_quick(mover: &Mover, axes: &Axes<'_>, along: usize) -> bool {
        let [source, destination] = sides(axes, along);
        // Runs that the first-level cache does not hold together are better gathered, and so are parts of lines far away, of which the
        // next planes write the others, or of rows that go on there.
        let next = |i: usize| axes.get(i).destination_bytes() as i64;
        let goes_on = |i: usize| follows(next(i), destination.bytes, true);
        let short = match caches::last_level_is_far() {
            false if Self::around(axes, along).any(goes_on) => LONG_ROW,
            _ => LINE as i64,
        };
        let parts = mover.is_far() && destination.bytes < short || destination.lose_parts();
        !mover.converts()
            && !mover.streams()
            && source.count.min(destination.count) >= NARROW as i64
            && source.count.saturating_mul(source.bytes) >= QUICK
            && source.are_held()
            && (!parts || destination.are_held())
    }

    /// Whether the planes of the innermost loop and of that at `along` are such that it pays to exchange one after the other.
    pub fn pay(mover: &Mover, axes: &Axes<'_>, along: usize) -> bool {
        let [source, destination] = sides(axes, along);
        let (from, to) = mover.units();
        let (runs, units) = (source.count, destination.count);
        let bytes = runs
            .saturating_mul(units)
            .saturating_mul(from.max(to) as i64);
        let together = Self::come_together(mover, axes, along);
        let small = match (mover.converts(), mover.streams()) {
            _ if together => bytes <= PLANE,
            (true, _) => bytes <= SMALL_CONVERTED,
            (false, true) => bytes <= SMALL_STREAMED && destination.bytes < ROW_STREAMED,
            (false, false) => bytes <= SMALL,
        };
        // The largest units gain nothing by registers, but may come together.
        let fits = Transpose::fits(from.min(to), runs as usize, units as usize)
            || together && from > LARGE
            || weaving(mover, [source, destination]).is_some();
        if axes.len() < 3 || !small || !axes.get(along).is_dense_in(from) || !fits {
            return false;
        }
        if together {
            return true;
        }
        // Rows of the destination that are lost, and short, are as well written unit by unit.
        if !mover.converts() && destination.share_fewest_places() && runs < SHORT_ROW {
            return false;
        }
        // Lines that they share with the next ones are still there when it is their turn.
        let held = !mover.is_far() || source.are_held() && destination.are_held();
        let next = || match mover.converts() {
            true => {
                let (tiles, next) = Self::next(mover, axes, along);
                let run = || is_run(tiles, [source, destination]);
                next.is_some() || run() && Self::are_beside(axes, along)
            }
            false => Self::are_beside(axes, along),
        };
        Self::is_quick(mover, axes, along) || runs * units >= FEW && held && next()
    }

    /// Whether planes come together, by way of a block.
    fn come_together(mover: &Mover, axes: &Axes<'_>, along: usize) -> bool {
        next_together(mover, axes, along).is_some()
    }

    /// The loops around planes, from the innermost one on.
    pub(super) fn around(axes: &Axes<'_>, along: usize) -> impl Iterator<Item = usize> {
        (0..axes.len() - 1).rev().filter(move |&i| i != along)
    }

    /// Whether bricks, if there are any, are better: in near caches those convert longer runs, and meet more of a line at a time. Far away,
    /// the order of planes is the better one, but for small units in rows or runs that are very short.
    pub fn are_rather_bricks(mover: &Mover, axes: &Axes<'_>, along: usize) -> bool {
        if Self::are_very_short(mover, axes, along) {
            return true;
        }
        let lost = sides(axes, along).iter().any(|side| side.lose_parts())
            && !Self::come_together(mover, axes, along);
        !mover.is_far() && (lost || Self::convert_short_runs(mover, axes, along))
    }

    /// Whether small units are in rows that are so short that longer ones had better be made, or in runs that are, and go on along another
    /// loop; unless those are whole pieces in registers.
    pub fn are_very_short(mover: &Mover, axes: &Axes<'_>, along: usize) -> bool {
        let [source, destination] = sides(axes, along);
        let (from, to) = mover.units();
        let next = |i: usize| axes.get(i).source_bytes() as i64;
        let goes_on = |i: usize| follows(next(i), source.bytes, true);
        let rows = destination.bytes <= VERY_SHORT_ROW && source.bytes >= LINE as i64;
        let runs = source.bytes <= VERY_SHORT_RUN
            && (destination.are_joined() || destination.bytes >= LONG_ROW)
            && destination.count % SIDE as i64 != 0
            && Self::around(axes, along).any(goes_on);
        mover.goes_by_near_caches() && from.min(to) <= 2 && (rows || runs)
    }

    /// What [shuffles](crate::copy::shuffle) must be to be better, if they may be.
    pub fn beaten_by_shuffles(mover: &Mover, axes: &Axes<'_>, along: usize) -> Option<Beat> {
        let sides = sides(axes, along);
        let [source, destination] = sides;
        if source.are_joined() && destination.are_joined() {
            let (from, to) = mover.units();
            let small = source.count * destination.count * from.min(to) as i64 <= WOVEN;
            return (small || weaving(mover, sides).is_none()).then_some(Blocks::beat_small_planes);
        }
        let apart =
            !mover.converts() && !mover.streams() && !Self::come_together(mover, axes, along);
        apart.then_some(match destination.share_fewest_places() {
            true => Blocks::beat_lost_planes,
            false => Blocks::beat_planes_apart,
        })
    }

    /// Whether they come together, or pay by groups that are converted at once, so that no runs are short.
    pub fn convert_many_units(mover: &Mover, axes: &Axes<'_>, along: usize) -> bool {
        let groups =
            || Self::pay(mover, axes, along) && !Self::convert_short_runs(mover, axes, along);
        Self::come_together(mover, axes, along) || groups()
    }

    /// Whether they go by groups of which each run is converted by itself, and is short.
    fn convert_short_runs(mover: &Mover, axes: &Axes<'_>, along: usize) -> bool {
        let (tiles, next) = Self::next(mover, axes, along);
        next.filter(|_| mover.converts()).is_some_and(|i| {
            let converted = Converted::new(tiles, sides(axes, along), axes.get(i));
            let Converted {
                side, bits, steps, ..
            } = converted;
            let joined = side.step == steps * side.bytes || side.go_on_together(bits, true);
            !joined && converted.units < LONG_RUN
        })
    }

    /// Whether there is a loop along which the next plane is beside each, on both sides, or has lines of its own.
    fn are_beside(axes: &Axes<'_>, along: usize) -> bool {
        let [source, destination] = sides(axes, along);
        Self::around(axes, along).any(|i| {
            let axis = axes.get(i);
            source.are_beside(axis.source) && destination.are_beside(axis.destination)
        })
    }

    /// How planes are converted, as usual or, if they can only be so, and units keep their size, on the way out; and a loop along which they
    /// follow each other, if there is one: on the side where they are converted, all at once, or on both sides, so that they are streamed
    /// together.
    pub(super) fn next<'m>(
        mover: &'m Mover,
        axes: &Axes<'_>,
        along: usize,
    ) -> (Tiles<'m>, Option<usize>) {
        let usual = Tiles::new(mover);
        let next = Self::next_of(mover, usual, axes, along);
        let (from, to) = mover.units();
        if next.is_some() || !mover.converts() || from != to {
            return (usual, next);
        }
        let last = Tiles::converting_last(mover);
        let next = Self::next_of(mover, last, axes, along);
        let run = |tiles| is_run(tiles, sides(axes, along));
        match next.is_some() || run(last) && !run(usual) {
            true => (last, next),
            false => (usual, None),
        }
    }

    /// The loop, of planes that are converted in one of both ways.
    fn next_of(mover: &Mover, tiles: Tiles<'_>, axes: &Axes<'_>, along: usize) -> Option<usize> {
        let [source, destination] = sides(axes, along);
        Self::around(axes, along).find(|&i| {
            let axis = axes.get(i);
            if mover.converts() {
                let converted = Converted::new(tiles, [source, destination], axis);
                let (other, bits) = converted.other;
                let Converted {
                    side,
                    bits: step,
                    units,
                    ..
                } = converted;
                return side.are_run(step, units) && other.are_beside(bits);
            }
            mover.streams()
                && source.go_on(axis.source, true)
                && destination.go_on_together(axis.destination, true)
        })
    }
}
