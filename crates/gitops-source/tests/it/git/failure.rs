//! What failures say: Flux's words, and never a secret.

use std::time::{Duration, Instant};

use gitops_source::git::{GitAuth, GitLimits, GitReference, GitRemote, ProxyOptions, RemoteFailure, resolve};
use gitops_source::{SourceError, git};
use gitops_testkit::{GitFault, GitServer, GitService};

use super::World;

fn main() -> GitReference {
    GitReference::branch("main")
}

/// The text of the error with `$URL` for the repository's address.
async fn check(world: &World, remote: &GitRemote, reference: GitReference, want: &str) -> SourceError {
    let error = resolve(remote, &reference).await.map(drop).unwrap_err();
    assert_eq!(error.to_string().replace(&world.server.url("app"), "$URL"), want, "{reference:?}");
    error
}

#[tokio::test]
async fn what_the_repository_lacks_is_said_in_flux_words() {
    let world = World::new().await;
    let remote = world.remote();
    let empty = "unable to clone: remote repository is empty: git repository: '$URL'";
    for old in [false, true] {
        world.server.speak_old_protocol(old);
        check(&world, &remote, main(), "git repository is empty").await;
        check(&world, &remote, GitReference::tag("v1"), empty).await;
        check(&world, &remote, GitReference::semver("*"), empty).await;
        let listed = "unable to list remote for '$URL': remote repository is empty";
        check(&world, &remote, GitReference::name("refs/heads/main"), listed).await;
    }
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    for old in [false, true] {
        world.server.speak_old_protocol(old);
        let missing = |name: &str| format!("unable to clone '$URL': couldn't find remote ref \"{name}\"");
        check(&world, &remote, GitReference::branch("nope"), &missing("refs/heads/nope")).await;
        check(&world, &remote, GitReference::tag("v1"), &missing("refs/tags/v1")).await;
        let pinned = GitReference { branch: Some("nope".into()), ..GitReference::commit("1".repeat(40)) };
        check(&world, &remote, pinned, &missing("refs/heads/nope")).await;
        let unresolved = "unable to resolve ref 'refs/pull/1/head' to a specific commit";
        check(&world, &remote, GitReference::name("refs/pull/1/head"), unresolved).await;
        check(&world, &remote, GitReference::semver("^2.0.0"), "no match found for semver: ^2.0.0").await;
        check(
            &world,
            &remote,
            GitReference::semver("x y"),
            "semver parse error: improper constraint: \"x y\"",
        )
        .await;
    }
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_named() {
    let world = World::new().await;
    let absent = "00000000000000000000000000000000deadbeef";
    let want = format!("unable to resolve commit object for '{absent}': object not found");
    let text = async |reference: &GitReference| world.checkout(reference).await.unwrap_err().to_string();
    let empty =
        format!("unable to clone: remote repository is empty: git repository: '{}'", world.server.url("app"));
    assert_eq!(text(&GitReference::commit(absent)).await, empty);
    let one = world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    assert_eq!(text(&GitReference::commit(absent)).await, want);
    world.checkout(&main()).await.unwrap();
    let pinned = GitReference { branch: Some("main".into()), ..GitReference::commit(absent) };
    assert_eq!(text(&pinned).await, want);
    assert_eq!(text(&GitReference::commit("main")).await, want.replace(absent, "main"));
    let blob = world.repository.rev_parse(&format!("{one}:a.yaml")).unwrap();
    assert_eq!(text(&GitReference::commit(&blob)).await, want.replace(absent, &blob));
    assert!(world.checkout(&main()).await.is_ok());
}

#[tokio::test]
async fn refusals_carry_what_the_server_said_and_no_secret() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.server.require_basic("ada", "s3cret");
    let denied = "unable to clone '$URL': authentication required: credentials, please";
    check(&world, &world.remote(), main(), denied).await;
    let listed = "unable to list remote for '$URL': authentication required: credentials, please";
    check(&world, &world.remote(), GitReference::name("refs/heads/main"), listed).await;
    let basic = |password: &str| GitAuth::Basic { username: "ada".into(), password: password.into() };
    check(&world, &world.remote().with_auth(basic("wr0ng")), main(), denied).await;
    check(&world, &world.remote().with_auth(GitAuth::Bearer("t0ken".into())), main(), denied).await;
    assert!(resolve(&world.remote().with_auth(basic("s3cret")), &main()).await.is_ok());

    let inside = GitRemote::new(world.server.url_with_credentials("app", "ada", "s3cret"));
    assert!(resolve(&inside, &main()).await.is_ok());
    let error = resolve(&inside, &GitReference::branch("nope")).await.unwrap_err();
    let shown = format!("{error} {error:?} {inside} {inside:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("ada:"), "{shown}");
    assert!(shown.contains("http://*****@127.0.0.1"), "{shown}");

    world.server.require_bearer("t0ken");
    assert!(resolve(&world.remote().with_auth(GitAuth::Bearer("t0ken".into())), &main()).await.is_ok());
    world.server.require_nothing();
    let other = GitRemote::new(world.server.url("other"));
    let error = resolve(&other, &main()).await.unwrap_err();
    let want = format!("unable to clone '{}': repository not found: ", world.server.url("other"));
    assert_eq!(error.to_string(), want);
}

#[tokio::test]
async fn servers_and_networks_that_fail_are_told_apart() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    let get = "Get \"$URL/info/refs?service=git-upload-pack\"";
    for (fault, want) in [
        (GitFault::Status(403), "authorization failed: out of order".to_owned()),
        (
            GitFault::Status(503),
            "unexpected client error: unexpected requesting \"$URL/info/refs?service=git-upload-pack\" status code: 503"
                .to_owned(),
        ),
        (GitFault::Hang, format!("{get}: context deadline exceeded")),
        (GitFault::Slow(Duration::from_secs(30)), format!("{get}: context deadline exceeded")),
    ] {
        world.server.fail_next(1, fault);
        let hasty = world.remote().with_timeout(Duration::from_millis(700));
        let begun = Instant::now();
        check(&world, &hasty, main(), &format!("unable to clone '$URL': {want}")).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    for fault in [GitFault::Cut, GitFault::Garbage] {
        world.server.fail_next(1, fault.clone());
        let error = resolve(&world.remote(), &main()).await.unwrap_err();
        assert!(matches!(error, SourceError::GitRemote { .. }), "{fault:?}: {error}");
        world.server.fail_next_of(GitService::LsRefs, 1, fault.clone());
        let error = resolve(&world.remote(), &main()).await.unwrap_err();
        assert!(matches!(error, SourceError::GitRemote { .. }), "{fault:?}: {error}");
    }
    let dead = GitRemote::new("http://127.0.0.1:9/app.git");
    let error = resolve(&dead, &main()).await.unwrap_err().to_string();
    let want = "unable to clone 'http://127.0.0.1:9/app.git': \
                Get \"http://127.0.0.1:9/app.git/info/refs?service=git-upload-pack\": \
                dial tcp 127.0.0.1:9: connect: connection refused";
    assert_eq!(error, want);
    let nowhere = GitRemote::new("http://nowhere.invalid/app.git");
    let error = resolve(&nowhere, &main()).await.unwrap_err().to_string();
    assert!(error.ends_with("dial tcp: lookup nowhere.invalid: no such host"), "{error}");
    let behind = world.remote().with_proxy(ProxyOptions::new("http://127.0.0.1:9"));
    let want = format!(
        "unable to clone '$URL': {get}: proxyconnect tcp: dial tcp 127.0.0.1:9: connect: connection refused"
    );
    check(&world, &behind, main(), &want).await;
}

#[tokio::test]
async fn addresses_that_cannot_be_used_are_refused_before_anything_is_asked() {
    for (url, want) in [
        (
            "ssh://git@example.com/a.git",
            "cannot parse url 'ssh://*****@example.com/a.git': scheme 'ssh' is not http or https",
        ),
        ("http://", "cannot parse url 'http://': empty host"),
        ("nonsense", "cannot parse url 'nonsense': relative URL without a base"),
    ] {
        let error = resolve(&GitRemote::new(url), &main()).await.unwrap_err();
        assert_eq!(error.to_string(), want);
    }
}

#[tokio::test]
async fn https_needs_an_authority_that_is_known() {
    gitops_testkit::install_crypto();
    let server = GitServer::start_tls().await.unwrap();
    server.repository("app").unwrap().commit("main", &[("a.yaml", "1\n")]).unwrap();
    let remote = GitRemote::new(server.url("app"));
    let error = resolve(&remote, &main()).await.unwrap_err().to_string();
    assert!(error.ends_with("x509: certificate signed by unknown authority"), "{error}");
    let remote = remote.with_ca(server.ca_pem().unwrap());
    assert!(resolve(&remote, &main()).await.is_ok());
    let error = resolve(&remote.with_ca("no certificate"), &main()).await.unwrap_err();
    assert!(matches!(error, SourceError::GitAccess { .. }), "{error}");
}

#[tokio::test]
async fn more_bytes_than_allowed_end_an_operation() {
    let world = World::new().await;
    let noise: String =
        (0..20_000_u64).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    world.repository.commit("main", &[("a.yaml", &noise)]).unwrap();
    let limited = |references, pack| {
        let mut limits = GitLimits::default();
        (limits.references, limits.pack) = (references, pack);
        world.remote().with_limits(limits)
    };
    let error = resolve(&limited(20, 1 << 20), &main()).await.unwrap_err();
    let SourceError::GitRemote { failure, .. } = &error else { panic!("{error}") };
    assert_eq!(failure.to_string(), "list of references is larger than 20 bytes");
    let resolved = resolve(&world.remote(), &main()).await.unwrap();
    let error = world.store.fetch(&limited(1 << 20, 10_000), &resolved).await.unwrap_err();
    let SourceError::GitRemote { failure, .. } = &error else { panic!("{error}") };
    assert_eq!(*failure, RemoteFailure::TooLarge { what: "pack", limit: 10_000 });
    assert!(world.store.fetch(&world.remote(), &resolved).await.is_ok());
}

#[tokio::test]
async fn an_operation_that_nobody_waits_for_ends() {
    let world = World::new().await;
    world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    world.server.fail_next(1, GitFault::Hang);
    let (remote, reference) = (world.remote(), main());
    let waiting = git::resolve(&remote, &reference);
    assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
    // The runtime's end waits for blocking threads: a test that hangs here has failed.
}
