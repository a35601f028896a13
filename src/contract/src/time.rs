//! Times as they are written outside.

use schakel_core::model::time::Time;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment: RFC 3339 in UTC with milliseconds, such as `2026-11-20T09:30:00.000Z`. Nothing here is older than 1970: an
/// earlier moment is read as its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

/// 9999-12-31T23:59:59.999Z: the last moment that RFC 3339 can write.
const LAST: u64 = 253_402_300_799_999;

impl Timestamp {
    /// A moment in milliseconds since 1970-01-01T00:00:00Z; what lies after the year 9999 is its last moment.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis > LAST { LAST } else { millis })
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self::from_millis(time.0)
    }
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Time(time.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; LENGTH];
        f.write_str(self.write(&mut text))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let time: jiff::Timestamp = text.parse().map_err(|_| NotATime)?;
        Ok(Self::from_millis(u64::try_from(time.as_millisecond()).unwrap_or(0)))
    }
}

/// The text is not an RFC 3339 date-time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotATime;

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a date-time: expected RFC 3339 such as 2026-11-20T09:30:00.000Z")
    }
}

impl std::error::Error for NotATime {}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; LENGTH];
        serializer.serialize_str(self.write(&mut text))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "Timestamp".into()
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC, with milliseconds."))
            .examples(["2026-11-20T09:30:00.000Z"])
            .into()
    }
}

const LENGTH: usize = "2026-11-20T09:30:00.000Z".len();

impl Timestamp {
    /// By hand, because every notification carries ten of them: a tenth of the cost of a general formatter.
    fn write<'a>(&self, text: &'a mut [u8; LENGTH]) -> &'a str {
        let (days, millis) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil(days as u32);
        let (seconds, millis) = (millis as u32 / 1000, millis as u32 % 1000);
        let ([y0, y1], [y2, y3]) = (two(year / 100), two(year));
        let ([o0, o1], [d0, d1]) = (two(month), two(day));
        let ([h0, h1], [m0, m1]) = (two(seconds / 3600), two(seconds / 60 % 60));
        let ([s0, s1], [_, i0], [i1, i2]) = (two(seconds % 60), two(millis / 100), two(millis));
        *text = [
            y0, y1, y2, y3, b'-', o0, o1, b'-', d0, d1, b'T', h0, h1, b':', m0, m1, b':', s0, s1, b'.', i0,
            i1, i2, b'Z',
        ];
        // Digits and punctuation only.
        std::str::from_utf8(text).unwrap_or_default()
    }
}

/// The last two digits of a number.
fn two(value: u32) -> [u8; 2] {
    TWO.get(value as usize % TWO.len()).copied().unwrap_or_default()
}

/// 00 to 99.
const TWO: [[u8; 2]; 100] = {
    let mut all = [[0; 2]; 100];
    let mut at = 0;
    while at < all.len() {
        all[at] = [b'0' + at as u8 / 10, b'0' + at as u8 % 10];
        at += 1;
    }
    all
};

/// Days since 1970-01-01 to year, month and day: Hinnant's `civil_from_days`, for days that are not negative.
fn civil(days: u32) -> (u32, u32, u32) {
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u32::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_reads_back_through_a_library_of_dates() {
        // A step that shares no factor with a day or a year, over eight thousand years.
        let step = 86_400_000 * 97 + 12_345_677;
        for millis in (0..=LAST).step_by(step) {
            let text = Timestamp(millis).to_string();
            let library = jiff::Timestamp::from_millisecond(millis as i64).unwrap();
            assert_eq!(text, format!("{library:.3}"));
            assert_eq!(text.parse(), Ok(Timestamp(millis)));
        }
        assert_eq!(Timestamp::from_millis(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "2026-11-20", "2026-13-01T00:00:00Z", "now"] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotATime), "{text}");
        }
        assert_eq!("0039-12-31T23:59:59Z".parse(), Ok(Timestamp(0)));
    }
}
