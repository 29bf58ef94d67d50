//! Globs over one path element, as Go's `path/filepath.Match` reads them.

/// A glob: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before a character that is meant literally.
#[derive(Debug, Clone)]
pub(super) enum Glob {
    /// No special character.
    Literal(String),
    /// A star and nothing special behind it. This and the literal are nearly all patterns there are, and each is asked
    /// for each element of each path.
    Suffix(String),
    Tokens(Vec<Token>),
}

#[derive(Debug, Clone)]
pub(super) enum Token {
    Literal(char),
    AnyOne,
    Star,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Returns the glob of a text, or none where it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            tokens.push(match c {
                // Several stars say what one says; fewer tokens keep the search short.
                '*' if matches!(tokens.last(), Some(Token::Star)) => continue,
                '*' => Token::Star,
                '?' => Token::AnyOne,
                '\\' => Token::Literal(rest.next()?),
                '[' => class(&mut rest)?,
                c => Token::Literal(c),
            });
        }
        if let Some(literal) = all_literal(&tokens) {
            return Some(Self::Literal(literal));
        }
        if let Some((Token::Star, rest)) = tokens.split_first()
            && let Some(suffix) = all_literal(rest)
        {
            return Some(Self::Suffix(suffix));
        }
        Some(Self::Tokens(tokens))
    }

    /// Returns whether the whole name matches. Takes time proportional to the lengths of both multiplied.
    pub(super) fn matches(&self, name: &str) -> bool {
        let tokens = match self {
            Self::Literal(literal) => return name == literal,
            Self::Suffix(suffix) => return name.ends_with(suffix.as_str()),
            Self::Tokens(tokens) => tokens,
        };
        let name: Vec<char> = name.chars().collect();
        let (mut token, mut at) = (0, 0);
        // Where to go on when what follows the last star does not fit: behind that star, one character further.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match tokens.get(token) {
                Some(Token::Star) => {
                    token += 1;
                    retry = Some((token, at));
                    continue;
                }
                Some(single) if name.get(at).is_some_and(|c| single.fits(*c)) => {
                    token += 1;
                    at += 1;
                    continue;
                }
                None if at == name.len() => return true,
                Some(_) | None => {}
            }
            match retry {
                Some((after_star, from)) if from < name.len() => {
                    retry = Some((after_star, from + 1));
                    token = after_star;
                    at = from + 1;
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::AnyOne | Self::Star => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(lo, hi)| (*lo..=*hi).contains(&c)) != *negated
            }
        }
    }
}

/// Returns the text of tokens that are all literal.
fn all_literal(tokens: &[Token]) -> Option<String> {
    let literal = |token: &Token| if let Token::Literal(c) = token { Some(*c) } else { None };
    tokens.iter().map(literal).collect()
}

/// Reads a class behind its `[`.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Token> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.as_str().starts_with(']') {
            rest.next();
            return Some(Token::Class { negated, ranges });
        }
        let lo = class_character(rest)?;
        let mut hi = lo;
        if rest.as_str().starts_with('-') {
            rest.next();
            hi = class_character(rest)?;
        }
        ranges.push((lo, hi));
    }
}

fn class_character(rest: &mut std::str::Chars<'_>) -> Option<char> {
    match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        c => Some(c),
    }
}
