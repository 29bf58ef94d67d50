//! All receivers, found by their path.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use gitops_api::conditions::READY;
use gitops_api::notification_v1::{Receiver as ReceiverObject, ReceiverKind, ReceiverSpec};
use sha2::{Digest as _, Sha256};

use super::filter::ResourceFilter;
use super::target::Target;
use super::{Receiver, receiver};
use crate::body::BodyLimits;
use crate::encode::hex;
use crate::{NotifyError, ObjectKey};

/// Returns the path of a receiver's webhook: `/hook/` and the hexadecimal SHA-256 of token, name and namespace. The token
/// counts byte for byte, with a newline at its end; for receivers without one it is empty.
///
/// Source: notification-controller `api/v1/receiver_types.go`.
///
/// ```
/// use gitops_notify::receiver::webhook_path;
///
/// let path = webhook_path(b"s3cret", "main", "apps");
/// assert_eq!(path, "/hook/803a583e7d1481c3513847d1382164f723a6ffbe92df2674dcbdaba2a2e75321");
/// ```
#[must_use]
pub fn webhook_path(token: &[u8], name: &str, namespace: &str) -> String {
    let digest = Sha256::new().chain_update(token).chain_update(name).chain_update(namespace).finalize();
    format!("/hook/{}", hex(&digest))
}

/// Checks what a receiver's spec says of itself, and reads its expressions: what a controller does before it makes the
/// receiver ready.
///
/// # Errors
/// [`NotifyError::ReceiverSpec`] when Secret and OIDC providers do not fit the kind; [`NotifyError::Expression`] for a filter
/// that cannot be read.
pub fn validate(spec: &ReceiverSpec) -> Result<(), NotifyError> {
    let wrong = |reason| Err(NotifyError::ReceiverSpec { reason });
    let is_oidc = spec.kind == ReceiverKind::GenericOidc;
    if is_oidc && spec.oidc_providers.is_empty() {
        return wrong("generic-oidc receivers must define at least one oidcProvider");
    }
    if !is_oidc && !spec.oidc_providers.is_empty() {
        return wrong("oidcProviders can only be set when type is generic-oidc");
    }
    if is_oidc && spec.secret_ref.is_some() {
        return wrong("secretRef cannot be set when type is generic-oidc");
    }
    if !is_oidc && spec.secret_ref.is_none() {
        return wrong("secretRef is required when type is not generic-oidc");
    }
    Filters::new(spec).map(drop)
}

/// What receivers take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiveOptions {
    /// What the body of a request may be.
    pub body: BodyLimits,
    /// Whether resources in other namespaces are ruled out: Flux's `--no-cross-namespace-refs`.
    pub no_cross_namespace: bool,
    /// Whether signatures with SHA-1 count.
    pub takes_sha1: bool,
}

impl ReceiveOptions {
    /// Returns the options under which every sender that Flux takes is taken: SHA-1 counts.
    #[must_use]
    pub fn flux() -> Self {
        Self { takes_sha1: true, ..Self::default() }
    }

    /// Returns the options with other limits of a body.
    #[must_use]
    pub fn body(mut self, limits: BodyLimits) -> Self {
        self.body = limits;
        self
    }

    /// Returns the options with resources in other namespaces ruled out or not.
    #[must_use]
    pub fn no_cross_namespace(mut self, no_cross_namespace: bool) -> Self {
        self.no_cross_namespace = no_cross_namespace;
        self
    }

    /// Returns the options with signatures with SHA-1 counting or not.
    #[must_use]
    pub fn takes_sha1(mut self, takes_sha1: bool) -> Self {
        self.takes_sha1 = takes_sha1;
        self
    }
}

/// The index of all receivers by the path in their status. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Receivers(Arc<RwLock<Index>>);

#[derive(Debug, Default)]
struct Index {
    paths: HashMap<ObjectKey, String>,
    /// Token, name and namespace are joined without a mark, so two receivers can have one path: the first by name counts.
    by_path: HashMap<String, BTreeMap<ObjectKey, Arc<Entry>>>,
}

/// One receiver, ready to judge requests.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: ObjectKey,
    pub(super) spec: ReceiverSpec,
    /// Why it takes nothing at the moment.
    pub(super) closed: Option<&'static str>,
    pub(super) kind: Result<Arc<dyn Receiver>, String>,
    pub(super) filters: Result<Filters, String>,
}

/// The compiled filters of a receiver.
#[derive(Clone, Debug)]
pub(super) struct Filters {
    all: Option<ResourceFilter>,
    each: Vec<Option<ResourceFilter>>,
}

impl Receivers {
    /// Returns an empty index.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a receiver in, in the place of the one of that name; its expressions are compiled once, here. Without a path in
    /// its status it is known but not found.
    pub fn set(&self, object: &ReceiverObject) {
        let entry = Entry::new(object);
        let path = object.status.as_ref().and_then(|status| status.webhook_path.clone()).unwrap_or_default();
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.remove(&entry.key);
        if !path.is_empty() {
            index.paths.insert(entry.key.clone(), path.clone());
            index.by_path.entry(path).or_default().insert(entry.key.clone(), Arc::new(entry));
        }
    }

    /// Removes a receiver.
    pub fn remove(&self, receiver: &ObjectKey) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(receiver);
    }

    /// Returns the receiver of a path with its query.
    pub(super) fn find(&self, path: &str) -> Option<Arc<Entry>> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.by_path.get(path)?.values().next().cloned()
    }
}

impl Index {
    fn remove(&mut self, receiver: &ObjectKey) {
        let Some(path) = self.paths.remove(receiver) else { return };
        if let Some(entries) = self.by_path.get_mut(&path) {
            entries.remove(receiver);
            if entries.is_empty() {
                self.by_path.remove(&path);
            }
        }
    }
}

impl Entry {
    fn new(object: &ReceiverObject) -> Self {
        let spec = object.spec.clone();
        let conditions = object.status.iter().flat_map(|status| &status.conditions);
        let is_ready =
            conditions.into_iter().any(|condition| condition.type_ == READY && condition.status == "True");
        let closed = match (spec.suspend, is_ready) {
            (true, _) => Some("suspended"),
            (false, false) => Some("not ready"),
            (false, true) => None,
        };
        Self {
            key: ObjectKey::from(&object.metadata),
            closed,
            kind: receiver(&spec).map_err(|error| error.to_string()),
            filters: Filters::new(&spec).map_err(|error| error.to_string()),
            spec,
        }
    }

    /// Returns what the receiver asks to reconcile, or why it cannot, for each of its resources.
    pub(super) fn targets(&self, options: &ReceiveOptions) -> Vec<Result<Target, NotifyError>> {
        let resources = self.spec.resources.iter();
        let no_cross_namespace = options.no_cross_namespace;
        resources.map(|resource| Target::new(resource, &self.key.namespace, no_cross_namespace)).collect()
    }
}

impl Filters {
    fn new(spec: &ReceiverSpec) -> Result<Self, NotifyError> {
        let claims = spec.kind == ReceiverKind::GenericOidc;
        let compile = |text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            text.map(|text| ResourceFilter::new(text, claims)).transpose()
        };
        let each = spec.resources.iter().map(|resource| compile(&resource.filter));
        Ok(Self { all: compile(&spec.resource_filter)?, each: each.collect::<Result<_, _>>()? })
    }

    /// Returns whether there is nothing to filter with.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_none() && self.each.iter().all(Option::is_none)
    }

    /// Returns the filters that an object of the resource at this place has to pass: the receiver's and the resource's own.
    pub(super) fn of(&self, resource: usize) -> impl Iterator<Item = &ResourceFilter> {
        self.all.iter().chain(self.each.get(resource).and_then(Option::as_ref))
    }
}
