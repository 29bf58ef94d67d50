//! One kustomization, built: its resources gathered, then generated to, then transformed.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::error::BuildError;
use crate::kustomization::{Kustomization, Var};
use crate::objects;
use crate::origin::{Origin, set_origin};
use crate::resmap::ResMap;
use crate::resource::{Resource, annotation};
use crate::root::{Place, Root};
use crate::transform::namespace::{NamespaceTransformer, Subjects};
use crate::yaml::{Nodes, ReadLimits};

/// What a build works with.
pub(crate) struct Context<'a> {
    pub(crate) nodes: Nodes,
    pub(crate) root: Root<'a>,
    pub(crate) limits: ReadLimits,
}

/// One kustomization and where it stands.
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) kustomization: Kustomization,
    /// The name of its file.
    pub(crate) file: String,
    /// Kept when the build notes where objects come from.
    pub(crate) origin: Option<Origin>,
}

/// What has been gathered so far.
#[derive(Debug, Default)]
pub(crate) struct Accumulator {
    pub(crate) map: ResMap,
    pub(crate) config: Config,
    pub(crate) vars: BTreeMap<String, Var>,
}

impl Accumulator {
    fn merge(&mut self, nodes: &Nodes, other: Self) -> Result<(), BuildError> {
        self.map.append_all(nodes, other.map.list)?;
        self.config.merge(&other.config)?;
        self.merge_vars(other.vars.into_values())
    }

    fn merge_vars(&mut self, vars: impl IntoIterator<Item = Var>) -> Result<(), BuildError> {
        for var in vars {
            if self.vars.contains_key(&var.name) {
                return Err(BuildError::Conflict(format!("var '{}' already encountered", var.name)));
            }
            self.vars.insert(var.name.clone(), var);
        }
        Ok(())
    }
}

impl Target {
    /// Reads the kustomization of a directory.
    pub(crate) fn load(context: &mut Context<'_>, place: Place) -> Result<Self, BuildError> {
        let shown = context.root.shown(&place.dir);
        let Some((file, bytes)) = context.root.kustomization(&place)? else {
            return Err(BuildError::Missing(format!(
                "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{shown}'"
            )));
        };
        let kustomization = Kustomization::parse(&bytes)?;
        kustomization.check(&shown)?;
        Ok(Self { place, kustomization, file: file.to_owned(), origin: None })
    }

    /// Gathers everything, on top of what is there for a component.
    pub(crate) fn accumulate(&self, context: &mut Context<'_>, start: Accumulator) -> Result<Accumulator, BuildError> {
        self.refuse_unbuilt()?;
        let mut sum = start;
        self.resources(context, &mut sum, &self.kustomization.resources, "resources")
            .map_err(|error| error.within("accumulating resources"))?;
        sum.config.merge(&self.config(context)?)?;
        self.transform(context, &mut sum)?;
        Ok(sum)
    }

    /// Names the first field that is set but not built.
    fn refuse_unbuilt(&self) -> Result<(), BuildError> {
        let k = &self.kustomization;
        let unbuilt = [
            ("openapi", !k.openapi.is_empty()),
            ("namePrefix", !k.name_prefix.is_empty()),
            ("nameSuffix", !k.name_suffix.is_empty()),
            ("commonLabels", k.common_labels.as_ref().is_some_and(|labels| !labels.is_empty())),
            ("labels", !k.labels.is_empty()),
            ("commonAnnotations", !k.common_annotations.is_empty()),
            ("patchesStrategicMerge", !k.patches_strategic_merge.is_empty()),
            ("patchesJson6902", !k.patches_json6902.is_empty()),
            ("patches", !k.patches.is_empty()),
            ("images", !k.images.is_empty()),
            ("replacements", !k.replacements.is_empty()),
            ("replicas", !k.replicas.is_empty()),
            ("vars", !k.vars.is_empty()),
            ("components", !k.components.is_empty()),
            ("crds", !k.crds.is_empty()),
            ("configMapGenerator", !k.config_map_generator.is_empty()),
            ("secretGenerator", !k.secret_generator.is_empty()),
            ("helmCharts", !k.helm_charts.is_empty()),
            ("configurations", !k.configurations.is_empty()),
            ("generators", !k.generators.is_empty()),
            ("transformers", !k.transformers.is_empty()),
            ("validators", !k.validators.is_empty()),
        ];
        match unbuilt.iter().find(|(_, set)| *set) {
            Some((field, _)) => Err(BuildError::NotSupported(format!(
                "the field '{field}' of '{}' is not supported yet",
                crate::root::join(&self.place.dir, &self.file)
            ))),
            None => Ok(()),
        }
    }

    fn config(&self, _context: &mut Context<'_>) -> Result<Config, BuildError> {
        Ok(Config::defaults())
    }

    /// Adds files and directories to what is there.
    pub(crate) fn resources(
        &self,
        context: &mut Context<'_>,
        sum: &mut Accumulator,
        paths: &[String],
        field: &str,
    ) -> Result<(), BuildError> {
        for path in paths {
            let Err(from_file) = self.resource_file(context, sum, path, field) else { continue };
            if from_file.is_final() {
                return Err(from_file);
            }
            let place = match context.root.descend(&self.place, path, field) {
                Ok(place) => place,
                Err(_) if matches!(&from_file, BuildError::Malformed(text) if text.contains("MalformedYAMLError")) => {
                    return Err(from_file);
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) => return Err(error.within(format!("accumulation err='{from_file}'"))),
            };
            let inner = self
                .directory(context, place, path)
                .map_err(|error| error.within(format!("accumulation err='{from_file}'")))?;
            let shown = context.root.shown(&crate::origin::join_clean(&self.place.dir, path));
            sum.merge(&context.nodes, inner)
                .map_err(|error| error.within(format!("recursed merging from path '{shown}'")))
                .map_err(|error| error.within(format!("accumulation err='{from_file}'")))?;
        }
        Ok(())
    }

    fn resource_file(
        &self,
        context: &mut Context<'_>,
        sum: &mut Accumulator,
        path: &str,
        field: &str,
    ) -> Result<(), BuildError> {
        let from = |error: BuildError| error.within(format!("accumulating resources from '{path}'"));
        let bytes = context.root.load(&self.place, path, field).map_err(from)?;
        let full = context.root.resolve(&self.place, path, field)?;
        let resources = objects::read_file(&mut context.nodes, &bytes, path, &context.limits).map_err(from)?;
        let mut resources: Vec<Resource> = resources;
        let file: std::rc::Rc<str> = full.into();
        for resource in &mut resources {
            resource.read_from = resource.read_from.take().map(|(_, line)| (file.clone(), line));
            if let Some(origin) = &self.origin {
                let origin = origin.join(path);
                // An origin that came with the object is kept nowhere: this one replaces it.
                set_origin(&mut context.nodes, resource, Some(&origin))?;
            }
        }
        sum.map
            .append_all(&context.nodes, resources)
            .map_err(|error| error.within(format!("merging resources from '{path}'")))
    }

    fn directory(&self, context: &mut Context<'_>, place: Place, path: &str) -> Result<Accumulator, BuildError> {
        let target = self.enter(context, place, path)?;
        let shown = context.root.shown(&target.place.dir);
        if target.kustomization.is_component() {
            return Err(BuildError::Invalid(format!("expected kind != 'Component' for path '{shown}'")));
        }
        target
            .accumulate(context, Accumulator::default())
            .map_err(|error| error.within(format!("recursed accumulation of path '{shown}'")))
    }

    /// Reads the kustomization of a directory that this one names.
    fn enter(&self, context: &mut Context<'_>, place: Place, path: &str) -> Result<Self, BuildError> {
        let shown = context.root.shown(&place.dir);
        let mut target = Self::load(context, place)
            .map_err(|error| error.within(format!("couldn't make target for path '{shown}'")))?;
        target.kustomization.build_metadata.clone_from(&self.kustomization.build_metadata);
        target.origin = self.origin.as_ref().map(|origin| origin.join(path));
        Ok(target)
    }

    fn transform(&self, context: &mut Context<'_>, sum: &mut Accumulator) -> Result<(), BuildError> {
        let k = &self.kustomization;
        let nodes = &mut context.nodes;
        if !k.namespace.is_empty() {
            let transformer = NamespaceTransformer {
                namespace: k.namespace.clone(),
                specs: sum.config.namespace.clone(),
                unset_only: false,
                subjects: Subjects::Default,
            };
            transformer.apply(nodes, &mut sum.map)?;
            self.note(nodes, &sum.map, "NamespaceTransformer")?;
            sum.map.drop_empty(nodes);
        }
        Ok(())
    }

    /// Notes a builtin transformer on every object, where that is asked for.
    fn note(&self, nodes: &mut Nodes, map: &ResMap, kind: &str) -> Result<(), BuildError> {
        let Some(origin) = &self.origin else { return Ok(()) };
        let origin = origin.builtin(&self.file, kind);
        for resource in &map.list {
            crate::origin::add_transformation(nodes, resource, &origin)?;
        }
        Ok(())
    }

    /// Does what is done once, at the outermost kustomization.
    pub(crate) fn finish(&self, context: &mut Context<'_>, sum: &mut Accumulator) -> Result<(), BuildError> {
        let nodes = &mut context.nodes;
        sum.map.list.retain(|resource| {
            resource.annotation(nodes, annotation::LOCAL_CONFIG).is_none_or(|local| &*local == "false")
        });
        Ok(())
    }
}
