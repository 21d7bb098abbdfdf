//! Squares of eight by eight units, and with AVX2 taller pieces of the small ones, exchanged by unpack and shuffle instructions.

use super::{Runs, SIDE, one_by_one, read_at, write_at};
use core::arch::x86_64::*;

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

/// Tall pieces of small units, squares, and what is left at the edges.
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
    let mut i = 0;
    // SAFETY: the caller's promise.
    unsafe {
        if WIDE && SIZE <= 2 {
            let (runs, units) = (32 / SIZE, 16 / SIZE);
            let whole = to_runs / units * units;
            while i + runs <= from_runs {
                let from = (read_at(from, i, 0), from.1);
                let to = (write_at(to, 0, i * SIZE), to.1);
                for j in (0..whole).step_by(units) {
                    let from = (read_at(from, 0, j * SIZE), from.1);
                    let to = (write_at(to, j, 0), to.1);
                    match SIZE {
                        1 => tall::<1, 16>(from, to),
                        _ => tall::<2, 8>(from, to),
                    }
                }
                let rest = (read_at(from, 0, whole * SIZE), from.1);
                let to = (write_at(to, whole, 0), to.1);
                squares::<SIZE, WIDE>(rest, to, runs, to_runs - whole);
                i += runs;
            }
        }
        let from = (read_at(from, i, 0), from.1);
        let to = (write_at(to, 0, i * SIZE), to.1);
        squares::<SIZE, WIDE>(from, to, from_runs - i, to_runs);
    }
}

/// Squares, and what is left at the edges.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn squares<const SIZE: usize, const WIDE: bool>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    let whole = to_runs / SIDE * SIDE;
    // SAFETY: the caller's promise.
    unsafe {
        let from_at = |i: usize, j: usize| (read_at(from, i, j * SIZE), from.1);
        let to_at = |i: usize, j: usize| (write_at(to, j, i * SIZE), to.1);
        let mut i = 0;
        while i + SIDE <= from_runs {
            for j in (0..whole).step_by(SIDE) {
                let (from, to) = (from_at(i, j), to_at(i, j));
                match (SIZE, WIDE) {
                    (1, _) => bytes(from, to),
                    (2, _) => pairs(from, to),
                    (4, true) => singles(from, to),
                    (8, true) => doubles(from, to),
                    (4, false) => quarters(from, to),
                    (8, false) => small_doubles(from, to),
                    _ => edge::<SIZE>(from, to, SIDE, SIDE),
                }
            }
            edge::<SIZE>(from_at(i, whole), to_at(i, whole), SIDE, to_runs - whole);
            i += SIDE;
        }
        edge::<SIZE>(from_at(i, 0), to_at(i, 0), from_runs - i, to_runs);
    }
}

/// # Safety
/// As for [`super::Transpose::run`].
#[inline(always)]
unsafe fn edge<const SIZE: usize>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    // SAFETY: the caller's promise.
    unsafe { one_by_one::<[u8; SIZE]>(from, to, from_runs, to_runs) }
}

/// A square of bytes.
///
/// # Safety
/// The square is readable and writable; so in the functions below.
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
            _mm_storel_epi64(write_at(to, 2 * j, 0).cast(), pair);
            let high = _mm_unpackhi_epi64(pair, pair);
            _mm_storel_epi64(write_at(to, 2 * j + 1, 0).cast(), high);
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
            let low = _mm_unpacklo_epi64(x, y);
            _mm_storeu_si128(write_at(to, 2 * j, 0).cast(), low);
            let high = _mm_unpackhi_epi64(x, y);
            _mm_storeu_si128(write_at(to, 2 * j + 1, 0).cast(), high);
        }
    }
}

/// A square of 32-bit units, in squares of four.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn quarters(from: Runs<*const u8>, to: Runs<*mut u8>) {
    for (i, j) in [(0, 0), (0, 4), (4, 0), (4, 4)] {
        // SAFETY: the caller's promise; SSE2 is part of the architecture.
        unsafe {
            let row = |k| _mm_loadu_si128(read_at(from, i + k, 4 * j).cast());
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            let (ab, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
            let (cd, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
            let columns = [
                _mm_unpacklo_epi64(ab, cd),
                _mm_unpackhi_epi64(ab, cd),
                _mm_unpacklo_epi64(ab_high, cd_high),
                _mm_unpackhi_epi64(ab_high, cd_high),
            ];
            for (k, column) in columns.into_iter().enumerate() {
                _mm_storeu_si128(write_at(to, j + k, 4 * i).cast(), column);
            }
        }
    }
}

/// A square of 64-bit units, in squares of two.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
unsafe fn small_doubles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    for j in (0..SIDE).step_by(2) {
        for i in (0..SIDE).step_by(2) {
            // SAFETY: the caller's promise; SSE2 is part of the architecture.
            unsafe {
                let row = |k| _mm_loadu_si128(read_at(from, i + k, 8 * j).cast());
                let (a, b) = (row(0), row(1));
                _mm_storeu_si128(write_at(to, j, 8 * i).cast(), _mm_unpacklo_epi64(a, b));
                _mm_storeu_si128(write_at(to, j + 1, 8 * i).cast(), _mm_unpackhi_epi64(a, b));
            }
        }
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

/// A square of 32-bit units.
///
/// # Safety
/// As for [`bytes`]; the processor has AVX2.
#[inline(always)]
unsafe fn singles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    for half in 0..2 {
        // SAFETY: the caller's promise. Rows i and i + 4 share a register, so that no step crosses its middle.
        unsafe {
            let row = |i: usize| {
                let low = _mm_loadu_ps(read_at(from, i, 16 * half).cast());
                let high = _mm_loadu_ps(read_at(from, i + 4, 16 * half).cast());
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
            for (k, column) in columns.into_iter().enumerate() {
                _mm256_storeu_ps(write_at(to, 4 * half + k, 0).cast(), column);
            }
        }
    }
}

/// A square of 64-bit units.
///
/// # Safety
/// As for [`bytes`]; the processor has AVX2.
#[inline(always)]
unsafe fn doubles(from: Runs<*const u8>, to: Runs<*mut u8>) {
    for i in [0, 4] {
        for j in (0..SIDE).step_by(2) {
            // SAFETY: the caller's promise. Rows i and i + 2 share a register.
            unsafe {
                let row = |k: usize| {
                    let low = _mm_loadu_pd(read_at(from, i + k, 8 * j).cast());
                    let high = _mm_loadu_pd(read_at(from, i + k + 2, 8 * j).cast());
                    _mm256_set_m128d(high, low)
                };
                let (a, b) = (row(0), row(1));
                let low = _mm256_unpacklo_pd(a, b);
                let high = _mm256_unpackhi_pd(a, b);
                _mm256_storeu_pd(write_at(to, j, 8 * i).cast(), low);
                _mm256_storeu_pd(write_at(to, j + 1, 8 * i).cast(), high);
            }
        }
    }
}
