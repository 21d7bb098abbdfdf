//! Copies in flight: pins that last as long as a copy takes, which whoever takes memory back waits for.

use super::list::{Linked, Links, List};
use super::members::Place;
use crate::error::{Error, Result, Text};
use core::ptr::NonNull;

/// What a copy does with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Only where it is matters.
    Nothing,
    /// It is read.
    Reads,
    /// It is written.
    Writes,
}

impl Touch {
    /// Whether two must not happen at once.
    pub fn excludes(self, other: Self) -> bool {
        self != Touch::Nothing
            && other != Touch::Nothing
            && (self == Touch::Writes || other == Touch::Writes)
    }
}

/// A copy that is being made. It is on the stack of the thread that copies.
pub struct Flight {
    links: Links<Flight>,
    pub(super) place: Place,
    pub(super) touch: Touch,
    /// Flights of one call do not disturb each other.
    pub(super) call: Call,
}

/// A number that no other call has meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Call(usize);

impl Call {
    /// The number of the call that owns `room` on its stack.
    pub fn of(room: &u8) -> Self {
        Self(core::ptr::from_ref(room).addr())
    }
}

impl Flight {
    /// A copy that has not begun.
    pub fn new(place: Place, touch: Touch, call: Call) -> Self {
        Self {
            links: Links::none(),
            place,
            touch,
            call,
        }
    }
}

// SAFETY: the links are a field.
unsafe impl Linked for Flight {
    fn links(at: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: a field of a flight is inside it.
        unsafe { NonNull::new_unchecked(&raw mut (*at.as_ptr()).links) }
    }
}

/// The copies in flight on a loan.
impl List<Flight> {
    /// An error if a copy in flight, of another call, is in the way of reading, or writing, a place.
    ///
    /// # Safety
    /// The layout of the place is alive.
    pub unsafe fn check_free(&self, place: &Place, touch: Touch, call: Option<Call>) -> Result<()> {
        for flight in self.iter().filter(|flight| Some(flight.call) != call) {
            // SAFETY: the caller's promise; layouts of flights are alive.
            if flight.touch.excludes(touch) && unsafe { flight.place.meets(place) } {
                return Err(Error::Aliased {
                    label: Text::of(""),
                    writes: flight.touch == Touch::Writes,
                });
            }
        }
        Ok(())
    }
}
