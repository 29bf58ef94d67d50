//! The operators of expressions. Lengths and positions count bytes, as Flux's do.

use super::glob;

/// The longest value that patterns are cut from; the search is quadratic.
const CUT: usize = 16 << 10;

/// Applies an operator to a value; nothing when the value is too long for it.
pub(super) fn call(function: &str, value: String, arguments: &[String]) -> Option<String> {
    let first = arguments.first().map(String::as_str);
    let cuts = matches!(function, "#" | "##" | "%" | "%%") && first.is_some();
    if cuts && value.len() > CUT {
        return None;
    }
    Some(match function {
        "," => change_first(&value, |c| c.to_lowercase().collect()),
        ",," => value.to_lowercase(),
        "^" => change_first(&value, |c| c.to_uppercase().collect()),
        "^^" => value.to_uppercase(),
        "#" => match first {
            None => value.len().to_string(),
            Some(pattern) => cut_prefix(&value, pattern, false),
        },
        "##" => first.map_or_else(|| value.clone(), |pattern| cut_prefix(&value, pattern, true)),
        "%" => first.map_or_else(|| value.clone(), |pattern| cut_suffix(&value, pattern, false)),
        "%%" => first.map_or_else(|| value.clone(), |pattern| cut_suffix(&value, pattern, true)),
        ":" => substring(&value, arguments),
        "/" => replace(&value, arguments, false),
        "//" => replace(&value, arguments, true),
        "/#" => match arguments {
            [from, to] if value.starts_with(from.as_str()) => value.replacen(from.as_str(), to, 1),
            _ => value,
        },
        "/%" => match arguments {
            [from, to] => {
                value.strip_suffix(from.as_str()).map_or_else(|| value.clone(), |rest| format!("{rest}{to}"))
            }
            _ => value,
        },
        _ if value.is_empty() => arguments.concat(),
        _ => value,
    })
}

fn change_first(value: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = value.chars();
    chars.next().map_or_else(String::new, |first| change(first) + chars.as_str())
}

fn replace(value: &str, arguments: &[String], all: bool) -> String {
    let Some(from) = arguments.first() else { return value.to_owned() };
    let to = arguments.get(1).map_or("", String::as_str);
    if all { value.replace(from.as_str(), to) } else { value.replacen(from.as_str(), to, 1) }
}

fn substring(value: &str, arguments: &[String]) -> String {
    let number = |at: usize| arguments.get(at).map(|text| text.parse::<i64>());
    let length = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Some(Ok(offset)) = number(0) else { return value.to_owned() };
    let start = if offset < 0 { (length + offset).max(0) } else { offset };
    let end = match number(1) {
        None => length,
        Some(Err(_)) => return value.to_owned(),
        Some(Ok(count)) if count < 0 => length + count,
        Some(Ok(count)) => start.saturating_add(count).min(length),
    };
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else { return String::new() };
    // A cut inside a character leaves what Go would print of it.
    value
        .as_bytes()
        .get(start..end)
        .map_or_else(String::new, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn cut_prefix(value: &str, pattern: &str, longest: bool) -> String {
    let ends = value.char_indices().map(|(at, c)| at + c.len_utf8());
    let matched = |end: &usize| glob::matches(pattern, &value[..*end]);
    let end = if longest { ends.rev().find(matched) } else { { ends }.find(matched) };
    end.map_or_else(|| value.to_owned(), |end| value[end..].to_owned())
}

fn cut_suffix(value: &str, pattern: &str, longest: bool) -> String {
    let reverse = |text: &str| text.chars().rev().collect::<String>();
    reverse(&cut_prefix(&reverse(value), &reverse(pattern), longest))
}
