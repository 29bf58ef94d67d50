//! Who wakes whom: a source its Kustomizations, a dependency those that wait for it. Pure.

use std::sync::Arc;

use gitops_api::conditions::READY;
use gitops_api::kustomize_v1::{DependencyReference, Kustomization, SourceKind};
use gitops_api::source_v1::GitRepository;
use gitops_runtime::conditions::is_true;
use gitops_runtime::dependency::order;
use gitops_runtime::informer::Change;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

/// Returns the Kustomizations that use a source whose content has changed, or that has appeared or vanished.
///
/// # Difference from Flux
/// Flux wakes them when the revision changes. Here the digest counts too: an included repository or new ignore rules change the
/// content and not the revision.
pub(crate) fn dependants_of_source(
    change: &Change<GitRepository>,
    all: &[Arc<Kustomization>],
) -> Vec<ObjectRef<Kustomization>> {
    let content = |source: &Option<Arc<GitRepository>>| {
        let artifact = source.as_ref()?.status.as_ref()?.artifact.clone()?;
        Some((artifact.revision, artifact.digest))
    };
    let appeared = change.before.is_none() != change.after.is_none();
    if !appeared && content(&change.before) == content(&change.after) {
        return Vec::new();
    }
    let Some(source) = change.after.as_ref().or(change.before.as_ref()) else { return Vec::new() };
    let (namespace, name) = (source.namespace(), source.name_any());
    let uses = |k: &Kustomization| {
        let reference = &k.spec.source_ref;
        reference.kind == SourceKind::GitRepository
            && reference.name == name
            && reference.namespace.clone().filter(|n| !n.is_empty()).or_else(|| k.namespace()) == namespace
    };
    in_order(all.iter().filter(|k| uses(k)))
}

/// Returns the Kustomizations that depend on one that has just become ready, or has applied another revision; those that ask
/// by an expression, on any change that it could see.
///
/// # Difference from Flux
/// Flux' dependants look again every 30 seconds (`--requeue-dependency`); here they wake at once.
pub(crate) fn waiting_dependants(
    change: &Change<Kustomization>,
    all: &[Arc<Kustomization>],
) -> Vec<ObjectRef<Kustomization>> {
    let Some(now) = &change.after else { return Vec::new() };
    let state = |k: &Kustomization| {
        (is_ready(k), k.status.as_ref().and_then(|status| status.last_applied_revision.clone()))
    };
    let after = state(now);
    let usual = after.0 && change.before.as_ref().is_none_or(|before| state(before) != after);
    let (namespace, name) = (now.namespace(), now.name_any());
    let is_it = |k: &Kustomization, d: &DependencyReference| {
        d.name == name && d.namespace.clone().filter(|n| !n.is_empty()).or_else(|| k.namespace()) == namespace
    };
    let asks = |d: &DependencyReference| d.ready_expr.as_deref().is_some_and(|e| !e.is_empty());
    let wakes = |k: &&Arc<Kustomization>| {
        k.spec.depends_on.iter().any(|d| is_it(k, d) && (usual || asks(d) && !is_ready(k)))
    };
    in_order(all.iter().filter(wakes))
}

/// Tells whether a Kustomization has reached what its specification asks for.
fn is_ready(object: &Kustomization) -> bool {
    let status = object.status.as_ref();
    status
        .is_some_and(|s| is_true(&s.conditions, READY) && s.observed_generation == object.metadata.generation)
}

/// Returns references in the order of their dependencies, so that those that others wait for begin first.
fn in_order<'k>(woken: impl Iterator<Item = &'k Arc<Kustomization>>) -> Vec<ObjectRef<Kustomization>> {
    let key = |namespace: Option<String>, name: &str| (namespace.unwrap_or_default(), name.to_owned());
    let needs = |k: &Kustomization| {
        let needed = |d: &DependencyReference| {
            key(d.namespace.clone().filter(|n| !n.is_empty()).or_else(|| k.namespace()), &d.name)
        };
        k.spec.depends_on.iter().map(needed).collect()
    };
    let graph = woken.map(|k| (key(k.namespace(), &k.name_any()), needs(k))).collect();
    order(&graph).into_iter().map(|(namespace, name)| ObjectRef::new(&name).within(&namespace)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kustomization(name: &str, spec: Value, ready: bool) -> Arc<Kustomization> {
        let mut value = json!({
            "metadata": {"name": name, "namespace": "ns", "generation": 1},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
            "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": if ready {"True"} else {"False"},
                "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
        });
        value["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        Arc::new(serde_json::from_value(value).unwrap())
    }

    fn source(digest: &str) -> Option<Arc<GitRepository>> {
        let value = json!({
            "metadata": {"name": "fleet", "namespace": "ns"},
            "spec": {"interval": "1m", "url": "https://example.org"},
            "status": {"artifact": {"digest": digest, "revision": "main@sha1:a", "path": "p", "url": "u",
                "lastUpdateTime": "2026-01-01T00:00:00Z"}},
        });
        Some(Arc::new(serde_json::from_value(value).unwrap()))
    }

    #[test]
    fn new_content_wakes_and_a_mere_status_change_does_not() {
        let all = [kustomization("app", json!({}), true)];
        let woken = |before, after| dependants_of_source(&Change { before, after }, &all).len();
        assert_eq!(woken(source("sha256:a"), source("sha256:b")), 1);
        assert_eq!(woken(source("sha256:a"), source("sha256:a")), 0);
        assert_eq!(woken(None, source("sha256:a")), 1);
    }

    #[test]
    fn a_dependency_wakes_when_it_becomes_ready() {
        let all = [kustomization("app", json!({"dependsOn": [{"name": "db"}]}), false)];
        let db = |ready| Some(kustomization("db", json!({}), ready));
        let woken = |before, after| waiting_dependants(&Change { before, after }, &all).len();
        assert_eq!(woken(db(false), db(true)), 1);
        assert_eq!(woken(db(true), db(true)), 0);
        assert_eq!(woken(db(true), db(false)), 0);
    }

    #[test]
    fn an_expression_is_asked_again_on_any_change_while_it_is_waited_for() {
        let waits =
            json!({"dependsOn": [{"name": "db", "readyExpr": "dep.status.lastAttemptedRevision == 'x'"}]});
        let db = || Some(kustomization("db", json!({}), false));
        let woken = |ready| {
            let all = [kustomization("app", waits.clone(), ready)];
            waiting_dependants(&Change { before: db(), after: db() }, &all).len()
        };
        assert_eq!(woken(false), 1);
        assert_eq!(woken(true), 0, "one that waits for nothing is left alone");
    }
}
