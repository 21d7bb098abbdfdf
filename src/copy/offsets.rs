//! Where the units of some loops are, written down: bytes from the first to each.

use core::mem::MaybeUninit;

/// Most units whose places are written down.
pub const MOST: usize = 512;

/// Space for the places. It stays where it is: to move it would take longer than many copies.
pub struct Space([MaybeUninit<isize>; MOST]);

impl Space {
    /// Space that is not used yet.
    pub const NEW: Self = Self([MaybeUninit::uninit(); MOST]);
}

/// Bytes from the first of some units to each of them, in the order of the loops.
pub struct Offsets<'a> {
    bytes: &'a mut [MaybeUninit<isize>; MOST],
    len: usize,
}

impl<'a> Offsets<'a> {
    /// One unit.
    pub fn new(space: &'a mut Space) -> Self {
        space.0[0].write(0);
        Self {
            bytes: &mut space.0,
            len: 1,
        }
    }

    /// A loop of `size` steps around those that are there, `step` bytes apart. There are [`MOST`] units at most.
    // Not a part of each plan, which it would make half a KiB larger.
    #[inline(never)]
    pub fn repeat(&mut self, size: usize, step: isize) {
        let (first, others) = self.bytes[..self.len * size].split_at_mut(self.len);
        for (i, others) in others.chunks_exact_mut(self.len).enumerate() {
            let distance = step.wrapping_mul(i as isize + 1);
            for (first, other) in first.iter().zip(others) {
                // SAFETY: the first `len` are written.
                other.write(unsafe { first.assume_init() }.wrapping_add(distance));
            }
        }
        self.len *= size;
    }

    /// The same, so many times, `step` bytes apart.
    pub fn repeated<'b>(&self, times: usize, step: isize, space: &'b mut Space) -> Offsets<'b> {
        let mut all = Offsets::new(space);
        all.bytes[..self.len].copy_from_slice(&self.bytes[..self.len]);
        all.len = self.len;
        all.repeat(times, step);
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first ones.
    pub fn first(&self, count: usize) -> &[isize] {
        let bytes = &self.bytes[..count.min(self.len)];
        // SAFETY: the first `len` are written.
        unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_follow_each_other_from_the_inside() {
        let mut space = Space::NEW;
        let mut offsets = Offsets::new(&mut space);
        offsets.repeat(3, 10);
        offsets.repeat(2, -1);
        assert_eq!(offsets.first(6), [0, 10, 20, -1, 9, 19]);
        assert_eq!(offsets.first(3), [0, 10, 20]);
        let mut space = Space::NEW;
        let twice = offsets.repeated(2, 100, &mut space);
        assert_eq!(
            twice.first(12),
            [0, 10, 20, -1, 9, 19, 100, 110, 120, 99, 109, 119]
        );
    }
}
