//! Which of an event's metadata counts, and what an alert adds to it.

use std::collections::BTreeMap;

use gitops_api::notification_v1beta3::AlertSpec;
use gitops_api::{Event, annotations, event_metadata};

/// Keeps the metadata whose keys start with the event's own group or that of the involved object, without its digest and
/// checksum, which change when nothing else does.
///
/// Source: notification-controller `internal/server/event_server.go`.
pub fn clean_metadata(event: &mut Event) {
    let group = object_group(event);
    let unwanted = [event_metadata::CHECKSUM, event_metadata::DIGEST].map(|key| format!("{group}/{key}"));
    event.metadata.retain(|key, _| {
        let is_of_object = !group.is_empty() && has_group(key, &group);
        (is_of_object || key.starts_with(annotations::EVENT_PREFIX)) && !unwanted.contains(key)
    });
}

/// Removes the token that only tells two events of the same text apart.
pub fn drop_token(event: &mut Event) {
    let key = format!("{}/{}", object_group(event), event_metadata::TOKEN);
    event.metadata.remove(&key);
}

/// Keys that several origins of metadata have: key → the origins, lowest first, as Flux lists them.
pub type KeyConflicts = BTreeMap<String, String>;

/// An event's metadata as an alert's provider gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedMetadata {
    /// The metadata, without groups before the keys.
    pub metadata: BTreeMap<String, String>,
    /// Keys that more than one origin has.
    pub conflicts: KeyConflicts,
}

/// Merges an event's metadata with what an alert says.
///
/// From the lowest to the highest: the object's annotations (keys of the event's group), the alert's `eventMetadata`, the
/// alert's `summary`, what the controller says (keys of the object's group).
///
/// Source: notification-controller `internal/server/event_handlers.go`, Flux's RFC 0008.
#[must_use]
pub fn merge_metadata(event: &Event, alert: &AlertSpec) -> MergedMetadata {
    let group = object_group(event);
    let prefix = format!("{group}/");
    let strip = |prefix: &str| -> Vec<(String, String)> {
        let pairs = event.metadata.iter();
        pairs.filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))).collect()
    };
    let summary = alert.summary.iter().filter(|summary| !summary.is_empty());
    let summary = summary.map(|summary| (event_metadata::SUMMARY.to_owned(), summary.clone())).collect();
    let own = alert.event_metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let controller = if group.is_empty() { Vec::new() } else { strip(&prefix) };
    let origins: [(&str, Vec<(String, String)>); 4] = [
        ("involved object annotations", strip(annotations::EVENT_PREFIX)),
        ("Alert object .spec.eventMetadata", own),
        ("Alert object .spec.summary", summary),
        ("involved object controller metadata", controller),
    ];
    let mut merged = MergedMetadata::default();
    let mut named: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (origin, pairs) in origins {
        for (key, value) in pairs {
            named.entry(key.clone()).or_default().push(origin);
            merged.metadata.insert(key, value);
        }
    }
    let several = named.into_iter().filter(|(_, origins)| origins.len() > 1);
    merged.conflicts = several.map(|(key, origins)| (key, origins.join(", "))).collect();
    merged
}

/// Returns a value that the controller gave the event, under the group of the involved object.
pub(crate) fn of_controller<'e>(event: &'e Event, key: &str) -> Option<&'e str> {
    event.metadata.get(&format!("{}/{key}", object_group(event))).map(String::as_str)
}

fn object_group(event: &Event) -> String {
    event.group().to_owned()
}

fn has_group(key: &str, group: &str) -> bool {
    key.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'))
}
