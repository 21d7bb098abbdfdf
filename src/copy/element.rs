//! How a run of elements moves: as bytes, as bits of packed streams, or converted block by block.

use super::axes::{Axes, Axis};
use super::transpose::{self, MAX_SIDE, Tile, transpose};
use crate::convert::{self, Decode, Encode, Kernel};
use crate::dtype::{DType, Kind, Overflow, Scalar};

/// Elements converted at a time: the block of exact intermediates stays in the first-level cache.
const BLOCK: usize = 256;

/// The way elements of one dtype become elements of another.
#[derive(Clone, Copy)]
pub enum Mover {
    /// Whole bytes, unchanged.
    Bytes {
        /// Bytes of an element.
        size: usize,
    },
    /// Sub-byte lanes, unchanged: packed or padded on either side.
    Bits {
        /// How the source stores lanes.
        from: Lane,
        /// How the destination does.
        to: Lane,
    },
    /// Lanes of whole bytes, by a kernel for adjacent ones.
    Packed {
        /// Converts them.
        kernel: Kernel,
    },
    /// Lanes by value, through an exact intermediate.
    Values {
        /// Reads lanes.
        reader: Reader,
        /// Writes lanes.
        writer: Writer,
        /// What happens to imaginary parts.
        parts: Parts,
    },
}

/// How a lane is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// Bits of its value.
    bits: u32,
    /// Whether lanes follow each other without regard to bytes.
    packed: bool,
}

/// Reads lanes to intermediates.
#[derive(Clone, Copy)]
pub struct Reader {
    decode: Decode,
    lane: Lane,
}

/// Writes intermediates to lanes.
#[derive(Clone, Copy)]
pub struct Writer {
    encode: Encode,
    lane: Lane,
    overflow: Overflow,
}

/// What becomes of the parts of complex numbers. Offsets are in bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// One part to one part: real to real, the real part alone, or both parts by a loop of their own.
    Each,
    /// An imaginary part of zero is written after each real one.
    AddImaginary {
        /// From real to imaginary part in the destination.
        offset: i64,
    },
    /// True where either part is nonzero.
    EitherNonzero {
        /// From real to imaginary part in the source.
        offset: i64,
    },
}

impl Lane {
    fn of(dtype: DType) -> Self {
        Self {
            bits: dtype.scalar().component().bits(),
            packed: dtype.is_subbyte() && !dtype.is_padded(),
        }
    }
}

impl Reader {
    /// The reader of a dtype's lanes (of complex ones: of their parts), and what its intermediates are.
    pub fn new(dtype: DType) -> Option<(Self, convert::Carrier)> {
        let (decode, carrier) = convert::decoder(dtype.scalar().component())?;
        let lane = Lane::of(dtype);
        Some((Self { decode, lane }, carrier))
    }

    /// Reads `words.len()` lanes, the first at `bit`, `stride` bits apart.
    ///
    /// # Safety
    /// The lanes are readable.
    pub unsafe fn read(&self, base: *const u8, bit: i64, stride: i64, words: &mut [u64]) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.lane.packed {
                let mut bytes = [0; BLOCK];
                let bytes = &mut bytes[..words.len()];
                convert::unpack(base, bit, self.lane.bits, stride, bytes);
                (self.decode)(bytes.as_ptr(), 1, words);
            } else {
                (self.decode)(at(base, bit), (stride / 8) as isize, words);
            }
        }
    }
}

impl Writer {
    /// Writes `words.len()` lanes, the first at `bit`, `stride` bits apart.
    ///
    /// # Safety
    /// The lanes are writable, and bytes shared with other lanes are nobody else's to write meanwhile.
    unsafe fn write(&self, words: &[u64], base: *mut u8, bit: i64, stride: i64) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.lane.packed {
                let mut bytes = [0; BLOCK];
                let bytes = &mut bytes[..words.len()];
                (self.encode)(words, bytes.as_mut_ptr(), 1, self.overflow);
                convert::pack(bytes, base, bit, self.lane.bits, stride);
            } else {
                (self.encode)(
                    words,
                    at(base, bit).cast_mut(),
                    (stride / 8) as isize,
                    self.overflow,
                );
            }
        }
    }
}

impl Mover {
    /// The way from one dtype to another, which must be convertible.
    pub fn choose(from: DType, to: DType, overflow: Overflow) -> Self {
        if from == to && from.storage_bits().is_multiple_of(8) && (!from.is_padded()) {
            return Mover::Bytes {
                size: (from.storage_bits() / 8) as usize,
            };
        }
        if from.same_type(to) {
            return Mover::Bits {
                from: Lane::of(from),
                to: Lane::of(to),
            };
        }
        let complex = |dtype: DType| dtype.scalar().kind() == Kind::Complex;
        let half = |dtype: DType| i64::from(dtype.scalar().bits() / 2);
        let parts = match (complex(from), complex(to)) {
            (false, true) => Parts::AddImaginary { offset: half(to) },
            (true, false) if to.scalar() == Scalar::Bool => {
                Parts::EitherNonzero { offset: half(from) }
            }
            _ => Parts::Each,
        };
        let part = |dtype: DType| dtype.scalar().component();
        if let (Parts::Each, Some(kernel)) =
            (parts, convert::kernel(part(from), part(to), overflow))
        {
            return Mover::Packed { kernel };
        }
        let ways = Reader::new(from).and_then(|(reader, carrier)| {
            let encode = convert::encoder(to.scalar().component(), carrier)?;
            Some((reader, encode))
        });
        let Some((reader, encode)) = ways else {
            // Callers have asked `check_convertible`.
            unreachable!("no conversion from {from} to {to}")
        };
        Mover::Values {
            reader,
            writer: Writer {
                encode,
                lane: Lane::of(to),
                overflow,
            },
            parts,
        }
    }

    /// Adds loops over what is inside an element: lanes, and both parts where each is converted.
    pub fn add_inner_axes(&self, from: DType, to: DType, axes: &mut Axes<'_>) {
        if matches!(self, Mover::Bytes { .. }) {
            return;
        }
        axes.push(Axis {
            size: i64::from(from.lanes()),
            source: from.lane_storage_bits() as i64,
            destination: to.lane_storage_bits() as i64,
        });
        let complex = |dtype: DType| dtype.scalar().kind() == Kind::Complex;
        if complex(from) && complex(to) {
            axes.push(Axis {
                size: 2,
                source: from.lane_storage_bits() as i64 / 2,
                destination: to.lane_storage_bits() as i64 / 2,
            });
        }
    }

    /// Whether two elements of a destination may share a byte.
    pub fn writes_shared_bytes(&self) -> bool {
        match self {
            Mover::Bytes { .. } | Mover::Packed { .. } => false,
            Mover::Bits { to, .. } => to.packed,
            Mover::Values { writer, .. } => writer.lane.packed,
        }
    }

    /// Bits of a unit on each side, for movers that can transpose planes of them.
    pub fn unit_bits(&self) -> Option<(i64, i64)> {
        let (from, to) = match self {
            Mover::Bytes { size } if matches!(size, 1 | 2 | 4 | 8 | 16) => (*size, *size),
            Mover::Packed { kernel } => (kernel.source_size, kernel.destination_size),
            _ => return None,
        };
        Some((8 * from as i64, 8 * to as i64))
    }

    /// Moves the elements of a transposed plane: adjacent in the source along `rows`, in the destination along `columns`.
    ///
    /// Tiles of it go through a buffer: runs of the source are brought in, converted; columns of the buffer go out, each
    /// as a whole line of the destination.
    ///
    /// # Safety
    /// As for [`Mover::run`]; the mover has [`Mover::unit_bits`].
    pub unsafe fn plane(
        &self,
        source: *const u8,
        source_bit: i64,
        destination: *mut u8,
        destination_bit: i64,
        rows: Axis,
        columns: Axis,
    ) {
        let (from, to) = (
            at(source, source_bit),
            at(destination, destination_bit).cast_mut(),
        );
        let size = match self {
            Mover::Packed { kernel } => kernel.destination_size,
            Mover::Bytes { size } => *size,
            _ => return,
        };
        // A side of 64 single bytes is the largest tile.
        let mut buffer = core::mem::MaybeUninit::<[u64; MAX_SIDE * MAX_SIDE / 8]>::uninit();
        let buffer = buffer.as_mut_ptr().cast::<u8>();
        let side = transpose::side(size) as i64;
        // SAFETY: the caller's promise; a tile fits the buffer, and is written before it is read.
        unsafe {
            // Blocks of tiles, so that the pages of both sides stay at hand.
            let block = 8 * side;
            for block_column in (0..columns.size).step_by(block as usize) {
                for block_row in (0..rows.size).step_by(block as usize) {
                    let (end_column, end_row) = (
                        columns.size.min(block_column + block),
                        rows.size.min(block_row + block),
                    );
                    for first_column in (block_column..end_column).step_by(side as usize) {
                        let column_count = side.min(end_column - first_column);
                        for first_row in (block_row..end_row).step_by(side as usize) {
                            let row_count = side.min(end_row - first_row);
                            let tile_from = at(
                                from,
                                first_column * columns.source + first_row * rows.source,
                            );
                            let tile_to = at(
                                to,
                                first_column * columns.destination + first_row * rows.destination,
                            );
                            let (rows_of_buffer, pitch) = self.bring(
                                tile_from,
                                buffer,
                                column_count,
                                columns.source,
                                row_count,
                            );
                            let tile = Tile {
                                rows: column_count as usize,
                                columns: row_count as usize,
                                pitch,
                                destination_pitch: (rows.destination / 8) as isize,
                            };
                            transpose(rows_of_buffer, tile_to.cast_mut(), size, tile);
                        }
                    }
                }
            }
        }
    }

    /// Brings `count` runs of `len` adjacent units, `stride` bits apart, together, converted. Returns where they begin, and
    /// how many bytes apart they are: in the buffer, or where they are already.
    ///
    /// # Safety
    /// As for [`Mover::plane`]; the buffer holds a tile.
    #[inline(always)]
    unsafe fn bring(
        &self,
        source: *const u8,
        buffer: *mut u8,
        count: i64,
        stride: i64,
        len: i64,
    ) -> (*const u8, isize) {
        let len = len as usize;
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Mover::Packed { kernel } => {
                    let pitch = len * kernel.destination_size;
                    if stride == 8 * (len * kernel.source_size) as i64 {
                        kernel.run(source, buffer, count as usize * len);
                    } else {
                        for i in 0..count {
                            let from = at(source, i * stride);
                            kernel.run(from, buffer.add(i as usize * pitch), len);
                        }
                    }
                    (buffer, pitch as isize)
                }
                Mover::Bytes { size } => {
                    // Rows a large power of two apart fall into the same lines of the cache.
                    if stride % (8 * 1024) != 0 {
                        return (source, (stride / 8) as isize);
                    }
                    let pitch = len * size;
                    for i in 0..count {
                        let to = buffer.add(i as usize * pitch);
                        core::ptr::copy_nonoverlapping(at(source, i * stride), to, pitch);
                    }
                    (buffer, pitch as isize)
                }
                _ => (buffer, 0),
            }
        }
    }

    /// Whether runs compute with floating-point instructions, and need the standard environment.
    pub fn computes(&self) -> bool {
        matches!(self, Mover::Packed { .. })
    }

    /// Moves the elements of one run, which begin at the two bits given.
    ///
    /// # Safety
    /// Source elements are readable, destination elements writable, and they do not overlap.
    pub unsafe fn run(
        &self,
        source: *const u8,
        source_bit: i64,
        destination: *mut u8,
        destination_bit: i64,
        run: Axis,
    ) {
        // SAFETY: the caller's promise, for all three.
        unsafe {
            match *self {
                Mover::Bytes { size } => {
                    let (from, to) = (
                        at(source, source_bit),
                        at(destination, destination_bit).cast_mut(),
                    );
                    move_bytes(from, to, size, run);
                }
                Mover::Bits { from, to } => {
                    let run_bits = i64::from(from.bits);
                    let whole = from.packed
                        && to.packed
                        && run.source == run_bits
                        && run.destination == run_bits
                        && source_bit % 8 == 0
                        && destination_bit % 8 == 0;
                    // Whole bytes first; what is left over shares a byte with neighbours.
                    let whole = if whole { run.size / 8 * 8 } else { 0 };
                    let bits = whole * run_bits;
                    core::ptr::copy_nonoverlapping(
                        at(source, source_bit),
                        at(destination, destination_bit).cast_mut(),
                        (bits / 8) as usize,
                    );
                    let mut bytes = [0; BLOCK];
                    for_each_block(run.size - whole, |start, len| {
                        let start = whole + start;
                        let bytes = &mut bytes[..len];
                        let bit = source_bit + start * run.source;
                        if from.packed {
                            convert::unpack(source, bit, from.bits, run.source, bytes);
                        } else {
                            let mask = (1 << from.bits) - 1;
                            for (i, byte) in bytes.iter_mut().enumerate() {
                                *byte = at(source, bit + i as i64 * run.source).read() & mask;
                            }
                        }
                        let bit = destination_bit + start * run.destination;
                        if to.packed {
                            convert::pack(bytes, destination, bit, to.bits, run.destination);
                        } else {
                            for (i, byte) in bytes.iter().enumerate() {
                                let bit = bit + i as i64 * run.destination;
                                at(destination, bit).cast_mut().write(*byte);
                            }
                        }
                    });
                }
                Mover::Packed { kernel } => {
                    let (from, to) = (
                        at(source, source_bit),
                        at(destination, destination_bit).cast_mut(),
                    );
                    convert_packed(&kernel, from, to, run);
                }
                Mover::Values {
                    reader,
                    writer,
                    parts,
                } => {
                    let mut words = [0; BLOCK];
                    for_each_block(run.size, |start, len| {
                        let words = &mut words[..len];
                        let bit = source_bit + start * run.source;
                        reader.read(source, bit, run.source, words);
                        if let Parts::EitherNonzero { offset } = parts {
                            let mut imaginary = [0; BLOCK];
                            let imaginary = &mut imaginary[..len];
                            reader.read(source, bit + offset, run.source, imaginary);
                            convert::either_nonzero(words, imaginary);
                        }
                        let bit = destination_bit + start * run.destination;
                        writer.write(words, destination, bit, run.destination);
                        if let Parts::AddImaginary { offset } = parts {
                            // Zero in every carrier.
                            words.fill(0);
                            writer.write(words, destination, bit + offset, run.destination);
                        }
                    });
                }
            }
        }
    }
}

/// Calls `block` with the start and length of consecutive blocks.
fn for_each_block(count: i64, mut block: impl FnMut(i64, usize)) {
    let mut start = 0;
    while start < count {
        let len = (count - start).min(BLOCK as i64);
        block(start, len as usize);
        start += len;
    }
}

/// The byte that holds `bit`.
fn at(base: *const u8, bit: i64) -> *const u8 {
    base.wrapping_offset(bit.div_euclid(8) as isize)
}

/// Converts elements of whole bytes; those that are apart are brought together in a buffer first.
///
/// # Safety
/// As for [`Mover::run`], in the standard floating-point environment.
unsafe fn convert_packed(kernel: &Kernel, from: *const u8, to: *mut u8, run: Axis) {
    let (source_width, destination_width) = (
        8 * kernel.source_size as i64,
        8 * kernel.destination_size as i64,
    );
    let adjacent = (
        run.source == source_width,
        run.destination == destination_width,
    );
    // SAFETY: the caller's promise; a block fits its buffer.
    unsafe {
        if adjacent == (true, true) {
            kernel.run(from, to, run.size as usize);
            return;
        }
        let mut gathered = [0u64; BLOCK];
        let mut converted = [0u64; BLOCK];
        for_each_block(run.size, |start, len| {
            let block_from = at(from, start * run.source);
            let block_to = at(to, start * run.destination).cast_mut();
            let source = if adjacent.0 {
                block_from
            } else {
                let gather = Axis {
                    size: len as i64,
                    source: run.source,
                    destination: source_width,
                };
                let buffer = gathered.as_mut_ptr().cast();
                move_bytes(block_from, buffer, kernel.source_size, gather);
                buffer
            };
            if adjacent.1 {
                kernel.run(source, block_to, len);
                return;
            }
            let buffer = converted.as_mut_ptr().cast();
            kernel.run(source, buffer, len);
            let scatter = Axis {
                size: len as i64,
                source: destination_width,
                destination: run.destination,
            };
            move_bytes(buffer, block_to, kernel.destination_size, scatter);
        });
    }
}

/// Moves elements of whole bytes.
///
/// # Safety
/// As for [`Mover::run`].
unsafe fn move_bytes(from: *const u8, to: *mut u8, size: usize, run: Axis) {
    let width = 8 * size as i64;
    // SAFETY: the caller's promise.
    unsafe {
        if run.source == width && run.destination == width {
            core::ptr::copy_nonoverlapping(from, to, size * run.size as usize);
            return;
        }
        match size {
            1 => move_strided::<[u8; 1]>(from, to, run),
            2 => move_strided::<[u8; 2]>(from, to, run),
            4 => move_strided::<[u8; 4]>(from, to, run),
            8 => move_strided::<[u8; 8]>(from, to, run),
            16 => move_strided::<[u8; 16]>(from, to, run),
            _ => {
                for i in 0..run.size as isize {
                    let source = from.wrapping_offset(i * (run.source / 8) as isize);
                    let destination = to.wrapping_offset(i * (run.destination / 8) as isize);
                    core::ptr::copy_nonoverlapping(source, destination, size);
                }
            }
        }
    }
}

/// Moves elements of the size of `T`, an array of bytes.
///
/// # Safety
/// As for [`Mover::run`].
unsafe fn move_strided<T: Copy>(from: *const u8, to: *mut u8, run: Axis) {
    let (step_from, step_to) = ((run.source / 8) as isize, (run.destination / 8) as isize);
    let size = size_of::<T>() as isize;
    // SAFETY: the caller's promise.
    unsafe {
        // Steps that are known at compile time become shuffles.
        match (step_from, step_to) {
            (step, packed) if packed == size && step == -size => {
                move_stepped::<T, -1>(from, to, run.size)
            }
            (step, packed) if packed == size && step == 2 * size => {
                move_stepped::<T, 2>(from, to, run.size)
            }
            (step, packed) if packed == size && step == 3 * size => {
                move_stepped::<T, 3>(from, to, run.size)
            }
            (step, packed) if packed == size && step == 4 * size => {
                move_stepped::<T, 4>(from, to, run.size)
            }
            (step, packed) if packed == size && step == 0 => {
                move_stepped::<T, 0>(from, to, run.size)
            }
            _ => {
                let (mut from, mut to) = (from, to);
                for _ in 0..run.size {
                    // An array of bytes may be anywhere.
                    to.cast::<T>().write(from.cast::<T>().read());
                    from = from.wrapping_offset(step_from);
                    to = to.wrapping_offset(step_to);
                }
            }
        }
    }
}

/// Moves every `STEP`-th element to adjacent ones.
///
/// # Safety
/// As for [`Mover::run`].
unsafe fn move_stepped<T: Copy, const STEP: isize>(from: *const u8, to: *mut u8, count: i64) {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    for i in 0..count as isize {
        // SAFETY: the caller's promise. An array of bytes may be anywhere.
        unsafe { to.offset(i).write(from.offset(i * STEP).read()) };
    }
}
