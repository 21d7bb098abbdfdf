//! Packed conversion: runs of adjacent elements, converted in registers. Sub-byte elements lie one to a byte.
//!
//! Each kernel gives, bit for bit, what the decoder and encoder of the pair give. A pair has a loop of its own ([`plain`],
//! or written for an instruction set, [`avx2`] and [`avx512`]) or goes in two steps through a block that stays in the first-level
//! cache.
//!
//! Kernels compute with floating-point instructions, so they run inside [`environment::Standard`].

mod ahead;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod element;
mod environment;
#[cfg(target_arch = "x86_64")]
mod groups;
mod level;
mod narrow;
mod plain;
mod saturate;
mod small;

pub use environment::Standard;

use super::float::{self, Float};
use super::round::Format;
use crate::caches;
use crate::dtype::{Kind, Overflow, Scalar};
use crate::prefetch;
use core::mem::MaybeUninit;
use element::Parameters;
use level::Level;
use saturate::Saturate;

/// Converts `count` elements from the one address to the other.
type Run = unsafe fn(from: *const u8, to: *mut u8, count: usize, Parameters);

/// One loop over adjacent elements. Both runs may be at any address.
#[derive(Clone, Copy)]
struct Loop {
    run: Run,
    /// Elements that are converted at once: fewer take as long, and longer.
    group: usize,
}

/// A loop, and one for fewer elements than a group of it.
#[derive(Clone, Copy)]
struct Step {
    many: Loop,
    few: Loop,
}

impl Step {
    /// A loop that takes elements one by one, as far as it knows.
    fn plain(run: Run) -> Self {
        Self::of_groups(run, 1)
    }

    /// A loop that takes groups of so many elements.
    fn of_groups(run: Run, group: usize) -> Self {
        let all = Loop { run, group };
        Self {
            many: all,
            few: all,
        }
    }

    /// The same, but what is fewer than a group as by another, if it does with less.
    #[cfg(target_arch = "x86_64")]
    fn with_few(self, other: Option<Self>) -> Self {
        let few = other
            .map(|other| other.few)
            .filter(|few| few.group < self.many.group);
        Self {
            few: few.unwrap_or(self.few),
            ..self
        }
    }

    /// What converts so many elements: groups, if the last one does not convert too many of them once more.
    #[inline(always)]
    fn for_count(&self, count: usize) -> Run {
        debug_assert!(self.many.group.is_power_of_two());
        let again = count.wrapping_neg() & (self.many.group - 1);
        match count < self.many.group || 3 * again > count {
            true => self.few.run,
            false => self.many.run,
        }
    }
}

/// One loop, or more.
#[derive(Clone, Copy)]
pub struct Steps {
    first: Step,
    /// What makes the result of what the first step leaves in a block.
    second: Option<Step>,
    /// What the results of a part go through in the end.
    saturate: Option<Saturate>,
    parameters: Parameters,
    source_size: usize,
    destination_size: usize,
    /// The loop for long runs that come from a last-level cache that is near.
    distant: Option<Run>,
    /// Whether a long run begins with a line where it is read, not where it is written: of eight bytes that become one or two, unless
    /// they are integers that come by parts of lines.
    reads_lines: bool,
}

/// Elements that go through several steps at a time.
const BLOCK: usize = 512;

/// Whole groups of any instruction set.
const GROUPS: usize = 64;

/// Elements of a run that the first-level cache does not hold, and that is longer than those of which planes and blocks are made.
const VERY_LONG: usize = 4096;

/// Bytes of a run, on the side that has more, from which it is worth looking where lines begin, or far ahead. There are more than
/// [`GROUPS`] elements.
const LONG: usize = 2048;

impl Steps {
    /// The same of a pair, for what does not fit the second-level cache: nothing changes where the last-level cache is far.
    pub fn for_distant(self, from: Scalar, to: Scalar) -> Self {
        let distant = match caches::last_level_is_far() {
            true => None,
            false => distant(from, to),
        };
        // Measured: these come as soon from any place in a line, and are written sooner if lines are whole.
        let in_parts = distant.is_some() && from.kind() != Kind::Float;
        Self {
            distant,
            reads_lines: self.reads_lines && !in_parts,
            ..self
        }
    }

    /// Converts a run.
    ///
    /// # Safety
    /// `count` elements are readable at `from` and writable at `to`; the runs do not overlap. A [`Standard`] environment
    /// is in force.
    #[inline(always)]
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise; the kernels were chosen for a level that the processor has.
        unsafe {
            match self.is_direct(count) {
                true => self.first.for_count(count)(from, to, count, self.parameters),
                false => self.run_long(from, to, count),
            }
        }
    }

    /// Whether a run needs but a call of one loop.
    #[inline(always)]
    fn is_direct(&self, count: usize) -> bool {
        let bytes = count * self.source_size.max(self.destination_size);
        bytes < LONG && self.second.is_none() && self.saturate.is_none()
    }

    /// Converts rows of `count` elements, so many bytes apart; before each, `begin` is told where it is read and written.
    ///
    /// # Safety
    /// As for [`Steps::run`], of each row.
    #[inline(always)]
    pub unsafe fn run_rows(
        &self,
        from: (*const u8, isize),
        to: (*mut u8, isize),
        rows: usize,
        count: usize,
        begin: impl Fn(*const u8, *mut u8),
    ) {
        let (direct, run) = (self.is_direct(count), self.first.for_count(count));
        for_each_row(from, to, rows, |from, to| {
            begin(from, to);
            // SAFETY: the caller's promise.
            unsafe {
                match direct {
                    true => run(from, to, count, self.parameters),
                    false => self.run_long(from, to, count),
                }
            }
        });
    }

    /// Elements of a row from which it is better converted by itself than in a block of several.
    pub fn group(&self) -> usize {
        let second = self.second.map_or(1, |second| second.few.group);
        self.first.few.group.max(second)
    }

    /// A run that is long, or takes several steps.
    ///
    /// # Safety
    /// As for [`Steps::run`].
    #[inline(never)]
    unsafe fn run_long(&self, from: *const u8, to: *mut u8, count: usize) {
        let mut block = Block(MaybeUninit::uninit());
        let block = block.0.as_mut_ptr().cast::<u8>();
        // SAFETY: the caller's promise; each step writes what the next one reads.
        unsafe {
            let alone = self.second.is_none() && self.saturate.is_none();
            let most = if alone { usize::MAX } else { BLOCK };
            self.run_parts(from, to, count, most, |from, to, count| {
                let first = match self.distant {
                    Some(distant) if count >= VERY_LONG => distant,
                    _ => self.first.for_count(count),
                };
                match self.second {
                    None => first(from, to, count, self.parameters),
                    Some(second) => {
                        first(from, block, count, self.parameters);
                        second.for_count(count)(block, to, count, self.parameters);
                    }
                }
                if let Some(saturate) = self.saturate {
                    saturate(to, count);
                }
            });
        }
    }

    /// Calls `each` with parts of a run, of `most` elements at most.
    ///
    /// # Safety
    /// As for [`Steps::run`].
    #[inline(always)]
    unsafe fn run_parts(
        &self,
        from: *const u8,
        to: *mut u8,
        count: usize,
        most: usize,
        each: impl Fn(*const u8, *mut u8, usize),
    ) {
        let (from_size, to_size) = (self.source_size, self.destination_size);
        let part = ahead::part(count, from_size, to_size);
        let asks = part < count;
        let part = part.min(most);
        let mut done = self.head(from, to, count);
        if done > 0 {
            // The last of these groups are converted once more.
            each(from, to, done.next_multiple_of(self.group()));
        }
        while done < count {
            let len = part.min(count - done);
            // SAFETY: the caller's promise.
            let (from, to) = unsafe { (from.add(done * from_size), to.add(done * to_size)) };
            if asks {
                ahead::fetch(from, len * from_size, to, len * to_size);
            }
            each(from, to, len);
            done += len;
        }
    }

    /// Elements of a long run before the first from which a line begins: of what is read or written by whole registers, all would be in
    /// two lines. That is where it is written, unless much more is read.
    fn head(&self, from: *const u8, to: *mut u8, count: usize) -> usize {
        let (from_size, to_size) = (self.source_size, self.destination_size);
        let (bytes, size) = match self.reads_lines {
            true => (prefetch::to_next_line(from), from_size),
            false => (prefetch::to_next_line(to), to_size),
        };
        let is_long = count * from_size.max(to_size) >= LONG;
        match is_long && bytes.is_multiple_of(size) {
            true => bytes / size,
            false => 0,
        }
    }
}

/// Calls `each` with where rows are read and written, which are so many bytes apart.
#[inline(always)]
pub fn for_each_row(
    from: (*const u8, isize),
    to: (*mut u8, isize),
    rows: usize,
    each: impl Fn(*const u8, *mut u8),
) {
    for row in 0..rows as isize {
        each(
            from.0.wrapping_offset(row * from.1),
            to.0.wrapping_offset(row * to.1),
        );
    }
}

/// The intermediates of a block, wide enough for any element and aligned for any register.
#[repr(align(64))]
struct Block(MaybeUninit<[u64; BLOCK]>);

/// The loops for a pair of real scalars, if there are some on the level in use.
pub fn steps(from: Scalar, to: Scalar, overflow: Overflow) -> Option<Steps> {
    let level = level::current();
    let (first, second) = loops(level, from, to)?;
    Some(Steps {
        first,
        second,
        saturate: saturate::of(to).filter(|_| overflow == Overflow::Saturate),
        parameters: Parameters {
            overflowed: overflowed(to, overflow),
        },
        source_size: storage_size(from),
        destination_size: storage_size(to),
        distant: None,
        reads_lines: storage_size(from) == 8 && storage_size(to) <= 2,
    })
}

/// Whether the level in use has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx2() -> bool {
    level::current() >= Level::Avx2
}

/// Whether the level in use has AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx512() -> bool {
    level::current() >= Level::Avx512
}

/// Whether the level in use has AVX-512 VBMI.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx512_vbmi() -> bool {
    level::current() >= Level::Avx512Vbmi
}

/// Which bytes of 64 are among the first `count`, of which `before` are in other lines: a mask of AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn first_bytes(count: usize, before: usize) -> u64 {
    const LINE: usize = 64;
    match count.saturating_sub(before) {
        0 => 0,
        left => u64::MAX >> (LINE - left.min(LINE)),
    }
}

/// Bytes of an element, of which a sub-byte one takes a whole one.
fn storage_size(scalar: Scalar) -> usize {
    scalar.bits().div_ceil(8) as usize
}

/// One loop for a pair, or two.
fn loops(level: Level, from: Scalar, to: Scalar) -> Option<(Step, Option<Step>)> {
    if let Some(run) = direct(level, from, to) {
        return Some((run, None));
    }
    let integer = |scalar: Scalar| matches!(scalar.kind(), Kind::Int | Kind::UInt | Kind::Bool);
    let is_subbyte = |scalar: Scalar| scalar.bits() < 8;
    // All but the powers of two, which reach as far as binary32.
    let is_small = |scalar: Scalar| {
        let is_float = scalar.kind() == Kind::Float && scalar != Scalar::Float8E8M0Fnu;
        is_float && scalar.bits() <= 8
    };
    let is_eight = |scalar: Scalar| scalar.kind() == Kind::Float && scalar.bits() == 8;
    let to_byte = small::to_byte(from).map(|(run, byte)| (Step::plain(run), byte));
    let (first, middle) = match to_byte {
        // The low bits are the same, whatever the sign.
        Some((first, _)) if integer(to) && is_subbyte(to) => (first, Scalar::UInt8),
        Some((first, byte)) if byte == to => return Some((first, None)),
        Some((first, byte)) if direct(level, byte, to).is_some() => (first, byte),
        None if integer(from) && integer(to) => {
            (direct(level, from, Scalar::UInt8)?, Scalar::UInt8)
        }
        // What both are near to needs less work than binary32, and holds the numbers as well.
        _ if is_eight(from) && is_eight(to) => {
            let half = Scalar::BFloat16;
            match (direct(level, from, half), direct(level, half, to)) {
                (Some(first), second @ Some(_)) => return Some((first, second)),
                _ => (direct(level, from, Scalar::Float32)?, Scalar::Float32),
            }
        }
        // Integers that binary32 does not hold are beyond all numbers of a format so small.
        _ if integer(from) && is_small(to) => {
            (direct(level, from, Scalar::Float32)?, Scalar::Float32)
        }
        _ => {
            let single =
                rounded(level, from, to).or_else(|| direct(level, from, Scalar::Float32))?;
            (single, Scalar::Float32)
        }
    };
    if middle == to {
        return Some((first, None));
    }
    Some((first, Some(direct(level, middle, to)?)))
}

/// The loop of a pair on a level.
fn direct(level: Level, from: Scalar, to: Scalar) -> Option<Step> {
    let run = match level {
        Level::Scalar => None,
        Level::Baseline => plain::of_integer::<plain::Baseline>(from, to)
            .or_else(|| plain::of_float::<plain::Baseline>(from, to))
            .map(Step::plain),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::direct(from, to)
            .map(|run| avx2::of_groups(run).with_few(easy::<plain::Avx2>(from, to)))
            .or_else(|| plain::of_integer::<plain::Avx2>(from, to).map(Step::plain))
            .or_else(|| easy::<plain::Avx2>(from, to)),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Bf16 => {
            avx512::brain::direct(from, to).or_else(|| direct(Level::Avx512Vbmi, from, to))
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vbmi => avx512::tables::direct(from, to)
            .map(|step| step.with_few(direct(Level::Avx512, from, to)))
            .or_else(|| direct(Level::Avx512, from, to)),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::direct(from, to)
            .map(|step| step.with_few(easy::<plain::Avx512>(from, to)))
            .or_else(|| plain::of_integer::<plain::Avx512>(from, to).map(Step::plain))
            .or_else(|| avx2::direct(from, to).map(avx2::of_groups)),
    };
    match (level, to) {
        (Level::Scalar, _) => None,
        (_, Scalar::Float32) => run.or_else(|| small::to_single(from).map(Step::plain)),
        _ => run,
    }
}

/// What reads the last-level cache by parts of lines (see [`crate::lines`]), if the level in use has such a loop for a pair. Those of
/// halves are the loops for AVX2, of pairs that become no larger: others wait for what they write.
fn distant(from: Scalar, to: Scalar) -> Option<Run> {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        use Scalar::*;
        let by_halves = match (from, to) {
            (Float64, Bool) => true,
            (_, Float16 | BFloat16) => false,
            _ => from.kind() != Kind::Float && to.bits() <= from.bits() && to.bits() >= 8,
        };
        let halves = || direct(Level::Avx2, from, to).filter(|_| by_halves);
        return avx512::distant(from, to).or_else(|| halves().map(|step| step.many.run));
    }
    let _ = (from, to);
    None
}

/// The loop of floats that the compiler vectorises well.
#[cfg(target_arch = "x86_64")]
fn easy<L: plain::Compiled>(from: Scalar, to: Scalar) -> Option<Step> {
    plain::of_float_with_ease::<L>(from, to).map(Step::plain)
}

/// The loop to binary32 on the way to a narrower float, where it differs from that to float32.
fn rounded(level: Level, from: Scalar, to: Scalar) -> Option<Step> {
    #[cfg(not(target_arch = "x86_64"))]
    let _ = to;
    match level {
        Level::Scalar => None,
        Level::Baseline => plain::rounded(from).map(Step::plain),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::rounded(from).map(avx2::of_groups),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Vbmi | Level::Avx512Bf16 => avx512::rounded(from, to),
    }
}

/// The encoding, without a sign, in which the overflow of a narrow target is written.
fn overflowed(to: Scalar, overflow: Overflow) -> u32 {
    let of = |format: Format| format.overflowed(false, overflow) as u32;
    match to {
        Scalar::Float16 => of(float::F16::FORMAT),
        Scalar::BFloat16 => of(float::BF16::FORMAT),
        Scalar::Float8E3M4 => of(float::E3M4::FORMAT),
        Scalar::Float8E4M3 => of(float::E4M3::FORMAT),
        Scalar::Float8E4M3B11Fnuz => of(float::E4M3B11Fnuz::FORMAT),
        Scalar::Float8E4M3Fn => of(float::E4M3Fn::FORMAT),
        Scalar::Float8E4M3Fnuz => of(float::E4M3Fnuz::FORMAT),
        Scalar::Float8E5M2 => of(float::E5M2::FORMAT),
        Scalar::Float8E5M2Fnuz => of(float::E5M2Fnuz::FORMAT),
        Scalar::Float8E8M0Fnu => super::e8m0::overflowed(overflow).into(),
        Scalar::Float6E2M3Fn => of(float::E2M3Fn::FORMAT),
        Scalar::Float6E3M2Fn => of(float::E3M2Fn::FORMAT),
        Scalar::Float4E2M1Fn => of(float::E2M1Fn::FORMAT),
        _ => 0,
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_far_away_becomes_the_same() {
        const COUNT: usize = VERY_LONG + 907;
        let mut word = 1u64;
        let mut random = || {
            word = word.wrapping_mul(6364136223846793005).wrapping_add(1);
            (word >> 56) as u8
        };
        // Any bits are elements, on any side of a line.
        let any: Vec<u8> = (0..8 * COUNT + 8).map(|_| random()).collect();
        // As float64 small numbers, but for one now and then.
        let small: Vec<u8> = (0..=COUNT)
            .map(|i| match i % 1999 {
                1998 => f64::NAN,
                _ => (i % 511) as f64 * 0.37 - 100.0,
            })
            .flat_map(f64::to_ne_bytes)
            .collect();
        let real = |scalar: &Scalar| scalar.bits() >= 8 && scalar.kind() != Kind::Complex;
        let scalars: Vec<Scalar> = Scalar::all().filter(real).collect();
        let _environment = Standard::enter();
        let mut pairs = 0;
        for (from, to) in scalars
            .iter()
            .flat_map(|from| scalars.iter().map(move |to| (*from, *to)))
        {
            let Some(distant) = distant(from, to) else {
                continue;
            };
            let steps = steps(from, to, Overflow::Default).unwrap();
            let convert = |distant, source: &[u8]| {
                let mut made = vec![0xee; storage_size(to) * (COUNT + 1)];
                let from = source[storage_size(from)..].as_ptr();
                // SAFETY: both sides have as many elements.
                unsafe { Steps { distant, ..steps }.run(from, made.as_mut_ptr(), COUNT) };
                made
            };
            for source in [&any, &small] {
                let usual = convert(None, source);
                assert!(
                    convert(Some(distant), source) == usual,
                    "{from:?} -> {to:?}"
                );
            }
            pairs += 1;
        }
        assert!(pairs > 40 || !has_avx512(), "{pairs}");
    }
}
