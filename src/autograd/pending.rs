//! Nodes whose gradients are coming in. The one with the highest number is next: no other can lead to it.

use super::gradient::Gradient;
use super::memory::List;
use super::node::{Edge, NodeRef, Several};
use crate::error::Result;

/// A node, and what has come in for each of its results.
pub struct Waiting {
    /// The node.
    pub node: NodeRef,
    /// What has come in.
    pub gradients: Several<Option<Gradient>>,
}

/// A number, and where its node is. Numbers begin at 1.
#[derive(Clone, Copy)]
struct Entry {
    number: u64,
    place: usize,
}

const NONE: Entry = Entry {
    number: 0,
    place: 0,
};

/// The nodes.
pub struct Pending {
    /// In any order; those that are done leave their place to others.
    places: List<Option<Waiting>>,
    unused: List<usize>,
    /// A heap: each entry has a lower number than the one at half its position.
    heap: List<Entry>,
    /// Entries by a hash of the number. A power of two of them, at most half of which are in use. None is ever taken out.
    table: List<Entry>,
    known: usize,
}

impl Pending {
    /// None.
    pub const fn new() -> Self {
        Self {
            places: List::new(),
            unused: List::new(),
            heap: List::new(),
            table: List::new(),
            known: 0,
        }
    }

    /// What has come in for the result that an edge leads to.
    pub fn place_of(&mut self, edge: &Edge) -> Result<&mut Option<Gradient>> {
        let number = edge.node.number;
        let place = match self.find(number) {
            Some(place) => place,
            None => self.insert(&edge.node)?,
        };
        let Some(waiting) = &mut self.places[place] else {
            // A node is met for the last time before it is next.
            return Err(crate::error::Error::Internal);
        };
        match &mut waiting.gradients {
            Several::One(gradient) => Ok(&mut gradient[0]),
            Several::Many(gradients) => Ok(&mut gradients[edge.output]),
        }
    }

    fn slot(&self, number: u64) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while ![0, number].contains(&self.table[slot].number) {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn find(&self, number: u64) -> Option<usize> {
        if self.table.is_empty() {
            return None;
        }
        let entry = self.table[self.slot(number)];
        (entry.number == number).then_some(entry.place)
    }

    fn insert(&mut self, node: &NodeRef) -> Result<usize> {
        let gradients = if node.outputs.len() == 1 {
            Several::one(None)
        } else {
            let mut gradients = List::with_capacity(node.outputs.len())?;
            for _ in node.outputs.iter() {
                gradients.push(None)?;
            }
            Several::Many(gradients)
        };
        let waiting = Waiting {
            node: node.try_clone()?,
            gradients,
        };
        self.grow_table()?;
        let place = match self.unused.pop() {
            Some(place) => {
                self.places[place] = Some(waiting);
                place
            }
            None => {
                self.places.push(Some(waiting))?;
                self.places.len() - 1
            }
        };
        let entry = Entry {
            number: node.number,
            place,
        };
        let slot = self.slot(entry.number);
        self.table[slot] = entry;
        self.known += 1;
        self.heap.push(entry)?;
        let mut at = self.heap.len() - 1;
        while at > 0 && self.heap[(at - 1) / 2].number < self.heap[at].number {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
        Ok(place)
    }

    fn grow_table(&mut self) -> Result<()> {
        if 2 * (self.known + 1) <= self.table.len() {
            return Ok(());
        }
        let capacity = (2 * self.table.len()).max(16);
        let mut table = List::with_capacity(capacity)?;
        for _ in 0..capacity {
            table.push(NONE)?;
        }
        let before = core::mem::replace(&mut self.table, table);
        for entry in before.iter().filter(|entry| entry.number != 0) {
            let slot = self.slot(entry.number);
            self.table[slot] = *entry;
        }
        Ok(())
    }

    /// The next node.
    pub fn next(&mut self) -> Result<Option<Waiting>> {
        let Some(last) = self.heap.pop() else {
            return Ok(None);
        };
        let next = match self.heap.first_mut() {
            Some(first) => core::mem::replace(first, last),
            None => last,
        };
        let (mut at, len) = (0, self.heap.len());
        loop {
            let children = (2 * at + 1)..(2 * at + 3).min(len);
            let Some(largest) = children.max_by_key(|&child| self.heap[child].number) else {
                break;
            };
            if self.heap[largest].number < self.heap[at].number {
                break;
            }
            self.heap.swap(at, largest);
            at = largest;
        }
        self.unused.push(next.place)?;
        Ok(self.places[next.place].take())
    }
}
