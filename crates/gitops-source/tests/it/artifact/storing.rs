//! The local store: whole files or none, kept while advertised, healed when damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use gitops_api::DigestAlgorithm;
use gitops_manifest::{Entry, EntryKind, FileTree, TreeError};
use gitops_source::SourceError;
use gitops_source::artifact::{
    ArtifactOwner, ArtifactStore, Limits, Links, LocalStore, Retention, StoreOptions, Verification, unpack,
};
use gitops_source::ignore::IgnoreRules;

use super::{draft, owner, tree};

fn store(root: &Path) -> LocalStore {
    LocalStore::new(root, "source:9090", StoreOptions::default()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_artifact_says_where_and_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("data"));
    let artifact =
        store.publish(&draft("fleet", "abc.tar.gz"), &tree(&[("a", "1")]), &IgnoreRules::none()).unwrap();
    assert_eq!(artifact.path, "gitrepository/flux-system/fleet/abc.tar.gz");
    assert_eq!(artifact.url, "http://source:9090/gitrepository/flux-system/fleet/abc.tar.gz");
    assert_eq!(artifact.revision.as_str(), "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738");
    let place = store.local_path(&artifact).unwrap();
    assert_eq!(artifact.size, Some(i64::try_from(fs::metadata(&place).unwrap().len()).unwrap()));
    assert_eq!(mode(&place), 0o600);
    for above in place.ancestors().skip(1).take(4) {
        assert_eq!(mode(above), 0o700, "{}", above.display());
    }
    assert_eq!(names(place.parent().unwrap()), ["abc.tar.gz"]);
}

#[test]
fn addresses_may_have_a_scheme() {
    let dir = tempfile::tempdir().unwrap();
    for (address, want) in [
        ("source", "http://source/a/b/c/d"),
        ("source:80/", "http://source:80/a/b/c/d"),
        ("https://source.example/base/", "https://source.example/base/a/b/c/d"),
    ] {
        let store = LocalStore::new(dir.path(), address, StoreOptions::default()).unwrap();
        assert_eq!(store.url("a/b/c/d"), want);
    }
}

#[test]
fn a_damaged_or_missing_file_is_seen_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Blake3] {
        let options = StoreOptions::default().algorithm(algorithm);
        let store = LocalStore::new(dir.path(), "source", options).unwrap();
        let files = tree(&[("a", "1")]);
        let publish = || store.publish(&draft("fleet", "abc.tar.gz"), &files, &IgnoreRules::none()).unwrap();
        let artifact = publish();
        assert!(artifact.digest.starts_with(algorithm.name()));
        let place = store.local_path(&artifact).unwrap();
        assert_eq!(store.verify(&artifact).unwrap(), Verification::Verified);
        fs::write(&place, "damaged").unwrap();
        assert!(matches!(store.verify(&artifact).unwrap(), Verification::Mismatch { .. }));
        fs::remove_file(&place).unwrap();
        assert_eq!(store.verify(&artifact).unwrap(), Verification::Missing);
        std::os::unix::fs::symlink("/etc/passwd", &place).unwrap();
        assert_eq!(store.verify(&artifact).unwrap(), Verification::Missing);
        assert_eq!(publish().digest, artifact.digest);
        assert_eq!(store.verify(&artifact).unwrap(), Verification::Verified);
        assert!(place.symlink_metadata().unwrap().is_file());
    }
}

/// A tree that fails after its first file.
struct Failing;

impl FileTree for Failing {
    fn read(&self, path: &str) -> Result<Bytes, TreeError> {
        match path {
            "a" => Ok(Bytes::from(vec![1; 1 << 20])),
            _ => Err(TreeError::NotFound { path: path.to_owned() }),
        }
    }
    fn kind(&self, _: &str) -> Result<Option<EntryKind>, TreeError> {
        Ok(Some(EntryKind::File))
    }
    fn list(&self, _: &str) -> Result<Vec<Entry>, TreeError> {
        Ok(["a", "b"].map(|name| Entry { name: name.to_owned(), kind: EntryKind::File }).to_vec())
    }
    fn is_executable(&self, _: &str) -> Result<bool, TreeError> {
        Ok(false)
    }
}

#[test]
fn a_failed_write_leaves_the_last_good_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let draft = draft("fleet", "abc.tar.gz");
    let artifact = store.publish(&draft, &tree(&[("a", "1")]), &IgnoreRules::none()).unwrap();
    assert!(matches!(store.publish(&draft, &Failing, &IgnoreRules::none()), Err(SourceError::Tree(_))));
    assert_eq!(store.verify(&artifact).unwrap(), Verification::Verified);
    assert_eq!(names(&dir.path().join(draft.owner.directory())), ["abc.tar.gz"]);
}

#[test]
fn what_a_crash_left_is_removed_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let artifact =
        store(dir.path()).publish(&draft("fleet", "abc.tar.gz"), &tree(&[]), &IgnoreRules::none()).unwrap();
    let home = dir.path().join(owner("fleet").directory());
    fs::write(home.join(".publish-x1y2"), "half").unwrap();
    let store = store(dir.path());
    assert_eq!(names(&home), ["abc.tar.gz"]);
    assert!(store.verify(&artifact).unwrap().is_verified());
}

#[test]
fn garbage_is_removed_but_never_what_is_advertised() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let publish = |file: &str| {
        let artifact =
            store.publish(&draft("fleet", file), &tree(&[("a", file)]), &IgnoreRules::none()).unwrap();
        let file = fs::File::options().write(true).open(store.local_path(&artifact).unwrap()).unwrap();
        (artifact, file)
    };
    let old = SystemTime::now() - Duration::from_secs(3600);
    let (first, file) = publish("1.tar.gz");
    file.set_modified(old).unwrap();
    let (second, file) = publish("2.tar.gz");
    file.set_modified(old).unwrap();
    let (other, _) = publish("3.tar.gz");
    let home = dir.path().join(owner("fleet").directory());
    fs::write(home.join(".publish-busy"), "another writer's").unwrap();
    std::os::unix::fs::symlink("3.tar.gz", home.join("latest.tar.gz")).unwrap();
    let removed = store.collect_garbage(&owner("fleet"), &[&first]).unwrap();
    assert_eq!(removed, [second.path]);
    assert!(store.verify(&first).unwrap().is_verified());
    assert!(store.verify(&other).unwrap().is_verified());
    assert_eq!(names(&home), [".publish-busy", "1.tar.gz", "3.tar.gz", "latest.tar.gz"]);
    assert!(store.collect_garbage(&owner("nobody"), &[]).unwrap().is_empty());
}

#[test]
fn all_files_of_an_owner_go_with_the_empty_directories() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for name in ["fleet", "other"] {
        store.publish(&draft(name, "abc.tar.gz"), &tree(&[]), &IgnoreRules::none()).unwrap();
    }
    assert!(store.remove_all(&owner("fleet")).unwrap());
    assert!(!store.remove_all(&owner("fleet")).unwrap());
    assert_eq!(names(&dir.path().join("gitrepository/flux-system")), ["other"]);
    assert!(store.remove_all(&owner("other")).unwrap());
    assert!(names(dir.path()).is_empty());
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for part in ["", ".", "..", "a/b", "a\\b", ".hidden", "a\0b", "a\nb"] {
        assert!(ArtifactOwner::new("GitRepository", part, "name").is_err(), "{part:?}");
        assert!(ArtifactOwner::new("GitRepository", "namespace", part).is_err(), "{part:?}");
        assert!(ArtifactOwner::new(part, "namespace", "name").is_err(), "{part:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let good = store.publish(&draft("fleet", "abc.tar.gz"), &tree(&[]), &IgnoreRules::none()).unwrap();
    assert!(store.publish(&draft("fleet", "../abc"), &tree(&[]), &IgnoreRules::none()).is_err());
    for path in ["../../etc/passwd", "/etc/passwd", "a/b/c", "a/b/c/d/e", "a/b/c/.publish-1", "a//c/d"] {
        let mut artifact = good.clone();
        artifact.path = path.to_owned();
        assert!(store.verify(&artifact).is_err(), "{path}");
        assert!(store.open(&artifact).is_err(), "{path}");
    }
}

#[test]
fn readers_never_see_a_half_or_a_missing_advertised_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = StoreOptions::default().retention(Retention { ttl: Duration::ZERO, records: 1 });
    let store = Arc::new(LocalStore::new(dir.path(), "source", options).unwrap());
    let publish = |n: usize| {
        let files = tree(&[("n", n.to_string().as_str())]);
        store.publish(&draft("fleet", &format!("{}.tar.gz", n % 3)), &files, &IgnoreRules::none()).unwrap()
    };
    let advertised = Arc::new(std::sync::Mutex::new(publish(0)));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, advertised, done) = (store.clone(), advertised.clone(), done.clone());
            std::thread::spawn(move || {
                let mut reads = 0;
                while !done.load(Ordering::Relaxed) {
                    // While the lock is held the file is advertised, and garbage is not collected without knowing it.
                    let archive = {
                        let artifact = advertised.lock().unwrap();
                        store.open(&artifact).unwrap()
                    };
                    unpack(archive, &Limits::default(), Links::Refuse).unwrap();
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    for n in 1..300 {
        let artifact = publish(n);
        let mut shown = advertised.lock().unwrap();
        *shown = artifact;
        store.collect_garbage(&owner("fleet"), &[&shown]).unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.join().unwrap() > 0);
    }
}
