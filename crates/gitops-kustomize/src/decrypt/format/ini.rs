//! ini as SOPS reads and prints it, with the grammar of Go's `ini.v1`: quoted, continued and many-line values, comments
//! above keys and sections or beside values, equals signs aligned within a section.

use super::super::tree::{Branch, Comment, Item, Key, Value};

/// The section of the keys before the first header; it is always there.
const DEFAULT: &str = "DEFAULT";

/// What parts a key from its value.
const DELIMITERS: [char; 2] = ['=', ':'];

const LONG_QUOTE: &str = "\"\"\"";

/// Reads the sections.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<Branch, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { lines: text.split_inclusive('\n'), number: 0, comment: String::new() };
    let mut sections = vec![Section::new(DEFAULT, String::new())];
    let mut unnamed = 0;
    while let Some(line) = reader.next() {
        let line = line.trim_start();
        match line.as_bytes().first() {
            None => {}
            Some(b'#' | b';') => reader.comment.push_str(line),
            Some(b'[') => {
                let Some(end) = line.rfind(']') else { return reader.wrong("a section's name does not end") };
                if end == 1 {
                    return reader.wrong("a section has no name");
                }
                if let Some(at) = line[end + 1..].find(['#', ';']) {
                    reader.comment.push_str(&line[end + 1 + at..]);
                }
                sections.push(Section::new(&line[1..end], reader.take_comment()));
                unnamed = 0;
            }
            Some(_) => {
                let (name, rest) = match key(line) {
                    Ok(found) => found,
                    Err(what) => return reader.wrong(what),
                };
                let name = if name == "-" {
                    unnamed += 1;
                    format!("#{unnamed}")
                } else {
                    name.to_owned()
                };
                if name.is_empty() {
                    return reader.wrong("a key has no name");
                }
                let value = reader.value(rest)?;
                let comment = reader.take_comment();
                if let Some(section) = sections.last_mut() {
                    section.set(name, value, comment);
                }
            }
        }
    }
    Ok(sections.into_iter().map(Section::into_item).collect())
}

struct Section {
    name: String,
    comment: String,
    keys: Vec<(String, String, String)>,
}

impl Section {
    fn new(name: &str, comment: String) -> Self {
        Self { name: name.to_owned(), comment, keys: Vec::new() }
    }

    fn set(&mut self, name: String, value: String, comment: String) {
        match self.keys.iter_mut().find(|(known, ..)| *known == name) {
            Some(known) => (known.1, known.2) = (value, comment),
            None => self.keys.push((name, value, comment)),
        }
    }

    /// A key's comment comes after it.
    fn into_item(self) -> Item {
        let mut entries = Branch::new();
        let note = |entries: &mut Branch, comment: &str| {
            if !comment.is_empty() {
                entries.push(Item::comment(without_sign(comment), false));
            }
        };
        note(&mut entries, &self.comment);
        for (name, value, comment) in self.keys {
            entries.push(Item::new(name, Value::Text(value)));
            note(&mut entries, &comment);
        }
        Item::new(self.name, Value::Map(entries))
    }
}

fn without_sign(comment: &str) -> &str {
    if comment.starts_with(';') {
        comment.trim_start_matches([';', ' '])
    } else if comment.starts_with('#') {
        comment.trim_start_matches(['#', ' '])
    } else {
        comment
    }
}

/// Parts a line into the key and what follows the delimiter.
fn key(line: &str) -> Result<(&str, &str), &'static str> {
    let quote = if line.starts_with(LONG_QUOTE) && line.len() > 6 {
        LONG_QUOTE
    } else if line.starts_with('"') {
        "\""
    } else if line.starts_with('`') {
        "`"
    } else {
        let at = line.find(DELIMITERS).ok_or("neither an equals sign nor a colon")?;
        if at == 0 {
            return Err("a key has no name");
        }
        return Ok((line[..at].trim(), &line[at + 1..]));
    };
    let inner = &line[quote.len()..];
    let end = inner.find(quote).ok_or("a key's quote does not end")?;
    let rest = &inner[end + quote.len()..];
    let at = rest.find(DELIMITERS).ok_or("neither an equals sign nor a colon")?;
    Ok((inner[..end].trim(), &rest[at + 1..]))
}

struct Reader<'a> {
    lines: std::str::SplitInclusive<'a, char>,
    number: usize,
    /// The comments since the last key or section.
    comment: String,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        self.lines.next()
    }

    fn wrong<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("line {}: {what}", self.number))
    }

    fn take_comment(&mut self) -> String {
        std::mem::take(&mut self.comment).trim().to_owned()
    }

    fn value(&mut self, rest: &str) -> Result<String, String> {
        let line = rest.trim_start();
        if line.is_empty() {
            return Ok(String::new());
        }
        let quote = if line.len() > 3 && line.starts_with(LONG_QUOTE) {
            Some(LONG_QUOTE)
        } else {
            line.starts_with('`').then_some("`")
        };
        if let Some(quote) = quote {
            let inner = &line[quote.len()..];
            return match inner.rfind(quote) {
                Some(end) => Ok(inner[..end].to_owned()),
                None => self.many_lines(inner, quote),
            };
        }
        let mut line = line.trim();
        if let Some(begin) = line.strip_suffix('\\') {
            return Ok(self.continued(begin));
        }
        if let Some(at) = line.find(['#', ';']) {
            self.comment.push_str(&line[at..]);
            line = line[..at].trim();
        }
        for quote in ['\'', '"'] {
            let inner = line.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote));
            if let Some(inner) = inner.filter(|inner| !inner.contains(quote)) {
                return Ok(inner.to_owned());
            }
        }
        Ok(line.to_owned())
    }

    /// Reads up to the line with the closing quote.
    fn many_lines(&mut self, first: &str, quote: &str) -> Result<String, String> {
        let mut value = first.to_owned();
        loop {
            let Some(line) = self.next() else { return self.wrong("a value's quote does not end") };
            if let Some(end) = line.rfind(quote) {
                value.push_str(&line[..end]);
                if let Some(at) = line[end..].find(['#', ';']) {
                    self.comment.push_str(line[end + at..].trim());
                }
                return Ok(value);
            }
            value.push_str(line);
        }
    }

    /// Reads on while lines end with a backslash.
    fn continued(&mut self, begin: &str) -> String {
        let mut value = begin.to_owned();
        while let Some(line) = self.next() {
            let line = line.trim();
            match line.strip_suffix('\\') {
                Some(more) => value.push_str(more),
                None => {
                    value.push_str(line);
                    break;
                }
            }
        }
        value
    }
}

/// Prints the sections of all documents.
///
/// # Errors
/// When something at the top is no section, or a name is empty.
pub(in super::super) fn print(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let sections: Vec<&Item> =
        branches.iter().flatten().filter(|item| !matches!(item.key, Key::Comment(_))).collect();
    for (index, section) in sections.iter().enumerate() {
        let name = section.name().ok_or("a key is no text")?;
        let Value::Map(entries) = &section.value else {
            return Err(format!("'{name}' is no section: its value is not a map"));
        };
        if name.is_empty() {
            return Err("a section has no name".to_owned());
        }
        let (comment, keys) = keys(entries)?;
        for line in comment.map(|comment| comment.text.lines()).into_iter().flatten() {
            comment_line(line, line, &mut out);
        }
        if index > 0 || name.to_uppercase() != DEFAULT {
            out.extend(format!("[{name}]\n").into_bytes());
        } else if keys.is_empty() {
            continue;
        }
        let width = keys.iter().map(|key| key.shown_as.len()).max().unwrap_or_default();
        for key in &keys {
            for line in key.comment.map(|comment| comment.text.lines()).into_iter().flatten() {
                comment_line(line, line.trim(), &mut out);
            }
            out.extend(key.shown_as.as_bytes());
            out.extend(std::iter::repeat_n(b' ', width - key.shown_as.len()));
            out.extend(b" = ");
            out.extend(quoted(&key.value));
            out.push(b'\n');
        }
        if index + 1 < sections.len() {
            out.push(b'\n');
        }
    }
    Ok(out)
}

struct Entry<'a> {
    name: &'a str,
    shown_as: String,
    value: Vec<u8>,
    comment: Option<&'a Comment>,
}

/// Returns the section's own comment and its keys; of a key that stands twice the last value counts.
fn keys(entries: &[Item]) -> Result<(Option<&Comment>, Vec<Entry<'_>>), String> {
    let (own, rest) = match entries.split_first() {
        Some((Item { key: Key::Comment(comment), .. }, rest)) => (Some(comment), rest),
        _ => (None, entries),
    };
    let mut keys: Vec<Entry<'_>> = Vec::new();
    let mut last = None;
    for item in rest {
        match &item.key {
            Key::Comment(comment) => {
                if let Some(entry) = last.and_then(|at: usize| keys.get_mut(at)) {
                    entry.comment = Some(comment);
                }
            }
            Key::Foreign => return Err("a key is no text".to_owned()),
            Key::Text(name) if name.is_empty() => return Err("a key has no name".to_owned()),
            Key::Text(name) => {
                let value = item.value.plain();
                let at = keys.iter().position(|entry| entry.name == name);
                match at.and_then(|at| keys.get_mut(at)) {
                    Some(entry) => entry.value = value,
                    None => {
                        keys.push(Entry { name, shown_as: quoted_name(name), value, comment: None });
                    }
                }
                last = at.or(Some(keys.len() - 1));
            }
        }
    }
    Ok((own, keys))
}

fn quoted_name(name: &str) -> String {
    if name.contains(['"', '=', ':']) {
        format!("`{name}`")
    } else if name.contains('`') {
        format!("{LONG_QUOTE}{name}{LONG_QUOTE}")
    } else {
        name.to_owned()
    }
}

fn quoted(value: &[u8]) -> Vec<u8> {
    let has = |signs: &[u8]| value.iter().any(|byte| signs.contains(byte));
    let padded = value.trim_ascii().len() != value.len();
    let quote: &[u8] = if has(b"\n`") {
        LONG_QUOTE.as_bytes()
    } else if has(b"#;") {
        b"`"
    } else if padded {
        b"\""
    } else {
        b""
    };
    [quote, value, quote].concat()
}

fn comment_line(line: &str, text: &str, out: &mut Vec<u8>) {
    let line = match line.strip_prefix(['#', ';']) {
        Some(rest) => format!("{} {}\n", &line[..1], rest.trim()),
        None => format!("; {text}\n"),
    };
    out.extend(line.into_bytes());
}
