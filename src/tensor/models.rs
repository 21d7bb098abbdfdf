//! Models of what threads can do to each other with tensors and loans: the model checker runs them in every order there is.
//!
//! The lender's memory is a cell of the checker's, which reports it when one thread writes what another may be using.

use super::{Descriptor, Handle, Request, Touched, as_tensor};
use crate::dlpack::{DLDataType, DLDevice, DLTensor, code};
use crate::error::{Error, Result};
use crate::layout::{LayoutBuf, View};
use crate::storage::{Call, Extent, Foreign, Lender, Lent, Release, Touch};
use core::ffi::c_void;
use core::ptr::NonNull;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// Memory of a lender's, and whether it is used.
struct Memory {
    bytes: [u8; 8],
    used: UnsafeCell<()>,
}

// SAFETY: the checker looks after the cell; the bytes are never written.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            bytes: [7; 8],
            used: UnsafeCell::new(()),
        })
    }

    fn extent(&self) -> Extent {
        let start = self.bytes.as_ptr() as u64;
        Extent {
            start,
            end: start + self.bytes.len() as u64,
        }
    }

    /// Somebody reads the bytes.
    fn read(&self) {
        self.used.with(|_| ());
    }

    /// Somebody writes them, or the lender frees them: nobody else may be using them.
    fn write(&self) {
        self.used.with_mut(|_| ());
    }

    fn tensor(&self, release: Release) -> Result<Handle> {
        let mut shape = [8];
        let raw = DLTensor {
            data: self.bytes.as_ptr().cast_mut().cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: 1,
            dtype: DLDataType {
                code: code::UINT,
                bits: 8,
                lanes: 1,
            },
            shape: shape.as_mut_ptr(),
            strides: core::ptr::null_mut(),
            byte_offset: 0,
        };
        let mut room = LayoutBuf::new();
        // SAFETY: the descriptor is right.
        let mut memory = unsafe { Descriptor::prove(&raw, false, None, &mut room)? };
        memory.confine(release.lender())?;
        as_tensor(&mut memory, &Request::DEFAULT, release)
    }

    fn lent(&self, lender: Lender) -> Handle {
        let release = Release::Lent(Lent::new(lender, None));
        self.tensor(release).expect("nothing is wrong with it")
    }

    /// Whether a tensor is on these bytes, rather than on a copy.
    fn holds(&self, memory: &Descriptor<'_>) -> bool {
        let Extent { start, end } = self.extent();
        (start..end).contains(&memory.first())
    }
}

/// A reference that is handed to another thread.
struct Sent(NonNull<super::Tensor>);

// SAFETY: tensors may be used by any thread.
unsafe impl Send for Sent {}

impl Sent {
    fn new(handle: Handle) -> Self {
        Self(NonNull::new(handle.into_raw()).expect("a handle is not NULL"))
    }

    fn another(handle: &Handle) -> Self {
        handle.retain().expect("there is room for a reference");
        Self(NonNull::from(&**handle))
    }

    fn take(self) -> Handle {
        // SAFETY: the reference is given up.
        unsafe { Handle::from_raw(self.0) }
    }
}

fn touch(handle: &Handle, memory: &Memory, touch: Touch) -> Result<()> {
    handle.touching(touch, |described| {
        if memory.holds(&described) {
            match touch {
                Touch::Writes => memory.write(),
                _ => memory.read(),
            }
        }
        Ok(())
    })
}

unsafe extern "C" fn write_when_released(memory: *mut c_void) {
    // SAFETY: the memory outlives the model.
    unsafe { (*memory.cast::<Memory>()).write() }
}

#[test]
fn the_deleter_runs_after_everybody() {
    loom::model(|| {
        let memory = Memory::new();
        let context = Arc::as_ptr(&memory).cast_mut().cast();
        let foreign = Foreign::Deleter(write_when_released, context);
        let first = memory.tensor(Release::of(foreign, None)).unwrap();
        let (second, third) = (
            Sent::another(&first),
            Sent::new(first.viewed(View::SqueezeAll).unwrap()),
        );
        let other = {
            let memory = memory.clone();
            thread::spawn(move || {
                let (second, third) = (second.take(), third.take());
                memory.read();
                drop(second);
                memory.read();
                drop(third);
            })
        };
        memory.read();
        drop(first);
        other.join().unwrap();
    });
}

#[test]
fn one_writes_or_others_read() {
    loom::model(|| {
        let memory = Memory::new();
        let lender = Lender::of_model(memory.extent());
        let first = memory.lent(lender);
        let second = Sent::new(first.viewed(View::SqueezeAll).unwrap());
        let other = {
            let memory = memory.clone();
            thread::spawn(move || {
                let second = second.take();
                if second.pin(Touch::Writes).is_ok() {
                    memory.write();
                    second.unpin().unwrap();
                    drop(Sent(NonNull::from(&*second)).take());
                }
            })
        };
        match touch(&first, &memory, Touch::Reads) {
            Ok(()) | Err(Error::Aliased { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        other.join().unwrap();
        assert!(first.pin(Touch::Writes).is_ok());
        first.unpin().unwrap();
        drop(Sent(NonNull::from(&*first)).take());
        drop(first);
        lender.close().unwrap();
        memory.write();
    });
}

#[test]
fn what_is_closed_is_not_used() {
    loom::model(|| {
        let memory = Memory::new();
        let lender = Lender::of_model(memory.extent());
        let tensor = Sent::new(memory.lent(lender));
        let other = {
            let memory = memory.clone();
            thread::spawn(move || {
                let tensor = tensor.take();
                touch(&tensor, &memory, Touch::Reads).unwrap();
                let view = tensor.viewed(View::SqueezeAll).unwrap();
                drop(tensor);
                touch(&view, &memory, Touch::Reads).unwrap();
            })
        };
        match lender.close() {
            Ok(()) => memory.write(),
            Err(Error::Busy(_)) => {
                lender.wait(-1).unwrap();
                memory.write();
                lender.close().unwrap();
            }
            Err(error) => panic!("{error}"),
        }
        assert_eq!(lender.close(), Err(Error::LoanClosed));
        other.join().unwrap();
    });
}

#[test]
fn what_is_revoked_is_not_used() {
    loom::model(|| {
        let memory = Memory::new();
        let lender = Lender::of_model(memory.extent());
        let tensor = Sent::new(memory.lent(lender));
        let other = {
            let memory = memory.clone();
            thread::spawn(move || {
                let tensor = tensor.take();
                let first = touch(&tensor, &memory, Touch::Reads);
                let second = touch(&tensor, &memory, Touch::Writes);
                assert!(matches!(first, Ok(()) | Err(Error::Revoked)));
                assert!(second == Err(Error::Revoked) || first.is_ok());
            })
        };
        lender.revoke().unwrap();
        memory.write();
        lender.close().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn pins_refuse_or_are_refused() {
    loom::model(|| {
        let memory = Memory::new();
        let lender = Lender::of_model(memory.extent());
        let tensor = Sent::new(memory.lent(lender));
        let other = {
            let memory = memory.clone();
            thread::spawn(move || {
                let tensor = tensor.take();
                match tensor.pin(Touch::Reads) {
                    Ok(_) => {
                        memory.read();
                        tensor.unpin().unwrap();
                        drop(Sent(NonNull::from(&*tensor)).take());
                    }
                    Err(error) => assert_eq!(error, Error::Revoked),
                }
            })
        };
        match lender.revoke() {
            Ok(()) => memory.write(),
            Err(Error::Busy(_)) => {}
            Err(error) => panic!("{error}"),
        }
        other.join().unwrap();
        lender.close().unwrap();
    });
}

#[test]
fn what_is_evacuated_is_used_elsewhere() {
    loom::model(|| {
        let memory = Memory::new();
        let lender = Lender::of_model(memory.extent());
        let tensor = memory.lent(lender);
        let sent = Sent::new(tensor.viewed(View::SqueezeAll).unwrap());
        let other = {
            let memory = memory.clone();
            thread::spawn(move || {
                let tensor = sent.take();
                // The other thread may be reading.
                let written = touch(&tensor, &memory, Touch::Writes);
                assert!(matches!(written, Ok(()) | Err(Error::Aliased { .. })));
                let view = tensor.viewed(View::SqueezeAll).unwrap();
                drop(tensor);
                touch(&view, &memory, Touch::Reads).unwrap();
            })
        };
        lender.evacuate().unwrap();
        memory.write();
        let seen = tensor.touching(Touch::Reads, |described| {
            assert!(!memory.holds(&described));
            // SAFETY: the copy is there as long as the tensor, and nobody writes it.
            Ok(unsafe { *described.pointer() })
        });
        assert!(matches!(seen, Ok(7) | Err(Error::Aliased { .. })));
        assert_eq!(lender.close(), Err(Error::LoanClosed));
        other.join().unwrap();
    });
}

#[test]
fn copies_between_two_tensors_wait_for_nobody_who_waits_for_them() {
    // Three threads have more orders than can be tried: those with few interruptions.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let memory = [Memory::new(), Memory::new()];
        let lenders = [0, 1].map(|i| Lender::of_model(memory[i].extent()));
        let first = [0, 1].map(|i| Sent::new(memory[i].lent(lenders[i])));
        let second = [1, 0].map(|i| Sent::new(memory[i].lent(lenders[i])));
        let copy = |tensors: [Sent; 2]| {
            let [from, to] = tensors.map(Sent::take);
            let room = 0;
            let copied = Touched::Tensor(&from).with_both(
                Touch::Reads,
                Touched::Tensor(&to),
                Touch::Nothing,
                Call::of(&room),
                |_, _| Ok(()),
            );
            assert_eq!(copied, Ok(()));
        };
        let other = thread::spawn(move || copy(second));
        let lender = thread::spawn(move || lenders[0].evacuate().unwrap());
        copy(first);
        other.join().unwrap();
        lender.join().unwrap();
        lenders[1].close().unwrap();
    });
}

#[test]
fn the_last_one_may_leave_during_an_evacuation() {
    loom::model(|| {
        let memory = Memory::new();
        let lender = Lender::of_model(memory.extent());
        let context = Arc::as_ptr(&memory).cast_mut().cast();
        let foreign = Foreign::Deleter(write_when_released, context);
        let release = Release::Lent(Lent::new(lender, Some(foreign)));
        let tensor = Sent::new(memory.tensor(release).unwrap());
        let other = thread::spawn(move || drop(tensor.take()));
        lender.evacuate().unwrap();
        other.join().unwrap();
        // The deleter has run once, on whichever thread.
        memory.write();
    });
}
