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
    let definitions = gitops_examples::kinds::definitions();
    definitions.iter().map(|definition| format!("---\n{}", gitops_api::crd_yaml(definition))).collect()
}
