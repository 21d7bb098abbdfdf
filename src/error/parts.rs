//! Parts of sentences: names, positions and wide numbers, held in place, since nothing in an error allocates.

use core::fmt;

/// A short piece of text held in place: names and values inside an [`super::Error`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text {
    len: u8,
    bytes: [u8; Self::CAPACITY],
}

impl Text {
    const CAPACITY: usize = 31;

    /// The displayed form of `value`, cut off where the buffer ends.
    pub fn of(value: impl fmt::Display) -> Self {
        // One function for all: errors are seldom.
        #[cold]
        #[inline(never)]
        fn shown(value: &dyn fmt::Display) -> Text {
            use fmt::Write;
            let mut text = Text {
                len: 0,
                bytes: [0; Text::CAPACITY],
            };
            // A write that does not fit leaves the part that did.
            let _ = write!(text, "{value}");
            text
        }
        shown(&value)
    }

    /// The beginning of bytes that should be UTF-8, up to the first that are not.
    pub fn lossy(bytes: &[u8]) -> Self {
        let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Self::of(valid)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for c in s.chars() {
            let start = usize::from(self.len);
            let end = start + c.len_utf8();
            if end > Self::CAPACITY {
                return Err(fmt::Error);
            }
            c.encode_utf8(&mut self.bytes[start..end]);
            self.len = end as u8;
        }
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The position of an element: one index per dimension for up to seven dimensions, else its row-major number. Of a path,
/// the first seven indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    indices: [i64; Self::INLINE],
    ndim: u8,
    flat: bool,
}

impl Position {
    const INLINE: usize = 7;

    /// The element that is `number`-th in row-major order of `shape`.
    pub fn from_row_major(number: i64, shape: &[i64]) -> Self {
        let mut indices = [0; Self::INLINE];
        if shape.len() > Self::INLINE {
            indices[0] = number;
            return Self {
                indices,
                ndim: 1,
                flat: true,
            };
        }
        let mut rest = number;
        for (index, &size) in indices[..shape.len()].iter_mut().zip(shape).rev() {
            *index = rest % size.max(1);
            rest /= size.max(1);
        }
        Self {
            indices,
            ndim: shape.len() as u8,
            flat: false,
        }
    }

    /// Where indices lead, one after another.
    pub fn from_path(path: &[i64]) -> Self {
        let mut indices = [0; Self::INLINE];
        for (index, &step) in indices.iter_mut().zip(path) {
            *index = step;
        }
        Self {
            indices,
            ndim: path.len().min(u8::MAX.into()) as u8,
            flat: false,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.flat {
            return write!(f, "{} (in row-major order)", self.indices[0]);
        }
        f.write_str("[")?;
        let ndim = usize::from(self.ndim);
        for (i, index) in self.indices.iter().take(ndim).enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{index}")?;
        }
        f.write_str(if ndim > Self::INLINE { ", ...]" } else { "]" })
    }
}

/// A 128-bit integer that asks for no more alignment than other numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide([u64; 2]);

impl From<i128> for Wide {
    fn from(value: i128) -> Self {
        Self([value as u64, (value >> 64) as u64])
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = i128::from(self.0[1] as i64) << 64 | i128::from(self.0[0]);
        fmt::Display::fmt(&value, f)
    }
}

/// What is alive on a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alive {
    /// Tensors made from descriptors.
    pub tensors: u32,
    /// Tensors made from tensors.
    pub views: u32,
    /// Managed tensors that others have.
    pub exports: u32,
    /// Pins, and pointers that were given away without one.
    pub pins: u32,
    /// Copies that are being made.
    pub copies: u32,
    /// Names of some.
    pub labels: [Text; 3],
}

impl fmt::Display for Alive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.tensors, "tensor", "tensors"),
            (self.views, "view", "views"),
            (self.exports, "export", "exports"),
            (self.pins, "pin", "pins"),
            (self.copies, "copy in flight", "copies in flight"),
        ];
        let mut separator = "";
        for (count, one, many) in counts.into_iter().filter(|count| count.0 > 0) {
            let name = if count == 1 { one } else { many };
            write!(f, "{separator}{count} {name}")?;
            separator = ", ";
        }
        let mut separator = ": ";
        for label in self
            .labels
            .iter()
            .filter(|label| !label.as_str().is_empty())
        {
            write!(f, "{separator}\"{label}\"")?;
            separator = ", ";
        }
        Ok(())
    }
}

/// Who it was, if that is known.
pub(super) struct By<'a>(pub &'a Text);

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            "" => Ok(()),
            label => write!(f, " by \"{label}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_character_boundary() {
        let text = Text::of("a very long name that ends in é…………………");
        assert!(text.as_str().len() <= Text::CAPACITY);
        assert!(text.as_str().starts_with("a very long name that ends in"));
    }

    #[test]
    fn position_counts_row_major() {
        assert_eq!(Position::from_row_major(7, &[2, 5]).to_string(), "[1, 2]");
        assert_eq!(Position::from_row_major(0, &[]).to_string(), "[]");
        assert_eq!(
            Position::from_row_major(7, &[1; 9]).to_string(),
            "7 (in row-major order)"
        );
        assert_eq!(Position::from_path(&[1, 0]).to_string(), "[1, 0]");
        assert_eq!(
            Position::from_path(&[3; 8]).to_string(),
            "[3, 3, 3, 3, 3, 3, 3, ...]"
        );
    }

    #[test]
    fn wide_numbers_are_shown_whole() {
        for value in [0, -1, 1 << 64, i128::MIN, i128::MAX] {
            assert_eq!(Wide::from(value).to_string(), value.to_string());
        }
    }
}
