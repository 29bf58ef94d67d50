//! Which commit a reference means, and what finding out costs.

use gitops_source::git::{GitReference, resolve};

use super::World;

/// The revision with `$n` for the hashes that the test made.
async fn check(world: &World, reference: GitReference, commits: &[&String], want: &str) {
    let resolved = world.resolve(&reference).await.unwrap();
    let mut got = resolved.revision().to_string();
    for (number, commit) in commits.iter().enumerate() {
        got = got.replace(commit.as_str(), &format!("${}", number + 1));
    }
    assert_eq!(got, want, "{reference:?}");
}

#[tokio::test]
async fn every_kind_of_reference_resolves_as_flux_records_it() {
    let world = World::new().await;
    let repository = &world.repository;
    let one = repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    repository.tag("light", &one).unwrap();
    let object = repository.annotated_tag("heavy", &one, "a release").unwrap();
    repository.tag("1.0.0", &one).unwrap();
    let two = repository.commit("main", &[("a.yaml", "2\n")]).unwrap();
    repository.tag("v1.2.3", &two).unwrap();
    repository.force("feat/x.1", &two).unwrap();
    let three = repository.commit("main", &[("a.yaml", "3\n")]).unwrap();
    repository.tag("2.0.0-rc.1", &three).unwrap();
    repository.set_reference("refs/pull/420/head", &one).unwrap();
    repository.set_reference("refs/heads/master", &two).unwrap();
    let commits = [&one, &two, &three];

    for old in [false, true] {
        world.server.speak_old_protocol(old);
        check(&world, GitReference::branch("main"), &commits, "main@sha1:$3").await;
        check(&world, GitReference::branch("feat/x.1"), &commits, "feat/x.1@sha1:$2").await;
        check(&world, GitReference::default(), &commits, "master@sha1:$2").await;
        check(&world, GitReference::tag("light"), &commits, "light@sha1:$1").await;
        check(&world, GitReference::tag("heavy"), &commits, "heavy@sha1:$1").await;
        check(&world, GitReference::semver(">=1.0.0"), &commits, "v1.2.3@sha1:$2").await;
        check(&world, GitReference::semver(">=1.0.0-0"), &commits, "2.0.0-rc.1@sha1:$3").await;
        check(&world, GitReference::name("refs/pull/420/head"), &commits, "refs/pull/420/head@sha1:$1").await;
        check(&world, GitReference::name("refs/tags/heavy"), &commits, "refs/tags/heavy@sha1:$1").await;
        check(&world, GitReference::commit(&two), &commits, "sha1:$2").await;
        let pinned = GitReference { branch: Some("main".into()), ..GitReference::commit(&one) };
        check(&world, pinned, &commits, "main@sha1:$1").await;
    }
    let heavy = world.resolve(&GitReference::tag("heavy")).await.unwrap();
    assert_eq!(heavy.tag_object(), Some(object));
    assert_eq!(heavy.reference(), Some("refs/tags/heavy"));
}

#[tokio::test]
async fn finding_out_costs_one_list_of_references() {
    let world = World::new().await;
    let one = world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.repository.tag("v1.0.0", &one).unwrap();
    let references = [
        (GitReference::branch("main"), 1),
        (GitReference::tag("v1.0.0"), 1),
        (GitReference::semver("*"), 1),
        (GitReference::name("refs/heads/main"), 1),
        (GitReference::commit(&one), 0),
    ];
    for (reference, lists) in references {
        world.server.reset_requests();
        world.resolve(&reference).await.unwrap();
        let requests = world.server.requests();
        assert_eq!((requests.info_refs, requests.ls_refs, requests.fetch), (1, lists, 0), "{reference:?}");
    }
    world.server.speak_old_protocol(true);
    world.server.reset_requests();
    world.resolve(&GitReference::branch("main")).await.unwrap();
    assert_eq!(world.server.requests().total(), 1);
}

#[tokio::test]
async fn of_equal_versions_the_youngest_commit_counts() {
    let world = World::new().await;
    let repository = &world.repository;
    let young = repository.change("main").file("a", "1").at(1_800_000_000).commit().unwrap();
    let old = repository.change("main").file("a", "2").at(1_700_000_000).commit().unwrap();
    repository.annotated_tag("1.0.0+a", &young, "young").unwrap();
    repository.tag("1.0.0+b", &old).unwrap();
    repository.tag("0.9.0", &old).unwrap();
    for fetches in [1, 0] {
        world.server.reset_requests();
        let resolved = world.resolve(&GitReference::semver(">=0.1.0")).await.unwrap();
        assert_eq!(resolved.revision().to_string(), format!("1.0.0+a@sha1:{young}"));
        assert_eq!(world.server.requests().fetch, fetches, "dates are asked for once");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_and_credentials_stay_with_their_host() {
    let world = World::new().await;
    let one = world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.server.require_basic("ada", "secret");
    world.server.redirect("old", &world.server.url("app"));
    let old = gitops_source::git::GitRemote::new(world.server.url_with_credentials("old", "ada", "secret"));
    let resolved = resolve(&old, &GitReference::branch("main")).await.unwrap();
    assert_eq!(resolved.commit(), one);
    world.store.fetch(&old, &resolved).await.unwrap();

    let elsewhere = gitops_testkit::GitServer::start().await.unwrap();
    elsewhere.repository("app").unwrap().commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.server.redirect("away", &elsewhere.url("app"));
    let away = gitops_source::git::GitRemote::new(world.server.url_with_credentials("away", "ada", "secret"));
    let resolved = resolve(&away, &GitReference::branch("main")).await.unwrap();
    world.store.fetch(&away, &resolved).await.unwrap();
    assert_eq!(elsewhere.authorizations(), [None, None, None]);
}
