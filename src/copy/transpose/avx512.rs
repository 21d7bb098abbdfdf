//! Pieces whose columns are whole cache lines, exchanged by unpack instructions in registers of 64 bytes.

use super::quarters::{Columns, Lines, QUARTER};
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

/// Brings lines of runs to a block: quarters of four runs, which are `rows` apart, share registers there.
///
/// # Safety
/// As for [`super::quarters::Quarters::gather`]; the processor has AVX-512.
#[target_feature(enable = "avx512f")]
pub unsafe fn gather_quarters(
    from: Runs<*const u8>,
    (to, pitch): (*mut u8, usize),
    columns: Columns,
    lines: Lines,
    rows: usize,
) {
    for line in 0..columns.lines() {
        let first = line * 4 * rows;
        let run = |k: usize| read_at(from, columns.run(first + k), 0);
        let whole = columns.has(first, 4 * rows);
        let mut runs = [0, 1, 2, 3].map(|k| run(k * rows));
        for i in 0..rows {
            let (mut at, mut to) = (runs, to.wrapping_add((line * rows + i) * REGISTER));
            // SAFETY: the caller's promise.
            unsafe {
                for _ in 0..lines.whole {
                    gather_line(at, (to, pitch));
                    at = at.map(|at| at.wrapping_add(REGISTER));
                    to = to.wrapping_add(4 * pitch);
                }
                if lines.rest > 0 {
                    let at = at.map(|at| at.wrapping_add(lines.rest).wrapping_sub(REGISTER));
                    gather_line(at, (to, pitch));
                }
            }
            runs = match whole {
                true => runs.map(|at| at.wrapping_offset(from.1)),
                false => [0, 1, 2, 3].map(|k| run(k * rows + i + 1)),
            };
        }
    }
}

/// Brings a line of four runs, whose quarters share registers.
///
/// # Safety
/// As for [`gather_quarters`].
#[inline(always)]
unsafe fn gather_line(runs: [*const u8; 4], (to, pitch): (*mut u8, usize)) {
    // SAFETY: the caller's promise.
    unsafe {
        let [a, b, c, d] = runs.map(|at| _mm512_loadu_si512(at.cast()));
        let low = [(a, b), (c, d)].map(|(x, y)| _mm512_shuffle_i32x4::<0x44>(x, y));
        let high = [(a, b), (c, d)].map(|(x, y)| _mm512_shuffle_i32x4::<0xee>(x, y));
        let made = [
            _mm512_shuffle_i32x4::<0x88>(low[0], low[1]),
            _mm512_shuffle_i32x4::<0xdd>(low[0], low[1]),
            _mm512_shuffle_i32x4::<0x88>(high[0], high[1]),
            _mm512_shuffle_i32x4::<0xdd>(high[0], high[1]),
        ];
        for (k, register) in made.into_iter().enumerate() {
            _mm512_storeu_si512(to.wrapping_add(k * pitch).cast(), register);
        }
    }
}

/// Makes rows of a quarter of runs.
///
/// # Safety
/// As for [`super::quarters::Quarters::exchange`]; the processor has AVX-512.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn exchange_quarters<const SIZE: usize, const ROWS: usize>(
    from: *const u8,
    to: Runs<*mut u8>,
    lines: usize,
    masks: [u64; 2],
) {
    // SAFETY: the caller's promise.
    unsafe {
        for line in 0..lines {
            let rows = quarter::<ROWS>(from, line);
            write_rows(woven::<SIZE, ROWS>(rows), to, lines, line, masks);
        }
    }
}

/// [`exchange_quarters`] of units of one or two bytes, but four rows of all lines before the next four.
///
/// # Safety
/// As for [`exchange_quarters`].
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn exchange_parts<const SIZE: usize, const ROWS: usize>(
    from: *const u8,
    to: Runs<*mut u8>,
    lines: usize,
    masks: [u64; 2],
) {
    // SAFETY: the caller's promise.
    unsafe {
        exchange_part::<SIZE, ROWS, 0>(from, to, lines, masks);
        exchange_part::<SIZE, ROWS, 1>(from, to, lines, masks);
        if ROWS == 16 {
            exchange_part::<SIZE, ROWS, 2>(from, to, lines, masks);
            exchange_part::<SIZE, ROWS, 3>(from, to, lines, masks);
        }
    }
}

/// A part of four rows.
///
/// # Safety
/// As for [`exchange_quarters`].
#[inline(always)]
unsafe fn exchange_part<const SIZE: usize, const ROWS: usize, const PART: usize>(
    from: *const u8,
    to: Runs<*mut u8>,
    lines: usize,
    masks: [u64; 2],
) {
    let to = (write_at(to, PART * 4, 0), to.1);
    for line in 0..lines {
        // SAFETY: the caller's promise.
        unsafe {
            // The first steps leave the parts of the rows in registers by themselves.
            let rows = quarter::<ROWS>(from, line);
            let mut x = [_mm512_setzero_si512(); 4];
            for (k, x) in x.iter_mut().enumerate() {
                *x = match SIZE {
                    1 => {
                        let [a, b] = [k, k + 4].map(|k| (rows[k], rows[k + 8]));
                        let [a, b] = [half::<SIZE>(a, PART / 2), half::<SIZE>(b, PART / 2)];
                        half::<SIZE>((a, b), PART % 2)
                    }
                    _ => half::<SIZE>((rows[k], rows[k + 4]), PART),
                };
            }
            write_rows(woven::<SIZE, 4>(x), to, lines, line, masks);
        }
    }
}

/// The registers of a quarter that become a line of its rows.
///
/// # Safety
/// As for [`exchange_quarters`].
#[inline(always)]
unsafe fn quarter<const ROWS: usize>(from: *const u8, line: usize) -> [__m512i; ROWS] {
    let mut from = from.wrapping_add(line * ROWS * REGISTER);
    // SAFETY: the caller's promise.
    unsafe {
        let mut rows = [_mm512_setzero_si512(); ROWS];
        for row in &mut rows {
            *row = _mm512_loadu_si512(from.cast());
            from = from.wrapping_add(REGISTER);
        }
        rows
    }
}

/// Writes a line of rows, of which the first and the last one have such masks.
///
/// # Safety
/// As for [`exchange_quarters`].
#[inline(always)]
unsafe fn write_rows<const ROWS: usize>(
    rows: [__m512i; ROWS],
    to: Runs<*mut u8>,
    lines: usize,
    line: usize,
    [first, last]: [u64; 2],
) {
    let mask = match line {
        0 => first,
        _ if line + 1 == lines => last,
        _ => !0,
    };
    let mut at = write_at(to, 0, line * REGISTER);
    for row in rows {
        // SAFETY: the caller's promise.
        unsafe { _mm512_mask_storeu_epi8(at.cast(), mask, row) }
        at = at.wrapping_offset(to.1);
    }
}
