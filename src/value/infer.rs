//! The dtype of a value: that of its memory and numbers together, or the one that was asked for.
//!
//! Numbers count by category, as in torch: bool, int64 for integers, the default dtype for real and its complex
//! counterpart for complex numbers. Memory has a dtype of its own. What holds them all is found by promotion.

use super::Number;
use super::outline::Visitor;
use crate::dtype::{
    Casting, DType, Kind, Scalar, check_cast, default_complex, default_float, promote,
};
use crate::error::{Error, Result};
use crate::tensor::Descriptor;

/// What is known of the items so far.
pub struct Inference {
    given: Option<DType>,
    casting: Casting,
    padded: bool,
    /// Of the memory.
    memory: Option<DType>,
    bools: bool,
    integers: bool,
    reals: bool,
    complexes: bool,
}

impl Inference {
    /// Nothing is known but the dtype asked for, if one was.
    pub fn new(given: Option<DType>, casting: Casting, padded: bool) -> Self {
        Self {
            given,
            casting,
            padded,
            memory: None,
            bools: false,
            integers: false,
            reals: false,
            complexes: false,
        }
    }

    /// The dtypes of the numbers seen.
    fn of_numbers(&self) -> impl Iterator<Item = DType> {
        [
            (self.bools, DType::of_scalar(Scalar::Bool)),
            (self.integers, DType::of_scalar(Scalar::Int64)),
            (self.reals, default_float()),
            (self.complexes, default_complex()),
        ]
        .into_iter()
        .filter(|(seen, _)| *seen)
        .map(|(_, dtype)| dtype)
    }

    /// The dtype of the tensor.
    pub fn dtype(&self) -> Result<DType> {
        if let Some(given) = self.given {
            for dtype in self.of_numbers() {
                self.check(dtype, given)?;
            }
            return Ok(given);
        }
        let mut found = None;
        for dtype in self.of_numbers().chain(self.memory) {
            found = Some(match found {
                Some(before) => promote(before, dtype)?,
                None => dtype,
            });
        }
        Ok(found
            .unwrap_or_else(default_float)
            .with_padding(self.padded))
    }

    /// An error if a dtype cannot become the one asked for, or must not.
    fn check(&self, from: DType, to: DType) -> Result<()> {
        from.check_convertible(to)?;
        let loses_part = from.scalar().kind() == Kind::Complex
            && !matches!(to.scalar().kind(), Kind::Complex | Kind::Bool);
        if loses_part {
            return Err(Error::NotConvertible {
                from: from.text(),
                to: to.text(),
                reason: "the imaginary parts would be lost",
            });
        }
        check_cast(from, to, self.casting)
    }
}

impl Visitor for Inference {
    #[inline(always)]
    fn number(&mut self, number: Number) -> Result<()> {
        match number {
            Number::Bool(_) => self.bools = true,
            Number::Signed(_) | Number::Unsigned(_) => self.integers = true,
            Number::Real(_) => self.reals = true,
            Number::Complex(..) => self.complexes = true,
        }
        Ok(())
    }

    unsafe fn memory(&mut self, memory: &Descriptor<'_>) -> Result<()> {
        if let Some(given) = self.given {
            return self.check(memory.dtype, given);
        }
        let dtype = match self.memory {
            Some(before) => promote(before, memory.dtype)?,
            None => memory.dtype,
        };
        self.memory = Some(dtype);
        Ok(())
    }
}
