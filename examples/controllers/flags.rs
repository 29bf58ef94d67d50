//! Flux's flags, under Flux's names and with Flux's defaults.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser};
use gitops_api::GoDuration;
use gitops_controllers::Kind;
use gitops_examples::cluster::ClusterFlags;

/// Serves Flux's kinds: GitRepository, Kustomization, ImageRepository, ImagePolicy, Provider, Alert and Receiver.
#[derive(Clone, Debug, Parser)]
#[command(name = "controllers", rename_all = "kebab-case")]
pub(crate) struct Flags {
    /// Serve only these kinds, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) kinds: Vec<Kind>,

    #[command(flatten)]
    pub(crate) at: ClusterFlags,

    /// The namespace of the controllers themselves: of the lease, and the only one watched if not all are.
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "flux-system")]
    pub(crate) runtime_namespace: String,

    /// The folder of artifacts, Git object stores and tags of images.
    #[arg(long, env = "STORAGE_PATH", default_value = "./data")]
    pub(crate) storage_path: PathBuf,

    /// The address at which artifacts are served.
    #[arg(long, env = "STORAGE_ADDR", default_value = ":9090")]
    pub(crate) storage_addr: String,

    /// The host and port of artifacts as consumers see them; without it the address at which they are served.
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "")]
    pub(crate) storage_adv_addr: String,

    /// Where events are posted; without it they go to the notification part of this program, if it runs.
    #[arg(long, env = "EVENTS_ADDR", default_value = "")]
    pub(crate) events_addr: String,

    /// Where the notification part takes events; it runs with the kind Alert. Flux has :9090, where artifacts are served here.
    #[arg(long, default_value = ":9091")]
    pub(crate) events_listen_addr: String,

    /// Where the notification part takes webhooks; it does so with the kind Receiver.
    #[arg(long = "receiverAddr", default_value = ":9292")]
    pub(crate) receiver_addr: String,

    /// How long the same event is taken only once.
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub(crate) rate_limit_interval: Duration,

    /// The address of the metrics.
    #[arg(long, default_value = ":8080")]
    pub(crate) metrics_addr: String,

    /// The address of the health probes.
    #[arg(long, default_value = ":9440")]
    pub(crate) health_addr: String,

    /// How many objects of a kind are worked on at once.
    #[arg(long, default_value_t = 4)]
    pub(crate) concurrent: usize,

    /// When to look again after something needed was not ready.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) requeue_dependency: Duration,

    /// The shortest delay after a failure.
    #[arg(long, default_value = "750ms", value_parser = duration)]
    pub(crate) min_retry_delay: Duration,

    /// The longest delay after a failure.
    #[arg(long, default_value = "15m", value_parser = duration)]
    pub(crate) max_retry_delay: Duration,

    /// By how many percent intervals are spread.
    #[arg(long, default_value_t = 5)]
    pub(crate) interval_jitter_percentage: u8,

    /// Watch all namespaces, not only that of the controllers.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) watch_all_namespaces: bool,

    /// Watch only objects with these labels.
    #[arg(long, default_value = "")]
    pub(crate) watch_label_selector: String,

    /// Refuse references to sources in other namespaces.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) no_cross_namespace_refs: bool,

    /// Make the checks that Flux does not make: refuse encrypted files that were changed after they were encrypted. Not
    /// Flux's.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) strict: bool,

    /// The ServiceAccount that is impersonated where an object names none.
    #[arg(long, default_value = "")]
    pub(crate) default_service_account: String,

    /// Work only while holding the lease.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) enable_leader_election: bool,

    /// How much is logged: trace, debug, info or error.
    #[arg(long, default_value = "info")]
    pub(crate) log_level: String,
}

impl Flags {
    /// Tells whether a kind is served.
    pub(crate) fn serves(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: GoDuration = text.parse().map_err(|e| format!("{e}"))?;
    duration.get().map_err(|e| e.to_string())
}
