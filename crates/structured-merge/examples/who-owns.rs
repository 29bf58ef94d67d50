//! Who owns a field of an object, and since when?
//!
//! ```text
//! $ kubectl get deployment app -o json --show-managed-fields | cargo run -q --example who-owns -- .spec.replicas
//! .spec.replicas
//!     hpa          Update on scale   since 2026-01-02T03:04:05Z
//! ```
//!
//! The field is written as in conflicts: `.spec.template.spec.containers[name="app"].image`. Everything at
//! and below it is listed; without a field, everything is.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::Read as _;

use serde_json::Value;
use structured_merge::{ManagedFields, ManagedFieldsEntry};

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let object: Value = serde_json::from_str(&text)?;
    let managed = ManagedFields::of(&object)?;
    let entries = managed.entries();
    if entries.is_empty() {
        return Err("the object has no managed fields; ask kubectl with --show-managed-fields".into());
    }
    let all = entries.iter().fold(structured_merge::Set::new(), |all, entry| all.union(&entry.owned.set));
    let paths: Vec<_> = all.iter().filter(|path| is_at_or_below(&path.to_string(), &wanted)).collect();
    if paths.is_empty() {
        println!("{wanted}\n    nobody: it is a default, or was there before anybody kept record");
    }
    for path in paths {
        println!("{path}");
        managed.owners(&path).for_each(|owner| println!("    {}", describe(&owner)));
    }
    Ok(())
}

/// Whether a path is the one that was asked for, or something below it.
fn is_at_or_below(path: &str, wanted: &str) -> bool {
    path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn describe(owner: &ManagedFieldsEntry) -> String {
    let how = match owner.manager.subresource() {
        Some(subresource) => format!("{} on {subresource}", owner.manager.operation()),
        None => owner.manager.operation().to_string(),
    };
    let since = owner.time.map_or("an unknown time".to_owned(), |time| time.to_string());
    format!("{:<12} {how:<17} since {since}", owner.manager.name())
}
