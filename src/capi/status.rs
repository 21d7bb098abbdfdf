//! Status codes, their names, and the last error of each thread.

use crate::error::Error;
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};

/// What a function returns: TENSOR_OK, or why it did nothing. Numbers are never reused.
pub type tensor_status_t = i32;

/// Done.
pub const TENSOR_OK: tensor_status_t = 0;
/// A pointer that must not be NULL is.
pub const TENSOR_ERROR_NULL: tensor_status_t = 1;
/// An unknown enum value, flag or struct_size, or an option that has no meaning for the function.
pub const TENSOR_ERROR_ARGUMENT: tensor_status_t = 2;
/// A rank, size or number of elements that is impossible, shapes that do not fit each other, or a ragged list.
pub const TENSOR_ERROR_SHAPE: tensor_status_t = 3;
/// A byte size, stride, offset or address that overflows, or a number that an integer dtype cannot hold.
pub const TENSOR_ERROR_OVERFLOW: tensor_status_t = 4;
/// Elements outside the memory that may be touched.
pub const TENSOR_ERROR_BOUNDS: tensor_status_t = 5;
/// A dimension or index that does not exist.
pub const TENSOR_ERROR_INDEX: tensor_status_t = 6;
/// An unknown dtype, or dtypes that cannot be converted or combined.
pub const TENSOR_ERROR_DTYPE: tensor_status_t = 7;
/// An unknown device, or memory that the processor cannot reach.
pub const TENSOR_ERROR_DEVICE: tensor_status_t = 8;
/// A conversion that the casting rule forbids.
pub const TENSOR_ERROR_CASTING: tensor_status_t = 9;
/// Under TENSOR_CASTING_EXACT, a value that would not survive.
pub const TENSOR_ERROR_INEXACT: tensor_status_t = 10;
/// A copy is needed, and TENSOR_COPY_NEVER was asked for.
pub const TENSOR_ERROR_COPY_NEEDED: tensor_status_t = 11;
/// Write access to read-only memory.
pub const TENSOR_ERROR_READ_ONLY: tensor_status_t = 12;
/// A destination that overlaps itself.
pub const TENSOR_ERROR_OVERLAP: tensor_status_t = 13;
/// An exact answer would take too long.
pub const TENSOR_ERROR_TOO_HARD: tensor_status_t = 14;
/// Something this version does not offer.
pub const TENSOR_ERROR_UNSUPPORTED: tensor_status_t = 15;
/// An allocation failed.
pub const TENSOR_ERROR_OUT_OF_MEMORY: tensor_status_t = 16;
/// A DLPack struct of another major version.
pub const TENSOR_ERROR_VERSION: tensor_status_t = 17;
/// A reference count at its maximum.
pub const TENSOR_ERROR_COUNT: tensor_status_t = 18;
/// A defect of this library.
pub const TENSOR_ERROR_INTERNAL: tensor_status_t = 19;
/// Memory on a loan is still in use; the message says by whom.
pub const TENSOR_ERROR_BUSY: tensor_status_t = 20;
/// The lender has taken the memory back.
pub const TENSOR_ERROR_REVOKED: tensor_status_t = 21;
/// Memory on a loan is in use in a way that excludes another.
pub const TENSOR_ERROR_ALIASED: tensor_status_t = 22;
/// A loan that was closed, or a handle that is none of a loan.
pub const TENSOR_ERROR_CLOSED: tensor_status_t = 23;
/// Something that gradients do not allow; the message says what.
pub const TENSOR_ERROR_GRADIENT: tensor_status_t = 24;
/// A backward function given to tensor_grad_record() failed.
pub const TENSOR_ERROR_CALLBACK: tensor_status_t = 25;

/// The statuses with their names, which are those of the constants.
macro_rules! named {
    ($($status:ident),* $(,)?) => {
        &[$(($status, match CStr::from_bytes_with_nul(concat!(stringify!($status), "\0").as_bytes()) {
            Ok(name) => name,
            Err(_) => c"",
        })),*]
    };
}

const NAMES: &[(tensor_status_t, &CStr)] = named![
    TENSOR_OK,
    TENSOR_ERROR_NULL,
    TENSOR_ERROR_ARGUMENT,
    TENSOR_ERROR_SHAPE,
    TENSOR_ERROR_OVERFLOW,
    TENSOR_ERROR_BOUNDS,
    TENSOR_ERROR_INDEX,
    TENSOR_ERROR_DTYPE,
    TENSOR_ERROR_DEVICE,
    TENSOR_ERROR_CASTING,
    TENSOR_ERROR_INEXACT,
    TENSOR_ERROR_COPY_NEEDED,
    TENSOR_ERROR_READ_ONLY,
    TENSOR_ERROR_OVERLAP,
    TENSOR_ERROR_TOO_HARD,
    TENSOR_ERROR_UNSUPPORTED,
    TENSOR_ERROR_OUT_OF_MEMORY,
    TENSOR_ERROR_VERSION,
    TENSOR_ERROR_COUNT,
    TENSOR_ERROR_INTERNAL,
    TENSOR_ERROR_BUSY,
    TENSOR_ERROR_REVOKED,
    TENSOR_ERROR_ALIASED,
    TENSOR_ERROR_CLOSED,
    TENSOR_ERROR_GRADIENT,
    TENSOR_ERROR_CALLBACK,
];

/// The status of an error.
pub(super) fn status_of(error: &Error) -> tensor_status_t {
    match error {
        Error::Null(_) | Error::NullData { .. } => TENSOR_ERROR_NULL,
        Error::UnknownValue { .. }
        | Error::UnknownFlags { .. }
        | Error::StructSize { .. }
        | Error::Alignment(_)
        | Error::OptionNotApplicable { .. }
        | Error::NotPinned
        | Error::Parameter { .. } => TENSOR_ERROR_ARGUMENT,
        Error::Ndim { .. }
        | Error::NegativeSize { .. }
        | Error::ElementCount { .. }
        | Error::Broadcast { .. }
        | Error::BroadcastNdim { .. }
        | Error::ReshapeCount { .. }
        | Error::ReshapeInfer { .. }
        | Error::Ragged { .. }
        | Error::ScalarForList { .. }
        | Error::ListForScalar { .. }
        | Error::ListCount { .. }
        | Error::TooDeep
        | Error::GradientNdim { .. }
        | Error::GradientShape { .. }
        | Error::ViewDType { .. } => TENSOR_ERROR_SHAPE,
        Error::ByteSize { .. }
        | Error::OutOfRange { .. }
        | Error::Reach { .. }
        | Error::AddressOffset { .. }
        | Error::AddressReach { .. }
        | Error::AddressElement { .. } => TENSOR_ERROR_OVERFLOW,
        Error::BoundsOffset { .. } | Error::Bounds { .. } => TENSOR_ERROR_BOUNDS,
        Error::DimsCount { .. }
        | Error::Dim { .. }
        | Error::DimTwice { .. }
        | Error::Index { .. } => TENSOR_ERROR_INDEX,
        Error::UnknownDType { .. }
        | Error::UnknownDTypeName(_)
        | Error::DefaultDType(_)
        | Error::NotConvertible { .. }
        | Error::NoPromotion { .. }
        | Error::GradientKind(_)
        | Error::GradientLost(_)
        | Error::GradientDType { .. } => TENSOR_ERROR_DTYPE,
        Error::UnknownDevice(_) | Error::DeviceMemory { .. } | Error::DeviceTransfer { .. } => {
            TENSOR_ERROR_DEVICE
        }
        Error::Casting { .. } => TENSOR_ERROR_CASTING,
        Error::Inexact { .. } => TENSOR_ERROR_INEXACT,
        Error::CopyNeeded { .. } => TENSOR_ERROR_COPY_NEEDED,
        Error::ReadOnly(_) => TENSOR_ERROR_READ_ONLY,
        Error::SelfOverlap => TENSOR_ERROR_OVERLAP,
        Error::TooHard { .. } | Error::SelfOverlapTooHard { .. } => TENSOR_ERROR_TOO_HARD,
        Error::Unsupported(_) | Error::StartsInsideByte { .. } => TENSOR_ERROR_UNSUPPORTED,
        Error::OutOfMemory { .. } => TENSOR_ERROR_OUT_OF_MEMORY,
        Error::Version { .. } => TENSOR_ERROR_VERSION,
        Error::Count => TENSOR_ERROR_COUNT,
        Error::Internal => TENSOR_ERROR_INTERNAL,
        Error::Busy(_) => TENSOR_ERROR_BUSY,
        Error::Revoked => TENSOR_ERROR_REVOKED,
        Error::Aliased { .. } => TENSOR_ERROR_ALIASED,
        Error::LoanClosed => TENSOR_ERROR_CLOSED,
        Error::Gradient(_) | Error::GradientMissing { .. } | Error::SavedChanged { .. } => {
            TENSOR_ERROR_GRADIENT
        }
        Error::Callback { .. } => TENSOR_ERROR_CALLBACK,
    }
}

/// Longest message, with its NUL.
const CAPACITY: usize = 384;

/// A message in a buffer of its own, so that reporting an error never allocates. Its text comes first.
#[repr(C)]
struct Message {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Write for Message {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        // The last byte stays NUL. A message that is too long is cut between two characters.
        let space = CAPACITY - 1 - self.len;
        let fitting = (0..=s.len().min(space))
            .rev()
            .find(|&end| s.is_char_boundary(end))
            .unwrap_or(0);
        self.bytes[self.len..self.len + fitting].copy_from_slice(&s.as_bytes()[..fitting]);
        self.len += fitting;
        if fitting < s.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

thread_local! {
    static LAST: UnsafeCell<Message> = const {
        UnsafeCell::new(Message {
            bytes: [0; CAPACITY],
            len: 0,
        })
    };
}

/// Makes `error` this thread's last one.
pub(super) fn set_last_error(error: &Error) {
    let mut message = Message {
        bytes: [0; CAPACITY],
        len: 0,
    };
    let _ = write!(message, "{error}");
    // A thread that is ending has nobody left to ask.
    let _ = LAST.try_with(|last| {
        // SAFETY: the cell is this thread's own and no reference to it is kept: formatting ended above.
        unsafe { *last.get() = message }
    });
}

/// This thread's last error, as a sentence that names the field and value it is about.
///
/// @return Never NULL; empty if no function has failed on this thread. Valid until the next function that fails on this
///         thread. Success does not clear it.
/// @par Threads  Each thread has its own.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_last_error() -> *const c_char {
    LAST.try_with(|last| last.get().cast::<c_char>().cast_const())
        .unwrap_or(c"".as_ptr())
}

/// The name of a status, such as "TENSOR_ERROR_SHAPE".
///
/// @return Never NULL: a string that is never freed. "TENSOR_ERROR_UNKNOWN" for a number that is no status.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_status_name(status: tensor_status_t) -> *const c_char {
    NAMES
        .iter()
        .find(|known| known.0 == status)
        .map_or(c"TENSOR_ERROR_UNKNOWN", |known| known.1)
        .as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbered_without_gaps() {
        for (i, (status, name)) in NAMES.iter().enumerate() {
            assert_eq!(*status, i as tensor_status_t);
            assert!(name.to_str().unwrap().starts_with("TENSOR_"));
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let mut message = Message {
            bytes: [0; CAPACITY],
            len: 0,
        };
        assert!(message.write_str(&"é".repeat(CAPACITY)).is_err());
        assert_eq!(message.len, CAPACITY - 2);
        assert!(message.write_str("ab").is_err());
        assert_eq!(message.bytes[CAPACITY - 2..], [b'a', 0]);
    }
}
