//! An example of every definition: what happens at the telephone system, and what the reports make of it.

use crate::house::{House, Lane, rules};
use crate::story::{Consulted, Story, Then};
use schakel_contract::views::{Figure, FiguresView, GroupBy, ShareView, TelephonyReportView};
use schakel_core::fact::{ContactFact, Merged};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::ContactId;
use schakel_core::model::time::Time;
use schakel_reports::{Behind, Finder, Outcome, Period, ReportMaker, Rules, Standing, standing, under_way};
use std::collections::BTreeSet;

/// Ten in the morning of a winter's day.
const TEN: u64 = 1_795_165_200_000;

fn lane() -> Lane {
    Lane {
        name: "pbx".into(),
        queue: "8000".into(),
        agents: [Some("anna".to_owned()), Some("bert".to_owned())],
    }
}

fn day() -> Period {
    Period::between("2026-11-20", "2026-11-21", &rules()).unwrap()
}

/// The facts of stories, each an hour after the one before, at one telephone system.
fn facts_at(lane: &Lane, stories: &[Story]) -> Vec<ContactFact> {
    let mut house = House::new(std::slice::from_ref(lane), TEN - 60_000);
    let begins = |number: usize| TEN + number as u64 * 3_600_000;
    let deeds = stories.iter().enumerate().flat_map(|(at, story)| story.deeds(lane, at, begins(at)));
    house.play(deeds.collect());
    let mut facts: Vec<ContactFact> = house.facts.into_values().collect();
    facts.sort_by_key(|fact| fact.received);
    facts
}

pub fn facts(stories: &[Story]) -> Vec<ContactFact> {
    facts_at(&lane(), stories)
}

pub fn report(facts: &[ContactFact], group_by: GroupBy) -> TelephonyReportView {
    let mut maker = ReportMaker::new(day(), group_by, rules(), BTreeSet::new()).unwrap();
    facts.iter().for_each(|fact| maker.add(fact));
    maker.finish(Time(u64::MAX)).unwrap()
}

fn total(stories: &[Story]) -> FiguresView {
    report(&facts(stories), GroupBy::None).total
}

fn outcome(story: Story) -> Standing {
    standing(&facts(&[story])[0], &rules())
}

pub fn served(then: Then) -> Story {
    Story::Served { queue: true, wait: 20, ring: 5, talk: 100, hold: None, then }
}

pub fn warm(how: Consulted) -> Then {
    Then::Warm { department: Some("Burgerzaken"), by_hand: false, ring: 5, consult: 10, how, talk: 60 }
}

#[test]
fn t17_received_is_every_call_of_a_customer_once() {
    // Queue, two telephones and two colleagues: one contact. A colleague's call, and our own calls, are none.
    let stories = [
        served(warm(Consulted::TakesOver)),
        Story::GivesUp { queue: true, rings: true, wait: 30 },
        Story::Internal { jkc: false, ring: 5, talk: 60 },
        Story::Colleague { ring: 5, talk: 60 },
        Story::Dialled { jkc: true, ring: 5, talk: Some(60) },
    ];
    let figures = total(&stories);
    assert_eq!((figures.received, figures.contacts, figures.internal), (2, 5, 2));
}

#[test]
fn t17_received_is_answered_and_abandoned_and_the_documented_rest() {
    let stories = [
        (served(Then::Ends), Outcome::Answered),
        (Story::GivesUp { queue: true, rings: false, wait: 30 }, Outcome::Abandoned),
        (Story::GivesUp { queue: false, rings: false, wait: 4 }, Outcome::ShortAbandoned),
        (Story::Forwarded { wait: 20 }, Outcome::Overflowed),
        (Story::TakenElsewhere { wait: 20 }, Outcome::AnsweredElsewhere),
        (Story::Busy { wait: 2 }, Outcome::NotCompleted),
        (Story::Lost { answered: false, before: 10, down: 10 }, Outcome::Unknown),
    ];
    for (story, expected) in &stories {
        assert_eq!(outcome(story.clone()), Standing::Received(*expected), "{story:?}");
    }
    let figures = total(&stories.map(|(story, _)| story));
    assert_eq!(figures.received, 7);
    assert_eq!((figures.answered.number, figures.abandoned.number), (1, 1));
    let rest = figures.rest;
    assert_eq!((rest.short_abandoned, rest.overflowed, rest.answered_elsewhere), (1, 1, 1));
    assert_eq!((rest.not_completed, rest.unknown), (1, 1));
}

#[test]
fn t18_answered_is_a_person_and_not_the_music_of_a_queue() {
    let figures = total(&[served(Then::Ends), Story::GivesUp { queue: true, rings: true, wait: 30 }]);
    assert_eq!(figures.answered, ShareView { number: 1, percentage: Some(50.0) });
    // Nobody whom JKC knows sits there: answered all the same, but no conversation of JKC's own.
    let nobody = Lane { agents: [None, None], ..lane() };
    let figures = report(&facts_at(&nobody, &[served(Then::Ends)]), GroupBy::None).total;
    assert_eq!((figures.answered.number, figures.duration.contacts), (1, 0));
    assert_eq!(figures.duration.mean_seconds, None);
}

#[test]
fn t19_abandoned_begins_at_the_threshold_and_without_one_at_once() {
    let waits = |seconds| outcome(Story::GivesUp { queue: false, rings: false, wait: seconds });
    assert_eq!(waits(4), Standing::Received(Outcome::ShortAbandoned));
    assert_eq!(waits(5), Standing::Received(Outcome::Abandoned));
    let fact = &facts(&[Story::GivesUp { queue: false, rings: false, wait: 1 }])[0];
    assert_eq!(standing(fact, &Rules::default()), Standing::Received(Outcome::Abandoned));
}

#[test]
fn t19_who_waits_in_a_queue_when_a_telephone_is_busy_has_abandoned() {
    let mut fact = facts(&[Story::GivesUp { queue: true, rings: true, wait: 30 }]).remove(0);
    fact.failed = Some(Cause::Busy);
    assert_eq!(standing(&fact, &rules()), Standing::Received(Outcome::Abandoned));
    fact.legs.retain(|leg| leg.device != "8000".into());
    assert_eq!(standing(&fact, &rules()), Standing::Received(Outcome::NotCompleted));
}

#[test]
fn t20_a_conversation_lasts_from_having_the_customer_to_letting_him_go() {
    // 100 s spoken after 30 s of hold; waiting and ringing are not part of it.
    let story = Story::Served { queue: true, wait: 40, ring: 8, talk: 100, hold: Some(30), then: Then::Ends };
    let figures = total(&[story]);
    assert_eq!((figures.duration.total_seconds, figures.duration.held_seconds), (130.0, 30.0));
    // The colleague's part counts from when he got the customer: 100 + 5 + 10 of anna, 60 of bert.
    let figures = total(&[served(warm(Consulted::TakesOver))]);
    assert_eq!((figures.duration.contacts, figures.duration.total_seconds), (1, 175.0));
    // A call that we made counts from the customer's answer; one that nobody answered does not count.
    let dialled = |talk| Story::Dialled { jkc: true, ring: 20, talk };
    let figures = total(&[dialled(Some(50)), dialled(None), served(Then::Ends)]);
    assert_eq!((figures.duration.contacts, figures.duration.mean_seconds), (2, Some(75.0)));
    assert_eq!(figures.duration_inbound.mean_seconds, Some(100.0));
    assert_eq!(figures.duration_outbound.mean_seconds, Some(50.0));
}

#[test]
fn t20_two_agents_at_once_count_once() {
    let mut fact = facts(&[served(Then::Ends)]).remove(0);
    let mut second = fact.legs.iter().find(|leg| leg.spoke()).unwrap().clone();
    second.agent = Some("bert".into());
    second.answered = second.answered.map(|at| Time(at.0 + 40_000));
    fact.legs.push(second);
    let by_agent = report(std::slice::from_ref(&fact), GroupBy::Agent);
    assert_eq!(by_agent.total.duration.total_seconds, 100.0);
    let rows: Vec<_> =
        by_agent.rows.iter().map(|row| (row.key.as_deref(), row.figures.duration.total_seconds)).collect();
    assert_eq!(rows, [(Some("anna"), 100.0), (Some("bert"), 60.0)]);
}

#[test]
fn t21_transferred_is_completed_warm_or_cold_and_not_taken_back() {
    let cold = |talk| Then::Cold { department: None, ring: 5, talk };
    let stories = [
        served(warm(Consulted::TakesOver)),
        served(cold(Some(60))),
        served(cold(None)),
        served(warm(Consulted::TakenBack)),
        served(warm(Consulted::Busy)),
    ];
    let transferred = total(&stories).transferred;
    assert_eq!(transferred.contacts, ShareView { number: 2, percentage: Some(40.0) });
    assert_eq!((transferred.transfers, transferred.warm, transferred.cold), (2, 1, 1));
}

#[test]
fn t22_handled_without_transfer_is_the_rest_of_those_answered() {
    let stories = [
        served(warm(Consulted::TakesOver)),
        served(warm(Consulted::TakenBack)),
        served(Then::Ends),
        Story::GivesUp { queue: true, rings: false, wait: 30 },
    ];
    let figures = total(&stories);
    assert_eq!(figures.handled_without_transfer, ShareView { number: 2, percentage: Some(66.7) });
}

#[test]
fn t23_started_from_jkc_is_a_dial_command_and_not_a_hand_at_the_telephone() {
    let dialled = |jkc, talk| Story::Dialled { jkc, ring: 10, talk };
    let stories = [
        dialled(true, Some(60)),
        dialled(true, None),
        dialled(false, Some(60)),
        Story::Internal { jkc: true, ring: 5, talk: 60 },
        served(warm(Consulted::TakesOver)),
    ];
    assert_eq!(total(&stories).started_from_jkc, 3);
}

#[test]
fn t24_transfers_are_counted_by_the_department_that_was_chosen() {
    let to = |department| served(Then::Cold { department, ring: 5, talk: Some(60) });
    let by_hand = Then::Warm {
        department: None,
        by_hand: true,
        ring: 5,
        consult: 10,
        how: Consulted::TakesOver,
        talk: 60,
    };
    let stories =
        [to(Some("Burgerzaken")), to(Some("Burgerzaken")), to(Some("Belastingen")), served(by_hand)];
    let figures = total(&stories);
    let rows: Vec<_> = figures
        .departments
        .iter()
        .map(|row| (row.department.as_deref(), row.transfers.number, row.transfers.percentage))
        .collect();
    let expected =
        [(Some("Belastingen"), 1, Some(25.0)), (Some("Burgerzaken"), 2, Some(50.0)), (None, 1, Some(25.0))];
    assert_eq!(rows, expected);
}

#[test]
fn a_reconstructed_call_counts_and_is_marked() {
    let figures = total(&[Story::Lost { answered: true, before: 10, down: 30 }, served(Then::Ends)]);
    assert_eq!((figures.received, figures.answered.number, figures.reconstructed), (2, 2, 1));
}

#[test]
fn a_second_leg_of_the_same_caller_is_no_second_call() {
    let mut both = facts(&[served(Then::Ends), served(Then::Ends)]);
    both[1].merged = Some(Merged { into: both[0].contact, same_caller: true });
    let figures = report(&both, GroupBy::None).total;
    assert_eq!((figures.received, figures.second_legs), (1, 1));
    // Two customers in one conference are two.
    both[1].merged = Some(Merged { into: both[0].contact, same_caller: false });
    assert_eq!(report(&both, GroupBy::None).total.received, 2);
}

#[test]
fn the_doubled_hour_is_two_rows_and_midnight_belongs_to_the_day_that_begins() {
    let one = facts(&[served(Then::Ends)]).remove(0);
    // 02:30 summer time, 02:30 winter time, and the two midnights of Sunday 25 October 2026.
    let moments = [1_792_888_200_000, 1_792_891_800_000, 1_792_879_200_000, 1_792_969_200_000];
    let period = Period::between("2026-10-25", "2026-10-26", &rules()).unwrap();
    let of = |group_by| {
        let mut maker = ReportMaker::new(period, group_by, rules(), BTreeSet::new()).unwrap();
        for (at, moment) in moments.into_iter().enumerate() {
            maker.add(&ContactFact { contact: ContactId(at as u128), received: Time(moment), ..one.clone() });
        }
        maker.finish(Time(u64::MAX)).unwrap()
    };
    let hours = of(GroupBy::Hour);
    let counted: Vec<_> = hours.rows.iter().filter(|row| row.figures.received > 0).collect();
    let keys: Vec<_> = counted.iter().filter_map(|row| row.key.as_deref()).collect();
    assert_eq!(keys, ["2026-10-25T00:00+02:00", "2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]);
    let days = of(GroupBy::Day);
    assert_eq!((days.rows.len(), days.total.received), (1, 3), "the second midnight is the next day's");
}

#[test]
fn what_goes_on_is_told_and_in_no_figure() {
    let lane = lane();
    let mut house = House::new(std::slice::from_ref(&lane), TEN - 60_000);
    let mut deeds = Story::GivesUp { queue: false, rings: false, wait: 30 }.deeds(&lane, 0, TEN);
    let mut open = served(Then::Ends).deeds(&lane, 1, TEN + 60_000);
    open.pop();
    deeds.append(&mut open);
    house.play(deeds);
    let going_on = under_way(&house.state, day());
    assert_eq!(going_on.len(), 1);
    let made = |now| {
        let mut maker = ReportMaker::new(day(), GroupBy::None, rules(), going_on.clone()).unwrap();
        house.facts.values().for_each(|fact| maker.add(fact));
        maker.finish(now).unwrap()
    };
    let report = made(Time(u64::MAX));
    assert_eq!((report.under_way, report.complete, report.total.received), (1, false, 1));
    let other_day = Period::between("2026-11-21", "2026-11-22", &rules()).unwrap();
    assert!(under_way(&house.state, other_day).is_empty());
    // A day that is not over is not complete either.
    let mut maker = ReportMaker::new(day(), GroupBy::None, rules(), BTreeSet::new()).unwrap();
    house.facts.values().for_each(|fact| maker.add(fact));
    assert!(!maker.finish(Time(TEN)).unwrap().complete);
}

#[test]
fn a_contact_behind_a_figure_is_shown_without_the_customer() {
    let fact = facts(&[served(warm(Consulted::TakesOver))]).remove(0);
    let behind = Behind {
        figure: Figure::Department,
        department: Some("Burgerzaken".into()),
        group_by: GroupBy::Queue,
        row: Some(Some("8000".into())),
    };
    let finder = Finder::new(day(), behind.clone(), rules(), BTreeSet::new()).unwrap();
    let shown = finder.find(&fact).unwrap();
    assert_eq!((shown.counted_as.as_str(), shown.queue.as_deref()), ("answered", Some("8000")));
    assert_eq!((shown.agents, shown.transfers), (vec!["anna".to_owned(), "bert".to_owned()], 1));
    let elsewhere = Behind { row: Some(None), ..behind.clone() };
    let finder = Finder::new(day(), elsewhere, rules(), BTreeSet::new()).unwrap();
    assert_eq!(finder.find(&fact), None);
    let no_row = Behind { group_by: GroupBy::Day, row: Some(Some("gisteren".into())), ..behind };
    let error = Finder::new(day(), no_row, rules(), BTreeSet::new()).unwrap_err();
    assert!(error.to_string().contains("gisteren"));
}
