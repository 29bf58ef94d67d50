//! Any text as a pattern, on any text, into any template: nothing breaks, and what is written for the other engine is
//! always a pattern of it (a refusal that is not Go's is about size).
//!
//! `cargo +nightly fuzz run regexp`
#![no_main]

use gitops_expr::regexp::{Regexp, RegexpError, RegexpLimits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str)| {
    let (pattern, text, template) = input;
    let small = RegexpLimits::default().with_compiled_bytes(64 << 10);
    match Regexp::with_limits(pattern, small) {
        Ok(regexp) => {
            let filled = regexp.expand(template, text);
            assert_eq!(filled.is_some(), regexp.is_match(text), "one method finds what another does not");
            if let Some(found) = regexp.find(text) {
                assert!(text.contains(found));
            }
        }
        Err(RegexpError::TooLarge { .. }) => {
            // A pattern that is refused for another reason under this name would show here.
            let large = RegexpLimits::default().with_compiled_bytes(64 << 20);
            let short = pattern.len() < 16 && !pattern.contains(['{', 'p', 'P']);
            assert!(!short || Regexp::with_limits(pattern, large).is_ok(), "{pattern:?}");
        }
        Err(_) => {}
    }
});
