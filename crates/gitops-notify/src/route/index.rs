//! All alerts, found by what their sources name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use gitops_api::Event;
use gitops_api::notification_v1beta3::Alert;

use super::alert::{Route, Verdict};
use crate::ObjectKey;

/// How alerts are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteOptions {
    /// Whether alerts hear of objects in their own namespace only: Flux's `--no-cross-namespace-refs`.
    pub no_cross_namespace: bool,
}

impl RouteOptions {
    /// Returns the options with alerts hearing of objects in their own namespace only, or of all.
    #[must_use]
    pub fn no_cross_namespace(mut self, no_cross_namespace: bool) -> Self {
        self.no_cross_namespace = no_cross_namespace;
        self
    }
}

/// The index of all alerts. Clones share it.
///
/// An event asks only the alerts that have a source of its object's kind and namespace; any kind can be a source.
///
/// ```
/// use gitops_api::notification_v1beta3::Alert;
/// use gitops_notify::{RouteOptions, Routes, decode_event};
///
/// let alert: Alert = serde_json::from_str(r#"{
///     "metadata": {"name": "failures", "namespace": "apps"},
///     "spec": {"providerRef": {"name": "chat"}, "eventSeverity": "error",
///              "eventSources": [{"kind": "Canary", "name": "*"}], "exclusionList": ["^waiting"]}
/// }"#)?;
/// let routes = Routes::new(RouteOptions::default());
/// routes.set(&alert);
///
/// let event = decode_event(br#"{"severity": "error", "message": "promotion failed",
///     "involvedObject": {"kind": "Canary", "name": "web", "namespace": "apps"}}"#)?;
/// let route = &routes.route(&event, None)[0];
/// assert_eq!(route.provider().to_string(), "apps/chat");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Routes {
    options: RouteOptions,
    index: Arc<RwLock<Index>>,
}

#[derive(Debug, Default)]
struct Index {
    alerts: BTreeMap<ObjectKey, Arc<Route>>,
    /// Kind and namespace of a source → the alerts with such a source.
    by_source: HashMap<(String, String), BTreeSet<ObjectKey>>,
}

impl Routes {
    /// Returns an empty index.
    #[must_use]
    pub fn new(options: RouteOptions) -> Self {
        Self { options, index: Arc::default() }
    }

    /// Takes an alert in, in the place of the one of that name, and returns it with its patterns compiled.
    pub fn set(&self, alert: &Alert) -> Arc<Route> {
        let route = Arc::new(Route::new(alert));
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        index.remove(route.alert());
        for source in sources(&route) {
            index.by_source.entry(source).or_default().insert(route.alert().clone());
        }
        index.alerts.insert(route.alert().clone(), Arc::clone(&route));
        route
    }

    /// Removes an alert.
    pub fn remove(&self, alert: &ObjectKey) {
        self.index.write().unwrap_or_else(PoisonError::into_inner).remove(alert);
    }

    /// Returns the alerts that an event goes to when its object has these labels, ordered by namespace and name. Sources
    /// with labels match nothing when the labels are not known.
    #[must_use]
    pub fn route(&self, event: &Event, labels: Option<&BTreeMap<String, String>>) -> Vec<Arc<Route>> {
        self.with_verdict(event, labels, &Verdict::Matches)
    }

    /// Returns the alerts that an event goes to if its object has certain labels: none, and nobody needs to look them up.
    #[must_use]
    pub fn waiting_for_labels(&self, event: &Event) -> Vec<Arc<Route>> {
        self.with_verdict(event, None, &Verdict::LabelsUnknown)
    }

    /// Returns what each alert says to an event, to explain why somebody was or was not told.
    #[must_use]
    pub fn explain(
        &self,
        event: &Event,
        labels: Option<&BTreeMap<String, String>>,
    ) -> BTreeMap<ObjectKey, Verdict> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let judged = index.alerts.iter();
        judged.map(|(key, route)| (key.clone(), route.judge(event, labels, &self.options))).collect()
    }

    fn with_verdict(
        &self,
        event: &Event,
        labels: Option<&BTreeMap<String, String>>,
        wanted: &Verdict,
    ) -> Vec<Arc<Route>> {
        let judged = self.judged(event, labels).into_iter();
        judged.filter(|(_, verdict)| verdict == wanted).map(|(route, _)| route).collect()
    }

    /// Returns what the alerts with a source of the event's kind and namespace say.
    pub(crate) fn judged(
        &self,
        event: &Event,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Vec<(Arc<Route>, Verdict)> {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let source = (part(&event.involved_object.kind), part(&event.involved_object.namespace));
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        let asked = index.by_source.get(&source).into_iter().flatten();
        let routes = asked.filter_map(|key| index.alerts.get(key));
        routes.map(|route| (Arc::clone(route), route.judge(event, labels, &self.options))).collect()
    }
}

impl Index {
    fn remove(&mut self, alert: &ObjectKey) {
        let Some(route) = self.alerts.remove(alert) else { return };
        for source in sources(&route) {
            if let Some(keys) = self.by_source.get_mut(&source) {
                keys.remove(alert);
                if keys.is_empty() {
                    self.by_source.remove(&source);
                }
            }
        }
    }
}

fn sources(route: &Route) -> impl Iterator<Item = (String, String)> {
    route.spec().event_sources.iter().map(|source| {
        let namespace = source.namespace.clone().filter(|namespace| !namespace.is_empty());
        (source.kind.to_string(), namespace.unwrap_or_else(|| route.alert().namespace.clone()))
    })
}
