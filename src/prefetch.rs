//! Asking for lines of memory before they are needed. They may be anywhere: what cannot be had is not missed.

/// Bytes of a cache line.
pub const LINE: usize = 64;

/// Bytes from an address to the next line, if it is not where one begins.
#[inline(always)]
pub fn to_next_line(at: *const u8) -> usize {
    at.addr().wrapping_neg() % LINE
}

/// Bytes of a run from which it pays: fewer may be in the first-level cache already, where asking takes longer than not to.
pub const FAR: usize = 64 << 10;

/// Bytes from one unit to the next of which all lines are asked for.
pub const CLOSE: usize = LINE / 2;

/// Asks for the line of an address.
#[inline(always)]
pub fn line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing; SSE is part of the architecture.
    unsafe {
        use core::arch::x86_64::*;
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a prefetch reads nothing.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}

/// Asks for the line of an address that will be written, so that no other core has it then.
#[inline(always)]
pub fn line_to_write(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing; processors that do not know this one have always passed over it.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// [`line_to_write`] for `bytes` bytes, a line after the other.
#[inline(always)]
pub fn bytes_to_write(to: *const u8, bytes: usize) {
    for offset in (0..bytes).step_by(LINE) {
        line_to_write(to.wrapping_add(offset));
    }
}

/// [`bytes_to_write`] for rows of `bytes` bytes, a line after the other, if they follow each other closely.
#[inline(always)]
pub fn rows_to_write(to: *const u8, step: isize, bytes: usize, count: usize) {
    if count > 0 && (0..=2 * bytes as isize).contains(&step) {
        bytes_to_write(to, step as usize * (count - 1) + bytes);
    }
}

/// How many rows ahead short ones are asked for, if nothing else is known.
pub const ROWS_AHEAD: usize = 4;

/// A byte of the row that comes so many rows after one, of rows that are so many bytes apart.
#[inline(always)]
pub fn rows_ahead(row: *const u8, step: isize, rows: usize, byte: usize) -> *const u8 {
    row.wrapping_offset(step.wrapping_mul(rows as isize))
        .wrapping_add(byte)
}

/// Asks for all lines of `count` units, `step` bytes apart, if they are close to each other.
#[inline(always)]
pub fn run(from: *const u8, step: isize, count: usize) {
    let apart = step.unsigned_abs();
    if apart <= CLOSE && count > 0 {
        let bytes = (count - 1) * apart;
        let first = if step < 0 {
            from.wrapping_sub(bytes)
        } else {
            from
        };
        let lines = (first as usize % LINE + bytes) / LINE + 1;
        for i in 0..lines {
            line(first.wrapping_add(i * LINE));
        }
    }
}
