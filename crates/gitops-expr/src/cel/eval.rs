//! Expressions to values. Every part costs steps, so that an evaluation ends whatever the expression is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Call, Expr, Index, Loop, LoopKind, Node, Select};
use super::functions::{self, Patterns};
use super::meter::{Fault, Meter};
use super::value::{Key, Value};

const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "type",
    "uint",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
];

/// Evaluates an expression with variables, and says how many steps that took. A checked expression names a missing variable without what is selected from it.
pub(super) fn evaluate(
    expr: &Expr,
    variables: &BTreeMap<String, Value>,
    checked: bool,
    steps: u64,
) -> (Result<Value, Fault>, u64) {
    let meter = Meter::new(steps);
    let mut machine = Machine { variables, checked, meter, scope: Vec::new(), patterns: Patterns::default() };
    let value = machine.eval(expr);
    (value, steps - machine.meter.left())
}

struct Machine<'a> {
    variables: &'a BTreeMap<String, Value>,
    checked: bool,
    meter: Meter,
    scope: Vec<(&'a str, Value)>,
    patterns: Patterns,
}

impl<'a> Machine<'a> {
    fn eval(&mut self, expr: &'a Expr) -> Result<Value, Fault> {
        self.meter.pay(cost(&expr.node))?;
        match self.value(expr)? {
            Value::Flaw(why) => Err(Fault::text(why)),
            value => Ok(value),
        }
    }

    fn value(&mut self, expr: &'a Expr) -> Result<Value, Fault> {
        match &expr.node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Name(name) => self.name(name),
            Node::Select(select) => self.select(select),
            Node::Has(select) => self.has(select),
            Node::Index(index) => self.index(index),
            Node::Call(call) => self.call(call),
            Node::And(parts) => self.decide(parts, false),
            Node::Or(parts) => self.decide(parts, true),
            Node::Choice(parts) => self.choice(parts),
            Node::List(_) => self.list(&expr.node),
            Node::Map(_) => self.map(&expr.node),
            Node::Loop(looped) => self.looped(looped),
        }
    }

    fn name(&self, name: &str) -> Result<Value, Fault> {
        if let Some((_, value)) = self.scope.iter().rev().find(|(bound, _)| *bound == name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        type_called(name).ok_or_else(|| Fault::Unknown(name.to_owned()))
    }

    /// Evaluates what something is selected from; a missing variable is told with the selection, as cel-go does, since it
    /// could have been a variable with a dot in its name.
    fn operand(&mut self, operand: &'a Expr, field: Option<&str>) -> Result<Value, Fault> {
        self.eval(operand).map_err(|fault| match (fault, field) {
            (Fault::Unknown(path), Some(field)) if !self.checked && is_path(operand) => {
                Fault::Unknown(format!("{path}.{field}"))
            }
            (fault, _) => fault,
        })
    }

    #[inline(never)]
    fn select(&mut self, select: &'a Select) -> Result<Value, Fault> {
        let operand = match self.operand(&select.operand, Some(&select.field)) {
            // In an unchecked expression the path ends in the field already.
            Err(Fault::Unknown(path)) => {
                let name = if self.checked { format!("{path}.{}", select.field) } else { path };
                return type_called(&name).ok_or(Fault::Unknown(name));
            }
            other => other?,
        };
        let key = Key::String(select.field.as_str().into());
        self.member(operand, select.optional, |value| lookup(value, &key))
    }

    #[inline(never)]
    fn has(&mut self, select: &'a Select) -> Result<Value, Fault> {
        let mut operand = self.operand(&select.operand, Some(&select.field))?;
        if let Value::Optional(inner) = operand {
            match inner {
                Some(inner) => operand = (*inner).clone(),
                None => return Ok(Value::Bool(false)),
            }
        }
        let key = Key::String(select.field.as_str().into());
        Ok(Value::Bool(matches!(&operand, Value::Map(entries) if entries.contains_key(&key))))
    }

    #[inline(never)]
    fn index(&mut self, index: &'a Index) -> Result<Value, Fault> {
        let constant = match &index.key.node {
            Node::Literal(Value::String(text)) => Some(&**text),
            _ => None,
        };
        let operand = self.operand(&index.operand, constant)?;
        let key = self.eval(&index.key)?;
        self.member(operand, index.optional, |value| at(value, &key))
    }

    /// Looks into a value, or into the value of an optional one; what is absent there is none, and no error.
    fn member(
        &mut self,
        operand: Value,
        optional: bool,
        find: impl Fn(&Value) -> Result<Option<Value>, Fault>,
    ) -> Result<Value, Fault> {
        match operand {
            Value::Optional(None) => Ok(Value::Optional(None)),
            Value::Optional(Some(inner)) => Ok(Value::Optional(found(find(&inner))?.map(Arc::new))),
            value if optional => Ok(Value::Optional(found(find(&value))?.map(Arc::new))),
            value => find(&value)?.ok_or_else(Fault::overload),
        }
    }

    #[inline(never)]
    fn call(&mut self, call: &'a Call) -> Result<Value, Fault> {
        let mut values = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            values.push(self.eval(argument)?);
            // The other side of an optional value is looked at only when it is needed.
            if call.method && call.arguments.len() == 2 && values.len() == 1 {
                match (call.name.as_str(), &values[0]) {
                    ("or", Value::Optional(Some(_))) => return Ok(values.remove(0)),
                    ("orValue", Value::Optional(Some(value))) => return Ok((**value).clone()),
                    _ => {}
                }
            }
        }
        functions::call(&call.name, call.method, &values, &mut self.meter, &mut self.patterns)
    }

    /// `&&` and `||`: a part that decides makes errors and other types in the other parts irrelevant.
    #[inline(never)]
    fn decide(&mut self, parts: &'a [Expr], decisive: bool) -> Result<Value, Fault> {
        let mut fault = None;
        for part in parts {
            match self.eval(part) {
                Ok(Value::Bool(value)) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => fault = fault.or_else(|| Some(Fault::overload())),
                Err(Fault::Spent) => return Err(Fault::Spent),
                Err(other) => fault = fault.or(Some(other)),
            }
        }
        fault.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    #[inline(never)]
    fn choice(&mut self, [condition, then, other]: &'a [Expr; 3]) -> Result<Value, Fault> {
        match self.eval(condition)? {
            Value::Bool(true) => self.eval(then),
            Value::Bool(false) => self.eval(other),
            _ => Err(Fault::overload()),
        }
    }

    #[inline(never)]
    fn list(&mut self, node: &'a Node) -> Result<Value, Fault> {
        let Node::List(items) = node else { return Err(Fault::overload()) };
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match (self.eval(&item.value)?, item.optional) {
                (value, false) => values.push(value),
                (Value::Optional(value), true) => values.extend(value.map(|value| (*value).clone())),
                (_, true) => return Err(Fault::overload()),
            }
        }
        Ok(Value::list(values))
    }

    #[inline(never)]
    fn map(&mut self, node: &'a Node) -> Result<Value, Fault> {
        let Node::Map(entries) = node else { return Err(Fault::overload()) };
        let mut map = BTreeMap::new();
        for entry in entries {
            let key = self.eval(&entry.key)?;
            let kind = key.type_name();
            let key = key.key().filter(|_| kind != "double");
            let key = key.ok_or_else(|| Fault::text(format!("unsupported key type: {kind}")))?;
            let value = match (self.eval(&entry.value)?, entry.optional) {
                (value, false) => value,
                (Value::Optional(Some(value)), true) => (*value).clone(),
                (Value::Optional(None), true) => continue,
                (_, true) => return Err(Fault::overload()),
            };
            // As in cel-go, the last one of the same key counts.
            map.insert(key, value);
        }
        Ok(Value::Map(Arc::new(map)))
    }

    #[inline(never)]
    fn looped(&mut self, looped: &'a Loop) -> Result<Value, Fault> {
        let over = self.eval(&looped.over)?;
        match (&over, looped.kind) {
            (Value::Optional(value), LoopKind::OptMap | LoopKind::OptFlatMap) => {
                let Some(value) = value else { return Ok(Value::Optional(None)) };
                let made = self.with(looped, ((**value).clone(), None), &looped.body)?;
                match (looped.kind, made) {
                    (LoopKind::OptMap, made) => Ok(Value::some(made)),
                    (_, Value::Optional(made)) => Ok(Value::Optional(made)),
                    _ => Err(Fault::overload()),
                }
            }
            (Value::List(_), LoopKind::SortBy) => self.sorted(looped, over.clone()),
            (Value::List(items), _) if looped.second.is_some() => {
                let place = |place: usize| Value::Int(i64::try_from(place).unwrap_or(i64::MAX));
                let pairs = items.iter().enumerate().map(|(at, item)| (place(at), Some(item.clone())));
                self.over(looped, &mut pairs.into_iter())
            }
            (Value::List(items), _) => self.over(looped, &mut items.iter().map(|item| (item.clone(), None))),
            (Value::Map(entries), _) => {
                self.over(looped, &mut entries.iter().map(|(key, value)| (key.value(), Some(value.clone()))))
            }
            (other, _) => {
                Err(Fault::text(format!("a value of type '{}' is no list and no map", other.type_name())))
            }
        }
    }

    /// Evaluates a part of a loop for one item, or for one key and value.
    fn with(&mut self, looped: &'a Loop, item: Pair, body: &'a Expr) -> Result<Value, Fault> {
        self.meter.pay(match looped.kind {
            LoopKind::Map | LoopKind::TransformList => MADE,
            LoopKind::TransformMap | LoopKind::TransformMapEntry => MADE_ENTRY,
            LoopKind::Filter => PASSED,
            LoopKind::ExistsOne => COUNTED,
            _ => TURN,
        })?;
        let outside = self.scope.len();
        self.scope.push((&looped.variable, item.0));
        if let (Some(second), Some(value)) = (&looped.second, item.1) {
            self.scope.push((second, value));
        }
        let result = self.eval(body);
        self.scope.truncate(outside);
        result
    }

    fn over(&mut self, looped: &'a Loop, items: &mut dyn Iterator<Item = Pair>) -> Result<Value, Fault> {
        match looped.kind {
            LoopKind::All => self.quantified(looped, items, false),
            LoopKind::Exists => self.quantified(looped, items, true),
            LoopKind::ExistsOne => {
                let mut count = 0_u64;
                for item in items {
                    count += u64::from(boolean(&self.with(looped, item, &looped.body)?)?);
                }
                Ok(Value::Bool(count == 1))
            }
            LoopKind::Filter => {
                let mut kept = Vec::new();
                for item in items {
                    if boolean(&self.with(looped, item.clone(), &looped.body)?)? {
                        self.meter.pay(MADE)?;
                        kept.push(item.0);
                    }
                }
                Ok(Value::list(kept))
            }
            LoopKind::Map | LoopKind::TransformList => {
                let mut made = Vec::new();
                for item in items {
                    if self.kept(looped, &item)? {
                        made.push(self.with(looped, item, &looped.body)?);
                    }
                }
                Ok(Value::list(made))
            }
            LoopKind::TransformMap | LoopKind::TransformMapEntry => self.mapped(looped, items),
            LoopKind::OptMap | LoopKind::OptFlatMap | LoopKind::SortBy => Err(Fault::overload()),
        }
    }

    fn kept(&mut self, looped: &'a Loop, item: &Pair) -> Result<bool, Fault> {
        match &looped.keep {
            Some(keep) => boolean(&self.with(looped, item.clone(), keep)?),
            None => Ok(true),
        }
    }

    #[inline(never)]
    fn mapped(&mut self, looped: &'a Loop, items: &mut dyn Iterator<Item = Pair>) -> Result<Value, Fault> {
        let mut map = BTreeMap::new();
        let mut insert = |key: Key, value: Value| {
            let twice = Fault::text(format!("insert failed: key {key} already exists"));
            map.insert(key, value).map_or(Ok(()), |_| Err(twice))
        };
        for item in items {
            if !self.kept(looped, &item)? {
                continue;
            }
            let made = self.with(looped, item.clone(), &looped.body)?;
            match (looped.kind, made) {
                (LoopKind::TransformMap, made) => insert(item.0.key().ok_or_else(Fault::overload)?, made)?,
                (_, Value::Map(entries)) => {
                    for (key, value) in entries.iter() {
                        insert(key.clone(), value.clone())?;
                    }
                }
                _ => return Err(Fault::overload()),
            }
        }
        Ok(Value::Map(Arc::new(map)))
    }

    #[inline(never)]
    fn sorted(&mut self, looped: &'a Loop, over: Value) -> Result<Value, Fault> {
        let Value::List(items) = &over else { return Err(Fault::overload()) };
        let mut keys = Vec::with_capacity(items.len());
        for item in items.iter() {
            keys.push(self.with(looped, (item.clone(), None), &looped.body)?);
        }
        let values = [over.clone(), Value::list(keys)];
        functions::call("@sortByAssociatedKeys", true, &values, &mut self.meter, &mut self.patterns)
    }

    fn quantified(
        &mut self,
        looped: &'a Loop,
        items: &mut dyn Iterator<Item = Pair>,
        decisive: bool,
    ) -> Result<Value, Fault> {
        let mut fault = None;
        for item in items {
            match self.with(looped, item, &looped.body) {
                Ok(Value::Bool(value)) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => fault = fault.or_else(|| Some(Fault::overload())),
                Err(Fault::Spent) => return Err(Fault::Spent),
                Err(other) => fault = fault.or(Some(other)),
            }
        }
        fault.map_or(Ok(Value::Bool(!decisive)), Err)
    }
}

/// What a list costs that is made; cel-go's costs, as all of these are.
const LIST: u64 = 10;
/// What a map costs that is made.
const MAP: u64 = 30;
/// What each turn of a loop costs beside its parts: the loop looks whether it goes on, and adds to what it has.
const TURN: u64 = 3;
/// The same for a loop that counts.
const COUNTED: u64 = 2;
/// The same for a loop that may leave an item out.
const PASSED: u64 = 1;
/// The same for a loop that makes a list: a list of one item is added.
const MADE: u64 = 2 + LIST;
/// The same for a loop that makes a map.
const MADE_ENTRY: u64 = 2 + MAP;

/// Returns what a part costs beside its own parts.
fn cost(node: &Node) -> u64 {
    match node {
        Node::Literal(_) | Node::And(_) | Node::Or(_) | Node::Choice(_) | Node::Loop(_) => 0,
        Node::List(_) => LIST,
        Node::Map(_) => MAP,
        Node::Name(_) | Node::Select(_) | Node::Has(_) | Node::Index(_) | Node::Call(_) => 1,
    }
}

/// An item of a list, or a key of a map; what belongs to it where a loop wants both.
type Pair = (Value, Option<Value>);

fn type_called(name: &str) -> Option<Value> {
    TYPES.iter().find(|known| **known == name).map(|known| Value::Type(known))
}

/// Whether an operand is a variable with selections by constant names only.
fn is_path(expr: &Expr) -> bool {
    match &expr.node {
        Node::Name(_) => true,
        Node::Select(select) => is_path(&select.operand),
        Node::Index(index) => {
            matches!(index.key.node, Node::Literal(Value::String(_))) && is_path(&index.operand)
        }
        _ => false,
    }
}

fn boolean(value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Bool(value) => Ok(*value),
        _ => Err(Fault::overload()),
    }
}

/// Absence is fine for optional members; the errors that say so become none.
fn found(looked_up: Result<Option<Value>, Fault>) -> Result<Option<Value>, Fault> {
    match looked_up {
        Err(Fault::Text(text))
            if text.starts_with("no such key: ") || text.starts_with("index out of bounds: ") =>
        {
            Ok(None)
        }
        other => other,
    }
}

fn lookup(value: &Value, key: &Key) -> Result<Option<Value>, Fault> {
    let missing = || Fault::text(format!("no such key: {key}"));
    match value {
        Value::Map(entries) => entries.get(key).cloned().map(Some).ok_or_else(missing),
        Value::List(_) => {
            Err(Fault::text(format!("unsupported index type '{}' in list", key.value().type_name())))
        }
        _ => Err(missing()),
    }
}

fn at(value: &Value, key: &Value) -> Result<Option<Value>, Fault> {
    match value {
        Value::Map(_) => {
            let unsupported = || Fault::text(format!("unsupported key type: {}", key.type_name()));
            lookup(value, &key.key().ok_or_else(unsupported)?)
        }
        Value::List(items) => {
            let place = match key.key() {
                Some(Key::Int(place)) => i128::from(place),
                Some(Key::Uint(place)) => i128::from(place),
                _ => {
                    return Err(Fault::text(format!("unsupported index type '{}' in list", key.type_name())));
                }
            };
            let item = usize::try_from(place).ok().and_then(|place| items.get(place));
            item.cloned().map(Some).ok_or_else(|| Fault::text(format!("index out of bounds: {place}")))
        }
        Value::Null => lookup(value, &key.key().ok_or_else(Fault::overload)?),
        _ => Err(Fault::overload()),
    }
}
