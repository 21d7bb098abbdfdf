//! One error type: each variant carries the values its sentence needs, and nothing in it allocates.

mod parts;

use parts::By;
pub use parts::{Alive, Position, Text, Wide};

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A pointer that must not be NULL was.
    #[error("{0} is NULL")]
    Null(&'static str),
    /// `data` is NULL although the tensor has elements.
    #[error("data is NULL, but the tensor has {numel} elements")]
    NullData {
        /// Elements the descriptor names.
        numel: i64,
    },

    /// An integer that stands for a choice is none of the choices.
    #[error("{field} = {value} is not a known value")]
    UnknownValue {
        /// Field of the options, or parameter.
        field: &'static str,
        /// What was found there.
        value: i64,
    },
    /// Bits outside the known flags.
    #[error("flags = {flags:#x} has unknown bits {unknown:#x}")]
    UnknownFlags {
        /// All flags given.
        flags: u64,
        /// Those nobody knows.
        unknown: u64,
    },
    /// A versioned struct of a size this library does not know.
    #[error(
        "{name}.struct_size = {found}, expected {expected}: initialise it with the _INIT macro"
    )]
    StructSize {
        /// The struct.
        name: &'static str,
        /// Size found.
        found: u32,
        /// Size of this version.
        expected: u32,
    },
    /// An alignment that is not a power of two, or too large to allocate.
    #[error("alignment = {0} is not a power of two below 2^31")]
    Alignment(usize),
    /// An option that has no meaning for the function it was given to.
    #[error("option {option} has no meaning for {function}")]
    OptionNotApplicable {
        /// The option.
        option: &'static str,
        /// The function.
        function: &'static str,
    },
    /// A value outside what a parameter accepts.
    #[error("{name} = {value} is out of range: {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: i64,
        /// What is accepted.
        expected: &'static str,
    },

    /// Rank below zero or above the maximum.
    #[error("ndim = {ndim} is outside 0..=64")]
    Ndim {
        /// Rank given.
        ndim: i64,
    },
    /// A dimension below zero.
    #[error("shape[{dim}] = {size} is negative")]
    NegativeSize {
        /// Dimension.
        dim: usize,
        /// Its size.
        size: i64,
    },
    /// The number of elements does not fit 63 bits.
    #[error("shape[{dim}] = {size} takes the number of elements past 2^63 - 1")]
    ElementCount {
        /// Dimension at which the product overflows.
        dim: usize,
        /// Its size.
        size: i64,
    },
    /// Two shapes that do not broadcast.
    #[error("shape[{dim}] = {from} cannot be broadcast to {to}")]
    Broadcast {
        /// Dimension of the source.
        dim: usize,
        /// Its size.
        from: i64,
        /// Size asked for.
        to: i64,
    },
    /// A source of higher rank than the shape it should fill.
    #[error("ndim = {from} cannot be broadcast to ndim = {to}")]
    BroadcastNdim {
        /// Rank of the source.
        from: usize,
        /// Rank asked for.
        to: usize,
    },
    /// A new shape with another number of elements.
    #[error("a tensor of {from} elements cannot be reshaped to {to} elements")]
    ReshapeCount {
        /// Elements there are.
        from: i64,
        /// Elements of the new shape.
        to: i64,
    },
    /// `-1` in a new shape that cannot be inferred.
    #[error("shape[{dim}] = -1 cannot be inferred: {reason}")]
    ReshapeInfer {
        /// Dimension of the `-1`.
        dim: usize,
        /// Why not.
        reason: &'static str,
    },
    /// A list whose length is not that of the first list at its depth.
    #[error("expected {expected} items at {path}, found {found}")]
    Ragged {
        /// Indices that lead to the list.
        path: Position,
        /// Length of the first list at this depth.
        expected: i64,
        /// Its own length.
        found: i64,
    },
    /// A scalar where the first item at its depth is a list.
    #[error("expected a list of {expected} items at {path}, found a scalar")]
    ScalarForList {
        /// Indices that lead to the scalar.
        path: Position,
        /// Length of the first list at this depth.
        expected: i64,
    },
    /// A list where the first item at its depth is a scalar.
    #[error("expected a scalar at {path}, found a list of {found} items")]
    ListForScalar {
        /// Indices that lead to the list.
        path: Position,
        /// Its length.
        found: i64,
    },
    /// Lists without numbers that would take too long to visit.
    #[error("the value has more than {most} lists, and no number in them")]
    ListCount {
        /// As many are visited.
        most: i64,
    },
    /// Lists in lists in lists, perhaps without end.
    #[error("the value is nested deeper than 64 levels at its first items, or contains itself")]
    TooDeep,
    /// A permutation that does not name every dimension.
    #[error("{found} dims were given for a tensor with ndim = {ndim}")]
    DimsCount {
        /// How many were given.
        found: i64,
        /// The tensor's rank.
        ndim: usize,
    },
    /// A reinterpretation of the bytes that does not fit the last dimension.
    #[error("the bytes cannot be viewed as {to}: {reason}")]
    ViewDType {
        /// Dtype asked for.
        to: Text,
        /// What is in the way.
        reason: &'static str,
    },

    /// Bytes of the elements together do not fit 63 bits.
    #[error("{numel} elements of {bits} bits take more than 2^63 - 1 bytes")]
    ByteSize {
        /// Elements.
        numel: i64,
        /// Bits of one.
        bits: u64,
    },
    /// Stride times index leaves 63 bits.
    #[error(
        "strides[{dim}] = {stride} with shape[{dim}] = {size} reaches further than 2^63 bits from the first element"
    )]
    Reach {
        /// Dimension.
        dim: usize,
        /// Its stride, in elements.
        stride: i64,
        /// Its size.
        size: i64,
    },
    /// Address arithmetic wraps.
    #[error(
        "byte_offset = {byte_offset} with data = {data:#x} wraps around the end of the address space"
    )]
    AddressOffset {
        /// The data pointer.
        data: u64,
        /// The offset.
        byte_offset: u64,
    },
    /// The elements reach past an end of the address space.
    #[error(
        "strides[{dim}] = {stride} with shape[{dim}] = {size} leaves the address space from first element {first:#x}"
    )]
    AddressReach {
        /// Dimension that leaves it.
        dim: usize,
        /// Its stride.
        stride: i64,
        /// Its size.
        size: i64,
        /// Address of the first element.
        first: u64,
    },
    /// The first element's own bytes do not fit the address space.
    #[error("an element at address {first:#x} reaches past the end of the address space")]
    AddressElement {
        /// Address of the first element.
        first: u64,
    },

    /// The first element itself is outside the memory that may be touched.
    #[error(
        "byte_offset = {byte_offset} puts the first element outside the {nbytes} bytes that may be touched"
    )]
    BoundsOffset {
        /// Where the element begins, from the start of the memory.
        byte_offset: Wide,
        /// Size of the memory.
        nbytes: u64,
    },
    /// A dimension leaves the memory that may be touched.
    #[error(
        "shape[{dim}] = {size} with strides[{dim}] = {stride} reaches byte {reaches}, outside the {nbytes} bytes that may be touched"
    )]
    Bounds {
        /// Dimension that leaves the memory.
        dim: usize,
        /// Its size.
        size: i64,
        /// Its stride, in elements.
        stride: i64,
        /// The byte, counted from the start of the memory.
        reaches: Wide,
        /// Size of the memory.
        nbytes: u64,
    },

    /// A dimension number that the tensor does not have.
    #[error("{name} = {dim} is out of range for ndim = {ndim}")]
    Dim {
        /// Parameter.
        name: &'static str,
        /// Value given.
        dim: i64,
        /// Rank of the tensor.
        ndim: usize,
    },
    /// A dimension named twice.
    #[error("dims names dimension {dim} twice")]
    DimTwice {
        /// The dimension.
        dim: usize,
    },
    /// An index outside its dimension.
    #[error("index = {index} is out of range for dimension {dim} of size {size}")]
    Index {
        /// Index given.
        index: i64,
        /// Dimension.
        dim: usize,
        /// Its size.
        size: i64,
    },

    /// A type code and width that DLPack does not define.
    #[error("dtype code = {code}, bits = {bits}, lanes = {lanes} is not a dtype of DLPack 1.3")]
    UnknownDType {
        /// `DLDataType.code`.
        code: u8,
        /// `DLDataType.bits`.
        bits: u8,
        /// `DLDataType.lanes`.
        lanes: u16,
    },
    /// A dtype name nobody knows.
    #[error("\"{0}\" is not the name of a dtype")]
    UnknownDTypeName(Text),
    /// A dtype that real numbers without a dtype cannot have.
    #[error("{0} cannot be the default dtype: it must be float16, bfloat16, float32 or float64")]
    DefaultDType(Text),
    /// Two dtypes between which no conversion is defined.
    #[error("{from} cannot be converted to {to}: {reason}")]
    NotConvertible {
        /// Source dtype.
        from: Text,
        /// Target dtype.
        to: Text,
        /// Why.
        reason: &'static str,
    },
    /// Two dtypes without a common one.
    #[error("no dtype holds the values of both {a} and {b}")]
    NoPromotion {
        /// One dtype.
        a: Text,
        /// The other.
        b: Text,
    },

    /// A device type that DLPack does not define.
    #[error("device_type = {0} is not a device of DLPack 1.3")]
    UnknownDevice(i32),
    /// Memory of a device that nothing can be done with here.
    #[error("memory on {device} cannot be {action} by this library")]
    DeviceMemory {
        /// Name and number of the device.
        device: Text,
        /// What was asked.
        action: &'static str,
    },
    /// No way to bring data to a device.
    #[error("data on {from} cannot be brought to {to}")]
    DeviceTransfer {
        /// Where the data is.
        from: Text,
        /// Where it should go.
        to: Text,
    },

    /// The casting rule forbids this conversion.
    #[error("casting from {from} to {to} is not allowed under the rule \"{rule}\"")]
    Casting {
        /// Source dtype.
        from: Text,
        /// Target dtype.
        to: Text,
        /// Name of the rule.
        rule: &'static str,
    },
    /// Under exact casting, a value that the target cannot hold.
    #[error("element {position} = {value} is not representable in {to}")]
    Inexact {
        /// Where.
        position: Position,
        /// The value.
        value: Text,
        /// Target scalar.
        to: &'static str,
    },

    /// A number in a value that the integers of a dtype cannot hold.
    #[error("element {position} = {value} is out of range for {to}")]
    OutOfRange {
        /// Where.
        position: Position,
        /// The number.
        value: Text,
        /// Target scalar.
        to: &'static str,
    },

    /// A copy was forbidden, but only a copy would do.
    #[error("a copy is needed ({reasons}), but copy = TENSOR_COPY_NEVER")]
    CopyNeeded {
        /// Names of the reasons.
        reasons: Text,
    },
    /// Write access to read-only memory.
    #[error("{0}")]
    ReadOnly(&'static str),
    /// A destination in which two elements share memory.
    #[error("the destination overlaps itself: two of its elements share memory")]
    SelfOverlap,
    /// A destination whose self-overlap could not be ruled out within the work allowed.
    #[error("whether the destination overlaps itself could not be decided within {steps} steps")]
    SelfOverlapTooHard {
        /// Steps spent.
        steps: u64,
    },
    /// The exact overlap problem exceeded the work allowed.
    #[error("whether the tensors share memory could not be decided within {steps} steps")]
    TooHard {
        /// Steps spent.
        steps: u64,
    },
    /// Something that is not offered.
    #[error("{0}")]
    Unsupported(&'static str),
    /// A view of packed elements that would start between two byte boundaries.
    #[error("the view would start {bits} bits inside a byte")]
    StartsInsideByte {
        /// Bits past the byte boundary.
        bits: u64,
    },

    /// The allocator refused.
    #[error("out of memory: {bytes} bytes could not be allocated")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// A DLPack struct of another major version.
    #[error("DLPack version {major}.{minor} has another major version than 1")]
    Version {
        /// Major version.
        major: u32,
        /// Minor version.
        minor: u32,
    },
    /// Memory on loan that is still in use.
    #[error("the loan is busy: {0}")]
    Busy(Alive),
    /// Memory on loan that the lender has taken back.
    #[error("the lender has taken the memory back")]
    Revoked,
    /// Memory on loan that is in use in a way that excludes another.
    #[error("the memory is in use for {}{}", if *writes { "writing" } else { "reading" }, By(label))]
    Aliased {
        /// Who uses it, if that has a name.
        label: Text,
        /// Whether it is being written.
        writes: bool,
    },
    /// A handle whose loan has ended.
    #[error("the loan was closed")]
    LoanClosed,
    /// A pin that is not there.
    #[error("the tensor is not pinned")]
    NotPinned,

    /// What gradients do not allow.
    #[error("{0}")]
    Gradient(&'static str),
    /// A dtype in which there are no derivatives.
    #[error("{0} cannot require grad: only floating-point and complex dtypes can")]
    GradientKind(Text),
    /// Something with a history as a dtype in which there are no derivatives.
    #[error(
        "a tensor that requires grad cannot become {0}, which has no gradients: use tensor_detach() first"
    )]
    GradientLost(Text),
    /// A gradient that goes without saying only for one real number.
    #[error(
        "gradient is NULL, which is possible for one real element only: the tensor has {numel} of {dtype}"
    )]
    GradientMissing {
        /// Elements.
        numel: i64,
        /// Their dtype.
        dtype: Text,
    },
    /// A gradient of another rank than what it is of.
    #[error("{what} has ndim = {found}, expected {expected}")]
    GradientNdim {
        /// Which gradient.
        what: &'static str,
        /// Its rank.
        found: usize,
        /// That of the tensor.
        expected: usize,
    },
    /// A gradient of another shape than what it is of.
    #[error("{what} has shape[{dim}] = {found}, expected {expected}")]
    GradientShape {
        /// Which gradient.
        what: &'static str,
        /// Dimension.
        dim: usize,
        /// Its size.
        found: i64,
        /// That of the tensor.
        expected: i64,
    },
    /// A gradient of another dtype than what it is of.
    #[error("{what} has dtype {found}, expected {expected}")]
    GradientDType {
        /// Which gradient.
        what: &'static str,
        /// Its dtype.
        found: Text,
        /// That of the tensor.
        expected: Text,
    },
    /// A tensor that a backward function needs as it was.
    #[error(
        "saved tensor {index} was changed in place after it was saved: it is at version {found}, expected {expected}"
    )]
    SavedChanged {
        /// Which one.
        index: usize,
        /// Its version now.
        found: u64,
        /// Its version then.
        expected: u64,
    },
    /// A function of the caller's that failed.
    #[error("a recorded backward function returned {status}")]
    Callback {
        /// What it returned.
        status: i32,
    },

    /// A reference count at its maximum.
    #[error("the reference count is at its maximum")]
    Count,
    /// A defect of this library.
    #[error("internal error")]
    Internal,
}

/// What fallible functions of the library return.
pub type Result<T> = core::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stay_small() {
        assert!(size_of::<Error>() < 128, "{}", size_of::<Error>());
    }
}
