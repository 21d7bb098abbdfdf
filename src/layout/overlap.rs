//! Whether elements share memory, decided exactly: of one layout with itself, and of two layouts.

use super::Layout;
use super::diophantine::{MAX_TERMS, Term, is_solvable};
use crate::order::sort_few;

/// The outcome of an exact search that may give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is a common bit.
    Yes,
    /// There is none.
    No,
    /// Undecided after so many steps.
    TooHard {
        /// Steps spent.
        steps: u64,
    },
}

/// A layout at an address.
#[derive(Clone, Copy)]
pub struct Placed<'a> {
    /// Shape and strides; its reach has been proved.
    pub layout: &'a Layout,
    /// Address of the first element.
    pub address: u64,
    /// Bits an element takes.
    pub element_bits: u64,
}

/// Whether two placed layouts have a bit in common. Exact, or `TooHard`.
pub fn shares_bits(a: Placed<'_>, b: Placed<'_>) -> Answer {
    if a.layout.numel() == 0 || b.layout.numel() == 0 || a.element_bits == 0 || b.element_bits == 0
    {
        return Answer::No;
    }
    if are_apart(a, b) {
        return Answer::No;
    }
    let mut terms = Terms::default();
    let a_low = i128::from(a.address) * 8 + terms.add(a);
    let b_low = i128::from(b.address) * 8 + terms.add(b);
    // With every index counted from the lowest element: a_low + sum(a) + u = b_low + sum(b) + v. Replacing each index of
    // `b` by its distance from the last, and v likewise, brings all terms to one side.
    let slack = i128::from(a.element_bits) - 1 + i128::from(b.element_bits) - 1;
    let b_span: i128 = terms.total_since(terms.split);
    let target = b_low - a_low + b_span + i128::from(b.element_bits) - 1;
    is_solvable(terms.as_mut_slice(), slack, target, &mut 0)
}

/// Whether the bytes from the lowest to the highest element of the one and of the other are apart.
fn are_apart(a: Placed<'_>, b: Placed<'_>) -> bool {
    let span = |placed: Placed<'_>| {
        let reach = placed.layout.reach(placed.element_bits).ok()?;
        let first = i128::from(placed.address) * 8;
        Some((first + i128::from(reach.lo), first + i128::from(reach.hi)))
    };
    match (span(a), span(b)) {
        (Some(a), Some(b)) => a.1 <= b.0 || b.1 <= a.0,
        _ => false,
    }
}

/// Whether two different elements of a layout are at the same place. Exact, or `TooHard`.
pub fn overlaps_itself(layout: &Layout) -> Answer {
    if layout.numel() <= 1 || is_nested(layout) {
        return Answer::No;
    }
    let mut terms = Terms::default();
    for (size, stride) in layout.dims() {
        if size > 1 {
            if stride == 0 {
                return Answer::Yes;
            }
            terms.push(stride, size);
        }
    }
    let terms = terms.as_mut_slice();
    sort_few(terms, |term| term.coefficient);
    // When every stride passes all that the smaller ones reach together, elements are apart.
    let mut reach = 0;
    let mut apart = true;
    for term in terms.iter() {
        apart &= term.coefficient > reach;
        reach += term.coefficient * term.bound;
    }
    if apart {
        return Answer::No;
    }
    // Two elements meet iff some nonzero difference of indices, |d[i]| <= bound[i], has sum a[i] * d[i] = 0. Let k be the
    // last dimension with d[k] != 0 and, by symmetry, d[k] >= 1. Shifted: sum a[i] * (d[i] + bound[i]) over i < k, plus
    // a[k] * (d[k] - 1), makes sum a[i] * bound[i] - a[k].
    let mut below = 0;
    let mut undecided = None;
    let mut spent = 0;
    for k in 0..terms.len() {
        let target = below - terms[k].coefficient;
        let mut shifted = [Term {
            coefficient: 1,
            bound: 0,
        }; MAX_TERMS];
        for (to, from) in shifted.iter_mut().zip(&terms[..k]) {
            *to = Term {
                coefficient: from.coefficient,
                bound: 2 * from.bound,
            };
        }
        shifted[k] = Term {
            coefficient: terms[k].coefficient,
            bound: terms[k].bound - 1,
        };
        match is_solvable(&mut shifted[..=k], 0, target, &mut spent) {
            Answer::Yes => return Answer::Yes,
            Answer::No => {}
            Answer::TooHard { steps } => undecided = Some(steps),
        }
        below += terms[k].coefficient * terms[k].bound;
    }
    match undecided {
        Some(steps) => Answer::TooHard { steps },
        None => Answer::No,
    }
}

/// Whether each stride passes all that the dimensions after it reach together, as in most layouts: then elements are apart.
fn is_nested(layout: &Layout) -> bool {
    let mut reach = 0u64;
    for (size, stride) in layout.dims().rev() {
        if size == 1 {
            continue;
        }
        let stride = stride.unsigned_abs();
        if stride <= reach {
            return false;
        }
        // The reach in bits was proved to fit 63 bits on either side.
        reach += stride * (size - 1) as u64;
    }
    true
}

/// Terms of the dimensions of up to two layouts.
struct Terms {
    terms: [Term; MAX_TERMS],
    len: usize,
    /// Where the second layout's terms begin.
    split: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            terms: [Term {
                coefficient: 1,
                bound: 0,
            }; MAX_TERMS],
            len: 0,
            split: 0,
        }
    }
}

impl Terms {
    fn push(&mut self, stride: i64, size: i64) {
        self.terms[self.len] = Term {
            coefficient: i128::from(stride).abs(),
            bound: i128::from(size) - 1,
        };
        self.len += 1;
    }

    /// Adds the dimensions of a placed layout, in bits; returns where its lowest element begins, from the first.
    fn add(&mut self, placed: Placed<'_>) -> i128 {
        self.split = self.len;
        let mut low = 0;
        for (size, stride) in placed.layout.dims() {
            if size > 1 && stride != 0 {
                self.push(stride, size);
                let term = &mut self.terms[self.len - 1];
                term.coefficient *= i128::from(placed.element_bits);
                if stride < 0 {
                    low -= term.coefficient * term.bound;
                }
            }
        }
        low
    }

    fn total_since(&self, start: usize) -> i128 {
        self.terms[start..self.len]
            .iter()
            .map(|term| term.coefficient * term.bound)
            .sum()
    }

    fn as_mut_slice(&mut self) -> &mut [Term] {
        &mut self.terms[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::LayoutBuf;

    fn layout(shape: &[i64], strides: &[i64]) -> LayoutBuf {
        LayoutBuf::of(shape, Some(strides)).unwrap()
    }

    #[test]
    fn self_overlap_is_exact() {
        assert_eq!(overlaps_itself(&layout(&[3, 4], &[4, 1])), Answer::No);
        assert_eq!(overlaps_itself(&layout(&[3, 4], &[3, 1])), Answer::Yes);
        assert_eq!(overlaps_itself(&layout(&[2, 3], &[3, 2])), Answer::No);
        assert_eq!(overlaps_itself(&layout(&[3, 4], &[3, 2])), Answer::Yes);
        assert_eq!(overlaps_itself(&layout(&[5], &[0])), Answer::Yes);
        assert_eq!(overlaps_itself(&layout(&[1, 4], &[0, 1])), Answer::No);
    }

    #[test]
    fn interleaved_columns_do_not_share() {
        let columns = layout(&[10], &[2]);
        let at = |address| Placed {
            layout: &columns,
            address,
            element_bits: 32,
        };
        assert_eq!(shares_bits(at(1000), at(1004)), Answer::No);
        assert_eq!(shares_bits(at(1000), at(1008)), Answer::Yes);
        assert_eq!(shares_bits(at(1000), at(1002)), Answer::Yes);
    }
}
