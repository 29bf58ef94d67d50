//! The types of all parts of an expression (cel-go `checker/checker.go`).

use std::collections::HashMap;

use super::declarations::{Libraries, Overload, overloads};
use super::kinds::{Bindings, Type, most_general};
use super::tree::{Fold, Id, Kind, Tree};
use crate::cel::declared::{Declared, Shape};
use crate::cel::lex::Flaw;
use crate::cel::value::Value;

/// What an expression is checked against.
#[derive(Debug)]
pub(in crate::cel) struct Scope<'a> {
    pub(in crate::cel) libraries: Libraries,
    pub(in crate::cel) variables: &'a [Variable],
    /// The type of objects that stand at the root of a variable.
    pub(in crate::cel) root: &'a str,
}

/// A variable and what it may hold.
#[derive(Debug, Clone)]
pub(in crate::cel) struct Variable {
    pub(in crate::cel) name: String,
    pub(in crate::cel) declared: Declared,
    pub(in crate::cel) optional: bool,
}

/// What is known of each node.
#[derive(Debug)]
pub(in crate::cel) struct Checked {
    pub(super) kinds: Vec<Type>,
    pub(super) overloads: Vec<Vec<&'static str>>,
    names: Vec<Option<String>>,
    /// Functions whose names have dots, by the calls that looked like methods.
    qualified: Vec<Option<String>>,
    root: Id,
}

impl Checked {
    /// Returns the type of the whole.
    pub(in crate::cel) fn result(&self) -> &Type {
        &self.kinds[self.root]
    }

    /// Whether a declared variable is read.
    pub(in crate::cel) fn reads(&self, variable: &str) -> bool {
        self.names.iter().flatten().any(|name| name == variable)
    }

    /// Returns the whole name of a function that a call of a method turned out to be.
    pub(super) fn function(&self, id: Id) -> Option<&str> {
        self.qualified[id].as_deref()
    }

    /// Returns the name that a node turned out to be.
    pub(super) fn name(&self, id: Id) -> Option<&str> {
        self.names[id].as_deref()
    }
}

/// Checks an expression; all that is wrong with it comes back.
pub(in crate::cel) fn check(tree: &Tree, scope: &Scope<'_>) -> Result<Checked, Vec<Flaw>> {
    let count = tree.nodes.len();
    let mut checker = Checker {
        tree,
        scope,
        kinds: vec![None; count],
        overloads: vec![Vec::new(); count],
        names: vec![None; count],
        qualified: vec![None; count],
        bindings: Bindings::default(),
        fresh: 0,
        locals: Vec::new(),
        flaws: Vec::new(),
    };
    checker.part(tree.root);
    if !checker.flaws.is_empty() {
        checker.flaws.sort_by_key(|flaw| flaw.at);
        return Err(checker.flaws);
    }
    let kinds = checker.kinds.iter();
    let kinds =
        kinds.map(|kind| kind.as_ref().map_or(Type::Dyn, |kind| checker.bindings.resolve(kind, true)));
    let checked = Checked {
        kinds: kinds.collect(),
        overloads: checker.overloads,
        names: checker.names,
        qualified: checker.qualified,
        root: tree.root,
    };
    let mut flaws = Vec::new();
    super::literals::check(tree, &checked, scope.libraries, &mut flaws);
    if flaws.is_empty() { Ok(checked) } else { Err(flaws) }
}

struct Checker<'a> {
    tree: &'a Tree,
    scope: &'a Scope<'a>,
    kinds: Vec<Option<Type>>,
    overloads: Vec<Vec<&'static str>>,
    /// Declared variables and types that nodes refer to.
    names: Vec<Option<String>>,
    qualified: Vec<Option<String>>,
    bindings: Bindings,
    fresh: u32,
    locals: Vec<(&'a str, Type)>,
    flaws: Vec<Flaw>,
}

impl<'a> Checker<'a> {
    fn refuse(&mut self, id: Id, why: String) {
        self.flaws.push(Flaw { at: self.tree.node(id).at, why });
    }

    fn fresh(&mut self) -> Type {
        self.fresh += 1;
        Type::Variable(self.fresh - 1)
    }

    /// Checks a node and returns its type. A node that two others share is looked at once.
    fn part(&mut self, id: Id) -> Type {
        if let Some(known) = &self.kinds[id] {
            return known.clone();
        }
        let found = match &self.tree.node(id).kind {
            Kind::Literal(value) => literal(value),
            Kind::Name(name) => self.name(id, name),
            Kind::Select { operand, field, test } => self.select(id, *operand, field, *test),
            Kind::Call { name, target, arguments } => self.call(id, name, *target, arguments),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Fold(fold) => self.fold(fold),
        };
        self.kinds[id] = Some(found.clone());
        found
    }

    /// Returns the type of a name, which may have dots.
    fn lookup(&self, name: &str) -> Option<(Type, bool)> {
        if let Some((_, bound)) = self.locals.iter().rev().find(|(bound, _)| *bound == name) {
            return Some((bound.clone(), false));
        }
        if let Some(variable) = self.scope.variables.iter().find(|variable| variable.name == name) {
            let found = Type::of(&variable.declared, self.scope.root);
            return Some((if variable.optional { Type::optional(found) } else { found }, true));
        }
        named_type(name, self.scope.libraries).map(|named| (Type::Kind(Some(named.into())), true))
    }

    fn name(&mut self, id: Id, name: &str) -> Type {
        match self.lookup(name) {
            Some((found, declared)) => {
                self.names[id] = declared.then(|| name.to_owned());
                found
            }
            None => {
                self.refuse(id, undeclared(name));
                Type::Error
            }
        }
    }

    fn select(&mut self, id: Id, operand: Id, field: &str, test: bool) -> Type {
        // A name with dots may be one that is declared.
        if !test
            && let Some(name) = self.tree.qualified(id)
            && let Some((found, _)) = self.lookup(&name)
        {
            self.names[id] = Some(name);
            return found;
        }
        let found = self.field(id, operand, field, false);
        if test { Type::Bool } else { self.bindings.resolve(&found, false) }
    }

    fn field(&mut self, id: Id, operand: Id, field: &str, optional: bool) -> Type {
        let of = self.part(operand);
        let (of, is_optional) = self.bindings.resolve(&of, false).unwrapped();
        let found = match &of {
            Type::Map(parts) => parts.1.clone(),
            Type::Object(path) => match self.declared_field(path, field) {
                Some(found) => found,
                None => {
                    self.refuse(id, format!("undefined field '{field}'"));
                    Type::Error
                }
            },
            Type::Variable(_) => {
                self.bindings.unify(&Type::Dyn, &of);
                Type::Dyn
            }
            other => {
                if !other.is_dyn_or_error() {
                    self.refuse(id, format!("type '{other}' does not support field selection"));
                }
                Type::Dyn
            }
        };
        if is_optional || optional { Type::optional(found) } else { found }
    }

    /// Returns the type of a field of an object, which is known by its path.
    fn declared_field(&self, path: &str, field: &str) -> Option<Type> {
        let below = path.strip_prefix(self.scope.root)?;
        self.scope.variables.iter().find_map(|variable| {
            let mut declared = &variable.declared;
            for part in below.split('.').filter(|part| !part.is_empty()) {
                declared = match (&declared.shape, part) {
                    (Shape::List(item, _), "@idx") => item,
                    (Shape::Map(value), "@elem") => value,
                    (Shape::Object(fields), name) => &fields.named.get(name)?.declared,
                    _ => return None,
                };
            }
            let Shape::Object(fields) = &declared.shape else { return None };
            let plain = fields.named.get(field);
            let found = plain.or_else(|| fields.named.get(&super::after_dot(field)?))?;
            Some(Type::of(&found.declared, &format!("{path}.{field}")))
        })
    }

    fn call(&mut self, id: Id, name: &'a str, target: Option<Id>, arguments: &'a [Id]) -> Type {
        if name == "_?._" {
            if let [operand, field] = arguments
                && let Some(Value::String(field)) = self.tree.literal(*field)
            {
                let found = self.field(id, *operand, field, true);
                self.overloads[id] = vec!["select_optional_field"];
                return self.bindings.resolve(&found, false);
            }
            return Type::Error;
        }
        for argument in arguments {
            self.part(*argument);
        }
        let libraries = self.scope.libraries;
        let Some(target) = target else {
            return match overloads(libraries, name) {
                Some(known) => self.resolve(id, name, known, None, arguments),
                None => {
                    self.refuse(id, undeclared(name));
                    Type::Error
                }
            };
        };
        // `a.b(c)` is the function `a.b` if there is one.
        if let Some(qualified) = self.tree.qualified(target)
            && let Some(known) = overloads(libraries, &format!("{qualified}.{name}"))
        {
            let name = format!("{qualified}.{name}");
            let found = self.resolve(id, &name, known, None, arguments);
            self.qualified[id] = Some(name);
            return found;
        }
        self.part(target);
        match overloads(libraries, name) {
            Some(known) => self.resolve(id, name, known, Some(target), arguments),
            None => {
                self.refuse(id, undeclared(name));
                Type::Error
            }
        }
    }

    fn resolve(
        &mut self,
        id: Id,
        name: &str,
        known: &'static [Overload],
        target: Option<Id>,
        arguments: &[Id],
    ) -> Type {
        let given: Vec<Id> = target.iter().chain(arguments).copied().collect();
        let given: Vec<Type> =
            given.into_iter().map(|id| self.kinds[id].clone().unwrap_or(Type::Dyn)).collect();
        if matches!(name, "_&&_" | "_||_") {
            return self.logic(id, known, arguments, &given);
        }
        let mut result: Option<Type> = None;
        for overload in known.iter().filter(|overload| overload.method == target.is_some()) {
            if overload.arguments.len() != given.len() {
                continue;
            }
            let mut opened = HashMap::new();
            let wanted: Vec<Type> =
                overload.arguments.iter().map(|wanted| self.open(wanted, &mut opened)).collect();
            let found = self.open(&overload.result, &mut opened);
            let pairs: Vec<_> = given.iter().zip(&wanted).collect();
            if !self.bindings.unify_all(&pairs) {
                continue;
            }
            self.overloads[id].push(&overload.id);
            let found = self.bindings.resolve(&found, false);
            result = Some(match result {
                None => found,
                Some(Type::Dyn) => Type::Dyn,
                Some(known) if known == found => known,
                Some(_) => Type::Dyn,
            });
        }
        result.unwrap_or_else(|| {
            let given: Vec<String> =
                given.iter().map(|one| self.bindings.resolve(one, true).to_string()).collect();
            let signature = match (target, given.split_first()) {
                (Some(_), Some((receiver, rest))) => format!("{receiver}.({})", rest.join(", ")),
                _ => format!("({})", given.join(", ")),
            };
            self.refuse(id, format!("found no matching overload for '{name}' applied to '{signature}'"));
            Type::Error
        })
    }

    fn logic(&mut self, id: Id, known: &'static [Overload], arguments: &[Id], given: &[Type]) -> Type {
        let mut fits = true;
        for (argument, found) in arguments.iter().zip(given) {
            if !self.bindings.unify(found, &Type::Bool) {
                self.refuse(*argument, mismatch(&Type::Bool, found));
                fits = false;
            }
        }
        self.overloads[id] = known.iter().take(1).map(|overload| overload.id.as_str()).collect();
        if fits { Type::Bool } else { Type::Error }
    }

    /// Replaces what a declaration leaves open by types that this call chooses.
    fn open(&mut self, of: &Type, opened: &mut HashMap<char, Type>) -> Type {
        match of {
            Type::Open(name) => {
                if let Some(known) = opened.get(name) {
                    return known.clone();
                }
                let fresh = self.fresh();
                opened.insert(*name, fresh.clone());
                fresh
            }
            Type::List(item) => Type::list(self.open(item, opened)),
            Type::Map(parts) => Type::map(self.open(&parts.0, opened), self.open(&parts.1, opened)),
            Type::Optional(value) => Type::optional(self.open(value, opened)),
            Type::Kind(Some(inner)) => Type::Kind(Some(self.open(inner, opened).into())),
            other => other.clone(),
        }
    }

    fn list(&mut self, items: &[(Id, bool)]) -> Type {
        let mut item = None;
        for (id, optional) in items {
            let found = self.part(*id);
            let found = if *optional { self.inside(*id, &found) } else { found };
            item = Some(self.join(item, found));
        }
        Type::list(item.unwrap_or_else(|| self.fresh()))
    }

    fn map(&mut self, entries: &[(Id, Id, bool)]) -> Type {
        let (mut key, mut value) = (None, None);
        for (key_id, value_id, optional) in entries {
            let found = self.part(*key_id);
            key = Some(self.join(key, found));
            let found = self.part(*value_id);
            let found = if *optional { self.inside(*value_id, &found) } else { found };
            value = Some(self.join(value, found));
        }
        let key = key.unwrap_or_else(|| self.fresh());
        let value = value.unwrap_or_else(|| self.fresh());
        Type::map(key, value)
    }

    /// Returns what an optional item or entry holds.
    fn inside(&mut self, id: Id, found: &Type) -> Type {
        let (inner, optional) = found.unwrapped();
        if !optional && *found != Type::Dyn {
            self.refuse(id, mismatch(&Type::optional(found.clone()), found));
        }
        inner
    }

    /// Returns the type that two items of a literal have in common.
    fn join(&mut self, before: Option<Type>, next: Type) -> Type {
        match before {
            None => next,
            Some(before) if self.bindings.unify(&before, &next) => most_general(&before, &next),
            Some(_) => Type::Dyn,
        }
    }

    fn fold(&mut self, fold: &'a Fold) -> Type {
        self.part(fold.range);
        let result = self.part(fold.init);
        let range = self.kinds[fold.range].clone().unwrap_or(Type::Dyn);
        let range = self.bindings.resolve(&range, false);
        self.locals.push((&fold.result, result.clone()));
        let (item, second) = match &range {
            Type::List(item) if fold.second.is_some() => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Dyn),
            Type::Map(parts) => parts.as_ref().clone(),
            Type::Dyn | Type::Error | Type::Variable(_) => {
                self.bindings.unify(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let why = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.refuse(fold.range, why);
                (Type::Error, Type::Error)
            }
        };
        let outside = self.locals.len();
        self.locals.push((&fold.item, item));
        if let Some(name) = &fold.second {
            self.locals.push((name, second));
        }
        self.expect(fold.condition, &Type::Bool);
        self.expect(fold.step, &result);
        self.locals.truncate(outside);
        let end = self.part(fold.end);
        self.locals.pop();
        self.bindings.resolve(&end, false)
    }

    fn expect(&mut self, id: Id, wanted: &Type) {
        let found = self.part(id);
        if !self.bindings.unify(wanted, &found) {
            self.refuse(id, mismatch(wanted, &found));
        }
    }
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}

/// Returns the type that a name stands for.
fn named_type(name: &str, libraries: Libraries) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "int" => Type::Int,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "null_type" => Type::Null,
        "string" => Type::String,
        "type" => Type::Kind(None),
        "uint" => Type::Uint,
        "optional_type" => Type::optional(Type::Dyn),
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        "net.IP" | "net.CIDR" if libraries == Libraries::Kubernetes => {
            Type::Opaque(if name == "net.IP" { "net.IP" } else { "net.CIDR" })
        }
        "kubernetes.URL" | "kubernetes.Quantity" | "kubernetes.Semver" | "kubernetes.NamedFormat"
            if libraries == Libraries::Kubernetes =>
        {
            Type::Object(name.into())
        }
        _ => return None,
    })
}

fn undeclared(name: &str) -> String {
    format!("undeclared reference to '{name}' (in container '')")
}

fn mismatch(wanted: &Type, found: &Type) -> String {
    format!("expected type '{wanted}' but found '{found}'")
}
