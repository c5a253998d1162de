//! When an access token ends: the forms it is read in, and the one it is written in.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Timelike as _, Utc};

use crate::Secret;

/// When an access token ends.
///
/// Python's readers disagree on every form but one, naive UTC with no fraction or six digits, so that
/// is the stored form; what other programs write is read too, with its offset applied. `Display` is
/// for people and for `--json`: RFC 3339 in UTC with a `Z`, else `unknown` or `unreadable`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use cred_model::Expiry;
///
/// let expiry = Expiry::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_858_096));
/// assert_eq!(expiry.to_string(), "2026-10-01T12:34:56Z");
/// assert_eq!(Expiry::Unknown.remaining(SystemTime::now()), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Not said (null or absent): refresh if possible, and never take it for "valid for ever".
    #[default]
    Unknown,
    /// This instant; [`Expiry::at`] makes it one that can be stored.
    At(SystemTime),
    /// Something that is no time, which counts as expired. Its JSON text is kept, and written back as it was.
    Unreadable(Secret),
}

impl Expiry {
    /// The instant `time` as it can be stored: whole microseconds (cut, not rounded) of the years 1 to 9999.
    pub fn at(time: SystemTime) -> Self {
        Self::At(from_utc(to_utc(time)))
    }

    /// The instant, if it is known.
    pub fn instant(&self) -> Option<SystemTime> {
        match self {
            Self::At(time) => Some(*time),
            Self::Unknown | Self::Unreadable(_) => None,
        }
    }

    /// Whether the token has ended by `now`; one that ends at an unknown time has not, as far as is known.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.remaining(now).is_some_and(|left| left.is_zero())
    }

    /// How long the token lives after `now`: zero once it has ended, `None` if nobody knows.
    pub fn remaining(&self, now: SystemTime) -> Option<Duration> {
        match self {
            Self::Unknown => None,
            Self::At(time) => Some(time.duration_since(now).unwrap_or_default()),
            Self::Unreadable(_) => Some(Duration::ZERO),
        }
    }

    /// Reads the JSON value `raw`, in the forms of a stored document.
    pub(crate) fn from_json(raw: &str) -> Self {
        if raw == "null" {
            return Self::Unknown;
        }
        let text = serde_json::from_str::<String>(raw).ok();
        text.and_then(|text| Self::parse(&text)).unwrap_or_else(|| Self::Unreadable(Secret::new(raw)))
    }

    /// Reads the JSON value `raw`, in the forms of other programs too: seconds or milliseconds from 1970, and the nine
    /// numbers of the crate `time` (year, day of the year, hour, minute, second, nanosecond, and the offset).
    pub(crate) fn from_foreign_json(raw: &str) -> Self {
        let time =
            serde_json::from_str(raw).ok().and_then(from_unix).or_else(|| from_nine(serde_json::from_str(raw).ok()?));
        time.map_or_else(|| Self::from_json(raw), Self::at)
    }

    /// The JSON value to store: naive UTC as Python's `datetime.isoformat()` writes it, or null.
    pub(crate) fn to_json(&self) -> Secret {
        match self {
            Self::Unknown => Secret::new("null"),
            Self::At(time) => Secret::new(format!("\"{}\"", isoformat(to_utc(*time)))),
            Self::Unreadable(raw) => raw.clone(),
        }
    }

    /// Reads a time with an offset or `Z`, or else naive UTC; the year 1 is how Go writes "none".
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_at_checked("YYYY-MM-DD".len())?;
        let time = time.strip_prefix(['T', 't', ' '])?;
        let zone_start = time.find(|c: char| !(c.is_ascii_digit() || ":.,".contains(c))).unwrap_or(time.len());
        let (time, zone) = time.split_at(zone_start);

        let date = parse_date(date)?;
        if date.year() == 1 {
            return Some(Self::Unknown);
        }
        let utc = date.and_time(parse_time(time)?).and_utc().checked_sub_signed(parse_zone(zone)?)?;
        Some(Self::at(from_utc(utc)))
    }
}

impl From<SystemTime> for Expiry {
    fn from(time: SystemTime) -> Self {
        Self::at(time)
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::At(time) => write!(f, "{}Z", isoformat(to_utc(*time))),
            Self::Unreadable(_) => f.write_str("unreadable"),
        }
    }
}

fn isoformat(time: DateTime<Utc>) -> String {
    let precision = if time.nanosecond() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    let mut text = time.to_rfc3339_opts(precision, true);
    text.truncate(text.len() - "Z".len());
    text
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = split(text, '-')?;
    let year = digits(year, 4).filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(year.try_into().ok()?, digits(month, 2)?, digits(day, 2)?)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let [hour, minute, second] = split(clock, ':')?;
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros = format!("{fraction:0<6}")[..6].parse().ok()?;
    NaiveTime::from_hms_micro_opt(digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?, micros)
}

/// Reads `""`, `Z`, `+02`, `+0200`, `+02:00`, `+02:00:00`, after a space or before a `Z` too: `to_json()` of
/// google-auth appends one to an offset, and the `time` crate writes a space and seconds.
fn parse_zone(text: &str) -> Option<TimeDelta> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if text.is_empty() {
        return Some(TimeDelta::zero());
    }
    let (sign, size) = match text.split_at_checked(1)? {
        ("+", size) => (1, size),
        ("-", size) => (-1, size),
        _ => return None,
    };
    let size = size.replace(':', "");
    let part = |at: usize| size.get(at..).filter(|rest| !rest.is_empty()).map_or(Some("00"), |rest| rest.get(..2));
    let offset = NaiveTime::from_hms_opt(digits(part(0)?, 2)?, digits(part(2)?, 2)?, digits(part(4)?, 2)?)?;
    (size.len() <= 6).then(|| TimeDelta::seconds(sign * i64::from(offset.num_seconds_from_midnight())))
}

/// Milliseconds from 1e11 on, which are seconds no sooner than the year 5138.
fn from_unix(number: i64) -> Option<SystemTime> {
    const FIRST_MILLIS: u64 = 100_000_000_000;
    let size = number.unsigned_abs();
    let distance = if size < FIRST_MILLIS { Duration::from_secs(size) } else { Duration::from_millis(size) };
    let epoch = SystemTime::UNIX_EPOCH;
    if number < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) }
}

fn from_nine([year, day, clock @ .., nano, hours, minutes, seconds]: [i32; 9]) -> Option<SystemTime> {
    let [hour, minute, second] = clock.map(|part| u32::try_from(part).ok());
    let date = NaiveDate::from_yo_opt(year, u32::try_from(day).ok()?)?;
    let time = date.and_hms_nano_opt(hour?, minute?, second?, u32::try_from(nano).ok()?)?;
    let [hours, minutes, seconds] = [hours, minutes, seconds].map(i64::from);
    time.and_utc().checked_sub_signed(TimeDelta::seconds((hours * 60 + minutes) * 60 + seconds)).map(from_utc)
}

fn split(text: &str, separator: char) -> Option<[&str; 3]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

fn digits(text: &str, count: usize) -> Option<u32> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn to_utc(time: SystemTime) -> DateTime<Utc> {
    // What Python's `datetime` can hold, in microseconds from 1970.
    const FIRST: i64 = -62_135_596_800_000_000;
    const LAST: i64 = 253_402_300_799_999_999;
    let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(LAST),
        Err(before) => i64::try_from(before.duration().as_nanos().div_ceil(1_000)).map_or(FIRST, |micros| -micros),
    };
    DateTime::from_timestamp_micros(micros.clamp(FIRST, LAST)).expect("chrono holds the years 1 to 9999")
}

fn from_utc(time: DateTime<Utc>) -> SystemTime {
    let micros = Duration::from_micros(time.timestamp_micros().unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    // Only a clock that cannot count that far back has no such time; long past is long past.
    if time < DateTime::UNIX_EPOCH { epoch.checked_sub(micros).unwrap_or(epoch) } else { epoch + micros }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-10-01T12:34:56Z.
    const SECONDS: u64 = 1_790_858_096;

    fn micros(micros: u64) -> Expiry {
        Expiry::At(SystemTime::UNIX_EPOCH + Duration::from_micros(SECONDS * 1_000_000 + micros))
    }

    fn read(text: &str) -> Expiry {
        Expiry::from_json(&format!("\"{text}\""))
    }

    #[test]
    fn every_form_another_program_writes_is_read_as_utc() {
        for (text, expected) in [
            ("2026-10-01T12:34:56", micros(0)),
            ("2026-10-01T12:34:56.1", micros(100_000)),
            ("2026-10-01T12:34:56.12", micros(120_000)),
            ("2026-10-01T12:34:56.123", micros(123_000)),
            ("2026-10-01T12:34:56.1234", micros(123_400)),
            ("2026-10-01T12:34:56.12345", micros(123_450)),
            ("2026-10-01T12:34:56.123456", micros(123_456)),
            ("2026-10-01T12:34:56.1234567", micros(123_456)),
            ("2026-10-01T12:34:56.123456789", micros(123_456)),
            ("2026-10-01T12:34:56.999999999999", micros(999_999)),
            ("2026-10-01T12:34:56Z", micros(0)),
            ("2026-10-01T12:34:56.123456Z", micros(123_456)),
            ("2026-10-01T12:34:56z", micros(0)),
            ("2026-10-01t12:34:56z", micros(0)),
            ("2026-10-01T12:34:56+00:00", micros(0)),
            ("2026-10-01T12:34:56+0000", micros(0)),
            ("2026-10-01T12:34:56+00", micros(0)),
            ("2026-10-01T12:34:56+00:00Z", micros(0)),
            ("2026-10-01T14:34:56+02:00", micros(0)),
            ("2026-10-01T14:34:56.5+02:00Z", micros(500_000)),
            ("2026-10-02T01:34:56.1234567+13:00", micros(123_456)),
            ("2026-10-01T04:04:56-08:30", micros(0)),
            ("2026-10-01 12:34:56", micros(0)),
            ("2026-10-01 12:34:56.0 +00:00:00", micros(0)),
            ("0001-01-01T00:00:00Z", Expiry::Unknown),
            ("0001-01-01T00:00:00", Expiry::Unknown),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_counts_as_expired_and_is_written_back_unchanged() {
        for raw in [
            r#""""#,
            r#""soon""#,
            r#""2026-10-01""#,
            r#""2026-10-01T24:00:00""#,
            r#""2026-10-01T12:34:60""#,
            r#""2026-02-30T12:34:56""#,
            r#""0000-10-01T12:34:56""#,
            r#""2026-10-01T12:34""#,
            r#""2026-10-01T12:34:56.""#,
            r#""2026-10-01T12:34:56+2""#,
            r#""2026-10-01T12:34:56+25:00""#,
            r#""2026-10-01T12:34:56+02:00:00:00""#,
            r#""2026-10-01T12:34:56 UTC""#,
            r#""2026-10-01T12:34:56é""#,
            r#""+026-10-01T12:34:56""#,
            r#""20261001T123456Z""#,
            "1790858096",
            "1790858096000",
            "1.5",
            "true",
            "{}",
            "[2026]",
        ] {
            let expiry = Expiry::from_json(raw);
            assert!(matches!(expiry, Expiry::Unreadable(_)), "{raw} is {expiry}");
            assert!(expiry.is_expired(SystemTime::UNIX_EPOCH), "{raw}");
            assert_eq!(expiry.to_json().expose(), raw);
            assert_eq!(format!("{expiry} {expiry:?}"), "unreadable Unreadable([redacted])");
        }
    }

    #[test]
    fn the_stored_form_is_naive_with_no_fraction_or_six_digits() {
        for (expiry, stored, shown) in [
            (Expiry::Unknown, "null", "unknown"),
            (micros(0), r#""2026-10-01T12:34:56""#, "2026-10-01T12:34:56Z"),
            (micros(1), r#""2026-10-01T12:34:56.000001""#, "2026-10-01T12:34:56.000001Z"),
            (micros(500_000), r#""2026-10-01T12:34:56.500000""#, "2026-10-01T12:34:56.500000Z"),
        ] {
            assert_eq!(expiry.to_json().expose(), stored);
            assert_eq!(Expiry::from_json(stored), expiry);
            assert_eq!(expiry.to_string(), shown);
        }
    }

    #[test]
    fn an_instant_is_cut_to_what_can_be_stored() {
        let epoch = SystemTime::UNIX_EPOCH;
        for (time, shown) in [
            (epoch + Duration::from_nanos(1_999), "1970-01-01T00:00:00.000001Z"),
            (epoch - Duration::from_nanos(1), "1969-12-31T23:59:59.999999Z"),
            (epoch + Duration::from_secs(u64::MAX / 4), "9999-12-31T23:59:59.999999Z"),
            (epoch - Duration::from_secs(u64::MAX / 4), "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(Expiry::at(time).to_string(), shown);
            assert_eq!(Expiry::At(time).to_string(), shown);
        }
        assert_eq!(read("9999-12-31T23:59:59-05:00").to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn a_token_ends_at_its_expiry_and_not_before() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(SECONDS);
        let second = Duration::from_secs(1);
        assert!(!micros(0).is_expired(end - second));
        assert!(micros(0).is_expired(end));
        assert_eq!(micros(0).remaining(end - second), Some(second));
        assert_eq!(micros(0).remaining(end + second), Some(Duration::ZERO));
        assert!(!Expiry::Unknown.is_expired(end));
    }
}
