//! Regular expressions beside Go's: `tests/go-regexp/records.jsonl` holds what Go 1.26's regexp package answered,
//! `main.go` beside it recorded that.

use std::collections::BTreeMap;

use gitops_expr::regexp::Regexp;
use serde_json::Value;

/// Patterns with another answer here, each with the reason.
const DIFFERENT: &[(&str, &str)] = &[];

#[test]
fn answers_are_those_of_go() {
    let questions: Value = serde_json::from_str(include_str!("../go-regexp/questions.json")).unwrap();
    let strings = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let (texts, templates) = (strings(&questions["texts"]), strings(&questions["templates"]));
    let mut surprises = Vec::new();
    let mut count = 0;
    for record in include_str!("../go-regexp/records.jsonl").lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        let text = record["pattern"].as_str().unwrap();
        count += 1;
        let faults = differences(text, &record, &texts, &templates);
        if faults.is_empty() == DIFFERENT.iter().any(|(known, _)| *known == text) {
            surprises.push(format!("{text}: {faults:?}"));
        }
    }
    assert!(count > 350, "the records have been read");
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

fn differences(text: &str, record: &Value, texts: &[String], templates: &[String]) -> Vec<String> {
    let pattern = match (Regexp::new(text), record["error"].as_str()) {
        (Ok(pattern), None) => pattern,
        // A hint may stand behind Go's words.
        (Err(error), Some(want)) if error.to_string().starts_with(want) => return Vec::new(),
        (got, want) => return vec![format!("{got:?}, Go {want:?}")],
    };
    let mut faults = Vec::new();
    let want: BTreeMap<String, Vec<i64>> =
        serde_json::from_value(record["matches"].clone()).unwrap_or_default();
    for text in texts {
        let got = pattern.captures(text).map(|found| {
            let groups = 0..pattern.group_names().len();
            let ends =
                |group| found.range(group).map_or([-1, -1], |range| [range.start as i64, range.end as i64]);
            groups.flat_map(ends).collect::<Vec<i64>>()
        });
        if got.as_ref() != want.get(text) {
            faults.push(format!("on {text:?} {got:?}, Go {:?}", want.get(text)));
        }
        if pattern.is_match(text) != got.is_some() || pattern.find(text).is_some() != got.is_some() {
            faults.push(format!("on {text:?} one method finds what another does not"));
        }
    }
    let expand = record["expand"].as_array().into_iter().flatten();
    for (text, filled) in expand.zip(record["expanded"].as_array().into_iter().flatten()) {
        for (template, want) in templates.iter().zip(filled.as_array().unwrap()) {
            let got = pattern.expand(template, text.as_str().unwrap());
            if got.as_deref() != want.as_str() {
                faults.push(format!("{template:?} becomes {got:?}, Go {want}"));
            }
        }
    }
    faults
}
