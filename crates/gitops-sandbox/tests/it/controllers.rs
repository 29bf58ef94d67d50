//! What the simulated controllers write beside the workloads: endpoints, events, names, back-offs. What is expected
//! was seen on kube-apiserver and kube-controller-manager 1.35.4, doing the same.

use std::time::Duration;

use gitops_sandbox::{Clock, Sandbox, SandboxBuilder, Workload};
use kube::Client;
use serde_json::{Value, json};

use crate::client::client;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const REPLICA_SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";
const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";
const PODS: &str = "/api/v1/namespaces/default/pods";
const SERVICES: &str = "/api/v1/namespaces/default/services";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const ENDPOINTS: &str = "/api/v1/namespaces/default/endpoints";

/// A sandbox whose clock stands, and what a test does to it.
struct Cluster {
    sandbox: Sandbox,
    clock: Clock,
    client: Client,
}

impl Cluster {
    fn start(set: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        let clock = Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap());
        let builder = Sandbox::builder().clock(clock.clone()).seed(1).ready_after(Duration::from_secs(5));
        let sandbox = set(builder).start();
        Self { client: client(&sandbox), sandbox, clock }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header(
            "content-type",
            match method {
                "PATCH" => "application/merge-patch+json",
                _ => "application/json",
            },
        );
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.client.request(request.body(body).unwrap()).await.unwrap()
    }

    async fn create(&self, path: &str, body: Value) {
        self.ask("POST", path, body).await;
        self.calm().await;
    }

    async fn change(&self, path: &str, body: Value) {
        self.ask("PATCH", path, body).await;
        self.calm().await;
    }

    async fn delete(&self, path: &str) {
        self.ask("DELETE", path, Value::Null).await;
        self.calm().await;
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        self.ask("GET", path, Value::Null).await["items"].as_array().unwrap().clone()
    }

    /// Lets the controllers do everything that there is to do now.
    async fn calm(&self) {
        let mut revision = self.sandbox.revision();
        let mut turns = 0;
        while turns < 20 {
            tokio::task::yield_now().await;
            turns = if self.sandbox.revision() == revision { turns + 1 } else { 0 };
            revision = self.sandbox.revision();
        }
    }

    async fn after(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.calm().await;
    }

    /// Returns the events of a kind of object, as `kubectl describe` shows them, the oldest first; random ends of
    /// names are left out.
    async fn events(&self, kind: &str) -> Vec<String> {
        let mut events = self.list("/api/v1/namespaces/default/events").await;
        events.retain(|event| event["involvedObject"]["kind"] == kind);
        events.sort_by_cached_key(|event| {
            let name = event["metadata"]["name"].as_str().unwrap();
            (event["firstTimestamp"].to_string(), name.rsplit('.').next().unwrap().to_owned())
        });
        let text = |event: &Value| {
            let field = |name: &str| event[name].as_str().unwrap().to_owned();
            let message: Vec<String> =
                field("message").split(' ').map(|word| anonymous(word).to_owned()).collect();
            format!("{} {} x{} {}", field("type"), field("reason"), event["count"], message.join(" "))
        };
        events.iter().map(text).collect()
    }

    async fn conditions(&self, path: &str) -> Vec<String> {
        let object = self.ask("GET", path, Value::Null).await;
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let text = |of: &Value| {
            let field = |name: &str| of[name].as_str().unwrap().to_owned();
            format!("{}={} {}", field("type"), field("status"), field("reason"))
        };
        conditions.iter().map(text).collect()
    }
}

/// Leaves out the end of the name of a pod of a ReplicaSet or Job.
fn anonymous(word: &str) -> &str {
    let is_random =
        |end: &str| end.len() == 5 && end.bytes().all(|c| b"bcdfghjklmnpqrstvwxz2456789".contains(&c));
    word.rsplit_once('-').filter(|(_, end)| is_random(end)).map_or(word, |(start, _)| start)
}

fn template(app: &str, image: &str) -> Value {
    let container = json!({"name": app, "image": image, "ports": [{"name": "http", "containerPort": 80}]});
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [container]}})
}

fn deployment(app: &str, replicas: u64) -> Value {
    json!({
        "metadata": {"name": app},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": template(app, "nginx:1"),
        },
    })
}

fn service(app: &str) -> Value {
    let ports = json!([
        {"name": "http", "port": 80, "targetPort": "http"}, {"name": "other", "port": 81, "targetPort": 8081},
    ]);
    json!({"metadata": {"name": app, "labels": {"l": "1"}}, "spec": {"selector": {"app": app}, "ports": ports}})
}

fn job(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    if spec["template"].is_null() {
        spec["template"]["spec"]["restartPolicy"] = json!("Never");
    }
    spec["template"]["spec"]["containers"] = json!([{"name": "main", "image": "busybox:1"}]);
    json!({"metadata": {"name": name}, "spec": spec})
}

#[tokio::test]
async fn a_service_has_the_addresses_of_its_ready_pods_until_it_is_deleted() {
    let cluster = Cluster::start(|builder| builder);
    cluster.create(SERVICES, service("web")).await;
    let slice = cluster.list(SLICES).await.remove(0);
    assert_eq!((&slice["endpoints"], &slice["ports"]), (&Value::Null, &Value::Null), "{slice}");
    assert_eq!(slice["metadata"]["generateName"], "web-");
    assert_eq!(
        slice["metadata"]["labels"],
        json!({
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": "web", "l": "1",
        })
    );
    assert_eq!(slice["metadata"]["ownerReferences"][0]["kind"], "Service");
    let endpoints = cluster.list(ENDPOINTS).await.remove(0);
    assert_eq!(endpoints["subsets"], Value::Null);
    let trigger = json!({"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z"});
    assert_eq!(
        (&endpoints["metadata"]["annotations"], &slice["metadata"]["annotations"]),
        (&trigger, &trigger)
    );

    cluster.create(DEPLOYMENTS, deployment("web", 2)).await;
    assert_eq!(
        cluster.list(SLICES).await[0]["endpoints"],
        Value::Null,
        "pods without an address are not there"
    );
    cluster.after(5).await;
    let pods = cluster.list(PODS).await;
    let reference = |pod: &Value| {
        let metadata = &pod["metadata"];
        json!({"kind": "Pod", "name": metadata["name"], "namespace": "default", "uid": metadata["uid"]})
    };
    let slice = cluster.list(SLICES).await.remove(0);
    let conditions = json!({"ready": true, "serving": true, "terminating": false});
    let shown = |pod: &Value| json!({"addresses": [pod["status"]["podIP"]], "conditions": conditions, "targetRef": reference(pod)});
    assert_eq!(slice["endpoints"], json!(pods.iter().map(shown).collect::<Vec<_>>()));
    let ports = json!([
        {"name": "http", "port": 80, "protocol": "TCP"}, {"name": "other", "port": 8081, "protocol": "TCP"},
    ]);
    assert_eq!(slice["ports"], ports);
    assert_eq!(slice["metadata"]["generation"], 2);
    let mut addresses: Vec<Value> =
        pods.iter().map(|pod| json!({"ip": pod["status"]["podIP"], "targetRef": reference(pod)})).collect();
    addresses.sort_by_key(|address| address["ip"].to_string());
    let endpoints = cluster.list(ENDPOINTS).await.remove(0);
    assert_eq!(endpoints["subsets"], json!([{"addresses": addresses, "ports": ports}]));
    let trigger = json!({"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:05Z"});
    assert_eq!(
        (&endpoints["metadata"]["annotations"], &slice["metadata"]["annotations"]),
        (&trigger, &trigger)
    );

    // Somebody takes one away: it comes back.
    cluster.delete(&format!("{ENDPOINTS}/web")).await;
    assert_eq!(cluster.list(ENDPOINTS).await.len(), 1);
    cluster.delete(&format!("{SERVICES}/web")).await;
    assert!(cluster.list(SLICES).await.is_empty());
    assert!(cluster.list(ENDPOINTS).await.is_empty());
}

#[tokio::test]
async fn pods_that_are_not_ready_are_shown_as_such() {
    let cluster = Cluster::start(|builder| builder.workloads(Workload::Crash));
    cluster.create(SERVICES, service("web")).await;
    cluster.create(DEPLOYMENTS, deployment("web", 1)).await;
    let slice = cluster.list(SLICES).await.remove(0);
    assert_eq!(
        slice["endpoints"][0]["conditions"],
        json!({"ready": false, "serving": false, "terminating": false})
    );
    let subset = cluster.list(ENDPOINTS).await.remove(0)["subsets"][0].clone();
    assert_eq!(subset["addresses"], Value::Null);
    assert_eq!(subset["notReadyAddresses"].as_array().unwrap().len(), 1);
    cluster.change(&format!("{SERVICES}/web"), json!({"spec": {"publishNotReadyAddresses": true}})).await;
    let slice = cluster.list(SLICES).await.remove(0);
    assert_eq!(
        slice["endpoints"][0]["conditions"],
        json!({"ready": true, "serving": false, "terminating": false})
    );
    assert_eq!(cluster.list(ENDPOINTS).await[0]["subsets"][0]["addresses"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_headless_service_knows_the_names_of_its_pods_and_one_without_selector_has_nothing() {
    let cluster = Cluster::start(|builder| builder);
    let headless = json!({"metadata": {"name": "db"}, "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 80}]}});
    cluster.create(SERVICES, headless).await;
    cluster.create(SERVICES, json!({"metadata": {"name": "own"}, "spec": {"ports": [{"port": 80}]}})).await;
    let set = json!({
        "metadata": {"name": "db"},
        "spec": {"serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template("db", "db:1")},
    });
    cluster.create("/apis/apps/v1/namespaces/default/statefulsets", set).await;
    cluster.after(5).await;
    let slices = cluster.list(SLICES).await;
    assert_eq!(slices.len(), 1);
    assert_eq!(slices[0]["endpoints"][0]["hostname"], "db-0");
    assert_eq!(slices[0]["ports"], json!([{"name": "", "port": 80, "protocol": "TCP"}]));
    assert_eq!(slices[0]["metadata"]["labels"]["service.kubernetes.io/headless"], "");
    let endpoints = cluster.list(ENDPOINTS).await;
    assert_eq!(endpoints.len(), 1);
    assert_eq!(endpoints[0]["subsets"][0]["ports"], json!([{"port": 80, "protocol": "TCP"}]));
    assert_eq!(endpoints[0]["subsets"][0]["addresses"][0]["hostname"], "db-0");
}

#[tokio::test]
async fn a_rollout_is_told_in_events() {
    let cluster = Cluster::start(|builder| builder);
    cluster.create(DEPLOYMENTS, deployment("web", 2)).await;
    cluster.after(5).await;
    let hash = cluster.list(REPLICA_SETS).await[0]["metadata"]["labels"]["pod-template-hash"].clone();
    assert_eq!(hash, "75785b7769", "as the real controller names it");
    assert_eq!(
        cluster.events("Deployment").await,
        ["Normal ScalingReplicaSet x1 Scaled up replica set web-75785b7769 from 0 to 2"]
    );
    let made = "Normal SuccessfulCreate x1 Created pod: web-75785b7769";
    assert_eq!(cluster.events("ReplicaSet").await, [made, made]);
    let event = cluster
        .list("/api/v1/namespaces/default/events?fieldSelector=involvedObject.kind=Deployment")
        .await
        .remove(0);
    assert_eq!(
        (&event["source"], &event["reportingComponent"]),
        (&json!({"component": "deployment-controller"}), &json!("deployment-controller"))
    );
    assert_eq!(
        (&event["involvedObject"]["apiVersion"], &event["involvedObject"]["name"]),
        (&json!("apps/v1"), &json!("web"))
    );
    assert_eq!((&event["eventTime"], &event["reportingInstance"]), (&Value::Null, &json!("")));

    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "nginx:2", "ports": [{"name": "http", "containerPort": 80}]}]}}}});
    cluster.change(&format!("{DEPLOYMENTS}/web"), image).await;
    for _ in 0..4 {
        cluster.after(5).await;
    }
    assert_eq!(
        cluster.events("Deployment").await[1..],
        [
            "Normal ScalingReplicaSet x1 Scaled up replica set web-54b7ff5b88 from 0 to 1",
            "Normal ScalingReplicaSet x1 Scaled down replica set web-75785b7769 from 2 to 1",
            "Normal ScalingReplicaSet x1 Scaled up replica set web-54b7ff5b88 from 1 to 2",
            "Normal ScalingReplicaSet x1 Scaled down replica set web-75785b7769 from 1 to 0",
        ]
    );
    assert_eq!(
        cluster.conditions(&format!("{DEPLOYMENTS}/web")).await,
        ["Available=True MinimumReplicasAvailable", "Progressing=True NewReplicaSetAvailable"]
    );
    // Events are kept for an hour.
    cluster.after(3601).await;
    assert!(cluster.events("Deployment").await.is_empty());
}

#[tokio::test]
async fn the_same_event_again_is_counted() {
    let cluster = Cluster::start(|builder| builder);
    cluster.create(JOBS, job("stop", json!({"suspend": true}))).await;
    for suspend in [false, true, false, true] {
        cluster.change(&format!("{JOBS}/stop"), json!({"spec": {"suspend": suspend}})).await;
    }
    let events = cluster.events("Job").await;
    assert!(events.contains(&"Normal Suspended x3 Job suspended".to_owned()), "{events:?}");
    assert!(events.contains(&"Normal Resumed x2 Job resumed".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_crash_is_told_ever_later_and_stops_a_rollout_at_its_deadline() {
    let cluster = Cluster::start(|builder| builder.workloads(Workload::Crash));
    let mut crashing = deployment("web", 1);
    crashing["spec"]["progressDeadlineSeconds"] = json!(60);
    cluster.create(DEPLOYMENTS, crashing).await;
    let pod = cluster.list(PODS).await.remove(0);
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 1);
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    let name = format!(
        "{}_default({})",
        pod["metadata"]["name"].as_str().unwrap(),
        pod["metadata"]["uid"].as_str().unwrap()
    );
    assert_eq!(waiting["message"], format!("back-off 10s restarting failed container=web pod={name}"));
    let path = format!("{DEPLOYMENTS}/web");
    let progressing = ["Available=False MinimumReplicasUnavailable", "Progressing=True ReplicaSetUpdated"];
    assert_eq!(cluster.conditions(&path).await, progressing);
    for _ in 0..59 {
        cluster.after(1).await;
    }
    assert_eq!(cluster.conditions(&path).await, progressing);
    cluster.after(1).await;
    assert_eq!(
        cluster.conditions(&path).await,
        ["Available=False MinimumReplicasUnavailable", "Progressing=False ProgressDeadlineExceeded"]
    );
    let status = cluster.ask("GET", &path, Value::Null).await["status"].clone();
    assert_eq!(
        status["conditions"][1]["message"],
        r#"ReplicaSet "web-75785b7769" has timed out progressing."#
    );
    // It crashed at 0, 10 and 30 seconds.
    let events = cluster.events("Pod").await;
    assert_eq!(events.len(), 1);
    assert!(
        events[0].starts_with("Warning BackOff x3 Back-off restarting failed container web in pod "),
        "{events:?}"
    );
    let event = cluster
        .list("/api/v1/namespaces/default/events?fieldSelector=involvedObject.kind=Pod")
        .await
        .remove(0);
    assert_eq!(event["involvedObject"]["fieldPath"], "spec.containers{web}");
}

#[tokio::test]
async fn a_failed_job_is_tried_again_ever_later_until_its_limit() {
    let cluster = Cluster::start(|builder| builder.workloads(Workload::Crash));
    cluster.create(JOBS, job("bad", json!({"backoffLimit": 3}))).await;
    let mut made = vec![0];
    for second in 1..=75 {
        cluster.after(1).await;
        if cluster.list(PODS).await.len() > made.len() {
            made.push(second);
        }
    }
    assert_eq!(made, [0, 10, 30, 70]);
    let path = format!("{JOBS}/bad");
    assert_eq!(
        cluster.conditions(&path).await,
        ["FailureTarget=True BackoffLimitExceeded", "Failed=True BackoffLimitExceeded"]
    );
    let status = cluster.ask("GET", &path, Value::Null).await["status"].clone();
    assert_eq!(
        (&status["failed"], &status["ready"], &status["active"]),
        (&json!(4), &json!(0), &Value::Null)
    );
    let events = cluster.events("Job").await;
    assert_eq!(events.len(), 5);
    assert!(
        events[..4].iter().all(|event| event == "Normal SuccessfulCreate x1 Created pod: bad"),
        "{events:?}"
    );
    assert_eq!(events[4], "Warning BackoffLimitExceeded x1 Job has reached the specified backoff limit");
}

#[tokio::test]
async fn a_job_whose_containers_restart_fails_when_they_did_so_often() {
    let cluster = Cluster::start(|builder| builder.workloads(Workload::Crash));
    let spec = json!({"backoffLimit": 2, "template": {"spec": {"restartPolicy": "OnFailure"}}});
    cluster.create(JOBS, job("bad", spec)).await;
    assert!(cluster.conditions(&format!("{JOBS}/bad")).await.is_empty());
    cluster.after(10).await;
    assert_eq!(cluster.conditions(&format!("{JOBS}/bad")).await[1], "Failed=True BackoffLimitExceeded");
}

#[tokio::test]
async fn an_indexed_job_tells_which_indexes_are_done() {
    let cluster = Cluster::start(|builder| builder);
    let spec = json!({"completionMode": "Indexed", "completions": 2, "parallelism": 2});
    cluster.create(JOBS, job("good", spec)).await;
    let indexes: Vec<Value> = cluster
        .list(PODS)
        .await
        .iter()
        .map(|pod| pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"].clone())
        .collect();
    assert_eq!(indexes, ["0", "1"]);
    cluster.after(5).await;
    let status = cluster.ask("GET", &format!("{JOBS}/good"), Value::Null).await["status"].clone();
    assert_eq!((&status["completedIndexes"], &status["succeeded"]), (&json!("0,1"), &json!(2)));
    let events = cluster.events("Job").await;
    assert_eq!(events.last().unwrap(), "Normal Completed x1 Job completed");
}

#[tokio::test]
async fn a_claim_of_a_class_that_waits_is_bound_when_a_pod_uses_it() {
    let cluster = Cluster::start(|builder| builder);
    let class = json!({"metadata": {"name": "wait"}, "provisioner": "x.example.com", "volumeBindingMode": "WaitForFirstConsumer"});
    cluster.create("/apis/storage.k8s.io/v1/storageclasses", class).await;
    let claim = |name: &str, class: Value| {
        let resources = json!({"requests": {"storage": "1Gi"}});
        json!({"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": class}})
    };
    cluster.create(CLAIMS, claim("waits", json!("wait"))).await;
    cluster.create(CLAIMS, claim("comes", Value::Null)).await;
    cluster.after(60).await;
    let phases =
        |claims: Vec<Value>| claims.iter().map(|claim| claim["status"]["phase"].clone()).collect::<Vec<_>>();
    assert_eq!(phases(cluster.list(CLAIMS).await), ["Bound", "Pending"]);
    let mut pod = template("user", "i:1");
    pod["metadata"]["name"] = json!("user");
    pod["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "waits"}}]);
    cluster.create(PODS, pod).await;
    cluster.after(5).await;
    assert_eq!(phases(cluster.list(CLAIMS).await), ["Bound", "Bound"]);
    let events: Vec<String> = cluster
        .events("PersistentVolumeClaim")
        .await
        .iter()
        .map(|event| event.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        events,
        [
            "Normal WaitForFirstConsumer x1",
            "Normal ProvisioningSucceeded x1",
            "Normal ExternalProvisioning x1",
            "Normal ProvisioningSucceeded x1",
        ]
    );
}

#[tokio::test]
async fn a_claim_that_gets_nothing_says_why() {
    let cluster = Cluster::start(|builder| builder.workloads(Workload::Never));
    let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    let mut named = spec.clone();
    named["storageClassName"] = json!("nope");
    cluster.create(CLAIMS, json!({"metadata": {"name": "a"}, "spec": spec})).await;
    cluster.create(CLAIMS, json!({"metadata": {"name": "b"}, "spec": named})).await;
    assert_eq!(
        cluster.events("PersistentVolumeClaim").await,
        [
            "Normal FailedBinding x1 no persistent volumes available for this claim and no storage class is set",
            r#"Warning ProvisioningFailed x1 storageclass.storage.k8s.io "nope" not found"#,
        ]
    );
}

#[tokio::test]
async fn a_daemon_set_has_a_pod_on_each_node() {
    let cluster = Cluster::start(|builder| builder.nodes(3));
    let set = json!({
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template("agent", "nginx:1")},
    });
    let path = "/apis/apps/v1/namespaces/default/daemonsets";
    cluster.create(path, set).await;
    cluster.after(5).await;
    let status = |set: Value| {
        let status = &set["status"];
        [status["desiredNumberScheduled"].clone(), status["numberAvailable"].clone()]
    };
    assert_eq!(status(cluster.ask("GET", &format!("{path}/agent"), Value::Null).await), [3, 3]);
    assert_eq!(cluster.events("DaemonSet").await, ["Normal SuccessfulCreate x1 Created pod: agent"; 3]);
    // With nodes of its own the cluster has those.
    cluster.create("/api/v1/nodes", json!({"metadata": {"name": "mine"}})).await;
    cluster.after(5).await;
    assert_eq!(status(cluster.ask("GET", &format!("{path}/agent"), Value::Null).await), [1, 1]);
}

#[tokio::test]
async fn pods_that_end_count_until_they_are_gone() {
    let cluster = Cluster::start(|builder| builder);
    let spec = json!({"serviceName": "x", "selector": {"matchLabels": {"app": "a"}}, "template": template("a", "nginx:1")});
    for plural in ["daemonsets", "statefulsets"] {
        let path = format!("/apis/apps/v1/namespaces/default/{plural}");
        cluster.create(&path, json!({"metadata": {"name": plural}, "spec": spec})).await;
    }
    cluster.after(5).await;
    for pod in cluster.list(PODS).await {
        // On a node a pod has time to end.
        let name = &pod["metadata"]["name"];
        let binding = json!({"metadata": {"name": name}, "target": {"kind": "Node", "name": "sandbox"}});
        cluster.create(&format!("{PODS}/{}/binding", name.as_str().unwrap()), binding).await;
    }
    for plural in ["daemonsets", "statefulsets"] {
        let path = format!("/apis/apps/v1/namespaces/default/{plural}/{plural}");
        cluster.change(&path, json!({"spec": {"template": template("a", "nginx:2")}})).await;
        let status = cluster.ask("GET", &path, Value::Null).await["status"].clone();
        let names = match plural {
            "daemonsets" => {
                ["currentNumberScheduled", "numberReady", "numberAvailable", "updatedNumberScheduled"]
            }
            _ => ["replicas", "readyReplicas", "availableReplicas", "updatedReplicas"],
        };
        assert_eq!(
            names.map(|name| status[name].clone()),
            [json!(1), json!(1), json!(1), Value::Null],
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_set_that_is_used_again_keeps_its_revisions() {
    let cluster = Cluster::start(|builder| builder);
    let path = format!("{DEPLOYMENTS}/web");
    cluster.create(DEPLOYMENTS, deployment("web", 1)).await;
    for image in ["nginx:2", "nginx:1"] {
        cluster.after(5).await;
        cluster.change(&path, json!({"spec": {"template": template("web", image)}})).await;
    }
    cluster.after(5).await;
    let sets = cluster.list(REPLICA_SETS).await;
    let of = |set: &Value, name: &str| {
        set["metadata"]["annotations"][format!("deployment.kubernetes.io/{name}")].clone()
    };
    let set = sets.iter().find(|set| set["metadata"]["name"] == "web-75785b7769").unwrap();
    assert_eq!((of(set, "revision"), of(set, "revision-history")), (json!("3"), json!("1")));
    // A pause is told, and its end.
    cluster.change(&path, json!({"spec": {"paused": true}})).await;
    assert_eq!(cluster.conditions(&path).await[1], "Progressing=Unknown DeploymentPaused");
    cluster.change(&path, json!({"spec": {"paused": false}})).await;
    assert!(cluster.conditions(&path).await[1].starts_with("Progressing=True NewReplicaSetAvailable"));
}

/// Recorded on kube-controller-manager 1.35.4: the `pod-template-hash` of a Deployment's ReplicaSet, and the hashes of
/// the revisions of a StatefulSet and a DaemonSet, each with this template.
const HASHES: &str = include_str!("../workloads/hashes.jsonl");

#[tokio::test]
async fn templates_have_the_hashes_that_real_controllers_give_them() {
    let cluster = Cluster::start(|builder| builder);
    let known: Vec<Value> = HASHES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let plurals =
        [("deployments", "deployment"), ("statefulsets", "statefulSet"), ("daemonsets", "daemonSet")];
    for (number, known) in known.iter().enumerate() {
        for (plural, kind) in plurals {
            let mut spec = json!({"selector": {"matchLabels": {"app": "h"}}, "template": known["template"]});
            if kind != "daemonSet" {
                spec["replicas"] = json!(0);
            }
            let path = format!("/apis/apps/v1/namespaces/default/{plural}");
            let body = json!({"metadata": {"name": format!("{kind}-{number}").to_lowercase()}, "spec": spec});
            cluster.ask("POST", &path, body).await;
        }
    }
    cluster.calm().await;
    let mut made = cluster.list(REPLICA_SETS).await;
    made.extend(cluster.list("/apis/apps/v1/namespaces/default/controllerrevisions").await);
    for (number, known) in known.iter().enumerate() {
        let labels = ["pod-template-hash", "controller.kubernetes.io/hash", "controller-revision-hash"];
        for ((_, kind), label) in plurals.iter().zip(labels) {
            let owner = format!("{kind}-{number}").to_lowercase();
            let set = made.iter().find(|set| set["metadata"]["ownerReferences"][0]["name"] == owner.as_str());
            let hash = &set.unwrap()["metadata"]["labels"][label];
            assert_eq!(*hash, known[kind], "{kind} {number}: {}", known["template"]);
        }
    }
}
