//! What the caller reads for the dispatcher.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use futures::future::BoxFuture;
use gitops_api::k8s_openapi::api::core::v1::ObjectReference;
use gitops_api::notification_v1beta3::Provider;

use crate::error::Cause;
use crate::provider::Credentials;
use crate::{ObjectKey, describe};

/// A Provider with the data of the Secrets that it names.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderRecord {
    /// The object.
    pub provider: Provider,
    /// What its Secrets hold.
    pub credentials: Credentials,
}

impl ProviderRecord {
    /// Returns the record.
    #[must_use]
    pub fn new(provider: Provider, credentials: Credentials) -> Self {
        Self { provider, credentials }
    }
}

/// Reads Providers, their Secrets and the labels of objects: the dispatcher has no client of its own.
///
/// Asked at each delivery, so that a Secret that changed counts at once; clients and connections are kept as long as what is
/// read stays the same. Answers should come from a cache.
pub trait Directory: Send + Sync + 'static {
    /// Returns a Provider and the data of its Secrets; `None` when there is no such Provider. A Secret that it names and that
    /// does not exist is left out of the credentials. An error is tried again.
    fn provider<'a>(
        &'a self,
        provider: &'a ObjectKey,
    ) -> BoxFuture<'a, Result<Option<ProviderRecord>, Cause>>;

    /// Returns the labels of an object; `None` when it does not exist.
    fn labels<'a>(
        &'a self,
        object: &'a ObjectReference,
    ) -> BoxFuture<'a, Result<Option<BTreeMap<String, String>>, Cause>>;
}

/// A directory of what it was told, for programs without a cluster.
#[derive(Debug, Default)]
pub struct StaticDirectory {
    providers: RwLock<HashMap<ObjectKey, ProviderRecord>>,
    labels: RwLock<HashMap<String, BTreeMap<String, String>>>,
}

impl StaticDirectory {
    /// Returns an empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a Provider in, in the place of the one of that name.
    pub fn set_provider(&self, provider: Provider, credentials: Credentials) {
        let key = ObjectKey::from(&provider.metadata);
        let mut providers = self.providers.write().unwrap_or_else(PoisonError::into_inner);
        providers.insert(key, ProviderRecord::new(provider, credentials));
    }

    /// Removes a Provider.
    pub fn remove_provider(&self, provider: &ObjectKey) {
        self.providers.write().unwrap_or_else(PoisonError::into_inner).remove(provider);
    }

    /// Tells the labels of an object.
    pub fn set_labels(&self, object: &ObjectReference, labels: BTreeMap<String, String>) {
        self.labels.write().unwrap_or_else(PoisonError::into_inner).insert(describe(object), labels);
    }
}

impl Directory for StaticDirectory {
    fn provider<'a>(
        &'a self,
        provider: &'a ObjectKey,
    ) -> BoxFuture<'a, Result<Option<ProviderRecord>, Cause>> {
        let found = self.providers.read().unwrap_or_else(PoisonError::into_inner).get(provider).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn labels<'a>(
        &'a self,
        object: &'a ObjectReference,
    ) -> BoxFuture<'a, Result<Option<BTreeMap<String, String>>, Cause>> {
        let found =
            self.labels.read().unwrap_or_else(PoisonError::into_inner).get(&describe(object)).cloned();
        Box::pin(async move { Ok(found) })
    }
}
