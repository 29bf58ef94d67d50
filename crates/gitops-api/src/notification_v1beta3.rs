//! Flux's outgoing notifications, `notification.toolkit.fluxcd.io/v1beta3`.

mod alert;
mod provider;

pub use alert::{Alert, AlertSpec, EventSource, EventSourceKind};
pub use provider::{Provider, ProviderKind, ProviderSpec};

/// The API group of notifications.
pub const GROUP: &str = "notification.toolkit.fluxcd.io";
