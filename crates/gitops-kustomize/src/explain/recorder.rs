//! Records the trails while a build runs.

use std::collections::{BTreeMap, HashMap};

use gitops_manifest::{FileTree, Manifests, ParseOptions, PathPart, ScalarSpan, ScalarStyle, parse};

use super::trail::{Lined, Part, Tree};
use super::{Explanation, Field, Place, Step};
use crate::resource::Resource;
use crate::yaml::{Id, Nodes};

/// The trails of a build that is to be explained, by the node of each object.
#[derive(Default)]
pub(crate) struct Recorder {
    trails: HashMap<Id, Tree>,
    steps: Steps,
}

/// The steps of a build, each once.
#[derive(Default)]
struct Steps {
    list: Vec<Step>,
    known: HashMap<Step, usize>,
}

impl Steps {
    fn number(&mut self, step: Step) -> usize {
        let next = self.list.len();
        *self.known.entry(step).or_insert_with_key(|step| {
            self.list.push(step.clone());
            next
        })
    }
}

/// Where the values stand that a transformer sets.
#[derive(Clone, Debug, Default)]
pub(crate) enum Values {
    /// In the kustomization itself, or nowhere.
    #[default]
    Unknown,
    /// In a text whose lines the nodes know: its file, and the number of lines before it.
    Lines(String, usize),
    /// Somewhere in a file.
    File(String),
    /// Each entry of `data` in a file of its own, with a line when it is known.
    Entries(BTreeMap<String, (String, usize)>),
}

impl Values {
    fn place(&self, path: &[Part], line: usize) -> Option<Place> {
        match self {
            Self::Unknown => None,
            Self::Lines(..) if line == 0 => None,
            Self::Lines(file, before) => Some(Place::of(file.as_str(), before + line)),
            Self::File(file) => Some(Place::of(file.as_str(), 0)),
            Self::Entries(entries) => match path {
                [Part::Key(map), Part::Key(key)] if map == "data" || map == "binaryData" => {
                    entries.get(key).map(|(file, line)| Place::of(file.as_str(), *line))
                }
                _ => None,
            },
        }
    }
}

/// One transformer, as the trail names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doer {
    pub(crate) transformer: String,
    pub(crate) configured: Option<Place>,
    pub(crate) values: Values,
}

impl Doer {
    /// Returns what every build does, without being asked.
    pub(crate) fn always(transformer: &str) -> Self {
        Self { transformer: transformer.to_owned(), ..Self::default() }
    }

    fn step(&self, path: &[Part], line: usize) -> Step {
        Step {
            transformer: self.transformer.clone(),
            configured: self.configured.clone(),
            value: self.values.place(path, line),
        }
    }
}

impl Recorder {
    /// Begins the trail of an object that was read from a file.
    pub(crate) fn read(&mut self, nodes: &Nodes, resource: &Resource, file: &str) {
        self.follow(
            nodes,
            resource.node,
            &Doer { values: Values::Lines(file.to_owned(), 0), ..Doer::default() },
        );
    }

    /// Notes what a transformer or generator changed in these objects.
    pub(crate) fn note(&mut self, nodes: &Nodes, list: &[Resource], doer: &Doer) {
        for resource in list.iter().filter(|resource| !nodes[resource.node].is_nil_or_empty()) {
            self.follow(nodes, resource.node, doer);
        }
    }

    fn follow(&mut self, nodes: &Nodes, id: Id, doer: &Doer) {
        let (old, steps) = (self.trails.remove(&id), &mut self.steps);
        let new = Lined::of_node(nodes, id, false);
        let trail = Tree::follow(old, new, &mut |path, line| steps.number(doer.step(path, line)));
        self.trails.insert(id, trail);
    }

    /// Notes that a generated object has taken the place of another one, of which it may have kept something.
    pub(crate) fn replaced(&mut self, nodes: &Nodes, old: Id, new: Id) {
        let mut own = HashMap::new();
        if let Some(trail) = self.trails.remove(&new) {
            trail.fields(&mut Vec::new(), &mut |path, steps| {
                if let Some(last) = steps.last() {
                    own.insert(super::trail::pointer(path), *last);
                }
            });
        }
        let steps = &mut self.steps;
        let trail =
            Tree::follow(self.trails.remove(&old), Lined::of_node(nodes, new, false), &mut |path, _| {
                let known = own.get(&super::trail::pointer(path)).copied();
                known.unwrap_or_else(|| steps.number(Step::default()))
            });
        self.trails.insert(new, trail);
    }

    /// Ends the trails: `doer` gets what has changed since the last note.
    pub(crate) fn finish(
        mut self,
        nodes: &Nodes,
        list: &[Resource],
        doer: &Doer,
        manifests: Manifests,
    ) -> Explanation {
        let mut trails = Vec::with_capacity(list.len());
        for resource in list {
            let (old, steps) = (self.trails.remove(&resource.node), &mut self.steps);
            let new = Lined::of_node(nodes, resource.node, true);
            trails.push(Tree::follow(old, new, &mut |path, line| steps.number(doer.step(path, line))));
        }
        Explanation { manifests, trails, steps: self.steps.list }
    }
}

/// The older name of a field, whose entries kustomize puts behind those of the newer one.
const OLDER: [(&str, &str); 2] = [("resources", "bases"), ("images", "imageTags")];

/// Finds a field of a kustomization in its file: its line, and how many lines stand before a text in a block.
pub(crate) fn find_field(tree: &dyn FileTree, file: &str, field: Field, inner: &str) -> (usize, usize) {
    let Ok(bytes) = tree.read(file) else { return (0, 0) };
    let options = ParseOptions::kubectl().keep_spans();
    let Ok(documents) = parse(file, &bytes, &options) else { return (0, 0) };
    let scalars: Vec<&ScalarSpan> = documents.iter().flat_map(|document| document.scalars()).collect();
    let (name, at) = match OLDER.iter().find(|(newer, _)| *newer == field.name) {
        Some((newer, older)) => {
            let own =
                documents.first().and_then(|document| document.value()[newer].as_array()).map_or(0, Vec::len);
            match field.at {
                Some(at) if at >= own => (*older, Some(at - own)),
                at => (*newer, at),
            }
        }
        None => (field.name, field.at),
    };
    let is_there = |scalar: &&ScalarSpan| {
        matches!(scalar.path.first(), Some(PathPart::Key(key)) if key == name)
            && at.is_none_or(|at| scalar.path.get(1) == Some(&PathPart::Index(at)))
    };
    let scalars: Vec<&ScalarSpan> = scalars.into_iter().filter(is_there).collect();
    let is_block = |scalar: &ScalarSpan| matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded);
    let line =
        scalars.first().map_or(0, |scalar| scalar.line - usize::from(is_block(scalar) && scalar.line > 1));
    let text = scalars.iter().find(|scalar| match scalar.path.last() {
        Some(PathPart::Key(key)) => key == inner,
        _ => inner.is_empty(),
    });
    let before = text.map_or(0, |scalar| scalar.line.saturating_sub(1));
    (line, before)
}
