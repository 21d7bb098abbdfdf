//! Groups of rows by registers of 64 bytes, two of which are read (AVX-512 VBMI), or of 16.

use super::Row;
use crate::copy::strided::is_movable;
use crate::level;
use crate::lines::first_bytes;
use crate::prefetch::LINE;
use core::arch::x86_64::*;

/// Bytes of a row, at most: longer ones take as long one by one.
const LONGEST: usize = 15;

/// Rows from which the table of places pays.
const FEWEST: usize = 48;

/// Bytes from one row to the next, at most, where they are read: a register that begins in one ends there or in a page of the next.
const CLOSE: usize = 2 * LINE;

/// Bytes of a register of AVX2 of which the bytes are chosen from all others.
const SHORT: usize = 16;

impl Row {
    /// Where bytes are from, in a row.
    #[inline(never)]
    fn places(self) -> [u8; SHORT] {
        let mut places = [0; SHORT];
        let (mut first, mut byte) = (self.bytes - self.unit, 0);
        for place in &mut places[..self.bytes] {
            *place = (first + byte) as u8;
            byte += 1;
            if byte == self.unit {
                // The unit before; of the first one, none.
                (first, byte) = (first.wrapping_sub(self.unit), 0);
            }
        }
        places
    }

    /// Rows that go at once, from which that pays: of what is otherwise moved by one instruction, by two, or unit by unit.
    fn enough(self, registers: Registers) -> usize {
        let [number, other] = match registers {
            Registers::Long => [8, 4],
            Registers::Short => [4, 2],
        };
        match (self.unit == self.bytes, is_movable(self.bytes)) {
            (true, true) => number,
            (true, false) => other,
            (false, _) => 1,
        }
    }
}

/// What bytes are chosen from: two registers of 64 bytes, or one of 16.
#[derive(Clone, Copy)]
enum Registers {
    Long,
    Short,
}

/// How many rows go at once.
pub struct Together {
    registers: Registers,
    rows: usize,
}

impl Together {
    /// Of so many rows, which begin so many bytes after each other on either side, if they are close and there are enough, and if the
    /// processor has the instructions.
    #[inline(always)]
    pub fn of(from_step: isize, to_step: isize, rows: usize, row: Row) -> Option<Self> {
        if rows < FEWEST || row.bytes > LONGEST || row.bytes == 0 || !level::has_avx2() {
            return None;
        }
        Self::of_many(from_step, to_step, row)
    }

    #[inline(never)]
    fn of_many(from_step: isize, to_step: isize, row: Row) -> Option<Self> {
        let bytes = row.bytes;
        let (from, to) = (from_step.unsigned_abs(), usize::try_from(to_step).ok()?);
        if !(bytes..=CLOSE).contains(&from) || to < bytes {
            return None;
        }
        let held = |register: usize, apart: usize| (register - bytes) / apart + 1;
        let (registers, rows) = match level::has_avx512_vbmi() {
            true => (Registers::Long, held(2 * LINE, from).min(held(LINE, to))),
            // Nothing between rows is left alone.
            false if to != bytes => return None,
            false => (Registers::Short, held(SHORT, from).min(held(SHORT, to))),
        };
        (rows >= row.enough(registers)).then_some(Self { registers, rows })
    }

    /// Copies rows. `from` is the lowest byte of the first one. Returns how many of them it has copied: the rest are few.
    ///
    /// # Safety
    /// Rows are readable on the one side and writable on the other, and do not overlap: what is read between two that are so close is in a page
    /// with one of them. These are as many as go at once.
    #[inline(never)]
    pub unsafe fn copy(
        &self,
        from: (*const u8, isize),
        to: (*mut u8, isize),
        rows: usize,
        row: Row,
    ) -> usize {
        // SAFETY: the caller's promise; the processor was asked.
        unsafe {
            match self.registers {
                Registers::Long => Comb::new(from.1, to.1, row, self.rows).run(from, to, rows),
                Registers::Short => by_sixteen(from, to, rows, row, self.rows),
            }
        }
    }
}

/// Puts the places of a row, which are so far behind others, where its bytes are written: more than it has, which those of the next one
/// take the place of.
#[inline(always)]
fn put(row_places: [u8; SHORT], first: usize, places: &mut [u8]) {
    for (to, place) in places[..SHORT].iter_mut().zip(row_places) {
        *to = place.wrapping_add(first as u8);
    }
}

/// Where the bytes of some rows are from.
struct Comb {
    together: usize,
    /// Bytes from the first row to the lowest one, which is the last if they go backwards.
    lowest: isize,
    /// Places in two registers, of a line of bytes, and which of these are rows'.
    places: [u8; LINE + SHORT],
    written: u64,
    /// Bytes that are read, in each register.
    read: [u64; 2],
    /// Groups behind one, from which it may be written as a whole register: rows follow each other, and these write what is too much.
    behind: usize,
}

impl Comb {
    fn new(from_step: isize, to_step: isize, row: Row, together: usize) -> Self {
        let (apart, to_step, bytes) = (from_step.unsigned_abs(), to_step as usize, row.bytes);
        let (mut places, mut written) = ([0; LINE + SHORT], 0);
        let row_places = row.places();
        for number in 0..together {
            let first = match from_step < 0 {
                true => together - 1 - number,
                false => number,
            } * apart;
            put(row_places, first, &mut places[number * to_step..]);
            written |= first_bytes(bytes, 0) << (number * to_step);
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
    /// As for [`Together::copy`]; the processor has AVX-512 F, BW and VBMI.
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

/// Copies groups of so many rows, which follow each other where they are written, but for those whose registers end behind all rows. Returns
/// how many rows these are.
///
/// # Safety
/// As for [`Together::copy`]; the processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn by_sixteen(
    (from, from_step): (*const u8, isize),
    (to, to_step): (*mut u8, isize),
    rows: usize,
    row: Row,
    together: usize,
) -> usize {
    let apart = from_step.unsigned_abs();
    // A register begins where the first row does, or ends where it does if rows go backwards.
    let (begin, first, down) = match from_step < 0 {
        true => {
            let begin = SHORT - row.bytes;
            (from.wrapping_sub(begin), begin, true)
        }
        false => (from, 0, false),
    };
    let mut places = [0u8; 2 * SHORT];
    let row_places = row.places();
    for number in 0..together {
        let distance = number * apart;
        let first = if down { first - distance } else { distance };
        put(row_places, first, &mut places[number * row.bytes..]);
    }
    // Rows that a register reaches over, on either side.
    let reached = SHORT.div_ceil(row.bytes);
    let groups = rows.saturating_sub(reached) / together;
    let (mut from, mut to) = (begin, to);
    // SAFETY: the caller's promise; behind the last group there are as many rows as a register reaches over.
    unsafe {
        let places = _mm_loadu_si128(places.as_ptr().cast());
        for _ in 0..groups {
            let made = _mm_shuffle_epi8(_mm_loadu_si128(from.cast()), places);
            _mm_storeu_si128(to.cast(), made);
            from = from.wrapping_offset(together as isize * from_step);
            to = to.wrapping_offset(together as isize * to_step);
        }
    }
    groups * together
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copied_and_nothing_else_is_written() {
        const ROWS: usize = 61;
        const MOST: usize = 40;
        let source: Vec<u8> = (0..ROWS * MOST + 64)
            .map(|i| (i * 37 + i / 251) as u8)
            .collect();
        let mut copied = 0;
        for bytes in 1..=LONGEST {
            let distances = (bytes..MOST).flat_map(|from| (bytes..MOST).map(move |to| (from, to)));
            let units = (1..=bytes).filter(|unit| bytes.is_multiple_of(*unit));
            let ways = units.flat_map(|unit| [(unit, false), (unit, true)]);
            for ((from_step, to_step), (unit, back)) in
                distances.flat_map(|distance| ways.clone().map(move |way| (distance, way)))
            {
                let row = Row { bytes, unit };
                let (first, step) = match back {
                    true => ((ROWS - 1) * from_step, -(from_step as isize)),
                    false => (0, from_step as isize),
                };
                let Some(together) = Together::of(step, to_step as isize, ROWS, row) else {
                    continue;
                };
                let mut made = vec![0xee; ROWS * MOST + 64];
                // Nothing before or behind all rows is there.
                let rows = &source[7..7 + (ROWS - 1) * from_step + bytes];
                let from = rows[first..].as_ptr();
                let to = made[5..].as_mut_ptr();
                // SAFETY: both sides have room, and are different.
                let done =
                    unsafe { together.copy((from, step), (to, to_step as isize), ROWS, row) };
                let mut wanted = vec![0xee; made.len()];
                for number in 0..done {
                    let from = match back {
                        true => (ROWS - 1 - number) * from_step,
                        false => number * from_step,
                    };
                    let units = rows[from..from + bytes].chunks(unit).rev().flatten();
                    let to = 5 + number * to_step;
                    for (byte, unit) in wanted[to..to + bytes].iter_mut().zip(units) {
                        *byte = *unit;
                    }
                }
                let end = 5 + done * to_step;
                assert!(
                    made[..end] == wanted[..end],
                    "{bytes} by {unit}, {step} to {to_step}"
                );
                // A register may reach over rows that follow.
                let short = matches!(together.registers, Registers::Short);
                let reached = end + if short { SHORT } else { 0 };
                assert!(
                    made[reached..] == wanted[reached..],
                    "{bytes} by {unit}, {step}"
                );
                assert!(done == 0 || ROWS - done < 2 * LINE / bytes);
                copied += usize::from(done > 0);
            }
        }
        assert!(copied > 100 || !level::has_avx2(), "{copied}");
        // A register might end in a page where no row is.
        let row = Row { bytes: 3, unit: 1 };
        assert!(Together::of(CLOSE as isize + 1, 3, ROWS, row).is_none());
    }
}
