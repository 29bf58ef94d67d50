//! What the objects tell about themselves, as they tell it: the events of the API server.

use std::collections::HashMap;

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};

use crate::show::Show;

/// Shows every event from now on; ends never.
pub(crate) async fn show_events(events: Api<Event>, show: &Show) {
    let mut shown: HashMap<String, i32> = HashMap::new();
    let mut stream =
        std::pin::pin!(watcher(events, watcher::Config::default()).default_backoff().applied_objects());
    loop {
        match stream.try_next().await {
            Ok(Some(event)) => {
                let (name, count) =
                    (event.metadata.name.clone().unwrap_or_default(), event.count.unwrap_or(1));
                // After a break of the watch everything is listed again.
                if shown.insert(name, count).is_none_or(|before| before < count) {
                    tell(&event, show);
                }
            }
            Ok(None) => return,
            // The watch is tried again by itself.
            Err(_) => {}
        }
    }
}

fn tell(event: &Event, show: &Show) {
    let object = &event.involved_object;
    let subject = format!(
        "{}/{}",
        object.kind.as_deref().unwrap_or_default(),
        object.name.as_deref().unwrap_or_default()
    );
    let reason = event.reason.as_deref().unwrap_or_default();
    let is_warning = event.type_.as_deref() == Some("Warning");
    let message = event.message.as_deref().unwrap_or_default();
    for (number, line) in message.lines().enumerate() {
        let head = if number == 0 {
            format!("{subject} {reason}:")
        } else {
            " ".repeat(subject.len() + reason.len() + 2)
        };
        show.aside(&format!("      event  {head} {line}"), is_warning);
    }
}
