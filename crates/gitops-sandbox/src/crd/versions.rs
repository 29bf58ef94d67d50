//! The versions of a definition. What all of them share counts as the definition's own, and errors say so.

use serde_json::{Value, json};

use super::definition::check_names;
use super::{paths, structural};
use crate::lifecycle::names as rules;
use crate::wire::status::Cause;

/// How many fields may be selectable.
const MAX_SELECTABLE: usize = 8;

/// The parts that versions can share, and where they stand when they do.
const SHARED: [(&str, &str); 4] = [
    ("schema", "spec.validation"),
    ("subresources", "spec.subresources"),
    ("additionalPrinterColumns", "spec.additionalPrinterColumns"),
    ("selectableFields", "spec.selectableFields"),
];

pub(super) fn check(spec: &Value, causes: &mut Vec<Cause>) {
    let all: &[Value] = spec["versions"].as_array().map_or(&[], Vec::as_slice);
    let shared = |name: &str| all.iter().all(|version| version[name] == all[0][name]);
    let has_schema = |version: &Value| version["schema"]["openAPIV3Schema"].is_object();
    if !(shared("schema") && all.first().is_some_and(has_schema)) {
        for (place, _) in all.iter().enumerate().filter(|(_, version)| !has_schema(version)) {
            causes.push(Cause::required(format!("spec.versions[{place}].schema.openAPIV3Schema"), ""));
        }
    }
    for (place, version) in all.iter().enumerate() {
        let at = |name: &str| format!("spec.versions[{place}].{name}");
        let wrong = rules::label_1035(version["name"].as_str().unwrap_or_default());
        if !wrong.is_empty() {
            causes.push(Cause::invalid(at("name"), &version["name"], &wrong.join(",")));
        }
        deprecation(version, &at("deprecationWarning"), causes);
        for (name, _) in SHARED.iter().filter(|(name, _)| !shared(name)) {
            part(version, name, &at(name), version["subresources"]["status"].is_object(), causes);
        }
    }
    let twice =
        (1..all.len()).any(|place| all[..place].iter().any(|other| other["name"] == all[place]["name"]));
    if twice {
        causes.push(Cause::invalid("spec.versions", &spec["versions"], "must contain unique version names"));
    }
    if all.iter().filter(|version| version["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &spec["versions"], why));
    }
    if let Some(first) = all.first() {
        let wrong = rules::label_1035(first["name"].as_str().unwrap_or_default());
        if !first["name"].as_str().unwrap_or_default().is_empty() && !wrong.is_empty() {
            causes.push(Cause::invalid("spec.version", &first["name"], &wrong.join(",")));
        }
    }
    for name in ["plural", "singular", "kind", "listKind"] {
        if spec["names"][name].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("spec.names.{name}"), ""));
        }
    }
    check_names(&spec["names"], "spec.names", causes);
    if let Some(first) = all.first() {
        let has_status = all.iter().any(|version| version["subresources"]["status"].is_object());
        for (name, path) in SHARED.iter().filter(|(name, _)| shared(name)) {
            part(first, name, path, has_status, causes);
        }
    }
}

/// Checks one of the parts of a version.
fn part(version: &Value, name: &str, path: &str, has_status: bool, causes: &mut Vec<Cause>) {
    let schema = &version["schema"]["openAPIV3Schema"];
    match name {
        "schema" if schema.is_object() => {
            structural::check(schema, &format!("{path}.openAPIV3Schema"), has_status, causes);
        }
        "subresources" => scale(&version["subresources"]["scale"], path, causes),
        "additionalPrinterColumns" => {
            for (place, column) in version[name].as_array().into_iter().flatten().enumerate() {
                printer_column(column, &format!("{path}[{place}]"), causes);
            }
        }
        "selectableFields" if schema.is_object() => selectable(schema, &version[name], path, causes),
        "selectableFields" if version[name].as_array().is_some_and(|fields| !fields.is_empty()) => {
            let why = if path.contains("versions[") {
                "may only be set when `version.schema.openAPIV3Schema` is not included"
            } else {
                "may only be set when validations.schema is included"
            };
            causes.push(Cause::invalid(path, &json!(""), why));
        }
        _ => {}
    }
}

fn deprecation(version: &Value, field: &str, causes: &mut Vec<Cause>) {
    let Some(text) = version["deprecationWarning"].as_str() else { return };
    let mut refuse = |why: &str| causes.push(Cause::invalid(field, &json!(text), why));
    if version["deprecated"] != true {
        return refuse("can only be set for deprecated versions");
    }
    if text.len() > 256 {
        refuse("must be <= 256 characters long");
    }
    if text.is_empty() {
        refuse("must not be an empty string");
    }
    if let Some((place, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
        refuse(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {place}"
        ));
    }
}

/// Checks the paths of a Scale.
fn scale(scale: &Value, path: &str, causes: &mut Vec<Cause>) {
    if scale.is_null() {
        return;
    }
    for (name, roots) in [
        ("specReplicasPath", &[".spec"] as &[&str]),
        ("statusReplicasPath", &[".status"]),
        ("labelSelectorPath", &[".spec", ".status"]),
    ] {
        let given = scale[name].as_str().unwrap_or_default();
        let field = format!("{path}.scale.{name}");
        if given.is_empty() {
            if name != "labelSelectorPath" {
                causes.push(Cause::required(field, ""));
            }
        } else if !given.starts_with('.') {
            let why = "must be a simple json path starting with .";
            causes.push(Cause::invalid(field, &scale[name], why));
        } else if !roots.iter().any(|root| given.strip_prefix(root).is_some_and(|rest| rest.starts_with('.')))
        {
            let why = match roots {
                [root] => format!("should be a json path under {root}"),
                _ => "should be a json path under either .spec or .status".to_owned(),
            };
            causes.push(Cause::invalid(field, &scale[name], &why));
        }
    }
}

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

fn printer_column(column: &Value, path: &str, causes: &mut Vec<Cause>) {
    let at = |name: &str| format!("{path}.{name}");
    let text = |name: &str| column[name].as_str().unwrap_or_default();
    if text("name").is_empty() {
        causes.push(Cause::required(at("name"), ""));
    }
    let why = format!("must be one of {}", COLUMN_TYPES.join(","));
    if text("type").is_empty() {
        causes.push(Cause::required(at("type"), &why));
    } else if !COLUMN_TYPES.contains(&text("type")) {
        causes.push(Cause::invalid(at("type"), &column["type"], &why));
    }
    if !text("format").is_empty() && !COLUMN_FORMATS.contains(&text("format")) {
        let why = format!("must be one of {}", COLUMN_FORMATS.join(","));
        causes.push(Cause::invalid(at("format"), &column["format"], &why));
    }
    if text("jsonPath").is_empty() {
        causes.push(Cause::required(at("JSONPath"), ""));
    } else if !text("jsonPath").starts_with('.') {
        let why = "must be a simple json path starting with .";
        causes.push(Cause::invalid(at("JSONPath"), &column["jsonPath"], why));
    }
}

fn selectable(schema: &Value, fields: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut known: Vec<String> = Vec::new();
    for (place, field) in fields.as_array().into_iter().flatten().enumerate() {
        let at = format!("{path}[{place}].jsonPath");
        let given = &field["jsonPath"];
        let text = given.as_str().unwrap_or_default();
        if text.is_empty() {
            causes.push(Cause::required(at, ""));
            continue;
        }
        let (printed, found) = match paths::follow(schema, text, false) {
            Ok(found) => found,
            Err(why) => {
                causes.push(Cause::invalid(at, given, &format!("is an invalid path: {why}")));
                continue;
            }
        };
        if printed == "metadata" || printed.starts_with("metadata.") {
            causes.push(Cause::invalid(at.clone(), given, "must not point to fields in metadata"));
        }
        if !matches!(found["type"].as_str(), Some("string" | "boolean" | "integer")) {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            causes.push(Cause::invalid(at.clone(), given, why));
        }
        if known.contains(&printed) {
            causes.push(Cause::duplicate(at, given));
        } else {
            known.push(printed);
        }
    }
    if known.len() > MAX_SELECTABLE {
        causes.push(Cause::too_many(path, known.len(), MAX_SELECTABLE));
    }
}
