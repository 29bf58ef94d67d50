//! Autoscalers in their two versions: what version 1 has no field for stands in annotations
//! (`pkg/apis/autoscaling/v1/conversion.go` of Kubernetes).

use serde_json::{Value, json};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Writes an object with its fields in this order; fields that are null are left out.
fn ordered(fields: &[(&str, String)]) -> String {
    let parts: Vec<String> = fields
        .iter()
        .filter(|(_, value)| value != "null")
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    format!("{{{}}}", parts.join(","))
}

fn list(parts: impl Iterator<Item = String>) -> String {
    format!("[{}]", parts.collect::<Vec<_>>().join(","))
}

/// Writes a metric as version 1 does: what is wanted of it, or what it is.
fn metric(source: &Value, wanted: bool) -> String {
    let kind = source["type"].as_str().unwrap_or_default();
    let (field, of) = match kind {
        "Object" => ("object", &source["object"]),
        "Pods" => ("pods", &source["pods"]),
        "Resource" => ("resource", &source["resource"]),
        "ContainerResource" => ("containerResource", &source["containerResource"]),
        _ => ("external", &source["external"]),
    };
    let (value, average, utilization) = if wanted {
        ("targetValue", "targetAverageValue", "targetAverageUtilization")
    } else {
        ("currentValue", "currentAverageValue", "currentAverageUtilization")
    };
    let amounts = if wanted { &of["target"] } else { &of["current"] };
    let text = |value: &Value| value.to_string();
    let name = text(&of["metric"]["name"]);
    let selector = text(&of["metric"]["selector"]);
    let inner = match kind {
        "Object" => {
            let object = &of["describedObject"];
            let target = ordered(&[
                ("kind", text(&object["kind"])),
                ("name", text(&object["name"])),
                ("apiVersion", text(&object["apiVersion"])),
            ]);
            let amount = match &amounts["value"] {
                Value::Null => json!("0").to_string(),
                value => value.to_string(),
            };
            ordered(&[
                ("target", target),
                ("metricName", name),
                (value, amount),
                ("selector", selector),
                ("averageValue", text(&amounts["averageValue"])),
            ])
        }
        "Pods" => ordered(&[
            ("metricName", name),
            (average, text(&amounts["averageValue"])),
            ("selector", selector),
        ]),
        "Resource" | "ContainerResource" => ordered(&[
            ("name", text(&of["name"])),
            (utilization, text(&amounts["averageUtilization"])),
            (average, text(&amounts["averageValue"])),
            ("container", text(&of["container"])),
        ]),
        _ => ordered(&[
            ("metricName", name),
            ("metricSelector", selector),
            (value, text(&amounts["value"])),
            (average, text(&amounts["averageValue"])),
        ]),
    };
    ordered(&[("type", json!(kind).to_string()), (field, inner)])
}

/// Reads a metric as version 1 writes it.
fn parsed(source: &Value, wanted: bool) -> Value {
    let kind = source["type"].as_str().unwrap_or_default();
    let (value, average, utilization) = if wanted {
        ("targetValue", "targetAverageValue", "targetAverageUtilization")
    } else {
        ("currentValue", "currentAverageValue", "currentAverageUtilization")
    };
    let place = if wanted { "target" } else { "current" };
    let mut result = json!({"type": kind});
    let mut inner = json!({});
    let mut amounts = json!({});
    let mut set = |kind: &str, name: &str, value: &Value| {
        if !value.is_null() {
            amounts[name] = value.clone();
            if wanted {
                amounts["type"] = json!(kind);
            }
        }
    };
    let field = match kind {
        "Object" => {
            let of = &source["object"];
            inner["describedObject"] = of["target"].clone();
            set("Value", "value", &of[value]);
            set("AverageValue", "averageValue", &of["averageValue"]);
            if !of["averageValue"].is_null() {
                // A value of zero only fills its place.
                set("AverageValue", "value", &Value::Null);
            }
            "object"
        }
        "Pods" => {
            set("AverageValue", "averageValue", &source["pods"][average]);
            "pods"
        }
        "Resource" | "ContainerResource" => {
            let field = if kind == "Resource" { "resource" } else { "containerResource" };
            let of = &source[field];
            inner["name"] = of["name"].clone();
            if !of["container"].is_null() {
                inner["container"] = of["container"].clone();
            }
            set("AverageValue", "averageValue", &of[average]);
            set("Utilization", "averageUtilization", &of[utilization]);
            field
        }
        _ => {
            let of = &source["external"];
            set("Value", "value", &of[value]);
            set("AverageValue", "averageValue", &of[average]);
            "external"
        }
    };
    let of = &source[field];
    if !of["metricName"].is_null() {
        inner["metric"] = json!({"name": of["metricName"]});
        let selector = if field == "external" { &of["metricSelector"] } else { &of["selector"] };
        if !selector.is_null() {
            inner["metric"]["selector"] = selector.clone();
        }
    }
    inner[place] = amounts;
    result[field] = inner;
    result
}

/// How fast it scales, in the words of the server's own types.
fn behavior(of: &Value) -> String {
    let null = |value: &Value| value.to_string();
    let rules = |rules: &Value| match rules {
        Value::Null => "null".to_owned(),
        rules => {
            let policies = match &rules["policies"] {
                Value::Null => "null".to_owned(),
                policies => list(items(policies).map(|policy| {
                    format!(
                        "{{\"Type\":{},\"Value\":{},\"PeriodSeconds\":{}}}",
                        policy["type"], policy["value"], policy["periodSeconds"]
                    )
                })),
            };
            format!(
                "{{\"StabilizationWindowSeconds\":{},\"SelectPolicy\":{},\"Policies\":{policies},\"Tolerance\":{}}}",
                null(&rules["stabilizationWindowSeconds"]),
                null(&rules["selectPolicy"]),
                null(&rules["tolerance"]),
            )
        }
    };
    format!("{{\"ScaleUp\":{},\"ScaleDown\":{}}}", rules(&of["scaleUp"]), rules(&of["scaleDown"]))
}

fn parsed_behavior(text: &str) -> Option<Value> {
    let of: Value = serde_json::from_str(text).ok()?;
    let mut result = json!({});
    for (from, to) in [("ScaleUp", "scaleUp"), ("ScaleDown", "scaleDown")] {
        let rules = &of[from];
        if rules.is_null() {
            continue;
        }
        let mut found = json!({});
        let names = [
            ("StabilizationWindowSeconds", "stabilizationWindowSeconds"),
            ("SelectPolicy", "selectPolicy"),
            ("Tolerance", "tolerance"),
        ];
        for (from, to) in names {
            if !rules[from].is_null() {
                found[to] = rules[from].clone();
            }
        }
        if rules["Policies"].is_array() {
            let policies = items(&rules["Policies"]).map(|policy| {
                json!({"type": policy["Type"], "value": policy["Value"], "periodSeconds": policy["PeriodSeconds"]})
            });
            found["policies"] = policies.collect();
        }
        result[to] = found;
    }
    Some(result)
}

fn is_cpu(metric: &Value) -> bool {
    metric["type"] == "Resource" && metric["resource"]["name"] == "cpu"
}

fn take(of: &mut Value, name: &str) -> Option<Value> {
    of.as_object_mut()?.remove(name)
}

/// Turns an `autoscaling/v2` HorizontalPodAutoscaler into one of v1.
pub(crate) fn to_v1(object: &mut Value) {
    let mut notes: Vec<(&str, String)> = Vec::new();
    let metrics = take(&mut object["spec"], "metrics").unwrap_or_default();
    let mut others: Vec<&Value> = Vec::new();
    for source in items(&metrics) {
        let percent = &source["resource"]["target"]["averageUtilization"];
        if is_cpu(source) && !percent.is_null() {
            object["spec"]["targetCPUUtilizationPercentage"] = percent.clone();
        } else {
            others.push(source);
        }
    }
    if !others.is_empty() {
        notes.push((METRICS, list(others.into_iter().map(|source| metric(source, true)))));
    }
    if let Some(of) = take(&mut object["spec"], "behavior") {
        notes.push((BEHAVIOR, behavior(&of)));
    }
    if object["status"].is_object() {
        let current = take(&mut object["status"], "currentMetrics").unwrap_or_default();
        if let Some(cpu) = items(&current).find(|source| is_cpu(source)) {
            let percent = &cpu["resource"]["current"]["averageUtilization"];
            if !percent.is_null() {
                object["status"]["currentCPUUtilizationPercentage"] = percent.clone();
            }
        }
        if items(&current).next().is_some() {
            notes.push((CURRENT, list(items(&current).map(|source| metric(source, false)))));
        }
        let conditions = take(&mut object["status"], "conditions").unwrap_or_default();
        if items(&conditions).next().is_some() {
            let written = items(&conditions).map(|condition| {
                let field = |name| (name, condition[name].to_string());
                ordered(&["type", "status", "lastTransitionTime", "reason", "message"].map(field))
            });
            notes.push((CONDITIONS, list(written)));
        }
        let count = object["status"]["currentReplicas"].as_i64().unwrap_or(0);
        object["status"]["currentReplicas"] = json!(count);
    }
    for (name, text) in notes {
        object["metadata"]["annotations"][name] = json!(text);
    }
}

/// Turns an `autoscaling/v1` HorizontalPodAutoscaler into one of v2.
pub(crate) fn to_v2(object: &mut Value) {
    let mut notes = |name: &str| -> Option<Value> {
        let text = take(&mut object["metadata"]["annotations"], name)?;
        let text = text.as_str()?.to_owned();
        if name == BEHAVIOR { parsed_behavior(&text) } else { serde_json::from_str(&text).ok() }
    };
    let (metrics, current) = (notes(METRICS), notes(CURRENT));
    let (conditions, behavior) = (notes(CONDITIONS), notes(BEHAVIOR));
    if let Some(metadata) = object["metadata"].as_object_mut()
        && metadata.get("annotations").is_some_and(|notes| notes.is_null() || *notes == json!({}))
    {
        metadata.remove("annotations");
    }
    let mut all: Vec<Value> = metrics.iter().flat_map(items).map(|source| parsed(source, true)).collect();
    if let Some(percent) = take(&mut object["spec"], "targetCPUUtilizationPercentage") {
        let cpu = json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}});
        all.push(json!({"type": "Resource", "resource": cpu}));
    }
    if !all.is_empty() {
        object["spec"]["metrics"] = json!(all);
    }
    if let Some(behavior) = behavior {
        object["spec"]["behavior"] = behavior;
    }
    if !object["status"].is_object() {
        return;
    }
    let status = &mut object["status"];
    if status["currentReplicas"] == 0 {
        take(status, "currentReplicas");
    }
    let cpu = take(status, "currentCPUUtilizationPercentage");
    status["currentMetrics"] = match (current, cpu) {
        (Some(current), _) => items(&current).map(|source| parsed(source, false)).collect(),
        (None, Some(percent)) => json!([{
            "type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": percent}},
        }]),
        (None, None) => Value::Null,
    };
    if let Some(conditions) = conditions {
        status["conditions"] = conditions;
    }
}
