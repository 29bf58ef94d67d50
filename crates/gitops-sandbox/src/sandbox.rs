//! The sandbox as its users see it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::access::{self, User};
use crate::clock::Clock;
use crate::error::SandboxError;
use crate::server::{Door, Server, Settings};
use crate::simulate::{self, Scripted, Workload, Workloads};
use crate::state::{self, Snapshot};
use crate::store::{Expect, Key};
use crate::test_powers::{Asked, Fault, Observer, Powers};
use crate::wire::{Listener, SandboxService, Security};

/// How many writes a watcher may be behind before it has to list again.
const HISTORY: usize = 10_000;
/// A real server sends bookmarks about once a minute.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// How long workloads take to become ready.
const READY_AFTER: Duration = Duration::from_millis(100);
const TOKEN: &str = "sandbox-admin";

/// A Kubernetes API server inside the process.
///
/// It is cheap to clone: all clones are one server. It lives as long as one of them, its services or its
/// listeners do.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use gitops_sandbox::Sandbox;
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kube::{Api, Client, api::{Patch, PatchParams}};
///
/// let sandbox = Sandbox::start();
/// let client = Client::new(sandbox.service(), "default");
/// let config_maps: Api<ConfigMap> = Api::default_namespaced(client);
/// let config = serde_json::json!({
///     "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"color": "blue"},
/// });
/// let applied = config_maps.patch("app", &PatchParams::apply("me"), &Patch::Apply(&config)).await?;
/// assert_eq!(applied.data.unwrap_or_default()["color"], "blue");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Sandbox {
    server: Arc<Server>,
}

/// How a sandbox shall be.
#[derive(Clone)]
pub struct SandboxBuilder {
    settings: Settings,
    clock: Clock,
    history: usize,
    seed: u64,
    /// What becomes of workloads; `None`: the API server alone.
    workloads: Option<Workload>,
    observer: Option<Observer>,
    schedule: Option<u64>,
    nodes: usize,
}

impl std::fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxBuilder").field("workloads", &self.workloads).finish_non_exhaustive()
    }
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        let settings = Settings {
            token: TOKEN.to_owned(),
            users: Vec::new(),
            strict: false,
            bookmark_every: BOOKMARKS,
            has_controllers: true,
        };
        let now = jiff::Timestamp::now().as_nanosecond();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any bits will do")]
        let seed = now as u64;
        let workloads = Some(Workload::ReadyAfter(READY_AFTER));
        Self {
            settings,
            clock: Clock::real(),
            history: HISTORY,
            seed,
            workloads,
            observer: None,
            schedule: None,
            nodes: 1,
        }
    }
}

impl SandboxBuilder {
    /// Sets the token of the administrator.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.settings.token = token.into();
        self
    }

    /// Adds somebody with a token, who has no rights but those of the groups (and of `system:authenticated`).
    #[must_use]
    pub fn user(mut self, name: &str, groups: &[&str], token: impl Into<String>) -> Self {
        self.settings.users.push((token.into(), User::known(name, groups)));
        self
    }

    /// Sets what is told of each request when it has been answered, before the answer is on its way.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Asked) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets the clock; the real one unless told otherwise.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Refuses (501) what the sandbox does not model, where it would else only log and count it.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.settings.strict = true;
        self
    }

    /// Sets how many writes are remembered for watches; 10,000 unless told otherwise.
    #[must_use]
    pub fn history(mut self, writes: usize) -> Self {
        self.history = writes;
        self
    }

    /// Sets how often idle watches get a bookmark; once a minute unless told otherwise.
    #[must_use]
    pub fn bookmark_every(mut self, interval: Duration) -> Self {
        self.settings.bookmark_every = interval;
        self
    }

    /// Sets what uids and generated names come from, so that a run can be repeated.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Decides all turns by a seed: concurrent requests overtake each other, watches tell their news late, and the
    /// simulated controllers act in another order, with pauses in which others act.
    ///
    /// On a runtime with one thread, with a [virtual clock](Clock::standing_at) and a [seed](Self::seed) for names, one
    /// seed is one run: the same revisions and events every time. A race that one seed finds can be played again.
    ///
    /// ```
    /// use gitops_sandbox::Sandbox;
    /// use futures::future::join_all;
    /// use kube::Client;
    ///
    /// fn order(seed: u64) -> Vec<String> {
    ///     let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    ///     runtime.block_on(async {
    ///         let sandbox = Sandbox::builder().without_controllers().schedule(seed).start();
    ///         sandbox.log_requests();
    ///         let get = |n| {
    ///             let client = Client::new(sandbox.service(), "default");
    ///             let request = http::Request::get(format!("/healthz?n={n}")).body(Vec::new()).unwrap();
    ///             async move { client.request_text(request).await }
    ///         };
    ///         join_all((0..4).map(get)).await;
    ///         sandbox.take_requests().into_iter().map(|asked| asked.query).collect()
    ///     })
    /// }
    /// assert_eq!(order(1), order(1));
    /// assert!((2..9).any(|seed| order(seed) != order(1)));
    /// ```
    #[must_use]
    pub fn schedule(mut self, seed: u64) -> Self {
        self.schedule = Some(seed);
        self
    }

    /// Sets on how many nodes DaemonSets have pods as long as no Node is created; one unless told otherwise.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Sets after which time workloads become ready; a tenth of a second unless told otherwise.
    #[must_use]
    pub fn ready_after(self, after: Duration) -> Self {
        self.workloads(Workload::ReadyAfter(after))
    }

    /// Sets what becomes of workloads of which nothing else is [said](Sandbox::script).
    #[must_use]
    pub fn workloads(mut self, workload: Workload) -> Self {
        self.workloads = Some(workload);
        self
    }

    /// Leaves out the controllers: no garbage collection, no end of namespaces, no workloads.
    #[must_use]
    pub fn without_controllers(mut self) -> Self {
        self.workloads = None;
        self
    }

    /// Starts the sandbox; its controllers need a tokio runtime around the call.
    #[must_use]
    pub fn start(self) -> Sandbox {
        let powers = Powers::new(self.observer, self.schedule);
        let settings = Settings { has_controllers: self.workloads.is_some(), ..self.settings };
        let server = Server::new(settings, self.clock, self.history, self.seed, powers);
        let sandbox = Sandbox { server: Arc::new(server) };
        sandbox.create_namespaces();
        access::furnish(&sandbox.server);
        if let Some(workload) = self.workloads {
            simulate::spawn(&sandbox.server, workload, self.nodes);
        }
        sandbox
    }
}

impl Sandbox {
    /// Starts a sandbox with everything as it usually is.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// Returns a builder.
    #[must_use]
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Returns the server as a tower service: the transport of a `kube::Client`.
    #[must_use]
    pub fn service(&self) -> SandboxService {
        SandboxService::new(Arc::clone(&self.server), Door::Inside)
    }

    /// Listens on an address; port 0 takes any that is free.
    ///
    /// # Errors
    /// [`SandboxError::Listen`] when the address is taken, [`SandboxError::Certificate`] when none can be made.
    pub async fn listen(&self, address: SocketAddr, security: Security) -> Result<Listener, SandboxError> {
        let service = SandboxService::new(Arc::clone(&self.server), Door::Outside);
        let server = &self.server;
        Listener::open(service, address, security, &server.authority, server.settings.token.clone()).await
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.server.clock
    }

    /// Returns the revision of the newest write.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.server.store.revision()
    }

    /// Returns how many objects there are.
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.server.store.len()
    }

    /// Returns how many requests asked for something that the sandbox does not model.
    #[must_use]
    pub fn unmodelled_requests(&self) -> u64 {
        self.server.unmodelled_count()
    }

    /// Sets what becomes of one workload (`Deployment`, `StatefulSet`, `DaemonSet`, `ReplicaSet`, `Job`, `Pod`,
    /// `PersistentVolumeClaim`, `Service`) and of the pods that it makes, at once if it is there.
    ///
    /// Users of kubectl say the same with the annotation `sandbox.gitops.dev/workload` on the object: `10s`,
    /// `never` or `crash`.
    pub fn script(&self, kind: &str, namespace: &str, name: &str, workload: Workload) {
        self.server.script.set(Workloads::all().kind(kind).namespace(namespace).name(name), workload);
    }

    /// Sets what becomes of all workloads that fit, those that are there included, as long as the value lives.
    ///
    /// Where several fit, the one that was said last counts.
    #[must_use = "dropped, it no longer counts"]
    pub fn script_all(&self, workloads: Workloads, workload: Workload) -> Scripted {
        let number = self.server.script.set(workloads, workload);
        Scripted::new(Arc::downgrade(&self.server), number)
    }

    /// Makes something go wrong with the next requests that fit.
    pub fn inject(&self, fault: Fault) {
        self.server.powers.inject(fault);
    }

    /// Forgets all faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.server.powers.clear_faults();
    }

    /// Ends all watches that are open.
    pub fn drop_watches(&self) {
        self.server.powers.drop_watches();
    }

    /// Forgets the history up to a revision: watches and lists from before get 410.
    pub fn compact(&self, revision: u64) {
        self.server.store.compact(revision);
    }

    /// Begins to remember requests, for [`take_requests`](Self::take_requests).
    pub fn log_requests(&self) {
        self.server.powers.log_requests();
    }

    /// Returns the requests that were asked since the last time, oldest first; at most the last 4,096.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Asked> {
        self.server.powers.take_log()
    }

    /// Returns everything that is stored.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        state::take(&self.server)
    }

    /// Puts everything back as it was when the snapshot was taken. Open watches end with 410.
    pub fn restore(&self, snapshot: &Snapshot) {
        state::restore(&self.server, snapshot);
    }

    /// Saves everything that is stored in a file.
    ///
    /// # Errors
    /// [`SandboxError::State`] when it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SandboxError> {
        state::save(&self.server, path)
    }

    /// Puts back what was [saved](Self::save).
    ///
    /// # Errors
    /// [`SandboxError::State`] when the file cannot be read, or is none of ours.
    pub fn load(&self, path: &Path) -> Result<(), SandboxError> {
        state::load(&self.server, path)
    }

    /// Creates the namespaces that every cluster has.
    fn create_namespaces(&self) {
        let server = &self.server;
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            let mut object = json!({
                "metadata": {
                    "name": name, "uid": server.uid(), "creationTimestamp": server.clock.stamp(),
                    "labels": {"kubernetes.io/metadata.name": name},
                },
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            });
            let key = Key::new(&"namespaces".into(), "", name);
            let write = |revision: u64| {
                object["metadata"]["resourceVersion"] = Value::String(revision.to_string());
                crate::server::to_bytes(&object)
            };
            // A new store holds none of them.
            let _ = server.store.put(&key, Expect::Absent, write);
        }
    }
}
