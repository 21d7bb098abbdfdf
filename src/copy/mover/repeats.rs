//! Units that repeat: each is converted once, and written again and again.

use super::{Mover, Way};
use crate::caches;
use crate::copy::block::{BLOCK, Block};
use crate::copy::sheet::Sheet;
use crate::copy::spread::spread;
use crate::copy::strided::{Loop, is_movable};
use crate::prefetch;

impl Mover {
    /// Whether the units of a sheet repeat, and are better spread than gathered.
    #[inline(always)]
    pub(super) fn spreads(&self, source: &Sheet) -> bool {
        let repeats = source.units.step == 0 && source.units.count > 1;
        let whole = matches!(self.way, Way::Bytes | Way::Convert { .. });
        repeats && whole && is_movable(self.destination_unit)
    }

    /// Whether lines are asked for before units are spread to them.
    pub(super) fn asks_to_spread(&self) -> bool {
        self.is_far() && caches::last_level_is_far()
    }

    /// Spreads the units of a sheet to the rows of another, each of which is dense. Lines that are far are asked for a block before,
    /// if the last-level cache is.
    ///
    /// # Safety
    /// As for [`Mover::sheet`]; the sheet [spreads](Mover::spreads).
    #[inline(never)]
    pub(super) unsafe fn spread(&self, source: Sheet, target: Sheet) {
        let (units, unit, step) = (source.units.count, self.destination_unit, target.rows.step);
        let each = |from: *const u8, made: Loop, done: usize| {
            let to = target.row(done).first.cast_mut();
            if !self.asks_to_spread() {
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
}
