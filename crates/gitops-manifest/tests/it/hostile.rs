//! Texts that want to be more than they are.

use gitops_manifest::{Limits, ParseError, ParseOptions, parse};

fn check(text: &str, limits: Limits, want: &str) {
    for options in [ParseOptions::kubectl(), ParseOptions::kustomize()] {
        let error = parse("a.yaml", text.as_bytes(), &options.limits(limits.clone())).unwrap_err();
        assert!(matches!(error, ParseError::Limit { .. }), "{error}");
        assert_eq!(error.to_string(), format!("a.yaml:{want}; split the file or raise the limit"));
    }
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Ten levels of ten aliases each: 10^10 nodes.
fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "));
    }
    text
}

#[test]
fn every_limit_stops_at_its_place() {
    check("a: 1\nb: 2\n", limits(|it| it.bytes = 9), "1:1: more than 9 bytes");
    check("a: 1\nb: [2, 3]\n", limits(|it| it.nodes = 5), "2:5: more than 5 nodes");
    check("a: 1\n---\nb: 1\n---\nc: 1\n", limits(|it| it.documents = 2), "5:1: more than 2 documents");
    check("a:\n  b:\n    c: 1\n", limits(|it| it.depth = 2), "3:5: more than 2 nested collections");
    check(
        "a: &a {b: {c: 1}}\nd: {e: *a}\n",
        limits(|it| it.depth = 3),
        "2:8: more than 3 nested collections",
    );
    check(
        "a: &a [1, 2]\nb: *a\nc: *a\n",
        limits(|it| it.alias_nodes = 5),
        "3:4: more than 5 nodes from aliases",
    );
    check(
        "a: &a abcdef\nb: *a\nc: *a\n",
        limits(|it| it.alias_bytes = 11),
        "3:4: more than 11 bytes from aliases",
    );
}

#[test]
fn an_alias_bomb_is_refused() {
    check(&bomb(), Limits::default(), "5:45: more than 100000 nodes from aliases");
    let merged = "a: &a {b: &b {<<: &c {d: 1}}}\ne: {<<: [*a, *a]}\n";
    check(merged, limits(|it| it.alias_nodes = 5), "2:14: more than 5 nodes from aliases");
}

#[test]
fn deep_texts_are_refused_and_the_deepest_allowed_is_read() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    check(&deep(121), Limits::default(), "1:121: more than 120 nested collections");
    check(&deep(100_000), Limits::default(), "1:122: more than 120 nested collections");
    let blocks: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    check(&blocks, Limits::default(), "121:121: more than 120 nested collections");
    for options in [ParseOptions::kubectl(), ParseOptions::kustomize()] {
        assert_eq!(parse("a.yaml", deep(120).as_bytes(), &options).unwrap().len(), 1);
        assert_eq!(
            parse("a.json", format!("{{\"a\": {}}}", deep(119)).as_bytes(), &options).unwrap().len(),
            1
        );
        let error = parse("a.json", format!("{{\"a\": {}}}", deep(125)).as_bytes(), &options).unwrap_err();
        assert!(matches!(error, ParseError::Limit { .. }), "{error}");
    }
}

#[test]
fn many_comment_lines_before_the_first_key_are_read() {
    let text = format!("{}a: 1\n", "# comment\n".repeat(10_000));
    for options in [ParseOptions::kubectl(), ParseOptions::kustomize().keep_spans()] {
        assert_eq!(parse("a.yaml", text.as_bytes(), &options).unwrap()[0].value()["a"], 1);
    }
}

#[test]
fn repairs_of_quoted_lines_are_bounded() {
    // Each of these needs the document to be parsed once more; their number would make that quadratic.
    let text: String = (0..20_000).map(|n| format!("k{n}: \"a\nb\"\n")).collect();
    let error = parse("a.yaml", text.as_bytes(), &ParseOptions::kubectl()).unwrap_err();
    assert!(matches!(error, ParseError::Syntax { .. }), "{error}");
    let text: String = (0..100).map(|n| format!("k{n}: \"a\nb\"\n")).collect();
    assert_eq!(parse("a.yaml", text.as_bytes(), &ParseOptions::kubectl()).unwrap()[0].value()["k99"], "a b");
}
