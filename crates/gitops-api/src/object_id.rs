//! Object ids: the text under which an inventory keeps an object.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
const RBAC_KINDS: [&str; 4] = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];

/// The identity of an object in a cluster, without its version: `<namespace>_<name>_<group>_<kind>`.
///
/// A cluster-scoped object has an empty namespace, the core group is empty. The names of RBAC objects may
/// hold colons, which are written as two underscores.
///
/// Source: fluxcd/cli-utils `pkg/object/objmetadata.go`.
///
/// # Difference from Flux
/// Flux turns `__` back into `:` whatever the kind is; here only in names of RBAC objects, so that other
/// ids come back as they were written. An RBAC name that itself holds `__` or `_:` cannot come back, there
/// or here: [`ObjectId::is_reversible`] tells.
///
/// ```
/// use gitops_api::ObjectId;
///
/// let id: ObjectId = "_system__discovery_rbac.authorization.k8s.io_ClusterRole".parse()?;
/// assert_eq!((id.namespace(), id.name()), (None, "system:discovery"));
/// assert_eq!(id, ObjectId::new(None, "system:discovery", "rbac.authorization.k8s.io", "ClusterRole"));
/// assert_eq!(ObjectId::new(Some("default"), "web", "", "Pod").to_string(), "default_web__Pod");
/// # Ok::<(), gitops_api::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    namespace: String,
    name: String,
    group: String,
    kind: String,
}

impl ObjectId {
    /// Returns the id; no namespace, or an empty one, for an object of the cluster.
    pub fn new(
        namespace: Option<&str>,
        name: impl Into<String>,
        group: impl Into<String>,
        kind: impl Into<String>,
    ) -> Self {
        Self {
            namespace: namespace.unwrap_or_default().to_owned(),
            name: name.into(),
            group: group.into(),
            kind: kind.into(),
        }
    }

    /// Returns the id of a Kubernetes object given as JSON.
    ///
    /// # Errors
    /// When `apiVersion`, `kind` or `metadata.name` is missing or no text.
    pub fn of_object(object: &serde_json::Value) -> Result<Self, ParseError> {
        let text = |pointer: &str| object.pointer(pointer).and_then(serde_json::Value::as_str);
        let refuse = |problem| ParseError::ObjectId {
            text: format!("{}/{}", text("/kind").unwrap_or("?"), text("/metadata/name").unwrap_or("?")),
            problem,
        };
        let api_version = text("/apiVersion").ok_or_else(|| refuse("the object has no apiVersion"))?;
        let kind = text("/kind").ok_or_else(|| refuse("the object has no kind"))?;
        let name = text("/metadata/name").ok_or_else(|| refuse("the object has no metadata.name"))?;
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Ok(Self::new(text("/metadata/namespace"), name, group, kind))
    }

    /// Returns the namespace, none for an object of the cluster.
    pub fn namespace(&self) -> Option<&str> {
        (!self.namespace.is_empty()).then_some(self.namespace.as_str())
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the API group, empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns whether parsing the printed id gives this id again.
    ///
    /// False for the few names that the wire form cannot tell apart, see above, and for parts that no API
    /// server accepts (an underscore in a namespace, group or kind).
    pub fn is_reversible(&self) -> bool {
        self.to_string().parse().as_ref() == Ok(self)
    }

    fn has_colons(group: &str, kind: &str) -> bool {
        group == RBAC_GROUP && RBAC_KINDS.contains(&kind)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_", self.namespace)?;
        if Self::has_colons(&self.group, &self.kind) {
            f.write_str(&self.name.replace(':', "__"))?;
        } else {
            f.write_str(&self.name)?;
        }
        write!(f, "_{}_{}", self.group, self.kind)
    }
}

impl FromStr for ObjectId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refuse = |problem| ParseError::ObjectId { text: text.to_owned(), problem };
        let few = || refuse("it has fewer than four parts");
        // From both ends, because a name may hold underscores and the other parts may not.
        let (namespace, rest) = text.split_once('_').ok_or_else(few)?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(few)?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(few)?;
        if name.is_empty() {
            return Err(refuse("the name is empty"));
        }
        if kind.is_empty() {
            return Err(refuse("the kind is empty"));
        }
        let name = if Self::has_colons(group, kind) { name.replace("__", ":") } else { name.to_owned() };
        Ok(Self { namespace: namespace.to_owned(), name, group: group.to_owned(), kind: kind.to_owned() })
    }
}

impl serde::Serialize for ObjectId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ObjectId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
