//! Why a cloud did not do what it was asked.

/// Whatever a library said, kept as the source of an error.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a cloud did not do what it was asked. No text holds a credential or what was decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloudError {
    /// The options of the client cannot be used.
    #[error("cannot make an HTTP client: {reason}")]
    Options {
        /// What is wrong.
        reason: &'static str,
        /// What the library said.
        source: Option<Cause>,
    },
    /// The credentials are malformed, incomplete, or of a kind that is not supported.
    #[error("cannot use the credentials for {service}: {reason}")]
    Credentials {
        /// The service.
        service: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// What a file says about its key cannot be part of a request.
    #[error("{service} cannot be asked: {what}")]
    Key {
        /// The service.
        service: &'static str,
        /// What is wrong.
        what: String,
    },
    /// There was no answer.
    #[error("{service} did not answer at {host}: {reason}")]
    NoAnswer {
        /// The service.
        service: &'static str,
        /// The host that was asked.
        host: String,
        /// Whether it could not be reached, took too long, or broke off.
        reason: &'static str,
        /// What the library said.
        source: Option<Cause>,
    },
    /// The service refused.
    #[error("{service} refused with status {status}{}", .code.as_deref().map(|code| format!(": {code}")).unwrap_or_default())]
    Refused {
        /// The service.
        service: &'static str,
        /// The HTTP status.
        status: u16,
        /// The service's own word for it, such as `AccessDeniedException`.
        code: Option<String>,
    },
    /// The answer is not what the service documents.
    #[error("{service} answered what cannot be used: {reason}")]
    Answer {
        /// The service.
        service: &'static str,
        /// What is missing or wrong.
        reason: &'static str,
    },
}

impl CloudError {
    /// Tells whether asking again later may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}
