//! Tensors on a loan: how they join and leave it, and how their memory is kept where it is while it is used.

use super::block::{Root, block_of};
use super::{Descriptor, Handle, Plan, Tensor};
use crate::dlpack::DLTensor;
use crate::error::{Error, Result, Text};
use crate::layout::Room;
use crate::storage::{
    Access, Call, Flight, InFlight, Kind, Lender, Loan, Member, Place, Release, Storage, Touch,
    free,
};
use core::ptr::NonNull;

impl<'a> Descriptor<'a> {
    /// Where the elements are.
    fn place(&self) -> Place {
        Place {
            data: self.data.cast(),
            byte_offset: self.byte_offset,
            layout: self.layout,
            element_bits: self.dtype.storage_bits(),
        }
    }

    /// Proves that the memory is inside a loan, if there is one, and takes over what its lender said.
    #[inline(always)]
    pub fn confine(&mut self, lender: Option<Lender>) -> Result<()> {
        match lender {
            Some(lender) => self.confine_to(lender),
            None => Ok(()),
        }
    }

    fn confine_to(&mut self, lender: Lender) -> Result<()> {
        let terms = lender.terms()?;
        if !self.device.has_addresses() {
            return Err(Error::DeviceMemory {
                device: self.device.text(),
                action: "lent",
            });
        }
        let bits = self.dtype.storage_bits();
        let reach = self.layout.reach(bits)?;
        let first = i128::from(self.first()) - i128::from(terms.memory.start);
        let nbytes = terms.memory.end - terms.memory.start;
        self.layout.check_within(bits, reach, first, nbytes)?;
        self.extent.start = self.extent.start.max(terms.memory.start);
        self.extent.end = self.extent.end.min(terms.memory.end);
        self.read_only |= terms.read_only;
        Ok(())
    }
}

/// What a copy touches.
#[derive(Clone, Copy)]
pub enum Touched<'a> {
    /// A tensor.
    Tensor(&'a Tensor),
    /// Memory that was described, and may be on a loan.
    Described(&'a Descriptor<'a>, Option<Lender>),
}

/// Memory that stays where it is.
enum Kept<'a> {
    /// It always does.
    Plain,
    /// There is a copy in flight.
    InFlight { _flight: InFlight<'a> },
}

impl<'a> Touched<'a> {
    /// Keeps the memory where it is, unless there is something going on that has to be waited for.
    #[inline(always)]
    fn keep<'r>(
        &self,
        room: &'r mut Option<Flight>,
        touch: Touch,
        call: Call,
    ) -> Result<Option<Kept<'r>>> {
        match *self {
            Touched::Tensor(tensor) => match tensor.loan() {
                None => Ok(Some(Kept::Plain)),
                Some(loan) => {
                    let Some(access) = loan.access_now()? else {
                        return Ok(None);
                    };
                    // SAFETY: the member is on the loan, and the tensor is borrowed for longer than the flight lasts.
                    let flight =
                        unsafe { loan.depart(access, tensor.member_place(), room, touch, call)? };
                    Ok(Some(Kept::InFlight { _flight: flight }))
                }
            },
            Touched::Described(_, None) => Ok(Some(Kept::Plain)),
            Touched::Described(memory, Some(lender)) => {
                let Some(access) = lender.access_now()? else {
                    return Ok(None);
                };
                let flight = Flight::new(memory.place(), touch, call);
                // SAFETY: the layout is borrowed for longer than the flight lasts.
                let flight = unsafe { lender.depart(access, room, flight)? };
                Ok(Some(Kept::InFlight { _flight: flight }))
            }
        }
    }

    /// Waits until whatever is going on has ended.
    #[cold]
    fn settle(&self) {
        match *self {
            Touched::Tensor(tensor) => drop(tensor.loan().map(Loan::settled)),
            Touched::Described(_, lender) => drop(lender.map(|lender| lender.loan().settled())),
        }
    }

    /// # Safety
    /// The memory is kept where it is.
    #[inline(always)]
    unsafe fn describe(&self) -> Descriptor<'a> {
        match *self {
            // SAFETY: the caller's promise.
            Touched::Tensor(tensor) => unsafe { Descriptor::of(tensor) },
            Touched::Described(memory, _) => *memory,
        }
    }

    /// Does something with the memory, which stays where it is meanwhile.
    #[inline(always)]
    pub fn with<T>(
        self,
        touch: Touch,
        call: Call,
        body: impl FnOnce(Descriptor<'a>) -> Result<T>,
    ) -> Result<T> {
        loop {
            let mut room = None;
            if let Some(_kept) = self.keep(&mut room, touch, call)? {
                // SAFETY: it is.
                return body(unsafe { self.describe() });
            }
            self.settle();
        }
    }

    /// The same with two. Nobody waits for one while keeping the other in place: who is waited for may be waiting for that.
    #[inline(always)]
    pub fn with_both<T>(
        self,
        touch: Touch,
        other: Touched<'a>,
        other_touch: Touch,
        call: Call,
        body: impl FnOnce(Descriptor<'a>, Descriptor<'a>) -> Result<T>,
    ) -> Result<T> {
        loop {
            let (mut room, mut other_room) = (None, None);
            let busy = match self.keep(&mut room, touch, call)? {
                None => self,
                Some(_kept) => match other.keep(&mut other_room, other_touch, call)? {
                    None => other,
                    Some(_kept) => {
                        // SAFETY: both are kept.
                        let (this, other) = unsafe { (self.describe(), other.describe()) };
                        return body(this, other);
                    }
                },
            };
            busy.settle();
        }
    }
}

impl Handle {
    /// [`Handle::borrow`] for memory on a loan, which it was proved to be inside.
    #[cold]
    pub(super) fn borrow_lent(
        memory: &Descriptor<'_>,
        lender: Lender,
        release: Release,
        origin: Plan,
    ) -> Result<Self> {
        let block = block_of::<Root>(memory.layout.ndim(), size_of::<Member>())?;
        let start = block.start();
        // SAFETY: the block is fresh and large enough for a root and a member. If the loan has ended meanwhile nobody has the
        // tensor, and its block is given back without the lender's function being called.
        unsafe {
            let handle = Self::place_root(block, memory, release, origin);
            let member = handle.make_member(Kind::Tensor);
            if let Err(error) = lender.admit(member) {
                core::mem::forget(handle);
                free(start);
                return Err(error);
            }
            Ok(handle)
        }
    }

    /// Puts a tensor, whose storage is on a loan, on the list there.
    ///
    /// # Safety
    /// There is room for a member behind the layout, and the tensor is on no list.
    pub(super) unsafe fn join(&self, mut access: Access) {
        // SAFETY: the caller's promise.
        unsafe {
            let member = self.make_member(Kind::View);
            if let Some(loan) = self.loan() {
                loan.add(&mut access, member);
            }
        }
    }

    /// # Safety
    /// There is room for a member behind the layout.
    unsafe fn make_member(&self, kind: Kind) -> NonNull<Member> {
        let view = self.view.get();
        let place = Place {
            data: core::ptr::null_mut(),
            byte_offset: self.byte_offset(),
            layout: self.layout(),
            element_bits: self.dtype().storage_bits(),
        };
        let host = self.device().is_host_accessible();
        let member = self.member_place();
        // SAFETY: the caller's promise; the view is in the same block.
        unsafe {
            let data = NonNull::new_unchecked(&raw mut (*view).data);
            member.write(Member::new(kind, self.hold.as_ptr(), data, place, host));
        }
        member
    }
}

impl Tensor {
    /// Where the member of a tensor on a loan is: behind its layout.
    pub(super) fn member_place(&self) -> NonNull<Member> {
        let view = self.view.get();
        // SAFETY: the strides, which never change, are the end of the layout.
        unsafe {
            let end = (*view).strides.add((*view).ndim as usize);
            NonNull::new_unchecked(end.cast())
        }
    }

    /// The loan that the memory is on, if it is on one.
    #[inline(always)]
    pub fn loan(&self) -> Option<&'static Loan> {
        self.hold.storage().loan()
    }

    /// The lock of the loan, if the memory is on one: while it is held, the memory stays.
    #[inline(always)]
    pub fn access(&self) -> Result<Option<Access>> {
        match self.loan() {
            None => Ok(None),
            Some(loan) => loan.access().map(Some),
        }
    }

    /// Does something with the memory, which stays where it is meanwhile.
    #[inline(always)]
    pub fn touching<T>(
        &self,
        touch: Touch,
        body: impl FnOnce(Descriptor<'_>) -> Result<T>,
    ) -> Result<T> {
        let room = 0;
        Touched::Tensor(self).with(touch, Call::of(&room), body)
    }

    /// What others see, for as long as the tensor lives: on a loan, a pin for reading that has no end.
    pub fn view_for_good(&self) -> *const DLTensor {
        if let Some(loan) = self.loan() {
            let state = loan.settled();
            if state.is_open() {
                // SAFETY: the lock is held.
                unsafe { self.member_place().as_mut().set_viewed() }
            }
        }
        self.view()
    }

    /// Raw access to the memory, which stays where it is until [`Tensor::unpin`]. The pin is a reference.
    pub fn pin(&self, touch: Touch) -> Result<*const DLTensor> {
        if touch == Touch::Writes && self.is_read_only() {
            return Err(Error::ReadOnly("the tensor is read-only"));
        }
        self.retain()?;
        if touch == Touch::Writes {
            self.storage().count_change();
        }
        if let Some(loan) = self.loan() {
            // SAFETY: the member is on the loan.
            if let Err(error) = unsafe { loan.pin(self.member_place(), touch) } {
                self.references.decrement();
                return Err(error);
            }
        }
        Ok(self.view())
    }

    /// Ends a pin, of which the reference is still to be given up.
    pub fn unpin(&self) -> Result<()> {
        match self.loan() {
            // SAFETY: the member is on the loan.
            Some(loan) => unsafe { loan.unpin(self.member_place()) },
            None => Ok(()),
        }
    }

    /// Names the tensor in messages about its loan.
    pub fn set_label(&self, label: Text) -> Result<()> {
        let Some(loan) = self.loan() else {
            return Err(Error::Unsupported(
                "labels are for tensors on a loan, which this one is not",
            ));
        };
        let _state = loan.settled();
        // SAFETY: the lock is held.
        unsafe { self.member_place().as_mut().set_label(label) }
        Ok(())
    }
}

const _: () = {
    assert!(align_of::<Member>() <= align_of::<i64>());
    assert!(align_of::<Storage>() <= 16);
    assert!(Room::size(1).is_multiple_of(align_of::<Member>()));
};
