//! `generic`: the event as JSON to any address.

use bytes::Bytes;
use futures::future::BoxFuture;
use gitops_api::Event;
use gitops_api::notification_v1beta3::ProviderKind;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::settings::{Address, Settings};
use super::{Provider, Request, Wire, checked};
use crate::NotifyError;
use crate::event::encode_event;

/// The header that names the controller which tells.
const COMPONENT: HeaderName = HeaderName::from_static("gotk-component");

/// Posts the event's JSON, with the headers of the provider's Secret.
///
/// Source: notification-controller `internal/notifier/forwarder.go`.
#[derive(Debug)]
pub struct Generic {
    address: Address,
    headers: HeaderMap,
}

impl Generic {
    /// Returns the provider of these settings.
    ///
    /// # Errors
    /// [`NotifyError::Settings`] when the address is no URL of HTTP.
    pub fn new(settings: &Settings) -> Result<Self, NotifyError> {
        Ok(Self { address: settings.url()?, headers: settings.headers().clone() })
    }
}

impl Provider for Generic {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Generic
    }

    fn deliver<'a>(&'a self, event: &'a Event, wire: &'a dyn Wire) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(async move {
            let request = request(&self.address, &self.headers, event);
            checked(wire.send(request).await?, wire).map(drop)
        })
    }
}

/// Returns the request that tells of an event; the headers of the Secret stand before our own.
pub(super) fn request(address: &Address, headers: &HeaderMap, event: &Event) -> Request {
    let mut request = json_request(address, encode_event(event));
    // Whoever posts events says what stands here.
    let component = event.reporting_controller.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' });
    let component = HeaderValue::from_str(&component.collect::<String>());
    if let Ok(component) = component {
        request.headers_mut().insert(COMPONENT, component);
    }
    for (name, value) in headers {
        request.headers_mut().insert(name, value.clone());
    }
    request
}

/// Returns a request that posts JSON.
pub(super) fn json_request(address: &Address, body: Bytes) -> Request {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    // The address was held against this when it was read.
    if let Ok(uri) = address.expose().parse() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}
