//! Gradients: what was done to tensors is kept as a graph, and backward runs through it.
//!
//! All that the library does itself is linear, so a [`node`] keeps shapes and no elements. What is kept beside a tensor is its
//! [`record`]; [`history`] and [`views`] add to it whenever something is made of the tensor or written into it. [`backward()`] visits nodes
//! in the order in which they are [`pending`], lets [`gradient`]s meet, calls the caller's own [`function`]s, and ends at
//! each [`leaf`].

mod backward;
mod function;
mod gradient;
mod history;
mod leaf;
mod memory;
mod mode;
mod node;
mod pending;
mod record;
mod recorded;
mod views;

pub use backward::backward;
pub use function::Backward;
pub use history::{copy_into, detach, made_leaf, to};
pub use leaf::check_differentiable;
pub use memory::List;
pub use mode::{is_enabled, set_enabled};
pub use record::{function_name, requires_grad, set_requires_grad};
pub use recorded::{grad_record, grad_save, gradient_of, is_leaf, set_buffer, zero_gradient};
pub use views::{as_strided, is_plain, reshape, view, view_dtype};

use memory::OwnLayout;
