//! Which events a kind of provider takes.

use std::fmt;

use gitops_api::notification_v1beta3::ProviderKind;
use gitops_api::{Event, Severity, annotations, event_metadata};

use crate::event::metadata::of_controller;

/// Why an event is not for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// The provider is suspended.
    Suspended,
    /// The event only updates the status of a commit, and the provider tells people.
    CommitStatus,
    /// The provider updates the status of commits, and the event is about none.
    NoCommitStatus,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Suspended => "the provider is suspended",
            Self::CommitStatus => "the event only updates the status of a commit",
            Self::NoCommitStatus => "the event does not update the status of a commit",
        })
    }
}

/// Returns why an event is not for a provider of this kind, if it is not.
///
/// Providers of commit statuses take what is about a commit, and every failure. All others but `generic` and `generic-hmac`
/// take no mere update of a commit's status.
///
/// Source: notification-controller `internal/server/event_handlers.go`.
#[must_use]
pub fn gate(kind: &ProviderKind, event: &Event) -> Option<Skip> {
    let updates = of_controller(event, event_metadata::COMMIT_STATUS) == Some("update");
    if is_commit_status(kind) {
        let commit = format!("{}{}", annotations::EVENT_PREFIX, event_metadata::COMMIT);
        let about_commit =
            event.metadata.contains_key(&commit) || of_controller(event, event_metadata::COMMIT).is_some();
        let taken = updates || about_commit || event.severity == Severity::Error;
        return (!taken).then_some(Skip::NoCommitStatus);
    }
    let takes_all = matches!(kind, ProviderKind::Generic | ProviderKind::GenericHmac);
    (updates && !takes_all).then_some(Skip::CommitStatus)
}

/// Returns whether providers of this kind update the status of commits.
pub(crate) fn is_commit_status(kind: &ProviderKind) -> bool {
    matches!(
        kind,
        ProviderKind::GitHub
            | ProviderKind::GitLab
            | ProviderKind::Gitea
            | ProviderKind::Bitbucket
            | ProviderKind::BitbucketServer
            | ProviderKind::AzureDevOps
    )
}
