//! The rules of pods that name their operating system.

use serde_json::{Value, json};

use super::super::fields::{each, has, text};
use crate::wire::status::Cause;

const OF_POD: [&str; 11] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
];
const OF_CONTAINER: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

/// Checks that a pod has only what its system has.
pub(super) fn check(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    if !has(spec, "os") {
        return;
    }
    let name = text(&spec["os"], "name");
    let (refused, why): (&[&str], &str) = match name {
        "" => return causes.push(Cause::required(format!("{path}.os.name"), "")),
        "linux" => (&["windowsOptions"], "windows options cannot be set for a linux pod"),
        "windows" => (&[], "cannot be set for a windows pod"),
        _ => {
            return causes.push(Cause::not_supported(
                format!("{path}.os"),
                &json!(name),
                &["linux", "windows"],
            ));
        }
    };
    let windows = name == "windows";
    if windows {
        for name in ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"] {
            if has(spec, name) && (spec[name] == true || !matches!(name, "hostPID" | "hostIPC")) {
                causes.push(Cause::forbidden(format!("{path}.{name}"), why));
            }
        }
    }
    let mut refuse = |context: &Value, path: &str, names: &[&str]| {
        for name in names.iter().filter(|name| has(context, name)) {
            causes.push(Cause::forbidden(format!("{path}.securityContext.{name}"), why));
        }
    };
    refuse(&spec["securityContext"], path, if windows { &OF_POD } else { refused });
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (at, container) in each(&spec[list], &format!("{path}.{list}")) {
            refuse(&container["securityContext"], &at, if windows { &OF_CONTAINER } else { refused });
        }
    }
}
