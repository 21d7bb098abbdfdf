//! As many registers as there are runs, each chosen from as many others.
//!
//! A group is a line of each of the few runs, and as many lines of the one. What a line is made of lies in pairs of registers, from each of
//! which one instruction chooses by places; masks tell which pair a part of it comes from.

use super::{Direction, MOST};
use crate::copy::stepped::choose;
use crate::lines::first_bytes;
use crate::prefetch::LINE;
use core::arch::x86_64::*;
use core::array::from_fn;
use core::mem::MaybeUninit;

/// Bytes of the largest part of a register that is chosen by itself. Larger units are several.
const LARGEST: usize = 4;

/// Numbers of four bytes in a register.
const LANES: usize = LINE / 4;

/// Where the parts of each line of a group are.
pub struct Table {
    direction: Direction,
    few: usize,
    size: usize,
    lines: [Line; MOST],
}

/// Where the parts of a line are.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    /// Places in two registers: numbers of as many bytes as a part has.
    places: [u8; LINE],
    /// Parts that come from each pair of registers.
    pairs: [u64; MOST / 2],
}

impl Line {
    const NONE: Self = Self {
        places: [0; LINE],
        pairs: [0; MOST / 2],
    };
}

/// One side of a group: where it begins, bytes from one of its lines to the next one, and from one group to the next.
#[derive(Clone, Copy)]
struct Side {
    first: *mut u8,
    line: isize,
    group: usize,
}

impl Table {
    /// A table for so many runs of units of so many bytes.
    ///
    /// # Safety
    /// The processor has AVX-512 F and BW.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub unsafe fn new(
        direction: Direction,
        few: usize,
        size: usize,
        room: &mut MaybeUninit<Self>,
    ) -> &Self {
        let table = room.write(Self {
            direction,
            few,
            size,
            lines: [Line::NONE; MOST],
        });
        let part = size.min(LARGEST);
        let all = LINE / part;
        let pair = splat(2 * all - 1);
        for i in 0..few {
            for first in (0..all).step_by(LANES) {
                let place = table.places(i, first);
                let in_pair = _mm512_and_si512(place, pair);
                let line = &mut table.lines[i];
                let to = line.places[first * part..].as_mut_ptr();
                // SAFETY: the line has as many parts.
                unsafe {
                    match part {
                        1 => _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(in_pair)),
                        2 => _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(in_pair)),
                        _ => _mm512_storeu_si512(to.cast(), in_pair),
                    }
                }
                let before = _mm512_sub_epi32(place, in_pair);
                for (i, pairs) in line.pairs.iter_mut().enumerate() {
                    let mask = _mm512_cmpeq_epi32_mask(before, splat(i * 2 * all));
                    *pairs |= u64::from(mask) << first;
                }
            }
        }
        table
    }

    /// Where parts of a line, from one on, are in all registers.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn places(&self, line: usize, first: usize) -> __m512i {
        let part = self.size.min(LARGEST);
        // Parts of a unit, whose number is a power of two, and of a register.
        let (unit, all) = (self.size / part, LINE / part);
        let shift = _mm_cvtsi32_si128(unit.trailing_zeros() as i32);
        let times = |value, factor| _mm512_mullo_epi32(value, splat(factor));
        let at = _mm512_add_epi32(splat(first), numbers());
        let in_unit = _mm512_and_si512(at, splat(unit - 1));
        let units = _mm512_srl_epi32(at, shift);
        let (run, number) = match self.direction {
            Direction::Together => {
                // The run that a unit of the one run belongs to, and its number in that: by a fraction of 65536, which is exact for so few.
                let units = _mm512_add_epi32(units, splat(line * (all / unit)));
                let inverse = (1usize << 16).div_ceil(self.few);
                let number = _mm512_srli_epi32::<16>(times(units, inverse));
                (_mm512_sub_epi32(units, times(number, self.few)), number)
            }
            Direction::Apart => {
                let units = _mm512_add_epi32(times(units, self.few), splat(line));
                (_mm512_setzero_si512(), units)
            }
        };
        let place = _mm512_add_epi32(times(run, all), _mm512_sll_epi32(number, shift));
        _mm512_add_epi32(place, in_unit)
    }

    /// Moves `count` units of each run.
    ///
    /// # Safety
    /// As for [`super::Weave::run`]; the processor has AVX-512 F and BW, and for bytes VBMI.
    pub unsafe fn run(
        &self,
        from: *const u8,
        to: *mut u8,
        apart: isize,
        count: usize,
        streams: bool,
    ) {
        let few = |first: *mut u8| Side {
            first,
            line: apart,
            group: LINE,
        };
        let one = |first: *mut u8| Side {
            first,
            line: LINE as isize,
            group: self.few * LINE,
        };
        let from = from.cast_mut();
        let sides = match self.direction {
            Direction::Together => [few(from), one(to)],
            Direction::Apart => [one(from), few(to)],
        };
        let units = LINE / self.size;
        // SAFETY: the caller's promises; of what is left, only what is there is read and written.
        unsafe {
            self.groups(sides, count / units, streams);
            let left = count % units * self.size;
            match left {
                0 => {}
                // The last group may overlap the one before, unless lines of that are on their way to memory.
                _ if count >= units && !streams => {
                    let first = count - units;
                    let later = [first * self.size, first * self.size * self.few];
                    let [from, to] = match self.direction {
                        Direction::Together => later,
                        Direction::Apart => [later[1], later[0]],
                    };
                    let [source, target] = sides;
                    self.groups([source.later(from), target.later(to)], 1, false);
                }
                _ => {
                    let later = |side: Side| side.later(count / units * side.group);
                    self.part(sides.map(later), left);
                }
            }
        }
    }

    /// A part of a group, of so many bytes of each of the few runs.
    ///
    /// # Safety
    /// As for [`Table::run`].
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn part(&self, [from, to]: [Side; 2], left: usize) {
        let mut blocks = [[Line::NONE.places; MOST]; 2];
        let [first, second] = &mut blocks;
        let block = |block: &mut [[u8; LINE]; MOST]| Side {
            first: block.as_mut_ptr().cast(),
            line: LINE as isize,
            group: 0,
        };
        let (before, after) = (block(first), block(second));
        let few = |_| first_bytes(left, 0);
        let one = |line| first_bytes(left * self.few, line * LINE);
        let (read, written): (&dyn Fn(usize) -> u64, &dyn Fn(usize) -> u64) = match self.direction {
            Direction::Together => (&few, &one),
            Direction::Apart => (&one, &few),
        };
        // SAFETY: the caller's promises; a block has room for a group.
        unsafe {
            for line in 0..self.few {
                let register = _mm512_maskz_loadu_epi8(read(line), from.line(line).cast());
                _mm512_storeu_si512(before.line(line).cast(), register);
            }
            self.groups([before, after], 1, false);
            for line in 0..self.few {
                let register = _mm512_loadu_si512(after.line(line).cast());
                _mm512_mask_storeu_epi8(to.line(line).cast(), written(line), register);
            }
        }
    }

    /// So many groups.
    ///
    /// # Safety
    /// As for [`Table::run`].
    unsafe fn groups(&self, sides: [Side; 2], count: usize, streams: bool) {
        // SAFETY: the caller's promises.
        unsafe {
            match (self.size, self.few.div_ceil(2)) {
                (1, 1) => bytes::<1>(self, sides, count, streams),
                (1, 2) => bytes::<2>(self, sides, count, streams),
                (1, 3) => bytes::<3>(self, sides, count, streams),
                (1, _) => bytes::<4>(self, sides, count, streams),
                (2, 1) => parts::<2, 1>(self, sides, count, streams),
                (2, 2) => parts::<2, 2>(self, sides, count, streams),
                (2, 3) => parts::<2, 3>(self, sides, count, streams),
                (2, _) => parts::<2, 4>(self, sides, count, streams),
                (_, 1) => parts::<4, 1>(self, sides, count, streams),
                (_, 2) => parts::<4, 2>(self, sides, count, streams),
                (_, 3) => parts::<4, 3>(self, sides, count, streams),
                _ => parts::<4, 4>(self, sides, count, streams),
            }
        }
    }
}

/// The same number in all lanes.
#[target_feature(enable = "avx512f")]
fn splat(value: usize) -> __m512i {
    _mm512_set1_epi32(value as i32)
}

/// The number of each lane.
#[target_feature(enable = "avx512f")]
fn numbers() -> __m512i {
    _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
}

/// [`groups`] of parts of one byte.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn bytes<const PAIRS: usize>(table: &Table, sides: [Side; 2], count: usize, streams: bool) {
    // SAFETY: the caller's promises.
    unsafe { groups::<1, PAIRS>(table, sides, count, streams) }
}

/// [`groups`] of parts of two or four bytes.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn parts<const PART: usize, const PAIRS: usize>(
    table: &Table,
    sides: [Side; 2],
    count: usize,
    streams: bool,
) {
    // SAFETY: the caller's promises.
    unsafe { groups::<PART, PAIRS>(table, sides, count, streams) }
}

/// Group after group.
///
/// # Safety
/// As for [`Table::run`].
#[inline(always)]
unsafe fn groups<const PART: usize, const PAIRS: usize>(
    table: &Table,
    [mut from, mut to]: [Side; 2],
    count: usize,
    streams: bool,
) {
    // SAFETY: the caller's promises; a table has a line for each of a few runs.
    unsafe {
        let lines = table.lines.get_unchecked(..table.few);
        for _ in 0..count {
            // Of a pair that lacks its second register, nothing is chosen from that.
            let load = |line: usize| _mm512_loadu_si512(from.line(line.min(table.few - 1)).cast());
            let pairs: [_; PAIRS] = from_fn(|pair| [2 * pair, 2 * pair + 1].map(load));
            let mut at = to.first;
            for line in lines {
                let places = _mm512_load_si512(line.places.as_ptr().cast());
                let mut chosen = choose::<PART>(pairs[0], places);
                for (pair, mask) in pairs.iter().zip(&line.pairs).skip(1) {
                    chosen = blend::<PART>(*mask, chosen, choose::<PART>(*pair, places));
                }
                match streams {
                    true => _mm512_stream_si512(at.cast(), chosen),
                    false => _mm512_storeu_si512(at.cast(), chosen),
                }
                at = at.wrapping_offset(to.line);
            }
            from = from.later(from.group);
            to = to.later(to.group);
        }
    }
}

impl Side {
    #[inline(always)]
    fn line(&self, line: usize) -> *mut u8 {
        self.first.wrapping_offset(line as isize * self.line)
    }

    /// The same so many bytes later.
    #[inline(always)]
    fn later(self, bytes: usize) -> Self {
        Self {
            first: self.first.wrapping_add(bytes),
            ..self
        }
    }
}

/// Parts of one register, but those in a mask of another.
#[inline(always)]
unsafe fn blend<const PART: usize>(mask: u64, first: __m512i, second: __m512i) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        match PART {
            1 => _mm512_mask_blend_epi8(mask, first, second),
            2 => _mm512_mask_blend_epi16(mask as __mmask32, first, second),
            _ => _mm512_mask_blend_epi32(mask as __mmask16, first, second),
        }
    }
}
