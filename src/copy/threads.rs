//! Threads for large copies: helpers that are made when the first copy needs them, and sleep between copies.
//!
//! A copy is divided into parts. The calling thread takes one or two at a time, and so does every helper that happens to be
//! free; at the end the caller waits only for what a helper has taken, two parts at most. So nobody waits for a helper that the
//! system does not let run, and a copy on a busy machine takes about as long as without helpers.
//!
//! A job's place in the table is never freed, and its state says which job it is of, so a helper that comes late finds
//! nothing to take. There is no lock: a child after `fork`, which has no helpers, begins with a table of its own.

mod division;

use division::{MAX_THREADS, PART_BITS};
pub use division::{num_threads, parts_for, set_num_threads};

use super::futex;
use crate::storage::allocate;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Times that a helper looks for work before it sleeps, now and then offering its processor to others: some tens of
/// microseconds. A program that makes copy after copy then finds it awake.
const LOOKS: u32 = 1000;

/// Looks between two offers.
const LOOKS_A_TURN: u32 = 16;

/// What is done for some parts, one after the other.
type Work<'a> = dyn Fn(Range<i64>) + Sync + 'a;

/// The place of one job.
struct Slot {
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
    const fn empty() -> Self {
        Self {
            taken: AtomicBool::new(false),
            state: AtomicU64::new(0),
            done: AtomicU32::new(0),
            awaited: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            work: UnsafeCell::new(MaybeUninit::uninit()),
        }
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
    fn help(&self, number: i32) -> bool {
        let mut done = 0;
        loop {
            // Until one is claimed there may be another job here, with fewer helpers. After that this one does not end before they are counted.
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
}

/// The number of who is no helper, and may do any part.
const CALLER: i32 = -1;

/// Jobs at the same time; more are done by their callers alone.
const SLOTS: usize = 16;

/// Jobs and helpers of one process.
struct Crew {
    /// The process that has these helpers.
    process: i32,
    /// The crew of the process that this one was forked from, whose threads are not here. Kept, so that nobody misses it.
    _inherited: *const Crew,
    slots: [Slot; SLOTS],
    /// Helpers that were made.
    helpers: AtomicI32,
    /// Helpers that sleep, or are about to.
    sleeping: AtomicI32,
    /// Changes with every job.
    jobs: AtomicU32,
    /// The process is about to end: helpers go.
    ending: AtomicBool,
    /// The helpers, each written by who made it, before `started` says so.
    threads: [UnsafeCell<MaybeUninit<libc::pthread_t>>; MAX_THREADS as usize],
    /// Helpers whose threads are known.
    started: AtomicI32,
}

// SAFETY: threads are written once each, by the one who counted up `helpers`, and read at the end of the process.
unsafe impl Sync for Crew {}

/// The crew of this process, or of the one it was forked from.
static CREW: AtomicPtr<Crew> = AtomicPtr::new(core::ptr::null_mut());

/// The crew of this process; none if there is no memory for it. It is kept for as long as the process runs.
fn crew() -> Option<&'static Crew> {
    // SAFETY: getpid cannot fail.
    let process = unsafe { libc::getpid() };
    let known = CREW.load(Ordering::Acquire);
    // SAFETY: a crew that was published is never freed.
    if let Some(crew) = unsafe { known.as_ref() }
        && crew.process == process
    {
        return Some(crew);
    }
    let fresh: NonNull<Crew> = allocate(size_of::<Crew>(), align_of::<Crew>()).ok()?.cast();
    // SAFETY: the memory is of its size.
    unsafe {
        fresh.write(Crew {
            process,
            _inherited: known,
            slots: [const { Slot::empty() }; SLOTS],
            helpers: AtomicI32::new(0),
            sleeping: AtomicI32::new(0),
            jobs: AtomicU32::new(0),
            ending: AtomicBool::new(false),
            threads: [const { UnsafeCell::new(MaybeUninit::uninit()) }; MAX_THREADS as usize],
            started: AtomicI32::new(0),
        });
    }
    let published =
        CREW.compare_exchange(known, fresh.as_ptr(), Ordering::AcqRel, Ordering::Acquire);
    match published {
        // SAFETY: it was written, and is never freed.
        Ok(_) => Some(unsafe { fresh.as_ref() }),
        Err(other) => {
            // SAFETY: nobody else has seen it. The one that another thread published is of this process too.
            unsafe {
                crate::storage::free(fresh.cast());
                other.as_ref()
            }
        }
    }
}

impl Crew {
    /// Makes helpers until there are `count`, or no more can be made.
    fn recruit(&'static self, count: i32) {
        loop {
            let have = self.helpers.load(Ordering::Relaxed);
            // One at a time is being made, so their numbers are those of the places.
            if have >= count
                || have != self.started.load(Ordering::Acquire)
                || self.ending.load(Ordering::Relaxed)
            {
                return;
            }
            let next =
                self.helpers
                    .compare_exchange(have, have + 1, Ordering::Relaxed, Ordering::Relaxed);
            if next.is_err() {
                continue;
            }
            let Some(thread) = start_helper(have) else {
                self.helpers.fetch_sub(1, Ordering::Relaxed);
                return;
            };
            // SAFETY: the place is that of this helper alone, and is not read before the count says so.
            unsafe { (*self.threads[have as usize].get()).write(thread) };
            self.started.fetch_add(1, Ordering::Release);
        }
    }

    /// Sends the helpers away, and waits until they are gone.
    fn disband(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.jobs.fetch_add(1, Ordering::SeqCst);
        futex::wake(&self.jobs, i32::MAX);
        for thread in &self.threads[..self.started.load(Ordering::Acquire) as usize] {
            // SAFETY: the thread was started, and is joined once, here.
            unsafe { libc::pthread_join((*thread.get()).assume_init(), core::ptr::null_mut()) };
        }
    }

    /// What helper `number` does: help, look around for a while, sleep.
    fn serve(&self, number: i32) {
        let mut looks = 0;
        while !self.ending.load(Ordering::SeqCst) {
            let jobs = self.jobs.load(Ordering::SeqCst);
            if self.help_all(number) {
                looks = 0;
                continue;
            }
            if looks < LOOKS {
                looks += 1;
                if looks % LOOKS_A_TURN == 0 {
                    offer_processor();
                } else {
                    core::hint::spin_loop();
                }
                continue;
            }
            self.sleeping.fetch_add(1, Ordering::SeqCst);
            // Whoever ends the process changes the number of jobs as well.
            futex::wait(&self.jobs, jobs);
            self.sleeping.fetch_sub(1, Ordering::SeqCst);
            looks = 0;
        }
    }

    /// Helps with every job that `number` may help with.
    fn help_all(&self, number: i32) -> bool {
        let mut helped = false;
        for slot in &self.slots {
            helped |= slot.help(number);
        }
        helped
    }

    /// A place for a job.
    fn take_slot(&self) -> Option<&Slot> {
        self.slots.iter().find(|slot| {
            !slot.taken.load(Ordering::Relaxed) && !slot.taken.swap(true, Ordering::Acquire)
        })
    }
}

/// Called when the process ends in order. A helper that slept on would be told as memory that was not given back.
extern "C" fn at_exit() {
    let known = CREW.load(Ordering::Acquire);
    // SAFETY: a crew that was published is never freed; getpid cannot fail.
    unsafe {
        if let Some(crew) = known.as_ref()
            && crew.process == libc::getpid()
        {
            crew.disband();
        }
    }
}

#[cfg(target_os = "linux")]
#[used]
// SAFETY: the section holds functions that are called at the end of the process.
#[unsafe(link_section = ".fini_array")]
static AT_EXIT: extern "C" fn() = at_exit;

/// Starts a thread that serves the crew as helper `number`.
fn start_helper(number: i32) -> Option<libc::pthread_t> {
    /// Stack that a part needs, with room to spare.
    const STACK: usize = 256 << 10;
    extern "C" fn serve(number: *mut c_void) -> *mut c_void {
        if let Some(crew) = crew() {
            crew.serve(number as usize as i32)
        }
        core::ptr::null_mut()
    }
    // SAFETY: signals belong to the program: helpers take none. The attributes are initialised before they are used, and
    // the thread's argument is a number.
    unsafe {
        let mut attributes = MaybeUninit::uninit();
        if libc::pthread_attr_init(attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let attributes = attributes.as_mut_ptr();
        libc::pthread_attr_setstacksize(attributes, STACK);
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let mut thread = MaybeUninit::uninit();
        let argument = number as usize as *mut c_void;
        let status = libc::pthread_create(thread.as_mut_ptr(), attributes, serve, argument);
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut());
        libc::pthread_attr_destroy(attributes);
        (status == 0).then(|| thread.assume_init())
    }
}

/// Calls `work` for each part once, on as many threads as may be used and come.
pub fn run(parts: i64, work: &Work<'_>) {
    let helpers = (num_threads().min(MAX_THREADS) - 1).min(parts as i32 - 1);
    let place = crew()
        .filter(|_| helpers > 0)
        .and_then(|crew| Some((crew, crew.take_slot()?)));
    let Some((crew, slot)) = place else {
        work(0..parts);
        return;
    };
    crew.recruit(helpers);
    // SAFETY: the slot is ours and has no parts to claim, so nobody reads the work. It lives until all parts are done,
    // which is waited for below.
    unsafe {
        let work: *const Work<'static> = core::mem::transmute(core::ptr::from_ref(work));
        (*slot.work.get()).write(work);
    }
    slot.done.store(0, Ordering::Relaxed);
    slot.awaited.store(false, Ordering::Relaxed);
    slot.panicked.store(false, Ordering::Relaxed);
    let job = slot.state.load(Ordering::Relaxed) >> 32;
    let state = Slot::state_of(job.wrapping_add(1), helpers, parts);
    slot.state.store(state, Ordering::Release);
    crew.jobs.fetch_add(1, Ordering::SeqCst);
    if crew.sleeping.load(Ordering::SeqCst) > 0 {
        // Which of them wake is not ours to choose; those that may not help go to sleep again.
        let all = crew.helpers.load(Ordering::Relaxed) > helpers;
        futex::wake(&crew.jobs, if all { i32::MAX } else { helpers });
    }
    slot.help(CALLER);
    wait_until_done(slot, parts as u32);
    let panicked = slot.panicked.load(Ordering::Relaxed);
    slot.taken.store(false, Ordering::Release);
    if panicked {
        panic!("a part of a copy panicked");
    }
}

/// Lets another thread run if one waits for this processor: it may be the one that is waited for.
fn offer_processor() {
    // SAFETY: sched_yield takes nothing and cannot fail here.
    unsafe { libc::sched_yield() };
}

/// Waits for the parts that helpers have taken.
fn wait_until_done(slot: &Slot, parts: u32) {
    /// A part that is nearly done is not worth a sleep.
    const LOOKS: u32 = 50;
    let is_done = || slot.done.load(Ordering::Acquire) == parts;
    for _ in 0..LOOKS {
        if is_done() {
            return;
        }
        offer_processor();
    }
    slot.awaited.store(true, Ordering::SeqCst);
    loop {
        let done = slot.done.load(Ordering::SeqCst);
        if done == parts {
            return;
        }
        futex::wait(&slot.done, done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once() {
        for parts in [2, 9, 100] {
            let done = [const { AtomicI32::new(0) }; 100];
            run(parts, &|some| {
                for part in some {
                    done[part as usize].fetch_add(1, Ordering::Relaxed);
                }
            });
            let counts = done.iter().map(|count| count.load(Ordering::Relaxed));
            assert!(
                counts
                    .enumerate()
                    .all(|(i, count)| count == i32::from((i as i64) < parts))
            );
        }
    }

    #[test]
    fn jobs_of_several_threads_are_done_at_once() {
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let sum = AtomicI32::new(0);
                        run(16, &|some| {
                            sum.fetch_add(some.sum::<i64>() as i32, Ordering::Relaxed);
                        });
                        assert_eq!(sum.into_inner(), 120);
                    }
                });
            }
        });
    }

    #[test]
    fn no_more_threads_help_than_are_asked_for_now() {
        use std::collections::HashSet;
        use std::sync::Mutex;
        let threads_of_a_job = || {
            let seen = Mutex::new(HashSet::new());
            run(12, &|_| {
                seen.lock().unwrap().insert(std::thread::current().id());
                std::thread::sleep(std::time::Duration::from_millis(2));
            });
            seen.into_inner().unwrap().len()
        };
        // A helper that has just done the last part of a job meets the next one, which may not be for it.
        for _ in 0..10 {
            set_num_threads(4);
            assert!((0..20).any(|_| threads_of_a_job() > 2));
            set_num_threads(2);
            assert!((0..5).all(|_| threads_of_a_job() <= 2));
        }
        set_num_threads(0);
    }

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

    #[test]
    fn a_panic_of_a_part_reaches_the_caller() {
        let caught = catch_unwind(|| run(8, &|some| assert!(!some.contains(&5))));
        assert!(caught.is_err());
    }
}
