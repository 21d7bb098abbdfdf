//! Settings: threads and versions.

use super::guard::guard;
use super::tensor_status_t;
use crate::copy;
use crate::error::Error;
use core::ffi::{CStr, c_char};

/// Version of this interface: it changes when a program must be compiled anew.
pub const TENSOR_ABI_VERSION: u32 = 1;

/// Set how many threads a large copy may use, the calling one included. Results do not depend on it.
///
/// @param count  0: as many as there are processors, which is the default. 1: no thread is ever made.
/// @return TENSOR_OK, or TENSOR_ERROR_ARGUMENT for a negative number.
/// @par Threads  For the whole process; copies that run keep the number they began with.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_set_num_threads(count: i32) -> tensor_status_t {
    guard(|| {
        if count < 0 {
            return Err(Error::Parameter {
                name: "count",
                value: count.into(),
                expected: "0 for automatic, or a number of threads",
            });
        }
        copy::set_num_threads(count);
        Ok(())
    })
}

/// How many threads a large copy may use, the calling one included.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_num_threads() -> i32 {
    copy::num_threads()
}

/// The version of the library, such as "1.2.3". A string that is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => panic!("a version has no NUL"),
        };
    VERSION.as_ptr()
}

/// The version of the interface the library was built with: compare with TENSOR_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn tensor_abi_version() -> u32 {
    TENSOR_ABI_VERSION
}
