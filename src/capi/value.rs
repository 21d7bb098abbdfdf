//! Values: tensors from scalars and nested lists, and the dtype that their numbers get.

use super::guard::{guard, guard_tensor};
use super::options::{Accepts, Options, tensor_options_t};
use super::{tensor_ref, tensor_status_t, tensor_t};
use crate::autograd;
use crate::dlpack::{DLDataType, DLTensor};
use crate::dtype::{self, DType};
use crate::error::{Error, Result};
use crate::value::{self, Item, Memory, Node, Number};
use core::ffi::c_void;

/// A bool: `as.integer`, 0 or not.
pub const TENSOR_KIND_BOOL: i32 = 1;
/// An integer: `as.integer`.
pub const TENSOR_KIND_SIGNED: i32 = 2;
/// An integer that may be above INT64_MAX: `as.natural`.
pub const TENSOR_KIND_UNSIGNED: i32 = 3;
/// A real number: `as.real`.
pub const TENSOR_KIND_REAL: i32 = 4;
/// A complex number: `as.complex_parts`.
pub const TENSOR_KIND_COMPLEX: i32 = 5;
/// A list of values, which may be lists: `as.list`.
pub const TENSOR_KIND_LIST: i32 = 6;
/// A list of numbers of one dtype, one after another in memory: `as.run` and `dtype`.
pub const TENSOR_KIND_RUN: i32 = 7;
/// What a descriptor describes: `as.descriptor`. Its shape is that of lists in lists.
pub const TENSOR_KIND_DESCRIPTOR: i32 = 8;
/// The elements of a tensor: `as.tensor`. Its shape is that of lists in lists.
pub const TENSOR_KIND_TENSOR: i32 = 9;

/// Values in a list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tensor_value_list_t {
    /// The first item. May be NULL if there is none.
    pub items: *const tensor_value_t,
    /// How many there are.
    pub count: i64,
}

/// Numbers in memory.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tensor_value_run_t {
    /// The first number, at any alignment. May be NULL if there is none.
    pub data: *const c_void,
    /// How many there are.
    pub count: i64,
}

/// What a value holds: the field that its kind names.
#[repr(C)]
#[derive(Clone, Copy)]
pub union tensor_value_payload_t {
    /// TENSOR_KIND_BOOL and TENSOR_KIND_SIGNED.
    pub integer: i64,
    /// TENSOR_KIND_UNSIGNED.
    pub natural: u64,
    /// TENSOR_KIND_REAL.
    pub real: f64,
    /// TENSOR_KIND_COMPLEX: real and imaginary part.
    pub complex_parts: [f64; 2],
    /// TENSOR_KIND_LIST.
    pub list: tensor_value_list_t,
    /// TENSOR_KIND_RUN.
    pub run: tensor_value_run_t,
    /// TENSOR_KIND_DESCRIPTOR.
    pub descriptor: *const DLTensor,
    /// TENSOR_KIND_TENSOR.
    pub tensor: *const tensor_t,
}

/// A scalar, or a list of lists of scalars: a node of a tree that the caller keeps. Nothing in it is changed or kept.
/// Macros such as TENSOR_VALUE make nodes in C11; functions such as tensor_value_real() do in every language.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tensor_value_t {
    /// TENSOR_KIND_ value. 0 is none of them.
    pub kind: i32,
    /// Of the numbers of a run; not looked at in other kinds.
    pub dtype: DLDataType,
    /// What the value holds.
    pub r#as: tensor_value_payload_t,
}

impl Node for tensor_value_t {
    #[inline(always)]
    unsafe fn item(&self) -> Result<Item<'_, Self>> {
        let payload = &self.r#as;
        // SAFETY: all fields are plain integers, floats and pointers, and the one that the kind names has been set: the
        // caller's promise. Floats are read as bits, so that no NaN is changed.
        unsafe {
            Ok(match self.kind {
                TENSOR_KIND_BOOL => Item::Scalar(Number::Bool(payload.integer != 0)),
                TENSOR_KIND_SIGNED => Item::Scalar(Number::Signed(payload.integer)),
                TENSOR_KIND_UNSIGNED => Item::Scalar(Number::Unsigned(payload.natural)),
                TENSOR_KIND_REAL => Item::Scalar(Number::Real(payload.natural)),
                TENSOR_KIND_COMPLEX => {
                    let parts = (&raw const payload.complex_parts).cast::<[u64; 2]>();
                    Item::Scalar(Number::Complex((*parts)[0], (*parts)[1]))
                }
                TENSOR_KIND_LIST => Item::List(payload.list.as_slice()?),
                TENSOR_KIND_RUN => Item::Memory(Memory::Run {
                    data: payload.run.data.cast(),
                    dtype: self.dtype,
                    count: payload.run.count,
                }),
                TENSOR_KIND_DESCRIPTOR => {
                    let descriptor = payload.descriptor.as_ref();
                    Item::Memory(Memory::Described(
                        descriptor.ok_or(Error::Null("value.as.descriptor"))?,
                    ))
                }
                TENSOR_KIND_TENSOR => Item::Memory(Memory::Tensor(tensor_ref(
                    payload.tensor,
                    "value.as.tensor",
                )?)),
                kind => {
                    return Err(Error::UnknownValue {
                        field: "value.kind",
                        value: kind.into(),
                    });
                }
            })
        }
    }
}

impl tensor_value_list_t {
    /// The items.
    ///
    /// # Safety
    /// `items` is NULL or readable for `count` items.
    #[inline(always)]
    unsafe fn as_slice(&self) -> Result<&[tensor_value_t]> {
        const MOST: i64 = isize::MAX as i64 / size_of::<tensor_value_t>() as i64;
        if self.count == 0 {
            return Ok(&[]);
        }
        if !(0..=MOST).contains(&self.count) {
            return Err(Error::Parameter {
                name: "value.as.list.count",
                value: self.count,
                expected: "as many items as can be in memory",
            });
        }
        if self.items.is_null() {
            return Err(Error::Null("value.as.list.items"));
        }
        // SAFETY: the caller's promise, and so many bytes can be.
        Ok(unsafe { core::slice::from_raw_parts(self.items, self.count as usize) })
    }
}

/// Make a tensor of a scalar, or of a list of lists of scalars, as torch.tensor() does.
///
/// The dtype, unless `options` give one: complex64 if a number is complex (of the default dtype, where that has a complex
/// counterpart); else the default dtype if one is real; else int64 if one is an integer; else bool. No numbers at all: the
/// default dtype. Memory in the value (runs, descriptors, tensors) has a dtype of its own, which is kept if it is alone,
/// and else promoted with that of the others.
///
/// Integers must be in the range of an integer dtype; of real numbers what is behind the point is dropped first, above
/// zero. This holds for numbers in memory too. Floating-point dtypes take any number, rounded once.
///
/// @param value    Not NULL. Read, never kept. Lists at one depth have one length; a scalar has no dimension; at most 64
///                 lists are inside each other.
/// @param options  NULL for the defaults. `casting` is about a dtype that is given, but for TENSOR_CASTING_EXACT, which
///                 always means that every number must survive. TENSOR_COPY_NEVER is refused, as numbers are always
///                 copied; other devices than the CPU, `nbytes` and `deleter` are too. TENSOR_FLAG_SUBBYTE_PADDED is about
///                 runs, descriptors and the result.
/// @param out      Not NULL. Set to NULL on error; otherwise release with tensor_release().
/// @return TENSOR_OK; TENSOR_ERROR_SHAPE for a ragged or too deep value; TENSOR_ERROR_OVERFLOW for a number out of range;
///         TENSOR_ERROR_DTYPE if memory has dtypes without a common one, or if imaginary parts would be lost;
///         TENSOR_ERROR_ARGUMENT for an unknown kind; else as tensor_copy().
/// @par Threads    Nobody may change the value meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_from_value(
    value: *const tensor_value_t,
    options: *const tensor_options_t,
    out: *mut *mut tensor_t,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        guard_tensor(out, || {
            let value = value.as_ref().ok_or(Error::Null("value"))?;
            let options = Options::read(options, Accepts::tensor("tensor_from_value"))?;
            let tensor = value::from_value(value, &options.request)?;
            if options.requires_grad {
                autograd::set_requires_grad(&tensor, true)?;
            }
            Ok(tensor)
        })
    }
}

/// Set the dtype that real numbers without a dtype get.
///
/// @param dtype  Not NULL: float32, which it is at first, float64, float16 or bfloat16.
/// @return TENSOR_OK, TENSOR_ERROR_NULL or TENSOR_ERROR_DTYPE.
/// @par Threads  For the whole process, as in torch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_set_default_dtype(dtype: *const DLDataType) -> tensor_status_t {
    guard(|| {
        // SAFETY: what the header asks of the caller.
        let dtype = unsafe { dtype.as_ref() }.ok_or(Error::Null("dtype"))?;
        dtype::set_default_float(DType::new(*dtype, false)?)
    })
}

/// The dtype that real numbers without a dtype get.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_default_dtype() -> DLDataType {
    dtype::default_float().raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_takes_three_words() {
        assert_eq!(size_of::<tensor_value_t>(), 24);
    }
}
