//! Any text as a field set and as a path element; what is read must print and read back as it was.
//!
//! `cargo +nightly fuzz run fields_v1`
#![no_main]

use libfuzzer_sys::fuzz_target;
use structured_merge::{PathElement, Set};

fuzz_target!(|text: &str| {
    if let Ok(element) = text.parse::<PathElement>() {
        let again: PathElement = element.to_fields_v1().parse().expect("what was printed is an element");
        assert_eq!(again, element);
    }
    let Ok(set) = text.parse::<Set>() else { return };
    let again: Set = set.to_fields_v1_text().parse().expect("what was printed is a set");
    assert_eq!(again, set);
    assert_eq!(set.iter().collect::<Set>(), set);
});
