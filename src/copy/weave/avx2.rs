//! Loops that the compiler vectorises, but for three runs of small units, of which it makes one by one: these go in registers of sixteen
//! bytes.

use super::vectorised;
use core::arch::x86_64::*;

/// Bytes of a register.
const WIDE: usize = 16;

/// Runs.
const THREE: usize = 3;

/// Units of so many bytes of a run that a register has.
const fn units(size: usize) -> usize {
    WIDE / size
}

/// For each of three registers of the one run the bytes of a register of each of the three, or none.
type Places = [[[u8; WIDE]; THREE]; THREE];

/// The places of units of `SIZE` bytes.
struct Units<const SIZE: usize>;

impl<const SIZE: usize> Units<SIZE> {
    const PLACES: Places = {
        const NONE: u8 = 0x80;
        let mut places = [[[NONE; WIDE]; THREE]; THREE];
        let mut byte = 0;
        while byte < THREE * WIDE {
            let unit = byte / SIZE;
            let place = unit / THREE * SIZE + byte % SIZE;
            places[byte / WIDE][unit % THREE][byte % WIDE] = place as u8;
            byte += 1;
        }
        places
    };
}

/// Weaves a few runs. Returns whether it has.
///
/// # Safety
/// As for [`super::Weave::run`]; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn together(
    from: *const u8,
    to: *mut u8,
    apart: isize,
    count: usize,
    few: usize,
    size: usize,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        match (size, few) {
            (1 | 2, THREE) if count < units(size) => return false,
            (1, THREE) => three::<1>(from, to, apart, count),
            (2, THREE) => three::<2>(from, to, apart, count),
            _ => return vectorised(from, to, apart, count, few, size),
        }
    }
    true
}

/// Three runs, the last units of which overlap those before.
///
/// # Safety
/// As for [`together`]; there are as many units as a register has, or more.
#[target_feature(enable = "avx2")]
unsafe fn three<const SIZE: usize>(from: *const u8, to: *mut u8, apart: isize, count: usize) {
    let places = const { &Units::<SIZE>::PLACES };
    let last = count - units(SIZE);
    let mut done = 0;
    // SAFETY: the caller's promise.
    unsafe {
        loop {
            let unit = last.min(done);
            let (from, to) = (from.add(unit * SIZE), to.add(unit * THREE * SIZE));
            let runs: [__m128i; THREE] = core::array::from_fn(|run| {
                _mm_loadu_si128(from.wrapping_offset(run as isize * apart).cast())
            });
            for (i, places) in places.iter().enumerate() {
                let mut all = _mm_setzero_si128();
                for (run, places) in runs.iter().zip(places) {
                    let places = _mm_loadu_si128(places.as_ptr().cast());
                    all = _mm_or_si128(all, _mm_shuffle_epi8(*run, places));
                }
                _mm_storeu_si128(to.add(i * WIDE).cast(), all);
            }
            if done >= last {
                return;
            }
            done += units(SIZE);
        }
    }
}
