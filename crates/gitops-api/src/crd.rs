//! The definitions of the kinds, as a cluster installs them.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresourceStatus,
    CustomResourceSubresources, CustomResourceValidation, JSONSchemaProps,
};
use kube::CustomResourceExt;

use crate::{image_v1, kustomize_v1, notification_v1, notification_v1beta3, source_v1, yaml};

/// Returns the definitions of all kinds of this crate, sources first.
///
/// They say what Flux's own definitions say, but for the descriptions.
///
/// ```
/// let names: Vec<_> = gitops_api::crds().into_iter().filter_map(|crd| crd.metadata.name).collect();
/// assert!(names.contains(&"kustomizations.kustomize.toolkit.fluxcd.io".to_owned()));
/// ```
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![
        source_v1::GitRepository::crd(),
        source_v1::OciRepository::crd(),
        source_v1::Bucket::crd(),
        source_v1::HelmRepository::crd(),
        source_v1::HelmChart::crd(),
        source_v1::ExternalArtifact::crd(),
        kustomize_v1::Kustomization::crd(),
        image_v1::ImageRepository::crd(),
        image_v1::ImagePolicy::crd(),
        image_v1::ImageUpdateAutomation::crd(),
        notification_v1beta3::Provider::crd(),
        notification_v1beta3::Alert::crd(),
        notification_v1::Receiver::crd(),
    ]
}

/// Returns a definition as a YAML document that kubectl applies.
///
/// ```
/// let crds = gitops_api::crds();
/// assert!(gitops_api::crd_yaml(&crds[0]).starts_with("apiVersion: apiextensions.k8s.io/v1\n"));
/// ```
pub fn crd_yaml(crd: &CustomResourceDefinition) -> String {
    let value = serde_json::to_value(crd).expect("because a definition's keys are texts");
    yaml::to_yaml(&value)
}

/// What the definition of a kind says beside its schema.
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: &'static str,
    pub(crate) short_names: &'static [&'static str],
    pub(crate) categories: &'static [&'static str],
    pub(crate) annotations: &'static [(&'static str, &'static str)],
    pub(crate) columns: Vec<Column>,
    pub(crate) has_status: bool,
    pub(crate) schema: JSONSchemaProps,
}

/// A column that `kubectl get` prints.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) type_: &'static str,
    pub(crate) path: &'static str,
    /// Above zero it is printed with `-o wide` only.
    pub(crate) priority: Option<i32>,
}

/// Returns the definition of a namespaced kind with one version.
pub(crate) fn definition(kind: Kind) -> CustomResourceDefinition {
    let texts = |texts: &[&str]| {
        (!texts.is_empty()).then(|| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    };
    let columns: Vec<_> = kind
        .columns
        .iter()
        .map(|column| CustomResourceColumnDefinition {
            name: column.name.to_owned(),
            type_: column.type_.to_owned(),
            json_path: column.path.to_owned(),
            priority: column.priority,
            ..Default::default()
        })
        .collect();
    let annotations: std::collections::BTreeMap<_, _> =
        kind.annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let version = CustomResourceDefinitionVersion {
        additional_printer_columns: (!columns.is_empty()).then_some(columns),
        name: kind.version.to_owned(),
        schema: Some(CustomResourceValidation { open_api_v3_schema: Some(kind.schema) }),
        served: true,
        storage: true,
        subresources: Some(CustomResourceSubresources {
            status: kind.has_status.then(|| CustomResourceSubresourceStatus(serde_json::json!({}))),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut crd = CustomResourceDefinition {
        spec: CustomResourceDefinitionSpec {
            group: kind.group.to_owned(),
            names: CustomResourceDefinitionNames {
                categories: texts(kind.categories),
                kind: kind.kind.to_owned(),
                list_kind: Some(format!("{}List", kind.kind)),
                plural: kind.plural.to_owned(),
                short_names: texts(kind.short_names),
                singular: Some(kind.singular.to_owned()),
            },
            scope: "Namespaced".to_owned(),
            versions: vec![version],
            ..Default::default()
        },
        ..Default::default()
    };
    crd.metadata.name = Some(format!("{}.{}", kind.plural, kind.group));
    crd.metadata.annotations = (!annotations.is_empty()).then_some(annotations);
    crd
}
