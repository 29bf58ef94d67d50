//! The kinds that the server has: the built-in ones, and those of CRDs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use kubernetes_schema::TypeRef;
use serde_json::Value;
use structured_merge::ResetFields;
use structured_merge::schema::TypeRef as MergeType;

use super::go_types::{GoStruct, go_types};
use crate::crd::Custom;
use crate::store::Resource;

/// What a real server said of its kinds (`data/record.py`).
const RECORDED: &str = include_str!("../../data/resources.json");

pub(crate) static DISCOVERY: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(RECORDED).expect("because a test reads the recorded file"));

static BUILTIN: LazyLock<BTreeMap<Name, Arc<Kind>>> = LazyLock::new(builtin);

/// Group, version and plural.
type Name = (String, String, String);

/// What can be done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// A resource in one version.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) namespaced: bool,
    pub(crate) verbs: BTreeSet<String>,
    /// Subresources and their verbs.
    pub(crate) subresources: BTreeMap<String, BTreeSet<String>>,
    /// Under what its objects are stored: all versions together, and Events of both groups.
    pub(crate) resource: Resource,
    pub(crate) custom: Option<Arc<Custom>>,
    pub(crate) derived: Derived,
}

/// What follows from the rest of a kind, found out when somebody first asks.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    /// What the server begins with before it reads an object.
    pub(crate) empty: OnceLock<Value>,
    /// What a write to the object, and to its status, never changes.
    pub(crate) reset: [OnceLock<ResetFields>; 2],
    /// What merging needs to know of a built-in kind.
    of: OnceLock<Option<TypeRef<'static>>>,
    /// How Go declares it.
    go: OnceLock<Option<&'static GoStruct>>,
}

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(crate) fn go(&self) -> Option<&'static GoStruct> {
        match self.custom {
            Some(_) => None,
            None => *self.derived.go.get_or_init(|| go_types().kind(&self.group, &self.version, &self.kind)),
        }
    }

    /// Returns the type of the objects of a built-in kind, for merging.
    pub(crate) fn merge_type(&self) -> Option<MergeType<'static>> {
        let find = || kubernetes_schema::builtin().resolve(&self.group, &self.version, &self.kind);
        self.derived.of.get_or_init(find).map(|of| of.merge_type())
    }

    pub(crate) fn allows(&self, verb: Verb, subresource: &str) -> bool {
        let verbs =
            if subresource.is_empty() { Some(&self.verbs) } else { self.subresources.get(subresource) };
        verbs.is_some_and(|verbs| verbs.contains(verb.name()))
    }

    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    pub(crate) fn has_status(&self) -> bool {
        self.subresources.contains_key("status")
    }
}

fn builtin() -> BTreeMap<Name, Arc<Kind>> {
    let mut kinds = BTreeMap::new();
    let versions = DISCOVERY["resources"].as_object().into_iter().flatten();
    for (group_version, resources) in versions {
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        let mut subresources: HashMap<&str, BTreeMap<String, BTreeSet<String>>> = HashMap::new();
        let list = || resources.as_array().into_iter().flatten();
        for resource in list() {
            let name = resource["name"].as_str().unwrap_or_default();
            if let Some((plural, subresource)) = name.split_once('/') {
                let of = subresources.entry(plural).or_default();
                of.insert(subresource.to_owned(), texts(&resource["verbs"]).collect());
            }
        }
        for resource in list() {
            let plural = resource["name"].as_str().unwrap_or_default();
            if plural.contains('/') {
                continue;
            }
            let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
            // Events of both groups are the same objects.
            let stored_in = if plural == "events" { "" } else { group };
            let kind = Kind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: text("kind"),
                list_kind: format!("{}List", text("kind")),
                plural: plural.to_owned(),
                singular: text("singularName"),
                namespaced: resource["namespaced"] == true,
                verbs: texts(&resource["verbs"]).collect(),
                subresources: subresources.remove(plural).unwrap_or_default(),
                resource: crate::wire::status::qualified(plural, stored_in).into(),
                custom: None,
                derived: Derived::default(),
            };
            let name = (group.to_owned(), version.to_owned(), plural.to_owned());
            kinds.insert(name, Arc::new(kind));
        }
    }
    kinds
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

/// All kinds of one server.
#[derive(Default)]
pub(crate) struct Kinds {
    custom: RwLock<Arc<BTreeMap<Name, Arc<Kind>>>>,
}

impl Kinds {
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Kind>> {
        let name = (group.to_owned(), version.to_owned(), plural.to_owned());
        BUILTIN.get(&name).cloned().or_else(|| self.custom().get(&name).cloned())
    }

    /// Finds the kind of an object by its type.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<Arc<Kind>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let is_it =
            |found: &&Arc<Kind>| found.group == group && found.version == version && found.kind == kind;
        BUILTIN.values().find(is_it).cloned().or_else(|| self.custom().values().find(is_it).cloned())
    }

    pub(crate) fn custom(&self) -> Arc<BTreeMap<Name, Arc<Kind>>> {
        Arc::clone(&self.custom.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the kinds of a CRD, told by the resource they are stored under; none if it is gone.
    pub(crate) fn set_custom(&self, resource: &str, kinds: Vec<Kind>) {
        let mut custom = self.custom.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = BTreeMap::clone(&custom);
        changed.retain(|_, kind| *kind.resource != *resource);
        for kind in kinds {
            changed.insert((kind.group.clone(), kind.version.clone(), kind.plural.clone()), Arc::new(kind));
        }
        *custom = Arc::new(changed);
    }

    /// Iterates over one version of every stored resource.
    pub(crate) fn stored(&self) -> Vec<Arc<Kind>> {
        let mut kinds: BTreeMap<Resource, Arc<Kind>> = BTreeMap::new();
        let custom = self.custom();
        for kind in BUILTIN.values().chain(custom.values()) {
            if kind.verbs.contains("list") && kind.verbs.contains("create") {
                let known = kinds.entry(Arc::clone(&kind.resource)).or_insert_with(|| Arc::clone(kind));
                if is_preferred(kind) || is_stored(kind) {
                    *known = Arc::clone(kind);
                }
            }
        }
        kinds.into_values().collect()
    }

    pub(crate) fn has_builtin_group(group: &str) -> bool {
        BUILTIN.keys().any(|(of, ..)| of == group)
    }

    pub(crate) fn has_builtin_version(group: &str, version: &str) -> bool {
        BUILTIN.keys().any(|(of, in_version, _)| of == group && in_version == version)
    }
}

/// The version in which objects of several are stored.
fn is_preferred(kind: &Kind) -> bool {
    matches!((kind.group.as_str(), kind.version.as_str()), ("autoscaling", "v2") | ("", "v1"))
}

fn is_stored(kind: &Kind) -> bool {
    kind.custom.as_ref().is_some_and(|custom| custom.storage_version() == kind.version)
}
