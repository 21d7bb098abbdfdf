//! Blocks of up to sixteen registers, permuted by a table.
//!
//! Each line of what is made has units from any register. From two of them one instruction chooses by places, and masks tell which pair
//! a byte is from.

use super::BYTES;
use crate::lines::first_bytes;
use crate::prefetch::LINE;
use core::arch::x86_64::*;
use core::mem::MaybeUninit;

/// Lines of a block, and pairs of registers that hold them, at most.
const LINES: usize = BYTES / LINE;
const PAIRS: usize = LINES / 2;

/// Bytes of a pair of registers, and how often they go in.
const PAIR: usize = 2 * LINE;
const PAIR_BITS: u32 = PAIR.ilog2();

/// Where the bytes of a line are from.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    /// Places in a pair.
    places: [u8; LINE],
    /// Bytes from each pair.
    pairs: [u64; PAIRS],
}

/// Where the bytes of a block are from.
pub struct Table {
    bytes: usize,
    lines: [MaybeUninit<Line>; LINES],
}

impl Table {
    /// The table for units of so many bytes, of which the first one has so many `before` it in what is permuted, and of loops from the
    /// innermost one on: each has so many steps, and as many bytes from one to the next there.
    ///
    /// # Safety
    /// The processor has AVX-512 F, BW and VBMI; there are [`BYTES`] at most.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub unsafe fn new(
        unit: usize,
        before: usize,
        loops: impl Iterator<Item = (usize, isize)>,
        room: &mut MaybeUninit<Self>,
    ) -> &Self {
        let mut from = [0u16; BYTES];
        for (i, from) in from[..unit].iter_mut().enumerate() {
            *from = (before + i) as u16;
        }
        let mut bytes = unit;
        for (size, step) in loops {
            let (first, others) = from[..bytes * size].split_at_mut(bytes);
            for (i, others) in others.chunks_exact_mut(bytes).enumerate() {
                let distance = ((i + 1) as isize * step) as u16;
                for (first, other) in first.iter().zip(others) {
                    *other = first.wrapping_add(distance);
                }
            }
            bytes *= size;
        }
        let table = room.write(Self {
            bytes,
            lines: [MaybeUninit::uninit(); LINES],
        });
        for (from, line) in from[..bytes.next_multiple_of(LINE)]
            .chunks_exact(LINE)
            .zip(&mut table.lines)
        {
            let mut made = Line {
                places: [0; LINE],
                pairs: [0; PAIRS],
            };
            for (place, from) in made.places.iter_mut().zip(from) {
                *place = *from as u8 % PAIR as u8;
            }
            let mut pairs = [0u8; LINE];
            for (pair, from) in pairs.iter_mut().zip(from) {
                *pair = (from >> PAIR_BITS) as u8;
            }
            // SAFETY: an array is read.
            let pairs = unsafe { _mm512_loadu_si512(pairs.as_ptr().cast()) };
            for (i, bytes) in made.pairs.iter_mut().enumerate() {
                *bytes = _mm512_cmpeq_epi8_mask(pairs, _mm512_set1_epi8(i as i8));
            }
            line.write(made);
        }
        table
    }

    /// Permutes so many blocks, which begin as many bytes after each other on both sides.
    ///
    /// # Safety
    /// As for [`Table::new`]; blocks are readable, and writable, there.
    pub unsafe fn run(&self, from: (*const u8, isize), to: (*mut u8, isize), count: usize) {
        let run = match self.bytes.div_ceil(PAIR) {
            1 => blocks::<1>,
            2 => blocks::<2>,
            3 => blocks::<3>,
            4 => blocks::<4>,
            5 => blocks::<5>,
            6 => blocks::<6>,
            7 => blocks::<7>,
            _ => blocks::<8>,
        };
        // SAFETY: the caller's promise.
        unsafe { run(self, from, to, count) }
    }
}

/// Permutes so many blocks of as many pairs.
///
/// # Safety
/// As for [`Table::run`].
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn blocks<const USED: usize>(
    table: &Table,
    from: (*const u8, isize),
    to: (*mut u8, isize),
    count: usize,
) {
    let bytes = table.bytes;
    let last = (bytes - 1) / LINE;
    let rest = first_bytes(bytes, last * LINE);
    let ends = [2 * USED - 2, 2 * USED - 1].map(|line| first_bytes(bytes, line * LINE));
    for i in 0..count as isize {
        let from = from.0.wrapping_offset(i * from.1);
        let to = to.0.wrapping_offset(i * to.1);
        // SAFETY: the caller's promise; what is behind a block is neither read nor written, and the lines of a table are.
        unsafe {
            let mut registers = [[_mm512_setzero_si512(); 2]; USED];
            for (pair, registers) in registers.iter_mut().enumerate() {
                for (i, register) in registers.iter_mut().enumerate() {
                    let line = from.wrapping_add((2 * pair + i) * LINE);
                    *register = match pair + 1 == USED {
                        true => _mm512_maskz_loadu_epi8(ends[i], line.cast()),
                        false => _mm512_loadu_si512(line.cast()),
                    };
                }
            }
            for number in 0..=last {
                let line = table.lines[number].assume_init_ref();
                let places = _mm512_load_si512(line.places.as_ptr().cast());
                let mut whole = _mm512_setzero_si512();
                for (pair, [one, two]) in registers.into_iter().enumerate() {
                    let part = _mm512_permutex2var_epi8(one, places, two);
                    whole = match pair {
                        0 => part,
                        _ => _mm512_mask_mov_epi8(whole, line.pairs[pair], part),
                    };
                }
                let to = to.add(number * LINE);
                match number == last {
                    true => _mm512_mask_storeu_epi8(to.cast(), rest, whole),
                    false => _mm512_storeu_si512(to.cast(), whole),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::has_avx512_vbmi;

    /// Blocks of two loops and another, turned round in different ways, whose bytes tell where they were.
    #[test]
    fn each_byte_comes_from_its_place_and_no_other_is_written() {
        if !has_avx512_vbmi() {
            return;
        }
        let source: Vec<u8> = (0..3 * BYTES).map(|i| (i * 37 + i / 256) as u8).collect();
        let shapes = (1..12).flat_map(|a| (1..12).map(move |b| (a, b, 1 + (a * b) % 7)));
        let shapes = shapes.chain([(8, 16, 8), (31, 33, 1), (4, 8, 4), (15, 8, 8)]);
        for (a, b, c) in shapes {
            for (unit, back) in [1, 2, 3, 4, 8]
                .into_iter()
                .zip([false, true].into_iter().cycle())
            {
                let bytes = a * b * c * unit;
                if bytes > BYTES {
                    continue;
                }
                // Inside out: what is permuted has a, b, c from the inside, or a backwards.
                let (step, before) = match back {
                    true => (-(unit as isize), (a - 1) * unit),
                    false => (unit as isize, 0),
                };
                let far = |count: usize| (count * unit) as isize;
                let loops = [(c, far(a * b)), (a, step), (b, far(a))];
                let mut room = MaybeUninit::uninit();
                let mut made = vec![0xee; 2 * bytes + 3 * LINE];
                let (from, to) = (bytes + 5, bytes + 9);
                // SAFETY: the processor was asked; both blocks are there.
                unsafe {
                    let table = Table::new(unit, before, loops.into_iter(), &mut room);
                    let source = (source.as_ptr(), from as isize);
                    table.run(source, (made.as_mut_ptr(), to as isize), 2);
                }
                let mut expected = vec![0xee; made.len()];
                for block in 0..2 {
                    let places = (0..b)
                        .flat_map(|b| (0..a).flat_map(move |a| (0..c).map(move |c| (a, b, c))));
                    for (i, (at, bt, ct)) in places.enumerate() {
                        let at = if back { a - 1 - at } else { at };
                        let place = ((ct * b + bt) * a + at) * unit + block * from;
                        let here = i * unit + block * to;
                        expected[here..here + unit].copy_from_slice(&source[place..place + unit]);
                    }
                }
                assert!(made == expected, "{unit} {a} {b} {c}");
            }
        }
    }
}
