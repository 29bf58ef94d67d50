//! A set of objects and the hash of its content.

use std::fmt::Write as _;
use std::ops::Index;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::emit::{to_canonical_json, to_yaml};
use crate::object::Object;

/// Objects in the order in which they were built, and a hash of their content.
///
/// The digest is over the canonical JSON of each object in its place, so equal sets have equal digests
/// whatever files they came from.
///
/// ```
/// use gitops_manifest::{Manifests, Object};
/// use serde_json::json;
///
/// let object = Object::new(json!({"kind": "Namespace", "metadata": {"name": "shop"}}))?;
/// let manifests = Manifests::from(vec![object]);
/// assert_eq!(manifests.len(), 1);
/// assert!(manifests.digest().starts_with("sha256:"));
/// # Ok::<(), gitops_manifest::NotAnObject>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifests {
    objects: Vec<Object>,
    digest: String,
}

impl Manifests {
    /// Returns the objects in their order.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Returns the content hash, `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the objects in their order.
    pub fn into_objects(self) -> Vec<Object> {
        self.objects
    }

    /// Returns whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Returns the number of objects.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Iterates over the objects in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Object> {
        self.objects.iter()
    }

    /// Returns all objects as one YAML stream, documents parted by `---`.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        for object in &self.objects {
            if !text.is_empty() {
                text.push_str("---\n");
            }
            text.push_str(&to_yaml(object.value()));
        }
        text
    }
}

impl From<Vec<Object>> for Manifests {
    fn from(objects: Vec<Object>) -> Self {
        let digest = digest(objects.iter().map(Object::value));
        Self { objects, digest }
    }
}

impl FromIterator<Object> for Manifests {
    fn from_iter<I: IntoIterator<Item = Object>>(objects: I) -> Self {
        objects.into_iter().collect::<Vec<_>>().into()
    }
}

impl Default for Manifests {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl IntoIterator for Manifests {
    type Item = Object;
    type IntoIter = std::vec::IntoIter<Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.into_iter()
    }
}

impl<'a> IntoIterator for &'a Manifests {
    type Item = &'a Object;
    type IntoIter = std::slice::Iter<'a, Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.iter()
    }
}

impl Index<usize> for Manifests {
    type Output = Object;

    fn index(&self, index: usize) -> &Object {
        &self.objects[index]
    }
}

/// One canonical JSON text a line; no JSON text holds a bare line feed, so the parting is unambiguous.
fn digest<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let mut hash = Sha256::new();
    for value in values {
        hash.update(to_canonical_json(value));
        hash.update(b"\n");
    }
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in hash.finalize() {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
