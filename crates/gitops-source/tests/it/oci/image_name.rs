//! Names of images beside go-containerregistry: `tests/go-containerregistry/records.jsonl` holds what it answered,
//! `main.go` beside it recorded that.

use gitops_api::Failure;
use gitops_source::oci::ImageName;
use proptest::prelude::*;
use serde_json::Value;

/// Names that are refused here and not there: addresses that nobody can ask, and paths that no registry has.
const REFUSED: &[&str] = &[
    "::1/app",
    "ghcr.io:99999/a/b",
    "ghcr.io:/a/b",
    ":5000/app",
    "é.io/ab",
    "host.io:5000:6000/app",
    "a.b/c/",
    "a.b//cd",
    "/app",
    "//app",
    "app/",
    "host.io/../b",
];

#[test]
fn names_are_those_of_go_containerregistry() {
    let mut surprises = Vec::new();
    let mut count = 0;
    for record in include_str!("../../go-containerregistry/records.jsonl").lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        let text = record["image"].as_str().unwrap();
        count += 1;
        let got = ImageName::parse(text);
        let got = got.as_ref().map(ToString::to_string).map_err(ToString::to_string);
        let want = match record["canonical"].as_str() {
            Some(_) if REFUSED.contains(&text) => Err(format!("could not parse reference: {text}")),
            Some(name) => Ok(name.to_owned()),
            None => Err(record["error"].as_str().unwrap().to_owned()),
        };
        if got != want {
            surprises.push(format!("{text:?}: {got:?}, not {want:?}"));
        }
    }
    assert!(count > 150, "the records have been read");
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn a_name_that_is_none_needs_another_spec() {
    let error = ImageName::parse("https://ghcr.io/a/b").unwrap_err();
    assert_eq!(error.reason(), "ImageURLInvalid");
    assert!(error.is_terminal() && !error.is_retryable());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_name_reads_as_itself(text in r"([a-z0-9.-]{1,12}(:[0-9]{1,5})?/)?[a-zA-Z0-9._/:@-]{0,20}") {
        if let Ok(name) = ImageName::parse(&text) {
            prop_assert_eq!(ImageName::parse(&name.to_string()).unwrap(), name);
        }
    }
}
