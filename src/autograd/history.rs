//! What is made of tensors and written into them, with its history: leaves, conversions, copies. [`views`](super::views) are apart.

use super::leaf::{self, is_differentiable};
use super::memory::{List, OwnLayout};
use super::mode;
use super::node::{Edge, NodeRef, Operation, Several};
use super::record::{
    Kind, Loose, Relation, Spot, edge_in_use, edge_of, is_unknown, made, make_storage_family,
    output_like, record, record_or_new, requires_grad_of,
};
use super::views::{followed, without_history};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Layout, LayoutBuf};
use crate::tensor::{self, FillOptions, Handle, Request, Tensor, Touched};

/// A tensor that is made, as a leaf if that is asked for.
#[inline(always)]
pub fn made_leaf(
    wanted: bool,
    dtype: DType,
    layout: &Layout,
    make: impl FnOnce() -> Result<Handle>,
) -> Result<Handle> {
    // What can fail comes first: after that the memory is the tensor's.
    let record = match wanted {
        true => Some(new_leaf(dtype, layout)?),
        false => None,
    };
    let tensor = make()?;
    if let Some(record) = record {
        record.attach(&tensor);
    }
    Ok(tensor)
}

#[inline(never)]
fn new_leaf(dtype: DType, layout: &Layout) -> Result<Loose> {
    let node = leaf::new(dtype, layout)?;
    Loose::new(Kind::Leaf(node), Relation::Alone)
}

/// A tensor on the same memory without history.
pub fn detach(tensor: &Tensor) -> Result<Handle> {
    let view = tensor::to(tensor, &Request::DEFAULT)?;
    Loose::new(Kind::Constant, Relation::Alone)?.attach(&view);
    Ok(view)
}

/// A tensor as requested, with its history.
pub fn to(tensor: &Tensor, request: &Request) -> Result<Handle> {
    if is_unknown(tensor) {
        return tensor::to(tensor, request);
    }
    let edge = edge_in_use(tensor)?;
    let Some(edge) = edge else {
        let result = tensor::to(tensor, request)?;
        return match core::ptr::eq(result.storage(), tensor.storage()) {
            true => without_history(tensor, result),
            false => Ok(result),
        };
    };
    if let Some(raw) = request.dtype {
        let dtype = DType::new(raw, false)?;
        if !is_differentiable(dtype) {
            return Err(Error::GradientLost(dtype.text()));
        }
    }
    let result = tensor::to(tensor, request)?;
    if core::ptr::eq(result.storage(), tensor.storage()) {
        let identity = |tensor: &Tensor| tensor::to(tensor, &Request::DEFAULT);
        // The handle that is kept is that of the request: it may be read-only.
        let alias = |_: &Tensor| result.try_clone();
        return followed(tensor, "AliasBackward0", &alias, &identity);
    }
    let output = output_like(result.dtype(), result.layout())?;
    let inputs = Several::one(Some(edge));
    let edge = made("ToCopyBackward0", Operation::Copy, inputs, output)?;
    Loose::new(Kind::Made(edge), Relation::Alone)?.attach(&result);
    Ok(result)
}

/// Copies `source` into a tensor, whose history that becomes.
#[inline(always)]
pub fn copy_into(destination: &Tensor, source: Touched<'_>, options: FillOptions) -> Result<()> {
    let of_source = match source {
        Touched::Tensor(source) if !is_unknown(source) => Some(source),
        _ => None,
    };
    if of_source.is_none() && is_unknown(destination) {
        return tensor::copy_into(destination, source, options);
    }
    rewrite(destination, source, of_source, options)
}

/// [`copy_into`] where something is known of the destination, or of the source.
#[inline(never)]
fn rewrite(
    destination: &Tensor,
    source: Touched<'_>,
    of_source: Option<&Tensor>,
    options: FillOptions,
) -> Result<()> {
    if !mode::is_enabled() {
        return tensor::copy_into(destination, source, options);
    }
    let edge = match of_source {
        Some(source) => match edge_of(source)? {
            Some(edge) => Some(copied(edge, source, destination)?),
            None => None,
        },
        None => None,
    };
    let rewriting = Rewriting::prepare(destination, edge)?;
    tensor::copy_into(destination, source, options)?;
    if let Some(rewriting) = rewriting {
        rewriting.commit();
    }
    Ok(())
}

/// What `source`, of history `edge`, is when it is stretched to a destination and converted to its dtype.
fn copied(edge: Edge, source: &Tensor, destination: &Tensor) -> Result<Edge> {
    let dtype = destination.dtype();
    if !is_differentiable(dtype) {
        return Err(Error::GradientLost(dtype.text()));
    }
    source.dtype().check_convertible(dtype)?;
    let mut row_major = LayoutBuf::new();
    row_major.set_row_major(source.layout());
    let mut room = LayoutBuf::new();
    let stretched = row_major.broadcast_to(destination.layout().shape(), &mut room)?;
    let operation = Operation::View { offset: 0 };
    let node = NodeRef::simple(
        "ExpandBackward0",
        operation,
        edge,
        source.dtype(),
        stretched,
    )?;
    let output = output_like(dtype, stretched)?;
    let inputs = Several::one(Some(Edge::to(node)));
    made("CopyBackwards", Operation::Copy, inputs, output)
}

const UNTOLD: Error = Error::Unsupported(
    "a view of which it cannot be told what it shares with others cannot be written in place with history",
);

/// A change of history that goes with one of elements: made ready before, done after.
pub struct Rewriting<'a> {
    tensor: &'a Tensor,
    edge: Edge,
}

impl<'a> Rewriting<'a> {
    /// For a tensor whose elements are the result of a function of the caller's, that has written them already.
    pub fn of_result(tensor: &'a Tensor, edge: Edge) -> Result<Option<Self>> {
        let is_alone = match record(tensor) {
            None => true,
            Some(record) => !matches!(record.state.lock().relation, Relation::Of(_)),
        };
        if !is_alone || !is_unknown(tensor) || tensor.storage().count() > 1 {
            return Self::prepare(tensor, Some(edge));
        }
        record_or_new(tensor)?;
        Ok(Some(Self { tensor, edge }))
    }

    /// For a tensor whose elements become the result that `edge` leads to, or constants. None if there is nothing to change.
    /// An error if the elements are those of a leaf.
    pub fn prepare(tensor: &'a Tensor, edge: Option<Edge>) -> Result<Option<Self>> {
        if is_unknown(tensor) {
            if edge.is_none() {
                return Ok(None);
            }
            if tensor.storage().count() > 1 {
                make_storage_family(tensor)?;
            }
        }
        if edge.is_none() && edge_of(tensor)?.is_none() && record(tensor).is_none() {
            return Ok(None);
        }
        let record = record_or_new(tensor)?;
        let mut before = None;
        let mut state = record.state.lock();
        let prepared = (|| {
            let own = state.edge(&mut before)?;
            if let (Kind::Leaf(node), true) = (&state.kind, own.is_some())
                && requires_grad_of(node)
            {
                return Err(Error::Gradient(
                    "a leaf that requires grad cannot be written in place: use tensor_set_grad_enabled(0) or tensor_detach()",
                ));
            }
            if own.is_none() && edge.is_none() && !matches!(state.relation, Relation::Of(_)) {
                return Ok(None);
            }
            let (layout, inputs, old, replace) = match &state.relation {
                Relation::Of(kin) => {
                    let family = kin.family.state.lock();
                    let old = family.edge.as_ref().map(Edge::try_clone).transpose()?;
                    if old.as_ref().is_some_and(|old| requires_grad_of(&old.node)) && own.is_some()
                    {
                        return Err(Error::Gradient(
                            "a view of a leaf that requires grad cannot be written in place: use tensor_set_grad_enabled(0) or tensor_detach()",
                        ));
                    }
                    let replace = match &kin.spot {
                        Spot::At { map, offset } => (OwnLayout::of(map)?, *offset, "CopySlices"),
                        Spot::Untold => return Err(UNTOLD),
                        Spot::First => (OwnLayout::of(&kin.family.layout)?, 0, "CopyBackwards"),
                    };
                    (OwnLayout::of(&kin.family.layout)?, 2, old, replace)
                }
                Relation::Unknown if own.is_some() || edge.is_some() => {
                    return Err(UNTOLD);
                }
                _ => {
                    let mut row_major = LayoutBuf::new();
                    row_major.set_row_major(tensor.layout());
                    let whole = OwnLayout::of(&row_major)?;
                    let map = OwnLayout::of(&row_major)?;
                    (whole, 2, own, (map, 0, "CopyBackwards"))
                }
            };
            if old.is_none() && edge.is_none() {
                return Ok(None);
            }
            let (map, offset, name) = replace;
            let mut both = List::with_capacity(inputs)?;
            both.push(old)?;
            both.push(edge)?;
            let output = super::node::Output {
                dtype: tensor.dtype(),
                layout,
            };
            let operation = Operation::Replace { map, offset };
            let edge = made(name, operation, Several::Many(both), output)?;
            Ok(Some(Self { tensor, edge }))
        })();
        drop(state);
        drop(before);
        prepared
    }

    /// Now that the elements are changed.
    pub fn commit(self) {
        let Some(record) = record(self.tensor) else {
            return;
        };
        let mut state = record.state.lock();
        let before = match &state.relation {
            Relation::Of(kin) => {
                let mut family = kin.family.state.lock();
                family.version += 1;
                (family.edge.replace(self.edge), None)
            }
            _ => {
                let kind = Kind::Made(self.edge);
                (None, Some(core::mem::replace(&mut state.kind, kind)))
            }
        };
        // What ends with it may call functions of others.
        drop(state);
        drop(before);
    }
}
