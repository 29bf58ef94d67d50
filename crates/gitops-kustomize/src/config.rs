//! What the transformers change: the defaults, and what `configurations` and `crds` add to them.

use serde::Deserialize;

use crate::defaults;
use crate::error::BuildError;
use crate::field_spec::FieldSpecs;
use crate::id::Gvk;
use crate::kustomization::{FieldSpecArgs, decode};

/// The fields of each transformer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(crate) name_prefix: FieldSpecs,
    pub(crate) name_suffix: FieldSpecs,
    pub(crate) namespace: FieldSpecs,
    pub(crate) common_labels: FieldSpecs,
    pub(crate) labels: FieldSpecs,
    pub(crate) template_labels: FieldSpecs,
    pub(crate) claim_template_labels: FieldSpecs,
    pub(crate) common_annotations: FieldSpecs,
    pub(crate) name_reference: Vec<Referrers>,
    pub(crate) var_reference: FieldSpecs,
    pub(crate) images: FieldSpecs,
    pub(crate) replicas: FieldSpecs,
    /// Tells that nothing has been added to [`Config::base`].
    pub(crate) is_base: bool,
}

/// Fields that name objects of a kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Referrers {
    pub(crate) target: Gvk,
    pub(crate) specs: FieldSpecs,
}

/// A configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct File {
    name_prefix: Vec<FieldSpecArgs>,
    name_suffix: Vec<FieldSpecArgs>,
    namespace: Vec<FieldSpecArgs>,
    common_labels: Vec<FieldSpecArgs>,
    labels: Vec<FieldSpecArgs>,
    template_labels: Vec<FieldSpecArgs>,
    volume_claim_template_labels: Vec<FieldSpecArgs>,
    common_annotations: Vec<FieldSpecArgs>,
    name_reference: Vec<ReferrersArgs>,
    var_reference: Vec<FieldSpecArgs>,
    images: Vec<FieldSpecArgs>,
    replicas: Vec<FieldSpecArgs>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct ReferrersArgs {
    group: String,
    version: String,
    kind: String,
    field_specs: Vec<FieldSpecArgs>,
}

impl Config {
    /// Returns what applies when nobody configures anything.
    pub(crate) fn defaults() -> Self {
        Self {
            name_prefix: FieldSpecs::of(defaults::NAME_PREFIX),
            name_suffix: FieldSpecs::of(defaults::NAME_SUFFIX),
            namespace: FieldSpecs::of(defaults::NAMESPACE),
            common_labels: FieldSpecs::of(defaults::COMMON_LABELS),
            labels: FieldSpecs::default(),
            template_labels: FieldSpecs::of(defaults::TEMPLATE_LABELS),
            claim_template_labels: FieldSpecs::of(&[(
                "apps",
                "",
                "StatefulSet",
                "spec/volumeClaimTemplates[]/metadata/labels",
                true,
            )]),
            common_annotations: FieldSpecs::of(defaults::COMMON_ANNOTATIONS),
            name_reference: defaults::NAME_REFERENCE
                .iter()
                .map(|(group, version, kind, specs)| Referrers {
                    target: Gvk::new(group, version, kind),
                    specs: FieldSpecs::of(specs),
                })
                .collect(),
            var_reference: FieldSpecs::of(defaults::VAR_REFERENCE),
            images: FieldSpecs::of(defaults::IMAGES),
            replicas: FieldSpecs::of(defaults::REPLICAS),
            is_base: false,
        }
    }

    /// Returns what applies when nobody configures anything, as it is once it has been merged.
    pub(crate) fn base() -> Result<Self, BuildError> {
        let mut base = Self::default();
        base.merge(&Self::defaults())?;
        base.is_base = true;
        Ok(base)
    }

    /// Reads a file of `configurations`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BuildError> {
        let file: File = decode(bytes, "TransformerConfig").map_err(|error| {
            error.map(|text| format!("error unmarshaling JSON: while decoding JSON: {text}"))
        })?;
        let mut config = Self {
            name_prefix: FieldSpecs::from_args(&file.name_prefix),
            name_suffix: FieldSpecs::from_args(&file.name_suffix),
            namespace: FieldSpecs::from_args(&file.namespace),
            common_labels: FieldSpecs::from_args(&file.common_labels),
            labels: FieldSpecs::from_args(&file.labels),
            template_labels: FieldSpecs::from_args(&file.template_labels),
            claim_template_labels: FieldSpecs::from_args(&file.volume_claim_template_labels),
            common_annotations: FieldSpecs::from_args(&file.common_annotations),
            name_reference: file
                .name_reference
                .iter()
                .map(|args| Referrers {
                    target: Gvk::new(&args.group, &args.version, &args.kind),
                    specs: FieldSpecs::from_args(&args.field_specs),
                })
                .collect(),
            var_reference: FieldSpecs::from_args(&file.var_reference),
            images: FieldSpecs::from_args(&file.images),
            replicas: FieldSpecs::from_args(&file.replicas),
            is_base: false,
        };
        config.sort();
        Ok(config)
    }

    /// Adds what another configuration says.
    pub(crate) fn merge(&mut self, more: &Self) -> Result<(), BuildError> {
        if self.is_base && more.is_base {
            return Ok(());
        }
        if more.is_base && self.is_empty() {
            self.clone_from(more);
            return Ok(());
        }
        self.is_base = false;
        let mut changed = more
            .name_reference
            .iter()
            .any(|more| self.name_reference.iter().all(|own| own.target != more.target));
        let mut merge = |own: &mut FieldSpecs, more: &FieldSpecs, name: &str| {
            let before = own.0.len();
            own.merge(more).map_err(|error| error.within(format!("failed to merge {name} fieldSpec")))?;
            changed |= own.0.len() != before;
            Ok::<(), BuildError>(())
        };
        merge(&mut self.name_prefix, &more.name_prefix, "NamePrefix")?;
        merge(&mut self.name_suffix, &more.name_suffix, "NameSuffix")?;
        merge(&mut self.namespace, &more.namespace, "NameSpace")?;
        merge(&mut self.common_annotations, &more.common_annotations, "CommonAnnotations")?;
        merge(&mut self.common_labels, &more.common_labels, "CommonLabels")?;
        merge(&mut self.labels, &more.labels, "Labels")?;
        merge(&mut self.template_labels, &more.template_labels, "TemplateLabels")?;
        merge(&mut self.claim_template_labels, &more.claim_template_labels, "VolumeClaimTemplateLabels")?;
        merge(&mut self.var_reference, &more.var_reference, "VarReference")?;
        merge(&mut self.images, &more.images, "Images")?;
        merge(&mut self.replicas, &more.replicas, "Replicas")?;
        for referrers in &more.name_reference {
            match self.name_reference.iter_mut().find(|known| known.target == referrers.target) {
                Some(known) => merge(&mut known.specs, &referrers.specs, "NameReference")?,
                None => self.name_reference.push(referrers.clone()),
            }
        }
        if changed {
            self.sort();
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        let specs = [
            &self.name_prefix,
            &self.name_suffix,
            &self.namespace,
            &self.common_labels,
            &self.labels,
            &self.template_labels,
            &self.claim_template_labels,
            &self.common_annotations,
            &self.var_reference,
            &self.images,
            &self.replicas,
        ];
        specs.iter().all(|specs| specs.0.is_empty()) && self.name_reference.is_empty()
    }

    fn sort(&mut self) {
        for specs in [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ] {
            specs.sort();
        }
        self.name_reference.sort_by_cached_key(|referrers| referrers.target.sort_key());
    }
}
