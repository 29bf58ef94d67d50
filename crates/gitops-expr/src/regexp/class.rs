//! Character classes: Go's names for them, written for the `regex` crate.

use regex::Regex;

/// Returns the inside of a bracketed class for Perl's `\d`, `\w` and `\s`, which are ASCII in Go.
pub(super) fn perl(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => r"[\t\n\x0C\r ]",
        'S' => r"[^\t\n\x0C\r ]",
        _ => return None,
    })
}

/// Returns a named class of POSIX (`alpha`, `^alpha`) for use inside of brackets.
pub(super) fn posix(name: &str) -> Option<String> {
    let (negated, plain) = match name.strip_prefix('^') {
        Some(plain) => (true, plain),
        None => (false, name),
    };
    const NAMES: &[&str] = &[
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    NAMES.contains(&plain).then(|| format!("[[:{}{plain}:]]", if negated { "^" } else { "" }))
}

/// Returns a general category or script (`N`, `Greek`, `^Greek`) for use in or outside of brackets.
///
/// Go knows categories and scripts, by their full names and the categories' short ones; not the properties and `=`
/// that the `regex` crate knows too.
pub(super) fn unicode(name: &str, negated: bool) -> Option<String> {
    let (negated, plain) = match name.strip_prefix('^') {
        Some(plain) => (!negated, plain),
        None => (negated, name),
    };
    let loose: String =
        plain.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    if loose.is_empty() || !loose.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    // Surrogates are in no text; so the class is nothing, or everything.
    if loose == "cs" || loose == "surrogate" {
        return Some(if negated { r"[\x00-\x{10FFFF}]" } else { r"[^\x00-\x{10FFFF}]" }.to_owned());
    }
    let letter = if negated { 'P' } else { 'p' };
    let known = |kind: &str| Regex::new(&format!(r"\p{{{kind}={loose}}}")).is_ok();
    if known("gc") {
        return Some(format!(r"\{letter}{{gc={loose}}}"));
    }
    // Four letters may be a script's short name, which Go does not take.
    let short = loose.len() == 4 && !FOUR_LETTERS.contains(&loose.as_str());
    (!short && known("sc")).then(|| format!(r"\{letter}{{sc={loose}}}"))
}

/// Scripts whose full name has four letters.
const FOUR_LETTERS: &[&str] = &["ahom", "cham", "kawi", "lisu", "miao", "modi", "newa", "thai", "toto"];
