//! How a run goes through the loops of a pair: at once, by parts, or by way of a block; from where a line begins, if it is long.

use super::ahead;
use super::element::Parameters;
use super::saturate::Saturate;
use crate::prefetch;
use core::mem::MaybeUninit;

/// Converts `count` elements from the one address to the other.
pub(super) type Run = unsafe fn(from: *const u8, to: *mut u8, count: usize, Parameters);

/// A loop over adjacent elements, and one for few of them. Both runs may be at any address.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub many: Run,
    pub few: Run,
    /// Elements that are converted at once, by the one and by the other: fewer take as long, and longer.
    groups: [u8; 2],
}

impl Step {
    /// A loop that takes elements one by one, as far as it knows.
    pub fn plain(run: Run) -> Self {
        Self::of_groups(run, 1)
    }

    /// A loop that takes groups of so many elements.
    pub fn of_groups(run: Run, group: usize) -> Self {
        debug_assert!(group.is_power_of_two() && group <= GROUPS);
        Self {
            many: run,
            few: run,
            groups: [group as u8; 2],
        }
    }

    /// The same, but what is fewer than a group as by another, if it does with less.
    #[cfg(target_arch = "x86_64")]
    pub fn with_few(self, other: Option<Self>) -> Self {
        let [many, _] = self.groups;
        match other.filter(|other| other.groups[1] < many) {
            Some(Self { few, groups, .. }) => Self {
                few,
                groups: [many, groups[1]],
                ..self
            },
            None => self,
        }
    }

    /// Elements from which the loop for few is not slower than it need be.
    fn few_group(&self) -> usize {
        self.groups[1].into()
    }

    /// What converts so many elements: groups, if the last one does not convert too many of them once more.
    #[inline(always)]
    fn for_count(&self, count: usize) -> Run {
        let group = usize::from(self.groups[0]);
        let again = count.wrapping_neg() & (group - 1);
        match count < group || 3 * again > count {
            true => self.few,
            false => self.many,
        }
    }
}

/// One loop, or up to three.
#[derive(Clone, Copy)]
pub struct Steps {
    pub(super) first: Step,
    /// What goes on with what the first step leaves in a block, and the last one with what that leaves in another.
    pub(super) second: Option<Step>,
    pub(super) third: Option<Step>,
    /// What the results of a part go through in the end: so many numbers for each element.
    pub(super) saturate: Option<Saturate>,
    pub(super) numbers: u8,
    pub(super) parameters: Parameters,
    /// Bytes of an element on each side.
    pub(super) source_size: u8,
    pub(super) destination_size: u8,
    /// The loop for long runs that come from a last-level cache that is near.
    pub(super) distant: Option<Run>,
    /// Whether a long run begins with a line where it is read, not where it is written: of eight bytes that become one or two, unless
    /// they come by parts of lines and are no floats.
    pub(super) reads_lines: bool,
    /// Whether it takes so many instructions for a line that the processor does not come to the next run in time.
    pub outlasts_reading: bool,
}

/// Elements that go through several steps at a time.
const BLOCK: usize = 512;

/// Whole groups of any instruction set.
pub(super) const GROUPS: usize = 64;

/// Elements of which no loop converts fewer in less time.
const FEWEST: usize = 8;

/// Elements of a run that the first-level cache does not hold, and that is longer than those of which planes and blocks are made.
pub(super) const VERY_LONG: usize = 4096;

/// Bytes of a run, on the side that has more, from which it is worth looking where lines begin, or far ahead. There are more than
/// [`GROUPS`] elements.
const LONG: usize = 2048;

impl Steps {
    /// Converts a run.
    ///
    /// # Safety
    /// `count` elements are readable at `from` and writable at `to`; the runs do not overlap. A [`Standard`](super::Standard) environment
    /// is in force.
    #[inline(always)]
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise; the kernels were chosen for a level that the processor has.
        unsafe {
            match self.is_direct(count) {
                true => self.first.for_count(count)(from, to, count, self.parameters),
                false => self.run_long(from, to, count),
            }
        }
    }

    /// Bytes of an element on each side.
    #[inline(always)]
    fn sizes(&self) -> (usize, usize) {
        (self.source_size.into(), self.destination_size.into())
    }

    /// Whether a run needs but a call of one loop.
    #[inline(always)]
    fn is_direct(&self, count: usize) -> bool {
        let bytes = count * usize::from(self.source_size.max(self.destination_size));
        bytes < LONG && self.second.is_none() && self.saturate.is_none()
    }

    /// Converts rows of `count` elements, so many bytes apart; before each, `begin` is told where it is read and written.
    ///
    /// # Safety
    /// As for [`Steps::run`], of each row.
    #[inline(always)]
    pub unsafe fn run_rows(
        &self,
        from: (*const u8, isize),
        to: (*mut u8, isize),
        rows: usize,
        count: usize,
        begin: impl Fn(*const u8, *mut u8),
    ) {
        let (direct, run) = (self.is_direct(count), self.first.for_count(count));
        for_each_row(from, to, rows, |from, to| {
            begin(from, to);
            // SAFETY: the caller's promise.
            unsafe {
                match direct {
                    true => run(from, to, count, self.parameters),
                    false => self.run_long(from, to, count),
                }
            }
        });
    }

    /// Elements of a row from which it is better converted by itself than in a block of several.
    pub fn group(&self) -> usize {
        let later = [self.second, self.third].into_iter().flatten();
        later.fold(self.first.few_group(), |group, step| {
            group.max(step.few_group())
        })
    }

    /// A run that is long, or takes several steps.
    ///
    /// # Safety
    /// As for [`Steps::run`].
    #[inline(never)]
    unsafe fn run_long(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.second.is_some() || self.saturate.is_some() {
                return self.run_steps(from, to, count);
            }
            self.run_parts(from, to, count, usize::MAX, |from, to, count| {
                let run = match self.distant {
                    Some(distant) if count >= VERY_LONG => distant,
                    _ => self.first.for_count(count),
                };
                run(from, to, count, self.parameters);
            });
        }
    }

    /// A run that takes several steps, which goes by blocks.
    ///
    /// # Safety
    /// As for [`Steps::run`].
    #[inline(never)]
    unsafe fn run_steps(&self, from: *const u8, to: *mut u8, count: usize) {
        let (mut block, mut other) = (Block(MaybeUninit::uninit()), Block(MaybeUninit::uninit()));
        let block = block.0.as_mut_ptr().cast::<u8>();
        let other = other.0.as_mut_ptr().cast::<u8>();
        // SAFETY: the caller's promise; each step writes what the next one reads.
        unsafe {
            self.run_parts(from, to, count, BLOCK, |from, to, count| {
                let step = |step: Step, from, to| {
                    step.for_count(count)(from, to, count, self.parameters);
                };
                match (self.second, self.third) {
                    (None, _) => step(self.first, from, to),
                    (Some(second), None) => {
                        step(self.first, from, block);
                        step(second, block, to);
                    }
                    (Some(second), Some(third)) => {
                        step(self.first, from, block);
                        step(second, block, other);
                        step(third, other, to);
                    }
                }
                if let Some(saturate) = self.saturate {
                    saturate(to, count * usize::from(self.numbers));
                }
            });
        }
    }

    /// Calls `each` with parts of a run, of `most` elements at most.
    ///
    /// # Safety
    /// As for [`Steps::run`].
    #[inline(always)]
    unsafe fn run_parts(
        &self,
        from: *const u8,
        to: *mut u8,
        count: usize,
        most: usize,
        each: impl Fn(*const u8, *mut u8, usize),
    ) {
        let (from_size, to_size) = self.sizes();
        let part = ahead::part(count, from_size, to_size);
        let asks = part < count;
        let part = part.min(most);
        let mut done = self.head(from, to, count);
        if done > 0 {
            // The last of these groups are converted once more.
            each(from, to, done.next_multiple_of(self.group().max(FEWEST)));
        }
        while done < count {
            let len = part.min(count - done);
            // SAFETY: the caller's promise.
            let (from, to) = unsafe { (from.add(done * from_size), to.add(done * to_size)) };
            if asks {
                ahead::fetch(from, len * from_size, to, len * to_size);
            }
            each(from, to, len);
            done += len;
        }
    }

    /// Elements of a long run before the first from which a line begins: of what is read or written by whole registers, all would be in
    /// two lines. That is where it is written, unless much more is read.
    fn head(&self, from: *const u8, to: *mut u8, count: usize) -> usize {
        let (from_size, to_size) = self.sizes();
        let (bytes, size) = match self.reads_lines {
            true => (prefetch::to_next_line(from), from_size),
            false => (prefetch::to_next_line(to), to_size),
        };
        let is_long = count * from_size.max(to_size) >= LONG;
        match is_long && bytes.is_multiple_of(size) {
            true => bytes / size,
            false => 0,
        }
    }
}

/// Calls `each` with where rows are read and written, which are so many bytes apart.
#[inline(always)]
pub fn for_each_row(
    from: (*const u8, isize),
    to: (*mut u8, isize),
    rows: usize,
    each: impl Fn(*const u8, *mut u8),
) {
    for row in 0..rows as isize {
        each(
            from.0.wrapping_offset(row * from.1),
            to.0.wrapping_offset(row * to.1),
        );
    }
}

/// The intermediates of a block, wide enough for any element and aligned for any register.
#[repr(align(64))]
struct Block(MaybeUninit<[u64; BLOCK]>);
