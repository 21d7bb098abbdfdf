//! Into which shares a copy is divided among threads: some steps of one loop each.

use super::axes::Axes;
use core::ops::Range;

/// What one of several threads does: some of the steps of one loop.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub axis: usize,
    pub first: i64,
    pub end: i64,
}

/// A loop that is divided: its number, its size, and into how many parts.
#[derive(Clone, Copy, Debug)]
pub struct Division {
    axis: usize,
    size: i64,
    pub parts: i64,
}

impl Division {
    /// Into `parts` at most, which go along a page of the destination at least. The loop is the outermost one that has four parts for each
    /// thread, so that the loops inside stay whole, unless it repeats what the others read; or two; else the one that has most. The two
    /// innermost loops may be those of planes, of which a part has `narrowest` steps, more than one: then rows had better be whole as well.
    pub fn of(axes: &Axes<'_>, parts: i64, threads: i64, narrowest: i64) -> Self {
        const PAGE_BITS: u64 = 8 * 4096;
        let len = axes.len();
        let (inside, whole) = (
            len.saturating_sub(2),
            len - usize::from(narrowest > 1 && len > 0),
        );
        let mut best = Self {
            axis: 0,
            size: 1,
            parts: 1,
        };
        // How good that is: four for each thread, two, or as many as there are.
        let mut best_rank = 0;
        for i in 0..len {
            let axis = axes.get(i);
            let page = PAGE_BITS / axis.destination.unsigned_abs().clamp(1, PAGE_BITS);
            let fewest = if i < inside { 1 } else { narrowest };
            let most = (axis.size / fewest.max(page as i64)).max(1);
            let rank = match most {
                _ if most >= parts.min(4 * threads) && i < whole && axis.source != 0 => i64::MAX,
                _ if most >= parts.min(2 * threads) => i64::MAX - 1,
                _ => most,
            };
            if rank > best_rank {
                best_rank = rank;
                best = Self {
                    axis: i,
                    size: axis.size,
                    parts: parts.min(most),
                };
            }
        }
        best
    }

    /// The share of some parts. They begin at multiples of a line of bytes where the loop is long.
    pub fn share(&self, some: Range<i64>) -> Share {
        const MULTIPLE: i64 = 64;
        let Self { axis, size, parts } = *self;
        let bound = |part: i64| {
            if part == 0 || part == parts {
                return if part == 0 { 0 } else { size };
            }
            // In 128 bits: a size may be close to 2^63.
            let exact = (i128::from(size) * i128::from(part) / i128::from(parts)) as i64;
            if size / parts >= 4 * MULTIPLE {
                exact / MULTIPLE * MULTIPLE
            } else {
                exact
            }
        };
        Share {
            axis,
            first: bound(some.start),
            end: bound(some.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::axes::tests::axes;

    /// The loop that is divided, its size, and how many parts it has.
    fn of(axes: &Axes<'_>, [parts, threads, narrowest]: [i64; 3]) -> (usize, i64, i64) {
        let Division { axis, size, parts } = Division::of(axes, parts, threads, narrowest);
        (axis, size, parts)
    }

    #[test]
    fn what_threads_divide_leaves_rows_whole() {
        // Rows of two pages, in an order of their own: not 8192 elements into as many parts, but 64 loops around.
        let row = 8192;
        let source = [row, 192 * row, 64 * row, 1];
        let (rows, _) = axes(&[64, 3, 16, row], &source, &[48 * row, 16 * row, row, 1]);
        assert_eq!(of(&rows, [96, 2, 1]), (0, 64, 64));
        assert_eq!(of(&rows, [96, 32, 1]), (0, 64, 64));
        // A few long rows are divided, by pages at least.
        let (rows, _) = axes(&[3, 100 * row], &[200 * row, 1], &[100 * row, 1]);
        assert_eq!(of(&rows, [1000, 2, 1]), (1, 100 * row, 200));
        // Planes: of a few, which have a few parts of 128 rows, rows stay whole; of many, each is one.
        let (planes, _) = axes(
            &[3, 1000, 2000],
            &[2_000_000, 1, 1000],
            &[2_000_000, 2000, 1],
        );
        assert_eq!(of(&planes, [24, 2, 128]), (1, 1000, 7));
        let (planes, _) = axes(&[40, 300, 300], &[90_000, 1, 300], &[90_000, 300, 1]);
        assert_eq!(of(&planes, [14, 2, 128]), (0, 40, 14));
        // What repeats is read by each thread, if the row is too short for several.
        let (rows, _) = axes(&[20, 100 * row], &[0, 1], &[100 * row, 1]);
        assert_eq!(of(&rows, [64, 2, 1]), (1, 100 * row, 64));
        let (rows, _) = axes(&[2000, row], &[0, 1], &[row, 1]);
        assert_eq!(of(&rows, [64, 2, 1]), (0, 2000, 64));
        // One loop, and none.
        let (run, _) = axes(&[1 << 20], &[1], &[1]);
        assert_eq!(of(&run, [4, 2, 1]), (0, 1 << 20, 4));
        let (none, _) = axes(&[1], &[1], &[1]);
        assert_eq!(of(&none, [4, 2, 1]), (0, 1, 1));
    }

    #[test]
    fn parts_cover_every_element_once() {
        let (axes, start) = axes(&[7, 3], &[1, 7], &[3, 1]);
        for (axis, size) in [(0, 7), (1, 3)] {
            for parts in 1..=9 {
                let division = Division { axis, size, parts };
                let mut seen = [0; 21];
                for part in 0..parts {
                    let share = division.share(part..part + 1);
                    axes.for_each_sheet(start, share, |source, destination, outer, inner| {
                        for i in 0..outer.size * inner.size {
                            let (i, j) = (i / inner.size, i % inner.size);
                            let s = source + i * outer.source + j * inner.source;
                            let d = destination + i * outer.destination + j * inner.destination;
                            assert_eq!(s / 8, d / 8 / 3 + d / 8 % 3 * 7);
                            seen[(d / 8) as usize] += 1;
                        }
                    });
                }
                assert_eq!(seen, [1; 21]);
            }
        }
    }
}
