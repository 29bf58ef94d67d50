//! The times of YAML, as Go's yaml.v3 recognises them.

/// Returns the time that the text names, printed as RFC 3339, or nothing when it names none.
///
/// The forms are `2006-1-2T15:4:5.9Z07:00` (also with `t`), `2006-1-2 15:4:5.9` and `2006-1-2`.
pub(crate) fn parse(text: &str) -> Option<String> {
    let mut rest = Rest(text);
    let year = rest.digits(4, 4)?;
    rest.literal("-")?;
    let month = rest.digits(1, 2)?;
    rest.literal("-")?;
    let day = rest.digits(1, 2)?;
    if month == 0 || month > 12 || day == 0 || day > days_in(year, month) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.0.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let zoned = match rest.0.as_bytes().first()? {
        b'T' | b't' => true,
        b' ' => false,
        _ => return None,
    };
    rest.0 = &rest.0[1..];
    let clock = clock(&mut rest)?;
    let zone = if zoned { zone(&mut rest)? } else { "Z".to_owned() };
    rest.0.is_empty().then(|| format!("{date}T{clock}{zone}"))
}

fn clock(rest: &mut Rest<'_>) -> Option<String> {
    let hour = rest.digits(1, 2)?;
    rest.literal(":")?;
    let minute = rest.digits(1, 2)?;
    rest.literal(":")?;
    let second = rest.digits(1, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut text = format!("{hour:02}:{minute:02}:{second:02}");
    if let Some(fraction) = rest.0.strip_prefix(['.', ',']) {
        let count = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return None;
        }
        let nanos = fraction[..count.min(9)].trim_end_matches('0');
        if !nanos.is_empty() {
            text.push('.');
            text.push_str(nanos);
        }
        rest.0 = &fraction[count..];
    }
    Some(text)
}

fn zone(rest: &mut Rest<'_>) -> Option<String> {
    if let Some(after) = rest.0.strip_prefix('Z') {
        rest.0 = after;
        return Some("Z".to_owned());
    }
    let sign = rest.0.chars().next().filter(|sign| matches!(sign, '+' | '-'))?;
    rest.0 = &rest.0[1..];
    let hours = rest.digits(2, 2)?;
    rest.literal(":")?;
    let minutes = rest.digits(2, 2)?;
    if hours > 24 || minutes > 60 {
        return None;
    }
    Some(if hours == 0 && minutes == 0 { "Z".to_owned() } else { format!("{sign}{hours:02}:{minutes:02}") })
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let number = self.0[..count].parse().ok()?;
        self.0 = &self.0[count..];
        Some(number)
    }

    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_are_printed_as_rfc_3339() {
        let check = |text: &str, want: Option<&str>| assert_eq!(parse(text).as_deref(), want, "{text}");
        check("2026-01-01", Some("2026-01-01T00:00:00Z"));
        check("2026-1-2", Some("2026-01-02T00:00:00Z"));
        check("2001-12-14t21:59:43.10-05:00", Some("2001-12-14T21:59:43.1-05:00"));
        check("2001-12-14 21:59:43.000", Some("2001-12-14T21:59:43Z"));
        check("2026-02-30", None);
        check("2026-01-01x", None);
        check("26-01-01", None);
        check("2026-01-01T10:00:00", None);
    }
}
