//! Quantities: the numbers of resources, in the one form that the server writes.

/// A quantity as a decimal number and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantity {
    /// The number is `mantissa · 10^-scale` nano-precise: stored in units of 10^-9.
    nano: i128,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Binary,
    DecimalSi,
    Exponent,
}

const NANO: i128 = 1_000_000_000;

impl Quantity {
    /// Reads a quantity (`100m`, `1.5Gi`, `2e3`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let (factor_binary, exponent, format) = suffix_of(suffix)?;
        // digits · 10^(exponent - len(fraction)) · 2^binary, in nanos, rounded up.
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let mut power = exponent - i32::try_from(fraction.len()).ok()? + 9;
        let mut value = digits.checked_mul(1_i128.checked_shl(factor_binary)?)?;
        while power > 0 {
            value = value.checked_mul(10)?;
            power -= 1;
        }
        while power < 0 {
            value = value / 10 + i128::from(value % 10 != 0);
            power += 1;
        }
        Some(Self { nano: if negative { -value } else { value }, format })
    }

    pub(crate) fn is_negative(self) -> bool {
        self.nano < 0
    }

    pub(crate) fn is_zero(self) -> bool {
        self.nano == 0
    }

    pub(crate) fn nano(self) -> i128 {
        self.nano
    }

    /// Returns the quantity rounded up to thousandths, as resources are counted.
    pub(crate) fn in_thousandths(self) -> Self {
        const MICRO: i128 = 1_000_000;
        let rest = self.nano.rem_euclid(MICRO);
        if rest == 0 { self } else { Self { nano: self.nano - rest + MICRO, ..self } }
    }

    /// Returns true for numbers without a fraction.
    pub(crate) fn is_whole(self) -> bool {
        self.nano % NANO == 0
    }

    /// Writes the quantity as the server does: no fraction, the largest suffix that allows that.
    pub(crate) fn canonical(self) -> String {
        if self.nano == 0 {
            return "0".to_owned();
        }
        let format = match self.format {
            // Small or fractional numbers have no binary suffix.
            Format::Binary if self.nano.abs() < 1024 * NANO || self.nano % NANO != 0 => Format::DecimalSi,
            other => other,
        };
        if format == Format::Binary {
            let mut value = self.nano / NANO;
            let mut steps = 0;
            while value % 1024 == 0 && steps < 6 {
                value /= 1024;
                steps += 1;
            }
            const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
            return format!("{value}{}", BINARY.get(steps).copied().unwrap_or_default());
        }
        let mut value = self.nano;
        let mut exponent = -9;
        while value % 1000 == 0 && exponent < 18 {
            value /= 1000;
            exponent += 3;
        }
        if format == Format::Exponent {
            return if exponent == 0 { value.to_string() } else { format!("{value}e{exponent}") };
        }
        let suffix = match exponent {
            -9 => "n",
            -6 => "u",
            -3 => "m",
            3 => "k",
            6 => "M",
            9 => "G",
            12 => "T",
            15 => "P",
            18 => "E",
            _ => "",
        };
        format!("{value}{suffix}")
    }
}

/// Returns the power of two, the power of ten, and the format of a suffix.
fn suffix_of(suffix: &str) -> Option<(u32, i32, Format)> {
    Some(match suffix {
        "" => (0, 0, Format::DecimalSi),
        "n" => (0, -9, Format::DecimalSi),
        "u" => (0, -6, Format::DecimalSi),
        "m" => (0, -3, Format::DecimalSi),
        "k" => (0, 3, Format::DecimalSi),
        "M" => (0, 6, Format::DecimalSi),
        "G" => (0, 9, Format::DecimalSi),
        "T" => (0, 12, Format::DecimalSi),
        "P" => (0, 15, Format::DecimalSi),
        "E" => (0, 18, Format::DecimalSi),
        "Ki" => (10, 0, Format::Binary),
        "Mi" => (20, 0, Format::Binary),
        "Gi" => (30, 0, Format::Binary),
        "Ti" => (40, 0, Format::Binary),
        "Pi" => (50, 0, Format::Binary),
        "Ei" => (60, 0, Format::Binary),
        other => {
            let power = other.strip_prefix(['e', 'E'])?;
            let exponent: i32 = power.parse().ok()?;
            if !(-18..=18).contains(&exponent) {
                return None;
            }
            (0, exponent, Format::Exponent)
        }
    })
}
