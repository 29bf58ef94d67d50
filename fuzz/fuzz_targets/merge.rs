//! Any schema, live object and configuration; nothing may panic, and to apply twice is to apply once.
//!
//! The input is three JSON values one after the other. `cargo +nightly fuzz run merge`
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Deserializer, Value, json};
use structured_merge::schema::{Table, deduced};
use structured_merge::{Duplicates, Force, ListKeys, ObjectUpdater, OneVersion, Request};

fuzz_target!(|bytes: &[u8]| {
    let mut values = Deserializer::from_slice(bytes).into_iter::<Value>();
    let (Some(Ok(schema)), Some(Ok(live)), Some(Ok(mut config))) =
        (values.next(), values.next(), values.next())
    else {
        return;
    };
    let _ = Table::from_smd(&schema);
    let _ = Table::from_crd(&schema);
    let table = Table::from_openapi(&json!({"T": schema}));
    let of = match table.as_ref().ok().and_then(|table| table.named("T")) {
        Some(of) => of,
        None => deduced(),
    };
    let is_valid = of.validate(&live, Duplicates::Allow).is_ok();
    let _ = of.compare(&live, &config);
    let _ = of.merge(&live, &config);
    if let Ok(set) = of.field_set(&config) {
        let _ = of.extract(&live, &set, ListKeys::Always);
        let _ = of.reconcile(&set);
        let _ = of.remove(live.clone(), &set);
    }
    if let Value::Object(config) = &mut config {
        config.insert("apiVersion".to_owned(), json!("v1"));
    }
    let versions = OneVersion(of);
    let updater = ObjectUpdater::new(&versions);
    let time = "2026-01-01T00:00:00Z".parse().expect("it is a time");
    let request = Request { manager: "m", version: "v1", subresource: "", time };
    let _ = updater.update(&live, &config, request);
    let Ok(once) = updater.apply(&live, &config, request, Force::Yes) else { return };
    if is_valid {
        let twice = updater.apply(&once.object, &config, request, Force::Yes);
        assert!(twice.is_ok_and(|twice| !twice.changed), "applying again changes {}", once.object);
    }
});
