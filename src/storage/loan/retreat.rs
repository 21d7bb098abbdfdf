//! Taking memory back: by waiting, by refusing, by force, or by moving everybody away first.

use super::{Access, Deadline, Lender, Loan, Phase, State};
use crate::error::{Error, Result, Text};
use crate::storage::{DATA_ALIGNMENT, Extent, Storage, allocate, free};
use core::ptr::{NonNull, null_mut};

impl State {
    /// An error if somebody outside has a pointer to the memory.
    fn check_unpinned(&self) -> Result<()> {
        if self.exports > 0 || self.members.pins() > 0 {
            return Err(self.busy());
        }
        Ok(())
    }

    /// Bytes from `from` on that storages reach, up to the first that none does.
    fn next_reached(&self, from: u64) -> Option<Extent> {
        let storages = || {
            // SAFETY: members keep their storages alive; extents are changed only under the lock, which is held.
            let extents = self
                .members
                .iter()
                .map(|m| unsafe { Storage::extent_of(m.storage()) });
            extents.filter(|extent| extent.end > from && extent.end > extent.start)
        };
        let start = storages().map(|extent| extent.start.max(from)).min()?;
        let mut end = start;
        while let Some(further) = storages()
            .filter(|extent| extent.start <= end && extent.end > end)
            .map(|extent| extent.end)
            .max()
        {
            end = further;
        }
        Some(Extent { start, end })
    }

    /// Everything that storages reach, and what is between.
    fn reached(&self) -> Extent {
        let Some(first) = self.next_reached(0) else {
            return Extent { start: 0, end: 0 };
        };
        // SAFETY: as above.
        let extents = self
            .members
            .iter()
            .map(|m| unsafe { Storage::extent_of(m.storage()) });
        let end = extents.map(|extent| extent.end).max();
        Extent {
            start: first.start,
            end: end.unwrap_or(first.end).max(first.end),
        }
    }
}

impl Lender {
    /// Ends the loan, if nothing reaches the memory any more.
    pub fn close(self) -> Result<()> {
        let mut state = self.settled()?;
        if state.phase == Phase::Open && (state.has_aliases() || !state.flights.is_empty()) {
            return Err(state.busy());
        }
        state.closed = true;
        state.notify();
        self.loan.recycle(state);
        Ok(())
    }

    /// Waits until nothing reaches the memory any more and the lender's functions that take it back have returned.
    pub fn wait(self, nanoseconds: i64) -> Result<()> {
        let deadline = Deadline::after(nanoseconds);
        let mut state = self.settled()?;
        loop {
            // Somebody else took the memory back meanwhile, which is as good.
            if self.is_closed(&state) || state.phase == Phase::Revoked {
                return Ok(());
            }
            // A function that takes memory back may wait for the others, but not for itself.
            let idle = state.storages == 0 && state.exports == 0 && state.flights.is_empty();
            if idle && (state.takers.is_empty() || state.is_taking()) {
                return Ok(());
            }
            match &deadline {
                None => state.wait(),
                Some(deadline) => {
                    if !state.wait_until(deadline) {
                        return Err(state.busy());
                    }
                }
            }
        }
    }

    /// Takes the memory back now: handles stay, but reach nothing any more.
    pub fn revoke(self) -> Result<()> {
        let mut state = self.settled()?;
        if state.phase == Phase::Revoked {
            return Ok(());
        }
        state.check_unpinned()?;
        state.phase = Phase::Revoking;
        while !state.flights.is_empty() {
            state.wait();
        }
        for member in state.members.iter() {
            // SAFETY: the lock is held; there are no pins and no flights, and none can begin.
            unsafe { member.point(|_| null_mut()) };
        }
        state.phase = Phase::Revoked;
        state.notify();
        self.loan.give_back(state);
        Ok(())
    }

    /// Moves everything that is on the loan to a private copy, and ends the loan.
    pub fn evacuate(self) -> Result<()> {
        let mut state = self.lending()?;
        state.check_unpinned()?;
        if !state
            .members
            .iter()
            .all(|member| member.is_host_accessible())
        {
            return Err(Error::DeviceMemory {
                device: Text::of("another device"),
                action: "copied",
            });
        }
        state.phase = Phase::Evacuating;
        while !state.flights.is_empty() {
            state.wait();
        }
        let from = state.reached();
        drop(state);
        // Nobody can be added meanwhile, and nobody writes: whoever wants to waits for this to end.
        let copied = self.loan.copy_out(from);
        let mut state = self.loan.state.lock();
        match copied {
            Ok(to) => {
                if let Some((block, start)) = to {
                    state.relocate(from, start as u64);
                    state.private = Some(block);
                }
                state.phase = Phase::Evacuated;
                state.closed = true;
            }
            Err(error) => {
                state.phase = Phase::Open;
                state.notify();
                return Err(error);
            }
        }
        // The last of them may have gone meanwhile.
        let abandoned = match state.storages {
            0 => state.private.take(),
            _ => None,
        };
        state.notify();
        self.loan.give_back(state);
        if let Some(block) = abandoned {
            // SAFETY: it came from `allocate`, and no storage refers to it.
            unsafe { free(block) }
        }
        Ok(())
    }
}

impl State {
    /// Points everything that was inside `from` to the same place after `to`.
    fn relocate(&mut self, from: Extent, to: u64) {
        let moved = to.wrapping_sub(from.start);
        // SAFETY: the lock is held, members keep their storages alive, and there are no pins, views and flights. Storages of
        // several members are moved once: then they are not inside `from` any more.
        unsafe {
            for member in self.members.iter() {
                let extent = Storage::extent_of(member.storage());
                if extent.start < extent.end {
                    member.point(|data| data.wrapping_byte_add(moved as usize));
                }
            }
            for member in self.members.iter() {
                let Extent { start, end } = Storage::extent_of(member.storage());
                if start < end && start >= from.start && end <= from.end {
                    let extent = Extent {
                        start: start.wrapping_add(moved),
                        end: end.wrapping_add(moved),
                    };
                    Storage::set_extent(member.storage(), extent);
                }
            }
        }
    }
}

impl Loan {
    /// A private copy of what storages reach inside `reached`: its block, and where the first byte is in it.
    fn copy_out(&'static self, reached: Extent) -> Result<Option<(NonNull<u8>, *mut u8)>> {
        let bytes = (reached.end - reached.start) as usize;
        if bytes == 0 {
            return Ok(None);
        }
        // What was aligned stays so.
        let skew = reached.start as usize % DATA_ALIGNMENT;
        let block = allocate(bytes + skew, DATA_ALIGNMENT)?;
        let to = block.as_ptr().wrapping_add(skew);
        let mut from = reached.start;
        loop {
            let next = self.state.lock().next_reached(from);
            let Some(part) = next else {
                return Ok(Some((block, to)));
            };
            let source = core::ptr::with_exposed_provenance::<u8>(part.start as usize);
            let at = to.wrapping_add((part.start - reached.start) as usize);
            // SAFETY: storages reach these bytes, and the loan is still open: they are there. The block is as large as all of
            // them, and is ours.
            unsafe { at.copy_from_nonoverlapping(source, (part.end - part.start) as usize) };
            from = part.end;
        }
    }

    /// Calls the functions of the lender's that wait for their memory: no storage reaches it any more.
    fn give_back(&'static self, state: Access) {
        let next = |state: &State| {
            state.members.iter().find_map(|member| {
                // SAFETY: the lock is held, and a storage with a member is alive.
                unsafe { Storage::take_foreign(member.storage()) }
            })
        };
        self.take(state, next, || {});
    }
}
