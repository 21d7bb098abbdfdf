//! What is kept beside a tensor that takes part in a graph, and beside a storage of which a part was written with something
//! that requires grad.
//!
//! Views of a tensor are a family with it: what is written into one of them changes the history of all. Each member knows
//! where its elements are among those of the first; its own history is found anew when that of the family has changed.

use super::leaf;
use super::memory::{Counted, OwnLayout, place, take};
use super::mode;
use super::node::{Edge, NodeRef, Operation, Output, Several};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::layout::{Layout, LayoutBuf};
use crate::storage::{Companion, Monitor, Touch};
use crate::tensor::Tensor;
use core::ptr::NonNull;

/// How a tensor takes part.
pub enum Kind {
    /// Not at all.
    Constant,
    /// As a leaf.
    Leaf(NodeRef),
    /// As the result of something.
    Made(Edge),
}

/// Tensors on the same elements.
pub struct Family {
    /// The dtype of all of them.
    pub dtype: DType,
    /// The shape of the first.
    pub layout: OwnLayout,
    /// What changes.
    pub state: Monitor<FamilyState>,
}

/// The history of the elements.
pub struct FamilyState {
    /// Of which result they are. None for constants.
    pub edge: Option<Edge>,
    /// How often that was changed.
    pub version: u64,
}

/// Which elements of the first of a family those of a tensor are.
pub enum Spot {
    /// All: it is the first.
    First,
    /// Those that `map` picks from `offset` on, in row-major order.
    At {
        /// Where they are.
        map: OwnLayout,
        /// Where they begin.
        offset: i64,
    },
    /// That cannot be told. The history it was made with holds until others write.
    Untold,
}

/// The place of a tensor in a family.
pub struct Kin {
    /// The family.
    pub family: Counted<Family>,
    /// Where the elements are.
    pub spot: Spot,
    /// For which version of the family the history of the tensor was found.
    pub version: u64,
}

/// Whose memory a tensor shares.
pub enum Relation {
    /// Nobody's, as far as is known.
    Alone,
    /// That of others, in a way that cannot be told.
    Unknown,
    /// That of a family.
    Of(Kin),
}

/// What is kept beside a tensor.
#[repr(C)]
pub struct Record {
    companion: Companion,
    /// What changes.
    pub state: Monitor<State>,
}

/// How a tensor takes part, and with whom it shares its elements.
pub struct State {
    /// How it takes part.
    pub kind: Kind,
    /// With whom it shares its elements.
    pub relation: Relation,
}

/// What is kept beside a storage.
#[repr(C)]
struct StorageRecord {
    companion: Companion,
    family: Counted<Family>,
}

// SAFETY: a record is reached by threads that share the tensor; its state is behind a lock.
unsafe impl Sync for Record {}

unsafe fn end_record(companion: NonNull<Companion>) {
    // SAFETY: this function is only in records, which are placed by `attach`.
    drop(unsafe { take(companion.cast::<Record>()) });
}

unsafe fn end_storage_record(companion: NonNull<Companion>) {
    // SAFETY: this function is only in storage records, which are placed by `storage_family`.
    drop(unsafe { take(companion.cast::<StorageRecord>()) });
}

/// A record that belongs to no tensor yet.
pub struct Loose(NonNull<Record>);

impl Loose {
    /// With what it begins.
    pub fn new(kind: Kind, relation: Relation) -> Result<Self> {
        let record = Record {
            companion: Companion { end: end_record },
            state: Monitor::new(State { kind, relation }),
        };
        Ok(Self(place(record)?))
    }

    /// Gives it to a tensor, unless that has one already.
    pub fn attach(self, tensor: &Tensor) {
        if tensor.companion().put(self.0.cast()) {
            core::mem::forget(self);
        }
    }
}

impl Drop for Loose {
    fn drop(&mut self) {
        // SAFETY: nobody else knows the record.
        drop(unsafe { take(self.0) });
    }
}

/// The record of a tensor.
pub fn record(tensor: &Tensor) -> Option<&Record> {
    let companion = tensor.companion().get()?;
    // SAFETY: what is kept beside tensors are records, and they stay as long as the tensor.
    Some(unsafe { companion.cast().as_ref() })
}

/// The record of a tensor, made if there is none.
pub fn record_or_new(tensor: &Tensor) -> Result<&Record> {
    if record(tensor).is_none() {
        let relation = match storage_family(tensor) {
            Some(family) => relation_to_storage(tensor, family)?,
            None => Relation::Alone,
        };
        Loose::new(Kind::Constant, relation)?.attach(tensor);
    }
    record(tensor).ok_or(Error::Internal)
}

/// The family of all that share the storage of a tensor, if they are one.
fn storage_family(tensor: &Tensor) -> Option<&Counted<Family>> {
    let companion = tensor.storage().companion().get()?;
    // SAFETY: what is kept beside storages are these records, and they stay as long as the storage.
    let record: &StorageRecord = unsafe { companion.cast().as_ref() };
    (record.family.dtype == tensor.dtype()).then_some(&record.family)
}

/// Where the elements of a tensor are among those of its storage.
fn relation_to_storage(tensor: &Tensor, family: &Counted<Family>) -> Result<Relation> {
    let bits = tensor.dtype().storage_bits();
    let distance = tensor.touching(Touch::Nothing, |memory| {
        Ok(memory.first().wrapping_sub(memory.extent.start) * 8)
    })?;
    if !distance.is_multiple_of(bits) {
        return Ok(Relation::Unknown);
    }
    Ok(Relation::Of(Kin {
        family: family.try_clone()?,
        spot: Spot::At {
            map: OwnLayout::of(tensor.layout())?,
            offset: (distance / bits) as i64,
        },
        // Older than any: the history is found when it is asked for.
        version: u64::MAX,
    }))
}

/// Makes all that share the storage of a tensor a family, of which the storage's elements are the first.
pub fn make_storage_family(tensor: &Tensor) -> Result<()> {
    if tensor.storage().companion().get().is_some() {
        return Ok(());
    }
    let dtype = tensor.dtype();
    let bytes = tensor.touching(Touch::Nothing, |memory| {
        Ok(memory.extent.end - memory.extent.start)
    })?;
    let mut layout = LayoutBuf::new();
    layout.set(&[(bytes * 8 / dtype.storage_bits()) as i64], None)?;
    let family = Counted::new(Family {
        dtype,
        layout: OwnLayout::of(&layout)?,
        state: Monitor::new(FamilyState {
            edge: None,
            version: 0,
        }),
    })?;
    let record = place(StorageRecord {
        companion: Companion {
            end: end_storage_record,
        },
        family,
    })?;
    if !tensor.storage().companion().put(record.cast()) {
        // SAFETY: another thread was first, and nobody knows this one.
        drop(unsafe { take(record) });
    }
    Ok(())
}

/// Whether nothing is known about a tensor: the one question that those without gradients are asked.
#[inline(always)]
pub fn is_unknown(tensor: &Tensor) -> bool {
    tensor.companion().get().is_none() && tensor.storage().companion().get().is_none()
}

impl State {
    /// The history of the tensor, which is brought up to date. What it was before is put into `before`, to be dropped when no
    /// lock is held.
    pub fn edge(&mut self, before: &mut Option<Kind>) -> Result<Option<Edge>> {
        if let Relation::Of(kin) = &mut self.relation {
            let state = kin.family.state.lock();
            if state.version != kin.version {
                let kind = match (&state.edge, &kin.spot) {
                    (None, _) => Kind::Constant,
                    (Some(edge), Spot::First) => Kind::Made(edge.try_clone()?),
                    (Some(edge), Spot::At { map, offset }) => {
                        Kind::Made(Edge::to(NodeRef::simple(
                            "AsStridedBackward0",
                            Operation::View { offset: *offset },
                            edge.try_clone()?,
                            kin.family.dtype,
                            map,
                        )?))
                    }
                    (Some(_), Spot::Untold) => {
                        return Err(Error::Unsupported(
                            "the tensor is a view of which it cannot be told what was written into it in place, through another tensor",
                        ));
                    }
                };
                kin.version = state.version;
                drop(state);
                *before = Some(core::mem::replace(&mut self.kind, kind));
            }
        }
        match &self.kind {
            Kind::Leaf(node) if requires_grad_of(node) => Ok(Some(Edge::to(node.try_clone()?))),
            Kind::Made(edge) => Ok(Some(edge.try_clone()?)),
            _ => Ok(None),
        }
    }

    /// The place in a family, of which the tensor becomes the first if it is in none. None if it cannot be told.
    pub fn kin(&mut self, tensor: &Tensor) -> Result<Option<&mut Kin>> {
        if matches!(self.relation, Relation::Alone) {
            let mut layout = LayoutBuf::new();
            layout.set_row_major(tensor.layout());
            let edge = match &self.kind {
                Kind::Constant => None,
                Kind::Leaf(node) => Some(Edge::to(node.try_clone()?)),
                Kind::Made(edge) => Some(edge.try_clone()?),
            };
            self.relation = Relation::Of(Kin {
                family: Counted::new(Family {
                    dtype: tensor.dtype(),
                    layout: OwnLayout::of(&layout)?,
                    state: Monitor::new(FamilyState { edge, version: 0 }),
                })?,
                spot: Spot::First,
                version: 0,
            });
        }
        match &mut self.relation {
            Relation::Of(kin) => Ok(Some(kin)),
            _ => Ok(None),
        }
    }
}

/// Whether a node is a leaf that requires grad.
pub fn requires_grad_of(node: &NodeRef) -> bool {
    matches!(&node.operation, Operation::Leaf(sink) if sink.requires_grad())
}

/// [`edge_of`] while history is recorded, else none.
pub fn edge_in_use(tensor: &Tensor) -> Result<Option<Edge>> {
    match mode::is_enabled() {
        true => edge_of(tensor),
        false => Ok(None),
    }
}

/// Of which result a tensor is. None if it does not require grad.
pub fn edge_of(tensor: &Tensor) -> Result<Option<Edge>> {
    if is_unknown(tensor) {
        return Ok(None);
    }
    if record(tensor).is_none() && storage_family(tensor).is_none() {
        return Ok(None);
    }
    let record = record_or_new(tensor)?;
    let mut before = None;
    let edge = record.state.lock().edge(&mut before);
    drop(before);
    edge
}

/// Whether gradients of a tensor are asked for.
pub fn requires_grad(tensor: &Tensor) -> bool {
    let has_edge = |family: &Family| family.state.lock().edge.is_some();
    let Some(record) = record(tensor) else {
        return storage_family(tensor).is_some_and(|family| has_edge(family));
    };
    let state = record.state.lock();
    if let Relation::Of(kin) = &state.relation {
        let family = kin.family.state.lock();
        if family.version != kin.version {
            return family.edge.is_some();
        }
    }
    match &state.kind {
        Kind::Constant => false,
        Kind::Leaf(node) => requires_grad_of(node),
        Kind::Made(_) => true,
    }
}

/// What torch calls that of which a tensor is the result; None for leaves.
pub fn function_name(tensor: &Tensor) -> Option<&'static str> {
    let Some(record) = record(tensor) else {
        return requires_grad(tensor).then_some("AsStridedBackward0");
    };
    let state = record.state.lock();
    if let Relation::Of(kin) = &state.relation {
        let family = kin.family.state.lock();
        if family.version != kin.version {
            return match (&family.edge, &kin.spot) {
                (Some(edge), Spot::First) => Some(edge.node.name),
                (Some(_), _) => Some("AsStridedBackward0"),
                (None, _) => None,
            };
        }
    }
    match &state.kind {
        Kind::Made(edge) => Some(edge.node.name),
        _ => None,
    }
}

/// The node of a leaf.
pub fn leaf_node(tensor: &Tensor) -> Result<Option<NodeRef>> {
    let Some(record) = record(tensor) else {
        return Ok(None);
    };
    match &record.state.lock().kind {
        Kind::Leaf(node) => Ok(Some(node.try_clone()?)),
        _ => Ok(None),
    }
}

/// Asks for gradients of a leaf, or does not any more.
pub fn set_requires_grad(tensor: &Tensor, wanted: bool) -> Result<()> {
    if wanted {
        leaf::check_differentiable(tensor.dtype())?;
    }
    if !wanted && is_unknown(tensor) {
        return Ok(());
    }
    let record = record_or_new(tensor)?;
    let mut before = None;
    let mut state = record.state.lock();
    let edge = state.edge(&mut before);
    let result = (|| {
        edge?;
        match &state.kind {
            Kind::Leaf(node) => {
                if let Operation::Leaf(sink) = &node.operation {
                    sink.set_requires_grad(wanted);
                }
            }
            Kind::Made(_) if !wanted => {
                return Err(Error::Gradient(
                    "requires_grad of the result of something cannot be taken away, only that of a leaf: use tensor_detach()",
                ));
            }
            Kind::Constant if wanted => {
                state.kind = Kind::Leaf(leaf::new(tensor.dtype(), tensor.layout())?);
            }
            _ => {}
        }
        Ok(())
    })();
    drop(state);
    drop(before);
    result
}

/// A row-major output of a shape.
pub fn output_like(dtype: DType, layout: &Layout) -> Result<Output> {
    let mut room = LayoutBuf::new();
    room.set_row_major(layout);
    Ok(Output {
        dtype,
        layout: OwnLayout::of(&room)?,
    })
}

/// A node with one result, and the edge to it.
pub fn made(
    name: &'static str,
    operation: Operation,
    inputs: Several<Option<Edge>>,
    output: Output,
) -> Result<Edge> {
    let outputs = Several::one(output);
    Ok(Edge::to(NodeRef::new(name, operation, inputs, outputs)?))
}
