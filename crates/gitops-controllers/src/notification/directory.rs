//! What the dispatcher needs to know, read from the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use gitops_api::LocalObjectReference;
use gitops_api::notification_v1beta3::Provider;
use gitops_notify::provider::Credentials;
use gitops_notify::{Cause, Directory, ObjectKey, ProviderRecord, SecretData};
use gitops_runtime::informer::Informer;
use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use kube::{Api, Client};

use super::kinds::Kinds;

/// Providers from the informer, their Secrets and the labels of objects from the server: a Secret that has just changed
/// counts, as in Flux.
pub(super) struct ClusterDirectory {
    client: Client,
    providers: Arc<Informer<Provider>>,
    kinds: Kinds,
}

impl ClusterDirectory {
    pub(super) fn new(client: Client, providers: Arc<Informer<Provider>>, kinds: Kinds) -> Self {
        Self { client, providers, kinds }
    }

    async fn read(&self, key: &ObjectKey) -> Result<Option<ProviderRecord>, Cause> {
        let provider = match self.providers.get(&key.namespace, &key.name) {
            Some(provider) => Provider::clone(&provider),
            // It may have been made a moment ago.
            None => {
                let api: Api<Provider> = Api::namespaced(self.client.clone(), &key.namespace);
                let Some(provider) = api.get_opt(&key.name).await? else { return Ok(None) };
                provider
            }
        };
        let mut credentials = Credentials::default();
        let spec = &provider.spec;
        credentials.secret = self.secret(&key.namespace, spec.secret_ref.as_ref()).await?;
        credentials.certificates = self.secret(&key.namespace, spec.cert_secret_ref.as_ref()).await?;
        credentials.proxy = self.secret(&key.namespace, spec.proxy_secret_ref.as_ref()).await?;
        Ok(Some(ProviderRecord::new(provider, credentials)))
    }

    async fn secret(
        &self,
        namespace: &str,
        reference: Option<&LocalObjectReference>,
    ) -> Result<Option<SecretData>, Cause> {
        let Some(reference) = reference else { return Ok(None) };
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        Ok(api.get_opt(&reference.name).await?.as_ref().map(SecretData::from))
    }

    async fn metadata(&self, object: &ObjectReference) -> Result<Option<BTreeMap<String, String>>, Cause> {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let (version, kind) = (part(&object.api_version), part(&object.kind));
        let api = self.kinds.objects(&version, &kind, &part(&object.namespace)).await?;
        let found = api.get_metadata_opt(&part(&object.name)).await?;
        Ok(found.map(|object| object.metadata.labels.unwrap_or_default()))
    }
}

impl Directory for ClusterDirectory {
    fn provider<'a>(
        &'a self,
        provider: &'a ObjectKey,
    ) -> BoxFuture<'a, Result<Option<ProviderRecord>, Cause>> {
        self.read(provider).boxed()
    }

    fn labels<'a>(
        &'a self,
        object: &'a ObjectReference,
    ) -> BoxFuture<'a, Result<Option<BTreeMap<String, String>>, Cause>> {
        self.metadata(object).boxed()
    }
}
