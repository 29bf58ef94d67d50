//! `generic-hmac`: the event as JSON to any address, signed.

use futures::future::BoxFuture;
use gitops_api::Event;
use gitops_api::notification_v1beta3::ProviderKind;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::generic::request;
use super::settings::{Address, Settings};
use super::{Provider, Request, Wire, checked};
use crate::NotifyError;
use crate::signature::hmac_sha256;

/// The header with the signature.
const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");

/// Posts the event's JSON as [`Generic`](super::Generic) does, with the HMAC-SHA256 of the body under the Secret's token.
///
/// Source: notification-controller `internal/notifier/forwarder.go`.
#[derive(Debug)]
pub struct GenericHmac {
    address: Address,
    headers: HeaderMap,
    token: SecretString,
}

impl GenericHmac {
    /// Returns the provider of these settings.
    ///
    /// # Errors
    /// [`NotifyError::Settings`] when the address is no URL of HTTP or there is no token: a signature under an empty key is
    /// anybody's.
    pub fn new(settings: &Settings) -> Result<Self, NotifyError> {
        let lacks = || NotifyError::settings(settings.kind(), "the Secret needs a key 'token'");
        let token = settings.token().ok_or_else(lacks)?.clone();
        Ok(Self { address: settings.url()?, headers: settings.headers().clone(), token })
    }

    fn request(&self, event: &Event) -> Request {
        let mut request = request(&self.address, &self.headers, event);
        let signature = hmac_sha256(self.token.expose_secret().as_bytes(), request.body());
        if let Ok(signature) = HeaderValue::from_str(&format!("sha256={signature}")) {
            request.headers_mut().insert(SIGNATURE, signature);
        }
        request
    }
}

impl Provider for GenericHmac {
    fn kind(&self) -> ProviderKind {
        ProviderKind::GenericHmac
    }

    fn deliver<'a>(&'a self, event: &'a Event, wire: &'a dyn Wire) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(async move { checked(wire.send(self.request(event)).await?, wire).map(drop) })
    }
}
