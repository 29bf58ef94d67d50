//! Setting, ordering and reading `status.conditions` as Flux's controllers do.
//!
//! Source: fluxcd/pkg `runtime/conditions`. Two rules differ from the usual Kubernetes ones and are part of the
//! contract: `lastTransitionTime` moves on *any* change of status, reason or message, and the list is ordered
//! (Stalled, Reconciling, Ready, then the others by type).

use gitops_api::Condition;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The most bytes that a message may have: the API's limit for `metav1.Condition`.
pub const MAX_MESSAGE_BYTES: usize = 32_768;

/// The standing of a condition, a typed view of its `status` text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// `True`
    True,
    /// `False`
    False,
    /// `Unknown`
    Unknown,
}

impl Standing {
    /// Returns the text as it stands in `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A list of conditions under change, bound to the generation and the time of one run.
///
/// ```
/// use gitops_runtime::conditions::{Conditions, Standing};
///
/// let mut conditions = Conditions::new(vec![], 3, jiff::Timestamp::UNIX_EPOCH);
/// conditions.set("Ready", Standing::True, "Succeeded", "stored artifact");
/// conditions.reconciling("Progressing", "building artifact");
/// let types: Vec<_> = conditions.list().iter().map(|c| c.type_.as_str()).collect();
/// assert_eq!(types, ["Reconciling", "Ready"]);
/// assert_eq!(conditions.get("Ready").unwrap().observed_generation, Some(3));
/// ```
#[derive(Clone, Debug)]
pub struct Conditions {
    list: Vec<Condition>,
    generation: i64,
    now: Timestamp,
}

impl Conditions {
    /// Takes the conditions of an object of this `generation`; new ones are stamped with `now`.
    pub fn new(list: Vec<Condition>, generation: i64, now: Timestamp) -> Self {
        Self { list, generation, now }
    }

    /// Returns the conditions in their order.
    pub fn list(&self) -> &[Condition] {
        &self.list
    }

    /// Returns the conditions by value, in their order.
    pub fn into_list(self) -> Vec<Condition> {
        self.list
    }

    /// Returns the condition of this type.
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        find(&self.list, type_)
    }

    /// Tells whether the condition is there and `True`.
    pub fn is_true(&self, type_: &str) -> bool {
        is_true(&self.list, type_)
    }

    /// Tells whether the condition is there and `False`.
    pub fn is_false(&self, type_: &str) -> bool {
        self.get(type_).is_some_and(|c| c.status == "False")
    }

    /// Sets a condition; its time moves only when status, reason or message differ from before.
    pub fn set(&mut self, type_: &str, standing: Standing, reason: &str, message: &str) {
        let message = truncate(message);
        let same =
            |c: &Condition| c.status == standing.as_str() && c.reason == reason && c.message == message;
        let since = self
            .get(type_)
            .filter(|c| same(c))
            .map_or_else(|| Time(self.now), |c| c.last_transition_time.clone());
        let condition = Condition {
            type_: type_.to_owned(),
            status: standing.as_str().to_owned(),
            reason: reason.to_owned(),
            message,
            observed_generation: Some(self.generation),
            last_transition_time: since,
        };
        self.list.retain(|c| c.type_ != type_);
        self.list.push(condition);
        self.list.sort_by(|a, b| rank(a).cmp(&rank(b)));
    }

    /// Removes a condition; one that is not there is fine.
    pub fn delete(&mut self, type_: &str) {
        self.list.retain(|c| c.type_ != type_);
    }

    /// Marks the object as being worked on: `Reconciling=True`, and no longer `Stalled`.
    pub fn reconciling(&mut self, reason: &str, message: &str) {
        self.delete("Stalled");
        self.set("Reconciling", Standing::True, reason, message);
    }

    /// Marks the object as one that no retry can help: `Stalled=True`, and no longer `Reconciling`.
    pub fn stalled(&mut self, reason: &str, message: &str) {
        self.delete("Reconciling");
        self.set("Stalled", Standing::True, reason, message);
    }
}

/// Returns the condition of this type in a list.
pub fn find<'a>(list: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    list.iter().find(|c| c.type_ == type_)
}

/// Tells whether a list holds the condition as `True`.
pub fn is_true(list: &[Condition], type_: &str) -> bool {
    find(list, type_).is_some_and(|c| c.status == "True")
}

/// The place of a condition in the list: the three of kstatus first, then by generation (newest first) and type.
fn rank(condition: &Condition) -> (u8, i64, &str) {
    let first = match condition.type_.as_str() {
        "Stalled" => 0,
        "Reconciling" => 1,
        "Ready" => 2,
        _ => 3,
    };
    let generation = if first == 3 { -condition.observed_generation.unwrap_or(0) } else { 0 };
    (first, generation, &condition.type_)
}

/// Cuts a message to [`MAX_MESSAGE_BYTES`], at a character's edge, ending in `...` where something was cut.
pub fn truncate(message: &str) -> String {
    if message.len() <= MAX_MESSAGE_BYTES {
        return message.to_owned();
    }
    let mut end = MAX_MESSAGE_BYTES - 3;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn time_stays_while_nothing_but_the_generation_changes() {
        let mut first = Conditions::new(vec![], 1, at(10));
        first.set("Ready", Standing::True, "Succeeded", "fine");
        let mut second = Conditions::new(first.into_list(), 2, at(20));
        second.set("Ready", Standing::True, "Succeeded", "fine");
        let ready = second.get("Ready").unwrap();
        assert_eq!(ready.last_transition_time.0, at(10));
        assert_eq!(ready.observed_generation, Some(2));
        second.set("Ready", Standing::True, "Succeeded", "finer");
        assert_eq!(second.get("Ready").unwrap().last_transition_time.0, at(20));
    }

    #[test]
    fn stalled_and_reconciling_exclude_each_other() {
        let mut c = Conditions::new(vec![], 1, at(0));
        c.reconciling("Progressing", "on it");
        c.stalled("URLInvalid", "no");
        assert!(c.get("Reconciling").is_none());
        c.reconciling("Progressing", "on it");
        assert!(c.get("Stalled").is_none());
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let long = "é".repeat(MAX_MESSAGE_BYTES);
        let cut = truncate(&long);
        assert!(cut.len() <= MAX_MESSAGE_BYTES && cut.ends_with("..."));
        assert_eq!(truncate("short"), "short");
    }
}
