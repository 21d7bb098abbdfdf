//! Moving by a mover: runs as they lie, rows by way of blocks that stay in the first-level cache.

use super::{Mover, Reach, Way};
use crate::copy::axes::Axis;
use crate::copy::block::{self, BLOCK, Block};
use crate::copy::lanes::{at, move_lanes};
use crate::copy::sheet::Sheet;
use crate::copy::stream;
use crate::copy::strided::{Loop, Step, add_zeros, gather, move_blocks, scatter};
use crate::prefetch::{self, LINE};

/// Bytes that are streamed at a time. Few, so that reading from memory and writing to it overlap; twice as many where the source
/// is gathered, which takes its time.
const STREAMED: usize = 512;

/// Bytes by which reading is ahead of what is streamed: of what is converted, fewer.
const AHEAD: isize = 4096;

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
            if repeats && dense_to && !matches!(self.way, Way::Bytes) && row_bytes <= 4 * BLOCK {
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
            if self.streams() {
                let rows = |first, step| Sheet {
                    first,
                    rows: Loop { count: 1, step: 0 },
                    units: Loop { count, step },
                };
                let source = rows(from, self.source_unit as isize);
                let target = rows(to.cast_const(), self.destination_unit as isize);
                self.rows(source, target);
            } else if matches!(self.way, Way::Bytes) {
                block::copy(from, to, count * self.source_unit);
            } else {
                self.produce(
                    Sheet {
                        first: from,
                        rows: Loop { count: 1, step: 0 },
                        units: Loop {
                            count,
                            step: self.source_unit as isize,
                        },
                    },
                    to,
                );
            }
        }
    }

    /// Moves the rows of two sheets of the same counts, a block at a time where they must be gathered, scattered or
    /// streamed.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    unsafe fn rows(&self, source: Sheet, target: Sheet) {
        let dense_to = target.is_dense(self.destination_unit);
        let aligned = stream::is_aligned(target.first, self.destination_unit);
        let joined = target.rows.step == (target.units.count * self.destination_unit) as isize;
        let (rows, units) = (source.rows.count, source.units.count);
        let row_bytes = units * self.destination_unit;
        let lines = [target.first as usize, target.rows.step as usize, row_bytes]
            .iter()
            .all(|bytes| bytes.is_multiple_of(LINE));
        let long = joined || lines || row_bytes >= STREAMED;
        let streams =
            self.streams() && dense_to && aligned && long && self.destination_unit <= STREAMED;
        let direct = self.is_direct(&source) && dense_to;
        // Units of a block, and of one of a long row.
        let block = (BLOCK / self.source_unit.max(self.destination_unit)).max(1);
        let most = match (streams, direct || matches!(self.way, Way::Bytes)) {
            (false, _) => block,
            (true, true) => block.min(STREAMED / self.destination_unit),
            (true, false) => block.min(2 * STREAMED / self.destination_unit),
        };
        if direct && matches!(self.way, Way::Bytes) && (lines || !streams) {
            // SAFETY: the caller's promise.
            return unsafe { self.copy_rows(source, target, streams) };
        }
        // SAFETY: the caller's promise.
        unsafe {
            if dense_to && joined && 2 * units <= block && rows > 1 {
                // Several short rows are a block.
                let mut row = 0;
                while row < rows {
                    let to = target.row(row).first.cast_mut();
                    let rows_to_line = if streams && row == 0 {
                        stream::to_next_line(to) / (units * self.destination_unit)
                    } else {
                        0
                    };
                    let count = match rows_to_line {
                        0 => block / units,
                        count => count,
                    };
                    let count = count.min(rows - row);
                    let block = source.row_range(row, count);
                    self.deliver(block, to, streams);
                    row += count;
                }
                return;
            }
            for row in 0..rows {
                let (source, target) = (source.row(row), target.row(row));
                let to = target.first.cast_mut();
                if direct && !streams {
                    self.produce(source, to);
                    continue;
                }
                if matches!(self.way, Way::Bytes) {
                    if direct {
                        stream::copy(source.first, to, row_bytes);
                        continue;
                    }
                    if !dense_to {
                        let source = (source.first, Step(source.units.step));
                        let target = (to, Step(target.units.step));
                        move_blocks(source, target, units, self.source_unit);
                        continue;
                    }
                }
                let mut unit = 0;
                while unit < units {
                    let to = to.wrapping_offset(unit as isize * target.units.step);
                    // The first block ends where a line begins.
                    let to_line = if streams && unit == 0 {
                        stream::to_next_line(to) / self.destination_unit
                    } else {
                        0
                    };
                    let count = if to_line == 0 { most } else { to_line };
                    let count = count.min(units - unit);
                    let block = source.unit_range(unit, count);
                    if dense_to {
                        self.deliver(block, to, streams);
                    } else {
                        let mut buffer = Block::new();
                        self.produce(block, buffer.as_mut_ptr());
                        let one = Loop { count: 1, step: 0 };
                        let units = Loop {
                            count,
                            step: target.units.step,
                        };
                        scatter(buffer.as_mut_ptr(), to, one, units, self.destination_unit);
                    }
                    unit += count;
                }
            }
        }
    }

    /// Copies the rows of two sheets, whose units are adjacent on both sides, as streams if so.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    unsafe fn copy_rows(&self, source: Sheet, target: Sheet, streams: bool) {
        let bytes = source.units.count * self.source_unit;
        let rows = source.rows.count;
        let asks = self.reach != Reach::Near && bytes >= LINE;
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
                    stream::copy(from, to, bytes);
                    continue;
                }
                if bytes <= BLOCK {
                    let rows_ahead = (BLOCK / bytes).clamp(1, ROWS_AHEAD) as isize;
                    let ahead = to.wrapping_offset(target.rows.step * rows_ahead);
                    for offset in (0..bytes).step_by(LINE) {
                        prefetch::line_to_write(ahead.wrapping_add(offset));
                    }
                    block::copy(from, to, bytes);
                } else {
                    block::copy_far(from, to, bytes);
                }
            }
        }
    }

    /// Moves a block to adjacent units, as a stream if so.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the block is no larger than one.
    #[inline(always)]
    unsafe fn deliver(&self, block: Sheet, to: *mut u8, streams: bool) {
        // SAFETY: the caller's promise.
        unsafe {
            if streams {
                let mut buffer = Block::new();
                let bytes = block.rows.count * block.units.count * self.destination_unit;
                let ahead = match self.way {
                    Way::Bytes => AHEAD,
                    _ => AHEAD / 2,
                };
                let ahead = block
                    .first
                    .wrapping_offset(ahead * block.units.step.signum());
                prefetch::run(ahead, block.units.step, block.units.count);
                self.produce(block, buffer.as_mut_ptr());
                stream::write(buffer.as_mut_ptr(), to, bytes);
            } else {
                if self.reach == Reach::Far {
                    let bytes = block.rows.count * block.units.count * self.destination_unit;
                    for offset in (0..bytes).step_by(LINE) {
                        prefetch::line_to_write(to.wrapping_add(offset));
                    }
                }
                self.produce(block, to);
            }
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
                    if source.rows.count == 1 && source.units.step == 0 {
                        // One unit, again and again.
                        kernel.run(source.first, block, scalars);
                        let units = Loop { count, step: 0 };
                        gather(block, source.rows, units, self.destination_unit, to);
                        return;
                    }
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
