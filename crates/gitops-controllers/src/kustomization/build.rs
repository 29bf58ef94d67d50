//! Step 6: what the specification says about building, handed to gitops-kustomize.

use std::collections::BTreeMap;

use gitops_api::kustomize_v1::{Kustomization, KustomizationSpec, SubstituteKind, SubstituteStrategy};
use gitops_api::{Artifact, reasons};
use gitops_kustomize::{Kustomize, Overlay, Substitute};
use gitops_manifest::{EntryKind, FileTree, Manifests, Object};
use gitops_runtime::queue::Requeue;
use kube::{Client, ResourceExt};

use crate::report::Setback;
use crate::secrets::{Entries, is_not_found, server_text};

/// Returns the folder of the specification inside the artifact; steps that lead out of it end at its root.
pub(super) fn folder(spec: &KustomizationSpec) -> String {
    crate::git_repository::normal(spec.path.as_deref().unwrap_or_default())
}

/// Returns the name that texts give the artifact's root: Flux unpacks into such a folder, and users know its form.
pub(super) fn mount(artifact: &Artifact) -> String {
    let hex = artifact.digest.rsplit(':').next().unwrap_or_default();
    format!("/tmp/kustomization-{}", hex.get(..10).unwrap_or(hex))
}

/// Says when the folder does not exist.
pub(super) fn check_folder(
    tree: &dyn FileTree,
    spec: &KustomizationSpec,
    mount: &str,
    again: Requeue,
) -> Result<(), Setback> {
    let folder = folder(spec);
    if matches!(tree.kind(&folder), Ok(Some(_))) {
        return Ok(());
    }
    let text = format!("kustomization path not found: stat {mount}/{folder}: no such file or directory");
    Err(Setback::failed(reasons::ARTIFACT_FAILED, text, again))
}

/// Returns the build that the specification asks for.
pub(super) fn kustomize(
    tree: &dyn FileTree,
    spec: &KustomizationSpec,
    mount: &str,
    again: Requeue,
) -> Result<Kustomize, Setback> {
    let folder = folder(spec);
    if let Ok(Some(EntryKind::File)) = tree.kind(&folder) {
        let text =
            format!("open {mount}/{folder}/kustomization.yaml: not a directory; spec.path must be a folder");
        return Err(failed(text, again));
    }
    Ok(Kustomize::new(folder).overlay(overlay(spec)).mounted_at(mount))
}

/// Builds the manifests.
pub(super) fn build(
    kustomize: &Kustomize,
    tree: &dyn FileTree,
    again: Requeue,
) -> Result<Manifests, Setback> {
    kustomize.build(tree).map_err(|error| failed(error.to_string(), again))
}

/// Replaces the variables of `spec.postBuild`. Each source is read once a run; later ones win, inline ones over all.
///
/// # Difference from Flux
/// Flux reads every source anew for each object.
pub(super) async fn substitute(
    client: &Client,
    object: &Kustomization,
    manifests: Manifests,
    again: Requeue,
) -> Result<Manifests, Setback> {
    let Some(post_build) = &object.spec.post_build else { return Ok(manifests) };
    let Some(first) = manifests.objects().first().map(described) else { return Ok(manifests) };
    let namespace = object.namespace().unwrap_or_default();
    let mut variables = BTreeMap::new();
    for source in &post_build.substitute_from {
        let read = match source.kind {
            SubstituteKind::Secret => Entries::of_secret(client, &namespace, &source.name).await,
            _ => Entries::of_config_map(client, &namespace, &source.name).await,
        };
        match read {
            Ok(entries) => variables.extend(entries.texts().map(|(k, v)| (k.to_owned(), v.to_owned()))),
            Err(error) if source.optional && is_not_found(&error) => {}
            Err(error) => {
                let reference = format!("{}/{}", source.kind, source.name);
                let why = server_text(&error);
                let text =
                    format!("post build failed for '{first}': substitute from '{reference}' error: {why}");
                return Err(failed(text, again));
            }
        }
    }
    variables.extend(post_build.substitute.clone());
    let substitute = Substitute::new(variables);
    let substitute = match post_build.substitute_strategy {
        Some(SubstituteStrategy::Always) => substitute.always(),
        _ => substitute,
    };
    substitute.apply(manifests).map_err(|error| failed(error.to_string(), again))
}

/// An object as kustomize names it: `ConfigMap.v1.[noGrp]/name`.
fn described(object: &Object) -> String {
    let group = if object.group().is_empty() { "[noGrp]" } else { object.group() };
    format!("{}.{}.{group}/{}", object.kind(), object.version(), object.name())
}

/// Sets the metadata that every object gets, after everything else.
pub(super) fn with_common_metadata(manifests: Manifests, spec: &KustomizationSpec) -> Manifests {
    let Some(common) = &spec.common_metadata else { return manifests };
    let mut objects: Vec<Object> = manifests.into_objects();
    for object in &mut objects {
        common.labels.iter().for_each(|(key, value)| object.set_label(key, value));
        common.annotations.iter().for_each(|(key, value)| object.set_annotation(key, value));
    }
    Manifests::from(objects)
}

/// What the specification adds to the build; its common metadata is set at the end, on what the substitution made too.
fn overlay(spec: &KustomizationSpec) -> Overlay {
    Overlay { common_labels: BTreeMap::new(), common_annotations: BTreeMap::new(), ..Overlay::from(spec) }
}

fn failed(message: String, again: Requeue) -> Setback {
    Setback::failed(reasons::BUILD_FAILED, message, again)
}
