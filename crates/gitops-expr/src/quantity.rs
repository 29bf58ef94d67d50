//! Quantities such as `1.5Gi`: the numbers of resources (`k8s.io/apimachinery/pkg/api/resource`).

use std::cmp::Ordering;

/// A billionth is the smallest part that a quantity keeps.
const NANO: i128 = 1_000_000_000;

/// A quantity, and how it was written; two that are worth the same are the same.
///
/// ```
/// use gitops_expr::Quantity;
/// let memory = Quantity::parse("1024Mi").unwrap();
/// assert_eq!(memory.canonical(), "1Gi");
/// assert_eq!(memory, Quantity::parse("1073741824").unwrap());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Binary,
    DecimalSi,
    Exponent,
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

impl Quantity {
    /// Reads a quantity (`100m`, `1.5Gi`, `2e3`); what is smaller than a billionth is rounded away from zero.
    /// Returns `None` for what is no quantity or too large a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let (base, power, format) = suffix_of(suffix)?;
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let behind = u32::try_from(fraction.len()).ok()?;
        let factor = base.checked_pow(power.unsigned_abs())?;
        let mut numerator = digits.checked_mul(NANO)?;
        let mut denominator = 10_i128.checked_pow(behind)?;
        if power >= 0 {
            numerator = numerator.checked_mul(factor)?;
        } else {
            denominator = denominator.checked_mul(factor)?;
        }
        let nano = numerator.checked_add(denominator - 1)? / denominator;
        Some(Self { nano: if text.starts_with('-') { -nano } else { nano }, format })
    }

    /// Returns a whole number.
    #[must_use]
    pub fn whole(number: i64) -> Self {
        Self { nano: i128::from(number) * NANO, format: Format::DecimalSi }
    }

    /// Returns the sum, or `None` when it is too large.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self { nano: self.nano.checked_add(other.nano)?, ..self })
    }

    /// Returns the difference, or `None` when it is too large.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        Some(Self { nano: self.nano.checked_sub(other.nano)?, ..self })
    }

    /// Returns true below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.nano < 0
    }

    /// Returns true for zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.nano == 0
    }

    /// Returns it in billionths.
    #[must_use]
    pub fn nano(self) -> i128 {
        self.nano
    }

    /// Returns the quantity rounded up to thousandths, as resources are counted.
    #[must_use]
    pub fn in_thousandths(self) -> Self {
        const MICRO: i128 = 1_000_000;
        let rest = self.nano.rem_euclid(MICRO);
        if rest == 0 { self } else { Self { nano: self.nano - rest + MICRO, ..self } }
    }

    /// Returns true for numbers without a fraction.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.nano % NANO == 0
    }

    /// Writes the quantity as the server does: no fraction, the largest suffix that allows that.
    #[must_use]
    pub fn canonical(self) -> String {
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

/// Returns the base, the power and the format of a suffix.
fn suffix_of(suffix: &str) -> Option<(i128, i32, Format)> {
    let (base, power) = match suffix {
        "" => (10, 0),
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        other => return Some((10, other.strip_prefix(['e', 'E'])?.parse().ok()?, Format::Exponent)),
    };
    Some((base, power, if base == 2 { Format::Binary } else { Format::DecimalSi }))
}
