//! Which kinds the cluster serves, asked once and kept.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::calls::Calls;
use crate::cluster::encode;
use crate::failure::CallFailure;
use crate::fields::join_api_version;

/// A kind that the cluster serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
}

impl Resource {
    /// Returns the path of the collection in a namespace, or in the whole cluster.
    pub(crate) fn collection(&self, namespace: &str) -> String {
        let root = root(&self.group, &self.version);
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{}/{}", encode(namespace), self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }
}

/// What the cluster serves, remembered across plans.
///
/// Share one between the appliers of a cluster: clones share what they know. One version of a group costs one request;
/// it is asked again when a kind is missing in it, so a new CustomResourceDefinition is seen at once, and
/// forgotten when the server no longer knows an address that it gave.
#[derive(Clone, Default)]
pub struct Discovery {
    known: Arc<RwLock<HashMap<String, Arc<Vec<Resource>>>>>,
}

impl Discovery {
    /// Returns an empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything; the next plan asks again.
    pub fn forget(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn forget_version(&self, group: &str, version: &str) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(&join_api_version(group, version));
    }

    /// Finds a kind, asking the server when it is not known.
    pub(crate) async fn resource(
        &self,
        calls: &Calls,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Result<Resource, CallFailure> {
        let api_version = join_api_version(group, version);
        let remembered = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&api_version).cloned();
        if let Some(found) = remembered.as_deref().and_then(|list| find(list, kind)) {
            return Ok(found);
        }
        let list = Arc::new(ask(calls, group, version).await?);
        let found = find(&list, kind);
        if !list.is_empty() {
            self.known.write().unwrap_or_else(PoisonError::into_inner).insert(api_version.clone(), list);
        }
        found.ok_or(CallFailure::NoMatch { kind: kind.to_owned(), api_version })
    }

    /// Finds a kind in any served version of its group, the preferred one first.
    pub(crate) async fn any_version(
        &self,
        calls: &Calls,
        group: &str,
        kind: &str,
    ) -> Result<Option<Resource>, CallFailure> {
        if group.is_empty() {
            return optional(self.resource(calls, "", "v1", kind).await);
        }
        let answer = match calls.get(&format!("/apis/{}", encode(group))).await {
            Ok(answer) => answer,
            Err(failure) if failure.is_not_found() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let preferred = crate::fields::text(&answer, &["preferredVersion", "version"]).into_iter();
        let all = answer.get("versions").and_then(Value::as_array).into_iter().flatten();
        for version in preferred.chain(all.filter_map(|version| version.get("version")?.as_str())) {
            if let Some(found) = optional(self.resource(calls, group, version, kind).await)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl std::fmt::Debug for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Discovery").field("versions", &known.len()).finish()
    }
}

fn optional(found: Result<Resource, CallFailure>) -> Result<Option<Resource>, CallFailure> {
    match found {
        Ok(resource) => Ok(Some(resource)),
        Err(CallFailure::NoMatch { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn root(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("/api/{}", encode(version))
    } else {
        format!("/apis/{}/{}", encode(group), encode(version))
    }
}

async fn ask(calls: &Calls, group: &str, version: &str) -> Result<Vec<Resource>, CallFailure> {
    let answer = match calls.get(&root(group, version)).await {
        Ok(answer) => answer,
        Err(failure) if failure.is_not_found() => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(answer
        .get("resources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|resource| Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text(resource, "kind"),
            plural: text(resource, "name"),
            namespaced: resource.get("namespaced").and_then(Value::as_bool).unwrap_or_default(),
        })
        .filter(|resource| !resource.plural.contains('/'))
        .collect())
}

fn find(list: &[Resource], kind: &str) -> Option<Resource> {
    list.iter().find(|resource| resource.kind == kind).cloned()
}
