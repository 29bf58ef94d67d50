//! The rules of what containers may.

use serde_json::{Value, json};

use super::super::fields::{between, each, has, items, one_of, text};
use super::{Around, descending, policy};
use crate::wire::status::{Cause, shown};

const MAX_ID: i64 = i32::MAX as i64;

/// Checks the context of a pod.
pub(super) fn of_pod(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let context = &spec["securityContext"];
    let at = |name: &str| format!("{path}.securityContext.{name}");
    for name in ["fsGroup", "runAsUser", "runAsGroup"] {
        between(&context[name], &at(name), 0, MAX_ID, causes);
    }
    for (at, group) in each(&context["supplementalGroups"], &at("supplementalGroups")) {
        between(group, &at, 0, MAX_ID, causes);
    }
    if spec["shareProcessNamespace"] == true && spec["hostPID"] == true {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        causes.push(Cause::invalid(at("shareProcessNamespace"), &json!(true), why));
    }
    settings(spec, &at("sysctls"), causes);
    let path = format!("{path}.securityContext");
    policy(context, "fsGroupChangePolicy", &path, &["Always", "OnRootMismatch"], causes);
    system_calls(&context["seccompProfile"], &at("seccompProfile"), causes);
    armour(&context["appArmorProfile"], &at("appArmorProfile"), causes);
    policy(context, "supplementalGroupsPolicy", &path, &["Merge", "Strict"], causes);
    policy(context, "seLinuxChangePolicy", &path, &["MountOption", "Recursive"], causes);
}

/// Checks settings of the kernel.
fn settings(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    const FORMAT: &str = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
    let part = |part: &str| {
        let edge =
            |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        edge(part.bytes().next())
            && edge(part.bytes().last())
            && part.bytes().all(|byte| edge(Some(byte)) || byte == b'-' || byte == b'_')
    };
    let mut known: Vec<&str> = Vec::new();
    for (at, setting) in each(&spec["securityContext"]["sysctls"], path) {
        let (name, field) = (text(setting, "name"), format!("{at}.name"));
        if name.is_empty() {
            causes.push(Cause::required(field.clone(), ""));
        } else if name.len() > 253 || !name.split(['.', '/']).all(part) {
            let why = format!("must have at most 253 characters and match regex {FORMAT}");
            causes.push(Cause::invalid(field.clone(), &json!(name), &why));
        } else if known.contains(&name) {
            causes.push(Cause::duplicate(field.clone(), &json!(name)));
        }
        known.push(name);
        let of = name.replace('/', ".");
        if spec["hostNetwork"] == true && of.starts_with("net.") {
            let why = "may not be specified when 'hostNetwork' is true";
            causes.push(Cause::invalid(field, &json!(name), why));
        } else if spec["hostIPC"] == true
            && (of.starts_with("fs.mqueue.")
                || of.starts_with("kernel.msg")
                || of.starts_with("kernel.shm")
                || of == "kernel.sem")
        {
            let why = "may not be specified when 'hostIPC' is true";
            causes.push(Cause::invalid(field, &json!(name), why));
        }
    }
}

fn system_calls(profile: &Value, path: &str, causes: &mut Vec<Cause>) {
    if profile.is_null() {
        return;
    }
    if text(profile, "type").is_empty() {
        let why = "type is required when seccompProfile is set";
        causes.push(Cause::required(format!("{path}.type"), why));
    } else {
        one_of(profile, "type", path, &["Localhost", "RuntimeDefault", "Unconfined"], causes);
    }
    let field = format!("{path}.localhostProfile");
    match (profile["type"] == "Localhost", has(profile, "localhostProfile")) {
        (true, false) => {
            causes.push(Cause::required(field, "must be set when seccomp type is Localhost"));
        }
        (true, true) => descending(&profile["localhostProfile"], &field, causes),
        (false, true) => {
            let given = format!(
                "{{\"Type\":{},\"LocalhostProfile\":{}}}",
                json!(text(profile, "type")),
                profile["localhostProfile"]
            );
            let why = "can only be set when seccomp type is Localhost";
            causes.push(Cause::invalid_as(field, &given, why));
        }
        (false, false) => {}
    }
}

fn armour(profile: &Value, path: &str, causes: &mut Vec<Cause>) {
    if profile.is_null() {
        return;
    }
    let (field, given) = (format!("{path}.localhostProfile"), text(profile, "localhostProfile"));
    match text(profile, "type") {
        "Localhost" if given.trim() != given => {
            let why = "must not be padded with whitespace";
            causes.push(Cause::invalid(field, &json!(given), why));
        }
        "Localhost" if given.is_empty() => {
            causes.push(Cause::required(field, "must be set when AppArmor type is Localhost"));
        }
        "Localhost" => {}
        "RuntimeDefault" | "Unconfined" => {
            if has(profile, "localhostProfile") {
                let why = "can only be set when AppArmor type is Localhost";
                causes.push(Cause::invalid(field, &json!(given), why));
            }
        }
        "" => {
            let why = "type is required when appArmorProfile is set";
            causes.push(Cause::required(format!("{path}.type"), why));
        }
        _ => one_of(profile, "type", path, &["Localhost", "RuntimeDefault", "Unconfined"], causes),
    }
}

/// Checks the context of a container.
pub(super) fn of_container(context: &Value, around: &Around<'_>, path: &str, causes: &mut Vec<Cause>) {
    if context.is_null() {
        return;
    }
    for name in ["runAsUser", "runAsGroup"] {
        between(&context[name], &format!("{path}.{name}"), 0, MAX_ID, causes);
    }
    policy(context, "procMount", path, &["Default", "Unmasked"], causes);
    if around.host_users && context["procMount"] == "Unmasked" {
        let why = "`hostUsers` must be false to use `Unmasked`";
        causes.push(Cause::invalid(format!("{path}.procMount"), &context["procMount"], why));
    }
    system_calls(&context["seccompProfile"], &format!("{path}.seccompProfile"), causes);
    if context["allowPrivilegeEscalation"] == false {
        if context["privileged"] == true {
            let why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            causes.push(Cause::invalid_as(path, &internal(context), why));
        }
        for _ in items(&context["capabilities"]["add"]).filter(|name| *name == "CAP_SYS_ADMIN") {
            let why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            causes.push(Cause::invalid_as(path, &internal(context), why));
        }
    }
    armour(&context["appArmorProfile"], &format!("{path}.appArmorProfile"), causes);
}

/// Returns the context of a container as Go prints it: all fields, under the names of Go.
fn internal(context: &Value) -> String {
    let lists = |of: &Value| {
        if of.is_null() {
            return "null".to_owned();
        }
        format!("{{\"Add\":{},\"Drop\":{}}}", of["add"], of["drop"])
    };
    let fields = [
        ("Capabilities", lists(&context["capabilities"])),
        ("Privileged", shown(&context["privileged"])),
        ("SELinuxOptions", shown(&context["seLinuxOptions"])),
        ("WindowsOptions", shown(&context["windowsOptions"])),
        ("RunAsUser", shown(&context["runAsUser"])),
        ("RunAsGroup", shown(&context["runAsGroup"])),
        ("RunAsNonRoot", shown(&context["runAsNonRoot"])),
        ("ReadOnlyRootFilesystem", shown(&context["readOnlyRootFilesystem"])),
        ("AllowPrivilegeEscalation", shown(&context["allowPrivilegeEscalation"])),
        ("ProcMount", shown(&context["procMount"])),
        ("SeccompProfile", shown(&context["seccompProfile"])),
        ("AppArmorProfile", shown(&context["appArmorProfile"])),
    ];
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// A pod with users of its own shares nothing of the node.
pub(super) fn host_users(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    if spec["hostUsers"] != false {
        return;
    }
    let why = "when `hostUsers` is false";
    for (name, field) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec[name] == true {
            causes.push(Cause::forbidden(format!("{path}.{field}"), why));
        }
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (at, container) in each(&spec[list], &format!("{path}.{list}")) {
            if items(&container["volumeDevices"]).next().is_some() {
                causes.push(Cause::forbidden(format!("{at}.volumeDevices"), why));
            }
        }
    }
}
