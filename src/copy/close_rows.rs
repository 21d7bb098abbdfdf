//! Short rows that are close to each other on both sides, as the colours of pixels that have one more, or every second pixel: several of
//! them go at once, by a register that is put together from two.

use super::strided::is_movable;
use crate::lines::first_bytes;
use crate::prefetch::LINE;
use core::arch::x86_64::*;

/// Bytes of a row, at most: longer ones take as long one by one.
const LONGEST: usize = 15;

/// Rows from which the table of places pays.
const FEWEST: usize = 48;

/// Rows that go at once, from which that pays: of those that are one number to the processor, and of others, which it moves in two parts.
const NUMBERS: usize = 8;
const OTHERS: usize = 4;

/// Copies rows of so many bytes, which begin so many bytes after each other on either side, if they are close enough. Returns how many of
/// them it has copied: the rest are few.
///
/// # Safety
/// Rows are readable on the one side and writable on the other, and do not overlap: what is read between two that are closer than a page is
/// in a page with one of them. The processor has AVX-512 F, BW and VBMI.
pub unsafe fn copy(
    (from, from_step): (*const u8, isize),
    (to, to_step): (*mut u8, isize),
    rows: usize,
    bytes: usize,
) -> usize {
    let Some(together) = together(from_step, to_step, rows, bytes) else {
        return 0;
    };
    // SAFETY: the caller's promise.
    unsafe {
        let comb = Comb::new(from_step, to_step as usize, bytes, together);
        comb.run((from, from_step), (to, to_step), rows)
    }
}

/// How many of so many rows go at once, if they are close and there are enough.
#[inline(always)]
pub fn together(from_step: isize, to_step: isize, rows: usize, bytes: usize) -> Option<usize> {
    let apart = (from_step.unsigned_abs(), usize::try_from(to_step).ok()?);
    if rows < FEWEST || bytes > LONGEST || bytes == 0 || apart.0 < bytes || apart.1 < bytes {
        return None;
    }
    let held = |bytes_held: usize, apart: usize| (bytes_held - bytes) / apart + 1;
    let together = held(2 * LINE, apart.0).min(held(LINE, apart.1));
    let enough = if is_movable(bytes) { NUMBERS } else { OTHERS };
    (together >= enough).then_some(together)
}

/// Where the bytes of some rows are from.
struct Comb {
    together: usize,
    /// Bytes from the first row to the lowest one, which is the last if they go backwards.
    lowest: isize,
    /// Places in two registers, and which bytes are rows'.
    places: [u8; LINE],
    written: u64,
    /// Bytes that are read, in each register.
    read: [u64; 2],
    /// Groups behind one, from which it may be written as a whole register: rows follow each other, and these write what is too much.
    behind: usize,
}

impl Comb {
    fn new(from_step: isize, to_step: usize, bytes: usize, together: usize) -> Self {
        let apart = from_step.unsigned_abs();
        let (mut places, mut written) = ([0; LINE], 0);
        for row in 0..together {
            let first = match from_step < 0 {
                true => together - 1 - row,
                false => row,
            } * apart;
            for byte in 0..bytes {
                places[row * to_step + byte] = (first + byte) as u8;
            }
            written |= first_bytes(bytes, 0) << (row * to_step);
        }
        let read = (together - 1) * apart + bytes;
        Self {
            together,
            lowest: (together as isize - 1) * from_step.min(0),
            places,
            written,
            read: [first_bytes(read, 0), first_bytes(read, LINE)],
            behind: match to_step == bytes {
                true => LINE.div_ceil(together * bytes) - 1,
                false => usize::MAX,
            },
        }
    }

    /// Copies whole groups of rows. Returns how many rows these are.
    ///
    /// # Safety
    /// As for [`copy()`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    unsafe fn run(
        &self,
        (from, from_step): (*const u8, isize),
        (to, to_step): (*mut u8, isize),
        rows: usize,
    ) -> usize {
        let groups = rows / self.together;
        let (mut from, mut to) = (from.wrapping_offset(self.lowest), to);
        let (from_step, to_step) = (
            self.together as isize * from_step,
            self.together as isize * to_step,
        );
        // SAFETY: the caller's promise; what is behind the last group is not written.
        unsafe {
            let places = _mm512_loadu_si512(self.places.as_ptr().cast());
            for left in (0..groups).rev() {
                let low = _mm512_maskz_loadu_epi8(self.read[0], from.cast());
                let high = _mm512_maskz_loadu_epi8(self.read[1], from.wrapping_add(LINE).cast());
                let made = _mm512_permutex2var_epi8(low, places, high);
                match left >= self.behind {
                    true => _mm512_storeu_si512(to.cast(), made),
                    false => _mm512_mask_storeu_epi8(to.cast(), self.written, made),
                }
                from = from.wrapping_offset(from_step);
                to = to.wrapping_offset(to_step);
            }
        }
        groups * self.together
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level;

    #[test]
    fn rows_are_copied_and_nothing_else_is_written() {
        if !level::has_avx512_vbmi() {
            return;
        }
        const ROWS: usize = 61;
        const MOST: usize = 40;
        let source: Vec<u8> = (0..ROWS * MOST + 64)
            .map(|i| (i * 37 + i / 251) as u8)
            .collect();
        let mut copied = 0;
        for bytes in 1..=LONGEST {
            let distances = (bytes..MOST).flat_map(|from| (bytes..MOST).map(move |to| (from, to)));
            for ((from_step, to_step), back) in distances.zip([false, true].into_iter().cycle()) {
                let (first, step) = match back {
                    true => ((ROWS - 1) * from_step, -(from_step as isize)),
                    false => (0, from_step as isize),
                };
                let mut made = vec![0xee; ROWS * MOST + 64];
                let from = source[7 + first..].as_ptr();
                // SAFETY: both sides have room, and are different; the processor was asked.
                let done = unsafe {
                    copy(
                        (from, step),
                        (made[5..].as_mut_ptr(), to_step as isize),
                        ROWS,
                        bytes,
                    )
                };
                let mut wanted = vec![0xee; made.len()];
                for row in 0..done {
                    let row_source = match back {
                        true => &source[7 + (ROWS - 1 - row) * from_step..],
                        false => &source[7 + row * from_step..],
                    };
                    wanted[5 + row * to_step..][..bytes].copy_from_slice(&row_source[..bytes]);
                }
                assert!(made == wanted, "{bytes} bytes, {step} to {to_step}");
                assert!(done == 0 || ROWS - done < 2 * LINE / bytes);
                copied += usize::from(done > 0);
            }
        }
        assert!(copied > 1000, "{copied}");
    }
}
