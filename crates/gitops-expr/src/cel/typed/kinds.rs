//! Types of expressions, and when one can stand for another (cel-go `checker/types.go`).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::cel::declared::{Declared, Shape};

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cel) enum Type {
    /// What was refused already; it fits everywhere.
    Error,
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    List(Arc<Type>),
    Map(Arc<(Type, Type)>),
    Optional(Arc<Type>),
    /// A type without parts that no literal has, such as `net.IP`.
    Opaque(&'static str),
    /// An object: declared ones are named by where they stand.
    Object(Arc<str>),
    /// The type of types.
    Kind(Option<Arc<Type>>),
    /// What a function leaves open in its declaration.
    Open(char),
    /// What is not known yet.
    Variable(u32),
}

impl Type {
    pub(super) fn list(item: Type) -> Self {
        Type::List(Arc::new(item))
    }

    pub(super) fn map(key: Type, value: Type) -> Self {
        Type::Map(Arc::new((key, value)))
    }

    pub(super) fn optional(value: Type) -> Self {
        Type::Optional(Arc::new(value))
    }

    /// Returns the type of a declared value that stands at a path.
    pub(super) fn of(declared: &Declared, path: &str) -> Self {
        match &declared.shape {
            Shape::Dyn => Type::Dyn,
            Shape::Bool => Type::Bool,
            Shape::Int => Type::Int,
            Shape::Double => Type::Double,
            Shape::String => Type::String,
            Shape::Bytes => Type::Bytes,
            Shape::Duration => Type::Duration,
            Shape::Timestamp | Shape::Date => Type::Timestamp,
            Shape::List(item, _) => Type::list(Type::of(item, &format!("{path}.@idx"))),
            Shape::Map(value) => Type::map(Type::String, Type::of(value, &format!("{path}.@elem"))),
            Shape::Object(_) => Type::Object(path.into()),
        }
    }

    /// Returns the name of the type as programs know it: those of protocol buffers have their whole names.
    pub(in crate::cel) fn full_name(&self) -> String {
        match self {
            Type::Duration => "google.protobuf.Duration".to_owned(),
            Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
            Type::List(item) => format!("list({})", item.full_name()),
            Type::Map(parts) => format!("map({}, {})", parts.0.full_name(), parts.1.full_name()),
            Type::Optional(value) => format!("optional_type({})", value.full_name()),
            Type::Kind(Some(of)) => format!("type({})", of.full_name()),
            other => other.to_string(),
        }
    }

    /// Whether the type can be null.
    fn is_nullable(&self) -> bool {
        matches!(
            self,
            Type::Null
                | Type::Optional(_)
                | Type::Opaque(_)
                | Type::Object(_)
                | Type::Duration
                | Type::Timestamp
        )
    }

    pub(super) fn is_dyn_or_error(&self) -> bool {
        matches!(self, Type::Dyn | Type::Error)
    }

    /// Returns the type inside an optional one, and whether it was one.
    pub(super) fn unwrapped(&self) -> (Type, bool) {
        match self {
            Type::Optional(inner) => ((**inner).clone(), true),
            other => (other.clone(), false),
        }
    }

    /// Whether values of the type have one known size.
    pub(super) fn is_scalar(&self) -> bool {
        match self {
            Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
            Type::Optional(inner) => inner.is_scalar(),
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Error => f.write_str("!error!"),
            Type::Dyn => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Duration => f.write_str("duration"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::List(item) => write!(f, "list({item})"),
            Type::Map(parts) => write!(f, "map({}, {})", parts.0, parts.1),
            Type::Optional(value) => write!(f, "optional_type({value})"),
            Type::Opaque(name) => f.write_str(name),
            Type::Object(name) => f.write_str(name),
            Type::Kind(None) => f.write_str("type"),
            Type::Kind(Some(of)) => write!(f, "type({of})"),
            Type::Open(name) => write!(f, "{name}"),
            Type::Variable(number) => write!(f, "_var{number}"),
        }
    }
}

/// What is known of the types that were open, which grows while an expression is checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    known: HashMap<u32, Type>,
}

impl Bindings {
    /// Replaces what is known in a type; `close` makes what is not known dynamic.
    pub(super) fn resolve(&self, of: &Type, close: bool) -> Type {
        match of {
            Type::Variable(number) => match self.known.get(number) {
                Some(known) => self.resolve(known, close),
                None if close => Type::Dyn,
                None => of.clone(),
            },
            Type::List(item) => Type::list(self.resolve(item, close)),
            Type::Map(parts) => Type::map(self.resolve(&parts.0, close), self.resolve(&parts.1, close)),
            Type::Optional(value) => Type::optional(self.resolve(value, close)),
            Type::Kind(Some(inner)) => Type::Kind(Some(Arc::new(self.resolve(inner, close)))),
            other => other.clone(),
        }
    }

    /// Whether a value of one type can stand where the other is wanted; remembers what that says of open types.
    pub(super) fn unify(&mut self, found: &Type, wanted: &Type) -> bool {
        self.unify_all(&[(found, wanted)])
    }

    /// As [`unify`](Self::unify), for all pairs or none.
    pub(super) fn unify_all(&mut self, pairs: &[(&Type, &Type)]) -> bool {
        let before = self.known.clone();
        let fits = pairs.iter().all(|(found, wanted)| self.fits(found, wanted));
        if !fits {
            self.known = before;
        }
        fits
    }

    fn fits(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Variable(number) = b {
            match self.bind(a, *number) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Variable(number) = a {
            return self.bind(b, *number).0;
        }
        if a.is_dyn_or_error() || b.is_dyn_or_error() {
            return true;
        }
        match (a, b) {
            (Type::Null, other) | (other, Type::Null) => other.is_nullable(),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.fits(a, b),
            (Type::Map(a), Type::Map(b)) => self.fits(&a.0, &b.0) && self.fits(&a.1, &b.1),
            (Type::Kind(_), Type::Kind(_)) => true,
            (a, b) => a == b,
        }
    }

    /// Whether a type can be what a variable stands for, and whether something is known of the variable.
    fn bind(&mut self, found: &Type, variable: u32) -> (bool, bool) {
        if *found == Type::Variable(variable) {
            return (true, true);
        }
        if let Some(known) = self.known.get(&variable).cloned() {
            if *found == known {
                return (true, true);
            }
            if !self.fits(found, &known) {
                return (false, true);
            }
            let general = most_general(found, &known);
            if self.is_apart(variable, &general) {
                self.known.insert(variable, general);
            }
            return (true, true);
        }
        let apart = self.is_apart(variable, found);
        if apart {
            self.known.insert(variable, found.clone());
        }
        (apart, false)
    }

    /// Whether a variable does not occur in a type.
    fn is_apart(&self, variable: u32, within: &Type) -> bool {
        match within {
            Type::Variable(number) => {
                *number != variable
                    && self.known.get(number).is_none_or(|known| self.is_apart(variable, known))
            }
            Type::List(inner) | Type::Optional(inner) | Type::Kind(Some(inner)) => {
                self.is_apart(variable, inner)
            }
            Type::Map(parts) => self.is_apart(variable, &parts.0) && self.is_apart(variable, &parts.1),
            _ => true,
        }
    }
}

/// Returns the one of two types that fit each other that says less.
pub(super) fn most_general(a: &Type, b: &Type) -> Type {
    if says_no_more(a, b) { a.clone() } else { b.clone() }
}

fn says_no_more(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Variable(_), _) => true,
        (_, Type::Dyn | Type::Variable(_)) => false,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => says_no_more(a, b),
        (Type::Map(a), Type::Map(b)) => says_no_more(&a.0, &b.0) && says_no_more(&a.1, &b.1),
        (Type::Kind(_), Type::Kind(_)) => true,
        (a, b) => a == b,
    }
}
