//! Whatever a registry, a token server or a Secret holds: headers, lists of tags, tokens, docker configs, names.
//!
//! `cargo +nightly fuzz run registry`
#![no_main]

use gitops_source::oci::{DockerConfig, ImageName, fuzzed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, body) = input;
    if let Some(next) = fuzzed::next_page(text) {
        assert!(text.contains(next) && !next.contains('>'), "{next:?} is no part of {text:?}");
    }
    fuzzed::challenge(&[text, "Basic"]);
    if let Some(tags) = fuzzed::page(body, 3) {
        assert!(tags.len() <= 3 && tags.iter().all(|tag| fuzzed::is_tag(tag)), "{tags:?}");
    }
    fuzzed::token(body);
    let name = ImageName::parse(text);
    if let Ok(name) = &name {
        assert_eq!(ImageName::parse(&name.to_string()).as_ref().ok(), Some(name), "a name reads as itself");
    }
    let image = name.unwrap_or_else(|_| ImageName::parse("ghcr.io/a/b").expect("it is a name"));
    for config in [DockerConfig::parse(body), DockerConfig::parse_legacy(body)].into_iter().flatten() {
        config.credentials(&image);
    }
});
