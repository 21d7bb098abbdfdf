//! Replays descriptors: inputs that are kept, and as many again from a fixed sequence of random numbers.

mod descriptors;

use descriptors::{Arena, run};

#[test]
fn kept_descriptors_are_judged_rightly() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/descriptors");
    let arena = Arena::new();
    let mut count = 0;
    for entry in std::fs::read_dir(directory).expect("the corpus is there") {
        let input = std::fs::read(entry.expect("an entry").path()).expect("a readable file");
        run(&input, &arena);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn random_descriptors_are_judged_rightly() {
    let arena = Arena::new();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    for _ in 0..200_000 {
        let input: [u8; 96] = std::array::from_fn(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        });
        run(&input, &arena);
    }
}
