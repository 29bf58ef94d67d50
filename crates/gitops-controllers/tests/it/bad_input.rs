//! Bad input ends in the right condition and event, the last good state stays, and the next good input recovers.

use gitops_api::kustomize_v1::Kustomization;
use gitops_api::source_v1::GitRepository;
use gitops_testkit::GitFault;
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
