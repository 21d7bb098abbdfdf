//! The numbers of a value, written one after another to the memory of a tensor.
//!
//! Items come in the order of the memory, so they are gathered in a block and converted together, rows or not.

use super::Number;
use super::outline::Visitor;
use super::range::Range;
use crate::convert::{self, BLOCK, Carrier, Kernel, Reader, Value};
use crate::copy::{self, Side};
use crate::dtype::{Casting, DType, Kind, Overflow, Scalar, can_cast};
use crate::error::{Error, Position, Result, Text};
use crate::layout::{LayoutBuf, MAX_NDIM};
use crate::tensor::{Descriptor, Tensor};

/// Writes numbers to a tensor that has just been made.
pub struct Filler<'a> {
    tensor: &'a Tensor,
    overflow: Overflow,
    exact: bool,
    /// What is written: lanes, or the parts of complex numbers.
    lane: DType,
    complex: bool,
    /// Lanes or parts that make an element.
    per_element: i64,
    range: Option<Range>,
    /// From words of each carrier to lanes; none where they are the same.
    kernels: [Option<Kernel>; 3],
    /// Lanes written to the memory.
    written: i64,
    carrier: Carrier,
    words: [u64; BLOCK],
    len: usize,
}

impl<'a> Filler<'a> {
    /// Nothing is written yet.
    pub fn new(tensor: &'a Tensor, overflow: Overflow, exact: bool) -> Self {
        let dtype = tensor.dtype();
        let scalar = dtype.scalar();
        let lane = DType::of_scalar(scalar.component()).with_padding(dtype.is_padded());
        let complex = scalar.kind() == Kind::Complex;
        let kernel = |from| {
            // Opaque handles are never met one by one.
            let converts = from != lane.scalar() && scalar.kind() != Kind::Opaque;
            converts.then(|| convert::kernel(from, lane.scalar(), overflow))
        };
        if dtype.is_subbyte() && !dtype.is_padded() {
            // The bits behind the last element are nobody's, but they are read with it.
            let bytes = tensor.nbytes() as usize;
            // SAFETY: the tensor is fresh, on no loan, and has so many bytes.
            unsafe { tensor.data().cast::<u8>().write_bytes(0, bytes) }
        }
        Self {
            tensor,
            overflow,
            exact,
            lane,
            complex,
            per_element: i64::from(dtype.lanes()) * if complex { 2 } else { 1 },
            range: Range::of(scalar),
            kernels: [
                kernel(Scalar::Int64),
                kernel(Scalar::UInt64),
                kernel(Scalar::Float64),
            ],
            written: 0,
            carrier: Carrier::Signed,
            words: [0; BLOCK],
            len: 0,
        }
    }

    /// Writes what is still gathered. An error unless every element has been written.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        if self.elements() == self.tensor.layout().numel() {
            Ok(())
        } else {
            // A value that somebody changed meanwhile.
            Err(Error::Internal)
        }
    }

    /// Elements that have been gathered or written.
    fn elements(&self) -> i64 {
        (self.written + self.len as i64) / self.per_element
    }

    /// Adds a lane.
    #[inline(always)]
    fn push(&mut self, carrier: Carrier, word: u64) -> Result<()> {
        if self.len == BLOCK || carrier != self.carrier {
            self.flush()?;
            self.carrier = carrier;
        }
        self.words[self.len] = word;
        self.len += 1;
        Ok(())
    }

    /// Converts what is gathered to its place.
    fn flush(&mut self) -> Result<()> {
        let count = self.len;
        if count == 0 {
            return Ok(());
        }
        self.check_space(count as i64)?;
        let kernel = &self.kernels[match self.carrier {
            Carrier::Signed => 0,
            Carrier::Unsigned => 1,
            Carrier::Float => 2,
        }];
        let bits = self.lane.storage_bits() as i64;
        let bit = self.written * bits;
        // SAFETY: the tensor is fresh, and on no loan.
        let start: *mut u8 = unsafe { self.tensor.data().cast() };
        let to = start.wrapping_add((bit / 8) as usize);
        let words: *const u8 = self.words.as_ptr().cast();
        // SAFETY: so many words are gathered, and the tensor has room for them; it is fresh, so nobody else has it. The
        // standard environment is in force.
        unsafe {
            match kernel {
                None => core::ptr::copy_nonoverlapping(words, to, count * size_of::<u64>()),
                Some(kernel) if bits < 8 => {
                    let mut lanes = [0; BLOCK];
                    kernel.run(words, lanes.as_mut_ptr(), count);
                    convert::pack(&lanes[..count], start, bit, bits as u32, bits);
                }
                Some(kernel) => kernel.run(words, to, count),
            }
        }
        self.written += count as i64;
        self.len = 0;
        Ok(())
    }

    /// An error if so many more lanes would not fit: the value has changed since it was counted.
    fn check_space(&self, lanes: i64) -> Result<()> {
        let all = i128::from(self.tensor.layout().numel()) * i128::from(self.per_element);
        if i128::from(self.written) + i128::from(lanes) <= all {
            Ok(())
        } else {
            Err(Error::Internal)
        }
    }

    /// An error if the tensor's dtype cannot hold a number that becomes the element so many after those there are.
    #[inline(always)]
    fn check(&self, carrier: Carrier, word: u64, after: i64) -> Result<()> {
        let fits = match self.range {
            Some(range) => range.contains(carrier, word),
            None => true,
        };
        if fits && !self.exact {
            return Ok(());
        }
        let scalar = self.lane.scalar();
        if fits && convert::survives(carrier, word, scalar, self.overflow) {
            return Ok(());
        }
        Err(self.refuse(carrier, word, after, fits))
    }

    #[cold]
    fn refuse(&self, carrier: Carrier, word: u64, after: i64, fits: bool) -> Error {
        let element = self.elements() + after;
        let position = Position::from_row_major(element, self.tensor.layout().shape());
        let value = Text::of(Value::new(carrier, word));
        let to = self.tensor.dtype().scalar().name();
        if fits {
            Error::Inexact {
                position,
                value,
                to,
            }
        } else {
            Error::OutOfRange {
                position,
                value,
                to,
            }
        }
    }

    /// Adds a number that has no imaginary part.
    #[inline(always)]
    fn push_real(&mut self, carrier: Carrier, word: u64) -> Result<()> {
        self.check(carrier, word, 0)?;
        self.push(carrier, word)?;
        if self.complex {
            // Zero in every carrier.
            self.push(carrier, 0)?;
        }
        Ok(())
    }

    fn push_complex(&mut self, real: u64, imaginary: u64) -> Result<()> {
        if self.complex {
            self.check(Carrier::Float, real, 0)?;
            self.check(Carrier::Float, imaginary, 0)?;
            self.push(Carrier::Float, real)?;
            return self.push(Carrier::Float, imaginary);
        }
        // Only true and false can be made of it: the dtypes have been checked.
        let zero = |word| convert::is_zero(Carrier::Float, word);
        let any = u64::from(!(zero(real) && zero(imaginary)));
        if self.exact
            && !(zero(imaginary)
                && convert::survives(Carrier::Float, real, Scalar::Bool, self.overflow))
        {
            let lost = if zero(imaginary) { real } else { imaginary };
            return Err(self.refuse(Carrier::Float, lost, 0, true));
        }
        self.push(Carrier::Unsigned, any)
    }
}

impl Visitor for Filler<'_> {
    #[inline(always)]
    fn number(&mut self, number: Number) -> Result<()> {
        match number {
            Number::Bool(value) => self.push_real(Carrier::Unsigned, value.into()),
            Number::Signed(value) => self.push_real(Carrier::Signed, value as u64),
            Number::Unsigned(value) => self.push_real(Carrier::Unsigned, value),
            Number::Real(bits) => self.push_real(Carrier::Float, bits),
            Number::Complex(real, imaginary) => self.push_complex(real, imaginary),
        }
    }

    unsafe fn memory(&mut self, memory: &Descriptor<'_>) -> Result<()> {
        self.flush()?;
        let numel = memory.layout.numel();
        if numel == 0 {
            return Ok(());
        }
        let lanes = i128::from(numel) * i128::from(self.per_element);
        self.check_space(i64::try_from(lanes).map_err(|_| Error::Internal)?)?;
        let dtype = self.tensor.dtype();
        if !memory.dtype.same_type(dtype) && (self.exact || self.range.is_some()) {
            // SAFETY: the caller's promise.
            unsafe { self.check_memory(memory)? }
        }
        let bit = self.written * self.lane.storage_bits() as i64;
        if bit % 8 != 0 {
            // SAFETY: the caller's promise.
            return unsafe { self.gather(memory) };
        }
        let mut layout = LayoutBuf::new();
        layout.set_row_major(memory.layout);
        let source = Side {
            pointer: memory.pointer(),
            layout: memory.layout,
            dtype: memory.dtype,
        };
        // SAFETY: the tensor is fresh, and on no loan.
        let start: *mut u8 = unsafe { self.tensor.data().cast() };
        let destination = Side {
            pointer: start.wrapping_add((bit / 8) as usize),
            layout: &layout,
            dtype,
        };
        // SAFETY: the caller's promise for the source; the tensor is fresh and has room for so many elements.
        unsafe { copy::copy(source, destination, self.overflow) };
        self.written += lanes as i64;
        Ok(())
    }
}

/// Numbers in memory, one by one.
impl Filler<'_> {
    /// An error if the tensor's dtype cannot hold one of the numbers in a memory.
    ///
    /// # Safety
    /// The memory is readable.
    unsafe fn check_memory(&self, memory: &Descriptor<'_>) -> Result<()> {
        let from = memory.dtype.scalar();
        if Range::of(from).is_some() || from == Scalar::Bool {
            // Most integers of most dtypes fit.
            let (from, to) = (DType::of_scalar(from), DType::of_scalar(self.lane.scalar()));
            let fits = can_cast(from, to, Casting::Safe);
            if fits && !self.exact {
                return Ok(());
            }
        }
        let imaginary_matters = !self.complex;
        // SAFETY: the caller's promise.
        unsafe {
            for_each_lane(memory, |carrier, word, part, index| {
                if part == 1 && imaginary_matters {
                    if self.exact && !convert::is_zero(carrier, word) {
                        return Err(self.refuse(carrier, word, index, true));
                    }
                    return Ok(());
                }
                self.check(carrier, word, index)
            })
        }
    }

    /// Adds numbers of a memory one by one, where they begin inside a byte. Such numbers are not complex.
    ///
    /// # Safety
    /// The memory is readable.
    unsafe fn gather(&mut self, memory: &Descriptor<'_>) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { for_each_lane(memory, |carrier, word, _, _| self.push(carrier, word)) }
    }
}

/// Calls `each` with every lane, or part of a complex number, in row-major order: its carrier, its word, which part it is,
/// and the number of the element it is in.
///
/// # Safety
/// The memory is readable.
unsafe fn for_each_lane(
    memory: &Descriptor<'_>,
    mut each: impl FnMut(Carrier, u64, i64, i64) -> Result<()>,
) -> Result<()> {
    let dtype = memory.dtype;
    let Some((reader, carrier)) = Reader::new(dtype) else {
        return Ok(());
    };
    let parts = if dtype.scalar().kind() == Kind::Complex {
        2
    } else {
        1
    };
    let part_bits = dtype.lane_storage_bits() as i64 / parts;
    let per_element = i64::from(dtype.lanes()) * parts;
    let bits = dtype.storage_bits() as i64;
    let (shape, strides) = (memory.layout.shape(), memory.layout.strides());
    // Rows of the last dimension, in blocks where an element is a single lane.
    let (row, step) = match (shape.last(), strides.last()) {
        (Some(&size), Some(&stride)) => (size, stride.wrapping_mul(bits)),
        _ => (1, 0),
    };
    let outer = shape.len().saturating_sub(1);
    let block = if per_element == 1 { BLOCK as i64 } else { 1 };
    let mut index = [0i64; MAX_NDIM];
    let (mut bit, mut number) = (0i64, 0i64);
    let mut words = [0; BLOCK];
    loop {
        let mut start = 0;
        while start < row {
            let len = (row - start).min(block);
            for lane in 0..per_element {
                let words = &mut words[..len as usize];
                let from = bit + start * step + lane * part_bits;
                // SAFETY: the caller's promise; the traversal stays inside the layout.
                unsafe { reader.read(memory.pointer(), from, step, words) };
                for (i, &word) in words.iter().enumerate() {
                    each(carrier, word, lane % parts, number + start + i as i64)?;
                }
            }
            start += len;
        }
        number += row;
        let mut dim = outer;
        loop {
            if dim == 0 {
                return Ok(());
            }
            dim -= 1;
            index[dim] += 1;
            let step = strides[dim].wrapping_mul(bits);
            if index[dim] < shape[dim] {
                bit = bit.wrapping_add(step);
                break;
            }
            index[dim] = 0;
            bit = bit.wrapping_sub((shape[dim] - 1).wrapping_mul(step));
        }
    }
}
