//! Durations in Go's grammar.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::ParseError;

/// A span of time as Flux writes it: parsed and printed as Go's `time.Duration`.
///
/// Deserialising never fails, so that one object with a duration that cannot be read does not stop the
/// watch of its whole kind (CVE-2022-39272): the text is kept, and [`get`](GoDuration::get) tells what is
/// wrong with it. The default is such an unreadable, empty text: a duration that nobody has set.
///
/// A duration that is negative or longer than Go's (about 292 years) is an error, too.
///
/// ```
/// use gitops_api::GoDuration;
/// use std::time::Duration;
///
/// let interval: GoDuration = "90s".parse()?;
/// assert_eq!(interval.get()?, Duration::from_secs(90));
/// assert_eq!(interval.to_string(), "1m30s");
///
/// let broken: GoDuration = serde_json::from_str("\"99999999999999h\"").expect("every text is taken");
/// assert!(broken.get().is_err());
/// assert_eq!(broken.to_string(), "99999999999999h");
/// # Ok::<(), gitops_api::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GoDuration(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    /// Nanoseconds, at most `i64::MAX`.
    Valid(u64),
    Unreadable(String),
}

const MAX: u64 = i64::MAX as u64;

impl GoDuration {
    /// Returns the duration; one that is longer than Go's longest becomes that one.
    pub const fn new(duration: Duration) -> Self {
        let nanos = duration.as_nanos();
        Self(Repr::Valid(if nanos > MAX as u128 { MAX } else { nanos as u64 }))
    }

    /// Returns the duration of so many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self::new(Duration::from_secs(seconds))
    }

    /// Returns the span of time.
    ///
    /// # Errors
    /// When the text it was read from is no duration.
    pub fn get(&self) -> Result<Duration, ParseError> {
        match &self.0 {
            Repr::Valid(nanos) => Ok(Duration::from_nanos(*nanos)),
            Repr::Unreadable(text) => Err(match parse(text) {
                Err(problem) => ParseError::Duration { text: text.clone(), problem },
                Ok(_) => ParseError::Duration { text: text.clone(), problem: "it is not a text" },
            }),
        }
    }
}

impl Default for GoDuration {
    fn default() -> Self {
        Self(Repr::Unreadable(String::new()))
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self::new(duration)
    }
}

impl TryFrom<&GoDuration> for Duration {
    type Error = ParseError;

    fn try_from(duration: &GoDuration) -> Result<Self, ParseError> {
        duration.get()
    }
}

impl FromStr for GoDuration {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match parse(text) {
            Ok(nanos) => Ok(Self(Repr::Valid(nanos))),
            Err(problem) => Err(ParseError::Duration { text: text.to_owned(), problem }),
        }
    }
}

impl fmt::Debug for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GoDuration({self})")
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Valid(nanos) => f.write_str(&print(*nanos)),
            Repr::Unreadable(text) => f.write_str(text),
        }
    }
}

/// The units of Go's grammar in nanoseconds. Both signs for micro are Go's: U+00B5 and U+03BC.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3600 * 1_000_000_000),
];

/// Returns the nanoseconds of a text, by the grammar of Go's `time.ParseDuration`.
fn parse(text: &str) -> Result<u64, &'static str> {
    const TOO_LONG: &str = "it is longer than 292 years";
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() {
        return Err("it is empty");
    }
    let negative = text.starts_with('-');
    let mut rest = if unsigned == "0" { "" } else { unsigned };
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, tail) = rest.split_at(end);
        let (fraction, tail) = match tail.strip_prefix('.') {
            Some(tail) => tail.split_at(tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len())),
            None => ("", tail),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err("a number is missing");
        }
        let end = tail.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(tail.len());
        let (name, tail) = tail.split_at(end);
        if name.is_empty() {
            return Err("a number has no unit");
        }
        let unit = UNITS.iter().find(|unit| unit.0 == name).ok_or("a unit is none of ns, us, ms, s, m, h")?.1;
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| TOO_LONG)? };
        total = whole
            .checked_mul(unit)
            .and_then(|part| part.checked_add(part_of_unit(fraction, unit)))
            .and_then(|part| part.checked_add(total))
            .filter(|total| *total <= MAX)
            .ok_or(TOO_LONG)?;
        rest = tail;
    }
    if negative && total > 0 { Err("it is negative") } else { Ok(total) }
}

/// Returns `0.<digits>` of a unit in nanoseconds, cut off as Go cuts it off: through a float, with as many
/// digits as fit into 63 bits.
fn part_of_unit(digits: &str, unit: u64) -> u64 {
    let mut value: u64 = 0;
    let mut scale = 1.0_f64;
    for digit in digits.bytes().map(|b| u64::from(b - b'0')) {
        match value.checked_mul(10).and_then(|v| v.checked_add(digit)).filter(|v| *v <= MAX) {
            Some(next) => value = next,
            None => break,
        }
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// Returns the text of so many nanoseconds as Go's `Duration.String` prints it.
fn print(nanos: u64) -> String {
    let decimal = |unit: u64, name: &str| {
        let fraction = nanos % unit;
        if fraction == 0 {
            return format!("{}{name}", nanos / unit);
        }
        let width = unit.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        format!("{}.{}{name}", nanos / unit, digits.trim_end_matches('0'))
    };
    match nanos {
        0 => "0s".to_owned(),
        1..1_000 => decimal(1, "ns"),
        1_000..1_000_000 => decimal(1_000, "\u{b5}s"),
        1_000_000..1_000_000_000 => decimal(1_000_000, "ms"),
        _ => {
            let minutes = nanos / 60_000_000_000;
            let seconds = print_seconds(nanos % 60_000_000_000);
            match minutes {
                0 => seconds,
                1..60 => format!("{minutes}m{seconds}"),
                _ => format!("{}h{}m{seconds}", minutes / 60, minutes % 60),
            }
        }
    }
}

/// Returns less than a minute in seconds, with the fraction as far as it is not zero.
fn print_seconds(nanos: u64) -> String {
    let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if fraction == 0 {
        return format!("{seconds}s");
    }
    let digits = format!("{fraction:09}");
    format!("{seconds}.{}s", digits.trim_end_matches('0'))
}

impl serde::Serialize for GoDuration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for GoDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => match parse(&text) {
                Ok(nanos) => Self(Repr::Valid(nanos)),
                Err(_) => Self(Repr::Unreadable(text)),
            },
            // Not a text at all: no server that knows the schema lets it in, but it must not stop a watch.
            other => Self(Repr::Unreadable(other.to_string())),
        })
    }
}

impl schemars::JsonSchema for GoDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GoDuration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}
