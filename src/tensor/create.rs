//! From described memory to a tensor: decide between alias and copy, say why, and do it.

use super::{Descriptor, Handle, Tensor, Touched};
use crate::copy;
use crate::device::Device;
use crate::dlpack::DLDataType;
use crate::dtype::{Casting, DType, Overflow, check_cast};
use crate::error::{Error, Result, Text};
use crate::layout::LayoutBuf;
use crate::storage::{Call, Lender, Release, Touch};
use core::fmt;

/// Whether a copy may be, or must be, made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyMode {
    /// Only when aliasing is impossible.
    IfNeeded,
    /// Never: an error when aliasing is impossible.
    Never,
    /// Always.
    Always,
}

/// What is asked of a new tensor.
#[derive(Clone, Copy)]
pub struct Request {
    /// Element type; the data's own when `None`.
    pub dtype: Option<DLDataType>,
    /// Where the result should be; the data's own place when `None`.
    pub device: Option<Device>,
    /// Whether to copy.
    pub copy: CopyMode,
    /// Which conversions are allowed.
    pub casting: Casting,
    /// What conversions do with values out of range.
    pub overflow: Overflow,
    /// The result must not be written.
    pub read_only: bool,
    /// The result must be row-major.
    pub contiguous: bool,
    /// Sub-byte elements of the result take one byte each.
    pub padded: bool,
    /// Bytes whose multiple the first element's address must be; 1 for any.
    pub alignment: usize,
}

impl Request {
    /// Nothing in particular: alias.
    pub const DEFAULT: Self = Self {
        dtype: None,
        device: None,
        copy: CopyMode::IfNeeded,
        casting: Casting::Unsafe,
        overflow: Overflow::Default,
        read_only: false,
        contiguous: false,
        padded: false,
        alignment: 1,
    };

    /// Element type of what is made of elements of type `from`.
    #[inline(always)]
    pub fn result_dtype(&self, from: DType) -> Result<DType> {
        let padded = self.padded || from.is_padded();
        match self.dtype {
            Some(raw) => DType::new(raw, padded),
            None => Ok(from.with_padding(padded)),
        }
    }
}

/// Alias or copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The tensor's bytes are the data's.
    Alias,
    /// The tensor has its own bytes.
    Copy,
}

/// Why a copy is made: a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasons(u32);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// Another element type, or another storage of sub-byte elements.
    pub const DTYPE: Self = Self(1);
    /// Another device.
    pub const DEVICE: Self = Self(2);
    /// Not row-major, but asked to be.
    pub const LAYOUT: Self = Self(4);
    /// Not aligned as asked.
    pub const ALIGNMENT: Self = Self(8);
    /// A copy was asked for.
    pub const REQUESTED: Self = Self(16);

    /// The set as bits.
    #[inline(always)]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The set of [`Reasons::bits`].
    pub(super) fn of_bits(bits: u32) -> Self {
        Self(bits)
    }

    fn add_if(&mut self, condition: bool, reason: Self) {
        if condition {
            self.0 |= reason.0;
        }
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::DTYPE, "dtype"),
            (Self::DEVICE, "device"),
            (Self::LAYOUT, "layout"),
            (Self::ALIGNMENT, "alignment"),
            (Self::REQUESTED, "requested"),
        ];
        let mut separator = "";
        for (reason, name) in names {
            if self.0 & reason.0 != 0 {
                write!(f, "{separator}{name}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

/// What will be done, or was done, to make a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Alias or copy.
    pub action: Action,
    /// Why a copy; empty for an alias.
    pub reasons: Reasons,
    /// Bytes a copy writes; 0 for an alias.
    pub bytes_moved: i64,
}

impl Plan {
    /// An alias.
    pub const ALIAS: Self = Self {
        action: Action::Alias,
        reasons: Reasons::NONE,
        bytes_moved: 0,
    };
}

/// [`decide`], once for all calls that have time for a call.
#[inline(never)]
fn decided(memory: &Descriptor<'_>, request: &Request) -> Result<(Plan, DType)> {
    decide(memory, request)
}

/// Decides how `request` is met for `memory`; returns the element type of the result as well.
#[inline(always)]
fn decide(memory: &Descriptor<'_>, request: &Request) -> Result<(Plan, DType)> {
    let dtype = request.result_dtype(memory.dtype)?;
    check_cast(memory.dtype, dtype, request.casting)?;
    let mut reasons = Reasons::NONE;
    reasons.add_if(memory.dtype != dtype, Reasons::DTYPE);
    reasons.add_if(
        request.device.is_some_and(|device| device != memory.device),
        Reasons::DEVICE,
    );
    reasons.add_if(
        request.contiguous && !memory.layout.is_contiguous(),
        Reasons::LAYOUT,
    );
    reasons.add_if(
        memory.layout.numel() > 0 && !memory.first().is_multiple_of(request.alignment as u64),
        Reasons::ALIGNMENT,
    );
    reasons.add_if(request.copy == CopyMode::Always, Reasons::REQUESTED);
    if reasons == Reasons::NONE {
        return Ok((Plan::ALIAS, dtype));
    }
    if request.copy == CopyMode::Never {
        return Err(Error::CopyNeeded {
            reasons: Text::of(reasons),
        });
    }
    check_transfer(memory, request.device)?;
    let plan = Plan {
        action: Action::Copy,
        reasons,
        bytes_moved: memory.layout.nbytes(dtype.storage_bits())?,
    };
    Ok((plan, dtype))
}

/// Copies are made from memory the processor reaches into memory of the processor's own.
#[inline(always)]
fn check_transfer(memory: &Descriptor<'_>, to: Option<Device>) -> Result<()> {
    match to {
        Some(device) if device == memory.device && !device.is_cpu() => Err(Error::DeviceMemory {
            device: device.text(),
            action: "allocated for a copy",
        }),
        Some(device) if !device.is_cpu() => Err(Error::DeviceTransfer {
            from: memory.device.text(),
            to: device.text(),
        }),
        _ => memory.check_host_accessible("copied"),
    }
}

/// What [`as_tensor`] would do.
pub fn plan(memory: &Descriptor<'_>, request: &Request) -> Result<Plan> {
    decided(memory, request).map(|(plan, _)| plan)
}

/// A tensor on `memory`, or a copy of it when the request needs one.
///
/// `release` is what the lender wants done with the memory: an alias takes it over; after a copy it is run at once. On
/// error it is not.
#[inline(always)]
pub fn as_tensor(
    memory: &mut Descriptor<'_>,
    request: &Request,
    release: Release,
) -> Result<Handle> {
    let (plan, dtype) = decide(memory, request)?;
    match plan.action {
        Action::Alias => {
            memory.read_only |= request.read_only;
            Handle::borrow(memory, release, plan)
        }
        Action::Copy => {
            let tensor = match release.lender() {
                None => copied(memory, dtype, request, plan)?,
                Some(lender) => copied_from_loan(memory, lender, dtype, request, plan)?,
            };
            // SAFETY: the copy is made and nothing refers to the lender's memory. Its deleter may be called here: the
            // lender gave it with the memory.
            unsafe { release.run() }
            Ok(tensor)
        }
    }
}

/// A copy of `memory`, always.
#[inline(always)]
pub fn copy(memory: &mut Descriptor<'_>, request: &Request, release: Release) -> Result<Handle> {
    if request.copy == CopyMode::Never {
        return Err(Error::CopyNeeded {
            reasons: Text::of(Reasons::REQUESTED),
        });
    }
    let request = Request {
        copy: CopyMode::Always,
        ..*request
    };
    as_tensor(memory, &request, release)
}

/// `tensor` as requested: another handle on the same memory, or a copy.
pub fn to(tensor: &Tensor, request: &Request) -> Result<Handle> {
    let access = tensor.access()?;
    // SAFETY: the memory is on no loan, or the lock is held.
    let mut memory = unsafe { Descriptor::of(tensor) };
    let (plan, dtype) = decided(&memory, request)?;
    match plan.action {
        Action::Alias => {
            memory.read_only |= request.read_only;
            Handle::alias(tensor, &memory, plan, access)
        }
        Action::Copy => {
            drop(access);
            tensor.touching(Touch::Reads, |memory| copied(&memory, dtype, request, plan))
        }
    }
}

/// An uninitialised tensor.
pub fn empty(dtype: DLDataType, device: Option<Device>, shape: &[i64]) -> Result<Handle> {
    let dtype = DType::new(dtype, false)?;
    let mut layout = LayoutBuf::new();
    layout.set(shape, None)?;
    if let Some(device) = device.filter(|device| !device.is_cpu()) {
        return Err(Error::DeviceMemory {
            device: device.text(),
            action: "allocated",
        });
    }
    let plan = Plan {
        action: Action::Copy,
        reasons: Reasons::REQUESTED,
        bytes_moved: 0,
    };
    Handle::allocate(&layout, dtype, 1, false, plan)
}

/// [`copied`] while memory on a loan is kept where it is.
#[inline(never)]
fn copied_from_loan(
    memory: &Descriptor<'_>,
    lender: Lender,
    dtype: DType,
    request: &Request,
    plan: Plan,
) -> Result<Handle> {
    let room = 0;
    Touched::Described(memory, Some(lender)).with(Touch::Reads, Call::of(&room), |memory| {
        copied(&memory, dtype, request, plan)
    })
}

/// A copy of memory of which nothing is in the way.
#[inline(always)]
fn copied(memory: &Descriptor<'_>, dtype: DType, request: &Request, plan: Plan) -> Result<Handle> {
    let source = memory.side();
    let conversion = copy::Conversion {
        overflow: request.overflow,
        exact: request.casting == Casting::Exact,
    };
    if conversion.exact {
        // SAFETY: the descriptor was proved, and the memory is host-accessible.
        unsafe { copy::check_exact(source, dtype, conversion.overflow)? }
    }
    let tensor = Handle::allocate(
        memory.layout,
        dtype,
        request.alignment,
        request.read_only,
        plan,
    )?;
    let destination = copy::Side {
        // SAFETY: fresh memory is on no loan.
        pointer: unsafe { tensor.data() }.cast(),
        layout: tensor.layout(),
        dtype,
    };
    // SAFETY: the source was proved and is host-accessible; the destination is fresh memory of the right size, which
    // cannot overlap it.
    unsafe { copy::copy_to_fresh(source, destination, conversion.overflow) };
    Ok(tensor)
}
