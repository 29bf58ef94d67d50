//! `/scale`: the replicas of a workload under another name.

use std::sync::Arc;

use serde_json::{Value, json};
use structured_merge::schema::TypeRef;
use structured_merge::{
    ConvertError, Force, ManagedFields, ObjectUpdater, Path, Request, ScaleFields, Versions,
};

use super::refusal_of;
use crate::lifecycle::{self, Call, Form, Reply, Rules, Tracked, loaded};
use crate::schema::Kind;
use crate::schema::decode::{self, Findings};
use crate::schema::go_types::go_types;
use crate::wire::query::WriteOptions;
use crate::wire::status::{Answer, Cause, Refusal};

const VERSION: &str = "autoscaling/v1";

/// Where a kind keeps what its Scale shows.
struct Places {
    spec: Vec<String>,
    status: Vec<String>,
    selector: Option<Vec<String>>,
}

pub(crate) fn get(call: &mut Call<'_>) -> Answer<Reply> {
    let key = call.key(&call.target.name);
    let stored = call.server.store.get(&key).ok_or_else(|| call.not_found())?;
    let object = lifecycle::load(&call.kind, &stored);
    Ok(Reply::Other(200, shown(scale_of(&call.kind, &object, true)?)))
}

pub(crate) fn put(call: &mut Call<'_>, options: &WriteOptions) -> Answer<Reply> {
    let body = lifecycle::read_body(call)?.value;
    let sent = match read_scale(&body) {
        // What reads the bodies of custom resources does not know what it has failed to read.
        Err(_) if call.kind.custom.is_some() => {
            let why = "no kind is registered for the type v1.Scale in scheme \"pkg/runtime/scheme.go:111\"";
            return Err(Refusal::bad_request(why));
        }
        sent => sent?,
    };
    let name = Call::name_of(&sent).to_owned();
    if name != call.target.name {
        let url = &call.target.name;
        let why = if name.is_empty() {
            format!("the name of the object ({url} based on URL) was undeterminable: name must be provided")
        } else {
            format!("the name of the object ({name}) does not match the name on the URL ({url})")
        };
        return Err(Refusal::bad_request(why));
    }
    write(call, options, &mut |_, _| Ok(Step::Update(sent.clone())))
}

pub(crate) fn patch(call: &mut Call<'_>, form: Form, options: &WriteOptions) -> Answer<Reply> {
    if form == Form::Apply {
        let config = lifecycle::read_config(call)?;
        return write(call, options, &mut |_, _| Ok(Step::Apply(config.clone())));
    }
    let patch = lifecycle::read_patch(call, form)?;
    write(call, options, &mut |_, scale| {
        let mut new = scale.clone();
        match form {
            Form::Json => {
                let failed = |_| {
                    Refusal::new(
                        422,
                        "Invalid",
                        "the server rejected our request due to an error in our request",
                    )
                };
                let operations = super::json_patch::parse(&patch).map_err(failed)?;
                super::json_patch::apply(&mut new, operations).map_err(failed)?;
            }
            Form::Strategic => {
                let of = kubernetes_schema::builtin().resolve("autoscaling", "v1", "Scale");
                new = super::strategic::merge(&new, &patch, of).map_err(Refusal::unknown)?;
            }
            _ => super::merge_patch::merge(&mut new, &patch),
        }
        let scale = decode_scale(&new).map_err(|why| {
            let cause = Cause::invalid("patch", &Value::String(new.to_string()), &why);
            Refusal::invalid("", "", "", &[cause])
        })?;
        Ok(Step::Update(scale))
    })
}

fn read_scale(value: &Value) -> Answer<Value> {
    decode_scale(value).map_err(|why| {
        Refusal::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {why}"))
    })
}

/// Reads a Scale.
///
/// # Errors
/// With Go's words when a value is not of its type.
fn decode_scale(value: &Value) -> Result<Value, String> {
    let Some(of) = go_types().kind("autoscaling", "v1", "Scale") else { return Ok(value.clone()) };
    let mut scale = decode::decode(value, of, &mut Findings::default()).map_err(|mismatch| mismatch.0)?;
    scale["kind"] = json!("Scale");
    scale["apiVersion"] = json!(VERSION);
    Ok(scale)
}

/// What becomes of a Scale.
enum Step {
    Update(Value),
    Apply(Value),
}

fn write(
    call: &mut Call<'_>,
    options: &WriteOptions,
    step: &mut dyn FnMut(&mut Call<'_>, &Value) -> Answer<Step>,
) -> Answer<Reply> {
    let kind = Arc::clone(&call.kind);
    let places = places(&kind)?;
    let manager = call.manager(&options.field_manager).to_owned();
    let force = if options.force == Some(true) { Force::Yes } else { Force::No };
    let now = call.server.clock.now();
    let mut change = |call: &mut Call<'_>, live: &Value| {
        if live.is_null() {
            return Err(call.not_found());
        }
        let mut scale = scale_of(&kind, live, false)?;
        let version = kind.api_version();
        let mut fields = ScaleFields::new();
        for known in versions(&kind) {
            fields = fields.with(known.as_str(), Path::fields(places.spec.iter().map(String::as_str)));
        }
        let parent = ManagedFields::of(live).unwrap_or_default();
        scale["metadata"]["managedFields"] = fields.to_scale(&parent).to_value();
        without_zero(&mut scale);
        let request = Request { manager: &manager, version: VERSION, subresource: "scale", time: now };
        let of = OneScale;
        let empty = go_types().kind("autoscaling", "v1", "Scale").map(decode::zero).unwrap_or_default();
        let updater = ObjectUpdater::new(&of).with_empty_object(std::borrow::Cow::Owned(empty));
        let mut shown = scale.clone();
        shown["metadata"].as_object_mut().map(|metadata| metadata.remove("managedFields"));
        let new = match step(call, &shown)? {
            Step::Update(mut new) => {
                check_identity(call, &new, live)?;
                new["metadata"]["managedFields"] = scale["metadata"]["managedFields"].clone();
                without_zero(&mut new);
                updater.update(&scale, &new, request)
            }
            Step::Apply(config) => {
                let applied =
                    updater.apply(&scale, &config, request, force).map_err(|error| refusal_of(&error))?;
                applied.object
            }
        };
        let replicas = new["spec"].get("replicas").cloned().unwrap_or_else(|| json!(0));
        check_replicas(&kind, &new, &replicas)?;
        let after = ManagedFields::of(&new).unwrap_or_default();
        let mut parent_object = live.clone();
        set(&mut parent_object, &places.spec, replicas);
        let managed = fields.to_parent(&parent, &after, &version).to_value();
        if let Some(metadata) = parent_object["metadata"].as_object_mut() {
            if managed.as_array().is_some_and(Vec::is_empty) {
                metadata.remove("managedFields");
            } else {
                metadata.insert("managedFields".to_owned(), managed);
            }
            match new["metadata"]["resourceVersion"].as_str().filter(|text| !text.is_empty()) {
                Some(revision) => metadata.insert("resourceVersion".to_owned(), json!(revision)),
                None => metadata.remove("resourceVersion"),
            };
        }
        Ok(parent_object)
    };
    let subresource = std::mem::take(&mut call.target.subresource);
    let rules = Rules { creates: false, is_patch: true, tracked: Tracked::Already };
    let outcome = lifecycle::write(call, options, &mut change, &rules);
    call.target.subresource = subresource;
    match outcome? {
        Reply::Object(code, object) => Ok(Reply::Other(code, shown(scale_of(&kind, &object, false)?))),
        Reply::Stored(code, stored) => {
            let loaded = loaded(&call.server.store, &kind, &stored);
            Ok(Reply::Other(code, shown(scale_of(&kind, &loaded.object, false)?)))
        }
        other => Ok(other),
    }
}

fn check_identity(call: &Call<'_>, new: &Value, live: &Value) -> Answer<()> {
    let uid = new["metadata"]["uid"].as_str().unwrap_or_default();
    lifecycle::check_uid(call, uid, live)
}

fn check_replicas(kind: &Kind, scale: &Value, replicas: &Value) -> Answer<()> {
    if kind.custom.is_some() || replicas.as_i64().unwrap_or(0) >= 0 {
        return Ok(());
    }
    let why = "must be greater than or equal to 0";
    let cause = Cause::invalid("spec.replicas", replicas, why);
    Err(Refusal::invalid("autoscaling", "Scale", Call::name_of(scale), &[cause]))
}

fn versions(kind: &Kind) -> Vec<String> {
    match &kind.custom {
        None => vec![kind.api_version()],
        Some(custom) => custom.versions().map(|version| format!("{}/{version}", kind.group)).collect(),
    }
}

fn path(text: &str) -> Vec<String> {
    text.trim_start_matches('.').split('.').map(str::to_owned).collect()
}

fn places(kind: &Kind) -> Answer<Places> {
    let Some(custom) = &kind.custom else {
        return Ok(Places { spec: path(".spec.replicas"), status: path(".status.replicas"), selector: None });
    };
    let scale = custom.version(&kind.version).map(|version| version.entry["subresources"]["scale"].clone());
    let scale = scale.unwrap_or_default();
    let of = |name: &str| scale[name].as_str().map(path);
    match (of("specReplicasPath"), of("statusReplicasPath")) {
        (Some(spec), Some(status)) => Ok(Places { spec, status, selector: of("labelSelectorPath") }),
        _ => Err(Refusal::no_resource()),
    }
}

fn lookup<'v>(object: &'v Value, path: &[String]) -> &'v Value {
    path.iter().fold(object, |value, name| &value[name.as_str()])
}

fn set(object: &mut Value, path: &[String], value: Value) {
    let mut place = object;
    for name in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name.as_str()];
    }
    *place = value;
}

/// Returns the Scale of an object.
fn scale_of(kind: &Kind, object: &Value, strict: bool) -> Answer<Value> {
    let places = places(kind)?;
    let from = &object["metadata"];
    let mut metadata = serde_json::Map::new();
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if !from[name].is_null() {
            metadata.insert(name.to_owned(), from[name].clone());
        }
    }
    let replicas = lookup(object, &places.spec);
    if kind.custom.is_some() && strict && replicas.is_null() {
        let why = format!("the spec replicas field \".{}\" does not exist", places.spec.join("."));
        return Err(Refusal::internal(&why));
    }
    let mut status = json!({"replicas": lookup(object, &places.status).as_i64().unwrap_or(0)});
    let selector = match &places.selector {
        Some(path) => lookup(object, path).as_str().unwrap_or_default().to_owned(),
        None if kind.custom.is_none() => selector_text(kind, &object["spec"]["selector"]),
        None => String::new(),
    };
    if !selector.is_empty() {
        status["selector"] = json!(selector);
    }
    Ok(json!({
        "kind": "Scale", "apiVersion": VERSION, "metadata": metadata,
        "spec": {"replicas": replicas.as_i64().unwrap_or(0)}, "status": status,
    }))
}

/// Returns a Scale as it goes out: a number that is zero is not written.
fn shown(mut scale: Value) -> Value {
    without_zero(&mut scale);
    scale
}

fn without_zero(scale: &mut Value) {
    if let Some(spec) = scale["spec"].as_object_mut() {
        spec.retain(|name, value| name != "replicas" || *value != json!(0));
    }
}

/// Writes a selector as a query has it.
fn selector_text(kind: &Kind, selector: &Value) -> String {
    let pairs = if kind.is("", "ReplicationController") { selector } else { &selector["matchLabels"] };
    let mut parts: Vec<String> = pairs
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        parts.push(match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("Exists") => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    parts.sort();
    parts.join(",")
}

struct OneScale;

impl Versions for OneScale {
    fn type_of(&self, version: &str) -> Option<TypeRef<'_>> {
        (version == VERSION)
            .then(|| {
                kubernetes_schema::builtin().resolve("autoscaling", "v1", "Scale").map(|of| of.merge_type())
            })
            .flatten()
    }

    fn convert(&self, object: &Value, _from: &str, to: &str) -> Result<Value, ConvertError> {
        if to == VERSION { Ok(object.clone()) } else { Err(ConvertError::UnknownVersion(to.to_owned())) }
    }
}
