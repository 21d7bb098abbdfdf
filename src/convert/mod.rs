//! Elements of one dtype to elements of another, through an exact intermediate in blocks of 64-bit words.
//!
//! Every real scalar is decoded to one of three carriers that hold all its values: a signed or an unsigned 64-bit
//! integer, or the bits of a binary64. An encoder takes words of a carrier to its own format and rounds once. So there is
//! one decoder per scalar and one encoder per scalar and carrier, not one kernel per pair.
//!
//! That is the definition, and all of it is integer arithmetic: neither the rounding mode nor the flushing of subnormals that the calling program may
//! have set changes a bit. [`round`] holds the one rounding.
//!
//! Sub-byte scalars are decoded and encoded one to a byte; [`unpack`] and [`pack`] move them from and to packed streams.
//! Complex numbers are two reals to this layer.
//!
//! For the pairs that matter, [`packed`] has kernels that convert adjacent elements in registers, to the same bits.

mod bits;
mod e8m0;
mod float;
mod integer;
mod kernel;
mod number;
mod packed;
mod reader;
mod round;

pub use bits::{pack, unpack};
pub use kernel::{Kernel, kernel};
pub use number::Value;
pub use packed::Standard;
pub use reader::{BLOCK, Reader};

use crate::dtype::{Overflow, Scalar};

/// What a word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// An `i64`.
    Signed,
    /// A `u64`.
    Unsigned,
    /// The bits of a binary64.
    Float,
}

/// Reads `words.len()` elements, `stride` bytes apart, the first at `source`. The elements must be readable; they may be
/// at any address.
pub type Decode = unsafe fn(source: *const u8, stride: isize, words: &mut [u64]);

/// Writes `words.len()` elements, `stride` bytes apart, the first at `destination`. The places must be writable; they may
/// be at any address.
pub type Encode = unsafe fn(words: &[u64], destination: *mut u8, stride: isize, Overflow);

/// How a real scalar is read, and into which carrier. None for complex numbers and opaque handles.
pub fn decoder(from: Scalar) -> Option<(Decode, Carrier)> {
    use Carrier::{Float, Signed, Unsigned};
    use Scalar::*;
    Some(match from {
        Bool => (integer::decode_bool, Unsigned),
        Int1 => (integer::decode_signed_bits::<1>, Signed),
        Int2 => (integer::decode_signed_bits::<2>, Signed),
        Int4 => (integer::decode_signed_bits::<4>, Signed),
        Int8 => (integer::decode::<i8>, Signed),
        Int16 => (integer::decode::<i16>, Signed),
        Int32 => (integer::decode::<i32>, Signed),
        Int64 => (integer::decode::<i64>, Signed),
        UInt1 => (integer::decode_unsigned_bits::<1>, Unsigned),
        UInt2 => (integer::decode_unsigned_bits::<2>, Unsigned),
        UInt4 => (integer::decode_unsigned_bits::<4>, Unsigned),
        UInt8 => (integer::decode::<u8>, Unsigned),
        UInt16 => (integer::decode::<u16>, Unsigned),
        UInt32 => (integer::decode::<u32>, Unsigned),
        UInt64 => (integer::decode::<u64>, Unsigned),
        Float16 => (float::decode::<float::F16>, Float),
        BFloat16 => (float::decode::<float::BF16>, Float),
        Float32 => (float::decode::<float::F32>, Float),
        Float64 => (integer::decode::<u64>, Float),
        Float8E3M4 => (float::decode::<float::E3M4>, Float),
        Float8E4M3 => (float::decode::<float::E4M3>, Float),
        Float8E4M3B11Fnuz => (float::decode::<float::E4M3B11Fnuz>, Float),
        Float8E4M3Fn => (float::decode::<float::E4M3Fn>, Float),
        Float8E4M3Fnuz => (float::decode::<float::E4M3Fnuz>, Float),
        Float8E5M2 => (float::decode::<float::E5M2>, Float),
        Float8E5M2Fnuz => (float::decode::<float::E5M2Fnuz>, Float),
        Float8E8M0Fnu => (e8m0::decode, Float),
        Float6E2M3Fn => (float::decode::<float::E2M3Fn>, Float),
        Float6E3M2Fn => (float::decode::<float::E3M2Fn>, Float),
        Float4E2M1Fn => (float::decode::<float::E2M1Fn>, Float),
        Complex32 | Complex64 | Complex128 | Opaque(_) => return None,
    })
}

/// How a carrier is written as a real scalar. None for complex numbers and opaque handles.
pub fn encoder(to: Scalar, carrier: Carrier) -> Option<Encode> {
    Some(match carrier {
        Carrier::Signed => encoder_of::<number::Signed>(to)?,
        Carrier::Unsigned => encoder_of::<number::Unsigned>(to)?,
        Carrier::Float => encoder_of::<number::Binary64>(to)?,
    })
}

fn encoder_of<C: number::Word>(to: Scalar) -> Option<Encode> {
    use Scalar::*;
    Some(match to {
        Bool => integer::encode_bool::<C>,
        Int1 => integer::encode::<C, u8, 1, true>,
        Int2 => integer::encode::<C, u8, 2, true>,
        Int4 => integer::encode::<C, u8, 4, true>,
        Int8 => integer::encode::<C, u8, 8, true>,
        Int16 => integer::encode::<C, u16, 16, true>,
        Int32 => integer::encode::<C, u32, 32, true>,
        Int64 => integer::encode::<C, u64, 64, true>,
        UInt1 => integer::encode::<C, u8, 1, false>,
        UInt2 => integer::encode::<C, u8, 2, false>,
        UInt4 => integer::encode::<C, u8, 4, false>,
        UInt8 => integer::encode::<C, u8, 8, false>,
        UInt16 => integer::encode::<C, u16, 16, false>,
        UInt32 => integer::encode::<C, u32, 32, false>,
        UInt64 => integer::encode::<C, u64, 64, false>,
        Float16 => float::encode::<C, float::F16>,
        BFloat16 => float::encode::<C, float::BF16>,
        Float32 => float::encode::<C, float::F32>,
        Float64 => float::encode::<C, float::F64>,
        Float8E3M4 => float::encode::<C, float::E3M4>,
        Float8E4M3 => float::encode::<C, float::E4M3>,
        Float8E4M3B11Fnuz => float::encode::<C, float::E4M3B11Fnuz>,
        Float8E4M3Fn => float::encode::<C, float::E4M3Fn>,
        Float8E4M3Fnuz => float::encode::<C, float::E4M3Fnuz>,
        Float8E5M2 => float::encode::<C, float::E5M2>,
        Float8E5M2Fnuz => float::encode::<C, float::E5M2Fnuz>,
        Float8E8M0Fnu => e8m0::encode::<C>,
        Float6E2M3Fn => float::encode::<C, float::E2M3Fn>,
        Float6E3M2Fn => float::encode::<C, float::E3M2Fn>,
        Float4E2M1Fn => float::encode::<C, float::E2M1Fn>,
        Complex32 | Complex64 | Complex128 | Opaque(_) => return None,
    })
}

/// Whether a word holds zero, of either sign.
pub fn is_zero(carrier: Carrier, word: u64) -> bool {
    number::number(carrier, word) == number::Number::ZERO
}

/// Whether a value is the same number after conversion. NaN survives where there is a NaN.
pub fn survives(carrier: Carrier, word: u64, to: Scalar, overflow: Overflow) -> bool {
    let (Some(encode), Some((decode, back_carrier))) = (encoder(to, carrier), decoder(to)) else {
        return false;
    };
    let mut element = [0u8; 8];
    let mut back = [0];
    // SAFETY: eight bytes hold any real scalar.
    unsafe {
        encode(&[word], element.as_mut_ptr(), 0, overflow);
        decode(element.as_ptr(), 0, &mut back);
    }
    number::number(carrier, word) == number::number(back_carrier, back[0])
}

/// Calls `each` with a pointer to every element of a strided run.
///
/// # Safety
/// What `each` does with its pointer is allowed for `words.len()` elements, `stride` bytes apart from `first` on.
#[inline(always)]
unsafe fn for_each_element<W>(
    words: impl ExactSizeIterator<Item = W>,
    first: *const u8,
    stride: isize,
    mut each: impl FnMut(W, *mut u8),
) {
    let mut element = first.cast_mut();
    for word in words {
        each(word, element);
        element = element.wrapping_offset(stride);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(from: Scalar, bits: u64, to: Scalar, overflow: Overflow) -> u64 {
        let (decode, carrier) = decoder(from).unwrap();
        let encode = encoder(to, carrier).unwrap();
        let (source, mut word, mut target) = (bits.to_le_bytes(), [0], [0u8; 8]);
        // SAFETY: eight bytes hold any real scalar.
        unsafe {
            decode(source.as_ptr(), 0, &mut word);
            encode(&word, target.as_mut_ptr(), 0, overflow);
        }
        u64::from_le_bytes(target)
    }

    fn default(from: Scalar, bits: u64, to: Scalar) -> u64 {
        convert(from, bits, to, Overflow::Default)
    }

    #[test]
    fn f64_to_f16_rounds_once() {
        use Scalar::{Float16, Float64};
        // Just above, at and below the midpoint of 1 and the next float16.
        let midpoint = 1.0 + 2f64.powi(-11);
        let above = f64::from_bits(midpoint.to_bits() + 1);
        assert_eq!(default(Float64, above.to_bits(), Float16), 0x3c01);
        assert_eq!(default(Float64, midpoint.to_bits(), Float16), 0x3c00);
        assert_eq!(default(Float64, 65520f64.to_bits(), Float16), 0x7c00);
        assert_eq!(
            default(
                Float64,
                f64::from_bits(65520f64.to_bits() - 1).to_bits(),
                Float16
            ),
            0x7bff
        );
        // The midpoint of zero and the smallest subnormal.
        assert_eq!(default(Float64, 2f64.powi(-25).to_bits(), Float16), 0);
        assert_eq!(default(Float64, 2f64.powi(-25).to_bits() + 1, Float16), 1);
    }

    #[test]
    fn integers_reach_floats_in_one_rounding() {
        use Scalar::{BFloat16, Float32, Int64, UInt64};
        // Through float64 these would land on a midpoint and then go to even.
        let value = (1u64 << 62) + (1 << 38) + 1;
        assert_eq!(
            default(Int64, value, Float32),
            u64::from(((1u64 << 62) as f32).to_bits() + 1)
        );
        let value = (1u64 << 63) + (1 << 55) + 1;
        assert_eq!(default(UInt64, value, BFloat16), 0x5f01);
        assert_eq!(default(Int64, i64::MIN as u64, Float32), 0xdf00_0000);
    }

    #[test]
    fn floats_saturate_to_integers() {
        use Scalar::{Float64, Int4, Int64, UInt8, UInt64};
        assert_eq!(default(Float64, 300f64.to_bits(), UInt8), 255);
        assert_eq!(default(Float64, (-1f64).to_bits(), UInt8), 0);
        assert_eq!(default(Float64, f64::NAN.to_bits(), UInt8), 0);
        assert_eq!(default(Float64, (-9f64).to_bits(), Int4), 0x8);
        assert_eq!(default(Float64, 9f64.to_bits(), Int4), 0x7);
        assert_eq!(default(Float64, (-1.9f64).to_bits(), Int4), 0xf);
        assert_eq!(default(Float64, f64::INFINITY.to_bits(), UInt64), u64::MAX);
        assert_eq!(
            default(Float64, 2f64.powi(63).to_bits(), Int64),
            i64::MAX as u64
        );
        assert_eq!(
            default(Float64, (-2f64.powi(63)).to_bits(), Int64),
            i64::MIN as u64
        );
    }

    #[test]
    fn overflow_follows_the_option() {
        use Overflow::{Default, Nan, Saturate};
        use Scalar::*;
        let inf = f64::INFINITY.to_bits();
        for (to, default, nan, saturate) in [
            (Float16, 0x7c00, 0x7c00, 0x7bff),
            (Float8E4M3Fn, 0x7e, 0x7f, 0x7e),
            (Float8E4M3Fnuz, 0x80, 0x80, 0x7f),
            (Float8E5M2, 0x7c, 0x7c, 0x7b),
            (Float8E3M4, 0x70, 0x70, 0x6f),
            (Float6E3M2Fn, 0x1f, 0x1f, 0x1f),
            (Float4E2M1Fn, 0x7, 0x7, 0x7),
            (Float8E8M0Fnu, 0xff, 0xff, 0xfe),
        ] {
            for value in [inf, 1e300f64.to_bits()] {
                assert_eq!(convert(Float64, value, to, Default), default, "{to:?}");
                assert_eq!(convert(Float64, value, to, Nan), nan, "{to:?}");
                assert_eq!(convert(Float64, value, to, Saturate), saturate, "{to:?}");
            }
        }
    }

    #[test]
    fn nan_stays_nan_with_its_sign() {
        use Scalar::*;
        let signalling = 0xfff4_0000_0000_0000;
        assert_eq!(default(Float64, signalling, Float32), 0xffe0_0000);
        assert_eq!(default(Float64, signalling, Float8E4M3Fn), 0xff);
        assert_eq!(default(Float64, signalling, Float8E4M3Fnuz), 0x80);
        assert_eq!(default(Float64, signalling, Float6E2M3Fn), 0x20);
        assert_eq!(default(Float64, signalling, Bool), 1);
        assert_eq!(default(Float8E4M3Fnuz, 0x80, Float32), 0xffc0_0000);
    }

    #[test]
    fn formats_without_negative_zero_lose_it() {
        use Scalar::*;
        let tiny = (-1e-300f64).to_bits();
        for value in [(-0f64).to_bits(), tiny] {
            assert_eq!(default(Float64, value, Float8E5M2Fnuz), 0);
            assert_eq!(default(Float64, value, Float8E5M2), 0x80);
        }
    }

    #[test]
    fn every_small_float_survives_the_way_through_float64() {
        use Scalar::*;
        for scalar in [
            Float16,
            BFloat16,
            Float8E3M4,
            Float8E4M3,
            Float8E4M3B11Fnuz,
            Float8E4M3Fn,
            Float8E4M3Fnuz,
            Float8E5M2,
            Float8E5M2Fnuz,
            Float8E8M0Fnu,
            Float6E2M3Fn,
            Float6E3M2Fn,
            Float4E2M1Fn,
        ] {
            for bits in 0..1u64 << scalar.bits() {
                let wide = default(scalar, bits, Float64);
                if !f64::from_bits(wide).is_nan() {
                    assert_eq!(default(Float64, wide, scalar), bits, "{scalar:?}");
                }
            }
        }
    }

    #[test]
    fn survival_is_about_numbers() {
        let survives =
            |value: f64, to| survives(Carrier::Float, value.to_bits(), to, Overflow::Default);
        assert!(survives(-0.0, Scalar::Int8));
        assert!(survives(127.0, Scalar::Int8));
        assert!(!survives(128.0, Scalar::Int8));
        assert!(!survives(0.5, Scalar::Int8));
        assert!(!survives(f64::NAN, Scalar::Int8));
        assert!(survives(f64::NAN, Scalar::Float16));
        assert!(!survives(f64::NAN, Scalar::Float4E2M1Fn));
        assert!(survives(1.0, Scalar::Bool));
        assert!(!survives(2.0, Scalar::Bool));
        assert!(!survives(f64::INFINITY, Scalar::Float8E4M3Fn));
    }
}
