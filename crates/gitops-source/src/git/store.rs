//! The persistent object stores: one for each remote, filled by fetches that ask only for what is new.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex as Lock, OwnedMutexGuard};
use tokio::time::Instant;

use super::call::{self, Call};
use super::checkout::Checkout;
use super::commit::Unreadable;
use super::failure::{RemoteAction, RemoteFailure};
use super::generation::Generation;
use super::remote::GitRemote;
use super::resolve::{Resolved, why_missing};
use super::session::{Session, Wanted};
use crate::error::{Cause, SourceError};

/// How many packs a store gathers before it starts afresh, by default. Each fetch adds one, and each makes reading
/// a little slower; with sixty-four, two fetches in a hundred are whole ones.
const PACKS: usize = 64;
/// How many of the commits that we hold are told to the remote; the newest are the likeliest to be near.
const TOLD: usize = 8;

/// Bare object stores on disk, one for each remote address, kept between runs of the process.
///
/// A fetch asks for one commit without its history and tells what is already here, so that only what changed is
/// sent. A commit that is already here costs no request at all.
///
/// The store survives being killed at any moment: packs appear under their final names when they are complete,
/// and a commit counts as held only after that. What is broken is found (the packs' checksums are verified when a
/// store is first used after a start) and fetched anew. One process may use a folder at a time.
///
/// # Examples
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use gitops_manifest::FileTree;
/// use gitops_source::git::{GitReference, GitRemote, GitStore, resolve};
///
/// let store = GitStore::open("/var/lib/gitops/git")?;
/// let remote = GitRemote::new("https://example.com/fleet.git");
/// let resolved = resolve(&remote, &GitReference::branch("main")).await?;
/// let checkout = store.fetch(&remote, &resolved).await?;
/// println!("{}: {}", resolved.revision(), checkout.commit().subject());
/// let bytes = checkout.read("clusters/prod/kustomization.yaml")?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct GitStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    packs: usize,
    slots: Mutex<HashMap<String, Slot>>,
}

/// The current generation of one remote's store, once it has been looked for; locked during a fetch.
type Slot = Arc<Lock<Option<Arc<Generation>>>>;

impl GitStore {
    /// Opens the stores under a folder, which is made when it is missing.
    ///
    /// # Errors
    /// [`SourceError::GitStore`] when the folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(|source| SourceError::GitStore {
            url: root.display().to_string(),
            stage: "making its folder",
            source: source.into(),
        })?;
        Ok(Self { inner: Arc::new(Inner { root, packs: PACKS, slots: Mutex::default() }) })
    }

    /// Returns the stores with another number of packs, at least one, after which each starts afresh with a whole
    /// fetch. Each fetch makes one pack. Default 64. To be called before the first fetch.
    #[must_use]
    pub fn with_pack_limit(self, packs: usize) -> Self {
        let root = self.inner.root.clone();
        Self { inner: Arc::new(Inner { root, packs: packs.max(1), slots: Mutex::default() }) }
    }

    /// Fetches a resolved commit with all its files, unless it is already here, and hands out its tree.
    ///
    /// Fetches of one remote wait for each other; others go on beside them.
    ///
    /// # Errors
    /// [`SourceError::GitRemote`] when the remote fails, [`SourceError::GitNoCommit`] when it does not have the
    /// commit, [`SourceError::GitStore`] when the disk fails. The store is as good as before.
    pub async fn fetch(&self, remote: &GitRemote, resolved: &Resolved) -> Result<Checkout, SourceError> {
        let deadline = Instant::now() + remote.timeout;
        let key = key(remote);
        let slot = self.slot(&key);
        let late = {
            let url = remote.address();
            move |failure| SourceError::GitRemote { action: RemoteAction::Clone, url, failure }
        };
        let Ok(slot) = tokio::time::timeout_at(deadline, slot.lock_owned()).await else {
            let reason = "context deadline exceeded: another fetch of this repository is running".to_owned();
            return Err(late(RemoteFailure::Protocol { reason }));
        };
        let fetch = Fetch {
            dir: self.inner.root.join(key),
            packs: self.inner.packs,
            remote: remote.clone(),
            resolved: resolved.clone(),
        };
        call::run(deadline, late, move |call| fetch.run(slot, &call)).await
    }

    /// Removes a remote's store. Trees that were handed out stay readable until they are dropped.
    ///
    /// # Errors
    /// [`SourceError::GitStore`] when the disk fails.
    pub async fn remove(&self, remote: &GitRemote) -> Result<(), SourceError> {
        let key = key(remote);
        let slot = self.slot(&key);
        let loaded = slot.lock().await.take();
        let dir = self.inner.root.join(&key);
        let removed = match loaded {
            // The last reader removes the folder.
            Some(generation) => {
                generation.retire();
                Ok(())
            }
            None => match fs::remove_dir_all(&dir) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    Err(broken(remote, "removing its folder")(e.into()))
                }
                _ => Ok(()),
            },
        };
        // A slot that others wait for stays: it is what keeps them apart.
        let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|name, slot| *name != key || Arc::strong_count(slot) > 2);
        removed
    }

    fn slot(&self, key: &str) -> Slot {
        let mut slots = self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key.to_owned()).or_default())
    }
}

/// Returns the folder of a remote. Credentials are no part of it: they do not change what a commit holds, and
/// only who was let in by the remote can ask for one.
fn key(remote: &GitRemote) -> String {
    let address = remote.endpoint().map_or_else(|_| remote.address(), String::from);
    let hash = Sha256::digest(address.as_bytes());
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn broken(remote: &GitRemote, stage: &'static str) -> impl FnOnce(Cause) -> SourceError {
    let url = remote.address();
    move |source| SourceError::GitStore { url, stage, source }
}

/// One fetch, on a thread that may block.
struct Fetch {
    dir: PathBuf,
    packs: usize,
    remote: GitRemote,
    resolved: Resolved,
}

impl Fetch {
    fn run(
        &self,
        mut slot: OwnedMutexGuard<Option<Arc<Generation>>>,
        call: &Call,
    ) -> Result<Checkout, SourceError> {
        if slot.is_none() {
            *slot = Generation::load(&self.dir).map_err(|e| broken(&self.remote, "opening")(e.into()))?;
        }
        let id = self.resolved.id;
        let intact = slot.as_ref().filter(|generation| generation.is_intact()).cloned();
        if let Some(generation) = intact.as_ref().filter(|generation| generation.holds(&id))
            && let Ok(checkout) = self.checkout(generation)
        {
            return Ok(checkout);
        }
        let mut session = match self.resolved.session.take() {
            Some(session) => session,
            None => Session::open(&self.remote, call)?,
        };
        if let Some(generation) = intact.filter(|generation| generation.packs() < self.packs) {
            match self.fetch_into(&generation, &mut session, call) {
                Ok(checkout) => return Ok(checkout),
                // The store may be what is broken: once more without it.
                Err(Trouble::Local(_) | Trouble::Protocol(_)) => session = Session::open(&self.remote, call)?,
                Err(Trouble::Remote(error)) => return Err(error),
            }
        }
        let next = slot.as_ref().map_or(0, |generation| generation.number() + 1);
        let fresh = Generation::create(&self.dir, next)
            .map_err(|e| broken(&self.remote, "making its folder")(e.into()))?;
        let checkout = match self.fetch_into(&fresh, &mut session, call) {
            Ok(checkout) => checkout,
            Err(trouble) => {
                fresh.retire();
                return Err(match trouble {
                    Trouble::Local(error) | Trouble::Remote(error) => error,
                    Trouble::Protocol(failure) => self.explain(&mut session, failure),
                });
            }
        };
        if let Some(old) = slot.replace(fresh) {
            old.retire();
        }
        Ok(checkout)
    }

    fn fetch_into(
        &self,
        generation: &Arc<Generation>,
        session: &mut Session,
        call: &Call,
    ) -> Result<Checkout, Trouble> {
        let local = |stage| move |e: std::io::Error| Trouble::Local(broken(&self.remote, stage)(e.into()));
        let held = generation.newest(TOLD);
        let wanted = Wanted { commits: &[self.resolved.id], held: &held, bare: false };
        let destination = generation.destination(self.remote.limits.file).map_err(local("opening"))?;
        session.fetch(call, &wanted, destination, self.remote.limits.pack).map_err(
            |failure| match failure {
                RemoteFailure::Protocol { .. } => Trouble::Protocol(failure),
                failure => Trouble::Remote(self.remote_error(failure)),
            },
        )?;
        let checkout = self.checkout(generation).map_err(Trouble::Local)?;
        generation.record(self.resolved.id).map_err(local("recording a commit"))?;
        Ok(checkout)
    }

    fn checkout(&self, generation: &Arc<Generation>) -> Result<Checkout, SourceError> {
        Checkout::open(generation, &self.resolved.id, self.remote.limits.file).map_err(|source| {
            match source.downcast_ref::<Unreadable>() {
                Some(Unreadable::NotACommit(..)) => {
                    SourceError::GitNoCommit { commit: self.resolved.commit() }
                }
                _ => broken(&self.remote, "reading a commit")(source),
            }
        })
    }

    fn explain(&self, session: &mut Session, failure: RemoteFailure) -> SourceError {
        if failure.to_string().contains("not our ref") {
            return match why_missing(&self.remote, session, &self.resolved.target) {
                empty @ SourceError::GitEmptyForReference { .. } => empty,
                _ => SourceError::GitNoCommit { commit: self.resolved.commit() },
            };
        }
        self.remote_error(failure)
    }

    fn remote_error(&self, failure: RemoteFailure) -> SourceError {
        SourceError::GitRemote { action: RemoteAction::Clone, url: self.remote.address(), failure }
    }
}

/// Why a fetch into a generation failed.
enum Trouble {
    /// Our disk or what is on it.
    Local(SourceError),
    /// What the remote sent does not fit what we hold, or it refused inside the protocol.
    Protocol(RemoteFailure),
    /// The remote or the way to it.
    Remote(SourceError),
}
