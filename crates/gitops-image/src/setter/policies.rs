//! The images that policies chose.

use std::collections::BTreeMap;

use gitops_api::image_v1::ImageRef;

use super::marker::{Marker, Part};
use crate::error::ImageError;

/// The images that policies chose, under `namespace:name`, to be written where markers ask for them.
#[derive(Clone, Debug, Default)]
pub struct Setters {
    images: BTreeMap<String, ImageRef>,
}

impl Setters {
    /// Returns setters that know no policy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the setters with the image that a policy chose.
    ///
    /// # Errors
    /// [`ImageError::Reference`] when the image cannot be one: nothing else may be written into files.
    pub fn with(mut self, namespace: &str, name: &str, image: ImageRef) -> Result<Self, ImageError> {
        let policy = format!("{namespace}:{name}");
        if let Err(reason) = check(&image) {
            return Err(ImageError::Reference { policy, image: image.to_string(), reason });
        }
        self.images.insert(policy, image);
        Ok(self)
    }

    /// Returns the policies with their images, by `namespace:name`.
    pub fn images(&self) -> impl Iterator<Item = (&str, &ImageRef)> {
        self.images.iter().map(|(policy, image)| (policy.as_str(), image))
    }

    /// Returns what a marker asks for, or none when its policy is not known.
    #[must_use]
    pub fn value(&self, marker: &Marker) -> Option<String> {
        let image = self.images.get(marker.policy())?;
        Some(match marker.part() {
            Part::Image => image.to_string(),
            Part::Name => image.name.clone(),
            Part::Tag => image.tag.clone(),
            Part::Digest => image.digest.clone().unwrap_or_default(),
        })
    }
}

/// Checks an image as loosely as Flux does (go-containerregistry's weak validation), but for the name's upper case.
fn check(image: &ImageRef) -> Result<(), &'static str> {
    /// The longest name and tag that go-containerregistry reads.
    const NAME: usize = 255;
    const TAG: usize = 128;
    let is_tag_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_name_char = |c: char| is_tag_char(c) || matches!(c, '/' | ':' | '[' | ']');
    if image.name.is_empty() || image.name.len() > NAME || !image.name.chars().all(is_name_char) {
        return Err("the name must be a registry and a path");
    }
    if image.tag.is_empty() || image.tag.len() > TAG || !image.tag.chars().all(is_tag_char) {
        return Err("the tag must be 1 to 128 letters, digits, '_', '.' and '-'");
    }
    let is_digest = |digest: &str| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            !algorithm.is_empty()
                && algorithm.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '_' | '-'))
                && !hex.is_empty()
                && hex.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '=' | '_' | '-'))
        })
    };
    match image.digest.as_deref() {
        None | Some("") => Ok(()),
        Some(digest) if is_digest(digest) => Ok(()),
        Some(_) => Err("the digest must be an algorithm and hex digits"),
    }
}
