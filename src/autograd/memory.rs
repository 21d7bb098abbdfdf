//! Memory for graphs: one value with a count, a list that grows, a layout. All of it may fail to be had.

use crate::error::Result;
use crate::layout::{Layout, Room};
use crate::storage::{Allocation, Count, allocate, free};
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// Puts a value into memory of its own.
pub fn place<T>(value: T) -> Result<NonNull<T>> {
    let block: NonNull<T> = allocate(size_of::<T>(), align_of::<T>())?.cast();
    // SAFETY: the block is fresh and large enough.
    unsafe { block.write(value) };
    Ok(block)
}

/// Takes a value out of its memory, and gives that back.
///
/// # Safety
/// `block` came from [`place`], and nobody else uses it.
pub unsafe fn take<T>(block: NonNull<T>) -> T {
    // SAFETY: the caller's promise.
    unsafe {
        let value = block.read();
        free(block.cast());
        value
    }
}

/// A value that several hold.
pub struct Counted<T>(NonNull<(Count, T)>);

// SAFETY: holders share the value, and the last one drops it, on whatever thread.
unsafe impl<T: Send + Sync> Send for Counted<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Counted<T> {}

impl<T> Counted<T> {
    /// A value with one holder.
    pub fn new(value: T) -> Result<Self> {
        Ok(Self(place((Count::one(), value))?))
    }

    /// One more holder.
    pub fn try_clone(&self) -> Result<Self> {
        // SAFETY: a holder keeps the value alive.
        unsafe { self.0.as_ref() }.0.increment()?;
        Ok(Self(self.0))
    }
}

impl<T> Counted<T> {
    /// The value, if there is no other holder.
    pub fn only(&mut self) -> Option<&mut T> {
        // SAFETY: a holder keeps the value alive; without another one nobody else can find it.
        let (count, value) = unsafe { self.0.as_mut() };
        (count.get() == 1).then_some(value)
    }
}

impl<T> Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: as above.
        unsafe { &self.0.as_ref().1 }
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        // SAFETY: a holder keeps the value alive; the last one takes it away.
        unsafe {
            if self.0.as_ref().0.decrement() {
                drop(take(self.0));
            }
        }
    }
}

/// Memory for so many bytes, to which the first ones come from old memory, if there is any, which is given back.
///
/// # Safety
/// There are as many, and room for them; the old memory is not used any more.
// One function for lists of all types.
#[inline(never)]
unsafe fn moved(
    old: Option<NonNull<u8>>,
    used: usize,
    bytes: usize,
    align: usize,
) -> Result<NonNull<u8>> {
    let start: NonNull<u8> = allocate(bytes, align)?.cast();
    if let Some(old) = old {
        // SAFETY: the caller's promise.
        unsafe {
            start.copy_from_nonoverlapping(old, used);
            free(old);
        }
    }
    Ok(start)
}

/// A list that grows.
pub struct List<T> {
    start: NonNull<T>,
    len: usize,
    capacity: usize,
}

// SAFETY: a list owns its items.
unsafe impl<T: Send> Send for List<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for List<T> {}

impl<T> List<T> {
    /// No items, and no memory.
    pub const fn new() -> Self {
        Self {
            start: NonNull::dangling(),
            len: 0,
            capacity: 0,
        }
    }

    /// Room for exactly so many items.
    pub fn with_capacity(capacity: usize) -> Result<Self> {
        let mut list = Self::new();
        list.move_to(capacity)?;
        Ok(list)
    }

    fn move_to(&mut self, capacity: usize) -> Result<()> {
        let bytes = capacity.saturating_mul(size_of::<T>());
        let old = (self.capacity > 0).then_some(self.start.cast());
        // SAFETY: so many items were written; the new memory is larger, and the old is not used any more.
        let start = unsafe { moved(old, self.len * size_of::<T>(), bytes, align_of::<T>())? };
        (self.start, self.capacity) = (start.cast(), capacity.max(1));
        Ok(())
    }

    /// Adds an item at the end. If there is no room for it, it is dropped.
    pub fn push(&mut self, item: T) -> Result<()> {
        if self.len == self.capacity {
            self.move_to((2 * self.capacity).max(8))?;
        }
        // SAFETY: there is room.
        unsafe { self.start.add(self.len).write(item) };
        self.len += 1;
        Ok(())
    }

    /// Takes the last item.
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: it was an item, and is none any more.
        Some(unsafe { self.start.add(self.len).read() })
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: so many items were written.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        while let Some(item) = self.pop() {
            drop(item);
        }
        if self.capacity > 0 {
            // SAFETY: the memory is the list's own, and empty.
            unsafe { free(self.start.cast()) }
        }
    }
}

/// A layout of its own.
pub struct OwnLayout {
    layout: NonNull<Layout>,
    /// Where that is.
    _block: Allocation,
}

// SAFETY: it never changes.
unsafe impl Send for OwnLayout {}
// SAFETY: as above.
unsafe impl Sync for OwnLayout {}

impl OwnLayout {
    /// A copy of a layout.
    pub fn of(layout: &Layout) -> Result<Self> {
        let block = Allocation::new(Room::size(layout.ndim()), align_of::<i64>())?;
        // SAFETY: the block is large enough.
        let room = unsafe { Room::at(block.start().cast(), layout.ndim()) };
        room.copy_from(layout);
        let layout: &Layout = room;
        Ok(Self {
            layout: NonNull::from(layout),
            _block: block,
        })
    }
}

impl Deref for OwnLayout {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        // SAFETY: it was written when this was made, and is in the block.
        unsafe { self.layout.as_ref() }
    }
}
