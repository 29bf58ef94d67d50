//! Snapshots: everything that is stored, to go back to.

use std::io::Write as _;
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

/// The version of saved files.
const FORMAT: u64 = 1;

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
    server.repeats.clear();
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
    let text = json!({"sandbox": FORMAT, "revision": snapshot.revision, "objects": objects}).to_string();
    publish(path, text.as_bytes()).map_err(|error| failed(path, "written", error))
}

/// Writes a file so that it is there whole or as it was before, whatever happens meanwhile.
fn publish(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let published = written.and_then(|()| std::fs::rename(&beside, path));
    if published.is_err() {
        // Why it failed is told; that it cannot be removed either would tell nothing more.
        let _ = std::fs::remove_file(&beside);
    }
    published
}

pub(crate) fn load(server: &Arc<Server>, path: &Path) -> Result<(), SandboxError> {
    let bytes = std::fs::read(path).map_err(|error| failed(path, "read", error))?;
    let snapshot = parse(&bytes).map_err(|error| failed(path, "read", error))?;
    restore(server, &snapshot);
    Ok(())
}

fn parse(bytes: &[u8]) -> Result<Snapshot, Box<dyn std::error::Error + Send + Sync>> {
    let mut saved: Value = serde_json::from_slice(bytes)?;
    if saved["sandbox"] != FORMAT {
        return Err("it is no saved state of a sandbox, or of another version".into());
    }
    let revision = saved["revision"].as_u64().ok_or("it has no revision")?;
    let Value::Array(entries) = saved["objects"].take() else { return Err("it has no objects".into()) };
    let mut objects = Vec::with_capacity(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        let (Some(resource), Some(path), true) =
            (entry["resource"].as_str(), entry["path"].as_str(), entry["object"]["metadata"].is_object())
        else {
            return Err(format!("its object {number} is not whole").into());
        };
        let key = Key { resource: resource.into(), path: path.into() };
        objects.push((key, Bytes::from(crate::server::to_bytes(&entry["object"]))));
    }
    Ok(Snapshot { revision, objects })
}
