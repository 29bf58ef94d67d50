//! Webhooks in: one file a kind of sender, all of one shape.
//!
//! A file holds the kind's struct and its implementation of [`Receiver`]: who sent the request, and whether it is one of the
//! events that count. Everything else (paths, limits, filters, what is asked to reconcile) is the same for all kinds.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod endpoint;
mod filter;
mod generic;
mod generic_hmac;
mod github;
mod gitlab;
mod index;
mod target;
mod webhook;

use std::fmt;
use std::sync::Arc;

use gitops_api::notification_v1::{ReceiverKind, ReceiverSpec};

use crate::NotifyError;

pub use endpoint::{Received, ReceiverEndpoint, Resources};
pub use filter::{FilterRequest, ResourceFilter};
pub use generic::Generic;
pub use generic_hmac::GenericHmac;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use index::{ReceiveOptions, Receivers, validate, webhook_path};
pub use target::{Candidate, Selection, Target, Trigger};
pub use webhook::{Refusal, Webhook};

/// A kind of sender: knows how its webhooks prove where they come from.
///
/// # Contract
/// - `verify` takes any bytes: it neither panics nor takes longer than a linear time of the body.
/// - It is pure, and looks at the body's content after the signature over its raw bytes is known to be right.
/// - Secrets are compared in constant time; an empty token proves nothing.
/// - A refusal names the header but not its value.
///
/// The suite in `receiver::conformance` (feature `conformance`) holds an implementation against this.
pub trait Receiver: Send + Sync + fmt::Debug {
    /// Returns the kind of sender.
    fn kind(&self) -> ReceiverKind;

    /// Returns why a webhook is refused, if it is.
    ///
    /// # Errors
    /// Why.
    fn verify(&self, webhook: &Webhook<'_>, spec: &ReceiverSpec) -> Result<(), Refusal>;
}

/// Returns the kind of sender that a spec names.
///
/// # Errors
/// [`NotifyError::UnknownReceiver`] for a kind that is not built.
pub fn receiver(spec: &ReceiverSpec) -> Result<Arc<dyn Receiver>, NotifyError> {
    Ok(match &spec.kind {
        ReceiverKind::Generic => Arc::new(Generic),
        ReceiverKind::GenericHmac => Arc::new(GenericHmac),
        ReceiverKind::GitHub => Arc::new(GitHub),
        ReceiverKind::GitLab => Arc::new(GitLab),
        other => return Err(NotifyError::UnknownReceiver { kind: other.to_string() }),
    })
}
