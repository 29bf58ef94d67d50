//! Objects to apply, as many as wanted.

use serde_json::{Value, json};

/// Returns that many objects of about 1 KB each, without a namespace: a quarter each of Deployments without replicas,
/// headless Services, ServiceAccounts and ConfigMaps.
#[must_use]
pub fn mixed(number: usize) -> Vec<Value> {
    (0..number).map(nth).collect()
}

/// Returns one of the objects of [`mixed`].
#[must_use]
pub fn nth(index: usize) -> Value {
    let name = format!("app-{:04}", index / 4);
    match index % 4 {
        0 => deployment(&name),
        1 => service(&name),
        2 => service_account(&name),
        _ => config_map(&name),
    }
}

fn metadata(name: &str) -> Value {
    json!({
        "name": name,
        "labels": {
            "app.kubernetes.io/name": name,
            "app.kubernetes.io/part-of": "bench",
            "app.kubernetes.io/version": "1.2.3",
        },
        "annotations": {"example.com/description": filler(240)},
    })
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name),
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "serviceAccountName": name,
                    "containers": [{
                        "name": "main",
                        "image": "registry.example.com/team/app:1.2.3",
                        "args": ["--port=8080", "--verbose"],
                        "env": [{"name": "MODE", "value": "production"}, {"name": "REGION", "value": "north"}],
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "resources": {
                            "requests": {"cpu": "100m", "memory": "64Mi"},
                            "limits": {"memory": "128Mi"},
                        },
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
                    }],
                },
            },
        },
    })
}

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name),
        "spec": {
            "clusterIP": "None",
            "selector": {"app": name},
            "ports": [
                {"name": "http", "port": 80, "targetPort": "http"},
                {"name": "metrics", "port": 9090, "targetPort": 9090},
            ],
        },
    })
}

fn service_account(name: &str) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name)});
    object["metadata"]["annotations"]["example.com/notes"] = json!(filler(400));
    object
}

fn config_map(name: &str) -> Value {
    let data: serde_json::Map<String, Value> =
        (0..8).map(|line| (format!("setting-{line}"), json!(filler(70)))).collect();
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name), "data": data})
}

fn filler(length: usize) -> String {
    "what the people of the team wrote about it; ".chars().cycle().take(length).collect()
}
