//! What Flux's reading through Go's types does to an object that others can see.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::fields::{group, kind};
use crate::order::{is_definition, is_secret};

/// Brings an object into the form in which it is applied.
///
/// A Secret's `stringData` becomes `data`, which it overrides; ports without a protocol get `TCP`; `status` goes, but
/// for CustomResourceDefinitions; `creationTimestamp` and what else only the server sets goes
/// (fluxcd/pkg `ssa/normalize/normalize.go`).
pub fn normalize(object: &mut Map<String, Value>) {
    let value = Value::Object(std::mem::take(object));
    let (group, kind) = (group(&value).to_owned(), kind(&value).to_owned());
    if let Value::Object(map) = value {
        *object = map;
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["creationTimestamp", "managedFields", "resourceVersion", "uid", "generation", "selfLink"]
        {
            metadata.remove(key);
        }
    }
    if !is_definition(&group, &kind) {
        object.remove("status");
    }
    if is_secret(&group, &kind) {
        encode_string_data(object);
    }
    match (group.as_str(), kind.as_str()) {
        ("", "Service") => default_protocols(object.get_mut("spec")),
        ("", "Pod") => pod_ports(object.get_mut("spec")),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            pod_ports(below(object, &["spec", "template", "spec"]));
        }
        ("batch", "CronJob") => {
            pod_ports(below(object, &["spec", "jobTemplate", "spec", "template", "spec"]))
        }
        _ => {}
    }
}

fn encode_string_data(secret: &mut Map<String, Value>) {
    let Some(Value::Object(plain)) = secret.remove("stringData") else { return };
    if plain.is_empty() {
        return;
    }
    let data = secret.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if data.is_null() {
        *data = Value::Object(Map::new());
    }
    let Some(data) = data.as_object_mut() else { return };
    for (key, value) in plain {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        data.insert(key, Value::String(STANDARD.encode(text)));
    }
}

fn below<'a>(object: &'a mut Map<String, Value>, path: &[&str]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(object.get_mut(*first)?, |value, key| value.get_mut(*key))
}

fn pod_ports(pod: Option<&mut Value>) {
    let Some(pod) = pod else { return };
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            default_protocols(Some(container));
        }
    }
}

/// Sets the protocol of ports that name none: it is a key of the list, and its default is not applied in time.
fn default_protocols(parent: Option<&mut Value>) {
    let ports = parent.and_then(|parent| parent.get_mut("ports")).and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        let missing = port.get("protocol").and_then(Value::as_str).is_none_or(str::is_empty);
        if missing {
            port.insert("protocol".to_owned(), Value::from("TCP"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_brought_into_the_form_that_is_applied() {
        #[track_caller]
        fn check(mut input: Value, want: Value) {
            if let Some(object) = input.as_object_mut() {
                normalize(object);
            }
            assert_eq!(input, want);
        }
        check(
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"a": "s", "b": "t"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "cw==", "b": "dA=="}}),
        );
        check(
            json!({"kind": "A", "status": {}, "metadata": {"creationTimestamp": null}}),
            json!({"kind": "A", "metadata": {}}),
        );
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "status": {"a": 1}});
        check(definition.clone(), definition);
    }
}
