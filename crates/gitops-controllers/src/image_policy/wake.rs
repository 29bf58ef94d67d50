//! Which policies a repository wakes. Pure.

use std::sync::Arc;

use gitops_api::conditions::READY;
use gitops_api::image_v1::{ImagePolicy, ImageRepository};
use gitops_runtime::conditions::is_true;
use gitops_runtime::informer::Change;
use kube::ResourceExt;
use kube::runtime::reflector::ObjectRef;

/// Returns the policies of a repository whose tags have changed, that has become ready, or that has appeared or vanished.
///
/// A scan that finds the same tags wakes nobody.
pub(crate) fn policies_of_repository(
    change: &Change<ImageRepository>,
    all: &[Arc<ImagePolicy>],
) -> Vec<ObjectRef<ImagePolicy>> {
    let state = |repository: &Option<Arc<ImageRepository>>| {
        let status = repository.as_ref()?.status.clone().unwrap_or_default();
        Some((status.last_scan_result.and_then(|r| r.revision), is_true(&status.conditions, READY)))
    };
    let (before, after) = (state(&change.before), state(&change.after));
    let wakes = match (&before, &after) {
        (Some((old, was_ready)), Some((new, is_ready))) => old != new || (*is_ready && !was_ready),
        _ => true,
    };
    let Some(repository) = change.after.as_ref().or(change.before.as_ref()).filter(|_| wakes) else {
        return Vec::new();
    };
    let (namespace, name) = (repository.namespace(), repository.name_any());
    let uses = |policy: &&Arc<ImagePolicy>| {
        let reference = &policy.spec.image_repository_ref;
        let own = || policy.namespace();
        reference.name == name
            && reference.namespace.clone().filter(|n| !n.is_empty()).or_else(own) == namespace
    };
    all.iter().filter(uses).map(|policy| ObjectRef::from_obj(&**policy)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_tags_wake_and_the_same_do_not() {
        let policy = |name: &str, reference: serde_json::Value| -> Arc<ImagePolicy> {
            let object = json!({"metadata": {"name": name, "namespace": "ns"},
                "spec": {"imageRepositoryRef": reference, "policy": {"alphabetical": {}}}});
            Arc::new(serde_json::from_value(object).unwrap())
        };
        let all = [
            policy("near", json!({"name": "app"})),
            policy("far", json!({"name": "app", "namespace": "ns"})),
            policy("other", json!({"name": "app", "namespace": "elsewhere"})),
        ];
        let repository = |revision: &str, ready: &str| {
            let object = json!({"metadata": {"name": "app", "namespace": "ns"},
                "spec": {"image": "app", "interval": "1m"},
                "status": {"lastScanResult": {"tagCount": 1, "revision": revision},
                    "conditions": [{"type": "Ready", "status": ready, "reason": "x", "message": "",
                        "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
            Some(Arc::new(serde_json::from_value(object).unwrap()))
        };
        let woken = |before, after| policies_of_repository(&Change { before, after }, &all).len();
        assert_eq!(woken(repository("1", "True"), repository("2", "True")), 2);
        assert_eq!(woken(repository("1", "True"), repository("1", "True")), 0);
        assert_eq!(woken(repository("1", "False"), repository("1", "True")), 2);
        assert_eq!(woken(repository("1", "True"), repository("1", "False")), 0);
        assert_eq!(woken(None, repository("1", "True")), 2);
        assert_eq!(woken(repository("1", "True"), None), 2);
    }
}
