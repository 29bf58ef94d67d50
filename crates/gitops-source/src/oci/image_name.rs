//! The name of an image's repository.

use std::fmt;
use std::net::IpAddr;

use url::Url;

use super::error::OciError;

/// The registry that a name without one means.
const DOCKER_HUB: &str = "index.docker.io";

/// A repository of images: a registry and a path on it.
///
/// Names are read as Flux reads `spec.image`, by the rules of go-containerregistry: a name whose first part has neither
/// a dot nor a colon is on Docker Hub, and one without a slash in `library/` there.
///
/// # Difference from Flux
/// Registries that cannot be an address (`host:99999`) and paths with empty, `.` or `..` parts are refused at once, not
/// when they are first asked.
///
/// # Examples
/// ```
/// use gitops_source::oci::ImageName;
///
/// assert_eq!(ImageName::parse("alpine")?.to_string(), "index.docker.io/library/alpine");
/// assert_eq!(ImageName::parse("ghcr.io/fluxcd/flux-cli")?.registry(), "ghcr.io");
/// assert_eq!(ImageName::parse("localhost:5000/app")?.repository(), "app");
/// let error = ImageName::parse("alpine:3.20").unwrap_err();
/// assert_eq!(error.to_string(), "image 'alpine:3.20' should not include a tag; remove ':3.20'");
/// # Ok::<(), gitops_source::oci::OciError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageName {
    registry: String,
    repository: String,
}

impl ImageName {
    /// Reads the name of a repository: no scheme, no tag, no digest.
    ///
    /// # Errors
    /// [`OciError::Name`] in Flux's words.
    pub fn parse(text: &str) -> Result<Self, OciError> {
        let refuse = |reason: String| Err(OciError::Name { text: text.to_owned(), reason });
        if let Some((scheme, _)) = text.split_once("://") {
            return refuse(format!("image '{text}' should not include URL scheme; remove '{scheme}://'"));
        }
        let Some(name) = parse_tagged(text).or_else(|| parse_digested(text)) else {
            return refuse(format!("could not parse reference: {text}"));
        };
        let path = text.strip_prefix(&name.registry).unwrap_or(text);
        if let Some(tag) = path.split(':').nth(1) {
            return refuse(format!("image '{text}' should not include a tag; remove ':{tag}'"));
        }
        Ok(name)
    }

    /// Returns the registry's host, with its port if it is not the usual one.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the path of the repository on its registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns whether the registry is on this machine or in a private network, where plain http is usual.
    pub(super) fn is_private(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(self.registry.as_str(), |(host, _)| host);
        let address = self.registry.split(':').next().and_then(|host| host.parse::<IpAddr>().ok());
        matches!(address, Some(IpAddr::V4(address)) if address.is_private())
            || self.registry.starts_with("localhost:")
            || host.ends_with(".localhost")
            || self.registry.contains("127.0.0.1")
            || self.registry.contains("::1")
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)
    }
}

/// Reads `repository` or `repository:tag`.
fn parse_tagged(text: &str) -> Option<ImageName> {
    let (base, tag) = match text.rsplit_once(':') {
        Some((_, "")) => return None,
        Some((base, tag)) if !tag.contains('/') => (base, tag),
        _ => (text, ""),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if tag.chars().count() > 128 || !tag.chars().all(allowed) {
        return None;
    }
    parse_repository(base)
}

/// Reads `repository@digest` or `repository:tag@digest`.
fn parse_digested(text: &str) -> Option<ImageName> {
    let (base, digest) = text.split_once('@')?;
    let hex = digest.strip_prefix("sha256:")?;
    let valid = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if valid { parse_tagged(base) } else { None }
}

fn parse_repository(text: &str) -> Option<ImageName> {
    let (registry, repository) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) => (first, rest),
        _ => ("", text),
    };
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '/');
    if !(2..=255).contains(&repository.chars().count()) || !repository.chars().all(allowed) {
        return None;
    }
    // No registry has them, and an address would not keep them.
    if repository.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return None;
    }
    let registry = match registry {
        "" | "docker.io" => DOCKER_HUB,
        other if is_authority(other) => other,
        _ => return None,
    };
    let implicit = registry == DOCKER_HUB && !repository.contains('/');
    let repository = if implicit { format!("library/{repository}") } else { repository.to_owned() };
    Some(ImageName { registry: registry.to_owned(), repository })
}

/// Returns whether a text is a host with at most a port, as it stands.
fn is_authority(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    text.chars().all(plain)
        && !text.ends_with(':')
        && Url::parse(&format!("http://{text}/")).is_ok_and(|url| url.has_host())
}
