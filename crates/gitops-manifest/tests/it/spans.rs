//! Scalars can be replaced in the bytes they were read from.

use gitops_manifest::{Document, ParseOptions, PathPart, ScalarStyle, parse};

fn documents(text: &str) -> Vec<Document> {
    parse("a.yaml", text.as_bytes(), &ParseOptions::kubectl().keep_spans()).unwrap()
}

/// Every scalar of a text as `source = text`, with `# comment` where there is one.
fn check(text: &str, want: &[&str]) {
    let mut got = Vec::new();
    for document in documents(text) {
        for scalar in document.scalars() {
            let source = &text[scalar.span.clone()];
            let comment = scalar.comment.as_deref().map(|it| format!(" #{it}")).unwrap_or_default();
            got.push(format!("{}:{} {source} = {}{comment}", scalar.line, scalar.column, scalar.text));
        }
    }
    assert_eq!(got, want, "{text}");
}

#[test]
fn spans_cover_the_scalar_with_its_quotes() {
    check("a: b # c\n", &["1:4 b = b # c"]);
    check(
        "é: \"x\\ty\"  # c # d\nl: ['it''s' , z]\n",
        &["1:4 \"x\\ty\" = x\ty # c # d", "2:5 'it''s' = it's", "2:15 z = z"],
    );
    check("a: !!str &x 12 # c\nb: *x # d\nc: *x\n", &["1:13 12 = 12 # c"]);
    check("a:\n- b:\n  c: ~\n", &["2:4  = ", "3:6 ~ = ~"]);
    check("\n---\na: 1\n--- # x\nb: 2 # y\n", &["3:4 1 = 1", "5:4 2 = 2 # y"]);
}

#[test]
fn comments_belong_to_the_scalar_on_their_line() {
    check("a: b\n# c\nd: e\n", &["1:4 b = b", "3:4 e = e"]);
    check("a: [b, c] # d\n", &["1:5 b = b", "1:8 c = c"]);
    check("a: # b\n  c: d\n", &["2:6 d = d"]);
    check("a:\n- b # c\n-   # d\n  e\n", &["2:3 b = b # c", "4:3 e = e"]);
    let document = &documents("# one\na: b # two\n\n# three\n")[0];
    let comments: Vec<_> = document.comments().iter().map(|it| (it.line, it.text.as_str())).collect();
    assert_eq!(comments, [(1, " one"), (2, " two"), (4, " three")]);
}

#[test]
fn places_hold_behind_a_byte_order_mark_carriage_returns_and_repaired_lines() {
    check("\u{feff}a: b # c\r\nd: e\r\n", &["1:4 b = b # c", "2:4 e = e"]);
    let text = "a: \"x\ny\" # c\nb:\n  c: 'é\n\n  z\nw'\nd: e # f\n";
    check(text, &["1:4 \"x\ny\" = x y # c", "4:6 'é\n\n  z\nw' = é\nz w", "8:4 e = e # f"]);
}

#[test]
fn paths_lead_to_the_value() {
    let text =
        "spec:\n  containers:\n  - name: a\n    image: b # {\"$imagepolicy\": \"n:p\"}\n  - {image: c}\n";
    let document = &documents(text)[0];
    let image = document.scalars().iter().find(|scalar| scalar.comment.is_some()).unwrap();
    let key = |text: &str| PathPart::Key(text.to_owned());
    assert_eq!(image.path, [key("spec"), key("containers"), PathPart::Index(0), key("image")]);
    assert_eq!(image.style, ScalarStyle::Plain);
    let mut value = document.value();
    for part in &image.path {
        value = match part {
            PathPart::Key(key) => &value[key],
            PathPart::Index(index) => &value[index],
        };
    }
    assert_eq!(value, "b");
}

#[test]
fn splicing_a_span_changes_that_value_alone() {
    let text = "a: &x 'old' # c\nb: {c: \"old\", d: [old, old]}\ne: |\n  old\nf: old\n";
    let before = documents(text);
    for (index, scalar) in before[0].scalars().iter().enumerate() {
        if scalar.style == ScalarStyle::Literal {
            continue;
        }
        let new = match scalar.style {
            ScalarStyle::SingleQuoted => "'new'",
            ScalarStyle::DoubleQuoted => "\"new\"",
            _ => "new",
        };
        let mut edited = text.to_owned();
        edited.replace_range(scalar.span.clone(), new);
        let after = documents(&edited);
        for (at, (old, new)) in before[0].scalars().iter().zip(after[0].scalars()).enumerate() {
            assert_eq!((&old.path, &old.comment), (&new.path, &new.comment));
            assert_eq!(new.text, if at == index { "new" } else { &old.text });
        }
    }
}
