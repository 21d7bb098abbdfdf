//! Adjacent units, made of those of a block: of units that stay in the first-level cache on their way.

use super::{Mover, Way};
use crate::caches;
use crate::copy::block::{BLOCK, Block};
use crate::copy::sheet::Sheet;
use crate::copy::stream;
use crate::copy::strided::{Loop, gather};
use crate::prefetch;

impl Mover {
    /// Units of a block, one at least.
    pub(super) fn most(&self) -> usize {
        (BLOCK / self.source_unit.max(self.destination_unit)).max(1)
    }

    /// Moves a block to adjacent units.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the block is no larger than one.
    #[inline(always)]
    pub(super) unsafe fn deliver(&self, block: Sheet, to: *mut u8) {
        // Where the last-level cache is near, the processor writes ahead by itself what becomes more.
        if self.is_far() && (caches::last_level_is_far() || !self.grows()) {
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
    pub(super) unsafe fn stream(&self, block: Sheet, later: *const u8, to: *mut u8) {
        let bytes = block.rows.count * block.units.count * self.destination_unit;
        if caches::last_level_is_far() || self.grows() {
            prefetch::run(later, block.units.step, block.units.count);
        }
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

    /// Whether units have more bytes in the destination: then reading, which is less, waits for writing.
    pub(super) fn grows(&self) -> bool {
        self.destination_unit > self.source_unit
    }

    /// Whether rows of a sheet need no gathering.
    pub(super) fn is_direct(&self, source: &Sheet) -> bool {
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
    pub(super) unsafe fn produce(&self, source: Sheet, to: *mut u8) {
        let count = source.rows.count * source.units.count;
        let dense = source.is_dense(self.source_unit)
            && (source.rows.count == 1
                || source.rows.step == (source.units.count * self.source_unit) as isize);
        // SAFETY: the caller's promise.
        unsafe {
            match &self.way {
                Way::Convert { kernel, scalars } if dense => {
                    kernel.run(source.first, to, count * scalars)
                }
                Way::Bytes => self.gather(&source, to),
                _ => self.produce_gathered(source, to),
            }
        }
    }

    /// Gathers the units of a sheet, as they are, to adjacent ones.
    ///
    /// # Safety
    /// As for [`Mover::sheet`].
    #[inline(always)]
    unsafe fn gather(&self, sheet: &Sheet, to: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { gather(sheet.first, sheet.rows, sheet.units, self.source_unit, to) }
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
            match &self.way {
                Way::Bytes | Way::Lanes { .. } => {}
                Way::Convert { .. } if self.spreads(&source) => {
                    let bytes = source.units.count * self.destination_unit;
                    let rows = Loop {
                        step: bytes as isize,
                        ..source.rows
                    };
                    let target = Sheet {
                        first: to,
                        rows,
                        ..source
                    };
                    self.to_near().spread(source, target);
                }
                Way::Convert { kernel, scalars } => {
                    self.gather(&source, block);
                    kernel.run(block, to, count * scalars);
                }
            }
        }
    }
}
