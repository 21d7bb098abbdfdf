//! The header that is checked in is what the pinned cbindgen makes of the sources.
//!
//! `ASTENSOR_BLESS=1 cargo test --test header` writes it anew.

use std::path::Path;

#[test]
fn checked_in_header_equals_generated_header() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut generated = Vec::new();
    // The files of the C interface, in the order of the header.
    const SECTIONS: [&str; 13] = [
        "status",
        "handle",
        "options",
        "create",
        "value",
        "share",
        "look",
        "format",
        "views",
        "fill",
        "loans",
        "gradients",
        "settings",
    ];
    SECTIONS
        .iter()
        .fold(cbindgen::Builder::new(), |builder, section| {
            builder.with_src(root.join(format!("src/capi/{section}.rs")))
        })
        .with_config(config)
        .generate()
        .expect("the sources parse")
        .write(&mut generated);
    let generated = String::from_utf8(generated).expect("a header is text");
    let path = root.join("include/astensor/astensor.h");
    if std::env::var_os("ASTENSOR_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("the header can be written");
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        generated == checked_in,
        "include/astensor/astensor.h is not what the sources say: run `make header`"
    );
}
