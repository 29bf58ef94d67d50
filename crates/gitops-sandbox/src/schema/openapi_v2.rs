//! `/openapi/v2`: one document of all kinds, made from the schemas of `/openapi/v3`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http::header::{ACCEPT, ETAG, IF_NONE_MATCH, VARY};
use http::{Response, request};
use serde_json::{Map, Value, json};

use super::kinds::{DISCOVERY, Kind};
use super::openapi::{self, DOCUMENTS, Form};
use super::openapi_messages_v2::DOCUMENT;
use super::{openapi_custom, openapi_protobuf};
use crate::server::{Server, response, to_bytes};
use crate::wire::Body;
use crate::wire::status::Answer;

const PROTOBUF: &str = "com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// What clients ask for; it is no valid name of a type, so answers do not bear it.
const PROTOBUF_OLD: &str = "com.github.proto-openapi.spec.v2@v1.0+protobuf";
const PROTOBUF_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Media types in the order of the handlers that serve them.
const MEDIA: [&str; 10] = [
    "text/plain",
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// Answers `/openapi/v2`, as the handler of k8s.io/kube-openapi does.
pub(crate) fn answer(server: &Server, parts: &request::Parts) -> Answer<Response<Body>> {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(form) = Form::choose(header(ACCEPT), &[PROTOBUF, PROTOBUF_OLD]) else {
        return Ok(response(406, "", Bytes::new()));
    };
    let custom = openapi_custom::described(server, |_| true);
    let tag =
        format!("\"{}\"", openapi::sha512(json!([*openapi::RECORDED_HASH, custom]).to_string().as_bytes()));
    let known = header(IF_NONE_MATCH).split(',').map(str::trim);
    let answer =
        if known.map(|known| known.trim_start_matches("W/")).any(|known| known == "*" || known == tag) {
            response(304, "", Bytes::new())
        } else {
            let document = document(server);
            match form {
                Form::Json => response(200, "application/json", to_bytes(&document).into()),
                Form::Protobuf => {
                    let bytes = openapi_protobuf::encode(&document, &DOCUMENT);
                    response(200, PROTOBUF_TYPE, bytes.into())
                }
            }
        };
    Ok(openapi::with(answer, &[(VARY, "Accept-Encoding"), (ETAG, &tag)]))
}

/// Makes the document of all kinds that there are now.
fn document(server: &Server) -> Value {
    let mut made = Made::default();
    let builtin = DOCUMENTS["documents"].as_object().into_iter().flatten();
    for (_, document) in builtin {
        made.add_paths(&document["paths"]);
    }
    for (name, schema) in DOCUMENTS["schemas"].as_object().into_iter().flatten() {
        made.definitions.insert(name.clone(), definition(schema));
    }
    let kinds = server.kinds.custom();
    let mut documents: Vec<String> =
        kinds.values().map(|kind| format!("apis/{}/{}", kind.group, kind.version)).collect();
    documents.sort_unstable();
    documents.dedup();
    for path in documents {
        let Some(document) = openapi_custom::document(server, &path) else { continue };
        made.add_paths(&document["paths"]);
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            made.definitions.entry(name.clone()).or_insert_with(|| definition(schema));
        }
    }
    for kind in kinds.values() {
        made.definitions.insert(openapi_custom::schema_name(kind), custom_definition(kind));
    }
    let info = &DISCOVERY["version"];
    let text = |name: &str| info[name].as_str().unwrap_or_default();
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": format!("{}.{}", text("major"), text("minor"))},
        "paths": made.paths,
        "definitions": made.definitions,
        "parameters": made.parameters,
        "securityDefinitions": {"BearerToken": {
            "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header",
        }},
        "security": [{"BearerToken": []}],
    })
}

/// What is gathered for a document.
#[derive(Default)]
struct Made {
    paths: Map<String, Value>,
    definitions: Map<String, Value>,
    /// The parameters that stand once, and are referred to.
    parameters: Map<String, Value>,
}

impl Made {
    fn add_paths(&mut self, paths: &Value) {
        for (path, given) in paths.as_object().into_iter().flatten() {
            let mut item = Map::new();
            for method in METHODS {
                if let Some(given) = given.get(method) {
                    item.insert(method.to_owned(), self.operation(given));
                }
            }
            let parameters = self.parameters(&given["parameters"], None);
            if !parameters.is_empty() {
                item.insert("parameters".to_owned(), Value::Array(parameters));
            }
            self.paths.insert(path.clone(), Value::Object(item));
        }
    }

    fn operation(&mut self, given: &Value) -> Value {
        let body = given.get("requestBody");
        let parameters = self.parameters(&given["parameters"], body);
        let mut operation: Map<String, Value> = given
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| !matches!(key.as_str(), "parameters" | "requestBody" | "responses"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), Value::Array(parameters));
        }
        let mut responses = Map::new();
        let mut produces = Vec::new();
        for (status, given) in given["responses"].as_object().into_iter().flatten() {
            let mut answer = json!({"description": given["description"]});
            for (media, content) in given["content"].as_object().into_iter().flatten() {
                answer["schema"] = definition(&content["schema"]);
                produces.push(media.as_str());
            }
            responses.insert(status.clone(), answer);
        }
        let produces = ordered(produces);
        let consumes = match body {
            Some(body) => {
                ordered(body["content"].as_object().into_iter().flatten().map(|(media, _)| media.as_str()))
            }
            None => self.read_by_default(given, &produces),
        };
        operation.insert("responses".to_owned(), Value::Object(responses));
        operation.insert("produces".to_owned(), json!(produces));
        if !consumes.is_empty() {
            operation.insert("consumes".to_owned(), json!(consumes));
        }
        operation.insert("schemes".to_owned(), json!(["https"]));
        Value::Object(operation)
    }

    /// Returns what an operation without a body says that it reads.
    fn read_by_default<'m>(&self, given: &Value, produces: &[&'m str]) -> Vec<&'m str> {
        let of = |name: &str| given["x-kubernetes-group-version-kind"][name].as_str().unwrap_or_default();
        let is_custom =
            !of("group").is_empty() && DOCUMENTS["documents"].get(format!("apis/{}", of("group"))).is_none();
        match given.get("x-kubernetes-action") {
            Some(_) if is_custom => vec!["application/json", "application/yaml"],
            Some(_) => vec!["*/*"],
            // The pages of keys and of what issues them are no API.
            None if given["tags"].as_array().is_some_and(|tags| tags.iter().any(is_of_keys)) => Vec::new(),
            None => produces.to_vec(),
        }
    }

    /// Returns the parameters of an operation, with its body as the first of them.
    fn parameters(&mut self, given: &Value, body: Option<&Value>) -> Vec<Value> {
        let body = body.map(|body| {
            let content = body["content"].as_object().and_then(|content| content.values().next());
            let schema = content.map(|content| definition(&content["schema"])).unwrap_or_default();
            let mut parameter = json!({"name": "body", "in": "body", "schema": schema});
            if body["required"] == true {
                parameter["required"] = json!(true);
            }
            parameter
        });
        let given = given.as_array().into_iter().flatten().map(|given| {
            let mut parameter = given.clone();
            if let Some(map) = parameter.as_object_mut()
                && let Some(Value::Object(schema)) = map.remove("schema")
            {
                map.extend(schema);
            }
            parameter
        });
        let all: Vec<Value> = body.into_iter().chain(given).collect();
        all.into_iter().map(|parameter| self.shared(parameter)).collect()
    }

    /// Puts a parameter where all operations find it, unless it belongs to one alone, and returns what refers to it.
    fn shared(&mut self, parameter: Value) -> Value {
        let name = parameter["name"].as_str().unwrap_or_default();
        let generic = |schema: &Value| {
            schema["$ref"].as_str().is_some_and(|to| to.starts_with("#/definitions/io.k8s.apimachinery"))
        };
        let is_own = match name {
            "name" | "fieldValidation" | "dryRun" => true,
            "body" => !generic(&parameter["schema"]),
            _ => false,
        };
        if is_own {
            return parameter;
        }
        let hash = fnv(written(&parameter).as_bytes()).to_be_bytes();
        let name = format!("{name}-{}", URL_SAFE.encode(&hash[..6]));
        let reference = json!({"$ref": format!("#/parameters/{name}")});
        self.parameters.insert(name, parameter);
        reference
    }
}

fn is_of_keys(tag: &Value) -> bool {
    matches!(tag.as_str(), Some("WellKnown" | "openid"))
}

/// Sorts media types as the server has them.
fn ordered<'m>(given: impl IntoIterator<Item = &'m str>) -> Vec<&'m str> {
    let mut given: Vec<&str> = given.into_iter().collect();
    let place = |media: &&str| MEDIA.iter().position(|known| known == media).unwrap_or(MEDIA.len());
    given.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.cmp(b)));
    given.dedup();
    given
}

/// Writes a parameter as Go does, for its hash.
fn written(parameter: &Value) -> String {
    const KEYS: [&str; 8] =
        ["uniqueItems", "type", "format", "description", "name", "in", "required", "schema"];
    let fields: Vec<String> =
        KEYS.iter().filter_map(|key| Some(format!("\"{key}\":{}", parameter.get(*key)?))).collect();
    // Go's writer keeps signs of HTML out of JSON.
    let text = format!("{{{}}}", fields.join(","));
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// The hash FNV-1 of 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(*byte))
}

/// Returns a schema in the words of version 2: without defaults, and references stand for themselves.
fn definition(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut made = Map::new();
            let only = map.get("allOf").and_then(Value::as_array).filter(|all| all.len() == 1);
            let only = only.and_then(|all| all[0].get("$ref"));
            for (key, value) in map {
                match key.as_str() {
                    "default" => {}
                    "allOf" if only.is_some() => {}
                    // What is one of several is told as a text.
                    "oneOf" => {
                        made.insert("type".to_owned(), json!("string"));
                    }
                    "$ref" => {
                        made.insert(key.clone(), moved(value));
                    }
                    "properties" => {
                        let properties = value.as_object().into_iter().flatten();
                        let properties = properties.map(|(name, part)| (name.clone(), definition(part)));
                        made.insert(key.clone(), Value::Object(properties.collect()));
                    }
                    "items" | "additionalProperties" | "not" => {
                        made.insert(key.clone(), definition(value));
                    }
                    _ => {
                        made.insert(key.clone(), value.clone());
                    }
                }
            }
            if let Some(only) = only {
                made.insert("$ref".to_owned(), moved(only));
            }
            Value::Object(made)
        }
        other => other.clone(),
    }
}

fn moved(reference: &Value) -> Value {
    let text = reference.as_str().unwrap_or_default();
    Value::String(text.replace("#/components/schemas/", "#/definitions/"))
}

/// Returns the schema of a custom kind without what version 2 and its readers do not know
/// (`pkg/controller/openapi/v2` of k8s.io/apiextensions-apiserver).
fn custom_definition(kind: &Kind) -> Value {
    let given = kind.custom.as_ref().map(|custom| (custom.schema(&kind.version), custom.preserves_all()));
    let keeps_unknown = |schema: &Value| schema["x-kubernetes-preserve-unknown-fields"] == true;
    match given {
        Some((schema, preserves)) if schema.is_object() && !preserves && !keeps_unknown(schema) => {
            let mut schema = schema.clone();
            openapi_custom::each_part(&mut schema, &mut simplify);
            openapi_custom::embedded_where_closed(&mut schema);
            openapi_custom::add_type(&mut schema);
            openapi_custom::mark(&mut schema, kind, &kind.kind);
            definition(&schema)
        }
        _ => {
            let mut schema = json!({"type": "object"});
            openapi_custom::mark(&mut schema, kind, &kind.kind);
            schema
        }
    }
}

fn simplify(part: &mut Map<String, Value>) {
    let is = |part: &Map<String, Value>, name: &str| part.get(name) == Some(&Value::Bool(true));
    for name in ["allOf", "oneOf", "anyOf", "not", "default"] {
        part.remove(name);
    }
    // A field that may be null need not be there. What was nullable has no type any more.
    let nullable: Vec<String> = part
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, property)| property["nullable"] == true)
        .map(|(name, _)| name.clone())
        .collect();
    if let Some(Value::Array(required)) = part.get_mut("required") {
        required.retain(|name| !nullable.iter().any(|nullable| name == nullable));
    }
    let any_null = part.get("additionalProperties").is_some_and(|additional| additional["nullable"] == true);
    if any_null || part.get("required").is_some_and(|required| *required == json!([])) {
        part.remove("required");
    }
    for name in ["properties", "additionalProperties", "items"] {
        let below = match part.get_mut(name) {
            Some(Value::Object(below)) if name == "properties" => below.values_mut().collect(),
            Some(below) => vec![below],
            None => Vec::new(),
        };
        for below in below.into_iter().filter_map(Value::as_object_mut) {
            untype(below);
        }
    }
    if is(part, "x-kubernetes-preserve-unknown-fields") {
        part.remove("items");
        part.remove("properties");
    }
    let kind = part.get("type").and_then(Value::as_str);
    let is_bare_list = kind == Some("array") && !part.contains_key("items");
    if is_bare_list || (kind == Some("object") && is(part, "x-kubernetes-preserve-unknown-fields")) {
        part.remove("type");
    }
}

/// Takes the type from what may be null.
fn untype(part: &mut Map<String, Value>) {
    if part.get("nullable") == Some(&Value::Bool(true)) {
        for name in ["type", "nullable", "items", "properties"] {
            part.remove(name);
        }
    }
}
