//! Sets of paths: what FieldsV1 records, and the algebra on them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::path::{Path, PathElement};

/// A set of paths.
///
/// A path in the set says nothing about the paths below or above it: owning `.spec` is not owning
/// `.spec.replicas`.
///
/// ```
/// use structured_merge::{Path, Set};
/// let mine: Set = [Path::fields(["spec", "replicas"]), Path::fields(["spec", "paused"])].into_iter().collect();
/// let yours: Set = [Path::fields(["spec", "replicas"])].into_iter().collect();
/// assert_eq!(mine.intersection(&yours), yours);
/// assert_eq!(mine.difference(&yours).to_string(), ".spec.paused");
/// ```
#[derive(Clone, Default, Eq)]
pub struct Set {
    /// Sorted by element; each node is a member or has members below it. None if there are no nodes.
    /// Copies of a set share them, for most of a set outlives most operations.
    nodes: Option<Arc<Vec<Node>>>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) element: PathElement,
    pub(crate) member: bool,
    pub(crate) children: Set,
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.is_shared_with(other) || self.nodes() == other.nodes()
    }
}

impl Node {
    fn is_used(&self) -> bool {
        self.member || !self.children.is_empty()
    }
}

impl Set {
    /// Returns the empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { nodes: None }
    }

    /// Returns the set with these nodes, in any order, none of which is unused.
    pub(crate) fn from_nodes(mut nodes: Vec<Node>) -> Self {
        nodes.retain(Node::is_used);
        if !nodes.is_sorted_by(|a, b| a.element < b.element) {
            nodes.sort_by(|a, b| a.element.cmp(&b.element));
            nodes.dedup_by(|later, first| {
                let same = later.element == first.element;
                if same {
                    first.member |= later.member;
                    let children = std::mem::take(&mut later.children);
                    first.children.extend_with(children);
                }
                same
            });
        }
        Self::from_sorted(nodes)
    }

    fn from_sorted(nodes: Vec<Node>) -> Self {
        Self { nodes: (!nodes.is_empty()).then(|| Arc::new(nodes)) }
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        self.nodes.as_deref().map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        match (&self.nodes, &other.nodes) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// Adds a path. The empty path, which would name the whole object, is never in a set.
    pub fn insert(&mut self, path: &Path) {
        let Some((last, parents)) = path.elements().split_last() else { return };
        let mut set = self;
        for element in parents {
            set = &mut set.node_mut(element).children;
        }
        set.node_mut(last).member = true;
    }

    fn node_mut(&mut self, element: &PathElement) -> &mut Node {
        let position = self.position(element);
        let nodes = Arc::make_mut(self.nodes.get_or_insert_default());
        let position = match position {
            Ok(position) => position,
            Err(position) => {
                let node = Node { element: element.clone(), member: false, children: Self::new() };
                nodes.insert(position, node);
                position
            }
        };
        &mut nodes[position]
    }

    fn position(&self, element: &PathElement) -> Result<usize, usize> {
        let nodes = self.nodes();
        match nodes.last() {
            Some(last) if last.element < *element => Err(nodes.len()),
            _ => nodes.binary_search_by(|node| node.element.cmp(element)),
        }
    }

    pub(crate) fn node(&self, element: &PathElement) -> Option<&Node> {
        self.position(element).ok().map(|position| &self.nodes()[position])
    }

    /// Returns true if exactly this path is in the set.
    #[must_use]
    pub fn has(&self, path: &Path) -> bool {
        let Some((last, parents)) = path.elements().split_last() else { return false };
        let mut set = self;
        for element in parents {
            match set.node(element) {
                Some(node) => set = &node.children,
                None => return false,
            }
        }
        set.node(last).is_some_and(|node| node.member)
    }

    /// Returns the paths below `element`, without it.
    #[must_use]
    pub fn below(&self, element: &PathElement) -> Option<&Self> {
        self.node(element).map(|node| &node.children).filter(|children| !children.is_empty())
    }

    /// Returns true if no path is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_none()
    }

    /// Returns how many paths are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes().iter().map(|node| usize::from(node.member) + node.children.len()).sum()
    }

    /// Returns the paths that are in this set or in the other.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if other.is_empty() || self.is_shared_with(other) {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        self.combine(other, |a, b| match (a, b) {
            (Some(a), Some(b)) => Some(Node {
                element: a.element.clone(),
                member: a.member || b.member,
                children: a.children.union(&b.children),
            }),
            (a, b) => a.or(b).cloned(),
        })
    }

    /// Adds all paths of another set.
    pub(crate) fn extend_with(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        } else if !other.is_empty() {
            *self = self.union(&other);
        }
    }

    /// Returns the paths that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::new();
        }
        if self.is_shared_with(other) {
            return self.clone();
        }
        self.combine(other, |a, b| {
            let (a, b) = (a?, b?);
            Some(Node {
                element: a.element.clone(),
                member: a.member && b.member,
                children: a.children.intersection(&b.children),
            })
        })
    }

    /// Returns the paths of this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        if self.is_shared_with(other) {
            return Self::new();
        }
        if other.is_empty() {
            return self.clone();
        }
        self.combine(other, |a, b| {
            let a = a?;
            let Some(b) = b else { return Some(a.clone()) };
            Some(Node {
                element: a.element.clone(),
                member: a.member && !b.member,
                children: a.children.difference(&b.children),
            })
        })
    }

    /// Returns the paths of this set that are neither in the other nor below a path of it.
    ///
    /// ```
    /// # use structured_merge::{Path, Set};
    /// let set: Set = [Path::fields(["a"]), Path::fields(["b", "c"])].into_iter().collect();
    /// let other: Set = [Path::fields(["b"])].into_iter().collect();
    /// assert_eq!(set.difference(&other), set);
    /// assert_eq!(set.recursive_difference(&other).to_string(), ".a");
    /// ```
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        self.combine(other, |a, b| {
            let a = a?;
            let Some(b) = b else { return Some(a.clone()) };
            if b.member {
                return None;
            }
            Some(Node {
                element: a.element.clone(),
                member: a.member,
                children: a.children.recursive_difference(&b.children),
            })
        })
    }

    /// Returns true if all paths of this set are in the other.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        if self.is_shared_with(other) {
            return true;
        }
        let mut rest = other.nodes();
        self.nodes().iter().all(|node| {
            let skip = rest.partition_point(|candidate| candidate.element < node.element);
            rest = &rest[skip..];
            rest.first().is_some_and(|found| {
                found.element == node.element
                    && (!node.member || found.member)
                    && node.children.is_subset(&found.children)
            })
        })
    }

    /// Returns the paths of this set that have no other path of it below them.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let nodes = self.nodes().iter().map(|node| Node {
            element: node.element.clone(),
            member: node.member && node.children.is_empty(),
            children: node.children.leaves(),
        });
        Self::from_sorted(nodes.collect())
    }

    /// Iterates over the paths: at each level first its own, then those below, both in order.
    pub fn iter(&self) -> impl Iterator<Item = Path> {
        let mut paths = Vec::with_capacity(self.len());
        self.collect_paths(&mut Vec::new(), &mut paths);
        paths.into_iter()
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Path>) {
        for node in self.nodes().iter().filter(|node| node.member) {
            paths.push(Path::new(prefix.iter().chain([&node.element]).cloned()));
        }
        for node in self.nodes().iter().filter(|node| !node.children.is_empty()) {
            prefix.push(node.element.clone());
            node.children.collect_paths(prefix, paths);
            prefix.pop();
        }
    }

    /// Walks over both sets in order and keeps what `pick` makes of the nodes with one element.
    fn combine(&self, other: &Self, pick: impl Fn(Option<&Node>, Option<&Node>) -> Option<Node>) -> Self {
        let (mut a, mut b) = (self.nodes().iter().peekable(), other.nodes().iter().peekable());
        let mut nodes = Vec::with_capacity(self.nodes().len());
        loop {
            let order = match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.element.cmp(&b.element),
            };
            let picked = match order {
                Ordering::Less => pick(a.next(), None),
                Ordering::Greater => pick(None, b.next()),
                Ordering::Equal => pick(a.next(), b.next()),
            };
            nodes.extend(picked.filter(Node::is_used));
        }
        Self::from_sorted(nodes)
    }
}

impl FromIterator<Path> for Set {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> Self {
        let mut set = Self::new();
        paths.into_iter().for_each(|path| set.insert(&path));
        set
    }
}

/// One path a line.
impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, path) in self.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            path.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|path| path.to_string())).finish()
    }
}
