//! Lanes smaller than a byte, packed or one to a byte: moved as they are, or converted.

use super::axes::Axis;
use super::block::{self, BLOCK, Block};
use super::strided::{Loop, gather, scatter};
use crate::convert::{self, Kernel};
use crate::dtype::DType;

/// How a lane is stored.
#[derive(Clone, Copy)]
pub struct Lane {
    /// Bits of its value.
    bits: u32,
    /// Whether lanes follow each other without regard to bytes.
    pub packed: bool,
}

impl Lane {
    /// That of a dtype.
    pub fn of(dtype: DType) -> Self {
        Self {
            bits: dtype.scalar().bits(),
            packed: dtype.is_subbyte() && !dtype.is_padded(),
        }
    }
}

/// The byte that holds `bit`.
pub fn at(base: *const u8, bit: i64) -> *const u8 {
    base.wrapping_offset(bit.div_euclid(8) as isize)
}

/// Moves a run of lanes of which some are smaller than a byte.
///
/// # Safety
/// As for [`super::mover::Mover::sheet`]; bytes shared with other lanes are nobody else's to write meanwhile.
pub unsafe fn move_lanes(
    (from, source): (Lane, (*const u8, i64)),
    (to, destination): (Lane, (*mut u8, i64)),
    run: Axis,
    kernel: Option<&Kernel>,
) {
    let size = |lane: Lane| lane.bits.div_ceil(8) as usize;
    let step = |bits: i64| (bits / 8) as isize;
    let one = Loop { count: 1, step: 0 };
    let mut start = 0;
    if kernel.is_none() {
        // SAFETY: the caller's promise.
        start = unsafe { move_whole_bytes((from, source), (to, destination), run) };
    }
    let (mut lanes, mut converted) = (Block::new(), Block::new());
    // What a block holds of lanes of either size.
    let most = (BLOCK / size(from).max(size(to))) as i64;
    while start < run.size {
        let count = (run.size - start).min(most) as usize;
        let source_bit = source.1 + start * run.source;
        let destination_bit = destination.1 + start * run.destination;
        // SAFETY: the caller's promise; a block holds as many lanes.
        unsafe {
            let block = lanes.as_mut_ptr();
            if from.packed {
                let block = core::slice::from_raw_parts_mut(block, count);
                block.fill(0);
                convert::unpack(source.0, source_bit, from.bits, run.source, block);
            } else {
                let units = Loop {
                    count,
                    step: step(run.source),
                };
                gather(at(source.0, source_bit), one, units, size(from), block);
            }
            let block = match kernel {
                Some(kernel) => {
                    kernel.run(block, converted.as_mut_ptr(), count);
                    converted.as_mut_ptr()
                }
                None => {
                    // High bits of a padded lane do not count, and are zero when written.
                    let mask = (1u16 << from.bits) as u8 - 1;
                    for i in 0..count {
                        *block.add(i) &= mask;
                    }
                    block
                }
            };
            if to.packed {
                let block = core::slice::from_raw_parts(block, count);
                convert::pack(
                    block,
                    destination.0,
                    destination_bit,
                    to.bits,
                    run.destination,
                );
                start += count as i64;
                continue;
            }
            let units = Loop {
                count,
                step: step(run.destination),
            };
            let to_first = at(destination.0, destination_bit).cast_mut();
            scatter(block, to_first, one, units, size(to));
        }
        start += count as i64;
    }
}

/// Copies what two packed runs have in whole bytes; the rest shares a byte with neighbours. Returns how many lanes.
///
/// # Safety
/// As for [`move_lanes`].
unsafe fn move_whole_bytes(
    (from, source): (Lane, (*const u8, i64)),
    (to, destination): (Lane, (*mut u8, i64)),
    run: Axis,
) -> i64 {
    let bits = i64::from(from.bits);
    let whole = from.packed
        && to.packed
        && run.source == bits
        && run.destination == bits
        && source.1 % 8 == 0
        && destination.1 % 8 == 0;
    if !whole {
        return 0;
    }
    let lanes = run.size / 8 * 8;
    // SAFETY: the caller's promise.
    unsafe {
        block::copy(
            at(source.0, source.1),
            at(destination.0, destination.1).cast_mut(),
            (lanes * bits / 8) as usize,
        );
    }
    lanes
}
