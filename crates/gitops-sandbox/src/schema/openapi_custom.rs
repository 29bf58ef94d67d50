//! OpenAPI of custom resources (`pkg/controller/openapi/builder` of k8s.io/apiextensions-apiserver).

use serde_json::{Map, Value, json};

use super::kinds::Kind;
use super::openapi::DOCUMENTS;
use crate::server::Server;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";
const CONVENTIONS: &str =
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

/// The built-in schemas that every document of custom resources has.
const SHARED: [&str; 12] = [
    "ObjectMeta",
    "ListMeta",
    "ManagedFieldsEntry",
    "FieldsV1",
    "OwnerReference",
    "Time",
    "DeleteOptions",
    "Preconditions",
    "Status",
    "StatusDetails",
    "StatusCause",
    "Patch",
];

/// Groups that the server has and its clients' scheme has not: in these documents nobody deletes what is theirs.
const SERVER_ONLY: [&str; 4] =
    ["admission.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "imagepolicy.k8s.io"];

/// Returns what documents say of some custom kinds, to tell documents apart.
pub(super) fn described(server: &Server, wanted: impl Fn(&Kind) -> bool) -> Vec<Value> {
    let kinds = server.kinds.custom();
    let kinds = kinds.values().filter(|kind| wanted(kind));
    kinds
        .map(|kind| {
            let entry = kind.custom.as_ref().and_then(|custom| custom.version(&kind.version));
            let entry = entry.map(|entry| &entry.entry);
            json!([kind.group, kind.kind, kind.list_kind, kind.plural, kind.namespaced, entry])
        })
        .collect()
}

/// Makes the document of a custom group's version.
pub(super) fn document(server: &Server, path: &str) -> Option<Value> {
    let (group, version) = path.strip_prefix("apis/")?.split_once('/')?;
    let kinds = server.kinds.custom();
    let kinds: Vec<_> =
        kinds.values().filter(|kind| kind.group == group && kind.version == version).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut shared: Vec<String> = SHARED.iter().map(|name| format!("{META}{name}")).collect();
    if kinds.iter().any(|kind| kind.subresources.contains_key("scale")) {
        shared.extend(["", "Spec", "Status"].map(|part| format!("{SCALE}{part}")));
    }
    let mut schemas: Map<String, Value> =
        shared.into_iter().map(|name| (name.clone(), DOCUMENTS["schemas"][&name].clone())).collect();
    let options = schemas.get_mut(&format!("{META}DeleteOptions"));
    if let Some(Value::Array(known)) = options.map(|options| &mut options["x-kubernetes-group-version-kind"])
    {
        known.retain(|kind| !SERVER_ONLY.iter().any(|group| kind["group"] == *group));
    }
    let mut paths = Map::new();
    for kind in kinds {
        schemas.insert(schema_name(kind), schema(kind));
        schemas.insert(format!("{}List", schema_name(kind)), list_schema(kind));
        operations(kind, &mut paths);
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

/// Returns the name of a kind's schema: the group comes reversed.
pub(super) fn schema_name(kind: &Kind) -> String {
    let reversed: Vec<&str> = kind.group.split('.').rev().collect();
    format!("{}.{}.{}", reversed.join("."), kind.version, kind.kind)
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Returns a property that is another schema, with words of its own.
fn described_reference(name: &str, words: &str) -> Value {
    json!({"description": words, "allOf": [reference(name)]})
}

/// Returns the description of `apiVersion` or `kind` that all kinds have.
fn type_property(name: &str) -> Value {
    DOCUMENTS["schemas"]["io.k8s.api.core.v1.ConfigMap"]["properties"][name].clone()
}

fn metadata_property() -> Value {
    let words = format!("Standard object's metadata. More info: {CONVENTIONS}#metadata");
    described_reference(&format!("{META}ObjectMeta"), &words)
}

/// Returns the schema of a kind as the definition gives it, with what all objects have.
pub(super) fn schema(kind: &Kind) -> Value {
    let given = kind.custom.as_ref().map(|custom| custom.schema(&kind.version));
    let mut schema = match given.filter(|schema| schema.is_object()) {
        Some(given) => {
            let mut schema = given.clone();
            unfold(&mut schema);
            embedded(&mut schema, |_| true);
            add_type(&mut schema);
            schema
        }
        None => json!({"type": "object"}),
    };
    mark(&mut schema, kind, &kind.kind);
    schema
}

/// Adds what all objects have.
pub(super) fn add_type(schema: &mut Value) {
    schema["properties"]["apiVersion"] = type_property("apiVersion");
    schema["properties"]["kind"] = type_property("kind");
    schema["properties"]["metadata"] = metadata_property();
}

/// Notes of which kind a schema is, and what can be selected.
pub(super) fn mark(schema: &mut Value, kind: &Kind, named: &str) {
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": kind.group, "version": kind.version, "kind": named}]);
    let fields =
        kind.custom.as_ref().map(|custom| custom.selectable_fields(&kind.version)).unwrap_or_default();
    if !fields.is_empty() {
        let fields: Vec<Value> = fields.iter().map(|field| json!({"fieldPath": field})).collect();
        schema["x-kubernetes-selectable-fields"] = Value::Array(fields);
    }
}

fn list_schema(kind: &Kind) -> Value {
    let mut schema = json!({
        "description": format!("{} is a list of {}", kind.list_kind, kind.kind),
        "type": "object", "required": ["items"],
        "properties": {
            "apiVersion": type_property("apiVersion"), "kind": type_property("kind"),
            "items": {
                "description": format!("List of {}. More info: {CONVENTIONS}", kind.plural),
                "type": "array", "items": reference(&schema_name(kind)),
            },
            "metadata": described_reference(
                &format!("{META}ListMeta"),
                &format!("Standard list metadata. More info: {CONVENTIONS}#types-kinds"),
            ),
        },
    });
    mark(&mut schema, kind, &kind.list_kind);
    schema
}

/// Does something to each part of a schema, the innermost first.
pub(super) fn each_part(schema: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Some(map) = schema.as_object_mut() else { return };
    if let Some(Value::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(|property| each_part(property, change));
    }
    for name in ["items", "additionalProperties"] {
        if let Some(part) = map.get_mut(name) {
            each_part(part, change);
        }
    }
    change(map);
}

/// Says in the words of OpenAPI what may be an integer or a string.
fn unfold(schema: &mut Value) {
    let either = json!([{"type": "integer"}, {"type": "string"}]);
    each_part(schema, &mut |part| {
        if part.get("x-kubernetes-int-or-string") != Some(&Value::Bool(true)) {
            return;
        }
        let first = part.get("allOf").and_then(|all| all.get(0)).and_then(|first| first.get("anyOf"));
        match part.get("anyOf") {
            Some(any) if *any == either => {}
            _ if first == Some(&either) => {}
            None => {
                part.insert("anyOf".to_owned(), either.clone());
            }
            Some(_) => {
                let all = part.entry("allOf").or_insert_with(|| json!([]));
                if let Some(all) = all.as_array_mut() {
                    all.insert(0, json!({"anyOf": either}));
                }
            }
        }
    });
}

/// Adds to embedded objects what all objects have, but not to those that may have unknown fields: kubectl would refuse
/// these then.
pub(super) fn embedded_where_closed(schema: &mut Value) {
    embedded(schema, |part| part.get("x-kubernetes-preserve-unknown-fields") != Some(&Value::Bool(true)));
}

/// Adds to embedded objects what all objects have.
fn embedded(schema: &mut Value, wanted: impl Fn(&Map<String, Value>) -> bool) {
    let worded = |name: &str, words: &str| {
        let mut property = type_property(name);
        property["description"] = Value::String(words.to_owned());
        property
    };
    each_part(schema, &mut |part| {
        if part.get("x-kubernetes-embedded-resource") != Some(&Value::Bool(true)) || !wanted(part) {
            return;
        }
        let version = format!(
            "apiVersion defines the versioned schema of this representation of an object. More info: {CONVENTIONS}#resources"
        );
        let kind = format!(
            "kind is a string value representing the type of this object. In CamelCase. More info: {CONVENTIONS}#types-kinds"
        );
        let properties = part.entry("properties").or_insert_with(|| json!({}));
        properties["apiVersion"] = worded("apiVersion", &version);
        properties["kind"] = worded("kind", &kind);
        properties["metadata"] = metadata_property();
        let required = part.entry("required").or_insert_with(|| json!([]));
        if let Some(required) = required.as_array_mut() {
            for name in ["kind", "apiVersion"] {
                if !required.iter().any(|known| known == name) {
                    required.push(json!(name));
                }
            }
        }
    });
}

/// An operation: what it is called in different places.
struct Verb {
    method: &'static str,
    /// In `x-kubernetes-action`.
    action: &'static str,
    /// In the operation's id, and in its description unless that has words of its own.
    name: &'static str,
    /// Where in the API of Deployments the same parameters are: below this, with this method.
    model: (&'static str, &'static str),
    /// Statuses beside 200 and 401.
    also: &'static [(&'static str, &'static str)],
}

const fn verb(
    method: &'static str,
    action: &'static str,
    name: &'static str,
    model: (&'static str, &'static str),
    also: &'static [(&'static str, &'static str)],
) -> Verb {
    Verb { method, action, name, model, also }
}

const CREATED: (&str, &str) = ("201", "Created");
const ACCEPTED: (&str, &str) = ("202", "Accepted");
const LIST: Verb = verb("get", "list", "list", ("", "get"), &[]);
const ALL: [Verb; 3] = [
    LIST,
    verb("post", "post", "create", ("", "post"), &[CREATED, ACCEPTED]),
    verb("delete", "deletecollection", "delete", ("", "get"), &[]),
];
const ONE: [Verb; 4] = [
    verb("get", "get", "read", ("", ""), &[]),
    verb("put", "put", "replace", ("/{name}", "put"), &[CREATED]),
    verb("delete", "delete", "delete", ("/{name}", "delete"), &[ACCEPTED]),
    verb("patch", "patch", "patch", ("/{name}", "patch"), &[]),
];

/// Adds the operations of a custom resource.
fn operations(kind: &Kind, paths: &mut Map<String, Value>) {
    let root = format!("/apis/{}/{}", kind.group, kind.version);
    let mut base = format!("{root}/{}", kind.plural);
    if kind.namespaced {
        let mut operation = operation(kind, &LIST, "", "ForAllNamespaces");
        // What all operations of a path share stands beside them.
        let mut parameters = operation["parameters"].take();
        if let Some(operation) = operation.as_object_mut() {
            operation.remove("parameters");
        }
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(pretty());
            parameters.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        }
        paths.insert(base, json!({"get": operation, "parameters": parameters}));
        base = format!("{root}/namespaces/{{namespace}}/{}", kind.plural);
    }
    let mut insert = |path: String, verbs: &mut dyn Iterator<Item = &Verb>, part: &str, has_name: bool| {
        let mut item: Map<String, Value> =
            verbs.map(|verb| (verb.method.to_owned(), operation(kind, verb, part, ""))).collect();
        item.insert("parameters".to_owned(), Value::Array(shared_parameters(kind, has_name)));
        paths.insert(path, Value::Object(item));
    };
    insert(base.clone(), &mut ALL.iter(), "", false);
    insert(format!("{base}/{{name}}"), &mut ONE.iter(), "", true);
    for part in kind.subresources.keys() {
        let mut verbs = ONE.iter().filter(|verb| verb.method != "delete");
        insert(format!("{base}/{{name}}/{part}"), &mut verbs, part, true);
    }
}

fn pretty() -> Value {
    let words = "If 'true', then the output is pretty printed. Defaults to 'false' unless the user-agent indicates a browser or command-line HTTP tool (curl and wget).";
    parameter("pretty", "query", words)
}

fn parameter(name: &str, place: &str, words: &str) -> Value {
    let mut parameter = json!({
        "name": name, "in": place, "description": words, "schema": {"type": "string", "uniqueItems": true},
    });
    if place == "path" {
        parameter["required"] = json!(true);
    }
    parameter
}

/// Returns the parameters of all operations of a path.
fn shared_parameters(kind: &Kind, has_name: bool) -> Vec<Value> {
    let name = has_name.then(|| parameter("name", "path", &format!("name of the {}", kind.kind)));
    let words = "object name and auth scope, such as for teams and projects";
    let namespace = kind.namespaced.then(|| parameter("namespace", "path", words));
    name.into_iter().chain(namespace).chain([pretty()]).collect()
}

fn operation(kind: &Kind, verb: &Verb, part: &str, suffix: &str) -> Value {
    let deployments = &DOCUMENTS["documents"]["apis/apps/v1"]["paths"];
    let base = "/apis/apps/v1/namespaces/{namespace}/deployments";
    let model = &deployments[format!("{base}{}", verb.model.0)][verb.model.1]["parameters"];
    let parameters = match verb.action {
        "get" => {
            // Others have it only where they list.
            let listed = deployments[base]["get"]["parameters"].as_array();
            let revision = listed.into_iter().flatten().find(|one| one["name"] == "resourceVersion");
            json!(revision.into_iter().collect::<Vec<_>>())
        }
        _ => model.clone(),
    };
    let own = schema_name(kind);
    let content = |name: &str| json!({"application/json": {"schema": reference(name)}, "application/yaml": {"schema": reference(name)}});
    let answer = match (verb.action, part) {
        ("list", _) => format!("{own}List"),
        ("deletecollection" | "delete", _) => format!("{META}Status"),
        (_, "scale") => SCALE.to_owned(),
        _ => own,
    };
    let mut responses = json!({"401": {"description": "Unauthorized"}});
    for (status, words) in [("200", "OK")].iter().chain(verb.also) {
        responses[*status] = json!({"description": words, "content": content(&answer)});
    }
    let namespaced = if kind.namespaced && suffix.is_empty() { "Namespaced" } else { "" };
    let collection = if verb.action == "deletecollection" { "Collection" } else { "" };
    let (group, version) = (operation_name(&kind.group, true), operation_name(&kind.version, true));
    let mut operation = json!({
        "tags": [format!("{}_{}", operation_name(&kind.group, false), kind.version)],
        "description": description(kind, verb, part),
        "operationId": format!(
            "{}{group}{version}{collection}{namespaced}{}{}{suffix}", verb.name, kind.kind, capitalized(part)
        ),
        "parameters": parameters,
        "responses": responses,
        "x-kubernetes-action": verb.action,
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
    });
    match verb.action {
        "post" | "put" => operation["requestBody"] = json!({"content": content(&answer), "required": true}),
        "delete" => operation["requestBody"] = json!({"content": content(&format!("{META}DeleteOptions"))}),
        "patch" => {
            let schema = json!({"schema": reference(&format!("{META}Patch"))});
            operation["requestBody"] = json!({
                "content": {
                    "application/apply-patch+yaml": schema,
                    "application/json-patch+json": schema,
                    "application/merge-patch+json": schema,
                },
                "required": true,
            });
        }
        _ => {}
    }
    operation
}

fn description(kind: &Kind, verb: &Verb, part: &str) -> String {
    let named = &kind.kind;
    let of = if part.is_empty() { String::new() } else { format!(" {part} of") };
    // A plural has no article; `class` is none.
    let is_plural = named.ends_with('s') && !named.ends_with("ss");
    let vowel = named.starts_with(|c: char| "aeiou".contains(c.to_ascii_lowercase()));
    let article = match (is_plural, vowel) {
        (true, _) => " ",
        (_, true) => " an ",
        _ => " a ",
    };
    match verb.action {
        "list" => format!("list objects of kind {named}"),
        "deletecollection" => format!("delete collection of {named}"),
        "get" | "put" => format!("{}{of} the specified {named}", verb.name),
        "patch" => format!("partially update{of} the specified {named}"),
        _ => format!("{}{article}{named}", verb.name),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Returns a text as a part of an operation's id: letters and digits, each part after something else with a capital.
fn operation_name(text: &str, capital: bool) -> String {
    let mut name = String::new();
    let mut capital = capital;
    for (at, c) in text.chars().enumerate() {
        if !(c.is_alphabetic() || c == '_' || (at > 0 && c.is_numeric())) {
            capital = true;
        } else if std::mem::take(&mut capital) {
            name.extend(c.to_uppercase());
        } else {
            name.push(c);
        }
    }
    name
}
