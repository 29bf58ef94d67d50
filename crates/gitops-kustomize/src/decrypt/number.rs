//! Floats as Go prints them.

use crate::yaml::go_float;

/// Returns the shortest digits without an exponent (`strconv` format `f`, precision -1).
pub(super) fn plain(number: f64) -> String {
    match special(number) {
        Some(text) => text.to_owned(),
        None => format!("{number}"),
    }
}

/// Returns the float as yaml.v3 writes it.
pub(super) fn yaml(number: f64) -> String {
    match special(number) {
        Some("NaN") => ".nan".to_owned(),
        Some("+Inf") => ".inf".to_owned(),
        Some(_) => "-.inf".to_owned(),
        None => go_float(number),
    }
}

/// Returns the float as a dotenv or ini line shows it: never to be taken for an integer.
pub(super) fn with_point(number: f64) -> String {
    if let Some(text) = special(number) {
        return text.to_owned();
    }
    let text = go_float(number).replace('e', "E");
    if text.contains(['.', 'E']) { text } else { format!("{text}.0") }
}

/// Returns the float as Go's JSON encoder writes it, nothing for what JSON cannot hold.
pub(super) fn json(number: f64) -> Option<String> {
    if special(number).is_some() {
        return None;
    }
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let scientific = format!("{number:e}");
        let (digits, exponent) = scientific.split_once('e')?;
        return Some(match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent}"),
            None => format!("{digits}e+{exponent}"),
        });
    }
    Some(format!("{number}"))
}

/// Reads an integer as Go's `strconv.Atoi` does.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Reads a float as Go's `strconv.ParseFloat` does, as far as SOPS writes them.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "+inf" | "inf" | "+infinity" | "infinity" => Some(f64::INFINITY),
        "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => text.parse::<f64>().ok().filter(|float| float.is_finite()),
    }
}

fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number.is_infinite() {
        Some(if number > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_printed_as_go_prints_them() {
        let check = |number: f64, want: [&str; 4]| {
            let json = json(number).unwrap_or_default();
            assert_eq!([plain(number), yaml(number), with_point(number), json], want.map(str::to_owned));
        };
        check(1.5, ["1.5", "1.5", "1.5", "1.5"]);
        check(1000.0, ["1000", "1000", "1000.0", "1000"]);
        check(1e6, ["1000000", "1e+06", "1E+06", "1000000"]);
        check(1e21, ["1000000000000000000000", "1e+21", "1E+21", "1e+21"]);
        check(1e-7, ["0.0000001", "1e-07", "1E-07", "1e-7"]);
        check(-0.0, ["-0", "-0", "-0.0", "-0"]);
        check(f64::INFINITY, ["+Inf", ".inf", "+Inf", ""]);
    }
}
