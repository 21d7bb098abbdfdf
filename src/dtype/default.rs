//! The default dtypes: what real and complex numbers without a dtype of their own become. One setting for the process.

use super::{DType, Scalar};
use crate::error::{Error, Result};
use core::sync::atomic::{AtomicU8, Ordering};

/// The dtypes that may be the default.
const CHOICES: [Scalar; 4] = [
    Scalar::Float32,
    Scalar::Float64,
    Scalar::Float16,
    Scalar::BFloat16,
];

/// Index of the present choice.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// Makes `dtype` the default for real numbers.
pub fn set_default_float(dtype: DType) -> Result<()> {
    let choice = CHOICES
        .iter()
        .position(|&scalar| scalar == dtype.scalar() && dtype.lanes() == 1)
        .ok_or(Error::DefaultDType(dtype.text()))?;
    CHOSEN.store(choice as u8, Ordering::Relaxed);
    Ok(())
}

/// The dtype of real numbers.
pub fn default_float() -> DType {
    DType::of_scalar(CHOICES[usize::from(CHOSEN.load(Ordering::Relaxed))])
}

/// The dtype of complex numbers: that whose parts are the default, where there is one.
pub fn default_complex() -> DType {
    DType::of_scalar(match default_float().scalar() {
        Scalar::Float16 => Scalar::Complex32,
        Scalar::Float64 => Scalar::Complex128,
        _ => Scalar::Complex64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_dtypes_can_be_the_default() {
        for name in ["int32", "float8_e5m2", "complex64", "float32x2", "bool"] {
            let dtype = DType::from_name(name).unwrap();
            assert_eq!(
                set_default_float(dtype),
                Err(Error::DefaultDType(dtype.text()))
            );
        }
        assert_eq!(default_float().scalar(), Scalar::Float32);
        assert_eq!(default_complex().scalar(), Scalar::Complex64);
    }
}
