//! CustomResourceDefinition.

use serde_json::Value;

use super::reading::conditions;
use super::status::Assessment;

pub(crate) fn assess(object: &Value) -> Assessment {
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return Assessment::failed(condition.reason, condition.message),
            ("Established", "False") if condition.reason != "Installing" => {
                return Assessment::failed(condition.reason, condition.message);
            }
            ("Established", "True") => return Assessment::current("CRD is established"),
            _ => {}
        }
    }
    Assessment::in_progress("Installing", "Install in progress")
}
