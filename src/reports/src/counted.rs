//! As what a contact counts. One place: the figures, and the contacts behind a figure, ask it alike.

use crate::rules::Rules;
use schakel_contract::views::Figure;
use schakel_core::fact::{ContactFact, LegFact, TransferFact};
use schakel_core::model::call::Direction;
use schakel_core::model::cause::Cause;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::ids::{AgentId, Str};
use schakel_core::model::time::{Millis, Time};
use schakel_core::model::transfer::TransferState;

/// As what a contact counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A customer called us, with what became of it.
    Received(Outcome),
    /// We called.
    Outbound,
    /// Between two devices of ours, or a colleague whose device is not watched.
    Internal,
    /// A second leg of a customer who is counted by another contact.
    SecondLeg,
}

/// What became of a call received. Exactly one each, so that they add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody of ours spoke to the customer (T18).
    Answered,
    /// The customer gave up (T19).
    Abandoned,
    /// The customer gave up within the threshold.
    ShortAbandoned,
    /// It went on to a destination that is not ours.
    Overflowed,
    /// It was answered at a device that is not watched.
    AnsweredElsewhere,
    /// The telephone system ended it.
    NotCompleted,
    /// It was not seen.
    Unknown,
}

/// How long agents of JKC spoke to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// From having the customer to letting him go; two agents at once count once.
    pub length: Millis,
    /// Of that: with the customer on hold.
    pub held: Millis,
}

/// From where a contact is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View<'a> {
    /// As a whole.
    Whole,
    /// What one agent did of it.
    Agent(&'a AgentId),
    /// Its transfers to one department, or without one.
    Department(Option<&'a Str>),
}

/// A contact as it counts in one group.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// The contact.
    pub fact: &'a ContactFact,
    /// As what it counts.
    pub standing: Standing,
    view: View<'a>,
}

impl<'a> Counted<'a> {
    /// A contact in a group with this view.
    pub fn new(fact: &'a ContactFact, view: View<'a>, rules: &Rules) -> Self {
        Self { fact, standing: standing(fact, rules), view }
    }

    /// From another point of view.
    pub fn seen(self, view: View<'a>) -> Self {
        Self { view, ..self }
    }

    /// T17.
    pub fn is_received(&self) -> bool {
        matches!(self.standing, Standing::Received(_))
    }

    /// Whether it was received and had this outcome.
    pub fn is(&self, outcome: Outcome) -> bool {
        self.standing == Standing::Received(outcome)
    }

    /// T20: what JKC's agents spoke on it; none where they did not.
    pub fn talk(&self) -> Option<Talk> {
        let counts = self.is(Outcome::Answered) || self.standing == Standing::Outbound;
        let own = |leg: &&LegFact| {
            leg.through_jkc
                && leg.spoke()
                && match self.view {
                    View::Agent(agent) => leg.agent.as_ref() == Some(agent),
                    View::Whole | View::Department(_) => true,
                }
        };
        if counts { talk_of(self.fact.legs.iter().filter(own)) } else { None }
    }

    /// The completed transfers that count (T21, T24).
    pub fn transfers(&self) -> impl Iterator<Item = &'a TransferFact> {
        let counts = self.is(Outcome::Answered) || self.standing == Standing::Outbound;
        let view = self.view;
        self.fact.transfers.iter().filter(move |transfer| {
            counts
                && transfer.state == TransferState::Completed
                && match view {
                    View::Whole => true,
                    View::Agent(agent) => transfer.agent.as_ref() == Some(agent),
                    View::Department(department) => transfer.department.as_ref() == department,
                }
        })
    }

    /// T21: received, answered and handed over.
    pub fn is_transferred(&self) -> bool {
        self.is(Outcome::Answered) && self.transfers().next().is_some()
    }

    /// We called, and handed over.
    pub fn is_transferred_outbound(&self) -> bool {
        self.standing == Standing::Outbound && self.transfers().next().is_some()
    }

    /// T22.
    pub fn is_handled_without_transfer(&self) -> bool {
        self.is(Outcome::Answered) && self.transfers().next().is_none()
    }

    /// T23.
    pub fn is_started_from_jkc(&self) -> bool {
        let dialled =
            |agent| self.fact.legs.iter().any(|leg| leg.dialled && leg.agent.as_ref() == Some(agent));
        self.fact.from_jkc
            && self.standing != Standing::SecondLeg
            && match self.view {
                View::Agent(agent) => dialled(agent),
                View::Whole | View::Department(_) => true,
            }
    }

    /// Whether it is one of those behind a figure. `department` is that of [`Figure::Department`].
    pub fn is_behind(&self, figure: Figure, department: Option<&str>) -> bool {
        match figure {
            Figure::Contacts => true,
            Figure::Received => self.is_received(),
            Figure::Answered => self.is(Outcome::Answered),
            Figure::Abandoned => self.is(Outcome::Abandoned),
            Figure::ShortAbandoned => self.is(Outcome::ShortAbandoned),
            Figure::Overflowed => self.is(Outcome::Overflowed),
            Figure::AnsweredElsewhere => self.is(Outcome::AnsweredElsewhere),
            Figure::NotCompleted => self.is(Outcome::NotCompleted),
            Figure::Unknown => self.is(Outcome::Unknown),
            Figure::Conversation => self.talk().is_some(),
            Figure::Transferred => self.is_transferred(),
            Figure::TransferredOutbound => self.is_transferred_outbound(),
            Figure::HandledWithoutTransfer => self.is_handled_without_transfer(),
            Figure::StartedFromJkc => self.is_started_from_jkc(),
            Figure::Department => {
                self.transfers().any(|transfer| transfer.department.as_deref() == department)
            }
            Figure::Reconstructed => self.fact.reconstructed,
            Figure::Internal => self.standing == Standing::Internal,
            Figure::SecondLeg => self.standing == Standing::SecondLeg,
        }
    }

    /// As what it counts, in the contract's words.
    pub fn counted_as(&self) -> &'static str {
        let figure = match self.standing {
            Standing::Outbound => return "outbound",
            Standing::Internal => Figure::Internal,
            Standing::SecondLeg => Figure::SecondLeg,
            Standing::Received(outcome) => match outcome {
                Outcome::Answered => Figure::Answered,
                Outcome::Abandoned => Figure::Abandoned,
                Outcome::ShortAbandoned => Figure::ShortAbandoned,
                Outcome::Overflowed => Figure::Overflowed,
                Outcome::AnsweredElsewhere => Figure::AnsweredElsewhere,
                Outcome::NotCompleted => Figure::NotCompleted,
                Outcome::Unknown => Figure::Unknown,
            },
        };
        figure.as_str()
    }
}

/// As what a contact counts.
pub fn standing(fact: &ContactFact, rules: &Rules) -> Standing {
    if fact.merged.is_some_and(|merged| merged.same_caller) {
        return Standing::SecondLeg;
    }
    let colleague = fact.caller_digits.is_some_and(|digits| digits <= rules.internal_digits_max);
    match fact.direction {
        Direction::Internal => Standing::Internal,
        Direction::Inbound if colleague => Standing::Internal,
        Direction::Outbound => Standing::Outbound,
        Direction::Inbound => Standing::Received(outcome(fact, rules)),
    }
}

/// What became of a call received. The order matters: what a person of ours did comes first, what was not seen last.
fn outcome(fact: &ContactFact, rules: &Rules) -> Outcome {
    if fact.legs.iter().any(LegFact::spoke) {
        return Outcome::Answered;
    }
    let elsewhere = fact.legs.iter().any(|leg| {
        leg.kind == DeviceKind::Station && leg.cause == Cause::AnsweredElsewhere && leg.left == fact.ended
    });
    if elsewhere || fact.away && fact.cause == Cause::AnsweredElsewhere {
        return Outcome::AnsweredElsewhere;
    }
    if fact.away {
        return Outcome::Overflowed;
    }
    if not_seen(fact.cause) {
        return Outcome::Unknown;
    }
    // Who still waits in a queue when a telephone fails waits on; who ends it then is he.
    let waits = fact.legs.iter().any(|leg| leg.kind == DeviceKind::Queue && leg.left == fact.ended);
    if ended_by_system(fact.cause) || fact.failed.is_some() && !waits {
        return Outcome::NotCompleted;
    }
    match fact.ended - fact.received < rules.short_abandon {
        true => Outcome::ShortAbandoned,
        false => Outcome::Abandoned,
    }
}

/// Ends that were concluded, because nobody told them.
const fn not_seen(cause: Cause) -> bool {
    matches!(cause, Cause::LinkRestored | Cause::StaleExpired | Cause::IdReused | Cause::Timeout)
}

/// Ends that the telephone system or the network made, not the caller.
const fn ended_by_system(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Busy
            | Cause::NoAnswer
            | Cause::DestinationNotObtainable
            | Cause::InvalidNumber
            | Cause::DoNotDisturb
            | Cause::QueueTimeOverflow
            | Cause::Overflow
            | Cause::TrunksBusy
            | Cause::NetworkCongestion
            | Cause::NetworkOutOfOrder
            | Cause::ResourcesNotAvailable
            | Cause::OutOfService
            | Cause::Blocked
    )
}

/// The union of the spans in which these legs had the customer; none where there are none.
fn talk_of<'a>(legs: impl Iterator<Item = &'a LegFact>) -> Option<Talk> {
    let mut spans: Vec<(Time, Time)> = Vec::new();
    let mut held = 0;
    for leg in legs {
        spans.push((leg.answered?, leg.left));
        held += leg.held.0;
    }
    spans.sort_unstable();
    let mut until = spans.first()?.0;
    let mut length = 0;
    for (from, to) in spans {
        length += (to - from.max(until)).0;
        until = until.max(to);
    }
    Some(Talk { length: Millis(length), held: Millis(held) })
}
