//! Custom resources: what is stored of empty metadata and of numbers, and what rules may cost. Answers were recorded from
//! kube-apiserver 1.35.4.

use gitops_sandbox::Sandbox;
use http::Request;
use serde_json::{Value, json};

use super::openapi::send;

const THINGS: &str = "/apis/example.com/v1/namespaces/default/things";
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

async fn ask(sandbox: &Sandbox, method: &str, path: &str, media: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header("content-type", media);
    let answer = send(sandbox, request.body(body.to_owned().into()).unwrap()).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

/// Starts a sandbox with a kind whose spec has these properties.
async fn with_things(properties: Value) -> Sandbox {
    let sandbox = Sandbox::start();
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "subresources": {"scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": properties},
                }}},
            }],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (status, answer) = ask(&sandbox, "POST", path, "application/json", &definition.to_string()).await;
    assert_eq!(status, 201, "{answer}");
    sandbox
}

fn thing(name: &str, metadata: &Value, spec: &str) -> String {
    let mut all = json!({"name": name});
    all.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    format!(r#"{{"apiVersion":"example.com/v1","kind":"Thing","metadata":{all},"spec":{spec}}}"#)
}

/// Plays writes that change nothing but what they say of metadata, and returns which of them were stored.
async fn stored(sandbox: &Sandbox, name: &str, steps: &[(&str, Value)]) -> String {
    let mut before = Value::Null;
    let mut marks = String::new();
    for (step, metadata) in steps {
        let path = format!("{THINGS}/{name}?fieldManager=m");
        let whole = thing(name, metadata, r#"{"replicas":2}"#);
        let patch = json!({"metadata": metadata, "spec": {"replicas": 2}}).to_string();
        let (status, answer) = match *step {
            "post" => {
                ask(sandbox, "POST", &format!("{THINGS}?fieldManager=m"), "application/json", &whole).await
            }
            "apply" => ask(sandbox, "PATCH", &format!("{path}&force=true"), APPLY, &whole).await,
            "merge" => ask(sandbox, "PATCH", &path, MERGE, &patch).await,
            "scale" => {
                let path = format!("{THINGS}/{name}/scale?fieldManager=other");
                ask(sandbox, "PATCH", &path, MERGE, r#"{"spec":{"replicas":2}}"#).await
            }
            _ => {
                ask(sandbox, "DELETE", &format!("{THINGS}/{name}?propagationPolicy=Foreground"), "", "").await
            }
        };
        assert!(status < 300, "{step}: {answer}");
        let revision = &answer["metadata"]["resourceVersion"];
        marks.push(if *revision == before { '=' } else { '+' });
        before = revision.clone();
        for name in ["labels", "annotations", "ownerReferences", "generateName"] {
            assert!(answer["metadata"].get(name).is_none(), "{step}: {answer}");
        }
    }
    marks
}

#[tokio::test]
async fn what_was_applied_with_empty_metadata_is_stored_again_by_the_next_write() {
    let sandbox = with_things(json!({"replicas": {"type": "integer"}})).await;
    let cases = [
        (json!({}), "++======"),
        (json!({"labels": {}}), "++++++++"),
        (json!({"labels": null}), "++++++++"),
        (json!({"annotations": {}, "labels": {}}), "++++++++"),
        (json!({"finalizers": []}), "++++++++"),
        (json!({"ownerReferences": []}), "++++++++"),
        (json!({"generateName": ""}), "++++++++"),
        (json!({"creationTimestamp": null}), "++======"),
        (json!({"uid": ""}), "++======"),
        (json!({"namespace": ""}), "++======"),
        (json!({"selfLink": ""}), "++======"),
        (json!({"generation": 0}), "++======"),
    ];
    for (at, (metadata, want)) in cases.iter().enumerate() {
        let none = json!({});
        let steps = [
            ("post", none.clone()),
            ("apply", metadata.clone()),
            ("apply", metadata.clone()),
            ("merge", none.clone()),
            ("apply", metadata.clone()),
            ("merge", none.clone()),
            ("apply", metadata.clone()),
            ("merge", none.clone()),
        ];
        assert_eq!(stored(&sandbox, &format!("a{at}"), &steps).await, *want, "{metadata}");
    }
}

#[tokio::test]
async fn a_scale_that_changes_nothing_stores_what_was_applied_with_empty_metadata() {
    let sandbox = with_things(json!({"replicas": {"type": "integer"}})).await;
    for (metadata, want) in [(json!({}), "++=="), (json!({"labels": {}}), "+++=")] {
        let name = if want == "++==" { "plain" } else { "odd" };
        let steps = [("apply", json!({})), ("delete", json!({})), ("scale", json!({})), ("scale", json!({}))];
        let steps = match name {
            // The deletion is a write of its own, so the odd apply comes after it.
            "odd" => vec![steps[1].clone(), ("apply", metadata.clone()), steps[2].clone(), steps[3].clone()],
            _ => steps.to_vec(),
        };
        if name == "odd" {
            stored(&sandbox, name, &[("apply", json!({}))]).await;
        }
        assert_eq!(stored(&sandbox, name, &steps).await, want, "{metadata}");
    }
}

/// What came of a write: its status, and the message or the spec with the generation.
async fn outcome(sandbox: &Sandbox, method: &str, path: &str, media: &str, body: &str) -> String {
    let (status, answer) = ask(sandbox, method, path, media, body).await;
    if status >= 300 {
        let message = answer["message"].as_str().unwrap();
        return format!("{status} {}", message.split_once(" is invalid: ").map_or(message, |(_, why)| why));
    }
    format!("{status} {} {}", answer["metadata"]["generation"], answer["spec"])
}

fn numbers() -> Value {
    let rule = |rule: &str| json!([{"rule": rule}]);
    json!({
        "i": {"type": "integer"}, "d64": {"type": "integer"}, "n": {"type": "number", "minimum": 0.5},
        "s": {"type": "array", "items": {"type": "integer"}, "x-kubernetes-list-type": "set"},
        "e": {"type": "number", "enum": [1, 2.5]}, "ios": {"x-kubernetes-int-or-string": true},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "replicas": {"type": "integer"}, "mo": {"type": "number", "multipleOf": 0.1},
        "ro": {"type": "integer", "x-kubernetes-validations": rule("self == oldSelf")},
        "ion": {"x-kubernetes-int-or-string": true, "x-kubernetes-validations": rule("type(self) == int")},
        "num": {"type": "number", "x-kubernetes-validations": rule("type(self) == double")},
        "int": {"type": "integer", "x-kubernetes-validations": rule("type(self) == int")},
        "deep": {"type": "object", "properties": {"i": {"type": "integer"}},
            "x-kubernetes-validations": rule("!has(self.i) || self.i > 0")},
    })
}

#[tokio::test]
async fn a_number_with_a_fraction_of_nothing_is_no_integer_until_it_is_stored() {
    let sandbox = with_things(numbers()).await;
    let scale = ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: 1 is of the type float64, expected int64";
    let int = "invalid data, expected int, got float64 evaluating rule";
    let cases = [
        (r#"{"i":1.0}"#, r#"201 1 {"i":1}"#.to_owned()),
        (r#"{"i":1e2}"#, r#"201 1 {"i":100}"#.to_owned()),
        (r#"{"i":-0.0}"#, r#"201 1 {"i":0}"#.to_owned()),
        // A set holds no two equal items, but these are not equal yet.
        (r#"{"s":[1,1.0]}"#, r#"201 1 {"s":[1,1]}"#.to_owned()),
        (r#"{"s":[1.0,1.0]}"#, "422 spec.s[1]: Duplicate value: 1".to_owned()),
        (r#"{"ios":1.0}"#, r#"201 1 {"ios":1}"#.to_owned()),
        (r#"{"free":{"a":1.0,"b":[2.50]}}"#, r#"201 1 {"free":{"a":1,"b":[2.5]}}"#.to_owned()),
        (r#"{"replicas":1.0}"#, format!("422 {scale}")),
        // Whole numbers are held against whole limits.
        (r#"{"n":0}"#, r#"201 1 {"n":0}"#.to_owned()),
        (r#"{"n":0.0}"#, "422 spec.n: Invalid value: 0: spec.n in body should be greater than or equal to 0.5".to_owned()),
        (r#"{"mo":0.3}"#, r#"201 1 {"mo":0.3}"#.to_owned()),
        (r#"{"mo":1}"#, "422 spec.mo: Invalid value: 0: factor MultipleOf declared for spec.mo must be positive: 0".to_owned()),
        (r#"{"num":1}"#, r#"201 1 {"num":1}"#.to_owned()),
        (r#"{"int":1}"#, r#"201 1 {"int":1}"#.to_owned()),
        (r#"{"int":1.0}"#, format!("422 spec.int: Invalid value: \"integer\": {int}: type(self) == int")),
        (
            r#"{"ion":1.0}"#,
            "422 spec.ion: Invalid value: \"\": invalid data, expected XIntOrString value to be either a string or integer evaluating rule: type(self) == int".to_owned(),
        ),
        (r#"{"deep":{"i":1.0}}"#, format!("422 spec.deep: Invalid value: \"object\": {int}: !has(self.i) || self.i > 0")),
    ];
    for (at, (spec, want)) in cases.iter().enumerate() {
        let body = thing(&format!("p{at}"), &json!({}), spec);
        assert_eq!(outcome(&sandbox, "POST", THINGS, "application/json", &body).await, *want, "{spec}");
    }
    for (at, (spec, want)) in [
        // A configuration comes through YAML, which knows no such difference.
        (r#"{"replicas":1.0}"#, r#"201 1 {"replicas":1}"#),
        (r#"{"int":1.0}"#, r#"201 1 {"int":1}"#),
        (r#"{"n":0.0}"#, r#"201 1 {"n":0}"#),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("y{at}");
        let path = format!("{THINGS}/{name}?fieldManager=m");
        let body = thing(&name, &json!({}), spec);
        assert_eq!(outcome(&sandbox, "PATCH", &path, APPLY, &body).await, *want, "{spec}");
    }
}

#[tokio::test]
async fn a_number_with_a_fraction_of_nothing_counts_as_a_change() {
    let sandbox = with_things(numbers()).await;
    let body = thing("g", &json!({}), r#"{"i":1,"ro":1}"#);
    assert_eq!(outcome(&sandbox, "POST", THINGS, "application/json", &body).await, r#"201 1 {"i":1,"ro":1}"#);
    let path = format!("{THINGS}/g");
    for (media, body, want) in [
        (MERGE, r#"{"spec":{"i":1}}"#, r#"200 1 {"i":1,"ro":1}"#),
        (MERGE, r#"{"spec":{"i":1.0}}"#, r#"200 2 {"i":1,"ro":1}"#),
        (JSON_PATCH, r#"[{"op":"replace","path":"/spec/i","value":1.0}]"#, r#"200 3 {"i":1,"ro":1}"#),
        (
            JSON_PATCH,
            r#"[{"op":"test","path":"/spec/i","value":1.0}]"#,
            "422 the server rejected our request due to an error in our request",
        ),
        (
            MERGE,
            r#"{"spec":{"ro":1.0}}"#,
            "422 spec.ro: Invalid value: \"integer\": invalid data, expected int, got float64 evaluating rule: self == oldSelf",
        ),
        (MERGE, r#"{"spec":{"i":1,"ro":1}}"#, r#"200 3 {"i":1,"ro":1}"#),
    ] {
        assert_eq!(outcome(&sandbox, "PATCH", &path, media, body).await, want, "{body}");
    }
}

/// Holds that a rule costs too much of so many items, and of one less does not.
async fn too_costly(sandbox: &Sandbox, field: &str, item: &Value, count: usize) {
    for (count, want) in [(count - 1, 201), (count, 422)] {
        let body = thing("a", &json!({}), &json!({field: vec![item.clone(); count]}).to_string());
        let path = format!("{THINGS}?dryRun=All");
        let (status, answer) = ask(sandbox, "POST", &path, "application/json", &body).await;
        assert_eq!(status, want, "{field} of {count}: {}", answer["message"]);
        if status == 422 {
            let why = "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ";
            let message = answer["message"].as_str().unwrap();
            assert!(message.contains(why), "{message}");
        }
    }
}

fn costly(rule: &str) -> Value {
    let item = json!({"type": "integer"});
    json!({"type": "array", "maxItems": 600, "items": item, "x-kubernetes-validations": [{"rule": rule}]})
}

#[tokio::test]
async fn a_rule_costs_what_it_costs_a_real_server() {
    let mut texts = costly("self.all(a, self.all(b, a != b || a.startsWith(b)))");
    texts["maxItems"] = json!(400);
    texts["items"] = json!({"type": "string", "maxLength": 20});
    let sandbox = with_things(json!({
        "all": costly("self.all(a, self.all(b, a + b >= 0))"),
        "map": costly("self.map(a, self.map(b, a + b)).size() >= 0"),
        "filter": costly("self.filter(a, self.filter(b, a + b > 0).size() > 0).size() >= 0"),
        "one": costly("self.all(a, self.exists_one(b, a + b > 0) || true)"),
        "texts": texts,
    }))
    .await;
    for (field, count) in [("all", 378), ("map", 258), ("filter", 243), ("one", 408)] {
        too_costly(&sandbox, field, &json!(1), count).await;
    }
    too_costly(&sandbox, "texts", &json!("aaaaaaaaaaaaaaaaaaaa"), 302).await;
}

#[tokio::test]
async fn all_rules_of_an_object_share_a_budget() {
    let names: Vec<String> = (0..16).map(|at| format!("l{at:02}")).collect();
    let rule = costly("self.all(a, self.all(b, a + b >= 0))");
    let properties = names.iter().map(|name| (name.clone(), rule.clone())).collect();
    let sandbox = with_things(Value::Object(properties)).await;
    // Sixteen times 630,000 is more than ten million, fifteen times is not.
    for (count, want) in [(15, 201), (16, 422)] {
        let lists = names.iter().take(count).map(|name| (name.clone(), json!(vec![1; 300]))).collect();
        let body = thing("a", &json!({}), &Value::Object(lists).to_string());
        let (status, answer) =
            ask(&sandbox, "POST", &format!("{THINGS}?dryRun=All"), "application/json", &body).await;
        assert_eq!(status, want, "{answer}");
        if status == 422 {
            let message = answer["details"]["causes"][0]["message"].as_str().unwrap();
            assert_eq!(
                message,
                "Invalid value: \"array\": validation failed due to running out of cost budget, no further validation rules will be run"
            );
        }
    }
}
