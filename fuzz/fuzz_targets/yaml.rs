//! Any bytes as YAML, in both readings; what is read must print and read back as it was.
//!
//! `cargo +nightly fuzz run yaml`
#![no_main]

use gitops_manifest::{ParseOptions, parse, parse_objects, to_canonical_json, to_yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for options in [ParseOptions::kubectl(), ParseOptions::kustomize()] {
        let _ = parse_objects("fuzz", bytes, &options);
        let Ok(documents) = parse("fuzz", bytes, &options.clone().keep_spans()) else { continue };
        for document in &documents {
            for scalar in document.scalars() {
                assert!(scalar.span.start <= scalar.span.end && scalar.span.end <= bytes.len());
            }
            // A scalar of its own is no manifest, and some cannot be told from the text around them.
            if !document.value().is_object() {
                continue;
            }
            let printed = to_yaml(document.value());
            let again = parse("printed", printed.as_bytes(), &options).expect("what was printed is YAML");
            assert_eq!(to_canonical_json(again[0].value()), to_canonical_json(document.value()));
        }
    }
});
