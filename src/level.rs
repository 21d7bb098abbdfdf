//! The instruction-set level in use: the highest that the processor has, unless `ASTENSOR_LEVEL` lowers it.

use crate::setting;
use core::sync::atomic::{AtomicU8, Ordering};

/// Instruction sets that kernels are compiled for. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// No kernels: decoders and encoders, which define the results.
    Scalar = 1,
    /// What every processor of the architecture has.
    Baseline = 2,
    /// AVX2 and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2 = 3,
    /// AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512 = 4,
    /// AVX-512 VBMI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vbmi = 5,
    /// AVX-512 BF16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16 = 6,
}

const NAMES: &[(&[u8], Level)] = &[
    (b"scalar", Level::Scalar),
    (b"baseline", Level::Baseline),
    #[cfg(target_arch = "x86_64")]
    (b"avx2", Level::Avx2),
    #[cfg(target_arch = "x86_64")]
    (b"avx512", Level::Avx512),
    #[cfg(target_arch = "x86_64")]
    (b"avx512vbmi", Level::Avx512Vbmi),
    #[cfg(target_arch = "x86_64")]
    (b"avx512bf16", Level::Avx512Bf16),
];

/// The level in use, found once; 0 before. Threads that find it at the same time find the same.
static CURRENT: AtomicU8 = AtomicU8::new(0);

/// The level in use.
#[inline(always)]
pub fn current() -> Level {
    match CURRENT.load(Ordering::Relaxed) {
        known if known == Level::Scalar as u8 => Level::Scalar,
        known if known == Level::Baseline as u8 => Level::Baseline,
        #[cfg(target_arch = "x86_64")]
        known if known == Level::Avx2 as u8 => Level::Avx2,
        #[cfg(target_arch = "x86_64")]
        known if known == Level::Avx512 as u8 => Level::Avx512,
        #[cfg(target_arch = "x86_64")]
        known if known == Level::Avx512Vbmi as u8 => Level::Avx512Vbmi,
        #[cfg(target_arch = "x86_64")]
        known if known == Level::Avx512Bf16 as u8 => Level::Avx512Bf16,
        _ => find(),
    }
}

/// Whether the level in use has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx2() -> bool {
    current() >= Level::Avx2
}

/// Whether the level in use has AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx512() -> bool {
    current() >= Level::Avx512
}

/// Whether the level in use has AVX-512 VBMI.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn has_avx512_vbmi() -> bool {
    current() >= Level::Avx512Vbmi
}

/// Finds the level for the first time.
#[cold]
fn find() -> Level {
    let level =
        setting::choice(c"ASTENSOR_LEVEL", NAMES).map_or(highest(), |level| level.min(highest()));
    CURRENT.store(level as u8, Ordering::Relaxed);
    level
}

/// The highest level of this processor.
fn highest() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let has_avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c");
        let has_vbmi = has_avx2 && has_avx512 && is_x86_feature_detected!("avx512vbmi");
        if has_vbmi && is_x86_feature_detected!("avx512bf16") {
            return Level::Avx512Bf16;
        }
        if has_vbmi {
            return Level::Avx512Vbmi;
        }
        if has_avx2 && has_avx512 {
            return Level::Avx512;
        }
        if has_avx2 {
            return Level::Avx2;
        }
    }
    Level::Baseline
}
