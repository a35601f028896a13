//! What the configuration says about reports.

use jiff::tz::TimeZone;
use schakel_core::model::time::{Millis, Time};

/// The rules of one report.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(crate) zone: TimeZone,
    pub(crate) zone_name: String,
    /// Who gives up before he has waited this long is counted apart; of nothing, nobody is.
    pub(crate) short_abandon: Millis,
    /// A caller whose number has at most this many digits is a colleague.
    pub(crate) internal_digits_max: u8,
}

/// The time zone is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone; give a name of the IANA database, such as Europe/Amsterdam")]
pub struct UnknownTimeZone(String);

impl Rules {
    /// Rules of a time zone by its IANA name, such as `Europe/Amsterdam`. The zones that came with the program are used,
    /// not those of the machine: a day is as long everywhere.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn new(
        time_zone: &str,
        short_abandon_seconds: u32,
        internal_digits_max: u8,
    ) -> Result<Self, UnknownTimeZone> {
        let zone = jiff::tz::TimeZoneDatabase::bundled()
            .get(time_zone)
            .map_err(|_| UnknownTimeZone(time_zone.to_owned()))?;
        let zone_name = zone.iana_name().unwrap_or(time_zone).to_owned();
        let short_abandon = Millis::seconds(u64::from(short_abandon_seconds));
        Ok(Self { zone, zone_name, short_abandon, internal_digits_max })
    }

    /// A moment as people in the time zone read it on a page: `21-11-2026 09:30:05`.
    pub fn shown(&self, at: Time) -> String {
        crate::period::local(at, self).strftime("%d-%m-%Y %H:%M:%S").to_string()
    }

    /// The time zone's name.
    pub fn time_zone(&self) -> &str {
        &self.zone_name
    }
}

impl Default for Rules {
    /// Amsterdam, everybody who gives up is an abandoned call, extensions of at most five digits.
    fn default() -> Self {
        // Cannot fail: UTC needs no database, and the test below finds Amsterdam in the one that came along.
        Self::new("Europe/Amsterdam", 0, 5).unwrap_or_else(|_| Self {
            zone: TimeZone::UTC,
            zone_name: "UTC".into(),
            short_abandon: Millis(0),
            internal_digits_max: 5,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_found_by_name_and_a_wrong_one_is_told() {
        assert_eq!(Rules::default().time_zone(), "Europe/Amsterdam");
        assert_eq!(Rules::new("UTC", 0, 0).unwrap().time_zone(), "UTC");
        assert_eq!(Rules::default().shown(Time(1_763_726_405_000)), "21-11-2025 13:00:05");
        let error = Rules::new("Europe/Amsterdamm", 5, 5).unwrap_err().to_string();
        assert!(error.contains("Europe/Amsterdamm") && error.contains("IANA"), "{error}");
    }
}
