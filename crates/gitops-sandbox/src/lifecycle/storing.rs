//! Putting objects into the store.

use std::sync::Arc;

use serde_json::{Value, json};

use super::call::Call;
use super::present;
use super::reply::Reply;
use crate::crd;
use crate::store::{Expect, Key, Mismatch, Stored, Template};

/// Stores an object, which gets its revision.
pub(super) fn put(
    call: &Call<'_>,
    key: &Key,
    expect: Expect,
    object: &mut Value,
) -> Result<Arc<Stored>, Mismatch> {
    let (server, kind) = (call.server, &call.kind);
    if !present::is_stored_form(kind) {
        let mut bytes = object.clone();
        present::to_storage(kind, &mut bytes);
        let template = Template::of(&bytes);
        let written = server.store.put(key, expect, |revision| template.at(revision))?;
        if call.is_reshaped {
            written.set_reshaped();
        }
        object["metadata"]["resourceVersion"] = json!(written.revision.to_string());
        present::canonical(kind, object);
        present::through_store(kind, object);
        return Ok(written);
    }
    // Stored without its type, and then shown with it again.
    let api_version = object["apiVersion"].take();
    let named = object["kind"].take();
    present::to_storage(kind, object);
    let template = Template::of(object);
    let written = server.store.put(key, expect, |revision| template.at(revision));
    if let Ok(written) = &written {
        object["metadata"]["resourceVersion"] = json!(written.revision.to_string());
        crd::after_write(server, kind, object);
    }
    object["apiVersion"] = api_version;
    object["kind"] = named;
    written
}

/// Answers with an object that has just been stored.
pub(super) fn reply(call: &Call<'_>, code: u16, written: Arc<Stored>, object: Value) -> Reply {
    if !present::is_stored_form(&call.kind) {
        return Reply::Object(code, object);
    }
    // Who writes an object often writes it again.
    present::keep(&call.server.store, &call.kind, &written, object);
    Reply::Stored(code, written)
}
