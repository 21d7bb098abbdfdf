//! Backward: from the gradient of one result to those of the leaves it was made of.
//!
//! First everything is computed, then it is added to the leaves; so what fails on the way changes no leaf. The order is
//! that of the nodes' numbers, so the results of the same graph are the same bit for bit.

use super::function::Function;
use super::gradient::{
    self, Gradient, add, converted, empty, gathered, give, scatter, share_out, side, span, without,
};
use super::leaf::{Arrival, check_like};
use super::memory::List;
use super::mode::Paused;
use super::node::{Edge, NodeRef, Operation, Output};
use super::pending::{Pending, Waiting};
use super::record::edge_of;
use crate::dtype::{Kind, Scalar};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::tensor::{Action, CopyMode, Handle, Request, Tensor, to};
use core::ptr::NonNull;

/// Adds to the gradients of the leaves that `tensor` was made of. Without `gradient` it is one. With `retain` what functions
/// of the caller's need is kept, so that backward can run through them again.
pub fn backward(tensor: &Tensor, gradient: Option<&Tensor>, retain: bool) -> Result<()> {
    let edge = edge_of(tensor)?.ok_or(Error::Gradient(
        "the tensor does not require grad, and is not the result of something that does",
    ))?;
    let seed = match gradient {
        Some(gradient) => {
            check_like("gradient", gradient, tensor.layout(), tensor.dtype())?;
            own_copy(gradient, edge.target())?
        }
        None => one(tensor)?,
    };
    let mut pending = Pending::new();
    give(pending.place_of(&edge)?, edge.target(), seed)?;
    drop(edge);
    let mut arrivals = List::new();
    let mut functions: List<NodeRef> = List::new();
    while let Some(waiting) = pending.next()? {
        if let Operation::Function(_) = waiting.node.operation {
            functions.push(waiting.node.try_clone()?)?;
        }
        pass_on(waiting, &mut pending, &mut arrivals)?;
    }
    arrivals.reverse();
    while let Some(arrival) = arrivals.pop() {
        arrival.commit()?;
    }
    if !retain {
        for node in functions.iter() {
            if let Operation::Function(function) = &node.operation {
                function.free();
            }
        }
    }
    Ok(())
}

/// The gradient that goes without saying.
fn one(tensor: &Tensor) -> Result<Handle> {
    let (numel, dtype) = (tensor.layout().numel(), tensor.dtype());
    if numel != 1 || dtype.scalar().kind() == Kind::Complex || dtype.lanes() != 1 {
        return Err(Error::GradientMissing {
            numel,
            dtype: dtype.text(),
        });
    }
    let real = crate::dtype::DType::of_scalar(Scalar::Float64);
    let one = empty(real, tensor.layout())?;
    // SAFETY: one element of memory of the library's own.
    unsafe { side(&one).pointer.cast::<f64>().write(1.0) };
    converted(&one, dtype)
}

/// A gradient of somebody's as one of ours: row-major, of the dtype and the storage that is expected.
fn own_copy(gradient: &Tensor, target: &Output) -> Result<Handle> {
    let request = Request {
        dtype: Some(target.dtype.raw()),
        copy: CopyMode::Always,
        padded: target.dtype.is_padded(),
        ..Request::DEFAULT
    };
    let copy = to(gradient, &request)?;
    // Padding of the source is kept where none was asked for.
    converted(&copy, target.dtype)
}

/// From what has come in for the results of a node to what goes to its inputs.
fn pass_on(waiting: Waiting, pending: &mut Pending, arrivals: &mut List<Arrival>) -> Result<()> {
    let Waiting { node, gradients } = waiting;
    match &node.operation {
        Operation::Function(function) => return call(&node, function, gradients, pending),
        Operation::Leaf(sink) => {
            if let (Some(gradient), true) = (only(gradients), sink.requires_grad()) {
                arrivals.push(Arrival::new(node, gradient)?)?;
            }
            return Ok(());
        }
        _ => {}
    }
    let output = &node.outputs[0];
    let Some(gradient) = only(gradients) else {
        return Ok(());
    };
    let gradient = gradient.whole(output)?;
    let mut inputs = node.inputs.iter();
    let first = inputs.next().and_then(Option::as_ref);
    match &node.operation {
        Operation::View { offset } => {
            if let Some(edge) = first {
                let (place, target) = (pending.place_of(edge)?, edge.target());
                scatter(place, target, &gradient, &output.layout, *offset)?;
            }
        }
        Operation::Strided { base, view, offset } => {
            if let Some(edge) = first {
                let through = through_memory(&gradient, base, view, *offset, edge.target())?;
                give(pending.place_of(edge)?, edge.target(), through)?;
            }
        }
        Operation::Copy => {
            if let Some(edge) = first {
                let target = edge.target();
                let converted = converted(&gradient, target.dtype)?;
                give(pending.place_of(edge)?, target, converted)?;
            }
        }
        Operation::Replace { map, offset } => {
            if let Some(edge) = inputs.next().and_then(Option::as_ref) {
                let target = edge.target();
                let picked = gathered(&gradient, map, *offset, target.dtype)?;
                give(pending.place_of(edge)?, target, picked)?;
            }
            if let Some(edge) = first {
                let rest = without(&gradient, map, *offset)?;
                give(pending.place_of(edge)?, edge.target(), rest)?;
            }
        }
        Operation::Leaf(_) | Operation::Function(_) => {}
    }
    Ok(())
}

/// What has come in for the one result of a node.
fn only(gradients: super::node::Several<Option<Gradient>>) -> Option<Gradient> {
    match gradients {
        super::node::Several::One([gradient]) => gradient,
        super::node::Several::Many(mut gradients) => gradients.pop().flatten(),
    }
}

/// The gradient of a base, from that of elements picked from its memory. Where several elements of the base are the same
/// memory they share what comes in, as in torch.
fn through_memory(
    gradient: &Handle,
    base: &Layout,
    view: &Layout,
    offset: i64,
    target: &Output,
) -> Result<Handle> {
    let (base_reach, view_reach) = (base.reach(1)?, view.reach(1)?);
    let low = base_reach.lo.min(offset.saturating_add(view_reach.lo));
    let high = base_reach.hi.max(offset.saturating_add(view_reach.hi));
    let sums = span(target.dtype, high.saturating_sub(low))?;
    add(&sums, view, offset - low, side(gradient));
    share_out(&sums, base, -low)?;
    gathered(&sums, base, -low, target.dtype)
}

/// Tensors on their way through a function of the caller's. Whoever it gives them to, these references are ours.
struct Exchange {
    tensors: List<Option<Handle>>,
    pointers: List<*mut Tensor>,
}

impl Exchange {
    fn new(count: usize) -> Result<Self> {
        Ok(Self {
            tensors: List::with_capacity(count)?,
            pointers: List::with_capacity(count)?,
        })
    }

    fn push(&mut self, tensor: Option<Handle>) -> Result<()> {
        let pointer = tensor
            .as_ref()
            .map_or(core::ptr::null_mut(), Handle::as_ptr);
        self.tensors.push(tensor)?;
        self.pointers.push(pointer)
    }
}

/// Calls a function of the caller's.
fn call(
    node: &NodeRef,
    function: &Function,
    gradients: super::node::Several<Option<Gradient>>,
    pending: &mut Pending,
) -> Result<()> {
    let payload = function.payload()?;
    let mut of_outputs = Exchange::new(node.outputs.len())?;
    let mut put = |output: &Output, gradient: Option<Gradient>| {
        of_outputs.push(Some(match gradient {
            Some(gradient) => gradient.whole(output)?,
            None => gradient::zeros(output.dtype, &output.layout)?,
        }))
    };
    match gradients {
        super::node::Several::One([gradient]) => put(&node.outputs[0], gradient)?,
        super::node::Several::Many(mut gradients) => {
            for (output, gradient) in node.outputs.iter().zip(gradients.iter_mut()) {
                put(output, gradient.take())?;
            }
        }
    }
    let mut of_inputs = Exchange::new(node.inputs.len())?;
    for _ in node.inputs.iter() {
        of_inputs.push(None)?;
    }
    let result = {
        let _paused = Paused::new();
        // SAFETY: the arrays have a place for each result and each input; the caller's promises are those of the payload.
        unsafe { payload.call(&of_outputs.pointers, &mut of_inputs.pointers) }
    };
    // Whatever the function says, what it made is ours now.
    for (tensor, pointer) in of_inputs.tensors.iter_mut().zip(of_inputs.pointers.iter()) {
        // SAFETY: the function gives its references away.
        *tensor = NonNull::new(*pointer).map(|tensor| unsafe { Handle::from_raw(tensor) });
    }
    result?;
    drop(of_outputs);
    for (edge, tensor) in node.inputs.iter().zip(of_inputs.tensors.iter_mut()) {
        if let (Some(edge), Some(tensor)) = (edge, tensor.take()) {
            take_in(edge, tensor, pending)?;
        }
    }
    Ok(())
}

/// Takes what a function of the caller's gives as the gradient of one of its inputs: of the input's shape, or of one that
/// it broadcasts to; converted to its dtype.
fn take_in(edge: &Edge, gradient: Handle, pending: &mut Pending) -> Result<()> {
    let target = edge.target();
    gradient.dtype().check_convertible(target.dtype)?;
    let is_own = gradient.origin().action == Action::Copy
        && gradient.use_count() == 1
        && gradient.layout().is_contiguous()
        && gradient.dtype() == target.dtype;
    let gradient = match is_own {
        true => gradient,
        false => own_copy(&gradient, target)?,
    };
    if gradient.layout().shape() == target.layout.shape() {
        return give(pending.place_of(edge)?, target, gradient);
    }
    let mut room = crate::layout::LayoutBuf::new();
    match target
        .layout
        .broadcast_to(gradient.layout().shape(), &mut room)
    {
        Ok(map) => scatter(pending.place_of(edge)?, target, &gradient, map, 0),
        Err(_) => check_like(
            "the gradient of an input",
            &gradient,
            &target.layout,
            target.dtype,
        ),
    }
}
