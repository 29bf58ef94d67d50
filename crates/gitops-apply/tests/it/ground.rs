//! What every test stands on: a namespace of its own and an applier for it.

use std::sync::Arc;

use gitops_apply::{
    Applier, ApplyError, ApplyOptions, ApplyReport, ConfigMapInventory, EmptySet, FieldManager, OwnerLabels,
    client_for,
};
use gitops_manifest::{Manifests, ParseOptions, parse_objects};
use gitops_testkit::{AuditEntry, Cluster, require_cluster};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::Value;

pub(crate) const OWNER: &str = "kustomize.toolkit.fluxcd.io";

pub(crate) struct Ground {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) namespace: String,
    pub(crate) client: kube::Client,
}

impl Ground {
    pub(crate) async fn new() -> Option<Self> {
        let cluster = require_cluster().await?;
        let namespace = cluster.namespace().await.unwrap();
        let client = client_for(cluster.config().unwrap()).unwrap();
        Some(Ground { cluster, namespace, client })
    }

    pub(crate) fn applier(&self) -> Applier {
        self.applier_with(options())
    }

    pub(crate) fn applier_with(&self, options: ApplyOptions) -> Applier {
        Applier::new(self.client.clone(), FieldManager::new("kustomize-controller"))
            .owner(OwnerLabels::new(OWNER, "app", &self.namespace))
            .options(options)
            .inventory(self.inventory())
    }

    pub(crate) fn inventory(&self) -> ConfigMapInventory {
        ConfigMapInventory::new("app-inventory")
            .in_namespace(&self.namespace)
            .with_client(self.client.clone())
    }

    /// Parses manifests in which `$NS` stands for the namespace.
    pub(crate) fn manifests(&self, yaml: &str) -> Manifests {
        let yaml = yaml.replace("$NS", &self.namespace);
        parse_objects("test.yaml", yaml.as_bytes(), &ParseOptions::default()).unwrap().into()
    }

    pub(crate) async fn apply(&self, yaml: &str) -> Result<ApplyReport, ApplyError> {
        self.apply_by(&self.applier(), yaml).await
    }

    pub(crate) async fn apply_by(&self, applier: &Applier, yaml: &str) -> Result<ApplyReport, ApplyError> {
        let plan = applier.plan(&self.manifests(yaml)).await?;
        applier.apply(plan).await
    }

    pub(crate) fn api(&self, api_version: &str, kind: &str, plural: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    pub(crate) fn config_maps(&self) -> Api<DynamicObject> {
        self.api("v1", "ConfigMap", "configmaps")
    }

    /// Reads a ConfigMap; none when it does not exist.
    pub(crate) async fn config_map(&self, name: &str) -> Option<Value> {
        self.config_maps().get_opt(name).await.unwrap().map(|object| serde_json::to_value(object).unwrap())
    }

    pub(crate) async fn exists(&self, name: &str) -> bool {
        self.config_map(name).await.is_some()
    }

    /// Changes a ConfigMap as somebody else.
    pub(crate) async fn meddle(&self, name: &str, patch: Value) {
        let params = PatchParams { field_manager: Some("somebody".to_owned()), ..PatchParams::default() };
        self.config_maps().patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    /// Runs something and returns the requests that were made in the namespace meanwhile.
    pub(crate) async fn requests<T>(&self, work: impl Future<Output = T>) -> (T, Vec<AuditEntry>) {
        let mark = self.cluster.audit_mark().await.unwrap();
        let result = work.await;
        let entries = self.cluster.audit_since(mark).await.unwrap();
        (result, entries.into_iter().filter(|entry| entry.is_in(&self.namespace)).collect())
    }

    /// Runs something and returns the writes that were made in the namespace meanwhile, as `verb name`.
    pub(crate) async fn writes<T>(&self, work: impl Future<Output = T>) -> (T, Vec<String>) {
        let (result, entries) = self.requests(work).await;
        let writes = entries
            .iter()
            .filter(|entry| entry.is_write() && entry.user.username.starts_with("admin"))
            .map(|entry| {
                format!("{} {}", entry.verb, entry.object_ref.as_ref().map_or("", |object| &object.name))
            })
            .collect();
        (result, writes)
    }
}

pub(crate) fn options() -> ApplyOptions {
    let mut options = ApplyOptions::default();
    options.empty_set = EmptySet::PruneAll;
    options
}
