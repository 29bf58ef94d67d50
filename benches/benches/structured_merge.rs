//! Applies beside Kubernetes' own library: a Deployment of 60 fields, and a list of 1,000 items with keys.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement may fail loudly")]

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::path::Path as FilePath;
use std::time::Duration;

use benches::{go_peer, print_ratio, shortest};
use kubernetes_schema::{ListType, MapType, ScalarType, Table, TypeKind, TypeRef, builtin};
use serde_json::{Map, Value, json};
use structured_merge::{Force, Managers, OneVersion, Owned, Set, Updater};

const BUDGET: Duration = Duration::from_millis(1500);

/// One apply: the live object with its managers, and the configuration.
struct Case<'t> {
    name: &'static str,
    of: TypeRef<'t>,
    live: Value,
    config: Value,
    managers: Managers,
    want: f64,
}

fn main() {
    let list = list_table();
    let of_list = list.resolve("example.com", "v1", "Fleet").unwrap();
    let deployment = builtin().of("apps/v1", "Deployment").unwrap();
    let cases = [
        deployment_case(deployment),
        list_case("apply-list-1000-keyed", of_list, 1000, 0, 3.0),
        list_case("apply-list-1000-keyed-dropping-one", of_list, 1000, 1, 3.0),
    ];
    let folder = tempfile::tempdir().unwrap();
    for case in &cases {
        write(case, folder.path());
    }
    let peer = match go_peer(
        "structured-merge",
        &[folder.path().to_str().unwrap(), &BUDGET.as_millis().to_string()],
    ) {
        Ok(text) => text,
        Err(error) => {
            println!("bench structured_merge: no peer to measure beside: {error}");
            String::new()
        }
    };
    let peer: HashMap<&str, Duration> = peer
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, time)| (name, Duration::from_nanos(time.parse().unwrap())))
        .collect();
    for case in &cases {
        let ours = measure(case);
        match peer.get(case.name) {
            Some(peer) => print_ratio(case.name, ours, *peer, case.want),
            None => println!("bench {}: ours {ours:.1?}", case.name),
        }
    }
    let (small, large) = (
        measure(&list_case("small", of_list, 1000, 1, 0.0)),
        measure(&list_case("large", of_list, 8000, 1, 0.0)),
    );
    let growth = large.as_secs_f64() / small.as_secs_f64();
    println!(
        "bench apply-list-growth: 1000 items {small:.1?} 8000 items {large:.1?} growth {growth:.1} (want ≤16, 8 is linear)"
    );
}

fn measure(case: &Case<'_>) -> Duration {
    let versions = OneVersion(case.of.merge_type());
    let updater = Updater::new(&versions);
    let manager = "applier".to_owned();
    shortest(BUDGET, || {
        let managers = case.managers.clone();
        let applied = updater.apply(&case.live, &case.config, "v1", managers, &manager, Force::Yes);
        black_box(applied.unwrap());
    })
}

/// A Deployment as it lives in a cluster, of which an applier changes the image.
fn deployment_case(of: TypeRef<'_>) -> Case<'_> {
    let container = |name: &str, image: &str| {
        json!({
            "name": name, "image": image, "args": ["--listen=:8080", "--log=info"],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "initialDelaySeconds": 10, "periodSeconds": 5},
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": true}, {"name": "tmp", "mountPath": "/tmp"}],
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
        })
    };
    let config = |image: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "app", "namespace": "default", "labels": {"app": "app", "team": "a"}, "annotations": {"example.com/owner": "a"}},
            "spec": {
                "replicas": 3, "revisionHistoryLimit": 5,
                "selector": {"matchLabels": {"app": "app"}},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": {
                    "metadata": {"labels": {"app": "app", "team": "a"}},
                    "spec": {
                        "serviceAccountName": "app", "terminationGracePeriodSeconds": 30,
                        "nodeSelector": {"kubernetes.io/os": "linux"},
                        "containers": [container("app", image)],
                        "volumes": [{"name": "config", "configMap": {"name": "app"}}, {"name": "tmp", "emptyDir": {}}],
                    },
                },
            },
        })
    };
    let before = config("example.com/app:1.0.0");
    let set = of.merge_type().field_set(&before).unwrap();
    println!("bench structured_merge: the Deployment has {} leaves", set.leaves().len());
    let mut live = before;
    live["metadata"]["uid"] = json!("5f2b6c1e-0000-4000-8000-000000000000");
    live["metadata"]["generation"] = json!(3);
    live["spec"]["progressDeadlineSeconds"] = json!(600);
    live["spec"]["template"]["spec"]["dnsPolicy"] = json!("ClusterFirst");
    live["spec"]["template"]["spec"]["restartPolicy"] = json!("Always");
    live["spec"]["template"]["spec"]["schedulerName"] = json!("default-scheduler");
    live["status"] = json!({
        "replicas": 3, "readyReplicas": 3, "observedGeneration": 3,
        "conditions": [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        ],
    });
    let status = of.merge_type().field_set(&json!({"status": live["status"]})).unwrap();
    let managers = [("applier", set, true), ("kube-controller-manager", status, false)];
    let managers = managers
        .into_iter()
        .map(|(name, set, applied)| (name.to_owned(), Owned { set, version: "v1".to_owned(), applied }));
    Case {
        name: "apply-deployment-60-fields",
        of,
        live,
        config: config("example.com/app:1.1.0"),
        managers: managers.collect(),
        want: 3.0,
    }
}

fn list_table() -> Table {
    Table::from_crd(&json!({"spec": {
        "group": "example.com", "names": {"kind": "Fleet"},
        "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"hosts": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {
                    "name": {"type": "string"}, "address": {"type": "string"}, "weight": {"type": "integer"},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                }},
            }}},
        }}}}],
    }}))
    .unwrap()
}

/// A list of items in no order, of which an applier changes one and drops some.
fn list_case<'t>(name: &'static str, of: TypeRef<'t>, len: usize, dropped: usize, want: f64) -> Case<'t> {
    let item = |number: usize, weight: usize| {
        json!({
            "name": format!("host-{:05}", (number * 7919) % 100_003), "address": format!("10.0.{}.{}", number / 250, number % 250),
            "weight": weight, "labels": {"zone": "a"},
        })
    };
    let object = |items: Vec<Value>| {
        json!({
            "apiVersion": "example.com/v1", "kind": "Fleet", "metadata": {"name": "fleet"}, "spec": {"hosts": items},
        })
    };
    let live = object((0..len).map(|number| item(number, 1)).collect());
    let config =
        object((dropped..len).map(|number| item(number, if number == len / 2 { 2 } else { 1 })).collect());
    let set = of.merge_type().field_set(&live).unwrap();
    let owned = Owned { set, version: "v1".to_owned(), applied: true };
    let managers = [("applier".to_owned(), owned)].into_iter().collect();
    Case { name, of, live, config, managers, want }
}

/// Writes a case as the peer reads it.
fn write(case: &Case<'_>, folder: &FilePath) {
    let folder = folder.join(case.name);
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    let mut types = BTreeMap::new();
    add_types(case.of, &mut types);
    write("schema.json", json!({"types": types.into_values().collect::<Vec<_>>()}).to_string());
    write("type.txt", case.of.name().unwrap().to_owned());
    write("live.json", case.live.to_string());
    write("config.json", case.config.to_string());
    let managers: Map<String, Value> = case
        .managers
        .iter()
        .map(|(name, owned)| {
            let set: &Set = &owned.set;
            (name.clone(), json!({"applied": owned.applied, "set": set.to_fields_v1()}))
        })
        .collect();
    write("managers.json", Value::Object(managers).to_string());
}

/// Adds the definition of a type and of all that it refers to, in the form of the Go library.
fn add_types(of: TypeRef<'_>, types: &mut BTreeMap<String, Value>) {
    let Some(name) = of.name() else { return };
    if types.contains_key(name) {
        return;
    }
    types.insert(name.to_owned(), Value::Null);
    let mut definition = atom(of, types);
    definition["name"] = json!(name);
    types.insert(name.to_owned(), definition);
}

fn reference(of: TypeRef<'_>, types: &mut BTreeMap<String, Value>) -> Value {
    add_types(of, types);
    match of.name() {
        Some(name) => json!({"namedType": name}),
        None => atom(of, types),
    }
}

fn atom(of: TypeRef<'_>, types: &mut BTreeMap<String, Value>) -> Value {
    match of.kind() {
        Some(TypeKind::Scalar(scalar)) => json!({"scalar": match scalar {
            ScalarType::Integer | ScalarType::Number => "numeric",
            ScalarType::Boolean => "boolean",
            ScalarType::String | ScalarType::Bytes => "string",
            _ => "untyped",
        }}),
        Some(TypeKind::List) => {
            let keys: Vec<&str> = of.map_keys().collect();
            let relation = if of.list_type() == Some(ListType::Atomic) { "atomic" } else { "associative" };
            let element = reference(of.element().unwrap(), types);
            json!({"list": {"elementType": element, "elementRelationship": relation, "keys": keys}})
        }
        Some(TypeKind::Map | TypeKind::Struct) => {
            let fields: Vec<Value> = of
                .fields()
                .map(|field| {
                    let mut entry = json!({"name": field.name(), "type": reference(field.of(), types)});
                    if let Some(default) = field.default() {
                        entry["default"] = default.clone();
                    }
                    entry
                })
                .collect();
            let mut map = json!({"fields": fields});
            if let Some(element) = of.element() {
                map["elementType"] = reference(element, types);
            }
            if of.map_type() == Some(MapType::Atomic) {
                map["elementRelationship"] = json!("atomic");
            }
            json!({"map": map})
        }
        _ => json!({
            "scalar": "untyped",
            "list": {"elementType": {"scalar": "untyped"}, "elementRelationship": "atomic"},
            "map": {"elementType": {"scalar": "untyped"}, "elementRelationship": "atomic"},
        }),
    }
}
