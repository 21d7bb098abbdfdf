//! Floats of eight bits to and from those of sixteen, by integers alone, sixteen or thirty-two to a register; and to binary32, of
//! which bfloat16 is the upper half.

use super::*;
use crate::convert::float::Float;
use crate::convert::round::{Format, Special};

/// Whether a format of sixteen bits has the exponents of one of eight, or so many more that it holds its subnormal numbers as
/// normal ones, and loses its own to zero there.
pub const fn fits(small: Format, wide: Format) -> bool {
    wide.bias == small.bias || wide.bias > small.bias + small.fraction_bits as i32
}

#[inline(always)]
unsafe fn set8(value: u32) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_set1_epi8(value as i8) }
}

#[inline(always)]
unsafe fn set16(value: u32) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_set1_epi16(value as i16) }
}

#[inline(always)]
unsafe fn shift_right(words: __m256i, bits: u32) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_srl_epi16(words, _mm_cvtsi32_si128(bits as i32)) }
}

#[inline(always)]
unsafe fn shift_left(words: __m256i, bits: u32) -> __m256i {
    // SAFETY: the module's features.
    unsafe { _mm256_sll_epi16(words, _mm_cvtsi32_si128(bits as i32)) }
}

/// Sixteen bytes, for both halves of a register.
#[inline(always)]
unsafe fn table(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: the module's features; the bytes are there.
    unsafe { _mm256_broadcastsi128_si256(load128(bytes.as_ptr())) }
}

/// Rounds a float of sixteen bits to one of eight.
pub struct Shorten<W, S>(W, S);

/// What the significand of a subnormal result is multiplied with, by how many places above the lowest exponent it is that of
/// the number: only from there on it is more than half of the smallest result.
const PLACES: [u8; 16] = [0, 1, 2, 4, 8, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl<W: Float, S: Float> Group for Shorten<W, S> {
    const FROM: usize = 2;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let (first, second) = (load256(from), load256(from.add(32)));
            let codes = _mm256_packus_epi16(
                magnitudes(first, W::FORMAT, S::FORMAT, parameters),
                magnitudes(second, W::FORMAT, S::FORMAT, parameters),
            );
            // Held inside eight bits, the words keep their signs.
            let signs = _mm256_and_si256(_mm256_packs_epi16(first, second), set8(0x80));
            let signs = match S::FORMAT.special {
                // Zero has no sign.
                Special::Fnuz => {
                    let zero = _mm256_cmpeq_epi8(codes, _mm256_setzero_si256());
                    _mm256_andnot_si256(zero, signs)
                }
                _ => signs,
            };
            let bytes = _mm256_or_si256(codes, signs);
            store256(to, _mm256_permute4x64_epi64::<0xd8>(bytes));
        }
    }
}

/// [`crate::convert::packed::narrow::narrow`] of sixteen numbers, without their signs.
#[inline(always)]
unsafe fn magnitudes(
    words: __m256i,
    wide: Format,
    small: Format,
    parameters: Parameters,
) -> __m256i {
    let lost = wide.fraction_bits - small.fraction_bits;
    let rebias = (wide.bias - small.bias) as u32;
    let offset = rebias << wide.fraction_bits;
    // SAFETY: the module's features.
    unsafe {
        let magnitude = _mm256_and_si256(words, set16(0x7fff));
        // An addition that carries into the places that stay. Overflow is met below.
        let last = _mm256_and_si256(shift_right(magnitude, lost), set16(1));
        let half = ((1 << (lost - 1)) - 1u32).wrapping_sub(offset);
        let carried = _mm256_add_epi16(_mm256_add_epi16(magnitude, last), set16(half));
        let mut code = shift_right(carried, lost);
        if rebias != 0 {
            // Below the smallest normal number the significand moves down to where the last place is the format's: up by a
            // multiplication, which has room for it, then down by all of its bits.
            let exponent = shift_right(magnitude, wide.fraction_bits);
            let lowest = rebias - small.fraction_bits - 1;
            let above = _mm256_subs_epu16(exponent, set16(lowest));
            let places = _mm256_shuffle_epi8(table(&PLACES), above);
            let one = 1 << wide.fraction_bits;
            let whole = _mm256_or_si256(_mm256_and_si256(magnitude, set16(one - 1)), set16(one));
            let product = _mm256_mullo_epi16(whole, places);
            let down = wide.fraction_bits + 1;
            let last = _mm256_and_si256(shift_right(product, down), set16(1));
            let carried = _mm256_add_epi16(_mm256_add_epi16(product, last), set16(one - 1));
            let smallest = set16((rebias + 1) << wide.fraction_bits);
            let is_below = _mm256_cmpgt_epi16(smallest, magnitude);
            code = _mm256_blendv_epi8(code, shift_right(carried, down), is_below);
        }
        let code = _mm256_min_epu16(code, set16(parameters.overflowed));
        let nan = _mm256_cmpgt_epi16(magnitude, set16(wide.infinity() as u32));
        match small.special {
            Special::Ieee => {
                let payload = shift_right(magnitude, lost);
                let payload = _mm256_and_si256(payload, set16((1 << small.fraction_bits) - 1));
                let quiet = small.infinity() as u32 | 1 << (small.fraction_bits - 1);
                let quiet = _mm256_or_si256(payload, set16(quiet));
                _mm256_blendv_epi8(code, quiet, nan)
            }
            Special::Fn => {
                let all = _mm256_and_si256(nan, set16(small.largest() as u32 + 1));
                _mm256_or_si256(code, all)
            }
            Special::Fnuz | Special::Finite => _mm256_blendv_epi8(code, set16(0x80), nan),
        }
    }
}

/// A float of eight bits as one of sixteen, which holds it exactly.
pub struct Lengthen<S, W>(S, W);

impl<S: Float, W: Float> Group for Lengthen<S, W> {
    const FROM: usize = 1;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let (outer, inner) = lengthened::<S, W>(load256(from));
            store256(to, _mm256_permute2x128_si256::<0x20>(outer, inner));
            store256(to.add(32), _mm256_permute2x128_si256::<0x31>(outer, inner));
        }
    }
}

/// Thirty-two floats of eight bits as ones of sixteen: the first and the third eight, the second and the fourth.
#[inline(always)]
unsafe fn lengthened<S: Float, W: Float>(bytes: __m256i) -> (__m256i, __m256i) {
    let (small, wide) = (S::FORMAT, W::FORMAT);
    let lift = wide.fraction_bits - small.fraction_bits;
    let rebias = (wide.bias - small.bias) as u32;
    let offset = rebias << wide.fraction_bits;
    let exponents = wide.infinity() as u32;
    let quiet = 1u32 << (wide.fraction_bits - 1);
    // SAFETY: the module's features.
    unsafe {
        let magnitude = _mm256_and_si256(bytes, set8(0x7f));
        // Moved to its places, and the difference of the biases added: the part of that which falls into the lower byte, a step
        // of the exponent, before.
        let stepped = _mm256_add_epi8(magnitude, set8((offset & 0xff) >> lift));
        let mut lower = _mm256_and_si256(shift_left(stepped, lift), set8(0xff << lift));
        let upper = shift_right(stepped, 8 - lift);
        let upper = _mm256_and_si256(upper, set8(0xff >> (8 - lift)));
        let mut upper = _mm256_add_epi8(upper, set8(offset >> 8));
        if rebias != 0 {
            let tables = const { &subnormals(S::FORMAT, W::FORMAT) };
            let is_below = _mm256_cmpgt_epi8(set8(1 << small.fraction_bits), magnitude);
            let below = _mm256_shuffle_epi8(table(&tables.0), magnitude);
            upper = _mm256_blendv_epi8(upper, below, is_below);
            let below = _mm256_shuffle_epi8(table(&tables.1), magnitude);
            lower = _mm256_blendv_epi8(lower, below, is_below);
        }
        match small.special {
            Special::Ieee => {
                let infinity = small.infinity() as u32;
                let special = _mm256_cmpgt_epi8(magnitude, set8(infinity - 1));
                let nan = _mm256_cmpgt_epi8(magnitude, set8(infinity));
                let all = _mm256_and_si256(special, set8(exponents >> 8));
                let quiets = _mm256_and_si256(nan, set8(quiet >> 8));
                upper = _mm256_or_si256(upper, _mm256_or_si256(all, quiets));
                let all = _mm256_and_si256(special, set8(exponents));
                let quiets = _mm256_and_si256(nan, set8(quiet));
                lower = _mm256_or_si256(lower, _mm256_or_si256(all, quiets));
            }
            Special::Fn | Special::Fnuz => {
                let nan = match small.special {
                    Special::Fn => _mm256_cmpgt_epi8(magnitude, set8(small.largest() as u32)),
                    _ => _mm256_cmpeq_epi8(bytes, set8(0x80)),
                };
                let pattern = exponents | quiet;
                upper = _mm256_blendv_epi8(upper, set8(pattern >> 8), nan);
                lower = _mm256_blendv_epi8(lower, set8(pattern), nan);
            }
            Special::Finite => {}
        }
        let upper = _mm256_or_si256(upper, _mm256_and_si256(bytes, set8(0x80)));
        (
            _mm256_unpacklo_epi8(lower, upper),
            _mm256_unpackhi_epi8(lower, upper),
        )
    }
}

/// A float of eight bits, which is read as bfloat16: the upper half of binary32.
pub struct Eight<S>(S);

impl<S: Float> Load<__m256> for Eight<S> {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Singles {
        // SAFETY: the caller's promise.
        unsafe {
            let (outer, inner) = lengthened::<S, float::BF16>(load256(from));
            let (a, c) = doubled(outer);
            let (b, d) = doubled(inner);
            each!([a, b, c, d], |eight| _mm256_castsi256_ps(eight))
        }
    }
}

/// Sixteen words as the upper halves of twice as long ones, the eight in either half of the register together.
#[inline(always)]
unsafe fn doubled(words: __m256i) -> (__m256i, __m256i) {
    // SAFETY: the module's features.
    unsafe {
        let zero = _mm256_setzero_si256();
        let first = _mm256_unpacklo_epi16(zero, words);
        let last = _mm256_unpackhi_epi16(zero, words);
        (
            _mm256_permute2x128_si256::<0x20>(first, last),
            _mm256_permute2x128_si256::<0x31>(first, last),
        )
    }
}

/// The kernel of a float of eight bits and one of sixteen, of either way, or of the former and float32.
pub fn direct(from: Scalar, to: Scalar) -> Option<Run> {
    match (from, to) {
        (_, Scalar::Float32) => to_single(from),
        (Scalar::Float16, _) => shorten::<float::F16>(to),
        (Scalar::BFloat16, _) => shorten::<float::BF16>(to),
        (_, Scalar::Float16) => lengthen::<float::F16>(from),
        (_, Scalar::BFloat16) => lengthen::<float::BF16>(from),
        _ => None,
    }
}

/// `$kernel`, where the format fits the wide one.
macro_rules! if_fits {
    ($small:ident, $wide:ty, $kernel:expr) => {
        if const { fits(float::$small::FORMAT, <$wide>::FORMAT) } {
            $kernel
        } else {
            return None;
        }
    };
}

fn shorten<W: Float>(to: Scalar) -> Option<Run> {
    macro_rules! kernel {
        ($small:ident) => {
            if_fits!($small, W, run::<Shorten<W, float::$small>>)
        };
    }
    for_small!(to, kernel)
}

fn lengthen<W: Float>(from: Scalar) -> Option<Run> {
    macro_rules! kernel {
        ($small:ident) => {
            if_fits!($small, W, run::<Lengthen<float::$small, W>>)
        };
    }
    for_small!(from, kernel)
}

fn to_single(from: Scalar) -> Option<Run> {
    macro_rules! kernel {
        ($small:ident) => {
            run::<Through<Eight<float::$small>, F32>>
        };
    }
    for_small!(from, kernel)
}
