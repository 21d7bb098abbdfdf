//! Pieces of eight or four runs, and with AVX2 taller ones of small units, exchanged by unpack and shuffle instructions.

use super::{Runs, SIDE, Transpose, one_by_one, read_at, write_at};
use core::arch::x86_64::*;

/// Runs, or units of them, of smaller pieces.
const HALF: usize = SIDE / 2;

/// # Safety
/// As for [`super::Transpose::run`].
pub unsafe fn run_sse2<const SIZE: usize>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { run::<SIZE, false>(from, to, from_runs, to_runs) }
}

/// # Safety
/// As for [`super::Transpose::run`]; the processor has AVX2.
#[target_feature(enable = "avx2")]
pub unsafe fn run_avx2<const SIZE: usize>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { run::<SIZE, true>(from, to, from_runs, to_runs) }
}

/// Calls `$piece` for pieces of `$runs` runs and `$units` units that cover all of both, which are no fewer. Where there are not
/// enough units for another one, it overlaps the one before. (Not a function: a closure would be compiled for plain processors.)
macro_rules! cover {
    ($SIZE:expr, $from:expr, $to:expr, $from_runs:expr, $to_runs:expr, $runs:expr, $units:expr, $piece:expr) => {
        for i in (0..$from_runs).step_by($runs) {
            let i = i.min($from_runs - $runs);
            for j in (0..$to_runs).step_by($units) {
                let j = j.min($to_runs - $units);
                let from = (read_at($from, i, j * $SIZE), $from.1);
                $piece(from, (write_at($to, j, i * $SIZE), $to.1));
            }
        }
    };
}

pub(super) use cover;

/// The largest pieces that fit, and units one by one where there are too few for any.
///
/// # Safety
/// As for [`super::Transpose::run`]; the processor has AVX2 if `WIDE`.
#[inline(always)]
unsafe fn run<const SIZE: usize, const WIDE: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    let fits = |runs: usize, units: usize| from_runs >= runs && to_runs >= units;
    macro_rules! by {
        ($runs:expr, $units:expr, $piece:expr) => {
            cover!(SIZE, from, to, from_runs, to_runs, $runs, $units, $piece)
        };
    }
    // SAFETY: the caller's promise; the pieces fit.
    unsafe {
        match SIZE {
            1 if WIDE && fits(32, 16) => by!(32, 16, tall::<1, 16>),
            1 if fits(SIDE, SIDE) => by!(SIDE, SIDE, bytes),
            1 if fits(SIDE, HALF) => by!(SIDE, HALF, narrow_bytes),
            1 if fits(HALF, SIDE) => by!(HALF, SIDE, few_bytes),
            2 if WIDE && fits(16, 8) => by!(16, 8, tall::<2, 8>),
            2 if fits(SIDE, SIDE) => by!(SIDE, SIDE, pairs),
            2 if fits(SIDE, HALF) => by!(SIDE, HALF, narrow_pairs),
            2 if fits(HALF, SIDE) => by!(HALF, SIDE, few_pairs),
            4 if WIDE && fits(SIDE, HALF) => by!(SIDE, HALF, singles),
            4 if fits(SIDE, HALF) => by!(SIDE, HALF, singles_by_halves),
            4 if fits(HALF, HALF) => by!(HALF, HALF, few_singles),
            8 if WIDE && fits(SIDE, 2) => by!(SIDE, 2, doubles),
            8 if WIDE && fits(HALF, 2) => by!(HALF, 2, few_doubles),
            8 if fits(SIDE, 2) => by!(SIDE, 2, doubles_by_twos),
            8 if fits(2, 2) => by!(2, 2, two_doubles),
            _ => {
                debug_assert!(!Transpose::fits(SIZE, from_runs, to_runs));
                one_by_one::<[u8; SIZE]>(from, to, from_runs, to_runs)
            }
        }
    }
}

/// Writes the halves of a register as two columns, of which the first is number `j`.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn put_halves(to: Runs<*mut u8>, j: usize, pair: __m128i) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        _mm_storel_epi64(write_at(to, j, 0).cast(), pair);
        let high = _mm_unpackhi_epi64(pair, pair);
        _mm_storel_epi64(write_at(to, j + 1, 0).cast(), high);
    }
}

/// Writes the lower halves of two registers as one column, number `j`, and the upper ones as the next.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn put_joined(to: Runs<*mut u8>, j: usize, x: __m128i, y: __m128i) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        _mm_storeu_si128(write_at(to, j, 0).cast(), _mm_unpacklo_epi64(x, y));
        _mm_storeu_si128(write_at(to, j + 1, 0).cast(), _mm_unpackhi_epi64(x, y));
    }
}

/// A square of bytes.
///
/// # Safety
/// The square is readable and writable; so are the pieces in the functions below.
#[inline(always)]
unsafe fn bytes(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let half = |i| _mm_loadl_epi64(read_at(from, i, 0).cast());
        let a = [0, 2, 4, 6].map(|i| _mm_unpacklo_epi8(half(i), half(i + 1)));
        let (b0, b1) = (
            _mm_unpacklo_epi16(a[0], a[1]),
            _mm_unpackhi_epi16(a[0], a[1]),
        );
        let (b2, b3) = (
            _mm_unpacklo_epi16(a[2], a[3]),
            _mm_unpackhi_epi16(a[2], a[3]),
        );
        let c = [
            _mm_unpacklo_epi32(b0, b2),
            _mm_unpackhi_epi32(b0, b2),
            _mm_unpacklo_epi32(b1, b3),
            _mm_unpackhi_epi32(b1, b3),
        ];
        for (j, pair) in c.into_iter().enumerate() {
            put_halves(to, 2 * j, pair);
        }
    }
}

/// A square of 16-bit units.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn pairs(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let row = |i| _mm_loadu_si128(read_at(from, i, 0).cast());
        let a = [0, 2, 4, 6].map(|i| (row(i), row(i + 1)));
        let a = a.map(|(x, y)| (_mm_unpacklo_epi16(x, y), _mm_unpackhi_epi16(x, y)));
        let join = |x, y| (_mm_unpacklo_epi32(x, y), _mm_unpackhi_epi32(x, y));
        let (b0, b1) = (join(a[0].0, a[1].0), join(a[0].1, a[1].1));
        let (b2, b3) = (join(a[2].0, a[3].0), join(a[2].1, a[3].1));
        let columns = [(b0.0, b2.0), (b0.1, b2.1), (b1.0, b3.0), (b1.1, b3.1)];
        for (j, (x, y)) in columns.into_iter().enumerate() {
            put_joined(to, 2 * j, x, y);
        }
    }
}

/// Eight runs of four bytes.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn narrow_bytes(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let run = |i| _mm_loadu_si32(read_at(from, i, 0).cast());
        let a = [0, 2, 4, 6].map(|i| _mm_unpacklo_epi8(run(i), run(i + 1)));
        let (b0, b1) = (
            _mm_unpacklo_epi16(a[0], a[1]),
            _mm_unpacklo_epi16(a[2], a[3]),
        );
        let columns = [_mm_unpacklo_epi32(b0, b1), _mm_unpackhi_epi32(b0, b1)];
        for (j, pair) in columns.into_iter().enumerate() {
            put_halves(to, 2 * j, pair);
        }
    }
}

/// Eight runs of four 16-bit units.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn narrow_pairs(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let run = |i| _mm_loadl_epi64(read_at(from, i, 0).cast());
        let a = [0, 2, 4, 6].map(|i| _mm_unpacklo_epi16(run(i), run(i + 1)));
        let halves = [
            (
                _mm_unpacklo_epi32(a[0], a[1]),
                _mm_unpacklo_epi32(a[2], a[3]),
            ),
            (
                _mm_unpackhi_epi32(a[0], a[1]),
                _mm_unpackhi_epi32(a[2], a[3]),
            ),
        ];
        for (j, (x, y)) in halves.into_iter().enumerate() {
            put_joined(to, 2 * j, x, y);
        }
    }
}

/// Four runs of eight bytes.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn few_bytes(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let run = |i| _mm_loadl_epi64(read_at(from, i, 0).cast());
        let (a, b) = (
            _mm_unpacklo_epi8(run(0), run(1)),
            _mm_unpacklo_epi8(run(2), run(3)),
        );
        let columns = [_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)];
        for (j, four) in columns.into_iter().enumerate() {
            let fours = [
                four,
                _mm_srli_si128::<4>(four),
                _mm_srli_si128::<8>(four),
                _mm_srli_si128::<12>(four),
            ];
            for (k, column) in fours.into_iter().enumerate() {
                _mm_storeu_si32(write_at(to, 4 * j + k, 0).cast(), column);
            }
        }
    }
}

/// Four runs of eight 16-bit units.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn few_pairs(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let run = |i| _mm_loadu_si128(read_at(from, i, 0).cast());
        let (a, a_high) = (
            _mm_unpacklo_epi16(run(0), run(1)),
            _mm_unpackhi_epi16(run(0), run(1)),
        );
        let (b, b_high) = (
            _mm_unpacklo_epi16(run(2), run(3)),
            _mm_unpackhi_epi16(run(2), run(3)),
        );
        let columns = [
            _mm_unpacklo_epi32(a, b),
            _mm_unpackhi_epi32(a, b),
            _mm_unpacklo_epi32(a_high, b_high),
            _mm_unpackhi_epi32(a_high, b_high),
        ];
        for (j, pair) in columns.into_iter().enumerate() {
            put_halves(to, 2 * j, pair);
        }
    }
}

/// Four runs of four 32-bit units.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn few_singles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let run = |i| _mm_loadu_si128(read_at(from, i, 0).cast());
        let (a, b, c, d) = (run(0), run(1), run(2), run(3));
        let (ab, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        let (cd, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        put_joined(to, 0, ab, cd);
        put_joined(to, 2, ab_high, cd_high);
    }
}

/// Eight runs of four 32-bit units.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn singles_by_halves(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise.
    unsafe { cover!(4, from, to, SIDE, HALF, HALF, HALF, few_singles) }
}

/// Eight runs of two 64-bit units.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn doubles_by_twos(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise.
    unsafe { cover!(8, from, to, SIDE, 2, 2, 2, two_doubles) }
}

/// Two runs of two 64-bit units.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn two_doubles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise; SSE2 is part of the architecture.
    unsafe {
        let run = |i| _mm_loadu_si128(read_at(from, i, 0).cast());
        put_joined(to, 0, run(0), run(1));
    }
}

/// Sixteen bytes, which are `UNITS` units, of twice as many rows. Rows `i` and `i + UNITS` share a register, so that no step
/// crosses its middle. Each step weaves the first half of the registers into the second: it turns the number of a unit, that of
/// its row before that of its column, by a bit, until the one has taken the place of the other.
///
/// # Safety
/// As for [`bytes`]; the processor has AVX2.
#[inline(always)]
unsafe fn tall<const SIZE: usize, const UNITS: usize>(from: Runs<*const u8>, to: Runs<*mut u8>) {
    const { assert!(SIZE * UNITS == 16) }
    // SAFETY: the caller's promise.
    unsafe {
        let mut x = [_mm256_setzero_si256(); UNITS];
        for (i, row) in x.iter_mut().enumerate() {
            let low = _mm_loadu_si128(read_at(from, i, 0).cast());
            let high = _mm_loadu_si128(read_at(from, i + UNITS, 0).cast());
            *row = _mm256_set_m128i(high, low);
        }
        for _ in 0..UNITS.ilog2() {
            let old = x;
            for k in 0..UNITS / 2 {
                (x[2 * k], x[2 * k + 1]) = weave::<SIZE>(old[k], old[k + UNITS / 2]);
            }
        }
        for (j, column) in x.into_iter().enumerate() {
            _mm256_storeu_si256(write_at(to, j, 0).cast(), column);
        }
    }
}

/// The units of both in turn: those of the first halves, and those of the second ones, of each half of the registers.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn weave<const SIZE: usize>(a: __m256i, b: __m256i) -> (__m256i, __m256i) {
    // SAFETY: the caller's promise.
    unsafe {
        match SIZE {
            1 => (_mm256_unpacklo_epi8(a, b), _mm256_unpackhi_epi8(a, b)),
            _ => (_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)),
        }
    }
}

/// Eight runs of four 32-bit units.
///
/// # Safety
/// As for [`bytes`]; the processor has AVX2.
#[inline(always)]
unsafe fn singles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise. Rows i and i + 4 share a register, so that no step crosses its middle.
    unsafe {
        let row = |i: usize| {
            let low = _mm_loadu_ps(read_at(from, i, 0).cast());
            let high = _mm_loadu_ps(read_at(from, i + 4, 0).cast());
            _mm256_set_m128(high, low)
        };
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let (ab, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        let columns = [
            _mm256_shuffle_ps::<0x44>(ab, cd),
            _mm256_shuffle_ps::<0xee>(ab, cd),
            _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
        ];
        for (j, column) in columns.into_iter().enumerate() {
            _mm256_storeu_ps(write_at(to, j, 0).cast(), column);
        }
    }
}

/// Eight runs of two 64-bit units.
///
/// # Safety
/// As for [`bytes`]; the processor has AVX2.
#[inline(always)]
unsafe fn doubles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise.
    unsafe { cover!(8, from, to, SIDE, 2, HALF, 2, few_doubles) }
}

/// Four runs of two 64-bit units.
///
/// # Safety
/// As for [`bytes`]; the processor has AVX2.
#[inline(always)]
unsafe fn few_doubles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    // SAFETY: the caller's promise. Rows i and i + 2 share a register.
    unsafe {
        let row = |i: usize| {
            let low = _mm_loadu_pd(read_at(from, i, 0).cast());
            let high = _mm_loadu_pd(read_at(from, i + 2, 0).cast());
            _mm256_set_m128d(high, low)
        };
        let (a, b) = (row(0), row(1));
        let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        _mm256_storeu_pd(write_at(to, 0, 0).cast(), low);
        _mm256_storeu_pd(write_at(to, 1, 0).cast(), high);
    }
}
