//! astensor: memory that somebody already has as a tensor, without copying it.
//!
//! The public interface is the C header `astensor/astensor.h`, which is generated from [`capi`]. The modules below it are
//! listed in the order of their layers: each uses only those before it.

mod error;

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
