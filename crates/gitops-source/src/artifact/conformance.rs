//! What every [`ArtifactStore`] must do, for those who write one (feature `conformance`).
//!
//! ```
//! use gitops_source::artifact::{LocalStore, Retention, StoreOptions, conformance};
//!
//! let dir = tempfile::tempdir()?;
//! let strict = Retention { ttl: std::time::Duration::ZERO, records: 0 };
//! let store = LocalStore::new(dir.path(), "source", StoreOptions::default().retention(strict))?;
//! assert_eq!(conformance::check(&store), Vec::<String>::new());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;

use bytes::Bytes;
use gitops_api::Artifact;
use gitops_manifest::{Entry, EntryKind, FileTree, MemoryTree, TreeError};

use super::limits::Limits;
use super::store::{ArtifactOwner, ArtifactStore, Draft, Verification};
use super::unpack::{Links, unpack};
use crate::SourceError;
use crate::ignore::IgnoreRules;

/// Returns the rules that a store breaks; none where it conforms.
///
/// The store is used for two objects of the kind `Conformance`, which are removed at the end. Its retention should keep
/// nothing but what is advertised, so that there is garbage to collect.
#[must_use]
pub fn check(store: &dyn ArtifactStore) -> Vec<String> {
    let mut broken = Vec::new();
    if let Err(error) = walk(store, &mut broken) {
        broken.push(format!("no operation of the suite fails: {error}"));
    }
    broken
}

fn walk(store: &dyn ArtifactStore, broken: &mut Vec<String>) -> Result<(), SourceError> {
    let mut must = |holds: bool, rule: &str| {
        if !holds {
            broken.push(rule.to_owned());
        }
    };
    let (first, other) = (
        ArtifactOwner::new("Conformance", "conformance", "first")?,
        ArtifactOwner::new("Conformance", "conformance", "other")?,
    );
    let rules = IgnoreRules::none();
    let publish = |owner: &ArtifactOwner, file_name: &str, tree: &dyn FileTree| {
        let metadata = BTreeMap::from([("key".to_owned(), "value".to_owned())]);
        let draft = Draft {
            owner: owner.clone(),
            file_name: file_name.to_owned(),
            revision: "main@sha1:x".into(),
            metadata,
        };
        store.publish(&draft, tree, &rules)
    };
    let tree = |content: &'static str| -> Result<MemoryTree, TreeError> {
        let mut tree = MemoryTree::new();
        tree.insert("file", content)?;
        Ok(tree)
    };
    let content = |artifact: &Artifact| -> Result<Option<Bytes>, SourceError> {
        let unpacked = unpack(store.open(artifact)?, &Limits::default(), Links::Refuse)?;
        Ok(unpacked.read("file").ok())
    };

    let old = publish(&first, "old.tar.gz", &tree("old")?)?;
    must(old.path.ends_with("/old.tar.gz"), "the path ends in the file's name");
    must(old.url.ends_with(&old.path), "the address ends in the path");
    must(
        old.revision == *"main@sha1:x" && old.metadata.len() == 1,
        "revision and metadata are those of the draft",
    );
    must(
        old.parse_digest().is_ok() && old.size.is_some_and(|s| s > 0),
        "an artifact has a digest and a size",
    );
    must(store.verify(&old)? == Verification::Verified, "what was published verifies");
    must(content(&old)?.as_deref() == Some(b"old"), "what was published can be opened");

    let again = publish(&first, "again.tar.gz", &tree("old")?)?;
    must(again.digest == old.digest, "the same tree has the same digest");

    must(publish(&first, "old.tar.gz", &Unreadable).is_err(), "a tree that cannot be read is not published");
    must(
        store.verify(&old)? == Verification::Verified,
        "a failed publication leaves the file that was there",
    );

    let mut wrong = old.clone();
    wrong.digest = format!("sha256:{}", "0".repeat(64));
    must(matches!(store.verify(&wrong)?, Verification::Mismatch { .. }), "another digest is a mismatch");
    let mut missing = old.clone();
    missing.path = old.path.replace("old.tar.gz", "missing.tar.gz");
    must(store.verify(&missing)? == Verification::Missing, "a file that is not there is missing");
    must(store.open(&missing).is_err(), "a file that is not there cannot be opened");
    let mut outside = old.clone();
    outside.path = "../../outside".to_owned();
    must(store.open(&outside).is_err(), "a path that leads out is refused");

    let new = publish(&first, "new.tar.gz", &tree("new")?)?;
    let neighbour = publish(&other, "old.tar.gz", &tree("neighbour")?)?;
    store.collect_garbage(&first, &[&old, &new])?;
    must(store.verify(&old)? == Verification::Verified, "garbage collection leaves what is advertised");
    must(store.verify(&again)? == Verification::Missing, "garbage collection removes what is not");
    must(store.verify(&neighbour)? == Verification::Verified, "garbage collection leaves other owners alone");

    must(store.remove_all(&first)?, "removing all tells that there was something");
    must(!store.remove_all(&first)?, "removing all again tells that there was nothing");
    must(store.verify(&new)? == Verification::Missing, "removing all removes all");
    must(store.verify(&neighbour)? == Verification::Verified, "removing all leaves other owners alone");
    store.remove_all(&other)?;
    Ok(())
}

/// A tree with a file that cannot be read.
struct Unreadable;

impl FileTree for Unreadable {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        Err(TreeError::NotFound { path: path.to_owned() })
    }

    fn kind(&self, _: &str) -> Result<Option<EntryKind>, TreeError> {
        Ok(Some(EntryKind::File))
    }

    fn list(&self, _: &str) -> Result<Vec<Entry>, TreeError> {
        Ok(vec![Entry { name: "file".to_owned(), kind: EntryKind::File }])
    }

    fn is_executable(&self, _: &str) -> Result<bool, TreeError> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::super::local_store::{LocalStore, StoreOptions};
    use super::super::retention::Retention;

    fn broken_by(retention: Retention) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions::default().retention(retention);
        super::check(&LocalStore::new(dir.path(), "source", options).unwrap())
    }

    #[test]
    fn the_local_store_conforms() {
        assert_eq!(broken_by(Retention { ttl: Duration::ZERO, records: 0 }), Vec::<String>::new());
    }

    #[test]
    fn a_broken_rule_is_told() {
        let keeps_all = Retention { ttl: Duration::MAX, records: usize::MAX };
        assert_eq!(broken_by(keeps_all), ["garbage collection removes what is not"]);
    }
}
