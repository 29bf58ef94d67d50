//! What the specification says about applying, handed to gitops-apply.

use gitops_api::kustomize_v1::{KustomizationSpec, Selector};
use gitops_apply::{ApplyOptions, IgnoreRule, Selector as ApplySelector};

/// Returns how the objects of a Kustomization are applied: Flux's way, and what its specification adds.
pub(super) fn options(spec: &KustomizationSpec) -> ApplyOptions {
    let mut options = ApplyOptions::flux();
    options.force = spec.force;
    options.ignore = spec
        .ignore
        .iter()
        .map(|rule| IgnoreRule { paths: rule.paths.clone(), selector: rule.target.as_ref().map(selector) })
        .collect();
    options
}

fn selector(selector: &Selector) -> ApplySelector {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    ApplySelector {
        group: text(&selector.group),
        version: text(&selector.version),
        kind: text(&selector.kind),
        name: text(&selector.name),
        namespace: text(&selector.namespace),
        label_selector: text(&selector.label_selector),
        annotation_selector: text(&selector.annotation_selector),
    }
}
