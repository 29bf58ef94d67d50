//! Bad input is refused with the object and the stage named, nothing is written, and the next good input recovers.

use std::time::Duration;

use gitops_apply::{ApplyError, InventoryStore, Stage, UnknownFields};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::ground::{Ground, options};
use crate::stages::definition;

const GOOD: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: $NS}
data: {k: '1'}
";

/// Applies a good set, then a bad one that also changes the good object; checks the error, that nothing was written, and
/// that the good set goes on.
async fn check(bad: &str, want: &[&str]) {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(GOOD).await.unwrap();
    let before = ground.inventory().load().await.unwrap();
    let set = format!("{}---\n{bad}", GOOD.replace("'1'", "'2'"));
    let (result, writes) = ground.writes(ground.apply(&set)).await;
    let error = result.unwrap_err();
    assert_eq!(writes, Vec::<String>::new(), "{error}");
    let want: Vec<String> = want.iter().map(|line| line.replace("$NS", &ground.namespace)).collect();
    let lines: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), want.len(), "{error}");
    for (line, want) in lines.iter().zip(&want) {
        assert!(line.starts_with(want), "{line}\nis not\n{want}");
    }
    assert!(
        error.failures().iter().all(|failure| failure.stage == Stage::Workloads && failure.origin.is_some())
    );
    assert_eq!(ground.config_map("a").await.unwrap()["data"]["k"], "1");
    assert_eq!(ground.inventory().load().await.unwrap(), before);
    let report = ground.apply(&GOOD.replace("'1'", "'3'")).await.unwrap();
    assert_eq!(report.changes.only_changed().len(), 1);
    assert_eq!(ground.config_map("a").await.unwrap()["data"]["k"], "3");
}

#[tokio::test]
async fn an_invalid_object_is_refused() {
    check(
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: $NS}, spec: {ports: [{port: 70000}]}}",
        &["Service/$NS/s dry-run failed (Invalid): Service \"s\" is invalid: [spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535"],
    )
    .await;
}

#[tokio::test]
async fn an_unknown_kind_is_refused() {
    check(
        "{apiVersion: nobody.example.org/v1, kind: Mystery, metadata: {name: b, namespace: $NS}}",
        &["Mystery/$NS/b dry-run failed: no matches for kind \"Mystery\" in version \"nobody.example.org/v1\""],
    )
    .await;
}

#[tokio::test]
async fn a_missing_namespace_is_refused() {
    check(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: $NS-nope}}",
        &["ConfigMap/$NS-nope/b not found: namespaces \"$NS-nope\" not found"],
    )
    .await;
}

#[tokio::test]
async fn an_object_without_its_namespace_is_refused() {
    check("{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}", &["ConfigMap/b namespace not specified"])
        .await;
}

#[tokio::test]
async fn an_object_over_the_size_limit_is_refused() {
    let big = "x".repeat(1_200_000);
    check(
        &format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: big, namespace: $NS}}, data: {{k: {big}}}}}"
        ),
        &["ConfigMap/$NS/big dry-run failed (Invalid): ConfigMap \"big\" is invalid"],
    )
    .await;
}

#[tokio::test]
async fn a_request_over_the_size_limit_is_refused() {
    let big = "x".repeat(4_000_000);
    check(
        &format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: big, namespace: $NS}}, data: {{k: {big}}}}}"
        ),
        &["ConfigMap/$NS/big dry-run failed (RequestEntityTooLarge): "],
    )
    .await;
}

#[tokio::test]
async fn a_field_that_the_kind_does_not_have_is_refused() {
    check(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: $NS}, dada: {k: '1'}}",
        &["ConfigMap/$NS/b dry-run failed: failed to create typed patch object ($NS/b; /v1, Kind=ConfigMap): .dada: field not declared in schema"],
    )
    .await;
}

#[tokio::test]
async fn no_error_hides_another() {
    check(
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: $NS}, spec: {ports: [{port: 70000}]}}
---
{apiVersion: nobody.example.org/v1, kind: Mystery, metadata: {name: b, namespace: $NS}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: $NS-nope}}
",
        &[
            "ConfigMap/$NS-nope/c not found",
            "Service/$NS/s dry-run failed (Invalid)",
            "Mystery/$NS/b dry-run failed",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_refused_secret_does_not_show_its_values() {
    let Some(ground) = Ground::new().await else { return };
    let yaml =
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: $NS}, data: {k: 'canary=not=base64'}}";
    let error = ground.apply(yaml).await.unwrap_err();
    assert!(error.to_string().contains("dry-run failed"), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn unknown_fields_are_left_out_when_told() {
    let Some(ground) = Ground::new().await else { return };
    let yaml = "
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: $NS}, data: {k: '1'}, dada: {k: '1'}}
---
{apiVersion: v1, kind: Service, metadata: {name: s, namespace: $NS}, spec: {selector: {a: b}, ports: [{port: 80, prot: 81}]}}
";
    let mut told = options();
    told.unknown_fields = UnknownFields::Drop;
    let applier = ground.applier_with(told);
    let report = ground.apply_by(&applier, yaml).await.unwrap();
    assert_eq!(report.changes.only_changed().len(), 2);
    let (again, writes) = ground.writes(ground.apply_by(&applier, yaml)).await;
    assert_eq!((again.unwrap().changes.only_changed().len(), writes.len()), (0, 0));
}

#[tokio::test]
async fn a_forbidden_namespace_is_refused() {
    let Some(ground) = Ground::new().await else { return };
    let guest = gitops_apply::client_for(ground.cluster.config_as("guest").unwrap()).unwrap();
    let applier = gitops_apply::Applier::new(guest, gitops_apply::FieldManager::new("guest"));
    let error = applier.plan(&ground.manifests(GOOD)).await.unwrap_err();
    let want = format!(
        "ConfigMap/{}/a dry-run failed (Forbidden): configmaps \"a\" is forbidden: User \"guest\" cannot patch resource \"configmaps\" in API group \"\" in the namespace",
        ground.namespace
    );
    assert!(error.to_string().starts_with(&want), "{error}");
    assert!(!ground.exists("a").await);
    ground.apply(GOOD).await.unwrap();
}

#[tokio::test]
async fn a_definition_that_is_never_established_ends_in_time() {
    let Some(ground) = Ground::new().await else { return };
    // Two definitions want the same plural; the second one's names are not accepted.
    ground.apply(&definition(&ground)).await.unwrap();
    let group = format!("{}.example.org", ground.namespace);
    let rival = definition(&ground)
        .replace(&format!("gadgets.{group}"), &format!("rivals.{group}"))
        .replace(
            "plural: gadgets, singular: gadget, listKind: GadgetList",
            "plural: rivals, singular: gadget, listKind: RivalList",
        )
        .replace("kind: Gadget", "kind: Rival");
    let object = format!("---\napiVersion: {group}/v1\nkind: Rival\nmetadata: {{name: r, namespace: $NS}}\n");
    let set = format!("{}---\n{rival}{object}---\n{GOOD}", definition(&ground));
    let mut told = options();
    told.stage_timeout = Duration::from_secs(10);
    let error = ground.apply_by(&ground.applier_with(told), &set).await.unwrap_err();
    assert!(matches!(error, ApplyError::NotReady { stage: Stage::Definitions, .. }), "{error}");
    assert!(
        error.to_string().contains(&format!("CustomResourceDefinition/rivals.{group} status: ")),
        "{error}"
    );
    assert!(!ground.exists("a").await);
    // The next good input takes the rival out again.
    let report = ground.apply(&format!("{}---\n{GOOD}", definition(&ground))).await.unwrap();
    assert_eq!(report.pruned.changes.len(), 2, "{report}");
    assert!(ground.exists("a").await);
    ground.apply("").await.unwrap();
}

#[tokio::test]
async fn a_terminating_namespace_is_named_and_the_rest_waits() {
    let Some(ground) = Ground::new().await else { return };
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(ground.client.clone());
    let other = format!("{}-dying", ground.namespace);
    ground.apply(&format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {other}}}}}")).await.unwrap();
    ground.apply_by(&ground.applier(), &format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {other}}}}}\n---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: held, namespace: {other}, finalizers: [example.org/hold]}}}}")).await.unwrap();
    namespaces.delete(&other, &DeleteParams::default()).await.unwrap();
    let late = format!(
        "{GOOD}---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: late, namespace: {other}}}}}"
    );
    let (result, writes) = ground.writes(ground.apply(&late)).await;
    let error = result.unwrap_err();
    let want = format!(
        "ConfigMap/{other}/late dry-run failed (Forbidden): configmaps \"late\" is forbidden: unable to create new content in namespace {other} because it is being terminated"
    );
    assert_eq!(error.to_string(), want);
    assert_eq!(writes, Vec::<String>::new());
    assert!(!ground.exists("a").await);
    // The finalizer is let go, the namespace ends, and the same input goes through once the namespace is part of it.
    let release = json!({"metadata": {"finalizers": null}});
    let maps: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(ground.client.clone(), &other);
    maps.patch("held", &PatchParams::default(), &Patch::Merge(release)).await.unwrap();
    let entry =
        gitops_apply::InventoryEntry::new(gitops_api::ObjectId::new(None, &*other, "", "Namespace"), "v1");
    let left = ground.applier().wait_for_termination(&[entry], Duration::from_secs(60)).await;
    assert_eq!(left.unwrap(), []);
    let whole = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {other}}}}}\n---\n{late}");
    ground.apply(&whole).await.unwrap();
    assert!(ground.exists("a").await);
    ground.apply("").await.unwrap();
}
