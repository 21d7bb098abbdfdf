//! What does not pass through binary32 as a group: elements of eight bytes, and short cuts for bools.

use super::*;
use crate::opaque::{opaque128, opaque256};

/// `N` numbers of binary64, eight at a time.
pub struct Doubles<S, D, const N: usize>(S, D);

/// How eight numbers of binary64 are read: they follow each other, or are parts of what does.
pub trait ReadDoubles {
    /// Bytes from one to the next.
    const SIZE: usize;
    /// Eight numbers.
    ///
    /// # Safety
    /// They are readable.
    unsafe fn read_doubles(at: *const u8) -> __m512d;
}

impl<R: ReadLine> ReadDoubles for R {
    const SIZE: usize = 8;
    #[inline(always)]
    unsafe fn read_doubles(at: *const u8) -> __m512d {
        // SAFETY: the caller's promise.
        unsafe { _mm512_castsi512_pd(R::read(at)) }
    }
}

/// What eight numbers of binary64 become.
pub trait FromDoubles: Store<__m512> {
    /// Writes them.
    ///
    /// # Safety
    /// Eight elements are writable.
    unsafe fn store_eight(to: *mut u8, numbers: __m512d);
}

impl<S: FromDoubles, D: ReadDoubles, const N: usize> Group for Doubles<S, D, N> {
    const FROM: usize = D::SIZE;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        for i in 0..N / 8 {
            // SAFETY: the caller's promise.
            unsafe {
                let numbers = D::read_doubles(from.add(8 * D::SIZE * i));
                S::store_eight(to.add(8 * S::SIZE * i), numbers);
            }
        }
    }
}

/// Implements [`FromDoubles`].
macro_rules! from_doubles {
    ($name:ident, |$numbers:ident, $to:ident| $store:expr) => {
        impl FromDoubles for $name {
            #[inline(always)]
            unsafe fn store_eight($to: *mut u8, $numbers: __m512d) {
                // SAFETY: the caller's promise.
                unsafe { $store }
            }
        }
    };
}

from_doubles!(F32, |numbers, to| _mm256_storeu_ps(
    to.cast(),
    _mm512_cvtpd_ps(numbers)
));
from_doubles!(F16, |numbers, to| store128(
    to,
    opaque128(eight_halves(numbers))
));
from_doubles!(F64, |numbers, to| {
    // Parts of complex numbers.
    _mm512_storeu_pd(to.cast(), quiet(numbers));
});
from_doubles!(I32, |numbers, to| {
    let number = _mm512_cmp_pd_mask::<_CMP_ORD_Q>(numbers, numbers);
    // What is too low becomes the lowest integer.
    let held = _mm512_min_pd(numbers, _mm512_set1_pd(2147483647.0));
    store256(to, _mm512_maskz_cvttpd_epi32(number, held));
});
from_doubles!(U32, |numbers, to| {
    // What is too high becomes the highest integer.
    store256(to, _mm512_cvttpd_epu32(from_zero(numbers)));
});
from_doubles!(I64, |numbers, to| {
    let number = _mm512_cmp_pd_mask::<_CMP_ORD_Q>(numbers, numbers);
    let end = _mm512_set1_pd(9223372036854775808.0);
    let high = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(numbers, end);
    let longs = _mm512_maskz_cvttpd_epi64(number, numbers);
    store512(
        to,
        _mm512_mask_mov_epi64(longs, high, _mm512_set1_epi64(i64::MAX)),
    );
});
from_doubles!(U64, |numbers, to| {
    store512(to, _mm512_cvttpd_epu64(from_zero(numbers)));
});

/// The same numbers, of which NaNs become quiet.
#[inline(always)]
pub unsafe fn quiet(numbers: __m512d) -> __m512d {
    // Both kinds of them, four bits each.
    const QUIET: i64 = 0x22;
    // SAFETY: the module's features.
    unsafe { _mm512_fixupimm_pd::<0>(numbers, numbers, _mm512_set1_epi64(QUIET)) }
}

/// Eight numbers as float16: toward zero, and odd where bits are lost that normal numbers of binary32 do not have, whose subnormal ones
/// are far below the smallest of float16.
#[inline(always)]
unsafe fn eight_halves(numbers: __m512d) -> __m128i {
    // SAFETY: the module's features.
    unsafe {
        let lost = _mm512_set1_epi64(LOST_BITS);
        let lost = _mm512_test_epi64_mask(_mm512_castpd_si512(numbers), lost);
        let bits = _mm256_castps_si256(_mm512_cvt_roundpd_ps::<TO_ZERO>(numbers));
        // Of a one that it sees, and a mask, the compiler makes a number first.
        let one = opaque256(_mm256_set1_epi32(1));
        let odd = _mm256_mask_or_epi32(bits, lost, bits, one);
        _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_castsi256_ps(odd))
    }
}

/// What is below zero, or is NaN, as zero.
#[inline(always)]
unsafe fn from_zero(numbers: __m512d) -> __m512d {
    // SAFETY: the module's features. The second operand is the result where the first is NaN.
    unsafe { _mm512_max_pd(numbers, _mm512_setzero_pd()) }
}

/// float64 to bool: whether there is another bit set than the sign.
pub struct NonzeroDoubles;

impl Group for NonzeroDoubles {
    const FROM: usize = 8;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            // Both halves of a number become words and then bytes, of which one stays other than zero if it was.
            let words = each!([0, 128, 256, 384], |first| _mm512_packs_epi32(
                magnitudes(from.add(first)),
                magnitudes(from.add(first + 64))
            ));
            let [a, b, c, d] = words;
            let (low, high) = (_mm512_packs_epi16(a, b), _mm512_packs_epi16(c, d));
            let one = set16(1);
            let (low, high) = (_mm512_min_epu16(low, one), _mm512_min_epu16(high, one));
            // Twos of bytes are 0, 4, 8, and so on to 28, 1, 5.
            const PLACES: [u16; 32] = {
                let mut places = [0; 32];
                let mut i = 0;
                while i < 32 {
                    places[i] = (i % 4 * 8 + i / 4) as u16;
                    i += 1;
                }
                places
            };
            let order = load512(PLACES.as_ptr().cast());
            let bytes = _mm512_packus_epi16(low, high);
            store512(to, _mm512_permutexvar_epi16(order, bytes));
        }
    }
}

/// The same of sixteen.
pub struct FewNonzeroDoubles;

impl Group for FewNonzeroDoubles {
    const FROM: usize = 8;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let magnitude = _mm512_set1_epi64(i64::MAX);
            let low = _mm512_test_epi64_mask(load512(from), magnitude);
            let high = _mm512_test_epi64_mask(load512(from.add(64)), magnitude);
            let mask = u16::from(high) << 8 | u16::from(low);
            store128(to, _mm_maskz_mov_epi8(mask, _mm_set1_epi8(1)));
        }
    }
}

/// Eight numbers without their signs.
#[inline(always)]
unsafe fn magnitudes(from: *const u8) -> __m512i {
    // SAFETY: the caller's promise that eight numbers are readable.
    unsafe { _mm512_and_si512(load512(from), _mm512_set1_epi64(i64::MAX)) }
}

/// A float of sixteen bits to bool.
pub struct NonzeroHalves;

impl Group for NonzeroHalves {
    const FROM: usize = 2;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let low = _mm512_test_epi16_mask(load512(from), set16(0x7fff));
            let high = _mm512_test_epi16_mask(load512(from.add(64)), set16(0x7fff));
            let mask = u64::from(high) << 32 | u64::from(low);
            store512(to, _mm512_maskz_mov_epi8(mask, set8(1)));
        }
    }
}

/// Bool to a float, which is 0 or 1.
pub struct OfBool<T>(T);

impl<T: Ones> Group for OfBool<T> {
    const FROM: usize = 1;
    const TO: usize = T::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = load512(from);
            let mask = _mm512_test_epi8_mask(bytes, bytes);
            for i in 0..T::SIZE {
                store512(to.add(64 * i), T::ones(mask >> (64 / T::SIZE * i)));
            }
        }
    }
}

/// A float that bools are converted to.
pub trait Ones: Store<__m512> {
    /// A register of 1 where the mask is set.
    ///
    /// # Safety
    /// The processor has the module's features.
    unsafe fn ones(mask: u64) -> __m512i;
}

/// Implements [`Ones`].
macro_rules! ones {
    ($name:ident, |$mask:ident| $ones:expr) => {
        impl Ones for $name {
            #[inline(always)]
            unsafe fn ones($mask: u64) -> __m512i {
                // SAFETY: the caller's promise.
                unsafe { $ones }
            }
        }
    };
}

ones!(F16, |mask| _mm512_maskz_mov_epi16(
    mask as u32,
    set16(0x3c00)
));
ones!(BF16, |mask| _mm512_maskz_mov_epi16(
    mask as u32,
    set16(0x3f80)
));
ones!(F32, |mask| _mm512_maskz_mov_epi32(
    mask as u16,
    set32(0x3f80_0000)
));
ones!(F64, |mask| _mm512_maskz_mov_epi64(
    mask as u8,
    _mm512_set1_epi64(0x3ff << 52)
));

/// Elements of eight bytes to the nearest binary32, eight at a time.
pub struct Narrowed<L, R, S>(L, R, S);

/// What eight elements of eight bytes are as binary32.
pub trait Nearest {
    /// The numbers nearest to those of a register.
    ///
    /// # Safety
    /// The processor has the module's features.
    unsafe fn nearest(eight: __m512i) -> __m256;
}

/// How eight numbers of binary32 are written.
pub trait StoreSingles: Store<__m512> {
    /// Writes them.
    ///
    /// # Safety
    /// Eight elements are writable.
    unsafe fn store_singles(to: *mut u8, singles: __m256);
}

/// Implements [`Nearest`].
macro_rules! nearest {
    ($name:ident, |$eight:ident| $nearest:expr) => {
        impl Nearest for $name {
            #[inline(always)]
            unsafe fn nearest($eight: __m512i) -> __m256 {
                // SAFETY: the caller's promise.
                unsafe { $nearest }
            }
        }
    };
}

nearest!(I64, |eight| _mm512_cvtepi64_ps(eight));
nearest!(U64, |eight| _mm512_cvtepu64_ps(eight));
nearest!(F64, |eight| _mm512_cvtpd_ps(_mm512_castsi512_pd(eight)));

impl StoreSingles for F32 {
    #[inline(always)]
    unsafe fn store_singles(to: *mut u8, singles: __m256) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_ps(to.cast(), singles) }
    }
}

impl<L: Nearest, R: ReadLine, S: StoreSingles> Group for Narrowed<L, R, S> {
    const FROM: usize = 8;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { S::store_singles(to, L::nearest(R::read(from))) }
    }
}

/// 64-bit integers to float64, eight at a time.
pub struct DoublesOf<const SIGNED: bool, R>(R);

impl<const SIGNED: bool, R: ReadLine> Group for DoublesOf<SIGNED, R> {
    const FROM: usize = 8;
    const TO: usize = 8;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let integers = R::read(from);
            let doubles = match SIGNED {
                true => _mm512_cvtepi64_pd(integers),
                false => _mm512_cvtepu64_pd(integers),
            };
            _mm512_storeu_pd(to.cast(), doubles);
        }
    }
}

/// 64-bit integers to those of 32 bits, which wrap, eight at a time.
pub struct Wrapped<R>(R);

impl<R: ReadLine> Group for Wrapped<R> {
    const FROM: usize = 8;
    const TO: usize = 4;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe { store256(to, _mm512_cvtepi64_epi32(R::read(from))) }
    }
}

/// 64-bit integers to those of 16 bits, which wrap, eight at a time, of which lines are read by quarters.
pub struct Shortened;

impl Group for Shortened {
    const FROM: usize = 8;
    const TO: usize = 2;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (four_held(from), four_held(from.add(32)));
            store128(to, _mm_packus_epi32(low, high));
        }
    }
}

/// The lower sixteen bits of four 64-bit integers, as 32-bit ones.
#[inline(always)]
unsafe fn four_held(from: *const u8) -> __m128i {
    // SAFETY: the caller's promise that they are readable.
    unsafe {
        let (low, high) = (load128(from), load128(from.add(16)));
        // The lower halves of each.
        let lower = _mm_shuffle_ps::<0b10_00_10_00>(_mm_castsi128_ps(low), _mm_castsi128_ps(high));
        _mm_and_si128(_mm_castps_si128(lower), _mm_set1_epi32(0xffff))
    }
}
