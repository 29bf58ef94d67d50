//! Discovery: what groups, versions and resources there are; health and version.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request};
use serde_json::{Map, Value, json};

use super::kinds::{DISCOVERY, Kind, Kinds};
use super::{openapi, openapi_v2};
use crate::crd::Custom;
use crate::server::{Server, encoded, response, root, wants_media};
use crate::wire::Body;
use crate::wire::media::Clause;
use crate::wire::route::Route;
use crate::wire::status::{Answer, Refusal};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answers what is no resource.
pub(crate) fn answer(server: &Arc<Server>, parts: &request::Parts, route: &Route) -> Answer<Response<Body>> {
    let method = parts.method.as_str();
    let json = |value: &Value| -> Answer<Response<Body>> {
        let media = wants_media(parts, false)?;
        Ok(encoded(200, value, media.encoding))
    };
    match route {
        Route::CoreVersions => match wanted_discovery(parts)? {
            true => Ok(aggregated(&core_aggregated())),
            false => json(&json!({
                "kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:443"}],
            })),
        },
        Route::Groups => match wanted_discovery(parts)? {
            true => Ok(aggregated(&groups_aggregated(&server.kinds))),
            false => {
                json(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(&server.kinds)}))
            }
        },
        Route::Group(name) => {
            let found = groups(&server.kinds).into_iter().find(|group| group["name"] == name.as_str());
            let mut group = found.ok_or_else(Refusal::page_not_found)?;
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            json(&group)
        }
        Route::Version { group, version } => json(&resources(&server.kinds, group, version)?),
        Route::Other(_) if method != "GET" && method != "HEAD" => Err(Refusal::page_not_found()),
        Route::Other(path) => other(server, parts, path),
        Route::Resource(_) => Err(Refusal::no_resource()),
    }
}

fn other(server: &Arc<Server>, parts: &request::Parts, path: &str) -> Answer<Response<Body>> {
    let text = |text: &'static str| {
        Ok(response(200, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes())))
    };
    match path {
        "/" | "" => Ok(encoded(200, &root(), wants_media(parts, false)?.encoding)),
        "/version" | "/version/" => {
            let mut text = serde_json::to_string_pretty(&DISCOVERY["version"]).unwrap_or_default();
            text.push('\n');
            Ok(response(200, "application/json", text.into()))
        }
        "/healthz" | "/livez" | "/readyz"
            if parts.uri.query().is_some_and(|query| query.contains("verbose")) =>
        {
            let name = path.trim_start_matches('/');
            let text = format!("[+]ping ok\n[+]etcd ok\n{name} check passed\n");
            Ok(response(200, "text/plain; charset=utf-8", text.into()))
        }
        "/healthz" | "/livez" | "/readyz" | "/healthz/ping" | "/livez/ping" | "/readyz/ping"
        | "/healthz/etcd" | "/livez/etcd" | "/readyz/etcd" => text("ok"),
        "/openapi/v2" => openapi_v2::answer(server, parts),
        path => match path.strip_prefix("/openapi/v3") {
            Some(rest) => openapi::answer(server, parts, rest),
            None => Err(Refusal::page_not_found()),
        },
    }
}

/// Tells whether the client wants everything at once.
fn wanted_discovery(parts: &request::Parts) -> Answer<bool> {
    let accept: Vec<&str> =
        parts.headers.get_all(http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let accept = accept.join(",");
    for clause in accept.split(',') {
        let (_, clause) = Clause::parse(clause);
        let plain = clause.parameter("as").is_empty();
        match clause.range {
            "application/json" if plain => return Ok(false),
            "application/json" => {
                let (group, version) = (clause.parameter("g"), clause.parameter("v"));
                let of = clause.parameter("as");
                if group == "apidiscovery.k8s.io" && version == "v2" && of == "APIGroupDiscoveryList" {
                    return Ok(true);
                }
            }
            "*/*" | "" | "application/yaml" => return Ok(false),
            _ => {}
        }
    }
    Err(Refusal::not_acceptable(&[
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
    ]))
}

fn aggregated(list: &Value) -> Response<Body> {
    let bytes = crate::server::to_bytes(list);
    response(200, AGGREGATED, bytes.into())
}

fn custom_groups(kinds: &Kinds) -> BTreeMap<String, BTreeMap<String, Vec<Arc<Kind>>>> {
    let mut groups: BTreeMap<String, BTreeMap<String, Vec<Arc<Kind>>>> = BTreeMap::new();
    for kind in kinds.custom().values() {
        let versions = groups.entry(kind.group.clone()).or_default();
        versions.entry(kind.version.clone()).or_default().push(Arc::clone(kind));
    }
    groups
}

/// Orders versions as the server does: stable ones first, then beta, then alpha, the newest of each first.
pub(crate) fn version_order(a: &str, b: &str) -> std::cmp::Ordering {
    let key = |version: &str| -> Option<(u8, u64, u64)> {
        let rest = version.strip_prefix('v')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (major, rest) = rest.split_at(end);
        let major = major.parse().ok()?;
        let minor = |text: &str| if text.is_empty() { None } else { text.parse().ok() };
        if rest.is_empty() {
            Some((2, major, 0))
        } else if let Some(rest) = rest.strip_prefix("beta") {
            Some((1, major, minor(rest)?))
        } else {
            Some((0, major, minor(rest.strip_prefix("alpha")?)?))
        }
    };
    match (key(a), key(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

fn ordered(versions: &BTreeMap<String, Vec<Arc<Kind>>>) -> Vec<&String> {
    let mut names: Vec<&String> = versions.keys().collect();
    names.sort_by(|a, b| version_order(a, b));
    names
}

fn groups(kinds: &Kinds) -> Vec<Value> {
    let mut groups = DISCOVERY["groups"].as_array().cloned().unwrap_or_default();
    for (group, versions) in custom_groups(kinds) {
        let versions: Vec<Value> = ordered(&versions)
            .into_iter()
            .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
            .collect();
        groups.push(json!({"name": group, "versions": versions, "preferredVersion": versions[0]}));
    }
    groups
}

fn resources(kinds: &Kinds, group: &str, version: &str) -> Answer<Value> {
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let list = |resources: Value| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources});
    if Kinds::has_builtin_version(group, version) {
        let mut list = list(DISCOVERY["resources"][&group_version].clone());
        if group.is_empty()
            && let Some(map) = list.as_object_mut()
        {
            map.remove("apiVersion");
        }
        return Ok(list);
    }
    let custom = custom_groups(kinds);
    let found = custom.get(group).and_then(|versions| versions.get(version));
    let Some(found) = found else {
        return Err(if group.is_empty() || Kinds::has_builtin_group(group) {
            Refusal::no_resource()
        } else {
            Refusal::page_not_found()
        });
    };
    let mut resources = Vec::new();
    for kind in found {
        resources.extend(custom_resource(kind));
    }
    Ok(list(Value::Array(resources)))
}

const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

fn names(custom: &Custom, name: &str) -> Option<Value> {
    let names = &custom.definition["status"]["acceptedNames"][name];
    names.as_array().filter(|names| !names.is_empty()).map(|names| json!(names))
}

fn custom_resource(kind: &Kind) -> Vec<Value> {
    let Some(custom) = &kind.custom else { return Vec::new() };
    let mut resource = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": VERBS,
    });
    // A version that is not served is not told of.
    let stored = custom.storage_version();
    if custom.version(stored).is_some_and(|version| version.served) {
        resource["storageVersionHash"] = json!(hash(&format!("{}/{stored}/{}", kind.group, kind.kind)));
    }
    for name in ["shortNames", "categories"] {
        if let Some(names) = names(custom, name) {
            resource[name] = names;
        }
    }
    let mut resources = vec![resource];
    if kind.subresources.contains_key("status") {
        resources.push(json!({
            "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": ["get", "patch", "update"],
        }));
    }
    if kind.subresources.contains_key("scale") {
        resources.push(json!({
            "name": format!("{}/scale", kind.plural), "singularName": "", "namespaced": kind.namespaced,
            "group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"],
        }));
    }
    resources
}

/// The hash of the version in which a kind is stored: eight bytes of SHA-256.
fn hash(text: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(digest.get(..8).unwrap_or_default())
}

fn discovery_list(items: Vec<Value>) -> Value {
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn core_aggregated() -> Value {
    discovery_list(DISCOVERY["aggregated"]["api"].as_array().cloned().unwrap_or_default())
}

fn groups_aggregated(kinds: &Kinds) -> Value {
    let mut items = DISCOVERY["aggregated"]["apis"].as_array().cloned().unwrap_or_default();
    for (group, versions) in custom_groups(kinds) {
        let versions: Vec<Value> = ordered(&versions)
            .into_iter()
            .map(|version| {
                let resources: Vec<Value> =
                    versions[version].iter().map(|kind| custom_aggregated(kind)).collect();
                json!({"version": version, "freshness": "Current", "resources": resources})
            })
            .collect();
        items.push(json!({"metadata": {"name": group}, "versions": versions}));
    }
    discovery_list(items)
}

fn custom_aggregated(kind: &Kind) -> Value {
    let Some(custom) = &kind.custom else { return Value::Null };
    let response = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let mut resource = json!({
        "resource": kind.plural, "responseKind": response, "singularResource": kind.singular,
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "verbs": VERBS,
    });
    for name in ["shortNames", "categories"] {
        if let Some(names) = names(custom, name) {
            resource[name] = names;
        }
    }
    let mut subresources = Vec::new();
    if kind.subresources.contains_key("status") {
        subresources.push(json!({
            "subresource": "status", "responseKind": response, "verbs": ["get", "patch", "update"],
        }));
    }
    if kind.subresources.contains_key("scale") {
        let scale = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
        subresources.push(
            json!({"subresource": "scale", "responseKind": scale, "verbs": ["get", "patch", "update"]}),
        );
    }
    if !subresources.is_empty() {
        resource["subresources"] = Value::Array(subresources);
    }
    let _: Option<Map<String, Value>> = None;
    resource
}
