//! Names of objects in their namespaces.

use std::fmt;

use gitops_api::k8s_openapi::api::core::v1::ObjectReference;
use gitops_api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The name of an object whose kind is clear from where it stands: an Alert, a Provider, a Receiver, a Secret.
///
/// Ordered by namespace, then by name; printed as `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// Returns the key of this name in this namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl From<&ObjectMeta> for ObjectKey {
    fn from(metadata: &ObjectMeta) -> Self {
        Self::new(metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Returns an object as Flux names it in its texts: `Kind/namespace/name`.
pub(crate) fn describe(object: &ObjectReference) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}/{}", part(&object.kind), part(&object.namespace), part(&object.name))
}

/// Returns an object as Flux's messages name it: `kind/name.namespace`, the kind in lower case.
pub(crate) fn object_id(object: &ObjectReference) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}.{}", part(&object.kind).to_lowercase(), part(&object.name), part(&object.namespace))
}
