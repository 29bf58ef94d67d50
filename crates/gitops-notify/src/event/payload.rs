//! The event as bytes: read as leniently as Go reads it, written exactly as Go writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use gitops_api::k8s_openapi::api::core::v1::ObjectReference;
use gitops_api::k8s_openapi::jiff::Timestamp;
use gitops_api::{Event, Severity, Time, go_json};
use serde::Deserialize;

use crate::NotifyError;

/// An event whose every field may be missing or null, as for Go's decoder.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Payload {
    involved_object: Option<ObjectReference>,
    severity: Option<String>,
    timestamp: Option<Time>,
    message: Option<String>,
    reason: Option<String>,
    metadata: Option<BTreeMap<String, Option<String>>>,
    reporting_controller: Option<String>,
    reporting_instance: Option<String>,
}

/// Reads an event.
///
/// Fields that are missing or null are empty, fields that are not known are passed over, and letters that are no UTF-8 are
/// replaced, so that whatever Flux's endpoint takes is taken here. A timestamp that is missing is Go's zero time, the
/// first of January of the year 1.
///
/// # Errors
/// [`NotifyError::NotAnEvent`] for what is no JSON, nested too deeply, has a field of another type or one field twice.
///
/// ```
/// let event = gitops_notify::decode_event(br#"{"involvedObject": {"kind": "Bucket"}, "message": "stored"}"#)?;
/// assert_eq!(event.message, "stored");
/// # Ok::<(), gitops_notify::NotifyError>(())
/// ```
pub fn decode_event(body: &[u8]) -> Result<Event, NotifyError> {
    let text = String::from_utf8_lossy(body);
    // A list of the fields in their order would be read as well.
    if text.trim_start().starts_with('[') {
        return Err(NotifyError::NotAnEvent { reason: "it is a list".to_owned() });
    }
    let payload: Option<Payload> = serde_json::from_str(&text).map_err(not_an_event)?;
    let payload = payload.unwrap_or_default();
    let metadata = payload.metadata.unwrap_or_default();
    Ok(Event {
        involved_object: payload.involved_object.unwrap_or_default(),
        severity: Severity::from(payload.severity.unwrap_or_default()),
        timestamp: payload.timestamp.unwrap_or(Time(go_zero_time())),
        message: payload.message.unwrap_or_default(),
        reason: payload.reason.unwrap_or_default(),
        metadata: metadata.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect(),
        reporting_controller: payload.reporting_controller.unwrap_or_default(),
        reporting_instance: payload.reporting_instance.unwrap_or_default(),
    })
}

/// Says where and what, but not which value: it may be part of a secret.
fn not_an_event(error: serde_json::Error) -> NotifyError {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is of another type or there twice",
        serde_json::error::Category::Eof => "the JSON ends too early",
        _ => "no JSON, or nested too deeply",
    };
    let (line, column) = (error.line(), error.column());
    NotifyError::NotAnEvent { reason: format!("{what} at line {line} column {column}") }
}

fn go_zero_time() -> Timestamp {
    Timestamp::new(-62_135_596_800, 0).unwrap_or_default()
}

/// Writes an event byte for byte as Go's `json.Marshal` does, which a signature is made over: fields in the order of Flux's
/// type, no white space, `<`, `>` and `&` escaped, empty optional fields left out.
#[must_use]
pub fn encode_event(event: &Event) -> Bytes {
    let mut out = String::with_capacity(512 + event.message.len());
    out.push_str("{\"involvedObject\":{");
    let object = &event.involved_object;
    let fields = [
        ("kind", &object.kind),
        ("namespace", &object.namespace),
        ("name", &object.name),
        ("uid", &object.uid),
        ("apiVersion", &object.api_version),
        ("resourceVersion", &object.resource_version),
        ("fieldPath", &object.field_path),
    ];
    let present = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    for (index, (name, value)) in present.filter(|(_, value)| !value.is_empty()).enumerate() {
        out.push_str(if index == 0 { "\"" } else { ",\"" });
        out.push_str(name);
        out.push_str("\":");
        out.push_str(&go_json::text(value));
    }
    out.push('}');
    field(&mut out, "severity", event.severity.as_str());
    let time = event.timestamp.0;
    if time == go_zero_time() {
        out.push_str(",\"timestamp\":null");
    } else {
        field(&mut out, "timestamp", &time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    field(&mut out, "message", &event.message);
    field(&mut out, "reason", &event.reason);
    if !event.metadata.is_empty() {
        out.push_str(",\"metadata\":{");
        for (index, (key, value)) in event.metadata.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&go_json::text(key));
            out.push(':');
            out.push_str(&go_json::text(value));
        }
        out.push('}');
    }
    field(&mut out, "reportingController", &event.reporting_controller);
    if !event.reporting_instance.is_empty() {
        field(&mut out, "reportingInstance", &event.reporting_instance);
    }
    out.push('}');
    Bytes::from(out)
}

fn field(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, ",\"{name}\":{}", go_json::text(value));
}
