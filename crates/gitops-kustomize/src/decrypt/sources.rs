//! The files that must be decrypted before a build: what secret generators read, and patches.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use gitops_manifest::tree::join;
use gitops_manifest::{Entry, EntryKind, FileTree, ParseOptions, TreeError, parse};
use serde_json::Value;

use super::decryptor::Decryptor;
use super::error::DecryptError;
use super::format::Format;
use crate::build::Kustomize;
use crate::root::KUSTOMIZATION_FILES;

/// A tree in which some files have been decrypted. Everything else is the tree below.
pub struct DecryptedTree<'a> {
    below: &'a dyn FileTree,
    files: BTreeMap<String, Bytes>,
}

impl std::fmt::Debug for DecryptedTree<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.files.keys()).finish()
    }
}

impl FileTree for DecryptedTree<'_> {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        match self.files.get(path) {
            Some(content) => Ok(content.clone()),
            None => self.below.read(path),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        self.below.kind(path)
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        self.below.list(dir)
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        self.below.is_executable(path)
    }
}

impl Decryptor {
    /// Decrypts the files that a build will read, as Flux does: those in `files` and `envs` of every `secretGenerator` and
    /// the `path` of every patch, in the kustomization that is built and in all that it names as resources and components.
    ///
    /// A file's format is that of its key's ending (dotenv for `envs` with an unknown one), and only a file with the mark of
    /// its own format is decrypted; other files are used as they are. What cannot be read here is left for the build to tell
    /// of.
    ///
    /// # Errors
    /// A [`DecryptError`] that names the file, for the first file that does not decrypt.
    pub async fn sources<'a>(
        &self,
        tree: &'a dyn FileTree,
        kustomize: &Kustomize,
    ) -> Result<DecryptedTree<'a>, DecryptError> {
        let mut decrypted = DecryptedTree { below: tree, files: BTreeMap::new() };
        for (path, format) in named_files(tree, kustomize) {
            let Ok(content) = tree.read(&path) else { continue };
            if !format.marks(&content) {
                continue;
            }
            let plain = self.file(&content, format, format).await.map_err(|error| {
                error.within(format!("failed to decrypt file '{path}'")).within("error decrypting sources")
            })?;
            decrypted.files.insert(path, plain);
        }
        Ok(decrypted)
    }
}

/// Returns every file that may be encrypted, each once, with the format that its first mention gives it.
fn named_files(tree: &dyn FileTree, kustomize: &Kustomize) -> Vec<(String, Format)> {
    let mut found = Vec::new();
    let (mut files, mut visited) = (BTreeSet::new(), BTreeSet::new());
    let Ok(first) = kustomize.kustomization(tree) else { return found };
    let mut queue = vec![(kustomize.folder(), first)];
    while let Some((dir, kustomization)) = queue.pop() {
        if !visited.insert(dir.clone()) {
            continue;
        }
        for (path, format) in mentions(&kustomization) {
            if let Ok(path) = join(&dir, path)
                && files.insert(path.clone())
            {
                found.push((path, format));
            }
        }
        for path in ["resources", "components"].into_iter().flat_map(|field| texts(&kustomization[field])) {
            let Ok(path) = join(&dir, path) else { continue };
            if !visited.contains(&path)
                && let Some(next) = read_kustomization(tree, &path)
            {
                queue.push((path, next));
            }
        }
    }
    found
}

/// Returns the files of one kustomization, as it writes them, with their formats.
fn mentions(kustomization: &Value) -> Vec<(&str, Format)> {
    let mut found = Vec::new();
    for generator in items(&kustomization["secretGenerator"]) {
        for source in texts(&generator["files"]) {
            let (key, path) = source.split_once('=').unwrap_or((source, source));
            found.push((path, Format::of_name(key)));
        }
        for path in texts(&generator["envs"]) {
            found.push((
                path,
                match Format::of_name(path) {
                    Format::Binary => Format::Dotenv,
                    known => known,
                },
            ));
        }
    }
    for patch in items(&kustomization["patches"]) {
        if let Some(path) = patch["path"].as_str().filter(|path| !path.is_empty()) {
            found.push((path, Format::of_name(path)));
        }
    }
    found
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(Value::as_str)
}

/// Reads the kustomization of a folder; nothing where there is none, several, or one that is malformed.
fn read_kustomization(tree: &dyn FileTree, dir: &str) -> Option<Value> {
    if tree.kind(dir).ok()? != Some(EntryKind::Directory) {
        return None;
    }
    let mut paths = KUSTOMIZATION_FILES.iter().filter_map(|name| {
        let path = join(dir, name).ok()?;
        matches!(tree.kind(&path), Ok(Some(EntryKind::File))).then_some(path)
    });
    let (path, None) = (paths.next()?, paths.next()) else { return None };
    let documents = parse(&path, &tree.read(&path).ok()?, &ParseOptions::kubectl()).ok()?;
    documents.into_iter().map(gitops_manifest::Document::into_value).find(|value| !value.is_null())
}
