//! Moving by a mover: runs as they lie, rows by way of blocks that stay in the first-level cache.

use super::{Mover, Reach, Way};
use crate::copy::axes::Axis;
use crate::copy::block::{self, BLOCK, Block};
use crate::copy::lanes::{at, move_lanes};
use crate::copy::sheet::Sheet;
use crate::copy::spread::{self, spread};
use crate::copy::stream;
use crate::copy::strided::{Loop, Step, add_zeros, gather, move_blocks, scatter};
use crate::copy::turns::{self, Turns};
use crate::prefetch::{self, LINE};

/// Bytes that are streamed at a time. Few, so that reading from memory and writing to it overlap.
const STREAMED: usize = 512;

/// Bytes by which asking is ahead of what is streamed: of what is converted, half of them.
const AHEAD: usize = 4096;

/// Rows by which asking for those of the destination is ahead.
const ROWS_AHEAD: usize = 4;

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
        let axis = |size: i64, bits: i64| Loop {
            count: size as usize,
            step: (bits / 8) as isize,
        };
        let source = Sheet {
            first: from,
            rows: axis(outer.size, outer.source),
            units: axis(inner.size, inner.source),
        }
        .joined();
        let target = Sheet {
            first: to.cast_const(),
            rows: axis(outer.size, outer.destination),
            units: axis(inner.size, inner.destination),
        }
        .joined();
        // SAFETY: the caller's promise.
        unsafe {
            let (dense_from, dense_to) = (
                source.is_dense(self.source_unit),
                target.is_dense(self.destination_unit),
            );
            if dense_from && dense_to && source.rows.count == 1 && target.rows.count == 1 {
                return self.run(source.first, to, source.units.count);
            }
            // The rows of both sides must be the same ones.
            let (source, target) = match (source.rows.count == 1, target.rows.count == 1) {
                (true, false) => (source.split(target.units.count), target),
                (false, true) => (source, target.split(source.units.count)),
                _ => (source, target),
            };
            let row_bytes = target.units.count * self.destination_unit;
            let repeats = source.rows.step == 0 && source.rows.count > 1;
            if repeats && dense_to && self.converts() && row_bytes <= 4 * BLOCK {
                // The same row again and again: it is converted once.
                let once = Self {
                    reach: Reach::Near,
                    ..*self
                };
                once.rows(source.first_row(), target.first_row());
                let copies = Self {
                    way: Way::Bytes,
                    source_unit: self.destination_unit,
                    ..*self
                };
                let done = Sheet {
                    rows: Loop {
                        step: 0,
                        ..target.rows
                    },
                    ..target
                };
                return copies.rows(done.without_first_row(), target.without_first_row());
            }
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
    unsafe fn rows(&self, source: Sheet, target: Sheet) {
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
            && (joined || lines || row_bytes >= STREAMED);
        // SAFETY: the caller's promise.
        unsafe {
            if direct && !self.converts() && (lines || !streams) {
                self.copy_rows(source, target, streams);
            } else if self.spreads(&source) && dense_to && !streams {
                self.spread(source, target);
            } else if joined && rows > 1 && 2 * units <= self.most() {
                self.join_rows(source, target, streams);
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

    /// Bytes by which asking is ahead of what is streamed.
    fn ahead(&self) -> usize {
        match self.converts() {
            true => AHEAD / 2,
            false => AHEAD,
        }
    }

    /// Units of a block, one at least.
    fn most(&self) -> usize {
        (BLOCK / self.source_unit.max(self.destination_unit)).max(1)
    }

    /// Moves short rows that follow each other in the destination, several at a time.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; a block has room for two of them.
    unsafe fn join_rows(&self, source: Sheet, target: Sheet, streams: bool) {
        let (rows, units) = (source.rows.count, source.units.count);
        let to_line = match streams {
            true => stream::to_next_line(target.first) / (units * self.destination_unit),
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

    /// Moves a row a block at a time.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    unsafe fn row(&self, source: Sheet, target: Sheet) {
        let (units, unit) = (source.units.count, self.destination_unit);
        let to = target.first.cast_mut();
        if !self.converts() && !target.is_dense(unit) {
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
        // What writes more than it reads, or gathers, does not wait for reading.
        let takes = direct && step >= unit && units * step >= turns::WORTH;
        if direct && !takes && !self.converts() {
            // SAFETY: the caller's promise.
            return unsafe {
                match streams {
                    true => stream::copy(source.first, to, units * unit),
                    false => block::copy_far(source.first, to, units * unit),
                }
            };
        }
        // What is converted without turns goes by larger pieces.
        let piece = match (takes, self.converts()) {
            (true, _) => (STREAMED / step).max(LINE / unit),
            (false, true) => 2 * STREAMED / unit,
            (false, false) => STREAMED / unit,
        };
        let turns = Turns {
            units,
            first: stream::to_next_line(to) / unit,
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
                        prefetch::run(later, block.units.step, block.units.count);
                        self.deliver(block, to);
                    }
                }
            }
        });
    }

    /// Copies the rows of two sheets, whose units are adjacent on both sides, as streams if so.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    unsafe fn copy_rows(&self, source: Sheet, target: Sheet, streams: bool) {
        let bytes = source.units.count * self.source_unit;
        let rows = source.rows.count;
        let asks = self.is_far() && bytes >= LINE;
        // SAFETY: the caller's promise.
        unsafe {
            if !asks {
                let from = (source.first, Step(source.rows.step));
                let to = (target.first.cast_mut(), Step(target.rows.step));
                return move_blocks(from, to, rows, bytes);
            }
            for row in 0..rows {
                let (from, to) = (source.row(row).first, target.row(row).first.cast_mut());
                if streams {
                    self.long_row(source.row(row), to, true);
                    continue;
                }
                if bytes <= BLOCK {
                    let rows_ahead = (BLOCK / bytes).clamp(1, ROWS_AHEAD) as isize;
                    let ahead = to.wrapping_offset(target.rows.step * rows_ahead);
                    prefetch::bytes_to_write(ahead, bytes);
                    block::copy(from, to, bytes);
                } else {
                    block::copy_far(from, to, bytes);
                }
            }
        }
    }

    /// Moves a block to adjacent units.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the block is no larger than one.
    #[inline(always)]
    unsafe fn deliver(&self, block: Sheet, to: *mut u8) {
        if self.is_far() {
            let bytes = block.rows.count * block.units.count * self.destination_unit;
            prefetch::bytes_to_write(to, bytes);
        }
        // SAFETY: the caller's promise.
        unsafe { self.produce(block, to) }
    }

    /// Moves a block to adjacent units, as a stream, and asks for a row of units like the first one, which begins at `later`.
    ///
    /// # Safety
    /// As for [`Mover::deliver`].
    #[inline(always)]
    unsafe fn stream(&self, block: Sheet, later: *const u8, to: *mut u8) {
        let bytes = block.rows.count * block.units.count * self.destination_unit;
        prefetch::run(later, block.units.step, block.units.count);
        // SAFETY: the caller's promise.
        unsafe {
            if !self.converts() && block.rows.count == 1 && block.is_dense(self.source_unit) {
                return stream::write(block.first, to, bytes);
            }
            let mut buffer = Block::new();
            self.produce(block, buffer.as_mut_ptr());
            stream::write(buffer.as_mut_ptr(), to, bytes);
        }
    }

    /// Whether rows of a sheet need no gathering.
    fn is_direct(&self, source: &Sheet) -> bool {
        let dense = source.is_dense(self.source_unit);
        match self.way {
            Way::Bytes | Way::Convert { .. } => dense,
            // They go through blocks in any case.
            _ => false,
        }
    }

    /// Makes adjacent units of those of a sheet. If they must be gathered, they are no more than a block.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    #[inline(always)]
    unsafe fn produce(&self, source: Sheet, to: *mut u8) {
        let count = source.rows.count * source.units.count;
        let dense = source.is_dense(self.source_unit)
            && (source.rows.count == 1
                || source.rows.step == (source.units.count * self.source_unit) as isize);
        // SAFETY: the caller's promise.
        unsafe {
            match self.way {
                _ if self.spreads(&source) => {
                    let bytes = source.units.count * self.destination_unit;
                    let rows = Loop {
                        step: bytes as isize,
                        ..source.rows
                    };
                    let near = Self {
                        reach: Reach::Near,
                        ..*self
                    };
                    near.spread(
                        source,
                        Sheet {
                            first: to,
                            rows,
                            units: source.units,
                        },
                    );
                }
                Way::Convert { kernel, scalars } if dense => {
                    kernel.run(source.first, to, count * scalars)
                }
                Way::Bytes => gather(
                    source.first,
                    source.rows,
                    source.units,
                    self.source_unit,
                    to,
                ),
                _ => self.produce_gathered(source, to),
            }
        }
    }

    /// Whether the units of a sheet repeat, and are better spread than gathered.
    #[inline(always)]
    fn spreads(&self, source: &Sheet) -> bool {
        let repeats = source.units.step == 0 && source.units.count > 1;
        let whole = matches!(self.way, Way::Bytes | Way::Convert { .. });
        repeats && whole && spread::takes(self.destination_unit)
    }

    /// Spreads the units of a sheet to the rows of another, each of which is dense. Lines that are far are asked for a block before.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the sheet [spreads](Mover::spreads).
    #[inline(never)]
    unsafe fn spread(&self, source: Sheet, target: Sheet) {
        let (units, unit, step) = (source.units.count, self.destination_unit, target.rows.step);
        let each = |from: *const u8, made: Loop, done: usize| {
            let to = target.row(done).first.cast_mut();
            if !self.is_far() {
                // SAFETY: the caller's promise.
                return unsafe { spread(from, made, unit, (to, step), units) };
            }
            let rows = (BLOCK / (units * unit)).max(1);
            for row in (0..made.count).step_by(rows) {
                let from = from.wrapping_offset(row as isize * made.step);
                let to = to.wrapping_offset(row as isize * step);
                let rows = Loop {
                    count: rows.min(made.count - row),
                    ..made
                };
                for done in (0..units).step_by(self.most()) {
                    let to = to.wrapping_add(done * unit);
                    prefetch::bytes_to_write(to.wrapping_add(BLOCK), BLOCK);
                    let count = self.most().min(units - done);
                    // SAFETY: the caller's promise.
                    unsafe { spread(from, rows, unit, (to, step), count) }
                }
            }
        };
        // SAFETY: the caller's promise.
        unsafe { self.for_each_made(source, each) }
    }

    /// Calls `each` with some of the units of a sheet that spreads, one of each row, as they are in the destination: where the first
    /// one is, how they are apart, and how many have been before.
    ///
    /// # Safety
    /// As for [`Mover::spread`].
    unsafe fn for_each_made(&self, source: Sheet, mut each: impl FnMut(*const u8, Loop, usize)) {
        let rows = source.rows;
        if !self.converts() {
            return each(source.first, rows, 0);
        }
        for done in (0..rows.count).step_by(self.most()) {
            let count = self.most().min(rows.count - done);
            let column = Sheet {
                first: source.row(done).first,
                rows: Loop { count: 1, step: 0 },
                units: Loop { count, ..rows },
            };
            let made = Loop {
                count,
                step: self.destination_unit as isize,
            };
            let mut block = Block::new();
            // SAFETY: the caller's promise; a block has room for as many units.
            unsafe { self.produce(column, block.as_mut_ptr()) }
            each(block.as_mut_ptr(), made, done);
        }
    }

    /// [`Mover::adjacent`] of units of which parts are converted.
    ///
    /// # Safety
    /// As for that.
    #[inline(never)]
    pub(super) unsafe fn adjacent_parts(&self, from: *const u8, to: *mut u8, count: usize) {
        let sheet = Sheet {
            first: from,
            rows: Loop { count: 1, step: 0 },
            units: Loop {
                count,
                step: self.source_unit as isize,
            },
        };
        // SAFETY: the caller's promise.
        unsafe { self.produce_gathered(sheet, to) }
    }

    /// The rest of [`Mover::produce`].
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    unsafe fn produce_gathered(&self, source: Sheet, to: *mut u8) {
        let count = source.rows.count * source.units.count;
        let mut gathered = Block::new();
        let block = gathered.as_mut_ptr();
        // SAFETY: the caller's promise; what is gathered at a time fits a block.
        unsafe {
            match self.way {
                Way::Bytes | Way::Lanes { .. } => {}
                Way::Convert { kernel, scalars } => {
                    gather(
                        source.first,
                        source.rows,
                        source.units,
                        self.source_unit,
                        block,
                    );
                    kernel.run(block, to, count * scalars);
                }
                Way::AddImaginary { kernel } => {
                    let mut parts = Block::new();
                    let size = self.destination_unit / 2;
                    source.for_each_block(BLOCK / self.source_unit.max(size), |sheet, done| {
                        let count = sheet.rows.count * sheet.units.count;
                        gather(
                            sheet.first,
                            sheet.rows,
                            sheet.units,
                            self.source_unit,
                            block,
                        );
                        kernel.run(block, parts.as_mut_ptr(), count);
                        let to = to.add(done * self.destination_unit);
                        add_zeros(parts.as_mut_ptr(), to, size, count);
                    });
                }
                Way::EitherNonzero { kernel } => {
                    let mut parts = Block::new();
                    source.for_each_block(BLOCK / self.source_unit, |sheet, done| {
                        let count = sheet.rows.count * sheet.units.count;
                        gather(
                            sheet.first,
                            sheet.rows,
                            sheet.units,
                            self.source_unit,
                            block,
                        );
                        kernel.run(block, parts.as_mut_ptr(), 2 * count);
                        for i in 0..count {
                            let pair = parts.as_mut_ptr().add(2 * i).cast::<[u8; 2]>().read();
                            *to.add(done + i) = pair[0] | pair[1];
                        }
                    });
                }
            }
        }
    }
}
