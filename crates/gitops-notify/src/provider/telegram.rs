//! `telegram`: a message of a bot to a chat.

use bytes::Bytes;
use futures::future::BoxFuture;
use gitops_api::notification_v1beta3::ProviderKind;
use gitops_api::{Event, Severity};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::generic::json_request;
use super::settings::{Address, Settings};
use super::{Provider, Request, Wire, checked};
use crate::NotifyError;

/// Where bots talk to Telegram; the provider's address is not looked at.
const API: &str = "https://api.telegram.org";

/// Posts a message with a bot's token to a chat, or to one thread of it: `channel` is `chat` or `chat:thread`.
///
/// Source: notification-controller `internal/notifier/telegram.go`.
#[derive(Debug)]
pub struct Telegram {
    address: Address,
    chat: String,
    thread: Option<String>,
}

#[derive(Serialize)]
struct Message<'m> {
    chat_id: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_thread_id: Option<&'m str>,
    text: String,
    parse_mode: &'static str,
}

impl Telegram {
    /// Returns the provider of these settings.
    ///
    /// # Errors
    /// [`NotifyError::Settings`] without a channel or a token.
    pub fn new(settings: &Settings) -> Result<Self, NotifyError> {
        let lacks = |what: &str| NotifyError::settings(settings.kind(), what);
        let token = settings.token().ok_or_else(|| lacks("the Secret needs a key 'token'"))?.expose_secret();
        let is_one_name =
            !token.contains(|c: char| c.is_control() || c.is_whitespace() || "/?#%\\".contains(c));
        if !is_one_name {
            return Err(lacks("the Secret's 'token' has letters that no bot's token has"));
        }
        if settings.channel().is_empty() {
            return Err(lacks("channel is empty; set it to a chat, or to chat:thread"));
        }
        let (chat, thread) = match settings.channel().split_once(':') {
            Some((chat, thread)) => (chat, Some(thread.to_owned())),
            None => (settings.channel(), None),
        };
        let address = Address::new(settings.kind(), &format!("{API}/bot{token}/sendMessage"))?;
        Ok(Self { address, chat: chat.to_owned(), thread })
    }

    fn request(&self, event: &Event) -> Request {
        let message = Message {
            chat_id: &self.chat,
            message_thread_id: self.thread.as_deref(),
            text: text(event),
            parse_mode: "MarkdownV2",
        };
        json_request(&self.address, Bytes::from(serde_json::to_vec(&message).unwrap_or_default()))
    }
}

impl Provider for Telegram {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Telegram
    }

    fn deliver<'a>(&'a self, event: &'a Event, wire: &'a dyn Wire) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(async move { checked(wire.send(self.request(event)).await?, wire).map(drop) })
    }
}

fn text(event: &Event) -> String {
    let sign = if event.severity == Severity::Error { "🚨" } else { "💫" };
    let object = &event.involved_object;
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let id =
        format!("{}/{}/{}", part(&object.kind).to_lowercase(), part(&object.name), part(&object.namespace));
    let mut text = format!("*{sign} {}*\n{}\n", escaped(&id), escaped(&event.message));
    for (key, value) in &event.metadata {
        text.push_str(&format!("\\- *{}*: {}\n", escaped(key), escaped(value)));
    }
    text
}

/// Escapes what MarkdownV2 would take for a mark (core.telegram.org/bots/api#markdownv2-style).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\_*[]()~`>#+-=|{}.!".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
