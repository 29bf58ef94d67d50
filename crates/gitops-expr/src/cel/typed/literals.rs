//! What is known to be wrong of literals though their types are right (cel-go `cel/validator.go`, `ext/formatting.go`).

use super::checker::Checked;
use super::declarations::Libraries;
use super::kinds::Type;
use super::tree::{Id, Kind, Tree};
use crate::cel::functions::time;
use crate::cel::lex::Flaw;
use crate::cel::value::Value;
use crate::regexp::Regexp;

pub(super) fn check(tree: &Tree, checked: &Checked, libraries: Libraries, flaws: &mut Vec<Flaw>) {
    if libraries != Libraries::Kubernetes {
        return;
    }
    for (name, valid) in [
        ("duration", (|text| time::parse_duration(text).is_ok()) as fn(&str) -> bool),
        ("timestamp", |text| time::parse_timestamp(text).is_ok()),
        ("matches", |text| Regexp::new(text).is_ok()),
    ] {
        for node in &tree.nodes {
            let Kind::Call { name: called, arguments, .. } = &node.kind else { continue };
            // The first argument, be it the pattern of a method or the text of a function.
            if called == name
                && let Some(first) = arguments.first()
                && let Some(Value::String(text)) = tree.literal(*first)
                && !valid(text)
            {
                flaws.push(Flaw { at: tree.node(*first).at, why: format!("invalid {name} argument") });
            }
        }
    }
    let mut exempt = vec![false; tree.nodes.len()];
    for node in &tree.nodes {
        if matches!(&node.kind, Kind::Call { name, .. } if name == "format") {
            exempt_below(tree, node, &mut exempt);
        }
    }
    mixed(tree, checked, &exempt, flaws);
    for (id, node) in tree.nodes.iter().enumerate() {
        formats(tree, checked, id, &node.kind, flaws);
    }
}

fn parts(node: &Kind) -> Vec<Id> {
    match node {
        Kind::Literal(_) | Kind::Name(_) => Vec::new(),
        Kind::Select { operand, .. } => vec![*operand],
        Kind::Call { target, arguments, .. } => target.iter().chain(arguments).copied().collect(),
        Kind::List(items) => items.iter().map(|(id, _)| *id).collect(),
        Kind::Map(entries) => entries.iter().flat_map(|(key, value, _)| [*key, *value]).collect(),
        Kind::Fold(fold) => vec![fold.range, fold.init, fold.condition, fold.step, fold.end],
    }
}

fn exempt_below(tree: &Tree, node: &super::tree::Node, exempt: &mut [bool]) {
    let mut open = parts(&node.kind);
    while let Some(id) = open.pop() {
        if !std::mem::replace(&mut exempt[id], true) {
            open.extend(parts(&tree.node(id).kind));
        }
    }
}

/// Lists and maps must hold one type, except where a text is formatted.
fn mixed(tree: &Tree, checked: &Checked, exempt: &[bool], flaws: &mut Vec<Flaw>) {
    let of = |id: Id, optional: bool| {
        let found = &checked.kinds[id];
        if optional { found.unwrapped().0 } else { found.clone() }
    };
    let mut refuse = |id: Id, wanted: &Type, found: &Type| {
        let why = format!("expected type '{wanted}' but found '{found}'");
        flaws.push(Flaw { at: tree.node(id).at, why });
    };
    for (_, node) in tree.nodes.iter().enumerate().filter(|(id, _)| !exempt[*id]) {
        match &node.kind {
            Kind::List(items) => {
                let Some((first, optional)) = items.first() else { continue };
                let wanted = of(*first, *optional);
                let other = items.iter().map(|(id, optional)| (*id, of(*id, *optional)));
                if let Some((id, found)) = other.into_iter().find(|(_, found)| *found != wanted) {
                    refuse(id, &wanted, &found);
                }
            }
            Kind::Map(entries) => {
                let Some((key, value, optional)) = entries.first() else { continue };
                let (key, value) = (of(*key, false), of(*value, *optional));
                for (other_key, other, optional) in &entries[1..] {
                    let (found_key, found) = (of(*other_key, false), of(*other, *optional));
                    if found_key != key {
                        refuse(*other_key, &key, &found_key);
                    }
                    if found != value {
                        refuse(*other, &value, &found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Holds the arguments of a format against its clauses, where both are there to be read.
fn formats(tree: &Tree, checked: &Checked, id: Id, kind: &Kind, flaws: &mut Vec<Flaw>) {
    let Kind::Call { name, target: Some(target), arguments } = kind else { return };
    let ("format", Some(Value::String(pattern)), [list]) =
        (name.as_str(), tree.literal(*target), &arguments[..])
    else {
        return;
    };
    let Kind::List(items) = &tree.node(*list).kind else { return };
    let mut refuse = |id: Id, why: String| flaws.push(Flaw { at: tree.node(id).at, why });
    let (mut rest, mut next) = (&**pattern, 0_usize);
    while let Some(place) = rest.find('%') {
        rest = &rest[place + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            return refuse(id, "unexpected end of string".to_owned());
        }
        let Some((item, _)) = items.get(next) else {
            return refuse(id, format!("index {next} out of range"));
        };
        next += 1;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            if rest.len() == after.len() || rest.is_empty() {
                let why = "could not parse formatting clause: error while parsing precision";
                return refuse(id, why.to_owned());
            }
        }
        let Some(verb) = rest.chars().next() else { return };
        rest = &rest[verb.len_utf8()..];
        let found = &checked.kinds[*item];
        let (wanted, fits) = match verb {
            's' => (
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
                !matches!(found, Type::Optional(_) | Type::Opaque(_) | Type::Object(_)),
            ),
            'd' => ("decimal clause can only be used on integers", matches!(found, Type::Int | Type::Uint)),
            'f' => (
                "fixed-point clause can only be used on doubles",
                matches!(found, Type::Double | Type::String),
            ),
            'e' => (
                "scientific clause can only be used on doubles",
                matches!(found, Type::Double | Type::String),
            ),
            'b' => (
                "only integers and bools can be formatted as binary",
                matches!(found, Type::Int | Type::Uint | Type::Bool),
            ),
            'x' | 'X' => (
                "only integers, byte buffers, and strings can be formatted as hex",
                matches!(found, Type::Int | Type::Uint | Type::String | Type::Bytes),
            ),
            'o' => ("octal clause can only be used on integers", matches!(found, Type::Int | Type::Uint)),
            other => {
                let why =
                    format!("could not parse formatting clause: unrecognized formatting clause \"{other}\"");
                return refuse(id, why);
            }
        };
        if !fits && *found != Type::Dyn {
            return refuse(*item, format!("error during formatting: {wanted}, was given {found}"));
        }
    }
    if items.len() > next {
        let why =
            format!("too many arguments supplied to string.format (expected {next}, got {})", items.len());
        refuse(id, why);
    }
}
