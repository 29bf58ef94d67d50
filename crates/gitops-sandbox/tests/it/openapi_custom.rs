//! OpenAPI of custom kinds, and version 2 of all kinds, as a real server has them (`tests/openapi/record.py`).

use std::io::Read as _;

use gitops_sandbox::Sandbox;
use serde_json::{Value, json};

use super::openapi::{Field, get, header, send};

const V2: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const V2_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

fn recorded() -> Value {
    let mut text = String::new();
    let bytes: &[u8] = include_bytes!("../openapi/custom.json.gz");
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Starts a sandbox with the recorded definitions.
async fn defined(recorded: &Value) -> Sandbox {
    let sandbox = Sandbox::start();
    for definition in recorded["definitions"].as_array().unwrap() {
        let request = http::Request::post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
            .header("content-type", "application/json")
            .body(definition.to_string().into())
            .unwrap();
        assert_eq!(send(&sandbox, request).await.status().as_u16(), 201);
    }
    sandbox
}

async fn document(sandbox: &Sandbox, path: &str) -> Value {
    let answer = get(sandbox, path, &[("accept", "application/json")]).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "application/json"));
    serde_json::from_slice(answer.body()).unwrap()
}

/// Holds all that was recorded against what there is.
fn check(wanted: &Value, found: &Value, path: &str) {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            let names = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<Vec<_>>();
            if !matches!(path, "/paths" | "/definitions") {
                assert_eq!(names(wanted), names(found), "{path}");
            }
            for (name, wanted) in wanted {
                check(wanted, &found[name], &format!("{path}/{name}"));
            }
        }
        (wanted, found) => assert_eq!(wanted, found, "{path}"),
    }
}

#[tokio::test]
async fn a_custom_group_is_described_as_a_real_server_does() {
    let recorded = recorded();
    let sandbox = defined(&recorded).await;
    let found = document(&sandbox, "/openapi/v3/apis/fruit.example.com/v1").await;
    assert_eq!(recorded["v3"]["paths"].as_object().unwrap().len(), 7);
    check(&recorded["v3"]["paths"], &found["paths"], "/v3/paths");
    check(&recorded["v3"], &found, "");
}

#[tokio::test]
async fn version_2_describes_all_kinds_as_a_real_server_does() {
    let recorded = recorded();
    let sandbox = defined(&recorded).await;
    let found = document(&sandbox, "/openapi/v2").await;
    check(&recorded["v2"], &found, "");
    let counts = ["paths", "definitions"].map(|name| found[name].as_object().unwrap().len());
    assert!(counts[0] > 400 && counts[1] > 570, "{counts:?}");
}

#[tokio::test]
async fn version_2_is_there_in_protobuf_too() {
    let recorded = recorded();
    let sandbox = defined(&recorded).await;
    let answer = get(&sandbox, "/openapi/v2", &[("accept", V2)]).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, V2_TYPE));
    let json = get(&sandbox, "/openapi/v2", &[]).await;
    assert_eq!(header(&answer, "etag"), header(&json, "etag"));
    let found: Value = serde_json::from_slice(json.body()).unwrap();
    // Document: 1 swagger, 2 info, 8 paths (2 path), 9 definitions (1 pairs), 10 parameters (1 pairs).
    let read = Field::Bytes(answer.body());
    assert_eq!((read.at(&[1]).text(), read.at(&[2, 1]).text()), ("2.0", "Kubernetes"));
    let names = |name: &str| found[name].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let paths = read.at(&[8]).named(2);
    assert!(paths.keys().eq(names("paths").iter()));
    let definitions = read.at(&[9]).named(1);
    assert!(definitions.keys().eq(names("definitions").iter()));
    let parameters = read.at(&[10]).named(1);
    assert!(parameters.keys().eq(names("parameters").iter()));

    // Schema: 19 required, 22 type (1 values), 23 items (1 schemas), 25 properties (1 pairs), 31 extensions.
    let apple = definitions["com.example.fruit.v1.Apple"];
    let spec = apple.at(&[25]).named(1)["spec"];
    assert_eq!((spec.at(&[19]).text(), spec.at(&[22, 1]).text()), ("text", "object"));
    let properties = spec.at(&[25]).named(1);
    assert_eq!(properties["openList"].at(&[23, 1]).named(31).len(), 1);
    // 21 additionalProperties: a schema (1) or a truth (2).
    assert_eq!(properties["any"].at(&[21, 2]).number(), 1);
    assert_eq!(properties["map"].at(&[21, 1, 2]).text(), "int32");

    // PathItem: 4 post, 9 parameters. Operation: 8 parameters, 9 responses. A parameter (1) is a body (1) or in a query (2,
    // 3) or path (2, 4); a reference (2) has its target (1).
    let all = paths["/apis/fruit.example.com/v1/namespaces/{namespace}/apples"];
    assert_eq!(all.all(9)[0].at(&[2, 1]).text(), "#/parameters/namespace-vgWSWtn3");
    let posted = all.at(&[4]).all(8);
    assert_eq!(posted[0].at(&[1, 1, 5, 1]).text(), "#/definitions/com.example.fruit.v1.Apple");
    assert_eq!(posted[1].at(&[1, 2, 3, 4]).text(), "dryRun");
    assert_eq!(posted[1].at(&[1, 2, 3, 20]).number(), 1);
    let one = paths["/apis/fruit.example.com/v1/namespaces/{namespace}/apples/{name}"];
    assert_eq!(one.all(9)[0].at(&[1, 2, 4, 4]).text(), "name");
    assert_eq!(one.all(9)[0].at(&[1, 2, 4, 19]).number(), 1);
    // Responses: 1 codes, each a response (1) with a schema (2) that is one (1).
    let answers = one.at(&[2, 9]).named(1);
    assert_eq!(answers["200"].at(&[1, 2, 1, 1]).text(), "#/definitions/com.example.fruit.v1.Apple");
}

#[tokio::test]
async fn version_2_is_kept_by_its_tag_and_chosen_by_what_is_accepted() {
    let sandbox = Sandbox::start();
    let first = get(&sandbox, "/openapi/v2", &[]).await;
    let tag = header(&first, "etag").to_owned();
    assert_eq!(header(&first, "vary"), "Accept-Encoding");
    let known = get(&sandbox, "/openapi/v2", &[("if-none-match", &tag)]).await;
    assert_eq!((known.status().as_u16(), known.body().len()), (304, 0));
    for (accept, status) in [("*/*", 200), ("application/yaml", 406), ("text/html", 406)] {
        let answer = get(&sandbox, "/openapi/v2", &[("accept", accept)]).await;
        assert_eq!(answer.status().as_u16(), status, "{accept}");
    }
    let recorded = recorded();
    let other = defined(&recorded).await;
    assert_ne!(header(&get(&other, "/openapi/v2", &[]).await, "etag"), tag);
    assert_eq!(json!(document(&sandbox, "/openapi/v2").await["info"]["version"]), json!("1.35"));
}
