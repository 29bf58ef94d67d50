//! The rules of Events, in both of their groups.

use serde_json::{Value, json};

use super::super::names;
use super::fields::{has, immutable, looks, text};
use crate::wire::status::Cause;

const LONGEST: usize = 128;
const LONGEST_NOTE: usize = 1024;

/// The names of fields as the server tells them, in the core group and in `events.k8s.io`.
const FIXED: [(&str, &str); 13] = [
    ("involvedObject", "regarding"),
    ("reason", "reason"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reason", "reason"),
    ("type", "type"),
    ("eventTime", "eventTime"),
    ("action", "action"),
    ("related", "related"),
    ("reportingController", "reportingController"),
];

/// Checks what holds of every event.
fn every(object: &Value, is_core: bool, causes: &mut Vec<Cause>) {
    let (involved, note) = if is_core { ("involvedObject", "message") } else { ("regarding", "note") };
    let namespace = text(&object[involved], "namespace");
    let own = text(&object["metadata"], "namespace");
    let mut elsewhere = || {
        let why = "does not match event.namespace";
        causes.push(Cause::invalid("involvedObject.namespace", &json!(namespace), why));
    };
    if !has(object, "eventTime") {
        let differs = if namespace.is_empty() { !matches!(own, "" | "default") } else { namespace != own };
        if differs {
            elsewhere();
        }
        return;
    }
    if namespace.is_empty() && !matches!(own, "default" | "kube-system") {
        elsewhere();
    }
    let controller = if is_core { "reportingComponent" } else { "reportingController" };
    if text(object, controller).is_empty() {
        causes.push(Cause::required(controller, ""));
    }
    looks(&json!(text(object, controller)), controller, names::qualified_name, causes);
    for name in ["reportingInstance", "action", "reason"] {
        if text(object, name).is_empty() {
            causes.push(Cause::required(name, ""));
        }
        long(text(object, name), name, LONGEST, causes);
    }
    long(text(object, note), "message", LONGEST_NOTE, causes);
}

fn long(given: &str, field: &str, limit: usize, causes: &mut Vec<Cause>) {
    if given.len() > limit {
        let why = format!("can have at most {limit} characters");
        causes.push(Cause::invalid(field, &json!(""), &why));
    }
}

fn series(object: &Value, causes: &mut Vec<Cause>) {
    let series = &object["series"];
    if series.is_null() {
        return;
    }
    if series["count"].as_i64().unwrap_or(0) < 2 {
        causes.push(Cause::invalid("series.count", &json!(""), "should be at least 2"));
    }
    if !has(series, "lastObservedTime") {
        causes.push(Cause::required("series.lastObservedTime", ""));
    }
}

/// Checks a new event.
pub(super) fn event(object: &Value, is_core: bool, causes: &mut Vec<Cause>) {
    every(object, is_core, causes);
    if is_core {
        return;
    }
    series(object, causes);
    if !has(object, "eventTime") {
        causes.push(Cause::required("eventTime", ""));
    }
    let given = text(object, "type");
    if !matches!(given, "Normal" | "Warning") {
        causes.push(Cause::invalid("type", &json!(""), &format!("has invalid value: {given}")));
    }
    for (field, name) in &FIXED[4..7] {
        if has(object, name) && object[*name] != 0 {
            causes.push(Cause::invalid(*field, &json!(""), "needs to be unset"));
        }
    }
    let source = &object["deprecatedSource"];
    if ["component", "host"].iter().any(|name| !text(source, name).is_empty()) {
        causes.push(Cause::invalid("source", &json!(""), "needs to be unset"));
    }
}

/// Checks a changed event against what it was: only its series changes in the newer group.
pub(super) fn update(new: &Value, old: &Value, is_core: bool, causes: &mut Vec<Cause>) {
    every(new, is_core, causes);
    if is_core {
        return;
    }
    if new["series"] != old["series"] {
        series(new, causes);
    }
    for (field, name) in FIXED {
        immutable(&new[name], &old[name], field, causes);
    }
    immutable(&new["reportingInstance"], &old["reportingInstance"], "reportingInstance", causes);
}
