//! To floats of eight bits, sixty-four to a register, by tables of bytes: AVX-512 VBMI.
//!
//! Of integers of eight bits the magnitude is looked up. Of a float of sixteen or thirty-two bits a byte holds what stays of its
//! magnitude if that is normal in the result, counted from the greatest one that rounds to zero, and another what is lost. What is
//! subnormal in the result is looked up by the former; how others round, where it is few bits, by the latter.

use super::bytes::{join_signs, shift_left, shift_right};
use super::*;
use crate::convert::float::Float;
use crate::convert::round::{Format, Special};

/// A group as two registers of floats of sixteen bits.
pub trait Sixteens {
    /// Bytes of an element.
    const SIZE: usize;
    /// The format that it is read as.
    const FORMAT: Format;
    /// Whether elements sixteen places apart take turns in a register. Else they are in order.
    const IN_TURNS: bool;
    /// A group.
    ///
    /// # Safety
    /// The group is readable.
    unsafe fn load(from: *const u8) -> [__m512i; 2];
}

/// Floats of sixteen bits, as they lie.
macro_rules! sixteens {
    ($($name:ident),*) => {$(
        impl Sixteens for $name {
            const SIZE: usize = 2;
            const FORMAT: Format = float::$name::FORMAT;
            const IN_TURNS: bool = false;
            #[inline(always)]
            unsafe fn load(from: *const u8) -> [__m512i; 2] {
                // SAFETY: the caller's promise.
                unsafe { [load512(from), load512(from.add(64))] }
            }
        }
    )*};
}

sixteens!(F16, BF16);

/// The upper halves, with one of their last two bits set where something is in the lower ones: of the bits that a float of eight
/// loses of them, these are not the first.
impl Sixteens for F32 {
    const SIZE: usize = 4;
    const FORMAT: Format = float::BF16::FORMAT;
    const IN_TURNS: bool = true;
    #[inline(always)]
    unsafe fn load(from: *const u8) -> [__m512i; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            [
                odd_halves(load512(from), load512(from.add(64))),
                odd_halves(load512(from.add(128)), load512(from.add(192))),
            ]
        }
    }
}

/// The upper halves of the numbers of two registers, in turns.
#[inline(always)]
unsafe fn odd_halves(first: __m512i, second: __m512i) -> __m512i {
    const SECOND: __mmask32 = 0xaaaa_aaaa;
    // SAFETY: the module's features.
    unsafe {
        let upper = _mm512_mask_blend_epi16(SECOND, _mm512_srli_epi32::<16>(first), second);
        let lower = _mm512_mask_blend_epi16(SECOND, first, _mm512_slli_epi32::<16>(second));
        _mm512_or_si512(upper, _mm512_min_epu16(lower, set16(3)))
    }
}

/// Rounds to a float of eight bits.
pub struct ByTables<L, S>(L, S);

impl<L: Sixteens, S: Float> ByTables<L, S> {
    const FRACTION: u32 = S::FORMAT.fraction_bits;
    /// Bits that a number which is normal in the result loses.
    const LOST: u32 = {
        let lost = L::FORMAT.fraction_bits - Self::FRACTION;
        assert!(2 < lost && lost < 8);
        lost
    };
    /// Whether a table holds how they round, together with the last bit that stays.
    const HAS_FEW: bool = Self::LOST < 6;
    /// The greatest magnitude that rounds to zero, half of the smallest that there is. It is normal.
    const ZERO: u32 = {
        let exponent = L::FORMAT.bias - S::FORMAT.bias - Self::FRACTION as i32;
        assert!(exponent > 0);
        (exponent as u32) << L::FORMAT.fraction_bits
    };
    /// What stays of normal numbers is their encoding and as much more.
    const MORE: u32 = Self::FRACTION << Self::FRACTION;
    /// What stays of the first normal one.
    const NORMAL: u32 = (Self::FRACTION + 1) << Self::FRACTION;

    /// What is added to what stays of a normal number, by the last bit of that and the lost ones.
    const ROUNDING: [u8; 64] = {
        let fraction = Self::FRACTION;
        let mut table = [0; 64];
        let mut i = 0;
        while i < 64 && Self::HAS_FEW {
            // The first normal number, with these bits.
            let bits = i & ((2 << Self::LOST) - 1);
            let significand = 1 << 63 | bits << (63 - fraction - Self::LOST);
            let code = S::FORMAT.round(significand, 1 - S::FORMAT.bias);
            let kept = 1 << fraction | bits >> Self::LOST;
            table[i as usize] = (code - kept).wrapping_sub(Self::MORE as u64) as u8;
            i += 1;
        }
        table
    };
    /// The encodings of numbers that are subnormal, by what stays of them, if nothing is lost.
    const EXACT: [u8; 128] = Self::subnormals(0);
    /// And if something is.
    const GREATER: [u8; 128] = Self::subnormals(1);

    const fn subnormals(greater: u64) -> [u8; 128] {
        let (fraction, bias) = (Self::FRACTION, S::FORMAT.bias);
        let mut table = [0; 128];
        let mut i = 0;
        while i < Self::NORMAL {
            let exponent = (i >> fraction) as i32 - bias - fraction as i32;
            let significand = 1 << fraction | (i & ((1 << fraction) - 1)) as u64;
            let significand = significand << (63 - fraction) | greater;
            table[i as usize] = S::FORMAT.round(significand, exponent) as u8;
            i += 1;
        }
        table
    }

    /// Which element is where after packing.
    const ORDER: [u8; GROUP] = {
        let mut order = [0; GROUP];
        let mut i = 0;
        while i < GROUP {
            let word = if L::IN_TURNS {
                2 * (i % 16) + i / 16 % 2
            } else {
                i % 32
            };
            order[i] = (word / 8 * 16 + i / 32 * 8 + word % 8) as u8;
            i += 1;
        }
        order
    };

    /// By how many bits [`Self::above`] is shifted.
    const LIFTED: u32 = if Self::HAS_FEW { 0 } else { 1 };

    /// How far thirty-two magnitudes are above [`Self::ZERO`], or nothing.
    #[inline(always)]
    unsafe fn above(words: __m512i) -> __m512i {
        // SAFETY: the module's features.
        unsafe {
            let magnitude = if Self::LIFTED == 0 {
                _mm512_and_si512(words, set16(0x7fff))
            } else {
                _mm512_add_epi16(words, words)
            };
            _mm512_subs_epu16(magnitude, set16(Self::ZERO << Self::LIFTED))
        }
    }

    /// What stays of the numbers of which these are [`Self::above`], held inside a byte.
    #[inline(always)]
    unsafe fn kept(first: __m512i, second: __m512i) -> __m512i {
        let places = Self::LOST + Self::LIFTED;
        // SAFETY: the module's features.
        unsafe { _mm512_packus_epi16(shift_right(first, places), shift_right(second, places)) }
    }

    /// The same bits of two registers of words, few enough for a byte.
    #[inline(always)]
    unsafe fn lower(first: __m512i, second: __m512i, bits: u32) -> __m512i {
        // SAFETY: the module's features.
        unsafe {
            let mask = set16(bits);
            _mm512_packus_epi16(
                _mm512_and_si512(first, mask),
                _mm512_and_si512(second, mask),
            )
        }
    }

    /// Encodings without signs, with those of NaNs where the numbers are none.
    #[inline(always)]
    unsafe fn with_nans(codes: __m512i, first: __m512i, second: __m512i) -> __m512i {
        // SAFETY: the module's features.
        unsafe {
            let encoding = match S::FORMAT.special {
                Special::Ieee => {
                    let first = shift_right(first, Self::LOST);
                    let second = shift_right(second, Self::LOST);
                    let payload = Self::lower(first, second, (1 << Self::FRACTION) - 1);
                    let quiet = S::FORMAT.infinity() as u32 | 1 << (Self::FRACTION - 1);
                    _mm512_or_si512(payload, set8(quiet))
                }
                Special::Fn => set8(S::FORMAT.largest() as u32 + 1),
                Special::Fnuz | Special::Finite => set8(S::FORMAT.sign() as u32),
            };
            let nans = _mm512_packs_epi16(Self::nans(first), Self::nans(second));
            _mm512_mask_mov_epi8(codes, _mm512_movepi8_mask(nans), encoding)
        }
    }

    /// Words of ones where there is NaN.
    #[inline(always)]
    unsafe fn nans(words: __m512i) -> __m512i {
        let infinity = L::FORMAT.infinity() as u32;
        // SAFETY: the module's features.
        unsafe {
            let magnitude = _mm512_and_si512(words, set16(0x7fff));
            _mm512_movm_epi16(_mm512_cmpgt_epu16_mask(magnitude, set16(infinity)))
        }
    }

    /// Bytes of a table for what stays of subnormal numbers, where the mask is set.
    #[inline(always)]
    unsafe fn chosen(there: __m512i, mask: __mmask64, table: &[u8; 128], kept: __m512i) -> __m512i {
        // SAFETY: the module's features; a table is two registers long.
        unsafe {
            if Self::NORMAL as usize <= LINE {
                let table = load512(table.as_ptr());
                return _mm512_mask_permutexvar_epi8(there, mask, kept, table);
            }
            _mm512_mask_mov_epi8(there, mask, looked_up(table.as_ptr(), kept))
        }
    }
}

impl<L: Sixteens, S: Float> Group for ByTables<L, S> {
    const FROM: usize = L::SIZE;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let [first, second] = L::load(from);
            let (first_above, second_above) = (Self::above(first), Self::above(second));
            let kept = Self::kept(first_above, second_above);
            let below = _mm512_cmplt_epu8_mask(kept, set8(Self::NORMAL));
            let (codes, greater) = if Self::HAS_FEW {
                let half = 1 << (Self::LOST - 1);
                let places = Self::lower(first_above, second_above, 4 * half - 1);
                let table = load512(const { &Self::ROUNDING }.as_ptr());
                let rounding = _mm512_permutexvar_epi8(places, table);
                let lost = set8(2 * half - 1);
                (
                    _mm512_add_epi8(kept, rounding),
                    _mm512_mask_test_epi8_mask(below, places, lost),
                )
            } else {
                // From the top of a byte, so that the last bit is free.
                let places = 8 - Self::LOST - Self::LIFTED;
                let first = shift_left(first_above, places);
                let lost = Self::lower(first, shift_left(second_above, places), 0xff);
                // Up from more than a half, and from half if what stays is odd.
                let odd = _mm512_and_si512(kept, set8(1));
                let up = _mm512_cmpgt_epu8_mask(_mm512_or_si512(lost, odd), set8(0x80));
                let codes = _mm512_sub_epi8(kept, set8(Self::MORE));
                (
                    _mm512_mask_sub_epi8(codes, up, kept, set8(Self::MORE - 1)),
                    _mm512_mask_test_epi8_mask(below, lost, lost),
                )
            };
            let codes = Self::chosen(codes, below, const { &Self::EXACT }, kept);
            let codes = Self::chosen(codes, greater, const { &Self::GREATER }, kept);
            let mut codes = _mm512_min_epu8(codes, set8(parameters.overflowed));
            // What is not a number is rare.
            let infinity = (L::FORMAT.infinity() as u32 - Self::ZERO) << Self::LIFTED;
            let highest = _mm512_max_epu16(first_above, second_above);
            if _mm512_cmpgt_epu16_mask(highest, set16(infinity)) != 0 {
                codes = Self::with_nans(codes, first, second);
            }
            // Held inside eight bits, the words keep their signs.
            let signs = _mm512_packs_epi16(first, second);
            let bytes = join_signs(codes, signs, S::FORMAT);
            let order = load512(const { &Self::ORDER }.as_ptr());
            store512(to, _mm512_permutexvar_epi8(order, bytes));
        }
    }
}

/// Bytes of a table of 128, by the lower seven bits of their places.
#[inline(always)]
unsafe fn looked_up(table: *const u8, places: __m512i) -> __m512i {
    // SAFETY: the caller's promise; the table is two registers long.
    unsafe { _mm512_permutex2var_epi8(load512(table), places, load512(table.add(LINE))) }
}

/// An integer of eight bits.
pub struct OfByte<const SIGNED: bool, S>(S);

impl<const SIGNED: bool, S: Float> OfByte<SIGNED, S> {
    /// The encodings of all magnitudes. Overflow is met when they are looked up.
    const CODES: [u8; 256] = {
        let mut codes = [0; 256];
        let mut i = 1;
        while i < 256u64 {
            let zeros = i.leading_zeros();
            codes[i as usize] = S::FORMAT.round(i << zeros, 63 - zeros as i32) as u8;
            i += 1;
        }
        codes
    };
}

impl<const SIGNED: bool, S: Float> Group for OfByte<SIGNED, S> {
    const FROM: usize = 1;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        let codes = const { &Self::CODES }.as_ptr();
        // SAFETY: the caller's promise; the table is four registers long.
        unsafe {
            let bytes = load512(from);
            let magnitudes = match SIGNED {
                true => _mm512_abs_epi8(bytes),
                false => bytes,
            };
            let upper = match SIGNED {
                // There is one.
                true => set8((*codes.add(128)).into()),
                false => looked_up(codes.add(128), magnitudes),
            };
            let is_upper = _mm512_movepi8_mask(magnitudes);
            let codes = _mm512_mask_mov_epi8(looked_up(codes, magnitudes), is_upper, upper);
            let codes = _mm512_min_epu8(codes, set8(parameters.overflowed));
            let codes = match SIGNED {
                true => join_signs(codes, bytes, S::FORMAT),
                false => codes,
            };
            store512(to, codes);
        }
    }
}

/// An integer of eight bits to a float of sixteen, which holds it.
pub struct ByteTo<const SIGNED: bool, W>(W);

impl<const SIGNED: bool, W: Float> ByteTo<SIGNED, W> {
    /// The lower bytes of the encodings of all bytes, and the upper ones.
    const CODES: [[u8; 256]; 2] = {
        let mut codes = [[0; 256]; 2];
        let mut byte = 0;
        while byte < 256 {
            let integer = match SIGNED {
                true => byte as u8 as i8 as i64,
                false => byte as i64,
            };
            if integer != 0 {
                let zeros = integer.unsigned_abs().leading_zeros();
                let significand = integer.unsigned_abs() << zeros;
                let code = W::FORMAT.round(significand, 63 - zeros as i32) as u16;
                let sign = if integer < 0 { 1 << 15 } else { 0 };
                [codes[0][byte], codes[1][byte]] = (code | sign).to_le_bytes();
            }
            byte += 1;
        }
        codes
    };
}

impl<const SIGNED: bool, W: Float> Group for ByteTo<SIGNED, W> {
    const FROM: usize = 1;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        let [lower, upper] = const { &Self::CODES };
        // SAFETY: the caller's promise; the tables are four registers long each.
        unsafe {
            // Each quarter of the register begins with eight bytes of the first half.
            let order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
            let bytes = _mm512_permutexvar_epi64(order, load512(from));
            let is_second = _mm512_movepi8_mask(bytes);
            let look_up = |table: &[u8; 256]| {
                let second = looked_up(table.as_ptr().add(128), bytes);
                _mm512_mask_mov_epi8(looked_up(table.as_ptr(), bytes), is_second, second)
            };
            let (lower, upper) = (look_up(lower), look_up(upper));
            store512(to, _mm512_unpacklo_epi8(lower, upper));
            store512(to.add(64), _mm512_unpackhi_epi8(lower, upper));
        }
    }
}

/// The kernel of a pair, if tables make it faster.
pub fn direct(from: Scalar, to: Scalar) -> Option<Step> {
    match from {
        Scalar::Float16 => of_half(to),
        Scalar::Int8 => of_byte::<true>(to),
        Scalar::UInt8 => of_byte::<false>(to),
        Scalar::BFloat16 => of_any::<BF16>(to),
        Scalar::Float32 => of_any::<F32>(to),
        _ => None,
    }
}

fn of_any<L: Sixteens>(to: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($small:ident) => {
            alone::<ByTables<L, float::$small>>()
        };
    }
    for_small!(to, kernel)
}

fn of_byte<const SIGNED: bool>(to: Scalar) -> Option<Step> {
    match to {
        Scalar::Float16 => return Some(alone::<ByteTo<SIGNED, float::F16>>()),
        Scalar::BFloat16 => return Some(alone::<ByteTo<SIGNED, float::BF16>>()),
        _ => {}
    }
    macro_rules! kernel {
        ($small:ident) => {
            alone::<OfByte<SIGNED, float::$small>>()
        };
    }
    for_small!(to, kernel)
}

/// float16, of which the formats with as many exponents need no table.
fn of_half(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::Int8 => products::half_to_byte(),
        Scalar::Float8E3M4 => alone::<ByTables<F16, float::E3M4>>(),
        Scalar::Float8E4M3 => alone::<ByTables<F16, float::E4M3>>(),
        Scalar::Float8E4M3B11Fnuz => alone::<ByTables<F16, float::E4M3B11Fnuz>>(),
        Scalar::Float8E4M3Fn => alone::<ByTables<F16, float::E4M3Fn>>(),
        Scalar::Float8E4M3Fnuz => alone::<ByTables<F16, float::E4M3Fnuz>>(),
        _ => return None,
    })
}

/// The kernel of a pair, with these instructions.
fn alone<G: Group>() -> Step {
    Step::of_groups(run::<G>, GROUP)
}

/// [`super::run`] with these instructions.
///
/// # Safety
/// As for [`super::run`]; the processor has VBMI as well.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,f16c")]
unsafe fn run<G: Group>(from: *const u8, to: *mut u8, count: usize, parameters: Parameters) {
    // SAFETY: the caller's promise.
    unsafe { convert::<G, GROUP>(run::<G>, from, to, count, parameters) }
}
