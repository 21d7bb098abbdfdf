//! Numbers of any dtype, wherever they are, as words of a carrier.

use super::{Carrier, Decode, decoder, unpack};
use crate::dtype::DType;

/// Most numbers that are read at a time.
pub const BLOCK: usize = 256;

/// Reads the lanes of a dtype; of complex ones, their parts.
#[derive(Clone, Copy)]
pub struct Reader {
    decode: Decode,
    bits: u32,
    /// Lanes follow each other without regard to bytes.
    packed: bool,
}

impl Reader {
    /// The reader of a dtype, and what it reads lanes to. None for opaque handles.
    pub fn new(dtype: DType) -> Option<(Self, Carrier)> {
        let lane = dtype.scalar().component();
        let (decode, carrier) = decoder(lane)?;
        let reader = Self {
            decode,
            bits: lane.bits(),
            packed: dtype.is_subbyte() && !dtype.is_padded(),
        };
        Some((reader, carrier))
    }

    /// Reads `words.len()` lanes, at most [`BLOCK`], the first at `bit`, `stride` bits apart.
    ///
    /// # Safety
    /// The lanes are readable.
    pub unsafe fn read(&self, base: *const u8, bit: i64, stride: i64, words: &mut [u64]) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.packed {
                let mut bytes = [0; BLOCK];
                let bytes = &mut bytes[..words.len()];
                unpack(base, bit, self.bits, stride, bytes);
                (self.decode)(bytes.as_ptr(), 1, words);
            } else {
                let first = base.wrapping_offset(bit.div_euclid(8) as isize);
                (self.decode)(first, (stride / 8) as isize, words);
            }
        }
    }
}
