//! Generated days through the real core, against the second model: every row of every group, and the contacts behind
//! every figure.

use crate::house::{Deed, House, Lane, rules};
use crate::model::{Entry, Sums, entry, sums};
use crate::story::{Consulted, Story, Then};
use proptest::prelude::*;
use schakel_contract::views::{Figure, FiguresView, GroupBy, ShareView, TelephonyReportView};
use schakel_core::fact::ContactFact;
use schakel_core::model::time::Time;
use schakel_reports::{Behind, Finder, Period, ReportMaker};
use std::collections::{BTreeMap, BTreeSet};

/// A winter's day, the day of 25 hours, the day of 23 hours, and a summer's day; with the day after and their hours.
const DAYS: [(&str, &str, usize); 4] = [
    ("2026-11-20", "2026-11-21", 24),
    ("2026-10-25", "2026-10-26", 25),
    ("2026-03-29", "2026-03-30", 23),
    ("2026-07-01", "2026-07-02", 24),
];

fn after() -> impl Strategy<Value = Then> {
    let department = prop_oneof![Just(None), Just(Some("Burgerzaken")), Just(Some("Belastingen"))];
    let how = prop_oneof![Just(Consulted::TakesOver), Just(Consulted::TakenBack), Just(Consulted::Busy)];
    prop_oneof![
        2 => Just(Then::Ends),
        1 => (department.clone(), 1..30_u64, prop::option::weighted(0.7, 1..300_u64))
            .prop_map(|(department, ring, talk)| Then::Cold { department, ring, talk }),
        2 => (department, any::<bool>(), 1..30_u64, 1..60_u64, how, 1..300_u64).prop_map(
            |(department, by_hand, ring, consult, how, talk)| {
                Then::Warm { department, by_hand, ring, consult, how, talk }
            }
        ),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    let served = (any::<bool>(), 1..90_u64, 1..30_u64, 1..600_u64, prop::option::of(1..60_u64), after());
    prop_oneof![
        2 => (any::<bool>(), any::<bool>(), 1..40_u64)
            .prop_map(|(queue, rings, wait)| Story::GivesUp { queue, rings, wait }),
        1 => (1..60_u64).prop_map(|wait| Story::Forwarded { wait }),
        1 => (1..60_u64).prop_map(|wait| Story::TakenElsewhere { wait }),
        1 => (1..60_u64).prop_map(|wait| Story::Busy { wait }),
        6 => served.prop_map(|(queue, wait, ring, talk, hold, then)| {
            Story::Served { queue, wait, ring, talk, hold, then }
        }),
        2 => (any::<bool>(), 1..30_u64, prop::option::weighted(0.8, 1..300_u64))
            .prop_map(|(jkc, ring, talk)| Story::Dialled { jkc, ring, talk }),
        1 => (any::<bool>(), 1..30_u64, 1..300_u64)
            .prop_map(|(jkc, ring, talk)| Story::Internal { jkc, ring, talk }),
        1 => (1..30_u64, 1..300_u64).prop_map(|(ring, talk)| Story::Colleague { ring, talk }),
        1 => (any::<bool>(), 1..60_u64, 1..60_u64)
            .prop_map(|(answered, before, down)| Story::Lost { answered, before, down }),
    ]
}

/// A day: which one, and what happens at each telephone system.
type Day = (usize, Vec<LaneOfDay>);

/// Who sits at a telephone system, and what happens there, each after a pause in seconds.
type LaneOfDay = ([bool; 2], Vec<(u64, Story)>);

fn day() -> impl Strategy<Value = Day> {
    let lane = (any::<[bool; 2]>(), prop::collection::vec((60..15_000_u64, story()), 0..6));
    (0..DAYS.len(), prop::collection::vec(lane, 1..4))
}

/// Plays a day: its facts, and what the model says of it.
fn play(period: Period, lanes: &[LaneOfDay]) -> (Vec<ContactFact>, Vec<Entry>) {
    let names = |number: usize, sits: &[bool; 2]| Lane {
        name: format!("pbx-{number}"),
        queue: format!("800{}", number % 2),
        agents: [sits[0].then(|| format!("anna-{number}")), sits[1].then(|| format!("bert-{number}"))],
    };
    let houses: Vec<Lane> = lanes.iter().enumerate().map(|(number, (sits, _))| names(number, sits)).collect();
    let mut deeds: Vec<Deed> = Vec::new();
    let mut entries = Vec::new();
    for (number, (lane, (_, stories))) in houses.iter().zip(lanes).enumerate() {
        let mut start = 0;
        for (index, (pause, story)) in stories.iter().enumerate() {
            start += pause;
            let moment = period.from.0 + start * 1_000;
            if moment >= period.to.0 {
                break;
            }
            deeds.extend(story.deeds(lane, number * 100 + index, moment));
            entries.push(entry(story, lane, (start / 3_600) as usize));
            start += story.length();
        }
    }
    let mut house = House::new(&houses, period.from.0 - 60_000);
    house.play(deeds);
    (house.facts.into_values().collect(), entries)
}

fn reported(facts: &[ContactFact], period: Period, group_by: GroupBy) -> TelephonyReportView {
    let mut maker = ReportMaker::new(period, group_by, rules(), BTreeSet::new()).unwrap();
    facts.iter().for_each(|fact| maker.add(fact));
    maker.finish(Time(u64::MAX)).unwrap()
}

/// The figures as the model has them.
fn plain(figures: &FiguresView) -> Sums {
    let seconds = |view: schakel_contract::views::DurationView| {
        (view.contacts, view.total_seconds.round() as u64, view.held_seconds.round() as u64)
    };
    let outbound = figures.contacts - figures.received - figures.internal - figures.second_legs;
    let outcomes = [
        ("answered", figures.answered.number),
        ("abandoned", figures.abandoned.number),
        ("shortAbandoned", figures.rest.short_abandoned),
        ("overflowed", figures.rest.overflowed),
        ("answeredElsewhere", figures.rest.answered_elsewhere),
        ("notCompleted", figures.rest.not_completed),
        ("unknown", figures.rest.unknown),
        ("internal", figures.internal),
        ("outbound", outbound),
    ];
    Sums {
        contacts: figures.contacts,
        reconstructed: figures.reconstructed,
        by_outcome: outcomes.into_iter().filter(|(_, number)| *number > 0).collect(),
        inbound: seconds(figures.duration_inbound),
        outbound: seconds(figures.duration_outbound),
        transferred: figures.transferred.contacts.number,
        transferred_outbound: figures.transferred.outbound_contacts,
        warm: figures.transferred.warm,
        cold: figures.transferred.cold,
        started: figures.started_from_jkc,
        departments: figures
            .departments
            .iter()
            .map(|row| (row.department.clone(), row.transfers.number))
            .collect(),
    }
}

/// What always holds, whatever happened.
fn adds_up(figures: &FiguresView) {
    let rest = figures.rest;
    let beside =
        rest.short_abandoned + rest.overflowed + rest.answered_elsewhere + rest.not_completed + rest.unknown;
    assert_eq!(figures.received, figures.answered.number + figures.abandoned.number + beside);
    assert_eq!(
        figures.answered.number,
        figures.transferred.contacts.number + figures.handled_without_transfer.number
    );
    let transfers = figures.transferred.transfers;
    assert_eq!(transfers, figures.transferred.warm + figures.transferred.cold);
    assert_eq!(transfers, figures.departments.iter().map(|row| row.transfers.number).sum::<u64>());
    let both = (figures.duration_inbound.contacts, figures.duration_outbound.contacts);
    assert_eq!(figures.duration.contacts, both.0 + both.1);
    let share = |share: ShareView, of: u64| match share.percentage {
        None => assert_eq!(of, 0),
        Some(percentage) => {
            let exact = share.number as f64 * 100.0 / of as f64;
            assert!((percentage - exact).abs() <= 0.050_000_1, "{share:?} of {of}");
        }
    };
    share(figures.answered, figures.received);
    share(figures.abandoned, figures.received);
    share(figures.transferred.contacts, figures.answered.number);
    share(figures.handled_without_transfer, figures.answered.number);
    figures.departments.iter().for_each(|row| share(row.transfers, transfers));
    match figures.duration.mean_seconds {
        None => assert_eq!(figures.duration.contacts, 0),
        Some(mean) => {
            let exact = figures.duration.total_seconds / figures.duration.contacts as f64;
            assert!((mean - exact).abs() <= 0.050_000_1);
        }
    }
}

/// The contacts behind a figure are as many as the figure says.
fn drilled(
    facts: &[ContactFact],
    period: Period,
    group_by: GroupBy,
    row: Option<Option<String>>,
    figures: &FiguresView,
) {
    let count = |figure, department: Option<String>| {
        let behind = Behind { figure, department, group_by, row: row.clone() };
        let finder = Finder::new(period, behind, rules(), BTreeSet::new()).unwrap();
        facts.iter().filter_map(|fact| finder.find(fact)).count() as u64
    };
    let expected = [
        (Figure::Contacts, figures.contacts),
        (Figure::Received, figures.received),
        (Figure::Answered, figures.answered.number),
        (Figure::Abandoned, figures.abandoned.number),
        (Figure::ShortAbandoned, figures.rest.short_abandoned),
        (Figure::Overflowed, figures.rest.overflowed),
        (Figure::AnsweredElsewhere, figures.rest.answered_elsewhere),
        (Figure::NotCompleted, figures.rest.not_completed),
        (Figure::Unknown, figures.rest.unknown),
        (Figure::Conversation, figures.duration.contacts),
        (Figure::Transferred, figures.transferred.contacts.number),
        (Figure::TransferredOutbound, figures.transferred.outbound_contacts),
        (Figure::HandledWithoutTransfer, figures.handled_without_transfer.number),
        (Figure::StartedFromJkc, figures.started_from_jkc),
        (Figure::Reconstructed, figures.reconstructed),
        (Figure::Internal, figures.internal),
        (Figure::SecondLeg, figures.second_legs),
    ];
    for (figure, number) in expected {
        assert_eq!(count(figure, None), number, "{figure:?} of {row:?}");
    }
    // No story hands a customer over twice, so contacts and transfers are as many.
    for department in &figures.departments {
        assert_eq!(count(Figure::Department, department.department.clone()), department.transfers.number);
    }
}

/// The model's rows of a group.
fn expected(entries: &[Entry], group_by: GroupBy, hours: usize) -> Vec<(Option<String>, Sums)> {
    let mut named: BTreeMap<(bool, Option<String>), Vec<Entry>> = BTreeMap::new();
    let mut put = |key: Option<String>, entry: Entry| {
        named.entry((key.is_none(), key)).or_default().push(entry);
    };
    match group_by {
        GroupBy::None => {}
        GroupBy::Day => return vec![(None, sums(entries.iter()))],
        GroupBy::Hour => {
            let of = |hour| sums(entries.iter().filter(move |entry| entry.hour == hour));
            return (0..hours).map(|hour| (None, of(hour))).collect();
        }
        GroupBy::Queue => entries.iter().for_each(|entry| put(entry.queue.clone(), entry.clone())),
        GroupBy::Agent => {
            for entry in entries {
                let agents = entry.agents();
                agents.iter().for_each(|agent| put(Some(agent.clone()), entry.of_agent(agent)));
                if agents.is_empty() {
                    put(None, entry.clone());
                }
            }
        }
        GroupBy::Department => {
            for entry in entries {
                let departments: BTreeSet<_> = entry.transfers.iter().map(|(_, to, _)| to.clone()).collect();
                for department in &departments {
                    put(department.clone(), entry.of_department(department));
                }
                if departments.is_empty() {
                    put(None, entry.clone());
                }
            }
        }
    }
    named.into_iter().map(|((_, key), entries)| (key, sums(entries.iter()))).collect()
}

fn check((which, lanes): Day) {
    let (from, to, hours) = DAYS[which];
    let period = Period::between(from, to, &rules()).unwrap();
    let (facts, entries) = play(period, &lanes);
    for group_by in GroupBy::ALL.iter().copied() {
        let report = reported(&facts, period, group_by);
        adds_up(&report.total);
        assert_eq!(plain(&report.total), sums(entries.iter()), "the total");
        drilled(&facts, period, group_by, None, &report.total);
        let expected = expected(&entries, group_by, hours);
        assert_eq!(report.rows.len(), expected.len(), "rows by {group_by:?}");
        for (row, (key, sums)) in report.rows.iter().zip(expected) {
            adds_up(&row.figures);
            let by_time = matches!(group_by, GroupBy::Day | GroupBy::Hour);
            assert!(by_time || row.key == key, "{:?} is not {key:?}", row.key);
            assert_eq!(plain(&row.figures), sums, "{group_by:?} {:?}", row.key);
            if row.figures.contacts > 0 {
                drilled(&facts, period, group_by, Some(row.key.clone()), &row.figures);
            }
        }
        // The same facts give the same figures, in whatever order they come.
        let mut backwards = facts.clone();
        backwards.reverse();
        assert_eq!(reported(&backwards, period, group_by), report);
        // Without agents every total stays.
        backwards.iter_mut().for_each(ContactFact::anonymise);
        assert_eq!(reported(&backwards, period, group_by).total, report.total);
    }
}

proptest! {
    // `PROPTEST_CASES` raises it: two thousand days take a quarter of a minute.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_000), ..ProptestConfig::default() })]

    #[test]
    fn t17_to_t24_generated_days_are_what_a_simpler_model_says(day in day()) {
        check(day);
    }
}
