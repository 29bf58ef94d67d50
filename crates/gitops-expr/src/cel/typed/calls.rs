//! What the calls of functions cost that Kubernetes knows better than the language
//! (`k8s.io/apiserver/pkg/cel/library/cost.go`, cel-go `ext/sets.go` and `ext/lists.go`).

use super::cost::{LIST, PATTERN, Path, TRAVERSAL, declared_size};
use super::kinds::Type;
use super::sizes::{Size, scaled};
use crate::cel::declared::Declared;
use crate::cel::value::Value;

/// The length of pattern that a named format is taken to have.
const FORMAT_PATTERN: f64 = 128.0;
/// The longest text that is a named format.
const FORMAT: u64 = 64;

/// What is known of an argument or receiver.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) path: Option<Path>,
    pub(super) kind: Type,
    pub(super) computed: Option<Size>,
    pub(super) literal: Option<Value>,
}

impl Argument {
    fn size(&self) -> Size {
        self.computed.unwrap_or(Size::UNKNOWN)
    }

    /// Returns the number that it is, if it can be read.
    fn number(&self) -> Option<u64> {
        match self.literal {
            Some(Value::Int(number)) => Some(u64::try_from(number).unwrap_or(0)),
            _ => None,
        }
    }

    /// Returns type and size of what a list holds.
    fn item(&self, root: Option<&Declared>) -> Option<(Type, Size)> {
        let kind = match &self.kind {
            Type::List(item) | Type::Optional(item) => (**item).clone(),
            Type::Map(parts) => parts.0.clone(),
            _ => return None,
        };
        let path = self.path.clone().filter(|path| !path.is_empty()).map(|mut path| {
            path.push("@items".to_owned());
            path
        });
        let size = path.and_then(|path| declared_size(root, &path)).unwrap_or(Size::UNKNOWN);
        Some((kind, size))
    }
}

/// Returns cost and size of the result of a call; none when the language's own rule holds.
pub(super) fn known_cost(
    root: Option<&Declared>,
    name: &str,
    overload: &str,
    target: Option<&Argument>,
    arguments: &[Argument],
) -> Option<(u64, Option<Size>)> {
    extension(overload, target, arguments)
        .or_else(|| of_list(root, name, target, arguments))
        .or_else(|| of_text(name, overload, arguments))
        .or_else(|| equality(name, arguments))
}

/// cel-go's sets and lists.
fn extension(
    overload: &str,
    target: Option<&Argument>,
    arguments: &[Argument],
) -> Option<(u64, Option<Size>)> {
    let made = |factor: f64, size: Size| {
        Some((scaled(size.max, factor).saturating_add(1).saturating_add(LIST), Some(size)))
    };
    let squared = |of: &Argument| of.size().times(of.size());
    let sort = |of: &Argument| {
        let is_text = overload.starts_with("list_string_") || overload.starts_with("list_bytes_");
        made(if is_text { 2.0 + TRAVERSAL } else { 2.0 }, squared(of))
    };
    match (overload, target, arguments) {
        ("list_sets_contains_list" | "list_sets_intersects_list", None, [a, b]) => {
            Some((a.size().times(b.size()).max.saturating_add(1), None))
        }
        ("list_sets_equivalent_list", None, [a, b]) => {
            Some((a.size().times(b.size()).cost(2.0).saturating_add(1), None))
        }
        ("list_slice", Some(list), [start, end]) => {
            let end = end.number().unwrap_or(list.size().max);
            made(1.0, Size::fixed(end.wrapping_sub(start.number().unwrap_or(0))))
        }
        ("lists_range", None, [count]) => made(1.0, Size::fixed(count.number().unwrap_or(u64::MAX))),
        ("list_reverse", Some(list), []) => made(1.0, list.size()),
        ("list_flatten", Some(list), []) => made(1.0, list.size()),
        #[allow(clippy::cast_precision_loss)]
        ("list_flatten_int", Some(list), [depth]) => {
            made(depth.number().unwrap_or(u64::MAX) as f64, list.size())
        }
        ("list_distinct", Some(list), []) => made(2.0, squared(list)),
        (sorted, Some(list), []) if sorted.starts_with("list_") && sorted.ends_with("_sort") => sort(list),
        (sorted, Some(_), [keys]) if sorted.ends_with("_sortByAssociatedKeys") => sort(keys),
        _ => None,
    }
}

/// Functions that look at all of a list, or at a text once.
fn of_list(
    root: Option<&Declared>,
    name: &str,
    target: Option<&Argument>,
    arguments: &[Argument],
) -> Option<(u64, Option<Size>)> {
    let target = target?;
    let size = target.size();
    match name {
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
            let Some((kind, item)) = target.item(root) else { return Some((size.cost(TRAVERSAL), None)) };
            let mut each = 1_u64;
            if matches!(kind, Type::String | Type::Bytes) {
                each = each.saturating_add(item.cost(TRAVERSAL));
            }
            Some((size.max.saturating_mul(each), None))
        }
        "lowerAscii" | "upperAscii" | "substring" | "trim" => Some((size.cost(TRAVERSAL), Some(size))),
        "replace" if arguments.len() >= 2 => {
            Some((size.cost(2.0 * TRAVERSAL), Some(replaced(size, arguments[0].size(), arguments[1].size()))))
        }
        "split" => {
            let limit = arguments.get(1).and_then(|limit| match limit.literal {
                Some(Value::Int(limit)) => Some(limit.cast_unsigned()),
                _ => None,
            });
            let parts = Size { min: 0, max: limit.unwrap_or(size.max) };
            Some((size.cost(2.0 * TRAVERSAL), Some(parts)))
        }
        "join" => {
            let mut joined = target.item(root).map_or(Size { min: 0, max: 0 }, |(_, item)| size.times(item));
            if let Some(separator) = arguments.first() {
                let between = Size { min: size.min.saturating_sub(1), max: size.max.saturating_sub(1) };
                joined = joined.plus(separator.size().times(between));
            }
            Some((joined.cost(TRAVERSAL), Some(joined)))
        }
        "find" | "findAll" if !arguments.is_empty() => {
            let text = size.plus(Size::fixed(1)).cost(TRAVERSAL);
            let cost = text.saturating_mul(arguments[0].size().cost(PATTERN));
            Some((cost, Some(Size { min: 0, max: size.max })))
        }
        _ => None,
    }
}

/// The size of a text in which parts were replaced: the shortest and the longest that it can become.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn replaced(text: Size, old: Size, new: Size) -> Size {
    let parts = |text: u64, old: u64| (text as f64 / old as f64).ceil() as u64;
    let most = if old.min == 0 {
        text.max.saturating_add(1).saturating_mul(new.max).saturating_add(text.max)
    } else if new.max <= old.min {
        text.max
    } else {
        parts(text.max, old.min).saturating_mul(new.max)
    };
    let least = if old.max == 0 {
        text.min.saturating_add(1).saturating_mul(new.min).saturating_add(text.min)
    } else if old.max <= new.min {
        text.min
    } else {
        parts(text.min, old.max).saturating_mul(new.min)
    };
    Size { min: least, max: most }
}

/// Functions that read a text, and those that look at what was read.
fn of_text(name: &str, overload: &str, arguments: &[Argument]) -> Option<(u64, Option<Size>)> {
    let first = arguments.first().map(Argument::size);
    let read = |factor: f64| first.map(|size| (size.cost(factor), None));
    // An address has 4 or 16 bytes.
    let address = Size { min: 4, max: 16 };
    match name {
        // Builders and accessors of reviews share these names; what they are called on does not matter.
        "serviceAccount"
        | "path"
        | "group"
        | "resource"
        | "subresource"
        | "namespace"
        | "name"
        | "allowed"
        | "reason"
        | "error"
        | "errored"
        | "masked"
        | "prefixLength"
        | "family"
        | "isUnspecified"
        | "isLoopback"
        | "isLinkLocalMulticast"
        | "isLinkLocalUnicast"
        | "isGlobalUnicast"
        | "format.named"
        | "sign"
        | "asInteger"
        | "isInteger"
        | "asApproximateFloat"
        | "isGreaterThan"
        | "isLessThan"
        | "compareTo"
        | "add"
        | "sub"
        | "major"
        | "minor"
        | "patch"
        | "getScheme"
        | "getHostname"
        | "getHost"
        | "getPort"
        | "getEscapedPath"
        | "getQuery" => Some((1, None)),
        "url" if arguments.len() == 1 => first.map(|size| (size.cost(TRAVERSAL), Some(size))),
        "ip" if overload == "cidr_ip" => Some((1, None)),
        "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
            read(TRAVERSAL)
        }
        "ip.isCanonical" => read(2.0 * TRAVERSAL),
        "containsIP" | "containsCIDR" => {
            let first = first?;
            let mut cost = address.plus(address).cost(TRAVERSAL);
            if name == "containsCIDR" {
                cost = cost.saturating_add(address.cost(TRAVERSAL)).saturating_add(1);
            }
            if overload.ends_with("_string") {
                cost = cost.saturating_add(first.cost(TRAVERSAL));
            }
            Some((cost, None))
        }
        "validate" => first.map(|size| (scaled(size.cost(TRAVERSAL), FORMAT_PATTERN * PATTERN), None)),
        _ => None,
    }
}

/// Comparing two values of the server's own types.
fn equality(name: &str, arguments: &[Argument]) -> Option<(u64, Option<Size>)> {
    let ("_==_", [a, b]) = (name, arguments) else { return None };
    if a.kind != b.kind {
        return None;
    }
    match &a.kind {
        Type::Opaque(_) => Some((1, None)),
        Type::Object(name) => match &**name {
            "kubernetes.Quantity" | "kubernetes.Semver" => Some((1, None)),
            "kubernetes.NamedFormat" => Some((scaled(FORMAT, TRAVERSAL), None)),
            "kubernetes.URL" => Some((scaled(b.computed.map_or(1, |size| size.max), TRAVERSAL), None)),
            _ => None,
        },
        _ => None,
    }
}
