//! What the server remarks about pods that it takes.

use serde_json::Value;

use super::super::fields::{each, has, quantity, text};
use super::network::address;

/// Labels of nodes that have other names now.
const RENAMED: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];
/// Volumes that nobody provides any more: source, name in the path, what is said.
const GONE: [(&str, &str, &str); 9] = [
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
const ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];
const NO_POD: &str = "a null labelSelector results in matching no pod";

/// Remarks about a pod.
pub(in super::super) fn pod(pod: &Value, warnings: &mut Vec<String>) {
    template(pod, "", warnings);
}

/// Remarks about a template, or a pod where the path is empty.
pub(in super::super) fn template(template: &Value, path: &str, warnings: &mut Vec<String>) {
    let (annotations, spec) = (&template["metadata"]["annotations"], &template["spec"]);
    let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
    let of = format!("{prefix}spec");
    placement(spec, &of, warnings);
    for (key, why) in ANNOTATIONS.iter().filter(|(key, _)| has(annotations, key)) {
        warnings.push(format!("{prefix}metadata.annotations[{key}]: {why}"));
    }
    for (at, volume) in each(&spec["volumes"], &format!("{of}.volumes")) {
        for (_, name, why) in GONE.iter().filter(|(source, _, _)| has(volume, source)) {
            warnings.push(format!("{at}.{name}: {why}"));
        }
    }
    twice(&spec["hostAliases"], "ip", &format!("{of}.hostAliases"), warnings);
    twice(&spec["imagePullSecrets"], "name", &format!("{of}.imagePullSecrets"), warnings);
    for (at, secret) in each(&spec["imagePullSecrets"], &format!("{of}.imagePullSecrets")) {
        if text(secret, "name").is_empty() {
            warnings.push(format!("{at}.name: invalid empty name \"\""));
        }
    }
    fractions(&spec["overhead"], &format!("{of}.overhead"), warnings);
    for (at, container) in containers(spec, &of) {
        for list in ["limits", "requests"] {
            fractions(&container["resources"][list], &format!("{at}.resources.{list}"), warnings);
        }
        environment(container, &at, warnings);
    }
    ports(spec, &of, warnings);
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        let why = "must be >= 0; negative values are invalid and will be treated as 1";
        warnings.push(format!("{of}.terminationGracePeriodSeconds: {why}"));
    }
    others(spec, &of, warnings);
    for (at, server) in each(&spec["dnsConfig"]["nameservers"], &format!("{of}.dnsConfig.nameservers")) {
        warnings.extend(of_address(server, &at));
    }
    for (at, alias) in each(&spec["hostAliases"], &format!("{of}.hostAliases")) {
        warnings.extend(of_address(&alias["ip"], &format!("{at}.ip")));
    }
}

fn containers<'v>(spec: &'v Value, path: &str) -> Vec<(String, &'v Value)> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| each(&spec[list], &format!("{path}.{list}")).collect::<Vec<_>>())
        .collect()
}

pub(in super::super) fn renamed(label: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == label).map(|(_, why)| *why)
}

fn placement(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for key in spec["nodeSelector"].as_object().into_iter().flatten().map(|(key, _)| key) {
        warnings.extend(renamed(key).map(|why| format!("{path}.nodeSelector[{key}]: {why}")));
    }
    let nodes = &spec["affinity"]["nodeAffinity"];
    let path_of =
        |list: &str| format!("{path}.affinity.nodeAffinity.{list}DuringSchedulingIgnoredDuringExecution");
    let wanted = &nodes["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    for (at, term) in each(wanted, &format!("{}.nodeSelectorTerms", path_of("required"))) {
        of_term(term, &at, warnings);
    }
    let liked = &nodes["preferredDuringSchedulingIgnoredDuringExecution"];
    for (at, term) in each(liked, &path_of("preferred")) {
        of_term(&term["preference"], &format!("{at}.preference"), warnings);
    }
    for (at, constraint) in
        each(&spec["topologySpreadConstraints"], &format!("{path}.topologySpreadConstraints"))
    {
        let key = text(constraint, "topologyKey");
        warnings.extend(renamed(key).map(|why| format!("{at}.topologyKey: {key} is {why}")));
        if !has(constraint, "labelSelector") {
            warnings.push(format!("{at}.labelSelector: {NO_POD}"));
        }
    }
}

fn of_term(term: &Value, path: &str, warnings: &mut Vec<String>) {
    for (at, wanted) in each(&term["matchExpressions"], &format!("{path}.matchExpressions")) {
        let key = text(wanted, "key");
        warnings.extend(renamed(key).map(|why| format!("{at}.key: {key} is {why}")));
    }
}

fn twice(list: &Value, name: &str, path: &str, warnings: &mut Vec<String>) {
    let mut known: Vec<&str> = Vec::new();
    for (at, item) in each(list, path) {
        let given = text(item, name);
        if known.contains(&given) {
            warnings.push(format!("{at}.{name}: duplicate {name} {given:?}"));
        } else {
            known.push(given);
        }
    }
}

/// Bytes are whole.
pub(in super::super) fn fractions(amounts: &Value, path: &str, warnings: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage"] {
        let Some(given) = quantity(&amounts[name]) else { continue };
        if !given.is_whole() {
            let given = given.canonical();
            warnings.push(format!(
                "{path}[{name}]: fractional byte value {given:?} is invalid, must be an integer"
            ));
        }
    }
}

fn environment(container: &Value, path: &str, warnings: &mut Vec<String>) {
    let mut known: Vec<&str> = Vec::new();
    for (at, variable) in each(&container["env"], &format!("{path}.env")) {
        let (name, value) = (text(variable, "name"), text(variable, "value"));
        if !known.contains(&name) {
            known.push(name);
            continue;
        }
        // What is made of the earlier value needs it.
        let reference = format!("$({name})");
        if has(variable, "valueFrom") || value == reference || !value.contains(&reference) {
            warnings.push(format!(
                "{at}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

fn ports(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    let all: Vec<(String, &Value)> = containers(spec, path)
        .into_iter()
        .flat_map(|(at, container)| each(&container["ports"], &format!("{at}.ports")).collect::<Vec<_>>())
        .collect();
    let host = |port: &Value| (text(port, "hostIP").to_owned(), port["hostPort"].as_i64().unwrap_or(0));
    for (position, (at, port)) in all.iter().enumerate() {
        let (own_address, own) = host(port);
        if !own_address.is_empty() && own == 0 {
            warnings.push(format!(
                "{at}: hostIP set without hostPort: {{Name:{} HostPort:0 ContainerPort:{} Protocol:{} HostIP:{own_address}}}",
                text(port, "name"),
                port["containerPort"],
                text(port, "protocol"),
            ));
        }
        let same = |other: &&(String, &Value)| {
            other.1["containerPort"] == port["containerPort"] && other.1["protocol"] == port["protocol"]
        };
        for (place, other) in all[..position].iter().filter(same) {
            let (address, number) = host(other);
            let one_is_open = own_address.is_empty() != address.is_empty();
            let what = if own_address == address && own == number {
                "duplicate"
            } else if own == 0 || number == 0 {
                "overlapping"
            } else if own == number && one_is_open {
                "dangerously ambiguous"
            } else {
                continue;
            };
            warnings.push(format!("{at}: {what} port definition with {place}"));
        }
    }
    for (position, (at, port)) in all.iter().enumerate() {
        let name = text(port, "name");
        let first = all[..position].iter().find(|(_, other)| !name.is_empty() && text(other, "name") == name);
        if let Some((place, _)) = first {
            warnings.push(format!(
                "{at}: duplicate port name {name:?} with {place}, services and probes that select ports by name will use {place}"
            ));
        }
    }
}

/// Remarks about pods that a pod is drawn to, or kept from.
fn others(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for name in ["podAffinity", "podAntiAffinity"] {
        let (of, path) = (&spec["affinity"][name], format!("{path}.affinity.{name}"));
        for (list, inner) in [("required", None), ("preferred", Some("podAffinityTerm"))] {
            let list = format!("{list}DuringSchedulingIgnoredDuringExecution");
            for (at, term) in each(&of[list.as_str()], &format!("{path}.{list}")) {
                let (term, at) = match inner {
                    Some(inner) => (&term[inner], format!("{at}.{inner}")),
                    None => (term, at),
                };
                if !has(term, "labelSelector") {
                    warnings.push(format!("{at}.labelSelector: {NO_POD}"));
                }
            }
        }
    }
}

/// Remarks about an address that is written otherwise than it should be.
pub(in super::super) fn of_address(given: &Value, path: &str) -> Option<String> {
    let text = given.as_str().unwrap_or_default();
    let parsed = address(text)?;
    let plain = text.parse::<std::net::IpAddr>().ok();
    let mapped = match parsed {
        std::net::IpAddr::V6(six) => six.to_ipv4_mapped(),
        std::net::IpAddr::V4(_) => None,
    };
    if plain.is_none() || mapped.is_some() {
        let shown = mapped.map_or_else(|| parsed.to_string(), |four| four.to_string());
        return Some(format!(
            "{path}: non-standard IP address {text:?} will be considered invalid in a future Kubernetes release: use {shown:?}"
        ));
    }
    let canonical = parsed.to_string();
    (parsed.is_ipv6() && canonical != text).then(|| {
        format!("{path}: IPv6 address {text:?} should be in RFC 5952 canonical format ({canonical:?})")
    })
}
