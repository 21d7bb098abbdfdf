//! Pieces whose columns are whole cache lines, exchanged by unpack instructions in registers of 64 bytes.

pub mod quarters;

use super::quarters::QUARTER;
use super::x86::{cover, run_avx2};
use super::{Runs, read_at, write_at};
use core::arch::x86_64::*;

/// Bytes of a register, which are a column of a piece; its quarters are pieces of rows.
const REGISTER: usize = 64;

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
    // SAFETY: the caller's promise.
    unsafe { in_order::<SIZE, STREAM, false>(from, to, from_runs, to_runs) }
}

/// [`run`] of runs that are in the first-level cache, so that the columns which a row is made of follow each other.
///
/// # Safety
/// As for [`run`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx2")]
pub unsafe fn run_by_rows<const SIZE: usize, const STREAM: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { in_order::<SIZE, STREAM, true>(from, to, from_runs, to_runs) }
}

/// [`run`], or `BY_ROWS`.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn in_order<const SIZE: usize, const STREAM: bool, const BY_ROWS: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    let (runs, units) = (REGISTER / SIZE, QUARTER / SIZE);
    // Streams are of whole lines. Where rows begin with one, what is left by them is in a single one, which may begin a page: pieces that
    // are in two pages take long.
    let lines = BY_ROWS && (to.0.addr() | to.1 as usize).is_multiple_of(REGISTER);
    let whole = match STREAM || lines {
        true => from_runs / runs * runs,
        false => from_runs,
    };
    // SAFETY: the caller's promise; the pieces fit.
    unsafe {
        if whole < runs || to_runs < units {
            return run_avx2::<SIZE>(from, to, from_runs, to_runs);
        }
        if BY_ROWS {
            for j in (0..to_runs).step_by(units) {
                let j = j.min(to_runs - units);
                let from = (read_at(from, 0, j * SIZE), from.1);
                pieces::<SIZE, STREAM>(from, (write_at(to, j, 0), to.1), whole, units);
            }
        } else {
            pieces::<SIZE, STREAM>(from, to, whole, to_runs);
        }
        if whole < from_runs {
            let from = (read_at(from, whole, 0), from.1);
            let to = (write_at(to, 0, whole * SIZE), to.1);
            run_avx2::<SIZE>(from, to, from_runs - whole, to_runs);
        }
    }
}

/// As many pieces as cover so many runs of so many units, which are no fewer than a piece has.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn pieces<const SIZE: usize, const STREAM: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    let (runs, units) = (REGISTER / SIZE, QUARTER / SIZE);
    macro_rules! by {
        ($piece:expr) => {
            cover!(SIZE, from, to, from_runs, to_runs, runs, units, $piece)
        };
    }
    // SAFETY: the caller's promise.
    unsafe {
        match SIZE {
            1 => by!(piece::<1, 16, STREAM>),
            2 => by!(piece::<2, 8, STREAM>),
            4 => by!(piece::<4, 4, STREAM>),
            8 => by!(piece::<8, 2, STREAM>),
            _ => by!(piece::<16, 1, STREAM>),
        }
    }
}

/// [`run`] of units of four bytes by squares, which read whole lines, where runs begin with those: lines that do not stay in the
/// first-level cache together are met once.
///
/// # Safety
/// As for [`run`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx2")]
pub unsafe fn run_squares<const STREAM: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    const SIZE: usize = 4;
    const SIDE: usize = REGISTER / SIZE;
    let (runs, units) = (from_runs / SIDE * SIDE, to_runs / SIDE * SIDE);
    // SAFETY: the caller's promise; the squares fit, and what is left at two edges goes by pieces.
    unsafe {
        if runs > 0 {
            cover!(SIZE, from, to, runs, units, SIDE, SIDE, square::<STREAM>);
        }
        if units < to_runs && runs > 0 {
            let from = (read_at(from, 0, units * SIZE), from.1);
            let to = (write_at(to, units, 0), to.1);
            run::<SIZE, STREAM>(from, to, runs, to_runs - units);
        }
        if runs < from_runs {
            let from = (read_at(from, runs, 0), from.1);
            let to = (write_at(to, 0, runs * SIZE), to.1);
            run::<SIZE, STREAM>(from, to, from_runs - runs, to_runs);
        }
    }
}

/// Sixteen units of as many rows. Each step weaves the first half of the registers into the second, as in [`piece`].
///
/// # Safety
/// As for [`piece`].
#[inline(always)]
unsafe fn square<const STREAM: bool>(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise.
    unsafe {
        let first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
        let mut x = [_mm512_setzero_si512(); 16];
        let mut at = from.0;
        for row in &mut x {
            *row = _mm512_loadu_si512(at.cast());
            at = at.wrapping_offset(from.1);
        }
        // Not a loop, which would go by way of memory.
        macro_rules! weave {
            ($($k:literal)*) => {{
                let mut woven = x;
                $(
                    woven[2 * $k] = _mm512_permutex2var_epi32(x[$k], first, x[$k + 8]);
                    woven[2 * $k + 1] = _mm512_permutex2var_epi32(x[$k], second, x[$k + 8]);
                )*
                x = woven;
            }};
        }
        weave!(0 1 2 3 4 5 6 7);
        weave!(0 1 2 3 4 5 6 7);
        weave!(0 1 2 3 4 5 6 7);
        weave!(0 1 2 3 4 5 6 7);
        for (j, column) in x.into_iter().enumerate() {
            write_column::<STREAM>(write_at(to, j, 0), column);
        }
    }
}

/// Writes a column of a piece.
///
/// # Safety
/// As for [`piece`].
#[inline(always)]
unsafe fn write_column<const STREAM: bool>(to: *mut u8, column: __m512i) {
    // SAFETY: the caller's promise.
    unsafe {
        match STREAM {
            true => _mm512_stream_si512(to.cast(), column),
            false => _mm512_storeu_si512(to.cast(), column),
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
            let low = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(a), b);
            let high = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(c), d);
            *row = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
            quarters = quarters.map(|at| at.wrapping_offset(from.1));
        }
        for (j, column) in woven::<SIZE, UNITS>(x).into_iter().enumerate() {
            write_column::<STREAM>(write_at(to, j, 0), column);
        }
    }
}

/// The columns of rows of a piece, which share registers.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn woven<const SIZE: usize, const UNITS: usize>(
    mut x: [__m512i; UNITS],
) -> [__m512i; UNITS] {
    // SAFETY: the caller's promise.
    unsafe {
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
        x
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
                unsafe {
                    woven[2 * $k] = half::<SIZE>((a, b), 0);
                    woven[2 * $k + 1] = half::<SIZE>((a, b), 1);
                }
            }
        )*};
    }
    pairs!(0 1 2 3 4 5 6 7);
    woven
}

/// The lower or the upper half of each quarter of two registers, woven unit by unit.
///
/// # Safety
/// The processor has AVX-512.
#[inline(always)]
unsafe fn half<const SIZE: usize>((a, b): (__m512i, __m512i), half: usize) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        match (SIZE, half) {
            (1, 0) => _mm512_unpacklo_epi8(a, b),
            (1, _) => _mm512_unpackhi_epi8(a, b),
            (2, 0) => _mm512_unpacklo_epi16(a, b),
            (2, _) => _mm512_unpackhi_epi16(a, b),
            (4, 0) => _mm512_unpacklo_epi32(a, b),
            (4, _) => _mm512_unpackhi_epi32(a, b),
            (_, 0) => _mm512_unpacklo_epi64(a, b),
            (_, _) => _mm512_unpackhi_epi64(a, b),
        }
    }
}
