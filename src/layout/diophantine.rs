//! Bounded linear equations in integers: is there `x` with `0 <= x[i] <= bound[i]` and `sum a[i] * x[i] + u = b`, where
//! `u` is free between 0 and a slack?
//!
//! Whether two strided sets of elements meet is such an equation. The search tries the largest coefficient first; sums
//! of what is left bound each variable, and residues modulo the common divisor of what is left let it jump from one
//! candidate to the next. Two variables and the slack are solved directly. The worst case is exponential (the problem is
//! NP-hard), so the search gives up after a number of steps that is fixed in advance.

use super::overlap::Answer;
use crate::order::sort_few;

/// Steps that one question may take: a fraction of a second.
pub(super) const MAX_STEPS: u64 = 1 << 20;

/// One variable: its coefficient, above zero, and its largest value, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub coefficient: i128,
    pub bound: i128,
}

/// Terms of one equation: at most one for each dimension of two tensors.
pub(super) const MAX_TERMS: usize = 2 * super::MAX_NDIM;

/// Decides `sum a[i] * x[i] + u = target` with `0 <= x[i] <= bound[i]`, `0 <= u <= slack`.
///
/// `steps` is what the question has taken so far, over all its equations.
pub(super) fn is_solvable(
    terms: &mut [Term],
    slack: i128,
    target: i128,
    steps: &mut u64,
) -> Answer {
    let terms = merge(terms);
    let mut search = Search {
        terms,
        slack,
        sums: [0; MAX_TERMS + 1],
        divisors: [0; MAX_TERMS + 1],
        steps,
    };
    for (i, term) in terms.iter().enumerate() {
        search.sums[i + 1] = search.sums[i] + term.coefficient * term.bound;
        search.divisors[i + 1] = gcd(search.divisors[i], term.coefficient);
    }
    match search.solve(terms.len(), target) {
        Some(true) => Answer::Yes,
        Some(false) => Answer::No,
        None => Answer::TooHard { steps: MAX_STEPS },
    }
}

/// Sorts by coefficient and joins equal ones, which are one variable with the sum of the bounds.
fn merge(terms: &mut [Term]) -> &[Term] {
    sort_few(terms, |term| term.coefficient);
    let mut len = 0;
    for i in 0..terms.len() {
        let term = terms[i];
        if len > 0 && terms[len - 1].coefficient == term.coefficient {
            terms[len - 1].bound += term.bound;
        } else {
            terms[len] = term;
            len += 1;
        }
    }
    &terms[..len]
}

struct Search<'a> {
    /// Ascending coefficients.
    terms: &'a [Term],
    slack: i128,
    /// `sums[n]`: the largest value of the first `n` terms together.
    sums: [i128; MAX_TERMS + 1],
    /// `divisors[n]`: the greatest common divisor of the first `n` coefficients; 0 for none.
    divisors: [i128; MAX_TERMS + 1],
    steps: &'a mut u64,
}

impl Search<'_> {
    /// Whether the first `n` terms and the slack can make `target`; `None` when the steps are used up.
    fn solve(&mut self, n: usize, target: i128) -> Option<bool> {
        if *self.steps >= MAX_STEPS {
            return None;
        }
        *self.steps += 1;
        if target < 0 || target > self.sums[n] + self.slack {
            return Some(false);
        }
        if n == 0 {
            return Some(true);
        }
        let Term { coefficient, bound } = self.terms[n - 1];
        let rest = self.sums[n - 1] + self.slack;
        // 0 <= target - coefficient * x <= rest
        let mut x = div_ceil(target - rest, coefficient).max(0);
        let last = (target / coefficient).min(bound);
        let modulus = self.divisors[n - 1];
        loop {
            x = match self.next_candidate(x, coefficient, modulus, target) {
                Some(x) if x <= last => x,
                _ => return Some(false),
            };
            // With at most one term left, being in range with a fitting residue is enough.
            if n <= 2 || self.solve(n - 1, target - coefficient * x)? {
                return Some(true);
            }
            x += 1;
        }
    }

    /// The first `x >= from` for which `target - coefficient * x` leaves at most the slack modulo `modulus`.
    fn next_candidate(
        &self,
        from: i128,
        coefficient: i128,
        modulus: i128,
        target: i128,
    ) -> Option<i128> {
        if modulus == 0 || self.slack >= modulus - 1 {
            return Some(from);
        }
        // coefficient * y = low ..= low + slack (mod modulus), for y = x - from
        let high = (target - coefficient * from).rem_euclid(modulus);
        if high <= self.slack {
            return Some(from);
        }
        let step = first_residue_in(
            coefficient.rem_euclid(modulus),
            modulus,
            high - self.slack,
            high,
        )?;
        Some(from + step)
    }
}

/// The smallest `x >= 0` with `low <= a * x mod modulus <= high`, for `0 < low <= high < modulus`, `0 <= a < modulus`.
fn first_residue_in(a: i128, modulus: i128, low: i128, high: i128) -> Option<i128> {
    if a == 0 {
        return None;
    }
    if 2 * a > modulus {
        return first_residue_in(modulus - a, modulus, modulus - high, modulus - low);
    }
    let x = div_ceil(low, a);
    if x * a <= high {
        return Some(x);
    }
    // No multiple of `a` lies between: ask how often to go around, modulo `a`.
    let y = first_residue_in(
        modulus.rem_euclid(a),
        a,
        (-high).rem_euclid(a),
        (-low).rem_euclid(a),
    )?;
    Some(div_ceil(low + modulus * y, a))
}

fn div_ceil(a: i128, b: i128) -> i128 {
    -(-a).div_euclid(b)
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brute(terms: &[Term], slack: i128, target: i128) -> bool {
        match terms.split_first() {
            None => (0..=slack).contains(&target),
            Some((first, rest)) => {
                (0..=first.bound).any(|x| brute(rest, slack, target - first.coefficient * x))
            }
        }
    }

    #[test]
    fn agrees_with_trying_everything() {
        let mut seed = 1u64;
        let mut random = |n: u64| {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            i128::from((seed >> 33) % n)
        };
        for _ in 0..20_000 {
            let mut terms = [Term {
                coefficient: 1,
                bound: 1,
            }; 4];
            let count = random(5) as usize;
            for term in &mut terms[..count] {
                *term = Term {
                    coefficient: 1 + random(40),
                    bound: 1 + random(6),
                };
            }
            let (slack, target) = (random(12) * random(2), random(300));
            let expected = brute(&terms[..count], slack, target);
            let found = is_solvable(&mut terms[..count], slack, target, &mut 0);
            assert_eq!(found == Answer::Yes, expected, "{terms:?} {slack} {target}");
            assert!(!matches!(found, Answer::TooHard { .. }));
        }
    }

    #[test]
    fn huge_bounds_with_two_terms_are_direct() {
        let mut terms = [
            Term {
                coefficient: 999_999_937 * 64,
                bound: 1 << 40,
            },
            Term {
                coefficient: 999_999_893 * 64,
                bound: 1 << 40,
            },
        ];
        let target = 64 * 31 + 999_999_937 * 64 * 1_000_000;
        assert_ne!(
            is_solvable(&mut terms, 0, target, &mut 0),
            Answer::TooHard { steps: MAX_STEPS }
        );
    }

    #[test]
    fn a_hard_equation_ends_as_too_hard() {
        // Pairwise large, nearly equal coefficients with a target that no small combination makes.
        let mut terms = [Term {
            coefficient: 0,
            bound: 2,
        }; 40];
        for (i, term) in terms.iter_mut().enumerate() {
            term.coefficient =
                (1 << 62) + (1i128 << (i + 20)) * 2 + ((i as i128 * 0x9e37_79b9) & !1);
        }
        let target = terms.iter().map(|t| t.coefficient).sum::<i128>() + 1;
        assert!(matches!(
            is_solvable(&mut terms, 0, target, &mut 0),
            Answer::No | Answer::TooHard { .. }
        ));
    }
}
