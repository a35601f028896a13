//! Durations as people write them: `500ms`, `20s`, `3m`, `1h`, `9h05m`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration in configuration and scenario files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no duration: write whole numbers and units, such as 500ms, 20s, 3m, 1h or 9h05m")]
pub struct NotADuration(String);

impl std::str::FromStr for Span {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotADuration(text.chars().take(40).collect());
        let mut millis = 0_u64;
        let mut smallest = u64::MAX;
        let mut rest = text;
        loop {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, after) = rest.split_at_checked(digits).ok_or_else(wrong)?;
            let next = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, next) = after.split_at_checked(next).ok_or_else(wrong)?;
            let factor = match unit.trim() {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return Err(wrong()),
            };
            if factor >= smallest {
                return Err(wrong());
            }
            let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(wrong)?;
            millis = millis.checked_add(part).ok_or_else(wrong)?;
            if next.is_empty() {
                break;
            }
            (smallest, rest) = (factor, next);
        }
        // A year is more than anything here can mean, and keeps sums of times from overflowing.
        if millis > 31_536_000_000 { Err(wrong()) } else { Ok(Self::millis(millis)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) { write!(f, "{}s", millis / 1000) } else { write!(f, "{millis}ms") }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [
            ("500ms", 500),
            ("20s", 20_000),
            ("3m", 180_000),
            ("1 h", 3_600_000),
            ("0s", 0),
            ("9h05m", 32_700_000),
            ("1m 30s", 90_000),
        ] {
            assert_eq!(text.parse(), Ok(Span::millis(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_what_means_nothing() {
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "5 minutes",
            "99999999999999999999s",
            "9999999h",
            "é",
            "5m5",
            "5s5m",
            "5s5s",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
