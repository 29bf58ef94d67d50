//! The types of an expression, found without evaluating it: what `compile` of cel-go refuses.
//!
//! Declared variables are maps from strings to anything, as Flux declares them, so that most of what is read from them has
//! no type before it is there.

use super::ast::{Call, Expr, Loop, LoopKind, Node, Select};
use super::lex::Flaw;

/// A type that is known before evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// Anything.
    Dyn,
    /// One of the types without parts.
    Plain(&'static str),
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Optional(Box<Type>),
}

use Type::{Dyn, Plain};

pub(super) const BOOL: Type = Plain("bool");
pub(super) const STRING: Type = Plain("string");
const INT: Type = Plain("int");
const UINT: Type = Plain("uint");
const DOUBLE: Type = Plain("double");
const BYTES: Type = Plain("bytes");
const DURATION: Type = Plain("google.protobuf.Duration");
const TIMESTAMP: Type = Plain("google.protobuf.Timestamp");

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Dyn => f.write_str("dyn"),
            Plain("null_type") => f.write_str("null"),
            Plain(name) => f.write_str(name),
            Type::List(item) => write!(f, "list({item})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Optional(value) => write!(f, "optional_type({value})"),
        }
    }
}

/// Returns the type of an expression over the declared variables.
pub(super) fn check(expr: &Expr, variables: &[String]) -> Result<Type, Flaw> {
    Checker { variables, scope: Vec::new() }.check(expr)
}

struct Checker<'a> {
    variables: &'a [String],
    scope: Vec<(&'a str, Type)>,
}

impl<'a> Checker<'a> {
    fn check(&mut self, expr: &'a Expr) -> Result<Type, Flaw> {
        let at = expr.at;
        Ok(match &expr.node {
            Node::Literal(value) => Plain(value.type_name()),
            Node::Name(name) => self.name(at, name)?,
            Node::Select(select) if is_type_name(select) => Plain("type"),
            Node::Select(select) => {
                let of = self.check(&select.operand)?;
                member(at, &of, select.optional)?
            }
            Node::Has(select) => {
                let of = self.check(&select.operand)?;
                member(at, &of, false)?;
                BOOL
            }
            Node::Index(index) => {
                let (of, key) = (self.check(&index.operand)?, self.check(&index.key)?);
                indexed(at, of, &key, index.optional)?
            }
            Node::And(parts) => self.logic(at, "_&&_", parts)?,
            Node::Or(parts) => self.logic(at, "_||_", parts)?,
            Node::Choice(parts) => {
                let [condition, then, other] = &**parts;
                let types = [self.check(condition)?, self.check(then)?, self.check(other)?];
                if !fits(&types[0], &BOOL) || joined(&types[1], &types[2]).is_none() {
                    return Err(mismatch(at, "_?_:_", &types));
                }
                joined(&types[1], &types[2]).unwrap_or(Dyn)
            }
            Node::List(items) => {
                let mut item = None;
                for one in items {
                    let found = self.check(&one.value)?;
                    item = Some(widened(item, if one.optional { unwrapped(found) } else { found }));
                }
                Type::List(Box::new(item.unwrap_or(Dyn)))
            }
            Node::Map(entries) => {
                let (mut key, mut value) = (None, None);
                for entry in entries {
                    key = Some(widened(key, self.check(&entry.key)?));
                    let found = self.check(&entry.value)?;
                    value = Some(widened(value, if entry.optional { unwrapped(found) } else { found }));
                }
                Type::Map(Box::new(key.unwrap_or(Dyn)), Box::new(value.unwrap_or(Dyn)))
            }
            Node::Call(call) => self.call(at, call)?,
            Node::Loop(looped) => self.looped(at, looped)?,
        })
    }

    fn name(&self, at: usize, name: &str) -> Result<Type, Flaw> {
        if let Some((_, bound)) = self.scope.iter().rev().find(|(bound, _)| *bound == name) {
            return Ok(bound.clone());
        }
        if self.variables.iter().any(|variable| variable == name) {
            return Ok(Type::Map(Box::new(STRING), Box::new(Dyn)));
        }
        match name {
            "bool" | "bytes" | "double" | "int" | "list" | "map" | "null_type" | "optional_type"
            | "string" | "type" | "uint" => Ok(Plain("type")),
            _ => Err(undeclared(at, name)),
        }
    }

    fn logic(&mut self, at: usize, operator: &str, parts: &'a [Expr]) -> Result<Type, Flaw> {
        let types = parts.iter().map(|part| self.check(part)).collect::<Result<Vec<_>, _>>()?;
        if types.iter().all(|found| fits(found, &BOOL)) {
            Ok(BOOL)
        } else {
            Err(mismatch(at, operator, &types))
        }
    }

    fn call(&mut self, at: usize, call: &'a Call) -> Result<Type, Flaw> {
        let types = call.arguments.iter().map(|one| self.check(one)).collect::<Result<Vec<_>, _>>()?;
        match result(&call.name, call.method, &types) {
            Known::Result(found) => Ok(found),
            Known::Mismatch => Err(mismatch(at, &call.name, &types)),
            Known::Unknown => Err(undeclared(at, &call.name)),
        }
    }

    fn looped(&mut self, at: usize, looped: &'a Loop) -> Result<Type, Flaw> {
        let over = self.check(&looped.over)?;
        let optional = matches!(looped.kind, LoopKind::OptMap | LoopKind::OptFlatMap);
        let item = match (&over, optional) {
            (Dyn, _) => Dyn,
            (Type::Optional(value), true) => (**value).clone(),
            (Type::List(item), false) => (**item).clone(),
            (Type::Map(key, _), false) => (**key).clone(),
            _ => {
                let why = format!(
                    "expression of type '{over}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                return Err(Flaw { at, why });
            }
        };
        self.scope.push((&looped.variable, item.clone()));
        let keep = looped.keep.as_ref().map_or(Ok(BOOL), |keep| self.check(keep));
        let body = self.check(&looped.body);
        self.scope.pop();
        let (keep, body) = (keep?, body?);
        let wants_bool = !matches!(looped.kind, LoopKind::Map | LoopKind::OptMap | LoopKind::OptFlatMap);
        if !fits(&keep, &BOOL) || (wants_bool && !fits(&body, &BOOL)) {
            return Err(mismatch(at, "_&&_", &[BOOL, body]));
        }
        Ok(match looped.kind {
            LoopKind::All | LoopKind::Exists | LoopKind::ExistsOne => BOOL,
            LoopKind::Filter => Type::List(Box::new(item)),
            LoopKind::Map => Type::List(Box::new(body)),
            LoopKind::OptMap => Type::Optional(Box::new(body)),
            LoopKind::OptFlatMap => body,
        })
    }
}

/// Whether this is one of the types whose names have dots.
fn is_type_name(select: &Select) -> bool {
    let Node::Select(package) = &select.operand.node else { return false };
    matches!(&package.operand.node, Node::Name(name) if name == "google")
        && package.field == "protobuf"
        && matches!(select.field.as_str(), "Duration" | "Timestamp")
}

fn undeclared(at: usize, name: &str) -> Flaw {
    Flaw { at, why: format!("undeclared reference to '{name}' (in container '')") }
}

fn mismatch(at: usize, name: &str, types: &[Type]) -> Flaw {
    let types: Vec<String> = types.iter().map(ToString::to_string).collect();
    Flaw { at, why: format!("found no matching overload for '{name}' applied to '({})'", types.join(", ")) }
}

/// Whether a value of one type can be where the other is wanted.
fn fits(found: &Type, wanted: &Type) -> bool {
    match (found, wanted) {
        (Dyn, _) | (_, Dyn) => true,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => fits(a, b),
        (Type::Map(a, b), Type::Map(c, d)) => fits(a, c) && fits(b, d),
        // Null can be where there may be nothing.
        (Plain("null_type"), Plain("google.protobuf.Duration" | "google.protobuf.Timestamp")) => true,
        _ => found == wanted,
    }
}

/// The type of either of two values; none when they have nothing in common.
fn joined(a: &Type, b: &Type) -> Option<Type> {
    if !fits(a, b) && !fits(b, a) {
        return None;
    }
    Some(if *a == Dyn || *b == Dyn { Dyn } else { a.clone() })
}

/// The type of what a list or map holds, which may hold anything.
fn widened(so_far: Option<Type>, next: Type) -> Type {
    match so_far {
        None => next,
        Some(so_far) if so_far == next => next,
        Some(_) => Dyn,
    }
}

fn unwrapped(found: Type) -> Type {
    match found {
        Type::Optional(value) => *value,
        _ => Dyn,
    }
}

fn member(at: usize, of: &Type, optional: bool) -> Result<Type, Flaw> {
    let found = match of {
        Dyn => Dyn,
        Type::Map(_, value) => (**value).clone(),
        Type::Optional(inner) => {
            return Ok(Type::Optional(Box::new(unwrapped_or(member(at, inner, false)?))));
        }
        other => return Err(Flaw { at, why: format!("type '{other}' does not support field selection") }),
    };
    Ok(if optional { Type::Optional(Box::new(found)) } else { found })
}

fn unwrapped_or(found: Type) -> Type {
    match found {
        Type::Optional(value) => *value,
        other => other,
    }
}

fn indexed(at: usize, of: Type, key: &Type, optional: bool) -> Result<Type, Flaw> {
    let found = match &of {
        Dyn => Dyn,
        Type::List(item) if fits(key, &INT) => (**item).clone(),
        Type::Map(wanted, value) if fits(key, wanted) => (**value).clone(),
        Type::Optional(inner) => {
            return Ok(Type::Optional(Box::new(unwrapped_or(indexed(at, (**inner).clone(), key, false)?))));
        }
        _ => return Err(mismatch(at, if optional { "_[?_]" } else { "_[_]" }, &[of, key.clone()])),
    };
    Ok(if optional { Type::Optional(Box::new(found)) } else { found })
}

/// What is known of a call.
enum Known {
    Result(Type),
    Mismatch,
    Unknown,
}

fn result(name: &str, method: bool, types: &[Type]) -> Known {
    if !method && let ("_==_" | "_!=_", [a, b]) = (name, types) {
        return if joined(a, b).is_some() { Known::Result(BOOL) } else { Known::Mismatch };
    }
    // What both sides hold must be of one type.
    let related = match (name, types) {
        ("@in", [item, Type::List(of) | Type::Map(of, _)]) if !method => Some((item, &**of, BOOL)),
        ("sets.contains" | "sets.equivalent" | "sets.intersects", [Type::List(a), Type::List(b)]) => {
            Some((&**a, &**b, BOOL))
        }
        ("_+_", [list @ Type::List(a), Type::List(b)]) => Some((&**a, &**b, list.clone())),
        _ => None,
    };
    if let Some((a, b, result)) = related {
        return match joined(a, b) {
            Some(Dyn) if result != BOOL => Known::Result(Type::List(Box::new(Dyn))),
            Some(_) => Known::Result(result),
            None => Known::Mismatch,
        };
    }
    let signatures = if method { methods(name) } else { functions(name) };
    if signatures.is_empty() {
        return Known::Unknown;
    }
    let mut results = Vec::new();
    for (wanted, result) in signatures {
        if wanted.len() == types.len() && types.iter().zip(&wanted).all(|(found, wanted)| fits(found, wanted))
        {
            results.push(result);
        }
    }
    let Some(first) = results.pop() else { return Known::Mismatch };
    let single = results.iter().all(|other| *other == first);
    Known::Result(refined(name, types, if single { first } else { Dyn }))
}

/// Types that depend on those of the arguments.
fn refined(name: &str, types: &[Type], found: Type) -> Type {
    match (name, types) {
        ("first" | "last", [Type::List(item)]) => Type::Optional(item.clone()),
        ("value", [Type::Optional(value)]) | ("orValue", [Type::Optional(value), _]) => (**value).clone(),
        ("or", [optional, _]) => optional.clone(),
        ("optional.of" | "optional.ofNonZeroValue", [value]) => Type::Optional(Box::new(value.clone())),

        _ => found,
    }
}

type Signature = (Vec<Type>, Type);

fn list() -> Type {
    Type::List(Box::new(Dyn))
}

fn strings() -> Type {
    Type::List(Box::new(STRING))
}

fn map() -> Type {
    Type::Map(Box::new(Dyn), Box::new(Dyn))
}

fn optional() -> Type {
    Type::Optional(Box::new(Dyn))
}

fn functions(name: &str) -> Vec<Signature> {
    let to = |from: &[Type], result: Type| -> Vec<Signature> {
        from.iter().map(|from| (vec![from.clone()], result.clone())).collect()
    };
    let pairs = |types: &[Type]| -> Vec<Signature> {
        types.iter().map(|one| (vec![one.clone(), one.clone()], one.clone())).collect()
    };
    match name {
        "_<_" | "_<=_" | "_>_" | "_>=_" => {
            let mut all = Vec::new();
            for one in [BOOL, STRING, BYTES, DURATION, TIMESTAMP] {
                all.push((vec![one.clone(), one], BOOL));
            }
            for a in [INT, UINT, DOUBLE] {
                all.extend([INT, UINT, DOUBLE].map(|b| (vec![a.clone(), b], BOOL)));
            }
            all
        }
        "@in" => vec![(vec![Dyn, list()], BOOL), (vec![Dyn, map()], BOOL)],
        "!_" => to(&[BOOL], BOOL),
        "-_" => vec![(vec![INT], INT), (vec![DOUBLE], DOUBLE), (vec![DURATION], DURATION)],
        "_+_" => {
            let mut all = pairs(&[INT, UINT, DOUBLE, STRING, BYTES, list(), DURATION]);
            all.push((vec![TIMESTAMP, DURATION], TIMESTAMP));
            all.push((vec![DURATION, TIMESTAMP], TIMESTAMP));
            all
        }
        "_-_" => {
            let mut all = pairs(&[INT, UINT, DOUBLE, DURATION]);
            all.push((vec![TIMESTAMP, DURATION], TIMESTAMP));
            all.push((vec![TIMESTAMP, TIMESTAMP], DURATION));
            all
        }
        "_*_" | "_/_" => pairs(&[INT, UINT, DOUBLE]),
        "_%_" => pairs(&[INT, UINT]),
        "size" => to(&[STRING, BYTES, list(), map()], INT),
        "dyn" => to(&[Dyn], Dyn),
        "type" => to(&[Dyn], Plain("type")),
        "bool" => to(&[BOOL, STRING], BOOL),
        "int" => to(&[INT, UINT, DOUBLE, STRING, DURATION, TIMESTAMP], INT),
        "uint" => to(&[INT, UINT, DOUBLE, STRING], UINT),
        "double" => to(&[INT, UINT, DOUBLE, STRING], DOUBLE),
        "string" => to(&[BOOL, INT, UINT, DOUBLE, STRING, BYTES, DURATION, TIMESTAMP], STRING),
        "bytes" => to(&[BYTES, STRING], BYTES),
        "timestamp" => to(&[TIMESTAMP, INT, STRING], TIMESTAMP),
        "duration" => to(&[DURATION, INT, STRING], DURATION),
        "matches" => vec![(vec![STRING, STRING], BOOL)],
        "sets.contains" | "sets.equivalent" | "sets.intersects" => vec![(vec![list(), list()], BOOL)],
        "base64.encode" => to(&[BYTES], STRING),
        "base64.decode" => to(&[STRING], BYTES),
        "strings.quote" => to(&[STRING], STRING),
        "optional.none" => vec![(Vec::new(), optional())],
        "optional.of" | "optional.ofNonZeroValue" => to(&[Dyn], optional()),
        "optional.unwrap" => to(&[Type::List(Box::new(optional()))], list()),
        _ => Vec::new(),
    }
}

fn methods(name: &str) -> Vec<Signature> {
    match name {
        "startsWith" | "endsWith" | "contains" | "matches" => vec![(vec![STRING, STRING], BOOL)],
        "size" => [STRING, BYTES, list(), map()].map(|of| (vec![of], INT)).to_vec(),
        "charAt" => vec![(vec![STRING, INT], STRING)],
        "indexOf" | "lastIndexOf" => vec![(vec![STRING, STRING], INT), (vec![STRING, STRING, INT], INT)],
        "join" => vec![(vec![strings()], STRING), (vec![strings(), STRING], STRING)],
        "lowerAscii" | "upperAscii" | "trim" | "reverse" => vec![(vec![STRING], STRING)],
        "replace" => {
            vec![(vec![STRING, STRING, STRING], STRING), (vec![STRING, STRING, STRING, INT], STRING)]
        }
        "split" => vec![(vec![STRING, STRING], strings()), (vec![STRING, STRING, INT], strings())],
        "substring" => vec![(vec![STRING, INT], STRING), (vec![STRING, INT, INT], STRING)],
        "format" => vec![(vec![STRING, list()], STRING)],
        "getFullYear" | "getMonth" | "getDayOfYear" | "getDayOfMonth" | "getDate" | "getDayOfWeek" => {
            vec![(vec![TIMESTAMP], INT), (vec![TIMESTAMP, STRING], INT)]
        }
        "getHours" | "getMinutes" | "getSeconds" | "getMilliseconds" => {
            vec![(vec![TIMESTAMP], INT), (vec![TIMESTAMP, STRING], INT), (vec![DURATION], INT)]
        }
        "hasValue" => vec![(vec![optional()], BOOL)],
        "value" => vec![(vec![optional()], Dyn)],
        "or" => vec![(vec![optional(), optional()], optional())],
        "orValue" => vec![(vec![optional(), Dyn], Dyn)],
        "first" | "last" => vec![(vec![list()], optional())],
        "unwrapOpt" => vec![(vec![Type::List(Box::new(optional()))], list())],
        _ => Vec::new(),
    }
}
