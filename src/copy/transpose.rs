//! Transposing a tile: rows that lie one after another in a buffer become columns, in registers where they fit.
//!
//! Elements are 1, 2, 4, 8 or 16 bytes. On x86-64 small squares are exchanged with the unpack instructions that every
//! such processor has; elsewhere, and at the edges, elements move one by one.

/// Bytes of a side of a tile in the destination: one cache line.
const LINE: usize = 64;

/// Most elements of a side of a tile.
pub const MAX_SIDE: usize = LINE;

/// Elements of a side of a tile of elements of `size` bytes: a line of them, and no fewer than two squares.
pub fn side(size: usize) -> usize {
    (LINE / size).max(8)
}

/// A tile of elements in a buffer, and where it goes.
#[derive(Clone, Copy)]
pub struct Tile {
    /// Rows of the buffer, which become columns.
    pub rows: usize,
    /// Elements of a row, which become rows.
    pub columns: usize,
    /// Bytes from one row of the buffer to the next.
    pub pitch: isize,
    /// Bytes from one row of the destination to the next.
    pub destination_pitch: isize,
}

/// Writes the tile so that element `j` of row `i` is element `i` of row `j`. Elements of a row are adjacent on both sides.
///
/// # Safety
/// The tile's rows are readable from `buffer` on; its columns writable from `destination` on. `size` is 1, 2, 4, 8 or 16.
pub unsafe fn transpose(buffer: *const u8, destination: *mut u8, size: usize, tile: Tile) {
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            1 => squares::<1, 8>(buffer, destination, tile),
            2 => squares::<2, 8>(buffer, destination, tile),
            4 => squares::<4, 4>(buffer, destination, tile),
            8 => squares::<8, 2>(buffer, destination, tile),
            _ => elements::<16>(buffer, destination, tile, 0, 0, tile.rows, tile.columns),
        }
    }
}

/// The tile in squares of `N` elements of `SIZE` bytes, and its edges element by element.
///
/// # Safety
/// As for [`transpose`].
#[inline(always)]
unsafe fn squares<const SIZE: usize, const N: usize>(
    buffer: *const u8,
    destination: *mut u8,
    tile: Tile,
) {
    let whole = if cfg!(target_arch = "x86_64") {
        (tile.rows / N * N, tile.columns / N * N)
    } else {
        (0, 0)
    };
    // SAFETY: the caller's promise; squares stay inside the tile.
    unsafe {
        for j in (0..whole.1).step_by(N) {
            for i in (0..whole.0).step_by(N) {
                let from = buffer.offset(i as isize * tile.pitch).add(j * SIZE);
                let to = destination
                    .offset(j as isize * tile.destination_pitch)
                    .add(i * SIZE);
                square::<SIZE>(from, tile.pitch, to, tile.destination_pitch);
            }
        }
        elements::<SIZE>(
            buffer,
            destination,
            tile,
            0,
            whole.1,
            tile.rows,
            tile.columns,
        );
        elements::<SIZE>(buffer, destination, tile, whole.0, 0, tile.rows, whole.1);
    }
}

/// Rows `first_row..rows` of columns `first_column..columns`, element by element.
///
/// # Safety
/// As for [`transpose`].
#[inline(always)]
unsafe fn elements<const SIZE: usize>(
    buffer: *const u8,
    destination: *mut u8,
    tile: Tile,
    first_row: usize,
    first_column: usize,
    rows: usize,
    columns: usize,
) {
    for j in first_column..columns {
        for i in first_row..rows {
            // SAFETY: the caller's promise; an array of bytes may be anywhere.
            unsafe {
                let from = buffer
                    .offset(i as isize * tile.pitch)
                    .add(j * SIZE)
                    .cast::<[u8; SIZE]>();
                let to = destination
                    .offset(j as isize * tile.destination_pitch)
                    .add(i * SIZE);
                to.cast::<[u8; SIZE]>().write(from.read());
            }
        }
    }
}

/// One square: 8 x 8 elements of one or two bytes, 4 x 4 of four, 2 x 2 of eight.
///
/// # Safety
/// The square is readable at `from` and writable at `to`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn square<const SIZE: usize>(from: *const u8, pitch: isize, to: *mut u8, to_pitch: isize) {
    use core::arch::x86_64::*;
    // SAFETY: the caller's promise; loads and stores are of any alignment, and SSE2 is part of the architecture.
    unsafe {
        let row = |i: usize| _mm_loadu_si128(from.offset(i as isize * pitch).cast());
        let half = |i: usize| _mm_loadl_epi64(from.offset(i as isize * pitch).cast());
        let out = |j: isize| to.offset(j * to_pitch).cast::<__m128i>();
        match SIZE {
            1 => {
                let a = [0, 2, 4, 6].map(|i| _mm_unpacklo_epi8(half(i), half(i + 1)));
                let (b0, b1) = (
                    _mm_unpacklo_epi16(a[0], a[1]),
                    _mm_unpackhi_epi16(a[0], a[1]),
                );
                let (b2, b3) = (
                    _mm_unpacklo_epi16(a[2], a[3]),
                    _mm_unpackhi_epi16(a[2], a[3]),
                );
                let c = [
                    _mm_unpacklo_epi32(b0, b2),
                    _mm_unpackhi_epi32(b0, b2),
                    _mm_unpacklo_epi32(b1, b3),
                    _mm_unpackhi_epi32(b1, b3),
                ];
                for (j, pair) in c.into_iter().enumerate() {
                    let j = 2 * j as isize;
                    _mm_storel_epi64(out(j), pair);
                    _mm_storel_epi64(out(j + 1), _mm_unpackhi_epi64(pair, pair));
                }
            }
            2 => {
                let a = [0, 2, 4, 6].map(|i| (row(i), row(i + 1)));
                let a = a.map(|(x, y)| (_mm_unpacklo_epi16(x, y), _mm_unpackhi_epi16(x, y)));
                let join = |x, y| (_mm_unpacklo_epi32(x, y), _mm_unpackhi_epi32(x, y));
                let (b0, b1) = (join(a[0].0, a[1].0), join(a[0].1, a[1].1));
                let (b2, b3) = (join(a[2].0, a[3].0), join(a[2].1, a[3].1));
                for (j, (x, y)) in [(b0.0, b2.0), (b0.1, b2.1), (b1.0, b3.0), (b1.1, b3.1)]
                    .into_iter()
                    .enumerate()
                {
                    let j = 2 * j as isize;
                    _mm_storeu_si128(out(j), _mm_unpacklo_epi64(x, y));
                    _mm_storeu_si128(out(j + 1), _mm_unpackhi_epi64(x, y));
                }
            }
            4 => {
                let (a, b, c, d) = (row(0), row(1), row(2), row(3));
                let (ab, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
                let (cd, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
                _mm_storeu_si128(out(0), _mm_unpacklo_epi64(ab, cd));
                _mm_storeu_si128(out(1), _mm_unpackhi_epi64(ab, cd));
                _mm_storeu_si128(out(2), _mm_unpacklo_epi64(ab_high, cd_high));
                _mm_storeu_si128(out(3), _mm_unpackhi_epi64(ab_high, cd_high));
            }
            _ => {
                let (a, b) = (row(0), row(1));
                _mm_storeu_si128(out(0), _mm_unpacklo_epi64(a, b));
                _mm_storeu_si128(out(1), _mm_unpackhi_epi64(a, b));
            }
        }
    }
}

/// Never called: without unpack instructions there are no squares.
///
/// # Safety
/// None is needed.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn square<const SIZE: usize>(_: *const u8, _: isize, _: *mut u8, _: isize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_of_every_size_are_transposed() {
        for size in [1, 2, 4, 8, 16] {
            for rows in 1..=side(size) {
                for columns in [1, 2, 3, 7, 8, 9, side(size)] {
                    let pitch = columns * size + 3;
                    let source: Vec<u8> =
                        (0..rows * pitch).map(|i| (i * 7 + i / 251) as u8).collect();
                    let to_pitch = rows * size + 5;
                    let mut target = vec![0xeeu8; columns * to_pitch];
                    let tile = Tile {
                        rows,
                        columns,
                        pitch: pitch as isize,
                        destination_pitch: to_pitch as isize,
                    };
                    // SAFETY: both sides have room for the tile.
                    unsafe { transpose(source.as_ptr(), target.as_mut_ptr(), size, tile) };
                    for j in 0..columns {
                        for i in 0..rows {
                            let from = &source[i * pitch + j * size..][..size];
                            assert_eq!(&target[j * to_pitch + i * size..][..size], from);
                        }
                        assert!(
                            target[j * to_pitch + rows * size..][..5]
                                .iter()
                                .all(|b| *b == 0xee)
                        );
                    }
                }
            }
        }
    }
}
