//! C functions that are compiled for each vector width, and the call of the one for a width.

/// Declares a C function of two pointers under a symbol.
#[cfg(attrax_kernels)]
macro_rules! declared {
    ($name:ident, $symbol:expr, $First:ty, $Second:ty) => {
        unsafe extern "C" {
            #[link_name = $symbol]
            fn $name(first: *const $First, second: *const $Second);
        }
    };
}

/// Defines a function that calls the C function of a width. Its symbol is the prefix and the
/// width's name.
///
/// On processors without kernels there is no width to call it with.
macro_rules! for_each_width {
    (
        $(#[$about:meta])*
        $visibility:vis unsafe fn $call:ident($first:ident: &$First:ty, $second:ident: &$Second:ty) = $prefix:literal;
    ) => {
        $(#[$about])*
        #[cfg_attr(not(attrax_kernels), expect(unused_variables, reason = "there are no kernels for this processor"))]
        $visibility unsafe fn $call(width: $crate::Width, $first: &$First, $second: &$Second) {
            #[cfg(target_arch = "x86_64")]
            $crate::dispatch::declared!(avx512, concat!($prefix, "avx512"), $First, $Second);
            #[cfg(target_arch = "x86_64")]
            $crate::dispatch::declared!(avx2, concat!($prefix, "avx2"), $First, $Second);
            #[cfg(target_arch = "x86_64")]
            $crate::dispatch::declared!(sse2, concat!($prefix, "sse2"), $First, $Second);
            #[cfg(target_arch = "aarch64")]
            $crate::dispatch::declared!(neon, concat!($prefix, "neon"), $First, $Second);
            #[cfg(attrax_kernels)]
            $crate::dispatch::declared!(portable, concat!($prefix, "portable"), $First, $Second);
            // SAFETY: as the caller promises.
            #[cfg(attrax_kernels)]
            unsafe {
                match width {
                    #[cfg(target_arch = "x86_64")]
                    $crate::Width::Avx512 => avx512($first, $second),
                    #[cfg(target_arch = "x86_64")]
                    $crate::Width::Avx2 => avx2($first, $second),
                    #[cfg(target_arch = "x86_64")]
                    $crate::Width::Sse2 => sse2($first, $second),
                    #[cfg(target_arch = "aarch64")]
                    $crate::Width::Neon => neon($first, $second),
                    _ => portable($first, $second),
                }
            }
        }
    };
}

#[cfg(attrax_kernels)]
pub(crate) use declared;
pub(crate) use for_each_width;
