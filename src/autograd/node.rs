//! The graph: what was done, and to the results of what else. A node keeps shapes and dtypes, never elements.
//!
//! Nodes are numbered as they are made, so each has a higher number than those it leads to. Chains of them are as long as
//! a program makes them: what ends with one is put on a list, not on the stack.

use super::function::Function;
use super::leaf::Sink;
use super::memory::{List, OwnLayout, place, take};
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::Layout;
use crate::storage::Count;
use core::cell::Cell;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

/// What the gradient of a result looks like.
pub struct Output {
    /// Its dtype: that of the result.
    pub dtype: DType,
    /// Its shape. The strides are row-major, but for views: there they say where the elements are among those of the base.
    pub layout: OwnLayout,
}

/// One result of a node.
pub struct Edge {
    /// The node.
    pub node: NodeRef,
    /// Which of its results.
    pub output: usize,
}

impl Edge {
    /// The only result of a node.
    pub fn to(node: NodeRef) -> Self {
        Self { node, output: 0 }
    }

    /// The same once more.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self {
            node: self.node.try_clone()?,
            output: self.output,
        })
    }

    /// What the gradient of the result looks like.
    pub fn target(&self) -> &Output {
        &self.node.outputs[self.output]
    }
}

/// One item in place, or several on the heap.
pub enum Several<T> {
    /// One.
    One([T; 1]),
    /// Any number.
    Many(List<T>),
}

impl<T> Several<T> {
    /// One item.
    pub fn one(item: T) -> Self {
        Several::One([item])
    }
}

impl<T> Deref for Several<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Several::One(item) => item,
            Several::Many(items) => items,
        }
    }
}

/// What was done.
pub enum Operation {
    /// Nothing: here gradients arrive.
    Leaf(Sink),
    /// Elements were picked, which begin so far among those of the base in row-major order.
    View {
        /// Elements.
        offset: i64,
    },
    /// Elements were picked from the memory: `base` is where those of the base are in it, from `start` elements on.
    Strided {
        /// The layout of the base.
        base: OwnLayout,
        /// The layout of the view.
        view: OwnLayout,
        /// From the first element of the base to that of the view.
        offset: i64,
    },
    /// Elements were copied, and perhaps converted.
    Copy,
    /// Some elements of the first input were replaced by those of the second.
    Replace {
        /// Which ones.
        map: OwnLayout,
        /// Where they begin.
        offset: i64,
    },
    /// A function of the caller's.
    Function(Function),
}

/// Something that was done.
pub struct Node {
    count: Count,
    /// The next on a list of nodes that end.
    next: Cell<Option<NonNull<Node>>>,
    /// Higher than those of the nodes that this one leads to.
    pub number: u64,
    /// What torch calls it when it prints.
    pub name: &'static str,
    /// What was done.
    pub operation: Operation,
    /// To what. None for what has no gradient.
    pub inputs: Several<Option<Edge>>,
    /// What came of it.
    pub outputs: Several<Output>,
}

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A counted reference to a node.
pub struct NodeRef(NonNull<Node>);

// SAFETY: nodes do not change, but for what is behind locks; the list of those that end is that of one thread.
unsafe impl Send for NodeRef {}
// SAFETY: as above.
unsafe impl Sync for NodeRef {}

impl NodeRef {
    /// A node that was not there before.
    pub fn new(
        name: &'static str,
        operation: Operation,
        inputs: Several<Option<Edge>>,
        outputs: Several<Output>,
    ) -> Result<Self> {
        let node = place(Node {
            count: Count::one(),
            next: Cell::new(None),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            name,
            operation,
            inputs,
            outputs,
        })?;
        Ok(Self(node))
    }

    /// A node with one input and one result.
    pub fn simple(
        name: &'static str,
        operation: Operation,
        input: Edge,
        dtype: DType,
        layout: &Layout,
    ) -> Result<Self> {
        let layout = OwnLayout::of(layout)?;
        let output = Several::one(Output { dtype, layout });
        Self::new(name, operation, Several::one(Some(input)), output)
    }

    /// One more reference.
    pub fn try_clone(&self) -> Result<Self> {
        self.count.increment()?;
        Ok(Self(self.0))
    }
}

impl Deref for NodeRef {
    type Target = Node;

    fn deref(&self) -> &Node {
        // SAFETY: a reference keeps the node alive.
        unsafe { self.0.as_ref() }
    }
}

/// Nodes of this thread that end.
#[derive(Clone, Copy)]
enum Ending {
    /// None does.
    Idle,
    /// They are taken one after another, somewhere up the stack; this is the next.
    Busy(Option<NonNull<Node>>),
}

thread_local! {
    static ENDING: Cell<Ending> = const { Cell::new(Ending::Idle) };
}

impl Drop for NodeRef {
    fn drop(&mut self) {
        if !self.count.decrement() {
            return;
        }
        let ending = ENDING.with(Cell::get);
        if let Ending::Busy(next) = ending {
            self.next.set(next);
            ENDING.with(|list| list.set(Ending::Busy(Some(self.0))));
            return;
        }
        ENDING.with(|list| list.set(Ending::Busy(None)));
        let mut node = self.0;
        loop {
            // SAFETY: its last reference is gone. What it refers to may end with it, and is then put on the list; foreign code
            // runs with nothing of ours in use.
            drop(unsafe { take(node) });
            match ENDING.with(Cell::get) {
                Ending::Busy(Some(next)) => {
                    // SAFETY: it was put on the list by this thread, and nobody else has it.
                    let rest = unsafe { next.as_ref() }.next.get();
                    ENDING.with(|list| list.set(Ending::Busy(rest)));
                    node = next;
                }
                _ => break,
            }
        }
        ENDING.with(|list| list.set(Ending::Idle));
    }
}
