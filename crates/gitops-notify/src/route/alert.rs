//! One alert, ready to judge events.

use std::collections::BTreeMap;

use gitops_api::notification_v1beta3::{Alert, AlertSpec, EventSource};
use gitops_api::{Event, Severity};
use gitops_expr::regexp::Regexp;

use super::RouteOptions;
use crate::ObjectKey;

/// The name of a source that stands for all.
pub(super) const ANY: &str = "*";

/// One alert with its patterns compiled.
#[derive(Clone, Debug)]
pub struct Route {
    key: ObjectKey,
    provider: ObjectKey,
    spec: AlertSpec,
    inclusions: Patterns,
    exclusions: Patterns,
    invalid: Vec<InvalidPattern>,
}

/// A pattern of an alert that cannot be read. It is left out: an invalid exclusion excludes nothing, and with invalid
/// inclusions alone nothing is included.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidPattern {
    /// The list that it stands in: `inclusion` or `exclusion`.
    pub list: &'static str,
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

/// What an alert says to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The event goes to the alert's provider.
    Matches,
    /// The alert is suspended.
    Suspended,
    /// The event's object lies in another namespace than the alert, and such are not to be looked at.
    OtherNamespace,
    /// No source of the alert is the event's object.
    NoSource,
    /// The event's severity is none that the alert asks for.
    Severity,
    /// A source matches by kind, namespace and name, but the object's labels are others.
    Labels,
    /// A source matches if the object has certain labels, which are not known.
    LabelsUnknown,
    /// No pattern of the inclusion list occurs in the message.
    NotIncluded,
    /// This pattern of the exclusion list occurs in the message.
    Excluded {
        /// The pattern.
        pattern: String,
    },
}

impl Route {
    /// Reads an alert; its patterns are compiled once, here.
    #[must_use]
    pub fn new(alert: &Alert) -> Self {
        let key = ObjectKey::from(&alert.metadata);
        let provider = ObjectKey::new(&key.namespace, &alert.spec.provider_ref.name);
        let mut invalid = Vec::new();
        let inclusions = Patterns::new("inclusion", &alert.spec.inclusion_list, &mut invalid);
        let exclusions = Patterns::new("exclusion", &alert.spec.exclusion_list, &mut invalid);
        Self { key, provider, spec: alert.spec.clone(), inclusions, exclusions, invalid }
    }

    /// Returns the alert's name.
    #[must_use]
    pub fn alert(&self) -> &ObjectKey {
        &self.key
    }

    /// Returns the provider that the alert's events go to.
    #[must_use]
    pub fn provider(&self) -> &ObjectKey {
        &self.provider
    }

    /// Returns the alert's spec.
    #[must_use]
    pub fn spec(&self) -> &AlertSpec {
        &self.spec
    }

    /// Returns the patterns that cannot be read.
    #[must_use]
    pub fn invalid_patterns(&self) -> &[InvalidPattern] {
        &self.invalid
    }

    /// Judges an event whose object has these labels; `None` when they are not known.
    ///
    /// Source: notification-controller `internal/server/event_handlers.go`.
    #[must_use]
    pub fn judge(
        &self,
        event: &Event,
        labels: Option<&BTreeMap<String, String>>,
        options: &RouteOptions,
    ) -> Verdict {
        if self.spec.suspend {
            return Verdict::Suspended;
        }
        let namespace = event.involved_object.namespace.as_deref().unwrap_or_default();
        if options.no_cross_namespace && namespace != self.key.namespace {
            return Verdict::OtherNamespace;
        }
        // The best that any source says; they are ordered from the worst to the best.
        let said = self.spec.event_sources.iter().map(|source| self.source_verdict(source, event, labels));
        let best = said.min_by_key(|verdict| match verdict {
            Verdict::Matches => 0,
            Verdict::LabelsUnknown => 1,
            Verdict::Labels => 2,
            Verdict::Severity => 3,
            _ => 4,
        });
        let verdict = best.unwrap_or(Verdict::NoSource);
        // What the message says decides whatever the labels turn out to be.
        match verdict {
            Verdict::Matches | Verdict::LabelsUnknown => self.message_verdict(&event.message, verdict),
            other => other,
        }
    }

    fn source_verdict(
        &self,
        source: &EventSource,
        event: &Event,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Verdict {
        let object = &event.involved_object;
        let namespace = source.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        if object.namespace.as_deref().unwrap_or_default() != namespace.unwrap_or(&self.key.namespace)
            || object.kind.as_deref().unwrap_or_default() != source.kind.as_str()
            || (source.name != ANY && source.name != object.name.as_deref().unwrap_or_default())
        {
            return Verdict::NoSource;
        }
        if self.spec.event_severity != Severity::Info && self.spec.event_severity != event.severity {
            return Verdict::Severity;
        }
        if source.match_labels.is_empty() {
            return Verdict::Matches;
        }
        let Some(labels) = labels else { return Verdict::LabelsUnknown };
        let has = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        if source.match_labels.iter().all(has) { Verdict::Matches } else { Verdict::Labels }
    }

    fn message_verdict(&self, message: &str, verdict: Verdict) -> Verdict {
        if self.inclusions.asked_for && self.inclusions.find(message).is_none() {
            return Verdict::NotIncluded;
        }
        match self.exclusions.find(message) {
            Some(pattern) => Verdict::Excluded { pattern: pattern.to_owned() },
            None => verdict,
        }
    }
}

/// A list of patterns, compiled.
#[derive(Clone, Debug)]
struct Patterns {
    /// Whether the list has an entry at all, readable or not.
    asked_for: bool,
    compiled: Vec<Regexp>,
}

impl Patterns {
    fn new(list: &'static str, patterns: &[String], invalid: &mut Vec<InvalidPattern>) -> Self {
        let mut compiled = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            match Regexp::new(pattern) {
                Ok(regexp) => compiled.push(regexp),
                Err(error) => {
                    invalid.push(InvalidPattern { list, pattern: pattern.clone(), why: error.to_string() })
                }
            }
        }
        Self { asked_for: !patterns.is_empty(), compiled }
    }

    /// Returns the first pattern that occurs in the message.
    fn find(&self, message: &str) -> Option<&str> {
        self.compiled.iter().find(|pattern| pattern.is_match(message)).map(Regexp::as_str)
    }
}
