//! Definitions of custom resources.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::structural;
use crate::lifecycle::names;
use crate::wire::status::Cause;

/// Adds what a definition does not say.
pub(crate) fn default_definition(object: &mut Value) {
    let spec = &mut object["spec"];
    if !spec.is_object() {
        return;
    }
    let names = &mut spec["names"];
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if names.is_object() {
        if names["singular"].as_str().unwrap_or_default().is_empty() {
            names["singular"] = json!(kind.to_lowercase());
        }
        if names["listKind"].as_str().unwrap_or_default().is_empty() && !kind.is_empty() {
            names["listKind"] = json!(format!("{kind}List"));
        }
    }
    if spec["conversion"].is_null() {
        spec["conversion"] = json!({"strategy": "None"});
    }
}

/// Sets what a new definition starts with: nothing is accepted yet.
pub(crate) fn prepare_definition(object: &mut Value) {
    object["status"] = json!({
        "conditions": null,
        "acceptedNames": {"kind": "", "plural": ""},
        "storedVersions": [storage_version(object)],
    });
}

fn storage_version(object: &Value) -> Value {
    let versions = object["spec"]["versions"].as_array().into_iter().flatten();
    let mut stored = versions.into_iter().filter(|version| version["storage"] == true);
    stored.next().map(|version| version["name"].clone()).unwrap_or_default()
}

/// Remembers a new storage version: objects of it may be stored from now on.
pub(crate) fn remember_storage(object: &mut Value) {
    let version = storage_version(object);
    if let Some(stored) = object["status"]["storedVersions"].as_array_mut()
        && !stored.contains(&version)
    {
        stored.push(version);
    }
}

/// Returns the status after the names were compared with those that others of the group have.
pub(crate) fn accept(definition: &Value, others: &[Value], now: &str) -> Value {
    let names = &definition["spec"]["names"];
    let group = &definition["spec"]["group"];
    let mut accepted = definition["status"]["acceptedNames"].clone();
    let others: Vec<&Value> = others
        .iter()
        .filter(|other| {
            other["spec"]["group"] == *group && other["metadata"]["name"] != definition["metadata"]["name"]
        })
        .map(|other| &other["status"]["acceptedNames"])
        .collect();
    let resource_taken = |name: &Value| {
        others.iter().any(|other| {
            other["plural"] == *name
                || other["singular"] == *name
                || other["shortNames"].as_array().is_some_and(|names| names.contains(name))
        })
    };
    let kind_taken =
        |name: &Value| others.iter().any(|other| other["kind"] == *name || other["listKind"] == *name);
    let mut conflict = None;
    for (field, taken, reason) in [
        ("plural", resource_taken(&names["plural"]), "PluralConflict"),
        ("singular", resource_taken(&names["singular"]), "SingularConflict"),
    ] {
        if taken {
            conflict = Some((reason, names[field].clone()));
        } else if !names[field].is_null() && conflict.is_none() {
            accepted[field] = names[field].clone();
        }
    }
    let short = names["shortNames"].as_array().cloned().unwrap_or_default();
    match short.iter().find(|name| resource_taken(name)) {
        Some(name) => conflict = Some(("ShortNamesConflict", name.clone())),
        None if !short.is_empty() => accepted["shortNames"] = json!(short),
        None => {}
    }
    for (field, reason) in [("kind", "KindConflict"), ("listKind", "ListKindConflict")] {
        if kind_taken(&names[field]) {
            conflict = Some((reason, names[field].clone()));
        } else {
            accepted[field] = names[field].clone();
        }
    }
    if let Some(categories) = names.get("categories") {
        accepted["categories"] = categories.clone();
    }
    let stamp = json!(now);
    let conditions = match conflict {
        Some((reason, name)) => {
            // Without all its names nothing of it is taken up but what nobody else has.
            for field in ["singular", "kind", "listKind"] {
                if let (true, Some(map)) = (field != "kind", accepted.as_object_mut()) {
                    map.remove(field);
                }
            }
            accepted["kind"] = json!("");
            let message = format!("{name} is already in use");
            json!([
                condition("NamesAccepted", "False", reason, &message, &stamp),
                condition("Established", "False", "NotAccepted", "not all names are accepted", &stamp),
            ])
        }
        None => json!([
            condition("NamesAccepted", "True", "NoConflicts", "no conflicts found", &stamp),
            condition(
                "Established",
                "True",
                "InitialNamesAccepted",
                "the initial names have been accepted",
                &stamp
            ),
        ]),
    };
    let mut status = definition["status"].clone();
    status["conditions"] = conditions;
    status["acceptedNames"] = accepted;
    status
}

fn condition(name: &str, status: &str, reason: &str, message: &str, now: &Value) -> Value {
    json!({"type": name, "status": status, "lastTransitionTime": now, "reason": reason, "message": message})
}

/// Says that the instances are being removed.
pub(super) fn set_terminating(object: &mut Value, now: Timestamp) {
    let now = json!(Timestamp::from_second(now.as_second()).unwrap_or(now).to_string());
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    let condition = condition("Terminating", "True", "InstanceDeletionPending", message, &now);
    if let Some(conditions) = object["status"]["conditions"].as_array_mut()
        && !conditions.iter().any(|known| known["type"] == "Terminating")
    {
        conditions.push(condition);
    }
}

/// Checks a definition.
pub(crate) fn validate_definition(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let spec = &object["spec"];
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(spec, "group"), text(&spec["names"], "plural"));
    let wanted = format!("{plural}.{group}");
    if object["metadata"]["name"] != wanted.as_str() {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &object["metadata"]["name"], why));
    }
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else {
        causes.extend(
            names::subdomain(&group).iter().map(|why| Cause::invalid("spec.group", &spec["group"], why)),
        );
        if !group.contains('.') {
            let why = "should be a domain with at least one dot";
            causes.push(Cause::invalid("spec.group", &spec["group"], why));
        }
    }
    match text(spec, "scope").as_str() {
        "" => causes.push(Cause::required("spec.scope", "")),
        "Cluster" | "Namespaced" => {}
        _ => causes.push(Cause::not_supported("spec.scope", &spec["scope"], &["Cluster", "Namespaced"])),
    }
    versions(object, &mut causes);
    check_names(&spec["names"], &mut causes);
    let conversion = &spec["conversion"];
    match text(conversion, "strategy").as_str() {
        "" | "None" => {}
        "Webhook" => {
            if conversion["webhook"]["clientConfig"].is_null() {
                let why = "required when strategy is set to Webhook";
                causes.push(Cause::required("spec.conversion.webhookClientConfig", why));
            }
            if conversion["webhook"]["conversionReviewVersions"].as_array().is_none_or(Vec::is_empty) {
                causes.push(Cause::required("spec.conversion.conversionReviewVersions", ""));
            }
        }
        _ => {
            let field = "spec.conversion.strategy";
            causes.push(Cause::not_supported(field, &conversion["strategy"], &["None", "Webhook"]));
        }
    }
    if spec["preserveUnknownFields"] == true {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        causes.push(Cause::invalid("spec.preserveUnknownFields", &json!(true), why));
    }
    let listed = |name: &Value| {
        spec["versions"]
            .as_array()
            .is_some_and(|versions| versions.iter().any(|version| version["name"] == *name))
    };
    if let Some(old) = old {
        let established = old["status"]["conditions"].as_array().is_some_and(|conditions| {
            conditions
                .iter()
                .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        });
        for (position, stored) in
            object["status"]["storedVersions"].as_array().into_iter().flatten().enumerate()
        {
            if !listed(stored) {
                let name = stored.as_str().unwrap_or_default();
                let why = format!(
                    "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
                );
                causes.push(Cause::invalid(format!("status.storedVersions[{position}]"), stored, &why));
            }
        }
        // What a definition is does not change.
        let mut immutable = Vec::new();
        let was = &old["spec"];
        if spec["group"] != was["group"] {
            immutable.push(Cause::invalid("spec.group", &spec["group"], "field is immutable"));
        }
        if established && spec["scope"] != was["scope"] {
            immutable.push(Cause::invalid("spec.scope", &spec["scope"], "field is immutable"));
        }
        if established && spec["names"]["plural"] != was["names"]["plural"] {
            immutable.push(Cause::invalid(
                "spec.names.plural",
                &spec["names"]["plural"],
                "field is immutable",
            ));
        }
        causes.retain(|cause| cause.field != "metadata.name");
        causes.extend(immutable);
    }
    causes
}

fn check_names(names: &Value, causes: &mut Vec<Cause>) {
    let text = |name: &str| names[name].as_str().unwrap_or_default();
    for name in ["plural", "singular", "kind", "listKind"] {
        let given = text(name).to_lowercase();
        let field = format!("spec.names.{name}");
        if given.is_empty() {
            causes.push(Cause::required(field, ""));
        } else {
            let why = names::label_1035(if name.ends_with("ind") { &given } else { text(name) });
            causes.extend(why.iter().map(|why| Cause::invalid(field.clone(), &names[name], why)));
        }
    }
    if !text("kind").is_empty() && text("kind") == text("listKind") {
        let why = "kind and listKind may not be the same";
        causes.push(Cause::invalid("spec.names.listKind", &names["listKind"], why));
    }
}

fn versions(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let all: Vec<&Value> = spec["versions"].as_array().into_iter().flatten().collect();
    let shared = |name: &str| all.iter().all(|version| version[name] == all[0][name]);
    let mut stored = Vec::new();
    let mut twice = false;
    for (position, version) in all.iter().enumerate() {
        let at = format!("spec.versions[{position}]");
        let name = version["name"].as_str().unwrap_or_default();
        let why = names::label_1035(name);
        causes.extend(why.iter().map(|why| Cause::invalid(format!("{at}.name"), &version["name"], why)));
        twice |= all.iter().take(position).any(|other| other["name"] == version["name"]);
        if version["storage"] == true {
            stored.push(&version["name"]);
        }
        // What all versions share is the definition's, not theirs.
        let place = |name: &str, own: &str, of_all: &str| {
            if shared(name) { of_all.to_owned() } else { format!("{at}.{own}") }
        };
        let schema = &version["schema"]["openAPIV3Schema"];
        if schema.is_null() {
            causes.push(Cause::required(format!("{at}.schema.openAPIV3Schema"), ""));
        } else if position == 0 || !shared("schema") {
            let path = place("schema", "schema.openAPIV3Schema", "spec.validation.openAPIV3Schema");
            structural::check(schema, &path, causes);
        }
        if position == 0 || !shared("subresources") {
            check_scale(
                &version["subresources"]["scale"],
                &place("subresources", "subresources", "spec.subresources"),
                causes,
            );
        }
        if position == 0 || !shared("selectableFields") {
            let path = place("selectableFields", "selectableFields", "spec.selectableFields");
            for (position, field) in version["selectableFields"].as_array().into_iter().flatten().enumerate()
            {
                selectable(schema, &field["jsonPath"], &format!("{path}[{position}].jsonPath"), causes);
            }
        }
    }
    if let Some(first) = all.first() {
        let why = names::label_1035(first["name"].as_str().unwrap_or_default());
        causes.extend(why.iter().map(|why| Cause::invalid("spec.version", &first["name"], why)));
    }
    if twice {
        causes.push(Cause::invalid("spec.versions", &spec["versions"], "must contain unique version names"));
    }
    if stored.len() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &spec["versions"], why));
        if let (Some(last), Some(known)) = (stored.last(), object["status"]["storedVersions"].as_array())
            && !known.contains(last)
        {
            let why = format!("must have the storage version {}", last.as_str().unwrap_or_default());
            causes.push(Cause::invalid("status.storedVersions", &object["status"]["storedVersions"], &why));
        }
    }
}

fn check_scale(scale: &Value, path: &str, causes: &mut Vec<Cause>) {
    if scale.is_null() {
        return;
    }
    for (name, root) in
        [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status"), ("labelSelectorPath", "")]
    {
        let given = scale[name].as_str().unwrap_or_default();
        let field = format!("{path}.scale.{name}");
        if given.is_empty() {
            if !root.is_empty() {
                causes.push(Cause::required(field, ""));
            }
            continue;
        }
        let under = |root: &str| given.starts_with(&format!("{root}."));
        if !root.is_empty() && !under(root) {
            causes.push(Cause::invalid(field, &scale[name], &format!("should be a json path under {root}")));
        } else if root.is_empty() && !under(".spec") && !under(".status") {
            let why = "should be a json path under either .status or .spec";
            causes.push(Cause::invalid(field, &scale[name], why));
        }
    }
}

fn selectable(schema: &Value, path: &Value, field: &str, causes: &mut Vec<Cause>) {
    let found = structural::lookup(schema, path.as_str().unwrap_or_default());
    if found.is_null() {
        let why = "is an invalid path: does not refer to a valid field";
        causes.push(Cause::invalid(field, path, why));
    } else if !matches!(found["type"].as_str(), Some("string" | "boolean" | "integer")) {
        let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
        causes.push(Cause::invalid(field, path, why));
    }
}
