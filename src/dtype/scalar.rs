//! The closed set of scalars: codes, widths, kinds and names.

use crate::dlpack::code;

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
pub(super) type Row = (Scalar, u8, u8, Kind, &'static str);

const fn opaque(bits: u8, name: &'static str) -> Row {
    let scalar = Scalar::Opaque(bits);
    (scalar, code::OPAQUE_HANDLE, bits, Kind::Opaque, name)
}

/// Scalar, DLPack code, bits, kind, name: the one list everything below is read from.
pub(super) static SCALARS: [Row; 38] = {
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
        opaque(8, "opaque8"),
        opaque(16, "opaque16"),
        opaque(32, "opaque32"),
        opaque(64, "opaque64"),
        opaque(128, "opaque128"),
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

/// The number of the row of [`SCALARS`] of a code and a width.
#[inline(always)]
pub(super) fn row_of(code: u8, bits: u8) -> Option<u32> {
    match ROWS.get(row_place(code, bits)) {
        Some(&row) if row != NO_ROW => Some(u32::from(row)),
        _ => None,
    }
}

impl Scalar {
    /// The number of its row of [`SCALARS`], which has the order of the variants; opaque handles are last, by size.
    pub(super) fn row_number(self) -> usize {
        // SAFETY: with a primitive representation, the discriminant comes first.
        let variant = unsafe { *core::ptr::from_ref(&self).cast::<u8>() };
        let among = match self {
            Scalar::Opaque(bits) => (bits / 8).trailing_zeros() as usize,
            _ => 0,
        };
        usize::from(variant) + among
    }

    pub(super) fn row(self) -> &'static Row {
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
