//! Job, as Flux reads it: ready only when it is complete or suspended.

use serde_json::Value;

use super::reading::{conditions, number, word};
use super::status::Assessment;
use crate::fields::at;

/// How a running Job counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum JobRule {
    /// As Flux: a Job is ready when it is complete or suspended (fluxcd/pkg `runtime/statusreaders/job.go`).
    #[default]
    Complete,
    /// As kstatus: a Job is ready as soon as it has started (fluxcd/cli-utils `pkg/kstatus/status/core.go`).
    Started,
}

pub(crate) fn assess(object: &Value, rule: JobRule) -> Assessment {
    if at(object, &["status", "conditions"])
        .is_some_and(|conditions| !conditions.is_array() && !conditions.is_null())
    {
        return Assessment::unknown("Failed to compute job status: .status.conditions is no list");
    }
    if rule == JobRule::Complete && at(object, &["spec", "suspend"]).and_then(Value::as_bool) == Some(true) {
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
            JobRule::Started => "Job not started".to_owned(),
        };
        return Assessment::in_progress("JobNotStarted", message);
    }
    let message = format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}");
    match rule {
        JobRule::Complete => Assessment::in_progress("JobInProgress", message),
        JobRule::Started => Assessment::current(message),
    }
}
