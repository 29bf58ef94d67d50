//! The rules of pods and templates for them (`pkg/apis/core/validation` of Kubernetes).

mod containers;
mod environment;
mod mounts;
mod network;
mod placement;
mod probes;
mod resources;
mod security;
mod sources;
mod systems;
mod update;
mod volumes;
mod warnings;

use serde_json::{Value, json};

use super::super::metadata;
use super::super::names;
use super::fields::{between, each, has, items, looks, looks_if_any, needed_one_of, one_of, text};
use crate::wire::status::Cause;

pub(super) use network::{BAD_ADDRESS, BAD_RANGE, address, external_address, range};
pub(super) use placement::{label_key, node_selector, taints, tolerations};
pub(super) use probes::{port_number, target_port};
pub(super) use resources::{amount, container_resource, is_counted, requirements, resource_name};
pub(super) use sources::{csi_driver_name, legacy_source};
pub(super) use update::update;
pub(super) use warnings::{of_address, pod as warnings_of_pod, renamed, template as warnings_of_template};

/// What a spec is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of<'p> {
    /// A pod with this name.
    Pod(&'p str),
    Template,
}

/// What the rules of containers ask of the pod around them.
struct Around<'p> {
    volumes: Vec<(&'p str, &'p Value)>,
    claims: Vec<&'p str>,
    grace: i64,
    restarts: &'p str,
    /// The pod's users are those of the node.
    host_users: bool,
}

/// Checks a template of pods.
pub(super) fn template(template: &Value, path: &str, causes: &mut Vec<Cause>) {
    template_marks(template, path, causes);
    spec(&template["spec"], Of::Template, &format!("{path}.spec"), causes);
    if items(&template["spec"]["ephemeralContainers"]).next().is_some() {
        let why = "ephemeral containers not allowed in pod template";
        causes.push(Cause::forbidden(format!("{path}.spec.ephemeralContainers"), why));
    }
}

/// Checks the labels and annotations of a template.
pub(super) fn template_marks(template: &Value, path: &str, causes: &mut Vec<Cause>) {
    causes.extend(metadata::validate_labels(&template["metadata"]["labels"], &format!("{path}.labels")));
    let annotations = &template["metadata"]["annotations"];
    causes.extend(metadata::validate_annotations(annotations, &format!("{path}.annotations")));
    own_annotations(annotations, &template["spec"], &format!("{path}.annotations"), causes);
}

/// Checks a pod, new or changed.
pub(super) fn pod(pod: &Value, causes: &mut Vec<Cause>) {
    let (of, inner) = (&pod["metadata"], &pod["spec"]);
    own_annotations(&of["annotations"], inner, "metadata.annotations", causes);
    spec(inner, Of::Pod(text(of, "name")), "spec", causes);
    if text(inner, "serviceAccountName").is_empty() {
        tokens(inner, causes);
    }
    for list in ["containers", "initContainers"] {
        for (at, container) in each(&inner[list], &format!("spec.{list}")) {
            padded_image(container, &at, causes);
        }
    }
}

fn padded_image(container: &Value, path: &str, causes: &mut Vec<Cause>) {
    let image = text(container, "image");
    if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        causes.push(Cause::invalid(format!("{path}.image"), &container["image"], why));
    }
}

/// Checks what only new pods must hold.
pub(super) fn new_pod(pod: &Value, causes: &mut Vec<Cause>) {
    let spec = &pod["spec"];
    if items(&spec["ephemeralContainers"]).next().is_some() {
        causes.push(Cause::forbidden("spec.ephemeralContainers", "cannot be set on create"));
    }
    if !text(spec, "nodeName").is_empty() && items(&spec["schedulingGates"]).next().is_some() {
        let why = "cannot be set until all schedulingGates have been cleared";
        causes.push(Cause::forbidden("spec.nodeName", why));
    }
}

/// Checks the annotations that say something to the server.
fn own_annotations(annotations: &Value, spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    const MIRROR: &str = "kubernetes.io/config.mirror";
    const COST: &str = "controller.kubernetes.io/pod-deletion-cost";
    if has(annotations, MIRROR) && text(spec, "nodeName").is_empty() {
        let why = "must set spec.nodeName if mirror pod annotation is set";
        causes.push(Cause::invalid(format!("{path}[{MIRROR}]"), &annotations[MIRROR], why));
    }
    let cost = text(annotations, COST);
    if has(annotations, COST) && (cost.parse::<i32>().is_err() || cost.starts_with('+') || is_padded(cost)) {
        causes.push(Cause::invalid(format!("{path}[{COST}]"), &annotations[COST], "must be a 32bit integer"));
    }
}

/// A number with a zero in front of it.
fn is_padded(number: &str) -> bool {
    let digits = number.trim_start_matches('-');
    digits.len() > 1 && digits.starts_with('0')
}

/// Checks the spec of a pod.
fn spec(spec: &Value, of: Of<'_>, path: &str, causes: &mut Vec<Cause>) {
    let at = |name: &str| format!("{path}.{name}");
    let known = volumes::check(&spec["volumes"], of, &at("volumes"), causes);
    resources::claims(&spec["resourceClaims"], &at("resourceClaims"), causes);
    let around = Around {
        volumes: known,
        claims: items(&spec["resourceClaims"]).map(|claim| text(claim, "name")).collect(),
        grace: spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(30),
        restarts: text(spec, "restartPolicy"),
        host_users: spec["hostUsers"] != false,
    };
    containers::check(spec, &around, path, causes);
    resources::of_pod(spec, path, causes);
    if spec["hostNetwork"] == true {
        host_ports(spec, of, path, causes);
    }
    needed_one_of(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"], causes);
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    needed_one_of(spec, "dnsPolicy", path, &policies, causes);
    causes.extend(metadata::validate_labels(&spec["nodeSelector"], &at("nodeSelector")));
    security::of_pod(spec, path, causes);
    placement::affinity(&spec["affinity"], &at("affinity"), causes);
    network::resolver(spec, &at("dnsConfig"), causes);
    for (at, gate) in each(&spec["readinessGates"], &at("readinessGates")) {
        let given = json!(text(gate, "conditionType"));
        looks(&given, &format!("{at}.conditionType"), names::qualified_name, causes);
    }
    placement::gates(&spec["schedulingGates"], &at("schedulingGates"), causes);
    placement::spread(&spec["topologySpreadConstraints"], &at("topologySpreadConstraints"), causes);
    security::host_users(spec, path, causes);
    network::host_name(spec, path, causes);
    looks_if_any(spec, "serviceAccountName", path, names::subdomain, causes);
    looks_if_any(spec, "nodeName", path, names::subdomain, causes);
    between(&spec["activeDeadlineSeconds"], &at("activeDeadlineSeconds"), 1, i32::MAX.into(), causes);
    looks_if_any(spec, "hostname", path, names::label_1123, causes);
    looks_if_any(spec, "subdomain", path, names::label_1123, causes);
    tolerations(&spec["tolerations"], &at("tolerations"), causes);
    network::aliases(&spec["hostAliases"], &at("hostAliases"), causes);
    looks_if_any(spec, "priorityClassName", path, names::subdomain, causes);
    if has(spec, "runtimeClassName") {
        looks(&spec["runtimeClassName"], &at("runtimeClassName"), names::subdomain, causes);
    }
    if has(spec, "preemptionPolicy") {
        let known = ["PreemptLowerPriority", "Never"];
        needed_one_of(spec, "preemptionPolicy", path, &known, causes);
    }
    if has(spec, "overhead") {
        requirements(&json!({"limits": spec["overhead"]}), &[], &at("overhead"), causes);
    }
    systems::check(spec, path, causes);
    environment::files(spec, path, causes);
}

/// On the network of its node, a pod has the ports of the node.
fn host_ports(spec: &Value, of: Of<'_>, path: &str, causes: &mut Vec<Cause>) {
    for (at, container) in each(&spec["containers"], &format!("{path}.containers")) {
        for (at, port) in each(&container["ports"], &format!("{at}.ports")) {
            let (host, own) =
                (port["hostPort"].as_i64().unwrap_or(0), port["containerPort"].as_i64().unwrap_or(0));
            if host != own && (host != 0 || of != Of::Template) {
                let why = "must match `containerPort` when `hostNetwork` is true";
                causes.push(Cause::invalid(format!("{at}.hostPort"), &json!(host), why));
            }
        }
    }
}

/// A pod without an account has no tokens of one.
fn tokens(spec: &Value, causes: &mut Vec<Cause>) {
    for (at, volume) in each(&spec["volumes"], "spec.volumes") {
        for (at, source) in each(&volume["projected"]["sources"], &format!("{at}.projected.sources")) {
            if has(source, "serviceAccountToken") {
                let why = "must not be specified when serviceAccountName is not set";
                causes.push(Cause::forbidden(format!("{at}.serviceAccountToken"), why));
            }
        }
    }
}

/// Checks how an image is got.
fn pull_policy(value: &Value, name: &str, path: &str, causes: &mut Vec<Cause>) {
    needed_one_of(value, name, path, &["Always", "IfNotPresent", "Never"], causes);
}

/// Checks the protocol of a port.
pub(super) fn protocol(port: &Value, path: &str, causes: &mut Vec<Cause>) {
    needed_one_of(port, "protocol", path, &["SCTP", "TCP", "UDP"], causes);
}

/// A path that does not lead out of where it begins.
fn descending(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    if value.as_str().unwrap_or_default().starts_with('/') {
        causes.push(Cause::invalid(field, value, "must be a relative path"));
    }
    no_steps_back(value, field, causes);
}

fn no_steps_back(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    if value.as_str().unwrap_or_default().split('/').any(|part| part == "..") {
        causes.push(Cause::invalid(field, value, "must not contain '..'"));
    }
}

/// As above, and not a name that volumes keep for themselves.
fn descending_and_free(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    descending(value, field, causes);
    let text = value.as_str().unwrap_or_default();
    if text.starts_with("..") && !text.starts_with("../") {
        causes.push(Cause::invalid(field, value, "must not start with '..'"));
    }
}

/// Checks the name of a policy that may be absent.
fn policy(value: &Value, name: &str, path: &str, known: &[&str], causes: &mut Vec<Cause>) {
    if has(value, name) {
        one_of(value, name, path, known, causes);
    }
}
