//! Git past what stands in between: a server that wants to see a certificate, and a proxy.

use gitops_source::git::{
    ClientCertificate, GitAuth, GitReference, GitRemote, GitStore, ProxyOptions, resolve,
};
use gitops_testkit::{GitServer, HttpProxy, TestkitError, skip};

use super::World;

#[tokio::test]
async fn a_client_shows_its_certificate() {
    gitops_testkit::install_crypto();
    let server = GitServer::start_mutual_tls().await.unwrap();
    let commit = server.repository("app").unwrap().commit("main", &[("a.yaml", "1\n")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = GitStore::open(folder.path()).unwrap();
    let main = GitReference::branch("main");
    let remote = GitRemote::new(server.url("app")).with_ca(server.ca_pem().unwrap());
    let error = resolve(&remote, &main).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("unable to clone '{}': Get \"", server.url("app"))), "{error}");
    assert_eq!(server.requests().total(), 0, "nothing was asked before the handshake");

    let ours = server.client_certificate().unwrap().unwrap();
    let pair = ClientCertificate { certificate: ours.certificate.into_bytes(), key: ours.key.into() };
    let known = remote.clone().with_client_certificate(pair.clone());
    let resolved = resolve(&known, &main).await.unwrap();
    assert_eq!(resolved.commit(), commit);
    let checkout = store.fetch(&known, &resolved).await.unwrap();
    assert_eq!(checkout.commit().id(), commit);

    // A certificate of another authority, and a key that is not the certificate's.
    let stranger = GitServer::start_mutual_tls().await.unwrap().client_certificate().unwrap().unwrap();
    let other =
        ClientCertificate { certificate: stranger.certificate.into_bytes(), key: stranger.key.into() };
    assert!(resolve(&remote.clone().with_client_certificate(other.clone()), &main).await.is_err());
    let mixed = ClientCertificate { certificate: pair.certificate, key: other.key };
    assert!(resolve(&remote.clone().with_client_certificate(mixed), &main).await.is_err());
    let nonsense = ClientCertificate { certificate: b"no certificate".to_vec(), key: "s3cret".into() };
    let error = resolve(&remote.with_client_certificate(nonsense), &main).await.unwrap_err();
    assert!(error.to_string().contains("the client's certificate or key is not PEM"), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_proxy_stands_in_between() {
    gitops_testkit::install_crypto();
    let world = World::new().await;
    let commit = world.repository.commit("main", &[("a.yaml", "1\n")]).unwrap();
    let secure = GitServer::start_tls().await.unwrap();
    let secure_commit = secure.repository("app").unwrap().commit("main", &[("b.yaml", "2\n")]).unwrap();
    let main = GitReference::branch("main");
    for user in [None, Some(("grace", "hopper"))] {
        let proxy = match HttpProxy::start(user).await {
            Err(error @ TestkitError::ProgramMissing { .. }) => return skip(&error.to_string()),
            started => started.unwrap(),
        };
        let options = match user {
            Some((name, password)) => ProxyOptions::new(proxy.url()).with_credentials(name, password.into()),
            None => ProxyOptions::new(proxy.url()),
        };
        // Plain http is asked for by its whole address, https through a tunnel.
        world.server.require_basic("ada", "lovelace");
        let auth = GitAuth::Basic { username: "ada".into(), password: "lovelace".into() };
        let remote = world.remote().with_auth(auth).with_proxy(options.clone());
        let resolved = resolve(&remote, &main).await.unwrap();
        assert_eq!(resolved.commit(), commit);
        world.store.fetch(&remote, &resolved).await.unwrap();
        let asked = proxy.requests();
        let get = format!("GET {}/info/refs?service=git-upload-pack HTTP/1.1", world.server.url("app"));
        assert!(asked.contains(&get), "{asked:?}");
        let post = format!("POST {}/git-upload-pack HTTP/1.1", world.server.url("app"));
        assert!(asked.contains(&post), "{asked:?}");

        let tunnelled =
            GitRemote::new(secure.url("app")).with_ca(secure.ca_pem().unwrap()).with_proxy(options);
        let resolved = resolve(&tunnelled, &main).await.unwrap();
        assert_eq!(resolved.commit(), secure_commit);
        world.store.fetch(&tunnelled, &resolved).await.unwrap();
        let connect = format!("CONNECT {} HTTP/1.1", secure.address());
        assert!(proxy.requests().contains(&connect), "{:?}", proxy.requests());

        if user.is_some() {
            let wrong = ProxyOptions::new(proxy.url()).with_credentials("grace", "wr0ng".into());
            for remote in [world.remote(), GitRemote::new(secure.url("app"))] {
                let error = resolve(&remote.with_proxy(wrong.clone()), &main).await.unwrap_err();
                assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error}");
            }
        }
    }
}
