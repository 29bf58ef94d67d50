//! The bytes of an object that does not know its revision yet.

use serde_json::{Map, Value};

/// An object as it will be stored, with a gap where its revision goes.
///
/// Objects are written before the store is locked; what is left to do there is to copy bytes.
pub(crate) struct Template {
    bytes: Vec<u8>,
    /// Where the digits of the revision go.
    gap: usize,
}

impl Template {
    /// Writes an object; whatever revision it carries is left out.
    pub(crate) fn of(object: &Value) -> Self {
        let mut bytes = Vec::with_capacity(1024);
        let nothing = Map::new();
        let map = object.as_object().unwrap_or(&nothing);
        bytes.push(b'{');
        for (name, value) in map.iter().filter(|(name, _)| *name != "metadata") {
            write_entry(name, value, &mut bytes);
        }
        write_name("metadata", &mut bytes);
        bytes.push(b'{');
        let metadata = map.get("metadata").and_then(Value::as_object).unwrap_or(&nothing);
        for (name, value) in metadata {
            if name != "resourceVersion" {
                write_entry(name, value, &mut bytes);
            }
        }
        write_name("resourceVersion", &mut bytes);
        bytes.push(b'"');
        let gap = bytes.len();
        bytes.extend_from_slice(b"\"}}");
        Self { bytes, gap }
    }

    /// Returns the bytes of the object at a revision.
    pub(crate) fn at(&self, revision: u64) -> Vec<u8> {
        let digits = revision.to_string();
        let (before, after) = self.bytes.split_at(self.gap);
        [before, digits.as_bytes(), after].concat()
    }
}

fn write_name(name: &str, bytes: &mut Vec<u8>) {
    if bytes.last() != Some(&b'{') {
        bytes.push(b',');
    }
    write(&name, bytes);
    bytes.push(b':');
}

fn write_entry(name: &str, value: &Value, bytes: &mut Vec<u8>) {
    write_name(name, bytes);
    write(value, bytes);
}

fn write(value: &(impl serde::Serialize + ?Sized), bytes: &mut Vec<u8>) {
    serde_json::to_writer(bytes, value).expect("because JSON values can be written to memory");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_the_object_at_any_revision() {
        #[track_caller]
        fn check(object: Value, mut want: Value) {
            let made = Template::of(&object).at(120);
            want["metadata"]["resourceVersion"] = json!("120");
            assert_eq!(serde_json::from_slice::<Value>(&made).unwrap_or_default(), want, "{object}");
        }
        for object in [
            json!({"metadata": {"name": "a", "resourceVersion": "7"}, "data": {"k": "\"\u{0}"}}),
            json!({"metadata": {"annotations": {"resourceVersion": "", "metadata": "{"}}}),
            json!({"metadata": {}}),
            json!({"data": {"metadata": {"resourceVersion": "1"}}, "metadata": {"zone": "z"}}),
        ] {
            check(object.clone(), object);
        }
        check(json!({}), json!({}));
    }
}
