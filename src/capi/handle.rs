//! The handles that C programs hold.

use crate::tensor::Tensor;

/// A tensor. Atomically reference counted: see tensor_retain() and tensor_release().
pub struct tensor_t {
    _tensor: Tensor,
}

/// A loan: memory that is lent to tensors, and can be taken back. The handle is not an address. It is used up when the loan
/// ends, by tensor_loan_close() or tensor_loan_evacuate(); every use after that is TENSOR_ERROR_CLOSED. There is nothing to
/// release.
pub struct tensor_loan_t {
    _private: (),
}
