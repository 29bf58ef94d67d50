//! Which tag is the latest, and what is said of the others.

use gitops_api::image_v1::{ImagePolicyChoice, TagFilter};
use gitops_image::{Fate, ImageError, Policy, TagSet};
use serde_json::{Value, json};

fn policy(choice: Value, filter: Value) -> Result<Policy, ImageError> {
    let choice: ImagePolicyChoice = serde_json::from_value(choice).unwrap();
    let filter: Option<TagFilter> = serde_json::from_value(filter).unwrap();
    Policy::of(&choice, filter.as_ref())
}

fn semver(range: &str) -> Value {
    json!({"semver": {"range": range}})
}

fn numerical(order: &str) -> Value {
    json!({"numerical": {"order": order}})
}

fn check(choice: Value, filter: Value, tags: &[&str], want: Result<&str, &str>) {
    let set = TagSet::new(tags).unwrap();
    let got =
        policy(choice.clone(), filter).and_then(|policy| Ok(policy.decide(&set).into_latest()?.to_owned()));
    let got = got.map_err(|error| error.to_string());
    assert_eq!(got.as_deref().map_err(String::as_str), want, "{choice} of {tags:?}");
}

#[test]
fn ties_are_settled_whatever_the_order() {
    check(semver("1.x"), Value::Null, &["1.0.0", "v1.0.0"], Ok("v1.0.0"));
    check(semver("1.x"), Value::Null, &["v1.0.0", "1.0.0"], Ok("v1.0.0"));
    check(semver("1.x"), Value::Null, &["1.0.0+a", "1.0.0+b"], Ok("1.0.0+b"));
    check(numerical("asc"), Value::Null, &["1.0", "1.00", "1"], Ok("1"));
    check(numerical("desc"), Value::Null, &["1", "1.00", "1.0"], Ok("1"));
    let number = || json!({"pattern": "-(?P<n>[0-9.]+)$", "extract": "$n"});
    check(numerical("asc"), number(), &["a-7", "b-7", "c-6"], Ok("a-7"));
    check(numerical("asc"), number(), &["b-7", "a-7.0"], Ok("b-7"));
    let letter = || json!({"pattern": "^(.)", "extract": "$1"});
    check(json!({"alphabetical": {}}), letter(), &["b2", "b1", "a9"], Ok("b1"));
}

#[test]
fn the_original_tag_is_chosen_by_what_is_extracted() {
    let filter = || json!({"pattern": "^main-[a-fA-F0-9]+-(?P<ts>.*)", "extract": "$ts"});
    let tags = ["main-ff-1606364286", "main-00-1606364287", "dev-00-9999999999", "latest"];
    check(numerical("asc"), filter(), &tags, Ok("main-00-1606364287"));
    check(numerical("desc"), filter(), &tags, Ok("main-ff-1606364286"));
    // `$tsx` names a group that is not there, so every text is empty, which is no number.
    let unknown = json!({"pattern": "^main-(?P<ts>.*)", "extract": "$tsx"});
    check(numerical("asc"), unknown, &tags, Err("failed to parse invalid numeric value ''"));
    check(numerical("asc"), json!({}), &["3", "12"], Ok("12"));
}

#[test]
fn what_cannot_be_decided_is_said_in_fluxs_words() {
    let all = |choice: Value| (choice, Value::Null, ["1.0.0"]);
    let cases = [
        (
            all(json!({})),
            "invalid policy: given ImagePolicyChoice object is invalid: it names no policy; set semver, alphabetical or numerical",
        ),
        (all(semver("x y z")), "invalid policy: improper constraint: \"x y z\""),
        (
            all(json!({"alphabetical": {"order": "up"}})),
            "invalid policy: invalid order argument provided: 'UP', must be one of: ASC, DESC",
        ),
        (all(semver("2.x")), "unable to determine latest version from provided list"),
        (all(numerical("asc")), "failed to parse invalid numeric value '1.0.0'"),
        (
            (json!({"alphabetical": {}}), json!({"pattern": "^none$"}), ["1.0.0"]),
            "version list argument cannot be empty",
        ),
        (
            (json!({"alphabetical": {}}), json!({"pattern": "(unclosed"}), ["1.0.0"]),
            "failed to filter tags: invalid regular expression pattern '(unclosed': error parsing regexp: missing closing ): `(unclosed`",
        ),
    ];
    for ((choice, filter, tags), want) in cases {
        check(choice, filter, &tags, Err(want));
    }
    check(semver("1.x"), Value::Null, &[], Err("version list argument cannot be empty"));
}

#[test]
fn a_decision_says_of_every_tag_why_it_is_not_the_latest() {
    let policy = policy(semver(">=1.0.0 <2"), json!({"pattern": "^(v?[0-9].*)"})).unwrap();
    let tags =
        TagSet::new(["1.0.0", "v1.2.0", "1.2.0", "1.3.0-rc.1", "2.0.0", "1.4", "dev", "1.1.0"]).unwrap();
    let decision = policy.decide(&tags);
    let fates: Vec<(&str, Fate)> = decision.fates().collect();
    let refused = |reason: &str| Fate::Refused(reason.to_owned());
    assert_eq!(
        fates,
        [
            ("v1.2.0", Fate::Latest),
            ("dev", Fate::Filtered),
            ("2.0.0", refused("\"2.0.0\" is greater than or equal to \"2\"")),
            ("1.4", refused("it is no version of three numbers")),
            (
                "1.3.0-rc.1",
                refused(
                    "\"1.3.0-rc.1\" is a prerelease version and the constraint is only looking for release versions"
                )
            ),
            ("1.2.0", Fate::Tied),
            ("1.1.0", Fate::Beaten),
            ("1.0.0", Fate::Beaten),
        ]
    );
    let text = decision.listing(2).to_string();
    assert_eq!(
        text,
        "v1.2.0 is the latest of 8 tags by semver range \">=1.0.0 <2\" of tags that match \"^(v?[0-9].*)\" \
         (1 tied, 2 beaten, 3 refused, 1 filtered out)\n  v1.2.0: the latest\n  dev: filtered out, the pattern does not match\n  and 6 more\n"
    );
}

#[test]
fn a_failed_decision_names_the_tag_that_failed_it() {
    let policy = policy(numerical("asc"), Value::Null).unwrap();
    let tags = TagSet::new(["12", "seven", "3"]).unwrap();
    assert_eq!(
        policy.decide(&tags).to_string(),
        "none of 3 tags by numerical order, ascending (1 refused, 2 undecided): failed to parse invalid numeric value 'seven'\n  \
         seven: refused, it is no number, which fails the whole policy\n  3: could be the latest\n  12: could be the latest\n"
    );
}
