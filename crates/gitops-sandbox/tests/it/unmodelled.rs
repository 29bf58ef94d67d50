//! What is not modelled is counted where it is asked for, and refused in strict mode.

use bytes::Bytes;
use gitops_sandbox::{Sandbox, SandboxBuilder, UNMODELLED};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// A request that asks for a row of the table, and what is answered where it is not refused.
struct Asks {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    body: Value,
    status: u16,
}

fn post(what: &'static str, path: &'static str, body: Value) -> Asks {
    Asks { what, method: "POST", path, body, status: 201 }
}

fn get(what: &'static str, path: &'static str, status: u16) -> Asks {
    Asks { what, method: "GET", path, body: Value::Null, status }
}

fn all() -> Vec<Asks> {
    let named = |more: Value| {
        let mut object = json!({"metadata": {"name": "a"}});
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let rules =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]);
    let webhooks = json!({"webhooks": [{
        "name": "a.example.com", "clientConfig": {"url": "https://example.com"}, "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "rules": rules,
    }]});
    let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {
        "restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}],
    }});
    vec![
        post(
            "admission webhooks",
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
            named(webhooks.clone()),
        ),
        post(
            "admission webhooks",
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
            named(webhooks),
        ),
        post(
            "admission policies",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
            named(json!({"spec": {
                "matchConstraints": {"resourceRules": rules}, "validations": [{"expression": "true"}],
            }})),
        ),
        post(
            "admission policies",
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
            named(json!({"spec": {"policyName": "a", "validationActions": ["Deny"]}})),
        ),
        post(
            "conversion webhooks",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            json!({"metadata": {"name": "boats.example.com"}, "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
                "conversion": {"strategy": "Webhook", "webhook": {
                    "clientConfig": {"url": "https://example.com"}, "conversionReviewVersions": ["v1"],
                }},
            }}),
        ),
        post(
            "aggregated API servers",
            "/apis/apiregistration.k8s.io/v1/apiservices",
            json!({"metadata": {"name": "v1.example.com"}, "spec": {
                "group": "example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 1,
                "insecureSkipTLSVerify": true, "service": {"name": "a", "namespace": "default"},
            }}),
        ),
        post(
            "quotas",
            "/api/v1/namespaces/default/resourcequotas",
            named(json!({"spec": {"hard": {"pods": "1"}}})),
        ),
        post(
            "limit ranges",
            "/api/v1/namespaces/default/limitranges",
            named(json!({"spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}})),
        ),
        post(
            "pod security",
            "/api/v1/namespaces",
            json!({"metadata": {"name": "safe", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}),
        ),
        post(
            "priority and fairness",
            "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
            named(json!({"spec": {"priorityLevelConfiguration": {"name": "exempt"}}})),
        ),
        post(
            "priority and fairness",
            "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
            named(json!({"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}})),
        ),
        post(
            "ranges of service addresses",
            "/apis/networking.k8s.io/v1/servicecidrs",
            named(json!({"spec": {"cidrs": ["10.96.0.0/16"]}})),
        ),
        post(
            "autoscaling",
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            named(json!({"spec": {
                "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
            }})),
        ),
        post(
            "schedules of CronJobs",
            "/apis/batch/v1/namespaces/default/cronjobs",
            named(
                json!({"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}}),
            ),
        ),
        post(
            "ingress",
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            named(json!({"spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}})),
        ),
        post(
            "network policies",
            "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
            named(json!({"spec": {"podSelector": {}}})),
        ),
        post(
            "volumes",
            "/api/v1/persistentvolumes",
            named(json!({"spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"},
            }})),
        ),
        post(
            "volume attachments",
            "/apis/storage.k8s.io/v1/volumeattachments",
            named(
                json!({"spec": {"attacher": "a", "nodeName": "a", "source": {"persistentVolumeName": "a"}}}),
            ),
        ),
        post(
            "disruption budgets",
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            named(json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}})),
        ),
        post(
            "replication controllers",
            "/api/v1/namespaces/default/replicationcontrollers",
            named(json!({"spec": {"selector": {"app": "a"}, "template": {
                "metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a"}]},
            }}})),
        ),
        post(
            "signing of certificates",
            "/apis/certificates.k8s.io/v1/certificatesigningrequests",
            named(json!({"spec": {
                "signerName": "example.com/signer", "usages": ["client auth"],
                "request": SIGNING_REQUEST,
            }})),
        ),
        post(
            "dynamic resources",
            "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims",
            named(json!({"spec": {}})),
        ),
        post(
            "tokens in Secrets",
            "/api/v1/namespaces/default/secrets",
            json!({
                "metadata": {"name": "a", "annotations": {"kubernetes.io/service-account.name": "robot"}},
                "type": "kubernetes.io/service-account-token",
            }),
        ),
        get("logs of pods", "/api/v1/namespaces/default/pods/runs/log", 204),
        get(
            "exec, attach, port-forward and proxies",
            "/api/v1/namespaces/default/pods/runs/exec?command=true",
            501,
        ),
    ]
}

/// A request of `openssl req`, in PEM and base64, as the API takes it.
const SIGNING_REQUEST: &str = include_str!("signing_request.txt");

async fn ask(sandbox: &Sandbox, asks: &Asks) -> (u16, Value) {
    let body = if asks.body.is_null() { Bytes::new() } else { asks.body.to_string().into() };
    let request = Request::builder()
        .method(asks.method)
        .uri(asks.path)
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(http_body_util::Full::new(body))
        .unwrap();
    let response = sandbox.service().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Starts a sandbox with what the requests need.
async fn prepared(builder: SandboxBuilder) -> Sandbox {
    let sandbox = builder.start();
    for (path, body) in [
        ("/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "robot"}})),
        (
            "/api/v1/namespaces/default/pods",
            json!({"metadata": {"name": "runs"}, "spec": {"nodeName": "n", "containers": [{"name": "a", "image": "a"}]}}),
        ),
    ] {
        let (status, answer) = ask(&sandbox, &post("", path, body)).await;
        assert_eq!(status, 201, "{answer}");
    }
    sandbox
}

#[tokio::test]
async fn each_row_is_counted() {
    let sandbox = prepared(Sandbox::builder()).await;
    for asks in all() {
        let before = sandbox.unmodelled_requests();
        let (status, answer) = ask(&sandbox, &asks).await;
        assert_eq!(status, asks.status, "{}: {answer}", asks.what);
        assert_eq!(sandbox.unmodelled_requests(), before + 1, "{} {}", asks.what, asks.path);
    }
}

#[tokio::test]
async fn each_row_is_refused_in_strict_mode() {
    let sandbox = prepared(Sandbox::builder().strict()).await;
    for asks in all() {
        let objects = sandbox.object_count();
        let (status, answer) = ask(&sandbox, &asks).await;
        assert_eq!((status, &answer["reason"]), (501, &json!("NotImplemented")), "{}: {answer}", asks.what);
        let message = answer["message"].as_str().unwrap();
        assert!(message.contains(asks.what), "{message}");
        assert_eq!(sandbox.object_count(), objects, "{}", asks.what);
    }
}

#[tokio::test]
async fn a_server_alone_is_not_asked_for_controllers() {
    let sandbox = prepared(Sandbox::builder().strict().without_controllers()).await;
    let autoscaler = all().into_iter().find(|asks| asks.what == "autoscaling").unwrap();
    let (status, answer) = ask(&sandbox, &autoscaler).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(sandbox.unmodelled_requests(), 0);
}

#[test]
fn every_row_is_tried() {
    let tried: Vec<&str> = all().iter().map(|asks| asks.what).collect();
    for row in UNMODELLED {
        assert!(tried.contains(&row.what), "{}", row.what);
    }
}
