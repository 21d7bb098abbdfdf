//! The check before an exact conversion: the first element, in row-major order, that would not survive.

use super::Side;
use crate::convert::{self, Reader, Value};
use crate::dtype::{DType, Kind, Overflow};
use crate::error::{Error, Position, Result, Text};
use crate::layout::MAX_NDIM;

/// An error that names the first element of `source` whose value `to` cannot hold.
///
/// # Safety
/// The source stays inside memory the processor can read, and is convertible to `to`.
pub unsafe fn check_exact(source: Side<'_>, to: DType, overflow: Overflow) -> Result<()> {
    let from = source.dtype;
    if from.same_type(to) || source.layout.numel() == 0 {
        return Ok(());
    }
    let Some((reader, carrier)) = Reader::new(from) else {
        return Ok(());
    };
    let parts = if from.scalar().kind() == Kind::Complex {
        2
    } else {
        1
    };
    let part_bits = from.lane_storage_bits() as i64 / parts;
    let to_part = to.scalar().component();
    let lost = |part: i64, word: u64| {
        if part == 1 && to.scalar().kind() != Kind::Complex {
            // The imaginary part is dropped: only zero can be.
            return !convert::is_zero(carrier, word);
        }
        !convert::survives(carrier, word, to_part, overflow)
    };

    let (shape, strides) = (source.layout.shape(), source.layout.strides());
    let bits = from.storage_bits() as i64;
    let mut index = [0i64; MAX_NDIM];
    let mut bit = 0;
    for number in 0.. {
        for part in 0..i64::from(from.lanes()) * parts {
            let mut word = [0];
            let bit = bit + part * part_bits;
            // SAFETY: the caller's promise; the traversal stays inside the layout.
            unsafe { reader.read(source.pointer, bit, part_bits, &mut word) };
            if lost(part % parts, word[0]) {
                return Err(Error::Inexact {
                    position: Position::from_row_major(number, shape),
                    value: Text::of(Value::new(carrier, word[0])),
                    to: to.scalar().name(),
                });
            }
        }
        let mut dim = shape.len();
        loop {
            if dim == 0 {
                return Ok(());
            }
            dim -= 1;
            index[dim] += 1;
            let step = strides[dim].wrapping_mul(bits);
            if index[dim] < shape[dim] {
                bit += step;
                break;
            }
            index[dim] = 0;
            bit = bit.wrapping_sub((shape[dim] - 1).wrapping_mul(step));
        }
    }
    Ok(())
}
