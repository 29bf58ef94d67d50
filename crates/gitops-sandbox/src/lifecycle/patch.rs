//! PATCH: JSON, merge and strategic merge patches, and server-side apply.

use std::sync::Arc;

use serde_json::Value;
use structured_merge::Force;

use super::call::Call;
use super::create::{self, Tracked};
use super::reply::Reply;
use super::update::{self, Rules};
use super::validate;
use crate::apply::{self, json_patch, merge_patch, scale, strategic};
use crate::wire::json;
use crate::wire::query::{FieldValidation, WriteOptions};
use crate::wire::status::{Answer, Cause, Refusal, go_quoted};

/// What a patch is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Merge,
    Strategic,
    Apply,
}

const FORMS: [(&str, Form); 4] = [
    ("application/json-patch+json", Form::Json),
    ("application/merge-patch+json", Form::Merge),
    ("application/strategic-merge-patch+json", Form::Strategic),
    ("application/apply-patch+yaml", Form::Apply),
];

/// The largest body of a patch.
const MAX_BYTES: usize = 3 * 1024 * 1024;

pub(super) fn patch(call: &mut Call<'_>) -> Answer<Reply> {
    let form = form_of(call)?;
    let options = WriteOptions::read(&call.query, "PatchOptions", form == Form::Apply)?;
    if call.body.len() > MAX_BYTES {
        let why = format!("Request entity too large: limit is {MAX_BYTES}");
        return Err(Refusal::new(413, "RequestEntityTooLarge", why));
    }
    if call.target.subresource == "scale" {
        return scale::patch(call, form, &options);
    }
    if form == Form::Apply {
        return server_side_apply(call, &options);
    }
    let patch = read_patch(call, form)?;
    let kind = Arc::clone(&call.kind);
    let server = Arc::clone(call.server);
    let subresource = call.target.subresource.clone();
    let manager = call.manager(&options.field_manager).to_owned();
    let validation = options.field_validation;
    let mut change = |call: &mut Call<'_>, live: &Value| {
        let patched = patched(call, form, &patch, live)?;
        let new = reread(call, form, &patch, patched, validation)?;
        check_identity(call, &new)?;
        Ok(apply::track(&server, &kind, &subresource, live, new, &manager))
    };
    update::write(
        call,
        &options,
        &mut change,
        &Rules { creates: false, is_patch: true, tracked: Tracked::Update },
    )
}

fn form_of(call: &Call<'_>) -> Answer<Form> {
    let given = call.content_type.as_str();
    let found = FORMS.iter().find(|(name, _)| *name == given).map(|(_, form)| *form);
    let custom = call.kind.custom.is_some();
    match found {
        Some(Form::Strategic) if custom => {}
        Some(form) => return Ok(form),
        None => {}
    }
    if !custom {
        let mut refusal = Refusal::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
        refusal.details = Some(serde_json::json!({}));
        return Err(refusal);
    }
    let accepted: [&str; 3] =
        ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
    Err(Refusal::unsupported_media(&accepted))
}

pub(crate) fn read_patch(call: &Call<'_>, form: Form) -> Answer<Value> {
    let document = json::read(call.body).map_err(|why| {
        Refusal::bad_request(match form {
            Form::Json => format!("error decoding patch: {why}"),
            _ => format!("error decoding patch: {why}"),
        })
    })?;
    if form == Form::Json {
        let operations = json_patch::parse(&document.value).map_err(|flaw| match flaw {
            json_patch::Flaw::Malformed(why) | json_patch::Flaw::Failed(why) => {
                Refusal::bad_request(format!("error decoding patch: {why}"))
            }
        })?;
        if operations.len() > json_patch::MAX_OPERATIONS {
            let why = format!(
                "Request entity too large: The allowed maximum operations in a JSON patch is {}, got {}",
                json_patch::MAX_OPERATIONS,
                operations.len()
            );
            return Err(Refusal::new(413, "RequestEntityTooLarge", why));
        }
    } else if !document.value.is_object() {
        let why = match &document.value {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            _ => return Ok(serde_json::json!({})),
        };
        return Err(Refusal::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {why} into Go value of type map[string]interface {{}}"
        )));
    }
    Ok(document.value)
}

/// Applies a patch that is not server-side apply.
pub(crate) fn patched(call: &Call<'_>, form: Form, patch: &Value, live: &Value) -> Answer<Value> {
    let mut object = live.clone();
    match form {
        Form::Json => {
            let failed = |_| {
                let mut refusal = Refusal::new(
                    422,
                    "Invalid",
                    "the server rejected our request due to an error in our request",
                );
                refusal.details = Some(serde_json::json!({}));
                refusal
            };
            let operations = json_patch::parse(patch).map_err(failed)?;
            json_patch::apply(&mut object, operations).map_err(failed)?;
        }
        Form::Strategic => {
            let kind = &call.kind;
            let of = kubernetes_schema::builtin().resolve(&kind.group, &kind.version, &kind.kind);
            object = strategic::merge(&object, patch, of).map_err(|why| {
                if why == strategic::RETAIN_KEYS_WRONG {
                    Refusal::bad_request(why)
                } else {
                    Refusal::unknown(why)
                }
            })?;
        }
        Form::Merge | Form::Apply => merge_patch::merge(&mut object, patch),
    }
    Ok(object)
}

/// Reads a patched object as if it had been sent.
fn reread(
    call: &mut Call<'_>,
    form: Form,
    patch: &Value,
    object: Value,
    validation: FieldValidation,
) -> Answer<Value> {
    let refuse = |text: String, why: &str| {
        let cause = Cause::invalid("patch", &Value::String(text), why);
        Refusal::invalid("", "", "", &[cause])
    };
    let shown = if form == Form::Strategic { strategic::go_map(patch) } else { object.to_string() };
    let duplicates = match form {
        Form::Json => Vec::new(),
        _ => json::read(call.body).map(|document| document.duplicates).unwrap_or_default(),
    };
    let api_version = call.kind.api_version();
    if call.kind.custom.is_none()
        && (object["kind"] != call.kind.kind.as_str() || object["apiVersion"] != api_version.as_str())
    {
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let why = format!(
            "no kind {:?} is registered for version {:?} in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
            text("kind"),
            text("apiVersion")
        );
        return Err(refuse(shown, &why));
    }
    let read = validate::read(&call.kind, &object).map_err(|why| refuse(shown.clone(), &why))?;
    let mut findings = unknown_keys(form, patch);
    findings.extend(duplicates.iter().map(|path| format!("duplicate field {}", go_quoted(path))));
    findings.extend(read.unknown);
    if validation == FieldValidation::Strict && !findings.is_empty() {
        return Err(refuse(shown, &format!("strict decoding error: {}", findings.join(", "))));
    }
    call.warn_of(&findings, validation);
    Ok(read.object)
}

/// A patch changes neither name nor namespace nor type.
fn check_identity(call: &Call<'_>, new: &Value) -> Answer<()> {
    let name = Call::name_of(new);
    if name != call.target.name {
        let url = &call.target.name;
        let why = if name.is_empty() {
            format!("the name of the object ({url} based on URL) was undeterminable: name must be provided")
        } else {
            format!("the name of the object ({name}) does not match the name on the URL ({url})")
        };
        return Err(Refusal::bad_request(why));
    }
    let namespace = new["metadata"]["namespace"].as_str().unwrap_or_default();
    if call.kind.namespaced && !namespace.is_empty() && namespace != call.target.namespace {
        let url = &call.target.namespace;
        let why = format!(
            "the namespace of the object ({namespace}) does not match the namespace on the URL ({url})"
        );
        return Err(Refusal::bad_request(why));
    }
    Ok(())
}

fn server_side_apply(call: &mut Call<'_>, options: &WriteOptions) -> Answer<Reply> {
    let server = Arc::clone(call.server);
    let key = call.key(&call.target.name);
    if let Some(reply) = server.repeats.answer(call, &key, options) {
        return Ok(reply);
    }
    let before = server.store.get(&key).map(|stored| stored.revision);
    let unmodelled = server.unmodelled_count();
    let reply = apply_anew(call, options)?;
    if let Reply::Stored(200, stored) = &reply
        && before == Some(stored.revision)
        && server.unmodelled_count() == unmodelled
    {
        server.repeats.remember(call, key, options, stored.revision);
    }
    Ok(reply)
}

fn apply_anew(call: &mut Call<'_>, options: &WriteOptions) -> Answer<Reply> {
    let kind = Arc::clone(&call.kind);
    let server = Arc::clone(call.server);
    let config = validate::read_config(call)?;
    let subresource = call.target.subresource.clone();
    let manager = call.manager(&options.field_manager).to_owned();
    let force = if options.force == Some(true) { Force::Yes } else { Force::No };
    let uid = config["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let validation = options.field_validation;
    let mut change = |call: &mut Call<'_>, live: &Value| {
        let applied = apply::apply(&server, &kind, &subresource, live, &config, &manager, force)?;
        if live.is_null() && !uid.is_empty() {
            let why = "uid mismatch: the provided object specified uid ".to_owned()
                + &uid
                + ", and no existing object was found";
            return Err(Refusal::conflict(&kind.group, &kind.plural, &call.target.name, &why));
        }
        let read = validate::read_applied(&kind, applied.object).map_err(Refusal::unknown)?;
        call.warn_of(&read.unknown, validation);
        // A write to `/status` leaves everything else as it was read.
        call.is_reshaped = read.reshaped.iter().any(|name| subresource.is_empty() || *name == subresource);
        let mut new = read.object;
        check_identity(call, &new)?;
        if live.is_null() {
            create::fill_namespace(call, &mut new)?;
        }
        Ok(new)
    };
    let creates = subresource.is_empty() || super::strategy::put_creates(&call.kind);
    update::write(call, options, &mut change, &Rules { creates, is_patch: true, tracked: Tracked::Already })
}

/// Returns what a strict reader says of the operations of a JSON patch.
fn unknown_keys(form: Form, patch: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    if form == Form::Json {
        for (position, operation) in patch.as_array().into_iter().flatten().enumerate() {
            for key in operation.as_object().into_iter().flatten().map(|(key, _)| key) {
                if !["op", "path", "from", "value"].contains(&key.as_str()) {
                    findings.push(format!("json patch unknown field \"[{position}].{key}\""));
                }
            }
        }
    }
    findings
}
