//! Complex numbers to and from real ones, in one step: of parts of 32 bits sixteen at a time, through binary32, and of 64 bits eight at a
//! time, through binary64.

use super::*;

/// Sixteen real parts of 32 bits, of which lines are read in some way.
struct RealSingles<R>(R);

load!(RealSingles<R> where R: ReadLine, 8, |at| {
    const REAL: [u32; 16] = {
        let mut places = [0; 16];
        let mut i = 0;
        while i < 16 {
            places[i] = 2 * i as u32;
            i += 1;
        }
        places
    };
    let (low, high) = (R::read(at), R::read(at.add(64)));
    let real = _mm512_permutex2var_epi32(low, load512(REAL.as_ptr().cast()), high);
    _mm512_castsi512_ps(real)
});

/// Complex numbers of two binary32.
struct ComplexSingles;

store!(ComplexSingles, 8, |sixteen, to| {
    let [low, high] = halves(sixteen);
    Self::store_singles(to, low);
    Self::store_singles(to.add(64), high);
});

impl StoreSingles for ComplexSingles {
    #[inline(always)]
    unsafe fn store_singles(to: *mut u8, singles: __m256) {
        // SAFETY: the caller's promise.
        unsafe { store512(to, _mm512_cvtepu32_epi64(_mm256_castps_si256(singles))) }
    }
}

/// The same of formats that are read as they lie: their NaNs may be signalling, and become quiet.
struct QuietComplexSingles;

store!(QuietComplexSingles, 8, |sixteen, to| {
    ComplexSingles::store_sixteen(to, with_quiet(sixteen, sixteen));
});

/// Where the real parts of eight complex numbers are in two registers.
const REAL: [u64; 8] = [0, 2, 4, 6, 8, 10, 12, 14];

/// Real parts of 64 bits, of which lines are read in some way.
struct RealDoubles<R>(R);

impl<R: ReadLine> ReadDoubles for RealDoubles<R> {
    const SIZE: usize = 16;
    #[inline(always)]
    unsafe fn read_doubles(at: *const u8) -> __m512d {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (R::read(at), R::read(at.add(64)));
            let real = _mm512_permutex2var_epi64(low, load512(REAL.as_ptr().cast()), high);
            _mm512_castsi512_pd(real)
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
struct ComplexDoubles<L>(L);

impl<L: Eighth> Group for ComplexDoubles<L> {
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

/// What reads the last-level cache by parts of lines, where it waits for these.
pub fn distant(from: Scalar, to: Scalar) -> Option<Run> {
    Some(match (from, to) {
        (Scalar::Complex64, Scalar::Float32) => {
            run_many::<Sixteen<RealSingles<InQuarters>, QuietF32>, FEW>
        }
        (Scalar::Complex64, Scalar::Float64) => {
            run_many::<Sixteen<RealSingles<InQuarters>, F64>, FEW>
        }
        (Scalar::Complex64, Scalar::Int16) => run_many::<Sixteen<RealSingles<InHalves>, I16>, FEW>,
        (Scalar::Complex64, Scalar::UInt16) => run_many::<Sixteen<RealSingles<InHalves>, U16>, FEW>,
        (Scalar::Complex64, Scalar::Int32) => {
            run_many::<Sixteen<RealSingles<InQuarters>, I32>, FEW>
        }
        (Scalar::Complex64, Scalar::UInt32) => {
            run_many::<Sixteen<RealSingles<InQuarters>, U32>, FEW>
        }
        (Scalar::Float64, Scalar::Complex64) => {
            run_many::<Narrowed<F64, InQuarters, ComplexSingles>, EIGHT>
        }
        (Scalar::Complex128, Scalar::Int8) => {
            run_many::<Sixteen<Truncated<RealDoubles<InHalves>>, I8>, FEW>
        }
        (Scalar::Complex128, Scalar::UInt8) => {
            run_many::<Sixteen<Truncated<RealDoubles<InHalves>>, U8>, FEW>
        }
        (Scalar::Complex128, Scalar::Int16) => {
            run_many::<Sixteen<Truncated<RealDoubles<InHalves>>, I16>, FEW>
        }
        (Scalar::Complex128, Scalar::UInt16) => {
            run_many::<Sixteen<Truncated<RealDoubles<InHalves>>, U16>, FEW>
        }
        (Scalar::Complex128, Scalar::Float32) => {
            run_many::<Doubles<F32, RealDoubles<InHalves>, EIGHT>, EIGHT>
        }
        (Scalar::Complex128, Scalar::Float64) => {
            run_many::<Doubles<F64, RealDoubles<InQuarters>, EIGHT>, EIGHT>
        }
        _ => return None,
    })
}

fn sixteen<L: LoadSixteen, S: StoreSixteen>() -> Step {
    Step::of_groups(run::<Sixteen<L, S>, FEW>, FEW)
}

fn of_c64(to: Scalar) -> Option<Step> {
    macro_rules! kernel {
        ($number:ident) => {
            sixteen::<RealSingles<AtOnce>, $number>()
        };
    }
    match to {
        Scalar::Bool => Some(Step::of_groups(run::<Either<8>, FEW>, FEW)),
        Scalar::Float32 => Some(sixteen::<RealSingles<AtOnce>, QuietF32>()),
        _ => for_number!(to, kernel),
    }
}

fn of_c128(to: Scalar) -> Option<Step> {
    Some(match to {
        Scalar::Bool => Step::of_groups(run::<Either<16>, FEW>, FEW),
        Scalar::Int8 => sixteen::<Truncated<RealDoubles<AtOnce>>, I8>(),
        Scalar::UInt8 => sixteen::<Truncated<RealDoubles<AtOnce>>, U8>(),
        Scalar::Int16 => sixteen::<Truncated<RealDoubles<AtOnce>>, I16>(),
        Scalar::UInt16 => sixteen::<Truncated<RealDoubles<AtOnce>>, U16>(),
        Scalar::Int32 => eight::<Doubles<I32, RealDoubles<AtOnce>, EIGHT>>(),
        Scalar::UInt32 => eight::<Doubles<U32, RealDoubles<AtOnce>, EIGHT>>(),
        Scalar::Int64 => eight::<Doubles<I64, RealDoubles<AtOnce>, EIGHT>>(),
        Scalar::UInt64 => eight::<Doubles<U64, RealDoubles<AtOnce>, EIGHT>>(),
        Scalar::Float16 => eight::<Doubles<F16, RealDoubles<AtOnce>, EIGHT>>(),
        Scalar::Float32 => eight::<Doubles<F32, RealDoubles<AtOnce>, EIGHT>>(),
        Scalar::Float64 => eight::<Doubles<F64, RealDoubles<AtOnce>, EIGHT>>(),
        _ => return None,
    })
}

fn to_c64(from: Scalar) -> Option<Step> {
    Some(match from {
        Scalar::Bool => sixteen::<Bool, ComplexSingles>(),
        Scalar::Int8 => sixteen::<I8, ComplexSingles>(),
        Scalar::UInt8 => sixteen::<U8, ComplexSingles>(),
        Scalar::Int16 => sixteen::<I16, ComplexSingles>(),
        Scalar::UInt16 => sixteen::<U16, ComplexSingles>(),
        Scalar::Int32 => sixteen::<Near<I32, AtOnce>, ComplexSingles>(),
        Scalar::UInt32 => sixteen::<Near<U32, AtOnce>, ComplexSingles>(),
        Scalar::Int64 => eight::<Narrowed<I64, AtOnce, ComplexSingles>>(),
        Scalar::UInt64 => eight::<Narrowed<U64, AtOnce, ComplexSingles>>(),
        Scalar::Float16 => sixteen::<F16, ComplexSingles>(),
        Scalar::BFloat16 => sixteen::<BF16, QuietComplexSingles>(),
        Scalar::Float32 => sixteen::<F32, QuietComplexSingles>(),
        Scalar::Float64 => eight::<Narrowed<F64, AtOnce, ComplexSingles>>(),
        _ => return None,
    })
}

fn to_c128(from: Scalar) -> Option<Step> {
    Some(match from {
        Scalar::Int8 => eight::<ComplexDoubles<I8>>(),
        Scalar::UInt8 => eight::<ComplexDoubles<U8>>(),
        Scalar::Int16 => eight::<ComplexDoubles<I16>>(),
        Scalar::UInt16 => eight::<ComplexDoubles<U16>>(),
        Scalar::Int32 => eight::<ComplexDoubles<I32>>(),
        Scalar::UInt32 => eight::<ComplexDoubles<U32>>(),
        Scalar::Int64 => eight::<ComplexDoubles<I64>>(),
        Scalar::UInt64 => eight::<ComplexDoubles<U64>>(),
        Scalar::Float32 => eight::<ComplexDoubles<F32>>(),
        Scalar::Float64 => eight::<ComplexDoubles<F64>>(),
        _ => return None,
    })
}
