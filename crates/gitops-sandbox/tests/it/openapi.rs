//! OpenAPI documents in JSON and in protobuf, and what names and keeps them.

use std::collections::BTreeMap;

use bytes::Bytes;
use gitops_sandbox::{Clock, Sandbox};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::ServiceExt as _;

const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf";
const PROTOBUF_TYPE: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";

pub(crate) async fn send(sandbox: &Sandbox, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let (parts, body) = sandbox.service().oneshot(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

pub(crate) async fn get(sandbox: &Sandbox, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    send(sandbox, request.body(Full::default()).unwrap()).await
}

pub(crate) fn header<'r>(response: &'r Response<Bytes>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// A field's bytes, or its number.
#[derive(Clone, Copy)]
pub(crate) enum Field<'b> {
    Bytes(&'b [u8]),
    Number(u64),
}

impl<'b> Field<'b> {
    pub(crate) fn text(self) -> &'b str {
        let Field::Bytes(bytes) = self else { panic!("a number, not a text") };
        std::str::from_utf8(bytes).unwrap()
    }

    pub(crate) fn number(self) -> u64 {
        let Field::Number(number) = self else { panic!("bytes, not a number") };
        number
    }

    /// Returns the fields of this number, if this is a message.
    pub(crate) fn all(self, wanted: u32) -> Vec<Field<'b>> {
        let Field::Bytes(mut bytes) = self else { panic!("a number, not a message") };
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let field = match tag & 7 {
                0 => Field::Number(varint(&mut bytes)),
                1 => Field::Number(u64::from_le_bytes(split(&mut bytes, 8).try_into().unwrap())),
                2 => {
                    let length = varint(&mut bytes);
                    Field::Bytes(split(&mut bytes, usize::try_from(length).unwrap()))
                }
                other => panic!("wire type {other}"),
            };
            if tag >> 3 == u64::from(wanted) {
                found.push(field);
            }
        }
        found
    }

    pub(crate) fn at(self, path: &[u32]) -> Self {
        path.iter().fold(self, |field, number| {
            let found = field.all(*number);
            let [only] = found.as_slice() else { panic!("{} fields {number} in {path:?}", found.len()) };
            *only
        })
    }

    /// Reads the named pairs in these fields.
    pub(crate) fn named(self, number: u32) -> BTreeMap<&'b str, Self> {
        self.all(number).into_iter().map(|pair| (pair.at(&[1]).text(), pair.at(&[2]))).collect()
    }
}

fn split<'b>(bytes: &mut &'b [u8], at: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(at);
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = split(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn names(of: &Value) -> Vec<&str> {
    of.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Document: 4 paths, 5 components. Components: 1 schemas, whose pairs hold a schema (1) or a reference (2).
async fn check(sandbox: &Sandbox, path: &str) -> (Value, Bytes) {
    let json = get(sandbox, path, &[("accept", "application/json")]).await;
    let protobuf = get(sandbox, path, &[("accept", PROTOBUF)]).await;
    assert_eq!(
        (protobuf.status().as_u16(), header(&protobuf, "content-type")),
        (200, PROTOBUF_TYPE),
        "{path}"
    );
    assert_eq!(header(&json, "etag"), header(&protobuf, "etag"), "{path}");
    assert_eq!(header(&protobuf, "vary"), "Accept", "{path}");
    let document: Value = serde_json::from_slice(json.body()).unwrap();
    let bytes = protobuf.into_body();
    let read = Field::Bytes(&bytes);
    assert_eq!(read.at(&[1]).text(), document["openapi"], "{path}");
    assert_eq!(read.at(&[2, 1]).text(), document["info"]["title"], "{path}");
    assert_eq!(read.at(&[2, 6]).text(), document["info"]["version"], "{path}");
    let paths: Vec<&str> = read.at(&[4]).named(1).into_keys().collect();
    assert_eq!(paths, names(&document["paths"]), "{path}");
    if document["components"]["schemas"].as_object().is_some_and(|schemas| !schemas.is_empty()) {
        let schemas: Vec<&str> = read.at(&[5, 1]).named(1).into_keys().collect();
        assert_eq!(schemas, names(&document["components"]["schemas"]), "{path}");
    }
    (document, bytes)
}

#[tokio::test]
async fn each_document_is_there_in_protobuf_too() {
    let sandbox = Sandbox::start();
    let index = get(&sandbox, "/openapi/v3", &[("accept", PROTOBUF)]).await;
    assert_eq!(header(&index, "content-type"), "text/plain; charset=utf-8");
    let index: Value = serde_json::from_slice(index.body()).unwrap();
    assert!(index["paths"].as_object().unwrap().len() > 40);
    // Large ones and small ones; all are written by the same table.
    for path in ["api", "api/v1", "apis/apps", "apis/apps/v1", "version"] {
        check(&sandbox, index["paths"][path]["serverRelativeURL"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn a_schema_keeps_its_numbers_references_and_extensions() {
    let sandbox = Sandbox::start();
    let (_, bytes) = check(&sandbox, "/openapi/v3/apis/apps/v1").await;
    let document = Field::Bytes(&bytes);
    // DeploymentSpec: 23 required, 25 type, 31 properties, 34 description, 35 format, 36 extensions.
    let spec = document.at(&[5, 1]).named(1)["io.k8s.api.apps.v1.DeploymentSpec"].at(&[1]);
    let required: Vec<&str> = spec.all(23).into_iter().map(Field::text).collect();
    assert_eq!((required, spec.at(&[25]).text()), (vec!["selector", "template"], "object"));
    let properties = spec.at(&[31]).named(1);
    assert_eq!(properties["replicas"].at(&[1, 35]).text(), "int32");
    let strategy = properties["strategy"].at(&[1]);
    let reference = "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy";
    assert_eq!(strategy.at(&[26, 2, 1]).text(), reference);
    assert!(strategy.at(&[33]).text().is_empty(), "a default that is no scalar is empty");
    assert_eq!(strategy.named(36)["x-kubernetes-patch-strategy"].at(&[2]).text(), "retainKeys\n");

    // PathItem: 10 patch. Operation: 5 the id, 6 parameters, 8 responses, 13 extensions.
    let path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
    let patch = document.at(&[4]).named(1)[path].at(&[10]);
    assert_eq!(patch.at(&[5]).text(), "patchAppsV1NamespacedDeployment");
    let parameters: Vec<&str> =
        patch.all(6).into_iter().map(|parameter| parameter.at(&[1, 1]).text()).collect();
    assert!(parameters.contains(&"dryRun"), "{parameters:?}");
    let responses: Vec<&str> = patch.at(&[8]).named(2).into_keys().collect();
    assert_eq!(responses, ["200", "201", "401"]);
    let kind = patch.named(13)["x-kubernetes-group-version-kind"].at(&[2]).text();
    assert_eq!(kind, "group: apps\nkind: Deployment\nversion: v1\n");
}

fn definition(schema: &Value) -> Value {
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

async fn define(sandbox: &Sandbox, schema: &Value) {
    let request = Request::post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        .header("content-type", "application/json")
        .body(Full::from(definition(schema).to_string()))
        .unwrap();
    let answer = send(sandbox, request).await;
    assert_eq!(answer.status().as_u16(), 201, "{:?}", answer.body());
}

#[tokio::test]
async fn a_custom_schema_keeps_bounds_defaults_and_choices() {
    let sandbox = Sandbox::start();
    define(
        &sandbox,
        &json!({"type": "object", "properties": {
            "count": {"type": "integer", "minimum": -1.5, "maxLength": 300, "default": 0, "nullable": true},
            "mode": {"type": "string", "enum": ["on", "a: b"], "default": "on"},
            "off": {"type": "boolean", "default": false},
            "texts": {"type": "object", "additionalProperties": {"type": "string"}},
            "sizes": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        }}),
    )
    .await;
    let (_, bytes) = check(&sandbox, "/openapi/v3/apis/example.com/v1").await;
    let schemas = Field::Bytes(&bytes).at(&[5, 1]).named(1);
    let properties = schemas["com.example.v1.Widget"].at(&[1, 31]).named(1);
    let property = |name: &str| properties[name].at(&[1]);

    // 1 nullable, 13 minimum, 15 maxLength; a default is a number (1), a truth (2) or a text (3), and zero is one.
    assert_eq!(property("count").at(&[1]).number(), 1);
    assert_eq!(property("count").at(&[13]).number(), (-1.5_f64).to_bits());
    assert_eq!(property("count").at(&[15]).number(), 300);
    assert_eq!(property("count").at(&[33, 1]).number(), 0);
    assert_eq!(property("off").at(&[33, 2]).number(), 0);
    assert_eq!(property("mode").at(&[33, 3]).text(), "on");
    // 24 enum, each anything in YAML (2).
    let choices: Vec<&str> = property("mode").all(24).into_iter().map(|any| any.at(&[2]).text()).collect();
    assert_eq!(choices, ["\"on\"\n", "'a: b'\n"]);
    // 32 additionalProperties and 30 items hold a choice (1) of a schema (1), whose type is 25.
    assert_eq!(property("texts").at(&[32, 1, 1, 25]).text(), "string");
    assert_eq!(property("sizes").at(&[30, 1, 1, 25]).text(), "string");
    assert_eq!(property("sizes").named(36)["x-kubernetes-list-type"].at(&[2]).text(), "set\n");
}

#[tokio::test]
async fn the_form_is_the_one_that_is_accepted_most() {
    let sandbox = Sandbox::start();
    for (accept, want) in [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        (PROTOBUF_TYPE, PROTOBUF_TYPE),
        (&format!("application/json;q=0.1, {PROTOBUF}"), PROTOBUF_TYPE),
        (&format!("*/*, {PROTOBUF}"), PROTOBUF_TYPE),
        (&format!("application/json, {PROTOBUF}"), "application/json"),
    ] {
        let answer = get(&sandbox, "/openapi/v3/version", &[("accept", accept)]).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, want), "{accept}");
    }
    for accept in ["application/yaml", "text/html"] {
        let answer = get(&sandbox, "/openapi/v3/version", &[("accept", accept)]).await;
        assert_eq!((answer.status().as_u16(), answer.body().len()), (406, 0), "{accept}");
    }
}

#[tokio::test]
async fn a_document_is_kept_by_its_hash() {
    let clock = Clock::standing_at("2026-01-02T03:04:05Z".parse().unwrap());
    let sandbox = Sandbox::builder().clock(clock).start();
    define(&sandbox, &json!({"type": "object"})).await;
    for path in ["version", "apis/example.com/v1"] {
        let index: Value = serde_json::from_slice(get(&sandbox, "/openapi/v3", &[]).await.body()).unwrap();
        let url = index["paths"][path]["serverRelativeURL"].as_str().unwrap();
        let answer = get(&sandbox, url, &[("accept", PROTOBUF)]).await;
        assert_eq!(answer.status().as_u16(), 200, "{url}");
        assert_eq!(header(&answer, "cache-control"), "public, immutable");
        assert_eq!(header(&answer, "expires"), "Sat, 02 Jan 2027 03:04:05 UTC");
        let tag = header(&answer, "etag").to_owned();
        assert!(url.ends_with(&format!("?hash={}", tag.trim_matches('"'))), "{url} {tag}");

        let plain = format!("/openapi/v3/{path}");
        let known = get(&sandbox, &plain, &[("if-none-match", &tag)]).await;
        assert_eq!((known.status().as_u16(), known.body().len()), (304, 0), "{path}");
        let moved = get(&sandbox, &format!("{plain}?hash=0"), &[]).await;
        assert_eq!((moved.status().as_u16(), header(&moved, "location")), (301, url), "{path}");
        assert_eq!(header(&get(&sandbox, &plain, &[]).await, "cache-control"), "", "{path}");
    }
    let other = Sandbox::start();
    define(&other, &json!({"type": "object", "description": "another one"})).await;
    let path = "/openapi/v3/apis/example.com/v1";
    let (one, two) = (get(&sandbox, path, &[]).await, get(&other, path, &[]).await);
    assert_ne!(header(&one, "etag"), header(&two, "etag"));
}

#[tokio::test]
async fn what_has_no_document_is_not_found() {
    let sandbox = Sandbox::start();
    define(&sandbox, &json!({"type": "object"})).await;
    for path in ["apis/none.example.com/v1", "apis/example.com", "apis/apps/v1/", ""] {
        let answer = get(&sandbox, &format!("/openapi/v3/{path}"), &[("accept", PROTOBUF)]).await;
        assert_eq!((answer.status().as_u16(), answer.body().len()), (404, 0), "{path}");
    }
}
