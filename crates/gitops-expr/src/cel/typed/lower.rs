//! Macros to folds (cel-go `parser/macro.go`, `cel/library.go`, `ext/comprehensions.go`, `ext/lists.go`).

use super::tree::{Fold, Id, Kind, Tree};
use crate::cel::ast::{Expr, Loop, LoopKind, Node};
use crate::cel::lex::Flaw;
use crate::cel::value::Value;

/// The variable in which folds gather their result.
pub(super) const RESULT: &str = "@result";
/// The variable of folds that look at no items.
const UNUSED: &str = "#unused";
/// What `sortBy` sorts.
const SORTED: &str = "@__sortBy_input__";

/// Returns the tree of an expression.
pub(in crate::cel) fn lower(expr: &Expr) -> Result<Tree, Flaw> {
    let mut tree = Tree::default();
    tree.root = part(&mut tree, expr)?;
    Ok(tree)
}

fn part(tree: &mut Tree, expr: &Expr) -> Result<Id, Flaw> {
    let at = expr.at;
    let kind = match &expr.node {
        Node::Literal(value) => Kind::Literal(value.clone()),
        Node::Name(name) => Kind::Name(name.clone()),
        Node::Select(select) => {
            let operand = part(tree, &select.operand)?;
            if select.optional {
                let field = tree.add(at, Kind::Literal(Value::text(select.field.as_str())));
                call("_?._", vec![operand, field])
            } else {
                Kind::Select { operand, field: select.field.clone(), test: false }
            }
        }
        Node::Has(select) => {
            if select.optional {
                return Err(Flaw { at, why: "invalid argument to has() macro".to_owned() });
            }
            Kind::Select { operand: part(tree, &select.operand)?, field: select.field.clone(), test: true }
        }
        Node::Index(index) => {
            let parts = vec![part(tree, &index.operand)?, part(tree, &index.key)?];
            call(if index.optional { "_[?_]" } else { "_[_]" }, parts)
        }
        Node::Call(given) => {
            let mut arguments = parts(tree, &given.arguments)?;
            let target = if given.method { Some(arguments.remove(0)) } else { None };
            Kind::Call { name: given.name.clone(), target, arguments }
        }
        Node::And(given) => return chain(tree, at, "_&&_", given),
        Node::Or(given) => return chain(tree, at, "_||_", given),
        Node::Choice(given) => call("_?_:_", parts(tree, &given[..])?),
        Node::List(items) => {
            let mut made = Vec::with_capacity(items.len());
            for item in items {
                made.push((part(tree, &item.value)?, item.optional));
            }
            Kind::List(made)
        }
        Node::Map(entries) => {
            let mut made = Vec::with_capacity(entries.len());
            for entry in entries {
                made.push((part(tree, &entry.key)?, part(tree, &entry.value)?, entry.optional));
            }
            Kind::Map(made)
        }
        Node::Loop(looped) => return macro_call(tree, at, looped),
    };
    Ok(tree.add(at, kind))
}

fn parts(tree: &mut Tree, given: &[Expr]) -> Result<Vec<Id>, Flaw> {
    given.iter().map(|one| part(tree, one)).collect()
}

fn call(name: &str, arguments: Vec<Id>) -> Kind {
    Kind::Call { name: name.to_owned(), target: None, arguments }
}

/// A chain of one operator as a balanced tree of calls.
fn chain(tree: &mut Tree, at: usize, operator: &str, given: &[Expr]) -> Result<Id, Flaw> {
    let mut level = parts(tree, given)?;
    while level.len() > 1 {
        let pair = |pair: &[Id]| match pair {
            [one] => *one,
            both => tree.add(at, call(operator, both.to_vec())),
        };
        level = level.chunks(2).map(pair).collect();
    }
    Ok(level[0])
}

/// Makes nodes at the place of a macro.
struct Maker<'a> {
    tree: &'a mut Tree,
    at: usize,
}

impl Maker<'_> {
    fn add(&mut self, kind: Kind) -> Id {
        self.tree.add(self.at, kind)
    }

    fn result(&mut self) -> Id {
        self.add(Kind::Name(RESULT.to_owned()))
    }

    fn literal(&mut self, value: Value) -> Id {
        self.add(Kind::Literal(value))
    }

    fn call(&mut self, name: &str, arguments: Vec<Id>) -> Id {
        self.add(call(name, arguments))
    }

    fn method(&mut self, name: &str, target: Id, arguments: Vec<Id>) -> Id {
        self.add(Kind::Call { name: name.to_owned(), target: Some(target), arguments })
    }

    /// What a step makes of the result, if a condition holds.
    fn when(&mut self, keep: Option<Id>, step: Id) -> Id {
        match keep {
            Some(keep) => {
                let result = self.result();
                self.call("_?_:_", vec![keep, step, result])
            }
            None => step,
        }
    }

    fn append(&mut self, item: Id) -> Id {
        let (result, list) = (self.result(), self.add(Kind::List(vec![(item, false)])));
        self.call("_+_", vec![result, list])
    }

    /// Binds a variable: a fold over nothing whose result starts with the value.
    fn bind(&mut self, variable: &str, value: Id, body: Id) -> Id {
        let range = self.add(Kind::List(Vec::new()));
        let (condition, step) = (self.literal(Value::Bool(false)), self.add(Kind::Name(variable.to_owned())));
        self.add(Kind::Fold(Box::new(Fold {
            range,
            item: UNUSED.to_owned(),
            second: None,
            result: variable.to_owned(),
            init: value,
            condition,
            step,
            end: body,
        })))
    }
}

fn macro_call(tree: &mut Tree, at: usize, looped: &Loop) -> Result<Id, Flaw> {
    let refuse = |why: &str| Err(Flaw { at, why: why.to_owned() });
    let variables = [Some(&looped.variable), looped.second.as_ref()];
    if variables.iter().flatten().any(|name| *name == RESULT || *name == "__result__") {
        return refuse("iteration variable overwrites accumulator variable");
    }
    if looped.second.as_ref() == Some(&looped.variable) {
        return refuse(&format!("duplicate variable name: {}", looped.variable));
    }
    let over = part(tree, &looped.over)?;
    let keep = looped.keep.as_ref().map(|keep| part(tree, keep)).transpose()?;
    let body = part(tree, &looped.body)?;
    let mut make = Maker { tree, at };
    let variable = &looped.variable;
    match looped.kind {
        LoopKind::OptMap | LoopKind::OptFlatMap => {
            let (there, value) = (make.method("hasValue", over, vec![]), make.method("value", over, vec![]));
            let mut made = make.bind(variable, value, body);
            if looped.kind == LoopKind::OptMap {
                made = make.call("optional.of", vec![made]);
            }
            let none = make.call("optional.none", vec![]);
            return Ok(make.call("_?_:_", vec![there, made, none]));
        }
        LoopKind::SortBy => {
            let range = make.add(Kind::Name(SORTED.to_owned()));
            let step = make.append(body);
            let (init, condition) = (make.add(Kind::List(Vec::new())), make.literal(Value::Bool(true)));
            let keys = fold(&mut make, looped, [range, init, condition, step], None);
            let sorted = make.add(Kind::Name(SORTED.to_owned()));
            let sorted = make.method("@sortByAssociatedKeys", sorted, vec![keys]);
            return Ok(make.bind(SORTED, over, sorted));
        }
        _ => {}
    }
    let (init, condition, step, end) = match looped.kind {
        LoopKind::All => {
            let (result, known) = (make.result(), make.result());
            let condition = make.call("@not_strictly_false", vec![known]);
            (make.literal(Value::Bool(true)), condition, make.call("_&&_", vec![result, body]), None)
        }
        LoopKind::Exists => {
            let (result, known) = (make.result(), make.result());
            let not = make.call("!_", vec![known]);
            let condition = make.call("@not_strictly_false", vec![not]);
            (make.literal(Value::Bool(false)), condition, make.call("_||_", vec![result, body]), None)
        }
        LoopKind::ExistsOne => {
            let (result, one) = (make.result(), make.literal(Value::Int(1)));
            let more = make.call("_+_", vec![result, one]);
            let step = make.when(Some(body), more);
            let (result, one) = (make.result(), make.literal(Value::Int(1)));
            let end = make.call("_==_", vec![result, one]);
            (make.literal(Value::Int(0)), make.literal(Value::Bool(true)), step, Some(end))
        }
        LoopKind::Filter => {
            let item = make.add(Kind::Name(variable.clone()));
            let step = make.append(item);
            let step = make.when(Some(body), step);
            (make.add(Kind::List(Vec::new())), make.literal(Value::Bool(true)), step, None)
        }
        LoopKind::TransformMap | LoopKind::TransformMapEntry => {
            let mut arguments = vec![make.result()];
            if looped.kind == LoopKind::TransformMap {
                arguments.push(make.add(Kind::Name(variable.clone())));
            }
            arguments.push(body);
            let step = make.call("cel.@mapInsert", arguments);
            let step = make.when(keep, step);
            (make.add(Kind::Map(Vec::new())), make.literal(Value::Bool(true)), step, None)
        }
        _ => {
            let step = make.append(body);
            let step = make.when(keep, step);
            (make.add(Kind::List(Vec::new())), make.literal(Value::Bool(true)), step, None)
        }
    };
    Ok(fold(&mut make, looped, [over, init, condition, step], end))
}

fn fold(make: &mut Maker<'_>, looped: &Loop, [range, init, condition, step]: [Id; 4], end: Option<Id>) -> Id {
    let end = end.unwrap_or_else(|| make.result());
    make.add(Kind::Fold(Box::new(Fold {
        range,
        item: looped.variable.clone(),
        second: looped.second.clone(),
        result: RESULT.to_owned(),
        init,
        condition,
        step,
        end,
    })))
}
