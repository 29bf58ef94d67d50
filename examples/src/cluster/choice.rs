//! Which cluster is meant.

use std::path::{Path, PathBuf};

use super::{Cluster, ClusterError};

/// The flags of every example that needs a cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ClusterFlags {
    /// The cluster to work in; without it a sandbox, unless a kubeconfig is given.
    #[arg(long, value_enum)]
    pub cluster: Option<Choice>,

    /// The kubeconfig file of `--cluster kubeconfig`, which it implies.
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
}

/// A cluster to work in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// An API server inside this program, with simulated workloads; it needs nothing and ends with the program.
    Sandbox,
    /// A control plane of its own (kube-apiserver, etcd, kube-controller-manager): from KUBEBUILDER_ASSETS, or built once.
    Assets,
    /// A cluster that you have: of --kubeconfig, of KUBECONFIG or ~/.kube/config, or the one whose pod this is.
    Kubeconfig,
}

/// What surrounds a program and tells of a cluster without a flag.
///
/// The default is to see nothing: for programs that must never touch a cluster which nobody named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    names_kubeconfig: bool,
    is_pod: bool,
}

/// Where the kubelet puts what a service account needs.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Surroundings {
    /// Looks around: `KUBECONFIG` is set, or this is a pod.
    #[must_use]
    pub fn of_process() -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            names_kubeconfig: is_set("KUBECONFIG"),
            is_pod: is_set("KUBERNETES_SERVICE_HOST") || Path::new(ACCOUNT).exists(),
        }
    }
}

impl ClusterFlags {
    /// Decides which cluster is meant.
    ///
    /// 1. `--cluster` says it.
    /// 2. `--kubeconfig`, and where the program looks at its surroundings also `KUBECONFIG`, means that cluster.
    /// 3. A program that looks around and is in a pod works in the pod's cluster, or fails; a controller that was deployed
    ///    never finds itself in a sandbox.
    /// 4. Everything else is a sandbox; in particular `~/.kube/config` alone is no wish to have anything done there.
    ///
    /// # Errors
    /// [`ClusterError::Contradiction`] for a kubeconfig beside a cluster of the program's own.
    ///
    /// # Examples
    /// ```
    /// use gitops_examples::cluster::{Choice, ClusterFlags, Surroundings};
    ///
    /// let nothing = ClusterFlags::default();
    /// assert_eq!(nothing.choose(Surroundings::default()).unwrap(), Choice::Sandbox);
    /// ```
    pub fn choose(&self, surroundings: Surroundings) -> Result<Choice, ClusterError> {
        match (self.cluster, &self.kubeconfig) {
            (Some(Choice::Sandbox | Choice::Assets), Some(path)) => {
                Err(ClusterError::Contradiction { path: path.clone() })
            }
            (Some(choice), _) => Ok(choice),
            (None, Some(_)) => Ok(Choice::Kubeconfig),
            (None, None) if surroundings.names_kubeconfig || surroundings.is_pod => Ok(Choice::Kubeconfig),
            (None, None) => Ok(Choice::Sandbox),
        }
    }

    /// Finds or starts the cluster that is meant; `tell` hears of steps that take their time.
    ///
    /// # Errors
    /// Those of [`choose`](Self::choose) and [`Cluster::open`].
    pub async fn open(
        &self,
        surroundings: Surroundings,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<Cluster, ClusterError> {
        Cluster::open(self.choose(surroundings)?, self.kubeconfig.as_deref(), tell).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_in_a_sandbox_who_was_given_a_cluster() {
        let sees = |names_kubeconfig, is_pod| Surroundings { names_kubeconfig, is_pod };
        let (nothing, named, pod) = (sees(false, false), sees(true, false), sees(false, true));
        let check = |cluster: Option<Choice>, file: Option<&str>, around, want: Option<Choice>| {
            let flags = ClusterFlags { cluster, kubeconfig: file.map(PathBuf::from) };
            assert_eq!(flags.choose(around).ok(), want, "{flags:?} {around:?}");
        };
        let (sandbox, assets, kubeconfig) =
            (Some(Choice::Sandbox), Some(Choice::Assets), Some(Choice::Kubeconfig));
        check(None, None, nothing, sandbox);
        check(None, None, named, kubeconfig);
        check(None, None, pod, kubeconfig);
        check(None, Some("file"), nothing, kubeconfig);
        for around in [nothing, named, pod] {
            check(sandbox, None, around, sandbox);
            check(assets, None, around, assets);
            check(kubeconfig, None, around, kubeconfig);
            check(kubeconfig, Some("file"), around, kubeconfig);
            check(sandbox, Some("file"), around, None);
            check(assets, Some("file"), around, None);
        }
    }
}
