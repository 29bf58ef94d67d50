//! Which content a tag stands for.

use gitops_api::{Digest, DigestAlgorithm};
use http::{Method, StatusCode};
use sha2::Digest as _;

use super::client::OciClient;
use super::credentials::RegistryCredentials;
use super::diagnostic;
use super::error::OciError;
use super::exchange::Answer;
use super::image_name::ImageName;
use super::session::Target;
use super::tags::is_tag;

/// The kinds of manifests that are asked for.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json, \
                      application/vnd.docker.distribution.manifest.v2+json, \
                      application/vnd.docker.distribution.manifest.v1+prettyjws, \
                      application/vnd.docker.distribution.manifest.v1+json";
/// The largest manifest, as the distribution specification has it.
const MAX_BYTES: u64 = 4 << 20;
/// Where a registry says what the digest is.
const DIGEST: &str = "docker-content-digest";

impl OciClient {
    /// Returns the digest of the manifest, or index of manifests, that a tag stands for now.
    ///
    /// The registry is asked for its headers; where these do not say, the manifest is read and hashed.
    ///
    /// # Errors
    /// [`OciError`], and [`OciError::Malformed`] where a manifest has not the digest that the registry says.
    pub async fn digest(
        &self,
        image: &ImageName,
        tag: &str,
        credentials: &RegistryCredentials,
    ) -> Result<Digest, OciError> {
        if !is_tag(tag) {
            return Err(OciError::TagName { text: tag.chars().take(64).collect() });
        }
        let session = self.session(image, credentials);
        let mut exchange = self.exchange(image, credentials);
        let target = Target::Path(format!("v2/{}/manifests/{tag}", image.repository()));
        let answer = session.send(&self.shared, &mut exchange, image, &target, Method::HEAD, ACCEPT).await?;
        match answer.status {
            StatusCode::OK => {
                if let Some(digest) = told(&answer)? {
                    return Ok(digest);
                }
            }
            // A registry that has no HEAD.
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {}
            _ => return Err(exchange.refusal(answer).await),
        }
        let answer = session.send(&self.shared, &mut exchange, image, &target, Method::GET, ACCEPT).await?;
        if answer.status != StatusCode::OK {
            return Err(exchange.refusal(answer).await);
        }
        let (url, told) = (answer.url.clone(), told(&answer)?);
        exchange.limit = exchange.limit.min(MAX_BYTES);
        exchange.left = exchange.left.min(MAX_BYTES);
        let body = exchange.read(answer).await?;
        let refuse = |reason: String| OciError::Malformed { url: diagnostic::address(&url), reason };
        let algorithm = told.as_ref().map_or(DigestAlgorithm::Sha256, Digest::algorithm);
        let found = hash(&body, algorithm).ok_or_else(|| refuse("a digest of an unknown kind".to_owned()))?;
        match told {
            Some(told) if told != found => {
                Err(refuse(format!("the manifest has the digest {found}, not {told} as the registry says")))
            }
            _ => Ok(found),
        }
    }
}

/// Returns the digest that an answer's headers tell.
fn told(answer: &Answer) -> Result<Option<Digest>, OciError> {
    let Some(value) = answer.headers.get(DIGEST) else { return Ok(None) };
    let digest = value.to_str().ok().and_then(|text| text.parse().ok());
    digest.map(Some).ok_or_else(|| OciError::Malformed {
        url: diagnostic::address(&answer.url),
        reason: "the registry names a digest that is none".to_owned(),
    })
}

fn hash(body: &[u8], algorithm: DigestAlgorithm) -> Option<Digest> {
    let bytes = match algorithm {
        DigestAlgorithm::Sha256 => sha2::Sha256::digest(body).to_vec(),
        DigestAlgorithm::Sha512 => sha2::Sha512::digest(body).to_vec(),
        _ => return None,
    };
    Digest::from_bytes(algorithm, &bytes).ok()
}
