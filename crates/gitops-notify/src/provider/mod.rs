//! Messages out: one file a service, all of one shape.
//!
//! A file holds the service's struct, `new` from [`Settings`] (which refuses what the service cannot work with), the
//! implementation of [`Provider`], and the pure functions that make its requests and judge its answers.

mod address;
mod clients;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod generic;
mod generic_hmac;
mod settings;
mod slack;
mod telegram;
mod tls;
mod wire;

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use gitops_api::Event;
use gitops_api::notification_v1beta3::ProviderKind;

use crate::NotifyError;

pub use address::AddressPolicy;
pub use clients::Clients;
pub use generic::Generic;
pub use generic_hmac::GenericHmac;
pub use settings::{Address, Credentials, Settings, SettingsOptions};
pub use slack::Slack;
pub use telegram::Telegram;
pub(crate) use wire::excerpt;
pub use wire::{Answer, HttpWire, Request, Wire, checked};

/// A service that tells people or programs of events.
///
/// # Contract
/// - `deliver` tells the service once and does not try again: whether that helps stands in the error.
/// - It talks to the service through the [`Wire`] alone, which has the provider's certificates, proxy and time limit.
/// - Its future may be dropped at any point.
/// - Errors hold no secret; texts of the service go through [`Wire::redact`].
///
/// The suite in `provider::conformance` (feature `conformance`) holds an implementation against this.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Returns the kind of the service.
    fn kind(&self) -> ProviderKind;

    /// Tells the service of an event, whose metadata is already merged with the alert's.
    fn deliver<'a>(&'a self, event: &'a Event, wire: &'a dyn Wire) -> BoxFuture<'a, Result<(), NotifyError>>;
}

/// Makes the provider that the settings describe.
///
/// # Errors
/// [`NotifyError::Settings`] when they lack what the kind needs, [`NotifyError::UnknownProvider`] for a kind that is not
/// built.
pub fn provider(settings: &Settings) -> Result<Arc<dyn Provider>, NotifyError> {
    Ok(match settings.kind() {
        ProviderKind::Generic => Arc::new(Generic::new(settings)?),
        ProviderKind::GenericHmac => Arc::new(GenericHmac::new(settings)?),
        ProviderKind::Slack => Arc::new(Slack::new(settings)?),
        ProviderKind::Telegram => Arc::new(Telegram::new(settings)?),
        other => return Err(NotifyError::UnknownProvider { kind: other.to_string() }),
    })
}
