//! Adding up, and rounding.

use crate::counted::{Counted, Outcome, Standing, Talk};
use schakel_contract::views::{
    DepartmentView, DurationView, FiguresView, RestView, ShareView, TransferredView,
};
use schakel_core::model::ids::Str;
use schakel_core::model::transfer::TransferKind;
use std::collections::BTreeMap;

/// The sums of one group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    contacts: u64,
    reconstructed: u64,
    received: u64,
    answered: u64,
    abandoned: u64,
    rest: RestView,
    inbound: Durations,
    outbound: Durations,
    transferred: u64,
    transferred_outbound: u64,
    warm: u64,
    cold: u64,
    started: u64,
    departments: BTreeMap<Option<Str>, u64>,
    internal: u64,
    second_legs: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Durations {
    contacts: u64,
    millis: u64,
    held: u64,
}

impl Figures {
    /// One more contact.
    pub(crate) fn add(&mut self, counted: &Counted<'_>) {
        self.contacts += 1;
        self.reconstructed += u64::from(counted.fact.reconstructed);
        match counted.standing {
            Standing::Received(outcome) => {
                self.received += 1;
                *match outcome {
                    Outcome::Answered => &mut self.answered,
                    Outcome::Abandoned => &mut self.abandoned,
                    Outcome::ShortAbandoned => &mut self.rest.short_abandoned,
                    Outcome::Overflowed => &mut self.rest.overflowed,
                    Outcome::AnsweredElsewhere => &mut self.rest.answered_elsewhere,
                    Outcome::NotCompleted => &mut self.rest.not_completed,
                    Outcome::Unknown => &mut self.rest.unknown,
                } += 1;
            }
            Standing::Outbound => {}
            Standing::Internal => self.internal += 1,
            Standing::SecondLeg => self.second_legs += 1,
        }
        if let Some(talk) = counted.talk() {
            let way = if counted.is_received() { &mut self.inbound } else { &mut self.outbound };
            way.add(talk);
        }
        self.transferred += u64::from(counted.is_transferred());
        self.transferred_outbound += u64::from(counted.is_transferred_outbound());
        for transfer in counted.transfers() {
            match transfer.kind {
                TransferKind::Warm => self.warm += 1,
                TransferKind::Cold => self.cold += 1,
            }
            *self.departments.entry(transfer.department.clone()).or_default() += 1;
        }
        self.started += u64::from(counted.is_started_from_jkc());
    }

    /// As they are shown.
    pub(crate) fn view(&self) -> FiguresView {
        let transfers = self.warm + self.cold;
        let department = |(name, number): (&Option<Str>, &u64)| DepartmentView {
            department: name.as_deref().map(str::to_owned),
            transfers: share(*number, transfers),
        };
        // By name; those without one at the end.
        let (named, unnamed) = (
            self.departments.iter().filter(|(name, _)| name.is_some()),
            self.departments.get_key_value(&None),
        );
        FiguresView {
            contacts: self.contacts,
            reconstructed: self.reconstructed,
            received: self.received,
            answered: share(self.answered, self.received),
            abandoned: share(self.abandoned, self.received),
            rest: self.rest,
            duration: self.inbound.and(self.outbound).view(),
            duration_inbound: self.inbound.view(),
            duration_outbound: self.outbound.view(),
            transferred: TransferredView {
                contacts: share(self.transferred, self.answered),
                outbound_contacts: self.transferred_outbound,
                transfers,
                warm: self.warm,
                cold: self.cold,
            },
            handled_without_transfer: share(self.answered - self.transferred, self.answered),
            started_from_jkc: self.started,
            departments: named.chain(unnamed).map(department).collect(),
            internal: self.internal,
            second_legs: self.second_legs,
        }
    }
}

impl Durations {
    fn add(&mut self, talk: Talk) {
        self.contacts += 1;
        self.millis += talk.length.0;
        self.held += talk.held.0;
    }

    fn and(self, other: Self) -> Self {
        Self {
            contacts: self.contacts + other.contacts,
            millis: self.millis + other.millis,
            held: self.held + other.held,
        }
    }

    fn view(self) -> DurationView {
        DurationView {
            contacts: self.contacts,
            total_seconds: tenths(self.millis, 100).unwrap_or_default(),
            mean_seconds: tenths(self.millis, 100 * self.contacts),
            held_seconds: tenths(self.held, 100).unwrap_or_default(),
        }
    }
}

/// A number and what it is of a hundred.
pub(crate) fn share(number: u64, of: u64) -> ShareView {
    // Tenths of a per cent: 1000 · number / of.
    ShareView { number, percentage: tenths(number.saturating_mul(1000), of) }
}

/// `number / of` in tenths, halves up, in whole numbers until the last step; none where there is nothing to divide by.
fn tenths(number: u64, of: u64) -> Option<f64> {
    if of == 0 {
        return None;
    }
    let (number, of) = (u128::from(number), u128::from(of));
    let rounded = (2 * number + of) / (2 * of);
    Some(u64::try_from(rounded).unwrap_or(u64::MAX) as f64 / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_have_one_decimal_halves_up_and_none_of_nothing() {
        let percentage = |number, of| share(number, of).percentage;
        assert_eq!(percentage(1, 3), Some(33.3));
        assert_eq!(percentage(2, 3), Some(66.7));
        assert_eq!(percentage(1, 2000), Some(0.1), "0.05 is half");
        assert_eq!(percentage(1, 2001), Some(0.0));
        assert_eq!(percentage(3, 3), Some(100.0));
        assert_eq!(percentage(0, 0), None);
    }

    #[test]
    fn a_mean_has_one_decimal_and_none_of_nothing() {
        let mean = |contacts, millis| Durations { contacts, millis, held: 0 }.view().mean_seconds;
        assert_eq!(mean(2, 125_000), Some(62.5));
        assert_eq!(mean(3, 100_000), Some(33.3));
        assert_eq!(mean(1, 50), Some(0.1), "half of a tenth");
        assert_eq!(mean(1, 49), Some(0.0));
        assert_eq!(mean(0, 0), None);
    }
}
