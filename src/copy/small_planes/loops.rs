//! Whether small planes had better come [`Together`](crate::copy::tiles::Together), and along which loops.

use super::SmallPlanes;
use super::sides::{Runs, follows, sides};
use crate::caches;
use crate::copy::axes::{Axes, Axis};
use crate::copy::mover::Mover;
use crate::copy::plane::Line;
use crate::copy::tiles::{FEW_PLACES, LARGE, Planes, Tiles};
use crate::prefetch::LINE;

/// Bytes of a unit up to which a destination is better met by several lines at a time than streamed.
const STREAMED_UNIT: usize = 2;

/// Bytes of a column from which such units are exchanged by large pieces.
const TALL: usize = 32;

/// Bytes of runs, those of one plane or of several that go together, that are several lines.
const LONG_RUNS: i64 = 4 * LINE as i64;

/// Two loops along which planes go together, and how many steps of each.
pub struct Next {
    pub loops: [Option<usize>; 2],
    pub planes: Planes,
    pub most: [i64; 2],
}

/// How many times as many lines as there are places for are lost: as many, if both sides take all places.
fn times(tiles: &Tiles<'_>, sides: [Runs; 2]) -> usize {
    let both = sides.iter().all(|side| side.take_places(FEW_PLACES, 1));
    match both && tiles.converts_first() {
        true => 1,
        false => 2,
    }
}

/// Whether so few lines of planes are held by the first-level cache that they had better come together: several lines of each run are met
/// at a time then.
fn lose_lines(tiles: &Tiles<'_>, [source, destination]: [Runs; 2]) -> bool {
    // A line that several planes share is met by each. Of those that are read in parts there are as many as runs at once. Those that are
    // written are whole.
    let at_once = tiles.transpose().runs();
    let times = times(tiles, [source, destination]);
    let are_lost = |side: Runs, few: usize| side.take_places(few.min(FEW_PLACES), times);
    let shared = |side: Runs| side.bytes <= LINE as i64 && are_lost(side, FEW_PLACES);
    let read = are_lost(source, at_once - 1);
    let written = are_lost(destination, at_once);
    let long = destination.bytes >= LONG_RUNS || are_lost(source, at_once);
    read || written && long || shared(source) || shared(destination)
}

/// Whether rows of up to a few lines share their first and last ones with the next plane, and so many are written that these are lost before
/// it meets them. Of the largest units, which take the fewest instructions as they lie, there must be more.
fn lose_shared_ends(tiles: &Tiles<'_>, destination: Runs) -> bool {
    let parts = destination.bytes < LONG_RUNS && destination.bytes % LINE as i64 != 0;
    let times = if tiles.unit() > LARGE { 4 } else { 2 };
    parts && destination.take_places(FEW_PLACES, times)
}

/// Whether planes may come together by way of a block.
fn may_come_together(mover: &Mover, tiles: &Tiles<'_>, source: Runs) -> bool {
    let near = match caches::last_level_is_far() {
        true => !mover.is_far(),
        false => !mover.streams() || tiles.unit() <= STREAMED_UNIT,
    };
    // Of fewer, pieces in registers are small.
    let tall = source.count as usize * tiles.unit() >= TALL || tiles.unit() == 4;
    // What is not converted before it goes to a block goes by way of two.
    let twice = tiles.unit() >= LARGE && !tiles.converts_first();
    near && tall && !twice
}

/// Loops along which planes had better come together, if there are such, and they may.
pub fn next_together(mover: &Mover, axes: &Axes<'_>, along: usize) -> Option<Next> {
    let [source, destination] = sides(axes, along);
    let few = |side: Runs| side.take_places(FEW_PLACES, 1);
    // Of rows so short bricks make longer ones, which are not streamed.
    let short = mover.goes_by_near_caches() && destination.bytes <= LINE as i64;
    if short || !few(source) && !few(destination) {
        return None;
    }
    let tiles = Tiles::new(mover);
    let lost = lose_lines(&tiles, [source, destination]);
    let shared = lose_shared_ends(&tiles, destination);
    if !(lost || shared) || !may_come_together(mover, &tiles, source) {
        return None;
    }
    let goes_on = |side: Runs, step: fn(Axis) -> i64| {
        move |&i: &usize| {
            let axis = axes.get(i);
            let long = axis.size.saturating_mul(side.bytes) >= LONG_RUNS;
            long && follows(step(axis) / 8, side.bytes, true)
        }
    };
    let read = goes_on(source, |axis| axis.source);
    let written = goes_on(destination, |axis| axis.destination);
    let find = |goes_on: &dyn Fn(&usize) -> bool| SmallPlanes::around(axes, along).find(goes_on);
    let loops = match find(&|i| read(i) && written(i)) {
        Some(both) => [Some(both), None],
        None => [Some(find(&read)?), Some(find(&written)?)],
    };
    let line = |i: Option<usize>| Line::of(i.map_or(Axis::ONE, |i| axes.get(i)));
    let planes = Planes {
        along: line(Some(along)),
        inner: line(Some(axes.len() - 1)),
        read: line(loops[0]),
        written: line(loops[1]),
    };
    let most = planes.most(&tiles)?;
    // One plane by itself meets no more of a line.
    (lost || most != [1, 1]).then_some(Next {
        loops,
        planes,
        most,
    })
}
