//! Planes of a few rows: woven together from a few runs, or taken apart into as many.

use super::{FEW, Line, Plane};
use crate::copy::block::{self, Aligned, BLOCK, Block};
use crate::copy::scratch::Small;
use crate::copy::stream;
use crate::copy::strided::{Loop, gather};
use crate::copy::weave::{IN_ORDER, Weave};
use crate::prefetch::{self, LINE};

/// Bytes of a row that is streamed even if it does not begin and end with a line.
const LONG_ROW: usize = 4096;

/// Bytes of a plane that is small.
const SMALL: usize = 16 << 10;

/// A number of units of so many bytes that are whole cache lines, if there are as many.
fn whole_lines(units: usize, size: usize) -> usize {
    let line = (LINE / size).max(1);
    match units / line * line {
        0 => units,
        whole => whole,
    }
}

impl Plane<'_> {
    /// Whether units are converted before they are woven.
    fn converts_first(&self) -> bool {
        self.mover.converts() && self.tiles.converts_first()
    }

    /// Steps of so many bytes each after which a destination that is streamed is where a line begins, if it ever is.
    fn lead(&self, to: *const u8, step: usize) -> Option<usize> {
        let begins = |steps: &usize| prefetch::to_next_line(to.wrapping_add(steps * step)) == 0;
        match self.mover.streams() {
            true => (0..LINE).find(begins),
            false => None,
        }
    }

    /// A few runs of the source, woven into one of the destination: planar to interleaved.
    ///
    /// # Safety
    /// As for [`Plane::run`].
    pub(super) unsafe fn weave_together(
        &self,
        weave: Weave<'_>,
        from: *const u8,
        to: *mut u8,
        along: Line,
        inner: Line,
    ) {
        let (mut block, mut woven, mut near) =
            (Block::new(), Block::new(), Aligned::<SMALL>::new());
        let unit = self.tiles.unit();
        let (source_unit, destination_unit) = self.mover.units();
        // A small plane comes from memory in the order of its bytes.
        let run = along.size * source_unit;
        let (plane, follows) = (inner.size * run, inner.source == run as isize);
        let from = match self.mover.is_far() && run >= IN_ORDER && follows && plane <= SMALL {
            true => {
                // SAFETY: the caller's promise; there is room.
                unsafe { block::copy(from, near.as_mut_ptr(), plane) };
                near.as_mut_ptr().cast_const()
            }
            false => from,
        };
        // Rows that follow each other are one.
        let row = inner.size * destination_unit;
        let joined = along.destination == row as isize;
        let lead = match joined {
            true => self.lead(to, row),
            false => None,
        };
        let streams = lead.is_some() && weave.streams();
        let direct = joined && self.tiles.converts_first() && (streams || !self.mover.streams());
        let most = match direct && !self.converts_first() {
            true => along.size,
            false => whole_lines(BLOCK / (inner.size * unit), unit),
        };
        let mut done = 0;
        while done < along.size {
            let count = stream::piece(done, lead.unwrap_or(0), most, along.size);
            let from = from.wrapping_offset(done as isize * along.source);
            let to = to.wrapping_offset(done as isize * along.destination);
            debug_assert!(most == along.size || count * inner.size * unit <= BLOCK);
            // SAFETY: the caller's promise; both blocks hold as many units.
            unsafe {
                let target = match direct {
                    true => to,
                    false => woven.as_mut_ptr(),
                };
                let streams = direct && streams && prefetch::to_next_line(to) == 0;
                if self.converts_first() {
                    let run_bytes = count * unit;
                    let block = block.as_mut_ptr();
                    for i in 0..inner.size {
                        let run = from.wrapping_offset(i as isize * inner.source);
                        self.mover.adjacent(run, block.add(i * run_bytes), count);
                    }
                    weave.run(block, target, run_bytes as isize, count, streams);
                } else {
                    weave.run(from, target, inner.source, count, streams);
                }
                if !joined {
                    let from = (target.cast_const(), (inner.size * unit) as isize);
                    let to = (to, along.destination);
                    self.tiles.take_rows(from, to, count, inner.size);
                } else if !direct {
                    self.tiles.take(target, to, count * inner.size);
                }
            }
            done += count;
        }
    }

    /// One run of the source, taken apart into a few of the destination: interleaved to planar.
    ///
    /// # Safety
    /// As for [`Plane::run`]; the rows of the source follow each other.
    pub(super) unsafe fn take_apart(
        &self,
        weave: Weave<'_>,
        from: *const u8,
        to: *mut u8,
        along: Line,
        inner: Line,
    ) {
        let unit = self.tiles.unit();
        let (_, destination_unit) = self.mover.units();
        let row = inner.size * destination_unit;
        // Of short rows, too much is in lines that are not whole.
        let whole = row >= LONG_ROW || stream::are_lines(to, along.destination, row);
        let lead = match along.destination % LINE as isize {
            0 if whole => self.lead(to, destination_unit),
            _ => None,
        };
        let streams = lead.is_some() && weave.streams();
        if self.tiles.converts_first() && (streams || !self.mover.streams()) {
            let lead = lead.unwrap_or(0).min(inner.size);
            let apart = along.destination;
            let rest = inner.size - lead;
            let later = from.wrapping_offset(lead as isize * inner.source);
            // SAFETY: the caller's promise.
            return unsafe {
                if lead > 0 {
                    self.separate(weave, from, (to, apart), lead, false);
                }
                let to = to.wrapping_add(lead * destination_unit);
                self.separate(weave, later, (to, apart), rest, streams);
            };
        }
        let mut small = Small::new();
        let small = small.as_mut_ptr();
        let units = along.size * inner.size;
        // SAFETY: the caller's promise; there is room.
        unsafe {
            if along.destination == row as isize && units * unit <= size_of::<Small>() {
                // Rows that follow each other go out in one piece.
                let run = (inner.size * unit) as isize;
                self.separate(weave, from, (small, run), inner.size, false);
                self.tiles.take(small, to, units);
            } else if along.size <= FEW {
                self.by_rows(from, to, along, inner);
            } else {
                self.tiles.run(from, to, along, inner);
            }
        }
    }

    /// [`Plane::take_apart`] row by row, by way of a block.
    ///
    /// # Safety
    /// As for [`Plane::run`].
    unsafe fn by_rows(&self, from: *const u8, to: *mut u8, along: Line, inner: Line) {
        let (mut block, mut whole) = (Block::new(), Block::new());
        let unit = self.tiles.unit();
        let (_, destination_unit) = self.mover.units();
        // What is converted first is a block of all rows, otherwise of each.
        let most = match self.converts_first() {
            true => whole_lines(BLOCK / (along.size * unit), unit),
            false => BLOCK / unit,
        };
        let lead = self.lead(to, destination_unit).unwrap_or(0);
        let one = Loop { count: 1, step: 0 };
        let mut done = 0;
        while done < inner.size {
            let count = stream::piece(done, lead, most, inner.size);
            let from = from.wrapping_offset(done as isize * inner.source);
            let to = to.wrapping_add(done * destination_unit);
            let units = Loop {
                count,
                step: (along.size * unit) as isize,
            };
            // SAFETY: the caller's promise; both blocks hold as many units.
            unsafe {
                let from = match self.converts_first() {
                    true => {
                        let whole = whole.as_mut_ptr();
                        self.mover.adjacent(from, whole, count * along.size);
                        whole.cast_const()
                    }
                    false => from,
                };
                for i in 0..along.size {
                    let block = block.as_mut_ptr();
                    gather(from.add(i * unit), one, units, unit, block);
                    let to = to.wrapping_offset(i as isize * along.destination);
                    self.tiles.take(block, to, count);
                }
            }
            done += count;
        }
    }

    /// Takes so many units of each of a few rows apart, converted if that is done first.
    ///
    /// # Safety
    /// As for [`Plane::run`]; rows begin where lines do if they are streamed.
    unsafe fn separate(
        &self,
        weave: Weave<'_>,
        from: *const u8,
        (to, apart): (*mut u8, isize),
        count: usize,
        streams: bool,
    ) {
        let unit = self.tiles.unit();
        if !self.converts_first() {
            // SAFETY: the caller's promise.
            return unsafe { weave.run(from, to, apart, count, streams) };
        }
        let mut block = Block::new();
        let block = block.as_mut_ptr();
        let most = whole_lines(BLOCK / (weave.few() * unit), unit);
        let mut done = 0;
        while done < count {
            let count = most.min(count - done);
            let from = from.wrapping_add(done * weave.few() * self.mover.units().0);
            // SAFETY: the caller's promise; the block holds as many units.
            unsafe {
                self.mover.adjacent(from, block, count * weave.few());
                weave.run(block, to.add(done * unit), apart, count, streams);
            }
            done += count;
        }
    }
}
