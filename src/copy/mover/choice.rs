//! How the rows of two sheets are moved: chosen by how they lie and how far away they are, before any of them is.

use super::Mover;
use super::copies::Copies;
use super::dense_rows::{DenseRows, READ_AHEAD};
use super::rows::STREAMED;
use crate::caches;
use crate::copy::block::BLOCK;
use crate::copy::sheet::Sheet;
use crate::copy::stream;
use crate::prefetch::LINE;

/// Bytes of a row: those that are no longer, but scattered, take longer by way of a block than each to its place, even if the block is
/// streamed.
const SCATTERED_ROW: usize = 256;

/// Rows far apart of which the processor reads ahead in each.
const FOLLOWED: usize = 16;

/// Units of a row from which it is better converted by itself.
pub const LONG_ROW: usize = 64;

/// How the rows of two sheets are moved.
pub(super) enum Rows {
    /// Streamed, and each is whole lines.
    Lines,
    /// One row, copied to all.
    Repeated(Copies),
    /// Each by one loop.
    Dense(DenseRows),
    /// Units that repeat are written.
    Spread,
    /// Several at a time, since they follow each other in the destination, and streamed if so.
    Joined { streams: bool },
    /// Several at a time to a block, and from there each to its place.
    Parted,
    /// From where they follow each other to units that are apart.
    Scattered,
    /// Each as a stream.
    Streamed,
    /// Each by the kernel.
    Converted,
    /// Each a block at a time.
    Alone,
}

/// Whether rows of so many bytes, which begin so many bytes apart, are joined to a block faster than each is written where it belongs: if
/// they have whole parts of a line, or much is read between them.
fn joins_well(bytes: usize, apart: usize) -> bool {
    bytes.is_multiple_of(LINE / 4) || bytes > LINE / 2 && apart >= 2 * bytes
}

impl Mover {
    /// How to move the rows of two sheets of the same counts.
    pub(super) fn choose_rows(&self, source: &Sheet, target: &Sheet) -> Rows {
        let (rows, units) = (source.rows.count, source.units.count);
        if !target.is_dense(self.destination_unit) {
            return match self.converts() {
                true if rows > 1 && units < LONG_ROW => Rows::Parted,
                false if source.is_run(self.source_unit) => Rows::Scattered,
                _ => Rows::Alone,
            };
        }
        let row_bytes = units * self.destination_unit;
        let direct = self.is_direct(source);
        let joined = target.rows.step == row_bytes as isize;
        let lines = stream::are_lines(target.first, target.rows.step, row_bytes);
        let streams = self.streams()
            && stream::is_aligned(target.first, self.destination_unit)
            && self.destination_unit <= STREAMED
            && self.streams_rows(source, row_bytes, joined || lines);
        if direct && !self.converts() {
            let apart = source.rows.step.unsigned_abs();
            let scattered = row_bytes <= SCATTERED_ROW && apart > READ_AHEAD;
            if streams && lines {
                return Rows::Lines;
            }
            if !streams && let Some(copies) = self.copies(source, joined) {
                return Rows::Repeated(copies);
            }
            if !streams || scattered {
                return Rows::Dense(self.copied_rows(source));
            }
        }
        if !streams && self.spreads(source) {
            return Rows::Spread;
        }
        if !streams
            && direct
            && let Some(converted) = self.converted_rows(source, joined)
        {
            return Rows::Dense(converted);
        }
        if joined && rows > 1 && 2 * units <= self.most() {
            return Rows::Joined { streams };
        }
        match (streams, direct) {
            (true, _) => Rows::Streamed,
            (false, _) if self.converts() && rows > 1 && units < LONG_ROW => Rows::Parted,
            (false, true) => Rows::Converted,
            (false, false) => Rows::Alone,
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
        if source.units.step < 0 {
            // The processor, which begins anew with each row, waits for what is streamed in between.
            return bytes >= 4 * BLOCK;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::mover::Reach;
    use crate::copy::strided::Loop;
    use crate::dtype::{DType, Overflow, Scalar};

    /// How many rows of so many bytes, which begin so many bytes apart, are moved to rows that follow each other.
    fn way(bytes: usize, apart: usize, reach: Reach) -> Rows {
        let byte = DType::of_scalar(Scalar::UInt8);
        let mover = Mover::choose(byte, byte, Overflow::Default, reach, false);
        let sheet = |step: usize| Sheet {
            first: core::ptr::without_provenance(1 << 20),
            rows: Loop {
                count: 10_000,
                step: step as isize,
            },
            units: Loop {
                count: bytes,
                step: 1,
            },
        };
        mover.choose_rows(&sheet(apart), &sheet(bytes))
    }

    #[test]
    fn rows_that_do_not_join_well_are_not_streamed_where_the_last_level_cache_is_near() {
        let near = !caches::last_level_is_far();
        // Parts of lines, and odd rows with much between them.
        for (bytes, apart) in [(16, 20), (48, 50), (112, 130), (61, 122), (33, 66)] {
            assert!(matches!(
                way(bytes, apart, Reach::Streamed),
                Rows::Joined { streams: true }
            ));
        }
        // Odd rows with little between them, and very short ones.
        for (bytes, apart) in [(61, 64), (33, 40), (100, 120), (17, 34), (31, 62)] {
            let way = way(bytes, apart, Reach::Streamed);
            match near {
                true => assert!(matches!(way, Rows::Dense(_)), "{bytes} {apart}"),
                false => assert!(matches!(way, Rows::Joined { streams: true })),
            }
        }
        assert!(matches!(way(64, 100, Reach::Streamed), Rows::Lines));
        assert!(matches!(way(3000, 3100, Reach::Streamed), Rows::Streamed));
        for reach in [Reach::Near, Reach::Far] {
            assert!(matches!(way(48, 50, reach), Rows::Dense(_)));
        }
    }
}
