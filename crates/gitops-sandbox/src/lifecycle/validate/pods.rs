//! The rules of pods and templates for them (`pkg/apis/core/validation` of Kubernetes).

use serde_json::{Value, json};

use super::super::metadata;
use super::super::names;
use super::fields::{has, items, non_negative, one_of, text};
use crate::wire::status::Cause;
use gitops_expr::Quantity;

/// Checks a template of pods.
pub(super) fn template(template: &Value, path: &str, causes: &mut Vec<Cause>) {
    causes.extend(metadata::validate_labels(&template["metadata"]["labels"], &format!("{path}.labels")));
    causes.extend(metadata::validate_annotations(
        &template["metadata"]["annotations"],
        &format!("{path}.annotations"),
    ));
    spec(&template["spec"], &format!("{path}.spec"), causes);
    if items(&template["spec"]["ephemeralContainers"]).next().is_some() {
        let why = "ephemeral containers not allowed in pod template";
        causes.push(Cause::forbidden(format!("{path}.spec.ephemeralContainers"), why));
    }
}

/// Checks the spec of a pod.
pub(super) fn spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let host_network = spec["hostNetwork"] == true;
    let volumes = volumes(&spec["volumes"], &format!("{path}.volumes"), causes);
    containers(spec, path, &volumes, host_network, causes);
    match text(spec, "restartPolicy") {
        "Always" | "OnFailure" | "Never" => {}
        "" => causes.push(Cause::required(format!("{path}.restartPolicy"), "")),
        _ => {
            let supported = ["Always", "OnFailure", "Never"];
            causes.push(Cause::not_supported(
                format!("{path}.restartPolicy"),
                &spec["restartPolicy"],
                &supported,
            ));
        }
    }
    match text(spec, "dnsPolicy") {
        "ClusterFirstWithHostNet" | "ClusterFirst" | "Default" | "None" => {}
        "" => causes.push(Cause::required(format!("{path}.dnsPolicy"), "")),
        _ => {
            let supported = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
            causes.push(Cause::not_supported(format!("{path}.dnsPolicy"), &spec["dnsPolicy"], &supported));
        }
    }
    if text(spec, "dnsPolicy") == "None" && items(&spec["dnsConfig"]["nameservers"]).next().is_none() {
        let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        causes.push(Cause::required(format!("{path}.dnsConfig.nameservers"), why));
    }
    causes.extend(metadata::validate_labels(&spec["nodeSelector"], &format!("{path}.nodeSelector")));
    for (position, secret) in items(&spec["imagePullSecrets"]).enumerate() {
        if text(secret, "name").is_empty() {
            causes.push(Cause::required(format!("{path}.imagePullSecrets[{position}].name"), ""));
        }
    }
    for (name, check) in [
        ("serviceAccountName", names::subdomain as fn(&str) -> Vec<String>),
        ("nodeName", names::subdomain),
        ("hostname", names::label_1123),
        ("subdomain", names::label_1123),
        ("priorityClassName", names::subdomain),
        ("runtimeClassName", names::subdomain),
    ] {
        let value = text(spec, name);
        if !value.is_empty() {
            let why = check(value);
            causes.extend(why.iter().map(|why| Cause::invalid(format!("{path}.{name}"), &spec[name], why)));
        }
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64()
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        let why = "must be between 1 and 2147483647, inclusive";
        causes.push(Cause::invalid(format!("{path}.activeDeadlineSeconds"), &json!(seconds), why));
    }
    non_negative(spec, "terminationGracePeriodSeconds", path, causes);
    tolerations(&spec["tolerations"], &format!("{path}.tolerations"), causes);
    spread(&spec["topologySpreadConstraints"], &format!("{path}.topologySpreadConstraints"), causes);
}

fn containers(spec: &Value, path: &str, volumes: &[String], host_network: bool, causes: &mut Vec<Cause>) {
    let mut names: Vec<String> = Vec::new();
    let list = format!("{path}.containers");
    if items(&spec["containers"]).next().is_none() {
        causes.push(Cause::required(list.clone(), ""));
    }
    for (position, item) in items(&spec["containers"]).enumerate() {
        let at = format!("{list}[{position}]");
        container(item, &at, volumes, host_network, &mut names, causes);
    }
    for (position, item) in items(&spec["initContainers"]).enumerate() {
        let at = format!("{path}.initContainers[{position}]");
        container(item, &at, volumes, host_network, &mut names, causes);
        let restarts = text(item, "restartPolicy") == "Always";
        for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if !restarts && has(item, name) {
                let why = "may not be set for init containers without restartPolicy=Always";
                causes.push(Cause::forbidden(format!("{at}.{name}"), why));
            }
        }
    }
}

fn container(
    container: &Value,
    path: &str,
    volumes: &[String],
    host_network: bool,
    names_so_far: &mut Vec<String>,
    causes: &mut Vec<Cause>,
) {
    let name = text(container, "name");
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    } else {
        let why = names::label_1123(name);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("{path}.name"), &container["name"], why)));
    }
    if !name.is_empty() && names_so_far.iter().any(|known| known == name) {
        causes.push(Cause::duplicate(format!("{path}.name"), &container["name"]));
    }
    names_so_far.push(name.to_owned());
    let image = text(container, "image");
    if image.is_empty() {
        causes.push(Cause::required(format!("{path}.image"), ""));
    }
    let termination = text(container, "terminationMessagePolicy");
    if !matches!(termination, "File" | "FallbackToLogsOnError") {
        let field = format!("{path}.terminationMessagePolicy");
        let supported = ["FallbackToLogsOnError", "File"];
        causes.push(Cause::not_supported(field, &container["terminationMessagePolicy"], &supported));
    }
    ports(&container["ports"], &format!("{path}.ports"), host_network, causes);
    environment(&container["env"], &format!("{path}.env"), causes);
    mounts(&container["volumeMounts"], &format!("{path}.volumeMounts"), volumes, causes);
    let policy = text(container, "imagePullPolicy");
    if !matches!(policy, "Always" | "IfNotPresent" | "Never") {
        let supported = ["Always", "IfNotPresent", "Never"];
        causes.push(Cause::not_supported(
            format!("{path}.imagePullPolicy"),
            &container["imagePullPolicy"],
            &supported,
        ));
    }
    resources(&container["resources"], &format!("{path}.resources"), causes);
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if has(container, name) {
            probe(&container[name], &format!("{path}.{name}"), name, causes);
        }
    }
    for hook in ["postStart", "preStop"] {
        if has(&container["lifecycle"], hook) {
            handler(&container["lifecycle"][hook], &format!("{path}.lifecycle.{hook}"), causes);
        }
    }
}

fn ports(list: &Value, path: &str, host_network: bool, causes: &mut Vec<Cause>) {
    let mut seen: Vec<&str> = Vec::new();
    for (position, port) in items(list).enumerate() {
        let at = format!("{path}[{position}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let why = port_name(name);
            if why.is_empty() {
                if seen.contains(&name) {
                    causes.push(Cause::duplicate(format!("{at}.name"), &port["name"]));
                }
                seen.push(name);
            }
            causes.extend(why.iter().map(|why| Cause::invalid(format!("{at}.name"), &port["name"], why)));
        }
        let number = port["containerPort"].as_i64().unwrap_or(0);
        if number == 0 {
            causes.push(Cause::required(format!("{at}.containerPort"), ""));
        } else {
            port_number(number, &format!("{at}.containerPort"), causes);
        }
        let host = port["hostPort"].as_i64().unwrap_or(0);
        if host != 0 {
            port_number(host, &format!("{at}.hostPort"), causes);
        }
        match text(port, "protocol") {
            "" => causes.push(Cause::required(format!("{at}.protocol"), "")),
            "TCP" | "UDP" | "SCTP" => {}
            _ => {
                let supported = ["SCTP", "TCP", "UDP"];
                causes.push(Cause::not_supported(format!("{at}.protocol"), &port["protocol"], &supported));
            }
        }
        if host_network && host != number {
            let why = "must match `containerPort` when `hostNetwork` is true";
            causes.push(Cause::invalid(format!("{at}.hostPort"), &json!(host), why));
        }
    }
}

pub(super) fn port_number(number: i64, field: &str, causes: &mut Vec<Cause>) {
    if !(1..=65535).contains(&number) {
        causes.push(Cause::invalid(field, &json!(number), "must be between 1 and 65535, inclusive"));
    }
}

/// Returns what is wrong with the name of a port.
pub(super) fn port_name(name: &str) -> Vec<String> {
    let mut why = Vec::new();
    if name.len() > 15 {
        why.push("must be no more than 15 characters".to_owned());
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        why.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        why.push("must contain at least one letter (a-z)".to_owned());
    }
    if name.contains("--") {
        why.push("must not contain consecutive hyphens".to_owned());
    }
    if name.starts_with('-') || name.ends_with('-') {
        why.push("must not begin or end with a hyphen".to_owned());
    }
    why
}

fn environment(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (position, variable) in items(list).enumerate() {
        let at = format!("{path}[{position}]");
        let name = text(variable, "name");
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else if name.contains('=') || !name.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            let why = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            causes.push(Cause::invalid(format!("{at}.name"), &variable["name"], why));
        }
        let from = &variable["valueFrom"];
        if from.is_null() {
            continue;
        }
        let field = format!("{at}.valueFrom");
        let sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
        let given: Vec<&str> = sources.into_iter().filter(|source| has(from, source)).collect();
        if given.contains(&"fieldRef") && text(&from["fieldRef"], "fieldPath").is_empty() {
            causes.push(Cause::required(format!("{field}.fieldRef.fieldPath"), ""));
        }
        for source in ["configMapKeyRef", "secretKeyRef"] {
            if given.contains(&source) {
                let key = text(&from[source], "key");
                if key.is_empty() {
                    causes.push(Cause::required(format!("{field}.{source}.key"), ""));
                } else {
                    let why = names::config_key(key);
                    let value = &from[source]["key"];
                    causes.extend(
                        why.iter().map(|why| Cause::invalid(format!("{field}.{source}.key"), value, why)),
                    );
                }
            }
        }
        if given.is_empty() {
            let why = format!("must specify one of: `{}` or `{}`", sources[..3].join("`, `"), sources[3]);
            causes.push(Cause::invalid(field.clone(), &json!(""), &why));
        }
        if given.len() > 1 {
            let why = "may not have more than one field specified at a time";
            causes.push(Cause::invalid(field.clone(), &json!(""), why));
        } else if !text(variable, "value").is_empty() {
            causes.push(Cause::invalid(field, &json!(""), "may not be specified when `value` is not empty"));
        }
    }
}

fn mounts(list: &Value, path: &str, volumes: &[String], causes: &mut Vec<Cause>) {
    let mut paths: Vec<&str> = Vec::new();
    for (position, mount) in items(list).enumerate() {
        let at = format!("{path}[{position}]");
        let (name, mount_path) = (text(mount, "name"), text(mount, "mountPath"));
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        }
        if !volumes.iter().any(|volume| volume == name) {
            causes.push(Cause::not_found(format!("{at}.name"), &json!(name)));
        }
        if mount_path.is_empty() {
            causes.push(Cause::required(format!("{at}.mountPath"), ""));
        }
        if paths.contains(&mount_path) {
            causes.push(Cause::invalid(format!("{at}.mountPath"), &mount["mountPath"], "must be unique"));
        }
        paths.push(mount_path);
    }
}

fn resources(resources: &Value, path: &str, causes: &mut Vec<Cause>) {
    let quantity = |value: &Value| value.as_str().and_then(Quantity::parse);
    let limits = &resources["limits"];
    for (list, values) in [("limits", limits), ("requests", &resources["requests"])] {
        for (name, value) in values.as_object().into_iter().flatten() {
            let field = format!("{path}.{list}[{name}]");
            if !is_resource(name) {
                let why = "must be a standard resource type or fully qualified";
                causes.push(Cause::invalid(field.clone(), &json!(name), why));
                let why = "must be a standard resource for containers";
                causes.push(Cause::invalid(field.clone(), &json!(name), why));
            }
            if quantity(value).is_some_and(Quantity::is_negative) {
                causes.push(Cause::invalid(field, value, "must be greater than or equal to 0"));
            }
            if list == "requests"
                && let (Some(request), Some(limit)) = (quantity(value), quantity(&limits[name.as_str()]))
                && request.nano() > limit.nano()
            {
                let limit = text(limits, name);
                let why = format!("must be less than or equal to {name} limit of {limit}");
                causes.push(Cause::invalid(format!("{path}.requests"), value, &why));
            }
        }
    }
}

fn is_resource(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage" | "storage")
        || name.contains('/')
        || name.starts_with("hugepages-")
}

fn probe(probe: &Value, path: &str, name: &str, causes: &mut Vec<Cause>) {
    handler(probe, path, causes);
    for number in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        non_negative(probe, number, path, causes);
    }
    if name != "readinessProbe" && probe["successThreshold"].as_i64().unwrap_or(1) != 1 {
        causes.push(Cause::invalid(
            format!("{path}.successThreshold"),
            &probe["successThreshold"],
            "must be 1",
        ));
    }
}

fn handler(handler: &Value, path: &str, causes: &mut Vec<Cause>) {
    let mut found = 0;
    for kind in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        if !has(handler, kind) {
            continue;
        }
        if found > 0 {
            let why = "may not specify more than 1 handler type";
            causes.push(Cause::forbidden(format!("{path}.{kind}"), why));
            continue;
        }
        found += 1;
        let at = format!("{path}.{kind}");
        match kind {
            "exec" if items(&handler["exec"]["command"]).next().is_none() => {
                causes.push(Cause::required(format!("{at}.command"), ""));
            }
            "httpGet" | "tcpSocket" => {
                if kind == "httpGet" && text(&handler[kind], "path").is_empty() {
                    causes.push(Cause::required(format!("{at}.path"), ""));
                }
                target_port(&handler[kind]["port"], &format!("{at}.port"), causes);
            }
            _ => {}
        }
    }
    if found == 0 {
        causes.push(Cause::required(path, "must specify a handler type"));
    }
}

pub(super) fn target_port(port: &Value, field: &str, causes: &mut Vec<Cause>) {
    match port {
        Value::String(name) => {
            causes.extend(port_name(name).iter().map(|why| Cause::invalid(field, port, why)));
        }
        other => port_number(other.as_i64().unwrap_or(0), field, causes),
    }
}

/// Checks volumes and returns their names.
fn volumes(list: &Value, path: &str, causes: &mut Vec<Cause>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for (position, volume) in items(list).enumerate() {
        let at = format!("{path}[{position}]");
        let name = text(volume, "name");
        let sources: Vec<&String> = volume
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .filter(|name| *name != "name")
            .collect();
        for source in sources.iter().skip(1) {
            let why = "may not specify more than 1 volume type";
            causes.push(Cause::forbidden(format!("{at}.{source}"), why));
        }
        for (source, field) in [
            ("hostPath", "path"),
            ("secret", "secretName"),
            ("configMap", "name"),
            ("persistentVolumeClaim", "claimName"),
        ] {
            if volume[source].is_object() && text(&volume[source], field).is_empty() {
                causes.push(Cause::required(format!("{at}.{source}.{field}"), ""));
            }
        }
        if name.is_empty() {
            causes.push(Cause::required(format!("{at}.name"), ""));
        } else {
            let why = names::label_1123(name);
            causes.extend(why.iter().map(|why| Cause::invalid(format!("{at}.name"), &volume["name"], why)));
            if known.iter().any(|known| known == name) {
                causes.push(Cause::duplicate(format!("{at}.name"), &volume["name"]));
            }
        }
        known.push(name.to_owned());
    }
    known
}

fn tolerations(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (position, toleration) in items(list).enumerate() {
        let at = format!("{path}[{position}]");
        let (key, operator) = (text(toleration, "key"), text(toleration, "operator"));
        if !key.is_empty() {
            let why = names::qualified_name(key);
            causes.extend(why.iter().map(|why| Cause::invalid(format!("{at}.key"), &toleration["key"], why)));
        }
        if key.is_empty() && operator != "Exists" {
            let why =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            causes.push(Cause::invalid(format!("{at}.operator"), &json!(operator), why));
        }
        if has(toleration, "tolerationSeconds") && text(toleration, "effect") != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            causes.push(Cause::invalid(format!("{at}.effect"), &toleration["effect"], why));
        }
        match operator {
            "Equal" | "" => {
                let value = text(toleration, "value");
                if !names::label_value(value).is_empty() {
                    let why = names::label_value(value).join(";");
                    causes.push(Cause::invalid(format!("{at}.operator"), &toleration["value"], &why));
                }
            }
            "Exists" => {
                if !text(toleration, "value").is_empty() {
                    let why = "value must be empty when `operator` is 'Exists'";
                    causes.push(Cause::invalid(format!("{at}.operator"), &toleration["value"], why));
                }
            }
            _ => causes.push(Cause::not_supported(
                format!("{at}.operator"),
                &json!(operator),
                &["Equal", "Exists"],
            )),
        }
        let effect = text(toleration, "effect");
        if !effect.is_empty() {
            one_of(toleration, "effect", &at, &["NoSchedule", "PreferNoSchedule", "NoExecute"], causes);
        }
    }
}

fn spread(list: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (position, constraint) in items(list).enumerate() {
        let at = format!("{path}[{position}]");
        if constraint["maxSkew"].as_i64().unwrap_or(0) <= 0 {
            causes.push(Cause::invalid(
                format!("{at}.maxSkew"),
                &constraint["maxSkew"],
                "must be greater than zero",
            ));
        }
        if text(constraint, "topologyKey").is_empty() {
            causes.push(Cause::required(format!("{at}.topologyKey"), "can not be empty"));
        }
        one_of(constraint, "whenUnsatisfiable", &at, &["DoNotSchedule", "ScheduleAnyway"], causes);
    }
}

/// Returns what the server remarks about a pod that it takes.
pub(super) fn warnings(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for (position, constraint) in items(&spec["topologySpreadConstraints"]).enumerate() {
        if !has(constraint, "labelSelector") {
            warnings.push(format!(
                "{path}.topologySpreadConstraints[{position}].labelSelector: a null labelSelector results in matching no pod"
            ));
        }
    }
    for list in ["initContainers", "containers"] {
        for (position, container) in items(&spec[list]).enumerate() {
            let mut known: Vec<&str> = Vec::new();
            for (at, variable) in items(&container["env"]).enumerate() {
                let name = text(variable, "name");
                if known.contains(&name) {
                    warnings.push(format!(
                        "{path}.{list}[{position}].env[{at}]: hides previous definition of {name:?}, which may be dropped when using apply"
                    ));
                }
                known.push(name);
            }
        }
    }
}

/// A pod without an account has no tokens of one.
pub(super) fn tokens(spec: &Value, causes: &mut Vec<Cause>) {
    if !text(spec, "serviceAccountName").is_empty() {
        return;
    }
    for (position, volume) in items(&spec["volumes"]).enumerate() {
        for (source, of) in items(&volume["projected"]["sources"]).enumerate() {
            if has(of, "serviceAccountToken") {
                let field =
                    format!("spec.volumes[{position}].projected.sources[{source}].serviceAccountToken");
                causes.push(Cause::forbidden(
                    field,
                    "must not be specified when serviceAccountName is not set",
                ));
            }
        }
    }
}
