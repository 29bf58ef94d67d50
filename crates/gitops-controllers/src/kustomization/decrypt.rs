//! What SOPS has encrypted: the keys of `spec.decryption`, and the services that hold keys.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use gitops_api::kustomize_v1::{DecryptionProvider, Kustomization, KustomizationSpec};
use gitops_api::{annotations, reasons};
use gitops_cloud::{
    AwsCredentials, AwsKey, AwsKms, AzureCredentials, AzureKeyVault, CloudError, GcpCredentials, GcpKms,
    Http, HttpOptions, VaultTransit,
};
use gitops_kustomize::Kustomize;
use gitops_kustomize::decrypt::{
    Decryptor, KeyFuture, KeyService, KeyServiceError, Keyring, MasterKey, Strictness,
};
use gitops_manifest::{Document, FileTree, Manifests, ParseOptions, parse};
use gitops_runtime::queue::Requeue;
use kube::ResourceExt;
use serde_json::Value;

use crate::context::Shared;
use crate::report::Setback;
use crate::secrets::{Entries, is_not_found, server_text};

/// The endings of the names of keys in the Secret, and the names of credentials in it.
const AGE: &str = "agekey";
const PGP: &str = "asc";
const AWS: &str = "sops.aws-kms";
const AZURE: &str = "sops.azure-kv";
const GCP: &str = "sops.gcp-kms";
const VAULT: &str = "sops.vault-token";

/// Refuses an identity for decryption that Flux has behind a gate, which is closed unless somebody opens it.
pub(super) fn check_identity(spec: &KustomizationSpec) -> Result<(), Setback> {
    let account = spec.decryption.as_ref().and_then(|decryption| decryption.service_account_name.as_deref());
    match account {
        None | Some("") => Ok(()),
        Some(_) => {
            let text = "to use spec.decryption.serviceAccountName for decryption authentication please enable the \
                        ObjectLevelWorkloadIdentity feature gate in the controller";
            Err(Setback::stalled(reasons::FEATURE_GATE_DISABLED, text))
        }
    }
}

/// Returns what decrypts for an object, nothing where it asks for no decryption.
///
/// # Difference from Flux
/// Flux never checks a MAC. Here it is checked with `--strict`, or where the object has the annotation
/// `kustomize.toolkit.fluxcd.io/strict: enabled`.
pub(super) async fn decryptor(
    shared: &Shared,
    object: &Kustomization,
    again: Requeue,
) -> Result<Option<Decryptor>, Setback> {
    let Some(decryption) = &object.spec.decryption else { return Ok(None) };
    if decryption.provider != DecryptionProvider::Sops {
        return Ok(None);
    }
    let keys = match &decryption.secret_ref {
        None => Keyring::new(),
        Some(reference) => {
            let namespace = object.namespace().unwrap_or_default();
            let secret = format!("'{namespace}/{}'", reference.name);
            let read = Entries::of_secret(&shared.client, &namespace, &reference.name).await;
            let entries = read.map_err(|error| {
                let text = server_text(&error);
                let missing = is_not_found(&error);
                failed(
                    if missing {
                        text
                    } else {
                        format!("cannot get sops decryption Secret {secret}: {text}")
                    },
                    again,
                )
            })?;
            keyring(&entries).map_err(|(name, why)| {
                failed(
                    format!("failed to import '{name}' data from sops decryption Secret {secret}: {why}"),
                    again,
                )
            })?
        }
    };
    let asks =
        object.annotations().get(annotations::STRICT).is_some_and(|value| value == annotations::ENABLED);
    let strictness = if asks || shared.options.strict { Strictness::Safe } else { Strictness::Flux };
    Ok(Some(Decryptor::new(keys).strictness(strictness)))
}

/// Builds with decrypted sources, and decrypts what was built.
pub(super) async fn build(
    decryptor: &Decryptor,
    kustomize: &Kustomize,
    tree: &dyn FileTree,
    again: Requeue,
) -> Result<Manifests, Setback> {
    let sources =
        decryptor.sources(tree, kustomize).await.map_err(|error| failed(error.to_string(), again))?;
    let built = kustomize.build(&sources).map_err(|error| failed(error.to_string(), again))?;
    decryptor.objects(built).await.map_err(|error| failed(error.to_string(), again))
}

fn failed(text: String, again: Requeue) -> Setback {
    Setback::failed(reasons::BUILD_FAILED, text, again)
}

/// Takes every key and credential that a Secret holds. An error names the entry and tells nothing of it.
fn keyring(entries: &Entries) -> Result<Keyring, (String, String)> {
    let mut keys = Keyring::new();
    let mut services = Services::default();
    for (name, content) in entries.iter() {
        let wrong = |why: String| (name.to_owned(), why);
        let text = || String::from_utf8_lossy(content);
        let cloud = |error: CloudError| wrong(error.to_string());
        match Path::new(name).extension().and_then(|ending| ending.to_str()) {
            Some(AGE) => keys.import_age(&text()).map_err(|error| wrong(error.to_string()))?,
            Some(PGP) => keys.import_pgp(content).map_err(|error| wrong(error.to_string()))?,
            _ => {}
        }
        match name {
            AWS => {
                let credentials =
                    AwsCredentials::from_value(&yaml(content).map_err(wrong)?).map_err(cloud)?;
                services.aws = Some(AwsKms::new(http().map_err(wrong)?, credentials));
            }
            AZURE => {
                let credentials =
                    AzureCredentials::from_value(&yaml(content).map_err(wrong)?).map_err(cloud)?;
                services.azure = Some(AzureKeyVault::new(http().map_err(wrong)?, credentials));
            }
            GCP => {
                let credentials = GcpCredentials::from_json(text().trim()).map_err(cloud)?;
                services.gcp = Some(GcpKms::new(http().map_err(wrong)?, credentials));
            }
            VAULT => services.vault = Some(VaultTransit::new(http().map_err(wrong)?, text().trim())),
            _ => {}
        }
    }
    Ok(keys.with_service(Arc::new(services)))
}

/// Returns the one client for all clouds; it is made when the first credential is seen.
fn http() -> Result<Http, String> {
    static HTTP: OnceLock<Http> = OnceLock::new();
    if let Some(known) = HTTP.get() {
        return Ok(known.clone());
    }
    let made = Http::new(HttpOptions::default()).map_err(|error| error.to_string())?;
    Ok(HTTP.get_or_init(|| made).clone())
}

/// Reads credentials that are YAML. The parser's words are not told: they may repeat a value.
fn yaml(content: &[u8]) -> Result<Value, String> {
    let documents = parse("credentials", content, &ParseOptions::kubectl());
    let value = documents.ok().and_then(|documents| documents.into_iter().next()).map(Document::into_value);
    value.filter(Value::is_object).ok_or_else(|| "it is no YAML with fields".to_owned())
}

/// The services that the Secret has credentials for.
#[derive(Debug, Default)]
struct Services {
    aws: Option<AwsKms>,
    azure: Option<AzureKeyVault>,
    gcp: Option<GcpKms>,
    vault: Option<VaultTransit>,
}

impl KeyService for Services {
    fn decrypt<'a>(&'a self, key: &'a MasterKey) -> Option<KeyFuture<'a>> {
        let told = |error: CloudError| KeyServiceError::new(error.to_string()).with_source(error);
        match key {
            MasterKey::Aws { arn, role, context, encrypted } => {
                let kms = self.aws.as_ref()?;
                let key = AwsKey {
                    arn: arn.clone(),
                    role: role.clone(),
                    context: context.clone(),
                    encrypted: encrypted.clone(),
                };
                Some(Box::pin(async move { kms.decrypt(&key).await.map_err(told) }))
            }
            MasterKey::Gcp { resource_id, encrypted } => {
                let kms = self.gcp.as_ref()?;
                Some(Box::pin(async move { kms.decrypt(resource_id, encrypted).await.map_err(told) }))
            }
            MasterKey::Azure { vault_url, name, version, encrypted } => {
                let vault = self.azure.as_ref()?;
                Some(Box::pin(async move {
                    vault.decrypt(vault_url, name, version, encrypted).await.map_err(told)
                }))
            }
            MasterKey::Vault { address, engine_path, name, encrypted } => {
                let vault = self.vault.as_ref()?;
                Some(Box::pin(async move {
                    vault.decrypt(address, engine_path, name, encrypted).await.map_err(told)
                }))
            }
            _ => None,
        }
    }
}
