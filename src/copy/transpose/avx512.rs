//! Pieces whose columns are whole cache lines, exchanged by unpack instructions in registers of 64 bytes.

use super::x86::{cover, run_avx2};
use super::{Runs, read_at, write_at};
use core::arch::x86_64::*;

/// Bytes of a register, which are a column of a piece; and of its quarters, which are pieces of rows.
const REGISTER: usize = 64;
const QUARTER: usize = 16;

/// Runs of units of `SIZE` bytes that are exchanged at once, so that columns are registers: eight at least.
pub const fn runs(size: usize) -> usize {
    let runs = REGISTER / size;
    if runs < 8 { 8 } else { runs }
}

/// Pieces, of which the last ones may overlap others, and what is left at the edges. `STREAM`: columns of pieces are streamed.
///
/// # Safety
/// As for [`super::Transpose::run`]; the processor has AVX-512. If `STREAM`, columns begin at multiples of 64 bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx2")]
pub unsafe fn run<const SIZE: usize, const STREAM: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    let (runs, units) = (REGISTER / SIZE, QUARTER / SIZE);
    // Streams are of whole lines.
    let whole = match STREAM {
        true => from_runs / runs * runs,
        false => from_runs,
    };
    macro_rules! by {
        ($piece:expr) => {
            cover!(SIZE, from, to, whole, to_runs, runs, units, $piece)
        };
    }
    // SAFETY: the caller's promise; the pieces fit.
    unsafe {
        if whole < runs || to_runs < units {
            return run_avx2::<SIZE>(from, to, from_runs, to_runs);
        }
        match SIZE {
            1 => by!(piece::<1, 16, STREAM>),
            2 => by!(piece::<2, 8, STREAM>),
            4 => by!(piece::<4, 4, STREAM>),
            8 => by!(piece::<8, 2, STREAM>),
            _ => by!(piece::<16, 1, STREAM>),
        }
        if whole < from_runs {
            let from = (read_at(from, whole, 0), from.1);
            let to = (write_at(to, 0, whole * SIZE), to.1);
            run_avx2::<SIZE>(from, to, from_runs - whole, to_runs);
        }
    }
}

/// Sixteen bytes, which are `UNITS` units, of four times as many rows. Rows `i`, `i + UNITS` and so on share a register, so that no
/// step crosses its quarters. Each step weaves the first half of the registers into the second: it turns the number of a unit,
/// that of its row before that of its column, by a bit, until the one has taken the place of the other.
///
/// # Safety
/// The piece is readable and writable; its columns, if they are streamed, begin at multiples of 64 bytes. The processor has
/// AVX-512.
#[inline(always)]
unsafe fn piece<const SIZE: usize, const UNITS: usize, const STREAM: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
) {
    const { assert!(SIZE * UNITS == QUARTER) }
    // SAFETY: the caller's promise.
    unsafe {
        let mut x = [_mm512_setzero_si512(); UNITS];
        let mut quarters = [0, 1, 2, 3].map(|k| read_at(from, k * UNITS, 0));
        for row in &mut x {
            let [a, b, c, d] = quarters.map(|at| _mm_loadu_si128(at.cast()));
            let half = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(a), b);
            *row = _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(half, c), d);
            quarters = quarters.map(|at| at.wrapping_offset(from.1));
        }
        // Steps by the number of units, one by one: a loop of them would go by way of memory.
        if UNITS >= 2 {
            x = weave::<SIZE, UNITS>(x);
        }
        if UNITS >= 4 {
            x = weave::<SIZE, UNITS>(x);
        }
        if UNITS >= 8 {
            x = weave::<SIZE, UNITS>(x);
        }
        if UNITS >= 16 {
            x = weave::<SIZE, UNITS>(x);
        }
        for (j, column) in x.into_iter().enumerate() {
            let to = write_at(to, j, 0).cast();
            match STREAM {
                true => _mm512_stream_si512(to, column),
                false => _mm512_storeu_si512(to, column),
            }
        }
    }
}

/// The first half of the registers, woven unit by unit into the second.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn weave<const SIZE: usize, const UNITS: usize>(x: [__m512i; UNITS]) -> [__m512i; UNITS] {
    let mut woven = x;
    // Not a loop, which would go by way of memory.
    macro_rules! pairs {
        ($($k:literal)*) => {$(
            if $k < UNITS / 2 {
                let (a, b) = (x[$k], x[$k + UNITS / 2]);
                // SAFETY: the caller's promise.
                (woven[2 * $k], woven[2 * $k + 1]) = unsafe {
                    match SIZE {
                        1 => (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b)),
                        2 => (_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b)),
                        4 => (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b)),
                        _ => (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b)),
                    }
                };
            }
        )*};
    }
    pairs!(0 1 2 3 4 5 6 7);
    woven
}
