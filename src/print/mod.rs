//! A tensor as text, laid out as torch does it: `tensor([[1., 2.], ...], dtype=float64)`.
//!
//! Two passes over what is shown, one that chooses how numbers are written ([`style`]) and one that writes them
//! ([`nested`]). Lanes of an element are printed as one more dimension. Nothing is allocated.

mod nested;
mod number;
mod sink;
mod style;

pub use number::MAX_PRECISION;
pub use sink::Sink;

use crate::convert::Standard;
use crate::device::Device;
use crate::dtype::{DType, Scalar, default_float};
use crate::error::{Error, Result};
use crate::storage::Touch;
use crate::tensor::{Descriptor, Tensor};
use core::fmt::{self, Write};
use nested::Grid;
use number::Digits;
use sink::Counter;
use style::{Seen, Style};

/// Whether floating-point numbers are written with an exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SciMode {
    /// If they are very large, very small, or far from each other.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// How a tensor is printed.
#[derive(Clone, Copy)]
pub struct FormatOptions {
    /// Digits after the point, at most [`MAX_PRECISION`].
    pub precision: usize,
    /// Tensors of more elements are summarised.
    pub threshold: u64,
    /// Items shown at each end of a summarised dimension.
    pub edge_items: usize,
    /// Characters of a line.
    pub line_width: usize,
    /// Whether exponents are used.
    pub sci_mode: SciMode,
}

impl FormatOptions {
    /// What torch begins with.
    pub const DEFAULT: Self = Self {
        precision: 4,
        threshold: 1000,
        edge_items: 3,
        line_width: 80,
        sci_mode: SciMode::Auto,
    };
}

/// What there is to say about the gradient of a tensor.
#[derive(Clone, Copy)]
pub enum Gradient {
    /// None is asked for.
    None,
    /// It is kept.
    Leaf,
    /// It is passed on by a function of this name.
    Of(&'static str),
}

/// How the text begins. Lines that follow are indented by as much.
const PREFIX: &str = "tensor(";

/// Writes the text of `tensor`. `gradient` is what there is to say about its gradient.
pub fn format(
    tensor: &Tensor,
    gradient: Gradient,
    options: &FormatOptions,
    sink: &mut Sink<'_>,
) -> Result<()> {
    // Comparing and dividing must not depend on the floating-point settings of the calling program.
    let _environment = Standard::enter();
    let empty = tensor.layout().numel() == 0;
    if !empty && !tensor.device().is_host_accessible() {
        return Err(Error::DeviceMemory {
            device: tensor.device().text(),
            action: "printed",
        });
    }
    if empty {
        sink.put(PREFIX);
        sink.put("[]");
    } else {
        tensor.touching(Touch::Reads, |memory| {
            sink.put(PREFIX);
            // SAFETY: the memory was proved when the tensor was made, and the processor reaches it.
            unsafe { put_elements(&memory, options, sink) };
            Ok(())
        })?;
    }
    put_suffixes(tensor, gradient, empty, options, sink);
    sink.put(")");
    Ok(())
}

/// Writes the elements in their brackets.
///
/// # Safety
/// The memory is readable.
unsafe fn put_elements(memory: &Descriptor<'_>, options: &FormatOptions, sink: &mut Sink<'_>) {
    let grid = Grid::new(memory, options);
    let mut digits = Digits::new();
    let mut styles = [Style::NOTHING; 2];
    let parts = grid.parts();
    for (part, style) in styles[..parts].iter_mut().enumerate() {
        let mut seen = Seen::nothing(memory.dtype.scalar());
        // SAFETY: the caller's promise.
        unsafe { grid.scan(part, &mut seen) };
        *style = Style::new(&seen, options.precision, options.sci_mode, &mut digits);
    }
    // SAFETY: the caller's promise.
    unsafe { grid.put(&styles[..parts], PREFIX.len(), &mut digits, sink) }
}

/// Writes what comes after the elements: where the tensor is, and what cannot be seen from them.
fn put_suffixes(
    tensor: &Tensor,
    gradient: Gradient,
    empty: bool,
    options: &FormatOptions,
    sink: &mut Sink<'_>,
) {
    let (device, dtype, shape) = (tensor.device(), tensor.dtype(), tensor.layout().shape());
    let default = default_float();
    let is_default = if empty {
        dtype.same_type(default)
    } else {
        is_understood(dtype, default.scalar())
    };
    let shows_size = if empty {
        shape.len() != 1
    } else {
        options.edge_items == 0
    };
    // Torch counts two characters more than there are.
    let mut column = sink.column() + 2;
    let mut put = |extra: usize, write: &dyn Fn(&mut dyn Write) -> fmt::Result| {
        let mut counter = Counter::default();
        let _ = write(&mut counter);
        let len = counter.0 + extra;
        if column + len + 2 > options.line_width {
            sink.put(",");
            sink.line_break();
            sink.spaces(PREFIX.len());
            column = PREFIX.len() + len;
        } else {
            sink.put(", ");
            column += len + 2;
        }
        let _ = write(sink);
    };
    if device != Device::CPU {
        put(0, &|to| write!(to, "device='{device}'"));
    }
    if shows_size {
        put(0, &|to| write_size(to, shape));
    }
    if !is_default {
        // Lines break where they do in torch, which writes "torch." before the name.
        put("torch.".len(), &|to| write!(to, "dtype={dtype}"));
    }
    match gradient {
        Gradient::None => {}
        Gradient::Leaf => put(0, &|to| to.write_str("requires_grad=True")),
        Gradient::Of(name) => put(0, &|to| write!(to, "grad_fn=<{name}>")),
    }
}

/// Whether a dtype goes without saying when elements are shown.
fn is_understood(dtype: DType, default: Scalar) -> bool {
    let complex = match default {
        Scalar::Float64 => Scalar::Complex128,
        _ => Scalar::Complex64,
    };
    dtype.lanes() == 1 && [default, complex, Scalar::Int64, Scalar::Bool].contains(&dtype.scalar())
}

/// Writes a shape as Python writes a tuple.
fn write_size(to: &mut dyn Write, shape: &[i64]) -> fmt::Result {
    to.write_str("size=(")?;
    for (dim, size) in shape.iter().enumerate() {
        let separator = if dim == 0 { "" } else { ", " };
        write!(to, "{separator}{size}")?;
    }
    to.write_str(if shape.len() == 1 { ",)" } else { ")" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::empty;
    use core::mem::MaybeUninit;

    fn text_of(dtype: &str, bytes: &[u8], shape: &[i64]) -> String {
        let dtype = DType::from_name(dtype).unwrap();
        let tensor = empty(dtype.raw(), None, shape).unwrap();
        assert_eq!(tensor.nbytes(), bytes.len() as i64);
        // SAFETY: the tensor is on no loan.
        let data: *mut u8 = unsafe { tensor.data().cast() };
        // SAFETY: the tensor is this function's, and has so many bytes.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len()) };
        let mut buffer = [MaybeUninit::new(0); 256];
        let mut sink = Sink::new(&mut buffer);
        format(&tensor, Gradient::Leaf, &FormatOptions::DEFAULT, &mut sink).unwrap();
        let len = sink.finish();
        // SAFETY: all of it was initialised above.
        let bytes = buffer.map(|byte| unsafe { byte.assume_init() });
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    }

    #[test]
    fn tensors_that_require_gradients_say_so_last() {
        let halves = [0x00u8, 0x38].repeat(10);
        assert_eq!(
            text_of("float16", &halves[..2], &[1]),
            "tensor([0.5000], dtype=float16, requires_grad=True)"
        );
        assert_eq!(
            text_of("float16", &halves[..16], &[8]),
            "tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000],\n       \
             dtype=float16, requires_grad=True)"
        );
        let one = 1f32.to_le_bytes();
        assert_eq!(
            text_of("float32", &one, &[]),
            "tensor(1., requires_grad=True)"
        );
    }
}
