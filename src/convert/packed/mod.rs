//! Packed conversion: runs of adjacent elements, converted in registers. Sub-byte elements lie one to a byte.
//!
//! Each kernel gives, bit for bit, what the decoder and encoder of the pair give. A pair has a loop of its own ([`plain`],
//! or written for an instruction set, [`avx2`] and [`avx512`]) or goes in two or three steps through blocks that stay in the first-level
//! cache.
//!
//! Kernels compute with floating-point instructions, so they run inside [`environment::Standard`].

mod ahead;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod choice;
mod complex;
mod element;
mod environment;
#[cfg(target_arch = "x86_64")]
mod groups;
mod narrow;
mod plain;
mod saturate;
mod small;
mod steps;

pub use choice::choose;
pub use environment::Standard;
pub use steps::{Steps, for_each_row};
