//! What an expression may cost at most, found from its types and sizes (cel-go `checker/cost.go`, and the server's own estimates).

use std::collections::HashMap;

use super::calls::{Argument, known_cost};
use super::checker::{Checked, Variable};
use super::declarations::Libraries;
use super::kinds::Type;
use super::lower::RESULT;
use super::sizes::{Entries, Size, scaled};
use super::tree::{Fold, Id, Kind, Tree};
use crate::cel::declared::{Declared, Shape};
use crate::cel::value::Value;

/// What one look at a character costs.
pub(super) const TRAVERSAL: f64 = 0.1;
/// What one character of a pattern costs.
pub(super) const PATTERN: f64 = 0.25;
/// What a new list costs.
pub(super) const LIST: u64 = 10;
/// What a new map costs.
const MAP: u64 = 30;

/// Returns the most that an evaluation of a checked expression may cost; all variables are as large as the first.
pub(in crate::cel) fn estimate(
    tree: &Tree,
    checked: &Checked,
    libraries: Libraries,
    variables: &[Variable],
) -> u64 {
    let root = variables.first().map(|variable| &variable.declared);
    let mut coster = Coster {
        tree,
        checked,
        libraries,
        root,
        paths: HashMap::new(),
        sizes: HashMap::new(),
        entries: HashMap::new(),
        locals: Vec::new(),
        known: HashMap::new(),
    };
    coster.cost(tree.root)
}

/// A step from a variable to a value inside of it.
pub(super) type Path = Vec<String>;

struct Local<'a> {
    name: &'a str,
    path: Option<Path>,
    size: Option<Size>,
    entries: Option<Entries>,
}

struct Coster<'a> {
    tree: &'a Tree,
    checked: &'a Checked,
    libraries: Libraries,
    root: Option<&'a Declared>,
    paths: HashMap<Id, Path>,
    sizes: HashMap<Id, Size>,
    entries: HashMap<Id, Entries>,
    locals: Vec<Local<'a>>,
    /// The costs of nodes that were looked at: two may share one, and then see the same variables.
    known: HashMap<Id, u64>,
}

impl<'a> Coster<'a> {
    fn cost(&mut self, id: Id) -> u64 {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let cost = match &self.tree.node(id).kind {
            Kind::Literal(_) => 0,
            Kind::Name(name) => {
                let path = match self.local(name) {
                    Some(local) => local.path.clone(),
                    None => Some(vec![name.clone()]),
                };
                self.set_path(id, path);
                1
            }
            Kind::Select { .. } if self.checked.name(id).is_some() => {
                let name = self.checked.name(id).unwrap_or_default().to_owned();
                self.set_path(id, Some(vec![name]));
                1
            }
            Kind::Select { operand, field, test } => self.select(id, *operand, field, *test),
            Kind::Call { name, target, arguments } => self.call(id, name, *target, arguments),
            Kind::List(items) => {
                let mut sum = 0_u64;
                let mut value = Size { min: if items.is_empty() { 0 } else { u64::MAX }, max: 0 };
                for (item, _) in items {
                    sum = sum.saturating_add(self.cost(*item));
                    value = value.or(self.size_or_unknown(*item));
                }
                self.entries.insert(id, Entries { is_list: true, key: Size::fixed(1), value });
                sum.saturating_add(LIST)
            }
            Kind::Map(entries) => {
                let mut sum = 0_u64;
                let empty = Size { min: if entries.is_empty() { 0 } else { u64::MAX }, max: 0 };
                let (mut keys, mut values) = (empty, empty);
                for (key, value, _) in entries {
                    sum = sum.saturating_add(self.cost(*key)).saturating_add(self.cost(*value));
                    keys = keys.or(self.size_or_unknown(*key));
                    values = values.or(self.size_or_unknown(*value));
                }
                self.entries.insert(id, Entries { is_list: false, key: keys, value: values });
                sum.saturating_add(MAP)
            }
            Kind::Fold(fold) => self.fold(id, fold),
        };
        self.known.insert(id, cost);
        cost
    }

    fn local(&self, name: &str) -> Option<&Local<'a>> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn set_path(&mut self, id: Id, path: Option<Path>) {
        match path {
            Some(path) => self.paths.insert(id, path),
            None => self.paths.remove(&id),
        };
    }

    fn path(&self, id: Id) -> Option<Path> {
        if let Kind::Name(name) = &self.tree.node(id).kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&id).cloned()
    }

    /// Returns the path to a part of what a node stands for.
    fn below(&self, id: Id, part: &str) -> Path {
        let mut path = self.path(id).unwrap_or_default();
        path.push(part.to_owned());
        path
    }

    fn kind(&self, id: Id) -> &Type {
        &self.checked.kinds[id]
    }

    fn select(&mut self, id: Id, operand: Id, field: &str, test: bool) -> u64 {
        let mut sum = self.cost(operand);
        // Asking whether a field is there is free.
        if test {
            return sum;
        }
        if matches!(self.kind(operand), Type::Map(_) | Type::Object(_) | Type::Variable(_)) {
            sum = sum.saturating_add(1);
        }
        let path = self.below(operand, field);
        self.set_path(id, Some(path));
        sum
    }

    fn call(&mut self, id: Id, name: &str, target: Option<Id>, arguments: &[Id]) -> u64 {
        if let ("dyn", None, [argument]) = (name, target, arguments) {
            let cost = self.cost(*argument);
            self.copy_sizes(id, *argument);
            return cost.saturating_add(1);
        }
        let costs: Vec<u64> = arguments.iter().map(|argument| self.cost(*argument)).collect();
        let given: Vec<Argument> = arguments.iter().map(|argument| self.argument(*argument)).collect();
        let overloads = self.checked.overloads[id].clone();
        if overloads.is_empty() {
            return 0;
        }
        let (mut sum, mut receiver) = (0, None);
        // A qualified function has no receiver, though it is written as if it had.
        let checked = self.checked;
        let name = checked.function(id).unwrap_or(name);
        if let Some(target) = target.filter(|_| checked.function(id).is_none()) {
            sum = self.cost(target);
            receiver = Some((self.argument(target), target));
        }
        let (mut most, mut result) = (0_u64, None::<Size>);
        for overload in overloads {
            let (cost, size) =
                self.overload(id, name, overload, receiver.as_ref(), arguments, &given, &costs);
            most = most.max(cost);
            if let Some(size) = size {
                result = Some(result.map_or(size, |known| known.or(size)));
            }
            let part = match overload {
                "index_list" => Some("@items"),
                "index_map" => Some("@values"),
                _ => None,
            };
            if let (Some(part), Some(first)) = (part, arguments.first()) {
                result = self.entries_of(*first).map(|entries| entries.value);
                let path = self.below(*first, part);
                self.set_path(id, Some(path));
            }
            if result.is_none() {
                result = self.size(id);
            }
        }
        if let Some(size) = result {
            self.sizes.insert(id, size);
        }
        sum.saturating_add(most)
    }

    #[allow(clippy::too_many_arguments)]
    fn overload(
        &mut self,
        id: Id,
        name: &str,
        overload: &str,
        receiver: Option<&(Argument, Id)>,
        arguments: &[Id],
        given: &[Argument],
        costs: &[u64],
    ) -> (u64, Option<Size>) {
        let sum = costs.iter().fold(0_u64, |sum, cost| sum.saturating_add(*cost));
        let target = receiver.map(|(argument, _)| argument);
        if self.libraries == Libraries::Kubernetes
            && let Some((cost, size)) = known_cost(self.root, name, overload, target, given)
        {
            return (cost.saturating_add(sum), size);
        }
        let size = |argument: &Argument| argument.computed.unwrap_or(Size::UNKNOWN);
        let (cost, result) = match (overload, target, given) {
            ("string_format", Some(target), _) => (size(target).cost(TRAVERSAL), None),
            ("string_to_bytes", _, [text]) => {
                let size = size(text);
                (size.cost(TRAVERSAL), Some(Size { min: size.min, max: size.max.wrapping_mul(4) }))
            }
            ("bytes_to_string", _, [bytes]) => {
                let size = size(bytes);
                (size.cost(TRAVERSAL), Some(Size { min: size.min / 4, max: size.max }))
            }
            ("strings_quote", _, [text]) => {
                let size = size(text);
                let quoted =
                    Size { min: size.min.wrapping_add(2), max: size.max.wrapping_mul(2).wrapping_add(2) };
                (size.cost(TRAVERSAL), Some(quoted))
            }
            ("starts_with_string" | "ends_with_string", _, [part]) => (size(part).cost(TRAVERSAL), None),
            ("in_list", _, [_, list]) => (size(list).cost(1.0), None),
            ("matches_string", Some(target), [pattern]) => {
                let text = size(target).plus(Size::fixed(1)).cost(TRAVERSAL);
                (text.saturating_mul(size(pattern).cost(PATTERN)), None)
            }
            ("contains_string", Some(target), [part]) => {
                (size(target).cost(TRAVERSAL).saturating_mul(size(part).cost(TRAVERSAL)), None)
            }
            ("logical_or" | "logical_and", _, _) => (0, None),
            ("conditional", _, [_, then, other]) => {
                let result = size(then).or(size(other));
                if let (Some(a), Some(b)) = (self.entries_of(arguments[1]), self.entries_of(arguments[2])) {
                    self.entries.insert(id, a.or(b));
                }
                let worse = costs[1].max(costs[2]);
                return (costs[0].saturating_add(worse), Some(result));
            }
            ("add_string" | "add_bytes" | "add_list", _, [a, b]) => {
                let result = size(a).plus(size(b));
                if let (Some(a), Some(b)) = (self.entries_of(arguments[0]), self.entries_of(arguments[1])) {
                    self.entries.insert(id, a.or(b));
                }
                let cost = if overload == "add_list" { 1 } else { result.cost(TRAVERSAL) };
                (cost, Some(result))
            }
            (
                "less_string"
                | "greater_string"
                | "less_equals_string"
                | "greater_equals_string"
                | "less_bytes"
                | "greater_bytes"
                | "less_equals_bytes"
                | "greater_equals_bytes"
                | "equals"
                | "not_equals",
                _,
                [a, b],
            ) => (scaled(size(a).max.min(size(b).max), TRAVERSAL), None),
            _ => (1, None),
        };
        (cost.saturating_add(sum), result)
    }

    fn fold(&mut self, id: Id, fold: &'a Fold) -> u64 {
        if self.is_bind(fold) {
            return self.bind(id, fold);
        }
        let mut sum = self.cost(fold.range).saturating_add(self.cost(fold.init));
        self.push_value_of(&fold.result, fold.init);
        let known = self.entries_of(fold.range);
        let is_list = known.map_or(matches!(self.kind(fold.range), Type::List(_)), |entries| entries.is_list);
        let push = |coster: &mut Self, name: &'a str, part: &str, size: Option<Size>| {
            let path = Some(coster.below(fold.range, part));
            coster.locals.push(Local { name, path, size, entries: None });
        };
        let (key, value) = (known.map(|entries| entries.key), known.map(|entries| entries.value));
        if let Some(second) = &fold.second {
            push(self, &fold.item, if is_list { "@indices" } else { "@keys" }, key);
            push(self, second, if is_list { "@items" } else { "@values" }, value);
        } else if is_list {
            push(self, &fold.item, "@items", value);
        } else {
            push(self, &fold.item, "@keys", key);
        }
        let each = self.cost(fold.condition).saturating_add(self.cost(fold.step));
        self.locals.pop();
        if fold.second.is_some() {
            self.locals.pop();
        }
        sum = sum.saturating_add(self.cost(fold.end));
        self.locals.pop();
        let count = self.size_or_unknown(fold.range);
        sum = sum.saturating_add(count.max.saturating_mul(each));
        match &self.tree.node(fold.init).kind {
            Kind::Literal(_) => {
                if let Some(size) = self.size(fold.init) {
                    self.sizes.insert(id, size);
                }
            }
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(id, count);
                if let Some(entries) = self.entries_of(fold.step) {
                    self.entries.insert(id, entries);
                }
            }
            _ => {}
        }
        sum
    }

    /// Whether a fold looks at nothing, and only names a value.
    fn is_bind(&self, fold: &Fold) -> bool {
        matches!(&self.tree.node(fold.range).kind, Kind::List(items) if items.is_empty())
            && matches!(self.tree.literal(fold.condition), Some(Value::Bool(false)))
            && fold.result != RESULT
    }

    fn bind(&mut self, id: Id, fold: &'a Fold) -> u64 {
        let sum = self.cost(fold.range).saturating_add(self.cost(fold.init));
        self.push_value_of(&fold.result, fold.init);
        let sum = sum.saturating_add(self.cost(fold.end));
        let (size, entries) = (self.size(fold.end), self.entries_of(fold.end));
        self.locals.pop();
        if let Some(size) = size {
            self.sizes.insert(id, size);
        }
        if let Some(entries) = entries {
            self.entries.insert(id, entries);
        }
        sum
    }

    fn push_value_of(&mut self, name: &'a str, value: Id) {
        let (path, size, entries) = (self.path(value), self.size(value), self.entries_of(value));
        self.locals.push(Local { name, path, size, entries });
    }

    fn copy_sizes(&mut self, to: Id, from: Id) {
        if let Some(size) = self.size(from) {
            self.sizes.insert(to, size);
        }
        if let Some(entries) = self.entries_of(from) {
            self.entries.insert(to, entries);
        }
    }

    fn argument(&mut self, id: Id) -> Argument {
        // What a loop gathers has no place in a variable.
        let path = self.path(id).filter(|path| path.first().is_none_or(|first| first != RESULT));
        Argument {
            path,
            kind: self.kind(id).clone(),
            computed: self.size(id),
            literal: self.tree.literal(id).cloned(),
        }
    }

    fn entries_of(&self, id: Id) -> Option<Entries> {
        if let Some(known) = self.entries.get(&id) {
            return Some(*known);
        }
        match &self.tree.node(id).kind {
            Kind::Name(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        }
    }

    fn size_or_unknown(&mut self, id: Id) -> Size {
        self.size(id).unwrap_or(Size::UNKNOWN)
    }

    fn size(&mut self, id: Id) -> Option<Size> {
        if let Some(known) = self.sizes.get(&id) {
            return Some(*known);
        }
        let own = match &self.tree.node(id).kind {
            Kind::Literal(Value::String(text)) => Some(text.chars().count() as u64),
            Kind::Literal(Value::Bytes(bytes)) => Some(bytes.len() as u64),
            Kind::Literal(_) => Some(1),
            Kind::List(items) => Some(items.len() as u64),
            Kind::Map(entries) => Some(entries.len() as u64),
            _ => None,
        };
        if let Some(size) = own {
            return Some(Size::fixed(size));
        }
        if let Some(size) = self.path(id).and_then(|path| declared_size(self.root, &path)) {
            self.sizes.insert(id, size);
            return Some(size);
        }
        if self.kind(id).is_scalar() {
            return Some(Size::fixed(1));
        }
        match &self.tree.node(id).kind {
            Kind::Name(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }
}

/// Returns the size that a declaration gives what stands at a path; whatever the variable, the first one's type counts.
pub(super) fn declared_size(root: Option<&Declared>, path: &[String]) -> Option<Size> {
    let mut found = root?;
    let (_, rest) = path.split_first()?;
    for part in rest {
        found = match (part.as_str(), &found.shape) {
            ("@items" | "@values", _) => found.element()?,
            ("@keys", Shape::Map(_)) => return Some(Size { min: 0, max: 0 }),
            (name, Shape::Object(fields)) => &fields.named.get(name)?.declared,
            _ => return None,
        };
    }
    Some(Size { min: 0, max: found.most })
}
