//! Quantities as people write them: sizes, shares and times of day. Spans of time are [`kernel::Span`].

use jiff::civil::Time;

/// Units of size: word, bytes.
const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads a size in bytes: `5 MiB`, `500 kB`.
///
/// # Errors
///
/// A sentence that says what was expected.
pub fn size(text: &str) -> Result<u64, String> {
    let shape = || format!("expected a size, as in `5 MiB`, found `{}`", shorten(text));
    let (number, unit) = split(text).ok_or_else(shape)?;
    let (_, bytes) = SIZES.iter().find(|(word, _)| *word == unit).ok_or_else(|| {
        let words = SIZES.map(|(word, _)| word).join(", ");
        format!("`{}` is no unit of size; expected one of {words}", shorten(unit))
    })?;
    let count: u64 = number.parse().map_err(|_| shape())?;
    count.checked_mul(*bytes).ok_or_else(|| "the size is larger than 16 EiB".to_owned())
}

/// A size in the largest unit that divides it.
pub(crate) fn show_size(bytes: u64) -> String {
    let whole =
        SIZES.iter().filter(|(_, unit)| bytes.is_multiple_of(*unit) && bytes >= *unit).max_by_key(|(_, unit)| *unit);
    whole.map_or_else(|| format!("{bytes} B"), |(word, unit)| format!("{} {word}", bytes / unit))
}

/// Reads a share between 0 and 100: `95 %`, `99.5%`.
///
/// # Errors
///
/// A sentence that says what was expected.
pub fn percent(text: &str) -> Result<f64, String> {
    let shape = || format!("expected a share, as in `95 %`, found `{}`", shorten(text));
    let number = text.trim().strip_suffix('%').ok_or_else(shape)?.trim_end();
    if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(shape());
    }
    share(number.parse().map_err(|_| shape())?)
}

/// Checks that a number is a share.
pub(crate) fn share(number: f64) -> Result<f64, String> {
    if (0.0..=100.0).contains(&number) {
        Ok(number)
    } else {
        Err(format!("a share lies between 0 and 100, not at {number}"))
    }
}

/// Reads a time of day with an IANA zone, `03:00 Europe/Berlin`, and gives it back in one spelling. The zone's shape is
/// checked and not its existence: the zones that a machine knows must not decide whether a profile can be read.
///
/// # Errors
///
/// A sentence that says what was expected.
pub fn time_of_day(text: &str) -> Result<String, String> {
    let shape =
        || format!("expected a time of day and its zone, as in `03:00 Europe/Berlin`, found `{}`", shorten(text));
    let (clock, zone) = text.trim().split_once(' ').ok_or_else(shape)?;
    let (hour, minute) = clock.split_once(':').ok_or_else(shape)?;
    let two = |part: &str| if part.len() == 2 { part.parse::<i8>().ok() } else { None };
    let (hour, minute) = two(hour).zip(two(minute)).ok_or_else(shape)?;
    let time = Time::new(hour, minute, 0, 0).map_err(|_| format!("`{}` is no time of day", shorten(clock)))?;
    let zone = zone.trim();
    let named = zone.contains('/') && zone.chars().all(|c| c.is_ascii_alphanumeric() || "/_-+".contains(c));
    if zone != "UTC" && !named {
        return Err(format!("`{}` is no time zone; expected `UTC` or a name as `Europe/Berlin`", shorten(zone)));
    }
    Ok(format!("{:02}:{:02} {zone}", time.hour(), time.minute()))
}

/// Splits `5 MiB` into number and unit.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then(|| (number, unit.trim_start()))
}

/// The beginning of a text, for messages.
pub(crate) fn shorten(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(size("5 MiB"), Ok(5 << 20));
        assert_eq!(size("500kB"), Ok(500_000));
        assert_eq!(percent("95 %"), Ok(95.0));
        assert_eq!(percent("99.5%"), Ok(99.5));
        assert_eq!(time_of_day(" 03:00  Europe/Berlin"), Ok("03:00 Europe/Berlin".to_owned()));
        assert_eq!(time_of_day("23:59 UTC"), Ok("23:59 UTC".to_owned()));
    }

    #[test]
    fn says_what_is_wrong() {
        for text in ["", "MiB", "5", "5 MIB", "-5 MiB", "99999999999999999999 B", "99999999999 TiB"] {
            assert!(size(text).is_err(), "{text}");
        }
        for text in ["", "95", "%", "101 %", "-1 %", "NaN %", "inf%", "1.2.3 %"] {
            assert!(percent(text).is_err(), "{text}");
        }
        for text in ["", "03:00", "3:00 UTC", "24:00 UTC", "03:60 UTC", "03:00 Berlin", "03:00 Europe/Ber lin"] {
            assert!(time_of_day(text).is_err(), "{text}");
        }
    }
}
