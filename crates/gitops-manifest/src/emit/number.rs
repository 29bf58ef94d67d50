//! Numbers as Go prints them.

use std::fmt::Write as _;

use serde_json::Number;

/// Returns the number as Go's YAML printer writes it after Go's JSON printer wrote it.
///
/// An integral float that fits 64 bits has lost its point by then and is an integer.
pub(super) fn format(number: &Number) -> String {
    if let Some(int) = integral(number) {
        return int.to_string();
    }
    format_g(number.as_f64().unwrap_or_default())
}

/// Returns the value of an integer, or of a float without a fraction that fits 64 bits.
pub(crate) fn integral(number: &Number) -> Option<i128> {
    if let Some(int) = number.as_i64() {
        return Some(int.into());
    }
    if let Some(int) = number.as_u64() {
        return Some(int.into());
    }
    let float = number.as_f64()?;
    if float.fract() != 0.0 || float.abs() >= 1e20 {
        return None;
    }
    // The shortest digits and zeros, as in Go's JSON, which is not always the float's exact value.
    let int: i128 = format!("{float}").parse().ok()?;
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&int).then_some(int)
}

/// Returns the shortest text that reads back as this float, laid out as Go's `strconv` does for `'g'`.
pub(crate) fn format_g(float: f64) -> String {
    // `{:e}` gives the shortest digits: `1.2345e-7`, `-5e0`.
    lay_out(&format!("{float:e}"))
}

/// Returns the shortest text that reads back as this float in 32 bits.
pub(crate) fn format_g32(float: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // Go prints the float keys of maps with 32 bits.
    let float = float as f32;
    if float.is_infinite() {
        return if float > 0.0 { ".inf".to_owned() } else { "-.inf".to_owned() };
    }
    lay_out(&format!("{float:e}"))
}

/// Lays out the shortest digits: with an exponent below 1e-4 and from 1e6, with a point in between.
fn lay_out(shortest: &str) -> String {
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    if !(-4..6).contains(&exponent) && mantissa != "0" {
        let mut text = format!("{sign}{mantissa}e");
        // Writing into a String cannot fail.
        let _ = write!(text, "{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
        return text;
    }
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    match usize::try_from(exponent) {
        Err(_) => {
            let zeros = usize::try_from(-1 - exponent).unwrap_or_default();
            format!("{sign}0.{}{digits}", "0".repeat(zeros))
        }
        Ok(exponent) if digits.len() <= exponent + 1 => {
            format!("{sign}{digits}{}", "0".repeat(exponent + 1 - digits.len()))
        }
        Ok(exponent) => format!("{sign}{}.{}", &digits[..=exponent], &digits[exponent + 1..]),
    }
}
