//! Starting a cluster.

use super::choice::Choice;
use super::sandbox::SandboxCluster;
use super::{Backing, Cluster};
use crate::door::User;
use crate::{ControlPlane, TestkitError};

/// What a [`Cluster`] is to be.
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is started before start()"]
pub struct ClusterBuilder {
    controllers: bool,
    users: Vec<(String, Vec<String>)>,
}

impl ClusterBuilder {
    /// Starts the controllers too: namespaces finish, garbage is collected, workloads follow their Pods.
    pub fn with_controllers(mut self) -> Self {
        self.controllers = true;
        self
    }

    /// Adds a user with a token, without rights but those of the groups (and `system:authenticated`).
    pub fn user(mut self, name: &str, groups: &[&str]) -> Self {
        self.users.push((name.to_owned(), groups.iter().map(|group| (*group).to_owned()).collect()));
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// [`TestkitError::UnknownCluster`] when `GITOPS_CLUSTER` names none; those of
    /// [`ControlPlaneBuilder::start`](crate::ControlPlaneBuilder::start).
    pub async fn start(self) -> Result<Cluster, TestkitError> {
        crate::crypto::install();
        let users = self
            .users
            .iter()
            .map(|(name, groups)| (name.as_str(), groups.iter().map(String::as_str).collect::<Vec<_>>()));
        let backing = match Choice::of_environment()? {
            Choice::Sandbox => {
                let users = users.map(|(name, groups)| User::new(name, &groups));
                let users = User::usual().into_iter().chain(users).collect();
                Backing::Sandbox(SandboxCluster::start(users, self.controllers).await?)
            }
            Choice::Assets => {
                let builder = users
                    .fold(ControlPlane::builder(), |builder, (name, groups)| builder.user(name, &groups));
                let builder = if self.controllers { builder.with_controller_manager() } else { builder };
                Backing::Assets(Box::new(builder.start().await?))
            }
        };
        Ok(Cluster(backing))
    }
}
