//! `/openapi/v3`: the schemas of all kinds, by group and version.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT, CACHE_CONTROL, ETAG, EXPIRES, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, VARY,
};
use http::{Response, request};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use super::kinds::DISCOVERY;
use super::openapi_protobuf;
use crate::server::{Server, encoded, response, to_bytes};
use crate::unmodelled;
use crate::wire::Body;
use crate::wire::media::{Clause, Encoding};
use crate::wire::query::Query;
use crate::wire::status::{Answer, Refusal};

/// What a real server said (`data/record.py`).
const RECORDED: &[u8] = include_bytes!("../../data/openapi.json.gz");

/// Read when somebody asks for it.
static DOCUMENTS: LazyLock<Value> = LazyLock::new(|| {
    let mut text = Vec::new();
    GzDecoder::new(RECORDED).read_to_end(&mut text).expect("because a test reads the recorded file");
    serde_json::from_slice(&text).expect("because a test reads the recorded file")
});

const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2";
const V2_PROTOBUF_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

const V3_PROTOBUF: &str = "com.github.proto-openapi.spec.v3.v1.0+protobuf";
/// What clients ask for; it is no valid name of a type, so answers do not bear it.
const V3_PROTOBUF_OLD: &str = "com.github.proto-openapi.spec.v3@v1.0+protobuf";
const V3_PROTOBUF_TYPE: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// Answers what is under `/openapi/v3`, as the handler of k8s.io/kube-openapi does.
pub(crate) fn answer(server: &Arc<Server>, parts: &request::Parts, path: &str) -> Answer<Response<Body>> {
    if path.is_empty() {
        // The index is the same whatever a client accepts.
        let bytes = to_bytes(&index(server));
        return Ok(response(200, "text/plain; charset=utf-8", bytes.into()));
    }
    let path = path.strip_prefix('/').ok_or_else(Refusal::page_not_found)?;
    let Some(hash) = hash(server, path) else { return Ok(response(404, "", Bytes::new())) };
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(form) = Form::choose(header(ACCEPT)) else {
        return Ok(with(response(406, "", Bytes::new()), &[(VARY, "Accept")]));
    };
    let tag = format!("\"{hash}\"");
    let headers = [(VARY, "Accept"), (ETAG, &tag)];
    let asked = Query::parse(parts.uri.query().unwrap_or_default()).get("hash").to_owned();
    if !asked.is_empty() && asked != hash {
        let moved = response(301, form.content_type(), Bytes::new());
        return Ok(with(with(moved, &headers), &[(LOCATION, &url(path, &hash))]));
    }
    let known = header(IF_NONE_MATCH).split(',').map(str::trim);
    let answer =
        if known.map(|known| known.trim_start_matches("W/")).any(|known| known == "*" || known == tag) {
            response(304, "", Bytes::new())
        } else {
            let Some(document) = builtin(path).or_else(|| custom(server, path)) else {
                return Ok(response(404, "", Bytes::new()));
            };
            let bytes = match form {
                Form::Json => to_bytes(&document),
                Form::Protobuf => openapi_protobuf::encode(&document),
            };
            response(200, form.content_type(), bytes.into())
        };
    let answer = with(answer, &headers);
    if asked.is_empty() {
        return Ok(answer);
    }
    // What is named by its hash never changes.
    let now = server.clock.now().to_zoned(TimeZone::UTC);
    let expires = now.saturating_add(1.year()).strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
    Ok(with(answer, &[(CACHE_CONTROL, "public, immutable"), (EXPIRES, &expires)]))
}

/// How a document is written.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Protobuf,
}

impl Form {
    /// Chooses the first form of `Accept` that there is. Neither a charset nor anything else that a range says of itself
    /// matters.
    fn choose(accept: &str) -> Option<Self> {
        let accept = if accept.trim().is_empty() { "*/*" } else { accept };
        let mut clauses: Vec<(f32, Clause<'_>)> = accept.split(',').map(Clause::parse).collect();
        let wildcards = |range: &str| range.matches('*').count();
        clauses.sort_by(|(a, left), (b, right)| {
            b.total_cmp(a).then_with(|| wildcards(left.range).cmp(&wildcards(right.range)))
        });
        clauses.iter().find_map(|(_, clause)| {
            let (kind, form) = clause.range.split_once('/').unwrap_or((clause.range, clause.range));
            match form {
                _ if !matches!(kind, "application" | "*") => None,
                "json" | "*" => Some(Self::Json),
                V3_PROTOBUF | V3_PROTOBUF_OLD => Some(Self::Protobuf),
                _ => None,
            }
        })
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => V3_PROTOBUF_TYPE,
        }
    }
}

fn with(mut response: Response<Body>, headers: &[(HeaderName, &str)]) -> Response<Body> {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Answers `/openapi/v2`: a document that describes nothing. kubectl reads it before it validates what has no schema
/// of its own, such as a List, and takes what is not described as valid.
pub(crate) fn version_2(server: &Server, parts: &request::Parts) -> Answer<Response<Body>> {
    server.unmodelled(unmodelled::OPENAPI_V2)?;
    let info = &DISCOVERY["version"];
    let version = format!(
        "{}.{}",
        info["major"].as_str().unwrap_or_default(),
        info["minor"].as_str().unwrap_or_default()
    );
    let accept =
        parts.headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept.contains(V2_PROTOBUF) {
        let document = json!({
            "swagger": "2.0", "info": {"title": "Kubernetes", "version": version}, "paths": {}, "definitions": {},
        });
        return Ok(encoded(200, &document, Encoding::Json));
    }
    // Document: 1 swagger, 2 info, 8 paths. Info: 1 title, 2 version.
    let field = |number: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap_or_default();
        [&[number << 3 | 2, length], bytes].concat()
    };
    let info = [field(1, b"Kubernetes"), field(2, version.as_bytes())].concat();
    let document = [field(1, b"2.0"), field(2, &info), field(8, b"")].concat();
    Ok(response(200, V2_PROTOBUF_TYPE, document.into()))
}

/// The hash of all that was recorded.
static RECORDED_HASH: LazyLock<String> = LazyLock::new(|| sha512(RECORDED));

fn sha512(bytes: &[u8]) -> String {
    sha2::Sha512::digest(bytes).iter().map(|byte| format!("{byte:02X}")).collect()
}

fn url(path: &str, hash: &str) -> String {
    format!("/openapi/v3/{path}?hash={hash}")
}

/// Returns what stands for the content of a document, without making it: another one has another hash.
fn hash(server: &Server, path: &str) -> Option<String> {
    if DOCUMENTS["documents"].get(path).is_some() {
        return Some(sha512(format!("{path} {}", *RECORDED_HASH).as_bytes()));
    }
    let (group, version) = path.strip_prefix("apis/")?.split_once('/')?;
    let kinds = server.kinds.custom();
    let kinds: Vec<Value> = kinds
        .values()
        .filter(|kind| kind.group == group && kind.version == version)
        .map(|kind| {
            let entry = kind.custom.as_ref().and_then(|custom| custom.version(version));
            json!([kind.kind, kind.list_kind, kind.plural, kind.namespaced, entry.map(|entry| &entry.entry)])
        })
        .collect();
    (!kinds.is_empty()).then(|| sha512(json!([path, *RECORDED_HASH, kinds]).to_string().as_bytes()))
}

fn index(server: &Server) -> Value {
    let documents = DOCUMENTS["documents"].as_object();
    let mut paths: BTreeSet<String> = documents.into_iter().flatten().map(|(path, _)| path.clone()).collect();
    for kind in server.kinds.custom().values() {
        paths.insert(format!("apis/{}/{}", kind.group, kind.version));
    }
    let paths: Map<String, Value> = paths
        .into_iter()
        .filter_map(|path| {
            let hash = hash(server, &path)?;
            let url = url(&path, &hash);
            Some((path, json!({"serverRelativeURL": url})))
        })
        .collect();
    json!({"paths": paths})
}

fn builtin(path: &str) -> Option<Value> {
    let recorded = DOCUMENTS["documents"].get(path)?;
    let mut schemas = Map::new();
    for name in recorded["schemas"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        schemas.insert(name.to_owned(), DOCUMENTS["schemas"][name].clone());
    }
    let mut components = json!({"schemas": schemas});
    if !recorded["security"].is_null() {
        components["securitySchemes"] = recorded["security"].clone();
    }
    Some(json!({
        "openapi": "3.0.0", "info": recorded["info"], "paths": recorded["paths"], "components": components,
    }))
}

/// Makes the document of a custom group's version.
fn custom(server: &Server, path: &str) -> Option<Value> {
    let (group, version) = path.strip_prefix("apis/")?.split_once('/')?;
    let kinds = server.kinds.custom();
    let kinds: Vec<_> =
        kinds.values().filter(|kind| kind.group == group && kind.version == version).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut schemas = Map::new();
    for name in [
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
    ] {
        let name = format!("{META}{name}");
        schemas.insert(name.clone(), DOCUMENTS["schemas"][&name].clone());
    }
    let mut paths = Map::new();
    for kind in kinds {
        let Some(custom) = &kind.custom else { continue };
        let reversed: Vec<&str> = group.split('.').rev().collect();
        let name = format!("{}.{version}.{}", reversed.join("."), kind.kind);
        let mut schema = custom.schema(version).clone();
        if !schema.is_object() {
            schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        }
        let gvk = json!([{"group": group, "version": version, "kind": kind.kind}]);
        schema["x-kubernetes-group-version-kind"] = gvk.clone();
        if schema["properties"].is_object() || schema["x-kubernetes-preserve-unknown-fields"] != true {
            let text =
                |name: &str| DOCUMENTS["schemas"]["io.k8s.api.core.v1.ConfigMap"]["properties"][name].clone();
            schema["properties"]["apiVersion"] = text("apiVersion");
            schema["properties"]["kind"] = text("kind");
            schema["properties"]["metadata"] = text("metadata");
        }
        schemas.insert(name.clone(), schema);
        let list = json!({
            "description": format!("{} is a list of {}", kind.list_kind, kind.kind),
            "type": "object", "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"}, "kind": {"type": "string"},
                "items": {"type": "array", "items": {"allOf": [{"$ref": format!("#/components/schemas/{name}")}], "default": {}}},
                "metadata": {"$ref": format!("#/components/schemas/{META}ListMeta")},
            },
            "x-kubernetes-group-version-kind": [{"group": group, "version": version, "kind": kind.list_kind}],
        });
        schemas.insert(format!("{name}List"), list);
        operations(kind, group, version, &name, &mut paths);
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

/// Adds the operations of a custom resource: those of ConfigMaps, under other names.
fn operations(
    kind: &crate::schema::Kind,
    group: &str,
    version: &str,
    schema: &str,
    paths: &mut Map<String, Value>,
) {
    let recorded = &DOCUMENTS["documents"]["api/v1"]["paths"];
    let place = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let model =
        |suffix: &str| recorded[format!("/api/v1/namespaces/{{namespace}}/configmaps{suffix}")].clone();
    let base = format!("/apis/{group}/{version}{place}/{}", kind.plural);
    let mut named = vec![(base.clone(), model("")), (format!("{base}/{{name}}"), model("/{name}"))];
    for subresource in kind.subresources.keys() {
        let mut item = model("/{name}");
        if let Some(item) = item.as_object_mut() {
            item.remove("delete");
        }
        named.push((format!("{base}/{{name}}/{subresource}"), item));
    }
    for (path, item) in named {
        let text = item
            .to_string()
            .replace(
                "#/components/schemas/io.k8s.api.core.v1.ConfigMapList",
                &format!("#/components/schemas/{schema}List"),
            )
            .replace(
                "#/components/schemas/io.k8s.api.core.v1.ConfigMap",
                &format!("#/components/schemas/{schema}"),
            )
            .replace("CoreV1", &format!("{}{}", capitalized(group), capitalized(version)))
            .replace("ConfigMap", &kind.kind)
            .replace("\"core_v1\"", &format!("\"{group}_{version}\""))
            .replace("\"group\":\"\"", &format!("\"group\":\"{group}\""))
            .replace("\"version\":\"v1\"", &format!("\"version\":\"{version}\""));
        paths.insert(path, serde_json::from_str(&text).unwrap_or(Value::Null));
    }
}

fn capitalized(text: &str) -> String {
    let parts = text.split(['.', '-']);
    parts
        .map(|part| {
            let mut chars = part.chars();
            chars
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect::<String>())
        })
        .collect()
}
