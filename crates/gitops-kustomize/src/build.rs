//! The entry: a directory of a tree becomes objects.

use gitops_manifest::{EntryKind, FileTree, Manifests, Object, Origin};

use crate::diagnosis::Diagnosis;
use crate::error::BuildError;
use crate::exclude::Exclude;
use crate::explain::{Doer, Explanation, Field, Place as Spot, Recorder, Step};
use crate::generate::generate;
use crate::kustomization::Kustomization;
use crate::overlay::Overlay;
use crate::root::{Limits, LoadRestrictions, Place, Root, join};
use crate::target::{Accumulator, At, Context, Target};
use crate::transform::sort_order::SortOrderTransformer;
use crate::yaml::{Nodes, ReadLimits};

/// The order of the output when the kustomization does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// As the files have it, which is Flux's order.
    #[default]
    AsRead,
    /// By kind, as the kustomize command prints.
    Legacy,
}

/// Builds a directory as Flux does, or as the kustomize command does.
///
/// The build reads the tree and nothing else: no network, no programs, no files outside.
///
/// # Examples
/// ```
/// use gitops_kustomize::{Kustomize, Overlay};
/// use gitops_manifest::MemoryTree;
///
/// let mut tree = MemoryTree::new();
/// tree.insert("app/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n")?;
/// let overlay = Overlay { namespace: Some("prod".to_owned()), ..Overlay::default() };
/// let manifests = Kustomize::new("./app").overlay(overlay).build(&tree)?;
/// assert_eq!(manifests[0].namespace(), Some("prod"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing is built before `build`"]
pub struct Kustomize {
    path: String,
    overlay: Option<Overlay>,
    order: Order,
    restrictions: LoadRestrictions,
    limits: Limits,
    mount: String,
    keep_builtin_schemas: bool,
    exclude: Option<Exclude>,
}

impl Kustomize {
    /// Builds this directory as Flux does: with a generated kustomization where none is, in the order of the files.
    ///
    /// Steps that lead out of the tree stay at its root.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            overlay: Some(Overlay::default()),
            order: Order::AsRead,
            restrictions: LoadRestrictions::None,
            limits: Limits::default(),
            mount: "/".to_owned(),
            keep_builtin_schemas: true,
            exclude: None,
        }
    }

    /// Builds this directory as the kustomize command does: it must have a kustomization, which may name only files
    /// in or below it.
    pub fn plain(path: impl Into<String>) -> Self {
        let restrictions = LoadRestrictions::RootOnly;
        Self { overlay: None, restrictions, keep_builtin_schemas: false, ..Self::new(path) }
    }

    /// Adds what a Flux Kustomization says.
    pub fn overlay(self, overlay: Overlay) -> Self {
        Self { overlay: Some(overlay), ..self }
    }

    /// Sets the order of the output.
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Sets which files a kustomization may name.
    pub fn load_restrictions(self, restrictions: LoadRestrictions) -> Self {
        Self { restrictions, ..self }
    }

    /// Keeps the built-in schemas beside those that `openapi` names, as Flux does; the kustomize command replaces them.
    pub fn keep_builtin_schemas(self) -> Self {
        Self { keep_builtin_schemas: true, ..self }
    }

    /// Sets what the build may use up.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the directory that error texts give the tree's root; `/` by default.
    pub fn mounted_at(self, mount: impl Into<String>) -> Self {
        Self { mount: mount.into(), ..self }
    }

    /// Leaves out what a predicate names, as Flux does with a source's ignore rules: YAML files where the kustomization
    /// is generated, and otherwise entries of its resources, components and CRDs.
    ///
    /// The predicate gets paths relative to the tree's root.
    pub fn exclude(self, is_excluded: impl Fn(&str, EntryKind) -> bool + Send + Sync + 'static) -> Self {
        Self { exclude: Some(Exclude::new(is_excluded)), ..self }
    }

    /// Builds the objects.
    ///
    /// # Errors
    /// A [`BuildError`] that names the file and the field, in the words of Flux and kustomize.
    pub fn build(&self, tree: &dyn FileTree) -> Result<Manifests, BuildError> {
        let (mut context, place) = self.open(tree)?;
        let built = self.run_at(&mut context, place);
        built.map(|(manifests, _)| manifests).map_err(|error| located(error, &context))
    }

    /// Builds the objects and records which file and which transformer set each of their fields.
    ///
    /// # Errors
    /// As [`Kustomize::build`].
    pub fn explain(&self, tree: &dyn FileTree) -> Result<Explanation, BuildError> {
        let (mut context, place) = self.open(tree)?;
        context.recorder = Some(Recorder::default());
        let built = self.run_at(&mut context, place).map_err(|error| located(error, &context));
        let (manifests, explanation) = built?;
        let mut explanation = explanation.unwrap_or_default();
        if let Some(overlay) = &self.overlay
            && !(overlay.common_labels.is_empty() && overlay.common_annotations.is_empty())
        {
            let step = Step::after("CommonMetadata", Spot::default().field("spec.commonMetadata"));
            explanation = explanation.followed_by(manifests, step);
        }
        Ok(explanation)
    }

    /// Builds the objects, and on failure tells the file, the line and the field, and what can be done.
    ///
    /// # Errors
    /// As [`Kustomize::build`], with the place.
    pub fn diagnose(&self, tree: &dyn FileTree) -> Result<Manifests, Diagnosis> {
        let (mut context, place) = self.open(tree).map_err(|error| Diagnosis { error, place: None })?;
        self.run_at(&mut context, place).map(|(manifests, _)| manifests).map_err(|error| {
            let place = spot_of(&error, &context);
            Diagnosis { error: located(error, &context), place }
        })
    }

    fn run_at(
        &self,
        context: &mut Context<'_>,
        place: Place,
    ) -> Result<(Manifests, Option<Explanation>), BuildError> {
        match &self.overlay {
            None => {
                let shown = context.root.shown(&place.dir);
                match context.root.kind(&place.dir)? {
                    Some(EntryKind::Directory) => {}
                    Some(EntryKind::File) => {
                        return Err(BuildError::Missing(format!(
                            "must build at directory: '{shown}': file is not directory"
                        )));
                    }
                    None => {
                        return Err(BuildError::Missing(format!(
                            "must build at directory: not a valid directory: evalsymlink failure on '{shown}' : lstat {shown}: no such file or directory"
                        )));
                    }
                }
                let target = Target::load(context, place)?;
                self.run(context, target)
            }
            Some(overlay) => {
                let target = self.complete(context, &place, overlay)?;
                let (built, explanation) =
                    self.run(context, target).map_err(|error| error.within("kustomize build failed"))?;
                Ok((with_common_metadata(built, overlay), explanation))
            }
        }
    }

    /// Returns the kustomization that is built: the file of the directory, or the generated one, with the overlay.
    ///
    /// # Errors
    /// As [`Kustomize::build`] for everything before the build itself.
    pub fn kustomization(&self, tree: &dyn FileTree) -> Result<serde_json::Value, BuildError> {
        let (mut context, place) = self.open(tree)?;
        let target = match &self.overlay {
            None => Target::load(&mut context, place)?,
            Some(overlay) => self.complete(&mut context, &place, overlay)?,
        };
        Ok(target.kustomization.written())
    }

    /// Returns the directory that is built, relative to the tree's root.
    pub(crate) fn folder(&self) -> String {
        crate::root::rooted(&self.path)
    }

    fn open<'a>(&'a self, tree: &'a dyn FileTree) -> Result<(Context<'a>, Place), BuildError> {
        let root = Root::new(tree, &self.mount, self.restrictions, self.limits);
        let place = root.open(&self.path)?;
        let limits = ReadLimits { nodes: self.limits.nodes, ..ReadLimits::default() };
        let (nodes, keep_builtin_schemas) = (Nodes::bounded(self.limits.nodes), self.keep_builtin_schemas);
        let context = Context {
            nodes,
            base_config: None,
            root,
            limits,
            schemas: None,
            keep_builtin_schemas,
            recorder: None,
            at: At::default(),
        };
        Ok((context, place))
    }

    fn run(
        &self,
        context: &mut Context<'_>,
        mut target: Target,
    ) -> Result<(Manifests, Option<Explanation>), BuildError> {
        if !target.kustomization.build_metadata.is_empty() {
            target.origin = Some(crate::origin::Origin::default());
        }
        target.open_schema(context, true)?;
        let mut sum = target.accumulate(context, Accumulator::default())?;
        target.finish(context, &mut sum)?;
        let nodes = &mut context.nodes;
        match (&target.kustomization.sort_options, self.order) {
            (Some(options), _) => {
                SortOrderTransformer { options: options.clone() }.apply(nodes, &mut sum.map)?
            }
            (None, Order::Legacy) => SortOrderTransformer::legacy().apply(nodes, &mut sum.map)?,
            (None, Order::AsRead) => {}
        }
        let metadata = &target.kustomization.build_metadata;
        let wants = |what: &str| metadata.iter().any(|option| option == what);
        for resource in &sum.map.list {
            if wants("managedByLabel") {
                let label = format!("kustomize-{}", crate::VERSION_LABEL);
                crate::transform::label::set(nodes, resource.node, "app.kubernetes.io/managed-by", &label)?;
            }
            resource.remove_build_annotations(nodes)?;
            if !wants("originAnnotations") {
                crate::origin::set_origin(nodes, resource, None)?;
            }
            if !wants("transformerAnnotations") {
                crate::origin::clear_transformations(nodes, resource)?;
            }
        }
        let mut objects = Vec::with_capacity(sum.map.list.len());
        for resource in &sum.map.list {
            let value = nodes.value(resource.node).map_err(|error| {
                let id = resource.id(nodes);
                let (file, line) = resource.read_from.clone().unwrap_or_else(|| ("a generator".into(), 0));
                if &*id.gvk.kind == "Secret" {
                    return BuildError::Malformed(format!(
                        "{id} of {file}:{line}: a value does not fit its tag or key"
                    ));
                }
                BuildError::Malformed(format!("{id} of {file}:{line}: {error}"))
            })?;
            let object = Object::new(value).map_err(|error| BuildError::Malformed(error.to_string()))?;
            let line = |line: &u32| usize::try_from(*line).unwrap_or_default();
            objects.push(match &resource.read_from {
                Some((file, at)) => {
                    object.with_origin(Origin { file: file.to_string().into(), line: line(at) })
                }
                None => object,
            });
        }
        let manifests = Manifests::from(objects);
        let explanation = context.recorder.take().map(|recorder| {
            let at = At { field: Field::new("buildMetadata"), ..context.at.clone() };
            let configured = Some(at.spot(context.root.tree()));
            let doer = Doer { transformer: "BuildMetadata".to_owned(), configured, ..Doer::default() };
            recorder.finish(&context.nodes, &sum.map.list, &doer, manifests.clone())
        });
        Ok((manifests, explanation))
    }

    /// Returns the kustomization of a directory, completed as Flux does before it builds.
    fn complete(
        &self,
        context: &mut Context<'_>,
        place: &Place,
        overlay: &Overlay,
    ) -> Result<Target, BuildError> {
        let shown = context.root.shown(&place.dir);
        match context.root.kind(&place.dir)? {
            Some(EntryKind::Directory) => {}
            Some(EntryKind::File) => {
                return Err(BuildError::Missing(format!("open {shown}/kustomization.yaml: not a directory")));
            }
            None => {
                return Err(BuildError::Missing(format!(
                    "kustomization path not found: stat {shown}: no such file or directory"
                )));
            }
        }
        let (mut kustomization, file) = match context.root.kustomization(place)? {
            Some((file, bytes)) => {
                context.at = At { file: join(&place.dir, file), ..At::default() };
                let mut parsed = Kustomization::parse_lenient(&bytes)?;
                if parsed.resources.is_empty() {
                    // A file without resources would be refused as empty.
                    parsed.build_metadata = vec!["originAnnotations".to_owned()];
                }
                if let Some(exclude) = &self.exclude {
                    exclude.thin_out(&context.root, place, &mut parsed)?;
                }
                (parsed, file)
            }
            None => (generate(&mut context.root, place, self.exclude.as_ref())?, "kustomization.yaml"),
        };
        let added = overlay.merge_into(&mut kustomization, &context.root, place)?;
        kustomization.check(&shown).map_err(|error| error.within("kustomize build failed"))?;
        let added = Some(added);
        Ok(Target { place: place.clone(), kustomization, file: file.to_owned(), origin: None, added })
    }
}

/// Returns the place that an error is about.
fn spot_of(error: &BuildError, context: &Context<'_>) -> Option<Spot> {
    if let Some((file, line)) = &context.at.reading {
        // The text of the file is wrong, not the field that names it.
        if matches!(error, BuildError::Malformed(_)) {
            let told = error.to_string();
            let told = told.split("yaml: line ").nth(1).and_then(|rest| rest.split(':').next()?.parse().ok());
            return Some(Spot::of(file.as_str(), told.unwrap_or(*line)));
        }
    }
    (!context.at.file.is_empty()).then(|| context.at.spot(context.root.tree()))
}

/// Names file and line of what is never done. Other texts are kustomize's own, which users search for.
fn located(error: BuildError, context: &Context<'_>) -> BuildError {
    match (&error, spot_of(&error, context)) {
        (BuildError::Refused(_), Some(spot)) => error.map(|text| format!("{text} ({spot})")),
        _ => error,
    }
}

fn with_common_metadata(built: Manifests, overlay: &Overlay) -> Manifests {
    if overlay.common_labels.is_empty() && overlay.common_annotations.is_empty() {
        return built;
    }
    let mut objects = built.into_objects();
    for object in &mut objects {
        for (key, value) in &overlay.common_labels {
            object.set_label(key, value);
        }
        for (key, value) in &overlay.common_annotations {
            object.set_annotation(key, value);
        }
    }
    objects.into()
}
