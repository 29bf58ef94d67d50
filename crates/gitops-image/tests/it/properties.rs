//! What holds for everything that can be made up.

use bytes::Bytes;
use gitops_image::policy::{Candidate, Filter, Rule};
use gitops_image::setter::{Edits, FileEdit, Marker};
use gitops_image::{Alphabetical, Numerical, Order, Policy, Semver, TagSet};
use gitops_manifest::{ParseOptions, PathPart, parse};
use proptest::prelude::*;

use crate::markers::setters;

/// Lines of YAML with markers here and there; most of such texts can be read.
fn texts() -> impl Strategy<Value = String> {
    let comment = prop_oneof![
        3 => Just(String::new()),
        2 => Just(" # {\"$imagepolicy\": \"apps:web\"}".to_owned()),
        1 => Just("  #{\"$imagepolicy\":\"apps:num:tag\"}".to_owned()),
        1 => Just(" # {\"$imagepolicy\": \"apps:web:digest\"}".to_owned()),
        1 => Just(" # a note".to_owned()),
    ];
    let value = prop_oneof![
        Just("x:1.0"),
        Just("'it''s'"),
        Just("\"q\\n\""),
        Just("1.9"),
        Just("&a x"),
        Just("!!str 5"),
        Just("[a, b]"),
        Just("{a: b}"),
        Just("plain\n      text"),
        Just("~"),
        Just("|-\n      block"),
        Just(">\n      folded"),
    ];
    let entry = (value, comment.clone(), any::<bool>()).prop_map(|(value, comment, is_above)| {
        let (head, rest) =
            value.split_once('\n').map_or((value, String::new()), |(head, rest)| (head, format!("\n{rest}")));
        let above = if is_above && !comment.is_empty() {
            format!("    {}\n", comment.trim_start())
        } else {
            String::new()
        };
        // The comment of a block stands behind its header, that of other texts at their end.
        if head.ends_with(['-', '>']) {
            format!("{above}    - {head}{comment}{rest}\n")
        } else {
            format!("{above}    - {head}{rest}{comment}\n")
        }
    });
    let documents = prop::collection::vec(prop::collection::vec(entry, 1..6), 1..3);
    (documents, any::<bool>()).prop_map(|(documents, is_windows)| {
        let documents: Vec<String> = documents
            .into_iter()
            .map(|entries| format!("kind: A\n\nspec:\n  # the list\n  list:\n{}", entries.concat()))
            .collect();
        let text = documents.join("---\n");
        if is_windows { text.replace('\n', "\r\n") } else { text }
    })
}

fn edit(text: &[u8]) -> Edits {
    let mut edits = Edits::default();
    setters().edit_file("a.yaml", Bytes::copy_from_slice(text), &mut edits);
    edits
}

/// Returns the path and text of every scalar, and where it stands.
fn scalars(text: &[u8]) -> Vec<(Vec<PathPart>, String, std::ops::Range<usize>)> {
    let documents = parse("a.yaml", text, &ParseOptions::kustomize().keep_spans()).unwrap();
    let scalars = documents.iter().flat_map(|document| document.scalars());
    scalars.map(|scalar| (scalar.path.clone(), scalar.text.clone(), scalar.span.clone())).collect()
}

/// Puts the old bytes back where the edits are.
fn undone(file: &FileEdit) -> Vec<u8> {
    let (before, after) = (file.before(), file.after());
    let (mut out, mut from, mut before_from) = (Vec::new(), 0, 0);
    for edit in file.edits() {
        let kept = edit.span.start - before_from;
        out.extend_from_slice(&after[from..from + kept]);
        out.extend_from_slice(&before[edit.span.clone()]);
        from += kept + edit.replacement.len();
        before_from = edit.span.end;
    }
    out.extend_from_slice(&after[from..]);
    out
}

/// Chooses as Flux does: by its own loops, over the tags in the order in which they are stored.
fn by_flux(rule: &str, tags: &TagSet) -> Option<String> {
    let mut latest: Option<&str> = None;
    for tag in tags.iter() {
        let is_later = match (rule, latest) {
            ("asc" | "desc", None) => true,
            ("asc", Some(latest)) => tag.parse::<f64>().unwrap() >= latest.parse().unwrap(),
            ("desc", Some(latest)) => tag.parse::<f64>().unwrap() <= latest.parse().unwrap(),
            (range, latest) => {
                let version = |tag: &str| gitops_expr::constraint::Version::parse(tag).unwrap();
                let is_version =
                    tag.split('.').count() >= 3 && gitops_expr::constraint::Version::parse(tag).is_ok();
                is_version
                    && gitops_expr::constraint::Constraint::parse(range).unwrap().check(&version(tag))
                    && latest.is_none_or(|latest| version(tag) > version(latest))
            }
        };
        if is_later {
            latest = Some(tag);
        }
    }
    latest.map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_changes_the_marked_values_and_nothing_else(text in texts()) {
        let edits = edit(text.as_bytes());
        for file in &edits.files {
            prop_assert_eq!(undone(file), text.as_bytes(), "other bytes than those of the edits changed");
            let mut wanted = scalars(file.before());
            let mut pending = file.edits().iter().peekable();
            for (_, value, span) in &mut wanted {
                // Of a block the edit may begin at its header.
                if let Some(edit) = pending.next_if(|edit| span.contains(&(edit.span.end - 1))) {
                    value.clone_from(&edit.new);
                }
            }
            prop_assert!(pending.peek().is_none());
            let values = |scalars: Vec<(Vec<PathPart>, String, _)>| -> Vec<(Vec<PathPart>, String)> {
                scalars.into_iter().map(|(path, value, _)| (path, value)).collect()
            };
            prop_assert_eq!(values(scalars(file.after())), values(wanted));
            prop_assert!(edit_is_done(file.after()), "edits are idempotent");
        }
    }

    #[test]
    fn no_text_breaks_the_setters(text in "(?s).{0,200}") {
        let _ = Marker::parse(&text);
        let _ = edit(format!("a: {text} # {{\"$imagepolicy\": \"apps:web\"}}\n").as_bytes());
        let _ = edit(format!("{text}\n# {{\"$imagepolicy\": \"apps:web\"}}\n- x\n").as_bytes());
    }

    #[test]
    fn a_decision_does_not_depend_on_the_order_of_the_tags(
        (tags, shuffled) in prop::collection::vec("[0-9v.]{1,4}(\\.[0-9])?(\\.[0-9])?(-[a0.]{1,3})?", 1..30)
            .prop_flat_map(|tags| (Just(tags.clone()), Just(tags).prop_shuffle())),
        extract in prop_oneof![Just(""), Just("$1"), Just("$2.$1")],
    ) {
        let filter = Filter::new("^v?([0-9.]+)\\.([0-9])", extract).unwrap();
        let rules: [Box<dyn Rule>; 5] = [
            Box::new(Semver::new(">=0.0.0-0").unwrap()),
            Box::new(Alphabetical::new(Order::Ascending)),
            Box::new(Alphabetical::new(Order::Descending)),
            Box::new(Numerical::new(Order::Ascending)),
            Box::new(Numerical::new(Order::Descending)),
        ];
        for rule in rules {
            let latest = |tags: &[String]| {
                let mut candidates = tags
                    .iter()
                    .filter_map(|tag| filter.extract(tag).map(|text| Candidate { text, tag: tag.as_str() }));
                rule.latest(&mut candidates).map(|found| found.map(|c| c.tag.to_owned())).map_err(|_| ())
            };
            prop_assert_eq!(latest(&tags), latest(&shuffled), "{}", rule);
        }
    }

    #[test]
    fn without_a_filter_the_decision_is_that_of_flux(
        versions in prop::collection::vec("v?[0-2]\\.[0-2](\\.0?[0-2])?(-[ab0])?(\\+[ab])?", 0..20),
        numbers in prop::collection::vec("-?[0-2]{1,2}(\\.0{0,2})?", 0..20),
        range in prop_oneof![Just(">=0.0.0-0"), Just("1.x"), Just("~1.1 || 2.0.0"), Just("<1.0.0-0")],
    ) {
        let check = |rule: Box<dyn Rule>, name: &str, tags: &[String]| {
            let tags = TagSet::new(tags).unwrap();
            let latest = rule.latest(&mut tags.iter().map(|tag| Candidate { text: tag.into(), tag })).unwrap();
            prop_assert_eq!(latest.map(|found| found.tag.to_owned()), by_flux(name, &tags), "{} of {:?}", name, tags);
            Ok(())
        };
        check(Box::new(Semver::new(range).unwrap()), range, &versions)?;
        check(Box::new(Numerical::new(Order::Ascending)), "asc", &numbers)?;
        check(Box::new(Numerical::new(Order::Descending)), "desc", &numbers)?;
    }

    #[test]
    fn every_tag_has_one_fate_and_the_latest_one_tag(tags in prop::collection::vec("[0-9v.a]{0,6}", 0..20)) {
        let tags = TagSet::new(&tags).unwrap();
        let policy = Policy::with_rule(Semver::new("*").unwrap()).filter(Filter::new("[0-9]", "").unwrap());
        let decision = policy.decide(&tags);
        let summary = decision.summary();
        let others = summary.filtered + summary.refused + summary.beaten + summary.tied + summary.undecided;
        prop_assert_eq!(others + usize::from(decision.latest().is_ok()), tags.len());
    }
}

fn edit_is_done(text: &[u8]) -> bool {
    edit(text).is_empty()
}
