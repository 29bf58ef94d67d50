//! Artifacts on the local disk.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{self, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use gitops_api::{Artifact, DigestAlgorithm, Time};
use gitops_manifest::FileTree;
use jiff::Timestamp;

use super::folder::open_unlinked;
use super::hash::digest_of;
use super::pack::{PackOptions, pack};
use super::retention::{Retention, StoredFile};
use super::store::{ArtifactOwner, ArtifactStore, Draft, Verification, path_element};
use super::unpack::set_mode;
use crate::SourceError;
use crate::ignore::IgnoreRules;

/// Temporary files start with this; a server never hands out names that start with a dot.
const STAGED_PREFIX: &str = ".publish-";
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// How a [`LocalStore`] keeps its files.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StoreOptions {
    /// The algorithm of the artifacts' digests; SHA-256.
    pub algorithm: DigestAlgorithm,
    /// What stays beside the advertised artifact.
    pub retention: Retention,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { algorithm: DigestAlgorithm::Sha256, retention: Retention::default() }
    }
}

impl StoreOptions {
    /// Returns the options with another digest algorithm.
    #[must_use]
    pub fn algorithm(mut self, algorithm: DigestAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Returns the options with another retention.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }
}

/// Keeps artifacts in a directory as `<kind>/<namespace>/<name>/<file>`.
///
/// # Flow
/// An archive is written into a temporary file beside its place, synced to the disk and renamed; then the directory is
/// synced. Writers of one object wait for each other, readers wait for nobody.
///
/// # Guarantees
/// A crash or a full disk at any point leaves the last good file, and at most a temporary file that
/// opening the store removes at the next start. Directories are for this user only (`0700`), and so
/// are files (`0600`).
///
/// # Assumptions
/// One process writes to the directory.
///
/// # Difference from Flux
/// Flux syncs nothing, so a power cut can leave a short file behind a published digest, and it takes a lock file per
/// artifact, where a lock in the process is enough.
#[derive(Debug)]
pub struct LocalStore {
    root: PathBuf,
    address: String,
    options: StoreOptions,
    locks: Mutex<HashMap<ArtifactOwner, Weak<Mutex<()>>>>,
}

impl LocalStore {
    /// Opens the store in a directory, makes the directory where it is missing, and removes what a crash left behind.
    ///
    /// The advertised address is what consumers reach [`serve`](super::serve) by: a host, with a port if need be, or a
    /// whole URL where the scheme is not `http`.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn new(
        root: impl Into<PathBuf>,
        advertised_address: &str,
        options: StoreOptions,
    ) -> Result<Self, SourceError> {
        let root = root.into();
        make_directories(&root, Path::new(""))?;
        let has_scheme = advertised_address.contains("://");
        let address = format!("{}{advertised_address}", if has_scheme { "" } else { "http://" });
        let store = Self {
            root,
            address: address.trim_end_matches('/').to_owned(),
            options,
            locks: Mutex::default(),
        };
        store.remove_leftovers()?;
        Ok(store)
    }

    /// Returns the directory, for [`serve`](super::serve).
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the address of a stored path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.address, path.trim_start_matches('/'))
    }

    /// Returns where an artifact's file is.
    ///
    /// # Errors
    /// When its path is not one of this store: four elements, none of them hidden.
    pub fn local_path(&self, artifact: &Artifact) -> Result<PathBuf, SourceError> {
        let mut place = self.root.clone();
        let mut elements = 0;
        for element in artifact.path.split('/') {
            place.push(path_element("artifact path", element)?);
            elements += 1;
        }
        if elements != 4 {
            return Err(SourceError::StorageName { what: "artifact path", text: artifact.path.clone() });
        }
        Ok(place)
    }

    /// Returns the lock of an owner; locks nobody holds vanish.
    fn lock(&self, owner: &ArtifactOwner) -> Arc<Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(owner).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(owner.clone(), Arc::downgrade(&lock));
        lock
    }

    fn remove_leftovers(&self) -> Result<(), SourceError> {
        for kind in directories(&self.root)? {
            for namespace in directories(&kind)? {
                for object in directories(&namespace)? {
                    for (place, name, _) in listing(&object)? {
                        if name.starts_with(STAGED_PREFIX) {
                            fs::remove_file(&place).map_err(failed("removal of leftover", &place))?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl ArtifactStore for LocalStore {
    fn publish(
        &self,
        draft: &Draft,
        tree: &dyn FileTree,
        rules: &IgnoreRules,
    ) -> Result<Artifact, SourceError> {
        let file_name = path_element("file name", &draft.file_name)?;
        let lock = self.lock(&draft.owner);
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = self.root.join(draft.owner.directory());
        make_directories(&self.root, Path::new(&draft.owner.directory()))?;
        let place = directory.join(&file_name);
        // `tempfile` makes files for their owner only and removes them on failure.
        let staged = tempfile::Builder::new()
            .prefix(STAGED_PREFIX)
            .tempfile_in(&directory)
            .map_err(failed("creation of a temporary file in", &directory))?;
        let mut writer = BufWriter::with_capacity(256 * 1024, staged);
        let packed =
            pack(tree, rules, &PackOptions::default().algorithm(self.options.algorithm), &mut writer)
                .map_err(|error| error.at(&place))?;
        writer.flush().map_err(failed("write of", &place))?;
        let staged = writer.into_inner().map_err(|e| failed("write of", &place)(e.into_error()))?;
        set_mode(staged.path(), FILE_MODE).map_err(failed("change of mode of", &place))?;
        staged.as_file().sync_all().map_err(failed("sync of", &place))?;
        staged.persist(&place).map_err(|e| failed("rename to", &place)(e.error))?;
        sync_directory(&directory)?;
        let path = format!("{}/{file_name}", draft.owner.directory());
        Ok(Artifact {
            digest: packed.digest.to_string(),
            last_update_time: Time(whole_seconds(Timestamp::now())),
            metadata: draft.metadata.clone(),
            revision: draft.revision.clone(),
            size: i64::try_from(packed.size).ok(),
            url: self.url(&path),
            path,
        })
    }

    fn verify(&self, artifact: &Artifact) -> Result<Verification, SourceError> {
        let place = self.local_path(artifact)?;
        let wanted = super::fetch::wanted_digest(&artifact.digest)?;
        let file = match open_unlinked(&place) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verification::Missing),
            Err(source) => return Err(failed("open of", &place)(source)),
        };
        let found = digest_of(file, wanted.algorithm()).map_err(failed("read of", &place))?;
        Ok(if found == wanted { Verification::Verified } else { Verification::Mismatch { found } })
    }

    fn open(&self, artifact: &Artifact) -> Result<Box<dyn Read + Send>, SourceError> {
        let place = self.local_path(artifact)?;
        let file = open_unlinked(&place).map_err(failed("open of", &place))?;
        Ok(Box::new(file))
    }

    fn collect_garbage(
        &self,
        owner: &ArtifactOwner,
        advertised: &[&Artifact],
    ) -> Result<Vec<String>, SourceError> {
        let lock = self.lock(owner);
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = self.root.join(owner.directory());
        let prefix = format!("{}/", owner.directory());
        let kept: BTreeSet<String> =
            advertised.iter().filter_map(|a| a.path.strip_prefix(&prefix)).map(str::to_owned).collect();
        let mut files = Vec::new();
        for (place, name, metadata) in listing(&directory)? {
            if metadata.is_file() && !name.starts_with('.') {
                let modified = metadata.modified().map_err(failed("look-up of", &place))?;
                files.push(StoredFile { modified, name });
            }
        }
        let mut removed = Vec::new();
        for name in self.options.retention.garbage(&files, &kept, SystemTime::now()) {
            let place = directory.join(&name);
            match fs::remove_file(&place) {
                Ok(()) => removed.push(format!("{prefix}{name}")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(failed("removal of", &place)(source)),
            }
        }
        if !removed.is_empty() {
            sync_directory(&directory)?;
        }
        Ok(removed)
    }

    fn remove_all(&self, owner: &ArtifactOwner) -> Result<bool, SourceError> {
        let lock = self.lock(owner);
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut directory = self.root.join(owner.directory());
        match fs::remove_dir_all(&directory) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(failed("removal of", &directory)(source)),
        }
        // The namespace's and the kind's directories, if this was the last object in them.
        while directory.pop() && directory != self.root && fs::remove_dir(&directory).is_ok() {}
        sync_directory(&directory)?;
        Ok(true)
    }

    fn readdressed(&self, mut artifact: Artifact) -> Artifact {
        artifact.url = self.url(&artifact.path);
        artifact
    }
}

fn failed(stage: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SourceError {
    let path = path.display().to_string();
    move |source| SourceError::Storage { stage, path, source }
}

/// Kubernetes keeps times in whole seconds.
fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Makes the root and the directories below it, each for this user only, and syncs those that got a new entry. Another
/// object that is removed at the same time may take a shared parent away, so a few tries are made.
fn make_directories(root: &Path, below: &Path) -> Result<(), SourceError> {
    let wanted = root.join(below);
    if wanted.is_dir() {
        return Ok(());
    }
    let mut outcome = Ok(());
    for _ in 0..8 {
        outcome = builder().create(&wanted);
        match &outcome {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => break,
        }
    }
    outcome.map_err(failed("creation of directory", &wanted))?;
    let mut parents = wanted.ancestors().skip(1).take_while(|parent| parent.starts_with(root));
    parents.try_for_each(sync_directory)
}

#[cfg(unix)]
fn builder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(DIRECTORY_MODE);
    builder
}

/// Without permission bits there is nothing to set.
#[cfg(not(unix))]
fn builder() -> fs::DirBuilder {
    let _ = DIRECTORY_MODE;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    builder
}

fn sync_directory(directory: &Path) -> Result<(), SourceError> {
    let synced = fs::File::open(directory).and_then(|dir| dir.sync_all());
    synced.map_err(failed("sync of directory", directory))
}

/// Lists a directory without following links; nothing where it does not exist.
fn listing(directory: &Path) -> Result<Vec<(PathBuf, String, fs::Metadata)>, SourceError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed("listing of", directory)(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("listing of", directory))?;
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(failed("look-up of", &entry.path())(source)),
        };
        found.push((entry.path(), entry.file_name().to_string_lossy().into_owned(), metadata));
    }
    Ok(found)
}

fn directories(directory: &Path) -> Result<impl Iterator<Item = PathBuf> + use<>, SourceError> {
    Ok(listing(directory)?
        .into_iter()
        .filter(|(_, _, metadata)| metadata.is_dir())
        .map(|(place, _, _)| place))
}
