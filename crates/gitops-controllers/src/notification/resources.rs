//! What webhooks need: Secrets, objects by name or label, and the request to reconcile.

use futures::FutureExt;
use futures::future::BoxFuture;
use gitops_notify::receiver::{Candidate, Resources, Selection, Target, Trigger};
use gitops_notify::{Cause, ObjectKey, SecretData};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, ListParams, PartialObjectMeta, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};

use super::kinds::Kinds;
use crate::receiver::MANAGER;

/// How many objects are listed at once.
const PAGE: u32 = 500;

/// Reads and writes metadata alone, with the controller's own rights.
pub(super) struct ClusterResources {
    client: Client,
    kinds: Kinds,
}

impl ClusterResources {
    pub(super) fn new(client: Client, kinds: Kinds) -> Self {
        Self { client, kinds }
    }

    async fn read(&self, key: &ObjectKey) -> Result<Option<SecretData>, Cause> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &key.namespace);
        Ok(api.get_opt(&key.name).await?.as_ref().map(SecretData::from))
    }

    async fn matching(&self, target: &Target) -> Result<Vec<Candidate>, Cause> {
        let api = self.kinds.objects(&target.api_version, &target.kind, &target.namespace).await?;
        let labels = match &target.selection {
            Selection::Name(name) => return Ok(vec![candidate(&api.get_metadata(name).await?)?]),
            Selection::Labels(labels) => labels,
            _ => return Err("this way of choosing objects is not known".into()),
        };
        let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut params = ListParams::default().labels(&pairs.join(",")).limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = api.list_metadata(&params).await?;
            for object in &page.items {
                found.push(candidate(object)?);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    async fn ask(&self, trigger: &Trigger) -> Result<(), Cause> {
        let Trigger { api_version, kind, key, .. } = trigger;
        let api = self.kinds.objects(api_version, kind, &key.namespace).await?;
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        api.patch_metadata(&key.name, &params, &Patch::Merge(trigger.patch())).await?;
        Ok(())
    }
}

fn candidate(object: &PartialObjectMeta<DynamicObject>) -> Result<Candidate, Cause> {
    let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
    Ok(Candidate { key, metadata: serde_json::to_value(&object.metadata)? })
}

impl Resources for ClusterResources {
    fn secret<'a>(&'a self, secret: &'a ObjectKey) -> BoxFuture<'a, Result<Option<SecretData>, Cause>> {
        self.read(secret).boxed()
    }

    fn find<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Candidate>, Cause>> {
        self.matching(target).boxed()
    }

    fn trigger<'a>(&'a self, trigger: &'a Trigger) -> BoxFuture<'a, Result<(), Cause>> {
        self.ask(trigger).boxed()
    }
}
