//! PersistentVolumeClaim.

use serde_json::Value;

use super::reading::word;
use super::status::Assessment;

pub(crate) fn assess(object: &Value) -> Assessment {
    match word(object, &["status", "phase"]) {
        "Bound" => Assessment::current("PVC is Bound"),
        phase => {
            let phase = if phase.is_empty() { "unknown" } else { phase };
            Assessment::in_progress("NotBound", format!("PVC is not Bound. phase: {phase}"))
        }
    }
}
