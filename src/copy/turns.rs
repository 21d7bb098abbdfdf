//! The order in which a long row is read: pieces of several pages in turn.
//!
//! A processor reads ahead within a page, and one page at a time leaves it waiting. Several streams, each in a page of its own, keep
//! more lines on their way from memory: conversions that read more than they write take up to a quarter less time.

/// Bytes of a page, in which a stream stays.
const PAGE: usize = 4096;

/// Pages in turn. What is asked for a turn ahead of its use fits the smallest first-level caches.
const PAGES: usize = 4;

/// Bytes of a row that is worth it: each has a first turn, which nobody asked for.
pub const WORTH: usize = 16 * PAGE;

/// How a row of so many units is taken.
pub struct Turns {
    /// Units of a row.
    pub units: usize,
    /// Units of the first piece, if they are others than [`Turns::piece`].
    pub first: usize,
    /// Units of a piece.
    pub piece: usize,
    /// Bytes of the source from one unit to the next, at least one.
    pub step: usize,
    /// Whether pages take turns. Else they come one after the other.
    pub takes: bool,
    /// Units by which asking is ahead then.
    pub ahead: usize,
}

impl Turns {
    /// Calls `each` with every piece: the unit it begins with, how many there are, and how many units later what should be asked for
    /// begins.
    #[inline(always)]
    pub fn for_each(&self, mut each: impl FnMut(usize, usize, usize)) {
        let page = PAGE / self.step / self.piece * self.piece;
        let mut done = 0;
        if self.first > 0 {
            done = self.first.min(self.units);
            each(0, done, done);
        }
        while done < self.units {
            let pages = match self.takes && page > 0 {
                true => ((self.units - done) / page).min(PAGES),
                false => 1,
            };
            if pages < 2 {
                let count = self.piece.min(self.units - done);
                each(done, count, self.ahead);
                done += count;
                continue;
            }
            let turn = pages * page;
            for first in (0..page).step_by(self.piece) {
                for before in (0..turn).step_by(page) {
                    each(done + before + first, self.piece, turn);
                }
            }
            done += turn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_taken_once() {
        for units in [1, 63, 64, 1000, 4096, 5000, 20480, 100_003] {
            for (first, piece, step, takes) in [
                (0, 64, 4, true),
                (13, 64, 4, true),
                (13, 64, 4, false),
                (7, 100, 8, true),
                (64, 64, 1, true),
                (3, 512, 5000, true),
            ] {
                let mut taken = vec![0u8; units];
                let turns = Turns {
                    units,
                    first,
                    piece,
                    step,
                    takes,
                    ahead: 256,
                };
                turns.for_each(|start, count, _| {
                    taken[start..start + count]
                        .iter_mut()
                        .for_each(|times| *times += 1);
                });
                assert!(taken.iter().all(|times| *times == 1), "{units} by {piece}");
            }
        }
    }
}
