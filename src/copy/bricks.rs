//! Bricks: planes of which each side is several loops, since one alone would be short.
//!
//! Loops that follow each other in the source are the runs of a brick, those that follow each other in the destination its columns.
//! Runs come in a few at a time, are converted if that makes them smaller, and transposed in registers to the rows of a tile, which
//! go out in one piece each. Where rows are at equal distances, all runs come to a block first, and rows are made where they belong.

use super::axes::{Axes, Axis, for_each_place};
use super::block::Aligned;
use super::mover::Mover;
use super::offsets::{Offsets, Space};
use super::places::{Step, move_blocks};
use super::rounds::Rounds;
use super::scratch::{PAD, Scratch, Small};
use super::tiles::{Tiles, pitch};
use super::transpose::{MOST_RUNS, SIDE, Transpose};
use crate::prefetch;

/// Bytes of a run, and units, at most.
const RUN: usize = 256;
const RUN_UNITS: usize = 128;

/// Bytes of a row, and units, at most.
const ROW: usize = 1024;
const ROW_UNITS: usize = 256;

/// Runs that come to a block at once; if they come from far away, the next ones are asked for before.
const AT_ONCE: usize = 16;

/// Units of a run, at least: of shorter ones patterns make more.
const SHORTEST: usize = 12;

/// Units of a row that is converted, and of a run, at least: shorter ones are better gathered, many at a time.
const CONVERTED: usize = 32;
const CONVERTED_RUN: usize = 16;

/// One side of a brick.
struct Edge<'a> {
    /// Units, and how many there may be.
    count: usize,
    most: usize,
    /// Bits from each unit to the next one, on the side where they follow each other.
    step: i64,
    /// Where they are on the other side.
    offsets: Offsets<'a>,
    /// Bytes from one to the next there, if those are always as many.
    apart: Option<isize>,
    rounds: Rounds,
}

impl<'a> Edge<'a> {
    fn new(most: usize, space: &'a mut Space) -> Self {
        Self {
            count: 1,
            most,
            step: 0,
            offsets: Offsets::new(space),
            apart: None,
            rounds: Rounds::ONE,
        }
    }

    /// Whether there is room for more.
    fn is_open(&self) -> bool {
        self.rounds.is_whole() && 2 * self.count <= self.most
    }

    /// Adds a loop around those that are there.
    fn add(&mut self, axes: &mut Axes<'_>, index: usize, step: impl Fn(Axis) -> i64) {
        self.rounds = Rounds::of(axes, index, (self.most / self.count) as i64);
        let inside = self.rounds.inside;
        let size = inside.size as usize;
        let step = (step(inside) / 8) as isize;
        self.apart = (self.count == 1).then_some(step);
        self.offsets.repeat(size, step);
        self.count *= size;
    }

    /// Where the units of so many steps are.
    fn part(&self, steps: usize) -> &[isize] {
        self.offsets.first(self.rounds.part(self.count, steps))
    }
}

/// Bricks of the units of a mover.
pub struct Bricks<'a> {
    mover: &'a Mover,
    tiles: Tiles<'a>,
    /// The runs: along them units follow each other in the source.
    along: Edge<'a>,
    /// The columns: along them units are adjacent in the destination.
    inner: Edge<'a>,
}

impl<'a> Bricks<'a> {
    /// Takes the loops of bricks away, if both sides get long enough, and longer than the plane of the innermost loop and of that at
    /// `plane`, whose units follow each other in the source, alone.
    pub fn take(
        mover: &'a Mover,
        axes: &mut Axes<'_>,
        plane: usize,
        spaces: &'a mut [Space; 2],
    ) -> Option<Self> {
        let [along, inner] = spaces;
        let (source_unit, destination_unit) = mover.units();
        let mut along = Edge::new((RUN / source_unit).clamp(2 * SIDE, RUN_UNITS), along);
        // Columns at equal distances are exchanged as they lie, and converted as rows. If one loop has enough of them, they will be.
        let columns = |unit: usize| (ROW / unit).clamp(2 * SIDE, ROW_UNITS);
        let wider = columns(source_unit.max(destination_unit));
        let most = match axes.get(axes.len() - 1).size >= wider as i64 {
            true => wider,
            false => columns(destination_unit),
        };
        let mut inner = Edge::new(most, inner);
        let sizes = [plane, axes.len() - 1].map(|i| axes.get(i).size);
        along.step = axes.get(plane).source;
        debug_assert!(axes.get(plane).is_dense_in(source_unit));
        inner.step = 8 * destination_unit as i64;
        loop {
            let next_along = (0..axes.len()).rev().find(|&i| {
                along.is_open() && axes.get(i).source == along.step * along.count as i64
            });
            let next_inner = (0..axes.len()).rev().find(|&i| {
                inner.is_open() && axes.get(i).destination == inner.step * inner.count as i64
            });
            match (next_along, next_inner) {
                (Some(i), None) => along.add(axes, i, |axis| axis.destination),
                (None, Some(i)) => inner.add(axes, i, |axis| axis.source),
                (Some(i), Some(j)) => match along.count < inner.count {
                    true => along.add(axes, i, |axis| axis.destination),
                    false => inner.add(axes, j, |axis| axis.source),
                },
                (None, None) => break,
            }
        }
        let alone = |size: i64, edge: &Edge| size.min(edge.most as i64) as usize;
        let shortest = match mover.converts() {
            true => CONVERTED,
            false => SIDE,
        };
        let last = inner.apart.is_some() && inner.count * source_unit <= ROW;
        let tiles = match last && Transpose::fits(source_unit, inner.count, along.count) {
            true => Tiles::converting_last(mover),
            false => Tiles::new(mover),
        };
        // The largest units gain nothing by registers.
        let pays = Transpose::fits(tiles.unit(), inner.count, along.count)
            && along.count >= SHORTEST
            && inner.count >= shortest
            && along.count * inner.count >= 2 * alone(sizes[0], &along) * alone(sizes[1], &inner);
        pays.then_some(Self {
            mover,
            tiles,
            along,
            inner,
        })
    }

    pub fn rounds(&self) -> [Rounds; 2] {
        [self.along.rounds, self.inner.rounds]
    }

    /// Moves the bricks of two loops, of as many steps.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; there are as many steps.
    pub unsafe fn sheet(&self, first: (*const u8, *mut u8), around: [Axis; 2], steps: [usize; 2]) {
        let mut small = Small::new();
        let mut scratch = Scratch::large(&mut small);
        let tile = scratch.tile();
        // SAFETY: the caller's promise.
        for_each_place(first, around, |from, to| unsafe {
            self.run(from, to, tile, steps)
        });
    }

    /// Moves a brick.
    ///
    /// # Safety
    /// As for [`Bricks::sheet`]; the tile has so many bytes.
    unsafe fn run(
        &self,
        from: *const u8,
        to: *mut u8,
        (tile, tile_bytes): (*mut u8, usize),
        [along_steps, inner_steps]: [usize; 2],
    ) {
        let rows = self.along.part(along_steps);
        let columns = self.inner.part(inner_steps);
        let unit = self.tiles.unit();
        if let Some(step) = self.along.apart
            && self.may_go_straight(rows.len())
        {
            const { assert!(pitch(RUN) <= size_of::<Small>()) }
            let runs = tile_bytes / pitch(rows.len() * unit);
            let parts = columns.len().div_ceil(runs);
            let mut to = to;
            for columns in columns.chunks(columns.len().div_ceil(parts)) {
                // SAFETY: the caller's promise; the block has room for these runs.
                unsafe { self.go_straight((from, columns), (to, step), rows.len(), tile) };
                to = to.wrapping_add(columns.len() * unit);
            }
            return;
        }
        // What whole squares have too much fits between the rows.
        let pitch = (columns.len() * unit).next_multiple_of(PAD) + PAD;
        const { assert!(SIDE * (ROW + PAD) <= size_of::<Small>()) }
        let most = tile_bytes / pitch / SIDE * SIDE;
        let (source_unit, _) = self.mover.units();
        for (i, rows) in rows.chunks(most).enumerate() {
            let from = from.wrapping_add(i * most * source_unit);
            // SAFETY: the caller's promise.
            unsafe {
                self.bring(from, columns, rows.len(), (tile, pitch as isize));
                let tile = (tile.cast_const(), pitch as isize);
                self.tiles.take_each(tile, (to, rows), columns.len());
            }
        }
    }

    /// Whether rows that are at equal distances are better made of runs in a block than by way of a tile: where they are not converted after
    /// that, nor streamed, the last-level cache is near, registers hold lines, and runs of so many units are not too short to be converted each
    /// by itself.
    fn may_go_straight(&self, units: usize) -> bool {
        let as_they_are =
            !self.mover.converts() || self.tiles.converts_first() && units >= CONVERTED_RUN;
        as_they_are && self.mover.goes_by_near_caches() && self.tiles.transpose().makes_lines()
    }

    /// Brings runs of so many units to a block, and makes rows of them, so many bytes apart.
    ///
    /// # Safety
    /// As for [`Bricks::run`]; the block has room for them.
    unsafe fn go_straight(
        &self,
        (from, columns): (*const u8, &[isize]),
        to: (*mut u8, isize),
        units: usize,
        block: *mut u8,
    ) {
        let (source_unit, _) = self.mover.units();
        let (first, unit, asks) = (self.tiles.first(), self.tiles.unit(), self.mover.is_far());
        let apart = pitch(units * unit);
        // SAFETY: the caller's promise.
        unsafe {
            for (n, group) in columns.chunks(AT_ONCE).enumerate() {
                if asks {
                    for offset in columns.iter().skip((n + 1) * AT_ONCE).take(AT_ONCE) {
                        prefetch::run(from.wrapping_offset(*offset), source_unit as isize, units);
                    }
                }
                let block = block.add(n * AT_ONCE * apart);
                if first.converts() {
                    for (i, offset) in group.iter().enumerate() {
                        let run = block.add(i * apart);
                        first.adjacent(from.wrapping_offset(*offset), run, units);
                    }
                } else {
                    let target = (block, Step(apart as isize));
                    move_blocks((from, group), target, group.len(), units * source_unit);
                }
            }
            let exchange = Transpose::by_rows(unit).function(false);
            exchange(
                (block.cast_const(), apart as isize),
                to,
                columns.len(),
                units,
            );
        }
    }

    /// Transposes runs of so many units to the rows of a tile.
    ///
    /// # Safety
    /// As for [`Bricks::run`].
    unsafe fn bring(
        &self,
        from: *const u8,
        columns: &[isize],
        units: usize,
        (tile, pitch): (*mut u8, isize),
    ) {
        let (source_unit, _) = self.mover.units();
        let unit = self.tiles.unit();
        // Columns that are at equal distances, and need not be converted, are exchanged as they lie.
        if let Some(step) = self.inner.apart
            && !(self.tiles.converts_first() && self.mover.converts())
            && Transpose::fits(unit, columns.len(), units)
        {
            // SAFETY: the caller's promise.
            return unsafe {
                self.tiles
                    .transpose()
                    .run((from, step), (tile, pitch), columns.len(), units)
            };
        }
        // Whole squares: what is too much is not used.
        let padded = units.next_multiple_of(SIDE);
        let run_bytes = padded * source_unit;
        let mut gathered = Aligned::<{ MOST_RUNS * RUN }>::new();
        let mut made = Aligned::<{ MOST_RUNS * RUN }>::new();
        let transpose = self.tiles.transpose();
        let runs = transpose.runs();
        let mut column = 0;
        for group in columns.chunks(runs) {
            let next = &columns[(column + group.len()).min(columns.len())..];
            for offset in &next[..next.len().min(runs)] {
                prefetch::run(from.wrapping_offset(*offset), source_unit as isize, units);
            }
            let converts = self.tiles.converts_first() && self.mover.converts();
            let block = match converts {
                true => gathered.as_mut_ptr(),
                false => made.as_mut_ptr(),
            };
            let count = group.len().next_multiple_of(SIDE);
            let used = units * source_unit;
            // SAFETY: the caller's promise; there is room for as many runs.
            unsafe {
                let target = (block, Step(run_bytes as isize));
                move_blocks((from, group), target, group.len(), used);
                for i in 0..group.len() {
                    let rest = block.add(i * run_bytes + used);
                    rest.write_bytes(0, run_bytes - used);
                }
                let rest = block.add(group.len() * run_bytes);
                rest.write_bytes(0, (count - group.len()) * run_bytes);
                if converts {
                    let block = block.cast_const();
                    self.mover
                        .adjacent(block, made.as_mut_ptr(), count * padded);
                }
                let made = made.as_mut_ptr().cast_const();
                let target = (tile.add(column * unit), pitch);
                transpose.run((made, (padded * unit) as isize), target, count, padded);
            }
            column += group.len();
        }
    }
}
