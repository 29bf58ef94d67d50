//! What a fetch brings and costs, and what the store survives.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use gitops_manifest::FileTree as _;
use gitops_source::SourceError;
use gitops_source::git::{GitReference, GitRemote, GitStore, resolve};
use gitops_testkit::{GitFault, GitService};

use super::World;

fn main() -> GitReference {
    GitReference::branch("main")
}

fn files(world: &World, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![world.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|found| found == ending) {
                found.push(entry.path());
            }
        }
    }
    found
}

#[tokio::test]
async fn a_second_fetch_brings_only_what_changed() {
    let world = World::new().await;
    let mut change = world.repository.change("main");
    for number in 0..500 {
        // Content that does not compress, so that bytes on the wire tell what was sent.
        let content: String =
            (0..60).map(|line| format!("{:x}\n", (number * 7919 + line) * 2_654_435_761_u64)).collect();
        change = change.file(&format!("dir{}/file{number}.yaml", number % 20), content);
    }
    change.commit().unwrap();
    let first = world.checkout(&main()).await.unwrap();
    let whole = world.server.requests().bytes_sent;

    let two = world.repository.commit("main", &[("dir3/file3.yaml", "changed\n")]).unwrap();
    world.server.reset_requests();
    let second = world.checkout(&main()).await.unwrap();
    let requests = world.server.requests();
    assert_eq!((requests.info_refs, requests.ls_refs, requests.fetch), (1, 1, 1));
    assert!(requests.bytes_sent * 50 < whole, "{} of {whole} bytes", requests.bytes_sent);
    assert_eq!(second.commit().id(), two);
    assert_eq!(second.read("dir3/file3.yaml").unwrap(), "changed\n");
    assert_eq!(second.read("dir4/file4.yaml").unwrap(), first.read("dir4/file4.yaml").unwrap());
    assert_ne!(first.read("dir3/file3.yaml").unwrap(), "changed\n", "the first tree is as it was");
    assert_eq!(first.content_id("dir4").unwrap(), second.content_id("dir4").unwrap());
    assert_ne!(first.content_id("dir3").unwrap(), second.content_id("dir3").unwrap());
}

#[tokio::test]
async fn a_commit_that_is_here_costs_no_fetch_also_after_a_restart() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.checkout(&main()).await.unwrap();
    let again = GitStore::open(world.folder.path()).unwrap();
    for store in [&world.store, &again] {
        world.server.reset_requests();
        let resolved = world.resolve(&main()).await.unwrap();
        let checkout = store.fetch(&world.remote(), &resolved).await.unwrap();
        assert_eq!(checkout.read("a.yaml").unwrap(), "1\n");
        assert_eq!(world.server.requests().fetch, 0);
    }
}

#[tokio::test]
async fn old_commits_other_branches_and_new_roots_are_fetched() {
    let world = World::new().await;
    let one = world.repository.commit("main", &[("a.yaml", "1\n"), ("b.yaml", "b\n")]).unwrap();
    world.repository.commit("main", &[("a.yaml", "2\n")]).unwrap();
    world.repository.force("dev", &one).unwrap();
    world.repository.commit("dev", &[("a.yaml", "dev\n")]).unwrap();
    let check = async |reference: GitReference, want: &str| {
        let checkout = world.checkout(&reference).await.unwrap();
        assert_eq!(checkout.read("a.yaml").unwrap(), want.to_owned(), "{reference:?}");
    };
    check(main(), "2\n").await;
    check(GitReference::commit(&one), "1\n").await;
    check(GitReference::branch("dev"), "dev\n").await;
    // Back to an older commit, and then to a history that shares nothing.
    world.repository.force("main", &one).unwrap();
    check(main(), "1\n").await;
    world.repository.change("main").orphan().file("a.yaml", "root\n").commit().unwrap();
    check(main(), "root\n").await;
    assert!(world.checkout(&main()).await.unwrap().kind("b.yaml").unwrap().is_none());
    world.repository.commit("main", &[("a.yaml", "after\n")]).unwrap();
    check(main(), "after\n").await;
}

#[tokio::test]
async fn servers_of_the_old_protocol_are_fetched_from() {
    let world = World::new().await;
    world.server.speak_old_protocol(true);
    let one = world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    assert_eq!(world.checkout(&main()).await.unwrap().read("a.yaml").unwrap(), "1\n");
    world.repository.commit("main", &[("a.yaml", "2\n")]).unwrap();
    assert_eq!(world.checkout(&main()).await.unwrap().read("a.yaml").unwrap(), "2\n");
    assert_eq!(world.checkout(&GitReference::commit(one)).await.unwrap().read("a.yaml").unwrap(), "1\n");
}

#[tokio::test]
async fn a_store_that_is_broken_is_fetched_anew() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.checkout(&main()).await.unwrap();
    let damage: [fn(&World); 4] = [
        |world| files(world, "pack").iter().for_each(|path| fs::remove_file(path).unwrap()),
        |world| files(world, "idx").iter().for_each(|path| fs::remove_file(path).unwrap()),
        |world| {
            for path in files(world, "pack") {
                let mut bytes = fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0xff;
                fs::remove_file(&path).unwrap();
                fs::write(&path, bytes).unwrap();
            }
        },
        |world| {
            for path in files(world, "pack") {
                let folder = path.parent().unwrap().parent().unwrap().parent().unwrap();
                fs::write(folder.join("held"), "nonsense\n").unwrap();
            }
        },
    ];
    for (number, damage) in damage.into_iter().enumerate() {
        damage(&world);
        // A left-over of a fetch that was killed.
        let folder = files(&world, "idx").pop().and_then(|path| path.parent().map(ToOwned::to_owned));
        if let Some(folder) = folder {
            fs::write(folder.join(".tmpkilled"), "half a pack").unwrap();
        }
        let restarted = GitStore::open(world.folder.path()).unwrap();
        let resolved = world.resolve(&main()).await.unwrap();
        let checkout = restarted.fetch(&world.remote(), &resolved).await.unwrap();
        assert_eq!(checkout.read("a.yaml").unwrap(), "1\n", "damage {number}");
    }
}

#[tokio::test]
async fn packs_that_vanish_under_a_running_store_are_fetched_anew() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n"), ("b.yaml", "b\n")]).unwrap();
    world.checkout(&main()).await.unwrap();
    for ending in ["pack", "idx"] {
        files(&world, ending).iter().for_each(|path| fs::remove_file(path).unwrap());
    }
    assert_eq!(world.checkout(&main()).await.unwrap().read("a.yaml").unwrap(), "1\n");
    for ending in ["pack", "idx"] {
        files(&world, ending).iter().for_each(|path| fs::remove_file(path).unwrap());
    }
    world.repository.commit("main", &[("a.yaml", "2\n")]).unwrap();
    let checkout = world.checkout(&main()).await.unwrap();
    assert_eq!(checkout.read("a.yaml").unwrap(), "2\n");
    assert_eq!(checkout.read("b.yaml").unwrap(), "b\n");
}

#[tokio::test]
async fn packs_do_not_pile_up_and_readers_keep_theirs() {
    let mut world = World::new().await;
    world.store = GitStore::open(world.folder.path()).unwrap().with_pack_limit(3);
    world.repository.commit("main", &[("a.yaml", "0\n"), ("b.yaml", "b\n")]).unwrap();
    let first = world.checkout(&main()).await.unwrap();
    for number in 1..=8 {
        world.repository.commit("main", &[("a.yaml", &format!("{number}\n"))]).unwrap();
        let checkout = world.checkout(&main()).await.unwrap();
        assert_eq!(checkout.read("a.yaml").unwrap(), format!("{number}\n"));
        assert_eq!(checkout.read("b.yaml").unwrap(), "b\n");
    }
    assert_eq!(first.read("a.yaml").unwrap(), "0\n");
    drop(first);
    let packs = files(&world, "pack").len();
    assert_eq!(packs, 3, "nine fetches, three packs at most");
}

#[tokio::test]
async fn fetches_of_one_remote_at_once_all_succeed() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    let reference = main();
    let fetches = (0..8).map(|_| world.checkout(&reference)).collect::<Vec<_>>();
    for checkout in futures::future::join_all(fetches).await {
        assert_eq!(checkout.unwrap().read("a.yaml").unwrap(), "1\n");
    }
    assert_eq!(world.server.requests().fetch, 1);
}

#[tokio::test]
async fn a_fetch_that_breaks_off_leaves_the_store_as_it_was() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.checkout(&main()).await.unwrap();
    world.repository.commit("main", &[("a.yaml", "2\n")]).unwrap();
    for fault in [GitFault::Cut, GitFault::Garbage, GitFault::Status(500), GitFault::Hang] {
        world.server.fail_next_of(GitService::Fetch, 2, fault.clone());
        let remote = world.remote().with_timeout(Duration::from_millis(1500));
        let resolved = world.resolve(&main()).await.unwrap();
        let error = world.store.fetch(&remote, &resolved).await.unwrap_err();
        assert!(error.to_string().starts_with("unable to clone"), "{fault:?}: {error}");
        world.server.heal();
        let old = world.store.fetch(&world.remote(), &resolved).await;
        assert_eq!(old.unwrap().read("a.yaml").unwrap(), "2\n", "{fault:?}");
        world.repository.commit("main", &[("a.yaml", "2\n"), ("b.yaml", &format!("{fault:?}"))]).unwrap();
    }
}

#[tokio::test]
async fn a_commit_must_be_on_the_branch_that_joins_it() {
    let world = World::new().await;
    let one = world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    let two = world.repository.commit("main", &[("a.yaml", "2\n")]).unwrap();
    world.repository.force("dev", &one).unwrap();
    let other = world.repository.commit("dev", &[("a.yaml", "dev\n")]).unwrap();
    let pinned = |commit: &str| GitReference { branch: Some("main".into()), ..GitReference::commit(commit) };
    // Also when it is here by another way.
    world.checkout(&GitReference::branch("dev")).await.unwrap();
    for old in [false, true] {
        world.server.speak_old_protocol(old);
        assert_eq!(world.checkout(&pinned(&one)).await.unwrap().read("a.yaml").unwrap(), "1\n");
        assert_eq!(world.checkout(&pinned(&two)).await.unwrap().read("a.yaml").unwrap(), "2\n");
        let error = world.checkout(&pinned(&other)).await.unwrap_err().to_string();
        assert_eq!(error, format!("unable to resolve commit object for '{other}': object not found"));
    }
    assert_eq!(world.checkout(&GitReference::commit(&other)).await.unwrap().read("a.yaml").unwrap(), "dev\n");
}

#[tokio::test]
async fn what_was_resolved_at_one_address_opens_no_other() {
    let world = World::new().await;
    let secret = world.repository.commit("main", &[("a.yaml", "secret\n")]).unwrap();
    world.checkout(&main()).await.unwrap();
    let open = GitRemote::new(world.server.url("open"));
    world.server.repository("open").unwrap().commit("main", &[("a.yaml", "open\n")]).unwrap();
    let resolved = resolve(&open, &GitReference::commit(&secret)).await.unwrap();
    let error = world.store.fetch(&world.remote(), &resolved).await.unwrap_err();
    assert!(matches!(error, SourceError::GitAccess { .. }), "{error}");
}

#[tokio::test]
async fn stores_that_are_not_used_are_removed() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.checkout(&main()).await.unwrap();
    assert_eq!(world.store.remove_unused(Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(world.store.remove_unused(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 0);
    assert_eq!(world.checkout(&main()).await.unwrap().read("a.yaml").unwrap(), "1\n");
}

#[tokio::test]
async fn a_reader_of_a_removed_store_does_not_take_the_next_one_with_it() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    let old = world.checkout(&main()).await.unwrap();
    world.store.remove(&world.remote()).await.unwrap();
    let new = world.checkout(&main()).await.unwrap();
    drop(old);
    assert_eq!(new.read("a.yaml").unwrap(), "1\n");
    assert_eq!(world.checkout(&main()).await.unwrap().read("a.yaml").unwrap(), "1\n");
}

#[tokio::test]
async fn a_removed_store_is_gone_and_its_readers_read_on() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    let checkout = world.checkout(&main()).await.unwrap();
    world.store.remove(&world.remote()).await.unwrap();
    assert_eq!(checkout.read("a.yaml").unwrap(), "1\n");
    drop(checkout);
    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 0);
    assert_eq!(world.checkout(&main()).await.unwrap().read("a.yaml").unwrap(), "1\n");
    let restarted = GitStore::open(world.folder.path()).unwrap();
    restarted.remove(&world.remote()).await.unwrap();
    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 0);
}
