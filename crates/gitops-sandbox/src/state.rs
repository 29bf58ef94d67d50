//! Snapshots: everything that is stored, to go back to.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::crd;
use crate::error::SandboxError;
use crate::server::Server;
use crate::store::Key;

/// Everything that a sandbox stored at some time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    revision: u64,
    objects: Vec<(Key, Bytes)>,
}

pub(crate) fn take(server: &Server) -> Snapshot {
    let (revision, objects) = server.store.dump();
    Snapshot { revision, objects }
}

pub(crate) fn restore(server: &Arc<Server>, snapshot: &Snapshot) {
    let objects = snapshot.objects.iter().map(|(key, bytes)| {
        let object: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let revision = object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok());
        (key.clone(), bytes.clone(), revision.unwrap_or(snapshot.revision))
    });
    server.store.restore(snapshot.revision, objects.collect::<Vec<_>>());
    let known: Vec<String> = server.kinds.custom().values().map(|kind| kind.resource.to_string()).collect();
    known.iter().for_each(|resource| server.kinds.set_custom(resource, Vec::new()));
    server.taken.clear();
    for (key, bytes) in &snapshot.objects {
        if &*key.resource == "services" {
            server.taken.take(&serde_json::from_slice(bytes).unwrap_or_default());
        }
        if &*key.resource == "customresourcedefinitions.apiextensions.k8s.io" {
            crd::install(server, &serde_json::from_slice(bytes).unwrap_or_default());
        }
    }
}

fn failed(
    path: &Path,
    action: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> SandboxError {
    SandboxError::State { path: path.to_owned(), action, source: source.into() }
}

pub(crate) fn save(server: &Server, path: &Path) -> Result<(), SandboxError> {
    let snapshot = take(server);
    let objects: Vec<Value> = snapshot
        .objects
        .iter()
        .map(|(key, bytes)| {
            let object: Value = serde_json::from_slice(bytes).unwrap_or_default();
            json!({"resource": &*key.resource, "path": &*key.path, "object": object})
        })
        .collect();
    let text = json!({"sandbox": 1, "revision": snapshot.revision, "objects": objects}).to_string();
    // A file that is half written would lose the state from before.
    let beside = path.with_extension("new");
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| failed(path, "written", error))
}

pub(crate) fn load(server: &Arc<Server>, path: &Path) -> Result<(), SandboxError> {
    let bytes = std::fs::read(path).map_err(|error| failed(path, "read", error))?;
    let saved: Value = serde_json::from_slice(&bytes).map_err(|error| failed(path, "read", error))?;
    let (Some(revision), Some(objects), true) =
        (saved["revision"].as_u64(), saved["objects"].as_array(), saved["sandbox"] == 1)
    else {
        return Err(failed(path, "read", "it is no saved state of a sandbox"));
    };
    let objects = objects.iter().map(|entry| {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let key = Key { resource: text("resource").into(), path: text("path").into() };
        (key, Bytes::from(crate::server::to_bytes(&entry["object"])))
    });
    restore(server, &Snapshot { revision, objects: objects.collect() });
    Ok(())
}
