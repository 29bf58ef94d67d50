//! YAML as sigs.k8s.io/yaml prints it.

use serde_json::Value;

use super::scalar::{self, Style};
use super::{number, order};

/// The column after which go-yaml folds a line at the next space.
const WIDTH: usize = 80;
/// The longest key, in bytes, that stands on the line of its value.
const SIMPLE_KEY: usize = 128;

/// The characters that end a line in YAML 1.1. A key that holds one stands on a line of its own.
const LINE_BREAKS: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// Returns the value as YAML, byte for byte as `sigs.k8s.io/yaml` (so kubectl and kustomize) prints it.
///
/// Keys are sorted, numbers inside of them by value; lists in maps are not indented; lines are folded at the
/// first space after column 80; text with line feeds is a block.
///
/// ```
/// use serde_json::json;
/// let yaml = gitops_manifest::to_yaml(&json!({"kind": "List", "items": [{"on": "yes", "n": 1}]}));
/// assert_eq!(yaml, "items:\n- \"n\": 1\n  \"on\": \"yes\"\nkind: List\n");
/// ```
///
/// # Difference from sigs.k8s.io/yaml
/// Two texts that it prints so that no reader returns them are quoted here: a key `<<`, which reads as a merge
/// key, and text with the line separators U+2028, U+2029 or U+0085. Text with control characters that it
/// refuses to print (U+007F, U+FEFF and the like) is printed with escapes.
pub fn to_yaml(value: &Value) -> String {
    let mut printer =
        Printer { out: String::new(), column: 0, indent: -1, after_whitespace: true, at_line_start: true };
    printer.node(value, Place::Root);
    if !printer.out.ends_with('\n') {
        printer.out.push('\n');
    }
    printer.out
}

/// Where a node stands, which decides its indentation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    ListItem,
    SimpleKey,
    MapPart,
}

/// The state of the text so far, by the names of the questions that go-yaml's emitter asks of it.
struct Printer {
    out: String,
    /// Characters since the last line feed.
    column: usize,
    /// The indentation of the collection that is being written, -1 outside of all.
    indent: isize,
    /// Whether the last thing written was white space.
    after_whitespace: bool,
    /// Whether the line so far holds indentation and indicators (`-`, `?`) alone.
    at_line_start: bool,
}

impl Printer {
    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Null => self.plain("null", false),
            Value::Bool(true) => self.plain("true", false),
            Value::Bool(false) => self.plain("false", false),
            Value::Number(number) => self.plain(&number::format(number), false),
            Value::String(text) => self.text(text, place),
            Value::Array(items) if items.is_empty() => self.indicator("[]", true, false),
            Value::Array(items) => self.list(items, place),
            Value::Object(map) if map.is_empty() => self.indicator("{}", true, false),
            Value::Object(map) => self.map(order::sort(map.iter().map(|(k, v)| (k.as_str(), v)).collect())),
        }
    }

    fn list(&mut self, items: &[Value], place: Place) {
        let outer = self.indent;
        let indentless = place == Place::MapPart && !self.at_line_start;
        if !indentless {
            self.deepen();
        }
        for item in items {
            self.line();
            self.indicator("-", true, true);
            self.node(item, Place::ListItem);
        }
        self.indent = outer;
    }

    fn map(&mut self, entries: Vec<(&str, &Value)>) {
        let outer = self.indent;
        self.deepen();
        for (key, value) in entries {
            self.line();
            if key.len() <= SIMPLE_KEY && !key.contains(LINE_BREAKS) {
                self.text(key, Place::SimpleKey);
                self.indicator(":", false, false);
            } else {
                self.indicator("?", true, true);
                self.text(key, Place::MapPart);
                self.line();
                self.indicator(":", true, true);
            }
            self.node(value, Place::MapPart);
        }
        self.indent = outer;
    }

    fn text(&mut self, text: &str, place: Place) {
        let is_key = place == Place::SimpleKey;
        let outer = self.indent;
        self.indent = if outer < 0 { 2 } else { outer + 2 };
        match scalar::style(text, is_key) {
            Style::Plain => self.plain(text, !is_key),
            Style::SingleQuoted => self.single_quoted(text, !is_key),
            Style::DoubleQuoted => self.double_quoted(text, !is_key),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    fn plain(&mut self, text: &str, may_fold: bool) {
        if !self.after_whitespace {
            self.put(' ');
        }
        self.folding(text, may_fold, false);
        self.after_whitespace = false;
        self.at_line_start = false;
    }

    fn single_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("'", true, false);
        self.folding(text, may_fold, true);
        self.indicator("'", false, false);
    }

    /// Writes text without line feeds that may be folded at single spaces.
    fn folding(&mut self, text: &str, may_fold: bool, quoted: bool) {
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            if c == ' ' {
                let at_edge = quoted && (at == 0 || next.is_none());
                if may_fold && !after_space && self.column > WIDTH && next != Some(' ') && !at_edge {
                    self.line();
                } else {
                    self.put(c);
                }
            } else {
                if quoted && c == '\'' {
                    self.put(c);
                }
                self.put(c);
                self.at_line_start = false;
            }
            after_space = c == ' ';
        }
    }

    fn double_quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("\"", true, false);
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            if c == ' ' {
                let at_edge = at == 0 || next.is_none();
                if may_fold && !after_space && self.column > WIDTH && !at_edge {
                    self.line();
                    if next == Some(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
            } else {
                self.escaped(c);
                // Only indentation and indicators count as a line's start.
                self.at_line_start = false;
            }
            after_space = c == ' ';
        }
        self.indicator("\"", false, false);
    }

    fn escaped(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0b' => 'v',
            '\x0c' => 'f',
            '\r' => 'r',
            '\x1b' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            c if scalar::is_printable(c) => return self.put(c),
            c => {
                let code = u32::from(c);
                let text = match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return text.chars().for_each(|c| self.put(c));
            }
        };
        self.put('\\');
        self.put(short);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with([' ', '\n']) {
            self.indicator("2", false, false);
        }
        if !text.ends_with('\n') {
            self.indicator("-", false, false);
        } else if text == "\n" || text.ends_with("\n\n") {
            self.indicator("+", false, false);
        }
        self.break_line();
        for line in text.split_inclusive('\n') {
            let (content, has_break) =
                line.strip_suffix('\n').map_or((line, false), |content| (content, true));
            if !content.is_empty() {
                self.line();
                self.out.push_str(content);
                self.column += content.chars().count();
                self.at_line_start = false;
            }
            if has_break {
                self.break_line();
            }
        }
        self.after_whitespace = self.column == 0;
    }

    fn deepen(&mut self) {
        self.indent = if self.indent < 0 { 0 } else { self.indent + 2 };
    }

    /// Goes to the indentation: on this line when it has nothing but indicators before it, else on the next.
    fn line(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or_default();
        let passed = self.column > indent || (self.column == indent && !self.after_whitespace);
        if !self.at_line_start || passed {
            self.break_line();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.after_whitespace = true;
        self.at_line_start = true;
    }

    fn break_line(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.after_whitespace = true;
        self.at_line_start = true;
    }

    fn indicator(&mut self, text: &str, spaced: bool, keeps_line_start: bool) {
        if spaced && !self.after_whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.len();
        self.after_whitespace = false;
        self.at_line_start &= keeps_line_start;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }
}
