//! Finding objects of kinds that are only known by name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::core::gvk::ParseGroupVersionError;
use kube::{Api, Client};

/// Why a kind cannot be found.
#[derive(Debug, thiserror::Error)]
pub(super) enum KindError {
    #[error(transparent)]
    Version(#[from] ParseGroupVersionError),
    #[error(transparent)]
    Server(#[from] kube::Error),
}

/// What the server serves, asked once a kind.
pub(super) struct Kinds {
    client: Client,
    known: Mutex<HashMap<GroupVersionKind, ApiResource>>,
}

impl Kinds {
    pub(super) fn new(client: Client) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// Returns the objects of a kind in a namespace.
    pub(super) async fn objects(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
    ) -> Result<Api<DynamicObject>, KindError> {
        let version: kube::core::GroupVersion = api_version.parse()?;
        let wanted = version.with_kind(kind);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&wanted).cloned();
        let resource = match known {
            Some(resource) => resource,
            None => {
                let (resource, _) = kube::discovery::pinned_kind(&self.client, &wanted).await?;
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(wanted, resource.clone());
                resource
            }
        };
        Ok(Api::namespaced_with(self.client.clone(), namespace, &resource))
    }
}
