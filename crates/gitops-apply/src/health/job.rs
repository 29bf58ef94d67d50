//! Job, as Flux reads it: ready only when it is complete or suspended.

use serde_json::Value;

use super::reading::{condition, conditions, number, word};
use super::status::Assessment;
use crate::fields::{at, group, kind};

/// How a running Job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum JobRule {
    /// As Flux: a Job is ready when it is complete or suspended (fluxcd/pkg `runtime/statusreaders/job.go`).
    #[default]
    Complete,
    /// As Flux's generic code: a Job is ready as soon as it has started (fluxcd/cli-utils `pkg/kstatus/status/core.go`).
    Started,
    /// As kstatus upstream: also when it was suspended and its controller says so
    /// (kubernetes-sigs/cli-utils `pkg/kstatus/status/core.go`).
    StartedOrSuspended,
}

/// Returns whether an object is a Job.
#[must_use]
pub fn is_job(object: &Value) -> bool {
    group(object) == "batch" && kind(object) == "Job"
}

/// Returns whether an object is a Job that the cluster removes some time after it is done.
#[must_use]
pub fn removes_itself(object: &Value) -> bool {
    is_job(object) && at(object, &["spec", "ttlSecondsAfterFinished"]).is_some_and(|ttl| !ttl.is_null())
}

pub(crate) fn assess(object: &Value, rule: JobRule) -> Assessment {
    if at(object, &["status", "conditions"])
        .is_some_and(|conditions| !conditions.is_array() && !conditions.is_null())
    {
        return Assessment::unknown("Failed to compute job status: .status.conditions is no list");
    }
    let is_suspended = at(object, &["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    let is_told_so = condition(object, "Suspended").is_some_and(|suspended| suspended.status == "True");
    let counts = match rule {
        JobRule::Complete => is_suspended,
        JobRule::Started => false,
        JobRule::StartedOrSuspended => is_suspended && is_told_so,
    };
    if counts {
        return Assessment::current("Job is suspended");
    }
    let parallelism = number(object, &["spec", "parallelism"], 1);
    let completions = number(object, &["spec", "completions"], parallelism);
    let count = |field: &str| number(object, &["status", field], 0);
    let (succeeded, active, failed) = (count("succeeded"), count("active"), count("failed"));
    for condition in conditions(object).filter(|condition| condition.status == "True") {
        match condition.kind {
            "Complete" => {
                return Assessment::current(format!("Job Completed. succeeded: {succeeded}/{completions}"));
            }
            "Failed" => {
                return Assessment::failed(
                    "JobFailed",
                    format!("Job Failed. failed: {failed}/{completions}"),
                );
            }
            _ => {}
        }
    }
    if word(object, &["status", "startTime"]).is_empty() {
        let message = match rule {
            JobRule::Complete => format!("Job not started. active: {active}/{parallelism}"),
            _ => "Job not started".to_owned(),
        };
        return Assessment::in_progress("JobNotStarted", message);
    }
    let message = format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}");
    match rule {
        JobRule::Complete => Assessment::in_progress("JobInProgress", message),
        _ => Assessment::current(message),
    }
}
