//! Packed conversion: runs of adjacent elements, converted in registers, for the pairs of dtypes that matter.
//!
//! Each kernel gives, bit for bit, what the decoder and encoder of the pair give. It is one loop over generic, branch-free
//! code ([`element`], [`narrow`]) that the compiler vectorises once for each instruction-set level.
//!
//! Kernels compute with floating-point instructions, so they run inside [`environment::Standard`].

mod element;
mod environment;
#[cfg(target_arch = "x86_64")]
mod half;
mod level;
mod narrow;

pub use environment::Standard;

use super::round::Format;
use crate::dtype::{Overflow, Scalar};
use element::{Parameters, Source, Target};
use level::Level;

/// Converts `count` adjacent elements. Both runs may be at any address.
#[derive(Clone, Copy)]
pub struct Kernel {
    run: unsafe fn(source: *const u8, destination: *mut u8, count: usize, Parameters),
    parameters: Parameters,
    /// Bytes of a source element.
    pub source_size: usize,
    /// Bytes of a destination element.
    pub destination_size: usize,
}

impl Kernel {
    /// Converts a run.
    ///
    /// # Safety
    /// `count` elements are readable at `source` and writable at `destination`; the runs do not overlap. A
    /// [`Standard`] environment is in force.
    #[inline(always)]
    pub unsafe fn run(&self, source: *const u8, destination: *mut u8, count: usize) {
        // SAFETY: the caller's promise; the kernel was chosen for a level that the processor has.
        unsafe { (self.run)(source, destination, count, self.parameters) }
    }
}

/// The kernel for a pair of real scalars, if there is one on the level in use.
pub fn kernel(from: Scalar, to: Scalar, overflow: Overflow) -> Option<Kernel> {
    // Saturating the wide formats is rare, and left to the encoders.
    let wide = matches!(
        to,
        Scalar::Float16 | Scalar::BFloat16 | Scalar::Float32 | Scalar::Float64
    );
    if overflow == Overflow::Saturate && wide {
        return None;
    }
    let run = match level::current() {
        Level::Scalar => return None,
        Level::Baseline => table::baseline(from, to)?,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => table::with_half(from, to, table::avx2)?,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => table::with_half(from, to, table::avx512)?,
    };
    Some(Kernel {
        run,
        parameters: Parameters {
            overflowed: format_of(to).map_or(0, |format| format.overflowed(false, overflow) as u32),
        },
        source_size: from.bits() as usize / 8,
        destination_size: to.bits() as usize / 8,
    })
}

/// The format that a narrow target's overflow is written in.
fn format_of(to: Scalar) -> Option<Format> {
    use super::float::{self, Float};
    Some(match to {
        Scalar::Float16 => float::F16::FORMAT,
        Scalar::BFloat16 => float::BF16::FORMAT,
        Scalar::Float8E3M4 => float::E3M4::FORMAT,
        Scalar::Float8E4M3 => float::E4M3::FORMAT,
        Scalar::Float8E4M3B11Fnuz => float::E4M3B11Fnuz::FORMAT,
        Scalar::Float8E4M3Fn => float::E4M3Fn::FORMAT,
        Scalar::Float8E4M3Fnuz => float::E4M3Fnuz::FORMAT,
        Scalar::Float8E5M2 => float::E5M2::FORMAT,
        Scalar::Float8E5M2Fnuz => float::E5M2Fnuz::FORMAT,
        _ => return None,
    })
}

/// The loop that every kernel is.
///
/// # Safety
/// As for [`Kernel::run`].
#[inline(always)]
unsafe fn convert_run<S: Source, T: Target>(
    source: *const u8,
    destination: *mut u8,
    count: usize,
    parameters: Parameters,
) {
    let (source, destination) = (source.cast::<S::Raw>(), destination.cast::<T::Raw>());
    for i in 0..count {
        // SAFETY: the caller's promise.
        unsafe {
            let raw = source.add(i).read_unaligned();
            destination
                .add(i)
                .write_unaligned(element::convert::<S, T>(raw, parameters));
        }
    }
}

/// One function per pair and level.
mod table {
    use super::element::{self as e, Parameters, Source, Target};
    use super::{Scalar, convert_run};
    use crate::convert::float as f;

    type Run = unsafe fn(*const u8, *mut u8, usize, Parameters);

    /// A level: its name, the wrapper that is compiled with its features, and the choice of the pair.
    macro_rules! level {
        ($name:ident, $run:ident $(, $feature:literal)?) => {
            /// # Safety
            /// As for `Kernel::run`; the processor has the features of the level.
            $(#[target_feature(enable = $feature)])?
            unsafe fn $run<S: Source, T: Target>(
                source: *const u8,
                destination: *mut u8,
                count: usize,
                parameters: Parameters,
            ) {
                // SAFETY: the caller's promise.
                unsafe { convert_run::<S, T>(source, destination, count, parameters) }
            }

            pub fn $name(from: Scalar, to: Scalar) -> Option<Run> {
                /// From one of the wide dtypes: to any wide one, and to float8 from the floats.
                fn wide<S: Source>(to: Scalar) -> Option<Run> {
                    Some(match to {
                        Scalar::Bool => $run::<S, e::Bool>,
                        Scalar::Int8 => $run::<S, i8>,
                        Scalar::Int16 => $run::<S, i16>,
                        Scalar::Int32 => $run::<S, i32>,
                        Scalar::Int64 => $run::<S, i64>,
                        Scalar::UInt8 => $run::<S, u8>,
                        Scalar::UInt16 => $run::<S, u16>,
                        Scalar::UInt32 => $run::<S, u32>,
                        Scalar::UInt64 => $run::<S, u64>,
                        Scalar::Float16 => $run::<S, f::F16>,
                        Scalar::BFloat16 => $run::<S, f::BF16>,
                        Scalar::Float32 => $run::<S, f::F32>,
                        Scalar::Float64 => $run::<S, f::F64>,
                        _ => return None,
                    })
                }
                fn small<S: Source>(to: Scalar) -> Option<Run> {
                    Some(match to {
                        Scalar::Float8E3M4 => $run::<S, f::E3M4>,
                        Scalar::Float8E4M3 => $run::<S, f::E4M3>,
                        Scalar::Float8E4M3B11Fnuz => $run::<S, f::E4M3B11Fnuz>,
                        Scalar::Float8E4M3Fn => $run::<S, f::E4M3Fn>,
                        Scalar::Float8E4M3Fnuz => $run::<S, f::E4M3Fnuz>,
                        Scalar::Float8E5M2 => $run::<S, f::E5M2>,
                        Scalar::Float8E5M2Fnuz => $run::<S, f::E5M2Fnuz>,
                        _ => return None,
                    })
                }
                fn floats<S: Source>(to: Scalar) -> Option<Run> {
                    Some(match to {
                        Scalar::Float16 => $run::<S, f::F16>,
                        Scalar::BFloat16 => $run::<S, f::BF16>,
                        Scalar::Float32 => $run::<S, f::F32>,
                        Scalar::Float64 => $run::<S, f::F64>,
                        _ => return None,
                    })
                }
                match from {
                    Scalar::Bool => wide::<e::Bool>(to),
                    Scalar::Int8 => wide::<i8>(to),
                    Scalar::Int16 => wide::<i16>(to),
                    Scalar::Int32 => wide::<i32>(to),
                    Scalar::Int64 => wide::<i64>(to),
                    Scalar::UInt8 => wide::<u8>(to),
                    Scalar::UInt16 => wide::<u16>(to),
                    Scalar::UInt32 => wide::<u32>(to),
                    Scalar::UInt64 => wide::<u64>(to),
                    Scalar::Float16 => wide::<f::F16>(to).or_else(|| small::<f::F16>(to)),
                    Scalar::BFloat16 => wide::<f::BF16>(to).or_else(|| small::<f::BF16>(to)),
                    Scalar::Float32 => wide::<f::F32>(to).or_else(|| small::<f::F32>(to)),
                    Scalar::Float64 => wide::<f::F64>(to).or_else(|| small::<f::F64>(to)),
                    Scalar::Float8E3M4 => floats::<f::E3M4>(to),
                    Scalar::Float8E4M3 => floats::<f::E4M3>(to),
                    Scalar::Float8E4M3B11Fnuz => floats::<f::E4M3B11Fnuz>(to),
                    Scalar::Float8E4M3Fn => floats::<f::E4M3Fn>(to),
                    Scalar::Float8E4M3Fnuz => floats::<f::E4M3Fnuz>(to),
                    Scalar::Float8E5M2 => floats::<f::E5M2>(to),
                    Scalar::Float8E5M2Fnuz => floats::<f::E5M2Fnuz>(to),
                    _ => None,
                }
            }
        };
    }

    /// The choice of a level, but with the processor's own instructions for float16.
    #[cfg(target_arch = "x86_64")]
    pub fn with_half(
        from: Scalar,
        to: Scalar,
        table: fn(Scalar, Scalar) -> Option<Run>,
    ) -> Option<Run> {
        use super::half::{from_half_to, to_half_of};
        Some(match (from, to) {
            (Scalar::Float16, Scalar::Float32) => from_half,
            (Scalar::Float32, Scalar::Float16) => to_half,
            (Scalar::Float16, Scalar::BFloat16) => from_half_to::<f::BF16>,
            (Scalar::Float16, Scalar::Float64) => from_half_to::<f::F64>,
            (Scalar::Float16, Scalar::Int8) => from_half_to::<i8>,
            (Scalar::Float16, Scalar::Int16) => from_half_to::<i16>,
            (Scalar::Float16, Scalar::Int32) => from_half_to::<i32>,
            (Scalar::Float16, Scalar::UInt8) => from_half_to::<u8>,
            (Scalar::Float16, Scalar::UInt16) => from_half_to::<u16>,
            (Scalar::Float16, Scalar::UInt32) => from_half_to::<u32>,
            (Scalar::Float16, Scalar::Float8E4M3Fn) => from_half_to::<f::E4M3Fn>,
            (Scalar::Float16, Scalar::Float8E5M2) => from_half_to::<f::E5M2>,
            (Scalar::Bool, Scalar::Float16) => to_half_of::<e::Bool>,
            (Scalar::Int8, Scalar::Float16) => to_half_of::<i8>,
            (Scalar::Int16, Scalar::Float16) => to_half_of::<i16>,
            (Scalar::Int32, Scalar::Float16) => to_half_of::<i32>,
            (Scalar::Int64, Scalar::Float16) => to_half_of::<i64>,
            (Scalar::UInt8, Scalar::Float16) => to_half_of::<u8>,
            (Scalar::UInt16, Scalar::Float16) => to_half_of::<u16>,
            (Scalar::UInt32, Scalar::Float16) => to_half_of::<u32>,
            (Scalar::UInt64, Scalar::Float16) => to_half_of::<u64>,
            (Scalar::BFloat16, Scalar::Float16) => to_half_of::<f::BF16>,
            (Scalar::Float64, Scalar::Float16) => to_half_of::<f::F64>,
            (Scalar::Float8E4M3Fn, Scalar::Float16) => to_half_of::<f::E4M3Fn>,
            (Scalar::Float8E5M2, Scalar::Float16) => to_half_of::<f::E5M2>,
            _ => return table(from, to),
        })
    }

    /// # Safety
    /// As for `Kernel::run`; the processor has F16C.
    #[cfg(target_arch = "x86_64")]
    unsafe fn from_half(source: *const u8, destination: *mut u8, count: usize, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { super::half::from_half(source, destination, count) }
    }

    /// # Safety
    /// As for `Kernel::run`; the processor has F16C.
    #[cfg(target_arch = "x86_64")]
    unsafe fn to_half(source: *const u8, destination: *mut u8, count: usize, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { super::half::to_half(source, destination, count) }
    }

    level!(baseline, run_baseline);
    #[cfg(target_arch = "x86_64")]
    level!(avx2, run_avx2, "avx2");
    #[cfg(target_arch = "x86_64")]
    level!(
        avx512,
        run_avx512,
        "avx512f,avx512bw,avx512dq,avx512vl,avx2"
    );
}
