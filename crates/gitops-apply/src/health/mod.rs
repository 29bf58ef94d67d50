//! Whether objects are as their specification asks: kstatus' rules, one kind a file, and waiting for them.
//!
//! The order of the rules is kstatus' (fluxcd/cli-utils `pkg/kstatus/status`): a deletion, an unobserved generation and
//! the conditions `Reconciling` and `Stalled` come first, then the rules of built-in kinds, then the condition `Ready`;
//! an object that says nothing is as asked for.

mod custom_resource_definition;
mod daemon_set;
mod deployment;
mod generic;
mod job;
mod observe;
mod persistent_volume_claim;
mod pod;
mod reading;
mod replica_set;
mod service;
mod stateful_set;
mod status;
mod wait;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

pub use job::{JobRule, is_job, removes_itself};
pub use status::{Assessment, Status, aggregate};
pub use wait::HealthOptions;
pub(crate) use wait::{Target, until_gone, until_healthy};

use crate::fields::{group, kind};

/// A rule for the health of kinds that have none here, for example expressions of an owner.
///
/// The first check that answers decides; built-in rules apply when none does.
pub trait HealthCheck: Send + Sync {
    /// Assesses an object, or returns none when this check is not about its kind.
    fn assess(&self, object: &Value) -> Option<Assessment>;
}

/// The rules by which objects are assessed.
#[derive(Clone, Default)]
pub struct HealthRules {
    checks: Vec<Arc<dyn HealthCheck>>,
    jobs: JobRule,
}

impl HealthRules {
    /// Returns kstatus' rules with Flux's reading of Jobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check that is asked before the built-in rules.
    #[must_use]
    pub fn with_check(mut self, check: impl HealthCheck + 'static) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Sets how running Jobs count.
    #[must_use]
    pub fn with_jobs(mut self, jobs: JobRule) -> Self {
        self.jobs = jobs;
        self
    }

    /// Assesses an object at a time, which matters for rules that look at its age.
    #[must_use]
    pub fn assess(&self, object: &Value, now: Timestamp) -> Assessment {
        if let Some(assessment) = self.checks.iter().find_map(|check| check.assess(object)) {
            return assessment;
        }
        if let Some(assessment) = generic::before_kind(object) {
            return assessment;
        }
        match (group(object), kind(object)) {
            ("", "ConfigMap" | "Secret") => Assessment::current("Resource is always ready"),
            ("", "Pod") => pod::assess(object, now),
            ("", "Service") => service::assess(object),
            ("", "PersistentVolumeClaim") => persistent_volume_claim::assess(object),
            ("apps", "Deployment") => deployment::assess(object),
            ("apps", "ReplicaSet") => replica_set::assess(object),
            ("apps", "StatefulSet") => stateful_set::assess(object),
            ("apps", "DaemonSet") => daemon_set::assess(object),
            ("batch", "Job") => job::assess(object, self.jobs),
            ("batch", "CronJob") => Assessment::current("Resource is always ready"),
            ("policy", "PodDisruptionBudget") => Assessment::current("AllowedDisruptions has been computed."),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                custom_resource_definition::assess(object)
            }
            _ => generic::after_kind(object),
        }
    }
}

impl fmt::Debug for HealthRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthRules").field("checks", &self.checks.len()).field("jobs", &self.jobs).finish()
    }
}

/// Assesses a controller of pods from its own assessment and those of its pods
/// (fluxcd/cli-utils `pkg/kstatus/polling/statusreaders`).
///
/// A controller at work counts as failed when a pod has failed for good; a pod that waits for a node has not.
#[must_use]
pub fn with_pods<'a>(own: Assessment, pods: impl IntoIterator<Item = (Status, &'a Value)>) -> Assessment {
    if own.status != Status::InProgress {
        return own;
    }
    let failed = pods
        .into_iter()
        .filter(|(status, pod)| {
            *status == Status::Failed
                && reading::word(pod, &["metadata", "deletionTimestamp"]).is_empty()
                && !pod::is_unschedulable(pod)
        })
        .count();
    if failed == 0 { own } else { Assessment::failed("PodsFailed", format!("{failed} pods have failed")) }
}
