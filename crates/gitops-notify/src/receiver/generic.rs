//! `generic`: anybody who knows the path.

use gitops_api::notification_v1::{ReceiverKind, ReceiverSpec};

use super::{Receiver, Refusal, Webhook};

/// Takes every request that comes to the path, which is secret.
///
/// Source: notification-controller `internal/server/receiver_handlers.go`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Generic;

impl Receiver for Generic {
    fn kind(&self) -> ReceiverKind {
        ReceiverKind::Generic
    }

    fn verify(&self, _: &Webhook<'_>, _: &ReceiverSpec) -> Result<(), Refusal> {
        Ok(())
    }
}
