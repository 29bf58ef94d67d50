//! Flux Kustomizations: found in a stream of objects, and what their specification adds to a build.

use gitops_api::kustomize_v1::{GROUP, Kustomization, KustomizationSpec, Selector};
use gitops_manifest::{ParseOptions, parse_objects};

use crate::error::BuildError;
use crate::overlay::{Overlay, OverlayImage, OverlayPatch, OverlaySelector};

/// Returns the Flux Kustomization of this name from a stream of objects.
///
/// One without a namespace is taken for any. Fields that are missing have their default, so that a file which the
/// server would complete can be built before it is there.
///
/// # Errors
/// [`BuildError::Malformed`] when the stream is no YAML or the object's fields are of the wrong type,
/// [`BuildError::Missing`] when no such Kustomization is in it.
///
/// # Examples
/// ```
/// use gitops_kustomize::find_kustomization;
///
/// let stream = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\n\
///               spec: {path: ./apps}\n";
/// let found = find_kustomization("apps.yaml", stream.as_bytes(), "apps", "flux-system")?;
/// assert_eq!(found.spec.path.as_deref(), Some("./apps"));
/// # Ok::<(), gitops_kustomize::BuildError>(())
/// ```
pub fn find_kustomization(
    file: &str,
    stream: &[u8],
    name: &str,
    namespace: &str,
) -> Result<Kustomization, BuildError> {
    let objects = parse_objects(file, stream, &ParseOptions::kubectl())
        .map_err(|error| BuildError::Malformed(error.to_string()))?;
    let found = objects.into_iter().find(|object| {
        object.group() == GROUP
            && object.kind() == "Kustomization"
            && object.name() == name
            && object.namespace().is_none_or(|own| own == namespace)
    });
    let Some(found) = found else {
        return Err(BuildError::Missing(format!(
            "failed find kustomization with name '{name}' and namespace '{namespace}' in file '{file}'"
        )));
    };
    let at = found.origin().map(ToString::to_string).unwrap_or_default();
    serde_json::from_value(found.into_value())
        .map_err(|error| BuildError::Malformed(format!("{at}: kustomization '{name}' is malformed: {error}")))
}

impl From<&KustomizationSpec> for Overlay {
    fn from(spec: &KustomizationSpec) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let common = spec.common_metadata.clone().unwrap_or_default();
        Self {
            namespace: spec.target_namespace.clone(),
            name_prefix: spec.name_prefix.clone(),
            name_suffix: spec.name_suffix.clone(),
            patches: spec
                .patches
                .iter()
                .map(|patch| OverlayPatch {
                    patch: patch.patch.clone(),
                    target: patch.target.as_ref().map(Into::into),
                })
                .collect(),
            images: spec
                .images
                .iter()
                .map(|image| OverlayImage {
                    name: image.name.clone(),
                    new_name: text(&image.new_name),
                    new_tag: text(&image.new_tag),
                    digest: text(&image.digest),
                })
                .collect(),
            components: spec.components.clone(),
            ignore_missing_components: spec.ignore_missing_components,
            common_labels: common.labels,
            common_annotations: common.annotations,
            build_metadata: spec.build_metadata.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Selector> for OverlaySelector {
    fn from(selector: &Selector) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self {
            group: text(&selector.group),
            version: text(&selector.version),
            kind: text(&selector.kind),
            name: text(&selector.name),
            namespace: text(&selector.namespace),
            label_selector: text(&selector.label_selector),
            annotation_selector: text(&selector.annotation_selector),
        }
    }
}
