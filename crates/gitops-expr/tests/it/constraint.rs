//! Version constraints: the tables of the documentation, the oddities, the limits.

use gitops_expr::Error;
use gitops_expr::constraint::{Constraint, MAX_CONSTRAINT_BYTES, Version};
use proptest::prelude::*;

fn check(constraint: &str, version: &str, want: bool) {
    let got = Constraint::parse(constraint).unwrap().check(&Version::parse(version).unwrap());
    assert_eq!(got, want, "{version} against {constraint}");
}

#[test]
fn wildcards_are_ranges() {
    check("^*", "0.0.0", true);
    check("^*", "1.0.0", false);
    check("<=*", "0.0.9", true);
    check("<=*", "0.1.0", false);
    check("!=*", "0.0.0", false);
    check("!=*", "0.0.1", true);
    check("1.X.9", "1.7.0", true);
    check("v1.2.*", "1.2.9", true);
    check("!=1.2.x-a", "1.2.7-b", true);
    check("!=1.2.x-a", "1.2.7-a", false);
}

#[test]
fn hyphen_ranges_are_rewritten_before_alternatives_are_split() {
    check("1.0||2 - 3", "1.0.0", true);
    check("1.0||2 - 3", "2.0.0", true);
    check("1.0||2 - 3", "9.0.0", true);
    check("1.0||2 - 3", "0.9.0", false);
    check("1 - 2 3 - 4", "3.0.0", false);
    check("1.0 - 2.0 || 4", "4.4.4", true);
}

#[test]
fn improper_constraints_are_refused() {
    for text in [
        "",
        " ",
        "||",
        "1 ||",
        ">1<2",
        "1,,2",
        ",1",
        "1,",
        "> ",
        "1.2.xx",
        "1.2.3.4",
        "1 - 2 - 3",
        ">=1 - 2",
        "é",
        "1 é",
        "|",
        "1|2",
    ] {
        assert!(Constraint::parse(text).is_err(), "{text:?} was taken");
    }
}

#[test]
fn the_text_of_a_refusal_is_the_one_that_flux_users_know() {
    let text = |c: &str| Constraint::parse(c).unwrap_err().to_string();
    assert_eq!(text("not-a-version"), "improper constraint: not-a-version");
    assert_eq!(text("1.0.0-01"), "constraint parser error");
}

#[test]
fn long_constraints_are_refused() {
    let text = "1 ".repeat(MAX_CONSTRAINT_BYTES);
    assert!(matches!(Constraint::parse(&text), Err(Error::ConstraintTooLong { .. })));
}

#[test]
fn flux_takes_tags_with_three_parts_and_one_v() {
    for (text, want) in [
        ("1.2.3", true),
        ("v1.2.3", true),
        ("v1.2.3-rc.1+build", true),
        ("v1.2", false),
        ("1", false),
        ("vv1.2.3", false),
        ("V1.2.3", false),
        ("01.2.3", false),
        ("1..3", false),
        ("", false),
        ("v", false),
    ] {
        let got = Version::parse_strict_flux(text);
        assert_eq!(got.is_ok(), want, "{text:?}");
        if let Ok(version) = got {
            assert_eq!(version.original(), text);
        }
    }
}

#[test]
fn build_metadata_and_spelling_do_not_count() {
    let same = ["1.2", "v1.2.0", "1.2.0+a", "01.2.0+b"].map(|t| Version::parse(t).unwrap());
    for version in &same {
        assert_eq!(version, &same[0]);
    }
}

#[test]
fn prerelease_numbers_beyond_64_bits_order_as_text() {
    let version = |t: &str| Version::parse(t).unwrap();
    assert!(version("1.0.0-99999999999999999999") < version("1.0.0-a"));
    assert!(version("1.0.0-100000000000000000000") < version("1.0.0-99999999999999999999"));
    assert!(version("1.0.0-5") < version("1.0.0-100000000000000000000"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9x*.|v<>=~^!, a\\-+]{0,24}", version in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-z0-9]{1,3})?") {
        if let (Ok(constraint), Ok(version)) = (Constraint::parse(&text), Version::parse(&version)) {
            prop_assert_eq!(constraint.check(&version), constraint.validate(&version).is_ok());
            let again = Constraint::parse(&constraint.to_string()).unwrap();
            prop_assert_eq!(again.check(&version), constraint.check(&version));
        }
    }

    #[test]
    fn a_printed_version_is_strict(text in "v?[0-9]{1,3}(\\.[0-9]{1,3}){0,2}(-[a-z0-9]{1,3})?(\\+[a-z]{1,3})?") {
        if let Ok(version) = Version::parse(&text) {
            prop_assert_eq!(Version::parse_strict(&version.to_string()).unwrap(), version);
        }
    }
}
