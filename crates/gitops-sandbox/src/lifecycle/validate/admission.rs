//! Admission: what the server's built-in plugins change and refuse.

use serde_json::{Value, json};

use super::super::call::Call;
use crate::access;
use crate::access::Attributes;
use crate::store::Key;
use crate::wire::status::{Answer, Cause, Refusal};

/// Admits a new object.
pub(crate) fn admit_create(call: &mut Call<'_>, object: &mut Value) -> Answer<()> {
    let kind = call.kind.clone();
    namespace_lifecycle(call, object)?;
    if kind
        .custom
        .as_ref()
        .is_some_and(|custom| custom.definition["metadata"]["deletionTimestamp"].is_string())
    {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(Refusal::forbidden(&kind.group, &kind.plural, Call::name_of(object), why));
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "PersistentVolumeClaim") => protect(object, "kubernetes.io/pvc-protection"),
        ("", "PersistentVolume") => protect(object, "kubernetes.io/pv-protection"),
        ("", "Pod") => admit_pod(call, object)?,
        ("", "Node") => taint_new_node(object),
        ("rbac.authorization.k8s.io", _) => refuse_escalation(call, object)?,
        _ => {}
    }
    Ok(())
}

/// Admits a changed object.
pub(crate) fn admit_update(call: &mut Call<'_>, new: &mut Value, old: &Value) -> Answer<()> {
    let kind = call.kind.clone();
    if kind.is("", "Namespace") {
        name_label(new);
    }
    if kind.is("", "Pod") && call.target.subresource.is_empty() {
        keep_priority(new, old);
        tolerate(new);
    }
    if kind.group == "rbac.authorization.k8s.io"
        && (new["rules"] != old["rules"]
            || new["subjects"] != old["subjects"]
            || new["roleRef"] != old["roleRef"])
    {
        refuse_escalation(call, new)?;
    }
    Ok(())
}

/// Refuses the creation by PUT or apply to who may only change.
pub(crate) fn may_create(call: &Call<'_>) -> Answer<()> {
    let target = &call.target;
    let wanted = Attributes {
        verb: "create",
        group: &target.group,
        resource: &target.plural,
        subresource: &target.subresource,
        namespace: &target.namespace,
        name: &target.name,
        path: "",
    };
    access::authorize(call.server, &call.user, &wanted)
}

/// Nothing is created in a namespace that is not there, or ends.
fn namespace_lifecycle(call: &Call<'_>, object: &mut Value) -> Answer<()> {
    if call.kind.is("", "Namespace") {
        name_label(object);
        return Ok(());
    }
    let namespace = call.target.namespace.as_str();
    if !call.kind.namespaced || (call.kind.group == "authorization.k8s.io") {
        return Ok(());
    }
    let key = Key::new(&"namespaces".into(), "", namespace);
    let Some(stored) = call.server.store.get(&key) else {
        return Err(Refusal::not_found("", "namespaces", namespace));
    };
    let live: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
    if live["metadata"]["deletionTimestamp"].is_null() {
        return Ok(());
    }
    let kind = &call.kind;
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let cause = Cause::new(
        "NamespaceTerminating",
        "metadata.namespace",
        format!("namespace {namespace} is being terminated"),
    );
    Err(Refusal::forbidden(&kind.group, &kind.plural, Call::name_of(object), &why).with_causes(&[cause]))
}

/// A namespace carries its name as a label.
fn name_label(object: &mut Value) {
    let name = Call::name_of(object).to_owned();
    if name.is_empty() {
        return;
    }
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".to_owned(), json!(name));
    }
}

fn protect(object: &mut Value, finalizer: &str) {
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
    if let Some(finalizers) = finalizers.as_array_mut()
        && !finalizers.iter().any(|known| known == finalizer)
    {
        finalizers.push(json!(finalizer));
    }
}

/// A changed pod keeps its priority if it names none.
fn keep_priority(new: &mut Value, old: &Value) {
    let Some(spec) = new["spec"].as_object_mut() else { return };
    for name in ["priority", "preemptionPolicy"] {
        if !spec.contains_key(name) && old["spec"].get(name).is_some() {
            spec.insert(name.to_owned(), old["spec"][name].clone());
        }
    }
}

/// Classes of priority that every server has.
const SYSTEM: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// Tolerations and priority that every new pod gets, and the classes that it must find.
fn admit_pod(call: &Call<'_>, object: &mut Value) -> Answer<()> {
    tolerate(object);
    let refuse = |object: &Value, why: &str| Err(Refusal::forbidden("", "pods", Call::name_of(object), why));
    let stored = |plural: &str, name: &str| -> Option<Value> {
        let key = Key::new(&plural.into(), "", name);
        serde_json::from_slice(&call.server.store.get(&key)?.bytes).ok()
    };
    let name = object["spec"]["priorityClassName"].as_str().unwrap_or_default().to_owned();
    let mut policy = json!("PreemptLowerPriority");
    let mut priority = 0;
    if let Some(class) = stored("priorityclasses.scheduling.k8s.io", &name).filter(|_| !name.is_empty()) {
        priority = class["value"].as_i64().unwrap_or(0);
        policy = class["preemptionPolicy"].clone();
    } else if let Some((_, value)) = SYSTEM.iter().find(|(known, _)| *known == name) {
        priority = *value;
    } else if !name.is_empty() {
        return refuse(object, &format!("no PriorityClass with name {name} was found"));
    }
    let given = object["spec"]["priority"].as_i64();
    if let Some(given) = given.filter(|given| *given != priority) {
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name"
        );
        return refuse(object, &why);
    }
    let given = object["spec"]["preemptionPolicy"].as_str();
    if let Some(given) = given.filter(|given| policy != *given) {
        let why = format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name",
            policy.as_str().unwrap_or_default()
        );
        return refuse(object, &why);
    }
    let runtime = object["spec"]["runtimeClassName"].as_str().unwrap_or_default();
    let class = stored("runtimeclasses.node.k8s.io", runtime).filter(|_| !runtime.is_empty());
    if !runtime.is_empty() && class.is_none() {
        return refuse(object, &format!("pod rejected: RuntimeClass {runtime:?} not found"));
    }
    let (given, fixed) = (&object["spec"]["overhead"], &class.unwrap_or_default()["overhead"]["podFixed"]);
    if fixed.is_null() && given.as_object().is_some_and(|given| !given.is_empty()) {
        let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        return refuse(object, why);
    }
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.insert("priority".to_owned(), json!(priority));
        spec.entry("preemptionPolicy").or_insert(policy);
    }
    Ok(())
}

/// Every pod stays for a while on a node that is gone.
fn tolerate(object: &mut Value) {
    let Some(spec) = object["spec"].as_object_mut() else { return };
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    if let Some(tolerations) = tolerations.as_array_mut() {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let tolerated = tolerations.iter().any(|toleration| {
                let of = toleration["key"].as_str().unwrap_or_default();
                let effect = toleration["effect"].as_str().unwrap_or_default();
                (of == key || of.is_empty()) && (effect == "NoExecute" || effect.is_empty())
            });
            if !tolerated {
                tolerations.push(json!({
                    "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
                }));
            }
        }
    }
}

fn taint_new_node(object: &mut Value) {
    let Some(spec) = object["spec"].as_object_mut() else { return };
    let taints = spec.entry("taints").or_insert_with(|| json!([]));
    if let Some(taints) = taints.as_array_mut()
        && !taints.iter().any(|taint| taint["key"] == "node.kubernetes.io/not-ready")
    {
        taints.push(json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}));
    }
}

/// Nobody grants what they may not do themselves.
fn refuse_escalation(call: &Call<'_>, object: &Value) -> Answer<()> {
    let (kind, user) = (&call.kind, &call.user);
    if user.is_master() {
        return Ok(());
    }
    let namespace = call.target.namespace.as_str();
    let may = |verb: &str, resource: &str, name: &str| {
        let wanted =
            Attributes { verb, group: &kind.group, resource, namespace, name, ..Attributes::default() };
        access::allows(call.server, user, &wanted).is_some()
    };
    let rules = if kind.kind.ends_with("Binding") {
        let role = &object["roleRef"];
        let name = role["name"].as_str().unwrap_or_default();
        let (resource, of) = match role["kind"].as_str() {
            Some("ClusterRole") => ("clusterroles", ""),
            _ => ("roles", namespace),
        };
        if may("bind", resource, name) {
            return Ok(());
        }
        let key = Key::new(&format!("{resource}.{}", kind.group).as_str().into(), of, name);
        if call.server.store.get(&key).is_none() && name != "cluster-admin" {
            return Err(Refusal::not_found(&kind.group, &kind.plural, name));
        }
        access::rules_of(call.server, role, namespace)
    } else {
        if may("escalate", &kind.plural, Call::name_of(object)) {
            return Ok(());
        }
        object["rules"].as_array().cloned().unwrap_or_default()
    };
    let missing = access::uncovered(call.server, user, namespace, &rules);
    if missing.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = access::compacted(&missing);
    let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        texts.join("\n"),
    );
    Err(Refusal::forbidden(&kind.group, &kind.plural, Call::name_of(object), &why))
}
