//! A process that is killed while it fetches leaves a store that the next one can use.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gitops_manifest::FileTree as _;
use gitops_source::git::{GitReference, GitRemote, GitStore, resolve};
use gitops_testkit::{GitFault, GitService};

use super::World;

const BRANCHES: usize = 4;
const URL: &str = "GITOPS_TEST_KILLED_URL";
const FOLDER: &str = "GITOPS_TEST_KILLED_FOLDER";

/// The process that is killed: this test binary, running only this.
#[tokio::test]
#[ignore = "started by a_store_survives_its_process_being_killed_at_any_moment"]
async fn fetches_until_it_is_killed() {
    let (Ok(url), Ok(folder)) = (std::env::var(URL), std::env::var(FOLDER)) else { return };
    let store = GitStore::open(folder).unwrap().with_pack_limit(2);
    let remote = GitRemote::new(url);
    for round in 0.. {
        let reference = GitReference::branch(format!("b{}", round % BRANCHES));
        let resolved = resolve(&remote, &reference).await.unwrap();
        store.fetch(&remote, &resolved).await.unwrap();
    }
}

fn start(world: &World) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "git::killed::fetches_until_it_is_killed", "--ignored"])
        .env(URL, world.server.url("app"))
        .env(FOLDER, world.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn check(world: &World, when: &str) {
    let store = GitStore::open(world.folder.path()).unwrap();
    for branch in 0..BRANCHES {
        let resolved = world.resolve(&GitReference::branch(format!("b{branch}"))).await.unwrap();
        let checkout = store.fetch(&world.remote(), &resolved).await.unwrap();
        for file in 0..100 {
            let content = checkout.read(&format!("d{}/f{file}.yaml", file % 7)).unwrap();
            assert_eq!(content, content_of(branch, file), "killed {when}");
        }
    }
}

fn content_of(branch: usize, file: usize) -> String {
    format!("branch: {}\nfile: {}\n", if file % 10 == branch { branch } else { 0 }, file * 7919)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_survives_its_process_being_killed_at_any_moment() {
    let world = World::new().await;
    for branch in 0..BRANCHES {
        let mut change = world.repository.change(&format!("b{branch}"));
        for file in 0..100 {
            change = change.file(&format!("d{}/f{file}.yaml", file % 7), content_of(branch, file));
        }
        change.commit().unwrap();
    }
    // With half a pack received: at the first, an incremental, and a fresh fetch.
    for fetch in 1..=4 {
        world.server.reset_requests();
        let mut child = start(&world);
        while world.server.requests().fetch < fetch {
            if world.server.requests().fetch + 1 == fetch {
                world.server.heal();
                world.server.fail_next_of(GitService::Fetch, 1, GitFault::Hang);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        world.server.heal();
        check(&world, &format!("in fetch {fetch}")).await;
        std::fs::remove_dir_all(world.folder.path()).unwrap();
    }
    // And wherever it happens to be.
    for milliseconds in [20, 35, 50, 70, 95, 120, 150, 190] {
        let mut child = start(&world);
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        check(&world, &format!("after {milliseconds} ms")).await;
    }
}
