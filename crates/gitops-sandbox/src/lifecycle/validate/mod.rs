//! What is sent, as the server understands it: decoding, admission, and the rules of each kind.

mod admission;
mod autoscalers;
mod budgets;
mod claims;
mod classes;
mod config;
mod endpoints;
mod events;
mod fields;
mod ingresses;
mod jobs;
mod kinds;
mod leases;
mod network_policies;
mod nodes;
mod outcomes;
mod persistent_volumes;
mod pods;
mod quotas;
mod rbac;
mod read;
mod registrations;
mod schedules;
mod services;
mod storage;
mod workloads;

use serde_json::Value;

use super::call::Call;
use super::strategy::Part;
use crate::crd;
use crate::schema::Kind;
use crate::wire::status::Cause;

pub(crate) use admission::{admit_create, admit_update, may_create};
pub(crate) use read::{decode, delete_options, read, read_applied, read_body, read_config};

/// Checks a new object by the rules of its kind.
pub(crate) fn on_create(call: &mut Call<'_>, object: &Value) -> Vec<Cause> {
    match &call.kind.custom {
        Some(custom) => crd::validate_object(custom, &call.kind, object, None, Part::Main).causes,
        None => kinds::create(&call.kind, object),
    }
}

/// Checks a changed object by the rules of its kind.
pub(crate) fn on_update(call: &mut Call<'_>, part: Part, new: &Value, old: &Value) -> Vec<Cause> {
    match &call.kind.custom {
        Some(custom) => {
            let outcome = crd::validate_object(custom, &call.kind, new, Some(old), part);
            call.warn_all(&outcome.warnings);
            outcome.causes
        }
        None => kinds::update(&call.kind, part, new, old),
    }
}

/// Returns what the server remarks about an object that it takes.
pub(crate) fn warnings(kind: &Kind, object: &Value, old: Option<&Value>) -> Vec<String> {
    if kind.custom.is_some() { Vec::new() } else { kinds::warnings(kind, object, old) }
}
