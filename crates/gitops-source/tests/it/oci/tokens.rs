//! Tokens of a token server: who gets one, who shares it, and where credentials do not go.

use gitops_source::oci::{OciClients, OciError, OciOptions, RegistryCredentials};
use gitops_testkit::{
    REGISTRY_IDENTITY_TOKEN, REGISTRY_PASSWORD, REGISTRY_USER, Registry, RegistryBuilder, RegistryFault,
    RegistryService, require_registry,
};

use super::{ada, client, image, nobody};

async fn start(builder: RegistryBuilder) -> Option<Registry> {
    let registry = builder.start(&require_registry()?).await.unwrap();
    registry.push("team/app", "1").await.unwrap();
    registry.push("team/other", "2").await.unwrap();
    Some(registry)
}

#[tokio::test]
async fn a_token_is_shared_by_clones_and_by_nobody_else() {
    let Some(registry) = start(Registry::builder().with_tokens()).await else { return };
    let (app, other) = (image(&registry, "team/app"), image(&registry, "team/other"));
    let clients = OciClients::default();
    gitops_testkit::install_crypto();
    let client = clients.get(&OciOptions::default()).unwrap();
    let (twin, third) = (client.clone(), clients.get(&OciOptions::default()).unwrap());
    let (first, credentials) = (ada(), ada());
    // At once: who comes second waits for the token of who came first.
    let (a, b) = tokio::join!(client.list_tags(&app, &first), twin.list_tags(&app, &credentials));
    assert_eq!((a.unwrap().into_vec(), b.unwrap().into_vec()), (vec!["1".to_owned()], vec!["1".to_owned()]));
    third.digest(&app, "1", &ada()).await.unwrap();
    let requests = registry.requests();
    assert_eq!((requests.greetings, requests.tokens, requests.tags), (1, 1, 2), "{requests:?}");
    // Each repository needs a token of its own.
    client.list_tags(&other, &ada()).await.unwrap();
    assert_eq!(registry.requests().tokens, 2);

    let strangers = [nobody(), RegistryCredentials::basic(REGISTRY_USER, "wr0ng".into())];
    for stranger in &strangers {
        let error = client.list_tags(&app, stranger).await.unwrap_err();
        assert!(matches!(error, OciError::Status { status: 401, .. }), "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("/token?service=") && !shown.contains("wr0ng"), "{shown}");
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let Some(registry) = start(Registry::builder().with_tokens()).await else { return };
    let app = image(&registry, "team/app");
    let client = client(OciOptions::default());
    client.list_tags(&app, &ada()).await.unwrap();
    registry.revoke_tokens();
    registry.reset_requests();
    client.list_tags(&app, &ada()).await.unwrap();
    let requests = registry.requests();
    assert_eq!((requests.tokens, requests.tags), (1, 2), "{requests:?}");
    // A registry that refuses whatever it is shown is not asked for ever.
    registry.reset_requests();
    registry.fail_next_of(RegistryService::Tags, 10, RegistryFault::Status(401));
    let error = client.list_tags(&app, &ada()).await.unwrap_err();
    assert!(matches!(error, OciError::Status { status: 401, .. }), "{error:?}");
    assert_eq!(registry.requests().tags, 2);
}

#[tokio::test]
async fn anybody_gets_a_token_where_the_server_gives_them() {
    let Some(registry) = start(Registry::builder().with_anonymous_tokens()).await else { return };
    let tags = client(OciOptions::default()).list_tags(&image(&registry, "team/app"), &nobody()).await;
    assert_eq!(tags.unwrap().into_vec(), ["1"]);
    assert!(registry.requests().authorizations.iter().flatten().all(|shown| shown.starts_with("Bearer ")));
}

#[tokio::test]
async fn a_refresh_token_is_exchanged() {
    let Some(registry) = start(Registry::builder().with_tokens()).await else { return };
    let app = image(&registry, "team/app");
    let config = format!(
        r#"{{"auths": {{"{}": {{"auth": "PHRva2VuPjo=", "identitytoken": "{REGISTRY_IDENTITY_TOKEN}"}}}}}}"#,
        registry.host()
    );
    let credentials = RegistryCredentials::from_docker_config(config.as_bytes(), &app).unwrap();
    let tags = client(OciOptions::default()).list_tags(&app, &credentials).await.unwrap();
    assert_eq!(tags.into_vec(), ["1"]);
    // It is sent as a form to the token server, and nowhere as a header.
    let shown = registry.requests().authorizations;
    assert!(shown.iter().flatten().all(|shown| !shown.contains(REGISTRY_IDENTITY_TOKEN)), "{shown:?}");
}

#[tokio::test]
async fn credentials_are_not_sent_where_the_registry_has_no_say() {
    let Some(registry) = start(Registry::builder().with_tokens()).await else { return };
    let app = image(&registry, "team/app");
    for realm in [
        "https://evil.example/token",
        "http://169.254.169.254/token",
        "http://localhost:1/token",
        "file:///x",
    ] {
        registry.name_token_server(Some(realm));
        let error = client(OciOptions::default()).list_tags(&app, &ada()).await.unwrap_err();
        assert!(matches!(error, OciError::Realm { .. }), "{error:?}");
        assert!(
            error.to_string().contains(realm) && !error.to_string().contains(REGISTRY_PASSWORD),
            "{error}"
        );
    }
    assert_eq!(registry.requests().tokens, 0);
    registry.name_token_server(None);
    client(OciOptions::default()).list_tags(&app, &ada()).await.unwrap();
}
