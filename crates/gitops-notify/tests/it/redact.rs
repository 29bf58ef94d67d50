//! Secrets do not stay in texts.

use gitops_notify::{Redactor, SecretData, mask};
use proptest::prelude::*;

use crate::setup::event;

#[test]
fn masks_as_flux_does() {
    let check = |text: &str, token: &str, want: &str| assert_eq!(mask(text, token.as_bytes()).unwrap(), want);
    check("post with token abc", "abc", "post with token *****");
    check("abcabc xabcy", "abc", "********** x*****y");
    check("post with abccc!", "abc", "post with *****!");
    check("a.c a+c", "a.c", "***** a+c");
    check("nothing", "", "nothing");
    assert!(mask("text", b"\xff\xfe").is_err());
}

#[test]
fn a_secret_is_found_in_every_form_in_which_it_is_told() {
    let redactor = Redactor::of([&SecretData::new([("token", "p@ss \"w/ö\"rd\n"), ("no", "on")])]);
    let check = |text: &str, want: &str| assert_eq!(redactor.text(text), want);
    check("said p@ss \"w/ö\"rd", "said *****");
    check(r#"{"said": "p@ss \"w/ö\"rd"}"#, r#"{"said": "*****"}"#);
    check("q=p%40ss+%22w%2F%C3%B6%22rd&x", "q=*****&x");
    check("cEBzcyAidy/DtiJyZA==", "*****");
    check("turned on and off", "turned on and off");
}

#[test]
fn whoever_stands_before_the_host_of_an_address_is_not_told() {
    let redactor = Redactor::default();
    let check = |text: &str, want: &str| assert_eq!(redactor.text(text), want);
    check("clone 'https://me:pw@git.example/x' failed", "clone 'https://*****@git.example/x' failed");
    check("ssh://git@host/x and git+https://t0ken@host", "ssh://git@host/x and git+https://*****@host");
    check("ssh://git:pw@host ftp://a:b@h", "ssh://*****@host ftp://*****@h");
    check("https://host/path@v1 is fine", "https://host/path@v1 is fine");
    check("main@sha1:0123", "main@sha1:0123");
    check("https://", "https://");
}

#[test]
fn an_event_is_freed_of_secrets_in_message_and_metadata() {
    let mut event = event("app", "token s3cret-value refused");
    event.metadata.insert("event.toolkit.fluxcd.io/note".to_owned(), "s3cret-value".to_owned());
    Redactor::new([b"s3cret-value".as_slice()]).event(&mut event);
    assert_eq!(event.message, "token ***** refused");
    assert_eq!(event.metadata["event.toolkit.fluxcd.io/note"], "*****");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_token_itself_never_remains(token in "[a-c]{1,4}", text in "[a-c ]{0,40}") {
        let masked = mask(&text, token.as_bytes()).unwrap();
        prop_assert!(!masked.contains(&token), "{masked}");
    }

    #[test]
    fn redacting_any_text_ends_and_leaves_no_secret(secret in "\\PC{5,12}", before in "\\PC{0,20}", after in "\\PC{0,20}") {
        let text = Redactor::new([secret.as_bytes()]).text(&format!("{before}{secret}{after}"));
        prop_assert!(!text.contains(&secret) || "*****".contains(&secret) || secret.contains("*"), "{text}");
    }
}
