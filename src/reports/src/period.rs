//! The period of a report: half open, from its first moment to the moment at which it has ended.

use crate::rules::Rules;
use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp, Zoned};
use schakel_core::model::time::Time;

/// The longest period: ten years and some days.
const DAYS_MAX: u64 = 3_700;

/// From the first moment, up to and without the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: Time,
    /// The moment at which it has ended.
    pub to: Time,
}

/// A period that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// A moment that cannot be read.
    #[error(
        "{0:?} is no moment; give a day such as 2026-10-25 (it begins at midnight, local time), \
         or a date-time with its offset such as 2026-10-25T13:00:00+01:00"
    )]
    Moment(String),
    /// A named period that cannot be read.
    #[error(
        "{0:?} is no period; give today, yesterday, a day 2026-10-25, a week 2026-W43, a month 2026-10 or a year 2026"
    )]
    Named(String),
    /// It ends before it begins.
    #[error("the period ends where it begins, or before; `to` is the first moment after it")]
    Empty,
    /// It is longer than any report.
    #[error("the period is longer than {DAYS_MAX} days")]
    TooLong,
}

impl Period {
    /// A period of two moments: days (`2026-10-25`, midnight local time) or date-times with an offset (RFC 3339).
    /// `to` is not part of it: a month is `2026-10-01` to `2026-11-01`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn between(from: &str, to: &str, rules: &Rules) -> Result<Self, Vec<(Bound, PeriodError)>> {
        let read = |bound, text| moment(text, rules).map_err(|error| (bound, error));
        match (read(Bound::From, from), read(Bound::To, to)) {
            (Ok(from), Ok(to)) => Self::of(from, to).map_err(|error| vec![(Bound::To, error)]),
            (from, to) => Err([from.err(), to.err()].into_iter().flatten().collect()),
        }
    }

    /// A period by its name: `today`, `yesterday`, `2026-10-25`, `2026-W43` (ISO 8601: from Monday), `2026-10`, `2026`.
    ///
    /// # Errors
    /// When it is no such name.
    pub fn named(name: &str, now: Time, rules: &Rules) -> Result<Self, PeriodError> {
        let wrong = || PeriodError::Named(name.to_owned());
        let today = local(now, rules).date();
        let (from, to) = match name {
            "today" => (today, today.tomorrow()),
            "yesterday" => (today.yesterday().map_err(|_| wrong())?, Ok(today)),
            _ => dates(name).ok_or_else(wrong)?,
        };
        let to = to.map_err(|_| wrong())?;
        Self::of(start_of(from, rules).ok_or_else(wrong)?, start_of(to, rules).ok_or_else(wrong)?)
    }

    /// A period of two moments.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn of(from: Time, to: Time) -> Result<Self, PeriodError> {
        if to <= from {
            return Err(PeriodError::Empty);
        }
        if (to - from).0 > DAYS_MAX * 24 * 3_600_000 {
            return Err(PeriodError::TooLong);
        }
        Ok(Self { from, to })
    }

    /// Whether a moment is in it.
    pub fn has(&self, at: Time) -> bool {
        self.from <= at && at < self.to
    }
}

/// One end of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The beginning.
    From,
    /// The end.
    To,
}

/// A moment in local time.
pub(crate) fn local(at: Time, rules: &Rules) -> Zoned {
    zoned(at, rules.zone.clone())
}

fn zoned(at: Time, zone: TimeZone) -> Zoned {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    // A moment after the year 9999 is shown as the last one that there is.
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX).to_zoned(zone)
}

/// A moment as people in a time zone read it, with the offset: `2026-10-25 02:30+01:00`, and seconds where there are
/// some. [`Period::between`] reads it too. In a zone that nobody knows it is UTC, as the offset then says.
pub(crate) fn shown_in(zone: &str, at: Time) -> String {
    let at = zoned(at, TimeZoneDatabase::bundled().get(zone).unwrap_or(TimeZone::UTC));
    let format = match at.second() == 0 && at.subsec_nanosecond() == 0 {
        true => "%Y-%m-%d %H:%M%:z",
        false => "%Y-%m-%d %H:%M:%S%.f%:z",
    };
    at.strftime(format).to_string()
}

/// The first moment of a local day: midnight, or when the clock jumps over midnight, the moment after the jump.
pub(crate) fn start_of(date: Date, rules: &Rules) -> Option<Time> {
    instant(&date.to_zoned(rules.zone.clone()).ok()?.start_of_day().ok()?)
}

/// A moment in milliseconds; none before 1970.
pub(crate) fn instant(at: &Zoned) -> Option<Time> {
    u64::try_from(at.timestamp().as_millisecond()).ok().map(Time)
}

fn moment(text: &str, rules: &Rules) -> Result<Time, PeriodError> {
    let wrong = || PeriodError::Moment(text.to_owned());
    if text.len() == "2026-10-25".len() {
        let date: Date = text.parse().map_err(|_| wrong())?;
        return start_of(date, rules).ok_or_else(wrong);
    }
    let at: Timestamp = text.parse().map_err(|_| wrong())?;
    u64::try_from(at.as_millisecond()).map(Time).map_err(|_| wrong())
}

type Dates = (Date, Result<Date, jiff::Error>);

fn dates(name: &str) -> Option<Dates> {
    let digits = |text: &str, length| {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let year: i16 = digits(name.get(..4)?, 4)?;
    let rest = name.get(4..)?;
    if rest.is_empty() {
        return Some((Date::new(year, 1, 1).ok()?, Date::new(year + 1, 1, 1)));
    }
    if let Some(week) = rest.strip_prefix("-W") {
        let week: i16 = digits(week, 2)?;
        let monday = ISOWeekDate::new(year, i8::try_from(week).ok()?, Weekday::Monday).ok()?.date();
        return Some((monday, monday.checked_add(Span::new().weeks(1))));
    }
    if rest.len() == "-10".len() {
        let month: i16 = digits(rest.get(1..)?, 2)?;
        let first = Date::new(year, i8::try_from(month).ok()?, 1).ok()?;
        return Some((first, first.checked_add(Span::new().months(1))));
    }
    let day: Date = (name.len() == "2026-10-25".len()).then(|| name.parse().ok())??;
    Some((day, day.tomorrow()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(period: Period) -> u64 {
        (period.to - period.from).0 / 3_600_000
    }

    fn named(name: &str) -> Result<Period, PeriodError> {
        // Sunday 25 October 2026, 02:30 for the second time.
        Period::named(name, Time(1_792_891_800_000), &Rules::default())
    }

    #[test]
    fn a_day_of_23_of_24_and_of_25_hours() {
        assert_eq!(hours(named("2026-10-24").unwrap()), 24);
        assert_eq!(hours(named("2026-10-25").unwrap()), 25);
        assert_eq!(hours(named("2026-03-29").unwrap()), 23);
        assert_eq!(hours(named("today").unwrap()), 25);
        assert_eq!(named("today"), named("2026-10-25"));
        assert_eq!(named("yesterday"), named("2026-10-24"));
    }

    #[test]
    fn weeks_months_and_years() {
        assert_eq!(hours(named("2026-W43").unwrap()), 7 * 24 + 1, "the clock goes back on its Sunday");
        assert_eq!(named("2026-W43").unwrap().to, named("2026-10-25").unwrap().to);
        assert_eq!(hours(named("2026-10").unwrap()), 31 * 24 + 1);
        assert_eq!(hours(named("2026").unwrap()), 365 * 24);
        assert_eq!(hours(named("2020-W53").unwrap()), 7 * 24);
    }

    #[test]
    fn what_is_no_period_is_told() {
        for name in
            ["", "tomorrow", "2026-13", "2026-W54", "2026-1", "2026-10-32", "20261025", "2026-W", "é026"]
        {
            let error = named(name).unwrap_err();
            assert!(matches!(error, PeriodError::Named(_)), "{name}: {error}");
        }
    }

    #[test]
    fn a_moment_is_shown_in_its_zone_with_the_offset_and_is_read_back() {
        let rules = Rules::default();
        for (at, zone, shown) in [
            (1_792_888_200_000, "Europe/Amsterdam", "2026-10-25 02:30+02:00"),
            (1_792_891_800_000, "Europe/Amsterdam", "2026-10-25 02:30+01:00"),
            (1_792_891_807_042, "Europe/Amsterdam", "2026-10-25 02:30:07.042+01:00"),
            (1_792_891_800_000, "Mars/Olympus", "2026-10-25 01:30+00:00"),
        ] {
            assert_eq!(shown_in(zone, Time(at)), shown);
            let period = Period::between(shown, "2030-01-01", &rules).unwrap();
            assert_eq!(period.from, Time(at), "{shown}");
        }
    }

    #[test]
    fn two_moments_are_days_or_date_times_and_all_errors_come_together() {
        let rules = Rules::default();
        let between = |from, to| Period::between(from, to, &rules);
        assert_eq!(between("2026-10-25", "2026-10-26").unwrap(), named("2026-10-25").unwrap());
        let hour = between("2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00").unwrap();
        assert_eq!(hours(hour), 1);
        let errors = between("gisteren", "2026-10-25T02:00").unwrap_err();
        assert_eq!(errors.iter().map(|(bound, _)| *bound).collect::<Vec<_>>(), [Bound::From, Bound::To]);
        assert_eq!(between("2026-10-25", "2026-10-25").unwrap_err(), [(Bound::To, PeriodError::Empty)]);
        assert_eq!(between("2000-01-01", "2026-10-25").unwrap_err(), [(Bound::To, PeriodError::TooLong)]);
    }
}
