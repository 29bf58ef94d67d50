//! Changing objects: what PUT and all patches share.

use std::sync::Arc;

use serde_json::{Value, json};

use super::call::Call;
use super::create::{self, Tracked};
use super::reply::Reply;
use super::strategy::{self, Part};
use super::{defaults, delete, metadata, present, storing, validate};
use crate::apply::{self, scale};
use crate::crd;
use crate::store::{Expect, Stored};
use crate::unmodelled;
use crate::wire::query::WriteOptions;
use crate::wire::status::{Answer, Cause, Refusal};

/// How often a patch is tried again when somebody else was faster.
const ATTEMPTS: usize = 5;

pub(super) fn update(call: &mut Call<'_>) -> Answer<Reply> {
    let options = WriteOptions::read(&call.query, "UpdateOptions", false)?;
    if call.target.subresource == "scale" {
        return scale::put(call, &options);
    }
    let kind = call.kind.clone();
    let mut object = validate::decode(call, options.field_validation)?;
    let name = Call::name_of(&object).to_owned();
    if name.is_empty() {
        let url = &call.target.name;
        let why =
            format!("the name of the object ({url} based on URL) was undeterminable: name must be provided");
        return Err(Refusal::bad_request(why));
    }
    if name != call.target.name {
        let why = format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.target.name
        );
        return Err(Refusal::bad_request(why));
    }
    create::fill_namespace(call, &mut object)?;
    let manager = call.manager(&options.field_manager).to_owned();
    let subresource = call.target.subresource.clone();
    let server = Arc::clone(call.server);
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let mut change = |call: &mut Call<'_>, live: &Value| {
        if live.is_null() {
            return Ok(object.clone());
        }
        check_uid(call, &uid, live)?;
        Ok(apply::track(&server, &kind, &subresource, live, object.clone(), &manager))
    };
    let creates = strategy::put_creates(&call.kind);
    write(call, &options, &mut change, &Rules { creates, is_patch: false, tracked: Tracked::Update })
}

/// Refuses a write that names another object's uid.
pub(crate) fn check_uid(call: &Call<'_>, uid: &str, live: &Value) -> Answer<()> {
    let found = live["metadata"]["uid"].as_str().unwrap_or_default();
    if uid.is_empty() || uid == found {
        return Ok(());
    }
    let (kind, target) = (&call.kind, &call.target);
    let place = crd::storage_path(kind);
    let namespace =
        if target.namespace.is_empty() { String::new() } else { format!("/{}", target.namespace) };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{place}{namespace}/{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {found}",
        target.name
    );
    Err(Refusal::conflict(&kind.group, &kind.plural, &target.name, &why))
}

/// What a write may do.
pub(crate) struct Rules {
    /// Whether what is not there is created.
    pub(crate) creates: bool,
    /// Whether it is tried again when somebody else was faster.
    pub(crate) is_patch: bool,
    pub(crate) tracked: Tracked,
}

/// Makes the new object from the live one; null is none.
pub(crate) type Change<'c> = dyn FnMut(&mut Call<'_>, &Value) -> Answer<Value> + 'c;

/// Changes an object: reads it, makes the new one, checks it, and stores it if nobody else was faster.
pub(crate) fn write(
    call: &mut Call<'_>,
    options: &WriteOptions,
    change: &mut Change<'_>,
    rules: &Rules,
) -> Answer<Reply> {
    let key = call.key(&call.target.name);
    for attempt in 0.. {
        let Some(stored) = call.server.store.get(&key) else {
            if !rules.creates {
                return Err(call.not_found());
            }
            let mut object = change(call, &Value::Null)?;
            if rules.tracked == Tracked::Update {
                create::wipe(&mut object);
            }
            validate::may_create(call)?;
            match create::run(call, object, options, rules.tracked) {
                // Somebody else created it meanwhile: now it is changed.
                Err(refusal) if refusal.reason == "AlreadyExists" && attempt < ATTEMPTS => continue,
                answer => return answer,
            }
        };
        match try_write(call, options, change, rules, &stored) {
            Err(Failed::Raced) if attempt < ATTEMPTS => {}
            Err(Failed::Raced) => {
                let kind = &call.kind;
                return Err(Refusal::modified(&kind.group, &kind.plural, &call.target.name));
            }
            Err(Failed::Refused(refusal)) => return Err(refusal),
            Ok(reply) => return Ok(reply),
        }
    }
    Err(call.not_found())
}

enum Failed {
    Raced,
    Refused(Box<Refusal>),
}

impl From<Box<Refusal>> for Failed {
    fn from(refusal: Box<Refusal>) -> Self {
        Self::Refused(refusal)
    }
}

fn try_write(
    call: &mut Call<'_>,
    options: &WriteOptions,
    change: &mut Change<'_>,
    rules: &Rules,
    stored: &Arc<Stored>,
) -> Result<Reply, Failed> {
    let kind = call.kind.clone();
    let loaded = present::loaded(&call.server.store, &kind, stored);
    let live = &loaded.object;
    let new = change(call, live)?;
    let mut new = check_revision(call, rules, new, stored.revision)?;
    prepare(call, &mut new, live, options)?;
    crd::settle(&kind, &mut new);
    // The last finalizer is gone: so is the object.
    let deleting = !new["metadata"]["deletionTimestamp"].is_null();
    let held = new["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
    let graceful = new["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0;
    let spec_held = kind.is("", "Namespace")
        && new["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
    let was_held = live["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty())
        || live["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
    if deleting && !held && !graceful && !spec_held && (was_held || !kind.is("", "Namespace")) {
        new["metadata"]["resourceVersion"] = json!(stored.revision.to_string());
        if !options.dry_run {
            delete::remove(call, stored, &new).map_err(|_| Failed::Raced)?;
        }
        present::canonical(&kind, &mut new);
        return Ok(Reply::Object(200, new));
    }
    new["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    if kind.group == "rbac.authorization.k8s.io" {
        present::canonical(&kind, &mut new);
    }
    let is_stored_alike = options.dry_run
        || !(stored.is_new && strategy::first_write_is_stored(&kind, live)
            || call.is_reshaped
            || stored.is_reshaped());
    if is_stored_alike && (*live == new || (!options.dry_run && same(live, &new))) {
        return Ok(Reply::Stored(200, Arc::clone(stored)));
    }
    if options.dry_run {
        present::canonical(&kind, &mut new);
        return Ok(Reply::Object(200, new));
    }
    let key = call.key(&call.target.name);
    let written =
        storing::put(call, &key, Expect::Revision(stored.revision), &mut new).map_err(|_| Failed::Raced)?;
    Ok(storing::reply(call, 200, written, new))
}

/// Whether storing the new object would change nothing but times of managers.
fn same(live: &Value, new: &Value) -> bool {
    structured_merge::ManagedFields::same_but_for_times(live, new)
}

/// Refuses a write that does not know the newest revision.
fn check_revision(call: &Call<'_>, rules: &Rules, new: Value, revision: u64) -> Answer<Value> {
    let kind = &call.kind;
    let given = new["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if given.is_empty() || given == "0" {
        if rules.is_patch || strategy::put_without_revision(kind) {
            return Ok(new);
        }
        let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        return Err(Refusal::invalid(&kind.group, &kind.plural, &call.target.name, &[cause]));
    }
    match given.parse::<u64>() {
        Ok(given) if given == revision => Ok(new),
        Ok(_) => Err(Refusal::modified(&kind.group, &kind.plural, &call.target.name)),
        Err(_) => {
            let why = format!("strconv.ParseUint: parsing {given:?}: invalid syntax");
            let cause = Cause::invalid("metadata.resourceVersion", &json!(given), &why);
            Err(Refusal::invalid(&kind.group, &kind.plural, &call.target.name, &[cause]))
        }
    }
}

/// Does to a changed object what every update goes through.
fn prepare(call: &mut Call<'_>, new: &mut Value, live: &Value, options: &WriteOptions) -> Answer<()> {
    let kind = call.kind.clone();
    let part = Part::of(&call.target.subresource);
    validate::admit_update(call, new, live)?;
    new["metadata"]["generation"] = live["metadata"]["generation"].clone();
    strategy::prepare_for_update(&kind, part, new, live);
    let old = &live["metadata"];
    if let Some(metadata) = new["metadata"].as_object_mut() {
        if !kind.namespaced {
            metadata.remove("namespace");
        } else if metadata.get("namespace").and_then(Value::as_str).unwrap_or_default().is_empty() {
            metadata.insert("namespace".to_owned(), old["namespace"].clone());
        }
        if metadata.get("generation").is_some_and(Value::is_null) {
            metadata.remove("generation");
        }
        if metadata.get("uid").and_then(Value::as_str).unwrap_or_default().is_empty() {
            metadata.insert("uid".to_owned(), old["uid"].clone());
        }
        // What the server has set is not changed by whoever sends it otherwise.
        for name in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            match &old[name] {
                Value::Null => metadata.remove(name),
                value => metadata.insert(name.to_owned(), value.clone()),
            };
        }
        metadata.remove("selfLink");
    }
    let mut causes = metadata::validate_update(&kind, new, live);
    causes.extend(validate::on_update(call, part, new, live));
    if !causes.is_empty() {
        // A custom resource is what it says that it is.
        let said = |name: &str| new[name].as_str().filter(|_| kind.custom.is_some());
        let group = said("apiVersion").map_or(create::error_kind(&kind, new).0, |said| {
            said.split_once('/').map_or("", |(group, _)| group)
        });
        let named = said("kind").unwrap_or(&kind.kind);
        return Err(Refusal::invalid(group, named, Call::name_of(new), &causes));
    }
    if part == Part::Main {
        unmodelled::written(call, new)?;
        // What is refused here is refused without remarks.
        defaults::allocate(call.server, &kind, new, Some(live), options.dry_run)?;
        let warnings = metadata::warnings(&kind, new, Some(live));
        call.warn_all(&warnings);
        let warnings = validate::warnings(&kind, new, Some(live));
        call.warn_all(&warnings);
    }
    Ok(())
}
