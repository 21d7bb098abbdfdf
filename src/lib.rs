//! astensor: memory that somebody already has as a tensor, without copying it.
//!
//! The public interface is the C header `astensor/astensor.h`, which is generated from [`capi`]. The modules below it are
//! listed in the order of their layers: each uses only those before it.

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!("astensor is for processors with addresses of 64 bits and the low byte first");

mod error;

mod setting;

mod level;

mod caches;

mod prefetch;

#[cfg(target_arch = "x86_64")]
mod opaque;

#[cfg(target_arch = "x86_64")]
mod lines;

mod order;

mod dlpack;

mod dtype;

mod layout;

mod storage;

mod convert;

mod copy;

mod device;

mod tensor;

mod value;

mod print;

mod autograd;

pub mod capi;

pub use capi::*;
pub use dlpack::{
    DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor,
};
