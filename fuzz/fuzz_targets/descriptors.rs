//! Searches for a descriptor that the library judges differently from an independent check, or that makes it touch
//! memory the descriptor does not reach.

#![no_main]

#[path = "../../tests/descriptors/mod.rs"]
mod descriptors;

use libfuzzer_sys::fuzz_target;

thread_local! {
    static ARENA: descriptors::Arena = descriptors::Arena::new();
}

fuzz_target!(|input: &[u8]| {
    ARENA.with(|arena| descriptors::run(input, arena));
});
