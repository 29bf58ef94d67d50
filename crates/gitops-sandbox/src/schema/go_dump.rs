//! Pod templates as a Go program prints them with all its types (go-spew's `%#v`): what kube-controller-manager hashes.
//!
//! A controller has its objects from protobuf: what is empty there is nil, however it was written.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::Value;

/// Written by `data/go-dump`.
const TEXT: &str = include_str!("../../data/pod-template.txt");

static TYPES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(parse);

/// A field of a struct.
struct Field {
    /// Its name in Go.
    name: &'static str,
    /// Its name in JSON; `+` for a struct whose fields stand in the object itself.
    json: &'static str,
    of: Type,
}

enum Type {
    Bool,
    /// A number and its type's name.
    Int(&'static str),
    String(&'static str),
    Time,
    Quantity,
    IntOrString,
    Struct(&'static str),
    Pointer(Box<Type>),
    /// The name of the type, if it has one, and of what the list is.
    Slice(&'static str, Box<Type>),
    /// The name of the type, if it has one, the type of keys, and of what the map is.
    Map(&'static str, &'static str, Box<Type>),
}

fn parse() -> HashMap<&'static str, Vec<Field>> {
    let mut types: HashMap<&'static str, Vec<Field>> = HashMap::new();
    let mut owner = "";
    for line in TEXT.lines() {
        let Some(field) = line.strip_prefix('\t') else {
            owner = line;
            types.insert(line, Vec::new());
            continue;
        };
        let mut parts = field.split('\t');
        let mut next = || parts.next().unwrap_or_default();
        let (name, json, of) = (next(), next(), Type::parse(next()));
        types.entry(owner).or_default().push(Field { name, json, of });
    }
    types
}

impl Type {
    fn parse(code: &'static str) -> Self {
        if let Some(rest) = code.strip_prefix('*') {
            return Self::Pointer(Box::new(Self::parse(rest)));
        }
        if let Some(name) = code.strip_prefix('&') {
            return Self::Struct(name);
        }
        let list = code.find("[]").map(|place| (place, 2));
        let map = code.find('{').map(|place| (place, 1));
        match (list, map) {
            (Some((place, length)), None) => {
                let of = Box::new(Self::parse(&code[place + length..]));
                return Self::Slice(&code[..place], of);
            }
            (None, Some((place, length))) => {
                let (key, of) = code[place + length..].split_once('}').unwrap_or_default();
                return Self::Map(&code[..place], key, Box::new(Self::parse(of)));
            }
            // A list of maps or a map of lists: whichever begins first.
            (Some((list, _)), Some((map, _))) if list < map => {
                return Self::Slice(&code[..list], Box::new(Self::parse(&code[list + 2..])));
            }
            (Some(_), Some((map, _))) => {
                let (key, of) = code[map + 1..].split_once('}').unwrap_or_default();
                return Self::Map(&code[..map], key, Box::new(Self::parse(of)));
            }
            (None, None) => {}
        }
        let (plain, named) = code.split_once(':').unwrap_or((code, code));
        match plain {
            "bool" => Self::Bool,
            "string" => Self::String(named),
            "time" => Self::Time,
            "quantity" => Self::Quantity,
            "intorstring" => Self::IntOrString,
            _ => Self::Int(named),
        }
    }

    /// Returns the name of the type.
    fn name(&self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Int(name) | Self::String(name) | Self::Struct(name) => (*name).to_owned(),
            Self::Time => "v1.Time".to_owned(),
            Self::Quantity => "resource.Quantity".to_owned(),
            Self::IntOrString => "intstr.IntOrString".to_owned(),
            Self::Pointer(of) => format!("*{}", of.name()),
            Self::Slice("", of) => format!("[]{}", of.name()),
            Self::Map("", key, of) => format!("map[{key}]{}", of.name()),
            Self::Slice(name, _) | Self::Map(name, ..) => (*name).to_owned(),
        }
    }
}

/// Returns the print of a pod template.
pub(crate) fn pod_template(template: &Value) -> String {
    let mut out = String::with_capacity(8 * 1024);
    let of = Type::Struct("v1.PodTemplateSpec");
    typed(&of, template, &mut out);
    out
}

/// Prints a value with its type.
fn typed(of: &Type, value: &Value, out: &mut String) {
    out.push('(');
    out.push_str(&of.name());
    out.push(')');
    match of {
        Type::Pointer(_) if value.is_null() => out.push_str("<nil>"),
        Type::Pointer(of) => plain(of, value, out),
        of => plain(of, value, out),
    }
}

/// Prints a value alone.
fn plain(of: &Type, value: &Value, out: &mut String) {
    match of {
        Type::Bool => out.push_str(if value == true { "true" } else { "false" }),
        Type::Int(_) => out.push_str(&value.as_i64().unwrap_or(0).to_string()),
        Type::String(_) => out.push_str(value.as_str().unwrap_or_default()),
        // Templates have no times of their own.
        Type::Time => {
            out.push_str("{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}")
        }
        Type::Quantity => quantity(value.as_str().unwrap_or_default(), out),
        Type::IntOrString => int_or_string(value, out),
        Type::Pointer(of) => plain(of, value, out),
        Type::Struct(name) => structure(name, value, out),
        Type::Slice(_, of) => match value.as_array() {
            Some(items) if !items.is_empty() => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    separate(place, out);
                    plain(of, item, out);
                }
                out.push(']');
            }
            _ => out.push_str("<nil>"),
        },
        Type::Map(_, _, of) => match value.as_object() {
            Some(items) if !items.is_empty() => {
                let mut items: Vec<(&String, &Value)> = items.iter().collect();
                items.sort_by_key(|(key, _)| *key);
                out.push_str("map[");
                for (place, (key, item)) in items.into_iter().enumerate() {
                    separate(place, out);
                    out.push_str(key);
                    out.push(':');
                    plain(of, item, out);
                }
                out.push(']');
            }
            _ => out.push_str("<nil>"),
        },
    }
}

fn separate(place: usize, out: &mut String) {
    if place > 0 {
        out.push(' ');
    }
}

fn structure(name: &str, value: &Value, out: &mut String) {
    out.push('{');
    for (place, field) in TYPES.get(name).into_iter().flatten().enumerate() {
        separate(place, out);
        out.push_str(field.name);
        out.push(':');
        let of = if field.json == "+" { value } else { &value[field.json] };
        typed(&field.of, of, out);
    }
    out.push('}');
}

fn int_or_string(value: &Value, out: &mut String) {
    let (kind, number, text) = match value {
        Value::String(text) => (1, 0, text.as_str()),
        number => (0, number.as_i64().unwrap_or(0), ""),
    };
    // Writing to a text cannot fail.
    let _ = write!(out, "{{Type:(intstr.Type){kind} IntVal:(int32){number} StrVal:(string){text}}}");
}

/// Prints a quantity as Go's reader of them leaves it (`ParseQuantity`), which keeps the text of some.
fn quantity(text: &str, out: &mut String) {
    let read = Quantity::read(text);
    let Quantity { value, scale, large, keeps, format } = read;
    let dec = match large {
        // A zero has no digits.
        Some((0, scale)) => {
            format!("{{unscaled:(big.Int){{neg:(bool)false abs:(big.nat)<nil>}} scale:(inf.Scale){scale}}}")
        }
        Some((number, scale)) => {
            let negative = number < 0;
            let number = number.unsigned_abs();
            let (high, low) = (number >> 64, number & u128::from(u64::MAX));
            let words = if high == 0 { low.to_string() } else { format!("{low} {high}") };
            format!(
                "{{unscaled:(big.Int){{neg:(bool){negative} abs:(big.nat)[{words}]}} scale:(inf.Scale){scale}}}"
            )
        }
        None => "<nil>".to_owned(),
    };
    let text = if keeps { text } else { "" };
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "{{i:(resource.int64Amount){{value:(int64){value} scale:(resource.Scale){scale}}} \
         d:(resource.infDecAmount){{Dec:(*inf.Dec){dec}}} s:(string){text} Format:(resource.Format){format}}}"
    );
}

/// A quantity as Go holds it.
struct Quantity {
    value: i64,
    scale: i32,
    /// The number and its scale where the fast form has no room for it.
    large: Option<(i128, i32)>,
    /// Whether its text is kept.
    keeps: bool,
    format: &'static str,
}

impl Quantity {
    /// Reads a quantity as the API server wrote it.
    fn read(text: &str) -> Self {
        let zero = Self { value: 0, scale: 0, large: None, keeps: true, format: "DecimalSI" };
        if text.is_empty() {
            return Self { keeps: false, format: "", ..zero };
        }
        if text == "0" {
            return zero;
        }
        let is_negative = text.starts_with('-');
        let unsigned = text.trim_start_matches(['-', '+']);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let digits = format!("{whole}{fraction}");
        let (binary, exponent, format) = suffix_of(suffix);
        let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
        let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
        // How many digits there is room for: of 18, or of 15 less those of the power of two.
        let room = match binary {
            false => 18 - length,
            true if fraction.is_empty() => {
                15 - i32::try_from(whole.len()).unwrap_or(i32::MAX) - exponent * 3 / 10 - 1
            }
            true => -1,
        };
        let scale = if binary { 0 } else { exponent } - places;
        let sign = if is_negative { -1 } else { 1 };
        let factor = if binary { 1_i64.checked_shl(exponent.unsigned_abs()) } else { Some(1) };
        if room >= 0
            && scale >= -9
            && let (Ok(number), Some(factor)) = (digits.parse::<i64>(), factor)
            && let Some(value) = number.checked_mul(factor)
        {
            let keeps = if binary {
                exponent % 10 == 0 && number & 7 != 0
            } else {
                scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0')
            };
            return Self { value: value * sign, scale, large: None, keeps, format };
        }
        let number: i128 = digits.parse().unwrap_or(i128::MAX);
        let number = if binary { number.saturating_mul(1_i128 << exponent.clamp(0, 60)) } else { number };
        if binary && number > i128::from(i64::MAX) {
            // It is cut there.
            let large = Some((i128::from(i64::MAX) * i128::from(sign), 0));
            return Self { value: 0, scale: 0, large, keeps: false, format };
        }
        // Written to nine places; what is smaller is rounded up.
        let places = scale + 9;
        let shift = 10_i128.checked_pow(places.unsigned_abs()).unwrap_or(i128::MAX);
        let number = if places < 0 { (number + shift - 1) / shift } else { number.saturating_mul(shift) };
        Self { value: 0, scale: 0, large: Some((number * i128::from(sign), 9)), keeps: false, format }
    }
}

/// Returns whether a suffix is a power of two, of which or of ten, and how Go calls the form.
fn suffix_of(suffix: &str) -> (bool, i32, &'static str) {
    let power = |names: [&str; 6], step: i32| {
        let place = names.iter().position(|name| *name == suffix)?;
        i32::try_from(place + 1).ok().map(|power| power * step)
    };
    if let Some(exponent) = power(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"], 10) {
        return (true, exponent, "BinarySI");
    }
    if let Some(exponent) = power(["k", "M", "G", "T", "P", "E"], 3) {
        return (false, exponent, "DecimalSI");
    }
    match suffix {
        "m" => (false, -3, "DecimalSI"),
        "u" => (false, -6, "DecimalSI"),
        "n" => (false, -9, "DecimalSI"),
        "" => (false, 0, "DecimalSI"),
        suffix => (false, suffix[1..].parse().unwrap_or(0), "DecimalExponent"),
    }
}

/// Writes JSON as Go's `encoding/json` does: keys sorted, and texts safe to stand in HTML.
pub(crate) fn json(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (place, (name, value)) in fields.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                quoted(name, out);
                out.push(':');
                json(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                json(item, out);
            }
            out.push(']');
        }
        Value::String(text) => quoted(text, out),
        other => out.push_str(&other.to_string()),
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
