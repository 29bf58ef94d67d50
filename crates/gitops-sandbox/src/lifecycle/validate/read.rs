//! Reading bodies.

use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::defaults;
use crate::crd::{self, Nulls};
use crate::schema::decode::{self, Findings};
use crate::schema::go_types::go_types;
use crate::schema::{Kind, protobuf};
use crate::wire::json;
use crate::wire::query::FieldValidation;
use crate::wire::status::{Answer, Refusal, go_quoted};

/// An object as the server understands it.
pub(crate) struct Read {
    pub(crate) object: Value,
    /// `unknown field "spec.imag"`.
    pub(crate) unknown: Vec<String>,
    /// The top-level fields of a custom resource that reading gave another shape.
    pub(crate) reshaped: Vec<String>,
}

/// A body, before anything is known of its type.
pub(crate) struct Raw {
    pub(crate) value: Value,
    /// What a strict reader says.
    pub(crate) findings: Vec<String>,
}

const MEDIA: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
/// The largest body of a request.
const MAX_BYTES: usize = 3 * 1024 * 1024;

/// Reads the object of a POST or PUT.
pub(crate) fn decode(call: &mut Call<'_>, validation: FieldValidation) -> Answer<Value> {
    let raw = read_body(call)?;
    let kind = call.kind.clone();
    let expected = if call.target.subresource.is_empty() || kind.go().is_none() {
        kind.kind.clone()
    } else {
        subresource_kind(call)
    };
    let mut value = raw.value;
    check_type(&kind, &expected, &mut value)?;
    let cannot = |why: &str| {
        let (version, found) = (&kind.version, value["kind"].as_str().unwrap_or(&expected));
        Refusal::bad_request(format!(
            "{found} in version {version:?} cannot be handled as a {expected}: {why}"
        ))
    };
    let read = read(&kind, &value).map_err(|why| cannot(&why))?;
    let mut findings = raw.findings;
    findings.extend(read.unknown);
    if validation == FieldValidation::Strict && !findings.is_empty() {
        return Err(cannot(&format!("strict decoding error: {}", findings.join(", "))));
    }
    call.warn_of(&findings, validation);
    Ok(read.object)
}

fn subresource_kind(call: &Call<'_>) -> String {
    match call.target.subresource.as_str() {
        "scale" => "Scale".to_owned(),
        _ => call.kind.kind.clone(),
    }
}

/// Reads a body by its media type.
pub(crate) fn read_body(call: &Call<'_>) -> Answer<Raw> {
    if call.body.len() > MAX_BYTES {
        let why = format!("Request entity too large: limit is {MAX_BYTES}");
        return Err(Refusal::new(413, "RequestEntityTooLarge", why));
    }
    let custom = call.kind.custom.is_some();
    match call.content_type.as_str() {
        "" | "application/json" => {
            let document = json::read(call.body)
                .map_err(|why| unrecognized(call, &format!("json parse error: {why}")))?;
            let findings =
                document.duplicates.iter().map(|path| format!("duplicate field {}", go_quoted(path)));
            Ok(Raw { value: document.value, findings: findings.collect() })
        }
        "application/yaml" | "application/yml" => {
            let (value, findings) = yaml(call.body).map_err(|why| unrecognized(call, &why))?;
            Ok(Raw { value, findings })
        }
        "application/vnd.kubernetes.protobuf" if !custom => {
            let value = protobuf::decode(call.body).map_err(|why| {
                Refusal::bad_request(format!("the body of the request was not readable as protobuf: {why}"))
            })?;
            Ok(Raw { value, findings: Vec::new() })
        }
        _ => Err(Refusal::unsupported_media(&MEDIA)),
    }
}

fn unrecognized(call: &Call<'_>, why: &str) -> Box<Refusal> {
    let kind = &call.kind.kind;
    let body = dumped(call.body);
    let why =
        if why.starts_with("json") { format!("couldn't get version/kind; {why}") } else { why.to_owned() };
    Refusal::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {why} ({body})"
    ))
}

/// Shows the start of a body as the server does: JSON as it is, everything else in hexadecimal digits.
fn dumped(body: &[u8]) -> String {
    if body.is_empty() {
        return "<empty>".to_owned();
    }
    if body.first() == Some(&b'{') {
        let end = body.len().min(1024);
        return String::from_utf8_lossy(body.get(..end).unwrap_or(body)).into_owned();
    }
    body.iter().take(1024).map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the first document of a YAML body.
fn yaml(body: &[u8]) -> Result<(Value, Vec<String>), String> {
    let options = gitops_manifest::ParseOptions::kubectl();
    let documents =
        gitops_manifest::parse("body", body, &options).map_err(|error| format!("yaml: {error}"))?;
    let findings = twice(&String::from_utf8_lossy(body))
        .into_iter()
        .map(|why| format!("yaml: unmarshal errors:\n  {why}"))
        .collect();
    let value = documents.into_iter().next().map(gitops_manifest::Document::into_value);
    Ok((value.unwrap_or(Value::Null), findings))
}

/// Finds the keys that stand twice in block mappings.
fn twice(text: &str) -> Vec<String> {
    let mut open: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("---") {
            break;
        }
        let mut rest = line.trim_start();
        let mut indent = line.len() - rest.len();
        while let Some(item) = rest.strip_prefix("- ") {
            // An item begins a mapping of its own.
            open.retain(|(of, _)| *of <= indent);
            indent += rest.len() - item.trim_start().len();
            rest = item.trim_start();
        }
        let Some((key, after)) = rest.split_once(':') else { continue };
        if key.is_empty()
            || key.starts_with(['#', '{', '[', '"', '\''])
            || !(after.is_empty() || after.starts_with(' '))
        {
            continue;
        }
        open.retain(|(of, _)| *of <= indent);
        match open.last_mut().filter(|(of, _)| *of == indent) {
            Some((_, keys)) if keys.contains(&key) => {
                found.push(format!("line {}: key {key:?} already set in map", number + 1));
            }
            Some((_, keys)) => keys.push(key),
            None => open.push((indent, vec![key])),
        }
    }
    found
}

/// Refuses a body of another type than the request is for.
fn check_type(kind: &Kind, expected: &str, value: &mut Value) -> Answer<()> {
    let api_version = kind.api_version();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let (given_kind, given_version) = (text(value, "kind"), text(value, "apiVersion"));
    let shown = value.to_string();
    let Some(map) = value.as_object_mut() else {
        let why = "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {expected}): {why} ({shown})"
        )));
    };
    if kind.custom.is_some() && expected == kind.kind {
        if given_kind.is_empty() {
            return Err(Refusal::bad_request(format!(
                "the object provided is unrecognized (must be of type {expected}): Object 'Kind' is missing in '{shown}' ({shown})"
            )));
        }
        if given_version != api_version {
            return Err(Refusal::bad_request(format!(
                "the API version in the data ({given_version}) does not match the expected API version ({api_version})"
            )));
        }
        return Ok(());
    }
    let is_scale = expected == "Scale";
    let wanted = if is_scale { "autoscaling/v1".to_owned() } else { api_version };
    if given_kind.is_empty() {
        map.insert("kind".to_owned(), json!(expected));
    }
    if given_version.is_empty() {
        map.insert("apiVersion".to_owned(), json!(wanted));
    }
    let kind_now = if given_kind.is_empty() { expected } else { &given_kind };
    let version_now = if given_version.is_empty() { &wanted } else { &given_version };
    if kind_now == expected && *version_now == wanted {
        return Ok(());
    }
    let (group, version) = version_now.split_once('/').unwrap_or(("", version_now));
    let known = go_types().kind(group, version, kind_now).is_some();
    let why = if known && kind_now == expected {
        format!(
            "the API version in the data ({version_now}) does not match the expected API version ({wanted})"
        )
    } else if known || (kind_now == "List" && group.is_empty()) {
        let package = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
        let target = kind.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
        let _ = package;
        format!("converting (v1.{kind_now}) to ({target}.{expected}): unknown conversion")
    } else {
        format!(
            "no kind {kind_now:?} is registered for version {version_now:?} in scheme \"pkg/api/legacyscheme/scheme.go:30\""
        )
    };
    let version = &kind.version;
    if known && kind_now == expected {
        return Err(Refusal::bad_request(why));
    }
    Err(Refusal::bad_request(format!(
        "{kind_now} in version {version:?} cannot be handled as a {expected}: {why}"
    )))
}

/// Reads an object of a kind: drops what is not declared, adds defaults.
///
/// # Errors
/// Fails with Go's words when a value is not of its type.
pub(crate) fn read(kind: &Kind, value: &Value) -> Result<Read, String> {
    read_with(kind, value.clone(), Nulls::Dropped)
}

/// Reads what server-side apply has merged.
pub(crate) fn read_applied(kind: &Kind, value: Value) -> Result<Read, String> {
    read_with(kind, value, Nulls::Kept)
}

fn read_with(kind: &Kind, mut object: Value, nulls: Nulls) -> Result<Read, String> {
    let mut findings = Findings::default();
    match (&kind.custom, kind.go()) {
        (Some(custom), _) => object = crd::decode(custom, kind, &object, nulls, &mut findings)?,
        (None, Some(of)) => {
            decode::decode_in_place(&mut object, of, &mut findings).map_err(|mismatch| mismatch.0)?;
            object["kind"] = json!(kind.kind);
            object["apiVersion"] = json!(kind.api_version());
            defaults::apply(kind, &mut object);
        }
        (None, None) => {}
    }
    let unknown = findings.unknown.iter().map(|path| format!("unknown field {}", go_quoted(path))).collect();
    Ok(Read { object, unknown, reshaped: findings.reshaped })
}

/// Reads the configuration of a server-side apply.
pub(crate) fn read_config(call: &mut Call<'_>) -> Answer<Value> {
    let body: &[u8] = call.body;
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let read = if start == Some(&b'{') { json::read(body).ok() } else { None };
    let value = if let Some(document) = read {
        document.value
    } else {
        let (value, findings) =
            yaml(body).map_err(|why| Refusal::bad_request(format!("error decoding YAML: {why}")))?;
        match call.query.get("fieldValidation") {
            "Strict" if !findings.is_empty() => {
                let why = findings.join(", ");
                return Err(Refusal::bad_request(format!(
                    "error strict decoding YAML: error converting YAML to JSON: {why}"
                )));
            }
            "Ignore" => {}
            _ => {
                let plain = |why: &String| why.trim_start_matches("yaml: unmarshal errors:\n  ").to_owned();
                let findings: Vec<String> = findings.iter().map(plain).collect();
                call.warn_all(&findings);
            }
        }
        value
    };
    let value = match value {
        Value::Object(mut map) => {
            // It comes through YAML, which knows `1.0` as 1.
            map.values_mut().for_each(json::settle);
            let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
            let version = map.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            if call.target.subresource != "scale"
                && kind != call.kind.kind
                && version == call.kind.api_version()
            {
                let separator = if version.contains('/') { "" } else { "/" };
                return Err(Refusal::bad_request(format!(
                    "invalid object type: {separator}{version}, Kind={kind}"
                )));
            }
            Value::Object(map)
        }
        Value::Null => Value::Object(Map::new()),
        _ => {
            let why = "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal into Go value of type map[string]interface {}";
            return Err(Refusal::bad_request(why));
        }
    };
    Ok(value)
}

/// Reads the options in the body of a DELETE.
pub(crate) fn delete_options(call: &Call<'_>) -> Answer<Value> {
    let raw = read_body(call)?;
    let value = raw.value;
    let kind = value["kind"].as_str().unwrap_or_default();
    if !kind.is_empty() && kind != "DeleteOptions" {
        let version = value["apiVersion"].as_str().unwrap_or_default();
        return Err(Refusal::bad_request(format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \"k8s.io/apimachinery/pkg/apis/meta/v1/register.go:43\""
        )));
    }
    let Some(of) = go_types().named("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions") else {
        return Ok(value);
    };
    decode::decode(&value, of, &mut Findings::default()).map_err(|mismatch| {
        Refusal::bad_request(format!(
            "DeleteOptions in version \"v1\" cannot be handled as a DeleteOptions: {}",
            mismatch.0
        ))
    })
}
