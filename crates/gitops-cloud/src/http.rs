//! The one HTTP client: bounded, without redirects, careful with what it tells.

use std::time::Duration;

use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use url::Url;

use crate::error::CloudError;

/// How calls behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpOptions {
    /// How long one call may take; 15 seconds.
    pub timeout: Duration,
    /// The largest answer in bytes; 1 MiB.
    pub answer_bytes: usize,
    /// How often a call that failed in passing is tried in all; 3.
    pub tries: u32,
    /// The delay before the second try, doubled with each; 200 ms.
    pub delay: Duration,
    /// Certificates of authorities to trust beside the system's, as PEM.
    pub ca: Option<Vec<u8>>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            answer_bytes: 1 << 20,
            tries: 3,
            delay: Duration::from_millis(200),
            ca: None,
        }
    }
}

/// A client for all clouds. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    options: HttpOptions,
}

impl Http {
    /// Returns a client.
    ///
    /// # Errors
    /// [`CloudError::Options`] when the certificates are malformed or the system has no roots of trust.
    pub fn new(options: HttpOptions) -> Result<Self, CloudError> {
        let refused = |reason: &'static str| {
            move |error: reqwest::Error| CloudError::Options { reason, source: Some(error.into()) }
        };
        let mut builder = reqwest::Client::builder()
            .timeout(options.timeout)
            .redirect(Policy::none())
            .user_agent("gitops-sdk");
        if let Some(pem) = &options.ca {
            let mut found = false;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| CloudError::Options {
                    reason: "the certificates are no PEM",
                    source: Some(error.into()),
                })?;
                let certificate = reqwest::Certificate::from_der(&certificate);
                builder =
                    builder.add_root_certificate(certificate.map_err(refused("a certificate is malformed"))?);
                found = true;
            }
            if !found {
                return Err(CloudError::Options { reason: "the file holds no certificate", source: None });
            }
        }
        let client = builder.build().map_err(refused("the TLS configuration is refused"))?;
        Ok(Self { client, options })
    }

    /// Sends a call and returns what a success says, as text.
    pub(crate) async fn text(&self, call: &Call<'_>) -> Result<String, CloudError> {
        let mut delay = self.options.delay;
        let mut tries = 1;
        loop {
            match self.once(call).await {
                Err(error) if error.is_retryable() && tries < self.options.tries => {
                    tokio::time::sleep(delay).await;
                    delay *= 2;
                    tries += 1;
                }
                ended => return ended,
            }
        }
    }

    /// Sends a call and returns what a success says, as JSON.
    pub(crate) async fn json(&self, call: &Call<'_>) -> Result<Value, CloudError> {
        let text = self.text(call).await?;
        serde_json::from_str(&text)
            .map_err(|_| CloudError::Answer { service: call.service, reason: "it is not JSON" })
    }

    async fn once(&self, call: &Call<'_>) -> Result<String, CloudError> {
        let service = call.service;
        let no_answer = |reason, error: reqwest::Error| CloudError::NoAnswer {
            service,
            host: host_of(&call.url),
            reason,
            source: Some(error.without_url().into()),
        };
        let mut request = self.client.request(reqwest::Method::POST, call.url.clone());
        for (name, value) in &call.headers {
            let mut value = reqwest::header::HeaderValue::from_str(value).map_err(|_| {
                let reason = format!("the header {name} would hold a line break or the like");
                CloudError::Credentials { service, reason }
            })?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let mut answer = request.body(call.body.clone()).send().await.map_err(|error| {
            let reason = if error.is_timeout() { "it took too long" } else { "it cannot be reached" };
            no_answer(reason, error)
        })?;
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| no_answer("the answer broke off or took too long", error))?
        {
            if bytes.len() + chunk.len() > self.options.answer_bytes {
                return Err(CloudError::Answer { service, reason: "it is too large" });
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| CloudError::Answer { service, reason: "it is not UTF-8" })?;
        if (200..300).contains(&status) {
            return Ok(text);
        }
        // Nor a word that was sent: a server may have been made to collect tokens, and repeat them.
        let sent = |word: &String| {
            call.body.contains(word.as_str())
                || call.headers.iter().any(|(_, value)| value.contains(word.as_str()))
        };
        Err(CloudError::Refused { service, status, code: code(&text).filter(|word| !sent(word)) })
    }
}

/// A request; all of them are POST.
pub(crate) struct Call<'a> {
    pub(crate) service: &'static str,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) body: String,
}

/// Reads the address of a web server.
pub(crate) fn address(service: &'static str, text: &str) -> Result<Url, CloudError> {
    let url =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    url.filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| CloudError::Key { service, what: "the address is none of a web server".to_owned() })
}

/// Returns the host and port of an address, which say nothing secret.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns the service's own word for an error. Sentences are not told: they may repeat what was sent, and who runs the
/// service may be whoever wrote its address into the repository.
fn code(text: &str) -> Option<String> {
    let is_word = |word: &str| {
        (1..=64).contains(&word.len()) && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let found = match serde_json::from_str::<Value>(text) {
        Ok(json) => {
            let places = ["/__type", "/error/status", "/error/code", "/error"];
            let word = places.iter().find_map(|place| json.pointer(place)?.as_str().map(str::to_owned));
            word.map(|word| word.rsplit('#').next().unwrap_or_default().to_owned())
        }
        Err(_) => tag(text, "Code").map(str::to_owned),
    };
    found.filter(|word| is_word(word))
}

/// Returns the text of the first XML element of this name; for the flat answers of AWS' query protocol.
pub(crate) fn tag<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let begin = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = xml[begin..].find(&format!("</{name}>"))?;
    Some(xml[begin..begin + end].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_s_word_is_told_and_nothing_else() {
        let check = |text: &str, want: Option<&str>| assert_eq!(code(text).as_deref(), want, "{text}");
        check(
            r#"{"__type":"com.amazonaws.kms#AccessDeniedException","message":"no"}"#,
            Some("AccessDeniedException"),
        );
        check(r#"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#, Some("PERMISSION_DENIED"));
        check(r#"{"error":{"code":"Forbidden","message":"m"}}"#, Some("Forbidden"));
        check(r#"{"error":"invalid_client","error_description":"d"}"#, Some("invalid_client"));
        check(
            "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
            Some("AccessDenied"),
        );
        check(r#"{"errors":["permission denied"]}"#, None);
        check(r#"{"error":"the token was s3cr3t canary"}"#, None);
        check("", None);
    }
}
