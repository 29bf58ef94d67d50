//! The rules of what a Job makes of the ends of its pods.

use serde_json::{Value, json};

use super::super::names;
use super::fields::{each, has, items, looks, non_negative, one_of, text};
use crate::wire::status::Cause;

const MAX_RULES: usize = 20;
const MAX_CODES: usize = 255;
const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const STATES: [&str; 3] = ["False", "True", "Unknown"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];

fn many(list: &Value, field: &str, limit: usize, causes: &mut Vec<Cause>) {
    let count = items(list).count();
    if count > limit {
        causes.push(Cause::too_many(field, count, limit));
    }
}

/// Asks for one of the values that are known, and tells them.
fn chosen(value: &Value, name: &str, path: &str, known: &[&str], causes: &mut Vec<Cause>) {
    if text(value, name).is_empty() {
        let known: Vec<String> = known.iter().map(|known| format!("{known:?}")).collect();
        let why = format!("valid values: [{}]", known.join(" "));
        causes.push(Cause::required(format!("{path}.{name}"), &why));
    } else {
        one_of(value, name, path, known, causes);
    }
}

/// Checks what fails a Job.
pub(super) fn failure(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let (rules, path) = (&spec["podFailurePolicy"]["rules"], format!("{path}.rules"));
    many(rules, &path, MAX_RULES, causes);
    let pod = &spec["template"]["spec"];
    let containers = || items(&pod["containers"]).chain(items(&pod["initContainers"]));
    for (at, rule) in each(rules, &path) {
        if text(rule, "action") == "FailIndex" {
            if !has(spec, "backoffLimitPerIndex") {
                let why = "requires the backoffLimitPerIndex to be set";
                causes.push(Cause::invalid(format!("{at}.action"), &rule["action"], why));
            }
        } else {
            chosen(rule, "action", &at, &ACTIONS, causes);
        }
        let (codes, conditions) = (&rule["onExitCodes"], &rule["onPodConditions"]);
        if !codes.is_null() {
            let known = |name: &str| containers().any(|container| text(container, "name") == name);
            exit_codes(codes, known, &format!("{at}.onExitCodes"), causes);
        }
        let list = format!("{at}.onPodConditions");
        many(conditions, &list, MAX_RULES, causes);
        for (at, pattern) in each(conditions, &list) {
            looks(&json!(text(pattern, "type")), &format!("{at}.type"), names::qualified_name, causes);
            chosen(pattern, "status", &at, &STATES, causes);
        }
        let why = match (codes.is_null(), items(conditions).next().is_none()) {
            (false, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
            (true, true) => "specifying one of OnExitCodes and OnPodConditions is required",
            _ => continue,
        };
        causes.push(Cause::invalid_unseen(at, why));
    }
}

fn exit_codes(codes: &Value, known: impl Fn(&str) -> bool, path: &str, causes: &mut Vec<Cause>) {
    chosen(codes, "operator", path, &OPERATORS, causes);
    if has(codes, "containerName") && !known(text(codes, "containerName")) {
        let why = "must be one of the container or initContainer names in the pod template";
        causes.push(Cause::invalid(format!("{path}.containerName"), &codes["containerName"], why));
    }
    let (list, field) = (&codes["values"], format!("{path}.values"));
    if items(list).next().is_none() {
        causes.push(Cause::invalid(field.clone(), list, "at least one value is required"));
    } else {
        many(list, &field, MAX_CODES, causes);
    }
    let mut seen: Vec<i64> = Vec::new();
    for (at, value) in each(list, &field) {
        let code = value.as_i64().unwrap_or(0);
        if codes["operator"] == "In" && code == 0 {
            causes.push(Cause::invalid(at.clone(), value, "must not be 0 for the In operator"));
        }
        if seen.contains(&code) {
            causes.push(Cause::duplicate(at, value));
        }
        seen.push(code);
    }
    if !seen.is_sorted() {
        causes.push(Cause::invalid(field, list, "must be ordered"));
    }
}

/// Checks what makes a Job succeed early.
pub(super) fn success(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let rules = &spec["successPolicy"]["rules"];
    if spec["completionMode"] != "Indexed" {
        let each = items(rules).map(|rule| {
            let [indexes, count] = ["succeededIndexes", "succeededCount"].map(|name| &rule[name]);
            format!("{{\"SucceededIndexes\":{indexes},\"SucceededCount\":{count}}}")
        });
        let given = format!("{{\"Rules\":[{}]}}", each.collect::<Vec<_>>().join(","));
        return causes.push(Cause::invalid_as(path, &given, "requires indexed completion mode"));
    }
    let path = format!("{path}.rules");
    if items(rules).next().is_none() {
        let why = "at least one rules must be specified when the successPolicy is specified";
        causes.push(Cause::required(path.clone(), why));
    }
    many(rules, &path, MAX_RULES, causes);
    let completions = spec["completions"].as_i64().unwrap_or(0);
    for (at, rule) in each(rules, &path) {
        let (indexes, count) = (&rule["succeededIndexes"], &rule["succeededCount"]);
        if indexes.is_null() && count.is_null() {
            let why = "at least one of succeededCount or succeededIndexes must be specified";
            causes.push(Cause::required(at.clone(), why));
        }
        let mut total = 0;
        if let Some(text) = indexes.as_str() {
            match intervals(text, completions) {
                Ok(found) => total = found,
                Err(why) => {
                    let why = format!("error parsing succeededIndexes: {why}");
                    causes.push(Cause::invalid(format!("{at}.succeededIndexes"), indexes, &why));
                }
            }
        }
        let Some(wanted) = count.as_i64() else { continue };
        non_negative(rule, "succeededCount", &at, causes);
        let field = format!("{at}.succeededCount");
        if wanted > completions {
            let why =
                format!("must be less than or equal to {completions} (the number of specified completions)");
            causes.push(Cause::invalid(field.clone(), count, &why));
        }
        if !indexes.is_null() && wanted > total {
            let why = format!(
                "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            );
            causes.push(Cause::invalid(field, count, &why));
        }
    }
}

/// Counts indexes as they are written: `1,3-5`.
fn intervals(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let index = |text: &str| {
        let number: i64 =
            text.parse().map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
        if number >= completions { Err(format!("too large index: {text:?}")) } else { Ok(number) }
    };
    let increasing = |previous: i64, current: i64| {
        let why = format!("non-increasing order, previous: {previous}, current: {current}");
        if previous >= current { Err(why) } else { Ok(()) }
    };
    let (mut total, mut last) = (0, None);
    for part in text.split(',') {
        let ends: Vec<&str> = part.split('-').collect();
        if ends.len() > 2 {
            return Err(format!(
                "the fragment {part:?} violates the requirement that an index interval can have at most two parts separated by '-'"
            ));
        }
        let first = index(ends[0])?;
        let end = match ends.get(1) {
            Some(end) => {
                let end = index(end)?;
                increasing(first, end)?;
                end
            }
            None => first,
        };
        if let Some(last) = last {
            increasing(last, first)?;
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}
