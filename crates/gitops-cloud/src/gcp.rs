//! GCP: Cloud KMS.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::azure::token_of;
use crate::error::CloudError;
use crate::http::{Call, Http};
use crate::jwt;
use crate::token::Kept;

const KMS: &str = "GCP KMS";
const LOGIN: &str = "Google OAuth";

/// What a token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Who we are to Google.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum GcpCredentials {
    /// A service account with its key.
    ServiceAccount {
        /// The account's address.
        client_email: String,
        /// Which of its keys it is.
        private_key_id: String,
        /// The key, as PEM.
        private_key: SecretString,
        /// Where tokens are given out.
        token_uri: String,
    },
    /// A person who has logged in.
    RefreshToken {
        /// The id of the program that they logged in to.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// What stands for the login.
        refresh_token: SecretString,
        /// Where tokens are given out.
        token_uri: String,
    },
    /// A token that somebody else has obtained.
    Token(SecretString),
}

impl GcpCredentials {
    /// Reads credentials in the form of Flux's `sops.gcp-kms`, which is Google's JSON file of a service account, or the one
    /// that `gcloud auth application-default login` writes.
    ///
    /// # Errors
    /// [`CloudError::Credentials`] when it is neither, or a field is missing.
    pub fn from_json(text: &str) -> Result<Self, CloudError> {
        let refused = |reason: String| CloudError::Credentials { service: KMS, reason };
        let value: Value = serde_json::from_str(text).map_err(|_| refused("they are not JSON".to_owned()))?;
        let field = |name: &str| {
            let found = value[name].as_str().filter(|text| !text.is_empty());
            found.ok_or_else(|| refused(format!("the field {name} is missing")))
        };
        let token_uri = value["token_uri"].as_str().unwrap_or("https://oauth2.googleapis.com/token");
        crate::http::address(LOGIN, token_uri)
            .map_err(|_| refused("the field token_uri is no address of a web server".to_owned()))?;
        let token_uri = token_uri.to_owned();
        match field("type")? {
            "service_account" => Ok(Self::ServiceAccount {
                client_email: field("client_email")?.to_owned(),
                private_key_id: value["private_key_id"].as_str().unwrap_or_default().to_owned(),
                private_key: SecretString::from(field("private_key")?),
                token_uri,
            }),
            "authorized_user" => Ok(Self::RefreshToken {
                client_id: field("client_id")?.to_owned(),
                client_secret: SecretString::from(field("client_secret")?),
                refresh_token: SecretString::from(field("refresh_token")?),
                token_uri,
            }),
            other => {
                let kind: String = other.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                Err(refused(format!("type {kind} is not supported; use service_account or authorized_user")))
            }
        }
    }
}

/// Opens data keys with GCP KMS.
pub struct GcpKms {
    http: Http,
    credentials: GcpCredentials,
    endpoint: Option<Url>,
    tokens: Kept<SecretString>,
}

impl fmt::Debug for GcpKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcpKms").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}

impl GcpKms {
    /// Returns a client with these credentials.
    pub fn new(http: Http, credentials: GcpCredentials) -> Self {
        Self { http, credentials, endpoint: None, tokens: Kept::default() }
    }

    /// Asks this address instead of Google's.
    ///
    /// # Errors
    /// [`CloudError::Key`] when it is no address of a web server.
    pub fn endpoint(self, kms: &str) -> Result<Self, CloudError> {
        Ok(Self { endpoint: Some(crate::http::address(KMS, kms)?), ..self })
    }

    /// Decrypts a data key, which is base64, with the key `projects/…/locations/…/keyRings/…/cryptoKeys/…`.
    ///
    /// # Errors
    /// A [`CloudError`]: the key has no such name, the login or the key is refused, or there is no answer.
    pub async fn decrypt(&self, resource_id: &str, encrypted: &str) -> Result<SecretSlice<u8>, CloudError> {
        let url = match &self.endpoint {
            Some(endpoint) => address(endpoint, resource_id)?,
            None => {
                let google = Url::parse("https://cloudkms.googleapis.com/").expect("Google has an address");
                address(&google, resource_id)?
            }
        };
        let token = self.token().await?;
        let bearer = SecretString::from(format!("Bearer {}", token.expose_secret()));
        let headers = vec![("authorization", bearer.expose_secret()), ("content-type", "application/json")];
        let body = json!({ "ciphertext": encrypted }).to_string();
        let answer = self.http.json(&Call { service: KMS, url, headers, body }).await?;
        let plain = answer["plaintext"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        plain.map(Into::into).ok_or(CloudError::Answer { service: KMS, reason: "it has no plaintext" })
    }

    async fn token(&self) -> Result<SecretString, CloudError> {
        let obtain = async |address: &str, form: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let headers = vec![("content-type", "application/x-www-form-urlencoded")];
            let url = crate::http::address(LOGIN, address)?;
            token_of(&self.http.json(&Call { service: LOGIN, url, headers, body }).await?, LOGIN)
        };
        let token = match &self.credentials {
            GcpCredentials::Token(token) => return Ok(token.clone()),
            GcpCredentials::ServiceAccount { client_email, private_key_id, private_key, token_uri } => {
                let signed = async || {
                    let statement = statement(client_email, private_key_id, private_key, token_uri)?;
                    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                    obtain(token_uri, &[("grant_type", grant), ("assertion", &statement)]).await
                };
                self.tokens.get("", signed).await?
            }
            GcpCredentials::RefreshToken { client_id, client_secret, refresh_token, token_uri } => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret.expose_secret()),
                    ("refresh_token", refresh_token.expose_secret()),
                ];
                self.tokens.get("", async || obtain(token_uri, &form).await).await?
            }
        };
        Ok((*token).clone())
    }
}

/// What a service account says of itself to get a token (Google, "Using OAuth 2.0 for server to server applications").
fn statement(email: &str, key_id: &str, key: &SecretString, token_uri: &str) -> Result<String, CloudError> {
    let refused = |reason: &str| CloudError::Credentials { service: KMS, reason: reason.to_owned() };
    let now = Timestamp::now().as_second();
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id });
    let claims = json!({ "iss": email, "scope": SCOPE, "aud": token_uri, "iat": now, "exp": now + 3600 });
    let key = jwt::rsa_key(key.expose_secret()).map_err(refused)?;
    jwt::sign(&key, &header, &claims).map_err(refused)
}

/// Returns the address of the call; the key's name must be one, because it comes from a file of the repository.
fn address(google: &Url, resource_id: &str) -> Result<Url, CloudError> {
    let refused =
        || CloudError::Key { service: KMS, what: format!("'{resource_id}' is not the name of a key") };
    let parts: Vec<&str> = resource_id.split('/').collect();
    let word = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        !text.is_empty() && text.chars().all(allowed) && text.chars().any(|c| c != '.')
    };
    match parts.as_slice() {
        ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key]
            if [project, location, ring, key].iter().all(|part| word(part)) =>
        {
            google.join(&format!("/v1/{resource_id}:decrypt")).map_err(|_| refused())
        }
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_key_becomes_an_address() {
        let google = Url::parse("https://cloudkms.googleapis.com/").expect("an address");
        let check = |name: &str, want: Option<&str>| {
            assert_eq!(address(&google, name).ok().map(String::from).as_deref(), want, "{name}");
        };
        check(
            "projects/p/locations/global/keyRings/r/cryptoKeys/k",
            Some(
                "https://cloudkms.googleapis.com/v1/projects/p/locations/global/keyRings/r/cryptoKeys/k:decrypt",
            ),
        );
        check("projects/p/locations/global/keyRings/r/cryptoKeys/..", None);
        check("projects/p/locations/global/keyRings/r/cryptoKeys/k?x", None);
        check("projects/p/locations/global/keyRings/r", None);
        check("//evil.example/x", None);
        check("", None);
    }
}
