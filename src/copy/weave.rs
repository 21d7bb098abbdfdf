//! A few runs woven into one, or one taken apart into a few: planar to interleaved, and back.

use super::strided::{Loop, gather, scatter};
use super::transpose::Runs;
#[cfg(target_arch = "x86_64")]
use crate::level;
#[cfg(target_arch = "x86_64")]
use avx512::Table;
use core::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

/// Runs that are woven in registers, and by loops, at most.
pub const MOST: usize = 8;
const FEW: usize = 4;

/// Bytes from which registers are worth being told what they have, of units that the compiler weaves well, and of those that it does not.
const LONG: usize = 32 << 10;
const LONG_SMALL: usize = 2 << 10;

/// Bytes of runs of which a few at a time are more than the processor follows from memory: they had better come one after the other.
pub const IN_ORDER: usize = 512;

/// Which of the two.
#[derive(Clone, Copy, PartialEq)]
pub enum Direction {
    /// A few runs become one.
    Together,
    /// One becomes a few.
    Apart,
}

impl Direction {
    /// Of so many runs and rows of a plane those that are few.
    pub fn few(self, [runs, rows]: [usize; 2]) -> usize {
        match self {
            Self::Together => runs,
            Self::Apart => rows,
        }
    }
}

/// Whether the processor chooses units of so many bytes from registers that are lines.
#[cfg(target_arch = "x86_64")]
fn has_lines(size: usize) -> bool {
    match size {
        1 => level::has_avx512_vbmi(),
        _ => level::has_avx512(),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn has_lines(_: usize) -> bool {
    false
}

/// How many runs of units of so many bytes are woven, at most. Of more, squares take fewer instructions, but what is streamed waits for
/// memory anyway.
pub fn most(size: usize, direction: Direction, streams: bool) -> usize {
    match (size, direction) {
        _ if !has_lines(size) => FEW,
        _ if streams => MOST,
        (1, _) => MOST,
        (2 | 4, _) => most_small(size),
        (_, Direction::Together) => 6,
        (_, Direction::Apart) => FEW,
    }
}

/// The same of small planes, which are in the first-level cache, of which squares are quicker there.
pub fn most_small(size: usize) -> usize {
    match size {
        _ if !has_lines(size) => 0,
        1 | 2 => 7,
        4 | 16 => 6,
        _ => 3,
    }
}

/// The same of runs that are taken apart and woven anew, which other ways move one by one.
pub fn most_anew(size: usize) -> usize {
    if has_lines(size) { MOST } else { FEW }
}

/// Where registers have units: nowhere.
#[cfg(not(target_arch = "x86_64"))]
enum Table {}

/// Memory on the stack for a table.
pub struct Room(MaybeUninit<Table>);

impl Room {
    /// Nothing is written yet.
    pub fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// A table, if there are registers for units of so many bytes.
    #[cfg(target_arch = "x86_64")]
    fn table(&mut self, direction: Direction, few: usize, size: usize) -> Option<&Table> {
        // SAFETY: the processor was asked.
        has_lines(size).then(|| unsafe { Table::new(direction, few, size, &mut self.0) })
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn table(&mut self, _: Direction, _: usize, _: usize) -> Option<&Table> {
        None
    }
}

/// Units of `size` bytes of a few runs that become one, or the other way round.
#[derive(Clone, Copy)]
pub struct Weave<'a> {
    direction: Direction,
    few: usize,
    size: usize,
    /// Where registers have them. Otherwise they are woven by loops.
    table: Option<&'a Table>,
}

impl<'a> Weave<'a> {
    /// A few runs, in planes of so many bytes altogether.
    pub fn new(
        direction: Direction,
        few: usize,
        size: usize,
        bytes: usize,
        room: &'a mut Room,
    ) -> Self {
        let long = if size > 2 { LONG } else { LONG_SMALL };
        let pays = (2..=MOST).contains(&few) && (few > FEW || bytes >= long);
        let table = match pays {
            true => room.table(direction, few, size),
            false => None,
        };
        Self {
            direction,
            few,
            size,
            table,
        }
    }

    /// Whether it is of so many runs that go this way.
    pub fn is_of(&self, direction: Direction, few: usize) -> bool {
        self.direction == direction && self.few == few
    }

    /// How many runs become one, or one becomes.
    pub fn few(&self) -> usize {
        self.few
    }

    /// Whether lines can be streamed.
    pub fn streams(&self) -> bool {
        self.table.is_some()
    }

    /// Transposes runs as [`Transpose::run`](super::transpose::Transpose::run) does, if those of the one side are one. Returns whether it
    /// has.
    ///
    /// # Safety
    /// As for [`Weave::run`].
    #[inline(always)]
    pub unsafe fn exchange(
        &self,
        from: Runs<*const u8>,
        to: Runs<*mut u8>,
        from_runs: usize,
        to_runs: usize,
    ) -> bool {
        let ((few, joined), (count, apart)) = match self.direction {
            Direction::Together => ((from_runs, to.1), (to_runs, from.1)),
            Direction::Apart => ((to_runs, from.1), (from_runs, to.1)),
        };
        let is_one = few == self.few && joined == (few * self.size) as isize;
        if is_one {
            // SAFETY: the caller's promise.
            unsafe { self.run(from.0, to.0, apart, count, false) }
        }
        is_one
    }

    /// Moves `count` units of each of the few runs, which are `apart` bytes from each other, to the one run or from there. Lines are
    /// streamed if they [can](Weave::streams) and it is asked for.
    ///
    /// # Safety
    /// Both sides are readable and writable; they do not overlap. What is streamed begins where a line does, in all runs.
    pub unsafe fn run(
        &self,
        from: *const u8,
        to: *mut u8,
        apart: isize,
        count: usize,
        streams: bool,
    ) {
        debug_assert!(!streams || self.streams());
        // SAFETY: the caller's promise; there is a table if the processor has what it takes.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            if let Some(table) = self.table {
                return table.run(from, to, apart, count, streams);
            }
            match self.direction {
                Direction::Together => self.together(from, to, apart, count),
                Direction::Apart => self.apart(from, to, apart, count),
            }
        }
    }

    /// By loops.
    ///
    /// # Safety
    /// As for [`Weave::run`].
    #[inline(never)]
    unsafe fn together(&self, from: *const u8, to: *mut u8, apart: isize, count: usize) {
        let Self { few, size, .. } = *self;
        let row = Loop { count: 1, step: 0 };
        let units = Loop {
            count,
            step: (few * size) as isize,
        };
        // SAFETY: the caller's promise; the processor was asked.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            let done = level::has_avx2() && avx2::together(from, to, apart, count, few, size);
            #[cfg(not(target_arch = "x86_64"))]
            let done = vectorised(from, to, apart, count, few, size);
            // What is not worth weaving, or large: the compiler would take it apart.
            if !done {
                for i in 0..few {
                    let from = from.wrapping_offset(i as isize * apart);
                    scatter(from, to.add(i * size), row, units, size);
                }
            }
        }
    }

    /// By loops.
    ///
    /// # Safety
    /// As for [`Weave::run`].
    #[inline(never)]
    unsafe fn apart(&self, from: *const u8, to: *mut u8, apart: isize, count: usize) {
        let row = Loop { count: 1, step: 0 };
        let units = Loop {
            count,
            step: (self.few * self.size) as isize,
        };
        for i in 0..self.few {
            let to = to.wrapping_offset(i as isize * apart);
            // SAFETY: the caller's promise.
            unsafe { gather(from.add(i * self.size), row, units, self.size, to) };
        }
    }
}

/// Weaves two to four runs by loops that the compiler vectorises. Returns whether it has.
///
/// # Safety
/// As for [`Weave::run`].
#[inline(always)]
unsafe fn vectorised(
    from: *const u8,
    to: *mut u8,
    apart: isize,
    count: usize,
    few: usize,
    size: usize,
) -> bool {
    /// `N` runs, one unit of each at a time.
    ///
    /// # Safety
    /// As for [`vectorised`].
    #[inline(always)]
    unsafe fn woven<T: Copy, const N: usize>(
        from: *const u8,
        to: *mut u8,
        apart: isize,
        count: usize,
    ) -> bool {
        let to = to.cast::<[T; N]>();
        let runs: [*const T; N] =
            core::array::from_fn(|i| from.wrapping_offset(i as isize * apart).cast());
        for i in 0..count {
            // SAFETY: the caller's promise; arrays of bytes may be anywhere.
            unsafe { to.add(i).write(runs.map(|run| run.add(i).read())) };
        }
        true
    }
    // SAFETY: the caller's promise.
    unsafe {
        match (size, few) {
            (1, 2) => woven::<[u8; 1], 2>(from, to, apart, count),
            (1, 3) => woven::<[u8; 1], 3>(from, to, apart, count),
            (1, 4) => woven::<[u8; 1], 4>(from, to, apart, count),
            (2, 2) => woven::<[u8; 2], 2>(from, to, apart, count),
            (2, 3) => woven::<[u8; 2], 3>(from, to, apart, count),
            (2, 4) => woven::<[u8; 2], 4>(from, to, apart, count),
            (4, 2) => woven::<[u8; 4], 2>(from, to, apart, count),
            (4, 3) => woven::<[u8; 4], 3>(from, to, apart, count),
            (4, 4) => woven::<[u8; 4], 4>(from, to, apart, count),
            (8, 2) => woven::<[u8; 8], 2>(from, to, apart, count),
            (8, 3) => woven::<[u8; 8], 3>(from, to, apart, count),
            (8, 4) => woven::<[u8; 8], 4>(from, to, apart, count),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::stream;
    use crate::prefetch::{self, LINE};

    /// Moves runs that are some bytes apart, and looks at every byte of the target, and before and after it.
    fn check(direction: Direction, few: usize, size: usize, count: usize, streams: bool) {
        let (run, all) = (count * size, few * count * size);
        // Runs begin where lines do if these are streamed.
        let gap = if streams {
            run.next_multiple_of(LINE) - run
        } else {
            3
        };
        let apart = run + gap;
        let lengths = match direction {
            Direction::Together => [few * apart, all],
            Direction::Apart => [all, few * apart],
        };
        let source: Vec<u8> = (0..lengths[0]).map(|i| (i * 7 + i / 251) as u8).collect();
        let mut target = vec![0xeeu8; lengths[1] + 2 * LINE];
        let before = match streams {
            true => prefetch::to_next_line(target.as_ptr()),
            false => 5,
        };
        let mut room = Room::new();
        let bytes = if count % 5 == 4 { 0 } else { LONG };
        let weave = Weave::new(direction, few, size, bytes, &mut room);
        let streams = streams && weave.streams();
        let to = target[before..].as_mut_ptr();
        // SAFETY: both have room.
        unsafe { weave.run(source.as_ptr(), to, apart as isize, count, streams) };
        stream::finish();
        let mut written = vec![0xeeu8; lengths[1]];
        for unit in 0..few * count {
            let (i, j) = (unit % few, unit / few);
            let (one, other) = (unit * size, i * apart + j * size);
            let (from, to) = match direction {
                Direction::Together => (other, one),
                Direction::Apart => (one, other),
            };
            written[to..][..size].copy_from_slice(&source[from..][..size]);
        }
        let name = match direction {
            Direction::Together => "together",
            Direction::Apart => "apart",
        };
        assert!(
            target[before..][..lengths[1]] == written,
            "{few} runs of {count} units of {size} bytes, {name}, streamed: {streams}"
        );
        let around = target[..before]
            .iter()
            .chain(&target[before + lengths[1]..]);
        assert!(around.copied().all(|byte| byte == 0xee));
    }

    #[test]
    fn every_number_of_runs_is_woven_and_taken_apart() {
        for direction in [Direction::Together, Direction::Apart] {
            for size in [1, 2, 4, 8, 16] {
                for few in 1..=MOST {
                    for count in (1..70).chain([127, 128, 130, 1000]) {
                        check(direction, few, size, count, false);
                        check(direction, few, size, count, true);
                    }
                }
            }
        }
    }
}
