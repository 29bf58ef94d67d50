//! Tags and digests of a real registry, over each transport and past each way to authenticate.

use gitops_api::Failure;
use gitops_source::oci::{
    ClientCertificate, ImageName, OciError, OciOptions, ProxyOptions, RegistryCredentials,
};
use gitops_testkit::{
    HttpProxy, PageLinks, REGISTRY_PASSWORD, REGISTRY_USER, Registry, TestkitError, require_registry, skip,
};

use super::{ada, client, image, nobody};

fn sorted(tags: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut tags: Vec<String> = tags.into_iter().collect();
    tags.sort();
    tags
}

#[tokio::test]
async fn anybody_can_ask_an_open_registry() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::start(&program).await.unwrap();
    let first = registry.push("team/app", "1.0.0").await.unwrap();
    let second = registry.push("team/app", "main-0c1f-1606364286").await.unwrap();
    assert_ne!(first, second);
    let client = client(OciOptions::default());
    let app = image(&registry, "team/app");
    let tags = client.list_tags(&app, &nobody()).await.unwrap();
    assert_eq!(tags.pages(), 1);
    assert_eq!(sorted(tags), ["1.0.0", "main-0c1f-1606364286"]);
    assert_eq!(client.digest(&app, "1.0.0", &nobody()).await.unwrap().to_string(), first);
    let second_digest = client.digest(&app, "main-0c1f-1606364286", &nobody()).await.unwrap();
    assert_eq!(second_digest.to_string(), second);
    let requests = registry.requests();
    assert_eq!((requests.greetings, requests.tags, requests.manifests), (1, 1, 2), "{requests:?}");
    assert!(requests.user_agents.iter().flatten().all(|agent| agent.starts_with("gitops-sdk/")));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_flux_words() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::start(&program).await.unwrap();
    registry.push("team/app", "1").await.unwrap();
    let client = client(OciOptions::default());
    let error = client.list_tags(&image(&registry, "team/nope"), &nobody()).await.unwrap_err();
    let want = format!(
        "GET http://{}/v2/team/nope/tags/list?n=1000: NAME_UNKNOWN: repository name not known to registry; \
         map[name:team/nope]",
        registry.host()
    );
    assert_eq!(error.to_string(), want);
    assert_eq!(error.reason(), "ReadOperationFailed");
    assert!(error.is_retryable() && !error.is_terminal());
    let error = client.digest(&image(&registry, "team/app"), "2", &nobody()).await.unwrap_err().to_string();
    assert!(error.starts_with("HEAD http://") && error.contains("unexpected status code 404"), "{error}");
    let error = client.digest(&image(&registry, "team/app"), "../../x", &nobody()).await.unwrap_err();
    assert_eq!(error.to_string(), r#""../../x" is not a tag"#);
}

#[tokio::test]
async fn a_password_opens_a_registry_and_stands_in_no_text() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::builder().with_basic().start(&program).await.unwrap();
    registry.push("team/app", "1").await.unwrap();
    let client = client(OciOptions::default());
    let app = image(&registry, "team/app");
    let check = async |credentials: &RegistryCredentials, want: Result<&[&str], &str>| {
        let got = client.list_tags(&app, credentials).await;
        match (got, want) {
            (Ok(tags), Ok(want)) => assert_eq!(sorted(tags), want),
            (Err(error), Err(want)) => {
                assert!(error.to_string().contains(want), "{error}");
                assert_eq!(error.reason(), "ReadOperationFailed");
                let shown = format!("{error} {error:?} {credentials:?}");
                assert!(!shown.contains(REGISTRY_PASSWORD) && !shown.contains("wr0ng"), "{shown}");
            }
            (got, want) => panic!("{got:?}, not {want:?}"),
        }
    };
    check(&nobody(), Err("UNAUTHORIZED: authentication required")).await;
    check(&ada(), Ok(&["1"])).await;
    // A client does not go on with the credentials that it was first given.
    check(&RegistryCredentials::basic(REGISTRY_USER, "wr0ng".into()), Err("UNAUTHORIZED")).await;
    check(&nobody(), Err("UNAUTHORIZED")).await;
    let config = registry.docker_config();
    let found = RegistryCredentials::from_docker_config(config.as_bytes(), &app).unwrap();
    check(&found, Ok(&["1"])).await;
    assert!(client.digest(&app, "1", &ada()).await.is_ok());
}

#[tokio::test]
async fn tls_needs_an_authority_that_is_known() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::builder().with_tls().with_basic().start(&program).await.unwrap();
    registry.push("team/app", "1").await.unwrap();
    let direct = ImageName::parse(&format!("{}/team/app", registry.direct_host())).unwrap();
    let ca = registry.ca_pem().unwrap();
    for app in [image(&registry, "team/app"), direct] {
        for options in [OciOptions::default(), OciOptions::default().allow_plain_http()] {
            let error = client(options).list_tags(&app, &ada()).await.unwrap_err();
            // No second try over plain http: that would show the password to whoever answers.
            assert!(matches!(error, OciError::Certificate { .. }), "{error:?}");
            let want = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
            assert!(error.to_string().ends_with(want), "{error}");
        }
        let trusting = client(OciOptions::default().with_ca(ca.as_str()));
        assert_eq!(sorted(trusting.list_tags(&app, &ada()).await.unwrap()), ["1"]);
        let insecure = client(OciOptions::default().with_ca(ca.as_str()).allow_plain_http());
        assert_eq!(sorted(insecure.list_tags(&app, &ada()).await.unwrap()), ["1"]);
    }
    let refused = gitops_source::oci::OciClient::new(OciOptions::default().with_ca("no certificate"));
    let error = refused.unwrap_err();
    assert!(matches!(error, OciError::Access { .. }), "{error:?}");
    assert_eq!(error.reason(), "AuthenticationFailed");
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::builder().with_mutual_tls().start(&program).await.unwrap();
    registry.push("team/app", "1").await.unwrap();
    let ours = registry.client_certificate().unwrap().unwrap();
    let pair = ClientCertificate { certificate: ours.certificate.into_bytes(), key: ours.key.into() };
    let options = OciOptions::default().with_ca(registry.ca_pem().unwrap());
    let direct = ImageName::parse(&format!("{}/team/app", registry.direct_host())).unwrap();
    for app in [image(&registry, "team/app"), direct] {
        let error = client(options.clone()).list_tags(&app, &nobody()).await.unwrap_err();
        // The refusal may come as an alert or as an end; but no second try over plain http.
        let refused = matches!(error, OciError::Certificate { .. } | OciError::Network { .. });
        assert!(refused && error.to_string().contains("https://"), "{error:?}");
        let known = client(options.clone().with_client_certificate(pair.clone()));
        assert_eq!(sorted(known.list_tags(&app, &nobody()).await.unwrap()), ["1"]);
    }
}

#[tokio::test]
async fn all_pages_are_read() {
    let Some(program) = require_registry() else { return };
    let registry = Registry::start(&program).await.unwrap();
    // More than are asked for at once.
    let want: Vec<String> = (0..1020).map(|number| format!("v1.{number:04}")).collect();
    registry.push_tags("team/app", &want).await.unwrap();
    let client = client(OciOptions::default());
    let app = image(&registry, "team/app");
    for links in [PageLinks::Relative, PageLinks::Absolute] {
        registry.page_tags(Some((150, links)));
        let tags = client.list_tags(&app, &nobody()).await.unwrap();
        assert_eq!(tags.pages(), 7);
        assert_eq!(tags.into_vec(), want);
    }
    // The registry's own way: docker-registry 2.8 gives all at once, 3.1 a thousand.
    registry.page_tags(None);
    let tags = client.list_tags(&app, &nobody()).await.unwrap();
    println!("the registry itself gave {} pages", tags.pages());
    assert_eq!(sorted(tags), want);
}

#[tokio::test]
async fn a_proxy_stands_in_between() {
    let Some(program) = require_registry() else { return };
    let proxy = match HttpProxy::start(Some(("grace", "hopper"))).await {
        Err(error @ TestkitError::ProgramMissing { .. }) => return skip(&error.to_string()),
        started => started.unwrap(),
    };
    let registry = Registry::builder().with_tls().with_tokens().start(&program).await.unwrap();
    registry.push("team/app", "1").await.unwrap();
    let app = image(&registry, "team/app");
    let options = OciOptions::default().with_ca(registry.ca_pem().unwrap());
    let through = ProxyOptions::new(proxy.url()).with_credentials("grace", "hopper".into());
    let behind = client(options.clone().with_proxy(through));
    assert_eq!(sorted(behind.list_tags(&app, &ada()).await.unwrap()), ["1"]);
    let asked = proxy.requests();
    let connect = format!("CONNECT {} HTTP/1.1", registry.host());
    assert!(!asked.is_empty() && asked.iter().all(|line| *line == connect), "{asked:?}");
    let error = client(options.with_proxy(ProxyOptions::new(proxy.url()))).list_tags(&app, &ada()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, OciError::Network { .. }), "{error:?}");
    assert!(error.to_string().contains("https://"), "no second try over plain http: {error}");
    assert!(!format!("{error} {error:?}").contains("hopper"));
}
