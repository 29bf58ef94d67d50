//! Tags on disk.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::store::{RepositoryKey, TagStore, Written};
use super::tag_set::TagSet;
use crate::error::ImageError;

/// The folder below the root, the kind's name in lower case, as Flux's file storage has it.
const FOLDER: &str = "imagerepository";

/// The file of one repository.
const FILE: &str = "tags.json";

/// How many bytes of the file's first line are the digest of the rest, before its line feed.
const DIGEST: usize = 64;

/// Tags on disk: one file for each repository, `imagerepository/<namespace>/<name>/tags.json` below a folder.
///
/// A file is written beside its place, synced, and renamed, and then its folder is synced: whenever the process or the
/// machine stops, the file holds the old tags or the new ones. The first line is the SHA-256 of what follows, a JSON
/// list; a file that does not fit its digest counts as missing, so its tags are scanned again.
#[derive(Clone, Debug)]
pub struct DiskTagStore {
    root: PathBuf,
}

impl DiskTagStore {
    /// Returns the store in a folder, which is made when it is not there.
    ///
    /// # Errors
    /// [`ImageError::Store`] when the folder cannot be made.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self, ImageError> {
        let root = root.into().join(FOLDER);
        fs::create_dir_all(&root).map_err(failed("creation of", &root))?;
        Ok(Self { root })
    }

    fn folder(&self, key: &RepositoryKey) -> PathBuf {
        self.root.join(key.namespace()).join(key.name())
    }
}

impl TagStore for DiskTagStore {
    fn read(&self, key: &RepositoryKey) -> Result<Option<TagSet>, ImageError> {
        let place = self.folder(key).join(FILE);
        match fs::read(&place) {
            Ok(content) => Ok(decode(&content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("reading of", &place)(error)),
        }
    }

    fn write(&self, key: &RepositoryKey, tags: &TagSet) -> Result<Written, ImageError> {
        if self.read(key)?.as_ref() == Some(tags) {
            return Ok(Written::Unchanged);
        }
        let folder = self.folder(key);
        let place = folder.join(FILE);
        let is_new = !folder.is_dir();
        fs::create_dir_all(&folder).map_err(failed("creation of", &folder))?;
        let mut staged = tempfile::NamedTempFile::new_in(&folder).map_err(failed("staging in", &folder))?;
        staged.write_all(&encode(tags)).map_err(failed("writing of", &place))?;
        staged.as_file().sync_all().map_err(failed("sync of", &place))?;
        staged.persist(&place).map_err(|e| failed("rename to", &place)(e.error))?;
        let above = if is_new { 2 } else { 0 };
        folder.ancestors().take(1 + above).try_for_each(sync_folder)?;
        Ok(Written::Changed)
    }

    fn remove(&self, key: &RepositoryKey) -> Result<bool, ImageError> {
        let folder = self.folder(key);
        match fs::remove_dir_all(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed("removal of", &folder)(error)),
        }
        if let Some(namespace) = folder.parent() {
            sync_folder(namespace)?;
            // Fails as long as another repository of the namespace is stored.
            let _ = fs::remove_dir(namespace);
        }
        Ok(true)
    }
}

fn encode(tags: &TagSet) -> Vec<u8> {
    let list: Vec<&str> = tags.iter().collect();
    let list = serde_json::Value::from(list).to_string();
    let mut content = digest(list.as_bytes()).into_bytes();
    content.push(b'\n');
    content.extend_from_slice(list.as_bytes());
    content
}

fn decode(content: &[u8]) -> Option<TagSet> {
    let (head, list) = content.split_at_checked(DIGEST + 1)?;
    if head.strip_suffix(b"\n")? != digest(list).as_bytes() {
        return None;
    }
    let tags: Vec<String> = serde_json::from_slice(list).ok()?;
    TagSet::new(tags).ok()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the names in a folder last, where the system can do that.
fn sync_folder(folder: &Path) -> Result<(), ImageError> {
    match fs::File::open(folder).and_then(|opened| opened.sync_all()) {
        Err(error) if cfg!(unix) => Err(failed("sync of", folder)(error)),
        _ => Ok(()),
    }
}

fn failed(stage: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ImageError + use<> {
    let path = path.display().to_string();
    move |source| ImageError::Store { stage, path, source }
}
