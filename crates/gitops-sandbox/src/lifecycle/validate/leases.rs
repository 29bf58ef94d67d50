//! The rules of Leases.

use serde_json::Value;

use super::fields::non_negative;
use crate::wire::status::Cause;

/// Checks a lease.
pub(super) fn lease(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        let field = "spec.leaseDurationSeconds";
        causes.push(Cause::invalid(field, &spec["leaseDurationSeconds"], "must be greater than 0"));
    }
    non_negative(spec, "leaseTransitions", "spec", causes);
}
