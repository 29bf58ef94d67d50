//! The kinds that the controllers of this workspace serve.

use gitops_api::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use gitops_controllers::Kind;

/// Returns the definitions of the served kinds, of all that Flux has.
#[must_use]
pub fn definitions() -> Vec<CustomResourceDefinition> {
    let is_served = |kind: &str| Kind::ALL.iter().any(|served| served.name() == kind);
    gitops_api::crds().into_iter().filter(|definition| is_served(&definition.spec.names.kind)).collect()
}
