//! Filters: which paths of a set are kept, as reset fields of a resource say.

use crate::path::PathElement;
use crate::set::{Node, Set};

/// One step of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PatternElement {
    /// Any element.
    Any,
    /// Exactly this element.
    Is(PathElement),
}

/// Paths that begin in a certain way.
pub type Pattern = Vec<PatternElement>;

/// Which paths of a set are kept.
///
/// Resources use filters for their reset fields: what a client sends there is ignored, so it owns
/// nothing there (a status sent to the main resource, a spec sent to `/status`).
///
/// ```
/// use structured_merge::{Filter, Path, Set};
/// let reset: Set = [Path::fields(["status"])].into_iter().collect();
/// let set: Set = [Path::fields(["spec", "a"]), Path::fields(["status", "b"])].into_iter().collect();
/// assert_eq!(Filter::exclude(reset).apply(&set).to_string(), ".spec.a");
/// ```
#[derive(Clone, Debug)]
pub struct Filter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Exclude(Set),
    Include(Matcher),
}

impl Filter {
    /// Returns the filter that drops these paths and everything below them.
    #[must_use]
    pub fn exclude(paths: Set) -> Self {
        Self(Kind::Exclude(paths))
    }

    /// Returns the filter that keeps only what begins as one of the patterns, and what is above it.
    ///
    /// Without patterns everything is kept. Where [`PatternElement::Any`] and an element stand beside
    /// each other, only what follows `Any` counts.
    #[must_use]
    pub fn include(patterns: impl IntoIterator<Item = Pattern>) -> Self {
        let merged = patterns.into_iter().map(|pattern| Matcher::new(&pattern)).reduce(Matcher::merge);
        Self(Kind::Include(merged.unwrap_or(Matcher::Everything)))
    }

    /// Returns the paths that are kept.
    #[must_use]
    pub fn apply(&self, set: &Set) -> Set {
        match &self.0 {
            Kind::Exclude(paths) => set.recursive_difference(paths),
            Kind::Include(matcher) => matcher.apply(set),
        }
    }
}

#[derive(Clone, Debug)]
enum Matcher {
    Everything,
    /// Sorted: `Any` comes first.
    Branches(Vec<(PatternElement, Matcher)>),
}

impl Matcher {
    fn new(pattern: &[PatternElement]) -> Self {
        pattern
            .iter()
            .rev()
            .fold(Self::Everything, |below, element| Self::Branches(vec![(element.clone(), below)]))
    }

    fn merge(self, other: Self) -> Self {
        let (Self::Branches(mut branches), Self::Branches(others)) = (self, other) else {
            return Self::Everything;
        };
        for (element, below) in others {
            match branches.binary_search_by(|(candidate, _)| candidate.cmp(&element)) {
                Ok(position) => {
                    let (_, found) = &mut branches[position];
                    *found = std::mem::replace(found, Self::Everything).merge(below);
                }
                Err(position) => branches.insert(position, (element, below)),
            }
        }
        Self::Branches(branches)
    }

    fn apply(&self, set: &Set) -> Set {
        let Self::Branches(branches) = self else { return set.clone() };
        let nodes = set.nodes().iter().filter_map(|node| {
            let (_, below) = branches.iter().find(|(element, _)| match element {
                PatternElement::Any => true,
                PatternElement::Is(element) => *element == node.element,
            })?;
            Some(Node {
                element: node.element.clone(),
                member: node.member,
                children: below.apply(&node.children),
            })
        });
        Set::from_nodes(nodes.collect())
    }
}
