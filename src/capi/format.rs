//! Text: tensors as torch prints them.

use super::guard::guard;
use super::{check_struct_size, tensor_ref, tensor_status_t, tensor_t};
use crate::autograd;
use crate::error::{Error, Result};
use crate::print::{self, FormatOptions, Gradient, MAX_PRECISION, SciMode, Sink};
use core::ffi::c_char;
use core::mem::MaybeUninit;

/// Exponents where numbers are above 1e8, below 1e-4, or 1000 times as large as others.
pub const TENSOR_SCI_MODE_AUTO: i32 = 0;
/// Exponents for all floating-point numbers.
pub const TENSOR_SCI_MODE_ON: i32 = 1;
/// No exponents.
pub const TENSOR_SCI_MODE_OFF: i32 = 2;

/// How a tensor is printed. Begin with TENSOR_FORMAT_OPTIONS_INIT, which is what torch begins with; NULL in its place means
/// the same.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tensor_format_options_t {
    /// Size of this struct, set by TENSOR_FORMAT_OPTIONS_INIT.
    pub struct_size: u32,
    /// Digits after the point, 0 to 1000: 4.
    pub precision: i32,
    /// Tensors of more elements are summarised: 1000. INT64_MAX: none is.
    pub threshold: i64,
    /// Items at either end of a dimension that a summary shows: 3.
    pub edge_items: i32,
    /// Characters of a line: 80.
    pub line_width: i32,
    /// TENSOR_SCI_MODE_ value.
    pub sci_mode: i32,
    /// Must be 0.
    pub reserved: i32,
}

impl tensor_format_options_t {
    /// Checks options; NULL are the defaults.
    ///
    /// # Safety
    /// `options` is NULL or readable.
    unsafe fn read(options: *const Self) -> Result<FormatOptions> {
        if options.is_null() {
            return Ok(FormatOptions::DEFAULT);
        }
        // SAFETY: the caller's promise. The size comes first, and nothing else is read of a struct of another size.
        unsafe { check_struct_size(options, "options")? }
        // SAFETY: as above, and the size is right.
        let options = unsafe { *options };
        if options.reserved != 0 {
            return Err(Error::UnknownValue {
                field: "options.reserved",
                value: options.reserved.into(),
            });
        }
        let precision = at_least_zero("options.precision", options.precision.into())? as usize;
        if precision > MAX_PRECISION {
            return Err(Error::Parameter {
                name: "options.precision",
                value: options.precision.into(),
                expected: "0 to 1000",
            });
        }
        let line_width = at_least_zero("options.line_width", options.line_width.into())?;
        let edge_items = at_least_zero("options.edge_items", options.edge_items.into())?;
        Ok(FormatOptions {
            precision,
            threshold: at_least_zero("options.threshold", options.threshold)?,
            edge_items: edge_items as usize,
            line_width: line_width as usize,
            sci_mode: match options.sci_mode {
                TENSOR_SCI_MODE_AUTO => SciMode::Auto,
                TENSOR_SCI_MODE_ON => SciMode::On,
                TENSOR_SCI_MODE_OFF => SciMode::Off,
                other => {
                    return Err(Error::UnknownValue {
                        field: "options.sci_mode",
                        value: other.into(),
                    });
                }
            },
        })
    }
}

fn at_least_zero(name: &'static str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::Parameter {
        name,
        value,
        expected: "0 or more",
    })
}

/// Write a tensor as text: what torch prints, but for `dtype=float64` in place of `dtype=torch.float64`.
///
/// Dtypes that torch does not print follow the same rules. Lanes are one more dimension; opaque handles are hexadecimal.
/// As in torch, a dtype goes without saying if it is the default one, complex of it, int64 or bool.
///
/// @param tensor    Not NULL. Any layout; memory that the processor does not reach is refused, unless there are no elements.
/// @param options   NULL for torch's.
/// @param buffer    Gets as much of the text as fits, and always a NUL unless `capacity` is 0. May be NULL if it is.
/// @param capacity  Bytes of `buffer`.
/// @param needed    NULL, or gets the length of the whole text without the NUL: it was cut if `*needed >= capacity`.
/// @return TENSOR_OK, also if the text was cut; TENSOR_ERROR_NULL, _ARGUMENT or _DEVICE. After an error the text is empty
///         and `*needed` is 0. Nothing is allocated.
/// @par Threads     Nobody may write the elements meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tensor_format(
    tensor: *const tensor_t,
    options: *const tensor_format_options_t,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> tensor_status_t {
    // SAFETY: what the header asks of the caller.
    unsafe {
        if !needed.is_null() {
            needed.write(0);
        }
        if !buffer.is_null() && capacity > 0 {
            buffer.write(0);
        }
    }
    guard(|| {
        // SAFETY: what the header asks of the caller. No object is larger than half of the address space.
        let (tensor, options, space): (_, _, &mut [MaybeUninit<u8>]) = unsafe {
            let tensor = tensor_ref(tensor, "tensor")?;
            let options = tensor_format_options_t::read(options)?;
            let space = match (buffer.is_null(), capacity) {
                (_, 0) => &mut [],
                (true, _) => return Err(Error::Null("buffer")),
                _ => core::slice::from_raw_parts_mut(
                    buffer.cast(),
                    capacity.min(isize::MAX as usize),
                ),
            };
            (tensor, options, space)
        };
        let mut sink = Sink::new(space);
        let gradient = match autograd::function_name(tensor) {
            Some(name) => Gradient::Of(name),
            None if autograd::requires_grad(tensor) => Gradient::Leaf,
            None => Gradient::None,
        };
        print::format(tensor, gradient, &options, &mut sink)?;
        let length = sink.finish();
        if !needed.is_null() {
            // SAFETY: what the header asks of the caller.
            unsafe { needed.write(length) };
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_no_padding() {
        assert_eq!(size_of::<tensor_format_options_t>(), 32);
    }
}
