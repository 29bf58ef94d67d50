//! Service.

use serde_json::Value;

use super::reading::word;
use super::status::Assessment;

pub(crate) fn assess(object: &Value) -> Assessment {
    if word(object, &["spec", "type"]) == "LoadBalancer" && word(object, &["spec", "clusterIP"]).is_empty() {
        return Assessment::in_progress("NoIPAssigned", "ClusterIP not set. Service type: LoadBalancer");
    }
    Assessment::current("Service is ready")
}
