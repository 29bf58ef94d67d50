//! What a remote repository says when it does not answer as hoped, in the words that Flux's users know.

use std::fmt;

use super::reference::{GitReference, Target};
use crate::error::SourceError;

/// What was being done when a remote failed; the beginning of the error's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteAction {
    /// A commit was to be found or fetched.
    Clone,
    /// The references were to be listed, to see whether anything changed.
    List,
}

impl fmt::Display for RemoteAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clone => "unable to clone",
            Self::List => "unable to list remote for",
        })
    }
}

/// Why a remote repository did not give what was asked for. No text holds credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteFailure {
    /// The server wants credentials, or others than it got (status 401).
    #[error("authentication required: {body}")]
    AuthenticationRequired {
        /// The beginning of what the server answered.
        body: String,
    },
    /// The credentials are known and do not suffice (status 403).
    #[error("authorization failed: {body}")]
    Forbidden {
        /// The beginning of what the server answered.
        body: String,
    },
    /// The server has no such repository (status 404), or hides it from these credentials.
    #[error("repository not found: {body}")]
    NotFound {
        /// The beginning of what the server answered.
        body: String,
    },
    /// The server answered with a status that no Git server should.
    #[error("unexpected client error: unexpected requesting \"{url}\" status code: {status}")]
    Status {
        /// The address of the request.
        url: String,
        /// The status.
        status: u16,
    },
    /// No connection, or one that broke.
    #[error("{method} \"{url}\": {reason}")]
    Network {
        /// `Get` or `Post`.
        method: &'static str,
        /// The address of the request.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The time given for the operation ran out.
    #[error("{method} \"{url}\": context deadline exceeded")]
    Deadline {
        /// `Get` or `Post`.
        method: &'static str,
        /// The address of the request.
        url: String,
    },
    /// The reference does not exist.
    #[error("couldn't find remote ref \"{name}\"")]
    NoReference {
        /// The full name of the reference.
        name: String,
    },
    /// The repository has no commit at all.
    #[error("remote repository is empty")]
    Empty,
    /// The server sent more than the limits allow.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// The server redirected to where credentials or Git requests must not follow.
    #[error("redirected to \"{url}\": {reason}")]
    Redirect {
        /// Where to.
        url: String,
        /// Why this is not followed.
        reason: &'static str,
    },
    /// The server does not speak Git's protocol as it should, or reported a failure in it.
    #[error("{reason}")]
    Protocol {
        /// What was wrong.
        reason: String,
    },
    /// The caller gave up waiting.
    #[error("context canceled")]
    Cancelled,
}

impl SourceError {
    /// Returns the error of [`resolve`](super::resolve) as Flux words it when a revision was already known.
    ///
    /// Flux then lists the references of a branch or tag before it clones anything, and so says
    /// `unable to list remote for …` where it otherwise says `unable to clone …`. That a reference is missing it
    /// still notices by cloning. Ranges and commits it always clones.
    #[must_use]
    pub fn while_listing(self, reference: &GitReference) -> Self {
        if !matches!(reference.target(), Ok(Target::Branch(_) | Target::Tag(_))) {
            return self;
        }
        match self {
            error @ Self::GitRemote { failure: RemoteFailure::NoReference { .. }, .. } => error,
            Self::GitRemote { url, failure, .. } => {
                Self::GitRemote { action: RemoteAction::List, url, failure }
            }
            Self::GitEmpty { url } | Self::GitEmptyForReference { url } => {
                Self::GitRemote { action: RemoteAction::List, url, failure: RemoteFailure::Empty }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: GitReference, failure: RemoteFailure, want: &str) {
        let error = SourceError::GitRemote { action: RemoteAction::Clone, url: "u".to_owned(), failure };
        assert_eq!(error.while_listing(&reference).to_string(), want);
    }

    #[test]
    fn with_a_known_revision_branches_and_tags_are_listed_first() {
        let denied = || RemoteFailure::AuthenticationRequired { body: "no".to_owned() };
        let missing = RemoteFailure::NoReference { name: "refs/heads/main".to_owned() };
        check(
            GitReference::branch("main"),
            denied(),
            "unable to list remote for 'u': authentication required: no",
        );
        check(
            GitReference::tag("v1"),
            denied(),
            "unable to list remote for 'u': authentication required: no",
        );
        check(GitReference::semver("*"), denied(), "unable to clone 'u': authentication required: no");
        check(
            GitReference::branch("main"),
            missing,
            "unable to clone 'u': couldn't find remote ref \"refs/heads/main\"",
        );
        let empty =
            SourceError::GitEmpty { url: "u".to_owned() }.while_listing(&GitReference::branch("main"));
        assert_eq!(empty.to_string(), "unable to list remote for 'u': remote repository is empty");
    }
}
