//! From the specification and its Secrets to a remote that can be asked. Reads Secrets; sends nothing to the remote.

use gitops_api::source_v1::{GitProvider, GitRepository};
use gitops_api::{conditions, reasons};
use gitops_runtime::queue::Requeue;
use gitops_source::git::{ClientCertificate, GitAuth, GitReference, GitRemote};
use kube::{Client, ResourceExt};

use crate::report::Setback;
use crate::secrets::{self, Entries, server_text};

/// Returns the remote of a GitRepository with its credentials, authorities and proxy.
pub(super) async fn remote(client: &Client, object: &GitRepository) -> Result<GitRemote, Setback> {
    let spec = &object.spec;
    let namespace = object.namespace().unwrap_or_default();
    check_provider(object)?;
    let mut remote = GitRemote::new(&spec.url).with_timeout(super::timeout(object));
    if let Some(reference) = &spec.proxy_secret_ref {
        let proxy = secrets::proxy(client, &namespace, &reference.name).await;
        let proxy =
            proxy.map_err(|text| authentication(format!("failed to configure proxy options: {text}")))?;
        remote = remote.with_proxy(proxy);
    }
    let entries = match &spec.secret_ref {
        Some(reference) => {
            Entries::of_secret(client, &namespace, &reference.name).await.map_err(|error| {
                authentication(format!(
                    "failed to get secret '{namespace}/{}': {}",
                    reference.name,
                    server_text(&error)
                ))
            })?
        }
        None => Entries::default(),
    };
    if spec.url.starts_with("ssh://") {
        return Err(ssh(&entries));
    }
    if let Some(ca) = entries.bytes("ca.crt").or_else(|| entries.bytes("caFile")) {
        remote = remote.with_ca(ca);
    }
    if let (Some(certificate), Some(key)) = (entries.bytes("tls.crt"), entries.secret("tls.key")) {
        remote = remote.with_client_certificate(ClientCertificate { certificate: certificate.to_vec(), key });
    }
    Ok(remote.with_auth(credentials(&entries)?))
}

/// Returns which commit is wanted.
pub(super) fn reference(object: &GitRepository) -> GitReference {
    let wanted = object.spec.reference.clone().unwrap_or_default();
    let text = |value: Option<String>| value.filter(|v| !v.is_empty());
    GitReference {
        branch: text(wanted.branch),
        tag: text(wanted.tag),
        semver: text(wanted.semver),
        name: text(wanted.name),
        commit: text(wanted.commit),
    }
}

fn check_provider(object: &GitRepository) -> Result<(), Setback> {
    let refused = |message: &str| {
        let setback = Setback::stalled(reasons::INVALID_PROVIDER_CONFIGURATION, message);
        Err(setback.with_condition(conditions::FETCH_FAILED))
    };
    match &object.spec.provider {
        None | Some(GitProvider::Generic) => Ok(()),
        Some(GitProvider::GitHub) if object.spec.secret_ref.is_none() => {
            refused("secretRef with github app data must be specified when provider is set to github")
        }
        Some(other) => refused(&format!("provider '{other}' is not supported yet; use a token in secretRef")),
    }
}

/// A bearer token wins over a password when both are there, as in Flux.
fn credentials(entries: &Entries) -> Result<GitAuth, Setback> {
    if let Some(token) = entries.secret("bearerToken") {
        return Ok(GitAuth::Bearer(token));
    }
    match (entries.text("username"), entries.secret("password")) {
        (Some(username), Some(password)) => Ok(GitAuth::Basic { username, password }),
        (Some(_), None) => Err(authentication(
            "failed to configure authentication options: invalid 'http' auth option: 'password' is required when 'username' is set"
                .to_owned(),
        )),
        (None, Some(_)) => Err(authentication(
            "failed to configure authentication options: invalid 'http' auth option: 'username' is required when 'password' is set"
                .to_owned(),
        )),
        (None, None) => Ok(GitAuth::Anonymous),
    }
}

/// What is missing for ssh, or that it cannot be used yet.
fn ssh(entries: &Entries) -> Setback {
    let missing =
        ["identity", "known_hosts"].into_iter().find(|key| entries.bytes(key).is_none_or(<[u8]>::is_empty));
    authentication(match missing {
        Some(key) => {
            format!(
                "failed to configure authentication options: invalid 'ssh' auth option: '{key}' is required"
            )
        }
        None => {
            "failed to configure authentication options: ssh:// addresses are not supported yet; use https://"
                .to_owned()
        }
    })
}

fn authentication(message: String) -> Setback {
    Setback::failed(reasons::AUTHENTICATION_FAILED, message, Requeue::Backoff)
        .with_condition(conditions::FETCH_FAILED)
}
