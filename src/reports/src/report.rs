//! A report, made contact by contact.

use crate::counted::{Counted, View};
use crate::figures::Figures;
use crate::group::{ROWS_MAX, Slot, TooManyRows, days, each_named, hours, slot_of};
use crate::period::Period;
use crate::rules::Rules;
use schakel_contract::views::{
    Figure, GroupBy, ReportPeriodView, ReportRowView, ReportedContactView, TelephonyReportView,
};
use schakel_core::fact::ContactFact;
use schakel_core::model::ids::{ContactId, Str};
use schakel_core::model::time::Time;
use schakel_core::state::State;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The contacts of a period that still go on: they are in no figure yet. One that had ended, and goes on, is here too.
pub fn under_way(state: &State, period: Period) -> BTreeSet<ContactId> {
    let live = state.contacts.values().filter(|contact| contact.ended.is_none() && contact.seq > 0);
    live.filter(|contact| period.has(contact.started)).map(|contact| contact.id).collect()
}

/// Makes a report of the facts of a period: each given once, in any order.
#[derive(Debug)]
pub struct ReportMaker {
    rules: Rules,
    period: Period,
    group_by: GroupBy,
    under_way: BTreeSet<ContactId>,
    total: Figures,
    slots: Vec<Slot>,
    by_slot: Vec<Figures>,
    by_name: BTreeMap<Option<Str>, Figures>,
    too_many: bool,
}

impl ReportMaker {
    /// A report without a contact in it yet.
    ///
    /// # Errors
    /// When it would have too many rows.
    pub fn new(
        period: Period,
        group_by: GroupBy,
        rules: Rules,
        under_way: BTreeSet<ContactId>,
    ) -> Result<Self, TooManyRows> {
        let slots = match group_by {
            GroupBy::Day => days(period, &rules)?,
            GroupBy::Hour => hours(period, &rules)?,
            GroupBy::None | GroupBy::Queue | GroupBy::Department | GroupBy::Agent => Vec::new(),
        };
        Ok(Self {
            by_slot: vec![Figures::default(); slots.len()],
            total: Figures::default(),
            by_name: BTreeMap::new(),
            too_many: false,
            rules,
            period,
            group_by,
            under_way,
            slots,
        })
    }

    /// Counts a contact. One that began outside the period, or goes on, is passed over.
    pub fn add(&mut self, fact: &ContactFact) {
        if !self.period.has(fact.received) || self.under_way.contains(&fact.contact) {
            return;
        }
        let counted = Counted::new(fact, View::Whole, &self.rules);
        self.total.add(&counted);
        if let Some(slot) = slot_of(&self.slots, fact.received).and_then(|slot| self.by_slot.get_mut(slot)) {
            slot.add(&counted);
        }
        each_named(counted, self.group_by, |name, counted| {
            if let Some(figures) = self.by_name.get_mut(&name.cloned()) {
                return figures.add(&counted);
            }
            self.too_many |= self.by_name.len() >= ROWS_MAX;
            if !self.too_many {
                self.by_name.entry(name.cloned()).or_default().add(&counted);
            }
        });
    }

    /// The report as it stands at a moment.
    ///
    /// # Errors
    /// When there were more groups than a report has rows.
    pub fn finish(self, now: Time) -> Result<TelephonyReportView, TooManyRows> {
        if self.too_many {
            return Err(TooManyRows);
        }
        let of_time = self.slots.into_iter().zip(&self.by_slot).map(|(slot, figures)| ReportRowView {
            key: Some(slot.key),
            from: Some(slot.from.into()),
            to: Some(slot.to.into()),
            figures: figures.view(),
        });
        let row = |(name, figures): (&Option<Str>, &Figures)| ReportRowView {
            key: name.as_deref().map(str::to_owned),
            from: None,
            to: None,
            figures: figures.view(),
        };
        // By name; what belongs to none at the end.
        let named = self.by_name.iter().filter(|(name, _)| name.is_some());
        let unnamed = self.by_name.get_key_value(&None);
        Ok(TelephonyReportView {
            period: ReportPeriodView {
                from: self.period.from.into(),
                to: self.period.to.into(),
                time_zone: self.rules.zone_name.clone(),
                // Made from whole seconds of 32 bits.
                short_abandon_seconds: u32::try_from(self.rules.short_abandon.0 / 1_000).unwrap_or(u32::MAX),
            },
            group_by: self.group_by,
            under_way: self.under_way.len() as u64,
            complete: self.period.to <= now && self.under_way.is_empty(),
            total: self.total.view(),
            rows: of_time.chain(named.chain(unnamed).map(row)).collect(),
        })
    }
}

/// Which contacts are wanted behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The figure.
    pub figure: Figure,
    /// The department of [`Figure::Department`]; none for those without one.
    pub department: Option<String>,
    /// By what the report is grouped.
    pub group_by: GroupBy,
    /// The row: none for all of them together, the inner none for the row without a key.
    pub row: Option<Option<String>>,
}

/// There is no such row in a report of this period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no row of such a report; give a row's key as the report has it")]
pub struct UnknownRow(String);

/// Finds the contacts behind a figure.
#[derive(Debug)]
pub struct Finder {
    rules: Rules,
    /// Of the row, where it is one of time; else of the report.
    period: Period,
    behind: Behind,
    under_way: BTreeSet<ContactId>,
}

impl Finder {
    /// For a figure of a report.
    ///
    /// # Errors
    /// When a row is asked for that is not there.
    pub fn new(
        period: Period,
        behind: Behind,
        rules: Rules,
        under_way: BTreeSet<ContactId>,
    ) -> Result<Self, UnknownRow> {
        let slots = match behind.group_by {
            GroupBy::Day => days(period, &rules),
            GroupBy::Hour => hours(period, &rules),
            GroupBy::None | GroupBy::Queue | GroupBy::Department | GroupBy::Agent => Ok(Vec::new()),
        };
        let by_time = matches!(behind.group_by, GroupBy::Day | GroupBy::Hour);
        let mut narrowed = period;
        if let Some(row) = behind.row.as_ref().filter(|_| by_time) {
            let slot = slots.iter().flatten().find(|slot| Some(&slot.key) == row.as_ref());
            let slot = slot.ok_or_else(|| UnknownRow(row.clone().unwrap_or_default()))?;
            narrowed = Period { from: slot.from, to: slot.to };
        }
        Ok(Self { rules, period: narrowed, behind, under_way })
    }

    /// Where to look.
    pub fn period(&self) -> Period {
        self.period
    }

    /// The contact as it is shown, where it is one of those behind the figure.
    pub fn find(&self, fact: &ContactFact) -> Option<ReportedContactView> {
        if !self.period.has(fact.received) || self.under_way.contains(&fact.contact) {
            return None;
        }
        let counted = Counted::new(fact, View::Whole, &self.rules);
        let department = self.behind.department.as_deref();
        let is_behind = |counted: &Counted<'_>| counted.is_behind(self.behind.figure, department);
        let by_name = matches!(self.behind.group_by, GroupBy::Queue | GroupBy::Department | GroupBy::Agent);
        let found = match &self.behind.row {
            Some(row) if by_name => {
                let mut found = false;
                each_named(counted, self.behind.group_by, |name, counted| {
                    found |= name.map(|name| &**name) == row.as_deref() && is_behind(&counted);
                });
                found
            }
            _ => is_behind(&counted),
        };
        found.then(|| shown(&counted))
    }
}

fn shown(counted: &Counted<'_>) -> ReportedContactView {
    let fact = counted.fact;
    let mut agents: Vec<String> = Vec::new();
    for agent in fact.legs.iter().filter(|leg| leg.spoke()).filter_map(|leg| leg.agent.as_ref()) {
        if !agents.iter().any(|known| known == agent.as_str()) {
            agents.push(agent.as_str().to_owned());
        }
    }
    ReportedContactView {
        contact: Uuid::from_u128(fact.contact.0),
        received_at: fact.received.into(),
        ended_at: fact.ended.into(),
        counted_as: counted.counted_as().to_owned(),
        queue: fact.queue.as_ref().map(|queue| queue.as_str().to_owned()),
        agents,
        transfers: counted.transfers().count() as u64,
        reconstructed: fact.reconstructed,
    }
}
