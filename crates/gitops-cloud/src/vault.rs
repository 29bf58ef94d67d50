//! HashiCorp Vault and OpenBao: the transit engine.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::json;
use url::Url;

use crate::error::CloudError;
use crate::http::{Call, Http, address};

const VAULT: &str = "Vault";

/// Opens data keys with the transit engine of Vault or OpenBao.
///
/// The server's address comes with the key, out of a file of the repository, and the token is sent to it: whoever may write
/// to the repository can have it sent anywhere. [`VaultTransit::only_at`] says to which servers it may go.
pub struct VaultTransit {
    http: Http,
    token: SecretString,
    namespace: Option<String>,
    allowed: Option<Vec<Url>>,
}

impl fmt::Debug for VaultTransit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultTransit").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl VaultTransit {
    /// Returns a client with this token.
    pub fn new(http: Http, token: impl Into<String>) -> Self {
        Self { http, token: SecretString::from(token.into()), namespace: None, allowed: None }
    }

    /// Works inside a namespace of Vault Enterprise.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), ..self }
    }

    /// Sends the token to these servers alone.
    ///
    /// # Errors
    /// [`CloudError::Key`] when one is no address of a web server.
    ///
    /// # Difference from Flux
    /// Without this, as in Flux, it is sent to any server that a file names.
    pub fn only_at<'a>(self, servers: impl IntoIterator<Item = &'a str>) -> Result<Self, CloudError> {
        let servers = servers.into_iter().map(|server| address(VAULT, server));
        Ok(Self { allowed: Some(servers.collect::<Result<_, _>>()?), ..self })
    }

    /// Decrypts a data key, `vault:v1:…`, with a key of an engine.
    ///
    /// # Errors
    /// A [`CloudError`]: the address, the engine or the key cannot be part of a request or is refused, or there is no
    /// answer.
    pub async fn decrypt(
        &self,
        address: &str,
        engine_path: &str,
        key: &str,
        encrypted: &str,
    ) -> Result<SecretSlice<u8>, CloudError> {
        let url = self.url(address, engine_path, key)?;
        let mut headers = vec![
            ("x-vault-token", self.token.expose_secret()),
            ("x-vault-request", "true"),
            ("content-type", "application/json"),
        ];
        if let Some(namespace) = &self.namespace {
            headers.push(("x-vault-namespace", namespace));
        }
        let body = json!({ "ciphertext": encrypted }).to_string();
        let answer = self.http.json(&Call { service: VAULT, url, headers, body }).await?;
        let plain = answer["data"]["plaintext"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        plain.map(Into::into).ok_or(CloudError::Answer { service: VAULT, reason: "it has no plaintext" })
    }

    fn url(&self, server: &str, engine_path: &str, key: &str) -> Result<Url, CloudError> {
        let refused = |what: String| CloudError::Key { service: VAULT, what };
        let mut url = address(VAULT, server)?;
        if let Some(allowed) = &self.allowed
            && !allowed.iter().any(|server| server.origin() == url.origin())
        {
            let host = crate::http::host_of(&url);
            return Err(refused(format!("'{host}' is not among the servers that may have the token")));
        }
        let steps: Vec<&str> = engine_path.split('/').filter(|step| !step.is_empty()).collect();
        let strange =
            |step: &str| step.is_empty() || matches!(step, "." | "..") || step.contains(['/', '\\']);
        if steps.is_empty() || steps.iter().any(|step| strange(step)) || strange(key) {
            return Err(refused(format!("'{engine_path}' and '{key}' are not an engine and a key of it")));
        }
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut()
            .map_err(|()| refused("the address has no path".to_owned()))?
            .pop_if_empty()
            .push("v1")
            .extend(steps)
            .push("decrypt")
            .push(key);
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpOptions;

    #[test]
    fn the_address_is_made_of_its_parts_and_nothing_else() {
        let http = Http::new(HttpOptions::default()).expect("a client");
        let vault = VaultTransit::new(http, "t").only_at(["https://vault.example:8200"]).expect("an address");
        let check = |address: &str, engine: &str, key: &str, want: Option<&str>| {
            let got = vault.url(address, engine, key).ok().map(String::from);
            assert_eq!(got.as_deref(), want, "{address} {engine} {key}");
        };
        let at = "https://vault.example:8200";
        check(at, "sops", "prod", Some("https://vault.example:8200/v1/sops/decrypt/prod"));
        check(
            &format!("{at}/"),
            "/team/sops/",
            "a b",
            Some("https://vault.example:8200/v1/team/sops/decrypt/a%20b"),
        );
        check(
            &format!("{at}/sub?x=1#y"),
            "s",
            "k?z",
            Some("https://vault.example:8200/sub/v1/s/decrypt/k%3Fz"),
        );
        check("https://evil.example", "sops", "prod", None);
        check("http://vault.example:8200", "sops", "prod", None);
        check("file:///etc", "sops", "prod", None);
        check(at, "..", "prod", None);
        check(at, "sops", "../sys/seal", None);
        check(at, "", "prod", None);
    }
}
