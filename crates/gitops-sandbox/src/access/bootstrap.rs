//! What every cluster has from its start: the roles and bindings of Kubernetes itself, and its priority classes.

use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::server::{Server, to_bytes};
use crate::store::{Expect, Key};

/// What a real server had (`data/record.py`).
const RECORDED: &[u8] = include_bytes!("../../data/objects.json.gz");

static OBJECTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut text = Vec::new();
    GzDecoder::new(RECORDED).read_to_end(&mut text).expect("because a test reads the recorded file");
    serde_json::from_slice(&text).expect("because a test reads the recorded file")
});

/// Fills a new store.
pub(crate) fn furnish(server: &Server) {
    let stamp = json!(server.clock.stamp());
    for entry in OBJECTS.iter() {
        let mut object = entry["object"].clone();
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(server.uid());
        metadata["creationTimestamp"] = stamp.clone();
        for manager in metadata["managedFields"].as_array_mut().into_iter().flatten() {
            manager["time"] = stamp.clone();
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
        let key = Key::new(&text(&entry["resource"]).as_str().into(), &namespace, &name);
        let write = |revision: u64| {
            object["metadata"]["resourceVersion"] = json!(revision.to_string());
            to_bytes(&object)
        };
        // A new store holds none of them.
        let _ = server.store.put(&key, Expect::Absent, write);
    }
}
