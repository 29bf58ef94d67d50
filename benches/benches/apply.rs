//! A thousand mixed objects on a real API server: our apply beside Flux's staged apply, first and with all in place.
#![allow(clippy::print_stdout, reason = "a measurement prints")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use benches::objects::mixed;
use benches::{
    Cost, GoPeer, Stopwatch, median, middle, print_counts, print_ratio, print_times, processor_time, rounds,
};
use gitops_apply::{
    Action, Applier, ApplyOptions, ConfigMapInventory, Discovery, FieldManager, OwnerLabels, client_for,
};
use gitops_manifest::{Manifests, Object};
use gitops_testkit::{ControlPlane, Server};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleRef, Subject};
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use serde_json::Value;

const OBJECTS: usize = 1000;
/// Not one of the masters, whom the API server's priority and fairness lets pass.
const USER: &str = "bench";

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What an apply has cost us or the peer, and the servers.
#[derive(Clone, Copy, Default)]
struct Spent {
    cost: Cost,
    servers: Duration,
    requests: usize,
}

/// Both applies of one round.
#[derive(Clone, Copy, Default)]
struct Round {
    first: Spent,
    noop: Spent,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let tell = |line: &str| println!("bench apply: {line}");
    let builder = ControlPlane::builder().user(USER, &["system:serviceaccounts"]).build_when_missing();
    let bench = Bench::new(builder.progress(tell).start().await?).await?;
    let peer = match GoPeer::build("apply") {
        Ok(peer) => Some(peer),
        Err(error) => {
            println!("bench apply: no peer to measure beside: {error}");
            None
        }
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=rounds() {
        let (mut one, mut other) = (String::new(), String::new());
        // A B B A, so that neither is always the first on a server that grows.
        for ours_now in [round % 2 == 0, round % 2 == 1] {
            if ours_now {
                one = bench.cluster.namespace().await?;
                ours.push(bench.ours(&one).await?);
            } else if let Some(peer) = &peer {
                other = bench.cluster.namespace().await?;
                theirs.push(bench.peers(peer, &other).await?);
            }
        }
        if !other.is_empty() {
            same(&bench.live(&one).await?, &bench.live(&other).await?)?;
        }
    }
    // The first round warmed up the server.
    let (ours, theirs) = (&ours[1..], theirs.get(1..).unwrap_or_default());
    report("apply-first-1000", Some(2.0), ours, theirs, |round| round.first);
    report("apply-noop-1000", None, ours, theirs, |round| round.noop);
    Ok(())
}

/// A ratio counts only when both sides did the same.
fn same(ours: &BTreeMap<String, Value>, theirs: &BTreeMap<String, Value>) -> Outcome<()> {
    match ours.iter().find(|(name, object)| theirs.get(*name) != Some(object)) {
        Some((name, object)) => {
            let other = theirs.get(name).unwrap_or(&Value::Null);
            Err(format!("{name} differs; ours: {object} peer: {other}").into())
        }
        None => Ok(()),
    }
}

fn report(name: &str, want: Option<f64>, ours: &[Round], theirs: &[Round], of: fn(&Round) -> Spent) {
    let costs = |rounds: &[Round]| median(&rounds.iter().map(|round| of(round).cost).collect::<Vec<_>>());
    let servers = |rounds: &[Round]| middle(rounds.iter().map(|round| of(round).servers));
    let requests = |rounds: &[Round]| rounds.last().map_or(0, |round| of(round).requests);
    let (one, other) = (costs(ours), costs(theirs));
    if theirs.is_empty() {
        println!("bench {name}: ours {:.1?} {} requests", one.wall, requests(ours));
        return;
    }
    match want {
        Some(want) => print_ratio(name, one.wall, other.wall, want),
        None => print_times(name, one.wall, other.wall),
    }
    print_counts(&format!("{name}-requests"), "requests", requests(ours), requests(theirs));
    print_times(&format!("{name}-processor"), one.cpu, other.cpu);
    print_times(&format!("{name}-servers-processor"), servers(ours), servers(theirs));
}

struct Bench {
    cluster: ControlPlane,
    client: Client,
    admin: Client,
    discovery: Discovery,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new(cluster: ControlPlane) -> Outcome<Self> {
        let admin = cluster.client()?;
        let client = client_for(cluster.config_as(USER)?)?;
        let binding = ClusterRoleBinding {
            metadata: ObjectMeta { name: Some(USER.to_owned()), ..ObjectMeta::default() },
            role_ref: RoleRef {
                api_group: Some("rbac.authorization.k8s.io".to_owned()),
                kind: "ClusterRole".to_owned(),
                name: "cluster-admin".to_owned(),
            },
            subjects: Some(vec![Subject {
                api_group: Some("rbac.authorization.k8s.io".to_owned()),
                kind: "User".to_owned(),
                name: USER.to_owned(),
                namespace: None,
            }]),
        };
        Api::<ClusterRoleBinding>::all(admin.clone()).create(&PostParams::default(), &binding).await?;
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("objects.json"), serde_json::to_vec(&mixed(OBJECTS))?)?;
        // What is known of the cluster's kinds is kept from round to round, as in a running controller; the peer
        // learns it before it looks at the clock.
        Ok(Self { cluster, client, admin, discovery: Discovery::new(), folder })
    }

    async fn ours(&self, namespace: &str) -> Outcome<Round> {
        let objects = mixed(OBJECTS).into_iter().map(|value| {
            let mut object = Object::new(value)?;
            object.set_namespace(namespace);
            Ok(object)
        });
        let manifests = Manifests::from(objects.collect::<Outcome<Vec<_>>>()?);
        let applier = Applier::new(self.client.clone(), FieldManager::new("kustomize-controller"))
            .discovery(self.discovery.clone())
            .owner(OwnerLabels::new("kustomize.toolkit.fluxcd.io", "bench", "flux-system"))
            .inventory(ConfigMapInventory::new("bench-inventory").in_namespace(namespace))
            .options(ApplyOptions::flux());
        let first = self.apply(&applier, &manifests, namespace, Action::Created).await?;
        let noop = self.apply(&applier, &manifests, namespace, Action::Unchanged).await?;
        Ok(Round { first, noop })
    }

    async fn apply(
        &self,
        applier: &Applier,
        manifests: &Manifests,
        namespace: &str,
        want: Action,
    ) -> Outcome<Spent> {
        let (mark, before) = (self.cluster.audit_mark().await?, self.servers());
        let watch = Stopwatch::start();
        let plan = applier.plan(manifests).await?;
        applier.claim(&plan).await?;
        let changes = applier.execute(&plan).await?;
        applier.commit(&plan, &changes, []).await?;
        let cost = watch.stop();
        let servers = self.servers().saturating_sub(before);
        if changes.len() != OBJECTS || changes.count(want) != OBJECTS {
            return Err(format!("not all of {OBJECTS} objects are {want:?}").into());
        }
        let requests = self.cluster.audit_since(mark).await?;
        let requests = requests.iter().filter(|request| request.is_in(namespace)).count();
        Ok(Spent { cost, servers, requests })
    }

    async fn peers(&self, peer: &GoPeer, namespace: &str) -> Outcome<Round> {
        let mut round = Round::default();
        let kubeconfig = self.cluster.kubeconfig_as(USER).map(Path::to_path_buf).ok_or("no kubeconfig")?;
        let file = self.folder.path().join("objects.json");
        let (kubeconfig, file) = (kubeconfig.to_string_lossy(), file.to_string_lossy());
        for (name, spent) in [("first", &mut round.first), ("noop", &mut round.noop)] {
            let (mark, before) = (self.cluster.audit_mark().await?, self.servers());
            let arguments = [name, &*kubeconfig, namespace, &*file];
            let text = tokio::task::block_in_place(|| peer.run(&arguments))?;
            spent.servers = self.servers().saturating_sub(before);
            spent.cost = Cost::read(&serde_json::from_str(&text)?)?;
            let requests = self.cluster.audit_since(mark).await?;
            spent.requests = requests.iter().filter(|request| request.is_in(namespace)).count();
        }
        Ok(round)
    }

    /// Returns how long etcd and the API server have been on processors.
    fn servers(&self) -> Duration {
        let servers = [self.cluster.etcd(), self.cluster.api_server()];
        servers.iter().filter_map(|server| Server::process_id(server)).map(processor_time).sum()
    }

    /// Returns what is in a namespace, without what differs between two namespaces that were filled alike.
    async fn live(&self, namespace: &str) -> Outcome<BTreeMap<String, Value>> {
        let mut live = BTreeMap::new();
        for collection in [
            format!("/apis/apps/v1/namespaces/{namespace}/deployments"),
            format!("/api/v1/namespaces/{namespace}/services"),
            format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
            format!("/api/v1/namespaces/{namespace}/configmaps"),
        ] {
            let request = http::Request::get(format!(
                "{collection}?labelSelector=kustomize.toolkit.fluxcd.io/name%3Dbench"
            ));
            let mut list: Value = self.admin.request(request.body(Vec::new())?).await?;
            for mut object in list["items"].as_array_mut().map(std::mem::take).unwrap_or_default() {
                let metadata = object["metadata"].as_object_mut().ok_or("an object without metadata")?;
                for field in ["uid", "resourceVersion", "creationTimestamp", "namespace"] {
                    metadata.remove(field);
                }
                for entry in metadata["managedFields"].as_array_mut().into_iter().flatten() {
                    entry["time"].take();
                }
                live.insert(format!("{collection}/{}", metadata["name"]).replace(namespace, ""), object);
            }
        }
        if live.len() == OBJECTS { Ok(live) } else { Err(format!("{} objects are live", live.len()).into()) }
    }
}
