//! From a reference to the one commit that is meant now, by asking the remote for its references.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use gitops_api::Revision;
use gix::ObjectId;
use tokio::time::Instant;
use url::Url;

use super::call::{self, Call};
use super::commit::CommitInfo;
use super::failure::{RemoteAction, RemoteFailure};
use super::reference::{Candidate, GitReference, Missing, Selected, Target};
use super::remote::GitRemote;
use super::scratch::Scratch;
use super::session::{Session, Wanted};
use crate::error::SourceError;

/// How many commits' dates are remembered, so that equal versions cost one fetch and not one each time.
const REMEMBERED_DATES: usize = 4096;

/// The commit that a reference led to when the remote was asked.
///
/// Only [`resolve`] makes one: whoever holds it was let in by the remote.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub(super) id: ObjectId,
    /// The address that was asked.
    pub(super) endpoint: Url,
    /// The tip of the branch that joins a commit.
    pub(super) tip: Option<ObjectId>,
    tag: Option<ObjectId>,
    revision: Revision,
    reference: Option<String>,
    pub(super) target: Target,
    pub(super) session: OpenSession,
}

/// The conversation in which a reference was resolved, taken up again by the first fetch.
#[derive(Clone, Default)]
pub(super) struct OpenSession(Arc<Mutex<Option<Session>>>);

impl OpenSession {
    pub(super) fn take(&self) -> Option<Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl std::fmt::Debug for OpenSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenSession")
    }
}

impl Resolved {
    /// Returns the revision as Flux records it: `main@sha1:…`, `v1.0.0@sha1:…`, `refs/pull/1/head@sha1:…` or,
    /// for a commit without a branch, `sha1:…`.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// Returns the commit's hash in hexadecimal digits.
    pub fn commit(&self) -> String {
        self.id.to_string()
    }

    /// Returns the full name of the reference that led here, none for a commit without a branch.
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Returns the hash of the annotated tag that led here, if one did.
    pub fn tag_object(&self) -> Option<String> {
        self.tag.map(|id| id.to_string())
    }
}

/// Asks a remote which commit a reference means now.
///
/// This is the whole no-op check, for every kind of reference: when the revision is the one already known,
/// nothing needs to be fetched. It costs the greeting and one list of references (a commit without a branch: the
/// greeting alone; servers of Git's old protocol list when they greet). Only versions that are equal but for
/// their metadata cost one small fetch more, the first time, for the dates of their commits.
///
/// # Errors
/// [`SourceError::GitRemote`] and its siblings in Flux's words; nothing has been changed.
///
/// # Difference from Flux
/// Ranges and commits are checked by a list of references too, where Flux clones each time. Of tags that are
/// equal in version and date, the last by name counts; Flux takes any.
pub async fn resolve(remote: &GitRemote, reference: &GitReference) -> Result<Resolved, SourceError> {
    let target = reference.target()?;
    let deadline = Instant::now() + remote.timeout;
    let (asked, url) = (remote.clone(), remote.address());
    let action = target.action();
    let late = move |failure| SourceError::GitRemote { action, url, failure };
    call::run(deadline, late, move |call| {
        ask(&asked, target, &call).map_err(|error| match error {
            // A full name is looked up before anything is cloned, and Flux says so.
            SourceError::GitRemote { url, failure, .. } => SourceError::GitRemote { action, url, failure },
            other => other,
        })
    })
    .await
}

impl Target {
    fn action(&self) -> RemoteAction {
        if matches!(self, Self::Name(_)) { RemoteAction::List } else { RemoteAction::Clone }
    }
}

fn ask(remote: &GitRemote, target: Target, call: &Call) -> Result<Resolved, SourceError> {
    let fail =
        |failure| SourceError::GitRemote { action: RemoteAction::Clone, url: remote.address(), failure };
    let mut session = Session::open(remote, call)?;
    let selected = match target.prefixes() {
        Some(prefixes) => target.select(&session.list(&prefixes).map_err(fail)?),
        None => target.select(&[]),
    };
    let candidate = match selected {
        Selected::Commit(candidate) => candidate,
        Selected::Tie(candidates) => youngest(remote, &mut session, call, candidates).map_err(fail)?,
        Selected::Missing => return Err(why_missing(remote, &mut session, &target)),
    };
    let commit = candidate.commit.to_string();
    let revision = match &target {
        Target::Name(name) => Revision::of_commit_absolute(Some(name), &commit),
        _ => Revision::of_commit(candidate.reference.as_deref(), &commit),
    };
    Ok(Resolved {
        id: candidate.commit,
        endpoint: remote.endpoint()?,
        tip: candidate.tip,
        tag: candidate.tag,
        revision,
        reference: candidate.reference,
        target,
        session: OpenSession(Arc::new(Mutex::new(Some(session)))),
    })
}

/// Tells an empty repository from one that lacks only this reference: one request more, on the bad path only.
pub(super) fn why_missing(remote: &GitRemote, session: &mut Session, target: &Target) -> SourceError {
    let url = remote.address();
    match session.list(&[]) {
        Err(failure) => SourceError::GitRemote { action: RemoteAction::Clone, url, failure },
        Ok(refs) if refs.is_empty() => match target {
            Target::Branch(_) => SourceError::GitEmpty { url },
            Target::Name(_) => {
                SourceError::GitRemote { action: RemoteAction::List, url, failure: RemoteFailure::Empty }
            }
            _ => SourceError::GitEmptyForReference { url },
        },
        Ok(_) => match target.missing() {
            Missing::Remote(failure) => SourceError::GitRemote { action: RemoteAction::Clone, url, failure },
            Missing::Other(error) => error,
        },
    }
}

/// Returns the candidate whose commit is the youngest; fetches only commits, and only those not yet known.
fn youngest(
    remote: &GitRemote,
    session: &mut Session,
    call: &Call,
    candidates: Vec<Candidate>,
) -> Result<Candidate, RemoteFailure> {
    static DATES: LazyLock<Mutex<HashMap<ObjectId, i64>>> = LazyLock::new(Mutex::default);
    let known = |id: &ObjectId| DATES.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied();
    let mut unknown: Vec<ObjectId> =
        candidates.iter().map(|c| c.commit).filter(|id| known(id).is_none()).collect();
    unknown.sort_unstable();
    unknown.dedup();
    if !unknown.is_empty() {
        let dates = dates(remote, session, call, &unknown)?;
        let mut memory = DATES.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() + dates.len() > REMEMBERED_DATES {
            memory.clear();
        }
        memory.extend(dates);
    }
    let mut best: Option<(Option<i64>, Candidate)> = None;
    for candidate in candidates {
        let date = known(&candidate.commit);
        // The candidates come in the order of their names, so that the last of equal ones stays.
        if best.as_ref().is_none_or(|(best, _)| date >= *best) {
            best = Some((date, candidate));
        }
    }
    best.map(|(_, candidate)| candidate).ok_or(RemoteFailure::Empty)
}

fn dates(
    remote: &GitRemote,
    session: &mut Session,
    call: &Call,
    commits: &[ObjectId],
) -> Result<Vec<(ObjectId, i64)>, RemoteFailure> {
    let local =
        |e: std::io::Error| RemoteFailure::Protocol { reason: format!("comparing dates of tags: {e}") };
    let scratch = Scratch::new(remote.limits.file).map_err(local)?;
    let wanted = Wanted { commits, held: &[], bare: true, history: false };
    session.fetch(call, &wanted, scratch.destination().map_err(local)?, remote.limits.pack)?;
    let objects = scratch.objects().map_err(local)?;
    commits
        .iter()
        .map(|id| {
            let info = CommitInfo::read(&objects, id).map_err(|e| RemoteFailure::Protocol {
                reason: format!("unable to resolve commit of a tag revision: {e}"),
            })?;
            Ok((*id, info.committer().time.as_second()))
        })
        .collect()
}
