//! Memory of a tile: rows of units that are transposed, on their way to the destination.

use super::block::Aligned;
use crate::storage::{Allocation, DATA_ALIGNMENT};

/// Bytes that keep rows of a tile from falling into the same lines of the cache.
pub const PAD: usize = 64;

/// Bytes of a tile in memory that is allocated, of one that the second-level cache holds, and, if there is no memory or the plane is small,
/// on the stack.
pub const TILE: usize = 72 << 10;
pub const LARGE_TILE: usize = 256 << 10;
const SMALL_TILE: usize = 9 << 10;

/// Memory on the stack for a tile.
pub type Small = Aligned<SMALL_TILE>;

/// Memory of a tile.
pub struct Scratch<'a> {
    /// What is allocated, and how many bytes.
    large: Option<(Allocation, usize)>,
    small: &'a mut Small,
}

impl<'a> Scratch<'a> {
    /// A tile of [`TILE`] if there is memory, otherwise a small one.
    pub fn large(small: &'a mut Small) -> Self {
        Self::of(TILE, small)
    }

    /// A tile of so many bytes if there is memory, otherwise a small one.
    pub fn of(bytes: usize, small: &'a mut Small) -> Self {
        Self {
            large: Allocation::new(bytes, DATA_ALIGNMENT)
                .ok()
                .map(|allocation| (allocation, bytes)),
            small,
        }
    }

    /// A small tile.
    pub fn small(small: &'a mut Small) -> Self {
        Self { large: None, small }
    }

    /// Where it begins, and its bytes.
    pub fn tile(&mut self) -> (*mut u8, usize) {
        match &self.large {
            Some((allocation, bytes)) => (allocation.start().as_ptr(), *bytes),
            None => (self.small.as_mut_ptr(), SMALL_TILE),
        }
    }
}
