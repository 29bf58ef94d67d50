//! What every [`TagStore`] must do, for those who write one (feature `conformance`).

use super::store::{RepositoryKey, TagStore, Written};
use super::tag_set::TagSet;
use crate::error::ImageError;

/// Returns the rules that a store breaks; none where it conforms.
///
/// `open` opens the same store anew, as a program that was started again does. It is used for repositories of the
/// namespaces `conformance` and `conformance-other`, whose tags are removed at the end.
#[must_use]
pub fn check<S: TagStore>(open: impl Fn() -> S) -> Vec<String> {
    let mut broken = Vec::new();
    if let Err(error) = walk(open, &mut broken) {
        broken.push(format!("no operation of the suite fails: {error}"));
    }
    broken
}

fn walk<S: TagStore>(open: impl Fn() -> S, broken: &mut Vec<String>) -> Result<(), ImageError> {
    let mut must = |holds: bool, rule: &str| {
        if !holds {
            broken.push(rule.to_owned());
        }
    };
    let store = open();
    let first = RepositoryKey::new("conformance", "first")?;
    let others = [
        RepositoryKey::new("conformance", "other")?,
        RepositoryKey::new("conformance-other", "first")?,
        RepositoryKey::new("conformance", "first.json")?,
    ];
    let old = TagSet::new(["1.0.0", "1.1.0", "1.1.0"])?;
    let new = TagSet::new(["1.0.0", "2.0.0", "odd \"one\"\n", "ü", ""])?;
    let empty = TagSet::default();

    must(store.read(&first)?.is_none(), "a repository that was never written has no tags");
    must(!store.remove(&first)?, "removing what is not there tells so");
    must(store.write(&first, &old)? == Written::Changed, "the first write is a change");
    must(store.read(&first)?.as_ref() == Some(&old), "what was written is read");
    must(store.write(&first, &old)? == Written::Unchanged, "writing the same tags again changes nothing");
    must(
        store.write(&first, &TagSet::new(["1.1.0", "1.0.0", "1.1.0"])?)? == Written::Unchanged,
        "the order in which tags were listed is no change",
    );
    for other in &others {
        must(store.read(other)?.is_none(), "repositories do not share tags");
        must(store.write(other, &old)? == Written::Changed, "every repository has its own first write");
    }
    must(store.write(&first, &new)? == Written::Changed, "other tags are a change");
    must(store.read(&first)?.as_ref() == Some(&new), "the last write counts, whatever the tags hold");
    must(store.write(&first, &empty)? == Written::Changed, "no tags are a change too");
    must(store.read(&first)?.as_ref() == Some(&empty), "no tags are not the same as nothing stored");
    store.write(&first, &new)?;
    let again = open();
    must(again.read(&first)?.as_ref() == Some(&new), "tags outlast the store that wrote them");
    must(
        again.write(&first, &new)? == Written::Unchanged,
        "a store that was opened again knows what is stored",
    );
    must(again.remove(&first)?, "removing tells that there was something");
    must(store.read(&first)?.is_none(), "what was removed is not there");
    for other in &others {
        must(store.read(other)?.as_ref() == Some(&old), "removing leaves other repositories alone");
        store.remove(other)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::super::{DiskTagStore, MemoryTagStore, RepositoryKey, TagSet, TagStore, Written};
    use crate::error::ImageError;

    /// Says that everything is a change.
    #[derive(Default)]
    struct Eager(MemoryTagStore);

    impl TagStore for Eager {
        fn read(&self, key: &RepositoryKey) -> Result<Option<TagSet>, ImageError> {
            self.0.read(key)
        }
        fn write(&self, key: &RepositoryKey, tags: &TagSet) -> Result<Written, ImageError> {
            self.0.write(key, tags)?;
            Ok(Written::Changed)
        }
        fn remove(&self, key: &RepositoryKey) -> Result<bool, ImageError> {
            self.0.remove(key)
        }
    }

    #[test]
    fn the_disk_store_conforms() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(super::check(|| DiskTagStore::new(dir.path()).unwrap()), Vec::<String>::new());
        assert_eq!(std::fs::read_dir(dir.path().join("imagerepository")).unwrap().count(), 0);
    }

    #[test]
    fn the_memory_store_conforms() {
        let store = Arc::new(MemoryTagStore::new());
        assert_eq!(super::check(|| Arc::clone(&store)), Vec::<String>::new());
    }

    #[test]
    fn a_broken_rule_is_told() {
        let store = Arc::new(Eager::default());
        assert_eq!(
            super::check(|| Arc::clone(&store)),
            [
                "writing the same tags again changes nothing",
                "the order in which tags were listed is no change",
                "a store that was opened again knows what is stored",
            ]
        );
    }
}
