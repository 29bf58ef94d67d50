//! `Status` objects: how an API server says what came of a request.

use http::StatusCode;
use serde_json::{Map, Value, json};

/// A refusal, as it goes over the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    /// A plain text in place of a Status (`404 page not found`).
    pub(crate) plain: Option<&'static str>,
}

pub(crate) type Answer<T> = Result<T, Box<Refusal>>;

/// One thing that is wrong with an object, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Cause {
    pub(crate) fn new(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason, field: field.into(), message: message.into() }
    }

    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message =
            if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self::new("FieldValueRequired", field, message)
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self::invalid_as(field, &shown(value), detail)
    }

    /// Refuses a value that Go prints otherwise than it is sent.
    pub(crate) fn invalid_as(field: impl Into<String>, shown: &str, detail: &str) -> Self {
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        Self::new("FieldValueInvalid", field, format!("Invalid value: {shown}{detail}"))
    }

    /// Refuses a value without telling it.
    pub(crate) fn invalid_unseen(field: impl Into<String>, detail: &str) -> Self {
        Self::new("FieldValueInvalid", field, format!("Invalid value: {detail}"))
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {detail}"))
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {}", shown(value)))
    }

    pub(crate) fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueNotFound", field, format!("Not found: {}", shown(value)))
    }

    /// Refuses a value that is none of those known, which are told in the order given.
    pub(crate) fn not_supported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let values: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        Self::new(
            "FieldValueNotSupported",
            field,
            format!("Unsupported value: {}: supported values: {}", shown(value), values.join(", ")),
        )
    }

    pub(crate) fn too_long(field: impl Into<String>, limit: usize) -> Self {
        Self::new("FieldValueTooLong", field, format!("Too long: may not be more than {limit} bytes"))
    }

    pub(crate) fn too_many(field: impl Into<String>, actual: usize, limit: usize) -> Self {
        let items = if limit == 1 { "item" } else { "items" };
        Self::new(
            "FieldValueTooMany",
            field,
            format!("Too many: {actual}: must have at most {limit} {items}"),
        )
    }

    fn to_value(&self) -> Value {
        let mut cause = Map::new();
        if !self.reason.is_empty() {
            cause.insert("reason".to_owned(), json!(self.reason));
        }
        cause.insert("message".to_owned(), json!(self.message));
        if !self.field.is_empty() {
            cause.insert("field".to_owned(), json!(self.field));
        }
        Value::Object(cause)
    }

    /// Returns field and message, as they stand in the text of a 422.
    pub(crate) fn text(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}

/// Returns a value as Go's field errors print it: texts in quotes, structs as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => go_quoted(text),
        Value::Number(number) => super::json::number_text(number),
        other => other.to_string(),
    }
}

/// Returns a text as Go's `%q` writes it.
pub(crate) fn go_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                quoted.push_str(&format!("\\x{:02x}", c as u32));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A group and a resource or kind, as messages name them: `deployments.apps`, `pods`.
pub(crate) fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

fn details(group: &str, kind: &str, name: &str) -> Map<String, Value> {
    let mut details = Map::new();
    for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(key.to_owned(), json!(value));
        }
    }
    details
}

impl Refusal {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { code, reason, message: message.into(), details: None, plain: None })
    }

    fn with(mut self: Box<Self>, details: Map<String, Value>) -> Box<Self> {
        self.details = Some(Value::Object(details));
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Box<Self> {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn page_not_found() -> Box<Self> {
        let mut refusal = Self::new(404, "", "");
        refusal.plain = Some("404 page not found\n");
        refusal
    }

    /// What the server says of resources that it does not have.
    pub(crate) fn no_resource() -> Box<Self> {
        Self::new(404, "NotFound", "the server could not find the requested resource").with(Map::new())
    }

    pub(crate) fn no_method() -> Box<Self> {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with(Map::new())
    }

    pub(crate) fn not_found(group: &str, resource: &str, name: &str) -> Box<Self> {
        let message = format!("{} \"{name}\" not found", qualified(resource, group));
        Self::new(404, "NotFound", message).with(details(group, resource, name))
    }

    pub(crate) fn already_exists(group: &str, resource: &str, name: &str) -> Box<Self> {
        let message = format!("{} \"{name}\" already exists", qualified(resource, group));
        Self::new(409, "AlreadyExists", message).with(details(group, resource, name))
    }

    pub(crate) fn conflict(group: &str, kind: &str, name: &str, why: &str) -> Box<Self> {
        let what = qualified(kind, group);
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Self::new(409, "Conflict", message).with(details(group, kind, name))
    }

    pub(crate) fn modified(group: &str, kind: &str, name: &str) -> Box<Self> {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, kind, name, why)
    }

    pub(crate) fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Box<Self> {
        let what = qualified(resource, group);
        let message = match (resource, name) {
            ("", _) => format!("forbidden: {why}"),
            (_, "") => format!("{what} is forbidden: {why}"),
            _ => format!("{what} \"{name}\" is forbidden: {why}"),
        };
        Self::new(403, "Forbidden", message).with(details(group, resource, name))
    }

    pub(crate) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Box<Self> {
        let mut texts: Vec<String> = Vec::new();
        for text in causes.iter().map(Cause::text) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let errors = match texts.as_slice() {
            [] => "<nil>".to_owned(),
            [only] => only.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {errors}", qualified(kind, group));
        let mut details = details(group, kind, name);
        if !causes.is_empty() {
            details.insert("causes".to_owned(), causes.iter().map(Cause::to_value).collect());
        }
        Self::new(422, "Invalid", message).with(details)
    }

    pub(crate) fn internal(why: &str) -> Box<Self> {
        let mut details = Map::new();
        details.insert("causes".to_owned(), json!([{"message": why}]));
        Self::new(500, "InternalError", format!("Internal error occurred: {why}")).with(details)
    }

    /// An error that no Status was made for.
    pub(crate) fn unknown(why: impl Into<String>) -> Box<Self> {
        Self::new(500, "", why)
    }

    pub(crate) fn unsupported_media(accepted: &[&str]) -> Box<Self> {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn not_acceptable(available: &[&str]) -> Box<Self> {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {}", available.join(", "));
        Self::new(406, "NotAcceptable", message).with(Map::new())
    }

    pub(crate) fn expired(message: impl Into<String>) -> Box<Self> {
        Self::new(410, "Expired", message)
    }

    pub(crate) fn too_large_revision(asked: u64, current: u64) -> Box<Self> {
        let mut details = Map::new();
        details.insert(
            "causes".to_owned(),
            json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]),
        );
        details.insert("retryAfterSeconds".to_owned(), json!(1));
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        Self::new(504, "Timeout", message).with(details)
    }

    /// Adds causes to the details.
    pub(crate) fn with_causes(mut self: Box<Self>, causes: &[Cause]) -> Box<Self> {
        let details = self.details.get_or_insert_with(|| json!({}));
        details["causes"] = causes.iter().map(Cause::to_value).collect();
        self
    }

    pub(crate) fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".to_owned(), json!("Status"));
        status.insert("apiVersion".to_owned(), json!("v1"));
        status.insert("metadata".to_owned(), json!({}));
        status.insert("status".to_owned(), json!("Failure"));
        if !self.message.is_empty() {
            status.insert("message".to_owned(), json!(self.message));
        }
        if !self.reason.is_empty() {
            status.insert("reason".to_owned(), json!(self.reason));
        }
        if let Some(details) = &self.details {
            status.insert("details".to_owned(), details.clone());
        }
        status.insert("code".to_owned(), json!(self.code));
        Value::Object(status)
    }
}

/// Returns the Status of a finished deletion.
pub(crate) fn deleted(group: &str, resource: &str, name: &str, uid: &str, custom: bool) -> Value {
    let mut details = details(group, resource, name);
    details.insert("uid".to_owned(), json!(uid));
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    });
    if custom {
        status["message"] = json!("");
    }
    status
}
