//! Loops that the compiler vectorises, compiled for every instruction-set level.

/// Compiles a loop for every processor and once more for AVX2 and AVX-512, and calls the best one.
macro_rules! at_every_level {
    (
        $(#[$doc:meta])*
        unsafe fn $name:ident<$T:ident: $bound:path, const $N:ident: $number:ty>(
            $($argument:ident: $type:ty),* $(,)?
        ) $body:block
    ) => {
        $(#[$doc])*
        #[inline(always)]
        unsafe fn $name<$T: $bound, const $N: $number>($($argument: $type),*) {
            #[inline(always)]
            unsafe fn plain<$T: $bound, const $N: $number>($($argument: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            unsafe fn avx2<$T: $bound, const $N: $number>($($argument: $type),*) {
                // SAFETY: the caller's promise.
                unsafe { plain::<$T, $N>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,avx512f,avx512bw")]
            unsafe fn avx512<$T: $bound, const $N: $number>($($argument: $type),*) {
                // SAFETY: the caller's promise.
                unsafe { plain::<$T, $N>($($argument),*) }
            }
            // SAFETY: the caller's promise; the processor was asked.
            unsafe {
                #[cfg(target_arch = "x86_64")]
                if $crate::convert::has_avx512() {
                    return avx512::<$T, $N>($($argument),*);
                }
                #[cfg(target_arch = "x86_64")]
                if $crate::convert::has_avx2() {
                    return avx2::<$T, $N>($($argument),*);
                }
                plain::<$T, $N>($($argument),*)
            }
        }
    };
}

pub(super) use at_every_level;
