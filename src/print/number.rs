//! The text of one number, as Python writes it.

use core::fmt::Write;

/// Most digits after the point that can be asked for.
pub const MAX_PRECISION: usize = 1000;

/// Sign, digits of the largest binary64, point, precision.
const CAPACITY: usize = 1 + 309 + 1 + MAX_PRECISION;

/// How floating-point numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Digits and a point: all numbers are whole.
    Whole,
    /// So many digits after the point.
    Fixed(usize),
    /// One digit, so many after the point, and an exponent.
    Scientific(usize),
}

/// Room for the text of a number.
pub struct Digits {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Digits {
    /// No text.
    pub fn new() -> Self {
        Self {
            bytes: [0; CAPACITY],
            len: 0,
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }

    /// The text of anything that displays in ASCII.
    pub fn set(&mut self, value: impl core::fmt::Display) {
        self.len = 0;
        let _ = write!(self, "{value}");
    }

    /// The text of a floating-point number. What is printed is the decimal number nearest to its exact value.
    pub fn set_float(&mut self, value: f64, form: Form) {
        self.len = 0;
        // Core's formatting of floats is exact at any precision and rounds ties to even, like C's and Python's.
        let _ = match form {
            _ if value.is_nan() => self.write_str("nan"),
            _ if value.is_infinite() => write!(self, "{value}"),
            Form::Whole => write!(self, "{value:.0}."),
            Form::Fixed(precision) => write!(self, "{value:.precision$}"),
            Form::Scientific(precision) => {
                let written = write!(self, "{value:.precision$e}");
                self.pad_exponent();
                written
            }
        };
    }

    /// Gives an exponent its sign and at least two digits.
    fn pad_exponent(&mut self) {
        let Some((_, exponent)) = self.text().split_once('e') else {
            return;
        };
        let Ok(exponent) = exponent.parse::<i32>() else {
            return;
        };
        let start = self.bytes[..self.len].iter().position(|&byte| byte == b'e');
        self.len = start.unwrap_or(self.len);
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(self, "e{sign}{:02}", exponent.unsigned_abs());
    }

    /// The text of so many bits as hexadecimal digits, the last byte of `bytes` first.
    pub fn set_hexadecimal(&mut self, bytes: impl DoubleEndedIterator<Item = u8>) {
        self.len = 0;
        let _ = self.write_str("0x");
        for byte in bytes.rev() {
            let _ = write!(self, "{byte:02x}");
        }
    }
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.len + text.len();
        let place = self.bytes.get_mut(self.len..end).ok_or(core::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Form::{Fixed, Scientific, Whole};

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let mut digits = Digits::new();
        for (value, form, text) in [
            (1.0, Whole, "1."),
            (-0.0, Whole, "-0."),
            (1e22, Whole, "10000000000000000000000."),
            (f64::NAN, Whole, "nan"),
            (-f64::NAN, Fixed(2), "nan"),
            (f64::NEG_INFINITY, Scientific(1), "-inf"),
            (0.5, Fixed(0), "0"),
            (1.5, Fixed(0), "2"),
            (2.5, Fixed(0), "2"),
            (0.125, Fixed(2), "0.12"),
            (0.375, Fixed(2), "0.38"),
            (-0.0, Fixed(4), "-0.0000"),
            (1e-5, Scientific(4), "1.0000e-05"),
            (5e-324, Scientific(4), "4.9407e-324"),
            (9.99999e99, Scientific(4), "1.0000e+100"),
            (0.0, Scientific(0), "0e+00"),
            (2.5, Scientific(0), "2e+00"),
            (-123456.0, Scientific(2), "-1.23e+05"),
        ] {
            digits.set_float(value, form);
            assert_eq!(digits.text(), text);
        }
    }

    #[test]
    fn the_longest_number_fits() {
        let mut digits = Digits::new();
        digits.set_float(-f64::MAX, Fixed(MAX_PRECISION));
        assert_eq!(digits.text().len(), CAPACITY);
        digits.set_float(-f64::MAX, Scientific(MAX_PRECISION));
        assert!(digits.text().ends_with("e+308"));
        digits.set_hexadecimal([1u8, 0xab].into_iter());
        assert_eq!(digits.text(), "0xab01");
    }
}
