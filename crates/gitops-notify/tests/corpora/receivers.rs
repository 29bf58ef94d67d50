//! What receivers take, refuse and ask to reconcile.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use gitops_api::notification_v1::{Receiver, ReceiverKind, ReceiverSpec};
use gitops_notify::receiver::{
    Candidate, FilterRequest, ReceiveOptions, ReceiverEndpoint, Receivers, ResourceFilter, Resources,
    Selection, Target, Trigger, validate, webhook_path,
};
use gitops_notify::{Cause, ObjectKey, SecretData};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::providers::admission;
use super::runner::{block_on, body, same, secret};

/// The namespace of objects that name none.
const NAMESPACE: &str = "default";

/// Returns what a case needs that is not built.
pub(crate) fn to_come(case: &Value) -> Option<String> {
    let feature = case["feature"].as_str().unwrap();
    if feature.starts_with("oidc") {
        return Some("generic-oidc".to_owned());
    }
    let kind = case["input"]["receiver"]["spec"]["type"].as_str()?;
    match ReceiverKind::from(kind) {
        ReceiverKind::Generic | ReceiverKind::GenericHmac | ReceiverKind::GitHub | ReceiverKind::GitLab => {
            None
        }
        other => Some(other.to_string()),
    }
}

pub(crate) fn judge(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    match case["feature"].as_str().unwrap() {
        "handler" => block_on(handler(input, expect)),
        "filter-validate" => {
            let text = input["filter"].as_str().unwrap();
            let read = ResourceFilter::new(text, input["claims"] == true);
            let said = read.as_ref().err().map(ToString::to_string).unwrap_or_default();
            same("error", read.is_err(), &expect["error"])?;
            contains(&said, expect)
        }
        "filter-eval" => {
            let filter = ResourceFilter::new(input["filter"].as_str().unwrap(), !input["claims"].is_null())
                .map_err(|error| error.to_string())?;
            let mut request = filter_request(&input["request"])?;
            if let Value::Object(claims) = &input["claims"] {
                request = request.with_claims(claims.clone());
            }
            let accepts = filter.accepts(&input["object"], &request).map_err(|error| error.to_string())?;
            same("accept", accepts, &expect["accept"])
        }
        "filter-stack" => {
            let request = filter_request(&input["request"])?;
            let mut accepts = true;
            for text in [&input["resourceFilter"], &input["filter"]].into_iter().filter_map(Value::as_str) {
                if !text.is_empty() {
                    let filter = ResourceFilter::new(text, false).map_err(|error| error.to_string())?;
                    accepts &=
                        filter.accepts(&input["object"], &request).map_err(|error| error.to_string())?;
                }
            }
            same("accept", accepts, &expect["accept"])
        }
        "spec-validate" => {
            let spec: ReceiverSpec = serde_json::from_value(input["spec"].clone()).unwrap();
            let said = validate(&spec);
            same("error", said.is_err(), &expect["error"])?;
            contains(&said.err().map(|error| error.to_string()).unwrap_or_default(), expect)
        }
        "spec-admission" => admission("Receiver", &input["spec"], expect),
        "webhook-path" => {
            let part = |name: &str| input[name].as_str().unwrap_or_default();
            let path = webhook_path(part("token").as_bytes(), part("name"), part("namespace"));
            same("webhookPath", path, &expect["webhookPath"])
        }
        other => Err(format!("unknown feature {other}")),
    }
}

fn contains(said: &str, expect: &Value) -> Result<(), String> {
    let wanted = expect["errorContains"].as_str().unwrap_or_default();
    if said.contains(wanted) { Ok(()) } else { Err(format!("{said}, want {wanted}")) }
}

fn filter_request(request: &Value) -> Result<FilterRequest, String> {
    let media_type = request["headers"]["Content-Type"].as_str().unwrap_or_default();
    FilterRequest::read(media_type.split(';').next().unwrap_or_default(), &body(request))
}

/// The objects of a case, and which of them were asked.
struct Cluster {
    objects: Vec<Value>,
    secret: Value,
    asked: Mutex<BTreeSet<String>>,
}

impl Resources for Cluster {
    fn secret<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<SecretData>, Cause>> {
        let is_it = self.secret["metadata"]["name"] == key.name.as_str();
        let found = is_it.then(|| secret(&self.secret));
        Box::pin(async move { Ok(found) })
    }

    fn find<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Vec<Candidate>, Cause>> {
        let namespace =
            |object: &Value| object["metadata"]["namespace"].as_str().unwrap_or(NAMESPACE).to_owned();
        let has = |object: &Value, key: &str, value: &str| object["metadata"]["labels"][key] == value;
        let of_kind = self.objects.iter().filter(|object| {
            object["kind"] == target.kind.as_str()
                && object["apiVersion"] == target.api_version.as_str()
                && namespace(object) == target.namespace
        });
        let found = of_kind.filter(|object| match &target.selection {
            Selection::Name(name) => object["metadata"]["name"] == name.as_str(),
            Selection::Labels(labels) => labels.iter().all(|(key, value)| has(object, key, value)),
            _ => false,
        });
        let found: Vec<Candidate> = found
            .map(|object| Candidate {
                key: ObjectKey::new(namespace(object), object["metadata"]["name"].as_str().unwrap()),
                metadata: object["metadata"].clone(),
            })
            .collect();
        Box::pin(async move {
            match &target.selection {
                Selection::Name(name) if found.is_empty() => Err(format!("{name} not found").into()),
                _ => Ok(found),
            }
        })
    }

    fn trigger<'a>(&'a self, trigger: &'a Trigger) -> BoxFuture<'a, Result<(), Cause>> {
        self.asked.lock().unwrap().insert(trigger.key.name.clone());
        Box::pin(async { Ok(()) })
    }
}

async fn handler(input: &Value, expect: &Value) -> Result<(), String> {
    let receivers = Receivers::new();
    if !input["receiver"].is_null() {
        let mut object = input["receiver"].clone();
        if object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!(NAMESPACE);
        }
        for condition in object["status"]["conditions"].as_array_mut().into_iter().flatten() {
            // What the API server would not have let pass without.
            condition["lastTransitionTime"] = json!("2026-01-01T00:00:00Z");
            condition["reason"] = json!("Succeeded");
            condition["message"] = json!("");
        }
        receivers.set(&serde_json::from_value::<Receiver>(object).unwrap());
    }
    let objects = input["objects"].as_array().cloned().unwrap_or_default();
    let cluster = Arc::new(Cluster { objects, secret: input["secret"].clone(), asked: Mutex::default() });
    let options = ReceiveOptions::flux().no_cross_namespace(input["options"]["noCrossNamespaceRefs"] == true);
    let endpoint = ReceiverEndpoint::new(receivers, Arc::clone(&cluster) as Arc<dyn Resources>, options);
    let request = &input["request"];
    let mut built = http::Request::builder()
        .method(request["method"].as_str().unwrap())
        .uri(request["path"].as_str().unwrap());
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        built = built.header(name, value.as_str().unwrap());
    }
    let request = built.body(Full::new(Bytes::from(body(request)))).unwrap();
    let answer: http::Response<Full<Bytes>> = endpoint.oneshot(request).await.unwrap();
    same("status", answer.status().as_u16(), &expect["status"])?;
    let asked = cluster.asked.lock().unwrap().clone();
    same("annotatedCount", asked.len(), &expect["annotatedCount"])?;
    let wanted: BTreeSet<String> = serde_json::from_value(expect["annotated"].clone()).unwrap_or_default();
    if asked == wanted { Ok(()) } else { Err(format!("annotated {asked:?}, want {wanted:?}")) }
}
