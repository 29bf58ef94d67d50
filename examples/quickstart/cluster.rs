//! Where the play takes place: a control plane of its own, or a cluster that the user has.

use std::path::PathBuf;

use gitops_apply::client_for;
use gitops_testkit::{ControlPlane, PodSimulator};
use k8s_openapi::api::core::v1::Namespace;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use crate::failure::Failure;
use crate::flags::{Choice, Flags};
use crate::show::Show;
use crate::world::{SHOP_NAMESPACE, SYSTEM};

/// A cluster to play in.
pub(crate) struct Cluster {
    pub(crate) config: Config,
    pub(crate) client: Client,
    /// What kubectl needs to get there, if it is not the user's own.
    pub(crate) kubeconfig: Option<PathBuf>,
    plane: Option<Plane>,
}

/// A control plane that ends with this program. It has no nodes; the simulator says of its Pods what kubelets would.
#[derive(Debug)]
struct Plane {
    _pods: PodSimulator,
    _servers: ControlPlane,
}

impl Cluster {
    /// Finds or starts the cluster of the user's choice.
    pub(crate) async fn of_choice(flags: &Flags, show: &Show) -> Result<Self, Failure> {
        match flags.cluster {
            Choice::Auto | Choice::Assets => Self::own(show).await,
            Choice::Kubeconfig => Self::users(flags).await,
        }
    }

    /// Returns whether it vanishes with this program.
    pub(crate) fn is_own(&self) -> bool {
        self.plane.is_some()
    }

    async fn own(show: &Show) -> Result<Self, Failure> {
        let servers =
            show.step("a control plane of our own (built first if there is none: minutes, once)", async {
                let (told, mut steps) = tokio::sync::mpsc::unbounded_channel();
                let building = ControlPlane::builder()
                    .with_controller_manager()
                    .build_when_missing()
                    .progress(move |line| {
                        // The listener has only gone when the play was interrupted.
                        let _ = told.send(line.to_owned());
                    })
                    .start();
                let tell = async {
                    while let Some(line) = steps.recv().await {
                        show.aside(&format!("    {line}"), false);
                    }
                };
                let (servers, ()) = tokio::join!(building, tell);
                servers.map_err(Failure::from)
            });
        let servers = servers.await?;
        let config = servers.config()?;
        let client = client_for(config.clone())?;
        let kubeconfig = Some(servers.kubeconfig().to_owned());
        let plane = Plane { _pods: PodSimulator::start_everywhere(client.clone()), _servers: servers };
        Ok(Self { config, client, kubeconfig, plane: Some(plane) })
    }

    async fn users(flags: &Flags) -> Result<Self, Failure> {
        let options = KubeConfigOptions::default();
        let config = match &flags.kubeconfig {
            Some(path) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await?,
            None => Config::from_kubeconfig(&options).await?,
        };
        let client = client_for(config.clone())?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        for name in [SYSTEM, SHOP_NAMESPACE] {
            if namespaces.get_opt(name).await?.is_some() {
                let found = format!("{} has it", config.cluster_url);
                let what = format!(
                    "the namespace {name}, which the quickstart makes and removes; take another cluster"
                );
                return Err(Failure::Unexpected { what, expected: "no such namespace".to_owned(), found });
            }
        }
        Ok(Self { config, client, kubeconfig: flags.kubeconfig.clone(), plane: None })
    }
}
