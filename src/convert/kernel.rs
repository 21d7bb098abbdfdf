//! What converts adjacent elements of one dtype to adjacent elements of another: packed loops, or the definition.

use super::packed::{self, Steps};
use super::{Decode, Encode, decoder, encoder};
use crate::dtype::{Kind, Overflow, Scalar};

/// Converts adjacent elements, sub-byte ones one to a byte. Both runs may be at any address.
#[derive(Clone, Copy)]
pub struct Kernel(Way);

#[derive(Clone, Copy)]
enum Way {
    Packed(Steps),
    Defined(Definition),
}

/// A decoder and an encoder.
#[derive(Clone, Copy)]
struct Definition {
    decode: Decode,
    encode: Encode,
    overflow: Overflow,
    /// Bytes of an element on each side.
    sizes: (usize, usize),
    imaginary: Imaginary,
}

/// What becomes of imaginary parts.
#[derive(Clone, Copy)]
enum Imaginary {
    /// There are none, or they are left out.
    Nothing,
    /// They are zero.
    Zero,
    /// An element is true if they are.
    Or,
}

/// The kernel for a pair of scalars, of which one may be complex: of two complex numbers, callers convert the parts.
pub fn kernel(from: Scalar, to: Scalar, overflow: Overflow) -> Kernel {
    debug_assert!(from.kind() != Kind::Complex || to.kind() != Kind::Complex);
    if let Some(steps) = packed::choose(from, to, overflow) {
        return Kernel(Way::Packed(steps));
    }
    let (part, made) = (from.component(), to.component());
    let defined = decoder(part).and_then(|(decode, carrier)| {
        let size = |scalar: Scalar| scalar.bits().div_ceil(8) as usize;
        Some(Definition {
            decode,
            encode: encoder(made, carrier)?,
            overflow,
            sizes: (size(from), size(to)),
            imaginary: match (part == from, made == to) {
                (true, false) => Imaginary::Zero,
                (false, _) if to == Scalar::Bool => Imaginary::Or,
                _ => Imaginary::Nothing,
            },
        })
    });
    match defined {
        Some(definition) => Kernel(Way::Defined(definition)),
        // Callers have asked `DType::check_convertible`.
        None => unreachable!("no conversion from {} to {}", from.name(), to.name()),
    }
}

impl Kernel {
    /// The same of a pair, for what does not fit the second-level cache.
    pub fn for_distant(self, from: Scalar, to: Scalar) -> Self {
        Self(match self.0 {
            Way::Packed(steps) => Way::Packed(steps.for_distant(from, to)),
            defined => defined,
        })
    }

    /// Whether it computes with floating-point instructions, and needs the standard environment.
    pub fn computes(&self) -> bool {
        matches!(self.0, Way::Packed(_))
    }

    /// Converts a run.
    ///
    /// # Safety
    /// `count` elements are readable at `from` and writable at `to`; the runs do not overlap. If the kernel computes, a
    /// [`super::Standard`] environment is in force.
    #[inline(always)]
    pub unsafe fn run(&self, from: *const u8, to: *mut u8, count: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.0 {
                Way::Packed(steps) => steps.run(from, to, count),
                Way::Defined(definition) => definition.run(from, to, count),
            }
        }
    }

    /// Converts rows of `count` elements, so many bytes apart; before each, `begin` is told where it is read and written.
    ///
    /// # Safety
    /// As for [`Kernel::run`], of each row.
    #[inline(always)]
    pub unsafe fn run_rows(
        &self,
        from: (*const u8, isize),
        to: (*mut u8, isize),
        rows: usize,
        count: usize,
        begin: impl Fn(*const u8, *mut u8),
    ) {
        match &self.0 {
            // SAFETY: the caller's promise.
            Way::Packed(steps) => unsafe { steps.run_rows(from, to, rows, count, begin) },
            Way::Defined(definition) => packed::for_each_row(from, to, rows, |from, to| {
                begin(from, to);
                // SAFETY: as above.
                unsafe { definition.run(from, to, count) }
            }),
        }
    }

    /// Whether it takes so many instructions for a line that the processor does not come to the next run in time, which had better be asked
    /// for if it lies elsewhere.
    pub fn outlasts_reading(&self) -> bool {
        match &self.0 {
            Way::Packed(steps) => steps.outlasts_reading,
            Way::Defined(_) => false,
        }
    }

    /// Elements of a row from which it is better converted by itself than in a block of several.
    pub fn group(&self) -> usize {
        match &self.0 {
            Way::Packed(steps) => steps.group(),
            Way::Defined(_) => 1,
        }
    }
}

impl Definition {
    /// # Safety
    /// As for [`Kernel::run`].
    #[inline(never)]
    unsafe fn run(&self, from: *const u8, to: *mut u8, count: usize) {
        let mut words = [0; 256];
        let mut done = 0;
        while done < count {
            let words = &mut words[..(count - done).min(256)];
            let (source, target) = self.sizes;
            // SAFETY: the caller's promise.
            unsafe {
                (self.decode)(from.add(done * source), source as isize, words);
                let to = to.add(done * target);
                (self.encode)(words, to, target as isize, self.overflow);
                self.finish(from.add(done * source), to, words);
            }
            done += words.len();
        }
    }

    /// Adds what becomes of imaginary parts to elements whose real parts have been converted.
    ///
    /// # Safety
    /// As for [`Kernel::run`], of as many elements as there are words.
    unsafe fn finish(&self, from: *const u8, to: *mut u8, words: &mut [u64]) {
        let (source, target) = self.sizes;
        // SAFETY: the caller's promise.
        unsafe {
            match self.imaginary {
                Imaginary::Nothing => {}
                Imaginary::Zero => {
                    words.fill(0);
                    (self.encode)(words, to.add(target / 2), target as isize, self.overflow);
                }
                Imaginary::Or => {
                    let mut bools = [0; 256];
                    (self.decode)(from.add(source / 2), source as isize, words);
                    (self.encode)(words, bools.as_mut_ptr(), 1, self.overflow);
                    for (i, other) in bools[..words.len()].iter().enumerate() {
                        *to.add(i) |= other;
                    }
                }
            }
        }
    }
}
