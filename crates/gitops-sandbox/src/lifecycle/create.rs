//! Creating objects.

use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use super::{defaults, metadata, present, storing, strategy, validate};
use crate::access::reviews;
use crate::apply;
use crate::crd;
use crate::schema::Kind;
use crate::store::Expect;
use crate::unmodelled;
use crate::wire::query::WriteOptions;
use crate::wire::status::{Answer, Refusal};

/// How often another name is tried when a generated one is taken.
const NAME_ATTEMPTS: usize = 8;
/// The letters of generated names: no vowels, so that no words come out.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// How much of the prefix of a generated name is kept.
const MAX_PREFIX: usize = 58;

pub(super) fn create(call: &mut Call<'_>) -> Answer<Reply> {
    if let Some(reply) = reviews::create(call)? {
        return Ok(reply);
    }
    let options = WriteOptions::read(&call.query, "CreateOptions", false)?;
    let mut object = super::validate::decode(call, options.field_validation)?;
    fill_namespace(call, &mut object)?;
    wipe(&mut object);
    run(call, object, &options, Tracked::Update)
}

/// How the managers of a new object come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tracked {
    /// Nobody has recorded them yet.
    Update,
    /// Server-side apply has.
    Already,
}

/// Sets the namespace of the request, and refuses another one.
pub(crate) fn fill_namespace(call: &Call<'_>, object: &mut Value) -> Answer<()> {
    let Some(metadata) = object["metadata"].as_object_mut() else { return Ok(()) };
    if !call.kind.namespaced {
        metadata.remove("namespace");
        return Ok(());
    }
    let given = metadata.get("namespace").and_then(Value::as_str).unwrap_or_default();
    if !given.is_empty() && given != call.target.namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Refusal::bad_request(why));
    }
    metadata.insert("namespace".to_owned(), json!(call.target.namespace));
    Ok(())
}

/// Takes out what only the server sets.
pub(super) fn wipe(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for name in
            ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]
        {
            metadata.remove(name);
        }
    }
}

/// Creates a decoded object and answers with it in the version of the request.
pub(super) fn run(
    call: &mut Call<'_>,
    mut object: Value,
    options: &WriteOptions,
    tracked: Tracked,
) -> Answer<Reply> {
    let (server, kind) = (call.server, call.kind.clone());
    let revision = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if tracked == Tracked::Update {
        if !revision.is_empty() && revision != "0" {
            return Err(Refusal::unknown("resourceVersion should not be set on objects to be created"));
        }
        let manager = call.manager(&options.field_manager).to_owned();
        object = apply::track(server, &kind, &call.target.subresource, &Value::Null, object, &manager);
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    super::validate::admit_create(call, &mut object)?;
    let generated = generate_name(call, &mut object);
    let stamp = server.clock.stamp();
    object["metadata"]["creationTimestamp"] = json!(stamp);
    object["metadata"]["uid"] = json!(server.uid());
    strategy::prepare_for_create(&kind, &mut object);
    let mut causes = metadata::validate(&kind, &object);
    if kind.is("batch", "Job") && strategy::first_write_is_stored(&kind, &object) {
        // A new Job gets the labels of its pods only when it is read.
        causes.retain(|cause| cause.field != "metadata.labels");
    }
    causes.extend(validate::on_create(call, &object));
    if !causes.is_empty() {
        let (group, named) = error_kind(&kind, &object);
        return Err(Refusal::invalid(group, named, Call::name_of(&object), &causes));
    }
    crd::settle(&kind, &mut object);
    unmodelled::written(call, &object)?;
    let warnings = metadata::warnings(&kind, &object, None);
    call.warn_all(&warnings);
    let warnings = validate::warnings(&kind, &object, None);
    call.warn_all(&warnings);
    defaults::allocate(server, &kind, &mut object, None, options.dry_run)?;
    for attempt in 0.. {
        let name = Call::name_of(&object).to_owned();
        let key = call.key(&name);
        if options.dry_run {
            if let Some(stored) = server.store.get(&key) {
                return Err(exists(&kind, &name, &stored.bytes));
            }
            break;
        }
        match storing::put(call, &key, Expect::Absent, &mut object) {
            Ok(written) => return Ok(storing::reply(call, 201, written, object)),
            Err(_) if generated && attempt < NAME_ATTEMPTS => {
                set_generated_name(call, &mut object);
            }
            Err(_) => {
                let bytes = server.store.get(&key).map(|stored| stored.bytes.clone()).unwrap_or_default();
                return Err(exists(&kind, &name, &bytes));
            }
        }
    }
    present::canonical(&kind, &mut object);
    present::through_store(&kind, &mut object);
    Ok(Reply::Object(201, object))
}

/// Returns the group and kind that errors name: events are the core group's, whoever sends them.
pub(super) fn error_kind<'k>(kind: &'k Kind, object: &'k Value) -> (&'k str, &'k str) {
    let group = if kind.kind == "Event" { "" } else { kind.group.as_str() };
    match (&kind.custom, object["kind"].as_str()) {
        (Some(_), Some(given)) => (group, given),
        _ => (group, kind.kind.as_str()),
    }
}

fn exists(kind: &Kind, name: &str, bytes: &[u8]) -> Box<Refusal> {
    let mut refusal = Refusal::already_exists(&kind.group, &kind.plural, name);
    let live: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if live["metadata"]["deletionTimestamp"].is_string() {
        refusal.message = format!("object is being deleted: {}", refusal.message);
    }
    refusal
}

/// Writes an object with its revision.
pub(super) fn with_revision(object: &mut Value, revision: u64) -> Vec<u8> {
    object["metadata"]["resourceVersion"] = json!(revision.to_string());
    crate::server::to_bytes(object)
}

/// Generates a name where there is none but a prefix.
fn generate_name(call: &Call<'_>, object: &mut Value) -> bool {
    let metadata = &object["metadata"];
    let prefix = metadata["generateName"].as_str().unwrap_or_default();
    let named = metadata["name"].as_str().is_some_and(|name| !name.is_empty());
    if named || prefix.is_empty() {
        return false;
    }
    set_generated_name(call, object);
    true
}

fn set_generated_name(call: &Call<'_>, object: &mut Value) {
    let prefix = object["metadata"]["generateName"].as_str().unwrap_or_default();
    let mut name: String = prefix.chars().take(MAX_PREFIX).collect();
    for _ in 0..5 {
        let position = call.server.random(LETTERS.len() as u64);
        let letter = usize::try_from(position).ok().and_then(|position| LETTERS.get(position));
        name.push(char::from(letter.copied().unwrap_or(b'x')));
    }
    object["metadata"]["name"] = json!(name);
}
