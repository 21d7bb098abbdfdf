//! The handle that C programs hold.

use crate::tensor::Tensor;

/// A tensor. Atomically reference counted: see tensor_retain() and tensor_release().
pub struct tensor_t {
    _tensor: Tensor,
}
