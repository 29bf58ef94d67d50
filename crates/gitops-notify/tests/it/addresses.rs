//! Where messages may go.

use std::net::IpAddr;

use gitops_notify::NotifyError;
use gitops_notify::provider::{AddressPolicy, Clients, Credentials, Settings, provider};

use crate::setup::{event, provider_of};
use crate::sink::{Sink, answer};

#[test]
fn every_way_to_write_a_forbidden_address_is_known() {
    let check = |address: &str, off_machine: Option<&str>, public: Option<&str>| {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(AddressPolicy::Any.refuses(address), None);
        assert_eq!(AddressPolicy::OffMachine.refuses(address), off_machine, "{address}");
        assert_eq!(AddressPolicy::Public.refuses(address), public, "{address}");
    };
    let both = |address: &str, place: &str| check(address, Some(place), Some(place));
    both("127.0.0.1", "loopback");
    both("127.9.9.9", "loopback");
    both("0.0.0.0", "loopback");
    both("::1", "loopback");
    both("::", "loopback");
    both("::ffff:127.0.0.1", "loopback");
    both("64:ff9b::7f00:1", "loopback");
    both("169.254.169.254", "link-local");
    both("::ffff:169.254.169.254", "link-local");
    both("fe80::1", "link-local");
    both("224.0.0.1", "multicast or reserved");
    both("255.255.255.255", "multicast or reserved");
    both("ff02::1", "multicast or reserved");
    check("10.1.2.3", None, Some("private"));
    check("172.16.0.1", None, Some("private"));
    check("192.168.1.1", None, Some("private"));
    check("100.64.0.1", None, Some("private"));
    check("fd00::1", None, Some("private"));
    check("203.0.112.1", None, None);
    check("2606:4700::1111", None, None);
}

async fn send(address: &str, policy: AddressPolicy) -> Result<(), NotifyError> {
    let object = provider_of("p", serde_json::json!({"type": "generic", "address": address}));
    let settings = Settings::new(&object.spec, &Credentials::default(), &Default::default()).unwrap();
    let wire = Clients::new(policy).wire(&settings).unwrap();
    provider(&settings).unwrap().deliver(&event("app", "m"), &wire).await
}

#[tokio::test]
async fn loopback_is_refused_however_it_is_named_and_reached() {
    let sink = Sink::start(|_, _| answer(200, "")).await;
    let port = sink.url().rsplit_once(':').unwrap().1.to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"] {
        let refused = send(&format!("http://{host}:{port}/"), AddressPolicy::OffMachine).await;
        assert!(
            matches!(refused, Err(NotifyError::ForbiddenAddress { place: "loopback" })),
            "{host}: {refused:?}"
        );
    }
    assert!(sink.got().is_empty());
    send(&sink.url(), AddressPolicy::Any).await.unwrap();
    assert_eq!(sink.got().len(), 1);
}

#[tokio::test]
async fn redirects_do_not_carry_a_message_to_another_host() {
    let other = Sink::start(|_, _| answer(200, "")).await;
    let target = other.url();
    let check = async |status: u16, location: String, want: Option<u16>| {
        let sink = Sink::start(move |number, _| {
            let mut first = answer(status, "").unwrap();
            first.headers_mut().insert("Location", location.parse().unwrap());
            if number == 0 { Some(first) } else { answer(200, "") }
        })
        .await;
        let sent = send(&sink.url(), AddressPolicy::Any).await;
        match (sent, want) {
            (Err(NotifyError::Redirected { status }), Some(want)) => assert_eq!(status, want),
            (Ok(()), None) => assert_eq!(sink.got()[1].body, sink.got()[0].body, "the whole message went on"),
            (other, want) => panic!("{status}: {other:?}, want {want:?}"),
        }
    };
    for status in [301, 302, 303, 307, 308] {
        check(status, format!("{target}/x"), Some(status)).await;
    }
    check(302, "/elsewhere".to_owned(), Some(302)).await;
    check(307, "/elsewhere".to_owned(), None).await;
    check(308, "/elsewhere".to_owned(), None).await;
    assert!(other.got().is_empty());
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let sink = Sink::start(|_, _| {
        let mut again = answer(307, "").unwrap();
        again.headers_mut().insert("Location", "/again".parse().unwrap());
        Some(again)
    })
    .await;
    assert!(matches!(
        send(&sink.url(), AddressPolicy::Any).await,
        Err(NotifyError::Redirected { status: 307 })
    ));
    assert_eq!(sink.got().len(), 4);
}
