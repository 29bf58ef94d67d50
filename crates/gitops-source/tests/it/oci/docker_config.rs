//! Docker configs beside go-containerregistry's keychain; see `image_name`.

use gitops_source::oci::{DockerConfig, ImageName, RegistryCredentials};
use serde_json::Value;

/// Configs that are refused there for an entry that is of no use, and of no harm, here.
const LENIENT: &[&str] = &["ghcr.io:x", "gh cr.io", "g[", "127.0.0.1:*"];

#[test]
fn credentials_are_those_of_go_containerregistry() {
    let mut surprises = Vec::new();
    let mut count = 0;
    for record in include_str!("../../go-containerregistry/records.jsonl").lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        let Some(config) = record["config"].as_str() else { continue };
        count += 1;
        let image = ImageName::parse(record["image"].as_str().unwrap()).unwrap();
        let got = RegistryCredentials::from_docker_config(config.as_bytes(), &image);
        let want = match record["credentials"].as_str().unwrap() {
            "refused" if LENIENT.iter().any(|entry| config.contains(entry)) => {
                "RegistryCredentials(Anonymous)".to_owned()
            }
            "refused" => "refused".to_owned(),
            other => match other.split(' ').collect::<Vec<_>>()[..] {
                ["basic", user, ..] => format!("RegistryCredentials(Basic, {user:?})"),
                ["identity", ..] => "RegistryCredentials(Identity)".to_owned(),
                ["bearer", ..] => "RegistryCredentials(Bearer)".to_owned(),
                _ => "RegistryCredentials(Anonymous)".to_owned(),
            },
        };
        let got = got.map_or("refused".to_owned(), |found| format!("{found:?}"));
        if got != want {
            surprises.push(format!("{} with {config}: {got}, not {want}", record["image"]));
        }
    }
    assert!(count > 70, "the records have been read");
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn the_first_of_several_files_goes_before() {
    let file = |registry: &str, user: &str| {
        let json = format!(r#"{{"auths": {{"{registry}": {{"username": "{user}", "password": "p"}}}}}}"#);
        DockerConfig::parse(json.as_bytes()).unwrap()
    };
    let image = ImageName::parse("ghcr.io/a/b").unwrap();
    let check = |config: DockerConfig, want: &str| {
        assert_eq!(
            format!("{:?}", config.credentials(&image)),
            format!("RegistryCredentials(Basic, {want:?})")
        );
    };
    check(file("ghcr.io", "first").merged(file("ghcr.io", "second")), "first");
    check(file("ghcr.io", "first").merged(file("ghcr.io/a", "longer")), "longer");
    check(file("quay.io", "first").merged(file("ghcr.io", "second")), "second");
}

#[test]
fn the_older_form_has_no_auths() {
    let json = br#"{"ghcr.io": {"auth": "dTpw"}}"#;
    let image = ImageName::parse("ghcr.io/a/b").unwrap();
    let found = DockerConfig::parse_legacy(json).unwrap().credentials(&image);
    assert_eq!(format!("{found:?}"), "RegistryCredentials(Basic, \"u\")");
    assert!(DockerConfig::parse(json).unwrap().credentials(&image).is_anonymous());
}

#[test]
fn no_error_repeats_the_file() {
    for json in [
        r#"{"auths": {"ghcr.io": {"auth": "c2VjcmV0"}}}"#,
        r#"{"auths": {"ghcr.io": {"auth": "s3cret!"}}}"#,
        r#"{"auths": {"ghcr.io": {"password": "s3cret" oops}}}"#,
        r#"{"auths": {"ghcr.io": {"password": ["s3cret"]}}}"#,
        r#""s3cret""#,
    ] {
        let error = DockerConfig::parse(json.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("c2VjcmV0") && !shown.contains("secret"),
            "{shown}"
        );
    }
    let found = RegistryCredentials::basic("ada", "s3cret".into());
    assert!(!format!("{found:?}").contains("s3cret"));
}

#[test]
fn a_pattern_of_stars_takes_no_time() {
    let stars = format!("{}b", "*a".repeat(2000));
    let json = format!(r#"{{"auths": {{"{stars}.io": {{"username": "u", "password": "p"}}}}}}"#);
    let image = ImageName::parse(&format!("{}.io/a/b", "a".repeat(200))).unwrap();
    assert!(DockerConfig::parse(json.as_bytes()).unwrap().credentials(&image).is_anonymous());
}
