//! `slack`: a message to a channel, through a webhook or `chat.postMessage`.

use bytes::Bytes;
use futures::future::BoxFuture;
use gitops_api::notification_v1beta3::ProviderKind;
use gitops_api::{Event, Severity};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::generic::json_request;
use super::settings::{Address, Settings};
use super::wire::{Answer, excerpt};
use super::{Provider, Request, Wire, checked};
use crate::NotifyError;
use crate::key::object_id;

/// The one address whose answers say in their body whether the message was taken.
const POST_MESSAGE: &str = "https://slack.com/api/chat.postMessage";

/// Posts a message with one attachment: to an incoming webhook, or with a bot's token to `chat.postMessage`.
///
/// Source: notification-controller `internal/notifier/slack.go`.
///
/// # Difference from Flux
/// `<!here>`, `<@user>` and their kin in an event's message call nobody: a message holds the words of whoever made a commit.
/// In the alert's `eventMetadata` and `summary` they work.
#[derive(Debug)]
pub struct Slack {
    address: Address,
    channel: String,
    username: String,
    token: Option<SecretString>,
}

#[derive(Serialize)]
struct Message<'e> {
    channel: &'e str,
    username: &'e str,
    icon_url: &'static str,
    icon_emoji: &'static str,
    attachments: [Attachment<'e>; 1],
}

#[derive(Serialize)]
struct Attachment<'e> {
    fallback: String,
    color: &'static str,
    author_name: String,
    text: String,
    mrkdwn_in: [&'static str; 1],
    fields: Vec<Field<'e>>,
}

#[derive(Serialize)]
struct Field<'e> {
    title: &'e str,
    value: &'e str,
    short: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    ok: bool,
    error: String,
}

impl Slack {
    /// Returns the provider of these settings.
    ///
    /// # Errors
    /// [`NotifyError::Settings`] when the address is no URL of HTTP or the token cannot stand in a header.
    pub fn new(settings: &Settings) -> Result<Self, NotifyError> {
        let token = settings.token().cloned();
        if let Some(token) = &token {
            bearer(token).ok_or_else(|| {
                NotifyError::settings(settings.kind(), "the Secret's 'token' has letters that no header has")
            })?;
        }
        let (channel, username) = (settings.channel().to_owned(), settings.username().to_owned());
        Ok(Self { address: settings.url()?, channel, username, token })
    }

    fn request(&self, event: &Event) -> Request {
        let body = serde_json::to_vec(&self.message(event)).unwrap_or_default();
        let mut request = json_request(&self.address, Bytes::from(body));
        if let Some(bearer) = self.token.as_ref().and_then(bearer) {
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        request
    }

    fn message<'e>(&'e self, event: &'e Event) -> Message<'e> {
        let id = object_id(&event.involved_object);
        let text = without_calls(&event.message);
        let first_line = text.split('\n').next().unwrap_or_default();
        let fields = event.metadata.iter().map(|(title, value)| Field { title, value, short: false });
        let attachment = Attachment {
            fallback: format!("{id}: {first_line}"),
            color: if event.severity == Severity::Error { "danger" } else { "good" },
            author_name: id,
            mrkdwn_in: ["text"],
            fields: fields.collect(),
            text,
        };
        let username = if self.username.is_empty() { &event.reporting_controller } else { &self.username };
        Message { channel: &self.channel, username, icon_url: "", icon_emoji: "", attachments: [attachment] }
    }

    /// Returns whether the answer says that the message was taken.
    fn judge(&self, answer: &Answer, wire: &dyn Wire) -> Result<(), NotifyError> {
        if self.address.expose() != POST_MESSAGE {
            return Ok(());
        }
        let said: Said = serde_json::from_slice(answer.body())
            .map_err(|_| NotifyError::Declined { service: "Slack", reason: "no JSON".to_owned() })?;
        if said.ok {
            return Ok(());
        }
        Err(NotifyError::Declined { service: "Slack", reason: excerpt(&wire.redact(&said.error)) })
    }
}

impl Provider for Slack {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Slack
    }

    fn deliver<'a>(&'a self, event: &'a Event, wire: &'a dyn Wire) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(async move {
            let answer = checked(wire.send(self.request(event)).await?, wire)?;
            self.judge(&answer, wire)
        })
    }
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Returns the text with Slack's calls to people and groups as plain text.
fn without_calls(text: &str) -> String {
    text.replace("<!", "&lt;!").replace("<@", "&lt;@")
}
