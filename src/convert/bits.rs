//! Packed streams of sub-byte elements: lane `i` begins at bit `i * bits`, low bits first within a byte, as in DLPack.

/// Reads `lanes.len()` lanes of `bits` bits each, the first at `bit`, `stride` bits apart, one to a byte.
///
/// # Safety
/// Every byte that holds a bit of one of the lanes is readable. `bits` is 1, 2, 4 or 6.
pub unsafe fn unpack(base: *const u8, bit: i64, bits: u32, stride: i64, lanes: &mut [u8]) {
    let [head, whole, tail] = parts(bit, bits, stride, lanes.len());
    // SAFETY: the caller's promise, for each part.
    unsafe {
        let after = |count: usize| bit.wrapping_add(stride.wrapping_mul(count as i64));
        unpack_each(base, bit, bits, stride, &mut lanes[..head]);
        let words = &mut lanes[head..head + whole];
        let from = place(base, after(head)).0;
        match bits {
            1 => unpack_words::<1>(from, words),
            2 => unpack_words::<2>(from, words),
            4 => unpack_words::<4>(from, words),
            _ => unpack_words::<6>(from, words),
        }
        let rest = &mut lanes[head + whole..][..tail];
        unpack_each(base, after(head + whole), bits, stride, rest);
    }
}

/// Writes `lanes.len()` lanes of `bits` bits each, the first at `bit`, `stride` bits apart. Bits beside them stay.
///
/// # Safety
/// Every byte that holds a bit of one of the lanes is readable and writable, and not written by others meanwhile. `bits`
/// is 1, 2, 4 or 6.
pub unsafe fn pack(lanes: &[u8], base: *mut u8, bit: i64, bits: u32, stride: i64) {
    let [head, whole, tail] = parts(bit, bits, stride, lanes.len());
    // SAFETY: the caller's promise, for each part.
    unsafe {
        let after = |count: usize| bit.wrapping_add(stride.wrapping_mul(count as i64));
        pack_each(&lanes[..head], base, bit, bits, stride);
        let words = &lanes[head..head + whole];
        let to = place(base, after(head)).0.cast_mut();
        match bits {
            1 => pack_words::<1>(words, to),
            2 => pack_words::<2>(words, to),
            4 => pack_words::<4>(words, to),
            _ => pack_words::<6>(words, to),
        }
        let rest = &lanes[head + whole..][..tail];
        pack_each(rest, base, after(head + whole), bits, stride);
    }
}

/// Lanes up to one that begins a byte, whole words of eight lanes from there on, and what is left. Lanes that are apart
/// are all left.
fn parts(bit: i64, bits: u32, stride: i64, count: usize) -> [usize; 3] {
    if stride != i64::from(bits) {
        return [0, 0, count];
    }
    let begins_byte = |lanes: &usize| (bit + *lanes as i64 * stride) % 8 == 0;
    let head = (0..8).find(begins_byte).unwrap_or(count).min(count);
    let whole = (count - head) / 8 * 8;
    [head, whole, count - head - whole]
}

/// Lanes of which each step of [`unpack_words`] and [`pack_words`] has room for.
const STEP: usize = 512;

/// Takes each byte apart: its low `BITS` bits, then the others.
#[inline(always)]
fn halve<const BITS: u32>(bytes: &[u8], halves: &mut [u8]) {
    let (pairs, _) = halves.as_chunks_mut::<2>();
    let count = bytes.len().min(pairs.len());
    let (bytes, pairs) = (&bytes[..count], &mut pairs[..count]);
    for i in 0..count {
        let byte = u16::from(bytes[i]);
        let mask = (1u16 << BITS) - 1;
        pairs[i] = (byte & mask | (byte >> BITS & mask) << 8).to_le_bytes();
    }
}

/// The way back from [`halve`]. Other bits of the halves do not count.
#[inline(always)]
fn join<const BITS: u32>(halves: &[u8], bytes: &mut [u8]) {
    let (pairs, _) = halves.as_chunks::<2>();
    let count = bytes.len().min(pairs.len());
    let (pairs, bytes) = (&pairs[..count], &mut bytes[..count]);
    for i in 0..count {
        let pair = u16::from_le_bytes(pairs[i]);
        let mask = (1u16 << BITS) - 1;
        bytes[i] = (pair & mask | (pair >> 8 & mask) << BITS) as u8;
    }
}

/// Reads words of eight lanes, the first one at the beginning of a byte: bytes are halved until a half is a lane.
///
/// # Safety
/// As for [`unpack`].
unsafe fn unpack_words<const BITS: u32>(from: *const u8, lanes: &mut [u8]) {
    if BITS == 6 {
        // SAFETY: the caller's promise.
        return unsafe { unpack_sixes(from, lanes) };
    }
    for (i, lanes) in lanes.chunks_mut(STEP).enumerate() {
        let bytes = lanes.len() * BITS as usize / 8;
        // SAFETY: the caller's promise: that many lanes are so many bytes.
        let packed =
            unsafe { core::slice::from_raw_parts(from.add(i * STEP * BITS as usize / 8), bytes) };
        let (mut quarters, mut halves) = ([0; STEP / 4], [0; STEP / 2]);
        match BITS {
            1 => {
                let (quarters, halves) = (&mut quarters[..2 * bytes], &mut halves[..4 * bytes]);
                halve::<4>(packed, quarters);
                halve::<2>(quarters, halves);
                halve::<1>(halves, lanes);
            }
            2 => {
                let halves = &mut halves[..2 * bytes];
                halve::<4>(packed, halves);
                halve::<2>(halves, lanes);
            }
            _ => halve::<4>(packed, lanes),
        }
    }
}

/// Writes words of eight lanes, the first one at the beginning of a byte.
///
/// # Safety
/// As for [`pack`].
unsafe fn pack_words<const BITS: u32>(lanes: &[u8], to: *mut u8) {
    if BITS == 6 {
        // SAFETY: the caller's promise.
        return unsafe { pack_sixes(lanes, to) };
    }
    for (i, lanes) in lanes.chunks(STEP).enumerate() {
        let bytes = lanes.len() * BITS as usize / 8;
        // SAFETY: the caller's promise: that many lanes are so many bytes.
        let packed =
            unsafe { core::slice::from_raw_parts_mut(to.add(i * STEP * BITS as usize / 8), bytes) };
        let (mut quarters, mut halves) = ([0; STEP / 4], [0; STEP / 2]);
        match BITS {
            1 => {
                let (quarters, halves) = (&mut quarters[..2 * bytes], &mut halves[..4 * bytes]);
                join::<1>(lanes, halves);
                join::<2>(halves, quarters);
                join::<4>(quarters, packed);
            }
            2 => {
                let halves = &mut halves[..2 * bytes];
                join::<2>(lanes, halves);
                join::<4>(halves, packed);
            }
            _ => join::<4>(lanes, packed),
        }
    }
}

/// Words of eight lanes of six bits: halves of the word to its halves, quarters to quarters, and each lane to its byte.
///
/// # Safety
/// As for [`unpack`].
unsafe fn unpack_sixes(from: *const u8, lanes: &mut [u8]) {
    for (i, eight) in lanes.chunks_exact_mut(8).enumerate() {
        let mut packed = [0; 8];
        // SAFETY: the caller's promise: eight lanes are six bytes.
        unsafe {
            packed
                .as_mut_ptr()
                .copy_from_nonoverlapping(from.add(6 * i), 6)
        };
        let word = u64::from_le_bytes(packed);
        let halves = word & 0x00ff_ffff | (word >> 24 & 0x00ff_ffff) << 32;
        let low = 0x0000_0fff_0000_0fff;
        let quarters = halves & low | (halves >> 12 & low) << 16;
        let low = 0x003f_003f_003f_003f;
        let bytes = quarters & low | (quarters >> 6 & low) << 8;
        eight.copy_from_slice(&bytes.to_le_bytes());
    }
}

/// The way back from [`unpack_sixes`].
///
/// # Safety
/// As for [`pack`].
unsafe fn pack_sixes(lanes: &[u8], to: *mut u8) {
    for (i, eight) in lanes.chunks_exact(8).enumerate() {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(eight);
        let word = u64::from_le_bytes(bytes);
        let low = 0x003f_003f_003f_003f;
        let quarters = word & low | (word >> 8 & low) << 6;
        let low = 0x0000_0fff_0000_0fff;
        let halves = quarters & low | (quarters >> 16 & low) << 12;
        let packed = halves & 0x00ff_ffff | (halves >> 32 & 0x00ff_ffff) << 24;
        // SAFETY: the caller's promise: eight lanes are six bytes.
        unsafe {
            to.add(6 * i)
                .copy_from_nonoverlapping(packed.to_le_bytes().as_ptr(), 6)
        };
    }
}

/// [`unpack`], lane by lane.
///
/// # Safety
/// As for [`unpack`].
unsafe fn unpack_each(base: *const u8, bit: i64, bits: u32, stride: i64, lanes: &mut [u8]) {
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

/// [`pack`], lane by lane.
///
/// # Safety
/// As for [`pack`].
unsafe fn pack_each(lanes: &[u8], base: *mut u8, bit: i64, bits: u32, stride: i64) {
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
    fn words_of_lanes_are_like_lanes_one_by_one() {
        let stream: Vec<u8> = (0..800).map(|i| (i * 37 + i / 256 + 11) as u8).collect();
        for bits in [1, 2, 4, 6u32] {
            for first in 0..9 {
                for count in (0..40).chain([700, 1031]) {
                    let (bit, stride) = (first * i64::from(bits), i64::from(bits));
                    let (mut lanes, mut each) = (vec![0; count], vec![0; count]);
                    let (mut packed, mut packed_each) = ([0xa5u8; 800], [0xa5u8; 800]);
                    // SAFETY: fewer than 1050 lanes of at most 6 bits are fewer than 800 bytes.
                    unsafe {
                        unpack(stream.as_ptr(), bit, bits, stride, &mut lanes);
                        unpack_each(stream.as_ptr(), bit, bits, stride, &mut each);
                        // High bits of a lane's byte are not the lane's.
                        lanes.iter_mut().for_each(|lane| *lane |= 0x80);
                        pack(&lanes, packed.as_mut_ptr(), bit, bits, stride);
                        pack_each(&each, packed_each.as_mut_ptr(), bit, bits, stride);
                    }
                    lanes.iter_mut().for_each(|lane| *lane &= 0x7f);
                    assert_eq!(lanes, each);
                    assert_eq!(packed, packed_each);
                }
            }
        }
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
