//! Options: integers in, checked choices out.

use super::{check_struct_size, tensor_loan_t};
use crate::device::Device;
use crate::dlpack::{DLDataType, DLDevice};
use crate::dtype::{Casting, Overflow};
use crate::error::{Error, Result};
use crate::storage::{Deleter, Foreign, Lender, Lent, Release};
use crate::tensor::{CopyMode, FillOptions, Request};
use core::ffi::c_void;

/// Copy only if the data cannot be aliased as asked.
pub const TENSOR_COPY_IF_NEEDED: i32 = 0;
/// Never copy: TENSOR_ERROR_COPY_NEEDED if the data cannot be aliased as asked.
pub const TENSOR_COPY_NEVER: i32 = 1;
/// Always copy.
pub const TENSOR_COPY_ALWAYS: i32 = 2;

/// Any conversion that is defined.
pub const TENSOR_CASTING_UNSAFE: i32 = 0;
/// Conversions within a kind, or to a later one of bool, unsigned, signed, floating point, complex.
pub const TENSOR_CASTING_SAME_KIND: i32 = 1;
/// Conversions that keep every value of the dtype; 64-bit integers to float64 count, as in NumPy.
pub const TENSOR_CASTING_SAFE: i32 = 2;
/// No conversion.
pub const TENSOR_CASTING_EQUIV: i32 = 3;
/// Any conversion that keeps every value that is there: checked before anything is written, and
/// TENSOR_ERROR_INEXACT names the first element that would not survive.
pub const TENSOR_CASTING_EXACT: i32 = 4;

/// Beyond the largest finite value: infinity where the format has one. float8_e4m3fn, float6 and float4: the largest
/// finite value. The fnuz formats and float8_e8m0fnu: NaN.
pub const TENSOR_OVERFLOW_DEFAULT: i32 = 0;
/// As TENSOR_OVERFLOW_DEFAULT, but NaN for float8_e4m3fn.
pub const TENSOR_OVERFLOW_NAN: i32 = 1;
/// The largest finite value, for infinities too.
pub const TENSOR_OVERFLOW_SATURATE: i32 = 2;

/// The tensor, its views and exports cannot be written through this library.
pub const TENSOR_FLAG_READ_ONLY: u32 = 1;
/// The tensor must be row-major contiguous: other layouts are copied.
pub const TENSOR_FLAG_CONTIGUOUS: u32 = 2;
/// Gradients of the tensor are asked for: it is a leaf. Floating-point and complex dtypes only.
pub const TENSOR_FLAG_REQUIRES_GRAD: u32 = 4;
/// Sub-byte elements of the descriptor, and of a copy, take one byte each instead of being packed.
pub const TENSOR_FLAG_SUBBYTE_PADDED: u32 = 8;

const KNOWN_FLAGS: u32 = TENSOR_FLAG_READ_ONLY
    | TENSOR_FLAG_CONTIGUOUS
    | TENSOR_FLAG_REQUIRES_GRAD
    | TENSOR_FLAG_SUBBYTE_PADDED;

/// A function that takes lent memory back. Called exactly once, after the last alias is gone, on the thread that gave it
/// up, with no lock held. It may call this library; it must return normally (no exception, no longjmp).
pub type tensor_deleter_t = Option<unsafe extern "C" fn(ctx: *mut c_void)>;

/// What is asked of a new tensor. Begin with TENSOR_OPTIONS_INIT; NULL in its place means the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tensor_options_t {
    /// Size of this struct, set by TENSOR_OPTIONS_INIT.
    pub struct_size: u32,
    /// TENSOR_FLAG_ bits.
    pub flags: u32,
    /// Element type of the result; NULL: the data's own.
    pub dtype: *const DLDataType,
    /// Where the result should be; NULL: where the data is.
    pub device: *const DLDevice,
    /// TENSOR_COPY_ value.
    pub copy: i32,
    /// TENSOR_CASTING_ value.
    pub casting: i32,
    /// TENSOR_OVERFLOW_ value.
    pub overflow: i32,
    /// Must be 0.
    pub reserved: i32,
    /// Bytes of which the first element's address must be a multiple: a power of two, or 0 for any.
    pub alignment: usize,
    /// Bytes that may be touched, counted from the descriptor's `data`; 0: not told.
    pub nbytes: usize,
    /// The loan that the data is on: its bytes are proved to be inside. NULL: none.
    pub loan: *mut tensor_loan_t,
    /// Called with `deleter_ctx` when the memory is not needed any more: after the last alias, or at once if the data was
    /// copied. NULL: nothing is called. Never called by a function that fails.
    pub deleter: tensor_deleter_t,
    /// For `deleter`.
    pub deleter_ctx: *mut c_void,
}

/// Options that not every function takes: a bit each.
mod option {
    pub(super) const DTYPE: u32 = 1;
    pub(super) const DEVICE: u32 = 1 << 1;
    pub(super) const COPY: u32 = 1 << 2;
    pub(super) const ALIGNMENT: u32 = 1 << 3;
    pub(super) const READ_ONLY: u32 = 1 << 4;
    pub(super) const CONTIGUOUS: u32 = 1 << 5;
    pub(super) const REQUIRES_GRAD: u32 = 1 << 6;
    pub(super) const SUBBYTE_PADDED: u32 = 1 << 7;
    pub(super) const NBYTES: u32 = 1 << 8;
    pub(super) const LOAN: u32 = 1 << 9;
    pub(super) const DELETER: u32 = 1 << 10;

    /// What they are called in messages, from the lowest bit on.
    pub(super) const NAMES: [&str; 11] = [
        "dtype",
        "device",
        "copy",
        "alignment",
        "READ_ONLY",
        "CONTIGUOUS",
        "REQUIRES_GRAD",
        "SUBBYTE_PADDED",
        "nbytes",
        "loan",
        "deleter",
    ];

    /// Those that ask for something of a new tensor.
    pub(super) const REQUEST: u32 =
        DTYPE | DEVICE | COPY | ALIGNMENT | READ_ONLY | CONTIGUOUS | SUBBYTE_PADDED;
    /// Those that describe the data.
    pub(super) const DATA: u32 = NBYTES | LOAN | SUBBYTE_PADDED;
}

/// Which options a function takes besides casting and overflow.
#[derive(Clone, Copy)]
pub(super) struct Accepts {
    function: &'static str,
    /// A bit for each [`option`].
    options: u32,
}

impl Accepts {
    /// Functions that make a tensor from a descriptor.
    pub const fn creation(function: &'static str) -> Self {
        let options = option::REQUEST | option::DATA | option::DELETER | option::REQUIRES_GRAD;
        Self { function, options }
    }

    /// Functions that take over a managed tensor.
    pub const fn import(function: &'static str) -> Self {
        let options = option::REQUEST | option::DATA | option::REQUIRES_GRAD;
        Self { function, options }
    }

    /// Functions that make something of a tensor.
    pub const fn tensor(function: &'static str) -> Self {
        let options = option::REQUEST | option::REQUIRES_GRAD;
        Self { function, options }
    }

    /// Functions that export a tensor.
    pub const fn export(function: &'static str) -> Self {
        let options = option::REQUEST;
        Self { function, options }
    }

    /// Functions that fill a tensor from a descriptor.
    pub const fn fill(function: &'static str) -> Self {
        let options = option::DATA;
        Self { function, options }
    }

    /// Functions that fill a tensor from another.
    pub const fn assignment(function: &'static str) -> Self {
        let options = 0;
        Self { function, options }
    }
}

/// Options that have been checked.
pub(super) struct Options {
    pub request: Request,
    pub nbytes: Option<u64>,
    pub release: Release,
    pub lender: Option<Lender>,
    pub requires_grad: bool,
}

impl Options {
    /// Checks options; NULL are the defaults.
    ///
    /// # Safety
    /// `options` is NULL or readable, and so are the pointers in it.
    pub unsafe fn read(options: *const tensor_options_t, accepts: Accepts) -> Result<Self> {
        // SAFETY: the caller's promise.
        unsafe { Self::read_here(options, accepts) }
    }

    /// [`Options::read`], compiled into its caller: what is read is then not moved about.
    ///
    /// # Safety
    /// As for [`Options::read`].
    #[inline(always)]
    pub unsafe fn read_here(options: *const tensor_options_t, accepts: Accepts) -> Result<Self> {
        let defaults = Self {
            request: Request::DEFAULT,
            nbytes: None,
            release: Release::Nothing,
            lender: None,
            requires_grad: false,
        };
        if options.is_null() {
            return Ok(defaults);
        }
        // SAFETY: the caller's promise. The size comes first, and nothing else is read of a struct of another size.
        unsafe { check_struct_size(options, "options")? }
        // SAFETY: as above, and the size is right.
        let options = unsafe { &*options };
        options.check_applicable(accepts)?;
        let flag = |flag| options.flags & flag != 0;
        // SAFETY: the caller's promise.
        let (dtype, device) = unsafe { (options.dtype.as_ref(), options.device.as_ref()) };
        let lender = match options.loan.addr() {
            0 => None,
            handle => Some(Lender::from_raw(handle)?),
        };
        let foreign = options
            .deleter
            .map(|deleter| Foreign::Deleter(deleter as Deleter, options.deleter_ctx));
        Ok(Self {
            request: Request {
                dtype: dtype.copied(),
                device: device.map(|device| Device::new(*device)).transpose()?,
                copy: copy_mode(options.copy)?,
                casting: casting(options.casting)?,
                overflow: overflow(options.overflow)?,
                read_only: flag(TENSOR_FLAG_READ_ONLY),
                contiguous: flag(TENSOR_FLAG_CONTIGUOUS),
                padded: flag(TENSOR_FLAG_SUBBYTE_PADDED),
                alignment: alignment(options.alignment)?,
            },
            nbytes: (options.nbytes != 0).then_some(options.nbytes as u64),
            release: match (foreign, lender) {
                (None, None) => Release::Nothing,
                (None, Some(lender)) => Release::Lent(Lent::new(lender, None)),
                (Some(foreign), lender) => Release::of(foreign, lender),
            },
            lender,
            requires_grad: flag(TENSOR_FLAG_REQUIRES_GRAD),
        })
    }

    /// The choices of a function that fills.
    pub fn fill(&self) -> FillOptions {
        FillOptions {
            casting: self.request.casting,
            overflow: self.request.overflow,
        }
    }
}

impl tensor_options_t {
    #[inline(always)]
    fn check_applicable(&self, accepts: Accepts) -> Result<()> {
        let unknown = self.flags & !KNOWN_FLAGS;
        if unknown != 0 {
            return Err(Error::UnknownFlags {
                flags: self.flags.into(),
                unknown: unknown.into(),
            });
        }
        if self.reserved != 0 {
            return Err(Error::UnknownValue {
                field: "options.reserved",
                value: self.reserved.into(),
            });
        }
        let unmeant = self.given() & !accepts.options;
        if unmeant != 0 {
            return Err(Error::OptionNotApplicable {
                option: option::NAMES[unmeant.trailing_zeros() as usize],
                function: accepts.function,
            });
        }
        Ok(())
    }

    /// Which [`option`]s ask for something.
    #[inline(always)]
    fn given(&self) -> u32 {
        let flag = |flag| self.flags & flag != 0;
        let given = [
            (!self.dtype.is_null(), option::DTYPE),
            (!self.device.is_null(), option::DEVICE),
            (self.copy != TENSOR_COPY_IF_NEEDED, option::COPY),
            (self.alignment != 0, option::ALIGNMENT),
            (flag(TENSOR_FLAG_READ_ONLY), option::READ_ONLY),
            (flag(TENSOR_FLAG_CONTIGUOUS), option::CONTIGUOUS),
            (flag(TENSOR_FLAG_REQUIRES_GRAD), option::REQUIRES_GRAD),
            (flag(TENSOR_FLAG_SUBBYTE_PADDED), option::SUBBYTE_PADDED),
            (self.nbytes != 0, option::NBYTES),
            (!self.loan.is_null(), option::LOAN),
            (self.deleter.is_some(), option::DELETER),
        ];
        let mut set = 0;
        for (given, option) in given {
            set |= if given { option } else { 0 };
        }
        set
    }
}

#[cold]
fn unknown<T>(field: &'static str, value: i32) -> Result<T> {
    Err(Error::UnknownValue {
        field,
        value: value.into(),
    })
}

/// The choice behind a TENSOR_COPY_ value.
#[inline(always)]
pub(super) fn copy_mode(raw: i32) -> Result<CopyMode> {
    match raw {
        TENSOR_COPY_IF_NEEDED => Ok(CopyMode::IfNeeded),
        TENSOR_COPY_NEVER => Ok(CopyMode::Never),
        TENSOR_COPY_ALWAYS => Ok(CopyMode::Always),
        _ => unknown("copy", raw),
    }
}

/// The choice behind a TENSOR_CASTING_ value.
#[inline(always)]
pub(super) fn casting(raw: i32) -> Result<Casting> {
    match raw {
        TENSOR_CASTING_UNSAFE => Ok(Casting::Unsafe),
        TENSOR_CASTING_SAME_KIND => Ok(Casting::SameKind),
        TENSOR_CASTING_SAFE => Ok(Casting::Safe),
        TENSOR_CASTING_EQUIV => Ok(Casting::Equiv),
        TENSOR_CASTING_EXACT => Ok(Casting::Exact),
        _ => unknown("casting", raw),
    }
}

#[inline(always)]
fn overflow(raw: i32) -> Result<Overflow> {
    match raw {
        TENSOR_OVERFLOW_DEFAULT => Ok(Overflow::Default),
        TENSOR_OVERFLOW_NAN => Ok(Overflow::Nan),
        TENSOR_OVERFLOW_SATURATE => Ok(Overflow::Saturate),
        _ => unknown("overflow", raw),
    }
}

#[inline(always)]
fn alignment(raw: usize) -> Result<usize> {
    match raw {
        0 => Ok(1),
        _ if raw.is_power_of_two() && raw < 1 << 31 => Ok(raw),
        _ => Err(Error::Alignment(raw)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_no_padding() {
        assert_eq!(size_of::<tensor_options_t>(), 80);
    }
}
