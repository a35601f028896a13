//! Reports: the facts of a million contacts, written as the engine writes them, and reported on from the journal, beside
//! a bare scan of the table that looks at every byte.
//!
//! `bench-report FOLDER` keeps its journal below that folder; `--quick` has a twentieth of the contacts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "an error ends the benchmark")]

use schakel_api::telephony;
use schakel_bench::table::{median, row};
use schakel_contract::views::{Figure, GroupBy};
use schakel_core::fact::{ContactFact, LegFact, TransferFact};
use schakel_core::model::call::Direction;
use schakel_core::model::cause::Cause;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::ids::ContactId;
use schakel_core::model::time::{Millis, Time};
use schakel_core::model::transfer::{TransferKind, TransferState};
use schakel_engine::{decode_fact, encode_fact};
use schakel_journal::{Batch, Options, Reader, Store};
use schakel_reports::{Behind, Finder, Period, ReportMaker, Rules};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

const CONTACTS: u64 = 1_000_000;
const QUICK: u64 = 50_000;
/// Interleaved rounds.
const ROUNDS: usize = 5;
/// Facts in one transaction: a busy second of the engine.
const BATCH: u64 = 500;
/// Contacts of one day: a large municipality's.
const A_DAY: u64 = 4_000;
const DAY: u64 = 24 * 3_600_000;
/// 1 January 2026, midnight in Amsterdam.
const FIRST: u64 = 1_767_222_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.iter().find(|argument| !argument.starts_with("--")).expect("give a folder");
    let contacts = if arguments.iter().any(|argument| argument == "--quick") { QUICK } else { CONTACTS };
    let folder = tempfile::tempdir_in(folder).expect("a folder to write in");
    let path = folder.path().join("journal.db");
    write(&path, contacts);
    let kept = std::fs::metadata(&path).expect("the journal").len();
    row("reports: contacts", contacts as f64, "of 4,000 a day");
    row("reports: a fact on the disk", kept as f64 / contacts as f64, "bytes");
    let reader = Reader::open(&path).expect("the journal");
    let period = Period::of(Time(FIRST), Time(FIRST + (contacts / A_DAY + 1) * DAY)).expect("a period");
    let kinds = [GroupBy::None, GroupBy::Day, GroupBy::Queue, GroupBy::Department, GroupBy::Agent];
    let (mut floor, mut decoded) = (Vec::new(), Vec::new());
    let mut made: Vec<Vec<f64>> = vec![Vec::new(); kinds.len()];
    for _ in 0..ROUNDS {
        floor.push(seconds(|| {
            black_box(scan(&reader, |bytes| bytes.iter().map(|byte| u64::from(*byte)).sum()))
        }));
        decoded.push(seconds(|| {
            black_box(scan(&reader, |bytes| decode_fact(bytes).expect("a fact").legs.len() as u64))
        }));
        for (group_by, times) in kinds.iter().zip(&mut made) {
            times.push(seconds(|| {
                let maker = ReportMaker::new(period, *group_by, Rules::default(), BTreeSet::new());
                let report = telephony::report(&reader, period, maker.expect("rows"), Time(u64::MAX));
                assert_eq!(report.expect("a report").total.contacts, contacts);
            }));
        }
    }
    let floor = median(&mut floor);
    row("reports: scan of the table (floor)", floor * 1e3, "ms");
    row("reports: scan and decode", median(&mut decoded) * 1e3, "ms");
    for (group_by, times) in kinds.iter().zip(&mut made) {
        let time = median(times);
        row(&format!("reports: by {}", group_by.as_str()), time * 1e3, "ms");
        row(&format!("reports: by {} / floor", group_by.as_str()), time / floor, "×");
    }
    drill(&reader, period);
}

/// A day's report, and a page of contacts behind a figure of the last day.
fn drill(reader: &Reader, period: Period) {
    let day = Period::of(Time(period.to.0 - 2 * DAY), Time(period.to.0 - DAY)).expect("a day");
    let (mut of_day, mut page) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS * 5 {
        of_day.push(seconds(|| {
            let maker = ReportMaker::new(day, GroupBy::Hour, Rules::default(), BTreeSet::new());
            let report = telephony::report(reader, day, maker.expect("rows"), Time(u64::MAX));
            assert!(report.expect("a report").total.contacts > 0);
        }));
        page.push(seconds(|| {
            let behind =
                Behind { figure: Figure::Abandoned, department: None, group_by: GroupBy::None, row: None };
            let finder = Finder::new(day, behind, Rules::default(), BTreeSet::new()).expect("a finder");
            assert_eq!(telephony::found(reader, &finder, None, 100).expect("a page").items.len(), 100);
        }));
    }
    row("reports: one day by hour", median(&mut of_day) * 1e3, "ms");
    row("reports: 100 contacts behind a figure of a day", median(&mut page) * 1e3, "ms");
}

fn write(path: &Path, contacts: u64) {
    let (store, _) = Store::open(path, Options::default()).expect("a journal");
    let begin = Instant::now();
    let mut waiting = Vec::new();
    for first in (0..contacts).step_by(BATCH as usize) {
        let facts = (first..(first + BATCH).min(contacts)).map(|at| encode_fact(&fact(at))).collect();
        waiting.push(store.append(Batch { facts, ..Batch::default() }));
        if waiting.len() == 64 {
            waiting.drain(..).for_each(|answer| answer.wait().expect("appended"));
        }
    }
    waiting.drain(..).for_each(|answer| answer.wait().expect("appended"));
    row("reports: facts written, durable", contacts as f64 / begin.elapsed().as_secs_f64(), "facts/s");
}

/// Every byte of every fact, through `each`.
fn scan(reader: &Reader, each: impl Fn(&[u8]) -> u64) -> u64 {
    let mut sum = 0;
    reader
        .each_fact(0..i64::MAX, None, |row| {
            sum += each(row.bytes);
            ControlFlow::Continue(())
        })
        .expect("the facts");
    sum
}

/// One in ten gives up in the queue, one in six is handed over.
fn fact(at: u64) -> ContactFact {
    let received = Time(FIRST + at / A_DAY * DAY + at % A_DAY * (DAY / A_DAY));
    let (gives_up, handed_over) = (at.is_multiple_of(10), at % 6 == 1);
    let ended = Time(received.0 + if gives_up { 60_000 } else { 240_000 });
    let leg = |device: &str, kind, answered: Option<u64>, from, to| LegFact {
        device: device.into(),
        kind,
        dialled: false,
        agent: (kind == DeviceKind::Station).then(|| format!("agent-{}", at % 40).as_str().into()),
        through_jkc: kind == DeviceKind::Station,
        arrived: Time(received.0 + from),
        answered: answered.map(|span| Time(received.0 + span)),
        left: Time(received.0 + to),
        held: Millis(if handed_over { 10_000 } else { 0 }),
        cause: Cause::NormalClearing,
    };
    let queue = ["8000", "8001", "8002"][at as usize % 3];
    let mut legs = vec![leg(queue, DeviceKind::Queue, None, 0, if gives_up { 60_000 } else { 30_000 })];
    if !gives_up {
        legs.push(leg("2001", DeviceKind::Station, Some(30_000), 25_000, 240_000));
    }
    let transfer = TransferFact {
        kind: TransferKind::Warm,
        state: TransferState::Completed,
        device: "2001".into(),
        agent: Some("agent-1".into()),
        through_jkc: true,
        to_device: Some("2090".into()),
        department: Some(
            ["Burgerzaken", "Belastingen", "Werk en inkomen", "Omgeving"][at as usize / 7 % 4].into(),
        ),
        by_hand: false,
        started: Time(received.0 + 100_000),
        ended: Some(Time(received.0 + 120_000)),
    };
    ContactFact {
        // As the core makes them: the time, then chance.
        contact: ContactId(u128::from(received.0) << 80 | u128::from(at.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        provider: "pbx".into(),
        direction: Direction::Inbound,
        received,
        ended,
        dialled: Some(queue.into()),
        queue: Some(queue.into()),
        caller_digits: Some(10),
        from_jkc: false,
        legs,
        transfers: if handed_over && !gives_up { vec![transfer] } else { Vec::new() },
        away: false,
        failed: None,
        cause: Cause::NormalClearing,
        merged: None,
        reconstructed: at.is_multiple_of(500),
    }
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let begin = Instant::now();
    black_box(work());
    begin.elapsed().as_secs_f64()
}
