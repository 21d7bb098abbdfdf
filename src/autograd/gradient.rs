//! Gradients on their way: where several meet they are summed in binary64, one after another, and rounded once.

use super::node::Output;
use crate::convert::{BLOCK, Reader, Standard};
use crate::copy::{self, Side};
use crate::dlpack::{DLDataType, code};
use crate::dtype::{DType, Kind, Overflow, Scalar};
use crate::error::Result;
use crate::layout::{Answer, Layout, LayoutBuf, MAX_NDIM, overlaps_itself};
use crate::tensor::{Action, Descriptor, Handle, Plan, Reasons};

/// What has come in for one result: row-major, of its shape.
pub enum Gradient {
    /// One gradient, of the dtype of the result.
    Whole(Handle),
    /// Sums, of [`wide`] dtype.
    Sums(Handle),
}

/// The dtype in which gradients of a dtype are summed.
fn wide(dtype: DType) -> DType {
    let (code, bits) = match dtype.scalar().kind() {
        Kind::Complex => (code::COMPLEX, 128),
        _ => (code::FLOAT, 64),
    };
    let lanes = dtype.lanes();
    DType::new(DLDataType { code, bits, lanes }, false).unwrap_or(dtype)
}

/// A row-major tensor of a shape, uninitialised.
pub fn empty(dtype: DType, layout: &Layout) -> Result<Handle> {
    let mut room = LayoutBuf::new();
    room.set_row_major(layout);
    let plan = Plan {
        action: Action::Copy,
        reasons: Reasons::REQUESTED,
        bytes_moved: 0,
    };
    Handle::allocate(&room, dtype, 1, false, plan)
}

/// The same, of zeros.
pub fn zeros(dtype: DType, layout: &Layout) -> Result<Handle> {
    let tensor = empty(dtype, layout)?;
    if has_plain_zero(dtype) {
        // SAFETY: fresh memory of so many bytes, on no loan.
        unsafe {
            let bytes = tensor.nbytes() as usize;
            if bytes > 0 {
                tensor.data().cast::<u8>().write_bytes(0, bytes);
            }
        }
        return Ok(tensor);
    }
    let zeros = zeros(wide(dtype), layout)?;
    copy_to(side(&zeros), side(&tensor));
    Ok(tensor)
}

/// Whether zero bits are zero. One format has no zero, and takes what converting zero gives.
fn has_plain_zero(dtype: DType) -> bool {
    dtype.scalar() != Scalar::Float8E8M0Fnu
}

/// The elements of a gradient of ours.
pub fn side(tensor: &Handle) -> Side<'_> {
    Side {
        // SAFETY: memory of the library's own is on no loan.
        pointer: unsafe { Descriptor::of(tensor) }.pointer(),
        layout: tensor.layout(),
        dtype: tensor.dtype(),
    }
}

/// Copies, and converts.
pub fn copy_to(source: Side<'_>, destination: Side<'_>) {
    // SAFETY: callers give gradients of one shape, of which the destination is fresh memory of the library's own, and maps
    // that stay inside it and do not overlap themselves.
    unsafe { copy::copy(source, destination, Overflow::Default) }
}

/// The same elements in another shape.
pub fn reshaped(gradient: &Handle, layout: &Layout) -> Result<Handle> {
    let mut room = LayoutBuf::new();
    room.set_row_major(layout);
    // SAFETY: memory of the library's own is on no loan.
    let mut memory = unsafe { Descriptor::of(gradient) };
    memory.layout = &room;
    Handle::alias(gradient, &memory, gradient.origin(), None)
}

/// The same elements as another dtype.
pub fn converted(gradient: &Handle, dtype: DType) -> Result<Handle> {
    if gradient.dtype() == dtype {
        return gradient.try_clone();
    }
    let result = empty(dtype, gradient.layout())?;
    copy_to(side(gradient), side(&result));
    Ok(result)
}

/// The elements of `gradient` that a map picks, of whose layout the result is.
pub fn gathered(gradient: &Handle, map: &Layout, offset: i64, dtype: DType) -> Result<Handle> {
    let result = empty(dtype, map)?;
    let Some(whole) = byte_side(gradient, map, offset) else {
        let wide = converted(gradient, wide(gradient.dtype()))?;
        let picked = byte_side(&wide, map, offset).unwrap_or(side(&wide));
        copy_to(picked, side(&result));
        return Ok(result);
    };
    copy_to(whole, side(&result));
    Ok(result)
}

/// The elements of a gradient that a map picks, if they begin at a byte.
fn byte_side<'a>(gradient: &'a Handle, map: &'a Layout, offset: i64) -> Option<Side<'a>> {
    let bits = gradient.dtype().storage_bits() as i64 * offset;
    (bits % 8 == 0).then(|| Side {
        pointer: side(gradient).pointer.wrapping_offset((bits / 8) as isize),
        layout: map,
        dtype: gradient.dtype(),
    })
}

/// `gradient` with zeros where the map picks.
pub fn without(gradient: &Handle, map: &Layout, offset: i64) -> Result<Handle> {
    let rest = empty(gradient.dtype(), gradient.layout())?;
    let nothing = zeros(gradient.dtype(), map)?;
    let Some(hole) = byte_side(&rest, map, offset) else {
        let wide = without(&converted(gradient, wide(gradient.dtype()))?, map, offset)?;
        return converted(&wide, gradient.dtype());
    };
    copy_to(side(gradient), side(&rest));
    copy_to(side(&nothing), hole);
    Ok(rest)
}

impl Gradient {
    /// Rounded to the dtype of the result.
    pub fn whole(self, target: &Output) -> Result<Handle> {
        match self {
            Gradient::Whole(gradient) => Ok(gradient),
            Gradient::Sums(sums) => converted(&sums, target.dtype),
        }
    }

    /// As sums, which may be added to.
    pub fn sums(self, target: &Output) -> Result<Handle> {
        match self {
            Gradient::Sums(sums) => Ok(sums),
            Gradient::Whole(gradient) => {
                let sums = empty(wide(target.dtype), &target.layout)?;
                copy_to(side(&gradient), side(&sums));
                Ok(sums)
            }
        }
    }
}

/// Adds a gradient to what has come in.
pub fn give(place: &mut Option<Gradient>, target: &Output, gradient: Handle) -> Result<()> {
    let Some(before) = place.take() else {
        *place = Some(Gradient::Whole(gradient));
        return Ok(());
    };
    let sums = before.sums(target)?;
    add(&sums, sums.layout(), 0, side(&gradient));
    *place = Some(Gradient::Sums(sums));
    Ok(())
}

/// Adds a gradient to those elements of what has come in that a map picks: to some of them perhaps several times.
pub fn scatter(
    place: &mut Option<Gradient>,
    target: &Output,
    gradient: &Handle,
    map: &Layout,
    offset: i64,
) -> Result<()> {
    let numel = target.layout.numel();
    if offset == 0 && numel == map.numel() && map.is_contiguous() {
        return give(place, target, reshaped(gradient, &target.layout)?);
    }
    if place.is_none() && has_plain_zero(target.dtype) && overlaps_itself(map) == Answer::No {
        let whole = zeros(target.dtype, &target.layout)?;
        if let Some(picked) = byte_side(&whole, map, offset) {
            copy_to(side(gradient), picked);
            *place = Some(Gradient::Whole(whole));
            return Ok(());
        }
    }
    let sums = match place.take() {
        Some(before) => before.sums(target)?,
        None => zeros(wide(target.dtype), &target.layout)?,
    };
    add(&sums, map, offset, side(gradient));
    *place = Some(Gradient::Sums(sums));
    Ok(())
}

/// Adds the elements of `source`, in row-major order, to those of `sums` that `map`, of the same shape, picks.
pub fn add(sums: &Handle, map: &Layout, offset: i64, source: Side<'_>) {
    debug_assert_eq!(map.shape(), source.layout.shape());
    let Some((reader, _)) = Reader::new(source.dtype) else {
        return;
    };
    if map.numel() == 0 {
        return;
    }
    let _environment = Standard::enter();
    let dtype = source.dtype;
    let element_bits = dtype.storage_bits() as i64;
    let (parts, lane_bits) = match dtype.scalar().kind() {
        Kind::Complex => (
            2 * i64::from(dtype.lanes()),
            i64::from(dtype.scalar().component().bits()),
        ),
        _ => (i64::from(dtype.lanes()), dtype.lane_storage_bits() as i64),
    };
    let start: *mut f64 = side(sums).pointer.cast();
    let mut words = [0; BLOCK];
    let mut add_run = |bit: i64, stride: i64, to: i64, step: i64, count: i64| {
        let mut done = 0;
        while done < count {
            let words = &mut words[..(count - done).min(BLOCK as i64) as usize];
            // SAFETY: the elements are inside the two tensors, as their layouts were proved to be.
            unsafe {
                reader.read(source.pointer, bit + done * stride, stride, words);
                for (i, word) in words.iter().enumerate() {
                    *start.offset((to + (done + i as i64) * step) as isize) +=
                        f64::from_bits(*word);
                }
            }
            done += words.len() as i64;
        }
    };
    let shape = map.shape();
    let (from_strides, to_strides) = (source.layout.strides(), map.strides());
    let outer = shape.len().saturating_sub(1);
    let (size, from_step, to_step) = match shape.last() {
        Some(&size) => (size, from_strides[outer] * element_bits, to_strides[outer]),
        None => (1, 0, 0),
    };
    // A stride of a dimension of size 1 may be anything.
    let (from_step, to_step) = if size == 1 {
        (0, 0)
    } else {
        (from_step, to_step)
    };
    let mut index = [0; MAX_NDIM];
    let (mut from, mut to) = (0, offset);
    loop {
        if parts == 1 {
            add_run(from, from_step, to, to_step, size);
        } else {
            for i in 0..size {
                let to = (to + i * to_step) * parts;
                add_run(from + i * from_step, lane_bits, to, 1, parts);
            }
        }
        let mut dim = outer;
        loop {
            if dim == 0 {
                return;
            }
            dim -= 1;
            index[dim] += 1;
            if index[dim] < shape[dim] {
                from += from_strides[dim] * element_bits;
                to += to_strides[dim];
                break;
            }
            index[dim] = 0;
            if shape[dim] > 1 {
                from -= (shape[dim] - 1) * from_strides[dim] * element_bits;
                to -= (shape[dim] - 1) * to_strides[dim];
            }
        }
    }
}

/// Divides each element of `sums` by how many of a layout's, from `offset` on, are there, if they are several.
pub fn share_out(sums: &Handle, layout: &Layout, offset: i64) -> Result<()> {
    if overlaps_itself(layout) == Answer::No {
        return Ok(());
    }
    let real = DType::of_scalar(Scalar::Float64);
    let ones = empty(real, layout)?;
    let counts = zeros(real, sums.layout())?;
    let parts = match sums.dtype().scalar().kind() {
        Kind::Complex => 2 * usize::from(sums.dtype().lanes()),
        _ => usize::from(sums.dtype().lanes()),
    };
    // SAFETY: all are memory of the library's own, of so many elements.
    unsafe {
        let one: *mut f64 = side(&ones).pointer.cast();
        for i in 0..layout.numel() as usize {
            *one.add(i) = 1.0;
        }
        add(&counts, layout, offset, side(&ones));
        let _environment = Standard::enter();
        let (count, sum): (*const f64, *mut f64) =
            (side(&counts).pointer.cast(), side(sums).pointer.cast());
        for i in 0..sums.layout().numel() as usize {
            for part in 0..parts {
                let sum = sum.add(i * parts + part);
                if *count.add(i) > 1.0 {
                    *sum /= *count.add(i);
                }
            }
        }
    }
    Ok(())
}

/// Sums of zeros for as many elements, in one dimension.
pub fn span(dtype: DType, numel: i64) -> Result<Handle> {
    let mut layout = LayoutBuf::new();
    layout.set(&[numel], None)?;
    zeros(wide(dtype), &layout)
}
