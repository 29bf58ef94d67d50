//! Holds the crate against corpora that others wrote, read in place from `GITOPS_CORPORA`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::cmp::Ordering;
use std::path::PathBuf;

use gitops_expr::cel::{
    CelError, Environment, Expression, Health, HealthCatalog, HealthExpressions, OutputType,
};
use gitops_expr::constraint::{Constraint, Version};
use gitops_expr::{Error, VersionFault};
use serde_json::{Value, json};

/// Cases that are meant to be answered differently, each with its reason. They still count as failed in the printed line.
const REVIEWED: &[(&str, &str)] = &[];

enum Outcome {
    Passed,
    Failed(String),
    /// The corpus' README lets an implementation go without this.
    Skipped,
}

#[test]
fn masterminds() {
    run("masterminds", judge);
}

#[test]
fn cel_health() {
    run("cel-health", judge_cel);
}

fn run(corpus_name: &str, judge: fn(&Value) -> Outcome) {
    let Some(cases) = corpus(corpus_name) else { return };
    let (mut passed, mut skipped, mut surprises) = (0, 0, Vec::new());
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        match judge(case) {
            Outcome::Passed => passed += 1,
            Outcome::Skipped => skipped += 1,
            Outcome::Failed(why) => {
                println!("  failed {id}: {why}");
                if !REVIEWED.iter().any(|(known, _)| known == &id) {
                    surprises.push(id.to_owned());
                }
            }
        }
    }
    println!("corpus {corpus_name}: {passed}/{}", cases.len());
    if skipped > 0 {
        println!("  skipped {skipped}: detailed_errors=false, which the corpus leaves open");
    }
    assert!(surprises.is_empty(), "{corpus_name}: {surprises:?}");
}

/// The cases of a corpus, or none when its folder is not there.
fn corpus(name: &str) -> Option<Vec<Value>> {
    let root = std::env::var_os("GITOPS_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        |given| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(given),
    );
    let file = root.join(name).join("cases.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        let chosen = std::env::var_os("GITOPS_CORPORA").is_some();
        assert!(
            chosen || std::env::var("CI").as_deref() != Ok("true"),
            "corpus {name} is missing and CI=true"
        );
        println!("corpus {name}: not run, {} is not there", file.display());
        return None;
    };
    Some(text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect())
}

fn judge(case: &Value) -> Outcome {
    let (input, expect) = (&case["input"], &case["expect"]);
    if input["detailed_errors"] == false && expect["ok"] == false {
        return Outcome::Skipped;
    }
    let got = match answer(case["feature"].as_str().unwrap(), input, expect) {
        Ok(got) => got,
        Err(why) => return Outcome::Failed(why),
    };
    for (member, want) in expect.as_object().unwrap() {
        if got[member] != *want {
            return Outcome::Failed(format!("{member}: want {want}, got {} for {input}", got[member]));
        }
    }
    Outcome::Passed
}

/// Everything that an expectation may speak of.
fn answer(feature: &str, input: &Value, expect: &Value) -> Result<Value, String> {
    let text = |name: &str| input[name].as_str().unwrap();
    let read = |name: &str| Version::parse(text(name)).map_err(|e| e.to_string());
    Ok(match feature {
        "parse-strict" => verdict(&Version::parse_strict(text("version"))),
        "parse" | "parse-error" if input["coerce"] == true => verdict(&Version::parse(text("version"))),
        "parse" | "parse-error" => verdict(&Version::parse_short(text("version"))),
        "format" => {
            let number = |name: &str| input[name].as_u64().unwrap();
            let made = Version::new(
                number("major"),
                number("minor"),
                number("patch"),
                text("prerelease"),
                text("metadata"),
            );
            json!({"string": made.map_err(|e| e.to_string())?.to_string()})
        }
        "original" | "string" => describe(&read("version")?),
        "compare" => compare(&read("a")?, &read("b")?, text("op")),
        "increment" => {
            let version = read("version")?;
            let next = match text("part") {
                "major" => version.next_major(),
                "minor" => version.next_minor(),
                "patch" => version.next_patch(),
                other => return Err(format!("unknown part {other}")),
            };
            describe(&next.unwrap())
        }
        "set-prerelease" | "set-metadata" => {
            let version = read("version")?;
            let changed = match feature {
                "set-prerelease" => version.with_prerelease(text("prerelease")),
                _ => version.with_metadata(text("metadata")),
            };
            let mut told = describe(changed.as_ref().unwrap_or(&version));
            if let Err(error) = &changed {
                told["error"] = json!(kind(error));
            }
            told
        }
        "validate-prerelease" => verdict(&Version::new(1, 0, 0, text("text"), "")),
        "validate-metadata" => verdict(&Version::new(1, 0, 0, "", text("text"))),
        "constraint-parse" => parsed(text("constraint"), expect),
        "constraint-string" => {
            json!({"string": Constraint::parse(text("constraint")).map_err(|e| e.to_string())?.to_string()})
        }
        "check" | "check-prerelease" => json!({"result": constraint(input)?.check(&read("version")?)}),
        "validate" | "validate-message" => {
            let (constraint, version) = (constraint(input)?, read("version")?);
            let told = constraint.validate(&version);
            if told.is_ok() != constraint.check(&version) {
                return Err("check and validate disagree".to_owned());
            }
            match told {
                Ok(()) => json!({"result": true, "some_message": false}),
                Err(why) => json!({
                    "result": false,
                    "some_message": !why.reasons().is_empty(),
                    "messages": why.reasons(),
                    "first_message": why.reasons().first(),
                }),
            }
        }
        other => return Err(format!("unknown feature {other}")),
    })
}

fn constraint(input: &Value) -> Result<Constraint, String> {
    let parsed = Constraint::parse(input["constraint"].as_str().unwrap()).map_err(|e| e.to_string())?;
    Ok(if input["include_prerelease"] == true { parsed.include_prereleases() } else { parsed })
}

fn verdict(parsed: &Result<Version, Error>) -> Value {
    match parsed {
        Ok(_) => json!({"ok": true}),
        Err(error) => json!({"ok": false, "error": kind(error)}),
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Version { fault: VersionFault::LeadingZero, .. } => "segment-starts-zero",
        Error::Version { fault: VersionFault::Prerelease, .. } => "invalid-prerelease",
        Error::Version { fault: VersionFault::Metadata, .. } => "invalid-metadata",
        Error::Version { fault: VersionFault::Shape, .. } => "invalid-semver",
        _ => "other",
    }
}

fn describe(version: &Version) -> Value {
    json!({
        "string": version.to_string(),
        "original": version.original(),
        "prerelease": version.prerelease(),
        "metadata": version.metadata(),
    })
}

fn compare(a: &Version, b: &Version, op: &str) -> Value {
    let order = a.cmp(b);
    json!({"result": match op {
        "compare" => json!(order as i8),
        "<" => json!(order == Ordering::Less),
        "<=" => json!(order != Ordering::Greater),
        ">" => json!(order == Ordering::Greater),
        ">=" => json!(order != Ordering::Less),
        _ => json!(a == b),
    }})
}

/// Reads the groups off the printed constraint: comparisons stand without spaces inside, alternatives between `||`.
fn parsed(text: &str, expect: &Value) -> Value {
    let Ok(constraint) = Constraint::parse(text) else { return json!({"ok": false}) };
    let printed = constraint.to_string();
    let groups: Vec<Vec<&str>> = printed.split(" || ").map(|g| g.split(' ').collect()).collect();
    let mut told = json!({"ok": true, "ors": groups.len(), "first_ands": groups[0].len()});
    if expect.get("single").is_some() {
        let operator: String = groups[0][0].chars().take_while(|c| "=!<>~^".contains(*c)).collect();
        let version = Version::parse(&groups[0][0][operator.len()..]).unwrap().to_string();
        let operator = if operator.is_empty() { "=".to_owned() } else { operator };
        told["single"] = json!({"op": operator, "version": version});
    }
    told
}

fn judge_cel(case: &Value) -> Outcome {
    let (input, expect) = (&case["input"], &case["expect"]);
    let got = match (answer_cel(case["feature"].as_str().unwrap(), input), expect["status"] == "Unknown") {
        (Ok(got), _) => got,
        // A poller reads an object whose expression fails as unknown.
        (Err(_), true) => json!({"status": "Unknown"}),
        (Err(error), _) => json!({"error": stage(&error), "text": error.to_string()}),
    };
    for (member, want) in expect.as_object().unwrap().iter().filter(|(member, _)| *member != "error_contains")
    {
        if !same(&got[member], want) {
            return Outcome::Failed(format!("{member}: want {want}, got {got} for {input}"));
        }
    }
    for want in expect["error_contains"].as_array().into_iter().flatten() {
        // What follows the quoted expression is the engine's own.
        let want = want.as_str().unwrap();
        let own = want.rfind("': ").map_or(want, |end| &want[..end + 3]);
        if !got["text"].as_str().unwrap_or_default().contains(own) {
            return Outcome::Failed(format!("want a text with {own:?}, got {got} for {input}"));
        }
    }
    Outcome::Passed
}

/// Numbers are compared by value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn answer_cel(feature: &str, input: &Value) -> Result<Value, CelError> {
    let expression = || Expression::compile(input["expr"].as_str().unwrap(), &environment(&input["options"]));
    let data = || input["data"].as_object().unwrap();
    Ok(match feature {
        "parse" => expression().map(|_| json!({"ok": true}))?,
        "eval" => json!({"result": expression()?.evaluate(data())?}),
        "eval-bool" => json!({"result": expression()?.evaluate_bool(data())?}),
        "eval-string" => json!({"result": expression()?.evaluate_string(data())?}),
        "eval-strings" => json!({"result": expression()?.evaluate_strings(data())?}),
        "new-evaluator" => health(&input["exprs"]).map(|_| json!({"ok": true}))?,
        "evaluate-status" => json!({"status": status(health(&input["exprs"])?.assess(&input["object"])?)}),
        "supports" => {
            let (group, kind) = (input["group"].as_str().unwrap(), input["kind"].as_str().unwrap());
            json!({"supported": catalog(input)?.get(group, kind).is_some()})
        }
        "new-reader" => catalog(input).map(|_| json!({"ok": true}))?,
        "read-status" => json!({"status": status(catalog(input)?.assess(&input["object"])?)}),
        other => panic!("unknown feature {other}"),
    })
}

fn environment(options: &Value) -> Environment {
    let mut environment = Environment::new();
    if options["compile"] == true {
        environment = environment.checked();
    }
    let names = options["variables"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap());
    environment = environment.with_variables(names);
    match options["output_type"].as_str() {
        None => environment,
        Some("bool") => environment.with_output(OutputType::Bool),
        Some("string") => environment.with_output(OutputType::String),
        Some(other) => panic!("unknown output type {other}"),
    }
}

fn health(expressions: &Value) -> Result<HealthExpressions, CelError> {
    let current = expressions["current"].as_str().unwrap_or_default();
    HealthExpressions::new(current, expressions["inProgress"].as_str(), expressions["failed"].as_str())
}

fn catalog(input: &Value) -> Result<HealthCatalog, CelError> {
    let mut catalog = HealthCatalog::new();
    for check in input["healthChecks"].as_array().unwrap() {
        catalog.add(check["apiVersion"].as_str().unwrap(), check["kind"].as_str().unwrap(), health(check))?;
    }
    Ok(catalog)
}

fn status(health: Health) -> String {
    format!("{health:?}")
}

fn stage(error: &CelError) -> &'static str {
    match error {
        CelError::Parse { .. } => "parse",
        CelError::Options => "options",
        CelError::OutputType { .. } => "output-type",
        CelError::NoCurrent => "missing",
        CelError::Evaluate { .. } | CelError::Budget { .. } => "evaluate",
        CelError::ResultType { .. } => "result-type",
        CelError::Duplicate { .. } => "duplicate",
        CelError::Unsupported { .. } => "unsupported",
        CelError::Named { error, .. } | CelError::HealthCheck { error, .. } => stage(error),
        _ => "other",
    }
}
