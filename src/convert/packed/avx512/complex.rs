//! Complex numbers to and from real ones, in one step: of parts of 32 bits sixteen at a time, through binary32, and of 64 bits eight at a
//! time, through binary64.

use super::*;

/// Sixteen real parts of 32 bits.
struct C64;

load!(C64, 8, |at| {
    const REAL: [u32; 16] = {
        let mut places = [0; 16];
        let mut i = 0;
        while i < 16 {
            places[i] = 2 * i as u32;
            i += 1;
        }
        places
    };
    let (low, high) = (
        _mm512_loadu_ps(at.cast()),
        _mm512_loadu_ps(at.add(64).cast()),
    );
    _mm512_permutex2var_ps(low, load512(REAL.as_ptr().cast()), high)
});

store!(C64, 8, |sixteen, to| {
    let [low, high] = halves(sixteen);
    store512(to, _mm512_cvtepu32_epi64(_mm256_castps_si256(low)));
    store512(to.add(64), _mm512_cvtepu32_epi64(_mm256_castps_si256(high)));
});

/// The same of formats that are read as they lie: their NaNs may be signalling, and become quiet.
struct QuietC64;

store!(QuietC64, 8, |sixteen, to| {
    C64::store_sixteen(to, with_quiet(sixteen, sixteen));
});

/// Where the real parts of eight complex numbers are in two registers.
const REAL: [u64; 8] = [0, 2, 4, 6, 8, 10, 12, 14];

/// The real parts of eight complex numbers of two binary64.
struct OfC128<S>(S);

impl<S: FromDoubles> Group for OfC128<S> {
    const FROM: usize = 16;
    const TO: usize = S::SIZE;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (
                _mm512_loadu_pd(from.cast()),
                _mm512_loadu_pd(from.add(64).cast()),
            );
            let numbers = _mm512_permutex2var_pd(low, load512(REAL.as_ptr().cast()), high);
            S::store_eight(to, numbers);
        }
    }
}

/// What eight elements are as binary64.
trait Eighth {
    /// Bytes of one.
    const SIZE: usize;
    /// Eight elements.
    ///
    /// # Safety
    /// They are readable.
    unsafe fn eight(at: *const u8) -> __m512d;
}

/// Implements [`Eighth`].
macro_rules! eighth {
    ($name:ident, $size:literal, |$at:ident| $eight:expr) => {
        impl Eighth for $name {
            const SIZE: usize = $size;
            #[inline(always)]
            unsafe fn eight($at: *const u8) -> __m512d {
                // SAFETY: the caller's promise.
                unsafe { $eight }
            }
        }
    };
}

eighth!(I8, 1, |at| _mm512_cvtepi32_pd(_mm256_cvtepi8_epi32(
    _mm_loadu_si64(at)
)));
eighth!(U8, 1, |at| _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(
    _mm_loadu_si64(at)
)));
eighth!(I16, 2, |at| _mm512_cvtepi32_pd(_mm256_cvtepi16_epi32(
    load128(at)
)));
eighth!(U16, 2, |at| _mm512_cvtepi32_pd(_mm256_cvtepu16_epi32(
    load128(at)
)));
eighth!(I32, 4, |at| _mm512_cvtepi32_pd(load256(at)));
eighth!(U32, 4, |at| _mm512_cvtepu32_pd(load256(at)));
eighth!(I64, 8, |at| _mm512_cvtepi64_pd(load512(at)));
eighth!(U64, 8, |at| _mm512_cvtepu64_pd(load512(at)));
eighth!(F32, 4, |at| _mm512_cvtps_pd(_mm256_loadu_ps(at.cast())));
eighth!(F64, 8, |at| quiet(_mm512_loadu_pd(at.cast())));

/// Complex numbers of two binary64.
struct ToC128<L>(L);

impl<L: Eighth> Group for ToC128<L> {
    const FROM: usize = L::SIZE;
    const TO: usize = 16;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        const LOW: [u64; 8] = [0, 0, 1, 0, 2, 0, 3, 0];
        const HIGH: [u64; 8] = [4, 0, 5, 0, 6, 0, 7, 0];
        const REAL: u8 = 0b0101_0101;
        // SAFETY: the caller's promise.
        unsafe {
            let eight = L::eight(from);
            for (i, places) in [LOW, HIGH].into_iter().enumerate() {
                let places = load512(places.as_ptr().cast());
                let pairs = _mm512_maskz_permutexvar_pd(REAL, places, eight);
                _mm512_storeu_pd(to.add(64 * i).cast(), pairs);
            }
        }
    }
}

/// Eight 64-bit integers, or numbers of binary64, to the nearest complex numbers of two binary32.
struct LongsToC64<L>(L);

/// What eight elements of eight bytes are as binary32.
trait Shortened {
    /// Eight elements.
    ///
    /// # Safety
    /// They are readable.
    unsafe fn singles(at: *const u8) -> __m256;
}

/// Implements [`Shortened`].
macro_rules! shortened {
    ($name:ident, |$at:ident| $singles:expr) => {
        impl Shortened for $name {
            #[inline(always)]
            unsafe fn singles($at: *const u8) -> __m256 {
                // SAFETY: the caller's promise.
                unsafe { $singles }
            }
        }
    };
}

shortened!(I64, |at| _mm512_cvtepi64_ps(load512(at)));
shortened!(U64, |at| _mm512_cvtepu64_ps(load512(at)));
shortened!(F64, |at| _mm512_cvtpd_ps(_mm512_loadu_pd(at.cast())));

impl<L: Shortened> Group for LongsToC64<L> {
    const FROM: usize = 8;
    const TO: usize = 8;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let bits = _mm256_castps_si256(L::singles(from));
            store512(to, _mm512_cvtepu32_epi64(bits));
        }
    }
}

/// Whether either part of sixteen complex numbers is not zero.
struct Either<const BYTES: usize>;

impl<const BYTES: usize> Group for Either<BYTES> {
    const FROM: usize = BYTES;
    const TO: usize = 1;
    #[inline(always)]
    unsafe fn convert(from: *const u8, to: *mut u8, _: Parameters) {
        // SAFETY: the caller's promise.
        unsafe {
            let mask = match BYTES {
                8 => {
                    let magnitude = set32(u32::MAX >> 1);
                    let low = _mm512_test_epi64_mask(load512(from), magnitude);
                    let high = _mm512_test_epi64_mask(load512(from.add(64)), magnitude);
                    u16::from(high) << 8 | u16::from(low)
                }
                _ => {
                    let low = eight_nonzero(from);
                    u16::from(eight_nonzero(from.add(128))) << 8 | u16::from(low)
                }
            };
            store128(to, _mm_maskz_mov_epi8(mask, _mm_set1_epi8(1)));
        }
    }
}

/// Which of eight complex numbers of two binary64 have a part that is not zero.
#[inline(always)]
unsafe fn eight_nonzero(from: *const u8) -> u8 {
    const IMAGINARY: [u64; 8] = [1, 3, 5, 7, 9, 11, 13, 15];
    // SAFETY: the caller's promise that they are readable.
    unsafe {
        let (low, high) = (load512(from), load512(from.add(64)));
        let real = _mm512_permutex2var_epi64(low, load512(REAL.as_ptr().cast()), high);
        let imaginary = _mm512_permutex2var_epi64(low, load512(IMAGINARY.as_ptr().cast()), high);
        let magnitude = _mm512_set1_epi64(i64::MAX);
        _mm512_test_epi64_mask(_mm512_or_si512(real, imaginary), magnitude)
    }
}

/// The kernel of a pair of which one is complex.
pub fn direct(from: Scalar, to: Scalar) -> Option<Step> {
    match (from, to) {
        (Scalar::Complex64, _) => of_c64(to),
        (Scalar::Complex128, _) => of_c128(to),
        (_, Scalar::Complex64) => to_c64(from),
        (_, Scalar::Complex128) => to_c128(from),
        _ => None,
    }
}

fn sixteen<L: LoadSixteen, S: StoreSixteen>() -> Step {
    Step::of_groups(run::<Sixteen<L, S>, FEW>, FEW)
}

fn eight<G: Group>() -> Step {
    Step::of_groups(run::<G, EIGHT>, EIGHT)
}

fn of_c64(to: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($number:ident) => {
            sixteen::<C64, $number>()
        };
    }
    match to {
        Scalar::Bool => Some(Step::of_groups(run::<Either<8>, FEW>, FEW)),
        Scalar::Float32 => Some(sixteen::<C64, QuietF32>()),
        _ => for_number!(to, kernel),
    }
}

fn of_c128(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::Bool => Step::of_groups(run::<Either<16>, FEW>, FEW),
        Scalar::Int32 => eight::<OfC128<I32>>(),
        Scalar::UInt32 => eight::<OfC128<U32>>(),
        Scalar::Int64 => eight::<OfC128<I64>>(),
        Scalar::UInt64 => eight::<OfC128<U64>>(),
        Scalar::Float16 => eight::<OfC128<F16>>(),
        Scalar::Float32 => eight::<OfC128<F32>>(),
        Scalar::Float64 => eight::<OfC128<F64>>(),
        _ => return None,
    })
}

fn to_c64(from: Scalar) -> Option<Step> {
    Some(match from {
        Scalar::Bool => sixteen::<Bool, C64>(),
        Scalar::Int8 => sixteen::<I8, C64>(),
        Scalar::UInt8 => sixteen::<U8, C64>(),
        Scalar::Int16 => sixteen::<I16, C64>(),
        Scalar::UInt16 => sixteen::<U16, C64>(),
        Scalar::Int32 => sixteen::<Near<I32, AtOnce>, C64>(),
        Scalar::UInt32 => sixteen::<Near<U32, AtOnce>, C64>(),
        Scalar::Int64 => eight::<LongsToC64<I64>>(),
        Scalar::UInt64 => eight::<LongsToC64<U64>>(),
        Scalar::Float16 => sixteen::<F16, C64>(),
        Scalar::BFloat16 => sixteen::<BF16, QuietC64>(),
        Scalar::Float32 => sixteen::<F32, QuietC64>(),
        Scalar::Float64 => eight::<LongsToC64<F64>>(),
        _ => return None,
    })
}

fn to_c128(from: Scalar) -> Option<Step> {
    Some(match from {
        Scalar::Int8 => eight::<ToC128<I8>>(),
        Scalar::UInt8 => eight::<ToC128<U8>>(),
        Scalar::Int16 => eight::<ToC128<I16>>(),
        Scalar::UInt16 => eight::<ToC128<U16>>(),
        Scalar::Int32 => eight::<ToC128<I32>>(),
        Scalar::UInt32 => eight::<ToC128<U32>>(),
        Scalar::Int64 => eight::<ToC128<I64>>(),
        Scalar::UInt64 => eight::<ToC128<U64>>(),
        Scalar::Float32 => eight::<ToC128<F32>>(),
        Scalar::Float64 => eight::<ToC128<F64>>(),
        _ => return None,
    })
}
