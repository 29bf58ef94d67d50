//! From the specification and its Secrets to a registry that can be asked. Sends nothing to the registry.

use gitops_api::image_v1::ImageRepository;
use gitops_api::{CloudProvider, reasons};
use gitops_runtime::queue::Requeue;
use gitops_source::oci::{
    ClientCertificate, DockerConfig, ImageName, OciClient, OciClients, OciOptions, RegistryCredentials,
    TokenServers,
};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client, ResourceExt};

use crate::report::Setback;
use crate::secrets::{self, Entries, server_text};

/// A registry that can be asked for the tags of one image.
pub(crate) struct Access {
    pub(crate) client: OciClient,
    pub(crate) credentials: RegistryCredentials,
}

/// Returns the access that an ImageRepository describes. Connections and tokens are those of the last time as long as the
/// description is.
pub(crate) async fn access(
    client: &Client,
    clients: &OciClients,
    object: &ImageRepository,
    image: &ImageName,
    strict: bool,
) -> Result<Access, Setback> {
    let spec = &object.spec;
    let namespace = object.namespace().unwrap_or_default();
    let mut options = OciOptions::default().with_timeout(super::timeout(object));
    if !strict {
        // As Flux: an existing registry may have its tokens from another domain.
        options = options.with_token_servers(TokenServers::Any);
    }
    if spec.insecure {
        options = options.allow_plain_http();
    }
    if let Some(reference) = &spec.proxy_secret_ref {
        let proxy = secrets::proxy(client, &namespace, &reference.name).await.map_err(failed)?;
        options = options.with_proxy(proxy);
    }
    let credentials = credentials(client, object, &namespace, image).await?;
    if let Some(reference) = &spec.cert_secret_ref {
        let entries = secret(client, &namespace, &reference.name).await?;
        options = with_certificates(options, &entries, &namespace, &reference.name)?;
    }
    let client = clients.get(&options).map_err(|error| failed(error.to_string()))?;
    Ok(Access { client, credentials })
}

/// The Secret that is named, or the pull secrets of the account that is named.
async fn credentials(
    client: &Client,
    object: &ImageRepository,
    namespace: &str,
    image: &ImageName,
) -> Result<RegistryCredentials, Setback> {
    let spec = &object.spec;
    if spec.provider != CloudProvider::Generic {
        let text = format!("provider '{}' is not supported yet; use secretRef", spec.provider);
        return Err(Setback::stalled(reasons::AUTHENTICATION_FAILED, text));
    }
    if let Some(reference) = &spec.secret_ref {
        let entries = secret(client, namespace, &reference.name).await?;
        return Ok(docker_config(&entries, namespace, &reference.name)?.credentials(image));
    }
    let Some(account) = spec.service_account_name.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(RegistryCredentials::anonymous());
    };
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let account = accounts.get(account).await.map_err(|error| failed(server_text(&error)))?;
    let mut merged = DockerConfig::default();
    for name in account.image_pull_secrets.into_iter().flatten().map(|reference| reference.name) {
        let entries = secret(client, namespace, &name).await?;
        merged = merged.merged(docker_config(&entries, namespace, &name)?);
    }
    Ok(merged.credentials(image))
}

async fn secret(client: &Client, namespace: &str, name: &str) -> Result<Entries, Setback> {
    Entries::of_secret(client, namespace, name).await.map_err(|error| failed(server_text(&error)))
}

fn docker_config(entries: &Entries, namespace: &str, name: &str) -> Result<DockerConfig, Setback> {
    let parsed = if let Some(json) = entries.bytes(".dockerconfigjson") {
        DockerConfig::parse(json)
    } else if let Some(json) = entries.bytes(".dockercfg") {
        DockerConfig::parse_legacy(json)
    } else {
        return Err(failed(format!("secret '{namespace}/{name}' has no key '.dockerconfigjson'")));
    };
    parsed.map_err(|error| failed(format!("secret '{namespace}/{name}': {error}")))
}

/// Adds the authority and the client's certificate of a Secret; the older names of its keys count too.
fn with_certificates(
    options: OciOptions,
    entries: &Entries,
    namespace: &str,
    name: &str,
) -> Result<OciOptions, Setback> {
    let either = |new: &str, old: &str| entries.bytes(new).or_else(|| entries.bytes(old)).map(<[u8]>::to_vec);
    let ca = either("ca.crt", "caFile");
    let certificate = either("tls.crt", "certFile");
    let key = entries.secret("tls.key").or_else(|| entries.secret("keyFile"));
    let refuse = |why: &str| Err(failed(format!("invalid '{namespace}/{name}' secret data: {why}")));
    let options = match ca {
        Some(ca) => options.with_ca(ca),
        None if certificate.is_none() && key.is_none() => {
            return refuse("requires either ca.crt or both tls.crt and tls.key");
        }
        None => options,
    };
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            Ok(options.with_client_certificate(ClientCertificate { certificate, key }))
        }
        (None, None) => Ok(options),
        _ => refuse("requires both tls.crt and tls.key"),
    }
}

fn failed(text: String) -> Setback {
    let message = format!("failed to configure authentication options: {text}");
    Setback::failed(reasons::AUTHENTICATION_FAILED, message, Requeue::Backoff)
}
