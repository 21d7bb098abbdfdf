//! Threads for large copies: helpers that are made when the first copy needs them, and sleep between copies.
//!
//! A copy is divided into parts. The calling thread takes one or two at a time, and so does every helper that happens to be
//! free; at the end the caller waits only for what a helper has taken, two parts at most. So nobody waits for a helper that the
//! system does not let run, and a copy on a busy machine takes about as long as without helpers.
//!
//! A job's place in the table is never freed, and its state says which job it is of ([`job`]), so a helper that comes late finds
//! nothing to take. There is no lock: a child after `fork`, which has no helpers, begins with a table of its own.

mod division;
mod job;

use division::MAX_THREADS;
pub use division::{num_threads, parts_for, set_num_threads};

use super::futex;
use crate::storage::allocate;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering};
use job::{CALLER, Slot, Work};

/// Times that a helper looks for work before it sleeps, now and then offering its processor to others: some tens of
/// microseconds. A program that makes copy after copy then finds it awake.
const LOOKS: u32 = 1000;

/// Looks between two offers.
const LOOKS_A_TURN: u32 = 16;

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
        self.slots.iter().find(|slot| slot.take())
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
    // SAFETY: the place is ours, and the work lives until all parts are done, which is waited for below.
    unsafe { slot.begin(work, helpers, parts) };
    crew.jobs.fetch_add(1, Ordering::SeqCst);
    if crew.sleeping.load(Ordering::SeqCst) > 0 {
        // Which of them wake is not ours to choose; those that may not help go to sleep again.
        let all = crew.helpers.load(Ordering::Relaxed) > helpers;
        futex::wake(&crew.jobs, if all { i32::MAX } else { helpers });
    }
    slot.help(CALLER);
    if slot.end(parts as u32) {
        panic!("a part of a copy panicked");
    }
}

/// Lets another thread run if one waits for this processor: it may be the one that is waited for.
fn offer_processor() {
    // SAFETY: sched_yield takes nothing and cannot fail here.
    unsafe { libc::sched_yield() };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

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
    fn a_panic_of_a_part_reaches_the_caller() {
        let caught = catch_unwind(|| run(8, &|some| assert!(!some.contains(&5))));
        assert!(caught.is_err());
    }
}
