//! Bringing manifests into stages and order, with owner labels and in the form that is applied.

use std::collections::HashMap;

use gitops_api::ObjectId;
use gitops_manifest::{Object, Origin};
use serde_json::Value;

use crate::ca_bundle::remove_invalid_ca_bundle;
use crate::error::ApplyError;
use crate::fields;
use crate::go_form::{Form, to_go_form};
use crate::normalize::normalize;
use crate::options::{ApplyOptions, OwnerLabels};
use crate::order::{SortKey, Stage, compare, stage_of};

/// An object that is ready to be tried.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) id: ObjectId,
    pub(crate) version: String,
    pub(crate) stage: Stage,
    pub(crate) origin: Option<Origin>,
    pub(crate) desired: Value,
}

/// Prepares a set: labels, form, identity, stages, order. Lists are not flattened here; the parser does that.
pub(crate) fn prepare(
    objects: &[Object],
    owner: Option<&OwnerLabels>,
    options: &ApplyOptions,
) -> Result<Vec<Prepared>, ApplyError> {
    let mut prepared = Vec::with_capacity(objects.len());
    let mut places: HashMap<ObjectId, Option<Origin>> = HashMap::with_capacity(objects.len());
    for object in objects {
        let origin = object.origin().cloned();
        let mut object = object.clone();
        if let Some(owner) = owner {
            owner.set(&mut object);
        }
        normalize(object.value_mut());
        remove_invalid_ca_bundle(object.value_mut());
        if options.form == Form::AsFlux {
            to_go_form(object.value_mut());
        }
        let id = ObjectId::of_object(object.value())
            .map_err(|source| ApplyError::Incomplete { origin: origin.clone(), source })?;
        if let Some(first) = places.insert(id.clone(), origin.clone()) {
            let origins = first.into_iter().chain(origin).collect();
            return Err(ApplyError::Duplicate { id, origins });
        }
        let stage = stage_of(id.group(), id.kind(), &options.custom_stage);
        let version = fields::version(object.value()).to_owned();
        prepared.push(Prepared { id, version, stage, origin, desired: object.into_value() });
    }
    prepared.sort_by(|a, b| a.stage.cmp(&b.stage).then_with(|| compare(&sort_key(&a.id), &sort_key(&b.id))));
    Ok(prepared)
}

/// Returns what the order looks at.
pub(crate) fn sort_key(id: &ObjectId) -> SortKey<'_> {
    SortKey {
        group: id.group(),
        kind: id.kind(),
        namespace: id.namespace().unwrap_or_default(),
        name: id.name(),
    }
}
