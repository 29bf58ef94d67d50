//! Numbers as Go's `strconv.ParseFloat` reads them.

/// Returns the number of a text, or none for what Go refuses, what is too large, and `NaN`.
///
/// Go's grammar has three things more than Rust's: digits can be separated by `_`, numbers can be hexadecimal with a
/// binary exponent (`0x1.8p3`), and a number that is too large is an error.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let is_infinity = unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity");
        return is_infinity.then_some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let hexadecimal = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    let joined;
    let (text, hexadecimal) = if text.contains('_') {
        if !underscores_separate_digits(unsigned, hexadecimal.is_some()) {
            return None;
        }
        joined = text.replace('_', "");
        let unsigned = joined.strip_prefix(['+', '-']).unwrap_or(&joined);
        (joined.as_str(), hexadecimal.and(unsigned.get(2..)))
    } else {
        (text, hexadecimal)
    };
    let number = match hexadecimal {
        None => text.parse().ok()?,
        Some(digits) => {
            let magnitude = hexadecimal_float(digits)?;
            if text.starts_with('-') { -magnitude } else { magnitude }
        }
    };
    number.is_finite().then_some(number)
}

/// Returns whether each underscore stands between digits, or between the base prefix and a digit.
fn underscores_separate_digits(unsigned: &str, is_hexadecimal: bool) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || (is_hexadecimal && b.is_ascii_hexdigit());
    let bytes = unsigned.as_bytes();
    bytes.iter().enumerate().filter(|(_, b)| **b == b'_').all(|(at, _)| {
        let after_digit =
            at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|b| is_digit(*b));
        let after_prefix = is_hexadecimal && at == 2;
        (after_digit || after_prefix) && bytes.get(at + 1).is_some_and(|b| is_digit(*b))
    })
}

/// Returns the number of the text after `0x`, infinite when it is too large. The exponent must be there.
fn hexadecimal_float(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // An exponent that does not fit is beyond everything on its side.
    let exponent =
        exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -(1 << 40) } else { 1 << 40 });
    let (mut bits, mut scale, mut is_inexact) = (0_u64, 0_i64, false);
    for (digit, is_fraction) in whole.chars().map(|c| (c, false)).chain(fraction.chars().map(|c| (c, true))) {
        let digit = u64::from(digit.to_digit(16)?);
        if bits >> 60 == 0 {
            bits = (bits << 4) | digit;
            scale -= if is_fraction { 4 } else { 0 };
        } else {
            is_inexact |= digit != 0;
            scale += if is_fraction { 0 } else { 4 };
        }
    }
    if is_inexact {
        // Far below the last bit that a double keeps, so this only breaks ties.
        bits |= 1;
    }
    let exponent = scale.saturating_add(exponent).clamp(-4_000, 4_000);
    Some(scaled(bits, exponent))
}

/// Returns `bits` times two to the power of `exponent`, rounded once to even.
#[expect(clippy::cast_precision_loss, reason = "the bits were cut to those that a double keeps")]
fn scaled(bits: u64, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let length = 64 - i64::from(bits.leading_zeros());
    // The smallest exponent of a double's last bit is -1074; above it 53 bits are kept.
    let surplus = (length - 53).max(-1074 - exponent).max(0);
    let (kept, exponent) = if surplus == 0 {
        (bits, exponent)
    } else if surplus > 64 {
        return 0.0;
    } else {
        let wide = u128::from(bits);
        let (floor, rest, half) = (wide >> surplus, wide & ((1 << surplus) - 1), 1_u128 << (surplus - 1));
        let up = rest > half || (rest == half && floor & 1 == 1);
        (u64::try_from(floor + u128::from(up)).unwrap_or(u64::MAX), exponent + surplus)
    };
    let mut number = kept as f64;
    let mut left = exponent;
    while left != 0 {
        // Powers of two are exact, and `kept` has no bit below the smallest: no step rounds.
        let step = left.clamp(-1_000, 1_000);
        number *= 2.0_f64.powi(i32::try_from(step).unwrap_or(0));
        left -= step;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::parse_float;

    /// Every answer is that of `strconv.ParseFloat(text, 64)`, but for NaN.
    #[test]
    fn numbers_are_read_as_go_reads_them() {
        let check = |text: &str, want: Option<f64>| assert_eq!(parse_float(text), want, "{text:?}");
        check("73", Some(73.0));
        check("-62", Some(-62.0));
        check("+5", Some(5.0));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("00012", Some(12.0));
        check("1E5", Some(1e5));
        check("1_000", Some(1000.0));
        check("1_0.5", Some(10.5));
        check("1e5_0", Some(1e50));
        check("2024_01_02", Some(20_240_102.0));
        check("0x1p-2", Some(0.25));
        check("0X1.8p1", Some(3.0));
        check("0x_1p-2", Some(0.25));
        check("0x1_0p0", Some(16.0));
        check("0x.8p1", Some(1.0));
        check("-0x1p0", Some(-1.0));
        check("0x1p-1080", Some(0.0));
        check("0x1p-1074", Some(5e-324));
        check("0x1.8p-1074", Some(1e-323));
        check("0x1.fffffffffffff7p1023", Some(f64::MAX));
        check("0x123456789abcdef01p0", Some(20_988_295_479_420_645_377.0));
        check("1e-400", Some(0.0));
        check("inf", Some(f64::INFINITY));
        check("+Infinity", Some(f64::INFINITY));
        check("-INF", Some(f64::NEG_INFINITY));
        for text in [
            "",
            "+",
            "-",
            ".",
            "1e",
            "1e+",
            "1e400",
            "-1e400",
            "0x1F",
            "0x.p1",
            "0b1",
            "0o7",
            "infin",
            "nan",
            "NaN",
            "+nan",
            "_1",
            "1_",
            "1__0",
            "1_.5",
            "1._5",
            "1_e5",
            "0x1p1024",
            "0x1.fffffffffffff8p1023",
            "1 ",
            " 1",
            "v1",
            "1.2.3",
            "0x1p",
            "0x1p+",
            "0xgp1",
            "٣",
            "--1",
            "+-1",
            "-0x-1p0",
        ] {
            check(text, None);
        }
    }
}
