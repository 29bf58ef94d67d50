//! One kustomization, built: its resources gathered, then generated to, then transformed.

use std::collections::BTreeMap;
use std::rc::Rc;

use gitops_manifest::FileTree;

use crate::config::Config;
use crate::error::BuildError;
use crate::explain::{Doer, Field, Place as Spot, Recorder, Values, find_field};
use crate::field_spec::{FieldSpec, FieldSpecs};
use crate::generator::make::{Sort, make, with_defaults};
use crate::id::{Gvk, ResId};
use crate::kustomization::{Kustomization, Var};
use crate::objects;
use crate::origin::{ConfiguredBy, Origin, origin_of, set_origin};
use crate::overlay::Added;
use crate::patch::StrategicMergeTransformer;
use crate::plugin;
use crate::resmap::{Known, ResMap};
use crate::resource::{Resource, annotation};
use crate::root::{Place, Root, join};
use crate::schema::Schemas;
use crate::transform::image_tag::ImageTagTransformer;
use crate::transform::label::LabelTransformer;
use crate::transform::name_affix::{NameAffixTransformer, Side};
use crate::transform::namespace::NamespaceTransformer;
use crate::transform::replacement::ReplacementTransformer;
use crate::transform::replica_count::ReplicaCountTransformer;
use crate::transform::variable::{VariableTransformer, shown, values};
use crate::transform::{Transformer, name_reference};
use crate::yaml::{Id, Nodes, ReadLimits};

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
    /// Kept when the build is to be explained.
    pub(crate) recorder: Option<Recorder>,
    /// The file and the field that are worked on; what an error is about.
    pub(crate) at: At,
}

impl Context<'_> {
    /// Notes types that kustomize looks up in its built-in schemas, which from then on stay beside another one.
    fn meet(&mut self, resources: &[Resource]) {
        if self.schemas.is_none() && !self.keep_builtin_schemas {
            let is_unknown = |resource: &Resource| {
                let gvk = resource.gvk(&self.nodes);
                !crate::scope::is_known(&gvk.group, &gvk.version, &gvk.kind)
            };
            self.keep_builtin_schemas = resources.iter().any(is_unknown);
        }
    }
}

/// The file and the field that are worked on.
#[derive(Clone, Debug, Default)]
pub(crate) struct At {
    pub(crate) file: String,
    pub(crate) field: Field,
    /// Where it stands when it is not the file's own: in the specification of a Flux Kustomization, or in a file that
    /// configures a plugin.
    pub(crate) elsewhere: Option<Spot>,
    /// The file of objects that is being read, and a line in it.
    pub(crate) reading: Option<(String, usize)>,
}

impl At {
    /// Returns the place, with its line.
    pub(crate) fn spot(&self, tree: &dyn FileTree) -> Spot {
        if let Some(spot) = &self.elsewhere {
            return spot.clone();
        }
        let (line, _) = find_field(tree, &self.file, self.field, "");
        Spot::of(self.file.as_str(), line).field(self.field.to_string())
    }
}

/// One kustomization and where it stands.
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) kustomization: Kustomization,
    /// The name of its file.
    pub(crate) file: String,
    /// Kept when the build notes where objects come from.
    pub(crate) origin: Option<Origin>,
    /// What a Flux Kustomization added to the file.
    pub(crate) added: Option<Added>,
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
        context.at = At { file: join(&place.dir, file), ..At::default() };
        let kustomization = Kustomization::parse(&bytes)?;
        kustomization.check(&shown)?;
        Ok(Self { place, kustomization, file: file.to_owned(), origin: None, added: None })
    }

    /// Notes which field is worked on.
    fn at(&self, context: &mut Context<'_>, field: Field) -> At {
        let name = self.added.as_ref().and_then(|added| added.name_of(field));
        let elsewhere = name.map(|name| Spot::default().field(name));
        let at = At { file: join(&self.place.dir, &self.file), field, elsewhere, reading: None };
        context.at = at.clone();
        at
    }

    /// Takes the schema that the file names, unless another one has been taken before.
    pub(crate) fn open_schema(&self, context: &mut Context<'_>, outermost: bool) -> Result<(), BuildError> {
        let openapi = &self.kustomization.openapi;
        let (path, version) = (openapi.get("path"), openapi.get("version"));
        if context.schemas.is_some() && !outermost {
            return Ok(());
        }
        if path.is_some() || version.is_some() {
            self.at(context, Field::new("openapi"));
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
            self.at(context, Field::new("helmCharts"));
            return Err(plugin::helm_refused(&self.place.dir));
        }
        let mut sum = start;
        self.resources(context, &mut sum, &k.resources, "resources")
            .map_err(|error| error.within("accumulating resources"))?;
        sum.config.merge(&self.config(context)?)?;
        for (at, path) in k.crds.iter().enumerate() {
            self.at(context, Field::item("crds", at));
            let bytes = context
                .root
                .load(&self.place, path, "crds")
                .map_err(|error| error.within(format!("loading CRDs [{}]", k.crds.join(" "))))?;
            sum.config.merge(&crate::crds::parse(&bytes, path)?)?;
        }
        self.generate(context, &mut sum)?;
        for (at, path) in k.components.iter().enumerate() {
            self.at(context, Field::item("components", at));
            sum = self
                .component(context, sum, path)
                .map_err(|error| error.within("accumulating components"))?;
        }
        self.transform(context, &mut sum)?;
        self.validate(context, &mut sum)?;
        self.at(context, Field::new("vars"));
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
        for (at, path) in self.kustomization.configurations.iter().enumerate() {
            self.at(context, Field::item("configurations", at));
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
            for (at, args) in list.iter().enumerate() {
                let at = self.at(context, Field::item(sort.field(), at));
                let args = with_defaults(args, k.generator_options.as_ref());
                let made = make(context, &self.place, sort, &args)?;
                if context.recorder.is_some() {
                    let values =
                        Values::Entries(crate::generator::make::sources(context, &self.place, &args));
                    self.note_made(context, &made, &format!("{}Generator", sort.kind()), &at, values);
                }
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
                if context.recorder.is_some() {
                    let at = plugin_at(context, &config);
                    let kind = config.kind(&context.nodes);
                    self.note_made(context, &made, &kind, &at, Values::Unknown);
                }
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
        let before: Option<Vec<Id>> =
            context.recorder.is_some().then(|| sum.map.list.iter().map(|resource| resource.node).collect());
        sum.map.absorb(&mut context.nodes, made).map_err(|error| error.within("merging from generator"))?;
        if let (Some(before), Some(recorder)) = (before, &mut context.recorder) {
            for (old, resource) in before.into_iter().zip(&sum.map.list) {
                if old != resource.node {
                    recorder.replaced(&context.nodes, old, resource.node);
                }
            }
        }
        Ok(())
    }

    /// Begins the trail of a generated object.
    fn note_made(&self, context: &mut Context<'_>, made: &Resource, kind: &str, at: &At, values: Values) {
        let configured = Some(at.spot(context.root.tree()));
        if let Some(recorder) = &mut context.recorder {
            let doer = Doer { transformer: kind.to_owned(), configured, values };
            recorder.note(&context.nodes, std::slice::from_ref(made), &doer);
        }
    }

    /// Returns the objects that configure generators, transformers or validators: inline, from files or directories.
    fn plugins(
        &self,
        context: &mut Context<'_>,
        entries: &[String],
        field: &'static str,
    ) -> Result<Vec<Resource>, BuildError> {
        let mut sum = Accumulator::default();
        let mut paths = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            self.at(context, Field::item(field, at));
            match objects::read(&mut context.nodes, entry.as_bytes(), &context.limits) {
                Err(BuildError::Limit(text)) => return Err(BuildError::Limit(text)),
                Err(_) => paths.push(entry.clone()),
                Ok(inline) => {
                    context.meet(&inline);
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
        field: &'static str,
    ) -> Result<(), BuildError> {
        // What is added here leaves the objects before it as they are.
        let mut known = Known::default();
        for (at, path) in paths.iter().enumerate() {
            self.at(context, Field::item(field, at));
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
        context.at.reading = Some((full.clone(), 0));
        let resources =
            objects::read_file(&mut context.nodes, &bytes, path, &context.limits).map_err(from)?;
        let mut resources: Vec<Resource> = resources;
        context.meet(&resources);
        context.at.reading = None;
        let file: Rc<str> = full.into();
        for resource in &mut resources {
            resource.read_from = resource.read_from.take().map(|(_, line)| (file.clone(), line));
            if let Some(recorder) = &mut context.recorder {
                recorder.read(&context.nodes, resource, &file);
            }
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
        for (kind, field, transformer) in self.builtins(context, &sum.config)? {
            let origin = self.origin.as_ref().map(|origin| origin.builtin(&self.file, kind));
            transformers.push((transformer, origin, self.at(context, field), kind.to_owned()));
        }
        for config in self.plugins(context, &self.kustomization.transformers, "transformers")? {
            let origin = self.plugin_origin(&context.nodes, &config);
            let transformer = plugin::transformer(context, &self.place, &config)?;
            let kind = config.kind(&context.nodes).to_string();
            transformers.push((transformer, origin, plugin_at(context, &config), kind));
        }
        let none = Schemas::default();
        let schemas = context.schemas.as_ref().unwrap_or(&none);
        for (transformer, origin, at, kind) in transformers {
            context.at = at;
            if let Some(recorder) = &mut context.recorder {
                let tree = context.root.tree();
                for (piece, doer) in pieces(transformer, tree, &context.at, &kind, &self.place) {
                    piece.apply(&mut context.nodes, &mut sum.map, schemas)?;
                    recorder.note(&context.nodes, &sum.map.list, &doer);
                }
            } else {
                transformer.apply(&mut context.nodes, &mut sum.map, schemas)?;
            }
            if let Some(origin) = origin {
                // What a patch has just deleted leaves the list below.
                let left = |resource: &&Resource| !context.nodes[resource.node].is_nil_or_empty();
                for resource in sum.map.list.iter().filter(left).collect::<Vec<_>>() {
                    crate::origin::add_transformation(&mut context.nodes, resource, &origin)?;
                }
            }
            sum.map.drop_empty(&context.nodes);
            context.nodes.has_room()?;
        }
        context.keep_builtin_schemas |= none.was_asked();
        Ok(())
    }

    /// Returns the transformers that the file's own fields ask for, in kustomize's order.
    fn builtins(&self, context: &mut Context<'_>, config: &Config) -> Result<Vec<Builtin>, BuildError> {
        let k = &self.kustomization;
        let mut all = Vec::new();
        if !k.patches_strategic_merge.is_empty() {
            self.at(context, Field::new("patchesStrategicMerge"));
            let merge = plugin::strategic_merge(context, &self.place, &k.patches_strategic_merge, "")?;
            let field = Field::new("patchesStrategicMerge");
            all.push(("PatchStrategicMergeTransformer", field, Transformer::StrategicMerge(merge)));
        }
        for (at, patch) in k.patches.iter().enumerate() {
            let field = self.at(context, Field::item("patches", at)).field;
            let patch = plugin::patch_transformer(context, &self.place, patch.clone())?;
            all.push(("PatchTransformer", field, Transformer::Patch(patch)));
        }
        if !k.namespace.is_empty() {
            let transformer = NamespaceTransformer {
                namespace: k.namespace.clone(),
                specs: config.namespace.clone(),
                ..NamespaceTransformer::default()
            };
            all.push(("NamespaceTransformer", Field::new("namespace"), Transformer::Namespace(transformer)));
        }
        for (kind, field, side, text, specs) in [
            ("PrefixTransformer", "namePrefix", Side::Prefix, &k.name_prefix, &config.name_prefix),
            ("SuffixTransformer", "nameSuffix", Side::Suffix, &k.name_suffix, &config.name_suffix),
        ] {
            if !text.is_empty() {
                let transformer = NameAffixTransformer { side, text: text.clone(), specs: specs.clone() };
                all.push((kind, Field::new(field), Transformer::NameAffix(vec![transformer])));
            }
        }
        self.labels(config, &mut all)?;
        if !k.common_annotations.is_empty() {
            let (labels, specs) = (k.common_annotations.clone(), config.common_annotations.clone());
            let transformer = Transformer::Label(LabelTransformer { labels, specs });
            all.push(("AnnotationsTransformer", Field::new("commonAnnotations"), transformer));
        }
        for (at, patch) in k.patches_json6902.iter().enumerate() {
            let field = self.at(context, Field::item("patchesJson6902", at)).field;
            let target = patch.target.clone();
            let patch = plugin::json6902(context, &self.place, &patch.path, &patch.patch, target)?;
            all.push(("PatchJson6902Transformer", field, Transformer::Json6902(patch)));
        }
        for (at, replica) in k.replicas.iter().enumerate() {
            let field = Field::item("replicas", at);
            let transformer =
                ReplicaCountTransformer { replica: replica.clone(), specs: config.replicas.clone() };
            all.push(("ReplicaCountTransformer", field, Transformer::ReplicaCount(transformer)));
        }
        for (at, image) in k.images.iter().enumerate() {
            let field = Field::item("images", at);
            let transformer = ImageTagTransformer::new(image.clone(), config.images.clone());
            all.push(("ImageTagTransformer", field, Transformer::ImageTag(transformer)));
        }
        if !k.replacements.is_empty() {
            let field = self.at(context, Field::new("replacements")).field;
            let transformer = plugin::replacements(context, &self.place, k.replacements.clone())?;
            all.push(("ReplacementTransformer", field, Transformer::Replacement(transformer)));
        }
        Ok(all)
    }

    fn labels(&self, config: &Config, all: &mut Vec<Builtin>) -> Result<(), BuildError> {
        let k = &self.kustomization;
        let common = k.common_labels.clone().unwrap_or_default();
        if k.labels.is_empty() && common.is_empty() {
            return Ok(());
        }
        let failed = |error: BuildError| error.within("failed to merge labels");
        for (at, label) in k.labels.iter().enumerate() {
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
            let transformer = Transformer::Label(LabelTransformer { labels, specs });
            all.push(("LabelTransformer", Field::item("labels", at), transformer));
        }
        let specs = config.common_labels.clone();
        let transformer = Transformer::Label(LabelTransformer { labels: common, specs });
        all.push(("LabelTransformer", Field::new("commonLabels"), transformer));
        Ok(())
    }

    /// Runs validators, which may change nothing but a label that says they ran.
    ///
    /// # Difference from kustomize
    /// Kustomize compares how objects are written too, and so refuses that label on objects which had labels before.
    fn validate(&self, context: &mut Context<'_>, sum: &mut Accumulator) -> Result<(), BuildError> {
        for config in self.plugins(context, &self.kustomization.validators, "validators")? {
            let validator = plugin::transformer(context, &self.place, &config)?;
            let before = snapshot(&context.nodes, &sum.map);
            let none = Schemas::default();
            let schemas = context.schemas.as_ref().unwrap_or(&none);
            validator.apply(&mut context.nodes, &mut sum.map, schemas)?;
            context.at = plugin_at(context, &config);
            if let Some(recorder) = &mut context.recorder {
                let configured = Some(context.at.spot(context.root.tree()));
                let transformer = config.kind(&context.nodes).to_string();
                recorder.note(
                    &context.nodes,
                    &sum.map.list,
                    &Doer { transformer, configured, ..Doer::default() },
                );
            }
            let mut after = snapshot(&context.nodes, &sum.map);
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
            let id = ResId::wanted(var.objref.gvk(), &var.objref.name, &var.objref.namespace);
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
        context.at = At { file: join(&self.place.dir, &self.file), ..At::default() };
        let nodes = &mut context.nodes;
        let mut note = |nodes: &Nodes, map: &ResMap, transformer: &str| {
            if let Some(recorder) = &mut context.recorder {
                recorder.note(nodes, &map.list, &Doer::always(transformer));
            }
        };
        crate::transform::hash::apply(nodes, &sum.map)?;
        note(nodes, &sum.map, "HashTransformer");
        name_reference::apply(nodes, &sum.map, &sum.config.name_reference)?;
        note(nodes, &sum.map, "NameReferenceTransformer");
        let values = values(nodes, &sum.map, &sum.vars)?;
        if !values.is_empty() {
            VariableTransformer { values, specs: sum.config.var_reference.clone() }.apply(nodes, &sum.map)?;
            note(nodes, &sum.map, "RefVarTransformer");
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

/// A transformer that a field asks for: kustomize's name of it, the field, and itself.
type Builtin = (&'static str, Field, Transformer);

/// Returns where the configuration of a plugin stands.
fn plugin_at(context: &Context<'_>, config: &Resource) -> At {
    let spot = |(file, line): &(std::rc::Rc<str>, u32)| {
        Spot::of(&**file, usize::try_from(*line).unwrap_or_default())
    };
    At { elsewhere: config.read_from.as_ref().map(spot), ..context.at.clone() }
}

/// Takes a transformer apart into what the trail tells apart.
fn pieces(
    transformer: Transformer,
    tree: &dyn FileTree,
    at: &At,
    kind: &str,
    place: &Place,
) -> Vec<(Transformer, Doer)> {
    let below = |path: &str| crate::origin::join_clean(&place.dir, path);
    let doer = |values: Values, at: &At| Doer {
        transformer: kind.to_owned(),
        configured: Some(at.spot(tree)),
        values,
    };
    let item = |number: usize| At { field: Field::item(at.field.name, number), ..at.clone() };
    match transformer {
        Transformer::StrategicMerge(merge) => merge
            .patches
            .into_iter()
            .map(|patch| {
                let values = match &patch.read_from {
                    Some((path, _)) => Values::Lines(below(path), 0),
                    None => Values::Unknown,
                };
                let merge = StrategicMergeTransformer { patches: vec![patch] };
                (Transformer::StrategicMerge(merge), doer(values, at))
            })
            .collect(),
        Transformer::Replacement(all) => all
            .replacements
            .into_iter()
            .enumerate()
            .map(|(number, replacement)| {
                let (values, at) = match &replacement.file {
                    Some(path) => (Values::File(below(path)), at.clone()),
                    None if at.elsewhere.is_none() => (Values::Unknown, item(number)),
                    None => (Values::Unknown, at.clone()),
                };
                let one = ReplacementTransformer { replacements: vec![replacement] };
                (Transformer::Replacement(one), doer(values, &at))
            })
            .collect(),
        Transformer::Patch(patch) => {
            let values = match (patch.file(), patch.is_strategic()) {
                (Some(file), true) => Values::Lines(below(file), 0),
                (Some(file), false) => Values::File(below(file)),
                (None, true) if at.elsewhere.is_none() => {
                    let (_, before) = find_field(tree, &at.file, at.field, "patch");
                    Values::Lines(at.file.clone(), before)
                }
                (None, _) => Values::Unknown,
            };
            vec![(Transformer::Patch(patch), doer(values, at))]
        }
        Transformer::Json6902(patch) => {
            let values = patch.file().map_or(Values::Unknown, |file| Values::File(below(file)));
            vec![(Transformer::Json6902(patch), doer(values, at))]
        }
        other => vec![(other, doer(Values::Unknown, at))],
    }
}

/// Returns every object as a value; one that has none, as its text.
fn snapshot(nodes: &Nodes, map: &ResMap) -> Vec<serde_json::Value> {
    let text = |resource: &Resource| serde_json::Value::String(nodes.print(resource.node));
    map.list.iter().map(|resource| nodes.value(resource.node).unwrap_or_else(|_| text(resource))).collect()
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
