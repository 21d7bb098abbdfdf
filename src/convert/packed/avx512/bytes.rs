//! Floats of eight bits to and from those of sixteen, by integers alone, thirty-two or sixty-four to a register; and to
//! binary32, of which bfloat16 is the upper half.

use super::*;
use crate::convert::float::Float;
use crate::convert::round::{Format, Special};

#[inline(always)]
pub unsafe fn shift_right(words: __m512i, bits: u32) -> __m512i {
    // SAFETY: the module's features.
    unsafe { _mm512_srl_epi16(words, _mm_cvtsi32_si128(bits as i32)) }
}

#[inline(always)]
pub unsafe fn shift_left(words: __m512i, bits: u32) -> __m512i {
    // SAFETY: the module's features.
    unsafe { _mm512_sll_epi16(words, _mm_cvtsi32_si128(bits as i32)) }
}

/// Sixteen bytes, for each quarter of a register.
#[inline(always)]
unsafe fn table(bytes: &[u8; 16]) -> __m512i {
    // SAFETY: the module's features; the bytes are there.
    unsafe { _mm512_broadcast_i32x4(load128(bytes.as_ptr())) }
}

/// Four registers of 32-bit integers, held inside the bytes of one, signed or not: quarters of registers together.
#[inline(always)]
pub unsafe fn packed<const SIGNED: bool>(words: Words) -> __m512i {
    let [a, b, c, d] = words;
    // SAFETY: the module's features.
    unsafe {
        let (first, second) = (_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
        if SIGNED {
            _mm512_packs_epi16(first, second)
        } else {
            _mm512_packus_epi16(first, second)
        }
    }
}

/// Encodings of at most eight bits, with the signs of the bytes of a second register.
#[inline(always)]
pub unsafe fn join_signs(codes: __m512i, signs: __m512i, format: Format) -> __m512i {
    // SAFETY: the module's features.
    unsafe {
        let signs = match format.special {
            // Zero has no sign.
            Special::Fnuz => _mm512_maskz_mov_epi8(_mm512_test_epi8_mask(codes, codes), signs),
            _ => shift_right(signs, 8 - format.bits),
        };
        let signs = _mm512_and_si512(signs, set8(format.sign() as u32));
        _mm512_or_si512(codes, signs)
    }
}

/// Rounds a float of sixteen bits to one of eight.
pub struct Shorten<W, S>(W, S);

impl<W: Float, S: Float> Group for Shorten<W, S> {
    const FROM: usize = 2;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let (first, second) = (load512(from), load512(from.add(64)));
            let codes = _mm512_packus_epi16(
                magnitudes(first, W::FORMAT, S::FORMAT, parameters),
                magnitudes(second, W::FORMAT, S::FORMAT, parameters),
            );
            // Held inside eight bits, the words keep their signs.
            let signs = _mm512_packs_epi16(first, second);
            let bytes = join_signs(codes, signs, S::FORMAT);
            let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
            store512(to, _mm512_permutexvar_epi64(order, bytes));
        }
    }
}

/// Words rounded to the nearest multiple of `1 << lost`, ties to even, as multiples of it; `offset` is added before.
#[inline(always)]
unsafe fn rounded(words: __m512i, lost: u32, offset: u32) -> __m512i {
    let half = (1u32 << (lost - 1)).wrapping_add(offset);
    // SAFETY: the module's features.
    unsafe {
        let is_odd = _mm512_test_epi16_mask(words, set16(1 << lost));
        let carried = _mm512_add_epi16(words, set16(half.wrapping_sub(1)));
        let carried = _mm512_mask_add_epi16(carried, is_odd, words, set16(half));
        shift_right(carried, lost)
    }
}

/// [`crate::convert::packed::narrow::narrow`] of thirty-two numbers, without their signs.
#[inline(always)]
unsafe fn magnitudes(
    words: __m512i,
    wide: Format,
    small: Format,
    parameters: Parameters,
) -> __m512i {
    let lost = wide.fraction_bits - small.fraction_bits;
    let one = 1 << wide.fraction_bits;
    // SAFETY: the module's features.
    unsafe {
        let magnitude = _mm512_and_si512(words, set16(0x7fff));
        // An addition that carries into the places that stay. Overflow is met below.
        let code = if wide.bias < small.bias {
            // Exponents begin one lower: twice the number has the same encoding with the same bias.
            let is_below = _mm512_cmplt_epu16_mask(magnitude, set16(one));
            let twice = _mm512_add_epi16(magnitude, set16(one));
            let twice = _mm512_mask_add_epi16(twice, is_below, magnitude, magnitude);
            rounded(twice, lost, 0)
        } else {
            let rebias = (wide.bias - small.bias) as u32;
            let offset = rebias << wide.fraction_bits;
            let code = rounded(magnitude, lost, offset.wrapping_neg());
            if rebias == 0 {
                code
            } else {
                // Below the smallest normal number the significand moves down to where the last place is the format's:
                // up, for which there is room, or, by a negative number of places, away; then down by all of its bits.
                let exponent = shift_right(magnitude, wide.fraction_bits);
                let places = _mm512_sub_epi16(exponent, set16(rebias - small.fraction_bits));
                let fraction = _mm512_and_si512(magnitude, set16(one - 1));
                let whole = _mm512_or_si512(fraction, set16(one));
                let moved = _mm512_sllv_epi16(whole, places);
                let below = rounded(moved, wide.fraction_bits + 1, 0);
                let smallest = set16(one + offset);
                let is_below = _mm512_cmplt_epu16_mask(magnitude, smallest);
                _mm512_mask_mov_epi16(code, is_below, below)
            }
        };
        let code = _mm512_min_epu16(code, set16(parameters.overflowed));
        let nan = _mm512_cmpgt_epu16_mask(magnitude, set16(wide.infinity() as u32));
        let encoding = match small.special {
            Special::Ieee => {
                let payload = shift_right(magnitude, lost);
                let payload = _mm512_and_si512(payload, set16((1 << small.fraction_bits) - 1));
                let quiet = small.infinity() as u32 | 1 << (small.fraction_bits - 1);
                _mm512_or_si512(payload, set16(quiet))
            }
            Special::Fn => set16(small.largest() as u32 + 1),
            Special::Fnuz | Special::Finite => set16(small.sign() as u32),
        };
        _mm512_mask_mov_epi16(code, nan, encoding)
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
            let order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
            let bytes = _mm512_permutexvar_epi64(order, load512(from));
            let (first, last) = lengthened::<S, W>(bytes);
            store512(to, first);
            store512(to.add(64), last);
        }
    }
}

/// Sixty-four floats of eight bits as ones of sixteen: the first and the last eight of each quarter of the register.
#[inline(always)]
unsafe fn lengthened<S: Float, W: Float>(bytes: __m512i) -> (__m512i, __m512i) {
    let (small, wide) = (S::FORMAT, W::FORMAT);
    let lift = wide.fraction_bits - small.fraction_bits;
    let rebias = wide.bias - small.bias;
    let offset = (rebias as u32) << wide.fraction_bits;
    let exponents = wide.infinity() as u32;
    let quiet = 1u32 << (wide.fraction_bits - 1);
    // SAFETY: the module's features.
    unsafe {
        let magnitude = _mm512_and_si512(bytes, set8(0x7f));
        // Moved to its places, and the difference of the biases added: the part of that which falls into the lower byte, a step
        // of the exponent, before.
        let stepped = _mm512_add_epi8(magnitude, set8((offset & 0xff) >> lift));
        let mut lower = _mm512_and_si512(shift_left(stepped, lift), set8(0xff << lift));
        let upper = shift_right(stepped, 8 - lift);
        let upper = _mm512_and_si512(upper, set8(0xff >> (8 - lift)));
        let mut upper = _mm512_add_epi8(upper, set8(offset >> 8));
        if rebias != 0 {
            let tables = const { &subnormals(S::FORMAT, W::FORMAT) };
            let end = const { subnormals_end(S::FORMAT, W::FORMAT) };
            let is_below = _mm512_cmplt_epu8_mask(magnitude, set8(end));
            upper = _mm512_mask_shuffle_epi8(upper, is_below, table(&tables.0), magnitude);
            lower = _mm512_mask_shuffle_epi8(lower, is_below, table(&tables.1), magnitude);
        }
        match small.special {
            Special::Ieee => {
                let infinity = set8(small.infinity() as u32);
                let special = _mm512_cmpge_epu8_mask(magnitude, infinity);
                let nan = _mm512_cmpgt_epu8_mask(magnitude, infinity);
                let all = _mm512_maskz_mov_epi8(special, set8(exponents >> 8));
                let quiets = _mm512_maskz_mov_epi8(nan, set8(quiet >> 8));
                upper = _mm512_or_si512(upper, _mm512_or_si512(all, quiets));
                let all = _mm512_maskz_mov_epi8(special, set8(exponents));
                let quiets = _mm512_maskz_mov_epi8(nan, set8(quiet));
                lower = _mm512_or_si512(lower, _mm512_or_si512(all, quiets));
            }
            Special::Fn | Special::Fnuz => {
                let nan = match small.special {
                    Special::Fn => _mm512_cmpgt_epu8_mask(magnitude, set8(small.largest() as u32)),
                    _ => _mm512_cmpeq_epu8_mask(bytes, set8(0x80)),
                };
                let pattern = exponents | quiet;
                upper = _mm512_mask_mov_epi8(upper, nan, set8(pattern >> 8));
                lower = _mm512_mask_mov_epi8(lower, nan, set8(pattern));
            }
            Special::Finite => {}
        }
        let upper = _mm512_or_si512(upper, _mm512_and_si512(bytes, set8(0x80)));
        (
            _mm512_unpacklo_epi8(lower, upper),
            _mm512_unpackhi_epi8(lower, upper),
        )
    }
}

/// A float of eight bits, which is read as bfloat16: the upper half of binary32.
pub struct Eight<S>(S);

impl<S: Float> Load<__m512> for Eight<S> {
    const SIZE: usize = 1;
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Singles {
        // SAFETY: the caller's promise.
        unsafe {
            // Fours that are unpacked twice come to lie in order.
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let bytes = _mm512_permutexvar_epi32(order, load512(from));
            let (first, last) = lengthened::<S, float::BF16>(bytes);
            let zero = _mm512_setzero_si512();
            let words = [
                _mm512_unpacklo_epi16(zero, first),
                _mm512_unpackhi_epi16(zero, first),
                _mm512_unpacklo_epi16(zero, last),
                _mm512_unpackhi_epi16(zero, last),
            ];
            each!(words, |sixteen| _mm512_castsi512_ps(sixteen))
        }
    }
}
