//! Long runs go by parts, each of which asks for memory that later ones need: where the last-level cache is far away, the loops would wait
//! for it, above all for lines that are written.

use super::steps::GROUPS;
use crate::caches;
use crate::prefetch::{self, FAR, LINE};

/// How far ahead.
const AHEAD: usize = 2048;

/// Bytes of a part, of both sides together: so few that what one asks for comes while others are converted.
const PART: usize = 2 << 10;

/// Elements after which a run asks for what follows: all of them, if it need not.
pub fn part(count: usize, from_size: usize, to_size: usize) -> usize {
    match count * (from_size + to_size) > FAR && caches::last_level_is_far() {
        true => PART / (from_size + to_size) / GROUPS * GROUPS,
        false => count,
    }
}

/// Asks for as many bytes as are read at `from` and written at `to` now, further on. Either may have ended before.
#[inline(always)]
pub fn fetch(from: *const u8, from_bytes: usize, to: *mut u8, to_bytes: usize) {
    for offset in (AHEAD..AHEAD + from_bytes).step_by(LINE) {
        prefetch::line(from.wrapping_add(offset));
    }
    prefetch::bytes_to_write(to.wrapping_add(AHEAD), to_bytes);
}
