//! Custom resources: definitions, and what they make of objects.

mod conversion;
mod correlate;
mod declare;
mod defaulting;
mod definition;
mod formats;
mod metadata;
mod names;
mod objects;
mod paths;
mod pruning;
mod rules;
mod structural;
mod validation;
mod versions;

use std::sync::Arc;

use jiff::Timestamp;
use kubernetes_schema::Table;
use serde_json::{Value, json};

use crate::schema::{Derived, Kind};
use crate::server::Server;
use crate::store::{Expect, Key};

pub(crate) use definition::{
    default_definition, definition_warnings, prepare_definition, remember_storage, validate_definition,
};
pub(crate) use objects::{Nulls, beside_status, coerce_to, decode, read, validate_object};

const CRDS: &str = "customresourcedefinitions.apiextensions.k8s.io";
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// A custom resource as its definition says.
#[derive(Debug)]
pub(crate) struct Custom {
    pub(crate) definition: Value,
    table: Table,
    versions: Vec<Version>,
    /// The revision at which the server began to serve it.
    pub(crate) since: u64,
}

/// One version of a custom resource.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) served: bool,
    pub(crate) storage: bool,
    /// The definition's entry: schema, subresources, columns.
    pub(crate) entry: Value,
    /// The rules of the schema, ready to be evaluated.
    rules: Option<rules::Rules>,
}

impl Custom {
    pub(crate) fn versions(&self) -> impl Iterator<Item = &str> {
        self.versions.iter().map(|version| version.name.as_str())
    }

    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }

    pub(crate) fn storage_version(&self) -> &str {
        self.versions.iter().find(|version| version.storage).map_or("", |version| version.name.as_str())
    }

    pub(crate) fn has_status(&self, version: &str) -> bool {
        self.version(version).is_some_and(|version| version.entry["subresources"]["status"].is_object())
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the schema of a version; null if it has none.
    pub(crate) fn schema(&self, version: &str) -> &Value {
        static NONE: Value = Value::Null;
        self.version(version).map_or(&NONE, |version| &version.entry["schema"]["openAPIV3Schema"])
    }

    /// Returns the rules of a version, if it has any.
    pub(crate) fn rules(&self, version: &str) -> Option<&rules::Rules> {
        self.version(version)?.rules.as_ref()
    }

    pub(crate) fn preserves_all(&self) -> bool {
        self.definition["spec"]["preserveUnknownFields"] == true
    }

    pub(crate) fn selectable_fields(&self, version: &str) -> Vec<String> {
        let fields = self.version(version).and_then(|version| version.entry["selectableFields"].as_array());
        let paths = fields.into_iter().flatten().filter_map(|field| field["jsonPath"].as_str());
        paths.map(|path| path.trim_start_matches('.').to_owned()).collect()
    }
}

/// Returns where objects are stored, as errors of the store name it.
pub(crate) fn storage_path(kind: &Kind) -> String {
    match (kind.group.as_str(), kind.plural.as_str()) {
        (group, plural) if kind.custom.is_some() => format!("{group}/{plural}"),
        ("", "services") => "services/specs".to_owned(),
        ("networking.k8s.io", "ingresses") => "ingress".to_owned(),
        (_, plural) => plural.to_owned(),
    }
}

/// Brings numbers into the form in which they are read again. Objects of built-in kinds hold none that change by that, but
/// definitions do: their defaults.
pub(crate) fn settle(kind: &Kind, object: &mut Value) {
    if kind.custom.is_some() || *kind.resource == *CRDS {
        crate::wire::json::settle(object);
    }
}

/// Takes up what was written, if it says what kinds there are.
pub(crate) fn after_write(server: &Arc<Server>, kind: &Kind, object: &Value) {
    if *kind.resource == *CRDS {
        install(server, object);
        accept_names(server, object);
        finish_deletion(server, object);
    }
}

/// Accepts the names of a definition at once, where a real server takes a moment.
fn accept_names(server: &Arc<Server>, written: &Value) {
    let Some(kind) = server.kinds.find("apiextensions.k8s.io", "v1", "customresourcedefinitions") else {
        return;
    };
    let key = Key::new(&CRDS.into(), "", written["metadata"]["name"].as_str().unwrap_or_default());
    let Some(stored) = server.store.get(&key) else { return };
    let live = crate::lifecycle::load(&kind, &stored);
    let status = names::accept(&live, &definitions(server), &server.clock.stamp());
    if status == live["status"] {
        return;
    }
    let mut new = live.clone();
    new["status"] = status;
    let mut new = crate::apply::track(server, &kind, "status", &live, new, "kube-apiserver");
    crate::lifecycle::to_storage(&kind, &mut new);
    let write = |revision: u64| {
        new["metadata"]["resourceVersion"] = json!(revision.to_string());
        crate::server::to_bytes(&new)
    };
    if server.store.put(&key, Expect::Revision(stored.revision), write).is_ok() {
        install(server, &new);
    }
}

/// Returns all definitions.
fn definitions(server: &Arc<Server>) -> Vec<Value> {
    let page = server.store.list(CRDS, "", None, None, 0).map(|page| page.items).unwrap_or_default();
    page.iter().filter_map(|stored| serde_json::from_slice(&stored.bytes).ok()).collect()
}

/// Gives the names of a definition that is gone to those that wait for them.
fn release_names(server: &Arc<Server>, gone: &Value) {
    for other in definitions(server) {
        if other["spec"]["group"] == gone["spec"]["group"] && !names::is_true(&other, "NamesAccepted") {
            accept_names(server, &other);
        }
    }
}

/// Takes up what was removed, if it said what kinds there are.
pub(crate) fn after_delete(server: &Arc<Server>, kind: &Kind, object: &Value) {
    if *kind.resource == *CRDS {
        server.kinds.set_custom(object["metadata"]["name"].as_str().unwrap_or_default(), Vec::new());
        release_names(server, object);
    }
    if let Some(custom) = &kind.custom {
        // The last object that was held may have been what its definition waited for.
        finish_deletion(server, &custom.definition);
    }
    if *kind.resource == *"services" {
        server.taken.release(object);
    }
}

/// Marks a definition that is deleted.
pub(crate) fn on_delete(kind: &Kind, object: &mut Value, now: Timestamp) {
    if *kind.resource == *CRDS {
        definition::set_terminating(object, now);
    }
}

/// Serves the kinds of a definition.
pub(crate) fn install(server: &Arc<Server>, definition: &Value) {
    let name = definition["metadata"]["name"].as_str().unwrap_or_default();
    if !names::is_true(definition, "Established") {
        return server.kinds.set_custom(name, Vec::new());
    }
    let before = server
        .kinds
        .custom()
        .values()
        .find(|kind| *kind.resource == *name)
        .and_then(|kind| kind.custom.clone());
    let Ok(table) = Table::from_crd(definition) else { return };
    let spec = &definition["spec"];
    let versions = spec["versions"].as_array().into_iter().flatten().map(|entry| Version {
        name: entry["name"].as_str().unwrap_or_default().to_owned(),
        served: entry["served"] == true,
        storage: entry["storage"] == true,
        rules: rules::Rules::read(&entry["schema"]["openAPIV3Schema"], true),
        entry: entry.clone(),
    });
    let custom = Arc::new(Custom {
        definition: definition.clone(),
        table,
        versions: versions.collect(),
        since: before.map_or_else(|| server.store.revision(), |before| before.since),
    });
    let names = &definition["status"]["acceptedNames"];
    let text = |name: &str| names[name].as_str().unwrap_or_default().to_owned();
    let set = |verbs: &[&str]| verbs.iter().map(|verb| (*verb).to_owned()).collect();
    let kinds = custom.versions.iter().filter(|version| version.served).map(|version| {
        let mut subresources = std::collections::BTreeMap::new();
        for subresource in ["status", "scale"] {
            if version.entry["subresources"][subresource].is_object() {
                subresources.insert(subresource.to_owned(), set(&["get", "patch", "update"]));
            }
        }
        Kind {
            group: spec["group"].as_str().unwrap_or_default().to_owned(),
            version: version.name.clone(),
            kind: text("kind"),
            list_kind: text("listKind"),
            plural: text("plural"),
            singular: text("singular"),
            namespaced: spec["scope"] == "Namespaced",
            verbs: set(&["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]),
            subresources,
            resource: name.into(),
            custom: Some(Arc::clone(&custom)),
            derived: Derived::default(),
        }
    });
    server.kinds.set_custom(name, kinds.collect());
}

/// Removes the objects of a definition that is being deleted, and then lets it go.
fn finish_deletion(server: &Arc<Server>, definition: &Value) {
    let metadata = &definition["metadata"];
    let held =
        metadata["finalizers"].as_array().is_some_and(|finalizers| finalizers.iter().any(|f| f == CLEANUP));
    if metadata["deletionTimestamp"].is_null() || !held {
        return;
    }
    let name = metadata["name"].as_str().unwrap_or_default().to_owned();
    let server = Arc::clone(server);
    // The answer to the deletion comes before its end.
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        if !remove_objects(&server, &name) {
            return;
        }
        let key = Key::new(&CRDS.into(), "", &name);
        let Some(stored) = server.store.get(&key) else { return };
        let mut definition: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        if let Some(finalizers) = definition["metadata"]["finalizers"].as_array_mut() {
            finalizers.retain(|finalizer| finalizer != CLEANUP);
        }
        let empty = definition["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty);
        let write = |object: &mut Value, revision: u64| {
            object["metadata"]["resourceVersion"] = json!(revision.to_string());
            crate::server::to_bytes(object)
        };
        let expect = Expect::Revision(stored.revision);
        if empty {
            if server.store.remove(&key, expect, |revision| write(&mut definition, revision)).is_ok() {
                server.kinds.set_custom(&name, Vec::new());
                release_names(&server, &definition);
            }
        } else {
            let _ = server.store.put(&key, expect, |revision| write(&mut definition, revision));
        }
    });
}

/// Deletes all objects of a definition; false if some are held by finalizers.
fn remove_objects(server: &Arc<Server>, resource: &str) -> bool {
    let Ok(page) = server.store.list(resource, "", None, None, 0) else { return false };
    let mut all = true;
    for stored in page.items {
        let mut object: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
        let key = Key::new(&resource.into(), &text("namespace"), &text("name"));
        let held =
            object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
        let write = |object: &mut Value, revision: u64| {
            object["metadata"]["resourceVersion"] = json!(revision.to_string());
            crate::server::to_bytes(object)
        };
        let expect = Expect::Revision(stored.revision);
        if held {
            all = false;
            if object["metadata"]["deletionTimestamp"].is_null() {
                object["metadata"]["deletionTimestamp"] = json!(server.clock.stamp());
                object["metadata"]["deletionGracePeriodSeconds"] = json!(0);
                let generation = object["metadata"]["generation"].as_i64().unwrap_or(0);
                object["metadata"]["generation"] = json!(generation + 1);
                let _ = server.store.put(&key, expect, |revision| write(&mut object, revision));
            }
        } else {
            let _ = server.store.remove(&key, expect, |revision| write(&mut object, revision));
        }
    }
    all
}
