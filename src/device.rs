//! What a device can do. Memory is read and written only where the processor can reach it.

use crate::dlpack::DLDevice;
use crate::error::{Error, Result, Text};
use core::fmt;

/// `DLDeviceType` values and their names.
const TYPES: [(i32, &str); 16] = [
    (1, "cpu"),
    (2, "cuda"),
    (3, "cuda_host"),
    (4, "opencl"),
    (7, "vulkan"),
    (8, "metal"),
    (9, "vpi"),
    (10, "rocm"),
    (11, "rocm_host"),
    (12, "ext_dev"),
    (13, "cuda_managed"),
    (14, "oneapi"),
    (15, "webgpu"),
    (16, "hexagon"),
    (17, "maia"),
    (18, "trn"),
];

/// The same set, a bit for each type.
const KNOWN: u32 = {
    let (mut set, mut i) = (0, 0);
    while i < TYPES.len() {
        set |= set_of(&[TYPES[i].0]);
        i += 1;
    }
    set
};

/// Types as a set: a bit for each.
const fn set_of(types: &[i32]) -> u32 {
    let (mut set, mut i) = (0, 0);
    while i < types.len() {
        set |= 1 << types[i];
        i += 1;
    }
    set
}

/// A device of a type that DLPack defines.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    raw: DLDevice,
}

impl Device {
    /// The processor's own memory.
    pub const CPU: Self = Self {
        raw: DLDevice {
            device_type: 1,
            device_id: 0,
        },
    };

    /// Checks the type of a device.
    #[inline(always)]
    pub fn new(raw: DLDevice) -> Result<Self> {
        match u32::try_from(raw.device_type) {
            Ok(number) if number < u32::BITS && KNOWN >> number & 1 == 1 => Ok(Self { raw }),
            _ => Err(Error::UnknownDevice(raw.device_type)),
        }
    }

    /// A device whose type has been checked.
    pub fn known(raw: DLDevice) -> Self {
        Self { raw }
    }

    /// Whether the type, which is known, is in a set.
    #[inline(always)]
    fn is_among(self, set: u32) -> bool {
        set >> (self.raw.device_type & 31) & 1 == 1
    }

    fn name(self) -> &'static str {
        TYPES
            .iter()
            .find(|known| known.0 == self.raw.device_type)
            .map_or("unknown", |known| known.1)
    }

    /// As DLPack has it.
    pub fn raw(self) -> DLDevice {
        self.raw
    }

    /// Whether this is the processor's own memory.
    pub fn is_cpu(self) -> bool {
        self.raw.device_type == Self::CPU.raw.device_type
    }

    /// Whether the processor can read and write the memory: CPU, CUDAHost, ROCMHost, CUDAManaged.
    #[inline(always)]
    pub fn is_host_accessible(self) -> bool {
        self.is_among(set_of(&[1, 3, 11, 13]))
    }

    /// Whether a data pointer is an address. On OpenCL, Vulkan, Metal and WebGPU it is a handle.
    #[inline(always)]
    pub fn has_addresses(self) -> bool {
        !self.is_among(set_of(&[4, 7, 8, 15]))
    }

    /// The error that its memory cannot be treated as if it were the processor's.
    #[cold]
    pub fn elsewhere(self, action: &'static str) -> Error {
        Error::DeviceMemory {
            device: self.text(),
            action,
        }
    }

    /// Type and number, for messages.
    pub fn text(self) -> Text {
        Text::of(self)
    }
}

impl PartialEq for Device {
    /// The processor is one device, whatever its number.
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw || self.is_cpu() && other.is_cpu()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name(), self.raw.device_id)
    }
}
