//! What Kubernetes' Go types say that OpenAPI does not: pointers, what is left out when empty, protobuf numbers.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Written by `data/go-types`.
const TEXT: &str = include_str!("../../data/go-types.txt");

static TYPES: LazyLock<GoTypes> = LazyLock::new(|| GoTypes::parse(TEXT));

/// All struct types of the API.
pub(crate) struct GoTypes {
    structs: Vec<GoStruct>,
    by_name: HashMap<&'static str, usize>,
    by_kind: HashMap<&'static str, usize>,
}

/// A struct.
#[derive(Debug)]
pub(crate) struct GoStruct {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<GoField>,
    index: HashMap<&'static str, usize>,
}

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct GoField {
    /// Its name in JSON; `+` for a struct that is inlined in JSON but not in protobuf.
    pub(crate) name: &'static str,
    pub(crate) of: GoType,
    pub(crate) omit_empty: bool,
    pub(crate) omit_zero: bool,
    /// Its number in protobuf; 0 if it is not there.
    pub(crate) number: u32,
}

/// A type.
#[derive(Clone, Debug)]
pub(crate) enum GoType {
    Bool,
    /// An integer and its type's name (`int32`).
    Int(&'static str),
    Float(&'static str),
    /// A text and the name of its type (`v1.Protocol`).
    String(&'static str),
    Bytes,
    Time,
    MicroTime,
    Duration,
    Fields,
    Quantity,
    IntOrString,
    /// Any JSON: raw extensions, interfaces, JSON.
    Raw,
    SchemaOrArray,
    SchemaOrBool,
    SchemaOrStrings,
    Struct(&'static str),
    Pointer(Box<GoType>),
    Slice(Box<GoType>),
    Map(Box<GoType>),
}

/// Returns the types of all built-in kinds.
pub(crate) fn go_types() -> &'static GoTypes {
    &TYPES
}

impl GoTypes {
    fn parse(text: &'static str) -> Self {
        let mut types = Self { structs: Vec::new(), by_name: HashMap::new(), by_kind: HashMap::new() };
        for line in text.lines() {
            let Some(field) = line.strip_prefix('\t') else {
                let mut parts = line.split('\t');
                let name = parts.next().unwrap_or_default();
                let position = types.structs.len();
                types.by_name.insert(name, position);
                for kind in parts.next().unwrap_or_default().split(' ') {
                    types.by_kind.insert(kind, position);
                }
                types.structs.push(GoStruct { name, fields: Vec::new(), index: HashMap::new() });
                continue;
            };
            let mut parts = field.split('\t');
            let mut next = || parts.next().unwrap_or_default();
            let (name, code, flags, proto) = (next(), next(), next(), next());
            let number = proto.split(' ').next().unwrap_or_default();
            if let Some(owner) = types.structs.last_mut() {
                if name != "+" {
                    owner.index.insert(name, owner.fields.len());
                }
                owner.fields.push(GoField {
                    name,
                    of: GoType::parse(code),
                    omit_empty: flags.contains('o'),
                    omit_zero: flags.contains('z'),
                    number: number.parse().unwrap_or(0),
                });
            }
        }
        types.leave_out_inlined();
        types
    }

    /// The fields of a message that is inlined in JSON stand twice: in that message they have numbers, after its
    /// `+` they have none.
    fn leave_out_inlined(&mut self) {
        for position in 0..self.structs.len() {
            let plus = |field: &GoField| match field.of {
                GoType::Struct(name) if field.name == "+" && field.number > 0 => Some(name),
                _ => None,
            };
            let inlined: Vec<(usize, &str)> = self.structs[position]
                .fields
                .iter()
                .enumerate()
                .filter_map(|(at, field)| Some((at, plus(field)?)))
                .collect();
            for (at, name) in inlined {
                let names: HashSet<&str> = self
                    .named(name)
                    .into_iter()
                    .flat_map(|inner| inner.fields.iter().map(|field| field.name))
                    .collect();
                let after = self.structs[position].fields[at + 1..].iter_mut();
                after.take_while(|field| names.contains(field.name)).for_each(|field| field.number = 0);
            }
        }
    }

    pub(crate) fn named(&self, name: &str) -> Option<&GoStruct> {
        self.by_name.get(name).and_then(|position| self.structs.get(*position))
    }

    /// Returns the type of a kind; `""` is the core group.
    pub(crate) fn kind(&self, group: &str, version: &str, kind: &str) -> Option<&GoStruct> {
        let position = self.by_kind.get(format!("{group}/{version}/{kind}").as_str())?;
        self.structs.get(*position)
    }
}

impl GoStruct {
    pub(crate) fn field(&self, name: &str) -> Option<&GoField> {
        self.index.get(name).and_then(|position| self.fields.get(*position))
    }

    /// Returns the name as Go's errors have it (`v1.ObjectMeta`).
    pub(crate) fn short(&self) -> String {
        let mut parts = self.name.rsplit('.');
        let name = parts.next().unwrap_or_default();
        format!("{}.{name}", parts.next().unwrap_or_default())
    }
}

impl GoType {
    fn parse(code: &'static str) -> Self {
        if let Some(rest) = code.strip_prefix('*') {
            return Self::Pointer(Box::new(Self::parse(rest)));
        }
        if let Some(rest) = code.strip_prefix("[]") {
            return Self::Slice(Box::new(Self::parse(rest)));
        }
        if let Some(rest) = code.strip_prefix("{}") {
            return Self::Map(Box::new(Self::parse(rest)));
        }
        if let Some(name) = code.strip_prefix('&') {
            return Self::Struct(name);
        }
        let (plain, named) = code.split_once(':').unwrap_or((code, code));
        match plain {
            "bool" => Self::Bool,
            "string" => Self::String(named),
            "float32" | "float64" => Self::Float(named),
            "bytes" => Self::Bytes,
            "time" => Self::Time,
            "microtime" => Self::MicroTime,
            "duration" => Self::Duration,
            "fields" => Self::Fields,
            "quantity" => Self::Quantity,
            "intorstring" => Self::IntOrString,
            "schemaorarray" => Self::SchemaOrArray,
            "schemaorbool" => Self::SchemaOrBool,
            "schemaorstrings" => Self::SchemaOrStrings,
            "raw" | "json" | "any" => Self::Raw,
            _ => Self::Int(named),
        }
    }

    /// Returns the name as Go's errors have it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int(name) | Self::Float(name) | Self::String(name) => (*name).to_owned(),
            Self::Bytes => "[]uint8".to_owned(),
            Self::Struct(name) => go_types().named(name).map_or_else(String::new, GoStruct::short),
            Self::Pointer(of) => of.name(),
            Self::Slice(of) => format!("[]{}", of.name()),
            Self::Map(of) => format!("map[string]{}", of.name()),
            Self::Time => "v1.Time".to_owned(),
            _ => "string".to_owned(),
        }
    }
}
