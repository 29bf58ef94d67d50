//! What a failed request or exchange means for a Git operation.

use gix::error::Error as GixError;
use http::Method;
use url::Url;

use super::failure::RemoteFailure;
use super::remote::GitRemote;
pub(super) use crate::network::word;

/// Returns what a failed request means.
pub(super) fn from_reqwest(
    error: &reqwest::Error,
    method: &Method,
    url: &Url,
    remote: &GitRemote,
) -> RemoteFailure {
    let method = word(method);
    if error.is_timeout() && !error.is_connect() {
        return RemoteFailure::Deadline { method, url: url.to_string() };
    }
    let reason = remote.scrub(&crate::network::reason(error, url, remote.proxy.as_ref()));
    RemoteFailure::Network { method, url: url.to_string(), reason }
}

/// Returns what a failure of the protocol means, when the network itself was fine.
pub(super) fn from_gix(error: &GixError, remote: &GitRemote) -> RemoteFailure {
    let texts: Vec<String> = error.iter_errors().map(ToString::to_string).collect();
    let reason = texts.last().cloned().unwrap_or_else(|| error.to_string());
    RemoteFailure::Protocol { reason: remote.scrub(&reason) }
}
