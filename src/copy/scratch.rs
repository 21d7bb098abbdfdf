//! Memory of a tile: rows of units that are transposed, on their way to the destination.

use super::block::Aligned;
use crate::storage::{Allocation, DATA_ALIGNMENT};

/// Bytes that keep rows of a tile from falling into the same lines of the cache.
pub const PAD: usize = 64;

/// Bytes of a tile in memory that is allocated, and, if that fails or the plane is small, on the stack.
pub const TILE: usize = 72 << 10;
const SMALL_TILE: usize = 9 << 10;

/// Memory on the stack for a tile.
pub type Small = Aligned<SMALL_TILE>;

/// Memory of a tile.
pub struct Scratch<'a> {
    allocation: Option<Allocation>,
    small: &'a mut Small,
}

impl<'a> Scratch<'a> {
    /// A large tile if there is memory, otherwise a small one.
    pub fn large(small: &'a mut Small) -> Self {
        Self {
            allocation: Allocation::new(TILE, DATA_ALIGNMENT).ok(),
            small,
        }
    }

    /// A small tile.
    pub fn small(small: &'a mut Small) -> Self {
        Self {
            allocation: None,
            small,
        }
    }

    /// Where it begins, and its bytes.
    pub fn tile(&mut self) -> (*mut u8, usize) {
        match &self.allocation {
            Some(allocation) => (allocation.start().as_ptr(), TILE),
            None => (self.small.as_mut_ptr(), SMALL_TILE),
        }
    }
}
