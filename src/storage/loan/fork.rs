//! Loans and `fork`: a child has the loans of its parent, none of them locked, and none waiting for threads that it does not have.

use super::table::{UNUSED, all};
use super::{List, Phase, State};

/// Sees to it from now on. To be called once.
pub fn follow() {
    // SAFETY: the functions are as they are to be, and the library is never unloaded. If there is no memory to note them, a
    // child of a parent that was busy may find a loan locked, which is how it was before.
    unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) };
}

/// Takes every lock, so that nothing is half done when the child is made. Nobody holds two of them at once.
unsafe extern "C" fn before() {
    core::mem::forget(UNUSED.lock());
    for loan in all() {
        core::mem::forget(loan.state.lock());
    }
}

unsafe extern "C" fn after_in_parent() {
    for loan in all() {
        // SAFETY: `before` took it on this thread.
        drop(unsafe { loan.state.held() });
    }
    // SAFETY: as above.
    drop(unsafe { UNUSED.held() });
}

unsafe extern "C" fn after_in_child() {
    for loan in all() {
        // Who waited was another thread.
        loan.state.prepare();
        // SAFETY: `before` took it on this thread, which is the child's only one.
        unsafe { loan.state.held() }.forget_other_threads();
    }
    // SAFETY: as above.
    drop(unsafe { UNUSED.held() });
}

impl State {
    /// Ends what threads were doing that there are not in this process. What they had pinned stays so: nobody knows for whom.
    fn forget_other_threads(&mut self) {
        // No copy is made by a thread that is in `fork`.
        self.flights = List::none();
        self.phase = match self.phase {
            // Nothing has been moved yet.
            Phase::Evacuating => Phase::Open,
            Phase::Revoking => Phase::Revoked,
            phase => phase,
        };
        // SAFETY: a plain question.
        let this = unsafe { libc::pthread_self() };
        self.takers.retain(|taker| taker.thread == this);
    }
}
