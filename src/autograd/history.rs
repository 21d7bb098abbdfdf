//! What is done to tensors, with its history: views, conversions, and writing in place.

use super::leaf::{self, is_differentiable};
use super::memory::{List, OwnLayout};
use super::mode;
use super::node::{Edge, NodeRef, Operation, Several};
use super::record::{
    Kin, Kind, Loose, Relation, Spot, edge_of, is_unknown, made, make_storage_family, output_like,
    record, record_or_new, requires_grad, requires_grad_of,
};
use crate::device::Device;
use crate::dlpack::{DLDataType, code};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Layout, LayoutBuf, View};
use crate::storage::{Extent, Release};
use crate::tensor::{
    self, CopyMode, Descriptor, FillOptions, Handle, Plan, Request, Tensor, Touched,
};

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

/// The view that `what` says of a tensor, with its history.
///
/// It is asked at two places, so that on the way of a tensor of which nothing in particular is known all is in registers.
#[inline(always)]
pub fn view<'a, E: From<Error>>(
    base: &Tensor,
    what: impl Fn() -> Result<View<'a>>,
) -> core::result::Result<Handle, E> {
    if is_unknown(base) && base.loan().is_none() {
        return Ok(base.viewed_at_rest(what()?)?);
    }
    Ok(view_followed(base, what()?)?)
}

/// [`view`], whatever is known of the tensor.
#[cold]
#[inline(never)]
fn view_followed(base: &Tensor, view: View<'_>) -> Result<Handle> {
    let make = |tensor: &Tensor| tensor.viewed(view);
    followed(base, name_of(view), &make, &make)
}

/// What torch calls the function that a view is.
fn name_of(view: View<'_>) -> &'static str {
    match view {
        View::Select { .. } => "SelectBackward0",
        View::Slice { .. } => "SliceBackward0",
        View::Permute(_) => "PermuteBackward0",
        View::Transpose(..) => "TransposeBackward0",
        View::Flip(_) => "FlipBackward0",
        View::Expand(_) => "ExpandBackward0",
        View::Squeeze(_) => "SqueezeBackward1",
        View::SqueezeAll => "SqueezeBackward0",
        View::Unsqueeze(_) => "UnsqueezeBackward0",
        View::Picked(..) => "AsStridedBackward0",
    }
}

/// What `make` makes of a tensor, with its history. It may copy, but `pick` picks the same elements without.
fn followed(
    base: &Tensor,
    name: &'static str,
    make: &dyn Fn(&Tensor) -> Result<Handle>,
    pick: &dyn Fn(&Tensor) -> Result<Handle>,
) -> Result<Handle> {
    let view = make(base)?;
    if is_unknown(base) {
        return Ok(view);
    }
    let edge = match mode::is_enabled() {
        true => edge_of(base)?,
        false => None,
    };
    let Some(edge) = edge else {
        return without_history(base, view);
    };
    let mut row_major = LayoutBuf::new();
    row_major.set_row_major(base.layout());
    let stand_in = stand_in(&row_major)?;
    let image = pick(&stand_in)?;
    let offset = distance(&stand_in, &image);
    let shares = core::ptr::eq(view.storage(), base.storage());
    let relation = match shares {
        true => relation_of_view(base, &image, offset, pick)?,
        false => Relation::Alone,
    };
    let name = if shares { name } else { "UnsafeViewBackward0" };
    let operation = Operation::View { offset };
    let node = NodeRef::simple(name, operation, edge, base.dtype(), image.layout())?;
    Loose::new(Kind::Made(Edge::to(node)), relation)?.attach(&view);
    Ok(view)
}

/// The same elements in another shape, with their history.
pub fn reshape(base: &Tensor, shape: &[i64], copy: CopyMode) -> Result<Handle> {
    let make = |tensor: &Tensor| tensor.reshape(shape, copy);
    let pick = |tensor: &Tensor| tensor.reshape(shape, CopyMode::IfNeeded);
    followed(base, "ViewBackward0", &make, &pick)
}

/// A view that does not take part, nor ever will because of what is done to others.
fn without_history(base: &Tensor, view: Handle) -> Result<Handle> {
    if requires_grad(base) || view.storage().companion().get().is_some() {
        Loose::new(Kind::Constant, Relation::Unknown)?.attach(&view);
    }
    Ok(view)
}

/// The place of a view in the family of its base. `image` is what `pick` picks of the base's elements in row-major order.
fn relation_of_view(
    base: &Tensor,
    image: &Tensor,
    offset: i64,
    pick: &dyn Fn(&Tensor) -> Result<Handle>,
) -> Result<Relation> {
    let record = record_or_new(base)?;
    let mut state = record.state.lock();
    let Some(kin) = state.kin(base)? else {
        return Ok(Relation::Unknown);
    };
    let spot = match &kin.spot {
        Spot::First => Spot::At {
            map: OwnLayout::of(image.layout())?,
            offset,
        },
        Spot::At { map, offset } => {
            let of_family = stand_in(map)?;
            let image = pick(&of_family)?;
            match core::ptr::eq(image.storage(), of_family.storage()) {
                true => Spot::At {
                    map: OwnLayout::of(image.layout())?,
                    offset: offset + distance(&of_family, &image),
                },
                false => Spot::Untold,
            }
        }
        Spot::Untold => Spot::Untold,
    };
    Ok(Relation::Of(Kin {
        family: kin.family.try_clone()?,
        spot,
        version: kin.version,
    }))
}

/// A tensor of bytes without memory, to see what views pick. Its elements are never read.
fn stand_in(layout: &Layout) -> Result<Handle> {
    let byte = DLDataType {
        code: code::UINT,
        bits: 8,
        lanes: 1,
    };
    let memory = Descriptor {
        data: core::ptr::null_mut(),
        byte_offset: 0,
        layout,
        dtype: DType::new(byte, false)?,
        device: Device::CPU,
        read_only: true,
        extent: Extent { start: 0, end: 0 },
    };
    Handle::borrow(&memory, Release::Nothing, Plan::ALIAS)
}

/// From the first element of a stand-in to that of a view of it.
fn distance(base: &Tensor, view: &Tensor) -> i64 {
    // SAFETY: stand-ins are on no loan.
    let (base, view) = unsafe { (Descriptor::of(base), Descriptor::of(view)) };
    view.first().wrapping_sub(base.first()) as i64
}

/// Elements anywhere in the memory of a tensor, with their history.
pub fn as_strided(base: &Tensor, shape: &[i64], strides: &[i64], offset: i64) -> Result<Handle> {
    let view = base.as_strided(shape, strides, offset)?;
    if is_unknown(base) {
        return Ok(view);
    }
    let edge = match mode::is_enabled() {
        true => edge_of(base)?,
        false => None,
    };
    let Some(edge) = edge else {
        return without_history(base, view);
    };
    const NAME: &str = "AsStridedBackward0";
    let (layout, dtype) = (view.layout(), base.dtype());
    let reach = layout.reach(1)?;
    // Where the base is row-major, and the view inside it, the view picks elements of the base.
    let picks = base.layout().is_contiguous()
        && (layout.numel() == 0
            || offset.checked_add(reach.lo).is_some_and(|first| first >= 0)
                && offset
                    .checked_add(reach.hi)
                    .is_some_and(|end| end <= base.layout().numel()));
    let node = if picks {
        let operation = Operation::View { offset };
        Edge::to(NodeRef::simple(NAME, operation, edge, dtype, layout)?)
    } else {
        let operation = Operation::Strided {
            base: OwnLayout::of(base.layout())?,
            view: OwnLayout::of(layout)?,
            offset,
        };
        let output = output_like(dtype, layout)?;
        made(NAME, operation, Several::one(Some(edge)), output)?
    };
    let relation = {
        let record = record_or_new(base)?;
        let mut state = record.state.lock();
        match state.kin(base)? {
            Some(kin) => {
                let start = match &kin.spot {
                    Spot::First if picks => Some(0),
                    Spot::At { map, offset } if picks && map.is_contiguous() => Some(*offset),
                    _ => None,
                };
                let spot = match start {
                    Some(start) => Spot::At {
                        map: OwnLayout::of(layout)?,
                        offset: start + offset,
                    },
                    None => Spot::Untold,
                };
                Relation::Of(Kin {
                    family: kin.family.try_clone()?,
                    spot,
                    version: kin.version,
                })
            }
            None => Relation::Unknown,
        }
    };
    Loose::new(Kind::Made(node), relation)?.attach(&view);
    Ok(view)
}

/// The same bytes as another dtype: that has no derivative.
pub fn view_dtype(base: &Tensor, dtype: DLDataType) -> Result<Handle> {
    if DType::new(dtype, base.dtype().is_padded()) == Ok(base.dtype()) {
        let alias = |tensor: &Tensor| tensor::to(tensor, &Request::DEFAULT);
        return followed(base, "AliasBackward0", &alias, &alias);
    }
    let view = base.view_dtype(dtype)?;
    if is_unknown(base) {
        return Ok(view);
    }
    without_history(base, view)
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
    let edge = match mode::is_enabled() {
        true => edge_of(tensor)?,
        false => None,
    };
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
