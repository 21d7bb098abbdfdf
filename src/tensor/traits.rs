//! What is known of a tensor besides what others see, in one word.

use super::{Action, Plan, Reasons};
use crate::dlpack::DLDataType;
use crate::dtype::DType;

/// How elements are stored, whether they may be written, and how the tensor came to be.
#[derive(Clone, Copy)]
pub struct Traits(u64);

// Bits 0 to 31 are how the dtype is stored.
const READ_ONLY: u64 = 1 << 32;
/// The tensor is a copy.
const COPY: u64 = 1 << 33;
/// Its bytes were moved when it was made.
const MOVED: u64 = 1 << 34;
/// Where the reasons for the copy begin.
const REASONS: u32 = 40;

impl Traits {
    /// The traits of a tensor. What a copy moved are all bytes of the tensor, or none.
    #[inline(always)]
    pub fn new(dtype: DType, read_only: bool, origin: Plan) -> Self {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        Self(
            u64::from(dtype.storage())
                | flag(read_only, READ_ONLY)
                | flag(origin.action == Action::Copy, COPY)
                | flag(origin.bytes_moved != 0, MOVED)
                | u64::from(origin.reasons.bits()) << REASONS,
        )
    }

    /// The element type, which others see so.
    #[inline(always)]
    pub fn dtype(self, raw: DLDataType) -> DType {
        DType::stored(raw, self.0 as u32)
    }

    /// Whether writing is forbidden.
    #[inline(always)]
    pub fn is_read_only(self) -> bool {
        self.0 & READ_ONLY != 0
    }

    /// How the tensor, which has so many bytes, came to be.
    pub fn origin(self, nbytes: impl FnOnce() -> i64) -> Plan {
        Plan {
            action: match self.0 & COPY {
                0 => Action::Alias,
                _ => Action::Copy,
            },
            reasons: Reasons::of_bits((self.0 >> REASONS) as u32),
            bytes_moved: match self.0 & MOVED {
                0 => 0,
                _ => nbytes(),
            },
        }
    }
}
