//! Why a registry could not be asked, or its answer not be used.

use std::time::Duration;

use gitops_api::{Failure, reasons};

use crate::error::Cause;

/// Why a registry could not be asked, or its answer not be used. No text holds a credential or token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OciError {
    /// A text is not the name of a repository.
    #[error("{reason}")]
    Name {
        /// The text.
        text: String,
        /// What is wrong with it, in Flux's words.
        reason: String,
    },
    /// A text that is to be a tag is none.
    #[error("{text:?} is not a tag")]
    TagName {
        /// The beginning of the text.
        text: String,
    },
    /// Certificates, keys or the proxy cannot be used.
    #[error("unable to configure access to registries: {reason}")]
    Access {
        /// What cannot be used.
        reason: &'static str,
        /// What the library said.
        source: Option<Cause>,
    },
    /// Credentials cannot be read.
    #[error("unable to use registry credentials: {reason}")]
    Credentials {
        /// Why, without any part of them.
        reason: String,
    },
    /// No connection, or one that broke.
    #[error("{method} {url:?}: {reason}")]
    Network {
        /// `Get`, `Head` or `Post`.
        method: &'static str,
        /// The address of the request.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server's certificate is not trusted, or it does not trust ours.
    #[error("{method} {url:?}: {reason}")]
    Certificate {
        /// `Get`, `Head` or `Post`.
        method: &'static str,
        /// The address of the request.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The time given for the operation ran out.
    #[error("{method} {url:?}: context deadline exceeded")]
    Deadline {
        /// `Get`, `Head` or `Post`.
        method: &'static str,
        /// The address of the last request.
        url: String,
    },
    /// The server refused.
    #[error("{method} {url}: {words}")]
    Status {
        /// `GET`, `HEAD` or `POST`.
        method: String,
        /// The address of the request.
        url: String,
        /// The status.
        status: u16,
        /// What the server said.
        words: String,
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The registry wants a proof that we do not know how to give, or does not say where to get it.
    #[error("registry '{registry}' asks for authentication in a way that cannot be answered: {reason}")]
    Challenge {
        /// The registry's host.
        registry: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The registry names a token server that is not asked.
    #[error("registry '{registry}' names the token server '{realm}': {reason}")]
    Realm {
        /// The registry's host.
        registry: String,
        /// The token server's address.
        realm: String,
        /// Why it is not asked.
        reason: &'static str,
    },
    /// The server redirected to where the request must not follow.
    #[error("GET {url}: redirected to '{to}': {reason}")]
    Redirect {
        /// The address of the request.
        url: String,
        /// Where to.
        to: String,
        /// Why this is not followed.
        reason: &'static str,
    },
    /// The link to the next page cannot be followed.
    #[error("GET {url}: link to the next page: {reason}")]
    Link {
        /// The page's address.
        url: String,
        /// What is wrong with the link.
        reason: &'static str,
    },
    /// The pages of tags lead back to where they have been.
    #[error("GET {url}: this page has been read before")]
    Loop {
        /// The address of the page.
        url: String,
    },
    /// The answer is larger than the limits allow.
    #[error("GET {url}: more than {limit} {what}")]
    TooLarge {
        /// The address of the request.
        url: String,
        /// What there is too much of: `bytes`, `pages` or `tags`.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The answer is not what was asked for.
    #[error("GET {url}: {reason}")]
    Malformed {
        /// The address of the request.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl OciError {
    /// Returns how long the server wants to be left alone, where it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Failure for OciError {
    fn reason(&self) -> &str {
        match self {
            Self::Name { .. } => reasons::IMAGE_URL_INVALID,
            Self::Access { .. } | Self::Credentials { .. } => reasons::AUTHENTICATION_FAILED,
            // What the registry itself answers is a failed read, also a 401.
            _ => reasons::READ_OPERATION_FAILED,
        }
    }

    fn is_terminal(&self) -> bool {
        matches!(self, Self::Name { .. })
    }
}
