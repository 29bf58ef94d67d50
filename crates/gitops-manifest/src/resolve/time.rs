//! Timestamps as go-yaml recognises them and Go's JSON prints them.

use std::fmt::Write as _;

/// Returns the RFC 3339 form of a timestamp, `None` for any other text.
///
/// The layouts are `2006-1-2T15:4:5.999999999Z07:00` (also with `t`), `2006-1-2 15:4:5.999999999` and
/// `2006-1-2` of go-yaml's `parseTimestamp`, read with the liberties of Go's `time.Parse`.
///
/// The inner `None` is a time whose zone is a day or more away from UTC, which Go reads and cannot print.
pub(super) fn rfc3339(text: &str) -> Option<Option<String>> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' {
        return None;
    }
    let mut rest = Rest(bytes);
    let year = rest.digits(4, 4)?;
    rest.byte(b"-")?;
    let month = rest.digits(1, 2)?;
    rest.byte(b"-")?;
    let day = rest.digits(1, 2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days(year, month) {
        return None;
    }
    let mut out = format!("{year:04}-{month:02}-{day:02}T");
    match rest.0 {
        [] => {
            out.push_str("00:00:00Z");
            return Some(Some(out));
        }
        [b'T' | b't', after @ ..] => {
            let printable = clock(&mut Rest(after), &mut out, true)?;
            return Some(printable.then_some(out));
        }
        [b' ', ..] => {
            while rest.byte(b" ").is_some() {}
            clock(&mut rest, &mut out, false)?;
        }
        _ => return None,
    }
    Some(Some(out))
}

/// Reads a clock and writes it; the answer is whether its zone can be printed.
fn clock(rest: &mut Rest<'_>, out: &mut String, zoned: bool) -> Option<bool> {
    let hour = rest.digits(1, 2).filter(|hour| *hour < 24)?;
    rest.byte(b":")?;
    let minute = rest.digits(1, 2).filter(|minute| *minute < 60)?;
    rest.byte(b":")?;
    let second = rest.digits(1, 2).filter(|second| *second < 60)?;
    // Writing into a String cannot fail.
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}");
    if let [b'.' | b',', first, ..] = rest.0
        && first.is_ascii_digit()
    {
        let fraction = &rest.0[1..];
        let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        rest.0 = &fraction[len..];
        // Nanoseconds are what Go keeps; zeros at the end are not printed.
        let kept = &fraction[..len.min(9)];
        let end = kept.iter().rposition(|b| *b != b'0').map_or(0, |at| at + 1);
        if end > 0 {
            out.push('.');
            out.extend(kept[..end].iter().map(|b| char::from(*b)));
        }
    }
    let printable = if zoned {
        zone(rest, out)?
    } else {
        out.push('Z');
        true
    };
    rest.0.is_empty().then_some(printable)
}

fn zone(rest: &mut Rest<'_>, out: &mut String) -> Option<bool> {
    if rest.byte(b"Z").is_some() {
        out.push('Z');
        return Some(true);
    }
    let sign = rest.byte(b"+-")?;
    // Go allows 24 hours and 60 minutes, because some people write them.
    let hour = rest.digits(2, 2).filter(|hour| *hour <= 24)?;
    rest.byte(b":")?;
    let minute = rest.digits(2, 2).filter(|minute| *minute <= 60)?;
    let minutes = hour * 60 + minute;
    if minutes == 0 {
        out.push('Z');
    } else {
        // Writing into a String cannot fail.
        let _ = write!(out, "{}{:02}:{:02}", char::from(sign), minutes / 60, minutes % 60);
    }
    Some(minutes < 24 * 60)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self, any_of: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        any_of.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let len = self.0.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
        if len < least {
            return None;
        }
        let value = self.0[..len].iter().fold(0, |value, b| value * 10 + u32::from(b - b'0'));
        self.0 = &self.0[len..];
        Some(value)
    }
}
