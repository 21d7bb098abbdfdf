//! Views with their history: what they pick of their base, and their place in the family of those that share its memory.

use super::memory::OwnLayout;
use super::node::{Edge, NodeRef, Operation, Several};
use super::record::{
    Kin, Kind, Loose, Relation, Spot, edge_in_use, is_unknown, made, output_like, record_or_new,
    requires_grad,
};
use crate::device::Device;
use crate::dlpack::{DLDataType, code};
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::{Layout, LayoutBuf, View};
use crate::storage::{Extent, Release};
use crate::tensor::{self, CopyMode, Descriptor, Handle, Plan, Request, Tensor};

/// Whether nothing in particular is known of a tensor: a view of it is [`Tensor::viewed_at_rest`], without history.
#[inline(always)]
pub fn is_plain(base: &Tensor) -> bool {
    is_unknown(base) && base.loan().is_none()
}

/// A view of a tensor, with its history.
pub fn view(base: &Tensor, view: View<'_>) -> Result<Handle> {
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
pub(super) fn followed(
    base: &Tensor,
    name: &'static str,
    make: &dyn Fn(&Tensor) -> Result<Handle>,
    pick: &dyn Fn(&Tensor) -> Result<Handle>,
) -> Result<Handle> {
    let view = make(base)?;
    if is_unknown(base) {
        return Ok(view);
    }
    let Some(edge) = edge_in_use(base)? else {
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
pub(super) fn without_history(base: &Tensor, view: Handle) -> Result<Handle> {
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
    let Some(edge) = edge_in_use(base)? else {
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
