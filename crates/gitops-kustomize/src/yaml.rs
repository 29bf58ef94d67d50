//! The YAML tree that a build works on.
//!
//! Kustomize edits trees of nodes that remember how they were written (style, tag, text), and decides only at the
//! very end whether `1.10` is a number. Whoever wants its bytes must keep the same things. Nodes live in one arena per
//! build and name each other by id, because kustomize lets one node hang in several places at once: a label that
//! `commonLabels` put into the metadata and into the selector is one node, and a later patch changes both.

mod edit;
mod legacy;
mod path;
mod print;
mod read;
mod repair;
mod resolve;
mod timestamp;
mod value;

use std::collections::HashSet;
use std::rc::Rc;

pub(crate) use self::edit::{FieldError, Setter};
pub(crate) use self::path::{PathMatcher, split_path, split_path_smart};
pub(crate) use self::print::{TextStyle, double_quoted, print_documents, text_style};
pub(crate) use self::read::{ReadError, ReadLimits};
pub(crate) use self::resolve::{Resolved, resolve};
pub(crate) use self::timestamp::parse as parse_time;
pub(crate) use self::value::{go_float, tag_name};

/// The place of a node in its arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(u32);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// A node that has not been given a content yet; printed as null.
    #[default]
    Empty,
    Scalar,
    Mapping,
    Sequence,
    /// A reference to an anchored node, the only entry of its content.
    Alias,
}

impl Kind {
    /// Returns the name that kustomize's texts give the kind.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Scalar => "ScalarNode",
            Self::Mapping => "MappingNode",
            Self::Sequence => "SequenceNode",
            Self::Alias => "AliasNode",
        }
    }
}

/// A node's short tag; `None` leaves the type to the text.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Tag {
    #[default]
    None,
    Str,
    Int,
    Float,
    Bool,
    Null,
    Map,
    Seq,
    Timestamp,
    Binary,
    Merge,
    Other(Rc<str>),
}

/// How a node was written, as a set of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Style(u8);

impl Style {
    pub(crate) const PLAIN: Self = Self(0);
    pub(crate) const TAGGED: Self = Self(1);
    pub(crate) const DOUBLE: Self = Self(2);
    pub(crate) const SINGLE: Self = Self(4);
    pub(crate) const LITERAL: Self = Self(8);
    pub(crate) const FOLDED: Self = Self(16);
    pub(crate) const FLOW: Self = Self(32);
    const QUOTED: Self = Self(2 | 4 | 8 | 16);

    /// Tells whether one of the other's flags is set.
    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Tells whether the style alone makes the scalar a string.
    pub(crate) fn is_quoted(self) -> bool {
        self.has(Self::QUOTED)
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The comments around a node, each as text with its `#`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Comments {
    pub(crate) head: String,
    pub(crate) line: String,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) tag: Tag,
    pub(crate) style: Style,
    pub(crate) value: Rc<str>,
    /// Keys and values in turn for a mapping, elements for a sequence.
    pub(crate) content: Vec<Id>,
    pub(crate) comments: Option<Rc<Comments>>,
    /// The line it was read from, 0 for a node that was made.
    pub(crate) line: u32,
}

impl Node {
    /// Returns a scalar whose type follows from its text.
    pub(crate) fn scalar(text: &str) -> Self {
        Self { kind: Kind::Scalar, value: text.into(), ..Self::default() }
    }

    /// Returns a scalar that is text whatever it looks like.
    pub(crate) fn string(text: &str) -> Self {
        let style = if text.contains('\n') { Style::LITERAL } else { Style::PLAIN };
        Self { kind: Kind::Scalar, tag: Tag::Str, style, value: text.into(), ..Self::default() }
    }

    /// Returns an empty node of this kind.
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Tells whether it is tagged as null.
    pub(crate) fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    /// Tells whether it is null, an empty mapping or sequence, or nothing at all.
    pub(crate) fn is_nil_or_empty(&self) -> bool {
        self.is_null()
            || match self.kind {
                Kind::Mapping | Kind::Sequence => self.content.is_empty(),
                Kind::Empty => true,
                Kind::Scalar | Kind::Alias => false,
            }
    }

    /// Tells whether it is a scalar that is text as far as its tag says.
    pub(crate) fn is_string(&self) -> bool {
        self.kind == Kind::Scalar && matches!(self.tag, Tag::Str | Tag::None)
    }
}

/// The arena.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    /// The texts of keys, of which most stand in many objects.
    shared: HashSet<Rc<str>>,
    /// The most nodes that transformers may make.
    most: Option<usize>,
}

impl Nodes {
    /// Returns an empty arena with a bound for [`Nodes::has_room`].
    pub(crate) fn bounded(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// Refuses more nodes than the build may hold, for what could multiply them.
    pub(crate) fn has_room(&self) -> Result<(), FieldError> {
        match self.most {
            Some(most) if self.nodes.len() > most => {
                Err(FieldError::Limit(format!("the build makes more than {most} YAML nodes")))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn add(&mut self, node: Node) -> Id {
        let id = Id(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Forgets the nodes from there on, of which nothing else may know.
    fn truncate(&mut self, len: usize) {
        self.nodes.truncate(len);
    }

    /// Returns the one text that reads like this.
    fn shared(&mut self, text: &str) -> Rc<str> {
        if let Some(known) = self.shared.get(text) {
            return known.clone();
        }
        let text: Rc<str> = text.into();
        self.shared.insert(text.clone());
        text
    }

    /// Returns a deep copy of the node.
    pub(crate) fn copy(&mut self, id: Id) -> Id {
        let mut node = self[id].clone();
        for child in &mut node.content {
            *child = self.copy(*child);
        }
        self.add(node)
    }

    /// Writes the node over another one; its children are shared afterwards.
    pub(crate) fn overwrite(&mut self, id: Id, with: Id) {
        if id != with {
            let node = self[with].clone();
            self[id] = node;
        }
    }

    /// Returns the keys and values of a mapping, nothing for any other node.
    pub(crate) fn pairs(&self, id: Id) -> impl Iterator<Item = (Id, Id)> + '_ {
        let node = &self[id];
        let content: &[Id] = if node.kind == Kind::Mapping { &node.content } else { &[] };
        content.as_chunks::<2>().0.iter().map(|[key, value]| (*key, *value))
    }
}

impl std::ops::Index<Id> for Nodes {
    type Output = Node;

    fn index(&self, id: Id) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl std::ops::IndexMut<Id> for Nodes {
    fn index_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}
