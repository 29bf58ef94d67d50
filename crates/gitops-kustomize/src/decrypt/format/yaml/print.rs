//! Documents to text, as yaml.v3 prints them with four spaces.

use super::super::super::number;
use super::super::super::tree::{Branch, Comment, Item, Key, Value};
use crate::yaml::{Resolved, TextStyle, double_quoted, resolve, text_style};

const STEP: usize = 4;

/// The longest key that stands before its colon on one line.
const LONGEST_KEY: usize = 128;

/// Prints the documents.
///
/// # Errors
/// When a key is no text.
pub(in super::super::super) fn print(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let mut printer = Printer { out: String::new() };
    for (index, branch) in branches.iter().enumerate() {
        if index > 0 {
            printer.out.push_str("---\n");
        }
        let (leading, rest) = leading(branch, comment_of_item);
        printer.head(&leading, 0);
        if rest.is_empty() {
            printer.out.push_str("{}\n");
        } else {
            printer.map(rest, 0, true)?;
        }
    }
    Ok(printer.out.into_bytes())
}

struct Printer {
    out: String,
}

fn comment_of_item(item: &Item) -> Option<&Comment> {
    match &item.key {
        Key::Comment(comment) => Some(comment),
        _ => None,
    }
}

fn comment_of_value(value: &Value) -> Option<&Comment> {
    match value {
        Value::Comment(comment) => Some(comment),
        _ => None,
    }
}

/// Parts a collection after the comments that it begins with. One beside the first value stays with that.
fn leading<T>(items: &[T], comment: fn(&T) -> Option<&Comment>) -> (Vec<&Comment>, &[T]) {
    let count = items.iter().take_while(|item| comment(item).is_some_and(|comment| !comment.inline)).count();
    (items[..count].iter().filter_map(comment).collect(), &items[count..])
}

/// Tells whether nothing but comments is left.
fn is_bare<T>(items: &[T], comment: fn(&T) -> Option<&Comment>) -> bool {
    items.iter().all(|item| comment(item).is_some())
}

impl Printer {
    /// Prints entries; the first without indentation if it stands after a dash.
    fn map(&mut self, items: &[Item], indent: usize, own_line: bool) -> Result<(), String> {
        let (mut heads, mut beside) = (Vec::new(), Vec::new());
        let mut own_line = own_line;
        for item in items {
            let name = match &item.key {
                Key::Comment(comment) if comment.inline => {
                    beside.push(comment);
                    continue;
                }
                Key::Comment(comment) => {
                    heads.push(comment);
                    continue;
                }
                Key::Foreign => return Err("a key is no text".to_owned()),
                Key::Text(name) => name,
            };
            self.head(&heads, indent);
            heads.clear();
            if own_line {
                self.indent(indent);
            }
            own_line = true;
            self.key(name, indent);
            self.value(&item.value, indent, &std::mem::take(&mut beside))?;
        }
        heads.extend(beside);
        self.head(&heads, indent);
        Ok(())
    }

    fn key(&mut self, name: &str, indent: usize) {
        if name.len() > LONGEST_KEY && !name.contains('\n') {
            self.out.push_str("? ");
            self.text(name, indent, true);
            self.out.push('\n');
            self.indent(indent);
            self.out.push(':');
        } else {
            self.text(name, indent, true);
            self.out.push(':');
        }
    }

    /// Prints what follows a key, up to the end of its last line.
    fn value(&mut self, value: &Value, indent: usize, beside: &[&Comment]) -> Result<(), String> {
        let inner = STEP * ((indent + STEP) / STEP);
        match value {
            Value::Map(branch) => match self.open(branch, comment_of_item, "{}", (indent, inner), beside) {
                Some(rest) => self.map(rest, inner, true),
                None => Ok(()),
            },
            Value::List(list) => match self.open(list, comment_of_value, "[]", (indent, inner), beside) {
                Some(rest) => self.list(rest, inner, true),
                None => Ok(()),
            },
            Value::Comment(comment) => self.value(&comment_as_map(comment), indent, beside),
            scalar => {
                self.out.push(' ');
                self.scalar(scalar, inner)?;
                self.beside(beside, indent);
                Ok(())
            }
        }
    }

    /// Begins a collection after its key: prints what stands beside the key and the comments it begins with, and returns
    /// what is left; nothing for one without a value, which is then printed as `empty`.
    fn open<'a, T>(
        &mut self,
        items: &'a [T],
        comment: fn(&T) -> Option<&Comment>,
        empty: &str,
        (indent, inner): (usize, usize),
        beside: &[&Comment],
    ) -> Option<&'a [T]> {
        if items.is_empty() {
            self.out.push(' ');
            self.out.push_str(empty);
            self.beside(beside, indent);
            return None;
        }
        self.beside(beside, indent);
        let (heads, rest) = leading(items, comment);
        self.head(&heads, inner);
        if !is_bare(rest, comment) {
            return Some(rest);
        }
        let heads: Vec<&Comment> = rest.iter().filter_map(comment).collect();
        self.head(&heads, inner);
        self.indent(inner);
        self.out.push_str(empty);
        self.out.push('\n');
        None
    }

    /// Prints items; the first without indentation if it stands after a dash.
    fn list(&mut self, items: &[Value], indent: usize, own_line: bool) -> Result<(), String> {
        let (mut heads, mut beside) = (Vec::new(), Vec::new());
        let mut own_line = own_line;
        for item in items {
            match item {
                Value::Comment(comment) if comment.inline => {
                    beside.push(comment);
                    continue;
                }
                Value::Comment(comment) => {
                    heads.push(comment);
                    continue;
                }
                _ => {}
            }
            // The comments at the beginning of an item stand above its dash.
            match item {
                Value::Map(branch) => heads.extend(leading(branch, comment_of_item).0),
                Value::List(list) => heads.extend(leading(list, comment_of_value).0),
                _ => {}
            }
            self.head(&heads, indent);
            heads.clear();
            if own_line {
                self.indent(indent);
            }
            own_line = true;
            self.out.push_str("- ");
            let beside = std::mem::take(&mut beside);
            match item {
                Value::Map(branch) if !leading(branch, comment_of_item).1.is_empty() => {
                    self.map(leading(branch, comment_of_item).1, indent + 2, false)?;
                }
                Value::List(list) if !leading(list, comment_of_value).1.is_empty() => {
                    self.list(leading(list, comment_of_value).1, indent + 2, false)?;
                }
                scalar => {
                    self.scalar(scalar, indent + 2)?;
                    self.beside(&beside, indent);
                }
            }
        }
        heads.extend(beside);
        self.head(&heads, indent);
        Ok(())
    }

    fn scalar(&mut self, value: &Value, indent: usize) -> Result<(), String> {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Value::Int(int) => self.out.push_str(&int.to_string()),
            Value::Float(float) => self.out.push_str(&number::yaml(*float)),
            Value::Time(time) => self.out.push_str(&time.to_text()),
            Value::Text(text) => self.text(text, indent, false),
            Value::Bytes(bytes) => {
                self.out.push_str("!!binary ");
                let text = crate::base64::encode_lines(bytes);
                if text.contains('\n') { self.literal(&text, indent) } else { self.out.push_str(&text) }
            }
            Value::Map(_) => self.out.push_str("{}"),
            Value::List(_) => self.out.push_str("[]"),
            Value::Comment(_) | Value::Foreign(_) => return Err("a value has no form in YAML".to_owned()),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, indent: usize, key: bool) {
        if text == "<<" {
            self.out.push_str("!!merge <<");
            return;
        }
        let ambiguous = !matches!(resolve(text), Resolved::Str);
        match text_style(text, key, ambiguous) {
            TextStyle::Plain => self.out.push_str(text),
            TextStyle::Single => {
                self.out.push('\'');
                self.out.push_str(&text.replace('\'', "''"));
                self.out.push('\'');
            }
            TextStyle::Double => double_quoted(text, &mut self.out),
            TextStyle::Literal => self.literal(text, indent),
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push('|');
        if text.starts_with([' ', '\n']) {
            self.out.push_str(&STEP.to_string());
        }
        match text.strip_suffix('\n') {
            None => self.out.push('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.out.push('+'),
            Some(_) => {}
        }
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
        }
    }

    /// Prints comments on lines of their own.
    fn head(&mut self, comments: &[&Comment], indent: usize) {
        for comment in comments {
            for line in comment.text.split('\n') {
                self.indent(indent);
                self.out.push('#');
                self.out.push_str(line);
                self.out.push('\n');
            }
        }
    }

    /// Ends a line with the comments beside its value.
    fn beside(&mut self, comments: &[&Comment], indent: usize) {
        for (index, comment) in comments.iter().enumerate() {
            if index == 0 {
                self.out.push(' ');
            } else {
                self.out.push('\n');
                self.indent(indent);
            }
            self.out.push('#');
            self.out.push_str(&comment.text);
        }
        self.out.push('\n');
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A value that says it is a comment, as the struct that Go has for one.
fn comment_as_map(comment: &Comment) -> Value {
    Value::Map(vec![
        Item::new("value", Value::Text(comment.text.clone())),
        Item::new("inline", Value::Bool(comment.inline)),
    ])
}
