//! Pushes small images by plain HTTP (the distribution specification's "push"), straight to the registry.

use axum::http::{StatusCode, header};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Certificate, Client, Method, RequestBuilder, Response};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::front::Plan;
use super::process::Auth;
use super::{REGISTRY_PASSWORD, REGISTRY_USER};
use crate::TestkitError;
use crate::tls::Authority;

/// The media type of an image's manifest.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// How many tags are pushed at a time.
const AT_ONCE: usize = 8;

/// Returns a client that trusts the registry, and that it trusts.
pub(super) fn client(authority: Option<&Authority>) -> Result<Client, TestkitError> {
    let mut builder = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    if let Some(authority) = authority {
        let pair = authority.client()?;
        let pem = format!("{}\n{}", pair.certificate, pair.key);
        let ca = Certificate::from_pem(authority.pem().as_bytes()).map_err(failed("trusting a registry"))?;
        let identity = reqwest::Identity::from_pem(pem.as_bytes())
            .map_err(failed("showing a certificate to a registry"))?;
        builder = builder.tls_certs_merge([ca]).identity(identity);
    }
    builder.build().map_err(failed("setting up a registry's client"))
}

/// Pushes an image under tags and returns its digest. Another `content` makes another image.
pub(super) async fn image(
    plan: &Plan,
    repository: &str,
    tags: &[String],
    content: &str,
) -> Result<String, TestkitError> {
    let authorization = authorization(plan, repository)?;
    let ask = |method: Method, address: String| -> RequestBuilder {
        let request = plan.client.request(method, address);
        match &authorization {
            Some(value) => request.header(header::AUTHORIZATION, value),
            None => request,
        }
    };
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"of": repository, "content": content}},
        "rootfs": {"type": "layers", "diff_ids": []},
    })
    .to_string();
    let digest = digest_of(config.as_bytes());
    let base = format!("{}/v2/{repository}", plan.backend);
    let begun = sent(ask(Method::POST, format!("{base}/blobs/uploads/")), StatusCode::ACCEPTED).await?;
    let upload =
        begun.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let upload =
        if upload.starts_with('/') { format!("{}{upload}", plan.backend) } else { upload.to_owned() };
    let separator = if upload.contains('?') { '&' } else { '?' };
    let put = ask(Method::PUT, format!("{upload}{separator}digest={digest}"));
    let size = config.len();
    sent(put.header(header::CONTENT_TYPE, "application/octet-stream").body(config), StatusCode::CREATED)
        .await?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": size, "digest": digest},
        "layers": [],
    })
    .to_string();
    stream::iter(tags)
        .map(|tag| {
            let put = ask(Method::PUT, format!("{base}/manifests/{tag}"));
            sent(put.header(header::CONTENT_TYPE, MANIFEST).body(manifest.clone()), StatusCode::CREATED)
        })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(digest_of(manifest.as_bytes()))
}

fn authorization(plan: &Plan, repository: &str) -> Result<Option<String>, TestkitError> {
    use base64::Engine as _;
    Ok(match plan.auth {
        Auth::Nothing => None,
        Auth::Basic => {
            let pair = base64::engine::general_purpose::STANDARD
                .encode(format!("{REGISTRY_USER}:{REGISTRY_PASSWORD}"));
            Some(format!("Basic {pair}"))
        }
        // Tokens have numbers, from one; the one that pushes is never taken back.
        Auth::Tokens { .. } => {
            let token = plan.issuer.token(&[format!("repository:{repository}:pull,push")], 0)?;
            Some(format!("Bearer {token}"))
        }
    })
}

async fn sent(request: RequestBuilder, wanted: StatusCode) -> Result<Response, TestkitError> {
    let response = request.send().await.map_err(failed("pushing to a registry"))?;
    if response.status() == wanted {
        return Ok(response);
    }
    let status = response.status();
    let said = response.text().await.unwrap_or_default();
    Err(TestkitError::Io {
        stage: format!("pushing to a registry: status {status}: {said}"),
        source: std::io::Error::other("the registry refused"),
    })
}

fn digest_of(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn failed(stage: &'static str) -> impl FnOnce(reqwest::Error) -> TestkitError {
    move |error| TestkitError::Io { stage: stage.to_owned(), source: std::io::Error::other(error) }
}
