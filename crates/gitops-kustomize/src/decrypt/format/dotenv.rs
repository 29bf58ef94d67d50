//! dotenv as SOPS reads and prints it: lines of `NAME=value`, comments on lines of their own, `\n` for a line break.

use super::super::tree::{Branch, Item, Key, Value};

/// Reads the lines; empty ones are left out.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<Branch, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut branch = Branch::new();
    for (index, line) in text.split('\n').enumerate() {
        if let Some(comment) = line.strip_prefix('#') {
            branch.push(Item::comment(comment, false));
        } else if let Some((name, value)) = line.split_once('=') {
            branch.push(Item::new(name, Value::Text(value.replace("\\n", "\n"))));
        } else if !line.is_empty() {
            return Err(format!("line {}: no equals sign", index + 1));
        }
    }
    Ok(branch)
}

/// Prints the lines.
///
/// # Errors
/// When a value has values in it.
pub(in super::super) fn print(branch: &[Item]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for item in branch {
        match (&item.key, &item.value) {
            (Key::Comment(comment), _) => out.extend(format!("#{}", comment.text).into_bytes()),
            (Key::Foreign, _) => return Err("a key is no text".to_owned()),
            (Key::Text(name), value) if value.is_collection() => {
                return Err(format!("'{name}' is a map or a list, which a dotenv file cannot hold"));
            }
            (Key::Text(name), value) => {
                out.extend(name.as_bytes());
                out.push(b'=');
                match value {
                    Value::Text(text) => out.extend(text.replace('\n', "\\n").into_bytes()),
                    Value::Bytes(bytes) => {
                        for byte in bytes {
                            if *byte == b'\n' { out.extend(b"\\n") } else { out.push(*byte) }
                        }
                    }
                    other => out.extend(other.plain()),
                }
            }
        }
        out.push(b'\n');
    }
    Ok(out)
}
