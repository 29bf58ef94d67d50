//! Counterparts for tests: Kubernetes clusters, Git servers, registries, event sinks, faults.
//!
//! | counterpart | |
//! |---|---|
//! | [`Cluster`] | what a test needs of a cluster, on a real control plane or on the sandbox in its own process |
//! | [`ControlPlane`] | kube-apiserver, etcd and kube-controller-manager, as their authors made them |
//! | [`PodSimulator`] | plays the scheduler and the kubelets that such a cluster lacks |
//! | [`EventSink`] | takes the events that controllers post |
//! | [`GitServer`] | git's own http-backend, counted and with faults |
//! | [`Registry`] | Debian's docker-registry with each of its ways to authenticate, counted and with faults |
//! | [`HttpProxy`] | Debian's tinyproxy |
//!
//! Nothing here outlives the process that started it. What a machine lacks is skipped in one line, and is a failure
//! where `CI=true`.
//!
//! # One suite, two clusters
//! A test asks for its cluster with [`require_cluster`] and its kin, and cannot tell which it got. `GITOPS_CLUSTER`
//! decides for the whole run: `assets` (kube-apiserver and etcd, as their authors made them), `sandbox`
//! (`gitops-sandbox`, in milliseconds and with nothing but Rust); without it, the first where its programs are on this
//! machine. What only a real control plane can have stands in [`Lacks`], with its reason.

mod cluster;
mod control_plane;
mod crypto;
mod door;
mod error;
mod event_sink;
mod faults;
mod git_server;
mod http_proxy;
mod pod_simulator;
mod registry;
mod require;
mod supervise;
mod tls;

pub use self::cluster::lacks::Lacks;
pub use self::cluster::{ApiServer, Cluster, ClusterBuilder};
pub use self::control_plane::assets::Assets;
pub use self::control_plane::audit::{
    AuditEntry, AuditLevel, AuditMark, AuditObject, AuditStatus, AuditUser,
};
pub use self::control_plane::server::Server;
pub use self::control_plane::{ControlPlane, ControlPlaneBuilder};
pub use self::crypto::install_crypto;
pub use self::error::TestkitError;
pub use self::event_sink::{EventSink, Received};
pub use self::git_server::{CommitBuilder, GitFault, GitRequests, GitServer, GitService, Repository};
pub use self::http_proxy::HttpProxy;
pub use self::pod_simulator::{PodBehaviour, PodSimulator};
pub use self::registry::{
    PageLinks, REGISTRY_IDENTITY_TOKEN, REGISTRY_PASSWORD, REGISTRY_USER, Registry, RegistryBuilder,
    RegistryFault, RegistryProgram, RegistryRequests, RegistryService,
};
pub use self::require::{
    require_assets, require_bare_cluster, require_cluster, require_own_cluster, require_registry, skip,
};
pub use self::tls::Pair;
