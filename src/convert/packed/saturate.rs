//! Saturation of the wide formats: what overflowed is an infinity, as infinities are, and becomes the largest finite number.

use crate::convert::float::{self, Float};
use crate::dtype::Scalar;

/// Replaces the infinities among `count` adjacent numbers, at any address.
pub type Saturate = unsafe fn(at: *mut u8, count: usize);

/// Replaces infinities: encodings whose magnitude is `$infinity`. The one before it is the largest finite number's.
macro_rules! saturate {
    ($bits:ty, $infinity:expr) => {{
        /// # Safety
        /// The numbers are readable and writable.
        unsafe fn saturate(at: *mut u8, count: usize) {
            const INFINITY: $bits = $infinity as $bits;
            let at = at.cast::<$bits>();
            for i in 0..count {
                // SAFETY: the caller's promise.
                unsafe {
                    let bits = at.add(i).read_unaligned();
                    let is_infinite = bits & (<$bits>::MAX >> 1) == INFINITY;
                    at.add(i).write_unaligned(bits - <$bits>::from(is_infinite));
                }
            }
        }
        saturate
    }};
}

/// What saturates the numbers of a wide format.
pub fn of(to: Scalar) -> Option<Saturate> {
    Some(match to {
        Scalar::Float16 => saturate!(u16, float::F16::FORMAT.infinity()),
        Scalar::BFloat16 => saturate!(u16, float::BF16::FORMAT.infinity()),
        Scalar::Float32 => saturate!(u32, float::F32::FORMAT.infinity()),
        Scalar::Float64 => saturate!(u64, float::F64::FORMAT.infinity()),
        _ => return None,
    })
}
