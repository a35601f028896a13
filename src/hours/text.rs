//! Opening hours as they are written.

use super::Span;
use jiff::civil::Date;

/// Days as they are written, from Monday.
pub(super) const DAYS: [&str; 7] = ["mo", "tu", "we", "th", "fr", "sa", "su"];

/// Something in the configuration of opening hours that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Which key, within the section.
    pub key: String,
    /// What, and how to mend it.
    pub text: String,
}

/// `mo-fr 08:30-17:00`: the days, from 0 for Monday, and the time.
pub(super) fn weekly(text: &str) -> Result<(Vec<usize>, Span), String> {
    let wrong = || {
        format!("\"{text}\" is no time of a week; write it as \"mo 08:30-17:00\" or \"mo-fr 08:30-17:00\"")
    };
    let (days, times) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let day = |name: &str| {
        let known = DAYS.iter().position(|day| *day == name);
        known.ok_or_else(|| format!("\"{name}\" is no day; days are {}", DAYS.join(", ")))
    };
    let (first, last) = (day(first)?, day(last)?);
    if first > last {
        return Err(format!("\"{days}\" goes from late to early in the week; write two lines"));
    }
    Ok(((first..=last).collect(), span(times.trim()).ok_or_else(wrong)??))
}

/// `2026-12-25 closed` or `2026-12-24 09:00-12:00`: the date, and the time where it is open.
pub(super) fn exception(text: &str) -> Result<(Date, Option<Span>), String> {
    let wrong = || {
        format!("\"{text}\" is no exception; write it as \"2026-12-25 closed\" or \"2026-12-24 09:00-12:00\"")
    };
    let (date, times) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let date: Date = date.parse().map_err(|_| format!("\"{date}\" is no date such as 2026-12-25"))?;
    match times.trim() {
        "closed" => Ok((date, None)),
        times => Ok((date, Some(span(times).ok_or_else(wrong)??))),
    }
}

/// None where it has not the form of a time at all.
fn span(text: &str) -> Option<Result<Span, String>> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    Some(if from < to {
        Ok(Span { from, to })
    } else {
        Err(format!(
            "\"{text}\" ends before it begins; what goes on after midnight is two lines: until 24:00, and the next day from 00:00"
        ))
    })
}

/// `08:30`, up to `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| {
        text.parse::<u16>().ok().filter(|_| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
}
