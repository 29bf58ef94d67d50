//! Printing JSON values as YAML, for the definitions.
//!
//! Block style, every text quoted that another reader could take for something else. Reading and printing
//! manifests is the work of `gitops-manifest`; this crate is below it.

use std::fmt::Write;

use serde_json::Value;

/// Returns the value as a YAML document.
pub(crate) fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, 0);
    out
}

/// Writes a value whose first line has been started, and ends its last line.
fn write_value(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    pad(out, indent);
                }
                write_text(out, key);
                out.push(':');
                write_member(out, value, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    pad(out, indent);
                }
                out.push_str("- ");
                write_value(out, item, indent + 2);
            }
        }
        scalar => {
            write_scalar(out, scalar);
            out.push('\n');
        }
    }
}

/// Writes the value of a key: on the same line, or below it.
fn write_member(out: &mut String, value: &Value, indent: usize) {
    let (is_block, inner) = match value {
        Value::Object(map) => (!map.is_empty(), indent + 2),
        Value::Array(items) => (!items.is_empty(), indent),
        _ => (false, indent),
    };
    if is_block {
        out.push('\n');
        pad(out, inner);
    } else {
        out.push(' ');
    }
    write_value(out, value, inner);
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text),
        // The empty collections, null, booleans and numbers are written in YAML as in JSON.
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        // A JSON text is a YAML text in double quotes.
        let _ = write!(out, "{}", Value::String(text.to_owned()));
    }
}

/// Returns whether every reader takes the text, without quotes, for this text.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"];
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '.')
        && !text.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit());
    let word = text.trim_start_matches('.').to_ascii_lowercase();
    starts_well
        && !word.is_empty()
        && word != "inf"
        && !WORDS.contains(&word.as_str())
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && text
            .chars()
            .all(|c| c == ' ' || c.is_ascii_graphic() && !matches!(c, '{' | '}' | '[' | ']' | ',' | '`'))
}
