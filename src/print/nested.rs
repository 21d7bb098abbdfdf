//! The elements in nested brackets: which of them are shown, and where lines break.

use super::FormatOptions;
use super::number::Digits;
use super::sink::Sink;
use super::style::{Seen, Style};
use crate::convert::{BLOCK, Carrier, Reader};
use crate::dtype::{DType, Kind};
use crate::layout::MAX_NDIM;
use crate::tensor::Descriptor;
use core::ops::Range;

/// A dimension, or the lanes of an element.
#[derive(Clone, Copy)]
struct Dim {
    size: i64,
    /// Bits from one item to the next.
    step: i64,
}

/// The elements of a tensor as they are shown.
pub struct Grid {
    base: *const u8,
    dtype: DType,
    /// None for opaque handles.
    reader: Option<(Reader, Carrier)>,
    dims: [Dim; MAX_NDIM + 1],
    ndim: usize,
    /// Items shown at each end of a dimension, if the tensor is summarised.
    edge: Option<i64>,
    line_width: usize,
}

impl Grid {
    /// The elements of memory that the processor reaches.
    pub fn new(memory: &Descriptor<'_>, options: &FormatOptions) -> Self {
        let (layout, dtype) = (memory.layout, memory.dtype);
        let mut dims = [Dim { size: 1, step: 0 }; MAX_NDIM + 1];
        let bits = dtype.storage_bits() as i64;
        for (dim, (&size, &stride)) in dims
            .iter_mut()
            .zip(layout.shape().iter().zip(layout.strides()))
        {
            // Strides that are walked fit, counted in bits; those of a single item mean nothing.
            let step = stride.wrapping_mul(bits);
            *dim = Dim { size, step };
        }
        let mut ndim = layout.ndim();
        let lanes = i64::from(dtype.lanes());
        if lanes > 1 {
            let step = dtype.lane_storage_bits() as i64;
            dims[ndim] = Dim { size: lanes, step };
            ndim += 1;
        }
        let count = i128::from(layout.numel()) * i128::from(lanes);
        let edge = i64::try_from(options.edge_items).unwrap_or(i64::MAX);
        Self {
            base: memory.pointer(),
            dtype,
            reader: Reader::new(dtype),
            dims,
            ndim,
            edge: (count > i128::from(options.threshold)).then_some(edge),
            line_width: options.line_width,
        }
    }

    /// The kind of number.
    pub fn kind(&self) -> Kind {
        self.dtype.scalar().kind()
    }

    /// Numbers that make an element: two for complex ones.
    pub fn parts(&self) -> usize {
        if self.kind() == Kind::Complex { 2 } else { 1 }
    }

    /// Bits from an element to one of its parts.
    fn part_offset(&self, part: usize) -> i64 {
        part as i64 * self.dtype.lane_storage_bits() as i64 / 2
    }

    fn dims(&self) -> &[Dim] {
        &self.dims[..self.ndim]
    }

    /// Which items of a dimension are shown: those of the first range, and after an ellipsis those of the second.
    fn shown(&self, size: i64) -> (Range<i64>, Option<Range<i64>>) {
        match self.edge {
            Some(edge) if size / 2 > edge || size / 2 == edge && size % 2 == 1 => {
                (0..edge, Some(size - edge..size))
            }
            _ => (0..size, None),
        }
    }

    /// Looks at one part of all elements that are shown.
    ///
    /// # Safety
    /// The elements are readable.
    pub unsafe fn scan(&self, part: usize, seen: &mut Seen) {
        // SAFETY: the caller's promise.
        unsafe { self.scan_inside(self.dims(), self.part_offset(part), seen) }
    }

    /// # Safety
    /// The elements of `dims` from `bit` on are readable.
    unsafe fn scan_inside(&self, dims: &[Dim], bit: i64, seen: &mut Seen) {
        let Some((first, inside)) = dims.split_first() else {
            let single = Dim { size: 1, step: 0 };
            // SAFETY: the caller's promise.
            return unsafe { self.scan_row(single, 0..1, bit, seen) };
        };
        let (head, tail) = self.shown(first.size);
        for range in core::iter::once(head).chain(tail) {
            // SAFETY: the caller's promise; the ranges are inside the dimension.
            unsafe {
                if inside.is_empty() {
                    self.scan_row(*first, range, bit, seen);
                } else {
                    for i in range {
                        self.scan_inside(inside, bit + i * first.step, seen);
                    }
                }
            }
        }
    }

    /// # Safety
    /// As for [`Grid::scan_inside`].
    unsafe fn scan_row(&self, dim: Dim, range: Range<i64>, bit: i64, seen: &mut Seen) {
        let Some((reader, carrier)) = self.reader else {
            return;
        };
        let mut words = [0; BLOCK];
        let mut next = range.start;
        while next < range.end {
            let len = (range.end - next).min(BLOCK as i64);
            let words = &mut words[..len as usize];
            // SAFETY: the caller's promise.
            unsafe { reader.read(self.base, bit + next * dim.step, dim.step, words) };
            seen.add(carrier, words);
            next += len;
        }
    }

    /// Writes the elements that are shown, a style for each part. `indent` is the column of the opening bracket.
    ///
    /// # Safety
    /// The elements are readable.
    pub unsafe fn put(
        &self,
        styles: &[Style],
        indent: usize,
        digits: &mut Digits,
        sink: &mut Sink<'_>,
    ) {
        let mut writer = Writer {
            grid: self,
            styles,
            digits,
            sink,
        };
        // SAFETY: the caller's promise.
        unsafe { writer.put(self.dims(), indent, 0) }
    }
}

/// Writes elements to a sink.
struct Writer<'a, 'b> {
    grid: &'a Grid,
    styles: &'a [Style],
    digits: &'a mut Digits,
    sink: &'a mut Sink<'b>,
}

impl Writer<'_, '_> {
    /// # Safety
    /// The elements of `dims` from `bit` on are readable.
    unsafe fn put(&mut self, dims: &[Dim], indent: usize, bit: i64) {
        match dims {
            // SAFETY: the caller's promise.
            [] => unsafe { self.put_element(bit) },
            // SAFETY: as above.
            [row] => unsafe { self.put_row(*row, indent, bit) },
            // SAFETY: as above.
            [first, inside @ ..] => unsafe { self.put_slices(*first, inside, indent, bit) },
        }
    }

    /// # Safety
    /// As for [`Writer::put`].
    unsafe fn put_slices(&mut self, first: Dim, inside: &[Dim], indent: usize, bit: i64) {
        let (head, tail) = self.grid.shown(first.size);
        self.sink.put("[");
        let mut any = false;
        for i in head {
            self.separate_slices(&mut any, inside.len(), indent);
            // SAFETY: the caller's promise; the item is inside the dimension.
            unsafe { self.put(inside, indent + 1, bit + i * first.step) };
        }
        if let Some(tail) = tail {
            self.separate_slices(&mut any, inside.len(), indent);
            self.sink.put("...");
            for i in tail {
                self.separate_slices(&mut any, inside.len(), indent);
                // SAFETY: as above.
                unsafe { self.put(inside, indent + 1, bit + i * first.step) };
            }
        }
        self.sink.put("]");
    }

    /// Begins a slice: all but the first after a comma, one line break, and an empty line for each dimension between.
    fn separate_slices(&mut self, any: &mut bool, line_breaks: usize, indent: usize) {
        if core::mem::replace(any, true) {
            self.sink.put(",");
            for _ in 0..line_breaks {
                self.sink.line_break();
            }
            self.sink.spaces(indent + 1);
        }
    }

    /// # Safety
    /// As for [`Writer::put`].
    unsafe fn put_row(&mut self, row: Dim, indent: usize, bit: i64) {
        // A comma and a space, and the letter j.
        let length = self.styles.iter().map(|style| style.width).sum::<usize>();
        let length = length + 2 + (self.styles.len() - 1);
        let per_line = (self.grid.line_width.saturating_sub(indent) / length).max(1);
        let (head, tail) = self.grid.shown(row.size);
        self.sink.put("[");
        let mut items = 0;
        for i in head {
            self.separate_items(&mut items, per_line, indent);
            // SAFETY: the caller's promise; the item is inside the dimension.
            unsafe { self.put_element(bit + i * row.step) };
        }
        if let Some(tail) = tail {
            self.separate_items(&mut items, per_line, indent);
            // Torch has two spaces before the ellipsis, unless it is alone.
            self.sink.put(if items == 1 { "..." } else { " ..." });
            for i in tail {
                self.separate_items(&mut items, per_line, indent);
                // SAFETY: as above.
                unsafe { self.put_element(bit + i * row.step) };
            }
        }
        self.sink.put("]");
    }

    fn separate_items(&mut self, items: &mut usize, per_line: usize, indent: usize) {
        if *items > 0 {
            self.sink.put(",");
            if items.is_multiple_of(per_line) {
                self.sink.line_break();
                self.sink.spaces(indent + 1);
            } else {
                self.sink.put(" ");
            }
        }
        *items += 1;
    }

    /// # Safety
    /// The element at `bit` is readable.
    unsafe fn put_element(&mut self, bit: i64) {
        let kind = self.grid.kind();
        let Some((reader, carrier)) = self.grid.reader else {
            // SAFETY: the caller's promise.
            unsafe { self.put_opaque(bit) };
            return;
        };
        for (part, style) in self.styles.iter().enumerate() {
            let mut word = [0];
            // SAFETY: the caller's promise; both parts belong to the element.
            unsafe {
                let bit = bit + self.grid.part_offset(part);
                reader.read(self.grid.base, bit, 0, &mut word);
            }
            style.write(kind, carrier, word[0], self.digits);
            let text = self.digits.text();
            if part == 0 {
                self.sink.spaces(style.width.saturating_sub(text.len()));
                self.sink.put(text);
            } else {
                // The sign takes the place of the spaces that would line the parts up.
                if !text.starts_with('-') {
                    self.sink.put("+");
                }
                self.sink.put(text);
                self.sink.put("j");
            }
        }
    }

    /// Writes the bits of an opaque handle as one hexadecimal number.
    ///
    /// # Safety
    /// The handle at `bit` is readable.
    unsafe fn put_opaque(&mut self, bit: i64) {
        let mut bytes = [0u8; 16];
        let bytes = &mut bytes[..self.grid.dtype.scalar().bits() as usize / 8];
        let start = self.grid.base.wrapping_offset((bit / 8) as isize);
        // SAFETY: the caller's promise; opaque handles are whole bytes.
        unsafe { core::ptr::copy_nonoverlapping(start, bytes.as_mut_ptr(), bytes.len()) };
        self.digits.set_hexadecimal(bytes.iter().copied());
        self.sink.put(self.digits.text());
    }
}
