//! `gitlab`: GitLab's webhooks.

use gitops_api::notification_v1::{ReceiverKind, ReceiverSpec};

use super::{Receiver, Refusal, Webhook};

/// Takes requests with the token in `X-Gitlab-Token`, whose event the receiver takes.
///
/// Source: notification-controller `internal/server/receiver_handlers.go`.
///
/// # Difference from Flux
/// The token is compared in constant time, and an empty one proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct GitLab;

impl Receiver for GitLab {
    fn kind(&self) -> ReceiverKind {
        ReceiverKind::GitLab
    }

    fn verify(&self, webhook: &Webhook<'_>, spec: &ReceiverSpec) -> Result<(), Refusal> {
        webhook.verify_token("X-Gitlab-Token")?;
        webhook.verify_event("X-Gitlab-Event", &spec.events)
    }
}
