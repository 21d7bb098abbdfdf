//! Moving by a mover: runs as they lie, rows by way of [`blocks`](super::blocks).

use super::dense_rows::READ_AHEAD;
use super::{Mover, Reach, Way};
use crate::caches;
use crate::copy::axes::Axis;
use crate::copy::block::{self, BLOCK, Block};
use crate::copy::lanes::{at, move_lanes};
use crate::copy::places::{Step, move_blocks};
use crate::copy::sheet::Sheet;
use crate::copy::stream;
use crate::copy::strided::{Loop, scatter};
use crate::copy::turns::{self, Turns};
use crate::prefetch::{self, LINE};

/// Bytes that are streamed at a time. Few, so that reading from memory and writing to it overlap.
const STREAMED: usize = 512;

/// Bytes by which asking is ahead of what is streamed: of what is converted, half of them.
const AHEAD: usize = 4096;

/// Bytes of a row: those that are no longer, but scattered, take longer by way of a block than each to its place, even if the block is
/// streamed.
const SCATTERED_ROW: usize = 256;

/// Rows far apart of which the processor reads ahead in each.
const FOLLOWED: usize = 16;

/// Units of a row from which it is better converted by itself.
pub const LONG_ROW: usize = 64;

/// Whether rows of so many bytes, which begin so many bytes apart, are joined to a block faster than each is written where it belongs: if
/// they have whole parts of a line, or much is read between them.
fn joins_well(bytes: usize, apart: usize) -> bool {
    bytes.is_multiple_of(LINE / 4) || bytes > LINE / 2 && apart >= 2 * bytes
}

impl Mover {
    /// Moves the units of two loops, of which the inner one is the better one to go along, from the two bits on.
    ///
    /// # Safety
    /// Source units are readable, destination units writable, and they do not overlap. If the mover computes, the standard
    /// environment is in force.
    pub unsafe fn sheet(
        &self,
        (source, source_bit): (*const u8, i64),
        (destination, destination_bit): (*mut u8, i64),
        outer: Axis,
        inner: Axis,
    ) {
        if let Way::Lanes {
            kernel,
            from,
            to,
            parts,
        } = self.way
        {
            for i in 0..outer.size {
                let source = (source, source_bit + i * outer.source);
                let destination = (destination, destination_bit + i * outer.destination);
                // SAFETY: the caller's promise.
                unsafe { move_lanes((from, source), (to, destination), inner, kernel, parts) }
            }
            return;
        }
        let from = at(source, source_bit);
        let to = at(destination, destination_bit).cast_mut();
        let source = Sheet {
            first: from,
            rows: Loop::of_bits(outer.size, outer.source),
            units: Loop::of_bits(inner.size, inner.source),
        }
        .joined();
        let target = Sheet {
            first: to.cast_const(),
            rows: Loop::of_bits(outer.size, outer.destination),
            units: Loop::of_bits(inner.size, inner.destination),
        }
        .joined();
        let dense = source.is_dense(self.source_unit) && target.is_dense(self.destination_unit);
        // SAFETY: the caller's promise.
        unsafe {
            if dense && source.rows.count == 1 && target.rows.count == 1 {
                return self.run(source.first, to, source.units.count);
            }
            // The rows of both sides must be the same ones.
            let (source, target) = match (source.rows.count == 1, target.rows.count == 1) {
                (true, false) => (source.split(target.units.count), target),
                (false, true) => (source, target.split(source.units.count)),
                _ => (source, target),
            };
            if self.repeats_row(&source, &target) {
                self.repeat_row(source, target);
            } else {
                self.rows(source, target);
            }
        }
    }

    /// Moves one dense run.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    #[inline(always)]
    unsafe fn run(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let row = |first, step| Sheet {
                first,
                rows: Loop { count: 1, step: 0 },
                units: Loop { count, step },
            };
            let source = row(from, self.source_unit as isize);
            match self.reach {
                Reach::Streamed => {
                    self.rows(source, row(to.cast_const(), self.destination_unit as isize));
                }
                Reach::Fresh => self.long_row(source, to, false),
                _ if self.converts() => self.produce(source, to),
                _ => block::copy(from, to, count * self.source_unit),
            }
        }
    }

    /// Moves the rows of two sheets of the same counts.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    pub unsafe fn rows(&self, source: Sheet, target: Sheet) {
        let (rows, units) = (source.rows.count, source.units.count);
        let row_bytes = units * self.destination_unit;
        let dense_to = target.is_dense(self.destination_unit);
        let direct = self.is_direct(&source) && dense_to;
        let joined = dense_to && target.rows.step == row_bytes as isize;
        let lines = stream::are_lines(target.first, target.rows.step, row_bytes);
        let streams = self.streams()
            && dense_to
            && stream::is_aligned(target.first, self.destination_unit)
            && self.destination_unit <= STREAMED
            && self.streams_rows(&source, row_bytes, joined || lines);
        // SAFETY: the caller's promise.
        unsafe {
            let apart = source.rows.step.unsigned_abs();
            let scattered = row_bytes <= SCATTERED_ROW && apart > READ_AHEAD;
            if direct && !self.converts() && streams && lines {
                self.stream_lines(source, target);
            } else if direct && !self.converts() && !streams && self.copy_again(&source, &target) {
                // Done.
            } else if direct && !self.converts() && (!streams || scattered) {
                self.copied_rows(&source).run_sheet(&source, &target);
            } else if self.spreads(&source) && dense_to && !streams {
                self.spread(source, target);
            } else if direct
                && !streams
                && let Some(converted) = self.converted_rows(&source, joined)
            {
                converted.run_sheet(&source, &target);
            } else if joined && rows > 1 && 2 * units <= self.most() {
                self.join_rows(source, target, streams);
            } else if self.converts() && rows > 1 && units < LONG_ROW && !streams {
                self.part_rows(source, target);
            } else if !self.converts() && !dense_to && source.is_run(self.source_unit) {
                scatter(
                    source.first,
                    target.first.cast_mut(),
                    target.rows,
                    target.units,
                    self.destination_unit,
                );
            } else {
                for row in 0..rows {
                    let (source, target) = (source.row(row), target.row(row));
                    let to = target.first.cast_mut();
                    match (streams, direct) {
                        (true, _) => self.long_row(source, to, true),
                        (false, true) => self.produce(source, to),
                        (false, false) => self.row(source, target),
                    }
                }
            }
        }
    }

    /// Bytes of a row from which it is streamed, though lines at its ends are not whole. What is converted comes later, and keeps those
    /// lines waiting for longer.
    pub fn streamed_row(&self) -> usize {
        match self.converts() {
            true => 4 * STREAMED,
            false => STREAMED,
        }
    }

    /// Whether rows of so many bytes of a destination that streams are better streamed. `whole`: they are lines, together or each. Where
    /// the last-level cache is near, the processor reads ahead in what it reads at length, and all else waits for what is streamed in
    /// between.
    pub(super) fn streams_rows(&self, source: &Sheet, bytes: usize, whole: bool) -> bool {
        if caches::last_level_is_far() {
            return whole || bytes >= self.streamed_row();
        }
        if self.spreads(source) {
            // What is only written takes no longer by way of the cache.
            return false;
        }
        let apart = source.rows.step.unsigned_abs();
        let follow = self.follow(source);
        if self.converts() {
            let alike = follow && self.destination_unit == self.source_unit;
            return bytes >= 4 * BLOCK || (self.grows() || alike) && bytes >= BLOCK;
        }
        let several = match apart == 0 || self.is_direct(source) && bytes > 2 * LINE {
            // They need no block.
            true => apart == 0 && bytes >= BLOCK / 4,
            false => {
                let joins = !self.is_direct(source) || joins_well(bytes, apart);
                follow && joins && bytes.saturating_mul(source.rows.count) >= BLOCK
            }
        };
        bytes > BLOCK / 2 || whole && several
    }

    /// Whether rows are so close to each other that the processor reads them as one run.
    fn follow(&self, source: &Sheet) -> bool {
        let row = source.units.count * source.units.step.unsigned_abs();
        source.rows.step.unsigned_abs() <= 2 * row.max(self.source_unit)
    }

    /// Whether it pays to ask for rows that are converted: where the last-level cache is near, not for what the processor reads ahead, nor
    /// for so few that it follows each.
    pub(super) fn asks_for_rows(&self, source: &Sheet) -> bool {
        let many = source.rows.count > FOLLOWED && !self.follow(source);
        self.is_far() && (caches::last_level_is_far() || many)
    }

    /// Bytes by which asking is ahead of what is streamed.
    fn ahead(&self) -> usize {
        match self.converts() {
            true => AHEAD / 2,
            false => AHEAD,
        }
    }

    /// Moves short rows that follow each other in the destination, several at a time.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; a block has room for two of them.
    unsafe fn join_rows(&self, source: Sheet, target: Sheet, streams: bool) {
        let (rows, units) = (source.rows.count, source.units.count);
        let to_line = match streams {
            true => prefetch::to_next_line(target.first) / (units * self.destination_unit),
            false => 0,
        };
        let mut row = 0;
        while row < rows {
            let count = stream::piece(row, to_line, self.most() / units, rows);
            let to = target.row(row).first.cast_mut();
            let block = source.row_range(row, count);
            // SAFETY: the caller's promise.
            unsafe {
                match streams {
                    true => {
                        let step = block.units.step;
                        let ahead = self.ahead() as isize * step.signum();
                        let later = block.first.wrapping_offset(ahead);
                        self.stream(block, later, to);
                    }
                    false => self.deliver(block, to),
                }
            }
            row += count;
        }
    }

    /// Converts short rows several at a time, and then puts each where it belongs.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; a block has room for two of them.
    unsafe fn part_rows(&self, source: Sheet, target: Sheet) {
        let (rows, units) = (source.rows.count, source.units.count);
        let most = self.most() / units;
        let asks = self.asks_for_rows(&source);
        for row in (0..rows).step_by(most) {
            let count = most.min(rows - row);
            let (source, target) = (source.row_range(row, count), target.row_range(row, count));
            let (to, step) = (target.first.cast_mut(), target.rows.step);
            let mut buffer = Block::new();
            let block = buffer.as_mut_ptr();
            // SAFETY: the caller's promise.
            unsafe {
                if asks {
                    let later = to.wrapping_offset(count as isize * step);
                    prefetch::rows_to_write(later, step, units * self.destination_unit, count);
                }
                self.produce(source, block);
                scatter(block, to, target.rows, target.units, self.destination_unit);
            }
        }
    }

    /// Moves a row a block at a time.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    unsafe fn row(&self, source: Sheet, target: Sheet) {
        let (units, unit) = (source.units.count, self.destination_unit);
        let to = target.first.cast_mut();
        if !self.converts() && !target.is_dense(unit) {
            if source.is_dense(unit) {
                // SAFETY: the caller's promise.
                return unsafe { scatter(source.first, to, target.rows, target.units, unit) };
            }
            let (from, step) = (source.first, Step(source.units.step));
            let to = (to, Step(target.units.step));
            // SAFETY: the caller's promise.
            return unsafe { move_blocks((from, step), to, units, unit) };
        }
        for done in (0..units).step_by(self.most()) {
            let count = self.most().min(units - done);
            let to = to.wrapping_offset(done as isize * target.units.step);
            let block = source.unit_range(done, count);
            // SAFETY: the caller's promise.
            unsafe {
                if target.is_dense(unit) {
                    self.deliver(block, to);
                } else {
                    let mut buffer = Block::new();
                    self.produce(block, buffer.as_mut_ptr());
                    let one = Loop { count: 1, step: 0 };
                    let step = target.units.step;
                    scatter(buffer.as_mut_ptr(), to, one, Loop { count, step }, unit);
                }
            }
        }
    }

    /// Moves a row to adjacent units, as a stream if so.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; of a stream, lines begin at units.
    unsafe fn long_row(&self, source: Sheet, to: *mut u8, streams: bool) {
        let unit = self.destination_unit;
        let step = source.units.step.unsigned_abs().max(1);
        let (units, direct) = (source.units.count, self.is_direct(&source));
        // What writes more than it reads does not wait for reading; what is gathered and then converted takes larger pieces.
        let gathers = !self.converts() && unit < step && step <= prefetch::CLOSE;
        let takes = caches::last_level_is_far()
            && (direct && unit <= step || gathers)
            && units * step >= turns::WORTH;
        if direct && !takes && !self.converts() {
            // SAFETY: the caller's promise.
            return unsafe {
                match streams {
                    true => stream::copy(source.first, to, units * unit),
                    false => block::copy_far(source.first, to, units * unit),
                }
            };
        }
        // Whole lines. What is converted without turns goes by larger pieces.
        let about = match (takes, self.converts()) {
            (true, _) => STREAMED / step,
            (false, true) => 2 * STREAMED / unit.max(step),
            (false, false) => STREAMED / unit,
        };
        let piece = about.next_multiple_of((LINE / unit).max(1));
        let turns = Turns {
            units,
            first: prefetch::to_next_line(to) / unit,
            piece: piece.clamp(1, self.most()),
            step,
            takes,
            ahead: self.ahead() / step,
        };
        turns.for_each(|done, count, ahead| {
            let block = source.unit_range(done, count);
            let later = source.unit_range(done + ahead, count).first;
            // SAFETY: the caller's promise.
            unsafe {
                let to = to.add(done * unit);
                match streams {
                    true => self.stream(block, later, to),
                    false => {
                        if caches::last_level_is_far() {
                            prefetch::run(later, block.units.step, block.units.count);
                        }
                        self.deliver(block, to);
                    }
                }
            }
        });
    }

    /// Streams the rows of two sheets, whose units are adjacent on both sides, and which are lines.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    unsafe fn stream_lines(&self, source: Sheet, target: Sheet) {
        let (rows, bytes) = (source.rows.count, source.units.count * self.source_unit);
        // SAFETY: the caller's promise.
        unsafe {
            if bytes <= BLOCK {
                let from = (source.first, source.rows.step);
                let to = (target.first.cast_mut(), target.rows.step);
                return stream::write_rows(from, to, rows, bytes);
            }
            for row in 0..rows {
                self.long_row(source.row(row), target.row(row).first.cast_mut(), true);
            }
        }
    }
}
