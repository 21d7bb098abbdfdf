//! Memory that is asked for before it is needed: in caches that are further away the loops would wait for it, above all for
//! lines that are written.

/// Bytes of a cache line.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// How far ahead.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 2048;

/// Bytes that may be in the first-level cache already, where asking takes longer than not to.
const NEAR: usize = 64 << 10;

/// Bytes of a part, of both sides together: so few that what one asks for comes while others are converted.
const PART: usize = 2 << 10;

/// Elements after which a run asks for what follows: all of them, if it may be near.
#[inline(always)]
pub const fn part(count: usize, from_size: usize, to_size: usize) -> usize {
    let both = from_size + to_size;
    // Of groups of any instruction set there is a whole number.
    const GROUPS: usize = 64;
    if count > NEAR / both {
        PART / both / GROUPS * GROUPS
    } else {
        count
    }
}

/// Asks for as many bytes as are read at `from` and written at `to` now, further on. Either may have ended before.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn fetch(from: *const u8, from_bytes: usize, to: *mut u8, to_bytes: usize) {
    let mut offset = AHEAD;
    while offset < AHEAD + from_bytes {
        fetch_to_read(from.wrapping_add(offset));
        offset += LINE;
    }
    let mut offset = AHEAD;
    while offset < AHEAD + to_bytes {
        fetch_to_write(to.wrapping_add(offset));
        offset += LINE;
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn fetch_to_read(at: *const u8) {
    // SAFETY: a hint, which every processor of the architecture has; it reads nothing.
    unsafe {
        core::arch::asm!("prefetcht0 [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn fetch_to_write(at: *mut u8) {
    // SAFETY: a hint, which processors of the architecture that do not have it pass over; it writes nothing.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
}

/// Nothing: how other processors are asked is not known here.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub fn fetch(_: *const u8, _: usize, _: *mut u8, _: usize) {}
