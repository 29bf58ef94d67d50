//! Clusters that end with the program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use gitops_apply::client_for;
use gitops_sandbox::{Listener, Sandbox, Security};
use gitops_testkit::{ControlPlane, PodSimulator};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tempfile::TempDir;

use super::ClusterError;

/// What must be kept as long as the cluster is used. Fields end in their order: users of a server before the server.
#[derive(Debug)]
pub(super) enum Own {
    /// An API server in this process, which others reach over loopback.
    Sandbox { _listener: Listener, _sandbox: Sandbox, _folder: TempDir },
    /// Programs of a control plane. It has no nodes; the simulator says of its Pods what kubelets would.
    Assets { _pods: PodSimulator, _servers: Box<ControlPlane> },
}

/// A cluster's configuration, its kubeconfig file, and what keeps it alive.
type Started = (Config, Option<PathBuf>, Option<Own>);

/// Starts a sandbox on a free port.
pub(super) async fn sandbox() -> Result<Started, ClusterError> {
    let sandbox = Sandbox::start();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = sandbox.listen(address, Security::Tls).await.map_err(|e| failed("sandbox", e))?;
    let text = listener.kubeconfig();
    let folder = tempfile::Builder::new().prefix("sandbox-").tempdir().map_err(|e| failed("sandbox", e))?;
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, &text).map_err(|e| failed("sandbox", e))?;
    let read = Kubeconfig::from_yaml(&text).map_err(|e| failed("sandbox", e))?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
    let config = config.map_err(|e| failed("sandbox", e))?;
    Ok((config, Some(path), Some(Own::Sandbox { _listener: listener, _sandbox: sandbox, _folder: folder })))
}

/// Starts a control plane; where its programs are missing they are built first, which takes minutes, once.
pub(super) async fn assets(tell: impl Fn(&str) + Send + Sync + 'static) -> Result<Started, ClusterError> {
    let builder = ControlPlane::builder().with_controller_manager().build_when_missing().progress(tell);
    let servers = builder.start().await.map_err(|e| failed("control plane", e))?;
    let config = servers.config().map_err(|e| failed("control plane", e))?;
    let client = client_for(config.clone()).map_err(ClusterError::client)?;
    let kubeconfig = servers.kubeconfig().to_owned();
    let own = Own::Assets { _pods: PodSimulator::start_everywhere(client), _servers: Box::new(servers) };
    Ok((config, Some(kubeconfig), Some(own)))
}

fn failed(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClusterError {
    ClusterError::Start { what, source: source.into() }
}
