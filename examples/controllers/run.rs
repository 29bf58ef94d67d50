//! Putting the parts together: servers, lease, reconcilers, and a graceful end.

use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use gitops_controllers::{ControllerOptions, Controllers, Kind, Shared};
use gitops_examples::cluster::Surroundings;
use gitops_examples::ending::asked_to_end;
use gitops_image::DiskTagStore;
use gitops_notify::DispatchOptions;
use gitops_runtime::events::Delivery;
use gitops_runtime::jitter::Jitter;
use gitops_runtime::lease::{Leadership, LeaseTimes, lease_name};
use gitops_runtime::metrics::Metrics;
use gitops_runtime::probes::{Readiness, parse_address, serve_health, serve_metrics};
use gitops_runtime::queue::Backoff;
use gitops_source::artifact::{LocalStore, StoreOptions, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::flags::Flags;
use crate::setup;

type Failure = Box<dyn Error + Send + Sync>;

/// Serves until a signal asks for the end, or the lease is lost.
pub(crate) async fn run(flags: Flags) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        asked_to_end().await;
        asked.cancel();
    });

    // In a pod, or with KUBECONFIG set, it is the cluster that is meant there, never a sandbox.
    let tell = |line: &str| tracing::info!("{line}");
    let cluster = flags.at.open(Surroundings::of_process(), tell).await?;
    if cluster.is_own() {
        setup::install(cluster.client(), &flags.runtime_namespace).await?;
        setup::introduce(&cluster);
    }
    let metrics = Arc::new(Metrics::default());
    let readiness = Readiness::default();
    let metrics_at = listen(&flags.metrics_addr).await?;
    let health_at = listen(&flags.health_addr).await?;
    tokio::spawn(serve_metrics(metrics_at, metrics.clone(), stop.clone()));
    tokio::spawn(serve_health(health_at, readiness.clone(), stop.clone()));

    let shared = Shared {
        client: cluster.client().clone(),
        config: cluster.config().clone(),
        options: options(&flags),
        metrics,
        stop: stop.clone(),
    };
    let leadership = if flags.enable_leader_election {
        let selector =
            (!flags.watch_label_selector.is_empty()).then_some(flags.watch_label_selector.as_str());
        let name = lease_name("gitops-controllers", selector);
        let (client, times) = (shared.client.clone(), LeaseTimes::default());
        let won =
            Leadership::acquire(client, &flags.runtime_namespace, &name, &instance(), times, &stop).await?;
        let Some(won) = won else { return Ok(()) };
        Some(won)
    } else {
        None
    };

    let storage_at = listen(&flags.storage_addr).await?;
    let advertised = match flags.storage_adv_addr.as_str() {
        "" => storage_at.local_addr()?.to_string(),
        address => address.to_owned(),
    };
    let artifacts = Arc::new(LocalStore::new(
        flags.storage_path.join("artifacts"),
        &advertised,
        StoreOptions::default(),
    )?);
    tokio::spawn(serve(storage_at, artifacts.root().to_owned(), stop.clone().cancelled_owned()));
    readiness.set(true);

    let mut controllers = Controllers::new(shared, artifacts, flags.storage_path.join("git"))
        .instance(instance())
        .tags(Arc::new(DiskTagStore::new(flags.storage_path.join("tags"))?))
        .dispatch(DispatchOptions::flux().interval(flags.rate_limit_interval));
    if !flags.kinds.is_empty() {
        controllers = controllers.kinds(flags.kinds.clone());
    }
    let mut events_addr = flags.events_addr.clone();
    if flags.serves(Kind::Alert) && !flags.events_listen_addr.is_empty() {
        let events_at = listen(&flags.events_listen_addr).await?;
        if events_addr.is_empty() {
            events_addr = own_address(events_at.local_addr()?);
        }
        controllers = controllers.events_at(events_at);
    }
    if flags.serves(Kind::Receiver) && !flags.receiver_addr.is_empty() {
        controllers = controllers.webhooks_at(listen(&flags.receiver_addr).await?);
    }
    if !events_addr.is_empty() {
        controllers = controllers.events_to(Delivery::to(&events_addr));
    }
    work(controllers, leadership, &stop).await
}

/// Works until the end is asked for; a lost lease asks for it too, and is an error.
async fn work(
    controllers: Controllers,
    leadership: Option<Leadership>,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let Some(mut leadership) = leadership else { return Ok(controllers.run().await?) };
    let mut working = std::pin::pin!(controllers.run());
    let lost = tokio::select! {
        done = &mut working => { done?; false }
        () = leadership.lost() => true,
    };
    if lost {
        stop.cancel();
        working.await?;
        return Err("the lease was lost".into());
    }
    leadership.release().await;
    Ok(())
}

fn options(flags: &Flags) -> ControllerOptions {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut options = ControllerOptions::default();
    options.concurrent = flags.concurrent;
    options.requeue_dependency = flags.requeue_dependency;
    options.jitter = Jitter::percent(flags.interval_jitter_percentage);
    options.backoff = Backoff { min: flags.min_retry_delay, max: flags.max_retry_delay };
    options.namespace = (!flags.watch_all_namespaces).then(|| flags.runtime_namespace.clone());
    options.label_selector = some(&flags.watch_label_selector);
    options.no_cross_namespace_refs = flags.no_cross_namespace_refs;
    options.strict = flags.strict;
    options.default_service_account = some(&flags.default_service_account);
    options
}

/// Where this process reaches an address at which it listens.
fn own_address(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    format!("http://{address}/")
}

async fn listen(address: &str) -> Result<TcpListener, Failure> {
    let address = parse_address(address)?;
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}").into())
}

fn instance() -> String {
    std::env::var("POD_NAME")
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_else(|_| "gitops-controllers".to_owned())
}
