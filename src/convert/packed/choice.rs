//! Which loops a pair of dtypes has on the level in use.

use super::element::Parameters;
use super::steps::{Run, Step, Steps};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use super::{complex, plain, saturate, small};
use crate::caches;
use crate::convert::e8m0;
use crate::convert::float::{self, Float};
use crate::convert::round::Format;
use crate::dtype::{Kind, Overflow, Scalar};
use crate::level::{self, Level};

/// The loops for a pair of scalars, of which one is complex at most, if there are some on the level in use.
pub fn choose(from: Scalar, to: Scalar, overflow: Overflow) -> Option<Steps> {
    let level = level::current();
    let (first, [second, third]) = with_parts(level, from, to)?;
    let number = to.component();
    Some(Steps {
        first,
        second,
        third,
        saturate: saturate::of(number).filter(|_| overflow == Overflow::Saturate),
        numbers: (to.bits() / number.bits()) as u8,
        parameters: Parameters {
            overflowed: overflowed(number, overflow),
        },
        source_size: storage_size(from) as u8,
        destination_size: storage_size(to) as u8,
        distant: None,
        reads_lines: storage_size(from) == 8 && storage_size(to) <= 2,
        outlasts_reading: outlasts_reading(from, to),
    })
}

/// Whether a pair takes so many instructions for a line of the source that the next run had better be asked for: measured, and of no matter
/// to what becomes larger, which is converted from the first-level cache.
fn outlasts_reading(from: Scalar, to: Scalar) -> bool {
    let is_float = |scalar: Scalar| scalar.kind() == Kind::Float;
    match storage_size(from) {
        2 => is_float(from) || is_float(to),
        4 => is_float(to) && (to.bits() <= 8 || to == Scalar::BFloat16),
        8 => storage_size(to) <= 2,
        _ => false,
    }
}

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
}

/// Bytes of an element, of which a sub-byte one takes a whole one.
fn storage_size(scalar: Scalar) -> usize {
    scalar.bits().div_ceil(8) as usize
}

/// The loops for a pair: the first, and what goes on with what it makes.
type Loops = (Step, [Option<Step>; 2]);

/// The loops for a pair, of which one may be complex: that is taken apart before, or made after all else.
fn with_parts(level: Level, from: Scalar, to: Scalar) -> Option<Loops> {
    let (part, made) = (from.component(), to.component());
    match complex_parts(level, from, to) {
        Some(only) => Some((only, [None, None])),
        None if part != from => after(complex_parts(level, from, part)?, loops(level, part, to)?),
        None => match (loops(level, from, made)?, complex_parts(level, made, to)) {
            (loops, None) if made == to => Some(loops),
            ((first, [None, None]), Some(last)) => Some((first, [Some(last), None])),
            ((first, [second, None]), Some(last)) => Some((first, [second, Some(last)])),
            _ => None,
        },
    }
}

/// A step before others, if there is room for it.
fn after(first: Step, (second, [third, fourth]): Loops) -> Option<Loops> {
    fourth.is_none().then_some((first, [Some(second), third]))
}

/// The loop that takes complex numbers apart, or makes them.
fn complex_parts(level: Level, from: Scalar, to: Scalar) -> Option<Step> {
    let run = match level {
        Level::Scalar => None,
        Level::Baseline => complex::of::<plain::Baseline>(from, to),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => complex::of::<plain::Avx2>(from, to),
        #[cfg(target_arch = "x86_64")]
        _ => {
            let written = avx512::complex::direct(from, to);
            return written.or_else(|| complex_parts(Level::Avx2, from, to));
        }
    };
    run.map(Step::plain)
}

/// The loops for a pair of real scalars: one or two, of sub-byte integers up to three.
fn loops(level: Level, from: Scalar, to: Scalar) -> Option<Loops> {
    if let Some(run) = direct(level, from, to) {
        return Some((run, [None, None]));
    }
    let integer = |scalar: Scalar| matches!(scalar.kind(), Kind::Int | Kind::UInt | Kind::Bool);
    if let Some((run, byte)) = small::to_byte(from).filter(|_| level != Level::Scalar) {
        let first = Step::plain(run);
        // The low bits are the same, whatever the sign.
        let byte = match integer(to) && to.bits() < 8 {
            true => Scalar::UInt8,
            false => byte,
        };
        return match byte == to {
            true => Some((first, [None, None])),
            false => after(first, loops(level, byte, to)?),
        };
    }
    // All but the powers of two, which reach as far as binary32.
    let is_small = |scalar: Scalar| {
        let is_float = scalar.kind() == Kind::Float && scalar != Scalar::Float8E8M0Fnu;
        is_float && scalar.bits() <= 8
    };
    let is_eight = |scalar: Scalar| scalar.kind() == Kind::Float && scalar.bits() == 8;
    let by_single = || direct(level, from, Scalar::Float32).map(|first| (first, Scalar::Float32));
    let (first, middle) = match () {
        _ if integer(from) && integer(to) => (direct(level, from, Scalar::UInt8)?, Scalar::UInt8),
        // What both are near to needs less work than binary32, and holds the numbers as well.
        _ if is_eight(from) && is_eight(to) => {
            let half = Scalar::BFloat16;
            match (direct(level, from, half), direct(level, half, to)) {
                (Some(first), Some(_)) => (first, half),
                _ => by_single()?,
            }
        }
        // Integers that binary32 does not hold are beyond all numbers of a format so small.
        _ if integer(from) && is_small(to) => by_single()?,
        _ => match rounded(level, from, to) {
            Some(first) => (first, Scalar::Float32),
            None => by_single()?,
        },
    };
    let second = match middle == to {
        true => None,
        false => Some(direct(level, middle, to)?),
    };
    Some((first, [second, None]))
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
            .map(|run| avx2::of_groups(run).with_few(easy(from, to)))
            .or_else(|| plain::of_integer::<plain::Avx2>(from, to).map(Step::plain))
            .or_else(|| easy(from, to)),
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
            .map(|step| step.with_few(easy(from, to)))
            .or_else(|| direct(Level::Avx2, from, to)),
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
    if level::has_avx512() {
        use Scalar::*;
        let by_halves = match (from, to) {
            (Float64, Bool) => true,
            (_, Float16 | BFloat16) => false,
            _ => from.kind() != Kind::Float && to.bits() <= from.bits() && to.bits() >= 8,
        };
        let halves = || direct(Level::Avx2, from, to).filter(|_| by_halves);
        return avx512::distant(from, to).or_else(|| halves().map(|step| step.many));
    }
    let _ = (from, to);
    None
}

/// The loop of floats that the compiler vectorises well.
#[cfg(target_arch = "x86_64")]
fn easy(from: Scalar, to: Scalar) -> Option<Step> {
    plain::of_float_with_ease(from, to).map(Step::plain)
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
        Scalar::Float8E8M0Fnu => e8m0::overflowed(overflow).into(),
        Scalar::Float6E2M3Fn => of(float::E2M3Fn::FORMAT),
        Scalar::Float6E3M2Fn => of(float::E3M2Fn::FORMAT),
        Scalar::Float4E2M1Fn => of(float::E2M1Fn::FORMAT),
        _ => 0,
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::steps::VERY_LONG;
    use super::*;
    use crate::convert::Standard;

    #[test]
    fn what_comes_from_far_away_becomes_the_same() {
        const COUNT: usize = VERY_LONG + 907;
        let mut word = 1u64;
        let mut random = || {
            word = word.wrapping_mul(6364136223846793005).wrapping_add(1);
            (word >> 56) as u8
        };
        // Any bits are elements, on any side of a line.
        let any: Vec<u8> = (0..16 * COUNT + 16).map(|_| random()).collect();
        // As float64 small numbers, but for one now and then.
        let small: Vec<u8> = (0..=2 * COUNT + 1)
            .map(|i| match i % 1999 {
                1998 => f64::NAN,
                _ => (i % 511) as f64 * 0.37 - 100.0,
            })
            .flat_map(f64::to_ne_bytes)
            .collect();
        let scalars: Vec<Scalar> = Scalar::all().filter(|scalar| scalar.bits() >= 8).collect();
        let _environment = Standard::enter();
        let mut pairs = 0;
        for (from, to) in scalars
            .iter()
            .flat_map(|from| scalars.iter().map(move |to| (*from, *to)))
        {
            let Some(distant) = distant(from, to) else {
                continue;
            };
            let steps = choose(from, to, Overflow::Default).unwrap();
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
        assert!(pairs > 40 || !level::has_avx512(), "{pairs}");
    }
}
