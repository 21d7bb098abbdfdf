//! The shape of a value: read from its first items, and held against all others.

use super::{Item, Memory, Node, Number};
use crate::error::{Error, Position, Result};
use crate::layout::MAX_NDIM;
use crate::tensor::Descriptor;

/// The shape that a value must have to be a tensor.
pub struct Outline {
    sizes: [i64; MAX_NDIM],
    ndim: usize,
    padded: bool,
    least_bits: u64,
    /// Lists at the deepest depth that there are lists at.
    lists: i64,
}

impl Outline {
    /// The shape that the first item, its first item, and so on, ask for.
    ///
    /// # Safety
    /// As for [`Node::item`].
    pub unsafe fn of_first_items<N: Node>(root: &N, padded: bool) -> Result<Self> {
        let mut outline = Self {
            sizes: [0; MAX_NDIM],
            ndim: 0,
            padded,
            least_bits: 1,
            lists: 1,
        };
        let mut node = root;
        loop {
            // SAFETY: the caller's promise.
            match unsafe { node.item()? } {
                Item::Scalar(_) => outline.least_bits = 8,
                Item::List(items) => {
                    outline.push(items.len() as i64)?;
                    if let Some(first) = items.first() {
                        outline.lists = outline.lists.saturating_mul(items.len() as i64);
                        node = first;
                        continue;
                    }
                }
                Item::Memory(memory) => {
                    let mut push_all = |memory: &Descriptor<'_>| {
                        let mut sizes = memory.layout.shape().iter();
                        sizes.try_for_each(|&size| outline.push(size))
                    };
                    // SAFETY: the caller's promise.
                    unsafe { memory.with(padded, &mut push_all)? }
                }
            }
            return Ok(outline);
        }
    }

    fn push(&mut self, size: i64) -> Result<()> {
        *self.sizes.get_mut(self.ndim).ok_or(Error::TooDeep)? = size;
        self.ndim += 1;
        Ok(())
    }

    /// The shape.
    pub fn shape(&self) -> &[i64] {
        &self.sizes[..self.ndim]
    }

    /// An error if a value without numbers has more lists than anybody can have meant: they may be few, and shared. If there
    /// are numbers, the memory for them is the limit.
    pub fn check_lists(&self) -> Result<()> {
        const MOST: i64 = 1 << 28;
        if self.shape().contains(&0) && self.lists > MOST {
            return Err(Error::ListCount { most: MOST });
        }
        Ok(())
    }

    /// Bits that an element takes at the least.
    pub fn least_bits(&self) -> u64 {
        self.least_bits
    }
}

/// What is done with the items of a value, in row-major order.
pub trait Visitor {
    /// A number.
    fn number(&mut self, number: Number) -> Result<()>;
    /// Numbers in memory that the processor reaches.
    ///
    /// # Safety
    /// The memory is readable.
    unsafe fn memory(&mut self, memory: &Descriptor<'_>) -> Result<()>;
}

/// Visits all items, as long as they have the shape.
///
/// # Safety
/// As for [`Node::item`].
pub unsafe fn walk<N: Node>(root: &N, outline: &Outline, visitor: &mut impl Visitor) -> Result<()> {
    let mut walk = Walk {
        outline,
        path: [0; MAX_NDIM],
        visitor,
    };
    // SAFETY: the caller's promise.
    unsafe { walk.visit(root, 0) }
}

struct Walk<'a, V> {
    outline: &'a Outline,
    /// Indices that lead to the present node.
    path: [i64; MAX_NDIM],
    visitor: &'a mut V,
}

impl<V: Visitor> Walk<'_, V> {
    /// Visits a node. No list is entered below the rank of the shape, so this goes no deeper than that.
    ///
    /// # Safety
    /// As for [`Node::item`].
    unsafe fn visit<N: Node>(&mut self, node: &N, depth: usize) -> Result<()> {
        // SAFETY: the caller's promise.
        match unsafe { node.item()? } {
            Item::Scalar(number) if depth == self.outline.ndim => self.visitor.number(number),
            Item::Scalar(_) => self.expect(depth, None),
            Item::List(items) => {
                self.expect(depth, Some(items.len() as i64))?;
                let are_scalars = depth + 1 == self.outline.ndim;
                for (i, item) in items.iter().enumerate() {
                    // SAFETY: the caller's promise.
                    unsafe {
                        // Most nodes of most values are met here.
                        if are_scalars && let Item::Scalar(number) = item.item()? {
                            self.visitor.number(number)?;
                            continue;
                        }
                        self.path[depth] = i as i64;
                        self.visit(item, depth + 1)?;
                    }
                }
                Ok(())
            }
            // SAFETY: the caller's promise.
            Item::Memory(memory) => unsafe { self.visit_memory(memory, depth) },
        }
    }

    /// # Safety
    /// As for [`Node::item`].
    unsafe fn visit_memory(&mut self, memory: Memory<'_>, depth: usize) -> Result<()> {
        let padded = self.outline.padded;
        // SAFETY: the caller's promise.
        unsafe { memory.with(padded, &mut |memory| self.visit_proved(memory, depth)) }
    }

    /// # Safety
    /// As for [`Self::visit_memory`]; the memory has been proved.
    unsafe fn visit_proved(&mut self, memory: &Descriptor<'_>, depth: usize) -> Result<()> {
        let shape = memory.layout.shape();
        self.path[depth..].fill(0);
        for (dim, &size) in shape.iter().enumerate() {
            self.expect(depth + dim, Some(size))?;
        }
        self.expect(depth + shape.len(), None)?;
        // SAFETY: the descriptor was proved, and the caller's promise says that its memory is there.
        unsafe { self.visitor.memory(memory) }
    }

    /// An error unless a list of `found` items, or a scalar, is what the shape has at this depth.
    fn expect(&self, depth: usize, found: Option<i64>) -> Result<()> {
        let expected = self.outline.shape().get(depth).copied();
        if expected == found {
            return Ok(());
        }
        let path = Position::from_path(&self.path[..depth]);
        Err(match (expected, found) {
            (Some(expected), Some(found)) => Error::Ragged {
                path,
                expected,
                found,
            },
            (Some(expected), None) => Error::ScalarForList { path, expected },
            (None, Some(found)) => Error::ListForScalar { path, found },
            (None, None) => Error::Internal,
        })
    }
}
