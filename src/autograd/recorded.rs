//! What callers do with the graph themselves: record functions of their own, and look after the gradients of leaves.

use super::function::{Backward, Function, Payload};
use super::history::Rewriting;
use super::leaf::{check_buffer, check_differentiable};
use super::memory::{Counted, List};
use super::node::{Edge, NodeRef, Operation, Several};
use super::record::{edge_in_use, edge_of, function_name, leaf_node, output_like};
use crate::error::{Error, Result};
use crate::storage::Deleter;
use crate::tensor::{Handle, Tensor};
use core::ffi::c_void;

/// Makes `outputs` the results of a function of the caller's. False if none of the inputs requires grad, or this thread keeps
/// no history: then the function is not needed.
pub fn grad_record(
    inputs: &[&Tensor],
    outputs: &[&Tensor],
    backward: Backward,
    context: *mut c_void,
    deleter: Option<Deleter>,
) -> Result<bool> {
    for (index, output) in outputs.iter().enumerate() {
        if outputs[..index]
            .iter()
            .any(|other| core::ptr::eq(*other, *output))
        {
            return Err(Error::Parameter {
                name: "outputs",
                value: index as i64,
                expected: "each output is another tensor; this is the index of one that was named before",
            });
        }
    }
    let mut edges = List::with_capacity(inputs.len())?;
    for input in inputs {
        edges.push(edge_in_use(input)?)?;
    }
    if edges.iter().all(Option::is_none) {
        return Ok(false);
    }
    let mut results = List::with_capacity(outputs.len())?;
    for output in outputs {
        check_differentiable(output.dtype())?;
        results.push(output_like(output.dtype(), output.layout())?)?;
    }
    let results = match results.len() {
        1 => match results.pop() {
            Some(result) => Several::one(result),
            None => return Err(Error::Internal),
        },
        _ => Several::Many(results),
    };
    let payload = Counted::new(Payload::new(backward, context))?;
    let operation = Operation::Function(Function::new(payload));
    let node = NodeRef::new("RecordedBackward", operation, Several::Many(edges), results)?;
    let mut rewritings = List::with_capacity(outputs.len())?;
    for (output, tensor) in outputs.iter().enumerate() {
        let edge = Edge {
            node: node.try_clone()?,
            output,
        };
        if let Some(rewriting) = Rewriting::of_result(tensor, edge)? {
            rewritings.push(rewriting)?;
        }
    }
    // From here on nothing fails.
    if let Operation::Function(function) = &node.operation {
        function.keep(deleter);
    }
    while let Some(rewriting) = rewritings.pop() {
        rewriting.commit();
    }
    Ok(true)
}

/// Keeps tensors that the backward function of which `output` is a result reads.
pub fn grad_save(output: &Tensor, tensors: List<Handle>) -> Result<()> {
    let edge = edge_of(output)?;
    let function = edge.as_ref().and_then(|edge| match &edge.node.operation {
        Operation::Function(function) => Some(function),
        _ => None,
    });
    let (Some(edge), Some(function)) = (&edge, function) else {
        return Err(Error::Gradient(
            "output is not the result of a function recorded with tensor_grad_record()",
        ));
    };
    for (index, tensor) in tensors.iter().enumerate() {
        // What was made later may be made of the output, and the two would keep each other.
        if edge_of(tensor)?.is_some_and(|of_saved| of_saved.node.number >= edge.node.number) {
            return Err(Error::Parameter {
                name: "saved",
                value: index as i64,
                expected: "this is the index of an output, or of something made later: save what tensor_detach() makes of it",
            });
        }
    }
    function.save(tensors)
}

/// Whether a tensor is the result of nothing that is known.
pub fn is_leaf(tensor: &Tensor) -> bool {
    function_name(tensor).is_none()
}

/// The gradient of a leaf, if there is one.
pub fn gradient_of(tensor: &Tensor) -> Result<Option<Handle>> {
    let Some(node) = leaf_node(tensor)? else {
        return Ok(None);
    };
    match &node.operation {
        Operation::Leaf(sink) => sink.gradient(),
        _ => Ok(None),
    }
}

/// Sets the gradient of a leaf to zero, if there is one.
pub fn zero_gradient(tensor: &Tensor) -> Result<()> {
    let Some(node) = leaf_node(tensor)? else {
        return Ok(());
    };
    match &node.operation {
        Operation::Leaf(sink) => sink.zero(),
        _ => Ok(()),
    }
}

/// Makes `buffer` the gradient of a leaf; without one there is none then.
pub fn set_buffer(tensor: &Tensor, buffer: Option<Handle>) -> Result<()> {
    if let Some(buffer) = &buffer {
        check_buffer(tensor, buffer)?;
    }
    let node = leaf_node(tensor)?.ok_or(Error::Gradient(
        "only a leaf that requires grad has a gradient of its own",
    ))?;
    if let Operation::Leaf(sink) = &node.operation {
        sink.replace(buffer);
    }
    Ok(())
}
