//! Transposing in registers: runs of units become columns.
//!
//! Units are 1, 2, 4, 8 or 16 bytes. On x86-64 squares of eight by eight, and with AVX2 taller pieces of the small units, are
//! exchanged with unpack and shuffle instructions; on aarch64, squares as wide as a register; elsewhere, and at
//! the edges, units move one by one.

#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(target_arch = "x86_64")]
use crate::convert;

/// Units of a side of a square.
pub const SIDE: usize = 8;

/// Runs of units, the first one and the bytes from one to the next.
type Runs<P> = (P, isize);

type Function =
    unsafe fn(from: Runs<*const u8>, to: Runs<*mut u8>, from_runs: usize, to_runs: usize);

/// The way to transpose units of one size.
#[derive(Clone, Copy)]
pub struct Transpose {
    function: Function,
    runs: usize,
}

/// Most runs that are better exchanged at once, of any unit.
pub const MOST_RUNS: usize = 32;

impl Transpose {
    /// For units of `size` bytes: 1, 2, 4, 8 or 16.
    pub fn of(size: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        let (function, runs): (Function, _) = match (size, convert::has_avx2()) {
            (1, true) => (x86::run_avx2::<1>, MOST_RUNS),
            (2, true) => (x86::run_avx2::<2>, MOST_RUNS / 2),
            (4, true) => (x86::run_avx2::<4>, SIDE),
            (8, true) => (x86::run_avx2::<8>, SIDE),
            (1, false) => (x86::run_sse2::<1>, SIDE),
            (2, false) => (x86::run_sse2::<2>, SIDE),
            (4, false) => (x86::run_sse2::<4>, SIDE),
            (8, false) => (x86::run_sse2::<8>, SIDE),
            _ => (one_by_one::<[u8; 16]>, SIDE),
        };
        #[cfg(target_arch = "aarch64")]
        let (function, runs): (Function, _) = match size {
            1 => (neon::run::<neon::Bytes, 16>, 2 * SIDE),
            2 => (neon::run::<neon::Pairs, 8>, SIDE),
            4 => (neon::run::<neon::Singles, 4>, SIDE),
            8 => (neon::run::<neon::Doubles, 2>, SIDE),
            _ => (one_by_one::<[u8; 16]>, SIDE),
        };
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let (function, runs): (Function, _) = match size {
            1 => (one_by_one::<u8>, SIDE),
            2 => (one_by_one::<[u8; 2]>, SIDE),
            4 => (one_by_one::<[u8; 4]>, SIDE),
            8 => (one_by_one::<[u8; 8]>, SIDE),
            _ => (one_by_one::<[u8; 16]>, SIDE),
        };
        Self { function, runs }
    }

    /// How many runs are best exchanged at once: a multiple of [`SIDE`], [`MOST_RUNS`] at most.
    pub fn runs(self) -> usize {
        self.runs
    }

    /// Writes `to_runs` runs of `from_runs` units, so that unit `j` of run `i` is unit `i` of run `j`.
    ///
    /// # Safety
    /// All units are readable on the one side and writable on the other; they do not overlap.
    #[inline(always)]
    pub unsafe fn run(
        self,
        from: Runs<*const u8>,
        to: Runs<*mut u8>,
        from_runs: usize,
        to_runs: usize,
    ) {
        // SAFETY: the caller's promise; the function was chosen for a level that the processor has.
        unsafe { (self.function)(from, to, from_runs, to_runs) }
    }
}

/// Moves units one by one. `T` is an array of bytes, which may be anywhere.
///
/// # Safety
/// As for [`Transpose::run`].
#[inline(always)]
unsafe fn one_by_one<T: Copy>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    for j in 0..to_runs {
        let target = to.0.wrapping_offset(j as isize * to.1).cast::<T>();
        for i in 0..from_runs {
            let source = from.0.wrapping_offset(i as isize * from.1).cast::<T>();
            // SAFETY: the caller's promise.
            unsafe { target.add(i).write(source.add(j).read()) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Runs, SIDE, one_by_one};
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
                            1 => tall_bytes(from, to),
                            _ => tall_pairs(from, to),
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
                        _ => small_doubles(from, to),
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

    #[inline(always)]
    fn read_at(from: Runs<*const u8>, run: usize, byte: usize) -> *const u8 {
        from.0
            .wrapping_offset(run as isize * from.1)
            .wrapping_add(byte)
    }

    #[inline(always)]
    fn write_at(to: Runs<*mut u8>, run: usize, byte: usize) -> *mut u8 {
        to.0.wrapping_offset(run as isize * to.1).wrapping_add(byte)
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

    /// Rows `i` and `i + N` of sixteen bytes, in one register each, so that no step below crosses its middle.
    ///
    /// # Safety
    /// The rows are readable; the processor has AVX2.
    #[inline(always)]
    unsafe fn rows<const N: usize>(from: Runs<*const u8>) -> [__m256i; N] {
        // SAFETY: the caller's promise.
        let mut rows = [unsafe { _mm256_setzero_si256() }; N];
        for (i, row) in rows.iter_mut().enumerate() {
            // SAFETY: as above.
            *row = unsafe {
                let low = _mm_loadu_si128(read_at(from, i, 0).cast());
                let high = _mm_loadu_si128(read_at(from, i + N, 0).cast());
                _mm256_set_m128i(high, low)
            };
        }
        rows
    }

    /// Sixteen bytes of thirty-two rows. Each step weaves the first half of the registers into the second: it turns the number
    /// of an element, that of its row before that of its column, by a bit. After four the one has taken the place of the other.
    ///
    /// # Safety
    /// As for [`bytes`]; the processor has AVX2.
    #[inline(always)]
    unsafe fn tall_bytes(from: Runs<*const u8>, to: Runs<*mut u8>) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut x = rows::<16>(from);
            for _ in 0..4 {
                let old = x;
                for k in 0..8 {
                    x[2 * k] = _mm256_unpacklo_epi8(old[k], old[k + 8]);
                    x[2 * k + 1] = _mm256_unpackhi_epi8(old[k], old[k + 8]);
                }
            }
            for (j, column) in x.into_iter().enumerate() {
                _mm256_storeu_si256(write_at(to, j, 0).cast(), column);
            }
        }
    }

    /// Eight 16-bit units of sixteen rows, as [`tall_bytes`].
    ///
    /// # Safety
    /// As for [`bytes`]; the processor has AVX2.
    #[inline(always)]
    unsafe fn tall_pairs(from: Runs<*const u8>, to: Runs<*mut u8>) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut x = rows::<8>(from);
            for _ in 0..3 {
                let old = x;
                for k in 0..4 {
                    x[2 * k] = _mm256_unpacklo_epi16(old[k], old[k + 4]);
                    x[2 * k + 1] = _mm256_unpackhi_epi16(old[k], old[k + 4]);
                }
            }
            for (j, column) in x.into_iter().enumerate() {
                _mm256_storeu_si256(write_at(to, j, 0).cast(), column);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_number_and_length_are_transposed() {
        for size in [1, 2, 4, 8, 16] {
            for from_runs in (1..=20).chain([31, 32, 33, 47, 71]) {
                for to_runs in [1, 2, 3, 7, 8, 9, 16, 17, 33] {
                    let pitch = to_runs * size + 3;
                    let source: Vec<u8> = (0..from_runs * pitch)
                        .map(|i| (i * 7 + i / 251) as u8)
                        .collect();
                    let to_pitch = from_runs * size + 5;
                    let mut target = vec![0xeeu8; to_runs * to_pitch];
                    let from = (source.as_ptr(), pitch as isize);
                    let to = (target.as_mut_ptr(), to_pitch as isize);
                    // SAFETY: both sides have room for the runs.
                    unsafe { Transpose::of(size).run(from, to, from_runs, to_runs) };
                    for j in 0..to_runs {
                        for i in 0..from_runs {
                            let from = &source[i * pitch + j * size..][..size];
                            assert_eq!(&target[j * to_pitch + i * size..][..size], from);
                        }
                        let after = &target[j * to_pitch + from_runs * size..][..5];
                        assert!(after.iter().all(|b| *b == 0xee));
                    }
                }
            }
        }
    }
}
