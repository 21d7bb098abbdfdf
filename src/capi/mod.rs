//! The C interface: one file per section of the header. Each function checks its pointers, calls the core and writes out.

#![allow(non_camel_case_types)]
// What a C caller must guarantee is said parameter by parameter, in the words of the header.
#![allow(clippy::missing_safety_doc)]

mod create;
mod fill;
mod format;
mod gradients;
mod guard;
mod handle;
mod loans;
mod look;
mod options;
mod settings;
mod share;
mod status;
mod value;
mod views;

pub use create::*;
pub use fill::*;
pub use format::*;
pub use gradients::*;
pub use handle::*;
pub use loans::*;
pub use look::*;
pub use options::*;
pub use settings::*;
pub use share::*;
pub use status::*;
pub use value::*;
pub use views::*;

use crate::error::{Error, Result};
use crate::layout::check_ndim;
use crate::tensor::Tensor;

/// The tensor behind a handle.
///
/// # Safety
/// `tensor` is NULL or a live handle.
#[inline(always)]
unsafe fn tensor_ref<'a>(tensor: *const tensor_t, name: &'static str) -> Result<&'a Tensor> {
    // SAFETY: handles are pointers to tensors, and the caller holds a reference.
    unsafe { tensor.cast::<Tensor>().as_ref() }.ok_or(Error::Null(name))
}

/// `count` values of the caller's, as many as a rank may be.
///
/// # Safety
/// `values` is NULL or readable for `count` values.
unsafe fn array<'a, T>(values: *const T, count: i32, name: &'static str) -> Result<&'a [T]> {
    let count = check_ndim(i64::from(count))?;
    if count == 0 {
        return Ok(&[]);
    }
    if values.is_null() {
        return Err(Error::Null(name));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { core::slice::from_raw_parts(values, count) })
}

/// An error unless a struct of the caller's, which begins with its size, has the size of `T`.
///
/// # Safety
/// `sized` points to a `u32`. Nothing else is read.
unsafe fn check_struct_size<T>(sized: *const T, name: &'static str) -> Result<()> {
    // SAFETY: the caller's promise.
    let found = unsafe { sized.cast::<u32>().read() };
    let expected = size_of::<T>() as u32;
    if found == expected {
        return Ok(());
    }
    Err(Error::StructSize {
        name,
        found,
        expected,
    })
}
