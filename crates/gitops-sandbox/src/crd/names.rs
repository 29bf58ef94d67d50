//! The names of definitions: which a group has taken already (the server's naming controller).

use serde_json::{Value, json};

/// Returns a definition's status after its names were compared with those that others of the group have.
pub(super) fn accept(definition: &Value, others: &[Value], now: &str) -> Value {
    let names = &definition["spec"]["names"];
    let mut accepted = definition["status"]["acceptedNames"].clone();
    let others: Vec<&Value> = others
        .iter()
        .filter(|other| {
            other["spec"]["group"] == definition["spec"]["group"]
                && other["metadata"]["name"] != definition["metadata"]["name"]
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
    let in_use = |name: &Value| format!("{name} is already in use");
    let mut conflict: Option<(&str, String)> = None;
    for (field, reason) in [("plural", "PluralConflict"), ("singular", "SingularConflict")] {
        if names[field] != accepted[field] && resource_taken(&names[field]) {
            conflict = Some((reason, in_use(&names[field])));
        } else {
            set(&mut accepted, field, &names[field]);
        }
    }
    if names["shortNames"] != accepted["shortNames"] {
        let own = accepted["shortNames"].as_array().cloned().unwrap_or_default();
        let wanted = names["shortNames"].as_array().into_iter().flatten();
        let taken: Vec<String> =
            wanted.filter(|name| !own.contains(name) && resource_taken(name)).map(in_use).collect();
        match taken.as_slice() {
            [] => set(&mut accepted, "shortNames", &names["shortNames"]),
            [one] => conflict = Some(("ShortNamesConflict", one.clone())),
            several => conflict = Some(("ShortNamesConflict", format!("[{}]", several.join(", ")))),
        }
    }
    for (field, reason) in [("kind", "KindConflict"), ("listKind", "ListKindConflict")] {
        if names[field] != accepted[field] && kind_taken(&names[field]) {
            conflict = Some((reason, in_use(&names[field])));
        } else {
            set(&mut accepted, field, &names[field]);
        }
    }
    set(&mut accepted, "categories", &names["categories"]);
    let mut status = definition["status"].clone();
    status["acceptedNames"] = accepted;
    let established = is_true(definition, "Established");
    let (message, names_accepted) = match &conflict {
        Some((reason, message)) => (message.as_str(), ("False", *reason)),
        None => ("no conflicts found", ("True", "NoConflicts")),
    };
    set_condition(&mut status, "NamesAccepted", names_accepted, message, now);
    if !established {
        match conflict {
            Some(_) => {
                let why = ("False", "NotAccepted");
                set_condition(&mut status, "Established", why, "not all names are accepted", now);
            }
            None => {
                let why = ("True", "InitialNamesAccepted");
                let message = "the initial names have been accepted";
                set_condition(&mut status, "Established", why, message, now);
            }
        }
    }
    status
}

/// Sets a name, or takes it away; the plural and the kind are always there.
fn set(accepted: &mut Value, field: &str, name: &Value) {
    if !name.is_null() {
        accepted[field] = name.clone();
    } else if let Some(map) = accepted.as_object_mut() {
        map.remove(field);
    }
}

/// Tells whether a condition of a definition holds.
pub(super) fn is_true(definition: &Value, name: &str) -> bool {
    definition["status"]["conditions"].as_array().is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == name && condition["status"] == "True")
    })
}

/// Sets a condition; its time is that of the last change of its status.
pub(super) fn set_condition(
    status: &mut Value,
    name: &str,
    (holds, reason): (&str, &str),
    message: &str,
    now: &str,
) {
    let mut made = json!({
        "type": name, "status": holds, "lastTransitionTime": now, "reason": reason, "message": message,
    });
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    match conditions.iter_mut().find(|condition| condition["type"] == name) {
        Some(known) => {
            if known["status"] == made["status"] {
                made["lastTransitionTime"] = known["lastTransitionTime"].clone();
            }
            *known = made;
        }
        None => conditions.push(made),
    }
}
