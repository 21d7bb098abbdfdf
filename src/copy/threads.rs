//! Threads for large copies: made for one copy, joined at its end. The calling thread works too.
//!
//! Parts are taken from a counter, so a thread that starts late or never takes nothing away; one that cannot be made is
//! not missed. No thread outlives a copy, so a child after `fork` is like any other process.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Threads that a copy may use at most.
const MAX_THREADS: usize = 64;

/// Bytes of a destination that one thread writes before a second is worth starting: starting one takes tens of
/// microseconds, writing this much about a millisecond.
const BYTES_PER_THREAD: i64 = 4 << 20;

/// What was asked for; 0 means as many as the process may run on.
static REQUESTED: AtomicI32 = AtomicI32::new(0);

/// Sets how many threads a copy may use: 0 for as many as there are processors.
pub fn set_num_threads(count: i32) {
    REQUESTED.store(count, Ordering::Relaxed);
}

/// How many threads a copy may use.
pub fn num_threads() -> i32 {
    match REQUESTED.load(Ordering::Relaxed) {
        0 => processors().clamp(1, MAX_THREADS as i32),
        count => count,
    }
}

/// Into how many parts a copy that writes `bytes` is divided.
pub fn parts_for(bytes: i64) -> i64 {
    let worth = bytes / BYTES_PER_THREAD;
    if worth < 2 {
        return 1;
    }
    worth.min(i64::from(num_threads())).min(MAX_THREADS as i64)
}

/// Processors that this process may run on.
fn processors() -> i32 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: an all-zero set is valid, and the size given is its own.
        unsafe {
            let mut set: libc::cpu_set_t = core::mem::zeroed();
            if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) == 0 {
                return libc::CPU_COUNT(&set);
            }
        }
    }
    // SAFETY: sysconf takes any name.
    unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) as i32 }
}

/// Work that is being divided.
struct Job<'a> {
    work: &'a (dyn Fn(i64) + Sync),
    next: AtomicI64,
    parts: i64,
    panicked: AtomicBool,
}

impl Job<'_> {
    fn help(&self) {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= self.parts {
                return;
            }
            // A panic must not leave a thread of ours; the caller raises it again where it is turned into a status.
            if catch_unwind(AssertUnwindSafe(|| (self.work)(part))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
        }
    }
}

extern "C" fn help(job: *mut c_void) -> *mut c_void {
    // SAFETY: `run` joins this thread before the job goes.
    unsafe { (*job.cast_const().cast::<Job<'_>>()).help() };
    core::ptr::null_mut()
}

/// Calls `work` once for each part, on up to as many threads.
pub fn run(parts: i64, work: &(dyn Fn(i64) + Sync)) {
    let job = Job {
        work,
        next: AtomicI64::new(0),
        parts,
        panicked: AtomicBool::new(false),
    };
    let mut threads = [const { MaybeUninit::<libc::pthread_t>::uninit() }; MAX_THREADS];
    let mut started = 0;
    // SAFETY: signals belong to the program: threads of ours take none. Each thread gets a pointer to the job, which is
    // joined below before it goes.
    unsafe {
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        while (started as i64) < parts - 1 && started < MAX_THREADS {
            let status = libc::pthread_create(
                threads[started].as_mut_ptr(),
                core::ptr::null(),
                help,
                (&raw const job).cast_mut().cast(),
            );
            if status != 0 {
                break;
            }
            started += 1;
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut());
    }
    job.help();
    for thread in &threads[..started] {
        // SAFETY: the thread was started and is joined once.
        unsafe { libc::pthread_join(thread.assume_init(), core::ptr::null_mut()) };
    }
    if job.panicked.load(Ordering::Relaxed) {
        panic!("a part of a copy panicked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once() {
        let done = [const { AtomicI32::new(0) }; 9];
        run(9, &|part| {
            done[part as usize].fetch_add(1, Ordering::Relaxed);
        });
        assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }
}
