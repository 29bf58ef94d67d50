//! Who owns which field: the glue between requests and `structured-merge`, and the other kinds of patches.

pub(crate) mod json_patch;
pub(crate) mod merge_patch;
pub(crate) mod scale;
pub(crate) mod strategic;

use std::borrow::Cow;
use std::sync::Arc;

use kubernetes_schema::builtin;
use serde_json::{Value, json};
use structured_merge::schema::{TypeRef, deduced};
use structured_merge::{
    Applied, ApplyError, ConvertError, Force, ObjectUpdater, Request, ResetFields, Versions,
};

use crate::schema::{Kind, decode};
use crate::server::Server;
use crate::wire::status::{Answer, Cause, Refusal};

/// Records who owns what after an object was put in place of another; null is none.
pub(crate) fn track(
    server: &Server,
    kind: &Arc<Kind>,
    subresource: &str,
    live: &Value,
    mut new: Value,
    manager: &str,
) -> Value {
    let version = kind.api_version();
    // The kind is known before anybody writes it.
    if let (None, Some(map)) = (&kind.custom, new.as_object_mut()) {
        map.insert("apiVersion".to_owned(), json!(version));
        map.insert("kind".to_owned(), json!(kind.kind));
    }
    let versions = KindVersions { kind };
    let request = Request { manager, version: &version, subresource, time: server.clock.now() };
    updater(&versions, subresource).update(live, &new, request)
}

/// Applies a configuration to the live object; null is none.
pub(crate) fn apply(
    server: &Server,
    kind: &Arc<Kind>,
    subresource: &str,
    live: &Value,
    config: &Value,
    manager: &str,
    force: Force,
) -> Answer<Applied> {
    let version = kind.api_version();
    let versions = KindVersions { kind };
    let request = Request { manager, version: &version, subresource, time: server.clock.now() };
    updater(&versions, subresource).apply(live, config, request, force).map_err(|error| refusal_of(&error))
}

fn updater<'k>(versions: &'k KindVersions<'k>, subresource: &str) -> ObjectUpdater<'k> {
    let kind = versions.kind;
    let of_status = usize::from(subresource == "status");
    let reset = match kind.derived.reset.get(of_status) {
        Some(reset) => reset.get_or_init(|| reset_fields(kind, subresource)),
        None => &ResetFields::none(),
    };
    let empty = kind.derived.empty.get_or_init(|| empty(kind, &kind.api_version()));
    ObjectUpdater::new(versions).with_reset_fields(reset).with_empty_object(Cow::Borrowed(empty))
}

/// Says on the wire why an object could not be applied.
pub(crate) fn refusal_of(error: &ApplyError) -> Box<Refusal> {
    match error {
        ApplyError::Conflicts(conflicts) => {
            let causes: Vec<Cause> = conflicts
                .as_slice()
                .iter()
                .map(|conflict| {
                    let message = format!("conflict with {:?}", conflict.manager);
                    Cause::new("FieldManagerConflict", conflict.path.to_string(), message)
                })
                .collect();
            Refusal::new(409, "Conflict", error.to_string()).with_causes(&causes)
        }
        ApplyError::BadRequest(why) => Refusal::bad_request(why.clone()),
        error => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            Refusal::unknown(text)
        }
    }
}

/// What the server begins with before it reads an object.
fn empty(kind: &Kind, version: &str) -> Value {
    let mut empty = kind.go().map_or_else(|| json!({}), decode::zero);
    empty["apiVersion"] = json!(version);
    empty["kind"] = json!(kind.kind);
    empty
}

/// What a write to an endpoint never changes.
fn reset_fields(kind: &Kind, subresource: &str) -> ResetFields {
    let versions: Vec<String> = match &kind.custom {
        Some(custom) => custom.versions().map(|version| format!("{}/{version}", kind.group)).collect(),
        None => vec![kind.api_version()],
    };
    let mut reset = ResetFields::none();
    for version in versions {
        reset = match (subresource, kind.kind.as_str()) {
            ("status", "Deployment") if kind.group == "apps" => {
                reset.with(version, [["spec"].as_slice(), &["metadata", "labels"]])
            }
            ("status", "CustomResourceDefinition") => {
                reset.with(version, [["spec"].as_slice(), &["metadata"]])
            }
            ("status", _) if kind.custom.is_some() => {
                let others = crate::crd::beside_status(kind);
                let paths: Vec<Vec<&str>> = others.iter().map(|name| vec![name.as_str()]).collect();
                reset.with(version, paths.iter().map(Vec::as_slice))
            }
            ("status", _) => reset.with(version, [["spec"].as_slice()]),
            _ if kind.has_status() => reset.with(version, [["status"].as_slice()]),
            _ => reset,
        };
    }
    reset
}

/// The types of one kind in all its versions.
struct KindVersions<'k> {
    kind: &'k Kind,
}

impl Versions for KindVersions<'_> {
    fn type_of(&self, version: &str) -> Option<TypeRef<'_>> {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let kind = &self.kind;
        match &kind.custom {
            None if group == kind.group && version == kind.version => kind.merge_type(),
            None => builtin().resolve(group, version, &kind.kind).map(|of| of.merge_type()),
            Some(custom) => {
                if group != kind.group || !custom.versions().any(|known| known == version) {
                    return None;
                }
                let of = custom.table().resolve(group, version, &kind.kind);
                Some(match of {
                    Some(of) => of.merge_type(),
                    None => deduced(),
                })
            }
        }
    }

    fn convert(&self, object: &Value, from: &str, to: &str) -> Result<Value, ConvertError> {
        if to.matches('/').count() > 1 {
            let (from, to) = (from.to_owned(), to.to_owned());
            return Err(ConvertError::Failed { from, to, source: "the version is malformed".into() });
        }
        if self.type_of(to).is_none() {
            return Err(ConvertError::UnknownVersion(to.to_owned()));
        }
        let mut object = object.clone();
        if object.is_object() {
            if self.kind.custom.is_none() && from != to {
                crate::lifecycle::convert(&mut object, to);
            }
            object["apiVersion"] = json!(to);
        }
        Ok(object)
    }
}
