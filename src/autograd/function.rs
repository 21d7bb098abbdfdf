//! Functions of the caller's in the graph: what its backward function needs, and how long that is kept.

use super::memory::{Counted, List};
use crate::error::{Error, Result};
use crate::storage::{Deleter, Monitor};
use crate::tensor::{Handle, Tensor};
use core::ffi::c_void;

/// From the gradients of results to those of inputs, which it makes.
pub type Backward = unsafe extern "C" fn(
    context: *mut c_void,
    outputs: i32,
    of_outputs: *const *mut Tensor,
    inputs: i32,
    of_inputs: *mut *mut Tensor,
) -> i32;

/// A tensor that the backward function reads.
struct Saved {
    tensor: Handle,
    version: u64,
}

/// What the caller gave. Its deleter is called when this is dropped.
pub struct Payload {
    backward: Backward,
    context: *mut c_void,
    deleter: Option<Deleter>,
    saved: Monitor<List<Saved>>,
}

// SAFETY: the caller promised that its functions may be called on any thread.
unsafe impl Send for Payload {}
// SAFETY: as above; what is saved is behind a lock.
unsafe impl Sync for Payload {}

impl Payload {
    /// A function without saved tensors. Its deleter comes with [`Function::keep`].
    pub fn new(backward: Backward, context: *mut c_void) -> Self {
        Self {
            backward,
            context,
            deleter: None,
            saved: Monitor::new(List::new()),
        }
    }

    /// Calls the caller's function.
    ///
    /// # Safety
    /// The arrays are of the sizes told, and the caller's promises about the function hold. No lock is held.
    pub unsafe fn call(&self, outputs: &[*mut Tensor], inputs: &mut [*mut Tensor]) -> Result<()> {
        self.check_saved()?;
        // SAFETY: the caller's promise.
        let status = unsafe {
            (self.backward)(
                self.context,
                outputs.len() as i32,
                outputs.as_ptr(),
                inputs.len() as i32,
                inputs.as_mut_ptr(),
            )
        };
        if status == 0 {
            Ok(())
        } else {
            Err(Error::Callback { status })
        }
    }

    fn check_saved(&self) -> Result<()> {
        let saved = self.saved.lock();
        for (index, saved) in saved.iter().enumerate() {
            let found = saved.tensor.storage().version();
            if found != saved.version {
                return Err(Error::SavedChanged {
                    index,
                    found,
                    expected: saved.version,
                });
            }
        }
        Ok(())
    }

    /// Keeps tensors that the function reads, with their versions as they are now. On error none of them is.
    fn save(&self, tensors: List<Handle>) -> Result<()> {
        let mut saved = self.saved.lock();
        let mut more = List::with_capacity(saved.len() + tensors.len())?;
        let mut tensors = tensors;
        tensors.reverse();
        while let Some(tensor) = tensors.pop() {
            let version = tensor.storage().version();
            more.push(Saved { tensor, version })?;
        }
        saved.reverse();
        let before = saved.len();
        while let Some(old) = saved.pop() {
            more.push(old)?;
        }
        // Those that were there first come first.
        more.rotate_right(before);
        *saved = more;
        Ok(())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        if let Some(deleter) = self.deleter {
            // SAFETY: the caller gave it for this, and this happens once. No lock is held.
            unsafe { deleter(self.context) }
        }
    }
}

/// The function of a node, until it is freed.
pub struct Function {
    payload: Monitor<Option<Counted<Payload>>>,
}

const FREED: Error = Error::Gradient(
    "backward runs through a function a second time, but what it needed was freed the first time: call tensor_backward with TENSOR_BACKWARD_RETAIN_GRAPH",
);

impl Function {
    /// Of what the caller gave.
    pub fn new(payload: Counted<Payload>) -> Self {
        Self {
            payload: Monitor::new(Some(payload)),
        }
    }

    /// What the caller gave, kept while it is used.
    pub fn payload(&self) -> Result<Counted<Payload>> {
        match &*self.payload.lock() {
            Some(payload) => payload.try_clone(),
            None => Err(FREED),
        }
    }

    /// Takes over the deleter. It is called when the payload is not needed any more.
    pub fn keep(&self, deleter: Option<Deleter>) {
        if let Some(payload) = &mut *self.payload.lock() {
            payload.set_deleter(deleter);
        }
    }

    /// Keeps tensors for the function.
    pub fn save(&self, tensors: List<Handle>) -> Result<()> {
        self.payload()?.save(tensors)
    }

    /// Gives up what the caller gave.
    pub fn free(&self) {
        let payload = self.payload.lock().take();
        drop(payload);
    }
}

impl Counted<Payload> {
    /// Nobody else has the payload yet.
    fn set_deleter(&mut self, deleter: Option<Deleter>) {
        if let Some(payload) = self.only() {
            payload.deleter = deleter;
        }
    }
}
