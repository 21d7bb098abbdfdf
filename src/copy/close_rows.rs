//! Short rows that are close to each other on both sides, as the colours of pixels that have one more, or every second pixel: several of
//! them go at once, by a register whose bytes are chosen from what was read. The units of a row may come in the opposite order.

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
pub use x86::Together;

/// A row.
#[derive(Clone, Copy)]
pub struct Row {
    pub bytes: usize,
    /// Bytes of the units that come in the opposite order: all, if there are no others.
    pub unit: usize,
}

impl Row {
    /// A row as it is.
    pub fn whole(bytes: usize) -> Self {
        Self { bytes, unit: bytes }
    }
}

/// How many rows go at once: there are no instructions for several.
#[cfg(not(target_arch = "x86_64"))]
pub enum Together {}

#[cfg(not(target_arch = "x86_64"))]
impl Together {
    pub fn of(_: isize, _: isize, _: usize, row: Row) -> Option<Self> {
        let _ = (row.bytes, row.unit);
        None
    }

    pub unsafe fn copy(
        &self,
        _: (*const u8, isize),
        _: (*mut u8, isize),
        _: usize,
        _: Row,
    ) -> usize {
        match *self {}
    }
}
