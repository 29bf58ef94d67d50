//! What a Flux Kustomization adds to the kustomization file.

use std::collections::BTreeMap;

use gitops_manifest::EntryKind;

use crate::error::BuildError;
use crate::explain::Field;
use crate::kustomization::{Image, Kustomization, Patch, Selector};
use crate::root::{Place, Root};

/// What a Flux Kustomization adds to the kustomization file of its path.
///
/// Empty fields add nothing. The fields are those of `spec` with the same meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// `targetNamespace`: replaces the file's namespace.
    pub namespace: Option<String>,
    /// `namePrefix`: replaces the file's.
    pub name_prefix: Option<String>,
    /// `nameSuffix`: replaces the file's.
    pub name_suffix: Option<String>,
    /// `patches`: come after the file's.
    pub patches: Vec<OverlayPatch>,
    /// `images`: merged with the file's by name, field by field; tag and digest are one field.
    pub images: Vec<OverlayImage>,
    /// `components`: come after the file's; local and relative.
    pub components: Vec<String>,
    /// `ignoreMissingComponents`: leaves components out that do not exist.
    pub ignore_missing_components: bool,
    /// `commonMetadata.labels`: set on every object after the build.
    pub common_labels: BTreeMap<String, String>,
    /// `commonMetadata.annotations`: set on every object after the build.
    pub common_annotations: BTreeMap<String, String>,
    /// `buildMetadata`: replaces the file's.
    pub build_metadata: Vec<String>,
}

/// A patch of an [`Overlay`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverlayPatch {
    /// The patch, a strategic merge or JSON 6902.
    pub patch: String,
    /// The objects it is for; by default the one it names.
    pub target: Option<OverlaySelector>,
}

/// Which objects a patch is for; texts are regular expressions, empty ones match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverlaySelector {
    /// The API group.
    pub group: String,
    /// The API version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// A selector of labels.
    pub label_selector: String,
    /// A selector of annotations.
    pub annotation_selector: String,
}

/// An image of an [`Overlay`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverlayImage {
    /// The image to replace.
    pub name: String,
    /// The name it gets, if any.
    pub new_name: String,
    /// The tag it gets, if any.
    pub new_tag: String,
    /// The digest it gets, if any.
    pub digest: String,
}

/// What an [`Overlay`] added to a kustomization, so that texts can name the specification's field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Added {
    fields: Vec<&'static str>,
    /// How many patches and components are the file's own.
    patches: usize,
    components: usize,
    /// The images of the specification, by their place in the kustomization.
    images: Vec<(usize, usize)>,
}

impl Added {
    /// Returns the name in the specification of a field that the file does not say.
    pub(crate) fn name_of(&self, field: Field) -> Option<String> {
        let after = |own: usize| field.at.and_then(|at| at.checked_sub(own));
        match field.name {
            "patches" => after(self.patches).map(|at| format!("spec.patches[{at}]")),
            "components" => after(self.components).map(|at| format!("spec.components[{at}]")),
            "images" => {
                let found = self.images.iter().find(|(place, _)| Some(*place) == field.at);
                found.map(|(_, at)| format!("spec.images[{at}]"))
            }
            "namespace" if self.fields.contains(&"namespace") => Some("spec.targetNamespace".to_owned()),
            name if self.fields.contains(&name) => Some(format!("spec.{name}")),
            _ => None,
        }
    }
}

impl Overlay {
    /// Adds itself to a kustomization, as Flux's generator does.
    pub(crate) fn merge_into(
        &self,
        kustomization: &mut Kustomization,
        root: &Root<'_>,
        place: &Place,
    ) -> Result<Added, BuildError> {
        let mut added = Added {
            patches: kustomization.patches.len(),
            components: kustomization.components.len(),
            ..Added::default()
        };
        for (name, own, field) in [
            ("namespace", &self.namespace, &mut kustomization.namespace),
            ("namePrefix", &self.name_prefix, &mut kustomization.name_prefix),
            ("nameSuffix", &self.name_suffix, &mut kustomization.name_suffix),
        ] {
            if let Some(own) = own {
                field.clone_from(own);
                added.fields.push(name);
            }
        }
        kustomization.patches.extend(self.patches.iter().map(|patch| Patch {
            patch: patch.patch.clone(),
            target: patch.target.as_ref().map(selector),
            ..Patch::default()
        }));
        for component in &self.components {
            if !is_local(component) {
                return Err(BuildError::Refused(format!(
                    "component path '{component}' must be local and relative"
                )));
            }
            if self.ignore_missing_components {
                let path = root.resolve(place, component, "components")?;
                let there = root.kind(&path)?;
                if !matches!(there, Some(EntryKind::Directory | EntryKind::File)) {
                    continue;
                }
            }
            kustomization.components.push(component.clone());
        }
        for (at, image) in self.images.iter().enumerate() {
            added.images.push((merge_image(&mut kustomization.images, image), at));
        }
        if !self.build_metadata.is_empty() {
            kustomization.build_metadata.clone_from(&self.build_metadata);
            added.fields.push("buildMetadata");
        }
        Ok(added)
    }
}

fn selector(selector: &OverlaySelector) -> Selector {
    Selector {
        group: selector.group.clone(),
        version: selector.version.clone(),
        kind: selector.kind.clone(),
        name: selector.name.clone(),
        namespace: selector.namespace.clone(),
        annotation_selector: selector.annotation_selector.clone(),
        label_selector: selector.label_selector.clone(),
    }
}

/// Merges an image and returns its place.
fn merge_image(images: &mut Vec<Image>, image: &OverlayImage) -> usize {
    let found = images.iter_mut().enumerate().find(|(_, known)| known.name == image.name);
    let Some((at, known)) = found else {
        images.push(Image {
            name: image.name.clone(),
            new_name: image.new_name.clone(),
            new_tag: image.new_tag.clone(),
            digest: image.digest.clone(),
            ..Image::default()
        });
        return images.len() - 1;
    };
    if !image.new_name.is_empty() {
        known.new_name.clone_from(&image.new_name);
    }
    if !image.new_tag.is_empty() || !image.digest.is_empty() {
        known.new_tag.clone_from(&image.new_tag);
        known.digest.clone_from(&image.digest);
    }
    at
}

/// Tells whether a component's path is local and relative.
///
/// The test is Flux's `IsLocalRelativePath`.
#[must_use]
pub fn is_local(path: &str) -> bool {
    let lower = path.to_lowercase();
    let remote = ["git::", "gh:", "ssh://", "https://", "http://", "git@", "github.com:", "github.com/"];
    if remote.iter().any(|prefix| prefix.len() < path.len() && lower.starts_with(prefix)) {
        return false;
    }
    !path.starts_with('/') && !lower.strip_prefix("file://").unwrap_or(&lower).starts_with('/')
}
