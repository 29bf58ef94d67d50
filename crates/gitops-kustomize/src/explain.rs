//! Which file and which transformer set each field of a build's output.
//!
//! The trail is recorded by [`Kustomize::explain`](crate::Kustomize::explain) alone; a build that nobody asked to
//! explain keeps none of it.

mod recorder;
mod trail;

use std::fmt;

use gitops_manifest::Manifests;

pub(crate) use self::recorder::{Doer, Recorder, Values, find_field};
use self::trail::{Lined, Tree};

/// A place in a file of the tree, or in the specification of a Flux Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The path of the file, relative to the tree's root; empty for what no file says.
    pub file: String,
    /// The line, counted from 1; 0 when it is not known.
    pub line: usize,
    /// The field of the kustomization, such as `patches[1]`; empty when the place is a value itself.
    pub field: String,
}

impl Place {
    /// Returns the place of a line in a file; line 0 for an unknown one.
    #[must_use]
    pub fn of(file: impl Into<String>, line: usize) -> Self {
        Self { file: file.into(), line, field: String::new() }
    }

    /// Returns the same place, or a place outside of all files, by the field that it is.
    #[must_use]
    pub fn field(self, field: impl Into<String>) -> Self {
        Self { field: field.into(), ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        match (self.field.is_empty(), self.file.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => f.write_str(&self.field),
            (false, false) => write!(f, " {}", self.field),
        }
    }
}

/// What gave a field the value it has, or had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Step {
    /// Kustomize's name of the transformer or generator; empty for a value that was read with its object.
    pub transformer: String,
    /// Where the transformer is asked for; nothing for what every build does.
    pub configured: Option<Place>,
    /// Where the value itself stands: the object's file, the patch, the file of a generator.
    pub value: Option<Place>,
}

impl Step {
    /// Returns the step of something that happens after a build, such as a substitution.
    #[must_use]
    pub fn after(transformer: impl Into<String>, configured: Place) -> Self {
        Self { transformer: transformer.into(), configured: Some(configured), value: None }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(value) = &self.value {
            parts.push(value.to_string());
        }
        if !self.transformer.is_empty() {
            parts.push(match &self.configured {
                Some(configured) => format!("{} of {configured}", self.transformer),
                None => self.transformer.clone(),
            });
        }
        f.write_str(&parts.join(" by "))
    }
}

/// A field of an object and the steps that gave it its value, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldTrail<'a> {
    /// The field, such as `spec.containers[0].image` or `metadata.labels["app.kubernetes.io/name"]`.
    pub path: String,
    /// The same field as a JSON pointer.
    pub pointer: String,
    /// What set it. The last one decided.
    pub steps: Vec<&'a Step>,
}

/// A build and the trail of each of its fields.
///
/// # Examples
/// ```
/// use gitops_kustomize::Kustomize;
/// use gitops_manifest::MemoryTree;
///
/// let mut tree = MemoryTree::new();
/// tree.insert("base/kustomization.yaml", "resources: [a.yaml]\n")?;
/// tree.insert("base/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n")?;
/// tree.insert("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n")?;
/// let explained = Kustomize::plain("prod").explain(&tree)?;
/// let steps = explained.steps(0, "/metadata/name");
/// assert_eq!(steps[0].to_string(), "base/a.yaml:4");
/// assert_eq!(steps[1].to_string(), "PrefixTransformer of prod/kustomization.yaml:2 namePrefix");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    manifests: Manifests,
    trails: Vec<Tree>,
    steps: Vec<Step>,
}

impl Explanation {
    /// Returns what was built, the same as [`Kustomize::build`](crate::Kustomize::build) returns.
    #[must_use]
    pub fn manifests(&self) -> &Manifests {
        &self.manifests
    }

    /// Returns what was built.
    #[must_use]
    pub fn into_manifests(self) -> Manifests {
        self.manifests
    }

    /// Returns every field of an object with its trail, in the order of their names; nothing for an index too large.
    #[must_use]
    pub fn fields(&self, object: usize) -> Vec<FieldTrail<'_>> {
        let mut fields = Vec::new();
        if let Some(trail) = self.trails.get(object) {
            trail.fields(&mut Vec::new(), &mut |path, steps| {
                fields.push(FieldTrail {
                    path: trail::dotted(path),
                    pointer: trail::pointer(path),
                    steps: steps.iter().filter_map(|step| self.steps.get(*step)).collect(),
                });
            });
        }
        fields
    }

    /// Returns the steps of the field at a JSON pointer, oldest first; nothing when there is no such field.
    #[must_use]
    pub fn steps(&self, object: usize, pointer: &str) -> Vec<&Step> {
        let found = self.fields(object).into_iter().find(|field| field.pointer == pointer);
        found.map_or_else(Vec::new, |field| field.steps)
    }

    /// Notes what was done with the objects after the build. They must be the same ones in the same order; fields
    /// that changed get the step, and the objects are replaced.
    #[must_use]
    pub fn followed_by(mut self, after: Manifests, step: Step) -> Self {
        let at = self.steps.len();
        self.steps.push(step);
        let old =
            std::mem::take(&mut self.trails).into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        self.trails = after
            .iter()
            .zip(old)
            .map(|(object, old)| Tree::follow(old, Lined::of_value(object.value()), &mut |_, _| at))
            .collect();
        self.manifests = after;
        self
    }
}

/// One line a field: the object, then each field with the steps that set it, the deciding one first.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, object) in self.manifests.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{} {}", object.api_version(), object.kind())?;
            match object.namespace() {
                Some(namespace) => writeln!(f, " {namespace}/{}", object.name())?,
                None => writeln!(f, " {}", object.name())?,
            }
            for field in self.fields(at) {
                let steps: Vec<String> = field.steps.iter().rev().map(ToString::to_string).collect();
                writeln!(f, "  {}: {}", field.path, steps.join(" <- "))?;
            }
        }
        Ok(())
    }
}

/// A field of a kustomization, for texts: its name and the place in its list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) at: Option<usize>,
}

impl Field {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, at: None }
    }

    pub(crate) fn item(name: &'static str, at: usize) -> Self {
        Self { name, at: Some(at) }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}[{at}]", self.name),
            None => f.write_str(self.name),
        }
    }
}
