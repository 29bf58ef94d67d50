//! What holds for every value and every text.

use gitops_manifest::{Limits, ParseOptions, parse, parse_objects, to_canonical_json, to_yaml};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Text of the characters and words that YAML reads in a special way.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => "[a-zA-Z0-9]{1,8}",
        8 => prop::sample::select(vec![
            " ", "  ", "\n", "\n\n", "\t", "\r", ":", ": ", " #", "#", "-", "- ", "'", "\"", "\\", ",", "[", "]", "{", "}",
            "&", "*", "!", "|", ">", "%", "@", "`", "?", "~", "=", "<<", "---", "...", ".", "_", "+", "0", "yes", "null",
            "2026-01-01", "0x1f", "1e3", ".inf", "word word ", "é", "😀", "\u{85}", "\u{a0}", "\u{2028}", "\u{feff}", "\u{0}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn resolvers() -> [ParseOptions; 2] {
    [ParseOptions::kubectl(), ParseOptions::kustomize()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_back(value in value()) {
        let value = json!({"value": value});
        let printed = to_yaml(&value);
        for options in resolvers() {
            let documents = parse("printed", printed.as_bytes(), &options).unwrap();
            prop_assert_eq!(documents.len(), 1, "{}", printed);
            // As text, in which 1.0 and 1 are the same number.
            prop_assert_eq!(to_canonical_json(documents[0].value()), to_canonical_json(&value), "{}", printed);
        }
    }

    #[test]
    fn canonical_json_is_read_back(value in value()) {
        let printed = to_canonical_json(&json!({"value": value}));
        for options in [ParseOptions::kubectl(), ParseOptions::kubectl().strict()] {
            // JSON takes some characters bare that YAML refuses.
            if let Ok(documents) = parse("printed", printed.as_bytes(), &options) {
                prop_assert_eq!(to_canonical_json(documents[0].value()), printed.as_str());
            }
        }
    }

    #[test]
    fn no_text_panics_and_every_error_has_a_place(parts in prop::collection::vec(text(), 0..8)) {
        let text = parts.join("\n");
        let lines = text.replace("\r\n", "\n").replace('\r', "\n").matches('\n').count() + 1;
        for options in resolvers() {
            for options in [options.clone(), options.keep_spans().strict()] {
                if let Err(error) = parse_objects("text", text.as_bytes(), &options) {
                    prop_assert!(error.line() >= 1 && error.column() >= 1);
                    prop_assert!(error.line() <= lines + 1, "{error}");
                }
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for options in resolvers() {
            let _ = parse_objects("bytes", &bytes, &options.keep_spans());
        }
    }

    #[test]
    fn spans_lie_inside_the_text(parts in prop::collection::vec(text(), 0..8)) {
        let text = parts.iter().map(|part| format!("- {part}\n")).collect::<String>();
        for options in resolvers() {
            let options = options.keep_spans().limits(Limits::default());
            for document in parse("text", text.as_bytes(), &options).unwrap_or_default() {
                prop_assert!(text.get(document.span()).is_some());
                for scalar in document.scalars() {
                    let source = text.get(scalar.span.clone());
                    prop_assert!(source.is_some(), "{:?}", scalar);
                }
                for comment in document.comments() {
                    let source = text.get(comment.span.clone());
                    prop_assert!(source.is_some_and(|source| source.starts_with('#')), "{:?}", comment);
                }
            }
        }
    }
}
