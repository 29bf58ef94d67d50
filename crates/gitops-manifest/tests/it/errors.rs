//! Each refusal names its place.

use gitops_manifest::{ParseError, ParseOptions, parse, parse_objects};

fn check(text: &str, options: &ParseOptions, want: &str) {
    let error = parse_objects("apps/a.yaml", text.as_bytes(), options).unwrap_err();
    assert_eq!(error.to_string(), want, "{text:?}");
    let place = format!("{}:{}:{}: ", error.file(), error.line(), error.column());
    assert!(want.starts_with(&place), "{place:?}");
}

#[test]
fn errors_name_file_line_and_column() {
    let kubectl = ParseOptions::kubectl();
    let kustomize = ParseOptions::kustomize();
    let table = [
        ("a: 1\nb: [1\n", &kubectl, "apps/a.yaml:2:4: unclosed bracket '['"),
        ("a: 1\n---\nb: c: d\n", &kubectl, "apps/a.yaml:3:5: mapping values are not allowed in this context"),
        ("a: 1\n--- b\n", &kubectl, "apps/a.yaml:2:1: only a comment may follow --- on its line"),
        (
            "é: .inf\n",
            &kubectl,
            "apps/a.yaml:1:4: JSON has no number for infinity and not-a-number; quote it to make it text",
        ),
        ("m:\n  ~: a\n", &kubectl, "apps/a.yaml:2:3: a key is null; quote it to make it text"),
        (
            "m:\n  1: a\n",
            &kustomize,
            "apps/a.yaml:2:3: the key \"1\" is a number, kustomize takes only text; quote it",
        ),
        ("m: {[a]: b}\n", &kustomize, "apps/a.yaml:1:5: a key must be a scalar, this is a collection"),
        (
            "a: 1\nb: 2\n\na: 3\n",
            &kustomize,
            "apps/a.yaml:4:1: key \"a\" is already set on line 1; remove one of the two",
        ),
        (
            "x: 1\n---\n\na:\n  b: 2\n  b: 3\n",
            &kustomize,
            "apps/a.yaml:6:3: key \"b\" is already set on line 5; remove one of the two",
        ),
        ("a: &x [*x]\n", &kustomize, "apps/a.yaml:1:8: an anchor's value contains itself"),
        (
            "a: {<<: 1}\n",
            &kustomize,
            "apps/a.yaml:1:9: the merge key << takes a map, or a list of maps written in place",
        ),
        ("a: !!int x\n", &kustomize, "apps/a.yaml:1:10: the value does not fit its tag !!int"),
        ("a: 1\nb: \u{1}\n", &kustomize, "apps/a.yaml:2:4: the character U+0001 is not allowed in YAML"),
        ("a: b\0c\n", &kustomize, "apps/a.yaml:1:5: the character U+0000 is not allowed in YAML"),
        (
            "a: 1\n---\n- b\n",
            &kustomize,
            "apps/a.yaml:3:1: a Kubernetes object must be a map, this is a list",
        ),
        (
            "kind: List\nitems: {}\n",
            &kubectl,
            "apps/a.yaml:1:1: the items of a list must be a list, this is a map",
        ),
        // A carriage return ends a line, as the parser has it, on both sides of a separator.
        ("a: 1\rb: 2\r\n---\nc: [\r\n", &kubectl, "apps/a.yaml:4:4: unclosed bracket '['"),
        // Lines that had to be indented for the parser keep their places.
        (
            "a:\n  b: 'x\ny'\n  c: \"d\ne\" f\n",
            &kubectl,
            "apps/a.yaml:5:4: invalid trailing content after double-quoted scalar",
        ),
    ];
    for (text, options, want) in table {
        check(text, options, want);
    }
}

#[test]
fn strict_refuses_a_key_that_kubectl_lets_win() {
    let text = "a: 1\nb: 2\na: 3\n";
    let documents = parse("a.yaml", text.as_bytes(), &ParseOptions::kubectl()).unwrap();
    assert_eq!(documents[0].value()["a"], 3);
    check(
        text,
        &ParseOptions::kubectl().strict(),
        "apps/a.yaml:3:1: key \"a\" is already set on line 1; remove one of the two",
    );
    // JSON files as well.
    let text = "{\"a\": 1,\n \"a\": 2}";
    assert_eq!(parse("a.json", text.as_bytes(), &ParseOptions::kubectl()).unwrap()[0].value()["a"], 2);
    check(
        text,
        &ParseOptions::kubectl().strict(),
        "apps/a.yaml:2:2: key \"a\" is already set on line 1; remove one of the two",
    );
}

#[test]
fn merged_keys_are_no_duplicates() {
    let text = "p: &x {a: 1}\nq: {<<: *x, a: 2}\nr: {a: 3, <<: *x}\n";
    for options in [ParseOptions::kubectl().strict(), ParseOptions::kustomize()] {
        assert_eq!(parse("a.yaml", text.as_bytes(), &options).unwrap()[0].value()["q"]["a"], 2);
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_refused_with_their_place() {
    let error = parse("a.yaml", b"a: 1\nb: \xff\n", &ParseOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "a.yaml:2:4: the text is not UTF-8");
    let error = parse("a.yaml", b"\xff\xfea\0", &ParseOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "a.yaml:1:1: the text is UTF-16; save it as UTF-8");
    assert!(matches!(error, ParseError::Character { .. }));
}
