//! Mirrors of the DLPack 1.3 structs, with their sizes and offsets asserted at compile time.
//!
//! The C declarations are in `include/astensor/dlpack_types.h`.

#![allow(non_camel_case_types)]

use core::ffi::c_void;

/// Major version of the DLPack ABI spoken here. Another major version cannot be read.
pub const MAJOR_VERSION: u32 = 1;
/// Minor version of the DLPack ABI spoken here.
pub const MINOR_VERSION: u32 = 3;

/// `DLManagedTensorVersioned.flags`: the memory must not be written.
pub const FLAG_READ_ONLY: u64 = 1 << 0;
/// `DLManagedTensorVersioned.flags`: the memory is a copy made for this consumer.
pub const FLAG_IS_COPIED: u64 = 1 << 1;
/// `DLManagedTensorVersioned.flags`: sub-byte elements take one byte each.
pub const FLAG_SUBBYTE_PADDED: u64 = 1 << 2;

/// `DLDataTypeCode`.
pub mod code {
    #![allow(missing_docs)]
    pub const INT: u8 = 0;
    pub const UINT: u8 = 1;
    pub const FLOAT: u8 = 2;
    pub const OPAQUE_HANDLE: u8 = 3;
    pub const BFLOAT: u8 = 4;
    pub const COMPLEX: u8 = 5;
    pub const BOOL: u8 = 6;
    pub const FLOAT8_E3M4: u8 = 7;
    pub const FLOAT8_E4M3: u8 = 8;
    pub const FLOAT8_E4M3B11FNUZ: u8 = 9;
    pub const FLOAT8_E4M3FN: u8 = 10;
    pub const FLOAT8_E4M3FNUZ: u8 = 11;
    pub const FLOAT8_E5M2: u8 = 12;
    pub const FLOAT8_E5M2FNUZ: u8 = 13;
    pub const FLOAT8_E8M0FNU: u8 = 14;
    pub const FLOAT6_E2M3FN: u8 = 15;
    pub const FLOAT6_E3M2FN: u8 = 16;
    pub const FLOAT4_E2M1FN: u8 = 17;
}

/// Version of a managed struct.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLPackVersion {
    /// Changes when the layout changes.
    pub major: u32,
    /// Changes when constants are added.
    pub minor: u32,
}

/// Where memory is. The type is an integer here: a value from C may be anything.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDevice {
    /// One of `DLDeviceType`.
    pub device_type: i32,
    /// Number of the device among those of its type.
    pub device_id: i32,
}

/// Type of an element.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DLDataType {
    /// One of `DLDataTypeCode`.
    pub code: u8,
    /// Bits of one lane.
    pub bits: u8,
    /// Lanes of a vector type; 1 for a scalar.
    pub lanes: u16,
}

/// A tensor somebody owns: pointer, shape and strides, dtype and device.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLTensor {
    /// Start of the memory.
    pub data: *mut c_void,
    /// Where it is.
    pub device: DLDevice,
    /// Rank.
    pub ndim: i32,
    /// Type of the elements.
    pub dtype: DLDataType,
    /// `ndim` sizes.
    pub shape: *mut i64,
    /// `ndim` strides in elements; NULL means row-major.
    pub strides: *mut i64,
    /// Bytes from `data` to the first element.
    pub byte_offset: u64,
}

impl DLTensor {
    /// Writes a tensor in as few stores as it has words.
    ///
    /// # Safety
    /// `at` is writable.
    #[inline(always)]
    pub unsafe fn write_to(self, at: *mut Self) {
        /// What follows the device.
        #[repr(C)]
        struct RankAndType(i32, DLDataType);
        let rank_and_type = RankAndType(self.ndim, self.dtype);
        // SAFETY: the caller's promise. Each of the two has eight bytes, all of them with a value.
        unsafe {
            let device = core::mem::transmute::<DLDevice, u64>(self.device);
            let rank_and_type = core::mem::transmute::<RankAndType, u64>(rank_and_type);
            (&raw mut (*at).data).write(self.data);
            let words = (&raw mut (*at).device).cast::<u64>();
            words.write_unaligned(device);
            words.add(1).write_unaligned(rank_and_type);
            (&raw mut (*at).shape).write(self.shape);
            (&raw mut (*at).strides).write(self.strides);
            (&raw mut (*at).byte_offset).write(self.byte_offset);
        }
    }
}

/// A tensor and the way to release it, before DLPack 1.0.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensor {
    /// The tensor.
    pub dl_tensor: DLTensor,
    /// For the producer.
    pub manager_ctx: *mut c_void,
    /// Releases the tensor and this struct; may be NULL.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensor)>,
}

/// A tensor and the way to release it, since DLPack 1.0.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensorVersioned {
    /// Version of this struct.
    pub version: DLPackVersion,
    /// For the producer.
    pub manager_ctx: *mut c_void,
    /// Releases the tensor and this struct; may be NULL.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    /// `FLAG_…` bits.
    pub flags: u64,
    /// The tensor; readable only when the major version is known.
    pub dl_tensor: DLTensor,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    use core::mem::{offset_of, size_of};
    assert!(size_of::<DLPackVersion>() == 8);
    assert!(size_of::<DLDevice>() == 8);
    assert!(size_of::<DLDataType>() == 4);
    assert!(size_of::<DLTensor>() == 48);
    assert!(offset_of!(DLTensor, device) == 8);
    assert!(offset_of!(DLTensor, ndim) == 16);
    assert!(offset_of!(DLTensor, dtype) == 20);
    assert!(offset_of!(DLTensor, shape) == 24);
    assert!(offset_of!(DLTensor, strides) == 32);
    assert!(offset_of!(DLTensor, byte_offset) == 40);
    assert!(size_of::<DLManagedTensor>() == 64);
    assert!(offset_of!(DLManagedTensor, manager_ctx) == 48);
    assert!(offset_of!(DLManagedTensor, deleter) == 56);
    assert!(size_of::<DLManagedTensorVersioned>() == 80);
    assert!(offset_of!(DLManagedTensorVersioned, manager_ctx) == 8);
    assert!(offset_of!(DLManagedTensorVersioned, deleter) == 16);
    assert!(offset_of!(DLManagedTensorVersioned, flags) == 24);
    assert!(offset_of!(DLManagedTensorVersioned, dl_tensor) == 32);
};
