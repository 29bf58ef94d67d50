//! Azure: keys of Key Vault and Managed HSM.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::error::CloudError;
use crate::http::{Call, Http, address};
use crate::token::Kept;

const VAULT: &str = "Azure Key Vault";
const LOGIN: &str = "Microsoft Entra ID";

/// The version of Key Vault's API.
const API_VERSION: &str = "7.4";

/// The ends of the names of all vaults, which are also what a token is for. A token is sent nowhere else, because the
/// address of a vault comes from a file of the repository.
const DOMAINS: [&str; 6] = [
    "vault.azure.net",
    "vault.azure.cn",
    "vault.usgovcloudapi.net",
    "managedhsm.azure.net",
    "managedhsm.azure.cn",
    "managedhsm.usgovcloudapi.net",
];

/// Who we are to Azure.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AzureCredentials {
    /// An application with a secret.
    ClientSecret {
        /// The tenant's id.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// Where tokens are given out.
        authority: String,
    },
    /// A token that somebody else has obtained.
    Token(SecretString),
}

impl AzureCredentials {
    /// Reads credentials in the form of Flux's `sops.azure-kv`: `tenantId`, `clientId` and `clientSecret` (or `tenant`,
    /// `appId` and `password`, as the command `az` prints them), and perhaps `authorityHost`.
    ///
    /// # Errors
    /// [`CloudError::Credentials`] when fields are missing, or name a kind that is not supported: a certificate, or the
    /// identity of a machine.
    pub fn from_value(value: &Value) -> Result<Self, CloudError> {
        let refused = |reason: &str| CloudError::Credentials { service: VAULT, reason: reason.to_owned() };
        let field = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
        let authority = field("authorityHost").unwrap_or("https://login.microsoftonline.com/");
        address(LOGIN, authority).map_err(|_| refused("authorityHost is no address of a web server"))?;
        for names in [["tenantId", "clientId", "clientSecret"], ["tenant", "appId", "password"]] {
            if let [Some(tenant), Some(client), Some(secret)] = names.map(field) {
                return Ok(Self::ClientSecret {
                    tenant_id: tenant.to_owned(),
                    client_id: client.to_owned(),
                    client_secret: SecretString::from(secret),
                    authority: authority.to_owned(),
                });
            }
        }
        if field("clientCertificate").is_some() {
            return Err(refused("clientCertificate is not supported; use clientSecret"));
        }
        if field("clientId").is_some() {
            return Err(refused("a managed identity (clientId alone) is not supported; use clientSecret"));
        }
        Err(refused("the fields tenantId, clientId and clientSecret are needed"))
    }
}

/// Opens data keys with Azure Key Vault.
pub struct AzureKeyVault {
    http: Http,
    credentials: AzureCredentials,
    endpoint: Option<Url>,
    tokens: Kept<SecretString>,
}

impl fmt::Debug for AzureKeyVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureKeyVault").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

impl AzureKeyVault {
    /// Returns a client with these credentials.
    pub fn new(http: Http, credentials: AzureCredentials) -> Self {
        Self { http, credentials, endpoint: None, tokens: Kept::default() }
    }

    /// Asks this address instead of that of the key's vault.
    ///
    /// # Errors
    /// [`CloudError::Key`] when it is no address of a web server.
    pub fn endpoint(self, vault: &str) -> Result<Self, CloudError> {
        Ok(Self { endpoint: Some(address(VAULT, vault)?), ..self })
    }

    /// Decrypts a data key, which is base64 for addresses without padding, with RSA-OAEP-256.
    ///
    /// # Errors
    /// A [`CloudError`]: the vault is none of Azure's, the login or the key is refused, or there is no answer.
    pub async fn decrypt(
        &self,
        vault_url: &str,
        name: &str,
        version: &str,
        encrypted: &str,
    ) -> Result<SecretSlice<u8>, CloudError> {
        let (vault, domain) = vault(vault_url)?;
        let mut url = self.endpoint.clone().unwrap_or(vault);
        let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if name.is_empty() || !word(name) || !word(version) {
            let what = format!("'{name}/{version}' is not the name and version of a key");
            return Err(CloudError::Key { service: VAULT, what });
        }
        let version = if version.is_empty() { String::new() } else { format!("/{version}") };
        url.set_path(&format!("/keys/{name}{version}/decrypt"));
        url.set_query(Some(&format!("api-version={API_VERSION}")));
        let token = self.token(domain).await?;
        let bearer = SecretString::from(format!("Bearer {}", token.expose_secret()));
        let headers = vec![("authorization", bearer.expose_secret()), ("content-type", "application/json")];
        let body = json!({ "alg": "RSA-OAEP-256", "value": encrypted }).to_string();
        let answer = self.http.json(&Call { service: VAULT, url, headers, body }).await?;
        let plain = answer["value"]
            .as_str()
            .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
        plain.map(Into::into).ok_or(CloudError::Answer { service: VAULT, reason: "it has no value" })
    }

    async fn token(&self, domain: &str) -> Result<SecretString, CloudError> {
        let (tenant, client, secret, authority) = match &self.credentials {
            AzureCredentials::Token(token) => return Ok(token.clone()),
            AzureCredentials::ClientSecret { tenant_id, client_id, client_secret, authority } => {
                (tenant_id, client_id, client_secret, authority)
            }
        };
        let obtain = async || {
            let mut url = address(LOGIN, authority)?;
            // An address of a web server has segments.
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend([tenant.as_str(), "oauth2", "v2.0", "token"]);
            }
            let body = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "client_credentials")
                .append_pair("client_id", client)
                .append_pair("client_secret", secret.expose_secret())
                .append_pair("scope", &format!("https://{domain}/.default"))
                .finish();
            let headers = vec![("content-type", "application/x-www-form-urlencoded")];
            token_of(&self.http.json(&Call { service: LOGIN, url, headers, body }).await?, LOGIN)
        };
        self.tokens.get(domain, obtain).await.map(|token| (*token).clone())
    }
}

/// Takes the token and its life out of an answer in the form of RFC 6749, section 5.1.
pub(crate) fn token_of(
    answer: &Value,
    service: &'static str,
) -> Result<(SecretString, Duration), CloudError> {
    let token = answer["access_token"].as_str().filter(|token| !token.is_empty());
    let token = token.ok_or(CloudError::Answer { service, reason: "it has no access_token" })?;
    let life = &answer["expires_in"];
    let life = life.as_u64().or_else(|| life.as_str()?.parse().ok()).unwrap_or_default();
    Ok((SecretString::from(token), Duration::from_secs(life)))
}

/// Returns the vault's address and the domain that it is in.
fn vault(address: &str) -> Result<(Url, &'static str), CloudError> {
    let refused =
        || CloudError::Key { service: VAULT, what: format!("'{address}' is not the address of a vault") };
    let url = Url::parse(address).map_err(|_| refused())?;
    let domain = url.host_str().and_then(|host| {
        DOMAINS.into_iter().find(|domain| {
            host.strip_suffix(domain)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|name| !name.is_empty())
        })
    });
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    match domain {
        Some(domain) if plain && url.port().is_none() => Ok((url, domain)),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::vault;

    #[test]
    fn tokens_go_to_vaults_of_azure_alone() {
        let check = |address: &str, want: Option<&str>| {
            assert_eq!(vault(address).ok().map(|(_, domain)| domain), want, "{address}");
        };
        check("https://prod.vault.azure.net", Some("vault.azure.net"));
        check("https://prod.vault.azure.net/", Some("vault.azure.net"));
        check("https://prod.vault.azure.cn", Some("vault.azure.cn"));
        check("https://hsm.managedhsm.azure.net", Some("managedhsm.azure.net"));
        check("http://prod.vault.azure.net", None);
        check("https://prod.vault.azure.net.evil.example", None);
        check("https://evilvault.azure.net", None);
        check("https://vault.azure.net", None);
        check("https://prod.vault.azure.net:8443", None);
        check("https://user@prod.vault.azure.net", None);
        check("prod.vault.azure.net", None);
    }
}
