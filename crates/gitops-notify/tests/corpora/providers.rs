//! What each provider sends, and what it refuses: over real HTTP, to a server of our own.

use futures::future::BoxFuture;
use gitops_api::notification_v1beta3::{ProviderKind, ProviderSpec};
use gitops_api::{CustomResourceDefinition, crds};
use gitops_expr::cel::{Environment, Expression};
use gitops_notify::provider::{
    AddressPolicy, Answer, Clients, Credentials, Request, Settings, SettingsOptions, Wire, provider,
};
use gitops_notify::{NotifyError, SecretData, decode_event};
use serde_json::{Map, Value, json};

use super::runner::{block_on, same};
use crate::sink::{Got, Sink, answer};

/// Returns what a case needs that is not built.
pub(crate) fn to_come(case: &Value) -> Option<String> {
    let kind = case["input"]["provider"]["type"].as_str();
    match case["feature"].as_str().unwrap() {
        "spec-admission" => None,
        "format" | "publish" | "post-status" | "duplicate-status" => {
            Some(format!("{} of {}", case["feature"].as_str().unwrap(), kind.unwrap_or("several")))
        }
        _ => match ProviderKind::from(kind.unwrap_or_default()) {
            ProviderKind::Generic
            | ProviderKind::GenericHmac
            | ProviderKind::Slack
            | ProviderKind::Telegram => None,
            other => Some(other.to_string()),
        },
    }
}

pub(crate) fn judge(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    match case["feature"].as_str().unwrap() {
        "post" | "post-own" => block_on(post(input, expect)),
        "response-check" => {
            let mut input = input.clone();
            input["responses"] = json!([input["response"]]);
            let host = "https://slack.com";
            if input["provider"]["address"].as_str().is_some_and(|address| address.starts_with(host)) {
                input["serverReplaces"] = json!(host);
            }
            input["event"] = json!({"message": "message"});
            block_on(post(&input, expect))
        }
        "constructor" => constructor(input, expect),
        "spec-admission" => admission("Provider", &input["spec"], expect),
        other => Err(format!("unknown feature {other}")),
    }
}

fn settings(input: &Value, server: &str) -> Result<Settings, NotifyError> {
    let filled = |value: &Value| -> Value {
        serde_json::from_str(&value.to_string().replace("{{SERVER}}", server)).unwrap()
    };
    let spec: ProviderSpec = serde_json::from_value(filled(&input["provider"])).unwrap();
    let mut credentials = Credentials::default();
    if let Value::Object(secret) = filled(&input["secret"]) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        credentials.secret =
            Some(SecretData::new(secret.iter().map(|(key, value)| (key.clone(), text(value)))));
    }
    Settings::new(&spec, &credentials, &SettingsOptions::default().object_level_identity(true))
}

fn constructor(input: &Value, expect: &Value) -> Result<(), String> {
    let made = settings(input, "http://localhost").and_then(|settings| provider(&settings));
    match made {
        Err(error) if expect["error"] == false => Err(error.to_string()),
        made => same("error", made.is_err(), &expect["error"]),
    }
}

/// Leads what is for one host to another.
struct Detour<W> {
    from: String,
    to: String,
    wire: W,
}

impl<W: Wire> Wire for Detour<W> {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Answer, NotifyError>> {
        let address = request.uri().to_string();
        if let Some(rest) = address.strip_prefix(&self.from) {
            *request.uri_mut() = format!("{}{rest}", self.to).parse().unwrap();
        }
        self.wire.send(request)
    }

    fn redact(&self, text: &str) -> String {
        self.wire.redact(text)
    }
}

async fn post(input: &Value, expect: &Value) -> Result<(), String> {
    let responses = input["responses"].as_array().cloned().unwrap_or_default();
    let sink = Sink::start(move |number, got| {
        let is_for = |response: &&Value| response["path"].as_str() == Some(got.uri.path());
        let response = responses.iter().find(is_for).or_else(|| responses.get(number));
        let response = response.cloned().unwrap_or_default();
        let status = response["status"].as_u64().unwrap_or(200);
        answer(u16::try_from(status).unwrap(), response["body"].as_str().unwrap_or_default())
    })
    .await;
    let settings = settings(input, &sink.url()).map_err(|error| error.to_string())?;
    let wire = Clients::new(AddressPolicy::Any).wire(&settings).map_err(|error| error.to_string())?;
    let wire =
        Detour { from: input["serverReplaces"].as_str().unwrap_or("none:").to_owned(), to: sink.url(), wire };
    let event = decode_event(input["event"].to_string().as_bytes()).map_err(|error| error.to_string())?;
    let sent = provider(&settings).map_err(|error| error.to_string())?.deliver(&event, &wire).await;
    match (&sent, expect["error"] == true) {
        (Err(error), true) => {
            let wanted = expect["errorContains"].as_str().unwrap_or_default();
            if !error.to_string().contains(wanted) {
                return Err(format!("error {error}, want {wanted}"));
            }
        }
        (Ok(()), true) => return Err("no error".to_owned()),
        (Err(error), false) => return Err(error.to_string()),
        (Ok(()), false) => {}
    }
    let Some(wanted) = expect["requests"].as_array() else { return Ok(()) };
    let got = sink.got();
    same("requests", got.len(), &json!(wanted.len()))?;
    let unordered: Vec<&str> =
        expect["unorderedLines"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (number, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        request(number, got, wanted, &unordered)?;
    }
    Ok(())
}

fn request(number: usize, got: &Got, want: &Value, unordered: &[&str]) -> Result<(), String> {
    same("method", got.method.as_str(), &want["method"])?;
    same("path", got.uri.path(), &want["path"])?;
    for (name, value) in want["headers"].as_object().into_iter().flatten() {
        let given = got.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        same(name, given, value)?;
    }
    for name in want["absentHeaders"].as_array().into_iter().flatten() {
        same(&name.to_string(), got.headers.contains_key(name.as_str().unwrap()), &json!(false))?;
    }
    if let Some(raw) = want["rawBody"].as_str() {
        same("rawBody", String::from_utf8_lossy(&got.body).as_ref(), &json!(raw))?;
    }
    if !want["body"].is_null() {
        let mut body: Value = serde_json::from_slice(&got.body).map_err(|error| error.to_string())?;
        let mut wanted = want["body"].clone();
        for path in unordered {
            let Some(pointer) = path.strip_prefix(&format!("requests.{number}.body")) else { continue };
            let pointer = pointer.replace('.', "/");
            for value in [&mut body, &mut wanted] {
                if let Some(text) = value.pointer_mut(&pointer) {
                    let mut lines: Vec<&str> = text.as_str().unwrap_or_default().split('\n').collect();
                    lines.sort_unstable();
                    *text = json!(lines);
                }
            }
        }
        same("body", body, &wanted)?;
    }
    Ok(())
}

/// Holds a spec against the rules of the CRD, as the API server does.
pub(crate) fn admission(kind: &str, spec: &Value, expect: &Value) -> Result<(), String> {
    let is_it = |crd: &&CustomResourceDefinition| crd.spec.names.kind == kind;
    let crds = crds();
    let crd = serde_json::to_value(crds.iter().find(is_it).unwrap()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut said = Vec::new();
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        let text = rule["rule"].as_str().unwrap();
        let expression = Expression::compile(text, &Environment::new()).map_err(|error| error.to_string())?;
        let variables = Map::from_iter([("self".to_owned(), spec.clone())]);
        if !expression.evaluate_bool(&variables).map_err(|error| error.to_string())? {
            said.push(rule["message"].as_str().unwrap_or_default().to_owned());
        }
    }
    same("error", !said.is_empty(), &expect["error"])?;
    let wanted = expect["errorContains"].as_str().unwrap_or_default();
    let says = wanted.is_empty() || said.iter().any(|text| text.contains(wanted));
    if says { Ok(()) } else { Err(format!("{said:?}, want {wanted}")) }
}
