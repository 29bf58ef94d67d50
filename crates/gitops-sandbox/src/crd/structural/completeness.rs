//! Every value that a part of `allOf` and its like speaks of must be declared outside of it (`schema/complete.go` of the server).

use serde_json::Value;

use crate::wire::status::Cause;

pub(super) fn check(schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    parts(schema, schema, path, path, causes);
}

/// Checks the parts that `said` combines against the structure that they speak of.
fn parts(said: &Value, structure: &Value, at: &str, said_at: &str, causes: &mut Vec<Cause>) {
    part(&said["not"], structure, at, &format!("{said_at}.not"), causes);
    for name in ["allOf", "anyOf", "oneOf"] {
        for (place, one) in said[name].as_array().into_iter().flatten().enumerate() {
            part(one, structure, at, &format!("{said_at}.{name}[{place}]"), causes);
        }
    }
}

fn part(said: &Value, structure: &Value, at: &str, said_at: &str, causes: &mut Vec<Cause>) {
    if !said.is_object() {
        return;
    }
    if !structure.is_object() {
        return causes.push(Cause::required(at, &format!("because it is defined in {said_at}")));
    }
    parts(said, structure, at, said_at, causes);
    part(&said["items"], &structure["items"], &format!("{at}.items"), &format!("{said_at}.items"), causes);
    for (name, property) in said["properties"].as_object().into_iter().flatten() {
        let (at, said_at) = (format!("{at}.properties[{name}]"), format!("{said_at}.properties[{name}]"));
        match structure["properties"].get(name) {
            Some(structure) => part(property, structure, &at, &said_at, causes),
            None => causes.push(Cause::required(at, &format!("because it is defined in {said_at}"))),
        }
    }
}
