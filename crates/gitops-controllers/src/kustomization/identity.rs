//! With whose rights a Kustomization is applied, and to which cluster.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gitops_api::kustomize_v1::Kustomization;
use gitops_api::reasons;
use gitops_apply::{Discovery, client_for};
use gitops_runtime::queue::Requeue;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use secrecy::ExposeSecret;

use crate::context::Shared;
use crate::report::{Setback, Tell};
use crate::secrets::{Entries, server_text};

/// A client with the rights of one identity, and what the cluster serves.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) client: Client,
    pub(super) discovery: Discovery,
}

/// The identities in use: a client keeps its connections, and the discovery is asked once.
#[derive(Default)]
pub(super) struct Identities {
    known: Mutex<HashMap<String, Identity>>,
    own: Discovery,
}

impl Identities {
    /// Returns the identity that applies a Kustomization: the account that it names, or the default one, or the
    /// controller itself.
    pub(super) async fn of(&self, shared: &Shared, object: &Kustomization) -> Result<Identity, Setback> {
        let account = account(shared, object);
        if object.spec.kube_config.is_some() {
            let mut config = remote_config(shared, object).await?;
            impersonate(&mut config, object, account.as_deref());
            let client =
                client_for(config).map_err(|e| failed(format!("failed to build kube client: {e}")))?;
            return Ok(Identity { client, discovery: Discovery::new() });
        }
        let Some(account) = account else {
            return Ok(Identity { client: shared.client.clone(), discovery: self.own.clone() });
        };
        let user = user(object, &account);
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&user) {
            return Ok(known.clone());
        }
        let mut config = shared.config.clone();
        impersonate(&mut config, object, Some(&account));
        let client = client_for(config).map_err(|e| failed(format!("failed to build kube client: {e}")))?;
        let identity = Identity { client, discovery: Discovery::new() };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(user, identity.clone());
        Ok(identity)
    }
}

/// Returns the account whose rights are used; an empty name is none, never "nobody in particular".
pub(super) fn account(shared: &Shared, object: &Kustomization) -> Option<String> {
    let named = object.spec.service_account_name.clone().filter(|name| !name.is_empty());
    named.or_else(|| shared.options.default_service_account.clone().filter(|name| !name.is_empty()))
}

fn user(object: &Kustomization, account: &str) -> String {
    format!("system:serviceaccount:{}:{account}", object.namespace().unwrap_or_default())
}

fn impersonate(config: &mut Config, object: &Kustomization, account: Option<&str>) {
    if let Some(account) = account {
        config.auth_info.impersonate = Some(user(object, account));
        config.auth_info.impersonate_groups = None;
    }
}

/// Reads the cluster's address and credentials from a Secret. Only inline data is taken: no program is run, no file of this
/// machine is read, and TLS is verified.
async fn remote_config(shared: &Shared, object: &Kustomization) -> Result<Config, Setback> {
    let reference = object.spec.kube_config.clone().unwrap_or_default();
    let Some(secret) = reference.secret_ref else {
        return Err(Setback::stalled(
            reasons::RECONCILIATION_FAILED,
            "kubeConfig.configMapRef is not supported yet; use kubeConfig.secretRef",
        ));
    };
    let namespace = object.namespace().unwrap_or_default();
    let entries = Entries::of_secret(&shared.client, &namespace, &secret.name).await.map_err(|error| {
        let text = format!(
            "unable to read KubeConfig secret '{namespace}/{}' error: {}",
            secret.name,
            server_text(&error)
        );
        let told = format!("failed to build kube client: {text}");
        failed(text).telling(Tell::Error(told))
    })?;
    let keys = match &secret.key {
        Some(key) => vec![key.as_str()],
        None => vec!["value", "value.yaml"],
    };
    let Some(text) = keys.iter().find_map(|key| entries.secret(key)) else {
        return Err(failed(format!(
            "KubeConfig secret '{namespace}/{}' does not contain '{}'",
            secret.name, keys[0]
        )));
    };
    let config = Kubeconfig::from_yaml(text.expose_secret()).map(only_inline);
    // The library's error may repeat the text, so it is not told.
    let bad =
        || failed(format!("KubeConfig secret '{namespace}/{}' is not a usable kubeconfig", secret.name));
    let config = config.map_err(|_| bad())?;
    Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.map_err(|_| bad())
}

/// Keeps the fields that are data and drops those that run programs, read files or switch off TLS.
fn only_inline(mut config: Kubeconfig) -> Kubeconfig {
    for cluster in config.clusters.iter_mut().filter_map(|c| c.cluster.as_mut()) {
        cluster.certificate_authority = None;
        cluster.insecure_skip_tls_verify = None;
    }
    for user in config.auth_infos.iter_mut().filter_map(|u| u.auth_info.as_mut()) {
        user.exec = None;
        user.auth_provider = None;
        user.token_file = None;
        user.client_certificate = None;
        user.client_key = None;
        user.impersonate = None;
        user.impersonate_groups = None;
    }
    config
}

fn failed(message: String) -> Setback {
    Setback::failed(reasons::RECONCILIATION_FAILED, message, Requeue::Backoff)
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}
