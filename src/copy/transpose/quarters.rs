//! Transposing in two steps by registers of four quarters, which are pieces of four runs. Runs come to a block as such registers, in the order
//! in which columns are made of them, so that both steps take fewer instructions.

use super::Runs;
#[cfg(target_arch = "x86_64")]
use super::avx512::quarters as registers;
#[cfg(target_arch = "x86_64")]
use crate::level;
use crate::prefetch::LINE;

/// Bytes of a quarter.
pub const QUARTER: usize = 16;

/// Lines of runs; what is left after those is the end of one that overlaps the last.
#[derive(Clone, Copy)]
pub struct Lines {
    pub whole: usize,
    pub rest: usize,
}

impl Lines {
    /// Of so many bytes, a line at least.
    pub fn new(bytes: usize) -> Self {
        debug_assert!(bytes >= LINE);
        Self {
            whole: bytes / LINE,
            rest: bytes % LINE,
        }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.whole + usize::from(self.rest > 0)
    }

    /// The byte of a run where one of them begins.
    pub fn begin(self, line: usize) -> usize {
        match line == self.whole {
            true => line * LINE + self.rest - LINE,
            false => line * LINE,
        }
    }
}

/// Runs that become columns: lines of rows, of which the first and the last one may have columns that are not there.
#[derive(Clone, Copy)]
pub struct Columns {
    before: usize,
    count: usize,
    lines: usize,
}

impl Columns {
    /// So many, of units of so many bytes, the first line of which begins after `head`.
    pub fn new(size: usize, head: usize, count: usize) -> Self {
        let line = LINE / size;
        let before = (line - head % line) % line;
        Self {
            before,
            count,
            lines: (count + before).div_ceil(line),
        }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// Lines of a row.
    pub fn lines(self) -> usize {
        self.lines
    }

    /// Bytes of the first and the last line of units of so many bytes that are there.
    fn masks(self, size: usize) -> [u64; 2] {
        let (before, end) = (self.before * size, (self.before + self.count) * size);
        let [first, last] = [!0 << before, !0 >> (end.wrapping_neg() % LINE)];
        match self.lines {
            1 => [first & last; 2],
            _ => [first, last],
        }
    }

    /// Whether `runs` from the `first` on are all there.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn has(self, first: usize, runs: usize) -> bool {
        first >= self.before && first + runs <= self.before + self.count
    }

    /// The run that becomes one of the columns of these lines, or, for one that is not there, another one.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn run(self, column: usize) -> usize {
        column.saturating_sub(self.before).min(self.count - 1)
    }
}

/// Brings runs to a block, in which quarters are so many bytes apart.
type Gather = unsafe fn(Runs<*const u8>, (*mut u8, usize), Columns, Lines, usize);

/// Makes rows of a quarter, so many lines of which the first and the last one have such masks.
type Exchange = unsafe fn(*const u8, Runs<*mut u8>, usize, [u64; 2]);

/// The two steps for units of one size.
#[derive(Clone, Copy)]
pub struct Quarters {
    size: usize,
    gather: Gather,
    exchange: Exchange,
    /// The same of four rows at a time, if that is not what a quarter has.
    fours: Option<Exchange>,
    writes_four: bool,
}

impl Quarters {
    /// For units of `size` bytes, if they are of 1, 2 or 4, which larger ones gain nothing by, and the processor has such registers.
    pub fn of(size: usize) -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if level::has_avx512() {
            let (exchange, fours): (Exchange, Option<Exchange>) = match size {
                1 => (
                    registers::exchange::<1, 16>,
                    Some(registers::exchange_fours::<1, 16>),
                ),
                2 => (
                    registers::exchange::<2, 8>,
                    Some(registers::exchange_fours::<2, 8>),
                ),
                4 => (registers::exchange::<4, 4>, None),
                _ => return None,
            };
            return Some(Self {
                size,
                gather: registers::gather,
                exchange,
                fours,
                writes_four: false,
            });
        }
        let _ = size;
        None
    }

    /// The same, but of rows of units of one or two bytes four are written before the next four: lines of eight do not stay in the
    /// first-level cache together.
    pub fn four_at_a_time(self) -> Self {
        match self.fours {
            Some(exchange) => Self {
                exchange,
                writes_four: true,
                ..self
            },
            None => self,
        }
    }

    /// Whether four rows are written at a time, and had better be longer.
    pub fn writes_four(self) -> bool {
        self.writes_four
    }

    /// Units of a quarter, which become as many rows.
    pub fn rows(self) -> usize {
        QUARTER / self.size
    }

    /// Bytes from one quarter of all runs to the next in a block: of small units an odd number of lines, which do not share a few places.
    fn pitch(self, columns: Columns) -> usize {
        columns.lines * self.rows() * LINE + LINE
    }

    /// Bytes of a block of so many lines of runs.
    pub fn bytes(self, columns: Columns, lines: Lines) -> usize {
        LINE / QUARTER * lines.count() * self.pitch(columns)
    }

    /// Brings runs to a block.
    ///
    /// # Safety
    /// They are readable, and the block has room for [as many bytes](Quarters::bytes).
    pub unsafe fn gather(
        self,
        from: Runs<*const u8>,
        block: *mut u8,
        columns: Columns,
        lines: Lines,
    ) {
        let to = (block, self.pitch(columns));
        // SAFETY: the caller's promise; the processor was asked.
        unsafe { (self.gather)(from, to, columns, lines, self.rows()) }
    }

    /// Makes [`Quarters::rows`] rows of a quarter of a block: the columns, or, if `whole`, all of their lines.
    ///
    /// # Safety
    /// The block was [filled](Quarters::gather) with these columns; the rows are writable.
    pub unsafe fn exchange(
        self,
        (block, quarter): (*const u8, usize),
        to: Runs<*mut u8>,
        columns: Columns,
        whole: bool,
    ) {
        let masks = match whole {
            true => [!0; 2],
            false => columns.masks(self.size),
        };
        let to = (to.0.wrapping_sub(columns.before * self.size), to.1);
        // SAFETY: the caller's promise; the processor was asked.
        unsafe {
            let quarter = block.add(quarter * self.pitch(columns));
            (self.exchange)(quarter, to, columns.lines, masks)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brings runs of so many bytes to a block, makes rows of them, and looks at every byte.
    fn are_turned(quarters: Quarters, bytes: usize, before: usize, count: usize, whole: bool) {
        let size = quarters.size;
        let columns = Columns::new(size, (LINE / size - before) % (LINE / size), count);
        let lines = Lines::new(bytes);
        let (pitch, rows) = (bytes + 3, bytes / size);
        let source: Vec<u8> = (0..count * pitch)
            .map(|i| (i * 7 + i / 251) as u8)
            .collect();
        let row = columns.lines() * LINE;
        let mut block = vec![0u8; quarters.bytes(columns, lines)];
        let mut target = vec![0xeeu8; rows * row];
        // SAFETY: there are as many runs, and room for them and for lines of rows.
        unsafe {
            let from = (source.as_ptr(), pitch as isize);
            quarters.gather(from, block.as_mut_ptr(), columns, lines);
            for quarter in 0..4 * lines.count() {
                let line = quarter / 4;
                let first = lines.begin(line) / size + quarter % 4 * quarters.rows();
                let to = target.as_mut_ptr().add(first * row + before * size);
                let to = (to, row as isize);
                quarters.exchange((block.as_ptr(), quarter), to, columns, whole);
            }
        }
        for (i, target) in target.chunks(row).enumerate() {
            let (left, others) = target.split_at(before * size);
            let (made, right) = others.split_at(count * size);
            for (j, unit) in made.chunks(size).enumerate() {
                assert_eq!(unit, &source[j * pitch + i * size..][..size], "{i}, {j}");
            }
            assert!(whole || left.iter().chain(right).all(|byte| *byte == 0xee));
        }
    }

    #[test]
    fn runs_of_every_number_become_columns_that_begin_anywhere_in_a_line() {
        for size in [1, 2, 4] {
            let Some(quarters) = Quarters::of(size) else {
                return;
            };
            for bytes in [64, 68, 124, 128, 256] {
                for before in [0, 1, 5, 15] {
                    for count in [1, 7, 15, 16, 17, 63, 64, 65, 128 - before] {
                        for quarters in [quarters, quarters.four_at_a_time()] {
                            are_turned(quarters, bytes, before, count, false);
                            are_turned(quarters, bytes, before, count, true);
                        }
                    }
                }
            }
        }
    }
}
