//! The grammar of `${…}`, as Flux's envsubst parses it.

use super::expand::ExpandError;

/// The deepest nesting of expressions.
const DEPTH: usize = 64;

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Call {
        variable: String,
        /// The operator; empty for a bare variable.
        function: String,
        arguments: Vec<Part>,
    },
}

/// What a scan may meet.
#[derive(Clone, Copy, Default)]
struct Mode {
    /// `${` ends a text.
    opens: bool,
    /// `$$` stands for `$`.
    dollar: bool,
    /// `\/` and `\\` stand for what follows the backslash.
    backslash: bool,
}

/// Parses a template.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, ExpandError> {
    let mut parser = Parser { text, at: 0 };
    let mut parts = Vec::new();
    let mode = Mode { opens: true, dollar: true, backslash: false };
    while parser.at < text.len() {
        if parser.take("${") {
            parts.push(parser.call(0)?);
        } else {
            let text = parser.text(mode, |_, _| true).ok_or(ExpandError::BadSubstitution)?;
            parts.push(Part::Text(text));
        }
    }
    Ok(parts)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Reads characters while they are accepted, at least one. The count given to `accept` starts at 1.
    fn text(&mut self, mode: Mode, accept: impl Fn(char, usize) -> bool) -> Option<String> {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            if mode.opens && self.rest().starts_with("${") {
                break;
            }
            let next = self.rest()[c.len_utf8()..].chars().next();
            let escaped = (mode.dollar && c == '$' && next == Some('$'))
                || (mode.backslash && c == '\\' && matches!(next, Some('/' | '\\')));
            if escaped {
                self.at += c.len_utf8();
                let kept = next.unwrap_or_default();
                out.push(kept);
                self.at += kept.len_utf8();
                continue;
            }
            if !accept(c, out.len() + c.len_utf8()) {
                break;
            }
            out.push(c);
            self.at += c.len_utf8();
        }
        (!out.is_empty()).then_some(out)
    }

    fn operator(&mut self, accept: impl Fn(char, usize) -> bool) -> Option<String> {
        self.text(Mode::default(), accept)
    }

    fn name(&mut self) -> Option<String> {
        self.operator(|c, _| c == '_' || c.is_alphanumeric())
    }

    fn close(&mut self) -> Result<(), ExpandError> {
        if self.take("}") { Ok(()) } else { Err(ExpandError::BadSubstitution) }
    }

    /// Parses what follows `${`.
    fn call(&mut self, depth: usize) -> Result<Part, ExpandError> {
        if depth > DEPTH {
            return Err(ExpandError::TooDeep);
        }
        if self.peek() == Some('#') {
            let function = self.operator(|c, i| c == '#' && i == 1).ok_or(ExpandError::BadSubstitution)?;
            let variable = self.name().ok_or(ExpandError::BadSubstitution)?;
            self.close()?;
            return Ok(Part::Call { variable, function, arguments: Vec::new() });
        }
        let variable = self.name().ok_or(ExpandError::Name)?;
        match self.peek() {
            Some(':') => match self.rest()[1..].chars().next() {
                Some('=' | '-' | '?' | '+') => self.default(variable, depth),
                _ => self.substring(variable, depth),
            },
            Some('=') => self.default(variable, depth),
            Some(',' | '^') => {
                let function = self
                    .operator(|c, i| matches!(c, ',' | '^') && i < 3)
                    .ok_or(ExpandError::BadSubstitution)?;
                self.close()?;
                Ok(Part::Call { variable, function, arguments: Vec::new() })
            }
            Some('/') => self.replace(variable, depth),
            Some(mark @ ('#' | '%')) => {
                let function =
                    self.operator(|c, i| c == mark && i < 3).ok_or(ExpandError::BadSubstitution)?;
                let argument = self.argument(depth, Mode::default(), |c, _| c != '}')?;
                self.close()?;
                Ok(Part::Call { variable, function, arguments: vec![argument] })
            }
            _ if self.take("}") => {
                Ok(Part::Call { variable, function: String::new(), arguments: Vec::new() })
            }
            _ => Err(ExpandError::Unclosed),
        }
    }

    fn argument(
        &mut self,
        depth: usize,
        mode: Mode,
        accept: impl Fn(char, usize) -> bool,
    ) -> Result<Part, ExpandError> {
        if self.take("${") {
            return self.call(depth + 1);
        }
        self.text(Mode { opens: true, ..mode }, accept).map(Part::Text).ok_or(ExpandError::Argument)
    }

    fn default(&mut self, variable: String, depth: usize) -> Result<Part, ExpandError> {
        let bare = self.peek() == Some('=');
        let function = self
            .operator(|c, i| match (bare, i) {
                (true, 1) => c == '=',
                (false, 1) => c == ':',
                (false, 2) => matches!(c, '=' | '-' | '?' | '+'),
                _ => false,
            })
            .ok_or(ExpandError::Default)?;
        let mut arguments = Vec::new();
        while self.peek() != Some('}') {
            arguments.push(self.argument(depth, Mode::default(), |c, _| c != '}')?);
        }
        self.close()?;
        Ok(Part::Call { variable, function, arguments })
    }

    fn substring(&mut self, variable: String, depth: usize) -> Result<Part, ExpandError> {
        let function = self.operator(|c, i| c == ':' && i == 1).ok_or(ExpandError::BadSubstitution)?;
        let mut arguments = vec![self.argument(depth, Mode::default(), |c, _| c != ':' && c != '}')?];
        if self.take("}") {
            return Ok(Part::Call { variable, function, arguments });
        }
        self.operator(|c, _| c == ':').ok_or(ExpandError::BadSubstitution)?;
        arguments.push(self.argument(depth, Mode::default(), |c, _| c != '}')?);
        self.close()?;
        Ok(Part::Call { variable, function, arguments })
    }

    fn replace(&mut self, variable: String, depth: usize) -> Result<Part, ExpandError> {
        let function = self
            .operator(|c, i| i == 1 && c == '/' || i == 2 && matches!(c, '/' | '#' | '%'))
            .ok_or(ExpandError::BadSubstitution)?;
        let escapes = Mode { opens: true, dollar: true, backslash: true };
        let mut arguments = vec![self.argument(depth, escapes, |c, _| c != '/')?];
        self.operator(|c, _| c == '/').ok_or(ExpandError::BadSubstitution)?;
        if self.peek() != Some('}') {
            arguments.push(self.argument(depth, escapes, |c, _| c != '}')?);
        }
        self.close()?;
        Ok(Part::Call { variable, function, arguments })
    }
}
