//! From the flags to the text.

use gitops_api::kustomize_v1::{Kustomization, SubstituteStrategy};
use gitops_kustomize::{Explanation, Kustomize, LoadRestrictions, Order, Overlay, Place, Step, Substitute};
use gitops_manifest::{EntryKind, Manifests, to_canonical_json, to_yaml};
use kube::ResourceExt as _;

use super::flags::{Flags, Output, Restrictor, Style};
use super::{flux, input, variables};

/// Renders what the flags name.
pub(crate) fn render(flags: &Flags) -> Result<String, String> {
    let input = input::open(flags)?;
    let tree = input.tree.as_ref();
    let mut owner = None;
    let mut kustomize = match flags.style {
        Style::Kustomize => Kustomize::plain(&input.folder).order(Order::Legacy),
        Style::Flux => {
            owner = flux::kustomization(flags)?;
            let overlay = owner.as_ref().map(|owner| Overlay::from(&owner.spec)).unwrap_or_default();
            let rules = flux::rules(tree, &input.folder, &flags.ignore_paths)?;
            let kustomize = Kustomize::new(&input.folder).overlay(overlay);
            match rules {
                Some(rules) => {
                    kustomize.exclude(move |path, kind| rules.ignores(path, kind == EntryKind::Directory))
                }
                None => kustomize,
            }
        }
    };
    kustomize = kustomize.mounted_at(&input.mount);
    if let Some(restrictor) = flags.load_restrictor {
        kustomize = kustomize.load_restrictions(match restrictor {
            Restrictor::RootOnly => LoadRestrictions::RootOnly,
            Restrictor::None => LoadRestrictions::None,
        });
    }
    let built = kustomize.diagnose(tree).map_err(|diagnosis| diagnosis.to_string())?;
    if flags.explain {
        let explained = kustomize.explain(tree).map_err(|error| error.to_string())?;
        return Ok(finished(flags, owner.as_ref(), Steps::Explained(explained))?.text(flags));
    }
    Ok(finished(flags, owner.as_ref(), Steps::Built(built))?.text(flags))
}

/// Objects on their way, with or without their trail.
enum Steps {
    Built(Manifests),
    Explained(Explanation),
}

impl Steps {
    fn then(
        self,
        transformer: &str,
        place: Place,
        change: impl FnOnce(Manifests) -> Result<Manifests, String>,
    ) -> Result<Self, String> {
        Ok(match self {
            Self::Built(manifests) => Self::Built(change(manifests)?),
            Self::Explained(explained) => {
                let changed = change(explained.manifests().clone())?;
                Self::Explained(explained.followed_by(changed, Step::after(transformer, place)))
            }
        })
    }

    fn text(&self, flags: &Flags) -> String {
        let manifests = match self {
            Self::Explained(explained) => return explained.to_string(),
            Self::Built(manifests) => manifests,
        };
        let json = |manifests: &Manifests| {
            manifests.iter().map(|object| format!("{}\n", to_canonical_json(object.value()))).collect()
        };
        match (flags.output, flags.style) {
            (Output::Json, _) => json(manifests),
            (Output::Yaml, Style::Kustomize) => manifests.to_yaml(),
            // The Flux command ends every document.
            (Output::Yaml, Style::Flux) => {
                manifests.iter().map(|object| format!("{}---\n", to_yaml(object.value()))).collect()
            }
        }
    }
}

/// Does what Flux does after the build itself.
fn finished(flags: &Flags, owner: Option<&Kustomization>, built: Steps) -> Result<Steps, String> {
    if flags.style != Style::Flux {
        return Ok(built);
    }
    let place = |field: &str| match &flags.kustomization_file {
        Some(file) => Place::of(file.display().to_string(), 0).field(field),
        None => Place::of("", 0).field("--var"),
    };
    let mut built = built;
    if let Some(owner) = owner {
        let (name, namespace) = (owner.name_any(), owner.namespace().unwrap_or(flags.namespace.clone()));
        let label = |manifests| Ok(flux::owned(manifests, &name, &namespace));
        built = built.then("OwnerLabels", place("metadata"), label)?;
    }
    let post = owner.and_then(|owner| owner.spec.post_build.clone()).unwrap_or_default();
    let mut substitute = Substitute::new(variables::variables(flags, &post.substitute)?);
    if flags.lenient {
        substitute = substitute.lenient();
    }
    if flags.typed {
        substitute = substitute.typed();
    }
    if post.substitute_strategy == Some(SubstituteStrategy::Always) {
        substitute = substitute.always();
    }
    let replace = |manifests| {
        substitute.apply(manifests).map_err(|error| {
            let hint = "set the variable with --var or --var-file, give it a default as in ${name:=default}, or use --lenient";
            format!("{error}\n  {hint}")
        })
    };
    built = built.then("Substitute", place("spec.postBuild"), replace)?;
    built.then("MaskSops", place("SOPS"), |manifests| Ok(flux::masked(manifests)))
}
