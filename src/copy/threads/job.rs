//! The place of one job: who may claim its parts, which are done, and how its caller waits for them.

use super::division::PART_BITS;
use super::offer_processor;
use crate::copy::futex;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is done for some parts, one after the other.
pub type Work<'a> = dyn Fn(Range<i64>) + Sync + 'a;

/// The place of one job.
pub struct Slot {
    /// Taken by a caller.
    taken: AtomicBool,
    /// The job's number in the upper half; in the lower one how many helpers it may have, and where the parts that nobody has claimed
    /// end and begin.
    state: AtomicU64,
    /// Parts that are done, counted by each thread when it finds no more.
    done: AtomicU32,
    /// The caller sleeps until all are.
    awaited: AtomicBool,
    panicked: AtomicBool,
    /// What to do. Written while no part can be claimed, read by those who have claimed one.
    work: UnsafeCell<MaybeUninit<*const Work<'static>>>,
}

// SAFETY: see `work`; the rest is atomic.
unsafe impl Sync for Slot {}

impl Slot {
    pub const fn empty() -> Self {
        Self {
            taken: AtomicBool::new(false),
            state: AtomicU64::new(0),
            done: AtomicU32::new(0),
            awaited: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            work: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Takes the place, if nobody has it.
    pub fn take(&self) -> bool {
        !self.taken.load(Ordering::Relaxed) && !self.taken.swap(true, Ordering::Acquire)
    }

    /// Lets helpers begin a job.
    ///
    /// # Safety
    /// The caller has [taken](Slot::take) the place, and the work lives until [`Slot::end`] returns.
    pub unsafe fn begin(&self, work: &Work<'_>, helpers: i32, parts: i64) {
        // SAFETY: there are no parts to claim, so nobody reads the work; the caller's promise.
        unsafe {
            let work: *const Work<'static> = core::mem::transmute(core::ptr::from_ref(work));
            (*self.work.get()).write(work);
        }
        self.done.store(0, Ordering::Relaxed);
        self.awaited.store(false, Ordering::Relaxed);
        self.panicked.store(false, Ordering::Relaxed);
        let job = self.state.load(Ordering::Relaxed) >> 32;
        let state = Self::state_of(job.wrapping_add(1), helpers, parts);
        self.state.store(state, Ordering::Release);
    }

    /// Waits until all parts are done, of which no more can be claimed, and gives the place back. Returns whether one panicked.
    pub fn end(&self, parts: u32) -> bool {
        self.wait(parts);
        let panicked = self.panicked.load(Ordering::Relaxed);
        self.taken.store(false, Ordering::Release);
        panicked
    }

    /// The state of a job that nobody has begun.
    fn state_of(job: u64, helpers: i32, parts: i64) -> u64 {
        job << 32 | (helpers as u64) << (2 * PART_BITS) | (parts as u64) << PART_BITS
    }

    /// The parts that nobody has claimed.
    fn unclaimed(state: u64) -> Range<u64> {
        let part = |bits: u64| bits & ((1 << PART_BITS) - 1);
        part(state)..part(state >> PART_BITS)
    }

    /// Helpers whose number is below this may help.
    fn helpers(state: u64) -> i32 {
        i32::from((state >> (2 * PART_BITS)) as u8)
    }

    /// Parts that nobody has claimed, and the state without them: the caller begins with the first ones, helpers with the last ones, so that
    /// each finds in its caches what it left there if the same memory is copied again. They are two while three are left for each thread:
    /// to begin anew takes a while.
    fn claim(state: u64, number: i32) -> Option<(Range<u64>, u64)> {
        let Range { start, end } = Self::unclaimed(state);
        let threads = Self::helpers(state) as u64 + 1;
        let count = match end.saturating_sub(start) {
            0 => return None,
            left if left >= 3 * threads => 2,
            _ => 1,
        };
        Some(match number {
            CALLER => (start..start + count, state + count),
            _ => (end - count..end, state - (count << PART_BITS)),
        })
    }

    /// Claims parts for helper `number`, or [`CALLER`], and does them, until there are none. Returns whether there were some.
    pub fn help(&self, number: i32) -> bool {
        let mut done = 0;
        loop {
            // Until one is claimed there may be another job here, with fewer helpers. After that, this one does not end before they are
            // counted.
            let state = self.state.load(Ordering::Acquire);
            let claimed = Self::claim(state, number).filter(|_| number < Self::helpers(state));
            let Some((parts, rest)) = claimed else {
                break;
            };
            // A state that is still the same is still that job's: its number is in it.
            let claim =
                self.state
                    .compare_exchange_weak(state, rest, Ordering::AcqRel, Ordering::Relaxed);
            if claim.is_err() {
                continue;
            }
            done += (parts.end - parts.start) as u32;
            // SAFETY: the job was published with its work, and cannot end before these parts are done.
            let work = unsafe { &*(*self.work.get()).assume_init() };
            // A panic must not leave a thread of ours; the caller raises it again where it is turned into a status.
            let parts = parts.start as i64..parts.end as i64;
            if catch_unwind(AssertUnwindSafe(|| work(parts))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
        }
        if done == 0 {
            return false;
        }
        self.done.fetch_add(done, Ordering::SeqCst);
        if self.awaited.load(Ordering::SeqCst) {
            futex::wake(&self.done, 1);
        }
        true
    }

    /// Waits for the parts that helpers have taken.
    fn wait(&self, parts: u32) {
        /// A part that is nearly done is not worth a sleep.
        const LOOKS: u32 = 50;
        let is_done = || self.done.load(Ordering::Acquire) == parts;
        for _ in 0..LOOKS {
            if is_done() {
                return;
            }
            offer_processor();
        }
        self.awaited.store(true, Ordering::SeqCst);
        loop {
            let done = self.done.load(Ordering::SeqCst);
            if done == parts {
                return;
            }
            futex::wait(&self.done, done);
        }
    }
}

/// The number of who is no helper, and may do any part.
pub const CALLER: i32 = -1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::threads::division::MAX_THREADS;
    use core::sync::atomic::AtomicI32;

    #[test]
    fn a_helper_leaves_the_next_job_in_a_place_to_those_it_is_for() {
        static SLOT: Slot = Slot::empty();
        static DONE: AtomicI32 = AtomicI32::new(0);
        let work = |_| {
            if DONE.fetch_add(1, Ordering::Relaxed) == 0 {
                // As its caller may when the last part is done.
                SLOT.state.store(Slot::state_of(2, 1, 3), Ordering::Release);
            }
        };
        let work: &Work<'static> = &work;
        // SAFETY: nobody else knows the slot, and the work lives on.
        unsafe { (*SLOT.work.get()).write(work as *const Work<'static>) };
        SLOT.state.store(Slot::state_of(1, 3, 1), Ordering::Release);
        assert!(SLOT.help(2));
        assert_eq!(DONE.load(Ordering::Relaxed), 1);
        assert!(!SLOT.help(1));
        assert_eq!(Slot::unclaimed(SLOT.state.load(Ordering::Relaxed)), 0..3);
    }

    #[test]
    fn the_caller_and_helpers_meet() {
        let mut state = Slot::state_of(7, MAX_THREADS - 1, 1023);
        let mut parts = Vec::new();
        for number in [CALLER, 0, 1, CALLER] {
            let (some, rest) = Slot::claim(state, number).unwrap();
            parts.extend(some);
            state = rest;
        }
        assert_eq!(parts, [0, 1, 1021, 1022, 1019, 1020, 2, 3]);
        while let Some((some, rest)) = Slot::claim(state, (parts.len() % 3) as i32 - 1) {
            parts.extend(some);
            state = rest;
        }
        // Where there is one for each thread, nobody takes two.
        let few = Slot::claim(Slot::state_of(8, 7, 8), 3).map(|(some, _)| some);
        assert_eq!(few, Some(7..8));
        parts.sort_unstable();
        assert!(parts.into_iter().eq(0..1023));
        assert_eq!((state >> 32, Slot::helpers(state)), (7, MAX_THREADS - 1));
    }
}
