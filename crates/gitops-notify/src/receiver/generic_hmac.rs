//! `generic-hmac`: anybody who can sign with the token.

use gitops_api::notification_v1::{ReceiverKind, ReceiverSpec};

use super::{Receiver, Refusal, Webhook};

/// Takes requests with `X-Signature: ALGORITHM=HEX`, the HMAC of the body under the token; the algorithm is `sha256`,
/// `sha512` or, where it is allowed, `sha1`.
///
/// Source: notification-controller `internal/server/receiver_handlers.go`.
#[derive(Clone, Copy, Debug, Default)]
pub struct GenericHmac;

impl Receiver for GenericHmac {
    fn kind(&self) -> ReceiverKind {
        ReceiverKind::GenericHmac
    }

    fn verify(&self, webhook: &Webhook<'_>, _: &ReceiverSpec) -> Result<(), Refusal> {
        webhook.verify_signature("X-Signature")
    }
}
