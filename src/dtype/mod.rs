//! The closed set of dtypes: from and to `DLDataType`, names, sizes and kinds.

mod casting;
mod default;

pub use casting::{Casting, can_cast, check_cast, promote};
pub use default::{default_complex, default_float, set_default_float};

use crate::dlpack::{DLDataType, code};
use crate::error::{Error, Result, Text};
use core::fmt;

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

/// The kind of number a scalar is, in the order of same-kind casting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// true and false.
    Bool,
    /// Unsigned integers.
    UInt,
    /// Signed integers, two's complement.
    Int,
    /// Floating point.
    Float,
    /// Pairs of floating-point numbers.
    Complex,
    /// Bits without arithmetic meaning.
    Opaque,
}

/// One lane of a dtype.
#[allow(missing_docs)] // The names are the documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Scalar {
    Bool,
    Int1,
    Int2,
    Int4,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt1,
    UInt2,
    UInt4,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float16,
    BFloat16,
    Float32,
    Float64,
    Complex32,
    Complex64,
    Complex128,
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
    /// An opaque handle of so many bits.
    Opaque(u8),
}

/// What is known of a scalar.
type Row = (Scalar, u8, u8, Kind, &'static str);

/// Scalar, DLPack code, bits, kind, name: the one list everything below is read from.
static SCALARS: [Row; 38] = {
    use Kind::{Complex, Float, Int, UInt};
    use Scalar::*;
    [
        (Bool, code::BOOL, 8, Kind::Bool, "bool"),
        (Int1, code::INT, 1, Int, "int1"),
        (Int2, code::INT, 2, Int, "int2"),
        (Int4, code::INT, 4, Int, "int4"),
        (Int8, code::INT, 8, Int, "int8"),
        (Int16, code::INT, 16, Int, "int16"),
        (Int32, code::INT, 32, Int, "int32"),
        (Int64, code::INT, 64, Int, "int64"),
        (UInt1, code::UINT, 1, UInt, "uint1"),
        (UInt2, code::UINT, 2, UInt, "uint2"),
        (UInt4, code::UINT, 4, UInt, "uint4"),
        (UInt8, code::UINT, 8, UInt, "uint8"),
        (UInt16, code::UINT, 16, UInt, "uint16"),
        (UInt32, code::UINT, 32, UInt, "uint32"),
        (UInt64, code::UINT, 64, UInt, "uint64"),
        (Float16, code::FLOAT, 16, Float, "float16"),
        (BFloat16, code::BFLOAT, 16, Float, "bfloat16"),
        (Float32, code::FLOAT, 32, Float, "float32"),
        (Float64, code::FLOAT, 64, Float, "float64"),
        (Complex32, code::COMPLEX, 32, Complex, "complex32"),
        (Complex64, code::COMPLEX, 64, Complex, "complex64"),
        (Complex128, code::COMPLEX, 128, Complex, "complex128"),
        (Float8E3M4, code::FLOAT8_E3M4, 8, Float, "float8_e3m4"),
        (Float8E4M3, code::FLOAT8_E4M3, 8, Float, "float8_e4m3"),
        (
            Float8E4M3B11Fnuz,
            code::FLOAT8_E4M3B11FNUZ,
            8,
            Float,
            "float8_e4m3b11fnuz",
        ),
        (Float8E4M3Fn, code::FLOAT8_E4M3FN, 8, Float, "float8_e4m3fn"),
        (
            Float8E4M3Fnuz,
            code::FLOAT8_E4M3FNUZ,
            8,
            Float,
            "float8_e4m3fnuz",
        ),
        (Float8E5M2, code::FLOAT8_E5M2, 8, Float, "float8_e5m2"),
        (
            Float8E5M2Fnuz,
            code::FLOAT8_E5M2FNUZ,
            8,
            Float,
            "float8_e5m2fnuz",
        ),
        (
            Float8E8M0Fnu,
            code::FLOAT8_E8M0FNU,
            8,
            Float,
            "float8_e8m0fnu",
        ),
        (Float6E2M3Fn, code::FLOAT6_E2M3FN, 6, Float, "float6_e2m3fn"),
        (Float6E3M2Fn, code::FLOAT6_E3M2FN, 6, Float, "float6_e3m2fn"),
        (Float4E2M1Fn, code::FLOAT4_E2M1FN, 4, Float, "float4_e2m1fn"),
        (
            Scalar::Opaque(8),
            code::OPAQUE_HANDLE,
            8,
            Kind::Opaque,
            "opaque8",
        ),
        (
            Scalar::Opaque(16),
            code::OPAQUE_HANDLE,
            16,
            Kind::Opaque,
            "opaque16",
        ),
        (
            Scalar::Opaque(32),
            code::OPAQUE_HANDLE,
            32,
            Kind::Opaque,
            "opaque32",
        ),
        (
            Scalar::Opaque(64),
            code::OPAQUE_HANDLE,
            64,
            Kind::Opaque,
            "opaque64",
        ),
        (
            Scalar::Opaque(128),
            code::OPAQUE_HANDLE,
            128,
            Kind::Opaque,
            "opaque128",
        ),
    ]
};

/// Codes are below this.
const CODES: usize = 18;

/// The row of [`SCALARS`] for each code and width; [`NO_ROW`] for unknown ones.
static ROWS: [u8; CODES << u8::BITS] = {
    let (mut rows, mut row) = ([NO_ROW; CODES << u8::BITS], 0);
    while row < SCALARS.len() {
        rows[row_place(SCALARS[row].1, SCALARS[row].2)] = row as u8;
        row += 1;
    }
    rows
};

/// Where the row of a code and a width is told.
#[inline(always)]
const fn row_place(code: u8, bits: u8) -> usize {
    u16::from_be_bytes([code, bits]) as usize
}

const NO_ROW: u8 = u8::MAX;

impl Scalar {
    /// The number of its row of [`SCALARS`], which has the order of the variants; opaque handles are last, by size.
    fn row_number(self) -> usize {
        // SAFETY: with a primitive representation, the discriminant comes first.
        let variant = unsafe { *core::ptr::from_ref(&self).cast::<u8>() };
        let among = match self {
            Scalar::Opaque(bits) => (bits / 8).trailing_zeros() as usize,
            _ => 0,
        };
        usize::from(variant) + among
    }

    fn row(self) -> &'static Row {
        &SCALARS[self.row_number()]
    }

    /// Bits of the value.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        u32::from(self.row().2)
    }

    /// The kind of number.
    pub fn kind(self) -> Kind {
        self.row().3
    }

    /// The name without lanes.
    pub fn name(self) -> &'static str {
        self.row().4
    }

    /// The real type of one half of a complex number; other scalars are their own.
    pub fn component(self) -> Scalar {
        match self {
            Scalar::Complex32 => Scalar::Float16,
            Scalar::Complex64 => Scalar::Float32,
            Scalar::Complex128 => Scalar::Float64,
            other => other,
        }
    }

    /// All scalars, for tests and tables.
    #[cfg(test)]
    pub fn all() -> impl Iterator<Item = Scalar> {
        SCALARS.iter().map(|row| row.0)
    }
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
        match ROWS.get(row_place(raw.code, raw.bits)) {
            Some(&row) if row != NO_ROW && raw.lanes > 0 => Ok(Self {
                raw: word_of(raw),
                storage: u32::from(row),
            }
            .with_padding(padded)),
            _ => Err(Error::UnknownDType {
                code: raw.code,
                bits: raw.bits,
                lanes: raw.lanes,
            }),
        }
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
