//! A webhook as its receiver sees it.

use http::{HeaderMap, Method};

use crate::signature::{self, Algorithm};

/// A webhook with its raw body, and the token that its sender should know.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Webhook<'w> {
    /// The method.
    pub method: &'w Method,
    /// The headers.
    pub headers: &'w HeaderMap,
    /// The body, byte for byte.
    pub body: &'w [u8],
    /// The receiver's token, byte for byte as in its Secret.
    pub token: &'w [u8],
    /// Whether signatures with SHA-1 count.
    pub takes_sha1: bool,
}

/// Why a webhook is refused; holds no value of a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// Returns the refusal with this reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl<'w> Webhook<'w> {
    /// Returns the webhook; signatures with SHA-1 do not count.
    #[must_use]
    pub fn new(method: &'w Method, headers: &'w HeaderMap, body: &'w [u8], token: &'w [u8]) -> Self {
        Self { method, headers, body, token, takes_sha1: false }
    }

    /// Returns the webhook with signatures with SHA-1 counting or not.
    #[must_use]
    pub fn takes_sha1(mut self, takes_sha1: bool) -> Self {
        self.takes_sha1 = takes_sha1;
        self
    }

    /// Returns a header's one value as text; `None` when it is not there.
    ///
    /// # Errors
    /// When it is there twice, since nobody can say which one counts, or holds letters that are no ASCII.
    pub fn header(&self, name: &str) -> Result<Option<&'w str>, Refusal> {
        let mut values = self.headers.get_all(name).iter();
        let Some(first) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::new(format!("the {name} header is there more than once")));
        }
        let text = first.to_str().map_err(|_| Refusal::new(format!("the {name} header is no text")))?;
        Ok(Some(text))
    }

    /// Returns the media type of the body in lower case, without its parameters; empty when it is not said.
    ///
    /// # Errors
    /// As [`header`](Self::header).
    pub fn media_type(&self) -> Result<String, Refusal> {
        let text = self.header("Content-Type")?.unwrap_or_default();
        Ok(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// Holds a header of the form `sha256=HEX` against the HMAC of the body under the token.
    ///
    /// # Errors
    /// When it is not there, of another form or algorithm, or wrong.
    pub fn verify_signature(&self, name: &str) -> Result<(), Refusal> {
        let refused = |why: &str| Refusal::new(format!("the {name} header {why}"));
        let text = self.header(name)?.filter(|text| !text.is_empty()).ok_or_else(|| refused("is missing"))?;
        let (algorithm, signature) = Algorithm::parse(text).ok_or_else(|| refused("is no signature"))?;
        if algorithm == Algorithm::Sha1 && !self.takes_sha1 {
            return Err(refused("is a signature with SHA-1, which does not count"));
        }
        if self.token.is_empty() {
            return Err(Refusal::new("the receiver's token is empty, which proves nothing"));
        }
        match algorithm.verify(self.token, self.body, &signature) {
            true => Ok(()),
            false => Err(refused("is not the signature of this body")),
        }
    }

    /// Holds a header against the token.
    ///
    /// # Errors
    /// When it is not there or another.
    pub fn verify_token(&self, name: &str) -> Result<(), Refusal> {
        if self.token.is_empty() {
            return Err(Refusal::new("the receiver's token is empty, which proves nothing"));
        }
        let mut values = self.headers.get_all(name).iter();
        let given = values.next().ok_or_else(|| Refusal::new(format!("the {name} header is missing")))?;
        if values.next().is_some() {
            return Err(Refusal::new(format!("the {name} header is there more than once")));
        }
        match signature::equal(given.as_bytes(), self.token) {
            true => Ok(()),
            false => Err(Refusal::new(format!("the {name} header value does not match the receiver token"))),
        }
    }

    /// Holds the sender's word for the event against those that the receiver takes; all do when it names none.
    ///
    /// # Errors
    /// When the event is none of them.
    pub fn verify_event(&self, name: &str, events: &[String]) -> Result<(), Refusal> {
        if events.is_empty() {
            return Ok(());
        }
        let event = self.header(name)?.unwrap_or_default();
        match events.iter().any(|known| known.to_lowercase() == event.to_lowercase()) {
            true => Ok(()),
            false => Err(Refusal::new(format!("the {name} header names an event that is not authorised"))),
        }
    }
}
