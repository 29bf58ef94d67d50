//! Asking the API whether a statement is true, and waiting for it on a watch; nothing here sleeps.

use std::fmt::Debug;
use std::time::Duration;

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Event;
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// A machine with much to do takes its time; what is true is noticed at once.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until what `view` sees in an object is `want`, and returns the object.
pub(crate) async fn until<K, V>(
    api: &Api<K>,
    name: &str,
    what: &str,
    view: impl Fn(&K) -> V,
    want: V,
) -> Result<K, Failure>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + Send + 'static,
    V: PartialEq + Debug,
{
    let holds = |object: Option<&K>| object.is_some_and(|object| view(object) == want);
    if let Ok(awaited) = tokio::time::timeout(PATIENCE, await_condition(api.clone(), name, holds)).await
        && let Some(object) = awaited?
    {
        return Ok(object);
    }
    let found = match api.get_opt(name).await? {
        None => format!("no object {name}"),
        Some(object) => format!("{:?} after {} s{}", view(&object), PATIENCE.as_secs(), ready(&object)),
    };
    Err(Failure::Unexpected { what: what.to_owned(), expected: format!("{want:?}"), found })
}

/// Waits until an object is gone.
pub(crate) async fn until_gone<K>(api: &Api<K>, name: &str, what: &str) -> Result<(), Failure>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let Some(object) = api.get_opt(name).await? else { return Ok(()) };
    let gone = conditions::is_deleted(object.meta().uid.as_deref().unwrap_or_default());
    match tokio::time::timeout(PATIENCE, await_condition(api.clone(), name, gone)).await {
        Ok(awaited) => awaited.map(drop).map_err(Failure::from),
        Err(_) => {
            let found = format!("it is still there after {} s", PATIENCE.as_secs());
            Err(Failure::Unexpected { what: what.to_owned(), expected: "no such object".to_owned(), found })
        }
    }
}

/// Waits until an object told something: an event of this reason whose message contains this text.
pub(crate) async fn until_told(
    api: &Api<Event>,
    kind: &str,
    name: &str,
    reason: &str,
    text: &str,
) -> Result<(), Failure> {
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name},reason={reason}");
    let mut events =
        std::pin::pin!(watcher(api.clone(), watcher::Config::default().fields(&fields)).applied_objects());
    let mut heard = Vec::new();
    let wait = async {
        while let Some(event) = events.try_next().await? {
            let message = event.message.unwrap_or_default();
            if message.contains(text) {
                return Ok(true);
            }
            heard.push(message);
        }
        Ok::<_, watcher::Error>(false)
    };
    if let Ok(told) = tokio::time::timeout(PATIENCE, wait).await
        && told?
    {
        return Ok(());
    }
    let what = format!("the events {reason} of {kind}/{name}");
    Err(Failure::Unexpected {
        what,
        expected: format!("one that says '{text}'"),
        found: format!("{heard:?}"),
    })
}

/// Compares what is with what should be.
pub(crate) fn expect<V: PartialEq + Debug>(what: &str, found: V, want: V) -> Result<(), Failure> {
    if found == want {
        return Ok(());
    }
    Err(Failure::Unexpected {
        what: what.to_owned(),
        expected: format!("{want:?}"),
        found: format!("{found:?}"),
    })
}

/// Returns what an object says of itself, as a reason why something else is not so.
fn ready(object: &impl Serialize) -> String {
    let object = serde_json::to_value(object).unwrap_or_default();
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    ready
        .map(|c| format!("; its Ready condition: {} {}: {}", c["status"], c["reason"], c["message"]))
        .unwrap_or_default()
}
