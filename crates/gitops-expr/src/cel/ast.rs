//! What an expression is made of.

use super::value::Value;

/// A part of an expression, and where in the text it stands (a byte offset).
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) node: Node,
}

#[derive(Debug)]
pub(super) enum Node {
    Literal(Value),
    Name(String),
    Select(Box<Select>),
    Index(Box<Index>),
    /// `has(operand.field)`
    Has(Box<Select>),
    /// A function with its arguments; of a method, the receiver is the first one.
    Call(Call),
    /// A chain of `&&`, flat so that its length costs no depth.
    And(Vec<Expr>),
    /// A chain of `||`.
    Or(Vec<Expr>),
    Choice(Box<[Expr; 3]>),
    List(Vec<Item>),
    Map(Vec<Entry>),
    Loop(Box<Loop>),
}

#[derive(Debug)]
pub(super) struct Select {
    pub(super) operand: Expr,
    pub(super) field: String,
    pub(super) optional: bool,
}

#[derive(Debug)]
pub(super) struct Index {
    pub(super) operand: Expr,
    pub(super) key: Expr,
    pub(super) optional: bool,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) method: bool,
    pub(super) arguments: Vec<Expr>,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) value: Expr,
    pub(super) optional: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Expr,
    pub(super) value: Expr,
    pub(super) optional: bool,
}

/// A macro that binds a variable.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    pub(super) over: Expr,
    pub(super) variable: String,
    /// The second variable, of loops over keys and values.
    pub(super) second: Option<String>,
    /// What `map` with three arguments keeps, and its like.
    pub(super) keep: Option<Expr>,
    pub(super) body: Expr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopKind {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
    OptMap,
    OptFlatMap,
    TransformList,
    TransformMap,
    TransformMapEntry,
    SortBy,
}
