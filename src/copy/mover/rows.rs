//! Moving by a mover: runs as they lie, rows by way of [`blocks`](super::blocks).

use super::choice::Rows;
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
pub(super) const STREAMED: usize = 512;

/// Bytes by which asking is ahead of what is streamed: of what is converted, half of them.
const AHEAD: usize = 4096;

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
        if let Way::Lanes { kernel, from, to } = &self.way {
            for i in 0..outer.size {
                let source = (source, source_bit + i * outer.source);
                let destination = (destination, destination_bit + i * outer.destination);
                // SAFETY: the caller's promise.
                unsafe { move_lanes((*from, source), (*to, destination), inner, kernel.as_ref()) }
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
            self.rows(source, target);
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
        let each = |row| (source.row(row), target.row(row));
        let rows = 0..source.rows.count;
        let to = target.first.cast_mut();
        // SAFETY: the caller's promise.
        unsafe {
            match self.choose_rows(&source, &target) {
                Rows::Lines => self.stream_lines(source, target),
                Rows::Repeated(copies) => self.copy_again(&copies, &source, &target),
                Rows::Dense(dense) => dense.run_sheet(&source, &target),
                Rows::Spread => self.spread(source, target),
                Rows::Joined { streams } => self.join_rows(source, target, streams),
                Rows::Parted => self.part_rows(source, target),
                Rows::Scattered => {
                    let unit = self.destination_unit;
                    scatter(source.first, to, target.rows, target.units, unit);
                }
                Rows::Streamed => rows.map(each).for_each(|(source, target)| {
                    self.long_row(source, target.first.cast_mut(), true);
                }),
                Rows::Converted => rows.map(each).for_each(|(source, target)| {
                    self.produce(source, target.first.cast_mut());
                }),
                Rows::Alone => rows.map(each).for_each(|(source, target)| {
                    self.row(source, target);
                }),
            }
        }
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
        // Whole lines. What is converted without turns goes by larger pieces, and what is read backwards by whole blocks.
        let about = match (takes, self.converts()) {
            (true, _) => STREAMED / step,
            (false, true) => 2 * STREAMED / unit.max(step),
            (false, false) if source.units.step < 0 => BLOCK / unit,
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
