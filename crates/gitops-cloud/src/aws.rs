//! AWS: KMS, with a role of STS where the key asks for one.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::error::CloudError;
use crate::http::{Call, Http, address, host_of, tag};
use crate::sigv4::{Scope, authorization};
use crate::token::Kept;

const KMS: &str = "AWS KMS";
const STS: &str = "AWS STS";

/// An access key, perhaps of a session.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: SecretString,
    pub(crate) session_token: Option<SecretString>,
}

impl AwsCredentials {
    /// Returns an access key.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        let secret_access_key = SecretString::from(secret_access_key.into());
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None }
    }

    /// Adds the token of a session.
    #[must_use]
    pub fn with_session_token(self, token: impl Into<String>) -> Self {
        Self { session_token: Some(SecretString::from(token.into())), ..self }
    }

    /// Reads credentials in the form of Flux's `sops.aws-kms`: `aws_access_key_id`, `aws_secret_access_key` and perhaps
    /// `aws_session_token`.
    ///
    /// # Errors
    /// [`CloudError::Credentials`] when a field is missing.
    pub fn from_value(value: &Value) -> Result<Self, CloudError> {
        let field = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
        let missing = |name: &str| CloudError::Credentials {
            service: KMS,
            reason: format!("the field {name} is missing"),
        };
        let id = field("aws_access_key_id").ok_or_else(|| missing("aws_access_key_id"))?;
        let secret = field("aws_secret_access_key").ok_or_else(|| missing("aws_secret_access_key"))?;
        let credentials = Self::new(id, secret);
        Ok(match field("aws_session_token") {
            Some(token) => credentials.with_session_token(token),
            None => credentials,
        })
    }
}

/// A data key that a key of KMS has encrypted.
#[derive(Clone, Debug, Default)]
pub struct AwsKey {
    /// The key's ARN, which names its region.
    pub arn: String,
    /// The role to take on before; empty for none.
    pub role: String,
    /// The encryption context.
    pub context: BTreeMap<String, String>,
    /// The encrypted data key, as base64.
    pub encrypted: String,
}

/// Opens data keys with AWS KMS.
///
/// # Examples
/// ```no_run
/// use gitops_cloud::{AwsCredentials, AwsKey, AwsKms, Http, HttpOptions};
///
/// # async fn open() -> Result<(), gitops_cloud::CloudError> {
/// let kms = AwsKms::new(Http::new(HttpOptions::default())?, AwsCredentials::new("AKIA…", "…"));
/// let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd".to_owned();
/// let key = kms.decrypt(&AwsKey { arn, encrypted: "AQICAH…".to_owned(), ..AwsKey::default() }).await?;
/// # Ok(())
/// # }
/// ```
pub struct AwsKms {
    http: Http,
    credentials: AwsCredentials,
    endpoints: Option<(Url, Url)>,
    roles: Kept<AwsCredentials>,
}

impl fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKms").field("credentials", &self.credentials.access_key_id).finish_non_exhaustive()
    }
}

impl AwsKms {
    /// Returns a client with these credentials.
    pub fn new(http: Http, credentials: AwsCredentials) -> Self {
        Self { http, credentials, endpoints: None, roles: Kept::default() }
    }

    /// Asks these addresses instead of AWS': that of KMS and that of STS.
    ///
    /// # Errors
    /// [`CloudError::Key`] when one is no address of a web server.
    pub fn endpoints(self, kms: &str, sts: &str) -> Result<Self, CloudError> {
        Ok(Self { endpoints: Some((address(KMS, kms)?, address(STS, sts)?)), ..self })
    }

    /// Decrypts a data key.
    ///
    /// # Errors
    /// A [`CloudError`]: the ARN is malformed, the role or the key is refused, or there is no answer.
    pub async fn decrypt(&self, key: &AwsKey) -> Result<SecretSlice<u8>, CloudError> {
        let place = Place::of(&key.arn)?;
        let assumed;
        let credentials = if key.role.is_empty() {
            &self.credentials
        } else {
            assumed = self.roles.get(&key.role, async || self.assume(&key.role, &place).await).await?;
            &*assumed
        };
        let mut body = json!({ "CiphertextBlob": key.encrypted, "KeyId": key.arn });
        if !key.context.is_empty() {
            body["EncryptionContext"] = json!(key.context);
        }
        let url = match &self.endpoints {
            Some((kms, _)) => kms.clone(),
            None => place.endpoint("kms")?,
        };
        let scope = Scope { region: place.region, service: "kms", time: Timestamp::now() };
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "TrentService.Decrypt")];
        let text = self.send(KMS, url, credentials, &scope, &headers, body.to_string()).await?;
        let unusable = |reason| CloudError::Answer { service: KMS, reason };
        let answer: Value = serde_json::from_str(&text).map_err(|_| unusable("it is not JSON"))?;
        let plain = answer["Plaintext"].as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        plain.map(Into::into).ok_or_else(|| unusable("it has no Plaintext"))
    }

    async fn assume(&self, role: &str, place: &Place<'_>) -> Result<(AwsCredentials, Duration), CloudError> {
        let url = match &self.endpoints {
            Some((_, sts)) => sts.clone(),
            None => place.endpoint("sts")?,
        };
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "AssumeRole")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", role)
            .append_pair("RoleSessionName", "sops@gitops-sdk")
            .append_pair("DurationSeconds", "3600")
            .finish();
        let scope = Scope { region: place.region, service: "sts", time: Timestamp::now() };
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let answer = self.send(STS, url, &self.credentials, &scope, &headers, body).await?;
        let field = |name| tag(&answer, name).filter(|text| !text.is_empty());
        match (field("AccessKeyId"), field("SecretAccessKey"), field("SessionToken")) {
            (Some(id), Some(secret), Some(token)) => {
                let until = field("Expiration").and_then(|text| text.parse::<Timestamp>().ok());
                let life = until.map(|until| until.duration_since(Timestamp::now()));
                let life = life.and_then(|life| Duration::try_from(life).ok()).unwrap_or_default();
                Ok((AwsCredentials::new(id, secret).with_session_token(token), life))
            }
            _ => Err(CloudError::Answer { service: STS, reason: "it has no credentials" }),
        }
    }

    async fn send(
        &self,
        service: &'static str,
        url: Url,
        credentials: &AwsCredentials,
        scope: &Scope<'_>,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<String, CloudError> {
        let (host, date) = (host_of(&url), scope.date());
        let mut headers = headers.to_vec();
        headers.push(("x-amz-date", &date));
        if let Some(token) = &credentials.session_token {
            headers.push(("x-amz-security-token", token.expose_secret()));
        }
        let mut signed = headers.clone();
        signed.push(("host", &host));
        let authorization = authorization(credentials, scope, "POST", &signed, &body);
        headers.push(("authorization", &authorization));
        self.http.text(&Call { service, url, headers, body }).await
    }
}

/// The part of AWS where a key is.
struct Place<'a> {
    partition: &'a str,
    region: &'a str,
}

impl<'a> Place<'a> {
    /// Reads `arn:aws…:kms:REGION:ACCOUNT:key/…`. The region becomes part of a host name, so it may be nothing else.
    fn of(arn: &'a str) -> Result<Self, CloudError> {
        let malformed = || CloudError::Key { service: KMS, what: format!("'{arn}' is not the ARN of a key") };
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "kms", region, account, resource] = parts.as_slice() else {
            return Err(malformed());
        };
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let named = ["key/", "alias/"]
            .iter()
            .any(|kind| resource.strip_prefix(kind).is_some_and(|name| !name.is_empty()));
        let holds = partition.starts_with("aws")
            && word(partition)
            && word(region)
            && !region.contains('_')
            && !account.is_empty()
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && named;
        if holds { Ok(Self { partition, region }) } else { Err(malformed()) }
    }

    fn endpoint(&self, service: &str) -> Result<Url, CloudError> {
        let end = if self.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let address = format!("https://{service}.{}.{end}/", self.region);
        Url::parse(&address)
            .map_err(|_| CloudError::Key { service: KMS, what: format!("'{}' is no region", self.region) })
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn an_arn_leads_to_aws_and_nowhere_else() {
        let check = |arn: &str, want: Option<&str>| {
            let got = Place::of(arn).and_then(|place| place.endpoint("kms")).map(String::from);
            assert_eq!(got.ok().as_deref(), want, "{arn}");
        };
        check("arn:aws:kms:eu-west-1:111122223333:key/a", Some("https://kms.eu-west-1.amazonaws.com/"));
        check("arn:aws-cn:kms:cn-north-1:1:alias/a", Some("https://kms.cn-north-1.amazonaws.com.cn/"));
        check("arn:aws-us-gov:kms:us-gov-west-1:1:key/a", Some("https://kms.us-gov-west-1.amazonaws.com/"));
        check("arn:aws:kms:evil.example/x:1:key/a", None);
        check("arn:aws:kms:x@evil:1:key/a", None);
        check("arn:aws:s3:eu-west-1:1:key/a", None);
        check("arn:aws:kms:eu-west-1:1:key/", None);
        check("arn:aws:kms:eu-west-1::key/a", None);
        check("", None);
    }
}
