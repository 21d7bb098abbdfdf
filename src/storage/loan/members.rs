//! Who is on a loan: the tensors, in a list through their own blocks, and what is told of them.

use super::flights::Touch;
use super::list::{Linked, Links, List};
use crate::error::{Alive, Error, Result, Text};
use crate::layout::{Answer, Layout, Placed, shares_bits};
use crate::storage::Storage;
use core::ffi::c_void;
use core::ptr::NonNull;

/// What a tensor on a loan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Made from the lender's descriptor.
    Tensor,
    /// Made from another tensor.
    View,
}

/// Where the elements of a tensor, or of a copy in flight, are.
#[derive(Clone, Copy)]
pub struct Place {
    /// Where the pointer to them is, or was when this was made.
    pub data: *mut c_void,
    /// Bytes from there to the first element.
    pub byte_offset: u64,
    /// Shape and strides, which live as long as the place is used.
    pub layout: *const Layout,
    /// Bits of an element.
    pub element_bits: u64,
}

impl Place {
    /// Whether two places have a bit in common. What cannot be decided counts as one.
    ///
    /// # Safety
    /// The layouts of both are alive.
    pub unsafe fn meets(&self, other: &Self) -> bool {
        // SAFETY: the caller's promise.
        let placed = |place: &Self| unsafe {
            Placed {
                layout: &*place.layout,
                address: (place.data as u64).wrapping_add(place.byte_offset),
                element_bits: place.element_bits,
            }
        };
        shares_bits(placed(self), placed(other)) != Answer::No
    }
}

/// What a loan knows of one tensor on it. It is behind the tensor's layout, in its block, and is touched only by whoever
/// holds the lock of the loan.
pub struct Member {
    links: Links<Member>,
    kind: Kind,
    label: Text,
    /// Pins for reading, and whether there is one for writing.
    readers: u32,
    writing: bool,
    /// Whether somebody has been given the pointer without a pin.
    viewed: bool,
    /// Whether the processor can copy the memory.
    host: bool,
    storage: NonNull<Storage>,
    /// The `data` of the tensor's view.
    data: NonNull<*mut c_void>,
    byte_offset: u64,
    layout: *const Layout,
    element_bits: u64,
}

impl Member {
    /// A tensor that is not on its loan's list yet. `place.data` is where its view keeps the pointer.
    pub fn new(
        kind: Kind,
        storage: NonNull<Storage>,
        data: NonNull<*mut c_void>,
        place: Place,
        host: bool,
    ) -> Self {
        Self {
            links: Links::none(),
            kind,
            label: Text::of(""),
            readers: 0,
            writing: false,
            viewed: false,
            host,
            storage,
            data,
            byte_offset: place.byte_offset,
            layout: place.layout,
            element_bits: place.element_bits,
        }
    }

    /// Where its elements are now.
    ///
    /// # Safety
    /// The lock of the loan is held.
    pub unsafe fn place(&self) -> Place {
        Place {
            // SAFETY: the view is in the same block; only whoever holds the lock writes it.
            data: unsafe { *self.data.as_ptr() },
            byte_offset: self.byte_offset,
            layout: self.layout,
            element_bits: self.element_bits,
        }
    }

    /// The storage it is on.
    pub fn storage(&self) -> NonNull<Storage> {
        self.storage
    }

    /// Whether the processor can copy its memory.
    pub fn is_host_accessible(&self) -> bool {
        self.host
    }

    /// Moves the pointer that others see.
    ///
    /// # Safety
    /// The lock of the loan is held, and nobody reads the pointer without it: there is no pin, view or copy in flight.
    pub unsafe fn point(&self, to: impl FnOnce(*mut c_void) -> *mut c_void) {
        // SAFETY: the caller's promise.
        unsafe { *self.data.as_ptr() = to(*self.data.as_ptr()) }
    }

    /// Names the tensor in messages.
    pub fn set_label(&mut self, label: Text) {
        self.label = label;
    }

    /// Notes that the pointer was given away for as long as the tensor lives.
    pub fn set_viewed(&mut self) {
        self.viewed = true;
    }

    fn pins(&self) -> usize {
        self.readers as usize + usize::from(self.writing) + usize::from(self.viewed)
    }

    /// Notes a pin, which has been found to conflict with none.
    pub fn add_pin(&mut self, touch: Touch) -> Result<()> {
        if touch == Touch::Writes {
            self.writing = true;
        } else {
            self.readers = self.readers.checked_add(1).ok_or(Error::Count)?;
        }
        Ok(())
    }

    /// Takes a pin back: that for writing if there is one, which is then the only one.
    pub fn remove_pin(&mut self) -> Result<()> {
        if self.writing {
            self.writing = false;
        } else {
            self.readers = self.readers.checked_sub(1).ok_or(Error::NotPinned)?;
        }
        Ok(())
    }
}

// SAFETY: the links are a field.
unsafe impl Linked for Member {
    fn links(at: NonNull<Self>) -> NonNull<Links<Self>> {
        // SAFETY: a field of a member is inside it.
        unsafe { NonNull::new_unchecked(&raw mut (*at.as_ptr()).links) }
    }
}

/// The tensors on a loan.
impl List<Member> {
    /// How many there are of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.iter().filter(|member| member.kind == kind).count()
    }

    /// Pins of all of them, pointers given away included.
    pub fn pins(&self) -> usize {
        self.iter().map(Member::pins).sum()
    }

    /// What is alive, for the message that says so.
    pub fn alive(&self, exports: usize, copies: usize) -> Alive {
        let mut alive = Alive {
            tensors: self.count(Kind::Tensor) as u32,
            views: self.count(Kind::View) as u32,
            exports: exports as u32,
            pins: self.pins() as u32,
            copies: copies as u32,
            labels: [Text::of(""); 3],
        };
        let labelled = self
            .iter()
            .map(|member| member.label)
            .filter(|label| !label.as_str().is_empty());
        for (place, label) in alive.labels.iter_mut().zip(labelled) {
            *place = label;
        }
        alive
    }

    /// An error if a pin of any of them is in the way of reading, or writing, a place.
    ///
    /// # Safety
    /// The layout of the place is alive.
    pub unsafe fn check_free(&self, place: &Place, touch: Touch) -> Result<()> {
        for member in self.iter().filter(|member| member.pins() > 0) {
            let pinned = if member.writing {
                Touch::Writes
            } else {
                Touch::Reads
            };
            // SAFETY: the lock is held, as for every use of a list; members' layouts are alive.
            if pinned.excludes(touch) && unsafe { member.place().meets(place) } {
                return Err(Error::Aliased {
                    label: member.label,
                    writes: member.writing,
                });
            }
        }
        Ok(())
    }
}
