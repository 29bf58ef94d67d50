//! One script: its requests one after the other, and the objects that they leave.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use kubernetes_schema::{Table, builtin};
use serde_json::{Map, Value, json};
use structured_merge::schema::{TypeRef, deduced};
use structured_merge::{
    ApplyError, ConvertError, Force, ManagedFields, ObjectUpdater, Path, Request, ResetFields, ScaleFields,
    Versions,
};

use crate::object::{Leniency, TIME, add_defaults, difference, entries, merge_patch, readable};

/// What came of a script's requests.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: Vec<(String, String)>,
    pub(crate) left_out: BTreeMap<String, usize>,
}

/// The kinds that the scripts use, by group and resource.
pub(crate) struct Kinds {
    custom: HashMap<String, Rc<Custom>>,
}

/// A custom resource.
struct Custom {
    table: Table,
    definition: Value,
}

/// Where a request goes.
struct Target {
    group: String,
    version: String,
    resource: String,
    namespace: String,
    name: Option<String>,
    subresource: String,
}

/// What is known of a stored object.
#[derive(Clone)]
enum Stored {
    Absent,
    Known(Value),
    Unknown,
}

type Key = (String, String, String, String);

impl Kinds {
    pub(crate) fn new(fixtures: &[Value]) -> Self {
        let bodies = fixtures.iter().flat_map(|script| script["steps"].as_array().unwrap());
        let mut custom = HashMap::new();
        for definition in bodies.map(|step| &step["body"]) {
            if definition["kind"] == "CustomResourceDefinition" {
                let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
                let table = Table::from_crd(definition).unwrap();
                custom.insert(name, Rc::new(Custom { table, definition: definition.clone() }));
            }
        }
        Self { custom }
    }

    pub(crate) fn play(&self, script: &Value, tally: &mut Tally) {
        let script = &readable(script);
        let id = script["id"].as_str().unwrap();
        let mut replay =
            Replay { custom: self.custom.clone(), store: HashMap::new(), replies: HashMap::new() };
        let steps = script["steps"].as_array().unwrap().iter();
        for (position, (step, result)) in steps.zip(script["expect"].as_array().unwrap()).enumerate() {
            if !step["path"].is_string() || step.get("watch").is_some() || step.get("barrier").is_some() {
                continue;
            }
            match replay.step(step, result) {
                Outcome::Passed => tally.passed += 1,
                Outcome::Failed(why) => tally.failed.push((format!("{id}#{position}"), why)),
                Outcome::LeftOut(why) => *tally.left_out.entry(why.to_owned()).or_default() += 1,
                Outcome::NoWrite => {}
            }
            if let Some(name) = step["id"].as_str() {
                replay.replies.insert(name.to_owned(), result["body"].clone());
            }
        }
    }
}

enum Outcome {
    Passed,
    Failed(String),
    LeftOut(&'static str),
    /// Nothing that this crate has a part in.
    NoWrite,
}

struct Replay {
    custom: HashMap<String, Rc<Custom>>,
    store: HashMap<Key, Stored>,
    replies: HashMap<String, Value>,
}

impl Replay {
    fn step(&mut self, step: &Value, result: &Value) -> Outcome {
        let Some(target) = Target::parse(step["path"].as_str().unwrap()) else { return Outcome::NoWrite };
        let method = step["method"].as_str().unwrap_or("GET");
        let status = result["status"].as_u64().unwrap_or_default();
        let body = result["body"].clone();
        let is_dry = step["query"].get("dryRun").is_some();
        if target.resource == "customresourcedefinitions" && (status == 200 || status == 201) {
            self.define(step, method);
        }
        let name = target.name.clone().or_else(|| body["metadata"]["name"].as_str().map(str::to_owned));
        let key =
            |name: String| (target.group.clone(), target.resource.clone(), target.namespace.clone(), name);
        let Some(name) = name else {
            if method == "DELETE" {
                self.store.values_mut().for_each(|stored| *stored = Stored::Unknown);
            }
            // A creation whose reply was not kept may have made anything of this script.
            if method == "POST"
                && let Some(name) = step["body"]["metadata"]["name"].as_str()
            {
                self.store.insert(key(name.to_owned()), Stored::Unknown);
            }
            return Outcome::NoWrite;
        };
        let key = key(name);
        // The namespace of a script was there before it.
        let at_first = if target.resource == "namespaces" { Stored::Unknown } else { Stored::Absent };
        let before = self.store.get(&key).cloned().unwrap_or(at_first);
        let is_object = body["kind"] != "Status" && body["metadata"].is_object();
        let (outcome, after) = match method {
            "GET" if status == 200 && is_object && target.subresource.is_empty() => {
                (self.compare_read(&before, &body), Some(Stored::Known(body)))
            }
            "DELETE" if status == 200 || status == 202 => {
                let is_kept = !body["metadata"]["finalizers"].is_null();
                let after = match (is_object, is_kept, target.resource.as_str()) {
                    (true, true, _) => Stored::Known(body),
                    (true, false, "pods") => Stored::Unknown,
                    _ if result.get("body").is_none() => Stored::Unknown,
                    _ => Stored::Absent,
                };
                (Outcome::NoWrite, Some(after))
            }
            "POST" | "PUT" | "PATCH" => self.write(step, &target, &before, result),
            _ => (Outcome::NoWrite, None),
        };
        if let (Some(after), false) = (after, is_dry) {
            // Who takes the last finalizer from a deleted object ends it.
            let is_ended = matches!(&after, Stored::Known(object)
                if object["metadata"]["deletionTimestamp"].is_string() && object["metadata"]["finalizers"].is_null());
            self.store.insert(key, if is_ended { Stored::Absent } else { after });
        }
        outcome
    }

    /// Takes up a custom resource that a script defines or changes.
    fn define(&mut self, step: &Value, method: &str) {
        let Some(sent) = self.sent(step).filter(|_| method != "GET" && method != "DELETE") else { return };
        let named = sent["metadata"]["name"].as_str().map(str::to_owned);
        let path = step["path"].as_str().unwrap_or_default();
        let name = named.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default().to_owned());
        let before = self.custom.get(&name).map(|custom| custom.definition.clone());
        let mut definition = before.unwrap_or(Value::Null);
        if method == "PATCH" {
            merge_patch(&mut definition, &sent);
        } else {
            definition = sent;
        }
        if let Ok(table) = Table::from_crd(&definition) {
            self.custom.insert(name, Rc::new(Custom { table, definition }));
        }
    }

    /// What we took to be stored must be what is read: this shows what writes to /scale leave.
    fn compare_read(&self, before: &Stored, body: &Value) -> Outcome {
        let Stored::Known(live) = before else { return Outcome::NoWrite };
        let managed = |object: &Value| entries(&object["metadata"]["managedFields"]);
        if managed(live) == managed(body) {
            return Outcome::NoWrite;
        }
        Outcome::Failed(format!("read: got {}, want {}", json!(managed(live)), json!(managed(body))))
    }

    /// Plays a write; gives what is stored then, if anything changes.
    fn write(
        &self,
        step: &Value,
        target: &Target,
        before: &Stored,
        result: &Value,
    ) -> (Outcome, Option<Stored>) {
        let status = result["status"].as_u64().unwrap_or_default();
        let succeeded = status == 200 || status == 201;
        let unknown = succeeded.then_some(Stored::Unknown);
        let body = result["body"].clone();
        let known = body["metadata"].is_object()
            && !["Status", "Scale"].iter().any(|kind| body["kind"] == *kind)
            && succeeded;
        let full = known.then(|| Stored::Known(body.clone())).or(unknown);
        let live = match before {
            Stored::Absent => Value::Null,
            Stored::Known(live) => live.clone(),
            Stored::Unknown => return (Outcome::LeftOut("the stored object is not known"), full),
        };
        let content = step["headers"]["Content-Type"].as_str().unwrap_or_default();
        let is_apply = content == "application/apply-patch+yaml";
        let Some(kind) = Kind::find(&self.custom, target) else {
            return (Outcome::LeftOut("the kind is not known"), full);
        };
        let sent = self.sent(step);
        if target.subresource == "scale" {
            return self.write_scale(step, target, &kind, &live, sent, result);
        }
        if !["", "status"].contains(&target.subresource.as_str()) {
            return (Outcome::LeftOut("another subresource"), full);
        }
        let manager = manager(step);
        let request = request(target, &manager);
        let reset = kind.reset_fields(target);
        let updater = ObjectUpdater::new(&kind)
            .with_reset_fields(&reset)
            .with_empty_object(Cow::Owned(kind.empty(&request)));
        if is_apply {
            let Some(config) = sent else {
                return (Outcome::LeftOut("the request cannot be read"), full);
            };
            let force = force(step);
            let live = kind.at(live, request.version);
            let outcome = updater.apply(&live, &config, request, force);
            if result.get("ignored").is_some() || (succeeded && !known && result.get("picked").is_none()) {
                return (Outcome::NoWrite, Some(Stored::Unknown));
            }
            let ours = outcome.as_ref().ok().map(|applied| applied.object.clone());
            let outcome = kind.compare_apply(target, &live, outcome, result);
            // Without the whole reply our own object is what the next request meets.
            return (
                outcome,
                if known { full } else { succeeded.then_some(ours.map_or(Stored::Unknown, Stored::Known)) },
            );
        }
        if !succeeded {
            return (Outcome::NoWrite, None);
        }
        let is_merge_patch = content == "application/merge-patch+json" && step["method"] == "PATCH";
        let mut new = match (known, is_merge_patch, &sent) {
            (true, ..) => body.clone(),
            (false, true, Some(patch)) if target.group.ends_with("example.com") => {
                let mut new = live.clone();
                merge_patch(&mut new, patch);
                new
            }
            _ => return (Outcome::LeftOut("the reply was not kept"), Some(Stored::Unknown)),
        };
        let given = match step["method"].as_str() {
            Some("PATCH") => {
                let patch = sent.as_ref().and_then(|sent| sent.pointer("/metadata/managedFields")).cloned();
                patch.unwrap_or_else(|| live["metadata"]["managedFields"].clone())
            }
            _ => sent.as_ref().map(|sent| sent["metadata"]["managedFields"].clone()).unwrap_or_default(),
        };
        if content == "application/json-patch+json" && step["body"].to_string().contains("managedFields") {
            return (Outcome::LeftOut("a patch of managedFields"), full);
        }
        new["metadata"]["managedFields"] = given;
        let live_here = kind.at(live, request.version);
        // Of all that is stored as nothing when it is empty, only rules are there before.
        if sent.as_ref().is_some_and(|sent| sent["rules"] == json!([])) && new["rules"].is_null() {
            new["rules"] = json!([]);
        }
        without_allocated(target, &live_here, sent.as_ref(), &mut new);
        let ours = updater.update(&live_here, &new, request);
        let wanted = if known {
            &body["metadata"]["managedFields"]
        } else {
            &result["picked"]["metadata.managedFields"]
        };
        if !known && wanted.is_null() {
            return (Outcome::LeftOut("the reply was not kept"), Some(Stored::Known(ours)));
        }
        let outcome = compare_managers(&ours, wanted);
        (outcome, if known { full } else { Some(Stored::Known(ours)) })
    }

    /// A write to /scale: an apply or an update of the Scale, whose managers go back to the resource.
    fn write_scale(
        &self,
        step: &Value,
        target: &Target,
        kind: &Kind,
        live: &Value,
        sent: Option<Value>,
        result: &Value,
    ) -> (Outcome, Option<Stored>) {
        let succeeded = result["status"] == 200 || result["status"] == 201;
        let unknown = succeeded.then_some(Stored::Unknown);
        let Some(replicas_path) = kind.replicas() else {
            return (Outcome::NoWrite, unknown);
        };
        let Some(sent) = sent else { return (Outcome::LeftOut("the request cannot be read"), unknown) };
        if live.is_null() {
            return (Outcome::NoWrite, unknown);
        }
        let api_version = target.api_version();
        let fields = ScaleFields::new().with(api_version.as_str(), replicas_path.clone());
        let Ok(parent) = ManagedFields::of(live) else {
            return (Outcome::LeftOut("the managers cannot be read"), unknown);
        };
        let names: Vec<String> = replicas_path
            .elements()
            .iter()
            .map(|e| e.to_string().trim_start_matches('.').to_owned())
            .collect();
        let pointer = format!("/{}", names.join("/"));
        let replicas = live.pointer(&pointer).cloned().unwrap_or(json!(0));
        let mut scale = json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": live["metadata"],
            "spec": {"replicas": replicas}, "status": {"replicas": 0},
        });
        scale["metadata"]["managedFields"] = fields.to_scale(&parent).to_value();
        for name in ["labels", "annotations", "finalizers", "ownerReferences", "generation"] {
            scale["metadata"].as_object_mut().unwrap().remove(name);
        }
        without_zero(&mut scale);
        let manager = manager(step);
        let request = Request {
            manager: &manager,
            version: "autoscaling/v1",
            subresource: "scale",
            time: TIME.parse().unwrap(),
        };
        let scale_kind = Kind::scale();
        let updater =
            ObjectUpdater::new(&scale_kind).with_empty_object(Cow::Owned(scale_kind.empty(&request)));
        let content = step["headers"]["Content-Type"].as_str().unwrap_or_default();
        let is_apply = content == "application/apply-patch+yaml";
        let new = if is_apply {
            let outcome = updater.apply(&scale, &sent, request, force(step));
            match outcome {
                Err(error) => return (compare_error(&error, result), unknown),
                Ok(applied) => applied.object,
            }
        } else {
            if !succeeded {
                return (Outcome::NoWrite, None);
            }
            let mut new = scale.clone();
            match (step["method"].as_str(), content) {
                (Some("PATCH"), "application/merge-patch+json") => merge_patch(&mut new, &sent),
                (Some("PUT"), _) => new["spec"] = sent["spec"].clone(),
                _ => return (Outcome::LeftOut("another patch of /scale"), unknown),
            }
            without_zero(&mut new);
            updater.update(&scale, &new, request)
        };
        if !succeeded {
            return (Outcome::NoWrite, None);
        }
        let after = ManagedFields::of(&new).unwrap();
        let managed = fields.to_parent(&parent, &after, &api_version);
        let mut parent = live.clone();
        let replicas = new["spec"].get("replicas").cloned().unwrap_or(json!(0));
        if let Some(slot) = parent.pointer_mut(&pointer) {
            *slot = replicas;
        } else if let Some(spec) = parent["spec"].as_object_mut() {
            spec.insert("replicas".to_owned(), replicas);
        }
        parent["metadata"]["managedFields"] = managed.to_value();
        // The reply shows no managers; what is read next does.
        (Outcome::NoWrite, Some(Stored::Known(parent)))
    }

    /// Returns the object or the patch that a request sends.
    fn sent(&self, step: &Value) -> Option<Value> {
        let sent = match (&step["body"], step["text"].as_str()) {
            (Value::Null, Some(text)) => {
                // Of a key that stands twice the last counts; the server only warns.
                let last = serde_saphyr::DuplicateKeyPolicy::LastWins;
                let options = serde_saphyr::options! { duplicate_keys: last };
                serde_saphyr::from_str_with_options(text, options).ok()?
            }
            (body, _) => body.clone(),
        };
        Some(self.filled(sent))
    }

    /// Puts parts of earlier replies in place of `${id.path}`.
    fn filled(&self, value: Value) -> Value {
        match value {
            Value::String(text) => {
                let path = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
                path.map(|path| self.part_of_reply(path)).unwrap_or(Value::String(text))
            }
            Value::Array(items) => items.into_iter().map(|item| self.filled(item)).collect(),
            Value::Object(map) => {
                map.into_iter().map(|(name, value)| (name, self.filled(value))).collect::<Map<_, _>>().into()
            }
            other => other,
        }
    }

    fn part_of_reply(&self, path: &str) -> Value {
        let mut names = path.split('.');
        let reply = self.replies.get(names.next().unwrap_or_default()).cloned().unwrap_or_default();
        names.try_fold(reply, |value, name| value.get(name).cloned()).unwrap_or(json!(""))
    }
}

impl Target {
    fn parse(path: &str) -> Option<Self> {
        let mut parts = path.trim_start_matches('/').split('/');
        let (group, version) = match parts.next()? {
            "api" => (String::new(), parts.next()?.to_owned()),
            "apis" => (parts.next()?.to_owned(), parts.next()?.to_owned()),
            _ => return None,
        };
        let mut rest: Vec<&str> = parts.collect();
        let namespace = match rest.as_slice() {
            ["namespaces", namespace, _, ..] => {
                let namespace = (*namespace).to_owned();
                rest.drain(..2);
                namespace
            }
            _ => String::new(),
        };
        let mut rest = rest.into_iter().map(str::to_owned);
        let resource = rest.next()?;
        let name = rest.next();
        let subresource = rest.next().unwrap_or_default();
        Some(Self { group, version, resource, namespace, name, subresource })
    }

    fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// The type of a resource in all its versions.
struct Kind {
    group: String,
    name: String,
    custom: Option<Rc<Custom>>,
}

impl Kind {
    fn find(custom: &HashMap<String, Rc<Custom>>, target: &Target) -> Option<Self> {
        let group = target.group.clone();
        let custom = custom.get(&format!("{}.{group}", target.resource)).map(Rc::clone);
        if let Some(custom) = custom {
            let name = custom.definition["spec"]["names"]["kind"].as_str()?.to_owned();
            return Some(Self { group, name, custom: Some(custom) });
        }
        // The built-in kinds in the scripts are named regularly enough.
        let is_it = |kind: &str| {
            let lower = kind.to_lowercase();
            [format!("{lower}s"), format!("{lower}es"), lower.trim_end_matches('y').to_owned() + "ies"]
                .contains(&target.resource)
        };
        let (.., name, _) = builtin()
            .kinds()
            .find(|(of, version, kind, _)| *of == group && *version == target.version && is_it(kind))?;
        Some(Self { group, name: name.to_owned(), custom: None })
    }

    fn scale() -> Self {
        Self { group: "autoscaling".to_owned(), name: "Scale".to_owned(), custom: None }
    }

    /// What the server begins with before it reads an object.
    fn empty(&self, request: &Request<'_>) -> Value {
        let named = json!({"apiVersion": request.version, "kind": self.name});
        let version = request.version.rsplit('/').next().unwrap_or_default();
        match (&self.custom, builtin().resolve(&self.group, version, &self.name)) {
            (None, Some(of)) => {
                let mut zero = of.zero();
                merge_patch(&mut zero, &named);
                zero
            }
            _ => named,
        }
    }

    /// Versions of a custom resource differ only in their name.
    fn at(&self, mut object: Value, version: &str) -> Value {
        if self.custom.is_some() && object.is_object() {
            object["apiVersion"] = json!(version);
        }
        object
    }

    fn version(&self, name: &str) -> Option<&Value> {
        let versions = self.custom.as_ref()?.definition["spec"]["versions"].as_array()?;
        versions.iter().find(|version| version["name"] == name)
    }

    fn has_status(&self, target: &Target) -> bool {
        match &self.custom {
            None => builtin()
                .resolve(&self.group, &target.version, &self.name)
                .is_some_and(|of| of.field("status").is_some()),
            Some(_) => self
                .version(&target.version)
                .is_some_and(|version| version["subresources"]["status"].is_object()),
        }
    }

    fn reset_fields(&self, target: &Target) -> ResetFields {
        let version = target.api_version();
        match (target.subresource.as_str(), self.name.as_str()) {
            ("status", "Deployment") => {
                ResetFields::none().with(version, [["spec"].as_slice(), &["metadata", "labels"]])
            }
            ("status", _) => ResetFields::none().with(version, [["spec"].as_slice()]),
            _ if self.has_status(target) => ResetFields::none().with(version, [["status"].as_slice()]),
            _ => ResetFields::none(),
        }
    }

    fn replicas(&self) -> Option<Path> {
        match (&self.custom, self.name.as_str()) {
            (None, "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController") => {
                Some(Path::fields(["spec", "replicas"]))
            }
            (None, _) => None,
            (Some(custom), _) => {
                let versions = custom.definition["spec"]["versions"].as_array()?;
                let path = versions[0]["subresources"]["scale"]["specReplicasPath"].as_str()?;
                Some(Path::fields(path.trim_start_matches('.').split('.')))
            }
        }
    }

    /// Holds what an apply came to against the recorded reply.
    fn compare_apply(
        &self,
        target: &Target,
        live: &Value,
        outcome: Result<structured_merge::Applied, ApplyError>,
        result: &Value,
    ) -> Outcome {
        let status = result["status"].as_u64().unwrap_or_default();
        let applied = match outcome {
            Err(error) => return compare_error(&error, result),
            Ok(applied) => applied,
        };
        let recorded = match (status, result.get("picked")) {
            (200 | 201, None) => result["body"].clone(),
            (200 | 201, Some(picked)) => {
                let wanted = &picked["metadata.managedFields"];
                return match wanted.is_null() {
                    true => Outcome::LeftOut("the reply was not kept"),
                    false => compare_managers(&applied.object, wanted),
                };
            }
            // The merge is fine; what it made is refused later, or the request was before.
            _ if result["body"]["details"]["causes"][0]["reason"] == "FieldManagerConflict" => {
                return Outcome::Failed("no conflict was found".to_owned());
            }
            (500, _) => return Outcome::Failed(format!("no error was found: {}", result["body"]["message"])),
            _ => return Outcome::NoWrite,
        };
        if let failed @ Outcome::Failed(_) =
            compare_managers(&applied.object, &recorded["metadata"]["managedFields"])
        {
            return failed;
        }
        let mut ours = applied.object;
        if let Some(version) = self.version(&target.version) {
            add_defaults(&version["schema"]["openAPIV3Schema"], &mut ours);
        }
        if self.name == "Secret" {
            // The server puts texts into data as it reads a secret.
            if let Some(texts) = ours.as_object_mut().and_then(|ours| ours.remove("stringData")) {
                let hidden: Vec<String> =
                    texts.as_object().into_iter().flat_map(Map::keys).cloned().collect();
                for name in hidden {
                    ours["data"][&name] = recorded["data"][&name].clone();
                }
            }
        }
        let leniency = if self.custom.is_some() { Leniency::None } else { Leniency::Defaults };
        let empty = Map::new();
        let fields =
            ours.as_object().unwrap_or(&empty).keys().chain(recorded.as_object().unwrap_or(&empty).keys());
        for name in fields {
            let is_kept = match (target.subresource.as_str(), name.as_str()) {
                (_, "metadata" | "apiVersion" | "kind") => true,
                ("status", name) => name != "status",
                (_, "status") => self.has_status(target),
                _ => false,
            };
            let nothing = if leniency == Leniency::None { Value::Null } else { json!({}) };
            let ours = ours.get(name).unwrap_or(&nothing);
            let wanted = recorded.get(name).unwrap_or(&nothing);
            if is_kept || (ours.is_null() && wanted.is_null()) {
                continue;
            }
            if let Some(difference) = difference(ours, wanted, leniency, &format!(".{name}")) {
                return Outcome::Failed(format!("object: {difference}"));
            }
        }
        for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
            let is_null = |value: &Value| value.is_null() || *value == json!({}) || *value == json!([]);
            let (ours, wanted) = (&ours["metadata"][name], &recorded["metadata"][name]);
            if target.subresource.is_empty()
                && !(is_null(ours) && is_null(wanted))
                && !structured_merge::equal_values(ours, wanted)
            {
                return Outcome::Failed(format!("metadata.{name}: got {ours}, want {wanted}"));
            }
        }
        let _ = live;
        Outcome::Passed
    }
}

impl Versions for Kind {
    fn type_of(&self, version: &str) -> Option<TypeRef<'_>> {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        if group != self.group {
            return None;
        }
        match &self.custom {
            None => builtin().resolve(group, version, &self.name).map(|of| of.merge_type()),
            Some(custom) => {
                let exists = self.version(version)?;
                let of = custom.table.resolve(group, version, &self.name);
                Some(match (of, exists["schema"].is_null()) {
                    (Some(of), _) => of.merge_type(),
                    (None, _) => deduced(),
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
            object["apiVersion"] = json!(to);
        }
        Ok(object)
    }
}

/// A Scale of none does not say so.
fn without_zero(scale: &mut Value) {
    if let Some(spec) = scale["spec"].as_object_mut() {
        spec.retain(|name, value| name != "replicas" || *value != json!(0));
    }
}

fn request<'r>(target: &'r Target, manager: &'r str) -> Request<'r> {
    // Leaked, for a request borrows its version, and a test ends soon.
    let version: &'static str = Box::leak(target.api_version().into_boxed_str());
    Request { manager, version, subresource: &target.subresource, time: TIME.parse().unwrap() }
}

fn manager(step: &Value) -> String {
    if let Some(manager) = step["query"]["fieldManager"].as_str().filter(|manager| !manager.is_empty()) {
        return manager.to_owned();
    }
    let agent = step["headers"]["User-Agent"].as_str().unwrap_or_default();
    agent.split('/').next().unwrap_or_default().to_owned()
}

fn force(step: &Value) -> Force {
    let force = &step["query"]["force"];
    if *force == json!(true) || ["true", "1"].iter().any(|yes| force == yes) { Force::Yes } else { Force::No }
}

/// Takes out of a created object what the server adds after it has recorded who owns what.
fn without_allocated(target: &Target, live: &Value, sent: Option<&Value>, new: &mut Value) {
    if target.resource != "services" {
        return;
    }
    let before = live["spec"].clone();
    let Some(spec) = new["spec"].as_object_mut() else { return };
    for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"] {
        if before[name].is_null()
            && sent.is_none_or(|sent| sent["spec"][name].is_null() || sent["spec"][name] == "")
        {
            spec.remove(name);
        }
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let is_new =
            !before["ports"].as_array().into_iter().flatten().any(|old| old["nodePort"] == port["nodePort"]);
        if let (true, Some(port)) = (is_new, port.as_object_mut()) {
            port.remove("nodePort");
        }
    }
}

fn compare_managers(ours: &Value, wanted: &Value) -> Outcome {
    let (got, want) = (entries(&ours["metadata"]["managedFields"]), entries(wanted));
    if got == want {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("managers: got {}, want {}", json!(got), json!(want)))
    }
}

/// Holds an error against the recorded reply.
fn compare_error(error: &ApplyError, result: &Value) -> Outcome {
    let (status, body) = (result["status"].as_u64().unwrap_or_default(), &result["body"]);
    let is_conflict = body["details"]["causes"][0]["reason"] == "FieldManagerConflict";
    match error {
        ApplyError::Conflicts(conflicts) => {
            if !is_conflict {
                return match status {
                    200 | 201 => Outcome::Failed(format!("{error}, but it was applied")),
                    // Refused before it was merged.
                    _ => Outcome::NoWrite,
                };
            }
            let mut got: Vec<(String, String)> = conflicts
                .as_slice()
                .iter()
                .map(|conflict| (conflict.path.to_string(), format!("conflict with {:?}", conflict.manager)))
                .collect();
            let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
            let causes = body["details"]["causes"].as_array().unwrap().iter();
            let mut want: Vec<_> =
                causes.map(|cause| (text(cause, "field"), text(cause, "message"))).collect();
            got.sort();
            want.sort();
            if got != want {
                return Outcome::Failed(format!("conflicts: got {got:?}, want {want:?}"));
            }
            let message = body["message"].as_str().unwrap_or_default();
            if error.to_string() != message {
                return Outcome::Failed(format!("text: got {error:?}, want {message:?}"));
            }
            Outcome::Passed
        }
        ApplyError::Object { source, .. } if status == 500 => {
            let ours = format!("{error}: {source}");
            let message = body["message"].as_str().unwrap_or_default();
            if ours == message {
                Outcome::Passed
            } else {
                Outcome::Failed(format!("text: got {ours}, want {message}"))
            }
        }
        ApplyError::BadRequest(_) if status == 400 => Outcome::Passed,
        // Refused for another reason before it was merged.
        _ if status >= 400 && !is_conflict && status != 500 => Outcome::NoWrite,
        error => Outcome::Failed(format!("{error:?}, want {status} {}", body["message"])),
    }
}
