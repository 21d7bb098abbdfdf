//! Squares of units, as many as a register of 16 bytes holds on either side, exchanged by NEON.

use super::{Runs, one_by_one};
use core::arch::aarch64::*;

/// A register, taken as units of one size.
pub trait Register: Copy {
    /// A unit, as bytes: it may be anywhere.
    type Unit: Copy;
    /// The units of both in turn: those of the first halves, and those of the second ones.
    fn weave(self, other: Self) -> (Self, Self);
}

macro_rules! register {
    ($name:ident = $register:ident, $bytes:literal, $low:ident, $high:ident) => {
        pub type $name = $register;
        impl Register for $name {
            type Unit = [u8; $bytes];
            #[inline(always)]
            fn weave(self, other: Self) -> (Self, Self) {
                // SAFETY: NEON is part of the architecture.
                unsafe { ($low(self, other), $high(self, other)) }
            }
        }
    };
}

register!(Bytes = uint8x16_t, 1, vzip1q_u8, vzip2q_u8);
register!(Pairs = uint16x8_t, 2, vzip1q_u16, vzip2q_u16);
register!(Singles = uint32x4_t, 4, vzip1q_u32, vzip2q_u32);
register!(Doubles = uint64x2_t, 8, vzip1q_u64, vzip2q_u64);

/// Squares, and what is left at the edges. `SIDE` is how many units a register holds.
///
/// # Safety
/// As for [`super::Transpose::run`].
pub unsafe fn run<R: Register, const SIDE: usize>(
    from: Runs<*const u8>,
    to: Runs<*mut u8>,
    from_runs: usize,
    to_runs: usize,
) {
    const { assert!(SIDE * size_of::<R::Unit>() == size_of::<R>()) }
    let size = size_of::<R::Unit>();
    let from_at = |i: usize, j: usize| {
        let row = from.0.wrapping_offset(i as isize * from.1);
        (row.wrapping_add(j * size), from.1)
    };
    let to_at = |i: usize, j: usize| {
        let row = to.0.wrapping_offset(j as isize * to.1);
        (row.wrapping_add(i * size), to.1)
    };
    let whole = to_runs / SIDE * SIDE;
    let mut i = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while i + SIDE <= from_runs {
            for j in (0..whole).step_by(SIDE) {
                square::<R, SIDE>(from_at(i, j), to_at(i, j));
            }
            let (from, to) = (from_at(i, whole), to_at(i, whole));
            one_by_one::<R::Unit>(from, to, SIDE, to_runs - whole);
            i += SIDE;
        }
        one_by_one::<R::Unit>(from_at(i, 0), to_at(i, 0), from_runs - i, to_runs);
    }
}

/// A square. Each step weaves the first half of the registers into the second: it turns the number of a unit, that of its row
/// before that of its column, by a bit, until the one has taken the place of the other.
///
/// # Safety
/// The square is readable and writable.
#[inline(always)]
unsafe fn square<R: Register, const SIDE: usize>(from: Runs<*const u8>, to: Runs<*mut u8>) {
    let row = |i: usize| from.0.wrapping_offset(i as isize * from.1).cast::<R>();
    // SAFETY: the caller's promise.
    let mut x: [R; SIDE] = core::array::from_fn(|i| unsafe { row(i).read_unaligned() });
    for _ in 0..SIDE.ilog2() {
        let old = x;
        for k in 0..SIDE / 2 {
            (x[2 * k], x[2 * k + 1]) = old[k].weave(old[k + SIDE / 2]);
        }
    }
    for (j, column) in x.into_iter().enumerate() {
        let row = to.0.wrapping_offset(j as isize * to.1).cast::<R>();
        // SAFETY: as above.
        unsafe { row.write_unaligned(column) };
    }
}
