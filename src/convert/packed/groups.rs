//! What the kernels that take groups have in common: groups of elements, and what they know of floats of eight bits.

use super::element::Parameters;
use super::steps::Run;
use crate::convert::round::Format;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

/// A dtype that is read, as binary32 in registers of one kind.
pub trait Load<Register> {
    /// Bytes of an element.
    const SIZE: usize;
    /// A group, in a form that rounds like the numbers themselves.
    ///
    /// # Safety
    /// The group is readable; the processor has the instruction set.
    unsafe fn load(from: *const u8) -> [Register; 4];
}

/// A dtype that is written, from binary32 in registers of one kind.
pub trait Store<Register> {
    /// Bytes of an element.
    const SIZE: usize;
    /// Writes a group.
    ///
    /// # Safety
    /// The group is writable; the processor has the instruction set.
    unsafe fn store(to: *mut u8, singles: [Register; 4], parameters: Parameters);
}

/// What a group of elements becomes. How many they are is the instruction set's.
pub trait Group {
    /// Bytes of a source element.
    const FROM: usize;
    /// Bytes of a destination element.
    const TO: usize;
    /// Converts a group.
    ///
    /// # Safety
    /// The group is readable and writable; the processor has the instruction set.
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters);
}

/// Converts groups of so many elements, of which the last one may overlap the one before. Returns whether there is one.
///
/// # Safety
/// `count` elements are readable and writable; the processor has the instruction set.
#[inline(always)]
pub unsafe fn convert<G: Group, const GROUP: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
) -> bool {
    let Some(last) = count.checked_sub(GROUP) else {
        return false;
    };
    let mut i = 0;
    loop {
        // SAFETY: the caller's promise.
        unsafe { G::convert(from.add(i * G::FROM), to.add(i * G::TO), parameters) }
        i += GROUP;
        if i > last {
            if i == last + GROUP {
                return true;
            }
            i = last;
        }
    }
}

/// Converts fewer elements than a group has, of so many bytes on each side, by way of one. Not a part of each kernel, of which there are
/// many.
///
/// # Safety
/// As for [`super::Steps::run`]; `kernel` converts a group of such elements.
#[inline(never)]
pub unsafe fn short<const GROUP: usize>(
    from: *const u8,
    to: *mut u8,
    count: usize,
    parameters: Parameters,
    kernel: Run,
    (from_size, to_size): (usize, usize),
) {
    // Of the largest elements.
    let mut source = [[0u64; 2]; GROUP];
    let mut made = MaybeUninit::<[[u64; 2]; GROUP]>::uninit();
    let (source, made) = (
        source.as_mut_ptr().cast::<u8>(),
        made.as_mut_ptr().cast::<u8>(),
    );
    // SAFETY: the caller's promise; a group fits the rooms.
    unsafe {
        source.copy_from_nonoverlapping(from, count * from_size);
        kernel(source, made, GROUP, parameters);
        to.copy_from_nonoverlapping(made, count * to_size);
    }
}

/// From one dtype to another, through binary32.
pub struct Through<Register, L, S>(PhantomData<(Register, L, S)>);

impl<Register, L: Load<Register>, S: Store<Register>> Group for Through<Register, L, S> {
    const FROM: usize = L::SIZE;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, parameters: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { S::store(to, L::load(from), parameters) }
    }
}

/// The same for each register of a group. Not a closure, which would be compiled without the instruction sets.
macro_rules! each {
    ($group:expr, |$register:ident| $body:expr) => {{
        let [a, b, c, d] = $group;
        [
            {
                let $register = a;
                $body
            },
            {
                let $register = b;
                $body
            },
            {
                let $register = c;
                $body
            },
            {
                let $register = d;
                $body
            },
        ]
    }};
}

/// `$kernel` for the format of eight bits that `$scalar` is.
macro_rules! for_small {
    ($scalar:expr, $kernel:ident) => {
        Some(match $scalar {
            Scalar::Float8E3M4 => $kernel!(E3M4),
            Scalar::Float8E4M3 => $kernel!(E4M3),
            Scalar::Float8E4M3B11Fnuz => $kernel!(E4M3B11Fnuz),
            Scalar::Float8E4M3Fn => $kernel!(E4M3Fn),
            Scalar::Float8E4M3Fnuz => $kernel!(E4M3Fnuz),
            Scalar::Float8E5M2 => $kernel!(E5M2),
            Scalar::Float8E5M2Fnuz => $kernel!(E5M2Fnuz),
            _ => return None,
        })
    };
}

pub(super) use {each, for_small};

/// The upper and the lower bytes, in a format of sixteen bits, of the numbers of one of eight that are subnormal there; or, if
/// its exponents begin one lower, of those that are subnormal in either.
pub const fn subnormals(small: Format, wide: Format) -> ([u8; 16], [u8; 16]) {
    let (mut upper, mut lower) = ([0; 16], [0; 16]);
    let mut code = 1u32;
    while code < subnormals_end(small, wide) && wide.bias != small.bias {
        let word = if wide.bias < small.bias {
            code << (wide.fraction_bits - small.fraction_bits - 1)
        } else {
            let top = code.ilog2();
            let exponent =
                (top as i32 + 1 - small.bias - small.fraction_bits as i32 + wide.bias) as u32;
            let fraction = (code - (1 << top)) << (wide.fraction_bits - top);
            exponent << wide.fraction_bits | fraction
        };
        upper[code as usize] = (word >> 8) as u8;
        lower[code as usize] = word as u8;
        code += 1;
    }
    (upper, lower)
}

/// The first code that is none of [`subnormals`].
pub const fn subnormals_end(small: Format, wide: Format) -> u32 {
    let exponents = if wide.bias < small.bias { 2 } else { 1 };
    exponents << small.fraction_bits
}
