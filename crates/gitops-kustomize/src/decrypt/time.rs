//! Times in the form of RFC 3339, which is how SOPS stores them.

/// A time that has been read from its text.
///
/// SOPS authenticates the time of the last change as it prints it, so the text is made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// `2026-11-21T12:07:36`
    seconds: String,
    /// The digits after the point, without zeros at the end.
    fraction: String,
    /// `Z` or `+01:00`.
    zone: String,
}

impl Time {
    /// Reads a time; nothing where Go's `time.RFC3339` would not take the text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = |at: usize, sign: u8| bytes.get(at) == Some(&sign);
        if !(shape(4, b'-') && shape(7, b'-') && shape(10, b'T') && shape(16, b':')) {
            return None;
        }
        // An hour may have one digit (golang/go#54580); SOPS never writes one.
        let read = crate::yaml::parse_time(text)?;
        let (seconds, rest) = read.split_at_checked(19)?;
        let zone_at = rest.find(['Z', '+', '-'])?;
        let (fraction, zone) = rest.split_at(zone_at);
        Some(Self {
            seconds: seconds.to_owned(),
            fraction: fraction.trim_start_matches('.').to_owned(),
            zone: zone.to_owned(),
        })
    }

    /// Returns the time with its full precision.
    pub(super) fn to_text(&self) -> String {
        let point = if self.fraction.is_empty() { "" } else { "." };
        format!("{}{point}{}{}", self.seconds, self.fraction, self.zone)
    }

    /// Returns the time without parts of a second.
    pub(super) fn to_seconds(&self) -> String {
        format!("{}{}", self.seconds, self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn a_time_is_printed_in_one_form() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(Time::parse(text).map(|time| time.to_text()).as_deref(), want, "{text}");
        };
        check("2026-11-21T12:07:36Z", Some("2026-11-21T12:07:36Z"));
        check("2026-11-21T12:07:36+00:00", Some("2026-11-21T12:07:36Z"));
        check("2026-11-21T12:07:36.500+02:00", Some("2026-11-21T12:07:36.5+02:00"));
        check("2026-11-21 12:07:36", None);
        check("2026-11-21", None);
        check("yesterday", None);
        check("", None);
    }
}
