//! To which groups a contact belongs.

use crate::counted::{Counted, View};
use crate::period::{Period, local, start_of};
use crate::rules::Rules;
use schakel_contract::views::GroupBy;
use schakel_core::fact::ContactFact;
use schakel_core::model::ids::{AgentId, Str};
use schakel_core::model::time::Time;

/// Rows of one report at most.
pub const ROWS_MAX: usize = 10_000;

/// The report would have more rows than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report would have more than {ROWS_MAX} rows; ask for a shorter period, or group it otherwise")]
pub struct TooManyRows;

/// A local day or hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) key: String,
    pub(crate) from: Time,
    pub(crate) to: Time,
}

/// The local days of a period; of the first and the last as much as is in it.
pub(crate) fn days(period: Period, rules: &Rules) -> Result<Vec<Slot>, TooManyRows> {
    let mut date = local(period.from, rules).date();
    let mut slots = Vec::new();
    while let (Some(from), Ok(next)) = (start_of(date, rules), date.tomorrow()) {
        let Some(to) = start_of(next, rules).filter(|_| from < period.to) else { break };
        // A day that its zone skipped has no moment.
        if from < to {
            push(&mut slots, date.to_string(), from, to, period)?;
        }
        date = next;
    }
    Ok(slots)
}

/// The local hours of a period. The hour that comes twice in October is two, told apart by their offsets.
pub(crate) fn hours(period: Period, rules: &Rules) -> Result<Vec<Slot>, TooManyRows> {
    const HOUR: u64 = 3_600_000;
    let mut from = period.from;
    let mut slots = Vec::new();
    while from < period.to {
        let at = local(from, rules);
        let offset = i64::from(at.offset().seconds()) * 1_000;
        // How far the local clock has gone into its hour.
        let gone = i64::try_from(from.0).unwrap_or(i64::MAX).saturating_add(offset).rem_euclid(HOUR as i64);
        let to = Time(from.0 + HOUR - gone.unsigned_abs());
        let key = at.strftime("%Y-%m-%dT%H:00%:z").to_string();
        push(&mut slots, key, from, to, period)?;
        from = to;
    }
    Ok(slots)
}

/// The slot of a moment.
pub(crate) fn slot_of(slots: &[Slot], at: Time) -> Option<usize> {
    let index = slots.partition_point(|slot| slot.from <= at).checked_sub(1)?;
    slots.get(index).filter(|slot| at < slot.to).map(|_| index)
}

/// Gives a contact to each group that it belongs to by name, with the view of that group.
pub(crate) fn each_named<'a>(
    counted: Counted<'a>,
    group_by: GroupBy,
    mut give: impl FnMut(Option<&'a Str>, Counted<'a>),
) {
    let fact = counted.fact;
    match group_by {
        GroupBy::None | GroupBy::Day | GroupBy::Hour => {}
        GroupBy::Queue => give(fact.queue.as_ref().map(|queue| queue.as_shared()), counted),
        GroupBy::Agent => {
            let agents = agents_of(counted);
            for agent in &agents {
                give(Some(agent.as_shared()), counted.seen(View::Agent(agent)));
            }
            if agents.is_empty() {
                give(None, counted);
            }
        }
        GroupBy::Department => {
            let mut departments: Vec<Option<&Str>> =
                counted.transfers().map(|transfer| transfer.department.as_ref()).collect();
            departments.sort_unstable();
            departments.dedup();
            for department in &departments {
                give(*department, counted.seen(View::Department(*department)));
            }
            if departments.is_empty() {
                give(None, counted);
            }
        }
    }
}

/// The agents who had the customer, or who dialled, each once, in the order in which they came.
fn agents_of<'a>(counted: Counted<'a>) -> Vec<&'a AgentId> {
    let fact: &'a ContactFact = counted.fact;
    let mut agents: Vec<&AgentId> = Vec::new();
    let took_part = fact.legs.iter().filter(|leg| leg.spoke() || leg.dialled);
    for agent in took_part.filter_map(|leg| leg.agent.as_ref()) {
        if !agents.contains(&agent) {
            agents.push(agent);
        }
    }
    agents
}

fn push(slots: &mut Vec<Slot>, key: String, from: Time, to: Time, period: Period) -> Result<(), TooManyRows> {
    if slots.len() >= ROWS_MAX {
        return Err(TooManyRows);
    }
    slots.push(Slot { key, from: from.max(period.from), to: to.min(period.to) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(slots: &[Slot]) -> Vec<&str> {
        slots.iter().map(|slot| slot.key.as_str()).collect()
    }

    fn period(from: &str, to: &str) -> Period {
        Period::between(from, to, &Rules::default()).unwrap()
    }

    #[test]
    fn the_hour_that_comes_twice_is_two_and_the_one_that_is_skipped_is_none() {
        let october = hours(period("2026-10-25", "2026-10-26"), &Rules::default()).unwrap();
        assert_eq!(october.len(), 25);
        let night = [
            "2026-10-25T01:00+02:00",
            "2026-10-25T02:00+02:00",
            "2026-10-25T02:00+01:00",
            "2026-10-25T03:00+01:00",
        ];
        assert_eq!(keys(&october)[1..5], night);
        assert!(october.windows(2).all(|pair| pair[0].to == pair[1].from));
        let march = hours(period("2026-03-29", "2026-03-30"), &Rules::default()).unwrap();
        assert_eq!(march.len(), 23);
        assert_eq!(keys(&march)[1..3], ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"]);
    }

    #[test]
    fn days_have_23_24_and_25_hours() {
        let length = |from, to| {
            let days = days(period(from, to), &Rules::default()).unwrap();
            days.iter().map(|day| (day.to - day.from).0 / 3_600_000).collect::<Vec<_>>()
        };
        assert_eq!(length("2026-10-24", "2026-10-27"), [24, 25, 24]);
        assert_eq!(length("2026-03-28", "2026-03-31"), [24, 23, 24]);
    }

    #[test]
    fn a_period_that_begins_within_a_day_has_as_much_of_it_as_there_is() {
        let part = period("2026-11-20T13:30:00+01:00", "2026-11-21T01:15:00+01:00");
        let days = days(part, &Rules::default()).unwrap();
        assert_eq!(keys(&days), ["2026-11-20", "2026-11-21"]);
        assert_eq!((days[0].from, days[1].to), (part.from, part.to));
        let hours = hours(part, &Rules::default()).unwrap();
        assert_eq!((keys(&hours)[0], hours.len()), ("2026-11-20T13:00+01:00", 13));
        assert_eq!((hours[0].from, hours[12].to), (part.from, part.to));
    }

    #[test]
    fn every_moment_is_in_one_slot_also_where_the_clock_moves_by_half_an_hour() {
        let rules = Rules::new("Australia/Lord_Howe", 5, 5).unwrap();
        let period = Period::between("2026-04-04", "2026-04-06", &rules).unwrap();
        for slots in [hours(period, &rules).unwrap(), days(period, &rules).unwrap()] {
            assert_eq!((slots[0].from, slots[slots.len() - 1].to), (period.from, period.to));
            assert!(slots.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].key != pair[1].key));
            assert_eq!(slot_of(&slots, period.from), Some(0));
            assert_eq!(slot_of(&slots, period.to), None);
        }
    }

    #[test]
    fn too_many_rows_are_refused() {
        let long = period("2020-01-01", "2026-01-01");
        assert_eq!(hours(long, &Rules::default()), Err(TooManyRows));
        assert_eq!(days(long, &Rules::default()).map(|days| days.len()), Ok(2192));
    }
}
