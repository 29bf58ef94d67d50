//! Whatever a server hands out is read, and written as it was.

use gitops_api::kustomize_v1::{Kustomization, KustomizationStatus, SourceKind};
use gitops_api::source_v1::{GitRepository, GitRepositoryStatus, GitVerificationMode};
use gitops_api::{Event, GoDuration};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Checks that an object is read and written back as it was.
fn check<T: Serialize + DeserializeOwned>(object: Value) -> T {
    let read: T = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), object);
    read
}

#[test]
fn every_field_of_a_git_repository_is_kept() {
    let artifact = json!({
        "path": "p", "url": "http://u", "revision": "main@sha1:x", "digest": "sha256:y", "size": 3,
        "lastUpdateTime": "2026-01-02T03:04:05Z", "metadata": {"k": "v"},
    });
    let include = json!({"repository": {"name": "other"}, "fromPath": "a", "toPath": "b"});
    let condition = json!({
        "type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "observedGeneration": 2,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    });
    check::<GitRepository>(json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "app", "namespace": "default", "generation": 2},
        "spec": {
            "url": "ssh://git@example.com/app", "interval": "1m0s", "timeout": "1m0s", "provider": "azure",
            "secretRef": {"name": "s"}, "proxySecretRef": {"name": "p"}, "serviceAccountName": "sa",
            "ref": {"branch": "b", "tag": "t", "semver": "*", "name": "refs/pull/1/head", "commit": "c"},
            "verify": {"mode": "TagAndHEAD", "secretRef": {"name": "keys"}},
            "ignore": "", "suspend": true, "recurseSubmodules": true, "include": [include],
            "sparseCheckout": ["a"],
        },
        "status": {
            "artifact": artifact, "includedArtifacts": [artifact], "conditions": [condition],
            "lastHandledReconcileAt": "t", "observedGeneration": -1, "observedIgnore": "",
            "observedInclude": [include], "observedRecurseSubmodules": true,
            "observedSparseCheckout": ["a"], "sourceVerificationMode": "HEAD",
        },
    }));
}

#[test]
fn every_field_of_a_kustomization_is_kept() {
    let target = json!({
        "group": "g", "version": "v", "kind": "k", "name": "n", "namespace": "ns", "labelSelector": "a=b",
        "annotationSelector": "c=d",
    });
    check::<Kustomization>(json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "app"},
        "spec": {
            "interval": "10m0s", "retryInterval": "2m0s", "timeout": "1m0s", "path": "./p", "prune": false,
            "sourceRef": {"apiVersion": "a/v1", "kind": "Bucket", "name": "b", "namespace": "ns"},
            "buildMetadata": ["originAnnotations"], "components": ["c"], "ignoreMissingComponents": true,
            "commonMetadata": {"annotations": {"a": "b"}, "labels": {"c": "d"}},
            "decryption": {"provider": "sops", "secretRef": {"name": "s"}, "serviceAccountName": "sa"},
            "deletionPolicy": "Orphan", "force": true, "suspend": true, "wait": true,
            "dependsOn": [{"name": "d", "namespace": "ns", "readyExpr": "true"}],
            "healthChecks": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "namespace": "ns"}],
            "healthCheckExprs": [
                {"apiVersion": "a/v1", "kind": "K", "current": "c", "inProgress": "i", "failed": "f"}
            ],
            "ignore": [{"paths": ["/spec/replicas"], "target": target}],
            "images": [{"name": "i", "newName": "n", "newTag": "t", "digest": "d"}],
            "kubeConfig": {"secretRef": {"name": "s", "key": "k"}, "configMapRef": {"name": "c"}},
            "namePrefix": "p-", "nameSuffix": "-s", "targetNamespace": "t", "serviceAccountName": "sa",
            "patches": [{"patch": "p", "target": target}],
            "postBuild": {
                "substitute": {"a": "b"}, "substituteStrategy": "Always",
                "substituteFrom": [{"kind": "ConfigMap", "name": "c", "optional": true}],
            },
        },
        "status": {
            "observedGeneration": 1, "lastAppliedRevision": "r",
            "lastAppliedOriginRevision": "o", "lastAttemptedRevision": "a", "lastHandledReconcileAt": "t",
            "inventory": {"entries": [{"id": "_n__Namespace", "v": "v1"}]},
            "history": [{
                "digest": "sha256:x", "firstReconciled": "2026-01-02T03:04:05Z", "metadata": {"revision": "r"},
                "lastReconciled": "2026-01-02T03:04:05Z", "lastReconciledDuration": "1.5s",
                "lastReconciledStatus": "ReconciliationSucceeded", "totalReconciliations": 2,
            }],
        },
    }));
}

#[test]
fn an_empty_status_is_an_empty_object() {
    assert_eq!(serde_json::to_value(KustomizationStatus::default()).unwrap(), json!({}));
    assert_eq!(serde_json::to_value(GitRepositoryStatus::default()).unwrap(), json!({}));
}

#[test]
fn a_new_object_has_neither_status_nor_annotations() {
    let new = serde_json::to_value(GitRepository::new("app", Default::default())).unwrap();
    assert_eq!(new["metadata"], json!({"name": "app"}));
    assert_eq!(new.get("status"), None);
}

#[test]
fn an_object_without_spec_does_not_stop_a_list() {
    let list = json!([{"metadata": {"name": "poison"}}, {"metadata": {"name": "good"}, "spec": {
        "interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"},
    }}]);
    let read: Vec<Kustomization> = serde_json::from_value(list).unwrap();
    assert!(read[0].spec.interval.get().is_err());
    assert!(!read[0].spec.prune);
    assert_eq!(read[1].spec.interval.get().unwrap().as_secs(), 60);
}

/// CVE-2022-39272: a duration that only the API server's pattern took stopped Flux's controllers.
#[test]
fn a_duration_that_cannot_be_read_does_not_stop_a_list() {
    let intervals = json!(["1m", "99999999999999999999h", "", "1d", 5, null, {"a": "b"}]);
    let read: Vec<GoDuration> = serde_json::from_value(intervals).unwrap();
    let valid: Vec<_> = read.iter().map(|interval| interval.get().is_ok()).collect();
    assert_eq!(valid, [true, false, false, false, false, false, false]);
    assert_eq!(serde_json::to_value(&read[1]).unwrap(), "99999999999999999999h");
}

#[test]
fn words_of_tomorrow_are_kept() {
    let app = check::<Kustomization>(json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {},
        "spec": {
            "interval": "1m0s", "prune": true, "deletionPolicy": "Later",
            "sourceRef": {"kind": "FossilRepository", "name": "f"},
        },
    }));
    assert_eq!(app.spec.source_ref.kind, SourceKind::Other("FossilRepository".into()));
    assert!(!app.spec.source_ref.kind.is_known());
}

/// Flux's schema defaults the mode; an object that never met it must not go unverified.
#[test]
fn a_missing_verification_mode_means_the_commit() {
    let read = |verify: Value| {
        let spec = json!({"spec": {"verify": verify}});
        serde_json::from_value::<GitRepository>(spec).unwrap().spec.verification.unwrap().mode
    };
    assert_eq!(read(json!({"secretRef": {"name": "keys"}})), GitVerificationMode::Head);
    assert!(read(json!({"mode": ""})).verifies_head());
    assert!(read(json!({"mode": "TagAndHEAD"})).verifies_tag());
    assert!(!read(json!({"mode": "Tag"})).verifies_head());
}

#[test]
fn every_field_of_an_event_is_kept() {
    let event = check::<Event>(json!({
        "involvedObject": {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "name": "app",
            "namespace": "default", "uid": "u", "resourceVersion": "3",
        },
        "severity": "of-tomorrow", "timestamp": "2026-01-02T03:04:05Z", "message": "m", "reason": "r",
        "metadata": {"source.toolkit.fluxcd.io/revision": "main@sha1:x"},
        "reportingController": "source-controller", "reportingInstance": "source-controller-x",
    }));
    assert_eq!(event.group(), "source.toolkit.fluxcd.io");
    assert_eq!(event.metadata_value("revision"), Some("main@sha1:x"));
    assert_eq!(event.metadata_value("digest"), None);
}
