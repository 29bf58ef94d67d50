//! The sandbox beside kube-apiserver with etcd: start, applies, memory, watches, reconciles.
#![allow(clippy::print_stdout, reason = "a measurement prints")]

use std::error::Error;
use std::process::Command;
use std::time::{Duration, Instant};

use benches::objects::{mixed, nth};
use benches::{load, middle, print_at_least, print_at_most, processor_time, resident, rounds};
use gitops_apply::{Action, Applier, FieldManager, OwnerLabels, client_for};
use gitops_manifest::{Manifests, Object};
use gitops_sandbox::{Sandbox, SandboxService, Security};
use gitops_testkit::{ControlPlane, Server};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

/// Says in the environment what a process of its own shall measure.
const CHILD: &str = "SANDBOX_BENCH_CHILD";
const APPLIES: usize = 4000;
const FILLED: usize = 100_000;
/// A real server takes minutes for a hundred thousand.
const FILLED_BESIDE: usize = 10_000;
const WATCHERS: usize = 100;
const CHANGES: usize = 300;
const SET: usize = 200;
const WAVES: usize = 5;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    // As in a program: requests are sent by tasks, not by the thread that began.
    let child = std::env::var(CHILD).unwrap_or_default();
    runtime.block_on(async { tokio::spawn(run(child, start)).await? })
}

async fn run(child: String, start: Instant) -> Outcome<()> {
    if let Some(objects) = child.strip_prefix("fill ") {
        return fill(objects.parse()?).await;
    }
    if child == "start" {
        return started(start).await;
    }
    let peer = Peer::start().await;
    let peer = match peer {
        Ok(peer) => Some(peer),
        Err(error) => {
            println!("bench sandbox: no server to measure beside: {error}");
            None
        }
    };
    start_up(peer.as_ref()).await?;
    applies(peer.as_ref()).await?;
    memory(peer.as_ref()).await?;
    watches(peer.as_ref()).await?;
    reconciles(peer.as_ref()).await?;
    whole_sets(peer.as_ref()).await
}

/// A real server, and what its start cost.
struct Peer {
    cluster: ControlPlane,
    client: Client,
    start: Duration,
    memory: u64,
}

impl Peer {
    async fn start() -> Outcome<Self> {
        let builder = ControlPlane::builder().build_when_missing();
        let builder = builder.progress(|line| println!("bench sandbox: {line}"));
        let start = Instant::now();
        let cluster = builder.start().await?;
        let client = client_for(cluster.config()?)?;
        load::first(&client).await?;
        let start = start.elapsed();
        let mut peer = Self { cluster, client, start, memory: 0 };
        peer.memory = peer.resident();
        Ok(peer)
    }

    /// Returns how much memory etcd and the API server have in use, in KiB.
    fn resident(&self) -> u64 {
        self.processes().map(resident).sum()
    }

    /// Returns how long etcd and the API server have been on processors.
    fn processor_time(&self) -> Duration {
        self.processes().map(processor_time).sum()
    }

    fn processes(&self) -> impl Iterator<Item = u32> {
        let servers = [self.cluster.etcd(), self.cluster.api_server()];
        servers.into_iter().filter_map(Server::process_id)
    }
}

/// Runs this program anew, for what shall not find anything warm.
fn child(what: &str) -> Outcome<Value> {
    let output = Command::new(std::env::current_exe()?).env(CHILD, what).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Starts a sandbox in a process that has just begun, and tells what that cost.
async fn started(begun: Instant) -> Outcome<()> {
    let before = resident(std::process::id());
    let sandbox = Sandbox::start();
    load::first(&Client::new(sandbox.service(), "default")).await?;
    let first = begun.elapsed();
    let after = resident(std::process::id());
    let again = Instant::now();
    let other = Sandbox::start();
    load::first(&Client::new(other.service(), "default")).await?;
    let again = again.elapsed();
    load::apply(&Client::new(sandbox.service(), "default"), "default", mixed(4)).await?;
    let answer = json!({
        "first": micros(first), "again": micros(again), "before": before, "after": after,
        "warm": resident(std::process::id()),
    });
    println!("{answer}");
    Ok(())
}

/// Fills a sandbox and tells how much memory the process has in use.
async fn fill(objects: usize) -> Outcome<()> {
    let sandbox = Sandbox::start();
    let client = Client::new(sandbox.service(), "default");
    // Made batch by batch, so that it is not the objects of the client that are weighed.
    for first in (0..objects).step_by(1000) {
        load::apply(&client, "default", (first..objects.min(first + 1000)).map(nth).collect()).await?;
    }
    if sandbox.object_count() < objects {
        return Err(format!("{} objects are stored", sandbox.object_count()).into());
    }
    println!("{}", json!({"after": resident(std::process::id())}));
    Ok(())
}

async fn start_up(peer: Option<&Peer>) -> Outcome<()> {
    let mut first = Vec::new();
    let mut again = Vec::new();
    let mut memory = (0.0, 0.0);
    for _ in 0..rounds() {
        let told = tokio::task::block_in_place(|| child("start"))?;
        let time = |name: &str| Duration::from_micros(told[name].as_u64().unwrap_or_default());
        first.push(time("first"));
        again.push(time("again"));
        memory = (mib(&told["after"]), mib(&told["warm"]));
    }
    let beside = peer.map(|peer| millis(peer.start));
    print_at_most("sandbox-start", "ms", millis(middle(first)), beside, Some(100.0));
    print_at_most("sandbox-start-another", "ms", millis(middle(again)), None, None);
    let beside = peer.map(|peer| mebi(peer.memory));
    print_at_most("sandbox-start-memory", "MB", memory.0, beside, None);
    print_at_most("sandbox-start-memory-all-kinds-read", "MB", memory.1, None, None);
    Ok(())
}

async fn applies(peer: Option<&Peer>) -> Outcome<()> {
    let sandbox = Sandbox::builder().without_controllers().start();
    let inside = Client::new(sandbox.service(), "default");
    let listener = sandbox.listen("127.0.0.1:0".parse()?, Security::Tls).await?;
    let kubeconfig = Kubeconfig::from_yaml(&listener.kubeconfig())?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let outside = client_for(config)?;
    let own = || processor_time(std::process::id());
    let served = speeds(&Way::Straight(sandbox.service()), "kube-system", APPLIES, own).await?;
    let ours = speeds(&Way::Client(inside), "default", APPLIES, own).await?;
    let over_loopback = speeds(&Way::Client(outside), "kube-public", APPLIES, own).await?;
    let beside = match peer {
        Some(peer) => {
            let namespace = peer.cluster.namespace().await?;
            let way = Way::Client(peer.client.clone());
            Some(speeds(&way, &namespace, APPLIES / 4, || peer.processor_time()).await?)
        }
        None => None,
    };
    for (position, name) in ["create", "change", "unchanged"].into_iter().enumerate() {
        let beside = beside.as_ref().map(|beside| &beside[position]);
        let (ours, loopback) = (&ours[position], &over_loopback[position]);
        let name = format!("sandbox-applies-{name}");
        let served = &served[position];
        let processor = |speed: &Speed| speed.processor.as_secs_f64() * 1e6;
        print_at_least(&format!("{name}-served"), "/s", served.rate, None, Some(10_000.0));
        print_at_most(&format!("{name}-served-processor"), "µs", processor(served), None, None);
        print_at_least(&name, "/s", ours.rate, beside.map(|beside| beside.rate), Some(10_000.0));
        print_at_least(
            &format!("{name}-loopback"),
            "/s",
            loopback.rate,
            beside.map(|beside| beside.rate),
            None,
        );
        print_at_most(&format!("{name}-processor"), "µs", processor(ours), beside.map(processor), None);
    }
    Ok(())
}

/// How applies come to the server.
enum Way {
    /// From a client, whose work is timed too.
    Client(Client),
    /// Written before, straight to the service.
    Straight(SandboxService),
}

/// How fast applies are.
struct Speed {
    /// How many a second.
    rate: f64,
    /// How much time of processors one takes.
    processor: Duration,
}

impl Speed {
    fn of(number: usize, spent: &[(Duration, Duration)]) -> Self {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let wall = middle(spent.iter().map(|(wall, _)| *wall));
        let processor = middle(spent.iter().map(|(_, processor)| *processor)) / number;
        Self { rate: f64::from(number) / wall.as_secs_f64(), processor }
    }
}

/// Measures applies that create, that change one field, and that change nothing.
async fn speeds(
    way: &Way,
    namespace: &str,
    number: usize,
    processor: impl Fn() -> Duration,
) -> Outcome<[Speed; 3]> {
    let timed = async |objects: Vec<Value>| {
        let (before, wall) = match way {
            Way::Client(client) => (processor(), load::apply(client, namespace, objects).await?),
            Way::Straight(service) => {
                let requests = load::requests(namespace, objects)?;
                (processor(), load::serve(service, requests).await?)
            }
        };
        Outcome::Ok((wall, processor().saturating_sub(before)))
    };
    let objects = mixed(number);
    let created = timed(objects.clone()).await?;
    let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
    for round in 0..rounds() {
        let mut objects = objects.clone();
        for object in &mut objects {
            object["metadata"]["labels"]["app.kubernetes.io/version"] = json!(format!("2.{round}"));
        }
        changed.push(timed(objects.clone()).await?);
        // Once to be found out, once to be measured.
        timed(objects.clone()).await?;
        unchanged.push(timed(objects).await?);
    }
    Ok([Speed::of(number, &[created]), Speed::of(number, &changed), Speed::of(number, &unchanged)])
}

async fn memory(peer: Option<&Peer>) -> Outcome<()> {
    let fill = |objects: usize| {
        let told = tokio::task::block_in_place(|| child(&format!("fill {objects}")))?;
        Outcome::Ok(mib(&told["after"]))
    };
    let beside = match peer {
        Some(peer) => {
            let namespace = peer.cluster.namespace().await?;
            load::apply(&peer.client, &namespace, mixed(FILLED_BESIDE)).await?;
            Some(mebi(peer.resident()))
        }
        None => None,
    };
    print_at_most("sandbox-memory-10000", "MB", fill(FILLED_BESIDE)?, beside, None);
    print_at_most("sandbox-memory-100000", "MB", fill(FILLED)?, None, Some(300.0));
    Ok(())
}

async fn watches(peer: Option<&Peer>) -> Outcome<()> {
    let sandbox = Sandbox::builder().without_controllers().start();
    let client = Client::new(sandbox.service(), "default");
    let seen = |time: Duration| (WATCHERS * CHANGES) as f64 / time.as_secs_f64();
    let ours = load::fan_out(&client, "default", WATCHERS, CHANGES).await?;
    let beside = match peer {
        Some(peer) => {
            let namespace = peer.cluster.namespace().await?;
            Some(load::fan_out(&peer.client, &namespace, WATCHERS, CHANGES).await?)
        }
        None => None,
    };
    print_at_least("sandbox-watch-events-100-watchers", "/s", seen(ours), beside.map(seen), None);
    Ok(())
}

async fn reconciles(peer: Option<&Peer>) -> Outcome<()> {
    let sandbox = Sandbox::start();
    let client = Client::new(sandbox.service(), "default");
    let ours = load::reconcile(&client, "default", SET, WAVES).await?;
    let beside = match peer {
        Some(peer) => {
            let namespace = peer.cluster.namespace().await?;
            Some(millis(load::reconcile(&peer.client, &namespace, SET, WAVES).await?))
        }
        None => None,
    };
    print_at_most("sandbox-reconciles-1000-of-200", "ms", millis(ours), beside, Some(1000.0));
    Ok(())
}

/// Plans and executes a whole set in which nothing has changed, as a Kustomization does at its interval.
async fn whole_sets(peer: Option<&Peer>) -> Outcome<()> {
    let sandbox = Sandbox::builder().without_controllers().start();
    let client = Client::new(sandbox.service(), "default");
    let ours = whole_set(client, "default", 100).await?;
    let beside = match peer {
        Some(peer) => {
            let namespace = peer.cluster.namespace().await?;
            Some(millis(whole_set(peer.client.clone(), &namespace, 3).await?))
        }
        None => None,
    };
    print_at_most("sandbox-round-of-200-unchanged", "ms", millis(ours), beside, None);
    Ok(())
}

async fn whole_set(client: Client, namespace: &str, times: u32) -> Outcome<Duration> {
    let objects = mixed(SET).into_iter().map(|value| {
        let mut object = Object::new(value)?;
        object.set_namespace(namespace);
        Ok(object)
    });
    let manifests = Manifests::from(objects.collect::<Outcome<Vec<_>>>()?);
    let applier = Applier::new(client, FieldManager::new("bench")).owner(OwnerLabels::new(
        "bench.example.com",
        "bench",
        namespace,
    ));
    for _ in 0..2 {
        applier.execute(&applier.plan(&manifests).await?).await?;
    }
    let start = Instant::now();
    for _ in 0..times {
        let changes = applier.execute(&applier.plan(&manifests).await?).await?;
        if changes.count(Action::Unchanged) != SET {
            return Err("something has changed".into());
        }
    }
    Ok(start.elapsed() / times)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mib(kibibytes: &Value) -> f64 {
    mebi(kibibytes.as_u64().unwrap_or_default())
}

#[allow(clippy::cast_precision_loss, reason = "some millions")]
fn mebi(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
