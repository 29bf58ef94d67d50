//! A chat, as far as a Slack-shaped webhook sees one: it takes messages, shows them, and remembers them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::failure::Failure;

/// A machine with much to do takes its time; a message is noticed at once.
const PATIENCE: Duration = Duration::from_secs(90);

/// A message as people read it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) channel: String,
    /// What it is about, for example `kustomization/shop.flux-system`.
    pub(crate) author: String,
    pub(crate) text: String,
    /// Whether it is painted as something bad.
    pub(crate) is_bad: bool,
}

/// A running chat.
#[derive(Debug)]
pub(crate) struct Chat {
    url: String,
    room: Arc<Room>,
}

#[derive(Debug)]
struct Room {
    messages: Mutex<Vec<Message>>,
    count: watch::Sender<usize>,
}

impl Chat {
    /// Opens a chat on a free port.
    pub(crate) async fn open() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/webhook", listener.local_addr()?);
        let room = Arc::new(Room { messages: Mutex::default(), count: watch::Sender::new(0) });
        let app = Router::new().route("/webhook", post(take)).with_state(room.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, room })
    }

    /// Returns the address that a Provider of type `slack` needs.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns what was said so far.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.room.messages()
    }

    /// Waits until a message says this.
    pub(crate) async fn until_said(&self, text: &str) -> Result<Message, Failure> {
        let mut count = self.room.count.subscribe();
        let said = async {
            loop {
                count.mark_unchanged();
                if let Some(message) = self.messages().into_iter().find(|m| m.text.contains(text)) {
                    return message;
                }
                // The sender lives as long as this chat, so there is no error to see.
                let _ = count.changed().await;
            }
        };
        tokio::time::timeout(PATIENCE, said).await.map_err(|_| Failure::Unexpected {
            what: "the messages in the chat".to_owned(),
            expected: format!("one that says '{text}'"),
            found: format!("{:?}", self.messages().iter().map(|m| &m.text).collect::<Vec<_>>()),
        })
    }

    /// Calls `show` for each message from now on; ends never.
    pub(crate) async fn show(&self, show: impl Fn(&Message)) {
        let mut count = self.room.count.subscribe();
        let mut shown = 0;
        loop {
            count.mark_unchanged();
            let messages = self.messages();
            messages.iter().skip(shown).for_each(&show);
            shown = messages.len();
            if count.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Room {
    fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(State(room): State<Arc<Room>>, Json(body): Json<Value>) -> (StatusCode, &'static str) {
    let attachment = &body["attachments"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let message = Message {
        channel: text(&body["channel"]),
        author: text(&attachment["author_name"]),
        text: text(&attachment["text"]),
        is_bad: attachment["color"] == "danger",
    };
    room.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    room.count.send_modify(|count| *count += 1);
    (StatusCode::OK, "ok")
}
