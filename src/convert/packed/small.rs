//! Elements of at most eight bits, one to a byte: floats by tables of all their encodings, but for powers of two, sub-byte integers by shifts.

use super::element::Parameters;
use super::narrow::widen;
use super::steps::Run;
use crate::convert::float::{self, Float};
use crate::dtype::Scalar;

/// The binary32 of every byte. Bits that are not the element's do not count.
pub type Table = [f32; 256];

const fn floats<F: Float>() -> Table {
    let mut table = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        let encoding = byte as u32 & ((1 << F::FORMAT.bits) - 1);
        table[byte] = widen(encoding, F::FORMAT);
        byte += 1;
    }
    table
}

/// An integer in the low bits of a byte, as an 8-bit integer.
const fn extended(byte: u8, bits: u32, signed: bool) -> u8 {
    let unused = 8 - bits;
    if signed {
        ((byte << unused) as i8 >> unused) as u8
    } else {
        byte << unused >> unused
    }
}

static E3M4: Table = floats::<float::E3M4>();
static E4M3: Table = floats::<float::E4M3>();
static E4M3B11: Table = floats::<float::E4M3B11Fnuz>();
static E4M3FN: Table = floats::<float::E4M3Fn>();
static E4M3FNUZ: Table = floats::<float::E4M3Fnuz>();
static E5M2: Table = floats::<float::E5M2>();
static E5M2FNUZ: Table = floats::<float::E5M2Fnuz>();
pub static E2M3: Table = floats::<float::E2M3Fn>();
pub static E3M2: Table = floats::<float::E3M2Fn>();
pub static E2M1: Table = floats::<float::E2M1Fn>();

/// Powers of two to binary32, which they are the exponents of.
///
/// # Safety
/// As for [`super::Steps::run`].
unsafe fn scales(from: *const u8, to: *mut u8, count: usize, _: Parameters) {
    for i in 0..count {
        // SAFETY: the caller's promise.
        unsafe {
            let code = u32::from(*from.add(i));
            // The lowest is subnormal in binary32, and the highest is not a number.
            let is_end = code == 0 || code == 0xff;
            let bits = code << 23 | u32::from(is_end) << 22;
            to.cast::<u32>().add(i).write_unaligned(bits);
        }
    }
}

/// A float of at most eight bits to binary32.
pub fn to_single(from: Scalar) -> Option<Run> {
    macro_rules! by {
        ($table:ident) => {{
            /// # Safety
            /// As for `Steps::run`.
            unsafe fn run(from: *const u8, to: *mut u8, count: usize, _: Parameters) {
                let to = to.cast::<f32>();
                for i in 0..count {
                    // SAFETY: the caller's promise.
                    unsafe { to.add(i).write_unaligned($table[usize::from(*from.add(i))]) }
                }
            }
            run
        }};
    }
    Some(match from {
        Scalar::Float8E3M4 => by!(E3M4),
        Scalar::Float8E4M3 => by!(E4M3),
        Scalar::Float8E4M3B11Fnuz => by!(E4M3B11),
        Scalar::Float8E4M3Fn => by!(E4M3FN),
        Scalar::Float8E4M3Fnuz => by!(E4M3FNUZ),
        Scalar::Float8E5M2 => by!(E5M2),
        Scalar::Float8E5M2Fnuz => by!(E5M2FNUZ),
        Scalar::Float8E8M0Fnu => scales,
        Scalar::Float6E2M3Fn => by!(E2M3),
        Scalar::Float6E3M2Fn => by!(E3M2),
        Scalar::Float4E2M1Fn => by!(E2M1),
        _ => return None,
    })
}

/// A sub-byte integer to the 8-bit integer of the same kind.
pub fn to_byte(from: Scalar) -> Option<(Run, Scalar)> {
    /// # Safety
    /// As for `Steps::run`.
    unsafe fn run<const BITS: u32, const SIGNED: bool>(
        from: *const u8,
        to: *mut u8,
        count: usize,
        _: Parameters,
    ) {
        for i in 0..count {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i) = extended(*from.add(i), BITS, SIGNED) }
        }
    }
    Some(match from {
        Scalar::Int1 => (run::<1, true> as Run, Scalar::Int8),
        Scalar::Int2 => (run::<2, true>, Scalar::Int8),
        Scalar::Int4 => (run::<4, true>, Scalar::Int8),
        Scalar::UInt1 => (run::<1, false>, Scalar::UInt8),
        Scalar::UInt2 => (run::<2, false>, Scalar::UInt8),
        Scalar::UInt4 => (run::<4, false>, Scalar::UInt8),
        _ => return None,
    })
}
