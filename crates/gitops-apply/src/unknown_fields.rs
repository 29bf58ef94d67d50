//! Leaving out the fields that the API's schema does not have.

use serde_json::Value;

const MARK: &str = ": field not declared in schema";

/// Removes from an object the fields that the server's answer names as not declared; returns whether any was.
///
/// The server names them as paths: `.spec.ports[port=80,protocol="TCP"].prot: field not declared in schema`.
pub(crate) fn drop_unknown_fields(object: &mut Value, message: &str) -> bool {
    let mut dropped = false;
    for (end, _) in message.match_indices(MARK) {
        let before = &message[..end];
        if let Some(path) = last_path(before) {
            dropped |= remove(object, &path);
        }
    }
    dropped
}

#[derive(Debug, PartialEq)]
enum Part {
    Field(String),
    Index(usize),
    Keys(Vec<(String, Value)>),
}

/// Parses the path at the end of a text; it begins with a dot after a blank or a line feed.
fn last_path(text: &str) -> Option<Vec<Part>> {
    // A key of a list may hold blanks, so every beginning is tried, the shortest path first.
    let starts: Vec<usize> = text.match_indices('.').map(|(at, _)| at).collect();
    starts
        .into_iter()
        .rev()
        .filter(|at| *at == 0 || text[..*at].ends_with([' ', '\n']))
        .find_map(|at| parse(&text[at..]))
}

fn parse(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return None;
            }
            parts.push(Part::Field(after[..end].to_owned()));
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix('[') {
            let end = closing(after)?;
            parts.push(bracket(&after[..end])?);
            rest = &after[end + 1..];
        } else {
            return None;
        }
    }
    Some(parts)
}

/// Finds the bracket that ends a key, past quoted text.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn bracket(text: &str) -> Option<Part> {
    if let Ok(index) = text.parse() {
        return Some(Part::Index(index));
    }
    let keys = text
        .split(',')
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.to_owned(), serde_json::from_str(value).ok()?))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Part::Keys(keys))
}

fn remove(object: &mut Value, path: &[Part]) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    let parent = parents.iter().try_fold(object, |value, part| match part {
        Part::Field(field) => value.get_mut(field),
        Part::Index(index) => value.get_mut(index),
        Part::Keys(keys) => value
            .as_array_mut()?
            .iter_mut()
            .find(|item| keys.iter().all(|(key, value)| item.get(key) == Some(value))),
    });
    match (parent.and_then(Value::as_object_mut), last) {
        (Some(map), Part::Field(field)) => map.remove(field).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn named_fields_go() {
        #[track_caller]
        fn check(mut object: Value, message: &str, want: Value) {
            let dropped = drop_unknown_fields(&mut object, message);
            assert_eq!(object, want);
            assert_eq!(dropped, message.contains(MARK));
        }
        check(
            json!({"data": {}, "dada": {}}),
            "failed to create typed patch object (ns/a; /v1, Kind=ConfigMap): .dada: field not declared in schema",
            json!({"data": {}}),
        );
        check(
            json!({"a": 1, "spec": {"ports": [{"port": 80, "protocol": "TCP", "prot": 81}]}}),
            "errors:\n  .a: field not declared in schema\n  .spec.ports[port=80,protocol=\"TCP\"].prot: field not declared in schema",
            json!({"spec": {"ports": [{"port": 80, "protocol": "TCP"}]}}),
        );
        check(json!({"a": 1}), "something else", json!({"a": 1}));
    }
}
