//! `github`: GitHub's webhooks.

use gitops_api::notification_v1::{ReceiverKind, ReceiverSpec};

use super::{Receiver, Refusal, Webhook};

/// Takes requests with `X-Hub-Signature-256`, the HMAC of the body under the token, whose event the receiver takes. Without
/// that header `X-Hub-Signature` counts, where SHA-1 is allowed.
///
/// Source: notification-controller `internal/server/receiver_handlers.go`, GitHub's "Validating webhook deliveries".
#[derive(Clone, Copy, Debug, Default)]
pub struct GitHub;

impl Receiver for GitHub {
    fn kind(&self) -> ReceiverKind {
        ReceiverKind::GitHub
    }

    fn verify(&self, webhook: &Webhook<'_>, spec: &ReceiverSpec) -> Result<(), Refusal> {
        const SHA256: &str = "X-Hub-Signature-256";
        const SHA1: &str = "X-Hub-Signature";
        let given = webhook.header(SHA256)?.is_some_and(|text| !text.is_empty());
        let old = webhook.header(SHA1)?.is_some_and(|text| !text.is_empty());
        webhook.verify_signature(if old && !given { SHA1 } else { SHA256 })?;
        if !matches!(webhook.media_type()?.as_str(), "application/json" | "application/x-www-form-urlencoded")
        {
            return Err(Refusal::new("the Content-Type header names neither JSON nor a form"));
        }
        webhook.verify_event("X-GitHub-Event", &spec.events)
    }
}
