//! Any bytes as an event: read or refused, and what is read is written and read as the same; its key, its metadata and its
//! freedom from secrets are computed for whatever it holds.
//!
//! `cargo +nightly fuzz run event`
#![no_main]

use gitops_api::notification_v1beta3::AlertSpec;
use gitops_notify::{Redactor, clean_metadata, decode_event, encode_event, event_key, merge_metadata};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(mut event) = decode_event(body) else { return };
    // An empty name and none are written alike, and times in whole seconds; so what is written is compared.
    let written = encode_event(&event);
    let again = decode_event(&written).expect("what was written is an event");
    assert_eq!(encode_event(&again), written);
    assert_eq!(event_key(&again), event_key(&event));

    clean_metadata(&mut event);
    assert!(event.metadata.keys().all(|key| key.contains('/')));
    let merged = merge_metadata(&event, &AlertSpec::default());
    assert!(merged.metadata.len() + merged.conflicts.len() >= event.metadata.len());

    let secret = event.message.clone();
    Redactor::new([secret.as_bytes()]).event(&mut event);
    assert!(secret.len() < 5 || secret.contains('*') || secret.contains("://") || event.message != secret);
});
