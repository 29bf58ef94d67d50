//! What asks for something that runs: logs, exec, attach, port-forward and proxies.
//!
//! A real server goes to the kubelet for them. What it says before it does so is said here too; then there is
//! nothing to go to.

use serde_json::Value;

use super::call::Call;
use super::present;
use super::reply::Reply;
use crate::unmodelled;
use crate::wire::status::{Answer, Refusal};

/// Returns whether a subresource is asked of what runs, not of what is stored.
pub(super) fn connects(subresource: &str) -> bool {
    let first = subresource.split('/').next().unwrap_or_default();
    matches!(first, "log" | "exec" | "attach" | "portforward" | "proxy")
}

pub(super) fn connect(call: &mut Call<'_>) -> Answer<Reply> {
    let name = call.target.name.clone();
    let stored = call.server.store.get(&call.key(&name)).ok_or_else(|| call.not_found())?;
    let object = present::load(&call.kind, &stored);
    let what = call.target.subresource.split('/').next().unwrap_or_default().to_owned();
    match (call.kind.kind.as_str(), what.as_str()) {
        ("Pod", "log") => {
            container_of(call, &name, &object)?;
            if node_of(&object).is_some() {
                call.server.unmodelled(unmodelled::LOGS)?;
            }
            Ok(Reply::Empty)
        }
        ("Pod", "proxy") if object["status"]["podIP"].is_null() => {
            Err(Refusal::bad_request("address not allowed"))
        }
        ("Pod", _) if what != "proxy" => {
            if what != "portforward" {
                container_of(call, &name, &object)?;
            }
            if node_of(&object).is_none() {
                return Err(Refusal::bad_request(format!("pod {name} does not have a host assigned")));
            }
            nothing_runs(call, &what)
        }
        ("Service", _) => {
            let why = format!("no endpoints available for service {name:?}");
            Err(Refusal::new(503, "ServiceUnavailable", why))
        }
        _ => nothing_runs(call, &what),
    }
}

fn node_of(pod: &Value) -> Option<&str> {
    pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty())
}

/// Checks that the request names a container of the pod, or need not.
fn container_of(call: &Call<'_>, name: &str, pod: &Value) -> Answer<()> {
    let names = |list: &str| -> Vec<String> {
        let items = pod["spec"][list].as_array().into_iter().flatten();
        items.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
    };
    let (containers, initial) = (names("containers"), names("initContainers"));
    let wanted = call.query.get("container");
    if wanted.is_empty() {
        if containers.len() <= 1 {
            return Ok(());
        }
        let mut choice = format!("choose one of: [{}]", containers.join(" "));
        if !initial.is_empty() {
            choice += &format!(" or one of the init containers: [{}]", initial.join(" "));
        }
        return Err(Refusal::bad_request(format!(
            "a container name must be specified for pod {name}, {choice}"
        )));
    }
    let temporary = names("ephemeralContainers");
    if [containers, initial, temporary].iter().flatten().any(|known| known == wanted) {
        return Ok(());
    }
    Err(Refusal::bad_request(format!("container {wanted} is not valid for pod {name}")))
}

/// Refuses in either mode: there is no answer that would be true.
fn nothing_runs(call: &Call<'_>, what: &str) -> Answer<Reply> {
    call.server.unmodelled(unmodelled::STREAMS)?;
    let why = format!(
        "the sandbox does not model {}: nothing runs in {}/{what}",
        unmodelled::STREAMS,
        call.kind.plural
    );
    Err(Refusal::new(501, "NotImplemented", why))
}
