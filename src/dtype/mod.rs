//! The closed set of dtypes: from and to `DLDataType`, names, sizes and kinds.

mod casting;
mod default;
mod scalar;

pub use casting::{Casting, can_cast, check_cast, promote};
pub use default::{default_complex, default_float, set_default_float};
pub use scalar::{Kind, Scalar};

use crate::dlpack::DLDataType;
use crate::error::{Error, Result, Text};
use core::fmt;
use scalar::{SCALARS, row_of};

/// What a conversion does with values beyond the largest finite value of a floating-point format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Infinity where the format has one; else its NaN (fnuz) or its largest finite value.
    Default,
    /// As `Default`, but NaN for float8_e4m3fn.
    Nan,
    /// The largest finite value, for infinities too.
    Saturate,
}

/// A `DLDataType` as one word.
#[inline(always)]
const fn word_of(raw: DLDataType) -> u32 {
    raw.code as u32 | (raw.bits as u32) << 8 | (raw.lanes as u32) << 16
}

/// Type of an element: a scalar, how many of it side by side, and how sub-byte ones are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DType {
    /// As DLPack has it: code, width and lanes in one word. Code and width are those of the row.
    raw: u32,
    /// The row of [`SCALARS`], and [`PADDED`] where sub-byte lanes take one byte each. Never set for others. Two words, and not
    /// as many fields as there are parts, since this is passed through memory often.
    storage: u32,
}

const PADDED: u32 = 1 << 8;

impl DType {
    /// One lane of a scalar, packed.
    pub fn of_scalar(scalar: Scalar) -> Self {
        Self::packed(scalar, 1)
    }

    /// The dtype of a `DLDataType`; `padded` tells how sub-byte lanes are stored and is ignored for others.
    #[inline(always)]
    pub fn new(raw: DLDataType, padded: bool) -> Result<Self> {
        match row_of(raw.code, raw.bits) {
            Some(row) if raw.lanes > 0 => Ok(Self {
                raw: word_of(raw),
                storage: row,
            }
            .with_padding(padded)),
            _ => Err(Error::UnknownDType {
                code: raw.code,
                bits: raw.bits,
                lanes: raw.lanes,
            }),
        }
    }

    /// The dtype of a `DLDataType` that is stored as [`DType::storage`] tells.
    #[inline(always)]
    pub fn stored(raw: DLDataType, storage: u32) -> Self {
        let raw = word_of(raw);
        Self { raw, storage }
    }

    /// How elements are stored, which the `DLDataType` does not tell.
    #[inline(always)]
    pub fn storage(self) -> u32 {
        self.storage
    }

    /// A dtype of unpadded elements.
    fn packed(scalar: Scalar, lanes: u16) -> Self {
        let number = scalar.row_number();
        let row = &SCALARS[number];
        Self {
            raw: word_of(DLDataType {
                code: row.1,
                bits: row.2,
                lanes,
            }),
            storage: number as u32,
        }
    }

    /// The dtype of a name such as `float32` or `float4_e2m1fnx2`.
    pub fn from_name(name: &str) -> Option<Self> {
        let whole = |name: &str, lanes| {
            let row = SCALARS.iter().find(|row| row.4 == name)?;
            Some(Self::packed(row.0, lanes))
        };
        whole(name, 1).or_else(|| {
            let (scalar, lanes) = name.rsplit_once('x')?;
            // "x1" is not how a scalar is written, and a sign or leading zero no number of lanes.
            if lanes.starts_with(['0', '+']) || lanes == "1" {
                return None;
            }
            whole(scalar, lanes.parse().ok()?)
        })
    }

    /// The `DLDataType`. Whether sub-byte lanes are padded is not part of it.
    #[inline(always)]
    pub fn raw(self) -> DLDataType {
        DLDataType {
            code: self.raw as u8,
            bits: (self.raw >> 8) as u8,
            lanes: (self.raw >> 16) as u16,
        }
    }

    /// The type of one lane.
    #[inline(always)]
    pub fn scalar(self) -> Scalar {
        SCALARS[(self.storage & !PADDED) as usize].0
    }

    /// Lanes of an element.
    pub fn lanes(self) -> u16 {
        self.raw().lanes
    }

    /// Whether sub-byte lanes take one byte each.
    #[inline(always)]
    pub fn is_padded(self) -> bool {
        self.storage & PADDED != 0
    }

    /// Whether a lane is smaller than a byte, packed or padded.
    #[inline(always)]
    pub fn is_subbyte(self) -> bool {
        self.bits() < 8
    }

    /// The same dtype with sub-byte lanes stored as told.
    #[inline(always)]
    pub fn with_padding(self, padded: bool) -> Self {
        let padded = if padded && self.is_subbyte() {
            PADDED
        } else {
            0
        };
        Self {
            storage: self.storage & !PADDED | padded,
            ..self
        }
    }

    /// Bits one lane takes in memory.
    #[inline(always)]
    pub fn lane_storage_bits(self) -> u64 {
        if self.is_padded() {
            8
        } else {
            u64::from(self.bits())
        }
    }

    /// Bits one element takes in memory.
    #[inline(always)]
    pub fn storage_bits(self) -> u64 {
        self.lane_storage_bits() * u64::from(self.lanes())
    }

    /// The same element type, whatever its storage.
    #[inline(always)]
    pub fn same_type(self, other: Self) -> bool {
        self.raw == other.raw
    }

    /// Whether values of this dtype can be converted to `to`; an error that says why not.
    #[inline(always)]
    pub fn check_convertible(self, to: Self) -> Result<()> {
        if self.same_type(to) {
            return Ok(());
        }
        self.check_values_convertible(to)
    }

    /// [`DType::check_convertible`] for two different types.
    fn check_values_convertible(self, to: Self) -> Result<()> {
        let kinds = [self.scalar().kind(), to.scalar().kind()];
        let reason = if kinds.contains(&Kind::Opaque) {
            "an opaque handle has no value"
        } else if self.lanes() != to.lanes() {
            "the numbers of lanes differ"
        } else {
            return Ok(());
        };
        Err(Error::NotConvertible {
            from: self.text(),
            to: to.text(),
            reason,
        })
    }

    /// Bits of the value of a lane.
    #[inline(always)]
    fn bits(self) -> u32 {
        u32::from(self.raw().bits)
    }

    /// The name, for messages.
    pub fn text(self) -> Text {
        Text::of(self)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scalar().name())?;
        if self.lanes() != 1 {
            write!(f, "x{}", self.lanes())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlpack::code;

    #[test]
    fn names_and_raw_types_go_both_ways() {
        for scalar in Scalar::all() {
            for lanes in [1, 2, 65535] {
                let dtype = DType::packed(scalar, lanes);
                let name = dtype.text();
                assert_eq!(DType::from_name(name.as_str()), Some(dtype), "{name}");
                assert_eq!(DType::new(dtype.raw(), false), Ok(dtype));
            }
        }
    }

    #[test]
    fn every_scalar_finds_its_own_row() {
        for row in &SCALARS {
            assert_eq!(row.0.row().0, row.0);
        }
    }

    #[test]
    fn unknown_names_have_no_dtype() {
        for name in [
            "",
            "float",
            "float32x",
            "float32x0",
            "float32x1",
            "float32x+2",
            "float32x65536",
            "Float32",
            "x2",
            "opaque24",
        ] {
            assert_eq!(DType::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn padding_belongs_to_subbyte_types_only() {
        let int4 = DLDataType {
            code: code::INT,
            bits: 4,
            lanes: 3,
        };
        let int8 = DLDataType {
            code: code::INT,
            bits: 8,
            lanes: 1,
        };
        assert_eq!(DType::new(int4, true).unwrap().storage_bits(), 24);
        assert_eq!(DType::new(int4, false).unwrap().storage_bits(), 12);
        assert!(!DType::new(int8, true).unwrap().is_padded());
    }
}
