//! The reader of the usual YAML, held against the full parser.

use proptest::prelude::*;

use crate::beside::check;

#[test]
fn the_usual_is_read_as_the_full_parser_reads_it() {
    let table = [
        "a: 1\nb:\n  c: x y # com\n  # own\n  d:\ne: {f: 1, g: [x, \"y\"]}\n# last\n",
        "l:\n- a: 1\n  b: 2\n- c\n-\n- - x\n  - y\nlit: |\n  foo\n\n   bar\n\nfold: >-\n  foo\n  bar\nz: \"q\\n\"\n",
        "---\n# c\na: # why\n  b: 1\n",
        "- a: 1\n- b:\n    # d\n    x: 1\n  # e\n  y: 2\n",
        "a:\n# c\nb: 1\nc: # d\ne: 1\nf: # g\n# h\n",
        "a: b\n  c\n\n  d # e\nf: 'it''s\n  so'\ng: \"x\n\n   y\"\n",
        "a: |+\n  x\n\n\nb: |-\n  - y\n  # no comment\n# comment\nc: >\n  u\n  v\n\n  w\nd: 1\n",
        "# alone\n\n# and the last\n",
        "\"a b\": c\n'd': \"\"\ne: ''\nf: -1\ng: :x\nh: a:b#c\n",
        "ä: ö # ü\nl: [é, {ß: \"à\"}]\n",
        "a:\n  - |\n    x\n  - y\n",
        "a: x",
        "a: {}\nb: []  # c\nc:\n  plain\nd:\n  'quoted'\n",
    ];
    for text in table {
        assert!(check(text), "{text:?}");
    }
}

#[test]
fn what_is_unusual_is_left_to_the_full_parser() {
    let table = [
        "a: &x 1\n",
        "a: *x\n",
        "a: !!str 1\n",
        "? a\n",
        "%YAML 1.2\n---\na: 1\n",
        "a:\t1\n",
        "a: 1\r\n",
        "a: b: c\n",
        "a: [\n  1]\n",
        "a\n",
        "[a]\n",
        "a: |2\n  x\n",
        "a: 1\n b: 2\n",
        "- a\nb: 1\n",
        "a: 'x\ny'\n",
        "a: 1\n---\nb: 2\n",
        "a: 1\n...\n",
        "a: \"\\x41\"\n",
        "a: }\n",
        "a: @b\n",
        "a: {b}\n",
        "a: [b: c]\n",
        "a: \u{a0}\n",
        "a: 1 #c\n b\n",
    ];
    for text in table {
        assert!(!check(text), "{text:?}");
    }
    let long = "x".repeat(1100);
    for text in [
        format!("{long}: 1\n"),
        format!("a: {{\"{long}\": 1}}\n"),
        format!("a: {}{}\n", "[".repeat(70), "]".repeat(70)),
    ] {
        assert!(!check(&text), "{text:?}");
    }
    assert!(check(
        &format!("a: \"{long}\"\nb: {long}\nc: [\"{long}\", {long}]\n- {long}\n").replace("- ", "d: ")
    ));
    assert!(check(&format!("- \"{long}\"\n- {long}\n")));
}

/// One line of a document, of which most fit one another.
fn line() -> impl Strategy<Value = String> {
    let indent = prop::sample::select(vec![0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 6, 6, 1, 3, 8]);
    let dashes = prop::sample::select(vec!["", "", "", "", "", "- ", "- ", "- ", "- - ", "-", "-   "]);
    let key = prop::sample::select(vec![
        "a: ", "b: ", "c: ", "d:", "e:", "f:", "key: ", "'q': ", "\"q\": ", "x y: ", "", "", "", "a:  ",
        "a : ", "é: ", "<<: ", "1: ", "~: ", "? ", "a:b: ",
    ]);
    let value = prop_oneof![
        8 => prop::sample::select(vec![
            "1", "x", "x y", "true", "~", "", "", "\"x\"", "'x'", "'it''s'", "\"\\n\\\"\"", "2026-01-01", "|", "|-", "|+", ">", ">-", ">+",
            "{}", "[]", "[a, b]", "{a: b}", "{a: [b, \"c\"], d: e f}", "{'a': b,c: d}", "-x", "http://x:80/#y", "a#b", "plain ", "é ß",
        ]),
        1 => prop::sample::select(vec![
            "\"x", "x\"", "'x", "y'", "[a", "b]", "{a: b", "&x", "*x", "!t y", "a: b", "a:", "- a", "\t", "x\ty", "|2", "\"\\u0041\"", "[,]",
            "[a,]", "{a}", "[a: b]", "---", "...", "--- a", "%", "\u{a0}", "\u{85}", "\u{2028}", "\u{feff}", "#", "x #", ": ", "{a:b}", "[a#b]",
            "{\"a\":b}", "[a #b]", "[x:y, :z]", "[-, a]", "\"a\" b", "{} b", "\\", "\"\\\\\"", "\"a\\", "  lead", "{a: b }",
        ]),
    ];
    let tail =
        prop::sample::select(vec!["", "", "", "", "", "", " ", "  ", " # c", "  # c", "# c", "\t", "\r"]);
    let own = prop::sample::select(vec![
        "# c",
        "# c",
        "#",
        "",
        "",
        "",
        "  ",
        "---",
        "...",
        "text",
        "more text",
        "x: y",
        "- t",
        "'q",
        "\"q\" r",
        "> x",
        "[a, b] c",
        "&x *y",
        "!t",
        "@",
        "%a",
        ": x",
        "?",
        "? x",
        "-",
        ":",
        "{",
        "|",
        "a,b",
        "\t",
    ]);
    prop_oneof![
        6 => (indent.clone(), dashes, key, value, tail)
            .prop_map(|(indent, dashes, key, value, tail)| format!("{}{dashes}{key}{value}{tail}", " ".repeat(indent))),
        2 => (indent, own).prop_map(|(indent, own)| format!("{}{own}", " ".repeat(indent))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_read_otherwise(
        texts in prop::collection::vec((prop::collection::vec(line(), 0..7), any::<bool>()), 40)
    ) {
        for (lines, ends) in texts {
            let mut text = lines.join("\n");
            if ends {
                text.push('\n');
            }
            check(&text);
        }
    }

    #[test]
    fn no_characters_are_read_otherwise(text in "[a: \\-#\\n'\"\\[\\]{},|>\\\\]{0,40}") {
        check(&text);
        check(&format!("k: {text}\n"));
    }
}
