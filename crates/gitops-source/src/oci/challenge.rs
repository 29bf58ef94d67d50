//! `WWW-Authenticate` headers: what a registry wants to see before it answers (RFC 9110 §11.6.1).

/// How many challenges and parameters are looked at.
const MOST: usize = 32;

/// What a registry wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A user name and a password with every request.
    Basic,
    /// A token of a token server.
    Bearer {
        /// The token server's address.
        realm: String,
        /// The registry's name there.
        service: Option<String>,
        /// What the token must allow.
        scope: Option<String>,
    },
}

/// Returns the first challenge of the headers that we can answer.
pub(super) fn pick<'h>(headers: impl IntoIterator<Item = &'h str>) -> Option<Challenge> {
    headers.into_iter().flat_map(parse).take(MOST).find_map(understood)
}

/// One challenge as it is written.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    scheme: String,
    parameters: Vec<(String, String)>,
}

fn understood(written: Written) -> Option<Challenge> {
    let value = |wanted: &str| {
        let found = written.parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    if written.scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    let bearer = written.scheme.eq_ignore_ascii_case("bearer");
    bearer.then(|| Challenge::Bearer {
        realm: value("realm").unwrap_or_default(),
        service: value("service"),
        scope: value("scope"),
    })
}

/// Reads a header: schemes, each with parameters, separated by commas. What cannot be read ends the list.
fn parse(header: &str) -> Vec<Written> {
    let mut found: Vec<Written> = Vec::new();
    let mut rest = header;
    for _ in 0..MOST * 4 {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            break;
        }
        let spaced = after.trim_start_matches([' ', '\t']);
        match (spaced.strip_prefix('='), found.last_mut()) {
            (Some(value), Some(challenge)) => {
                let (value, after) = parameter(value.trim_start_matches([' ', '\t']));
                if challenge.parameters.len() < MOST {
                    challenge.parameters.push((word.to_owned(), value));
                }
                rest = after;
            }
            // `Negotiate YII=` is a scheme and a text of its own, which may end in `=`.
            (Some(value), None) => rest = value,
            (None, _) => {
                found.push(Written { scheme: word.to_owned(), parameters: Vec::new() });
                rest = after;
            }
        }
    }
    found
}

fn token(text: &str) -> (&str, &str) {
    let inside = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(c);
    text.split_at(text.find(|c| !inside(c)).unwrap_or(text.len()))
}

/// Reads a parameter's value, quoted or not.
fn parameter(text: &str) -> (String, &str) {
    let Some(inside) = text.strip_prefix('"') else {
        let (value, after) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), after);
    };
    let mut value = String::new();
    let mut letters = inside.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &inside[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            _ => value.push(letter),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[&str], want: Option<Challenge>) {
        assert_eq!(pick(headers.iter().copied()), want, "{headers:?}");
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope) })
    }

    #[test]
    fn the_first_challenge_that_can_be_answered_is_taken() {
        check(&[], None);
        check(&[""], None);
        check(&["Negotiate"], None);
        check(&["Basic realm=\"a registry\""], Some(Challenge::Basic));
        check(&["bAsIc"], Some(Challenge::Basic));
        check(
            &[
                "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"repository:a/b:pull,push\"",
            ],
            bearer("https://auth.example/token", Some("registry.example"), Some("repository:a/b:pull,push")),
        );
        check(
            &["Bearer realm=https://auth.example/t, service=x"],
            bearer("https://auth.example/t", Some("x"), None),
        );
        check(&["Negotiate", "Bearer realm=\"r\""], bearer("r", None, None));
        check(&["Negotiate YII==, Bearer realm=\"r\""], bearer("r", None, None));
        check(&["NTLM, Basic realm=\"x\", Bearer realm=\"r\""], Some(Challenge::Basic));
        check(&["Bearer service=\"s\""], bearer("", Some("s"), None));
        check(&["Bearer realm=\"a\\\"b\" , error = \"invalid_token\""], bearer("a\"b", None, None));
        check(&["Bearer realm=\"never closed"], bearer("never closed", None, None));
        check(&["=,=,==\"\""], None);
    }
}
