//! What the story did, counted where it was done, and the report of the day, which must say the same (T17 to T23).

use super::stage::Stage;
use super::teller::{Untrue, say};
use crate::client::screen;
use schakel_contract::Timestamp;
use schakel_contract::views::TelephonyReportView;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// The department of the colleague to whom a customer is handed over straight away.
pub(super) const DEPARTMENT: &str = "Belastingen";

/// Counts of the story itself: nothing of it comes from schakel but the ids of contacts.
#[derive(Debug)]
pub(super) struct Tally {
    began: Timestamp,
    received: Cell<u64>,
    answered: RefCell<BTreeSet<Uuid>>,
    abandoned: Cell<u64>,
    warm: Cell<u64>,
    cold: Cell<u64>,
    started: Cell<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            began: now(),
            received: Cell::default(),
            answered: RefCell::default(),
            abandoned: Cell::default(),
            warm: Cell::default(),
            cold: Cell::default(),
            started: Cell::default(),
        }
    }

    /// Somebody outside called.
    pub(super) fn received(&self) {
        self.received.set(self.received.get() + 1);
    }

    /// Somebody of ours answered him.
    pub(super) fn answered(&self, contact: Uuid) {
        self.answered.borrow_mut().insert(contact);
    }

    /// He gave up before anybody answered.
    pub(super) fn abandoned(&self) {
        self.abandoned.set(self.abandoned.get() + 1);
    }

    /// A customer was handed over after a word with the colleague.
    pub(super) fn warm(&self) {
        self.warm.set(self.warm.get() + 1);
    }

    /// A customer was handed over straight away.
    pub(super) fn cold(&self) {
        self.cold.set(self.cold.get() + 1);
    }

    /// A call was dialled from JKC.
    pub(super) fn started(&self) {
        self.started.set(self.started.get() + 1);
    }
}

/// The report of the demo's own day: its figures are what the story did.
pub(super) async fn report(stage: &Stage) -> Result<(), Untrue> {
    let (from, to) = (stage.tally.began.to_string(), now().to_string());
    let ask = async |words: &[&str]| {
        let mut all = vec!["report", "--from", &from, "--to", &to];
        all.extend(words);
        stage.daemon.ask(&all).await
    };
    let report: TelephonyReportView = serde_json::from_str(&ask(&["--format", "json"]).await?)
        .map_err(|error| Untrue::Statement(format!("the report can be read: {error}")))?;
    let (tally, total) = (&stage.tally, &report.total);
    let answered = tally.answered.borrow().len() as u64;
    let rest = &total.rest;
    let gone = total.abandoned.number
        + rest.short_abandoned
        + rest.overflowed
        + rest.answered_elsewhere
        + rest.not_completed
        + rest.unknown;
    let mut departments = total.departments.iter();
    let chosen = departments.find(|each| each.department.as_deref() == Some(DEPARTMENT));
    let chosen = chosen.map_or(0, |each| each.transfers.number);
    let handed = tally.warm.get() + tally.cold.get();
    for (what, is, must_be) in [
        ("received", total.received, tally.received.get()),
        ("answered", total.answered.number, answered),
        ("abandoned", total.abandoned.number, tally.abandoned.get()),
        ("not answered", gone, tally.received.get().saturating_sub(answered)),
        ("transferred warm", total.transferred.warm, tally.warm.get()),
        ("transferred cold", total.transferred.cold, tally.cold.get()),
        ("handled without transfer", total.handled_without_transfer.number, answered - handed),
        ("transferred to the department that was chosen", chosen, tally.cold.get()),
        ("started from JKC", total.started_from_jkc, tally.started.get()),
        ("under way", report.under_way, 0),
    ] {
        stage.teller.same(&format!("the report's figure \"{what}\""), &is, &must_be)?;
    }
    let language = stage.teller.language.pick("nl", "en");
    let table = ask(&["--language", language]).await?;
    screen::show(format_args!("\n{}", table.trim_end()));
    say!(
        stage,
        Checked,
        "`schakel report` zegt wat dit verhaal deed",
        "`schakel report` says what this story did"
    );
    // Either fails with its exit code when something is not as it was written, also across the kill.
    for words in [&["report", "--verify"][..], &["audit", "verify"]] {
        stage.daemon.ask(words).await?;
        stage.teller.check(true, String::new)?;
    }
    say!(
        stage,
        Checked,
        "de rapportage volgt uit het journaal (`report --verify`), en het auditlog is heel (`audit verify`)",
        "the report follows from the journal (`report --verify`), and the audit log is whole (`audit verify`)"
    );
    Ok(())
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or_default())
}
