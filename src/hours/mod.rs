//! Opening hours: weekly times and exceptions by date, in a time zone of their own. Pure: the moment is an argument.
//!
//! ```text
//! "mo-fr 08:30-17:00", "th 18:00-20:00"        the week: days, and from when to when
//! "2026-12-25 closed", "2026-12-24 09:00-12:00" a date: instead of what the week says
//! ```
//!
//! A time that the clock skips in spring is the moment right after the skipped hour; one that comes twice in autumn is
//! its first. Times that touch, also over midnight, are one.

mod guide;
mod text;

pub use guide::Guide;
pub use text::Wrong;

use crate::config;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use std::collections::BTreeMap;

/// Beyond this nobody asks when it changes, and hours that never change must end the search.
const DAYS_AHEAD: usize = 400;

/// Opening hours of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    name: String,
    zone: TimeZone,
    /// From Monday.
    week: [Vec<Span>; 7],
    exceptions: BTreeMap<Date, Vec<Span>>,
}

/// From when to when on a day, in minutes since midnight; 1440 is the midnight after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    from: u16,
    to: u16,
}

/// How it stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is open.
    pub open: bool,
    /// Until when it is so; none where that is more than a year away.
    pub until: Option<Timestamp>,
}

impl Hours {
    /// As the configuration has them.
    ///
    /// # Errors
    /// Everything that is wrong, each with its key.
    pub fn of(config: &config::OpeningHours) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let zone = TimeZoneDatabase::bundled().get(&config.time_zone).unwrap_or_else(|_| {
            let text = format!(
                "\"{}\" is no time zone of IANA's list, such as \"Europe/Amsterdam\"",
                config.time_zone
            );
            wrong.push(Wrong { key: "time_zone".into(), text });
            TimeZone::UTC
        });
        let mut week: [Vec<Span>; 7] = Default::default();
        for (at, line) in config.weekly.iter().enumerate() {
            match text::weekly(line) {
                Ok((days, span)) => days.into_iter().for_each(|day| week[day].push(span)),
                Err(text) => wrong.push(Wrong { key: format!("weekly[{at}]"), text }),
            }
        }
        let mut exceptions: BTreeMap<Date, Vec<Span>> = BTreeMap::new();
        for (at, line) in config.exceptions.iter().enumerate() {
            match text::exception(line) {
                Ok((date, span)) => exceptions.entry(date).or_default().extend(span),
                Err(text) => wrong.push(Wrong { key: format!("exceptions[{at}]"), text }),
            }
        }
        if let Some(day) = week.iter_mut().position(|spans| overlap(spans)) {
            let text = format!("on {} times overlap", text::DAYS[day]);
            wrong.push(Wrong { key: "weekly".into(), text });
        }
        if let Some((date, _)) =
            exceptions.iter_mut().find_map(|(date, spans)| overlap(spans).then_some((*date, ())))
        {
            wrong.push(Wrong { key: "exceptions".into(), text: format!("on {date} times overlap") });
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Self { name: config.name.clone(), zone, week, exceptions })
    }

    /// Their name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is open at a moment, and until when that stays so.
    pub fn at(&self, at: Timestamp) -> Standing {
        let mut open = false;
        let mut until = None;
        for (from, to) in self.spans(at) {
            match until {
                // What touches goes on.
                Some(end) if open && from <= end => until = Some(to.max(end)),
                Some(_) => break,
                None if to <= at => {}
                None if from <= at => (open, until) = (true, Some(to)),
                None => {
                    until = Some(from);
                    break;
                }
            }
        }
        let far = at.saturating_add((24 * (DAYS_AHEAD as i64 - 30)).hours()).unwrap_or(Timestamp::MAX);
        Standing { open, until: until.filter(|until| *until < far) }
    }

    /// Open times as moments, in order, from the day of a moment on.
    fn spans(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let today = at.to_zoned(self.zone.clone()).date();
        today.series(1.day()).take(DAYS_AHEAD).flat_map(move |date| {
            let spans = self.of_day(date).iter();
            spans.filter_map(move |span| Some((self.moment(date, span.from)?, self.moment(date, span.to)?)))
        })
    }

    fn of_day(&self, date: Date) -> &[Span] {
        let of_week = || self.week.get(usize::from(date.weekday().to_monday_zero_offset().unsigned_abs()));
        self.exceptions.get(&date).or_else(of_week).map_or(&[], Vec::as_slice)
    }

    fn moment(&self, date: Date, minutes: u16) -> Option<Timestamp> {
        let (hour, minute) = ((minutes / 60) as i8, (minutes % 60) as i8);
        let local = match hour {
            24 => DateTime::from_parts(date.tomorrow().ok()?, Time::midnight()),
            hour => DateTime::from_parts(date, Time::new(hour, minute, 0, 0).ok()?),
        };
        self.zone.to_timestamp(local).ok()
    }
}

/// Sorts the times of a day; whether two of them overlap.
fn overlap(spans: &mut [Span]) -> bool {
    spans.sort_unstable();
    spans.windows(2).any(|pair| matches!(pair, [first, second] if second.from < first.to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(weekly: &[&str], exceptions: &[&str]) -> config::OpeningHours {
        config::OpeningHours {
            name: "balie".into(),
            time_zone: "Europe/Amsterdam".into(),
            weekly: weekly.iter().map(ToString::to_string).collect(),
            exceptions: exceptions.iter().map(ToString::to_string).collect(),
        }
    }

    fn check(weekly: &[&str], exceptions: &[&str], at: &str, open: bool, until: &str) {
        let hours = Hours::of(&config(weekly, exceptions)).unwrap();
        let standing = hours.at(at.parse().unwrap());
        let until = (!until.is_empty()).then(|| until.parse().unwrap());
        assert_eq!(standing, Standing { open, until }, "{weekly:?} {exceptions:?} at {at}");
    }

    /// Office hours, and an evening.
    const WEEK: &[&str] = &["mo-fr 08:30-17:00", "th 18:00-20:00"];

    #[test]
    fn t01_the_week_says_when_it_is_open_and_until_when() {
        // In November Amsterdam is an hour ahead of UTC; the 16th is a Monday.
        for (at, open, until) in [
            ("2026-11-16T07:29:59Z", false, "2026-11-16T07:30:00Z"),
            ("2026-11-16T07:30:00Z", true, "2026-11-16T16:00:00Z"),
            ("2026-11-16T15:59:59.999Z", true, "2026-11-16T16:00:00Z"),
            ("2026-11-16T16:00:00Z", false, "2026-11-17T07:30:00Z"),
            ("2026-11-19T16:30:00Z", false, "2026-11-19T17:00:00Z"),
            ("2026-11-19T17:00:00Z", true, "2026-11-19T19:00:00Z"),
            ("2026-11-20T16:00:00Z", false, "2026-11-23T07:30:00Z"),
        ] {
            check(WEEK, &[], at, open, until);
        }
    }

    #[test]
    fn t01_a_date_stands_instead_of_the_week() {
        let exceptions = &[
            "2026-12-24 09:00-12:00",
            "2026-12-24 13:00-15:00",
            "2026-12-25 closed",
            "2026-12-26 10:00-11:00",
        ];
        for (at, open, until) in [
            ("2026-12-24T07:45:00Z", false, "2026-12-24T08:00:00Z"),
            ("2026-12-24T08:00:00Z", true, "2026-12-24T11:00:00Z"),
            ("2026-12-24T13:00:00Z", true, "2026-12-24T14:00:00Z"),
            ("2026-12-24T17:30:00Z", false, "2026-12-26T09:00:00Z"),
            ("2026-12-25T10:00:00Z", false, "2026-12-26T09:00:00Z"),
        ] {
            check(WEEK, exceptions, at, open, until);
        }
    }

    #[test]
    fn t01_the_clock_goes_forward_and_back() {
        // Daylight saving ends on 2026-10-25 at 03:00 and begins on 2026-03-29 at 02:00.
        check(WEEK, &[], "2026-10-23T15:00:00Z", false, "2026-10-26T07:30:00Z");
        check(WEEK, &[], "2026-03-27T16:00:00Z", false, "2026-03-30T06:30:00Z");
        let night = &["su 01:00-04:00"];
        check(night, &[], "2026-10-24T23:00:00Z", true, "2026-10-25T03:00:00Z");
        check(night, &[], "2026-03-29T00:00:00Z", true, "2026-03-29T02:00:00Z");
        // 02:30 is skipped in spring, and comes twice in autumn.
        let half = &["su 02:30-05:00"];
        check(half, &[], "2026-03-29T00:59:00Z", false, "2026-03-29T01:30:00Z");
        check(half, &[], "2026-10-25T00:29:00Z", false, "2026-10-25T00:30:00Z");
        check(half, &[], "2026-10-25T01:30:00Z", true, "2026-10-25T04:00:00Z");
    }

    #[test]
    fn t01_times_that_touch_are_one_also_over_midnight() {
        let night = &["fr 22:00-24:00", "sa 00:00-02:00"];
        check(night, &[], "2026-11-20T21:30:00Z", true, "2026-11-21T01:00:00Z");
        check(
            &["mo 08:00-12:00", "mo 12:00-17:00"],
            &[],
            "2026-11-16T09:00:00Z",
            true,
            "2026-11-16T16:00:00Z",
        );
    }

    #[test]
    fn t01_what_never_changes_has_no_end() {
        check(&["mo-su 00:00-24:00"], &[], "2026-11-16T09:00:00Z", true, "");
        check(&[], &[], "2026-11-16T09:00:00Z", false, "");
        check(
            &["mo-su 00:00-24:00"],
            &["2026-12-25 closed"],
            "2026-11-16T09:00:00Z",
            true,
            "2026-12-24T23:00:00Z",
        );
    }

    #[test]
    fn t01_everything_that_is_wrong_is_told_with_its_key() {
        let mut wrong = config(
            &[
                "mo 8:30-17:00",
                "xx 08:30-17:00",
                "mo 17:00-08:30",
                "fr-mo 08:00-09:00",
                "mo 08:00-25:00",
                "mo",
            ],
            &["2026-02-30 closed", "2026-12-24 open", "kerst closed"],
        );
        wrong.time_zone = "Europe/Den_Haag".into();
        let found = Hours::of(&wrong).unwrap_err();
        let keys: Vec<_> = found.iter().map(|each| each.key.as_str()).collect();
        let expected = [
            "time_zone",
            "weekly[0]",
            "weekly[1]",
            "weekly[2]",
            "weekly[3]",
            "weekly[4]",
            "weekly[5]",
            "exceptions[0]",
            "exceptions[1]",
            "exceptions[2]",
        ];
        assert_eq!(keys, expected, "{found:?}");
        assert!(found[0].text.contains("Europe/Amsterdam") && found[1].text.contains("08:30"), "{found:?}");
        assert!(found[3].text.contains("midnight"), "{found:?}");
        let overlapping = Hours::of(&config(&["mo-we 08:00-12:00", "tu 11:00-13:00"], &[])).unwrap_err();
        assert_eq!((overlapping[0].key.as_str(), overlapping[0].text.contains("tu")), ("weekly", true));
        let twice =
            Hours::of(&config(&[], &["2026-12-24 08:00-12:00", "2026-12-24 11:00-13:00"])).unwrap_err();
        assert_eq!(twice[0].key, "exceptions");
    }
}
