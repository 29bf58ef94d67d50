//! One kustomization, built: its resources gathered, then generated to, then transformed.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::config::Config;
use crate::error::BuildError;
use crate::field_spec::{FieldSpec, FieldSpecs};
use crate::generator::make::{Sort, make, with_defaults};
use crate::id::{Gvk, ResId};
use crate::kustomization::{Kustomization, Var};
use crate::objects;
use crate::origin::{ConfiguredBy, Origin, origin_of, set_origin};
use crate::plugin;
use crate::resmap::{Known, ResMap};
use crate::resource::{Resource, annotation};
use crate::root::{Place, Root};
use crate::schema::Schemas;
use crate::transform::image_tag::ImageTagTransformer;
use crate::transform::label::LabelTransformer;
use crate::transform::name_affix::{NameAffixTransformer, Side};
use crate::transform::namespace::NamespaceTransformer;
use crate::transform::replica_count::ReplicaCountTransformer;
use crate::transform::variable::{VariableTransformer, shown, values};
use crate::transform::{Transformer, name_reference};
use crate::yaml::{Nodes, ReadLimits};

/// The field that a variable means when it names none.
const DEFAULT_FIELD: &str = "metadata.name";

/// What a build works with.
pub(crate) struct Context<'a> {
    pub(crate) nodes: Nodes,
    /// What [`Config::base`] returns, made once.
    pub(crate) base_config: Option<Rc<Config>>,
    pub(crate) root: Root<'a>,
    pub(crate) limits: ReadLimits,
    /// The first `openapi` that is met decides for the whole build.
    pub(crate) schemas: Option<Schemas>,
    /// Keeps the built-in schemas beside one of the repository: as Flux does, and after they have been used.
    pub(crate) keep_builtin_schemas: bool,
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
    fn merge(&mut self, nodes: &Nodes, other: Self, known: &mut Known) -> Result<(), BuildError> {
        self.map.append_new(nodes, other.map.list, known)?;
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

    /// Takes the schema that the file names, unless another one has been taken before.
    pub(crate) fn open_schema(&self, context: &mut Context<'_>, outermost: bool) -> Result<(), BuildError> {
        let openapi = &self.kustomization.openapi;
        let (path, version) = (openapi.get("path"), openapi.get("version"));
        if context.schemas.is_some() && !outermost {
            return Ok(());
        }
        if let Some(path) = path {
            let bytes = context.root.load(&self.place, path, "openapi")?;
            if version.is_some() {
                return Err(BuildError::Invalid(
                    "builtin version and custom schema provided, cannot use both".to_owned(),
                ));
            }
            context.schemas = Some(Schemas::parse(&bytes, context.keep_builtin_schemas)?);
        } else if let Some(version) = version {
            if version != crate::schema::VERSION {
                return Err(BuildError::Invalid("the specified OpenAPI version is not built in".to_owned()));
            }
            context.schemas = Some(Schemas::default());
        }
        Ok(())
    }

    /// Gathers everything, on top of what is there for a component.
    pub(crate) fn accumulate(
        &self,
        context: &mut Context<'_>,
        start: Accumulator,
    ) -> Result<Accumulator, BuildError> {
        let k = &self.kustomization;
        if !k.helm_charts.is_empty() {
            return Err(plugin::helm_refused(&self.place.dir));
        }
        let mut sum = start;
        self.resources(context, &mut sum, &k.resources, "resources")
            .map_err(|error| error.within("accumulating resources"))?;
        sum.config.merge(&self.config(context)?)?;
        for path in &k.crds {
            let bytes = context
                .root
                .load(&self.place, path, "crds")
                .map_err(|error| error.within(format!("loading CRDs [{}]", k.crds.join(" "))))?;
            sum.config.merge(&crate::crds::parse(&bytes, path)?)?;
        }
        self.generate(context, &mut sum)?;
        for path in &k.components {
            sum = self
                .component(context, sum, path)
                .map_err(|error| error.within("accumulating components"))?;
        }
        self.transform(context, &mut sum)?;
        self.validate(context, &mut sum)?;
        self.variables(&context.nodes, &mut sum)?;
        Ok(sum)
    }

    fn config(&self, context: &mut Context<'_>) -> Result<Config, BuildError> {
        if self.kustomization.configurations.is_empty() {
            let base = match &context.base_config {
                Some(base) => base.clone(),
                None => context.base_config.insert(Rc::new(Config::base()?)).clone(),
            };
            return Ok(Config::clone(&base));
        }
        let mut config = Config::defaults();
        let mut more = Config::default();
        for path in &self.kustomization.configurations {
            let bytes = context.root.load(&self.place, path, "configurations")?;
            more.merge(&Config::parse(&bytes)?)?;
        }
        config.merge(&more)?;
        Ok(config)
    }

    fn generate(&self, context: &mut Context<'_>, sum: &mut Accumulator) -> Result<(), BuildError> {
        let k = &self.kustomization;
        for (sort, list) in [(Sort::ConfigMap, &k.config_map_generator), (Sort::Secret, &k.secret_generator)]
        {
            for args in list {
                let args = with_defaults(args, k.generator_options.as_ref());
                let made = make(context, &self.place, sort, &args)?;
                if let Some(origin) = &self.origin {
                    let origin = origin.builtin(&self.file, &format!("{}Generator", sort.kind()));
                    set_origin(&mut context.nodes, &made, Some(&origin))?;
                }
                self.absorb(context, sum, made)?;
            }
        }
        for config in self.plugins(context, &k.generators, "generators")? {
            let made = plugin::generate(context, &self.place, &config)
                .map_err(|error| error.within("loading generator plugins: failed to load generator"))?;
            for made in made {
                if let Some(origin) = self.plugin_origin(&context.nodes, &config)
                    && origin_of(&context.nodes, &made).is_none()
                {
                    set_origin(&mut context.nodes, &made, Some(&origin))?;
                }
                self.absorb(context, sum, made)?;
            }
        }
        Ok(())
    }

    fn absorb(
        &self,
        context: &mut Context<'_>,
        sum: &mut Accumulator,
        made: Resource,
    ) -> Result<(), BuildError> {
        sum.map.absorb(&mut context.nodes, made).map_err(|error| error.within("merging from generator"))
    }

    /// Returns the objects that configure generators, transformers or validators: inline, from files or directories.
    fn plugins(
        &self,
        context: &mut Context<'_>,
        entries: &[String],
        field: &str,
    ) -> Result<Vec<Resource>, BuildError> {
        let mut sum = Accumulator::default();
        let mut paths = Vec::new();
        for entry in entries {
            match objects::read(&mut context.nodes, entry.as_bytes(), &context.limits) {
                Err(BuildError::Limit(text)) => return Err(BuildError::Limit(text)),
                Err(_) => paths.push(entry.clone()),
                Ok(inline) => {
                    if let Some(origin) = &self.origin {
                        for resource in &inline {
                            set_origin(&mut context.nodes, resource, Some(&origin.join(&self.file)))?;
                        }
                    }
                    sum.map.append_all(&context.nodes, inline)?;
                }
            }
        }
        self.resources(context, &mut sum, &paths, field)?;
        Ok(sum.map.list)
    }

    fn plugin_origin(&self, nodes: &Nodes, config: &Resource) -> Option<Origin> {
        let origin = origin_of(nodes, config)?;
        let by = ConfiguredBy {
            api_version: config.api_version(nodes).to_string(),
            kind: config.kind(nodes).to_string(),
            name: config.name(nodes).to_string(),
            namespace: config.namespace(nodes).to_string(),
        };
        Some(Origin { path: String::new(), configured_in: origin.path, by: Some(by) })
    }

    fn component(
        &self,
        context: &mut Context<'_>,
        sum: Accumulator,
        path: &str,
    ) -> Result<Accumulator, BuildError> {
        let place = context
            .root
            .descend(&self.place, path, "components")
            .map_err(|error| error.map(|text| format!("loader.New {}", plugin::go_quote(&text))))?;
        let wrap = |error: BuildError| {
            if error.is_final() {
                return error.within(format!("accumulateDirectory '{path}'"));
            }
            error.map(|text| format!("accumulateDirectory: {}", plugin::go_quote(&text)))
        };
        let target = self.enter(context, place, path).map_err(wrap)?;
        let shown = context.root.shown(&target.place.dir);
        if !target.kustomization.is_component() {
            return Err(wrap(BuildError::Invalid(format!(
                "expected kind 'Component' for path '{shown}' but got '{}'",
                target.kustomization.kind
            ))));
        }
        target
            .accumulate(context, sum)
            .map_err(|error| wrap(error.within(format!("recursed accumulation of path '{shown}'"))))
    }

    /// Adds files and directories to what is there.
    pub(crate) fn resources(
        &self,
        context: &mut Context<'_>,
        sum: &mut Accumulator,
        paths: &[String],
        field: &str,
    ) -> Result<(), BuildError> {
        // What is added here leaves the objects before it as they are.
        let mut known = Known::default();
        for path in paths {
            let Err(from_file) = self.resource_file(context, sum, path, field, &mut known) else { continue };
            if from_file.is_final() {
                return Err(from_file);
            }
            let place = match context.root.descend(&self.place, path, field) {
                Ok(place) => place,
                Err(_) if matches!(&from_file, BuildError::Malformed(text) if text.contains("MalformedYAMLError")) =>
                {
                    return Err(from_file);
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) => return Err(error.within(format!("accumulation err='{from_file}'"))),
            };
            let inner = self
                .directory(context, place, path)
                .map_err(|error| error.within(format!("accumulation err='{from_file}'")))?;
            let shown = context.root.shown(&crate::origin::join_clean(&self.place.dir, path));
            sum.merge(&context.nodes, inner, &mut known)
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
        known: &mut Known,
    ) -> Result<(), BuildError> {
        let from = |error: BuildError| error.within(format!("accumulating resources from '{path}'"));
        let bytes = context.root.load(&self.place, path, field).map_err(from)?;
        let full = context.root.resolve(&self.place, path, field)?;
        let resources =
            objects::read_file(&mut context.nodes, &bytes, path, &context.limits).map_err(from)?;
        let mut resources: Vec<Resource> = resources;
        let file: Rc<str> = full.into();
        for resource in &mut resources {
            resource.read_from = resource.read_from.take().map(|(_, line)| (file.clone(), line));
            if let Some(origin) = &self.origin {
                let origin = origin.join(path);
                // An origin that came with the object is kept nowhere: this one replaces it.
                set_origin(&mut context.nodes, resource, Some(&origin))?;
            }
        }
        sum.map
            .append_new(&context.nodes, resources, known)
            .map_err(|error| error.within(format!("merging resources from '{path}'")))
    }

    fn directory(
        &self,
        context: &mut Context<'_>,
        place: Place,
        path: &str,
    ) -> Result<Accumulator, BuildError> {
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
        target.open_schema(context, false)?;
        target.origin = self.origin.as_ref().map(|origin| origin.join(path));
        Ok(target)
    }

    fn transform(&self, context: &mut Context<'_>, sum: &mut Accumulator) -> Result<(), BuildError> {
        let mut transformers = Vec::new();
        for (kind, transformer) in self.builtins(context, &sum.config)? {
            transformers
                .push((transformer, self.origin.as_ref().map(|origin| origin.builtin(&self.file, kind))));
        }
        for config in self.plugins(context, &self.kustomization.transformers, "transformers")? {
            let origin = self.plugin_origin(&context.nodes, &config);
            transformers.push((plugin::transformer(context, &self.place, &config)?, origin));
        }
        let none = Schemas::default();
        let schemas = context.schemas.as_ref().unwrap_or(&none);
        for (transformer, origin) in transformers {
            transformer.apply(&mut context.nodes, &mut sum.map, schemas)?;
            if let Some(origin) = origin {
                // What a patch has just deleted leaves the list below.
                let left = |resource: &&Resource| !context.nodes[resource.node].is_nil_or_empty();
                for resource in sum.map.list.iter().filter(left).collect::<Vec<_>>() {
                    crate::origin::add_transformation(&mut context.nodes, resource, &origin)?;
                }
            }
            sum.map.drop_empty(&context.nodes);
        }
        context.keep_builtin_schemas |= none.was_asked();
        Ok(())
    }

    /// Returns the transformers that the file's own fields ask for, in kustomize's order.
    fn builtins(
        &self,
        context: &mut Context<'_>,
        config: &Config,
    ) -> Result<Vec<(&'static str, Transformer)>, BuildError> {
        let k = &self.kustomization;
        let mut all = Vec::new();
        if !k.patches_strategic_merge.is_empty() {
            let merge = plugin::strategic_merge(context, &self.place, &k.patches_strategic_merge, "")?;
            all.push(("PatchStrategicMergeTransformer", Transformer::StrategicMerge(merge)));
        }
        for patch in &k.patches {
            let patch = plugin::patch_transformer(context, &self.place, patch.clone())?;
            all.push(("PatchTransformer", Transformer::Patch(patch)));
        }
        if !k.namespace.is_empty() {
            let transformer = NamespaceTransformer {
                namespace: k.namespace.clone(),
                specs: config.namespace.clone(),
                ..NamespaceTransformer::default()
            };
            all.push(("NamespaceTransformer", Transformer::Namespace(transformer)));
        }
        for (kind, side, text, specs) in [
            ("PrefixTransformer", Side::Prefix, &k.name_prefix, &config.name_prefix),
            ("SuffixTransformer", Side::Suffix, &k.name_suffix, &config.name_suffix),
        ] {
            if !text.is_empty() {
                let transformer = NameAffixTransformer { side, text: text.clone(), specs: specs.clone() };
                all.push((kind, Transformer::NameAffix(vec![transformer])));
            }
        }
        self.labels(config, &mut all)?;
        if !k.common_annotations.is_empty() {
            let (labels, specs) = (k.common_annotations.clone(), config.common_annotations.clone());
            all.push(("AnnotationsTransformer", Transformer::Label(LabelTransformer { labels, specs })));
        }
        for patch in &k.patches_json6902 {
            let target = patch.target.clone();
            let patch = plugin::json6902(context, &self.place, &patch.path, &patch.patch, target)?;
            all.push(("PatchJson6902Transformer", Transformer::Json6902(patch)));
        }
        for replica in &k.replicas {
            let transformer =
                ReplicaCountTransformer { replica: replica.clone(), specs: config.replicas.clone() };
            all.push(("ReplicaCountTransformer", Transformer::ReplicaCount(transformer)));
        }
        for image in &k.images {
            let transformer = ImageTagTransformer::new(image.clone(), config.images.clone());
            all.push(("ImageTagTransformer", Transformer::ImageTag(transformer)));
        }
        if !k.replacements.is_empty() {
            let transformer = plugin::replacements(context, &self.place, k.replacements.clone())?;
            all.push(("ReplacementTransformer", Transformer::Replacement(transformer)));
        }
        Ok(all)
    }

    fn labels(&self, config: &Config, all: &mut Vec<(&'static str, Transformer)>) -> Result<(), BuildError> {
        let k = &self.kustomization;
        let common = k.common_labels.clone().unwrap_or_default();
        if k.labels.is_empty() && common.is_empty() {
            return Ok(());
        }
        let failed = |error: BuildError| error.within("failed to merge labels");
        for label in &k.labels {
            let mut specs = FieldSpecs::from_args(&label.fields);
            specs.merge(&config.labels).map_err(failed)?;
            if label.include_selectors {
                specs.merge(&config.common_labels).map_err(failed)?;
            } else {
                let claims = &config.claim_template_labels;
                if label.include_templates {
                    let mut templates = config.template_labels.clone();
                    if label.include_volume_claim_templates == Some(false) {
                        templates.0.retain(|spec| !claims.0.contains(spec));
                    }
                    specs.merge(&templates).map_err(failed)?;
                }
                if label.include_volume_claim_templates == Some(true) {
                    specs.merge(claims).map_err(failed)?;
                }
                let metadata = FieldSpecs(vec![FieldSpec::new(Gvk::default(), "metadata/labels", true)]);
                specs.merge(&metadata).map_err(failed)?;
            }
            let labels = label.pairs.clone();
            all.push(("LabelTransformer", Transformer::Label(LabelTransformer { labels, specs })));
        }
        let specs = config.common_labels.clone();
        all.push(("LabelTransformer", Transformer::Label(LabelTransformer { labels: common, specs })));
        Ok(())
    }

    /// Runs validators, which may change nothing but a label that says they ran.
    ///
    /// # Difference from kustomize
    /// Kustomize compares how objects are written too, and so refuses that label on objects which had labels before.
    fn validate(&self, context: &mut Context<'_>, sum: &mut Accumulator) -> Result<(), BuildError> {
        for config in self.plugins(context, &self.kustomization.validators, "validators")? {
            let validator = plugin::transformer(context, &self.place, &config)?;
            let before = snapshot(&context.nodes, &sum.map)?;
            let none = Schemas::default();
            let schemas = context.schemas.as_ref().unwrap_or(&none);
            validator.apply(&mut context.nodes, &mut sum.map, schemas)?;
            let mut after = snapshot(&context.nodes, &sum.map)?;
            after.iter_mut().for_each(without_mark);
            if after != before {
                return Err(BuildError::Transform("validator shouldn't modify the resource map".to_owned()));
            }
        }
        Ok(())
    }

    /// Finds the objects of the file's variables, while their names are still the file's.
    fn variables(&self, nodes: &Nodes, sum: &mut Accumulator) -> Result<(), BuildError> {
        let mut vars = self.kustomization.vars.clone();
        for var in &mut vars {
            let gvk = var.objref.gvk();
            let id = ResId {
                gvk,
                name: var.objref.name.as_str().into(),
                namespace: var.objref.namespace.as_str().into(),
                cluster_scoped: false,
            };
            let exact = !id.namespace.is_empty();
            let found = sum.map.matching_any_id(nodes, |other| {
                if exact { id.is_same(other) } else { id.same_type_and_name(other) }
            });
            if var.fieldref.field_path.is_empty() {
                DEFAULT_FIELD.clone_into(&mut var.fieldref.field_path);
            }
            match found.as_slice() {
                [] => {}
                [at] => sum.map.list[*at].variables.push(var.name.clone()),
                more => {
                    return Err(BuildError::Conflict(format!(
                        "found {} resId matches for var {} (unable to disambiguate)",
                        more.len(),
                        shown(var)
                    )));
                }
            }
        }
        sum.merge_vars(vars)
    }

    /// Does what is done once, at the outermost kustomization.
    pub(crate) fn finish(&self, context: &mut Context<'_>, sum: &mut Accumulator) -> Result<(), BuildError> {
        let nodes = &mut context.nodes;
        crate::transform::hash::apply(nodes, &sum.map)?;
        name_reference::apply(nodes, &sum.map, &sum.config.name_reference)?;
        let values = values(nodes, &sum.map, &sum.vars)?;
        if !values.is_empty() {
            VariableTransformer { values, specs: sum.config.var_reference.clone() }.apply(nodes, &sum.map)?;
        }
        sum.map.list.retain(|resource| {
            resource.annotation(nodes, annotation::LOCAL_CONFIG).is_none_or(|local| &*local == "false")
        });
        for resource in &sum.map.list {
            objects::check(nodes, resource.node)?;
        }
        let list = std::mem::take(&mut sum.map.list);
        sum.map.append_all(nodes, list)?;
        Ok(())
    }
}

/// Returns every object as a value.
fn snapshot(nodes: &Nodes, map: &ResMap) -> Result<Vec<serde_json::Value>, BuildError> {
    let value = |resource: &Resource| nodes.value(resource.node);
    map.list
        .iter()
        .map(|resource| value(resource).map_err(|error| BuildError::Malformed(error.to_string())))
        .collect()
}

/// Takes the label of a validator from an object.
fn without_mark(value: &mut serde_json::Value) {
    let Some(metadata) = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut) else { return };
    let labels = metadata.get_mut("labels").and_then(serde_json::Value::as_object_mut);
    let emptied = labels.is_some_and(|labels| labels.remove("validated-by").is_some() && labels.is_empty());
    if emptied {
        metadata.remove("labels");
    }
}
