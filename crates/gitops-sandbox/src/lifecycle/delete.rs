//! Deleting objects: finalizers, grace, preconditions.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::call::Call;
use super::create::with_revision;
use super::reply::Reply;
use super::selectors::Selection;
use super::{present, strategy, validate};
use crate::crd;
use crate::store::{Expect, Mismatch, Stored};
use crate::wire::json as document;
use crate::wire::query::check_dry_run;
use crate::wire::status::{Answer, Cause, Refusal, deleted};

/// Namespaces that every cluster has, and keeps.
const SYSTEM_NAMESPACES: [&str; 3] = ["default", "kube-system", "kube-public"];
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// What a deletion shall do.
#[derive(Clone, Debug, Default)]
struct Options {
    dry_run: bool,
    policy: Option<String>,
    grace: Option<i64>,
    uid: Option<String>,
    revision: Option<String>,
}

pub(crate) fn delete(call: &mut Call<'_>) -> Answer<Reply> {
    let options = read_options(call)?;
    warn_of_orphans(call, &options);
    let name = call.target.name.clone();
    for _ in 0..8 {
        let key = call.key(&name);
        let stored = call.server.store.get(&key).ok_or_else(|| call.not_found())?;
        match delete_one(call, &options, &stored)? {
            Some(reply) => return Ok(reply),
            None => continue,
        }
    }
    Err(Refusal::modified(&call.kind.group, &call.kind.plural, &name))
}

pub(super) fn delete_collection(call: &mut Call<'_>) -> Answer<Reply> {
    let options = read_options(call)?;
    warn_of_orphans(call, &options);
    let list = call.list_options();
    list.check()?;
    let selection = Selection::read(&call.kind, &list.label_selector, &list.field_selector)?;
    let kind = Arc::clone(&call.kind);
    let page = call
        .server
        .store
        .list(&kind.resource, &call.target.namespace, None, None, list.limit)
        .map_err(|_| Refusal::expired("the list is gone"))?;
    let mut items = Vec::new();
    for stored in page.items {
        let object = present::load(&kind, &stored);
        if !selection.fits(&object) {
            continue;
        }
        call.target.name = Call::name_of(&object).to_owned();
        call.target.namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        if delete_one(call, &options, &stored)?.is_some() {
            items.push(stored);
        }
    }
    let mut metadata = json!({"resourceVersion": page.revision.to_string()});
    if kind.custom.is_some() {
        metadata["continue"] = json!("");
    }
    Ok(Reply::List { items, metadata })
}

/// Deleting a job leaves its pods, which surprises.
fn warn_of_orphans(call: &mut Call<'_>, options: &Options) {
    if call.kind.is("batch", "Job") && options.policy.is_none() {
        call.warn("child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning");
    }
}

fn read_options(call: &Call<'_>) -> Answer<Options> {
    let mut options = Options::default();
    let mut causes = Vec::new();
    let mut orphan = None;
    let mut policy = None;
    // The body of an eviction is none of ours.
    if !call.body.is_empty() && call.method == http::Method::DELETE {
        let body = validate::delete_options(call)?;
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let dry_run: Vec<String> = body["dryRun"].as_array().into_iter().flatten().filter_map(text).collect();
        options.dry_run = check_dry_run(&dry_run, &mut causes);
        policy = text(&body["propagationPolicy"]);
        orphan = body["orphanDependents"].as_bool();
        options.grace = body["gracePeriodSeconds"].as_i64();
        options.uid = text(&body["preconditions"]["uid"]);
        options.revision = text(&body["preconditions"]["resourceVersion"]);
    } else {
        options.dry_run = check_dry_run(call.query.all("dryRun"), &mut causes);
        if call.query.has("propagationPolicy") {
            policy = Some(call.query.get("propagationPolicy").to_owned());
        }
        if call.query.has("orphanDependents") {
            orphan = Some(call.query.flag("orphanDependents"));
        }
        options.grace = call.query.number("gracePeriodSeconds");
    }
    if policy.is_some() && orphan.is_some() {
        let why = "orphanDependents and deletionPropagation cannot be both set";
        let value = json!(policy.clone().unwrap_or_default());
        causes.push(Cause::invalid("propagationPolicy", &value, why));
    }
    if let Some(policy) = &policy
        && !["Foreground", "Background", "Orphan"].contains(&policy.as_str())
    {
        let message = format!(
            "Unsupported value: {}: supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
            crate::wire::status::go_quoted(policy)
        );
        causes.push(Cause::new("FieldValueNotSupported", "propagationPolicy", message));
    }
    if !causes.is_empty() {
        return Err(Refusal::invalid("meta.k8s.io", "DeleteOptions", "", &causes));
    }
    options.policy = match (policy, orphan) {
        (Some(policy), _) => Some(policy),
        (None, Some(true)) => Some("Orphan".to_owned()),
        (None, Some(false)) => Some("Background".to_owned()),
        (None, None) => None,
    };
    let _ = document::read;
    Ok(options)
}

/// Deletes an object; gives nothing when somebody else was faster.
fn delete_one(call: &mut Call<'_>, options: &Options, stored: &Arc<Stored>) -> Answer<Option<Reply>> {
    let kind = Arc::clone(&call.kind);
    let live = present::load(&kind, stored);
    check_preconditions(call, options, &live)?;
    if kind.is("", "Namespace") {
        return delete_namespace(call, options, stored, live);
    }
    if kind.is("apiextensions.k8s.io", "CustomResourceDefinition")
        && live["metadata"]["deletionTimestamp"].is_null()
    {
        return delete_definition(call, options, stored, &live);
    }
    let mut new = live.clone();
    let now = call.server.clock.now();
    let grace = if kind.is("", "Pod") { pod_grace(&live, options) } else { None };
    let was_deleting = live["metadata"]["deletionTimestamp"].is_string();
    set_finalizers(call, options, &mut new);
    let held = new["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
    let waits = grace.is_some_and(|seconds| seconds > 0);
    if held || waits || kind.is("", "Pod") {
        mark(&mut new, now, grace.unwrap_or(0), was_deleting);
        crd::on_delete(&kind, &mut new, now);
    }
    if held || waits {
        if new == live {
            return Ok(Some(Reply::Object(200, live)));
        }
        if !options.dry_run {
            let mut bytes = new.clone();
            present::to_storage(&kind, &mut bytes);
            let key = call.key(&call.target.name);
            let expect = Expect::Revision(stored.revision);
            let Ok(written) =
                call.server.store.put(&key, expect, |revision| with_revision(&mut bytes, revision))
            else {
                return Ok(None);
            };
            new["metadata"]["resourceVersion"] = json!(written.revision.to_string());
            crd::after_write(call.server, &kind, &bytes);
        }
        present::canonical(&kind, &mut new);
        return Ok(Some(Reply::Object(200, new)));
    }
    if !options.dry_run {
        // A pod is marked before it goes, so watchers see it end.
        let marked = if kind.is("", "Pod") && new != live {
            let mut bytes = new.clone();
            present::to_storage(&kind, &mut bytes);
            let key = call.key(&call.target.name);
            let expect = Expect::Revision(stored.revision);
            match call.server.store.put(&key, expect, |revision| with_revision(&mut bytes, revision)) {
                Ok(marked) => Some(marked),
                Err(_) => return Ok(None),
            }
        } else {
            None
        };
        match remove(call, marked.as_deref().unwrap_or(stored), &new) {
            Ok(removed) => new["metadata"]["resourceVersion"] = json!(removed.revision.to_string()),
            Err(Mismatch) => return Ok(None),
        }
    }
    Ok(Some(finished(call, new)))
}

fn finished(call: &Call<'_>, object: Value) -> Reply {
    let kind = &call.kind;
    if strategy::delete_returns_object(kind) {
        return Reply::Object(200, object);
    }
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    let status = deleted(&kind.group, &kind.plural, Call::name_of(&object), uid, kind.custom.is_some());
    Reply::Other(200, status)
}

/// Removes an object from the store. Watchers see it as it was stored last.
pub(super) fn remove(call: &Call<'_>, stored: &Stored, object: &Value) -> Result<Arc<Stored>, Mismatch> {
    let mut last = present::parse(stored);
    let key = call.key(&call.target.name);
    let removed = call
        .server
        .store
        .remove(&key, Expect::Revision(stored.revision), |revision| with_revision(&mut last, revision))?;
    crd::after_delete(call.server, &call.kind, object);
    Ok(removed)
}

fn check_preconditions(call: &Call<'_>, options: &Options, live: &Value) -> Answer<()> {
    let text = |name: &str| live["metadata"][name].as_str().unwrap_or_default();
    let kind = &call.kind;
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != text("uid")) {
        let found = text("uid");
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({found}). The object might have been deleted and then recreated"
        );
        return Err(Refusal::conflict(&kind.group, &kind.kind, Call::name_of(live), &why));
    }
    if let Some(revision) =
        options.revision.as_deref().filter(|revision| *revision != text("resourceVersion"))
    {
        let found = text("resourceVersion");
        let why = format!(
            "the ResourceVersion in the precondition ({revision}) does not match the ResourceVersion in record ({found}). The object might have been modified"
        );
        return Err(Refusal::conflict(&kind.group, &kind.kind, Call::name_of(live), &why));
    }
    Ok(())
}

/// Returns how long a pod may take to end.
fn pod_grace(live: &Value, options: &Options) -> Option<i64> {
    let metadata = &live["metadata"];
    let mut grace =
        options.grace.or_else(|| live["spec"]["terminationGracePeriodSeconds"].as_i64()).unwrap_or(30);
    if grace < 0 {
        grace = 1;
    }
    let unscheduled = live["spec"]["nodeName"].as_str().unwrap_or_default().is_empty();
    let ended = matches!(live["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
    if unscheduled || ended {
        grace = 0;
    }
    // Grace is only shortened.
    match metadata["deletionGracePeriodSeconds"].as_i64() {
        Some(known) if options.grace.is_none() => Some(known.min(grace).max(known)),
        Some(known) => Some(known.min(grace)),
        None => Some(grace),
    }
}

fn mark(new: &mut Value, now: Timestamp, grace: i64, was_deleting: bool) {
    let bumps = strategy::deletion_bumps_generation(new);
    let Some(metadata) = new["metadata"].as_object_mut() else { return };
    let known = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_i64);
    if was_deleting && known == Some(grace) {
        return;
    }
    let until = now.checked_add(grace.seconds()).unwrap_or(now);
    let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
    metadata.insert("deletionTimestamp".to_owned(), json!(until.to_string()));
    metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
    if bumps && !was_deleting {
        let generation = metadata.get("generation").and_then(Value::as_i64).unwrap_or(0);
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
}

/// Puts the finalizers on an object that leave or wait for what it owns.
fn set_finalizers(call: &Call<'_>, options: &Options, new: &mut Value) {
    let kind = &call.kind;
    let list = new["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    if !strategy::has_dependants(kind) {
        return;
    }
    let has = |name: &str| list.iter().any(|finalizer| finalizer == name);
    let (orphan, foreground) = match options.policy.as_deref() {
        Some("Orphan") => (true, false),
        Some("Foreground") => (false, true),
        Some(_) => (false, false),
        None if has(ORPHAN) => (true, false),
        None if has(FOREGROUND) => (false, true),
        None => (strategy::orphans_by_default(kind), false),
    };
    let mut finalizers: Vec<Value> =
        list.iter().filter(|finalizer| *finalizer != ORPHAN && *finalizer != FOREGROUND).cloned().collect();
    if orphan {
        finalizers.push(json!(ORPHAN));
    }
    if foreground {
        finalizers.push(json!(FOREGROUND));
    }
    if finalizers.is_empty() {
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.remove("finalizers");
        }
    } else if finalizers != list {
        new["metadata"]["finalizers"] = Value::Array(finalizers);
    }
}

/// Begins the end of a definition: its objects go first.
fn delete_definition(
    call: &mut Call<'_>,
    options: &Options,
    stored: &Arc<Stored>,
    live: &Value,
) -> Answer<Option<Reply>> {
    let kind = Arc::clone(&call.kind);
    let mut new = live.clone();
    set_finalizers(call, options, &mut new);
    let now = call.server.clock.now();
    new["metadata"]["deletionTimestamp"] = json!(call.server.clock.stamp());
    let mut finalizers = new["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    finalizers.push(json!(crd::CLEANUP));
    new["metadata"]["finalizers"] = Value::Array(finalizers);
    crd::on_delete(&kind, &mut new, now);
    if !options.dry_run {
        let mut bytes = new.clone();
        present::to_storage(&kind, &mut bytes);
        let key = call.key(&call.target.name);
        let expect = Expect::Revision(stored.revision);
        let Ok(written) = call.server.store.put(&key, expect, |revision| with_revision(&mut bytes, revision))
        else {
            return Ok(None);
        };
        new["metadata"]["resourceVersion"] = json!(written.revision.to_string());
        crd::after_write(call.server, &kind, &bytes);
    }
    Ok(Some(Reply::Object(200, new)))
}

fn delete_namespace(
    call: &mut Call<'_>,
    options: &Options,
    stored: &Arc<Stored>,
    live: Value,
) -> Answer<Option<Reply>> {
    let name = Call::name_of(&live).to_owned();
    if SYSTEM_NAMESPACES.contains(&name.as_str()) {
        return Err(Refusal::forbidden("", "namespaces", &name, "this namespace may not be deleted"));
    }
    let mut new = live.clone();
    if live["metadata"]["deletionTimestamp"].is_null() {
        new["metadata"]["deletionTimestamp"] = json!(call.server.clock.stamp());
        new["status"]["phase"] = json!("Terminating");
        set_finalizers(call, options, &mut new);
        if !options.dry_run {
            let mut bytes = new.clone();
            present::to_storage(&call.kind, &mut bytes);
            let key = call.key(&name);
            let expect = Expect::Revision(stored.revision);
            let Ok(written) =
                call.server.store.put(&key, expect, |revision| with_revision(&mut bytes, revision))
            else {
                return Ok(None);
            };
            new["metadata"]["resourceVersion"] = json!(written.revision.to_string());
        }
        return Ok(Some(Reply::Object(200, new)));
    }
    let empty = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
    if !empty(&live["spec"]["finalizers"]) || !empty(&live["metadata"]["finalizers"]) {
        return Ok(Some(Reply::Object(200, live)));
    }
    if !options.dry_run {
        match remove(call, stored, &new) {
            Ok(removed) => new["metadata"]["resourceVersion"] = json!(removed.revision.to_string()),
            Err(Mismatch) => return Ok(None),
        }
    }
    Ok(Some(finished(call, new)))
}
