//! What a build has asked its tree, so that an unchanged input is known without building.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gitops_manifest::{Entry, EntryKind, FileTree, Manifests, TreeError};
use sha2::{Digest as _, Sha256};

use crate::build::Kustomize;
use crate::error::BuildError;

/// The last build of a [`Kustomize`], used again as long as its input is the same.
///
/// A build is a function of its options and of what the tree answers. The cache keeps the questions with a hash of
/// each answer and asks them again before it builds: files that the build did not look at may change, and may be as
/// many as they like. A failed build is not kept.
///
/// ```
/// use gitops_kustomize::{BuildCache, Kustomize};
/// use gitops_manifest::MemoryTree;
///
/// let mut tree = MemoryTree::new();
/// tree.insert("app/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n")?;
/// let (kustomize, mut cache) = (Kustomize::new("app"), BuildCache::default());
/// let first = cache.build(&kustomize, &tree)?;
/// tree.insert("README.md", "of no concern")?;
/// assert!(std::sync::Arc::ptr_eq(&first, &cache.build(&kustomize, &tree)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct BuildCache {
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    kustomize: Kustomize,
    asked: Vec<(Question, Answer)>,
    built: Arc<Manifests>,
}

impl BuildCache {
    /// Returns what [`Kustomize::build`] returns, without building when options and input are those of the last time.
    ///
    /// # Errors
    /// As [`Kustomize::build`].
    pub fn build(
        &mut self,
        kustomize: &Kustomize,
        tree: &dyn FileTree,
    ) -> Result<Arc<Manifests>, BuildError> {
        if let Some(last) = &self.last
            && last.kustomize == *kustomize
            && last.asked.iter().all(|(question, answer)| question.ask(tree) == *answer)
        {
            return Ok(last.built.clone());
        }
        self.last = None;
        let watched = Watched { tree, asked: Mutex::new(Vec::new()) };
        let built = Arc::new(kustomize.build(&watched)?);
        let asked = watched.asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.last = Some(Last { kustomize: kustomize.clone(), asked, built: built.clone() });
        Ok(built)
    }
}

/// What a build may ask a tree.
#[derive(Debug)]
enum Question {
    Read(String),
    Kind(String),
    List(String),
    IsExecutable(String),
}

/// The hash of an answer; an error is one as well.
type Answer = [u8; 32];

impl Question {
    fn ask(&self, tree: &dyn FileTree) -> Answer {
        match self {
            Self::Read(path) => of_bytes(&tree.read(path)),
            Self::Kind(path) => of_text(&tree.kind(path)),
            Self::List(path) => of_text(&tree.list(path)),
            Self::IsExecutable(path) => of_text(&tree.is_executable(path)),
        }
    }
}

fn of_bytes(answer: &Result<Bytes, TreeError>) -> Answer {
    match answer {
        Ok(bytes) => Sha256::new().chain_update(b"bytes").chain_update(bytes).finalize().into(),
        Err(error) => of_text::<()>(&Err(error.clone())),
    }
}

fn of_text<T: std::fmt::Debug>(answer: &Result<T, TreeError>) -> Answer {
    Sha256::digest(format!("text{answer:?}")).into()
}

/// A tree that remembers what it is asked.
struct Watched<'a> {
    tree: &'a dyn FileTree,
    asked: Mutex<Vec<(Question, Answer)>>,
}

impl Watched<'_> {
    fn note(&self, question: Question, answer: Answer) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((question, answer));
    }
}

impl FileTree for Watched<'_> {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        let answer = self.tree.read(path);
        self.note(Question::Read(path.to_owned()), of_bytes(&answer));
        answer
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, TreeError> {
        let answer = self.tree.kind(path);
        self.note(Question::Kind(path.to_owned()), of_text(&answer));
        answer
    }

    fn list(&self, dir: &str) -> Result<Vec<Entry>, TreeError> {
        let answer = self.tree.list(dir);
        self.note(Question::List(dir.to_owned()), of_text(&answer));
        answer
    }

    fn is_executable(&self, path: &str) -> Result<bool, TreeError> {
        let answer = self.tree.is_executable(path);
        self.note(Question::IsExecutable(path.to_owned()), of_text(&answer));
        answer
    }
}
