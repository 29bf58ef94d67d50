//! The rules of PodDisruptionBudgets.

use serde_json::Value;

use super::fields::{has, non_negative, one_of_if_any, selector, shown_selector};
use super::workloads::{int_or_percent, not_more_than_all};
use crate::wire::status::{Cause, shown};

/// Checks a budget.
pub(super) fn disruption_budget(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if has(spec, "minAvailable") && has(spec, "maxUnavailable") {
        let given = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            shown(&spec["minAvailable"]),
            shown_selector(&spec["selector"]),
            shown(&spec["maxUnavailable"]),
            shown(&spec["unhealthyPodEvictionPolicy"]),
        );
        let why = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid_as("spec", &given, why));
    }
    for name in ["minAvailable", "maxUnavailable"] {
        let field = format!("spec.{name}");
        int_or_percent(&spec[name], &field, causes);
        not_more_than_all(&spec[name], &field, causes);
    }
    selector(&spec["selector"], "spec.selector", causes);
    let known = ["AlwaysAllow", "IfHealthyBudget"];
    one_of_if_any(spec, "unhealthyPodEvictionPolicy", "spec", &known, causes);
}

/// Checks the status of a budget.
pub(super) fn status(object: &Value, causes: &mut Vec<Cause>) {
    for name in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
        non_negative(&object["status"], name, "status", causes);
    }
}
