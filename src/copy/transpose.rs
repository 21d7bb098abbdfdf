//! Transposing in registers: runs of units become columns.
//!
//! Units are 1, 2, 4, 8 or 16 bytes. On x86-64 pieces of eight or four runs, with AVX2 taller ones of the small units, with AVX-512
//! such as are as tall as a cache line, are exchanged with unpack and shuffle instructions, and the last ones overlap those before; on
//! aarch64, squares as wide as a register; elsewhere, and where fewer units are left than a piece takes, units move one by one.

#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod quarters;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
use crate::level;
pub use quarters::{Columns, Lines, QUARTER, Quarters};

/// Units of a side of a square.
pub const SIDE: usize = 8;

/// Units of a side from which pieces are exchanged in registers.
pub const NARROW: usize = if cfg!(target_arch = "x86_64") {
    SIDE / 2
} else {
    SIDE
};

/// Runs of units, the first one and the bytes from one to the next.
pub type Runs<P> = (P, isize);

pub type Function =
    unsafe fn(from: Runs<*const u8>, to: Runs<*mut u8>, from_runs: usize, to_runs: usize);

/// The way to transpose units of one size.
#[derive(Clone, Copy)]
pub struct Transpose {
    function: Function,
    /// The same with streaming stores, where columns can be whole lines.
    #[cfg(target_arch = "x86_64")]
    streaming: Option<Function>,
    runs: usize,
}

/// Most runs that are better exchanged at once, of any unit.
pub const MOST_RUNS: usize = 64;

/// A function of [`avx512`] for units of a size, and the same with streaming stores; those of large units are the usual ones.
#[cfg(target_arch = "x86_64")]
macro_rules! of_size {
    ($size:expr, $run:ident) => {{
        let functions: [Function; 2] = match $size {
            1 => [avx512::$run::<1, false>, avx512::$run::<1, true>],
            2 => [avx512::$run::<2, false>, avx512::$run::<2, true>],
            4 => [avx512::$run::<4, false>, avx512::$run::<4, true>],
            8 => [avx512::$run::<8, false>, avx512::run::<8, true>],
            _ => [avx512::$run::<16, false>, avx512::run::<16, true>],
        };
        functions
    }};
}

impl Transpose {
    /// For units of `size` bytes: 1, 2, 4, 8 or 16.
    #[cfg(target_arch = "x86_64")]
    pub fn of(size: usize) -> Self {
        if level::has_avx512() {
            let functions = of_size!(size, run);
            return Self {
                function: functions[0],
                streaming: Some(functions[1]),
                runs: avx512::runs(size),
            };
        }
        Self::by_parts(size)
    }

    /// The same for units whose lines in the source are not held together by the first-level cache, however many runs come in at a time:
    /// those of four bytes by squares, of which each meets its lines once.
    #[cfg(target_arch = "x86_64")]
    pub fn by_whole_lines(size: usize) -> Self {
        let usual = Self::of(size);
        match size == 4 && usual.makes_lines() {
            true => Self {
                function: avx512::run_squares::<false>,
                streaming: Some(avx512::run_squares::<true>),
                ..usual
            },
            false => usual,
        }
    }

    /// The same for runs that are in the first-level cache: rows are written a few at a time, each from its beginning to its end.
    #[cfg(target_arch = "x86_64")]
    pub fn by_rows(size: usize) -> Self {
        let usual = Self::of(size);
        let functions = of_size!(size, run_by_rows);
        match usual.makes_lines() {
            true => Self {
                function: functions[0],
                streaming: Some(functions[1]),
                ..usual
            },
            false => usual,
        }
    }

    /// The same by pieces whose columns are parts of cache lines, of which fewer are in two where columns begin anywhere.
    #[cfg(target_arch = "x86_64")]
    pub fn by_parts(size: usize) -> Self {
        let (function, runs): (Function, _) = match (size, level::has_avx2()) {
            (1, true) => (x86::run_avx2::<1>, 32),
            (2, true) => (x86::run_avx2::<2>, 16),
            (4, true) => (x86::run_avx2::<4>, SIDE),
            (8, true) => (x86::run_avx2::<8>, SIDE),
            (1, false) => (x86::run_sse2::<1>, SIDE),
            (2, false) => (x86::run_sse2::<2>, SIDE),
            (4, false) => (x86::run_sse2::<4>, SIDE),
            (8, false) => (x86::run_sse2::<8>, SIDE),
            _ => (one_by_one::<[u8; 16]>, SIDE),
        };
        Self {
            function,
            streaming: None,
            runs,
        }
    }

    /// For units of `size` bytes: 1, 2, 4, 8 or 16.
    #[cfg(target_arch = "aarch64")]
    pub fn of(size: usize) -> Self {
        let (function, runs): (Function, _) = match size {
            1 => (neon::run::<neon::Bytes, 16>, 2 * SIDE),
            2 => (neon::run::<neon::Pairs, 8>, SIDE),
            4 => (neon::run::<neon::Singles, 4>, SIDE),
            8 => (neon::run::<neon::Doubles, 2>, SIDE),
            _ => (one_by_one::<[u8; 16]>, SIDE),
        };
        Self { function, runs }
    }

    /// For units of `size` bytes: 1, 2, 4, 8 or 16.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub fn of(size: usize) -> Self {
        let function: Function = match size {
            1 => one_by_one::<u8>,
            2 => one_by_one::<[u8; 2]>,
            4 => one_by_one::<[u8; 4]>,
            8 => one_by_one::<[u8; 8]>,
            _ => one_by_one::<[u8; 16]>,
        };
        Self {
            function,
            runs: SIDE,
        }
    }

    /// The same for runs that are in the first-level cache.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn by_rows(size: usize) -> Self {
        Self::of(size)
    }

    /// The same by pieces that meet lines of the source once.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn by_whole_lines(size: usize) -> Self {
        Self::of(size)
    }

    /// The same by pieces whose columns are parts of cache lines.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn by_parts(size: usize) -> Self {
        Self::of(size)
    }

    /// Whether so many runs of so many units of `size` bytes are enough to be exchanged in registers, where there are such.
    pub fn fits(size: usize, runs: usize, units: usize) -> bool {
        let (shorter, longer) = (runs.min(units), runs.max(units));
        match size {
            1 | 2 => shorter >= NARROW && longer >= SIDE,
            4 => shorter >= NARROW,
            8 => shorter >= 2 && longer >= NARROW,
            _ => false,
        }
    }

    /// How many runs are best exchanged at once: a multiple of [`SIDE`], [`MOST_RUNS`] at most.
    pub fn runs(self) -> usize {
        self.runs
    }

    /// Whether as many runs make whole cache lines, which may be streamed.
    pub fn makes_lines(self) -> bool {
        self.streaming().is_some()
    }

    #[cfg(target_arch = "x86_64")]
    fn streaming(self) -> Option<Function> {
        self.streaming
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn streaming(self) -> Option<Function> {
        None
    }

    /// What transposes, as [`Transpose::run`] or [`Transpose::stream`] does.
    pub fn function(self, streams: bool) -> Function {
        match streams {
            true => self.streaming().unwrap_or(self.function),
            false => self.function,
        }
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

    /// [`Transpose::run`] to lines that are streamed, of a way that [`Transpose::makes_lines`].
    ///
    /// # Safety
    /// As for [`Transpose::run`]; the runs that are written begin where lines do.
    #[inline(always)]
    pub unsafe fn stream(
        self,
        from: Runs<*const u8>,
        to: Runs<*mut u8>,
        from_runs: usize,
        to_runs: usize,
    ) {
        // SAFETY: as for `run`.
        unsafe { self.function(true)(from, to, from_runs, to_runs) }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn read_at(from: Runs<*const u8>, run: usize, byte: usize) -> *const u8 {
    from.0
        .wrapping_offset(run as isize * from.1)
        .wrapping_add(byte)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn write_at(to: Runs<*mut u8>, run: usize, byte: usize) -> *mut u8 {
    to.0.wrapping_offset(run as isize * to.1).wrapping_add(byte)
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
                    let transpose = match to_runs % 3 {
                        0 => Transpose::by_rows(size),
                        1 => Transpose::by_whole_lines(size),
                        _ => Transpose::of(size),
                    };
                    // SAFETY: both sides have room for the runs.
                    unsafe { transpose.run(from, to, from_runs, to_runs) };
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
