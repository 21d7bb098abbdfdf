//! Tensors from values: scalars, lists of lists of them, and memory inside such lists.
//!
//! A value is met three times. The first items alone give the shape ([`outline`]); all items are held against it and give
//! the dtype ([`infer`]); then they are written ([`fill`]). Values are read where the caller has them, never copied.

mod fill;
mod infer;
mod outline;
mod range;

use crate::convert::Standard;
use crate::dlpack::{DLDataType, DLDevice, DLTensor};
use crate::dtype::{Casting, DType};
use crate::error::{Error, Result, Text};
use crate::layout::{Layout, LayoutBuf};
use crate::storage::{Touch, allocate, free};
use crate::tensor::{Action, CopyMode, Descriptor, Handle, Plan, Reasons, Request, Tensor};
use fill::Filler;
use infer::Inference;
use outline::{Outline, walk};

/// What a node of a value holds.
pub enum Item<'a, N> {
    /// A number of its own.
    Scalar(Number),
    /// Items in a list.
    List(&'a [N]),
    /// Numbers in memory: a list of lists without nodes.
    Memory(Memory<'a>),
}

/// A number that is an item.
#[derive(Clone, Copy)]
pub enum Number {
    /// true or false.
    Bool(bool),
    /// An integer.
    Signed(i64),
    /// An integer that may be above the largest `i64`.
    Unsigned(u64),
    /// A real number, as the bits of a binary64.
    Real(u64),
    /// Real and imaginary part, as the bits of binary64.
    Complex(u64, u64),
}

/// Memory that is an item.
#[derive(Clone, Copy)]
pub enum Memory<'a> {
    /// Elements of one dtype, one after another.
    Run {
        /// The first.
        data: *const u8,
        /// What they are.
        dtype: DLDataType,
        /// How many.
        count: i64,
    },
    /// What a descriptor describes.
    Described(&'a DLTensor),
    /// The elements of a tensor.
    Tensor(&'a Tensor),
}

impl<'a> Memory<'a> {
    /// Calls `body` with the proved description of the memory, which stays where it is meanwhile. `padded` tells how sub-byte
    /// elements are stored.
    ///
    /// # Safety
    /// Pointers in a descriptor are NULL or readable.
    unsafe fn with(
        self,
        padded: bool,
        body: &mut dyn FnMut(&Descriptor<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut room = LayoutBuf::new();
        let mut shape = [0];
        let memory = match self {
            Memory::Run { data, dtype, count } => {
                shape[0] = count;
                let raw = DLTensor {
                    data: data.cast_mut().cast(),
                    device: DLDevice {
                        device_type: 1,
                        device_id: 0,
                    },
                    ndim: 1,
                    dtype,
                    shape: shape.as_mut_ptr(),
                    strides: core::ptr::null_mut(),
                    byte_offset: 0,
                };
                // SAFETY: the shape is here, and there are no strides.
                unsafe { Descriptor::prove_with_care(&raw, padded, None, &mut room)? }
            }
            // SAFETY: the caller's promise.
            Memory::Described(raw) => unsafe {
                Descriptor::prove_with_care(raw, padded, None, &mut room)?
            },
            Memory::Tensor(tensor) => {
                return tensor.touching(Touch::Reads, |memory| {
                    memory.check_host_accessible("copied")?;
                    body(&memory)
                });
            }
        };
        memory.check_host_accessible("copied")?;
        body(&memory)
    }
}

/// A node of a value, wherever it comes from.
pub trait Node: Sized {
    /// What the node holds.
    ///
    /// # Safety
    /// The node is as its maker promises: its lists and memory are readable.
    unsafe fn item(&self) -> Result<Item<'_, Self>>;
}

/// A tensor of a value, in memory of its own.
///
/// # Safety
/// As for [`Node::item`], for all nodes that can be reached.
pub unsafe fn from_value<N: Node>(root: &N, request: &Request) -> Result<Handle> {
    if request.copy == CopyMode::Never {
        return Err(Error::CopyNeeded {
            reasons: Text::of(Reasons::REQUESTED),
        });
    }
    if let Some(device) = request.device.filter(|device| !device.is_cpu()) {
        return Err(Error::DeviceMemory {
            device: device.text(),
            action: "allocated for a value",
        });
    }
    let given = request
        .dtype
        .map(|raw| DType::new(raw, request.padded))
        .transpose()?;
    // Comparing numbers with the ends of a range must not depend on the settings of the calling program.
    let _environment = Standard::enter();
    // SAFETY: the caller's promise, for all walks.
    unsafe {
        let outline = Outline::of_first_items(root, request.padded)?;
        outline.check_lists()?;
        let mut layout = LayoutBuf::new();
        layout.set(outline.shape(), None)?;
        check_room(&layout, given, &outline)?;
        let mut inference = Inference::new(given, request.casting, request.padded);
        walk(root, &outline, &mut inference)?;
        let dtype = inference.dtype()?;
        let plan = Plan {
            action: Action::Copy,
            reasons: Reasons::REQUESTED,
            bytes_moved: layout.nbytes(dtype.storage_bits())?,
        };
        let tensor = Handle::allocate(&layout, dtype, request.alignment, request.read_only, plan)?;
        let exact = request.casting == Casting::Exact;
        let mut filler = Filler::new(&tensor, request.overflow, exact);
        walk(root, &outline, &mut filler)?;
        filler.finish()?;
        Ok(tensor)
    }
}

/// An error if a large tensor of this shape cannot be allocated, before all of its items are looked at: a few lists that
/// contain each other can have more items than anybody has memory, or time.
fn check_room(layout: &Layout, given: Option<DType>, outline: &Outline) -> Result<()> {
    const LARGE: i64 = 1 << 24;
    let bits = given.map_or(outline.least_bits(), DType::storage_bits);
    let bytes = layout.nbytes(bits)?;
    if layout.numel() > LARGE {
        // What is allocated and not used would not be allocated at all.
        let room = core::hint::black_box(allocate(bytes as usize, 1)?);
        // SAFETY: allocated above.
        unsafe { free(room) }
    }
    Ok(())
}
