//! An inventory in a ConfigMap, for owners without a kind of their own.

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use serde_json::{Value, json};

use super::{Inventory, InventoryEntry, InventoryError, InventoryStore};
use crate::calls::{CallOptions, Calls};
use crate::cluster::encode;
use crate::failure::CallFailure;
use crate::fields::{at, resource_version};

const KEY: &str = "inventory";
const LABEL: &str = "gitops.sdk/inventory";
const MANAGER: &str = "gitops-apply-inventory";
/// A ConfigMap holds 1 MiB of data; beyond this an inventory is refused before anything is applied.
const LARGEST: usize = 1024 * 1024 - 1024;

/// Keeps the inventory in a ConfigMap: a JSON list under the key `inventory`.
///
/// The ConfigMap is made at the first claim. Every write names the version it is based on, so that two appliers of
/// the same name cannot overwrite each other unseen.
#[derive(Clone)]
pub struct ConfigMapInventory {
    name: String,
    namespace: Option<String>,
    calls: Option<Calls>,
}

impl ConfigMapInventory {
    /// Returns an inventory in the ConfigMap of that name, in the client's own namespace.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        ConfigMapInventory { name: name.into(), namespace: None, calls: None }
    }

    /// Sets the namespace of the ConfigMap.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets the client by which the ConfigMap is kept; without one, an applier lends its own.
    #[must_use]
    pub fn with_client(mut self, client: kube::Client) -> Self {
        self.calls = Some(Calls::new(client, CallOptions::default()));
        self
    }

    fn store(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        crate::fields::subject("ConfigMap", namespace, &self.name)
    }

    fn access(&self, failure: CallFailure) -> InventoryError {
        if failure.is_conflict() {
            InventoryError::Contended { store: self.store() }
        } else {
            InventoryError::Access { store: self.store(), source: Box::new(failure) }
        }
    }

    fn reach(&self) -> Result<(&Calls, String), InventoryError> {
        let calls = self.calls.as_ref().ok_or_else(|| InventoryError::Access {
            store: self.store(),
            source: "no client was given; use with_client, or hand it to an Applier".into(),
        })?;
        let namespace = self.namespace.as_deref().unwrap_or_else(|| calls.client().default_namespace());
        Ok((calls, format!("/api/v1/namespaces/{}/configmaps", encode(namespace))))
    }

    async fn read(&self) -> Result<Option<Value>, InventoryError> {
        let (calls, collection) = self.reach()?;
        match calls.get(&format!("{collection}/{}", encode(&self.name))).await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(self.access(failure)),
        }
    }

    fn parse(&self, object: &Value) -> Result<Inventory, InventoryError> {
        let damaged = |what: String| InventoryError::Damaged { store: self.store(), what };
        let text = at(object, &["data", KEY])
            .and_then(Value::as_str)
            .ok_or_else(|| damaged(format!("it has no key '{KEY}'; delete the ConfigMap to start anew")))?;
        let entries: Vec<InventoryEntry> = serde_json::from_str(text)
            .map_err(|error| damaged(format!("its key '{KEY}' is no list of entries: {error}")))?;
        Ok(entries.into_iter().collect())
    }

    async fn write(&self, inventory: &Inventory) -> Result<(), InventoryError> {
        let (calls, collection) = self.reach()?;
        let live = self.read().await?;
        let text = serde_json::to_string(&inventory.iter().collect::<Vec<_>>())
            .map_err(|error| InventoryError::Access { store: self.store(), source: Box::new(error) })?;
        if text.len() > LARGEST {
            let what =
                format!("{} entries need {} bytes, a ConfigMap holds {LARGEST}", inventory.len(), text.len());
            return Err(InventoryError::Damaged { store: self.store(), what });
        }
        let mut object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self.name, "labels": {LABEL: "true"}},
            "data": {KEY: text},
        });
        let (method, path) = match &live {
            None => (Method::POST, format!("{collection}?fieldManager={MANAGER}")),
            Some(live) => {
                if at(live, &["data", KEY]) == at(&object, &["data", KEY]) {
                    return Ok(());
                }
                object["metadata"]["resourceVersion"] = json!(resource_version(live));
                (Method::PUT, format!("{collection}/{}?fieldManager={MANAGER}", encode(&self.name)))
            }
        };
        let body = Bytes::from(object.to_string());
        match calls.send(method, &path, Some("application/json"), body).await {
            Ok(_) => Ok(()),
            // A repeated call meets its own first try: the content decides.
            Err(failure) if failure.is_conflict() => match self.read().await? {
                Some(now) if at(&now, &["data", KEY]) == at(&object, &["data", KEY]) => Ok(()),
                _ => Err(self.access(failure)),
            },
            Err(failure) => Err(self.access(failure)),
        }
    }
}

impl InventoryStore for ConfigMapInventory {
    fn load(&self) -> BoxFuture<'_, Result<Inventory, InventoryError>> {
        async move {
            match self.read().await? {
                Some(object) => self.parse(&object),
                None => Ok(Inventory::new()),
            }
        }
        .boxed()
    }

    fn claim<'a>(&'a self, inventory: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>> {
        self.write(inventory).boxed()
    }

    fn commit<'a>(&'a self, inventory: &'a Inventory) -> BoxFuture<'a, Result<(), InventoryError>> {
        self.write(inventory).boxed()
    }

    fn lend(&mut self, client: &kube::Client) {
        if self.calls.is_none() {
            *self = self.clone().with_client(client.clone());
        }
    }
}
