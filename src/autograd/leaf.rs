//! Leaves: where gradients arrive. What arrives is added to what is there, under the lock of the leaf.

use super::OwnLayout;
use super::gradient::{Gradient, add, converted, copy_to, side};
use super::memory::List;
use super::node::{NodeRef, Operation, Output, Several};
use crate::copy::Side;
use crate::dtype::{Casting, DType, Kind, Overflow};
use crate::error::{Error, Result};
use crate::layout::{Answer, Layout, LayoutBuf, overlaps_itself};
use crate::storage::{Monitor, Touch};
use crate::tensor::{FillOptions, Handle, Tensor, Touched, copy_into};

/// The gradient of a leaf.
pub struct Sink {
    state: Monitor<State>,
}

struct State {
    requires_grad: bool,
    gradient: Option<Handle>,
}

/// Whether there are derivatives in a dtype.
pub fn is_differentiable(dtype: DType) -> bool {
    matches!(dtype.scalar().kind(), Kind::Float | Kind::Complex)
}

/// Proves that there are.
pub fn check_differentiable(dtype: DType) -> Result<()> {
    if !is_differentiable(dtype) {
        return Err(Error::GradientKind(dtype.text()));
    }
    Ok(())
}

/// A leaf that requires grad.
pub fn new(dtype: DType, layout: &Layout) -> Result<NodeRef> {
    check_differentiable(dtype)?;
    let mut room = LayoutBuf::new();
    room.set_row_major(layout);
    let sink = Sink {
        state: Monitor::new(State {
            requires_grad: true,
            gradient: None,
        }),
    };
    let output = Output {
        dtype,
        layout: OwnLayout::of(&room)?,
    };
    NodeRef::new(
        "AccumulateGrad",
        Operation::Leaf(sink),
        Several::Many(List::new()),
        Several::one(output),
    )
}

/// What is needed to add a gradient to that of a leaf without taking memory.
pub struct Arrival {
    leaf: NodeRef,
    /// To become the gradient, if there is none.
    whole: Option<Handle>,
    /// To be added to the one that is there.
    sums: Option<Handle>,
}

impl Arrival {
    /// For what came in.
    pub fn new(leaf: NodeRef, gradient: Gradient) -> Result<Self> {
        let target = &leaf.outputs[0];
        let has_gradient = match &leaf.operation {
            Operation::Leaf(sink) => sink.check_reachable()?,
            _ => false,
        };
        let (whole, sums) = if has_gradient {
            (None, Some(gradient.sums(target)?))
        } else {
            let whole = gradient.whole(target)?;
            // What somebody else can reach cannot become the gradient.
            let whole = if whole.use_count() == 1 {
                whole
            } else {
                let own = super::gradient::empty(target.dtype, &target.layout)?;
                copy_to(side(&whole), side(&own));
                own
            };
            (Some(whole), None)
        };
        Ok(Self { leaf, whole, sums })
    }

    /// Adds it.
    pub fn commit(self) -> Result<()> {
        let Operation::Leaf(sink) = &self.leaf.operation else {
            return Ok(());
        };
        let target = &self.leaf.outputs[0];
        let mut state = sink.state.lock();
        if !state.requires_grad {
            return Ok(());
        }
        let Some(gradient) = &state.gradient else {
            // Another thread may have taken the gradient away meanwhile.
            state.gradient = match (self.whole, self.sums) {
                (Some(whole), _) => Some(whole),
                (None, Some(sums)) => Some(converted(&sums, target.dtype)?),
                (None, None) => None,
            };
            return Ok(());
        };
        // Another thread may have been first meanwhile.
        let sums = match (self.sums, self.whole) {
            (Some(sums), _) => sums,
            (None, Some(whole)) => Gradient::Whole(whole).sums(target)?,
            (None, None) => return Ok(()),
        };
        gradient.touching(Touch::Writes, |memory| {
            let place = Side {
                pointer: memory.pointer(),
                layout: memory.layout,
                dtype: memory.dtype,
            };
            add(&sums, sums.layout(), 0, place);
            copy_to(side(&sums), place);
            Ok(())
        })?;
        gradient.storage().count_change();
        Ok(())
    }
}

impl Sink {
    /// Whether gradients are kept.
    pub fn requires_grad(&self) -> bool {
        self.state.lock().requires_grad
    }

    /// Keeps gradients, or not.
    pub fn set_requires_grad(&self, requires_grad: bool) {
        self.state.lock().requires_grad = requires_grad;
    }

    /// Whether there is a gradient; an error if its memory was taken back.
    fn check_reachable(&self) -> Result<bool> {
        let state = self.state.lock();
        let Some(gradient) = &state.gradient else {
            return Ok(false);
        };
        gradient.touching(Touch::Writes, |_| Ok(true))
    }

    /// The gradient, if there is one.
    pub fn gradient(&self) -> Result<Option<Handle>> {
        let state = self.state.lock();
        state.gradient.as_ref().map(Handle::try_clone).transpose()
    }

    /// Sets the elements of the gradient to zero, if there is one.
    pub fn zero(&self) -> Result<()> {
        let state = self.state.lock();
        let Some(gradient) = &state.gradient else {
            return Ok(());
        };
        let zero = super::gradient::zeros(gradient.dtype(), &LayoutBuf::new())?;
        let options = FillOptions {
            casting: Casting::Unsafe,
            overflow: Overflow::Default,
        };
        copy_into(gradient, Touched::Tensor(&zero), options)
    }

    /// Makes `gradient` the place where gradients arrive.
    pub fn replace(&self, gradient: Option<Handle>) {
        let before = core::mem::replace(&mut self.state.lock().gradient, gradient);
        // Its lender's function may be called, with no lock held.
        drop(before);
    }
}

/// Proves that gradients of `tensor` can be added to `buffer`.
pub fn check_buffer(tensor: &Tensor, buffer: &Tensor) -> Result<()> {
    check_like("buffer", buffer, tensor.layout(), tensor.dtype())?;
    if buffer.is_read_only() {
        return Err(Error::ReadOnly("buffer is read-only"));
    }
    if !buffer.device().is_host_accessible() {
        return Err(Error::DeviceMemory {
            device: buffer.device().text(),
            action: "written",
        });
    }
    match overlaps_itself(buffer.layout()) {
        Answer::No => Ok(()),
        Answer::Yes => Err(Error::SelfOverlap),
        Answer::TooHard { steps } => Err(Error::SelfOverlapTooHard { steps }),
    }
}

/// Proves that a gradient looks like what it is of.
pub fn check_like(
    what: &'static str,
    gradient: &Tensor,
    layout: &Layout,
    dtype: DType,
) -> Result<()> {
    check_shape(what, gradient.layout(), layout)?;
    if !gradient.dtype().same_type(dtype) {
        return Err(Error::GradientDType {
            what,
            found: gradient.dtype().text(),
            expected: dtype.text(),
        });
    }
    Ok(())
}

fn check_shape(what: &'static str, found: &Layout, expected: &Layout) -> Result<()> {
    if found.ndim() != expected.ndim() {
        return Err(Error::GradientNdim {
            what,
            found: found.ndim(),
            expected: expected.ndim(),
        });
    }
    let sizes = found.shape().iter().zip(expected.shape());
    for (dim, (&found, &expected)) in sizes.enumerate() {
        if found != expected {
            return Err(Error::GradientShape {
                what,
                dim,
                found,
                expected,
            });
        }
    }
    Ok(())
}
