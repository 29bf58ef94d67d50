//! Strangers' tags, patterns and files end in an answer or a named error, soon.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gitops_image::policy::{Filter, MAX_EXTRACT_BYTES};
use gitops_image::setter::Edits;
use gitops_image::{Alphabetical, ExclusionList, ImageError, Numerical, Order, Policy, Semver, TagSet};

use crate::markers::setters;

/// Far more than any of it takes on a busy machine without optimisation, and far less than what explodes would.
const SOON: Duration = Duration::from_secs(120);

#[test]
fn large_and_many_tags_are_decided_soon() {
    let started = Instant::now();
    let large = [
        "9".repeat(1 << 20),
        "1.".repeat(1 << 19),
        format!("1.0.0-{}", "a.".repeat(1 << 19)),
        format!("0x{}p1", "f".repeat(1 << 20)),
        "\u{0}\n\u{202e}".repeat(1 << 10),
    ];
    let many = (0..20_000).map(|n| format!("1.{}.{n}", n % 7));
    let tags = TagSet::new(many.chain(large)).unwrap();
    let semver = Policy::with_rule(Semver::new(">=1.0.0-0").unwrap());
    assert_eq!(semver.decide(&tags).into_latest().unwrap(), "1.6.19998");
    let text = semver.decide(&tags).to_string();
    assert!(text.len() < 10_000, "the listing is bounded: {}", text.len());
    let numerical = Policy::with_rule(Numerical::new(Order::Ascending));
    let error = numerical.decide(&tags).into_latest().unwrap_err();
    assert!(error.to_string().len() < 1_000, "an error does not repeat a tag of a megabyte");
    let filter = Filter::new("(a|a|.)*(?P<n>[0-9]+)", "$n").unwrap();
    let filtered = Policy::with_rule(Alphabetical::default()).filter(filter);
    let tags = TagSet::new(tags.iter().map(|tag| tag.get(..tag.len().min(1 << 14)).unwrap_or(tag))).unwrap();
    assert!(filtered.decide(&tags).latest().is_ok());
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn large_patterns_and_templates_are_refused_by_name() {
    let refused = Filter::new("((((a{1000}){1000}){1000}){1000})", "").unwrap_err();
    assert!(
        refused.to_string().starts_with("failed to filter tags: invalid regular expression pattern"),
        "{refused}"
    );
    assert!(matches!(Filter::new(&"a".repeat(1 << 20), ""), Err(ImageError::Filter { .. })));
    assert!(matches!(Filter::new("a", &"$1".repeat(MAX_EXTRACT_BYTES)), Err(ImageError::Policy { .. })));
    assert!(matches!(ExclusionList::new(["[="]), Err(ImageError::Exclusion { .. })));
    assert!(matches!(Semver::new(&"1||".repeat(1 << 16)), Err(ImageError::Policy { .. })));
}

#[test]
fn files_full_of_markers_are_edited_soon() {
    let started = Instant::now();
    let marker = r#"# {"$imagepolicy": "apps:web"}"#;
    let item = format!("{marker}\n- x\n");
    let lines = [
        format!("l:\n{}", item.repeat(20_000)),
        format!("l:\n{}- x\n", format!("{marker}\n").repeat(50_000)),
        format!("a: {}1 {marker}\n", "{a: ".repeat(200)),
        format!("a: x {marker}{}\n", "\"$imagepolicy\"".repeat(100_000)),
        format!("a: |- {marker}\n{}", "\n".repeat(200_000)),
    ];
    for text in lines {
        let mut edits = Edits::default();
        setters().edit_file("a.yaml", Bytes::from(text), &mut edits);
        assert!(edits.files.iter().all(|file| file.edits().len() <= 20_000));
    }
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}
