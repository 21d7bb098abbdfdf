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

/// A device of a type that DLPack defines.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    raw: DLDevice,
    name: &'static str,
}

impl Device {
    /// The processor's own memory.
    pub const CPU: Self = Self {
        raw: DLDevice {
            device_type: 1,
            device_id: 0,
        },
        name: "cpu",
    };

    /// Checks the type of a device.
    pub fn new(raw: DLDevice) -> Result<Self> {
        TYPES
            .iter()
            .find(|known| known.0 == raw.device_type)
            .map(|known| Self { raw, name: known.1 })
            .ok_or(Error::UnknownDevice(raw.device_type))
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
    pub fn is_host_accessible(self) -> bool {
        matches!(self.raw.device_type, 1 | 3 | 11 | 13)
    }

    /// Whether a data pointer is an address. On OpenCL, Vulkan, Metal and WebGPU it is a handle.
    pub fn has_addresses(self) -> bool {
        !matches!(self.raw.device_type, 4 | 7 | 8 | 15)
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
        write!(f, "{}:{}", self.name, self.raw.device_id)
    }
}
