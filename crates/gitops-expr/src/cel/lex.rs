//! Text to tokens, by the lexis of the CEL specification.

/// A token and the byte offset at which it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// The magnitude of a number; a sign before it is a token of its own.
    Int(u64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    Name(String),
    Symbol(&'static str),
    End,
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) at: usize,
    pub(super) why: String,
}

/// Longer symbols stand before those that they begin with.
const SYMBOLS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ",", ".", "(", ")",
    "[", "]", "{", "}",
];

/// Splits a text into tokens; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Flaw> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_blanks();
        let at = lexer.at;
        let kind = lexer.next()?;
        let end = kind == Kind::End;
        found.push(Token { at, kind });
        if end {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn flaw(&self, at: usize, why: impl Into<String>) -> Flaw {
        Flaw { at, why: why.into() }
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with("//") {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn next(&mut self) -> Result<Kind, Flaw> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        let second = rest.as_bytes().get(1).copied().unwrap_or_default();
        if first.is_ascii_digit() || (first == '.' && second.is_ascii_digit()) {
            return self.number();
        }
        if let Some(quoted) = self.quoted()? {
            return Ok(quoted);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            self.at += end;
            return Ok(Kind::Name(rest[..end].to_owned()));
        }
        for symbol in SYMBOLS {
            if rest.starts_with(symbol) {
                self.at += symbol.len();
                return Ok(Kind::Symbol(symbol));
            }
        }
        Err(self.flaw(self.at, format!("token recognition error at: '{first}'")))
    }

    fn number(&mut self) -> Result<Kind, Flaw> {
        let (start, rest) = (self.at, self.rest());
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let length = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            self.at += 2 + length;
            let value = u64::from_str_radix(&hex[..length], 16);
            return self.integer(value.map_err(|_| self.flaw(start, "invalid int literal"))?);
        }
        let mut length = digits(rest);
        let mut fraction = false;
        if rest[length..].starts_with('.') && rest[length + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            length += 1 + digits(&rest[length + 1..]);
            fraction = true;
        }
        if rest[length..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
            let power = digits(&rest[length + 1 + sign..]);
            if power > 0 {
                length += 1 + sign + power;
                fraction = true;
            }
        }
        self.at += length;
        let text = &rest[..length];
        if fraction {
            let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
            return value.map(Kind::Double).ok_or_else(|| self.flaw(start, "invalid double literal"));
        }
        let value = text.parse().map_err(|_| self.flaw(start, "invalid int literal"))?;
        self.integer(value)
    }

    fn integer(&mut self, value: u64) -> Result<Kind, Flaw> {
        if self.rest().starts_with(['u', 'U']) {
            self.at += 1;
            return Ok(Kind::Uint(value));
        }
        Ok(Kind::Int(value))
    }

    /// Reads a string or bytes literal, if one starts here.
    fn quoted(&mut self) -> Result<Option<Kind>, Flaw> {
        let (start, rest) = (self.at, self.rest());
        let prefix = rest.find(|c: char| !matches!(c, 'r' | 'R' | 'b' | 'B')).unwrap_or(rest.len());
        let marks = rest[..prefix].to_ascii_lowercase();
        if !matches!(marks.as_str(), "" | "r" | "b" | "br") || !rest[prefix..].starts_with(['"', '\'']) {
            return Ok(None);
        }
        let (raw, bytes) = (marks.contains('r'), marks.contains('b'));
        let body = &rest[prefix..];
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| body.starts_with(q)).unwrap_or("'");
        let inner = &body[quote.len()..];
        let mut escaped = false;
        let end = inner.char_indices().find_map(|(at, c)| {
            if escaped {
                escaped = false;
            } else if c == '\\' && !raw {
                escaped = true;
            } else if inner[at..].starts_with(quote) || (quote.len() == 1 && matches!(c, '\n' | '\r')) {
                return Some(at);
            }
            None
        });
        let Some(end) = end.filter(|end| inner[*end..].starts_with(quote)) else {
            return Err(
                self.flaw(start, format!("token recognition error at: '{}'", &rest[..prefix + quote.len()]))
            );
        };
        self.at += prefix + quote.len() * 2 + end;
        let content = &inner[..end];
        let content = if raw { Some(content.as_bytes().to_vec()) } else { unescape(content, bytes) };
        let content = content.ok_or_else(|| self.flaw(start, "invalid escape in a literal"))?;
        if bytes {
            return Ok(Some(Kind::Bytes(content)));
        }
        let text = String::from_utf8(content).map_err(|_| self.flaw(start, "invalid escape in a literal"))?;
        Ok(Some(Kind::String(text)))
    }
}

/// Replaces escapes. In bytes, `\x` and octal ones are bytes; in strings they are code points.
fn unescape(text: &str, bytes: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let kind = chars.next()?;
        let simple = match kind {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            '\\' | '?' | '"' | '\'' | '`' => u8::try_from(kind).ok(),
            _ => None,
        };
        if let Some(byte) = simple {
            out.push(byte);
            continue;
        }
        let (radix, digits, first) = match kind {
            'x' | 'X' => (16, 2, None),
            'u' if !bytes => (16, 4, None),
            'U' if !bytes => (16, 8, None),
            '0'..='3' => (8, 2, Some(kind)),
            _ => return None,
        };
        let mut number = first.and_then(|c| c.to_digit(8)).unwrap_or_default();
        for _ in 0..digits {
            number = number.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?)?;
        }
        if bytes {
            out.push(u8::try_from(number).ok()?);
        } else {
            out.extend_from_slice(char::from_u32(number)?.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Some(out)
}
