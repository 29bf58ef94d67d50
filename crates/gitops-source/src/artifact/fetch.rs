//! An artifact's address and digest → its verified content.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use futures::StreamExt as _;
use gitops_api::{Artifact, Digest};
use reqwest::StatusCode;
use tempfile::SpooledTempFile;
use url::Url;

use super::hash::Hasher;
use super::limits::Limits;
use super::unpack::{Links, Unpacked, unpack};
use crate::SourceError;

/// Downloads up to this size stay in memory; larger ones go to a temporary file.
const IN_MEMORY: usize = 8 << 20;
/// How many redirects are followed.
const REDIRECTS: usize = 3;

/// How artifacts are fetched.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FetchOptions {
    /// How often a download is tried again after a connection error or a status of 5xx or 429; 9, as Flux's
    /// `--http-retry`.
    pub retries: u32,
    /// The wait before the first retry, which doubles with each; 5 s.
    pub min_wait: Duration,
    /// The longest wait; 30 s.
    pub max_wait: Duration,
    /// How long a connection may take to come up; 30 s.
    pub connect_timeout: Duration,
    /// How long the server may be silent; 60 s.
    pub read_timeout: Duration,
    /// How long one try may take altogether; 10 minutes.
    pub timeout: Duration,
    /// The host, with a port if need be, to ask instead of the one in the artifact's address: Flux's
    /// `SOURCE_CONTROLLER_LOCALHOST`, for controllers that run outside of the cluster.
    pub host: Option<String>,
    /// Limits of the download and of what it unpacks to.
    pub limits: Limits,
    /// What happens to symlinks in the archive; they are refused.
    pub links: Links,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            retries: 9,
            min_wait: Duration::from_secs(5),
            max_wait: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(600),
            host: None,
            limits: Limits::default(),
            links: Links::Refuse,
        }
    }
}

impl FetchOptions {
    /// Returns the options with another number of retries.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Returns the options with other waits between tries.
    #[must_use]
    pub fn waits(mut self, min: Duration, max: Duration) -> Self {
        self.min_wait = min;
        self.max_wait = max;
        self
    }

    /// Returns the options with another time for one try, for the server's silence and for the connection.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.read_timeout = self.read_timeout.min(timeout);
        self.connect_timeout = self.connect_timeout.min(timeout);
        self
    }

    /// Returns the options with a host to ask instead of the artifact's.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into()).filter(|host: &String| !host.is_empty());
        self
    }

    /// Returns the options with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the options with another treatment of symlinks.
    #[must_use]
    pub fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }
}

/// Fetches artifacts over HTTP.
///
/// # Flow
/// Download, with retries, up to the size limit → compare the digest → unpack under the limits.
///
/// # Guarantees
/// Not one byte is unpacked before the digest of all of them is known to be right.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: reqwest::Client,
    options: FetchOptions,
}

/// Whether another try may help.
enum Failed {
    Retry(SourceError),
    GiveUp(SourceError),
}

impl Fetcher {
    /// Returns a fetcher.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(options: FetchOptions) -> Result<Self, SourceError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .timeout(options.timeout)
            // The archive is gzip itself: were it unpacked on the way, the digest would be of other bytes.
            .no_gzip()
            .build()
            .map_err(|e| SourceError::Fetch {
                url: String::new(),
                reason: "HTTP client cannot be set up".to_owned(),
                source: Some(Box::new(e)),
            })?;
        Ok(Self { client, options })
    }

    /// Fetches, verifies and unpacks an artifact.
    ///
    /// # Errors
    /// [`SourceError::FetchNotFound`] when the file is not there (any more), [`SourceError::Fetch`] when the server cannot
    /// be reached or refuses, [`SourceError::DigestRefused`] and [`SourceError::DigestMismatch`] when the artifact is
    /// not what it says, [`SourceError::Archive`] when the archive is refused.
    pub async fn fetch(&self, artifact: &Artifact) -> Result<Unpacked, SourceError> {
        self.fetch_from(&artifact.url, &artifact.digest).await
    }

    /// Fetches, verifies and unpacks an archive by its address and digest. A digest without an algorithm is SHA-256.
    ///
    /// # Errors
    /// As [`Fetcher::fetch`].
    pub async fn fetch_from(&self, url: &str, digest: &str) -> Result<Unpacked, SourceError> {
        let wanted = wanted_digest(digest)?;
        let address = self.address(url)?;
        let mut tries = 0;
        let archive = loop {
            match self.download(&address, &wanted).await {
                Ok(archive) => break archive,
                Err(Failed::Retry(error)) if tries < self.options.retries => {
                    tracing::debug!(url = %shown(&address), %error, "download of artifact failed, trying again");
                    tokio::time::sleep(self.wait(tries)).await;
                    tries += 1;
                }
                Err(Failed::Retry(error) | Failed::GiveUp(error)) => return Err(error),
            }
        };
        let (limits, links) = (self.options.limits.clone(), self.options.links);
        tokio::task::spawn_blocking(move || unpack(archive, &limits, links))
            .await
            .map_err(|e| fetch_failed(&address, "unpacking was interrupted", Some(Box::new(e))))?
    }

    fn wait(&self, tries: u32) -> Duration {
        self.options.min_wait.saturating_mul(1 << tries.min(16)).min(self.options.max_wait)
    }

    fn address(&self, url: &str) -> Result<Url, SourceError> {
        // An address that cannot be read is not told: there is no knowing where in it a password stands.
        let mut address = Url::parse(url).map_err(|e| SourceError::Fetch {
            url: "<unreadable>".to_owned(),
            reason: "address of the artifact cannot be read".to_owned(),
            source: Some(Box::new(e)),
        })?;
        let Some(host) = &self.options.host else { return Ok(address) };
        let unset = address.clone();
        let bad = || fetch_failed(&unset, "host to ask instead cannot be read", None);
        let other = Url::parse(&format!("{}://{host}", address.scheme())).map_err(|_| bad())?;
        address.set_host(other.host_str()).map_err(|_| bad())?;
        address.set_port(other.port()).map_err(|()| bad())?;
        Ok(address)
    }

    /// Downloads once; what comes back has the wanted digest.
    async fn download(&self, address: &Url, wanted: &Digest) -> Result<SpooledTempFile, Failed> {
        let lost = |reason: &str, error: reqwest::Error| {
            Failed::Retry(fetch_failed(address, reason, Some(Box::new(error.without_url()))))
        };
        let unreachable = |e| lost("server cannot be reached", e);
        let response = self.client.get(address.clone()).send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(Failed::GiveUp(SourceError::FetchNotFound { url: shown(address) }));
            }
            status => {
                let error = fetch_failed(address, &format!("status: {status}"), None);
                let may_change = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                return Err(if may_change { Failed::Retry(error) } else { Failed::GiveUp(error) });
            }
        }
        let limit = self.options.limits.archive_bytes;
        let too_large = || {
            let reason = format!("it is greater than the max download size of {limit} bytes");
            Failed::GiveUp(fetch_failed(address, &reason, None))
        };
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut hasher = Hasher::new(wanted.algorithm());
        let mut file = SpooledTempFile::new(IN_MEMORY);
        let mut size: u64 = 0;
        let mut chunks = response.bytes_stream();
        let keep_failed =
            |e| Failed::GiveUp(fetch_failed(address, "temporary file failed", Some(Box::new(e))));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|e| lost("connection was lost", e))?;
            size = size.saturating_add(chunk.len() as u64);
            if size > limit {
                return Err(too_large());
            }
            hasher.update(&chunk);
            file.write_all(&chunk).map_err(keep_failed)?;
        }
        let found = hasher.finish();
        if found != *wanted {
            return Err(Failed::GiveUp(SourceError::DigestMismatch { wanted: wanted.clone(), found }));
        }
        file.seek(SeekFrom::Start(0)).map_err(keep_failed)?;
        Ok(file)
    }
}

/// Returns the digest that an artifact claims to have.
pub(super) fn wanted_digest(text: &str) -> Result<Digest, SourceError> {
    if text.is_empty() {
        return Err(SourceError::DigestRefused { reason: "empty digest".to_owned() });
    }
    let whole = if text.contains(':') { text.to_owned() } else { format!("sha256:{text}") };
    whole.parse().map_err(|e: gitops_api::ParseError| SourceError::DigestRefused {
        reason: format!("failed to parse digest '{whole}': {e}"),
    })
}

/// The address without user, password and query, in which there may be secrets.
fn shown(address: &Url) -> String {
    let mut shown = address.clone();
    // Both refuse only for addresses that cannot have such parts.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.to_string()
}

fn fetch_failed(address: &Url, reason: &str, source: Option<crate::Cause>) -> SourceError {
    SourceError::Fetch { url: shown(address), reason: reason.to_owned(), source }
}
