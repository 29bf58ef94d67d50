//! Reviews: may somebody do something, and who am I; tokens, evictions and bindings.

use serde_json::{Value, json};

use super::{self as access, Attributes, User, allows};
use crate::apply;
use crate::lifecycle::{self, Call, Reply};
use crate::wire::query::WriteOptions;
use crate::wire::status::{Answer, Cause, Refusal};

/// Returns the service account that a token of ours names.
pub(crate) fn service_account_of(token: &str) -> Option<User> {
    let name = token.strip_prefix("sandbox.")?;
    let (namespace, name) = name.split_once('.')?;
    let groups = vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ];
    Some(User { name: format!("system:serviceaccount:{namespace}:{name}"), groups, ..User::default() })
}

/// Answers the creation of what is no object: reviews, tokens, evictions, bindings.
pub(crate) fn create(call: &mut Call<'_>) -> Answer<Option<Reply>> {
    let kind = call.kind.clone();
    let subresource = call.target.subresource.clone();
    let answer = match (kind.group.as_str(), kind.kind.as_str(), subresource.as_str()) {
        ("authorization.k8s.io" | "authentication.k8s.io", _, "") => review(call)?,
        ("", "ServiceAccount", "token") => token(call)?,
        ("", "Pod", "binding") => bind(call)?,
        ("", "Pod", "eviction") => evict(call)?,
        ("", "Binding", _) => {
            // The old way to say `pods/NAME/binding`.
            let body = lifecycle::read_body(call)?.value;
            call.target.name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            call.kind = call.server.kinds.find("", "v1", "pods").ok_or_else(Refusal::no_resource)?;
            bind(call)?
        }
        (_, _, "") => return Ok(None),
        _ => return Err(Refusal::no_resource()),
    };
    Ok(Some(Reply::Other(201, answer)))
}

fn review(call: &mut Call<'_>) -> Answer<Value> {
    let options = WriteOptions::read(&call.query, "CreateOptions", false)?;
    let mut object = lifecycle::decode(call, options.field_validation)?;
    let kind = call.kind.clone();
    let manager = call.manager(&options.field_manager).to_owned();
    // Reviews are handled as all objects are, so they have managers too; but they are not stored.
    if kind.group == "authorization.k8s.io" || kind.kind == "TokenReview" {
        lifecycle::fill_namespace(call, &mut object)?;
        object = apply::track(call.server, &kind, "", &Value::Null, object, &manager);
    }
    match kind.kind.as_str() {
        "TokenReview" if object["spec"]["token"].as_str().unwrap_or_default().is_empty() => {
            return Err(Refusal::bad_request("token is required for TokenReview in authentication"));
        }
        "SelfSubjectReview" => {
            let user = &call.user;
            let mut info = json!({"username": user.name, "groups": user.groups});
            if !user.uid.is_empty() {
                info["uid"] = json!(user.uid);
            }
            for (key, values) in &user.extra {
                info["extra"][key.as_str()] = json!(values);
            }
            let stamp = call.server.clock.stamp();
            object["metadata"] = json!({"creationTimestamp": stamp});
            object["status"] = json!({"userInfo": info});
        }
        "TokenReview" => {
            let token = object["spec"]["token"].as_str().unwrap_or_default();
            let found = access::user_of(token, &call.server.settings);
            object["status"] = match found {
                Some(user) => json!({
                    "authenticated": true,
                    "user": {"username": user.name, "uid": user.uid, "groups": user.groups},
                    "audiences": ["https://kubernetes.default.svc"],
                }),
                None => json!({"user": {}, "error": "[invalid bearer token, unknown]"}),
            };
        }
        "SelfSubjectRulesReview" => {
            let namespace = object["spec"]["namespace"].as_str().unwrap_or_default().to_owned();
            if namespace.is_empty() {
                return Err(Refusal::bad_request("no namespace on request"));
            }
            object["metadata"] = json!({});
            object["status"] = rules(call, &namespace);
        }
        _ => {
            access_review(call, &mut object)?;
        }
    }
    Ok(object)
}

fn access_review(call: &Call<'_>, object: &mut Value) -> Answer<()> {
    let kind = &call.kind;
    let spec = object["spec"].clone();
    let mut causes = Vec::new();
    let both = !spec["resourceAttributes"].is_null() && !spec["nonResourceAttributes"].is_null();
    let none = spec["resourceAttributes"].is_null() && spec["nonResourceAttributes"].is_null();
    if both {
        let why = "cannot be specified in combination with resourceAttributes";
        causes.push(Cause::invalid("spec.nonResourceAttributes", &spec["nonResourceAttributes"], why));
    }
    if none {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        causes.push(Cause::invalid("spec.resourceAttributes", &Value::Null, why));
    }
    let groups: Vec<String> = spec["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|group| group.as_str().map(str::to_owned))
        .collect();
    let name = spec["user"].as_str().unwrap_or_default();
    let of_self = kind.kind == "SelfSubjectAccessReview";
    if !of_self && name.is_empty() && groups.is_empty() {
        causes.push(Cause::invalid(
            "spec.user",
            &json!(""),
            "at least one of user or group must be specified",
        ));
    }
    let named = object["metadata"].as_object().is_some_and(|metadata| {
        metadata.iter().any(|(name, value)| {
            let own = name == "managedFields" || (name == "namespace" && kind.namespaced);
            !own && !value.is_null() && *value != ""
        })
    });
    if named {
        causes.push(Cause::invalid(
            "metadata",
            &object["metadata"],
            if kind.namespaced { "must be empty except for namespace" } else { "must be empty" },
        ));
    }
    if kind.kind == "LocalSubjectAccessReview" {
        let of = &spec["resourceAttributes"];
        if !of.is_null() && of["namespace"].as_str().unwrap_or_default() != call.target.namespace {
            let given = json!(of["namespace"].as_str().unwrap_or_default());
            let field = "spec.resourceAttributes.namespace";
            causes.push(Cause::invalid(field, &given, "must match metadata.namespace"));
        }
        if !spec["nonResourceAttributes"].is_null() {
            let why = "disallowed on this kind of request";
            causes.push(Cause::invalid("spec.nonResourceAttributes", &spec["nonResourceAttributes"], why));
        }
    }
    if !causes.is_empty() {
        return Err(Refusal::invalid("authorization.k8s.io", "", "", &causes));
    }
    let user =
        if of_self { call.user.clone() } else { User { name: name.to_owned(), groups, ..User::default() } };
    let text = |of: &'static str, name: &str| spec[of][name].as_str().unwrap_or_default().to_owned();
    let of = "resourceAttributes";
    let (verb, group) = (text(of, "verb"), text(of, "group"));
    let (resource, subresource) = (text(of, "resource"), text(of, "subresource"));
    let (namespace, name) = (text(of, "namespace"), text(of, "name"));
    let (path, path_verb) = (text("nonResourceAttributes", "path"), text("nonResourceAttributes", "verb"));
    let wanted = Attributes {
        verb: if path.is_empty() { &verb } else { &path_verb },
        group: &group,
        resource: &resource,
        subresource: &subresource,
        namespace: &namespace,
        name: &name,
        path: &path,
    };
    let mut status = json!({"allowed": true});
    if !user.is_master() {
        match allows(call.server, &user, &wanted) {
            Some(why) => {
                if !why.is_empty() {
                    status["reason"] = json!(why);
                }
            }
            None => status["allowed"] = json!(false),
        }
    }
    object["status"] = status;
    Ok(())
}

fn rules(call: &Call<'_>, namespace: &str) -> Value {
    let mut resources = Vec::new();
    let mut paths = Vec::new();
    super::rbac::each_rule(call.server, &call.user, namespace, &mut |rule, _| {
        if rule["nonResourceURLs"].is_array() {
            paths.push(json!({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}));
        } else {
            let mut found = json!({"verbs": rule["verbs"], "apiGroups": rule["apiGroups"], "resources": rule["resources"]});
            if rule["resourceNames"].is_array() {
                found["resourceNames"] = rule["resourceNames"].clone();
            }
            resources.push(found);
        }
    });
    if call.user.is_master() {
        resources.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        paths.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}

/// Returns a token for a service account: it says who it is of, and is only good here.
fn token(call: &mut Call<'_>) -> Answer<Value> {
    let body = lifecycle::read_body(call)?.value;
    let (namespace, name) = (call.target.namespace.clone(), call.target.name.clone());
    let seconds = body["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
    if call.server.store.get(&call.key(&name)).is_none() {
        return Err(call.not_found());
    }
    if seconds < 600 {
        let why = "may not specify a duration less than 10 minutes";
        let cause = Cause::invalid("spec.expirationSeconds", &json!(seconds), why);
        return Err(Refusal::invalid("authentication.k8s.io", "TokenRequest", "", &[cause]));
    }
    let now = call.server.clock.now();
    let until = jiff::Timestamp::from_second(now.as_second() + seconds).unwrap_or(now);
    let audiences = match &body["spec"]["audiences"] {
        Value::Array(audiences) if !audiences.is_empty() => json!(audiences),
        _ => json!(["https://kubernetes.default.svc"]),
    };
    Ok(json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": call.server.clock.stamp()},
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": body["spec"]["boundObjectRef"]},
        "status": {"token": format!("sandbox.{namespace}.{name}"), "expirationTimestamp": until.to_string()},
    }))
}

/// Puts a pod on a node.
fn bind(call: &mut Call<'_>) -> Answer<Value> {
    let body = lifecycle::read_body(call)?.value;
    let node = body["target"]["name"].as_str().unwrap_or_default().to_owned();
    let options = WriteOptions::read(&call.query, "CreateOptions", false)?;
    let stamp = call.server.clock.stamp();
    let mut change = |call: &mut Call<'_>, live: &Value| {
        if live["spec"]["nodeName"].as_str().is_some_and(|known| !known.is_empty()) {
            let (kind, name) = (&call.kind, &call.target.name);
            let known = live["spec"]["nodeName"].as_str().unwrap_or_default();
            let why = format!("pod {name} is already assigned to node {known:?}");
            return Err(Refusal::conflict(&kind.group, "pods/binding", name, &why));
        }
        let mut pod = live.clone();
        pod["spec"]["nodeName"] = json!(node);
        let scheduled = json!({
            "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": stamp,
        });
        match pod["status"]["conditions"].as_array_mut() {
            Some(conditions) => conditions.push(scheduled),
            None => pod["status"]["conditions"] = json!([scheduled]),
        }
        Ok(pod)
    };
    let rules = lifecycle::Rules { creates: false, is_patch: true, tracked: lifecycle::Tracked::Already };
    lifecycle::write(call, &options, &mut change, &rules)?;
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

/// Evicts a pod: deletes it, for no budget is kept here.
fn evict(call: &mut Call<'_>) -> Answer<Value> {
    let name = call.target.name.clone();
    if call.server.store.get(&call.key(&name)).is_none() {
        return Err(call.not_found());
    }
    call.target.subresource = String::new();
    lifecycle::delete_now(call)?;
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}
