//! Adding and removing a finalizer without overwriting anybody else's.
//!
//! Both use a JSON patch whose first operation tests what is there, so that a concurrent change makes the server refuse
//! the patch instead of losing an entry.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The finalizer that all of Flux's controllers use.
pub const FLUX_FINALIZER: &str = "finalizers.fluxcd.io";

/// Returns the JSON patch that adds the finalizer, or nothing when it is there.
pub fn addition(present: &[String], finalizer: &str) -> Option<Value> {
    if present.iter().any(|f| f == finalizer) {
        return None;
    }
    Some(if present.is_empty() {
        json!([
            { "op": "test", "path": "/metadata/finalizers", "value": null },
            { "op": "add", "path": "/metadata/finalizers", "value": [finalizer] },
        ])
    } else {
        json!([
            { "op": "test", "path": "/metadata/finalizers", "value": present },
            { "op": "add", "path": "/metadata/finalizers/-", "value": finalizer },
        ])
    })
}

/// Returns the JSON patch that removes the finalizer, or nothing when it is not there.
pub fn removal(present: &[String], finalizer: &str) -> Option<Value> {
    let index = present.iter().position(|f| f == finalizer)?;
    let path = format!("/metadata/finalizers/{index}");
    Some(json!([
        { "op": "test", "path": path, "value": finalizer },
        { "op": "remove", "path": path },
    ]))
}

/// Adds the finalizer if it is missing. Returns the object as the server has it now.
///
/// # Errors
/// The server's error; a conflict with a concurrent change is one of them and is worth another try.
pub async fn ensure<K>(client: &Client, object: &K, finalizer: &str) -> Result<Option<K>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    send(client, object, addition(object.finalizers(), finalizer)).await
}

/// Removes the finalizer if it is there; an object that is already gone is fine.
///
/// # Errors
/// The server's error.
pub async fn remove<K>(client: &Client, object: &K, finalizer: &str) -> Result<(), kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    match send(client, object, removal(object.finalizers(), finalizer)).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(|_| ()),
    }
}

async fn send<K>(client: &Client, object: &K, patch: Option<Value>) -> Result<Option<K>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let Some(patch) = patch else { return Ok(None) };
    let patch: json_patch::Patch = serde_json::from_value(patch).map_err(kube::Error::SerdeError)?;
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    api.patch(&object.name_any(), &PatchParams::default(), &Patch::<()>::Json(patch)).await.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_test_what_they_change() {
        let other = vec!["example.org/other".to_owned()];
        let both = vec!["example.org/other".to_owned(), FLUX_FINALIZER.to_owned()];
        assert_eq!(addition(&both, FLUX_FINALIZER), None);
        assert_eq!(removal(&other, FLUX_FINALIZER), None);
        assert_eq!(removal(&both, FLUX_FINALIZER).unwrap()[0]["path"], "/metadata/finalizers/1");
        assert_eq!(addition(&other, FLUX_FINALIZER).unwrap()[1]["path"], "/metadata/finalizers/-");
    }
}
