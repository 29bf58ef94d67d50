//! A registry that is out of order: what is tried again, how long, and what the error is.

use std::time::{Duration, Instant};

use gitops_source::oci::{OciError, OciLimits, OciOptions};
use gitops_testkit::{Registry, RegistryFault, RegistryService, require_registry};

use super::{client, image, nobody};

async fn start() -> Option<Registry> {
    let registry = Registry::start(&require_registry()?).await.unwrap();
    registry.push("team/app", "1").await.unwrap();
    Some(registry)
}

#[tokio::test]
async fn passing_trouble_is_waited_out() {
    let Some(registry) = start().await else { return };
    let app = image(&registry, "team/app");
    let client = client(OciOptions::default());
    let check = async |times: usize, fault: RegistryFault, requests: usize, least: Duration| {
        registry.reset_requests();
        registry.fail_next_of(RegistryService::Tags, times, fault.clone());
        let begun = Instant::now();
        client.list_tags(&app, &nobody()).await.unwrap();
        assert_eq!(registry.requests().tags, requests, "{fault:?}");
        assert!(begun.elapsed() >= least, "{fault:?} took {:?}", begun.elapsed());
    };
    check(1, RegistryFault::TooMany { retry_after: Some(1) }, 2, Duration::from_secs(1)).await;
    check(1, RegistryFault::TooMany { retry_after: None }, 2, Duration::ZERO).await;
    check(2, RegistryFault::Status(503), 3, Duration::ZERO).await;
    check(1, RegistryFault::Status(500), 2, Duration::ZERO).await;
}

#[tokio::test]
async fn lasting_trouble_is_told_within_bounds() {
    let Some(registry) = start().await else { return };
    let app = image(&registry, "team/app");
    let hasty = client(OciOptions::default().with_timeout(Duration::from_secs(3)));
    // Learnt before, so that what fails is the list of tags.
    hasty.list_tags(&app, &nobody()).await.unwrap();
    let fail = async |fault: RegistryFault| {
        registry.heal();
        registry.reset_requests();
        registry.fail_next_of(RegistryService::Tags, 100, fault);
        let begun = Instant::now();
        let error = hasty.list_tags(&app, &nobody()).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(10), "{error}: {:?}", begun.elapsed());
        (error, registry.requests().tags)
    };

    let (error, requests) = fail(RegistryFault::Status(502)).await;
    assert!(matches!(error, OciError::Status { status: 502, .. }), "{error:?}");
    assert_eq!(requests, 4);
    let (error, requests) = fail(RegistryFault::TooMany { retry_after: Some(86_400) }).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(86_400)));
    assert!(error.to_string().ends_with("TOOMANYREQUESTS: slow down"), "{error}");
    assert_eq!(requests, 1, "who is asked to wait for a day does not ask again");
    let (error, requests) = fail(RegistryFault::Status(403)).await;
    assert!(matches!(error, OciError::Status { status: 403, .. }), "{error:?}");
    assert_eq!(requests, 1);
    for fault in [RegistryFault::Hang, RegistryFault::Slow(Duration::from_secs(60))] {
        let (error, _) = fail(fault).await;
        assert!(matches!(error, OciError::Deadline { .. }), "{error:?}");
        assert!(error.to_string().ends_with("context deadline exceeded"), "{error}");
    }
    let (error, _) = fail(RegistryFault::Cut).await;
    assert!(matches!(error, OciError::Network { .. }), "{error:?}");
    let (error, _) = fail(RegistryFault::Garbage).await;
    assert!(matches!(error, OciError::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn pages_without_an_end_end_at_a_limit() {
    let Some(registry) = start().await else { return };
    let app = image(&registry, "team/app");
    registry.fail_next_of(RegistryService::Tags, 1000, RegistryFault::EndlessPages);
    for (limits, what) in [
        (OciLimits::default().with_pages(20), "more than 20 pages"),
        (OciLimits::default().with_tags(20), "more than 20 tags"),
        (OciLimits::default().with_bytes(1000), "more than 1000 bytes"),
    ] {
        let error = client(OciOptions::default().with_limits(limits)).list_tags(&app, &nobody()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, OciError::TooLarge { .. }), "{error:?}");
        assert!(error.to_string().ends_with(what), "{error}");
    }
}

#[tokio::test]
async fn a_digest_that_is_not_told_is_computed() {
    let Some(registry) = start().await else { return };
    let app = image(&registry, "team/app");
    let client = client(OciOptions::default());
    let told = client.digest(&app, "1", &nobody()).await.unwrap();
    registry.reset_requests();
    registry.fail_next_of(RegistryService::Manifest, 2, RegistryFault::NoDigest);
    assert_eq!(client.digest(&app, "1", &nobody()).await.unwrap(), told);
    assert_eq!(registry.requests().manifests, 2);
    registry.fail_next_of(RegistryService::Manifest, 1, RegistryFault::Status(405));
    assert_eq!(client.digest(&app, "1", &nobody()).await.unwrap(), told);
}

#[tokio::test]
async fn nobody_there_is_said_in_gos_words() {
    gitops_testkit::install_crypto();
    let gone = gitops_source::oci::ImageName::parse("127.0.0.1:9/team/app").unwrap();
    let error = client(OciOptions::default()).list_tags(&gone, &nobody()).await.unwrap_err().to_string();
    let want = "Get \"http://127.0.0.1:9/v2/\": dial tcp 127.0.0.1:9: connect: connection refused";
    assert_eq!(error, want);
    let nowhere = gitops_source::oci::ImageName::parse("nowhere.invalid/app").unwrap();
    let error = client(OciOptions::default()).list_tags(&nowhere, &nobody()).await.unwrap_err().to_string();
    assert!(error.ends_with("dial tcp: lookup nowhere.invalid: no such host"), "{error}");
}
