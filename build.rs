//! Link arguments of the shared library: its soname, and that it is never unloaded.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS");
    if target.is_ok_and(|os| os == "linux") {
        // Programs ask for the interface, not for a version: the number is raised with TENSOR_ABI_VERSION.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libastensor.so.0");
        // A deleter of an exported tensor may be called after the last dlclose().
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
