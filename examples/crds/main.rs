//! Prints the definitions of the kinds that the controllers serve, for `kubectl apply -f -`.
//!
//! ```console
//! $ cargo run --example crds > examples/controllers/deploy/crds.yaml
//! ```

#![allow(clippy::print_stdout)] // a program talks to its user

fn main() {
    print!("{}", yaml());
}

/// Returns the definitions, one YAML document each.
pub(crate) fn yaml() -> String {
    let is_served = |kind: &str| gitops_controllers::Kind::ALL.iter().any(|served| served.name() == kind);
    let definitions =
        gitops_api::crds().into_iter().filter(|definition| is_served(&definition.spec.names.kind));
    definitions.map(|definition| format!("---\n{}", gitops_api::crd_yaml(&definition))).collect()
}
