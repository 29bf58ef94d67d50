//! Starting a control plane.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::Api;
use tokio::time::{Instant, sleep};

use super::ControlPlane;
use super::assets::Assets;
use super::audit::{AuditLevel, AuditLog};
use super::files;
use super::flags::{self, Ports};
use super::server::{Probe, Server, is_port_taken};
use crate::TestkitError;
use crate::door::{ADMIN, Door, User};
use crate::supervise::Folder;

/// How often other ports are tried when somebody took the chosen ones first.
const ATTEMPTS: usize = 8;

type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// What a [`ControlPlane`] is to be.
#[must_use = "nothing is started before start()"]
pub struct ControlPlaneBuilder {
    assets: Option<Assets>,
    build_when_missing: bool,
    controller_manager: bool,
    audit: AuditLevel,
    users: Vec<User>,
    api_server_flags: Vec<String>,
    etcd_flags: Vec<String>,
    controller_manager_flags: Vec<String>,
    progress: Progress,
}

impl std::fmt::Debug for ControlPlaneBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ControlPlaneBuilder").field("assets", &self.assets).finish_non_exhaustive()
    }
}

impl Default for ControlPlaneBuilder {
    fn default() -> Self {
        Self {
            assets: None,
            build_when_missing: false,
            controller_manager: false,
            audit: AuditLevel::default(),
            users: User::usual(),
            api_server_flags: Vec::new(),
            etcd_flags: Vec::new(),
            controller_manager_flags: Vec::new(),
            progress: Arc::new(|_| ()),
        }
    }
}

impl ControlPlaneBuilder {
    /// Starts the kube-controller-manager too: namespaces finish, garbage is collected, Deployments get Pods.
    pub fn with_controller_manager(mut self) -> Self {
        self.controller_manager = true;
        self
    }

    /// Takes the programs from `assets` and not from where [`Assets::find`] finds them.
    pub fn assets(mut self, assets: Assets) -> Self {
        self.assets = Some(assets);
        self
    }

    /// Builds the programs when there are none (about five minutes, once per machine).
    pub fn build_when_missing(mut self) -> Self {
        self.build_when_missing = true;
        self
    }

    /// Sets how much the audit log keeps.
    pub fn audit(mut self, level: AuditLevel) -> Self {
        self.audit = level;
        self
    }

    /// Adds a user with a token, without rights but those of the groups (and `system:authenticated`).
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.users.push(User::new(name, groups));
        self
    }

    /// Adds a flag to kube-apiserver's, such as `--event-ttl=1m`; of two equal flags the later counts.
    pub fn api_server_flag(mut self, flag: &str) -> Self {
        self.api_server_flags.push(flag.to_owned());
        self
    }

    /// Adds a flag to etcd's.
    pub fn etcd_flag(mut self, flag: &str) -> Self {
        self.etcd_flags.push(flag.to_owned());
        self
    }

    /// Adds a flag to kube-controller-manager's.
    pub fn controller_manager_flag(mut self, flag: &str) -> Self {
        self.controller_manager_flags.push(flag.to_owned());
        self
    }

    /// Tells each step to `progress`, one line at a time.
    pub fn progress(mut self, progress: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(progress);
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// [`TestkitError::AssetsMissing`] or [`TestkitError::Build`] when there are no programs;
    /// [`TestkitError::Exited`] or [`TestkitError::NotReady`] with the end of the log of the server that failed.
    pub async fn start(self) -> Result<ControlPlane, TestkitError> {
        crate::crypto::install();
        let assets = self.find_assets().await?;
        if self.controller_manager && !assets.has_controller_manager() {
            let looked = format!("{} has no kube-controller-manager", assets.folder().display());
            return Err(TestkitError::AssetsMissing { looked });
        }
        let mut attempt = 1;
        loop {
            match self.start_on(&assets, free_ports()?).await {
                Err(error) if is_port_taken(&error) && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn find_assets(&self) -> Result<Assets, TestkitError> {
        if let Some(assets) = &self.assets {
            return Ok(assets.clone());
        }
        if !self.build_when_missing {
            return Assets::find();
        }
        let progress = Arc::clone(&self.progress);
        let found = tokio::task::spawn_blocking(move || Assets::find_or_build(&*progress)).await;
        found.unwrap_or_else(|error| Err(TestkitError::Build { reason: error.to_string() }))
    }

    async fn start_on(&self, assets: &Assets, ports: Ports) -> Result<ControlPlane, TestkitError> {
        let folder =
            Folder::create("gitops-control-plane-").map_err(TestkitError::io("making a temporary folder"))?;
        let directory = folder.path().clone();
        let authority = files::write(&directory, &self.users, self.audit)?;
        let door = Door::new(ports.api_server, authority, self.users.clone(), &directory)?;
        let admin = door.config_as(ADMIN)?;
        let log = |name: &str| directory.join(format!("{name}.log"));
        let etcd = Server::new(
            "etcd",
            assets.program("etcd"),
            flags::etcd(&directory, ports, &self.etcd_flags),
            log("etcd"),
            Probe::Etcd(ports.etcd),
        );
        let api_server = Server::new(
            "kube-apiserver",
            assets.program("kube-apiserver"),
            flags::api_server(&directory, ports, self.audit, &self.api_server_flags),
            log("kube-apiserver"),
            Probe::ApiServer(Box::new(admin)),
        );
        let controller_manager = self.controller_manager.then(|| {
            Server::new(
                "kube-controller-manager",
                assets.program("kube-controller-manager"),
                flags::controller_manager(&directory, &self.controller_manager_flags),
                log("kube-controller-manager"),
                Probe::Running,
            )
        });
        let cluster = ControlPlane {
            controller_manager,
            api_server,
            etcd,
            audit: (self.audit != AuditLevel::None).then(|| AuditLog::new(directory.join("audit.log"))),
            door,
            folder,
        };
        self.start_servers(&cluster).await?;
        Ok(cluster)
    }

    async fn start_servers(&self, cluster: &ControlPlane) -> Result<(), TestkitError> {
        (self.progress)("starting etcd");
        cluster.etcd.start().await?;
        (self.progress)("starting kube-apiserver");
        cluster.api_server.start().await?;
        if let Some(controller_manager) = &cluster.controller_manager {
            (self.progress)("starting kube-controller-manager");
            controller_manager.start().await?;
            wait_for_controllers(cluster, controller_manager).await?;
        }
        (self.progress)(&format!("control plane ready at {}", cluster.url()));
        Ok(())
    }
}

/// Waits until the controller-manager's controllers work: they make the account `default` of the namespace `default`.
async fn wait_for_controllers(
    cluster: &ControlPlane,
    controller_manager: &Server,
) -> Result<(), TestkitError> {
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client()?, "default");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let account = accounts
            .get_opt("default")
            .await
            .map_err(TestkitError::api("waiting for the controller-manager"))?;
        if account.is_some() {
            return Ok(());
        }
        if !controller_manager.is_running() {
            return Err(controller_manager.exited());
        }
        if Instant::now() > deadline {
            return Err(TestkitError::Timeout { what: "the account default".to_owned(), seconds: 60 });
        }
        sleep(Duration::from_millis(30)).await;
    }
}

/// Chooses ports that are free now. All are held until all are chosen, so that they differ.
fn free_ports() -> Result<Ports, TestkitError> {
    let bind = || TcpListener::bind(("127.0.0.1", 0)).map_err(TestkitError::io("looking for a free port"));
    let held = [bind()?, bind()?, bind()?];
    let port = |n: usize| {
        held[n]
            .local_addr()
            .map(|address| address.port())
            .map_err(TestkitError::io("looking for a free port"))
    };
    Ok(Ports { etcd: port(0)?, etcd_peer: port(1)?, api_server: port(2)? })
}
