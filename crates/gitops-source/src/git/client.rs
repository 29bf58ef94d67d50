//! The HTTP client of a remote: its authorities, certificate and proxy.

use std::sync::OnceLock;

use reqwest::Client;
use url::Url;

use super::remote::GitRemote;
use crate::connection::{self, Access};
use crate::error::SourceError;

/// Returns the client to ask a remote with. Remotes without anything of their own share one, and so its
/// connections; credentials are not part of a client but of each request.
pub(super) fn client_of(remote: &GitRemote, endpoint: &Url) -> Result<Client, SourceError> {
    let access = Access {
        ca: remote.ca.as_deref(),
        client_certificate: remote.client_certificate.as_ref(),
        proxy: remote.proxy.as_ref(),
        // Go never asks a proxy of the environment for an address of this machine; nor do we.
        local: connection::is_local(endpoint.host()),
    };
    let build = || {
        connection::client(access).map_err(|refused| SourceError::GitAccess {
            url: remote.address(),
            reason: refused.reason,
            source: refused.source.map(Into::into),
        })
    };
    if access.ca.is_some() || access.client_certificate.is_some() || access.proxy.is_some() {
        return build();
    }
    static SHARED: OnceLock<Client> = OnceLock::new();
    static LOCAL: OnceLock<Client> = OnceLock::new();
    let cell = if access.local { &LOCAL } else { &SHARED };
    if let Some(client) = cell.get() {
        return Ok(client.clone());
    }
    let built = build()?;
    Ok(cell.get_or_init(|| built).clone())
}
