//! Units that repeat: each of some, so many times one after the other.

use super::strided::Loop;
#[cfg(target_arch = "x86_64")]
use crate::level;

/// Bytes of the largest pieces.
const LARGEST: usize = 64;

/// Bytes that a unit becomes from which pieces are better aligned: fewer are in few pieces, whose number would vary.
const LONG: usize = 256;

/// A unit of whole bytes, which may be anywhere.
trait Unit: Copy {
    /// Sixteen bytes of it, one after the other, in two halves.
    fn pattern(self) -> [u64; 2];
}

/// Implements [`Unit`] for integers of up to 64 bits.
macro_rules! units {
    ($($unit:ty)*) => {$(
        impl Unit for $unit {
            #[inline(always)]
            fn pattern(self) -> [u64; 2] {
                // A one in the lowest place of each.
                const ONES: u64 = u64::MAX / <$unit>::MAX as u64;
                [ONES.wrapping_mul(self as u64); 2]
            }
        }
    )*};
}

units!(u8 u16 u32 u64);

impl Unit for [u64; 2] {
    #[inline(always)]
    fn pattern(self) -> [u64; 2] {
        self
    }
}

/// Writes each unit of a row `count` times, one after the other; what becomes of the next one begins `to.1` bytes further on.
///
/// # Safety
/// The size [is movable](super::strided::is_movable). Units are readable and what becomes of them is writable; they do not overlap.
pub unsafe fn spread(
    from: *const u8,
    units: Loop,
    size: usize,
    to: (*mut u8, isize),
    count: usize,
) {
    let bytes = count * size;
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            1 => spread_sized::<u8>(from, units, to, bytes),
            2 => spread_sized::<u16>(from, units, to, bytes),
            4 => spread_sized::<u32>(from, units, to, bytes),
            8 => spread_sized::<u64>(from, units, to, bytes),
            _ => spread_sized::<[u64; 2]>(from, units, to, bytes),
        }
    }
}

/// Spreads units of the size of `T` to `bytes` bytes each.
///
/// # Safety
/// As for [`spread`].
unsafe fn spread_sized<T: Unit>(from: *const u8, units: Loop, to: (*mut u8, isize), bytes: usize) {
    if bytes == 0 {
        return;
    }
    let wide = bytes.next_power_of_two();
    // Where one begins when the other ends, all but the last ones are written by one piece each, of which the next one's takes
    // back what was too much.
    let whole = match to.1 == bytes as isize {
        _ if wide > LARGEST => 0,
        true => (units.count).saturating_sub((wide - bytes).div_ceil(bytes)),
        false if wide == bytes => units.count,
        false => 0,
    };
    let part = |first: usize, count: usize| {
        let at = first as isize;
        let from = from.wrapping_offset(units.step.wrapping_mul(at));
        let to = (to.0.wrapping_offset(to.1.wrapping_mul(at)), to.1);
        (from, Loop { count, ..units }, to)
    };
    let piece = LARGEST.min(1 << bytes.ilog2());
    // SAFETY: the caller's promise; pieces are no larger than what there is room for.
    unsafe {
        if whole > 0 {
            by_pieces::<T>(part(0, whole), wide, wide);
        }
        by_pieces::<T>(part(whole, units.count - whole), bytes, piece);
    }
}

/// Units, how they are apart, and where what becomes of them goes.
type Part = (*const u8, Loop, (*mut u8, isize));

/// Calls [`pieces`] of so many bytes, a power of two.
///
/// # Safety
/// As for that; a unit becomes a piece at least, and a piece is as large as a unit at least.
unsafe fn by_pieces<T: Unit>(part: Part, bytes: usize, piece: usize) {
    // Of pieces that no unit fits, no code is made.
    let unit = size_of::<T>();
    // SAFETY: the caller's promise.
    unsafe {
        match piece {
            1 if unit <= 1 => short::<T, 1>(part, bytes),
            2 if unit <= 2 => short::<T, 2>(part, bytes),
            4 if unit <= 4 => short::<T, 4>(part, bytes),
            8 if unit <= 8 => short::<T, 8>(part, bytes),
            16 => short::<T, 16>(part, bytes),
            32 => short::<T, 32>(part, bytes),
            _ => long::<T>(part, bytes),
        }
    }
}

/// [`pieces`] of which a unit becomes one or two: one makes a loop without a loop inside.
///
/// # Safety
/// As for that.
#[inline(always)]
unsafe fn short<T: Unit, const PIECE: usize>(part: Part, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match bytes == PIECE {
            true => pieces::<T, PIECE>(part, PIECE),
            false => pieces::<T, PIECE>(part, bytes),
        }
    }
}

/// Spreads units by pieces of `PIECE` bytes, of which the last one may overlap the one before.
///
/// # Safety
/// As for [`spread_sized`]; a unit becomes `PIECE` bytes at least.
#[inline(always)]
unsafe fn pieces<T: Unit, const PIECE: usize>(part: Part, bytes: usize) {
    let (mut from, units, (mut to, step)) = part;
    let last = bytes - PIECE;
    for _ in 0..units.count {
        // SAFETY: the caller's promise.
        unsafe {
            let pattern = from.cast::<T>().read_unaligned().pattern();
            let mut done = 0;
            if PIECE == LARGEST && bytes >= LONG {
                // From the first one on, pieces begin where lines do, if units do.
                let to_line = (to as usize).wrapping_neg() % PIECE;
                if to_line.is_multiple_of(size_of::<T>()) {
                    put::<PIECE>(pattern, to);
                    done = to_line;
                }
            }
            while done < last {
                put::<PIECE>(pattern, to.add(done));
                done += PIECE;
            }
            put::<PIECE>(pattern, to.add(last));
        }
        from = from.wrapping_offset(units.step);
        to = to.wrapping_offset(step);
    }
}

/// [`pieces`] of the largest size.
///
/// # Safety
/// As for that.
unsafe fn long<T: Unit>(part: Part, bytes: usize) {
    /// # Safety
    /// As for [`pieces`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn avx2<T: Unit>(part: Part, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { pieces::<T, LARGEST>(part, bytes) }
    }
    // SAFETY: the caller's promise; the processor was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if level::has_avx2() {
            return avx2::<T>(part, bytes);
        }
        pieces::<T, LARGEST>(part, bytes)
    }
}

/// Writes `PIECE` bytes of a pattern.
///
/// # Safety
/// They are writable.
#[inline(always)]
unsafe fn put<const PIECE: usize>(pattern: [u64; 2], to: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        match PIECE {
            1 => to.write(pattern[0] as u8),
            2 => to.cast::<u16>().write_unaligned(pattern[0] as u16),
            4 => to.cast::<u32>().write_unaligned(pattern[0] as u32),
            _ => {
                for i in 0..PIECE / 8 {
                    to.cast::<u64>().add(i).write_unaligned(pattern[i % 2]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_every_size_are_spread_to_rows_of_every_length() {
        let source: Vec<u8> = (0..4000).map(|i| (i * 7 + i / 251) as u8).collect();
        for size in [1, 2, 4, 8, 16] {
            for count in (0..20).chain([31, 32, 33, 63, 64, 65, 130]) {
                for (units, apart, gap) in
                    [(1, 0, 0), (5, size, 0), (9, 40, 0), (7, 3, 5), (0, 1, 0)]
                {
                    let bytes = count * size;
                    let mut target = vec![0xee; units * (bytes + gap) + 70];
                    let row = Loop {
                        count: units,
                        step: -(apart as isize),
                    };
                    let first = &raw const source[2000];
                    // SAFETY: both sides have room, and are different.
                    unsafe {
                        let to = (target.as_mut_ptr(), (bytes + gap) as isize);
                        spread(first, row, size, to, count);
                    }
                    for unit in 0..units {
                        let row = &target[unit * (bytes + gap)..][..bytes + gap];
                        let from = &source[2000 - unit * apart..][..size];
                        assert!(row[..bytes].chunks(size).all(|chunk| chunk == from));
                        assert!(row[bytes..].iter().all(|byte| *byte == 0xee));
                    }
                    let after = &target[units * (bytes + gap)..];
                    assert!(after.iter().all(|byte| *byte == 0xee));
                }
            }
        }
    }
}
