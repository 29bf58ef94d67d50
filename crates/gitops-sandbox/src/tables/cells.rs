//! The columns of the built-in kinds.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Column;
use crate::schema::Kind;

const NONE: &str = "<none>";

/// Returns the columns of a kind.
pub(super) fn columns(kind: &Kind) -> Vec<Column> {
    let template: &[(&str, &str, i64)] = &[("Containers", "string", 1), ("Images", "string", 1)];
    let middle: Vec<(&str, &str, i64)> = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "ConfigMap") => vec![("Data", "string", 0)],
        ("", "Secret") => vec![("Type", "string", 0), ("Data", "integer", 0)],
        ("", "Namespace") => vec![("Status", "string", 0)],
        ("", "Service") => vec![
            ("Type", "string", 0),
            ("Cluster-IP", "string", 0),
            ("External-IP", "string", 0),
            ("Port(s)", "string", 0),
        ],
        ("", "Pod") => vec![("Ready", "string", 0), ("Status", "string", 0), ("Restarts", "string", 0)],
        ("", "PersistentVolumeClaim") => vec![
            ("Status", "string", 0),
            ("Volume", "string", 0),
            ("Capacity", "string", 0),
            ("Access Modes", "string", 0),
            ("StorageClass", "string", 0),
            ("VolumeAttributesClass", "string", 0),
        ],
        ("apps", "Deployment") => {
            vec![("Ready", "string", 0), ("Up-to-date", "integer", 0), ("Available", "integer", 0)]
        }
        ("apps", "StatefulSet") => vec![("Ready", "string", 0)],
        ("apps", "DaemonSet") => vec![
            ("Desired", "integer", 0),
            ("Current", "integer", 0),
            ("Ready", "integer", 0),
            ("Up-to-date", "integer", 0),
            ("Available", "integer", 0),
            ("Node Selector", "string", 0),
        ],
        ("apps", "ReplicaSet") | ("", "ReplicationController") => {
            vec![("Desired", "integer", 0), ("Current", "integer", 0), ("Ready", "integer", 0)]
        }
        ("batch", "Job") => {
            vec![("Status", "string", 0), ("Completions", "string", 0), ("Duration", "string", 0)]
        }
        ("batch", "CronJob") => vec![
            ("Schedule", "string", 0),
            ("Timezone", "string", 0),
            ("Suspend", "boolean", 0),
            ("Active", "integer", 0),
            ("Last Schedule", "string", 0),
        ],
        ("networking.k8s.io", "Ingress") => {
            vec![
                ("Class", "string", 0),
                ("Hosts", "string", 0),
                ("Address", "string", 0),
                ("Ports", "string", 0),
            ]
        }
        ("networking.k8s.io", "NetworkPolicy") => vec![("Pod-Selector", "string", 0)],
        ("autoscaling", _) => vec![
            ("Reference", "string", 0),
            ("Targets", "string", 0),
            ("MinPods", "string", 0),
            ("MaxPods", "string", 0),
            ("Replicas", "string", 0),
        ],
        ("policy", "PodDisruptionBudget") => vec![
            ("Min Available", "string", 0),
            ("Max Unavailable", "string", 0),
            ("Allowed Disruptions", "integer", 0),
        ],
        ("coordination.k8s.io", "Lease") => vec![("Holder", "string", 0)],
        ("discovery.k8s.io", "EndpointSlice") => {
            vec![("AddressType", "string", 0), ("Ports", "string", 0), ("Endpoints", "string", 0)]
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => vec![("Role", "string", 0)],
        _ => Vec::new(),
    };
    let mut after: Vec<(&str, &str, i64)> = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Service") => vec![("Selector", "string", 1)],
        ("", "Pod") => vec![
            ("IP", "string", 1),
            ("Node", "string", 1),
            ("Nominated Node", "string", 1),
            ("Readiness Gates", "string", 1),
        ],
        ("", "PersistentVolumeClaim") => vec![("VolumeMode", "string", 1)],
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job" | "CronJob")
        | ("", "ReplicationController") => template.to_vec(),
        _ => Vec::new(),
    };
    if matches!(
        kind.kind.as_str(),
        "Deployment" | "DaemonSet" | "ReplicaSet" | "Job" | "CronJob" | "ReplicationController"
    ) {
        after.push(("Selector", "string", 1));
    }
    let mut columns = vec![("Name".to_owned(), "string", "name", 0)];
    let own = |of: &str| match of {
        "integer" => "integer",
        "boolean" => "boolean",
        _ => "string",
    };
    columns.extend(middle.iter().map(|(name, of, priority)| ((*name).to_owned(), own(of), "", *priority)));
    let is_definition = kind.kind == "CustomResourceDefinition";
    if is_definition || kind.group == "rbac.authorization.k8s.io" && !kind.kind.ends_with("Binding") {
        columns.push(("Created At".to_owned(), "date", "", 0));
    } else {
        columns.push(("Age".to_owned(), "string", "", 0));
    }
    columns.extend(after.iter().map(|(name, of, priority)| ((*name).to_owned(), own(of), "", *priority)));
    columns
}

/// Returns how long ago a time was, as kubectl shows it.
pub(super) fn age(text: &str, now: Timestamp) -> String {
    let Ok(then) = text.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    let seconds = now.as_second() - then.as_second();
    match seconds {
        ..=-2 => "<invalid>".to_owned(),
        -1..=0 => "0s".to_owned(),
        1..=119 => format!("{seconds}s"),
        120..=599 if seconds % 60 > 0 => format!("{}m{}s", seconds / 60, seconds % 60),
        120..=10_799 => format!("{}m", seconds / 60),
        10_800..=28_799 if seconds % 3600 >= 60 => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
        10_800..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

fn text_or<'v>(value: &'v Value, other: &'v str) -> &'v str {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or(other)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn joined(list: &Value, name: &str) -> String {
    let items = list.as_array().into_iter().flatten();
    items.map(|item| item[name].as_str().unwrap_or_default()).collect::<Vec<_>>().join(",")
}

fn pairs(map: &Value) -> String {
    let pairs: Vec<String> = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { NONE.to_owned() } else { pairs.join(",") }
}

/// Returns the cells of an object.
pub(super) fn cells(kind: &Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let created = object["metadata"]["creationTimestamp"].as_str().unwrap_or_default();
    let template =
        if kind.kind == "CronJob" { &spec["jobTemplate"]["spec"]["template"] } else { &spec["template"] };
    let containers = &template["spec"]["containers"];
    let count = |name: &str| object[name].as_object().map_or(0, serde_json::Map::len);
    let replicas = spec["replicas"].as_i64().unwrap_or(0);
    let middle: Vec<Value> = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "ConfigMap") => vec![json!(count("data") + count("binaryData"))],
        ("", "Secret") => vec![object["type"].clone(), json!(count("data"))],
        ("", "Namespace") => vec![status["phase"].clone()],
        ("", "Service") => {
            let ports: Vec<String> = spec["ports"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|port| {
                    let node = number(&port["nodePort"]);
                    let node = if node > 0 { format!(":{node}") } else { String::new() };
                    format!(
                        "{}{node}/{}",
                        number(&port["port"]),
                        port["protocol"].as_str().unwrap_or_default()
                    )
                })
                .collect();
            let ports = if ports.is_empty() { NONE.to_owned() } else { ports.join(",") };
            let outside = match spec["type"].as_str() {
                Some("LoadBalancer") => {
                    let addresses = joined(&status["loadBalancer"]["ingress"], "ip");
                    if addresses.is_empty() { "<pending>".to_owned() } else { addresses }
                }
                Some("ExternalName") => text_or(&spec["externalName"], NONE).to_owned(),
                _ => NONE.to_owned(),
            };
            vec![spec["type"].clone(), json!(text_or(&spec["clusterIP"], NONE)), json!(outside), json!(ports)]
        }
        ("", "Pod") => {
            let total = spec["containers"].as_array().map_or(0, Vec::len);
            let statuses = || status["containerStatuses"].as_array().into_iter().flatten();
            let ready = statuses().filter(|status| status["ready"] == true).count();
            let restarts: i64 = statuses().map(|status| number(&status["restartCount"])).sum();
            let phase = if object["metadata"]["deletionTimestamp"].is_string() {
                "Terminating"
            } else {
                text_or(&status["phase"], "Unknown")
            };
            vec![json!(format!("{ready}/{total}")), json!(phase), json!(restarts.to_string())]
        }
        ("", "PersistentVolumeClaim") => {
            let modes: Vec<&str> = status["accessModes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(|mode| match mode {
                    "ReadWriteOnce" => "RWO",
                    "ReadOnlyMany" => "ROX",
                    "ReadWriteMany" => "RWX",
                    _ => "RWOP",
                })
                .collect();
            vec![
                status["phase"].clone(),
                json!(text_or(&spec["volumeName"], "")),
                json!(text_or(&status["capacity"]["storage"], "")),
                json!(modes.join(",")),
                json!(text_or(&spec["storageClassName"], "")),
                json!(text_or(&spec["volumeAttributesClassName"], "<unset>")),
            ]
        }
        ("apps", "Deployment") => vec![
            json!(format!("{}/{replicas}", number(&status["readyReplicas"]))),
            json!(number(&status["updatedReplicas"])),
            json!(number(&status["availableReplicas"])),
        ],
        ("apps", "StatefulSet") => vec![json!(format!("{}/{replicas}", number(&status["readyReplicas"])))],
        ("apps", "DaemonSet") => vec![
            json!(number(&status["desiredNumberScheduled"])),
            json!(number(&status["currentNumberScheduled"])),
            json!(number(&status["numberReady"])),
            json!(number(&status["updatedNumberScheduled"])),
            json!(number(&status["numberAvailable"])),
            json!(pairs(&template["spec"]["nodeSelector"])),
        ],
        ("apps", "ReplicaSet") | ("", "ReplicationController") => {
            vec![json!(replicas), json!(number(&status["replicas"])), json!(number(&status["readyReplicas"]))]
        }
        ("batch", "Job") => {
            let conditions = || status["conditions"].as_array().into_iter().flatten();
            let has = |name: &str| {
                conditions().any(|condition| condition["type"] == name && condition["status"] == "True")
            };
            let state = match (has("Complete"), has("Failed"), spec["suspend"] == true) {
                (true, ..) => "Complete",
                (_, true, _) => "Failed",
                (.., true) => "Suspended",
                _ => "Running",
            };
            let duration = match (status["startTime"].as_str(), status["completionTime"].as_str()) {
                (None, _) => String::new(),
                (Some(start), None) => age(start, now),
                (Some(start), Some(end)) => age(start, end.parse().unwrap_or(now)),
            };
            let wanted =
                spec["completions"].as_i64().map_or_else(|| "1".to_owned(), |count| count.to_string());
            vec![json!(state), json!(format!("{}/{wanted}", number(&status["succeeded"]))), json!(duration)]
        }
        ("batch", "CronJob") => vec![
            spec["schedule"].clone(),
            json!(text_or(&spec["timeZone"], NONE)),
            json!(if spec["suspend"] == true { "True" } else { "False" }),
            json!(status["active"].as_array().map_or(0, Vec::len)),
            json!(status["lastScheduleTime"].as_str().map_or_else(|| NONE.to_owned(), |time| age(time, now))),
        ],
        ("networking.k8s.io", "Ingress") => {
            let hosts: Vec<&str> = spec["rules"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|rule| rule["host"].as_str())
                .collect();
            let hosts = if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") };
            let ports =
                if spec["tls"].as_array().is_some_and(|tls| !tls.is_empty()) { "80, 443" } else { "80" };
            vec![
                json!(text_or(&spec["ingressClassName"], NONE)),
                json!(hosts),
                json!(joined(&status["loadBalancer"]["ingress"], "ip")),
                json!(ports),
            ]
        }
        ("networking.k8s.io", "NetworkPolicy") => vec![json!(pairs(&spec["podSelector"]["matchLabels"]))],
        ("autoscaling", _) => {
            let target = &spec["scaleTargetRef"];
            let text = |name: &str| target[name].as_str().unwrap_or_default();
            let metrics: Vec<String> = spec["metrics"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|metric| {
                    let resource = &metric["resource"];
                    let name = resource["name"].as_str().unwrap_or("metric");
                    format!("{name}: <unknown>/{}%", number(&resource["target"]["averageUtilization"]))
                })
                .collect();
            let metrics = if metrics.is_empty() { NONE.to_owned() } else { metrics.join(", ") };
            let least =
                spec["minReplicas"].as_i64().map_or_else(|| "<unset>".to_owned(), |count| count.to_string());
            vec![
                json!(format!("{}/{}", text("kind"), text("name"))),
                json!(metrics),
                json!(least),
                json!(number(&spec["maxReplicas"])),
                json!(number(&status["currentReplicas"])),
            ]
        }
        ("policy", "PodDisruptionBudget") => {
            let shown = |value: &Value| match value {
                Value::Null => "N/A".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            vec![
                json!(shown(&spec["minAvailable"])),
                json!(shown(&spec["maxUnavailable"])),
                json!(number(&status["disruptionsAllowed"])),
            ]
        }
        ("coordination.k8s.io", "Lease") => vec![json!(text_or(&spec["holderIdentity"], ""))],
        ("discovery.k8s.io", "EndpointSlice") => {
            let ports: Vec<String> = object["ports"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|port| number(&port["port"]).to_string())
                .collect();
            let addresses: Vec<&str> = object["endpoints"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|endpoint| endpoint["addresses"].as_array().into_iter().flatten())
                .filter_map(Value::as_str)
                .collect();
            let or = |list: String| if list.is_empty() { "<unset>".to_owned() } else { list };
            vec![object["addressType"].clone(), json!(or(ports.join(","))), json!(or(addresses.join(",")))]
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            let role = &object["roleRef"];
            let text = |name: &str| role[name].as_str().unwrap_or_default();
            vec![json!(format!("{}/{}", text("kind"), text("name")))]
        }
        _ => Vec::new(),
    };
    let mut cells = vec![object["metadata"]["name"].clone()];
    cells.extend(middle);
    let is_date = columns(kind).iter().any(|(name, ..)| name == "Created At");
    cells.push(if is_date { json!(created) } else { json!(age(created, now)) });
    match kind.kind.as_str() {
        "Service" => cells.push(json!(pairs(&spec["selector"]))),
        "Pod" => {
            for value in [&status["podIP"], &spec["nodeName"], &status["nominatedNodeName"], &Value::Null] {
                cells.push(json!(text_or(value, NONE)));
            }
        }
        "PersistentVolumeClaim" => cells.push(json!(text_or(&spec["volumeMode"], "<unset>"))),
        "Deployment"
        | "StatefulSet"
        | "DaemonSet"
        | "ReplicaSet"
        | "Job"
        | "CronJob"
        | "ReplicationController" => {
            cells.push(json!(joined(containers, "name")));
            cells.push(json!(joined(containers, "image")));
            match kind.kind.as_str() {
                "StatefulSet" => {}
                "CronJob" => {
                    cells.push(json!(pairs(&spec["jobTemplate"]["spec"]["selector"]["matchLabels"])))
                }
                "ReplicationController" => cells.push(json!(pairs(&spec["selector"]))),
                _ => cells.push(json!(pairs(&spec["selector"]["matchLabels"]))),
            }
        }
        _ => {}
    }
    cells
}
