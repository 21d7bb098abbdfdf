//! Loans: memory whose lender can ask who still reaches it, and take it back.
//!
//! A loan knows its tensors by a list through their blocks, its pins by counts in them, and its copies in flight by a list
//! through the stacks of the threads that copy: nothing here takes memory, but the private copy that tensors are evacuated
//! to. All of it is behind one lock per loan, which is never held while foreign code runs.

mod flights;
#[cfg(not(loom))]
mod fork;
mod list;
mod members;
mod monitor;
mod retreat;
mod table;

pub use flights::{Call, Flight, Touch};
pub use members::{Kind, Member, Place};
use monitor::Deadline;
pub use monitor::{Guard, Monitor};

use super::{Extent, Foreign};
use crate::error::{Error, Result};
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use list::{Linked, Links, List};

/// Memory that is lent. It stays where it is for ever: closed loans are used again.
pub struct Loan {
    state: Monitor<State>,
    number: UnsafeCell<usize>,
    next_unused: UnsafeCell<*const Loan>,
}

/// What a loan is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Tensors reach the memory.
    Open,
    /// They are being moved away: whoever wants to use one waits.
    Evacuating,
    /// They were moved to memory of the loan's own. Pins and copies go on excluding each other: who relies on that does not
    /// know that the memory is another.
    Evacuated,
    /// No new use begins; those that have are waited for.
    Revoking,
    /// They reach nothing.
    Revoked,
}

/// What is behind the lock.
pub struct State {
    phase: Phase,
    /// The handle of another generation is that of a loan that was closed.
    generation: usize,
    /// Whether the handle of this generation was closed.
    closed: bool,
    /// Whether the loan is not on the list of unused ones, nor to be put there: nobody has it yet, or it is there already.
    is_unlisted: bool,
    memory: Extent,
    read_only: bool,
    members: List<Member>,
    exports: usize,
    /// Storages that have not been given up by their last alias.
    storages: usize,
    flights: List<Flight>,
    takers: List<Taker>,
    /// The private copy.
    private: Option<NonNull<u8>>,
}

// SAFETY: the private copy is the loan's own; lists are behind the lock like everything else.
unsafe impl Send for State {}

/// The lock of a loan, on behalf of a tensor of it: while it is held, nothing is moved or taken back.
pub type Access = Guard<'static, State>;

/// A thread that is giving memory back to the lender: it runs a function of the lender's.
struct Taker {
    links: Links<Taker>,
    thread: libc::pthread_t,
}

// SAFETY: the links are a field.
unsafe impl Linked for Taker {
    fn links(at: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: a field of a taker is inside it.
        unsafe { NonNull::new_unchecked(&raw mut (*at.as_ptr()).links) }
    }
}

/// What can be counted on a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Everything that can reach the memory: tensors, views and exports.
    Aliases,
    /// Tensors made from descriptors.
    Tensors,
    /// Tensors made from tensors.
    Views,
    /// Managed tensors that others have.
    Exports,
    /// Pins, and pointers that were given away without one.
    Pins,
}

/// What the lender has said about its memory.
#[derive(Clone, Copy)]
pub struct Terms {
    /// Where it is.
    pub memory: Extent,
    /// Nothing on it may be written.
    pub read_only: bool,
}

impl State {
    const fn unused() -> Self {
        Self {
            phase: Phase::Open,
            generation: 0,
            closed: true,
            is_unlisted: true,
            memory: Extent { start: 0, end: 0 },
            read_only: false,
            members: List::none(),
            exports: 0,
            storages: 0,
            flights: List::none(),
            takers: List::none(),
            private: None,
        }
    }

    /// Whether tensors reach the lender's memory.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    fn is_settling(&self) -> bool {
        matches!(self.phase, Phase::Evacuating | Phase::Revoking)
    }

    fn has_aliases(&self) -> bool {
        self.exports > 0 || !self.members.is_empty()
    }

    fn busy(&self) -> Error {
        Error::Busy(
            self.members
                .alive(self.exports, self.flights.iter().count()),
        )
    }

    /// Whether this thread is in a function that takes memory back.
    fn is_taking(&self) -> bool {
        // SAFETY: a plain question.
        let this = unsafe { libc::pthread_self() };
        self.takers.iter().any(|taker| taker.thread == this)
    }

    /// Whether nothing refers to the loan any more, so that it can be used for another.
    fn is_unused(&self) -> bool {
        self.closed && self.storages == 0 && self.flights.is_empty() && self.takers.is_empty()
    }

    /// The first thing that is in the way of a pin or a copy.
    ///
    /// # Safety
    /// The layout of the place is alive.
    unsafe fn check_free(&self, place: &Place, touch: Touch, call: Option<Call>) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe {
            self.members.check_free(place, touch)?;
            self.flights.check_free(place, touch, call)
        }
    }
}

impl Loan {
    /// The lock, when an evacuation that is going on has ended; an error if the memory was taken back.
    pub fn access(&'static self) -> Result<Access> {
        let mut state = self.state.lock();
        loop {
            match state.phase {
                Phase::Open | Phase::Evacuated => return Ok(state),
                Phase::Evacuating => state.wait(),
                Phase::Revoking | Phase::Revoked => return Err(Error::Revoked),
            }
        }
    }

    /// The lock, when whatever is going on has ended.
    pub fn settled(&'static self) -> Access {
        let mut state = self.state.lock();
        while state.is_settling() {
            state.wait();
        }
        state
    }

    /// The lock, unless an evacuation is going on. Who holds memory of another loan in place must not wait for one.
    pub fn access_now(&'static self) -> Result<Option<Access>> {
        let state = self.state.lock();
        match state.phase {
            Phase::Open | Phase::Evacuated => Ok(Some(state)),
            Phase::Evacuating => Ok(None),
            Phase::Revoking | Phase::Revoked => Err(Error::Revoked),
        }
    }

    /// Begins a copy that touches a tensor on this loan: until it ends, the memory stays.
    ///
    /// # Safety
    /// The access is that to this loan. The member is on it, and lives longer than the flight.
    pub unsafe fn depart<'a>(
        &'static self,
        mut access: Access,
        member: NonNull<Member>,
        room: &'a mut Option<Flight>,
        touch: Touch,
        call: Call,
    ) -> Result<InFlight<'a>> {
        // SAFETY: the lock is held.
        let place = unsafe { member.as_ref().place() };
        // SAFETY: the caller's promise.
        unsafe { self.admit_flight(&mut access, room, Flight::new(place, touch, call)) }
    }

    /// # Safety
    /// The layout of the flight lives longer than it.
    unsafe fn admit_flight<'a>(
        &'static self,
        state: &mut Access,
        room: &'a mut Option<Flight>,
        flight: Flight,
    ) -> Result<InFlight<'a>> {
        // SAFETY: the caller's promise.
        unsafe { state.check_free(&flight.place, flight.touch, Some(flight.call))? };
        let flight = room.insert(flight);
        // SAFETY: the flight is borrowed for as long as it is on the list.
        unsafe { state.flights.add(NonNull::from(&mut *flight)) };
        Ok(InFlight { loan: self, flight })
    }

    /// Puts another tensor on a storage of this loan.
    ///
    /// # Safety
    /// The member is complete, on no list, and stays where it is until [`Loan::remove`].
    pub unsafe fn add(&self, state: &mut Access, member: NonNull<Member>) {
        // SAFETY: the caller's promise.
        unsafe { state.members.add(member) }
    }

    /// Takes a tensor off: its last reference is gone.
    ///
    /// # Safety
    /// The member is on this loan.
    pub unsafe fn remove(&'static self, member: NonNull<Member>) {
        let mut state = self.state.lock();
        // SAFETY: the caller's promise.
        unsafe { state.members.remove(member) };
        state.notify();
    }

    /// Counts one more export.
    pub fn add_export(&'static self) -> Result<()> {
        self.access()?.exports += 1;
        Ok(())
    }

    /// Counts one export less.
    pub fn remove_export(&'static self) {
        let mut state = self.state.lock();
        state.exports -= 1;
        state.notify();
    }

    /// Pins a tensor.
    ///
    /// # Safety
    /// The member is on this loan.
    pub unsafe fn pin(&'static self, mut member: NonNull<Member>, touch: Touch) -> Result<()> {
        let state = self.access()?;
        // SAFETY: the lock is held, and members on the loan are alive.
        unsafe {
            state.check_free(&member.as_ref().place(), touch, None)?;
            member.as_mut().add_pin(touch)
        }
    }

    /// Takes a pin back.
    ///
    /// # Safety
    /// The member is on this loan.
    pub unsafe fn unpin(&'static self, mut member: NonNull<Member>) -> Result<()> {
        let _state = self.state.lock();
        // SAFETY: the lock is held, and members on the loan are alive.
        unsafe { member.as_mut().remove_pin() }
    }

    /// The last share of a storage on this loan was given up. `free` frees its block; then the lender's function, if there
    /// is one, is called.
    pub fn leave(&'static self, mut foreign: Option<Foreign>, free: impl FnOnce()) {
        let mut state = self.state.lock();
        state.storages -= 1;
        let private = match state.storages {
            0 => state.private.take(),
            _ => None,
        };
        let free = || {
            free();
            if let Some(private) = private {
                // SAFETY: it came from `allocate`, and no storage refers to it any more.
                unsafe { super::free(private) }
            }
        };
        self.take(state, |_| foreign.take(), free);
    }

    /// Calls functions of the lender's as long as there is a next one, with the lock let go, and `first` before them. Then
    /// the loan may be used for another.
    fn take(
        &'static self,
        mut state: Access,
        mut next: impl FnMut(&State) -> Option<Foreign>,
        first: impl FnOnce(),
    ) {
        let mut taker = Taker {
            links: Links::none(),
            // SAFETY: a plain question.
            thread: unsafe { libc::pthread_self() },
        };
        let taker = NonNull::from(&mut taker);
        // SAFETY: the taker stays on this stack until it is removed below, and keeps the loan from being another's.
        unsafe { state.takers.add(taker) };
        let mut foreign = next(&state);
        state.notify();
        drop(state);
        first();
        let mut state = loop {
            if let Some(foreign) = foreign {
                // SAFETY: nothing reaches the memory any more; the lender gave the function with it.
                unsafe { foreign.run() };
            }
            let state = self.state.lock();
            foreign = next(&state);
            if foreign.is_none() {
                break state;
            }
        };
        // SAFETY: it was added above.
        unsafe { state.takers.remove(taker) };
        state.notify();
        self.recycle(state);
    }
}

/// A copy that is being made: while this lives, its memory stays where it is.
pub struct InFlight<'a> {
    loan: &'static Loan,
    flight: &'a mut Flight,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.loan.state.lock();
        // SAFETY: it was put on the list when this was made.
        unsafe { state.flights.remove(NonNull::from(&mut *self.flight)) };
        state.notify();
        self.loan.recycle(state);
    }
}

/// A lender's handle: a loan, and which of those that it has been.
#[derive(Clone, Copy)]
pub struct Lender {
    loan: &'static Loan,
    generation: usize,
}

impl Lender {
    /// The loan.
    pub fn loan(self) -> &'static Loan {
        self.loan
    }

    /// The lock, when whatever is going on has ended; an error if this handle was closed.
    fn settled(self) -> Result<Access> {
        let state = self.loan.settled();
        if self.is_closed(&state) {
            return Err(Error::LoanClosed);
        }
        Ok(state)
    }

    fn is_closed(self, state: &State) -> bool {
        state.closed || state.generation != self.generation
    }

    /// The lock, if tensors can be made on this loan.
    fn lending(self) -> Result<Access> {
        let state = self.settled()?;
        match state.phase {
            Phase::Open => Ok(state),
            _ => Err(Error::Revoked),
        }
    }

    /// What the lender has said.
    pub fn terms(self) -> Result<Terms> {
        let state = self.lending()?;
        Ok(Terms {
            memory: state.memory,
            read_only: state.read_only,
        })
    }

    /// Puts the first tensor of a new storage on the loan.
    ///
    /// # Safety
    /// As [`Loan::add`]; the storage and the tensor lie inside the memory of the loan.
    pub unsafe fn admit(self, member: NonNull<Member>) -> Result<()> {
        let mut state = self.lending()?;
        state.storages += 1;
        // SAFETY: the caller's promise.
        unsafe { state.members.add(member) };
        Ok(())
    }

    /// The lock, if tensors can be made on this loan, unless something else is going on.
    pub fn access_now(self) -> Result<Option<Access>> {
        let state = self.loan.state.lock();
        if self.is_closed(&state) {
            return Err(Error::LoanClosed);
        }
        match state.phase {
            Phase::Open => Ok(Some(state)),
            Phase::Evacuating | Phase::Revoking => Ok(None),
            Phase::Evacuated | Phase::Revoked => Err(Error::Revoked),
        }
    }

    /// Begins a copy that touches memory of this loan on which there is no tensor.
    ///
    /// # Safety
    /// The access is that to this loan. The layout of the flight lives longer than it.
    pub unsafe fn depart(
        self,
        mut access: Access,
        room: &mut Option<Flight>,
        flight: Flight,
    ) -> Result<InFlight<'_>> {
        // SAFETY: the caller's promise.
        unsafe { self.loan.admit_flight(&mut access, room, flight) }
    }

    /// How many there are of something.
    pub fn count(self, what: Counted) -> Result<usize> {
        let state = self.settled()?;
        let (tensors, views) = (
            state.members.count(Kind::Tensor),
            state.members.count(Kind::View),
        );
        Ok(match what {
            Counted::Aliases => tensors + views + state.exports,
            Counted::Tensors => tensors,
            Counted::Views => views,
            Counted::Exports => state.exports,
            Counted::Pins => state.members.pins(),
        })
    }
}
