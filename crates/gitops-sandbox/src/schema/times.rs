//! Times as Go reads them: strictly by their layout, with its words for what does not fit.

use jiff::Timestamp;

const SECONDS: &str = "2006-01-02T15:04:05Z07:00";
const MICROSECONDS: &str = "2006-01-02T15:04:05.000000Z07:00";

/// Returns a time in the form in which the server keeps it: whole seconds of UTC.
pub(crate) fn seconds(text: &str) -> Result<String, String> {
    let time = parse(text, SECONDS)?;
    Ok(Timestamp::from_second(time.as_second()).unwrap_or(time).to_string())
}

/// Returns a time in the form in which the server keeps it: microseconds of UTC.
pub(crate) fn microseconds(text: &str) -> Result<String, String> {
    Ok(format!("{:.6}", parse(text, MICROSECONDS)?))
}

/// What is left to read.
struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    layout: &'static str,
}

impl<'t> Reader<'t> {
    fn misfit(&self, element: &str) -> String {
        format!(
            "parsing time {:?} as {:?}: cannot parse {:?} as {element:?}",
            self.text, self.layout, self.rest
        )
    }

    fn outside(&self, what: &str) -> String {
        format!("parsing time {:?}: {what} out of range", self.text)
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (head, rest) = self.rest.split_at(length);
        self.rest = rest;
        head
    }

    fn digits(&mut self, length: usize, element: &str) -> Result<i64, String> {
        let fits = self.rest.get(..length).is_some_and(|head| head.bytes().all(|byte| byte.is_ascii_digit()));
        if !fits {
            return Err(self.misfit(element));
        }
        self.take(length).parse().map_err(|_| self.misfit(element))
    }

    fn literal(&mut self, literal: &str) -> Result<(), String> {
        if !self.rest.starts_with(literal) {
            return Err(self.misfit(literal));
        }
        self.take(literal.len());
        Ok(())
    }
}

fn parse(text: &str, layout: &'static str) -> Result<Timestamp, String> {
    let mut reader = Reader { text, rest: text, layout };
    let year = reader.digits(4, "2006")?;
    reader.literal("-")?;
    let month = reader.digits(2, "01")?;
    if !(1..=12).contains(&month) {
        return Err(reader.outside("month"));
    }
    reader.literal("-")?;
    let day = reader.digits(2, "02")?;
    reader.literal("T")?;
    let two = reader.rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let hour = reader.digits(if two { 2 } else { 1 }, "15")?;
    if hour > 23 {
        return Err(reader.outside("hour"));
    }
    reader.literal(":")?;
    let minute = reader.digits(2, "04")?;
    if minute > 59 {
        return Err(reader.outside("minute"));
    }
    reader.literal(":")?;
    let second = reader.digits(2, "05")?;
    if second > 59 {
        return Err(reader.outside("second"));
    }
    let fraction = fraction(&mut reader)?;
    let offset = offset(&mut reader)?;
    if !reader.rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {:?}", reader.rest));
    }
    let civil = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:0<9}Z");
    let time: Timestamp = civil.parse().map_err(|_| reader.outside("day"))?;
    Timestamp::from_nanosecond(time.as_nanosecond() - i128::from(offset) * 1_000_000_000)
        .map_err(|_| reader.outside("year"))
}

/// Reads what follows the seconds: six digits where the layout has them, any number where it has none.
fn fraction<'t>(reader: &mut Reader<'t>) -> Result<&'t str, String> {
    let starts = reader.rest.starts_with(['.', ',']);
    let tail = reader.rest.get(1..).unwrap_or_default();
    let count = tail.bytes().take_while(u8::is_ascii_digit).count();
    if reader.layout == MICROSECONDS {
        if !starts || count < 6 {
            return Err(reader.misfit(".000000"));
        }
        reader.take(1);
        return Ok(reader.take(6));
    }
    if starts && count > 0 {
        reader.take(1);
        let digits = reader.take(count);
        return Ok(digits.get(..9).unwrap_or(digits));
    }
    Ok("")
}

/// Reads how many seconds a time is before UTC.
fn offset(reader: &mut Reader<'_>) -> Result<i64, String> {
    if reader.rest.starts_with('Z') {
        reader.take(1);
        return Ok(0);
    }
    let shape = reader.rest.as_bytes().get(..6).is_some_and(|head| {
        matches!(head[0], b'+' | b'-')
            && head[3] == b':'
            && [1, 2, 4, 5].iter().all(|&position| head[position].is_ascii_digit())
    });
    if !shape {
        return Err(reader.misfit("Z07:00"));
    }
    let text = reader.take(6);
    let number = |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse::<i64>().ok());
    let (hours, minutes) = (number(1).unwrap_or(0), number(4).unwrap_or(0));
    if hours > 24 {
        return Err(reader.outside("time zone offset hour"));
    }
    if minutes > 60 {
        return Err(reader.outside("time zone offset minute"));
    }
    let seconds = (hours * 60 + minutes) * 60;
    Ok(if text.starts_with('-') { -seconds } else { seconds })
}
