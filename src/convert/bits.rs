//! Packed streams of sub-byte elements: lane `i` begins at bit `i * bits`, low bits first within a byte, as in DLPack.

/// Reads `lanes.len()` lanes of `bits` bits each, the first at `bit`, `stride` bits apart, one to a byte.
///
/// # Safety
/// Every byte that holds a bit of one of the lanes is readable. `bits` is below 8.
pub unsafe fn unpack(base: *const u8, bit: i64, bits: u32, stride: i64, lanes: &mut [u8]) {
    let mask = (1u16 << bits) - 1;
    let mut bit = bit;
    for lane in lanes {
        let (byte, shift) = place(base, bit);
        // SAFETY: the caller's promise; the second byte is read only if the lane crosses into it.
        unsafe {
            let mut window = u16::from(*byte);
            if shift + bits > 8 {
                window |= u16::from(*byte.add(1)) << 8;
            }
            *lane = (window >> shift & mask) as u8;
        }
        bit = bit.wrapping_add(stride);
    }
}

/// Writes `lanes.len()` lanes of `bits` bits each, the first at `bit`, `stride` bits apart. Bits beside them stay.
///
/// # Safety
/// Every byte that holds a bit of one of the lanes is readable and writable, and not written by others meanwhile. `bits`
/// is below 8.
pub unsafe fn pack(lanes: &[u8], base: *mut u8, bit: i64, bits: u32, stride: i64) {
    let mask = (1u16 << bits) - 1;
    let mut bit = bit;
    for lane in lanes {
        let (byte, shift) = place(base, bit);
        let byte = byte.cast_mut();
        let (value, mask) = ((u16::from(*lane) & mask) << shift, mask << shift);
        // SAFETY: the caller's promise; the second byte is touched only if the lane crosses into it.
        unsafe {
            *byte = *byte & !(mask as u8) | value as u8;
            if shift + bits > 8 {
                let next = byte.add(1);
                *next = *next & !((mask >> 8) as u8) | (value >> 8) as u8;
            }
        }
        bit = bit.wrapping_add(stride);
    }
}

/// The byte that holds `bit`, and which of its bits that is.
fn place(base: *const u8, bit: i64) -> (*const u8, u32) {
    (
        base.wrapping_offset(bit.div_euclid(8) as isize),
        bit.rem_euclid(8) as u32,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_bit_lanes_cross_bytes_and_leave_neighbours() {
        let mut stream = [0xffu8; 4];
        // SAFETY: lanes 1 and 3 of 6 bits lie in bits 6..12 and 18..24.
        unsafe { pack(&[0, 0b10_0001], stream.as_mut_ptr(), 6, 6, 12) };
        assert_eq!(stream, [0x3f, 0xf0, 0b1000_0111, 0xff]);
        let mut lanes = [0; 4];
        // SAFETY: four lanes of 6 bits are 3 bytes.
        unsafe { unpack(stream.as_ptr(), 0, 6, 6, &mut lanes) };
        assert_eq!(lanes, [0x3f, 0, 0x3f, 0b10_0001]);
    }

    #[test]
    fn negative_strides_walk_backwards() {
        let stream = [0x21u8, 0x43];
        let mut lanes = [0; 4];
        // SAFETY: bits -12..4 around the last nibble's byte are the four nibbles.
        unsafe { unpack(stream.as_ptr().add(1), 4, 4, -4, &mut lanes) };
        assert_eq!(lanes, [4, 3, 2, 1]);
    }
}
