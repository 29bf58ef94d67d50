//! Where the pods of services are: EndpointSlices (`staging/src/k8s.io/endpointslice`) and, for those who still read
//! them, Endpoints (`pkg/controller/endpoint`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::One;
use super::children::{self, is_deleting, is_over, is_ready};
use crate::server::Server;
use crate::simulate::ask;
use crate::store::{Change, Event, Key};

const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS: &str = "service.kubernetes.io/headless";
const SLICE_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const SLICE_MANAGER: &str = "endpointslice-controller.k8s.io";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
/// How many endpoints a slice has at most (`--max-endpoints-per-slice`).
const SLICE: usize = 100;
/// How many addresses Endpoints have at most (`maxCapacity`).
const CAPACITY: usize = 1000;

/// What last changed the endpoints of services: when which pod became ready or unready.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    known: Mutex<HashMap<Key, BTreeMap<String, String>>>,
}

impl Triggers {
    pub(super) fn clear(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn forget(&self, service: &Key) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }

    /// Returns the time of the first change since the last time; of a new service its creation.
    fn changed(&self, service: &Key, created: &str, pods: &[Value]) -> Option<String> {
        let times = pods.iter().filter_map(|pod| {
            let ready = children::condition(pod, "Ready")?["lastTransitionTime"].as_str()?;
            Some((pod["metadata"]["name"].as_str()?.to_owned(), ready.to_owned()))
        });
        let times: BTreeMap<String, String> = times.collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = known.insert(service.clone(), times.clone()) else {
            return Some(created.to_owned());
        };
        let is_new = |(pod, time): &(&String, &String)| before.get(*pod).is_none_or(|before| before < *time);
        times.iter().filter(is_new).map(|(_, time)| time.clone()).min()
    }
}

/// Returns the services that select one of these pods, told by namespace and labels.
pub(super) fn services_of(server: &Server, pods: &[(String, Value)]) -> Vec<Key> {
    let mut by_namespace: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (namespace, labels) in pods {
        let known = by_namespace.entry(namespace).or_default();
        if !known.contains(&labels) {
            known.push(labels);
        }
    }
    let mut found = Vec::new();
    for (namespace, labels) in by_namespace {
        let Ok(page) = server.store.list("services", namespace, None, None, 0) else { continue };
        for stored in page.items {
            let service: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
            let name = service["metadata"]["name"].as_str().unwrap_or_default();
            if labels.iter().any(|labels| selects(&service, labels)) {
                found.push(Key::new(&"services".into(), namespace, name));
            }
        }
    }
    found
}

/// Returns the service that the endpoints of an event belong to.
pub(super) fn service_of(event: &Event) -> Option<Key> {
    let (namespace, name) = event.key.path.split_once('/')?;
    let name = match &*event.key.resource {
        "endpoints" => name.to_owned(),
        "endpointslices.discovery.k8s.io" => {
            let (Change::Put(stored) | Change::Delete(stored)) = &event.change;
            let slice: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
            slice["metadata"]["labels"][SERVICE_NAME].as_str()?.to_owned()
        }
        _ => return None,
    };
    Some(Key::new(&"services".into(), namespace, &name))
}

fn selects(service: &Value, labels: &Value) -> bool {
    let selector = service["spec"]["selector"].as_object();
    selector.is_some_and(|selector| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value)
    })
}

/// A service with its pods, as its endpoints show them.
struct Shown<'o> {
    one: &'o One<'o>,
    spec: &'o Value,
    /// All that have an address and are not over, in the order in which they were made.
    pods: Vec<Value>,
    /// Addresses of pods count though the pods are not ready.
    unready_too: bool,
    trigger: Option<String>,
}

/// Brings the endpoints of a service up to date.
pub(super) async fn reconcile(one: &One<'_>) {
    let spec = &one.object["spec"];
    let has_selector = spec["selector"].as_object().is_some_and(|selector| !selector.is_empty());
    // Without a selector the endpoints are somebody else's.
    if !has_selector || spec["type"] == "ExternalName" {
        return;
    }
    let page = one.server.store.list("pods", one.text("namespace"), None, None, 0);
    let items = page.map(|page| page.items).unwrap_or_default();
    let all = items.iter().filter_map(|stored| serde_json::from_slice::<Value>(&stored.bytes).ok());
    let mut pods: Vec<Value> = all.filter(|pod| selects(one.object, &pod["metadata"]["labels"])).collect();
    let trigger = one.desk.triggers.changed(one.key, one.text("creationTimestamp"), &pods);
    pods.retain(|pod| !is_over(pod) && pod["status"]["podIP"].is_string());
    pods.sort_by_cached_key(|pod| {
        let text = |name: &str| pod["metadata"][name].as_str().unwrap_or_default().to_owned();
        (text("creationTimestamp"), text("name"))
    });
    let unready_too = spec["publishNotReadyAddresses"] == true;
    let shown = Shown { one, spec, pods, unready_too, trigger };
    shown.write_endpoints().await;
    shown.write_slices().await;
}

/// Ends the endpoints of a service that is gone; its slices go with their owner.
pub(super) async fn end(server: &Arc<Server>, triggers: &Triggers, service: &Key) {
    triggers.forget(service);
    let Some((namespace, name)) = service.path.split_once('/') else { return };
    if server.store.get(&Key::new(&"endpoints".into(), namespace, name)).is_some() {
        let path = format!("/api/v1/namespaces/{namespace}/endpoints/{name}");
        ask(server, "DELETE", &path, "application/json", &Value::Null).await;
    }
}

impl Shown<'_> {
    fn is_headless(&self) -> bool {
        self.spec["clusterIP"] == "None"
    }

    /// Returns the ports of the service as a pod has them: a named one by the container that names it.
    fn ports(&self, pod: &Value) -> Vec<Value> {
        let mut ports = Vec::new();
        for port in self.spec["ports"].as_array().into_iter().flatten() {
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            let Some(number) = target(port, protocol, pod) else { continue };
            let mut shown = json!({"port": number, "protocol": protocol});
            shown["name"] = json!(port["name"].as_str().unwrap_or_default());
            if port["appProtocol"].is_string() {
                shown["appProtocol"] = port["appProtocol"].clone();
            }
            ports.push(shown);
        }
        ports
    }

    fn target_ref(pod: &Value) -> Value {
        let metadata = &pod["metadata"];
        json!({
            "kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"],
        })
    }

    /// Adds what is said of the place of a pod.
    fn place(&self, pod: &Value, shown: &mut Value) {
        let spec = &pod["spec"];
        if spec["hostname"].is_string() && spec["subdomain"] == self.one.object["metadata"]["name"] {
            shown["hostname"] = spec["hostname"].clone();
        }
        if spec["nodeName"].is_string() {
            shown["nodeName"] = spec["nodeName"].clone();
        }
    }

    /// Returns the labels that endpoints have: those of the service and `own`.
    fn labels(&self, own: &[(&str, &str)]) -> Value {
        let mut labels: Map<String, Value> = Map::new();
        for (key, value) in self.one.object["metadata"]["labels"].as_object().into_iter().flatten() {
            if ![HEADLESS, SLICE_MANAGED_BY, SERVICE_NAME, MANAGED_BY].contains(&key.as_str()) {
                labels.insert(key.clone(), value.clone());
            }
        }
        if self.is_headless() {
            labels.insert(HEADLESS.to_owned(), json!(""));
        }
        labels.extend(own.iter().map(|(key, value)| ((*key).to_owned(), json!(value))));
        Value::Object(labels)
    }

    async fn write_endpoints(&self) {
        let one = self.one;
        let has_room = |place: usize| place < CAPACITY;
        let shown = self.pods.iter().filter(|pod| self.unready_too || !is_deleting(pod));
        let mut groups: Vec<(Vec<Value>, [Vec<Value>; 2])> = Vec::new();
        let mut count = 0;
        for pod in shown {
            let mut ports = self.ports(pod);
            if ports.is_empty() && !(self.is_headless() && self.spec["ports"].is_null()) {
                continue;
            }
            for port in &mut ports {
                // Here a port without a name has none.
                if port["name"] == "" {
                    port.as_object_mut().map(|port| port.remove("name"));
                }
            }
            let mut address = json!({"ip": pod["status"]["podIP"], "targetRef": Self::target_ref(pod)});
            self.place(pod, &mut address);
            let state = usize::from(!(self.unready_too || is_ready(pod)));
            count += 1;
            if !has_room(count - 1) {
                continue;
            }
            match groups.iter_mut().find(|(known, _)| *known == ports) {
                Some((_, addresses)) => addresses[state].push(address),
                None => {
                    let mut addresses = [Vec::new(), Vec::new()];
                    addresses[state].push(address);
                    groups.push((ports, addresses));
                }
            }
        }
        let subsets: Vec<Value> =
            groups.into_iter().map(|(ports, addresses)| subset(&ports, addresses)).collect();
        let subsets = if subsets.is_empty() { Value::Null } else { json!(subsets) };
        let labels = self.labels(&[(MANAGED_BY, "endpoint-controller")]);
        let key = Key::new(&"endpoints".into(), one.text("namespace"), one.text("name"));
        let known = read(one.server, &key);
        if let Some(known) = &known
            && known["subsets"] == subsets
            && known["metadata"]["labels"] == labels
        {
            return;
        }
        let mut annotations: Map<String, Value> = Map::new();
        annotations.extend(self.trigger.iter().map(|time| (TRIGGER.to_owned(), json!(time))));
        if count > CAPACITY {
            annotations.insert(OVER_CAPACITY.to_owned(), json!("truncated"));
        }
        let mut object = known.clone().unwrap_or_else(|| json!({"metadata": {"name": one.text("name")}}));
        object["apiVersion"] = json!("v1");
        object["kind"] = json!("Endpoints");
        object["metadata"]["labels"] = labels;
        object["metadata"]["annotations"] = json!(annotations);
        object["subsets"] = subsets;
        let path = format!("/api/v1/namespaces/{}/endpoints", one.text("namespace"));
        write(one.server, &path, known.is_some(), &object).await;
    }

    async fn write_slices(&self) {
        let families = self.spec["ipFamilies"].as_array().cloned().unwrap_or_else(|| vec![json!("IPv4")]);
        for family in families.iter().filter_map(Value::as_str) {
            self.write_slices_of(family).await;
        }
    }

    /// Brings the slices of one family of addresses up to date: endpoints stay in their slice as long as they can.
    async fn write_slices_of(&self, family: &str) {
        let mut known = self.known_slices(family);
        let mut wanted: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
        for pod in &self.pods {
            let Some(endpoint) = self.endpoint(pod, family) else { continue };
            let ports = self.ports(pod);
            match wanted.iter_mut().find(|(of, _)| *of == ports) {
                Some((_, endpoints)) => endpoints.push(endpoint),
                None => wanted.push((ports, vec![endpoint])),
            }
        }
        if wanted.is_empty() {
            wanted.push((Vec::new(), Vec::new()));
        }
        for (ports, mut endpoints) in wanted {
            let ports = if ports.is_empty() { Value::Null } else { json!(ports) };
            while !endpoints.is_empty() || ports.is_null() {
                let place = known.iter().position(|slice| slice["ports"] == ports);
                let place = place.or_else(|| (!known.is_empty()).then_some(0));
                let slice = place.map(|place| known.remove(place));
                let filled = fill(slice.as_ref(), &mut endpoints);
                self.write_slice(family, slice, &ports, filled).await;
                if endpoints.is_empty() {
                    break;
                }
            }
        }
        for slice in known {
            self.one.delete("endpointslices.discovery.k8s.io", &slice).await;
        }
    }

    fn known_slices(&self, family: &str) -> Vec<Value> {
        let all = children::owned(self.one.server, "endpointslices.discovery.k8s.io", self.one.object);
        let own = all.into_iter().filter(|slice| {
            slice["metadata"]["labels"][SLICE_MANAGED_BY] == SLICE_MANAGER && slice["addressType"] == family
        });
        own.collect()
    }

    fn endpoint(&self, pod: &Value, family: &str) -> Option<Value> {
        let addresses = pod["status"]["podIPs"].as_array().into_iter().flatten();
        let mut addresses = addresses.filter_map(|address| address["ip"].as_str());
        let address = addresses.find(|address| address.contains(':') == (family == "IPv6"))?;
        let (serving, terminating) = (is_ready(pod), is_deleting(pod));
        let ready = self.unready_too || (serving && !terminating);
        let mut endpoint = json!({
            "addresses": [address], "targetRef": Self::target_ref(pod),
            "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        });
        self.place(pod, &mut endpoint);
        let node = endpoint["nodeName"].as_str().map(|name| Key::new(&"nodes".into(), "", name));
        if let Some(node) = node.and_then(|key| read(self.one.server, &key)) {
            let zone = &node["metadata"]["labels"]["topology.kubernetes.io/zone"];
            if zone.is_string() {
                endpoint["zone"] = zone.clone();
            }
        }
        Some(endpoint)
    }

    async fn write_slice(&self, family: &str, known: Option<Value>, ports: &Value, endpoints: Vec<Value>) {
        let one = self.one;
        let endpoints = if endpoints.is_empty() { Value::Null } else { json!(endpoints) };
        let labels = self.labels(&[(SERVICE_NAME, one.text("name")), (SLICE_MANAGED_BY, SLICE_MANAGER)]);
        if let Some(known) = &known
            && known["endpoints"] == endpoints
            && known["ports"] == *ports
            && known["metadata"]["labels"] == labels
        {
            return;
        }
        let is_known = known.is_some();
        let mut slice = known.unwrap_or_else(|| {
            json!({
                "metadata": {
                    "generateName": format!("{}-", one.text("name")),
                    "ownerReferences": children::reference(one.object, "v1", "Service"),
                },
                "addressType": family,
            })
        });
        slice["apiVersion"] = json!("discovery.k8s.io/v1");
        slice["kind"] = json!("EndpointSlice");
        slice["metadata"]["labels"] = labels;
        slice["metadata"]["annotations"] = match &self.trigger {
            Some(time) => json!({TRIGGER: time}),
            None => Value::Null,
        };
        slice["endpoints"] = endpoints;
        slice["ports"] = ports.clone();
        let path = format!("/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices", one.text("namespace"));
        write(one.server, &path, is_known, &slice).await;
    }
}

/// Takes as many endpoints as a slice may have: first those that it has already, in its order.
fn fill(slice: Option<&Value>, endpoints: &mut Vec<Value>) -> Vec<Value> {
    let known = slice.and_then(|slice| slice["endpoints"].as_array()).into_iter().flatten();
    let mut filled = Vec::new();
    for endpoint in known {
        let place = endpoints.iter().position(|of| of["targetRef"]["uid"] == endpoint["targetRef"]["uid"]);
        filled.extend(place.map(|place| endpoints.remove(place)));
    }
    let room = SLICE.saturating_sub(filled.len()).min(endpoints.len());
    filled.extend(endpoints.drain(..room));
    filled
}

fn subset(ports: &[Value], addresses: [Vec<Value>; 2]) -> Value {
    let mut subset = json!({});
    if !ports.is_empty() {
        subset["ports"] = json!(ports);
    }
    for (name, mut addresses) in ["addresses", "notReadyAddresses"].into_iter().zip(addresses) {
        addresses.sort_by_cached_key(|address| {
            let address: Option<std::net::IpAddr> = address["ip"].as_str().and_then(|ip| ip.parse().ok());
            address
        });
        if !addresses.is_empty() {
            subset[name] = json!(addresses);
        }
    }
    subset
}

/// Returns the number of a port of a service in a pod.
fn target(port: &Value, protocol: &str, pod: &Value) -> Option<i64> {
    let target = &port["targetPort"];
    let Some(name) = target.as_str() else {
        return target.as_i64().filter(|number| *number > 0).or_else(|| port["port"].as_i64());
    };
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let mut ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    let named =
        ports.find(|of| of["name"] == name && of["protocol"].as_str().unwrap_or("TCP") == protocol)?;
    named["containerPort"].as_i64()
}

fn read(server: &Server, key: &Key) -> Option<Value> {
    let stored = server.store.get(key)?;
    serde_json::from_slice(&stored.bytes).ok()
}

async fn write(server: &Arc<Server>, path: &str, is_known: bool, object: &Value) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let (method, path) = if is_known { ("PUT", format!("{path}/{name}")) } else { ("POST", path.to_owned()) };
    ask(server, method, &path, "application/json", object).await;
}
