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

use super::openapi_messages::DOCUMENT;
use super::{openapi_custom, openapi_protobuf};
use crate::server::{Server, response, to_bytes};
use crate::wire::Body;
use crate::wire::media::Clause;
use crate::wire::query::Query;
use crate::wire::status::{Answer, Refusal};

/// What a real server said (`data/record.py`).
const RECORDED: &[u8] = include_bytes!("../../data/openapi.json.gz");

/// Read when somebody asks for it.
pub(super) static DOCUMENTS: LazyLock<Value> = LazyLock::new(|| {
    let mut text = Vec::new();
    GzDecoder::new(RECORDED).read_to_end(&mut text).expect("because a test reads the recorded file");
    serde_json::from_slice(&text).expect("because a test reads the recorded file")
});

const V3_PROTOBUF: &str = "com.github.proto-openapi.spec.v3.v1.0+protobuf";
/// What clients ask for; it is no valid name of a type, so answers do not bear it.
const V3_PROTOBUF_OLD: &str = "com.github.proto-openapi.spec.v3@v1.0+protobuf";
const V3_PROTOBUF_TYPE: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";

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
    let Some(form) = Form::choose(header(ACCEPT), &[V3_PROTOBUF, V3_PROTOBUF_OLD]) else {
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
            let Some(document) = builtin(path).or_else(|| openapi_custom::document(server, path)) else {
                return Ok(response(404, "", Bytes::new()));
            };
            let bytes = match form {
                Form::Json => to_bytes(&document),
                Form::Protobuf => openapi_protobuf::encode(&document, &DOCUMENT),
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
pub(super) enum Form {
    Json,
    Protobuf,
}

impl Form {
    /// Chooses the first form of `Accept` that there is; protobuf has these names. Neither a charset nor anything else that
    /// a range says of itself matters.
    pub(super) fn choose(accept: &str, protobuf: &[&str]) -> Option<Self> {
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
                form if protobuf.contains(&form) => Some(Self::Protobuf),
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

pub(super) fn with(mut response: Response<Body>, headers: &[(HeaderName, &str)]) -> Response<Body> {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The hash of all that was recorded.
pub(super) static RECORDED_HASH: LazyLock<String> = LazyLock::new(|| sha512(RECORDED));

pub(super) fn sha512(bytes: &[u8]) -> String {
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
    let kinds = openapi_custom::described(server, |kind| kind.group == group && kind.version == version);
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

pub(super) fn builtin(path: &str) -> Option<Value> {
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
