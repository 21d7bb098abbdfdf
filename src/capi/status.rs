//! Status codes, their names, and the last error of each thread.

use crate::error::Error;
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};

/// What a function returns: TENSOR_OK, or why it did nothing. Numbers are never reused.
pub type tensor_status_t = i32;

/// Declares the status constants and the table of their names.
macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: tensor_status_t = $value;)*

        const NAMES: &[(tensor_status_t, &CStr)] = &[
            $(($name, match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            }),)*
        ];
    };
}

statuses! {
    /// Done.
    TENSOR_OK = 0;
    /// A pointer that must not be NULL is.
    TENSOR_ERROR_NULL = 1;
    /// An unknown enum value, flag or struct_size, or an option that has no meaning for the function.
    TENSOR_ERROR_ARGUMENT = 2;
    /// A rank, size or number of elements that is impossible, or shapes that do not fit each other.
    TENSOR_ERROR_SHAPE = 3;
    /// A byte size, stride, offset or address that overflows.
    TENSOR_ERROR_OVERFLOW = 4;
    /// Elements outside the memory that may be touched.
    TENSOR_ERROR_BOUNDS = 5;
    /// A dimension or index that does not exist.
    TENSOR_ERROR_INDEX = 6;
    /// An unknown dtype, or dtypes that cannot be converted or combined.
    TENSOR_ERROR_DTYPE = 7;
    /// An unknown device, or memory that the processor cannot reach.
    TENSOR_ERROR_DEVICE = 8;
    /// A conversion that the casting rule forbids.
    TENSOR_ERROR_CASTING = 9;
    /// Under TENSOR_CASTING_EXACT, a value that would not survive.
    TENSOR_ERROR_INEXACT = 10;
    /// A copy is needed, and TENSOR_COPY_NEVER was asked for.
    TENSOR_ERROR_COPY_NEEDED = 11;
    /// Write access to read-only memory.
    TENSOR_ERROR_READ_ONLY = 12;
    /// A destination that overlaps itself.
    TENSOR_ERROR_OVERLAP = 13;
    /// An exact answer would take too long.
    TENSOR_ERROR_TOO_HARD = 14;
    /// Something this version does not offer.
    TENSOR_ERROR_UNSUPPORTED = 15;
    /// An allocation failed.
    TENSOR_ERROR_OUT_OF_MEMORY = 16;
    /// A DLPack struct of another major version.
    TENSOR_ERROR_VERSION = 17;
    /// A reference count at its maximum.
    TENSOR_ERROR_COUNT = 18;
    /// A defect of this library.
    TENSOR_ERROR_INTERNAL = 19;
}

/// The status of an error.
pub(super) fn status_of(error: &Error) -> tensor_status_t {
    match error {
        Error::Null(_) | Error::NullData { .. } => TENSOR_ERROR_NULL,
        Error::UnknownValue { .. }
        | Error::UnknownFlags { .. }
        | Error::StructSize { .. }
        | Error::Alignment(_)
        | Error::OptionNotApplicable { .. }
        | Error::Parameter { .. } => TENSOR_ERROR_ARGUMENT,
        Error::Ndim { .. }
        | Error::NegativeSize { .. }
        | Error::ElementCount { .. }
        | Error::Broadcast { .. }
        | Error::BroadcastNdim { .. }
        | Error::ReshapeCount { .. }
        | Error::ReshapeInfer { .. }
        | Error::ViewDType { .. } => TENSOR_ERROR_SHAPE,
        Error::ByteSize { .. }
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
        | Error::NotConvertible { .. }
        | Error::NoPromotion { .. } => TENSOR_ERROR_DTYPE,
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
        if fitting < s.len() { Err(fmt::Error) } else { Ok(()) }
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
