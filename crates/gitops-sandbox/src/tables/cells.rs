//! The cells of the built-in kinds (`pkg/printers/internalversion` of Kubernetes): one for each column, by its name.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns;
use super::pods;
use crate::schema::Kind;

pub(super) const NONE: &str = "<none>";
const UNSET: &str = "<unset>";
const UNKNOWN: &str = "<unknown>";
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Returns how long ago a time was, as kubectl shows it.
pub(super) fn age(text: &str, now: Timestamp) -> String {
    let Ok(then) = text.parse::<Timestamp>() else { return UNKNOWN.to_owned() };
    let seconds = now.as_second() - then.as_second();
    match seconds {
        ..=-2 => "<invalid>".to_owned(),
        -1..=0 => "0s".to_owned(),
        1..=119 => format!("{seconds}s"),
        120..=599 if seconds % 60 > 0 => format!("{}m{}s", seconds / 60, seconds % 60),
        120..=10_799 => format!("{}m", seconds / 60),
        10_800..=28_799 if seconds % 3600 >= 60 => format!("{}h{}m", seconds / HOUR, seconds % HOUR / 60),
        10_800..=172_799 => format!("{}h", seconds / HOUR),
        172_800..=691_199 if seconds % DAY >= HOUR => format!("{}d{}h", seconds / DAY, seconds % DAY / HOUR),
        172_800..=63_071_999 => format!("{}d", seconds / DAY),
        63_072_000..=252_287_999 if seconds / DAY % 365 > 0 => {
            format!("{}y{}d", seconds / DAY / 365, seconds / DAY % 365)
        }
        _ => format!("{}y", seconds / DAY / 365),
    }
}

/// Returns the cells of an object.
pub(super) fn cells(kind: &Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let definitions = columns::recorded(kind);
    let names = definitions.as_array().into_iter().flatten().filter_map(|column| column["name"].as_str());
    names.map(|name| cell(&kind.kind, name, object, now)).collect()
}

pub(super) fn text<'v>(value: &'v Value, other: &'v str) -> &'v str {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or(other)
}

pub(super) fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn texts(list: &Value) -> Vec<&str> {
    items(list).filter_map(Value::as_str).collect()
}

fn joined(list: &Value, name: &str) -> String {
    items(list).map(|item| item[name].as_str().unwrap_or_default()).collect::<Vec<_>>().join(",")
}

fn or(text: String, other: &str) -> String {
    if text.is_empty() { other.to_owned() } else { text }
}

/// Writes the first of a list, and how many more there are.
fn some(list: &[String], most: usize, separator: &str) -> String {
    if list.len() <= most {
        return list.join(separator);
    }
    format!("{} + {} more...", list[..most].join(separator), list.len() - most)
}

fn pairs(map: &Value) -> String {
    let pairs: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    or(pairs.join(","), NONE)
}

/// Writes a label selector.
fn selector(selector: &Value) -> String {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push((key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in items(&selector["matchExpressions"]) {
        let key = text(&expression["key"], "");
        let mut values = texts(&expression["values"]);
        values.sort_unstable();
        let written = match text(&expression["operator"], "") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        parts.push((key.to_owned(), written));
    }
    parts.sort();
    or(parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(","), NONE)
}

fn access_modes(modes: &Value) -> String {
    let known = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let given = texts(modes);
    let shown: Vec<&str> =
        known.iter().filter(|(mode, _)| given.contains(mode)).map(|(_, short)| *short).collect();
    shown.join(",")
}

/// The addresses of a load balancer.
fn addresses(balancer: &Value) -> String {
    let each =
        items(&balancer["ingress"]).map(|ingress| text(&ingress["ip"], text(&ingress["hostname"], "")));
    each.filter(|address| !address.is_empty()).collect::<Vec<_>>().join(",")
}

fn external(service: &Value) -> String {
    let spec = &service["spec"];
    let given = texts(&spec["externalIPs"]).join(",");
    match text(&spec["type"], "") {
        "LoadBalancer" => {
            let mut all: Vec<String> = Vec::new();
            for address in addresses(&service["status"]["loadBalancer"]).split(',').chain(given.split(',')) {
                if !address.is_empty() {
                    all.push(address.to_owned());
                }
            }
            or(all.join(","), "<pending>")
        }
        "ExternalName" => text(&spec["externalName"], "").to_owned(),
        _ => or(given, NONE),
    }
}

fn service_ports(spec: &Value) -> String {
    let ports = items(&spec["ports"]).map(|port| {
        let node = number(&port["nodePort"]);
        let node = if node > 0 { format!(":{node}") } else { String::new() };
        format!("{}{node}/{}", number(&port["port"]), text(&port["protocol"], ""))
    });
    or(ports.collect::<Vec<_>>().join(","), NONE)
}

fn endpoints(object: &Value) -> String {
    let mut list = Vec::new();
    for subset in items(&object["subsets"]) {
        for address in items(&subset["addresses"]) {
            let ip = text(&address["ip"], "");
            if items(&subset["ports"]).next().is_none() {
                list.push(ip.to_owned());
            }
            for port in items(&subset["ports"]) {
                list.push(format!("{ip}:{}", number(&port["port"])));
            }
        }
    }
    or(some(&list, 3, ","), NONE)
}

fn node_status(node: &Value) -> String {
    let ready = items(&node["status"]["conditions"]).find(|condition| condition["type"] == "Ready");
    let mut shown = match ready.map(|condition| condition["status"] == "True") {
        Some(true) => "Ready",
        Some(false) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node["spec"]["unschedulable"] == true {
        shown.push_str(",SchedulingDisabled");
    }
    shown
}

fn node_roles(node: &Value) -> String {
    let mut roles: Vec<&str> = Vec::new();
    for (key, value) in node["metadata"]["labels"].as_object().into_iter().flatten() {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/") {
            roles.push(role);
        } else if key == "kubernetes.io/role" {
            roles.push(value.as_str().unwrap_or_default());
        }
    }
    roles.retain(|role| !role.is_empty());
    roles.sort_unstable();
    or(roles.join(","), NONE)
}

fn node_address(node: &Value, kind: &str) -> String {
    let found = items(&node["status"]["addresses"]).find(|address| address["type"] == kind);
    found.map_or(NONE, |address| text(&address["address"], NONE)).to_owned()
}

fn quota(object: &Value, limits: bool) -> String {
    let status = &object["status"];
    let all = status["hard"].as_object().into_iter().flatten();
    let parts: Vec<String> = all
        .filter(|(name, _)| name.starts_with("limits") == limits)
        .map(|(name, hard)| format!("{name}: {}/{}", text(&status["used"][name], "0"), text(hard, "0")))
        .collect();
    parts.join(", ")
}

fn condition(object: &Value, name: &str) -> bool {
    items(&object["status"]["conditions"])
        .any(|condition| condition["type"] == name && condition["status"] == "True")
}

fn job_status(job: &Value) -> &'static str {
    if condition(job, "Complete") {
        "Complete"
    } else if condition(job, "Failed") {
        "Failed"
    } else if job["metadata"]["deletionTimestamp"].is_string() {
        "Terminating"
    } else if condition(job, "Suspended") {
        "Suspended"
    } else if condition(job, "FailureTarget") {
        "FailureTarget"
    } else if condition(job, "SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn metric(source: &Value, current: &Value) -> String {
    let unknown = |value: &Value| text(value, UNKNOWN).to_owned();
    let pair = |target: &Value, current: &Value, prefix: &str| {
        if let Some(percent) = target["averageUtilization"].as_i64() {
            let now = current["averageUtilization"].as_i64();
            let now = now.map_or_else(|| UNKNOWN.to_owned(), |now| format!("{now}%"));
            return format!("{prefix}{now}/{percent}%");
        }
        format!("{prefix}{}/{}", unknown(&current["averageValue"]), unknown(&target["averageValue"]))
    };
    let average = |of: &Value, now: &Value| {
        if of["target"]["averageValue"].is_null() {
            let current = &now["current"]["value"];
            return format!("{}/{}", unknown(current), unknown(&of["target"]["value"]));
        }
        let current = &now["current"]["averageValue"];
        format!("{}/{} (avg)", unknown(current), unknown(&of["target"]["averageValue"]))
    };
    match text(&source["type"], "") {
        "External" => average(&source["external"], &current["external"]),
        "Pods" => pair(&source["pods"]["target"], &current["pods"]["current"], ""),
        "Object" => average(&source["object"], &current["object"]),
        of @ ("Resource" | "ContainerResource") => {
            let field = if of == "Resource" { "resource" } else { "containerResource" };
            let of = &source[field];
            let prefix = format!("{}: ", text(&of["name"], ""));
            pair(&of["target"], &current[field]["current"], &prefix)
        }
        _ => "<unknown type>".to_owned(),
    }
}

/// What an autoscaler aims at; version 1 knows the processor only.
fn metrics(autoscaler: &Value) -> String {
    let (spec, status) = (&autoscaler["spec"], &autoscaler["status"]);
    if let Some(percent) = spec["targetCPUUtilizationPercentage"].as_i64() {
        let now = status["currentCPUUtilizationPercentage"].as_i64();
        let now = now.map_or_else(|| UNKNOWN.to_owned(), |now| format!("{now}%"));
        return format!("cpu: {now}/{percent}%");
    }
    let current = &status["currentMetrics"];
    let list: Vec<String> = items(&spec["metrics"])
        .enumerate()
        .map(|(position, source)| metric(source, &current[position]))
        .collect();
    or(some(&list, 2, ", "), NONE)
}

fn subjects(binding: &Value, kind: &str) -> String {
    let names = items(&binding["subjects"]).filter(|subject| subject["kind"] == kind).map(|subject| {
        let name = text(&subject["name"], "");
        match subject["namespace"].as_str() {
            Some(namespace) if kind == "ServiceAccount" => format!("{namespace}/{name}"),
            _ => name.to_owned(),
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

fn int_or_percent(value: &Value) -> String {
    match value {
        Value::Null => "N/A".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn event_time(event: &Value, last: bool) -> &str {
    let first = text(
        &event["firstTimestamp"],
        text(&event["deprecatedFirstTimestamp"], text(&event["eventTime"], "")),
    );
    if !last {
        return first;
    }
    let series = text(&event["series"]["lastObservedTime"], "");
    if !series.is_empty() {
        return series;
    }
    text(&event["lastTimestamp"], text(&event["deprecatedLastTimestamp"], first))
}

/// An event stands in two groups, each with its names of the fields.
fn event(column: &str, event: &Value, now: Timestamp) -> Value {
    let either = |one: &'static str, other: &'static str| {
        if event[one].is_null() { &event[other] } else { &event[one] }
    };
    let object = either("involvedObject", "regarding");
    json!(match column {
        "Last Seen" => age(event_time(event, true), now),
        "First Seen" => age(event_time(event, false), now),
        "Type" => text(&event["type"], "").to_owned(),
        "Reason" => text(&event["reason"], "").to_owned(),
        "Object" => {
            let kind = text(&object["kind"], "").to_lowercase();
            let name = text(&object["name"], "");
            if name.is_empty() { kind } else { format!("{kind}/{name}") }
        }
        "Subobject" => text(&object["fieldPath"], "").to_owned(),
        "Source" => {
            let source = either("source", "deprecatedSource");
            let controller = text(&event["reportingController"], text(&event["reportingComponent"], ""));
            let component = text(&source["component"], controller);
            let host = text(&source["host"], text(&event["reportingInstance"], ""));
            if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") }
        }
        "Message" => text(either("message", "note"), "").trim().to_owned(),
        "Count" => {
            let count = number(either("count", "deprecatedCount"));
            let series = event["series"]["count"].as_i64();
            return json!(series.unwrap_or(if count == 0 { 1 } else { count }));
        }
        _ => return event["metadata"]["name"].clone(),
    })
}

fn cell(kind: &str, column: &str, object: &Value, now: Timestamp) -> Value {
    if kind == "Event" {
        return event(column, object, now);
    }
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let created = text(&metadata["creationTimestamp"], "");
    let size = |value: &Value| value.as_object().map_or(0, serde_json::Map::len);
    let length = |value: &Value| value.as_array().map_or(0, Vec::len);
    let template = match kind {
        "CronJob" => &spec["jobTemplate"]["spec"]["template"],
        "PodTemplate" => &object["template"],
        _ => &spec["template"],
    };
    match (kind, column) {
        (_, "Name") => metadata["name"].clone(),
        (_, "Age") => json!(age(created, now)),
        (_, "Created At") => json!(created),
        (_, "Containers") => json!(joined(&template["spec"]["containers"], "name")),
        (_, "Images") => json!(joined(&template["spec"]["containers"], "image")),
        ("PodTemplate", "Pod Labels") => json!(pairs(&template["metadata"]["labels"])),
        ("Service" | "ReplicationController", "Selector") => json!(pairs(&spec["selector"])),
        ("CronJob", "Selector") => json!(selector(&spec["jobTemplate"]["spec"]["selector"])),
        (_, "Selector") => json!(selector(&spec["selector"])),
        ("ConfigMap", "Data") => json!(size(&object["data"]) + size(&object["binaryData"])),
        ("Secret", "Data") => json!(size(&object["data"])),
        ("Secret", "Type") => object["type"].clone(),
        ("Service", "Type") => spec["type"].clone(),
        ("Service", "Cluster-IP") => json!(text(&spec["clusterIP"], NONE)),
        ("Service", "External-IP") => json!(external(object)),
        ("Service", "Port(s)") => json!(service_ports(spec)),
        ("Pod", _) => pods::cell(column, object, now),
        ("Namespace", "Status") => status["phase"].clone(),
        ("Endpoints", "Endpoints") => json!(endpoints(object)),
        ("ResourceQuota", "Request") => json!(quota(object, false)),
        ("ResourceQuota", "Limit") => json!(quota(object, true)),
        ("PersistentVolumeClaim" | "PersistentVolume", "Status") => {
            let ends = metadata["deletionTimestamp"].is_string();
            json!(if ends { "Terminating" } else { text(&status["phase"], "") })
        }
        ("PersistentVolumeClaim", "Volume") => json!(text(&spec["volumeName"], "")),
        ("PersistentVolumeClaim", "Capacity") => json!(text(&status["capacity"]["storage"], "")),
        ("PersistentVolumeClaim", "Access Modes") => json!(access_modes(&status["accessModes"])),
        ("PersistentVolume", "Capacity") => json!(text(&spec["capacity"]["storage"], "")),
        ("PersistentVolume", "Access Modes") => json!(access_modes(&spec["accessModes"])),
        ("PersistentVolume", "Reclaim Policy") => spec["persistentVolumeReclaimPolicy"].clone(),
        ("PersistentVolume", "Claim") => {
            let claim = &spec["claimRef"];
            json!(match claim {
                Value::Null => String::new(),
                claim => format!("{}/{}", text(&claim["namespace"], ""), text(&claim["name"], "")),
            })
        }
        ("PersistentVolume", "Reason") => json!(text(&status["reason"], "")),
        (_, "StorageClass") => json!(text(&spec["storageClassName"], "")),
        (_, "VolumeAttributesClass") => json!(text(&spec["volumeAttributesClassName"], UNSET)),
        (_, "VolumeMode") => json!(text(&spec["volumeMode"], UNSET)),
        ("Node", "Status") => json!(node_status(object)),
        ("Node", "Roles") => json!(node_roles(object)),
        ("Node", "Internal-IP") => json!(node_address(object, "InternalIP")),
        ("Node", "External-IP") => json!(node_address(object, "ExternalIP")),
        ("Node", _) => {
            let info = &status["nodeInfo"];
            match column {
                "Version" => json!(text(&info["kubeletVersion"], "")),
                "OS-Image" => json!(text(&info["osImage"], UNKNOWN)),
                "Kernel-Version" => json!(text(&info["kernelVersion"], UNKNOWN)),
                _ => json!(text(&info["containerRuntimeVersion"], UNKNOWN)),
            }
        }
        ("DaemonSet", _) => match column {
            "Desired" => json!(number(&status["desiredNumberScheduled"])),
            "Current" => json!(number(&status["currentNumberScheduled"])),
            "Ready" => json!(number(&status["numberReady"])),
            "Up-to-date" => json!(number(&status["updatedNumberScheduled"])),
            "Available" => json!(number(&status["numberAvailable"])),
            _ => json!(pairs(&template["spec"]["nodeSelector"])),
        },
        ("Deployment" | "StatefulSet", "Ready") => {
            json!(format!("{}/{}", number(&status["readyReplicas"]), number(&spec["replicas"])))
        }
        ("Deployment", "Up-to-date") => json!(number(&status["updatedReplicas"])),
        ("Deployment", "Available") => json!(number(&status["availableReplicas"])),
        (_, "Desired") => json!(number(&spec["replicas"])),
        (_, "Current") => json!(number(&status["replicas"])),
        ("ReplicaSet" | "ReplicationController", "Ready") => json!(number(&status["readyReplicas"])),
        ("ControllerRevision", "Controller") => {
            let owner = items(&metadata["ownerReferences"]).find(|owner| owner["controller"] == true);
            json!(owner.map_or_else(
                || NONE.to_owned(),
                |owner| {
                    let group = text(&owner["apiVersion"], "").split_once('/').map_or("", |(group, _)| group);
                    let kind = text(&owner["kind"], "").to_lowercase();
                    let kind = crate::wire::status::qualified(&kind, group);
                    format!("{kind}/{}", text(&owner["name"], ""))
                }
            ))
        }
        ("ControllerRevision", _) => json!(number(&object["revision"])),
        ("Job", "Status") => json!(job_status(object)),
        ("Job", "Completions") => {
            let done = number(&status["succeeded"]);
            let parallel = number(&spec["parallelism"]);
            json!(match spec["completions"].as_i64() {
                Some(wanted) => format!("{done}/{wanted}"),
                None if parallel > 1 => format!("{done}/1 of {parallel}"),
                None => format!("{done}/1"),
            })
        }
        ("Job", "Duration") => {
            json!(match (status["startTime"].as_str(), status["completionTime"].as_str()) {
                (None, _) => String::new(),
                (Some(start), None) => age(start, now),
                (Some(start), Some(end)) => age(start, end.parse().unwrap_or(now)),
            })
        }
        ("CronJob", "Schedule") => spec["schedule"].clone(),
        ("CronJob", "Timezone") => json!(text(&spec["timeZone"], NONE)),
        ("CronJob", "Suspend") => json!(if spec["suspend"] == true { "True" } else { "False" }),
        ("CronJob", "Active") => json!(length(&status["active"])),
        ("CronJob", _) => {
            json!(status["lastScheduleTime"].as_str().map_or_else(|| NONE.to_owned(), |time| age(time, now)))
        }
        ("Ingress", "Class") => json!(text(&spec["ingressClassName"], NONE)),
        ("Ingress", "Hosts") => {
            let hosts: Vec<String> =
                items(&spec["rules"]).map(|rule| text(&rule["host"], "*").to_owned()).collect();
            json!(or(some(&hosts, 3, ","), "*"))
        }
        ("Ingress", "Address") => json!(addresses(&status["loadBalancer"])),
        ("Ingress", _) => json!(if length(&spec["tls"]) > 0 { "80, 443" } else { "80" }),
        ("IngressClass", "Controller") => spec["controller"].clone(),
        ("IngressClass", _) => {
            let parameters = &spec["parameters"];
            json!(match parameters {
                Value::Null => NONE.to_owned(),
                parameters => {
                    let kind = text(&parameters["kind"], "");
                    let kind = crate::wire::status::qualified(kind, text(&parameters["apiGroup"], ""));
                    format!("{kind}/{}", text(&parameters["name"], ""))
                }
            })
        }
        ("NetworkPolicy", _) => json!(selector(&spec["podSelector"])),
        ("HorizontalPodAutoscaler", _) => match column {
            "Reference" => {
                let target = &spec["scaleTargetRef"];
                json!(format!("{}/{}", text(&target["kind"], ""), text(&target["name"], "")))
            }
            "Targets" => json!(metrics(object)),
            "MinPods" => {
                let least = spec["minReplicas"].as_i64();
                json!(least.map_or_else(|| UNSET.to_owned(), |least| least.to_string()))
            }
            "MaxPods" => json!(number(&spec["maxReplicas"])),
            _ => json!(number(&status["currentReplicas"])),
        },
        ("PodDisruptionBudget", "Min Available") => json!(int_or_percent(&spec["minAvailable"])),
        ("PodDisruptionBudget", "Max Unavailable") => json!(int_or_percent(&spec["maxUnavailable"])),
        ("PodDisruptionBudget", _) => json!(number(&status["disruptionsAllowed"])),
        ("Lease", _) => json!(text(&spec["holderIdentity"], "")),
        ("EndpointSlice", "AddressType") => object["addressType"].clone(),
        ("EndpointSlice", "Ports") => {
            let ports: Vec<String> = items(&object["ports"])
                .map(|port| port["port"].as_i64().map_or_else(|| "*".to_owned(), |port| port.to_string()))
                .collect();
            json!(or(some(&ports, 3, ","), UNSET))
        }
        ("EndpointSlice", _) => {
            let all: Vec<String> = items(&object["endpoints"])
                .flat_map(|endpoint| texts(&endpoint["addresses"]))
                .map(str::to_owned)
                .collect();
            json!(or(some(&all, 3, ","), UNSET))
        }
        ("RoleBinding" | "ClusterRoleBinding", "Role") => {
            let role = &object["roleRef"];
            json!(format!("{}/{}", text(&role["kind"], ""), text(&role["name"], "")))
        }
        (_, "Users") => json!(subjects(object, "User")),
        (_, "Groups") => json!(subjects(object, "Group")),
        (_, "ServiceAccounts") => json!(subjects(object, "ServiceAccount")),
        ("StorageClass", "Provisioner") => object["provisioner"].clone(),
        ("StorageClass", "ReclaimPolicy") => json!(text(&object["reclaimPolicy"], "Delete")),
        ("StorageClass", "VolumeBindingMode") => json!(text(&object["volumeBindingMode"], "Immediate")),
        ("StorageClass", _) => json!(object["allowVolumeExpansion"] == true),
        ("VolumeAttributesClass", _) => object["driverName"].clone(),
        ("CSIDriver", "AttachRequired") => json!(spec["attachRequired"] != false),
        ("CSIDriver", "PodInfoOnMount") => json!(spec["podInfoOnMount"] == true),
        ("CSIDriver", "StorageCapacity") => json!(spec["storageCapacity"] == true),
        ("CSIDriver", "RequiresRepublish") => json!(spec["requiresRepublish"] == true),
        ("CSIDriver", "TokenRequests") => json!(or(joined(&spec["tokenRequests"], "audience"), UNSET)),
        ("CSIDriver", _) => json!(or(texts(&spec["volumeLifecycleModes"]).join(","), NONE)),
        ("CSINode", _) => json!(length(&spec["drivers"])),
        ("VolumeAttachment", "Attacher") => spec["attacher"].clone(),
        ("VolumeAttachment", "PV") => json!(text(&spec["source"]["persistentVolumeName"], "")),
        ("VolumeAttachment", "Node") => spec["nodeName"].clone(),
        ("VolumeAttachment", _) => json!(status["attached"] == true),
        ("PriorityClass", "Value") => json!(number(&object["value"])),
        ("PriorityClass", "Global-Default") => json!(object["globalDefault"] == true),
        ("PriorityClass", _) => json!(text(&object["preemptionPolicy"], "PreemptLowerPriority")),
        ("RuntimeClass", _) => object["handler"].clone(),
        ("ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration", _) => {
            json!(length(&object["webhooks"]))
        }
        ("ValidatingAdmissionPolicy", "Validations") => json!(length(&spec["validations"])),
        ("ValidatingAdmissionPolicy", _) => {
            let of = &spec["paramKind"];
            json!(match of {
                Value::Null => UNSET.to_owned(),
                of => format!("{}/{}", text(&of["apiVersion"], ""), text(&of["kind"], "")),
            })
        }
        ("ValidatingAdmissionPolicyBinding", "PolicyName") => spec["policyName"].clone(),
        ("ValidatingAdmissionPolicyBinding", _) => {
            let of = &spec["paramRef"];
            json!(match of {
                Value::Null => UNSET.to_owned(),
                of if of["namespace"].is_string() => {
                    format!("{}/{}", text(&of["namespace"], ""), text(&of["name"], ""))
                }
                of if of["name"].is_string() => format!("*/{}", text(&of["name"], "")),
                _ => UNSET.to_owned(),
            })
        }
        ("CertificateSigningRequest", "SignerName") => json!(text(&spec["signerName"], NONE)),
        ("CertificateSigningRequest", "Requestor") => json!(text(&spec["username"], "")),
        ("CertificateSigningRequest", "RequestedDuration") => {
            let seconds = spec["expirationSeconds"].as_i64();
            json!(seconds.map_or_else(|| NONE.to_owned(), |seconds| format!("{seconds}s")))
        }
        ("CertificateSigningRequest", _) => {
            let given = joined(&status["conditions"], "type");
            let issued = !text(&status["certificate"], "").is_empty();
            let shown = or(given, "Pending");
            json!(if issued { format!("{shown},Issued") } else { shown })
        }
        ("ServiceCIDR", _) => json!(texts(&spec["cidrs"]).join(",")),
        ("IPAddress", _) => {
            let parent = &spec["parentRef"];
            let kind = text(&parent["resource"], "");
            let kind = crate::wire::status::qualified(kind, text(&parent["group"], ""));
            let mut path = vec![kind.as_str()];
            path.extend(parent["namespace"].as_str());
            path.extend(parent["name"].as_str());
            json!(path.join("/"))
        }
        ("FlowSchema", "PriorityLevel") => spec["priorityLevelConfiguration"]["name"].clone(),
        ("FlowSchema", "MatchingPrecedence") => json!(number(&spec["matchingPrecedence"])),
        ("FlowSchema", "DistinguisherMethod") => json!(text(&spec["distinguisherMethod"]["type"], NONE)),
        ("FlowSchema", _) => {
            let dangling = items(&status["conditions"]).find(|condition| condition["type"] == "Dangling");
            json!(dangling.map_or("?", |condition| text(&condition["status"], "?")))
        }
        ("PriorityLevelConfiguration", _) => {
            let limited = &spec["limited"];
            let queuing = &limited["limitResponse"]["queuing"];
            let shown = |value: &Value| value.as_i64().map_or_else(|| json!(NONE), |number| json!(number));
            match column {
                "Type" => spec["type"].clone(),
                "NominalConcurrencyShares" => shown(&limited["nominalConcurrencyShares"]),
                "Queues" => shown(&queuing["queues"]),
                "HandSize" => shown(&queuing["handSize"]),
                _ => shown(&queuing["queueLengthLimit"]),
            }
        }
        ("APIService", "Service") => {
            let service = &spec["service"];
            json!(match service {
                Value::Null => "Local".to_owned(),
                service => format!("{}/{}", text(&service["namespace"], ""), text(&service["name"], "")),
            })
        }
        ("APIService", _) => json!(if condition(object, "Available") { "True" } else { "Unknown" }),
        _ => json!(NONE),
    }
}
