//! Stages: definitions and namespaces before what needs them.

use gitops_apply::{ApplyError, Intent, Stage};

use crate::ground::Ground;

/// A definition of a kind of this namespace's own, and an object of it.
pub(crate) fn gadget(ground: &Ground, spec: &str) -> String {
    definition(ground)
        + &format!(
            "---\napiVersion: {}.example.org/v1\nkind: Gadget\nmetadata: {{name: g, namespace: $NS}}\nspec: {spec}\n",
            ground.namespace
        )
}

pub(crate) fn definition(ground: &Ground) -> String {
    let group = format!("{}.example.org", ground.namespace);
    format!(
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gadgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Gadget, plural: gadgets, singular: gadget, listKind: GadgetList}}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {{status: {{}}}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {{type: object, properties: {{size: {{type: integer}}}}}}
          status: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
"
    )
}

#[tokio::test]
async fn a_definition_and_its_object_are_applied_in_one_go() {
    let Some(ground) = Ground::new().await else { return };
    let yaml = gadget(&ground, "{size: 1}");
    let applier = ground.applier();
    let plan = applier.plan(&ground.manifests(&yaml)).await.unwrap();
    assert!(matches!(plan.objects[1].intent, Intent::Deferred { .. }), "{plan}");
    assert!(plan.to_string().contains("? Gadget/"), "{plan}");
    let report = applier.apply(plan).await.unwrap();
    let ns = &ground.namespace;
    let want = format!("CustomResourceDefinition/gadgets.{ns}.example.org created\nGadget/{ns}/g created");
    assert_eq!(report.changes.to_string(), want);
    let (again, writes) = ground.writes(ground.apply(&yaml)).await;
    assert_eq!((again.unwrap().changes.only_changed().len(), writes.len()), (0, 0));
    ground.apply("").await.unwrap();
}

#[tokio::test]
async fn an_object_that_uses_a_new_field_of_its_definition_is_applied_with_it() {
    let Some(ground) = Ground::new().await else { return };
    ground.apply(&gadget(&ground, "{size: 1}")).await.unwrap();
    let grown = gadget(&ground, "{size: 1, colour: red}")
        .replace("size: {type: integer}", "size: {type: integer}, colour: {type: string}");
    ground.apply(&grown).await.unwrap();
    let api = ground.api(&format!("{}.example.org/v1", ground.namespace), "Gadget", "gadgets");
    assert_eq!(api.get("g").await.unwrap().data["spec"]["colour"], "red");
    ground.apply("").await.unwrap();
}

#[tokio::test]
async fn a_refused_deferred_object_keeps_its_stage_from_being_written() {
    let Some(ground) = Ground::new().await else { return };
    let yaml = gadget(&ground, "{size: many}")
        + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: $NS}\n";
    let error = ground.apply(&yaml).await.unwrap_err();
    assert!(matches!(error, ApplyError::DryRun { .. }), "{error}");
    assert_eq!(error.failures().iter().map(|failure| failure.stage).collect::<Vec<_>>(), [Stage::Workloads]);
    assert!(
        error.to_string().starts_with(&format!("Gadget/{}/g dry-run failed", ground.namespace)),
        "{error}"
    );
    // The definition is in place and told of; nothing of the failed stage is.
    assert_eq!(error.changes().unwrap().len(), 1);
    assert!(!ground.exists("a").await);
    ground.apply(&gadget(&ground, "{size: 3}")).await.unwrap();
    ground.apply("").await.unwrap();
}
