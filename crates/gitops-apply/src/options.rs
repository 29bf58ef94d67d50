//! How a set is applied.

use std::time::Duration;

use gitops_manifest::Object;
use serde_json::Value;

use crate::calls::CallOptions;
use crate::fields::label;
use crate::go_form::Form;
use crate::ignore::IgnoreRule;
use crate::order::GroupKinds;
use crate::switches::FLUX_SWITCHES;

/// The name under which an applier owns fields (`metadata.managedFields[].manager`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldManager(String);

impl FieldManager {
    /// Returns the manager of that name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        FieldManager(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The two labels by which an object names its owner: `<group>/name` and `<group>/namespace`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerLabels {
    group: String,
    name: String,
    namespace: String,
}

impl OwnerLabels {
    /// Returns the labels of an owner in an API group, such as `kustomize.toolkit.fluxcd.io`.
    #[must_use]
    pub fn new(group: impl Into<String>, name: impl Into<String>, namespace: impl Into<String>) -> Self {
        OwnerLabels { group: group.into(), name: name.into(), namespace: namespace.into() }
    }

    /// Returns the two labels.
    #[must_use]
    pub fn pairs(&self) -> [(String, &str); 2] {
        [(format!("{}/name", self.group), &self.name), (format!("{}/namespace", self.group), &self.namespace)]
    }

    /// Sets the labels on an object.
    pub fn set(&self, object: &mut Object) {
        for (key, value) in self.pairs() {
            object.set_label(key, value);
        }
    }

    /// Returns whether a live object bears both labels.
    #[must_use]
    pub fn are_on(&self, live: &Value) -> bool {
        self.pairs().iter().all(|(key, value)| label(live, key) == Some(value))
    }
}

/// What is done with fields that the API's schema does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnknownFields {
    /// The object is refused and the field named.
    #[default]
    Refuse,
    /// The fields are left out of built-in kinds, as Flux does; those of other kinds are refused.
    Drop,
}

/// What is done when a set is empty and its owner has objects in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EmptySet {
    /// The plan fails: a set that lost everything is more often a mistake than a wish.
    #[default]
    Refuse,
    /// All objects of the owner are deleted, as Flux does.
    PruneAll,
}

/// How a set is applied; `Default` is the safe way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplyOptions {
    /// Whether objects are deleted and made again when an immutable field changes; off unless told otherwise.
    pub force: bool,
    /// How many requests are under way at once; 24 unless told otherwise, at least 1.
    pub concurrency: usize,
    /// How long the objects of a stage may take to become ready; 60 seconds unless told otherwise.
    pub stage_timeout: Duration,
    /// The kinds that are applied in a stage of their own, before workloads.
    pub custom_stage: GroupKinds,
    /// The prefix of the switches on single objects; Flux's unless told otherwise.
    pub switch_prefix: String,
    /// Further managers whose fields are taken over, by the beginning of their names.
    pub take_over: Vec<String>,
    /// What is done with fields that the API's schema does not have.
    pub unknown_fields: UnknownFields,
    /// Fields that are left to others: no drift, and never overwritten in an object that exists.
    pub ignore: Vec<IgnoreRule>,
    /// In which form objects are applied.
    pub form: Form,
    /// What is done when a set is empty.
    pub empty_set: EmptySet,
    /// How single calls to the API server behave.
    pub calls: CallOptions,
}

impl ApplyOptions {
    /// Returns the way in which Flux's kustomize-controller applies, for those who serve its kinds.
    #[must_use]
    pub fn flux() -> Self {
        ApplyOptions {
            unknown_fields: UnknownFields::Drop,
            form: Form::AsFlux,
            empty_set: EmptySet::PruneAll,
            ..ApplyOptions::default()
        }
    }
}

impl Default for ApplyOptions {
    fn default() -> Self {
        ApplyOptions {
            force: false,
            concurrency: 24,
            stage_timeout: Duration::from_secs(60),
            custom_stage: GroupKinds::default(),
            switch_prefix: FLUX_SWITCHES.to_owned(),
            take_over: Vec::new(),
            unknown_fields: UnknownFields::default(),
            ignore: Vec::new(),
            form: Form::default(),
            empty_set: EmptySet::default(),
            calls: CallOptions::default(),
        }
    }
}
