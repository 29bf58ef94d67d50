//! What identifies an object inside a build: group, version, kind, name, namespace.

use std::fmt;
use std::rc::Rc;

/// The namespace that stands for cluster-wide objects.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// Group, version and kind; an empty part means any where it selects.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub(crate) struct Gvk {
    pub(crate) group: Rc<str>,
    pub(crate) version: Rc<str>,
    pub(crate) kind: Rc<str>,
}

impl Gvk {
    pub(crate) fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    pub(crate) fn of(api_version: &str, kind: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self::new(group, version, kind)
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Tells whether the selector's parts that are given are equal.
    pub(crate) fn is_selected_by(&self, selector: &Self) -> bool {
        (selector.group.is_empty() || selector.group == self.group)
            && (selector.version.is_empty() || selector.version == self.version)
            && (selector.kind.is_empty() || selector.kind == self.kind)
    }

    /// Tells whether objects of this type are known to live outside namespaces.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        crate::scope::is_cluster_scoped(&self.group, &self.version, &self.kind)
    }

    /// Returns what kustomize sorts field specifications by.
    pub(crate) fn sort_key(&self) -> (i32, String) {
        let part = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        let text = [part(&self.group, "~G"), part(&self.version, "~V"), part(&self.kind, "~K")].join("_");
        (crate::transform::sort_order::default_rank(&self.kind), text)
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text: &'_ str, none: &'static str| {
            if text.is_empty() { none.to_owned() } else { text.to_owned() }
        };
        write!(
            f,
            "{}.{}.{}",
            part(&self.kind, "[noKind]"),
            part(&self.version, "[noVer]"),
            part(&self.group, "[noGrp]")
        )
    }
}

/// Returns group and version.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// An object's identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct ResId {
    pub(crate) gvk: Gvk,
    pub(crate) name: Rc<str>,
    pub(crate) namespace: Rc<str>,
    /// Identities from the past do not know the scope of their kind.
    pub(crate) cluster_scoped: bool,
}

impl ResId {
    /// Returns the identity that a file asks for; it does not know the scope.
    pub(crate) fn wanted(gvk: Gvk, name: &str, namespace: &str) -> Self {
        Self { gvk, name: name.into(), namespace: namespace.into(), cluster_scoped: false }
    }

    pub(crate) fn is_default_namespace(&self) -> bool {
        self.namespace.is_empty() || &*self.namespace == "default"
    }

    pub(crate) fn effective_namespace(&self) -> &str {
        if self.cluster_scoped {
            NO_NAMESPACE
        } else if self.is_default_namespace() {
            "default"
        } else {
            &self.namespace
        }
    }

    pub(crate) fn same_namespace(&self, other: &Self) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    pub(crate) fn same_type_and_name(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// Tells whether both name the same object.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.same_type_and_name(other) && self.same_namespace(other)
    }

    /// Tells whether every part the selector gives is equal.
    pub(crate) fn is_selected_by(&self, selector: &Self) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty() || selector.same_namespace(self))
            && self.gvk.is_selected_by(&selector.gvk)
    }

    /// Returns a key that is equal exactly for the same objects.
    pub(crate) fn key(&self) -> (Gvk, Rc<str>, Rc<str>) {
        (self.gvk.clone(), self.name.clone(), self.effective_namespace().into())
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "[noName]" } else { &self.name };
        let namespace = if self.namespace.is_empty() { "[noNs]" } else { &self.namespace };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}
