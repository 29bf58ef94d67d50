//! Expressions without macros: every loop is a fold, as cel-go's parser makes it, so that types and costs follow from a few
//! kinds of nodes.

use crate::cel::value::Value;

/// The place of a node in its tree.
pub(super) type Id = usize;

/// All nodes of an expression; parts stand before the whole.
#[derive(Debug, Default)]
pub(in crate::cel) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Id,
}

#[derive(Debug)]
pub(super) struct Node {
    /// Where it stands in the text, in bytes.
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Literal(Value),
    Name(String),
    /// `operand.field`, or whether the field is there.
    Select {
        operand: Id,
        field: String,
        test: bool,
    },
    Call {
        name: String,
        target: Option<Id>,
        arguments: Vec<Id>,
    },
    /// Items, and whether each is an optional one.
    List(Vec<(Id, bool)>),
    /// Keys, values, and whether each value is an optional one.
    Map(Vec<(Id, Id, bool)>),
    Fold(Box<Fold>),
}

/// `result = init; for each item of range while condition: result = step`.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) range: Id,
    pub(super) item: String,
    pub(super) second: Option<String>,
    pub(super) result: String,
    pub(super) init: Id,
    pub(super) condition: Id,
    pub(super) step: Id,
    pub(super) end: Id,
}

impl Tree {
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    pub(super) fn add(&mut self, at: usize, kind: Kind) -> Id {
        self.nodes.push(Node { at, kind });
        self.nodes.len() - 1
    }

    /// Returns the literal that a node is.
    pub(super) fn literal(&self, id: Id) -> Option<&Value> {
        match &self.nodes[id].kind {
            Kind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Returns a name with dots, if the node is one.
    pub(super) fn qualified(&self, id: Id) -> Option<String> {
        match &self.nodes[id].kind {
            Kind::Name(name) => Some(name.clone()),
            Kind::Select { operand, field, test: false } => {
                Some(format!("{}.{field}", self.qualified(*operand)?))
            }
            _ => None,
        }
    }
}
