//! Flux's incoming notifications, `notification.toolkit.fluxcd.io/v1`.

mod receiver;

pub use receiver::{
    OidcProvider, OidcValidation, OidcVariable, Receiver, ReceiverKind, ReceiverResource, ReceiverSpec,
    ReceiverStatus,
};

/// The API group of notifications.
pub const GROUP: &str = "notification.toolkit.fluxcd.io";
