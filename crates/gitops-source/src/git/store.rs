//! The persistent object stores: one for each remote, filled by fetches that ask only for what is new.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gix::ObjectId;
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
use super::scratch::{Scratch, leads_to};
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

/// The state of one remote's store; locked during a fetch.
type Slot = Arc<Lock<Current>>;

/// What is known of one remote's store.
#[derive(Debug, Default)]
struct Current {
    /// Whether the disk has been looked at. Only once: later there may be generations on it that are about to go.
    loaded: bool,
    generation: Option<Arc<Generation>>,
    /// The number of the next generation.
    next: u64,
    /// Which commits were found on which branches.
    on_branch: HashSet<(ObjectId, String)>,
}

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
        if remote.endpoint()? != resolved.endpoint {
            // Being let in at one address is no key to what was fetched from another.
            let reason = "the commit was resolved at another address";
            return Err(SourceError::GitAccess { url: remote.address(), reason, source: None });
        }
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
        self.remove_key(&key(remote)).await.map_err(|e| broken(remote, "removing its folder")(e.into()))
    }

    /// Removes the stores into which nothing has been fetched for a time, and returns how many.
    ///
    /// A remote that is asked and has nothing new is not fetched from; when it has, the first fetch brings
    /// everything. So a few days are a good time.
    ///
    /// # Errors
    /// [`SourceError::GitStore`] when the disk fails.
    pub async fn remove_unused(&self, time: Duration) -> Result<usize, SourceError> {
        let root = self.inner.root.clone();
        let failed = |stage| {
            let url = root.display().to_string();
            move |e: std::io::Error| SourceError::GitStore { url, stage, source: e.into() }
        };
        let mut removed = 0;
        for entry in fs::read_dir(&root).map_err(failed("listing"))?.flatten() {
            let Ok(key) = entry.file_name().into_string() else { continue };
            // The folder's time is that of its newest generation, the generation's that of its last fetch.
            let newest = fs::read_dir(entry.path())
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|generation| generation.metadata().ok()?.modified().ok())
                .max();
            let idle =
                newest.or_else(|| entry.metadata().ok()?.modified().ok()).and_then(|at| at.elapsed().ok());
            if idle.is_some_and(|idle| idle >= time) {
                self.remove_key(&key).await.map_err(failed("removing"))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn remove_key(&self, key: &str) -> std::io::Result<()> {
        let slot = self.slot(key);
        let mut current = slot.lock().await;
        current.on_branch.clear();
        if let Some(generation) = current.generation.take() {
            // The last reader removes the folder.
            generation.retire();
            return Ok(());
        }
        if current.loaded {
            return Ok(());
        }
        match fs::remove_dir_all(self.inner.root.join(key)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
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
    fn run(&self, mut current: OwnedMutexGuard<Current>, call: &Call) -> Result<Checkout, SourceError> {
        if !current.loaded {
            let found = Generation::load(&self.dir).map_err(|e| broken(&self.remote, "opening")(e.into()))?;
            current.next = found.as_ref().map_or(0, |generation| generation.number() + 1);
            current.generation = found;
            current.loaded = true;
        }
        let mut session = self.resolved.session.take();
        self.check_branch(&mut current, &mut session, call)?;

        let id = self.resolved.id;
        let intact = current.generation.clone().filter(|generation| generation.is_intact());
        if let Some(generation) = intact.as_ref().filter(|generation| generation.holds(&id))
            && let Ok(checkout) = self.checkout(generation)
        {
            return Ok(checkout);
        }
        if let Some(generation) = intact.filter(|generation| generation.packs() < self.packs) {
            let outcome = self.fetch_into(&generation, self.session(&mut session, call)?, call);
            match outcome {
                Ok(checkout) => return Ok(checkout),
                Err(Trouble::Remote(error)) => return Err(error),
                // The store may be what is broken: once more without it.
                Err(Trouble::Local(_) | Trouble::Protocol(_)) => session = None,
            }
        }
        let fresh = Generation::create(&self.dir, current.next)
            .map_err(|e| broken(&self.remote, "making its folder")(e.into()))?;
        current.next += 1;
        let outcome = self
            .session(&mut session, call)
            .map_err(Trouble::Remote)
            .and_then(|session| self.fetch_into(&fresh, session, call));
        match outcome {
            Ok(checkout) => {
                if let Some(old) = current.generation.replace(fresh) {
                    old.retire();
                }
                Ok(checkout)
            }
            Err(trouble) => {
                fresh.retire();
                Err(match trouble {
                    Trouble::Local(error) | Trouble::Remote(error) => error,
                    Trouble::Protocol(failure) => self.remote_error(failure),
                })
            }
        }
    }

    /// Returns the open session, or opens one.
    fn session<'a>(
        &self,
        session: &'a mut Option<Session>,
        call: &Call,
    ) -> Result<&'a mut Session, SourceError> {
        Ok(match session {
            Some(session) => session,
            None => session.insert(Session::open(&self.remote, call)?),
        })
    }

    /// Makes sure that a commit which is joined by a branch is on that branch, as Flux does by cloning the branch.
    /// Where the server can leave files out, only commits are fetched.
    fn check_branch(
        &self,
        current: &mut Current,
        session: &mut Option<Session>,
        call: &Call,
    ) -> Result<(), SourceError> {
        let (Some(tip), Some(branch)) = (self.resolved.tip, self.resolved.reference()) else { return Ok(()) };
        let known = (self.resolved.id, branch.to_owned());
        if tip == self.resolved.id || current.on_branch.contains(&known) {
            return Ok(());
        }
        let limits = &self.remote.limits;
        let scratch =
            Scratch::new(limits.file).map_err(|e| broken(&self.remote, "making a folder")(e.into()))?;
        let destination = scratch.destination().map_err(|e| broken(&self.remote, "opening")(e.into()))?;
        let wanted = Wanted { commits: &[tip], held: &[], bare: true, history: true };
        self.session(session, call)?
            .fetch(call, &wanted, destination, limits.pack)
            .map_err(|failure| self.remote_error(failure))?;
        let objects = scratch.objects().map_err(|e| broken(&self.remote, "opening")(e.into()))?;
        if !leads_to(&objects, tip, self.resolved.id) {
            return Err(SourceError::GitNoCommit { commit: self.resolved.commit() });
        }
        current.on_branch.insert(known);
        Ok(())
    }

    fn fetch_into(
        &self,
        generation: &Arc<Generation>,
        session: &mut Session,
        call: &Call,
    ) -> Result<Checkout, Trouble> {
        let local = |stage| move |e: std::io::Error| Trouble::Local(broken(&self.remote, stage)(e.into()));
        let held = generation.newest(TOLD);
        let wanted = Wanted { commits: &[self.resolved.id], held: &held, bare: false, history: false };
        let destination = generation.destination(self.remote.limits.file).map_err(local("opening"))?;
        session.fetch(call, &wanted, destination, self.remote.limits.pack).map_err(
            |failure| match &failure {
                RemoteFailure::Protocol { reason } if reason.contains("not our ref") => {
                    Trouble::Remote(self.no_commit(call))
                }
                RemoteFailure::Protocol { .. } => Trouble::Protocol(failure),
                _ => Trouble::Remote(self.remote_error(failure)),
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

    /// Returns the error for a commit that the server does not have; it may have none at all.
    fn no_commit(&self, call: &Call) -> SourceError {
        let missing = SourceError::GitNoCommit { commit: self.resolved.commit() };
        match Session::open(&self.remote, call) {
            Ok(mut session) => match why_missing(&self.remote, &mut session, &self.resolved.target) {
                empty @ SourceError::GitEmptyForReference { .. } => empty,
                _ => missing,
            },
            Err(_) => missing,
        }
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
