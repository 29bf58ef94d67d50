//! The one error of this crate.

use std::time::Duration;

use gitops_api::Failure;
use gitops_expr::cel::CelError;

use crate::ObjectKey;
use crate::reasons;

/// Whatever a library or the caller said, kept as the source of an error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an event was not taken or not delivered, or a webhook not obeyed.
///
/// Texts carry no address, header, token or body of a request: each of them may hold a secret. Those that users of Flux
/// know from its events are Flux's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// A request's body is longer than is read.
    #[error("request body is longer than {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A request's body ended early, or its sender was too slow.
    #[error("request body cannot be read: {reason}")]
    BodyBroken {
        /// What happened.
        reason: String,
    },
    /// A body is not an event.
    #[error("request body is not an event: {reason}")]
    NotAnEvent {
        /// What is wrong and where.
        reason: String,
    },
    /// The same event came a short while ago.
    #[error("the same event was taken less than {interval:?} ago")]
    Repeated {
        /// The interval in which an event is taken once.
        interval: Duration,
    },
    /// Too much is waiting to be delivered for anything more to be taken.
    #[error("{waiting} deliveries are waiting, no more are taken; send the event again later")]
    Overloaded {
        /// How many deliveries wait.
        waiting: usize,
    },
    /// The dispatcher has been told to end.
    #[error("events are not taken any more: the dispatcher is shutting down")]
    ShuttingDown,

    /// An alert's provider does not exist.
    #[error("failed to read provider: Provider.notification.toolkit.fluxcd.io \"{}\" not found", .provider.name)]
    NoProvider {
        /// The provider.
        provider: ObjectKey,
    },
    /// A provider or its Secrets could not be read.
    #[error("failed to read provider {provider}")]
    ReadProvider {
        /// The provider.
        provider: ObjectKey,
        /// What the reader said.
        source: Cause,
    },
    /// The labels of an event's object could not be read, so that it is not known which alerts it belongs to.
    #[error("failed to read the labels of {object}")]
    ReadLabels {
        /// The object, as `Kind/namespace/name`.
        object: String,
        /// What the reader said.
        source: Cause,
    },
    /// Something in a provider's spec or Secrets cannot be used.
    #[error("invalid {kind} provider: {reason}")]
    Settings {
        /// The provider's kind.
        kind: String,
        /// What cannot be used, and what is needed.
        reason: String,
        /// What the library said.
        source: Option<Cause>,
    },
    /// A provider's kind is one that is not built.
    #[error("provider type '{kind}' is not supported")]
    UnknownProvider {
        /// The kind.
        kind: String,
    },

    /// A service did not answer.
    #[error("postMessage failed: request failed: {reason}")]
    Unreachable {
        /// What happened, without the address.
        reason: String,
    },
    /// A service did not answer in time.
    #[error("postMessage failed: request failed: no answer within {after:?}")]
    NoAnswer {
        /// How long it was waited for.
        after: Duration,
    },
    /// A service answered with a status that is no success.
    #[error("postMessage failed: request failed: request failed with status code {status}: {body}")]
    Status {
        /// The status code.
        status: u16,
        /// The start of the body, without control characters and without the provider's secrets.
        body: String,
        /// How long the service asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// A service sent us elsewhere, which is not followed because the request carries credentials.
    #[error(
        "postMessage failed: request failed: redirected with status code {status}; set the address to where it leads"
    )]
    Redirected {
        /// The status code.
        status: u16,
    },
    /// A service answered with success but said in its body that it was none.
    #[error("postMessage failed: {service} responded with error: {reason}")]
    Declined {
        /// The service.
        service: &'static str,
        /// What it said.
        reason: String,
    },
    /// The address leads to a place that the options rule out.
    #[error("postMessage failed: request failed: the address leads to a {place} address, which is ruled out")]
    ForbiddenAddress {
        /// What kind of place.
        place: &'static str,
    },

    /// No receiver has this path.
    #[error("no receiver has this path")]
    NoReceiver,
    /// The receiver is suspended or not ready.
    #[error("receiver {receiver} is {state}")]
    ReceiverClosed {
        /// The receiver.
        receiver: ObjectKey,
        /// `suspended` or `not ready`.
        state: &'static str,
    },
    /// The receiver's kind is one that is not built.
    #[error("receiver type '{kind}' is not supported")]
    UnknownReceiver {
        /// The kind.
        kind: String,
    },
    /// A receiver's spec contradicts itself.
    #[error("{reason}")]
    ReceiverSpec {
        /// What is wrong.
        reason: &'static str,
    },
    /// The receiver's Secret does not exist or could not be read.
    #[error("unable to read token from secret '{secret}'")]
    ReadToken {
        /// The Secret.
        secret: ObjectKey,
        /// What the reader said.
        source: Option<Cause>,
    },
    /// The receiver's Secret has no token.
    #[error("invalid '{secret}' secret data: required fields 'token'")]
    NoToken {
        /// The Secret.
        secret: ObjectKey,
    },
    /// A webhook is not from whom it should be from, or not what the receiver takes.
    #[error("webhook of receiver {receiver} was refused: {reason}")]
    Refused {
        /// The receiver.
        receiver: ObjectKey,
        /// Why, without the header's value.
        reason: String,
    },
    /// A receiver's resource cannot be asked to reconcile.
    #[error("unable to request reconciliation of {resource}: {reason}")]
    Resource {
        /// The resource as it stands in the receiver.
        resource: String,
        /// Why.
        reason: String,
        /// What the caller said.
        source: Option<Cause>,
    },
    /// A token is no text, so that it is not known whether a text holds it.
    #[error("a token is not valid UTF-8; what it may stand in is not shown")]
    Unmaskable,
    /// An expression cannot be read, or has no value for this request and object.
    #[error(transparent)]
    Expression(#[from] CelError),
}

impl NotifyError {
    /// Returns how long a service asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn settings(kind: impl ToString, reason: impl Into<String>) -> Self {
        Self::Settings { kind: kind.to_string(), reason: reason.into(), source: None }
    }
}

impl Failure for NotifyError {
    fn reason(&self) -> &str {
        match self {
            Self::ReadToken { .. } | Self::NoToken { .. } => reasons::TOKEN_NOT_FOUND,
            Self::ReceiverSpec { .. } | Self::UnknownReceiver { .. } => reasons::VALIDATION_FAILED,
            Self::Expression(_) => gitops_api::reasons::INVALID_CEL_EXPRESSION,
            Self::NoReceiver
            | Self::ReceiverClosed { .. }
            | Self::Refused { .. }
            | Self::Resource { .. }
            | Self::BodyTooLarge { .. }
            | Self::BodyBroken { .. }
            | Self::NotAnEvent { .. }
            | Self::Repeated { .. }
            | Self::Overloaded { .. }
            | Self::ShuttingDown => gitops_api::reasons::FAILED,
            _ => reasons::NOTIFICATION_DISPATCH_FAILED,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status == 429 || (*status >= 500 && *status != 501),
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::ReadProvider { .. }
            | Self::ReadLabels { .. }
            | Self::Overloaded { .. }
            | Self::BodyBroken { .. }
            | Self::ReadToken { .. }
            | Self::NoToken { .. }
            | Self::NoReceiver
            | Self::ReceiverClosed { .. } => true,
            Self::Resource { source, .. } => source.is_some(),
            _ => false,
        }
    }

    fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::ReceiverSpec { .. }
                | Self::UnknownReceiver { .. }
                | Self::UnknownProvider { .. }
                | Self::Expression(_)
        )
    }
}
