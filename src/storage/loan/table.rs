//! Where loans are, and their handles: numbers, not addresses, so that a handle which was closed is known for what it is.
//!
//! Loans are never freed, only used again, so a handle of any age can be looked up. The first ones take no memory.

use super::monitor::native;
use super::{Access, Lender, Loan, Monitor, State};
use crate::error::{Error, Result};
use crate::storage::{Extent, allocate};
use core::cell::UnsafeCell;
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Loans of the first segment; each further one has as many as all before it together.
const FIRST: usize = 32;
const SEGMENTS: usize = 18;

/// Bits of a handle that say which loan; the others are its generation.
const NUMBER_BITS: u32 = usize::BITS / 2 - 8;
const MAX_GENERATION: usize = usize::MAX >> NUMBER_BITS;

#[cfg(not(loom))]
static LOANS: [Loan; FIRST] = [const { Loan::unused() }; FIRST];

/// The segments after the first.
static FURTHER: [AtomicPtr<Loan>; SEGMENTS] = [const { AtomicPtr::new(null_mut()) }; SEGMENTS];

/// Loans there are, used or not.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The unused ones, in a list through [`Loan::next_unused`]. Whoever holds this lock takes no other.
pub(super) static UNUSED: native::Monitor<Unused> = native::Monitor::new(Unused(null()));

pub(super) struct Unused(*const Loan);

// SAFETY: loans are shared between threads, and stay where they are.
unsafe impl Send for Unused {}

// SAFETY: the state is behind its lock, `next_unused` behind that of the list of unused loans; `number` is set once, before
// anybody else knows the loan.
unsafe impl Sync for Loan {}

impl Loan {
    #[cfg(not(loom))]
    const fn unused() -> Self {
        Self {
            state: Monitor::new(State::unused()),
            number: UnsafeCell::new(0),
            next_unused: UnsafeCell::new(null()),
        }
    }

    #[cfg(loom)]
    fn unused() -> Self {
        Self {
            state: Monitor::new(State::unused()),
            number: UnsafeCell::new(0),
            next_unused: UnsafeCell::new(null()),
        }
    }

    /// Lets the loan be used for another if nothing refers to it any more.
    pub(super) fn recycle(&'static self, mut state: Access) {
        if state.is_unlisted || !state.is_unused() {
            return;
        }
        state.is_unlisted = true;
        drop(state);
        let mut unused = UNUSED.lock();
        // SAFETY: the lock of the list is held.
        unsafe { *self.next_unused.get() = unused.0 };
        unused.0 = self;
    }

    /// An unused loan, which is nobody else's then.
    fn any() -> Result<&'static Self> {
        let mut unused = UNUSED.lock();
        // SAFETY: loans are never freed; the lock of the list is held.
        if let Some(loan) = unsafe { unused.0.as_ref() } {
            // SAFETY: as above.
            unused.0 = unsafe { *loan.next_unused.get() };
            return Ok(loan);
        }
        let number = COUNT.load(Ordering::Relaxed);
        let loan = make(number)?;
        #[cfg(not(loom))]
        if number == 0 {
            super::fork::follow();
        }
        loan.state.prepare();
        // SAFETY: nobody else knows the loan yet.
        unsafe { *loan.number.get() = number };
        COUNT.store(number + 1, Ordering::Release);
        Ok(loan)
    }
}

/// The segment of a loan, and its place in it.
fn place_of(number: usize) -> (usize, usize) {
    match number / FIRST {
        0 => (0, number),
        multiple => {
            let before = multiple.ilog2();
            (before as usize + 1, number - (FIRST << before))
        }
    }
}

/// The loan of a number, if there are so many.
fn find(number: usize) -> Option<&'static Loan> {
    if number >= COUNT.load(Ordering::Acquire) {
        return None;
    }
    let (segment, place) = place_of(number);
    #[cfg(not(loom))]
    if segment == 0 {
        return LOANS.get(place);
    }
    let start = FURTHER.get(segment)?.load(Ordering::Acquire);
    // SAFETY: there are that many loans, so their segment was made, and it is never freed.
    Some(unsafe { &*start.add(place) })
}

/// Every loan there is, used or not.
#[cfg(not(loom))]
pub(super) fn all() -> impl Iterator<Item = &'static Loan> {
    (0..COUNT.load(Ordering::Acquire)).filter_map(find)
}

/// A loan that there was not yet. The list of unused loans is locked.
fn make(number: usize) -> Result<&'static Loan> {
    let (segment, place) = place_of(number);
    #[cfg(not(loom))]
    if segment == 0 {
        return Ok(&LOANS[place]);
    }
    let size = FIRST << segment.saturating_sub(1);
    let bytes = size * size_of::<Loan>();
    let slot = FURTHER.get(segment).ok_or(Error::OutOfMemory {
        bytes: bytes as u64,
    })?;
    let mut start = slot.load(Ordering::Relaxed);
    if start.is_null() {
        start = allocate(bytes, align_of::<Loan>())?.cast::<Loan>().as_ptr();
        for i in 0..size {
            // SAFETY: the block is fresh and holds that many loans.
            unsafe { start.add(i).write(Loan::unused()) };
        }
        slot.store(start, Ordering::Release);
    }
    // SAFETY: the segment is there and is never freed.
    Ok(unsafe { &*start.add(place) })
}

#[cfg(all(test, loom))]
impl Lender {
    /// Lends memory in a model, which must not meet what an earlier one has left.
    pub fn of_model(memory: Extent) -> Self {
        let loan: &'static Loan = Box::leak(Box::new(Loan::unused()));
        *loan.state.lock() = State {
            generation: 1,
            closed: false,
            memory,
            ..State::unused()
        };
        Self {
            loan,
            generation: 1,
        }
    }
}

impl Lender {
    /// Lends memory.
    pub fn open(memory: Extent, read_only: bool) -> Result<Self> {
        let loan = Loan::any()?;
        let mut state = loan.state.lock();
        let generation = state.generation % MAX_GENERATION + 1;
        *state = State {
            generation,
            closed: false,
            is_unlisted: false,
            memory,
            read_only,
            ..State::unused()
        };
        Ok(Self { loan, generation })
    }

    /// The handle, which is never zero.
    pub fn into_raw(self) -> usize {
        // SAFETY: the number is set once, before anybody knows the loan.
        let number = unsafe { *self.loan.number.get() };
        self.generation << NUMBER_BITS | (number + 1)
    }

    /// What a handle means. That it was closed is found out when it is used.
    pub fn from_raw(raw: usize) -> Result<Self> {
        let number = raw & ((1 << NUMBER_BITS) - 1);
        let loan = number.checked_sub(1).and_then(find);
        Ok(Self {
            loan: loan.ok_or(Error::LoanClosed)?,
            generation: raw >> NUMBER_BITS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        let mut expected = (0, 0);
        for number in 0..10_000 {
            assert_eq!(place_of(number), expected, "{number}");
            let size = FIRST << usize::saturating_sub(expected.0, 1);
            expected = if expected.1 + 1 == size {
                (expected.0 + 1, 0)
            } else {
                (expected.0, expected.1 + 1)
            };
        }
    }

    #[cfg(not(loom))]
    #[test]
    fn handles_of_other_generations_are_closed() {
        let memory = Extent { start: 0, end: 0 };
        let lender = Lender::open(memory, false).unwrap();
        let raw = lender.into_raw();
        assert!(Lender::from_raw(raw).unwrap().terms().is_ok());
        lender.close().unwrap();
        assert_eq!(lender.close(), Err(Error::LoanClosed));
        let old = Lender::from_raw(raw).unwrap();
        assert_eq!(old.terms().err(), Some(Error::LoanClosed));
        assert_eq!(Lender::from_raw(0).err(), Some(Error::LoanClosed));
        assert_eq!(Lender::from_raw(usize::MAX).err(), Some(Error::LoanClosed));
    }
}
