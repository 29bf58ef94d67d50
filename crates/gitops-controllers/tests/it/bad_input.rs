//! Bad input ends in the right condition and event, the last good state stays, and the next good input recovers.

use gitops_api::kustomize_v1::Kustomization;
use gitops_api::source_v1::GitRepository;
use gitops_testkit::GitFault;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::discovery::ApiResource;
use kube::runtime::wait::{await_condition, conditions::is_deleted};
use serde_json::{Value, json};

use crate::rig::{Conditioned, Rig};

/// A rig in a good state: one ConfigMap applied.
async fn good() -> Option<Rig> {
    let rig = Rig::start().await?;
    rig.push_first(&[("a.yaml", &rig.config_map("a", "1"))]);
    rig.apply_both().await;
    rig.until_applied().await;
    Some(rig)
}

/// A commit that must be refused as a whole: `a` changes, and a file is bad. Nothing is written; without the file it is.
async fn refuses(bad: &str, reason: &str, texts: &[&str]) {
    let Some(rig) = good().await else { return };
    let before = rig.last_good().await;
    let bad = bad.replace("$NS", &rig.namespace);
    let texts: Vec<String> = texts.iter().map(|t| t.replace("$NS", &rig.namespace)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let changed = rig.config_map("a", "2");
    rig.push(&[("a.yaml", Some(&changed)), ("bad.yaml", Some(&bad))]).await;
    rig.until_failed::<Kustomization>("app", reason, &texts).await;
    let after = rig.last_good().await;
    assert_eq!(before.but_artifact(), after.but_artifact(), "something was written");

    rig.push(&[("bad.yaml", None)]).await;
    rig.until_applied().await;
    assert_eq!(rig.config_map_value("a").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn broken_yaml_is_named_with_file_and_line() {
    refuses("a: 1\nb: [", "BuildFailed", &["bad.yaml", "line 2"]).await;
}

#[tokio::test]
async fn an_unknown_kind_is_named() {
    refuses(
        "apiVersion: nobody.example.org/v1\nkind: Mystery\nmetadata: {name: x, namespace: $NS}\n",
        "ReconciliationFailed",
        &["Mystery/$NS/x dry-run failed", "no matches for kind"],
    )
    .await;
}

#[tokio::test]
async fn an_invalid_object_is_named() {
    refuses(
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: $NS}\nspec: {ports: [{port: 70000}]}\n",
        "ReconciliationFailed",
        &["Service/$NS/s dry-run failed (Invalid)", "spec.ports[0].port"],
    )
    .await;
}

#[tokio::test]
async fn two_invalid_objects_are_both_named() {
    refuses(
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: $NS}\nspec: {ports: [{port: 70000}]}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {name: UPPER, namespace: $NS}\n",
        "ReconciliationFailed",
        &["Service/$NS/s dry-run failed", "ConfigMap/$NS/UPPER dry-run failed"],
    )
    .await;
}

#[tokio::test]
async fn an_object_over_the_size_limit_is_named() {
    let big = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big, namespace: $NS}}\ndata: {{k: {}}}\n",
        "x".repeat(1_100_000)
    );
    refuses(&big, "ReconciliationFailed", &["ConfigMap/$NS/big dry-run failed", "Too long"]).await;
}

#[tokio::test]
async fn a_missing_namespace_is_named() {
    refuses(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: $NS-nope}\n",
        "ReconciliationFailed",
        &["ConfigMap/$NS-nope/x not found", "namespaces \"$NS-nope\" not found"],
    )
    .await;
}

#[tokio::test]
async fn a_missing_path_is_named() {
    let Some(rig) = good().await else { return };
    let before = rig.last_good().await;
    rig.apply::<Kustomization>("app", rig.kustomization(json!({"path": "./nope"}))).await;
    rig.until_failed::<Kustomization>("app", "ArtifactFailed", &["kustomization path not found", "/nope"])
        .await;
    assert_eq!(before, rig.last_good().await);
    rig.apply::<Kustomization>("app", rig.kustomization(json!({}))).await;
    rig.until_applied().await;
}

#[tokio::test]
async fn an_account_without_rights_is_refused_until_it_has_them() {
    let Some(rig) = good().await else { return };
    let before = rig.last_good().await;
    rig.create_account("tenant").await;
    let spec = |account: Value| rig.kustomization(json!({"serviceAccountName": account}));
    rig.apply::<Kustomization>("app", spec(json!("tenant"))).await;
    rig.until_failed::<Kustomization>("app", "ReconciliationFailed", &["ConfigMap/", "forbidden", "tenant"])
        .await;
    assert_eq!(before, rig.last_good().await);
    rig.allow_account("tenant").await;
    rig.request::<Kustomization>("app").await;
    rig.until("app", "ready", |k: &Kustomization| k.ready().is_some_and(|c| c.status == "True")).await;
}

/// A source that fails keeps its artifact, and what was applied stays.
async fn source_fails(spec: Value, texts: &[&str]) {
    let Some(rig) = good().await else { return };
    let before = rig.last_good().await;
    let url = rig.git.url("app");
    let with = |other: &Value| {
        let mut whole = json!({"interval": "10m", "url": url, "ref": {"branch": "main"}});
        whole.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        whole
    };
    let spec =
        serde_json::from_str(&spec.to_string().replace("$GIT", url.trim_end_matches("/app.git"))).unwrap();
    rig.apply::<GitRepository>("app", with(&spec)).await;
    rig.until_failed::<GitRepository>("app", "GitOperationFailed", texts).await;
    assert_eq!(before, rig.last_good().await);
    rig.apply::<GitRepository>("app", with(&json!({}))).await;
    rig.until("app", "ready", |r: &GitRepository| r.ready().is_some_and(|c| c.status == "True")).await;
}

#[tokio::test]
async fn an_unreachable_remote_is_named() {
    source_fails(
        json!({"url": "http://127.0.0.1:1/app.git"}),
        &["unable to list remote for 'http://127.0.0.1:1/app.git'", "refused"],
    )
    .await;
}

#[tokio::test]
async fn a_missing_reference_is_named() {
    source_fails(json!({"ref": {"branch": "nope"}}), &["couldn't find remote ref \"refs/heads/nope\""]).await;
}

#[tokio::test]
async fn a_missing_repository_is_named() {
    source_fails(json!({"url": "$GIT/nope.git"}), &["repository not found", "nope.git"]).await;
}

#[tokio::test]
async fn an_unauthorised_remote_is_told_without_credentials() {
    let Some(rig) = good().await else { return };
    let before = rig.last_good().await;
    rig.git.require_basic("ada", "sesame");
    rig.request::<GitRepository>("app").await;
    let ready =
        rig.until_failed::<GitRepository>("app", "GitOperationFailed", &["authentication required"]).await;
    assert!(!ready.message.contains("sesame"));
    assert_eq!(before, rig.last_good().await);
    rig.git.require_nothing();
    rig.until("app", "ready", |r: &GitRepository| r.ready().is_some_and(|c| c.status == "True")).await;
}

#[tokio::test]
async fn an_empty_repository_is_named_and_taken_when_it_has_a_commit() {
    let Some(rig) = Rig::start().await else { return };
    rig.apply_both().await;
    rig.until_failed::<GitRepository>("app", "EmptyGitRepository", &["git repository is empty"]).await;
    let first = rig.config_map("a", "1");
    rig.push(&[("a.yaml", Some(&first))]).await;
    rig.until_applied().await;
}

#[tokio::test]
async fn a_remote_that_fails_for_a_while_needs_no_help() {
    let Some(rig) = good().await else { return };
    rig.git.fail_next(2, GitFault::Status(503));
    let changed = rig.config_map("a", "2");
    rig.push(&[("a.yaml", Some(&changed))]).await;
    rig.until_applied().await;
    assert_eq!(rig.config_map_value("a").await.as_deref(), Some("2"));
}

/// A definition of cluster-wide things in a group of the rig's own.
fn definition(group: &str, plural: &str, kind: &str, short: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": kind, "shortNames": [short]},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    })
}

/// A short name is taken, so the definition is accepted and never established.
#[tokio::test]
async fn a_definition_that_is_never_established_is_named_and_what_needs_it_waits() {
    let Some(rig) = good().await else { return };
    let before = rig.last_good().await;
    let group = format!("{}.example.org", rig.namespace);
    let definitions: Api<CustomResourceDefinition> = Api::all(rig.client.clone());
    let taken = serde_json::from_value(definition(&group, "lamps", "Lamp", "light")).unwrap();
    rig.cluster.install(&[taken]).await.unwrap();

    let object = |kind: &str| {
        json!({"apiVersion": format!("{group}/v1"), "kind": kind,
            "metadata": {"name": "one", "namespace": rig.namespace}, "spec": {"watts": 5}})
    };
    let (bad, changed) =
        (definition(&group, "torches", "Torch", "light").to_string(), rig.config_map("a", "2"));
    let files = [("a.yaml", changed.as_str()), ("crd.yaml", &bad), ("cr.yaml", &object("Torch").to_string())];
    rig.push(&files.map(|(path, content)| (path, Some(content)))).await;
    let name = format!("CustomResourceDefinition/torches.{group}");
    rig.until_failed::<Kustomization>("app", "ReconciliationFailed", &["stalled resources", &name]).await;
    let after = rig.last_good().await;
    assert_eq!(
        (&after.applied, &after.objects),
        (&before.applied, &before.objects),
        "a later stage was begun"
    );

    let fixed = definition(&group, "torches", "Torch", "flame").to_string();
    rig.push(&[("crd.yaml", Some(&fixed))]).await;
    rig.until_applied().await;
    assert_eq!(rig.config_map_value("a").await.as_deref(), Some("2"));
    let kind = ApiResource::from_gvk(&kube::api::GroupVersionKind::gvk(&group, "v1", "Torch"));
    let kind = ApiResource { plural: "torches".to_owned(), ..kind };
    let torches: Api<DynamicObject> = Api::namespaced_with(rig.client.clone(), &rig.namespace, &kind);
    assert_eq!(torches.get("one").await.unwrap().data["spec"], json!({"watts": 5}));
    rig.push(&[("crd.yaml", None), ("cr.yaml", None)]).await;
    rig.until_applied().await;
    definitions.delete(&format!("lamps.{group}"), &DeleteParams::default()).await.unwrap();
}

/// The namespace is held in its end by an object with a finalizer; when it is made anew, the same commit is applied.
#[tokio::test]
async fn a_terminating_namespace_is_named_and_filled_when_it_is_made_anew() {
    let Some(rig) = good().await else { return };
    rig.apply::<Kustomization>("app", rig.kustomization(json!({"retryInterval": "1s"}))).await;
    let before = rig.last_good().await;
    let going = format!("{}-going", rig.namespace);
    let namespaces: Api<Namespace> = Api::all(rig.client.clone());
    let maps: Api<ConfigMap> = Api::namespaced(rig.client.clone(), &going);
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": going}})).unwrap();
    let uid = namespaces.create(&PostParams::default(), &namespace).await.unwrap().metadata.uid.unwrap();
    let held = json!({"metadata": {"name": "held", "finalizers": ["example.org/hold"]}});
    maps.create(&PostParams::default(), &serde_json::from_value(held).unwrap()).await.unwrap();
    namespaces.delete(&going, &DeleteParams::default()).await.unwrap();

    let other = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {going}}}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: {going}}}\n"
    );
    let changed = rig.config_map("a", "2");
    rig.push(&[("a.yaml", Some(&changed)), ("other.yaml", Some(&other))]).await;
    let texts = [&format!("ConfigMap/{going}/x dry-run failed (Forbidden)"), "is being terminated"];
    rig.until_failed::<Kustomization>("app", "ReconciliationFailed", &texts).await;
    assert_eq!(before.but_artifact(), rig.last_good().await.but_artifact(), "something was written");
    assert!(maps.get_opt("x").await.unwrap().is_none());

    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("held", &PatchParams::default(), &release).await.unwrap();
    await_condition(namespaces, &going, is_deleted(&uid)).await.unwrap();
    // The namespace is not ours before it is applied, so nothing wakes us; the retry interval does.
    rig.until_applied().await;
    assert!(maps.get_opt("x").await.unwrap().is_some());
    assert_eq!(rig.config_map_value("a").await.as_deref(), Some("2"));
}
