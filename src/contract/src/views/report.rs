//! Reports on telephony (T17 to T24). What each figure counts is defined, with its formula, in the crate
//! `schakel-reports`.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

// The text is a `tt`: as a `literal` it would reach the derive of the schema in a group, and be left out without a word.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$each:meta])* $name:ident = $text:tt,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $type {
            $($(#[$each])* #[serde(rename = $text)] $name,)*
        }

        impl $type {
            /// All of them.
            pub const ALL: &'static [$type] = &[$($type::$name,)*];

            /// The outward name.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$name => $text,)* }
            }

            /// The one of this outward name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

names! {
    /// By what a report's rows are grouped.
    GroupBy {
        /// The whole period: no rows beside the total.
        None = "none",
        /// By local day.
        Day = "day",
        /// By local hour of each day.
        Hour = "hour",
        /// By the queue that the contact came to first.
        Queue = "queue",
        /// By the department that was chosen for a transfer.
        Department = "department",
        /// By agent.
        Agent = "agent",
    }
}

names! {
    /// A figure of a report, to ask for the contacts behind it.
    Figure {
        /// Everything that the row looked at.
        Contacts = "contacts",
        /// T17.
        Received = "received",
        /// T18.
        Answered = "answered",
        /// T19.
        Abandoned = "abandoned",
        /// Gave up within the threshold.
        ShortAbandoned = "shortAbandoned",
        /// Sent on to a destination that is not ours.
        Overflowed = "overflowed",
        /// Answered at a device that is not watched.
        AnsweredElsewhere = "answeredElsewhere",
        /// Ended by the telephone system: busy, not answered in time, out of order.
        NotCompleted = "notCompleted",
        /// What became of it was not seen.
        Unknown = "unknown",
        /// T20: with a conversation of an agent of JKC.
        Conversation = "conversation",
        /// T21: received and handed over.
        Transferred = "transferred",
        /// Not received, but made by us, and handed over.
        TransferredOutbound = "transferredOutbound",
        /// T22.
        HandledWithoutTransfer = "handledWithoutTransfer",
        /// T23.
        StartedFromJkc = "startedFromJkc",
        /// T24: with a transfer to the given department.
        Department = "department",
        /// Something of it was concluded rather than seen.
        Reconstructed = "reconstructed",
        /// Between two devices of ours: in none of the figures of customers.
        Internal = "internal",
        /// A second leg of a customer who is counted already.
        SecondLeg = "secondLeg",
    }
}

/// Reports T17 to T24 over a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TelephonyReport)]
pub struct TelephonyReportView {
    /// The period and how it was looked at.
    pub period: ReportPeriodView,
    /// By what the rows are grouped.
    pub group_by: GroupBy,
    /// Contacts of the period that still go on: they are in no figure yet.
    pub under_way: u64,
    /// The period is over and nothing of it goes on: these figures stay.
    pub complete: bool,
    /// The whole period. Each contact counts once here, also where it is in several rows.
    pub total: FiguresView,
    /// The groups in order. Days and hours without a contact are there too.
    pub rows: Vec<ReportRowView>,
}

/// The period of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReportPeriod)]
pub struct ReportPeriodView {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment at which it has ended.
    pub to: Timestamp,
    /// The time zone of days and hours (IANA).
    pub time_zone: String,
    /// Who gives up within so many seconds is no abandoned call; 0: everybody who gives up is one.
    pub short_abandon_seconds: u32,
}

/// A group with its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReportRow)]
pub struct ReportRowView {
    /// The group: `2026-10-25`, `2026-10-25T02:00+01:00`, a queue, a department, an agent; null for what belongs to
    /// none.
    pub key: Option<String>,
    /// When a day or an hour begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<Timestamp>,
    /// When a day or an hour has ended: a day in March has 23 hours, one in October 25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to: Option<Timestamp>,
    /// What was counted.
    pub figures: FiguresView,
}

/// The figures of one group. Always: received = answered + abandoned + the sum of `rest`;
/// answered = transferred.contacts + handledWithoutTransfer; the departments' transfers add up to `transfers`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Figures)]
pub struct FiguresView {
    /// All contacts of the group, whichever way they went.
    pub contacts: u64,
    /// Of those: something was concluded from a snapshot or a deadline rather than seen to happen. They count.
    pub reconstructed: u64,
    /// T17: calls received from customers.
    pub received: u64,
    /// T18: of those received, answered by somebody of ours.
    pub answered: ShareView,
    /// T19: of those received, given up by the caller.
    pub abandoned: ShareView,
    /// Of those received: neither answered nor abandoned.
    pub rest: RestView,
    /// T20: conversations of JKC's own agents with customers, both ways.
    pub duration: DurationView,
    /// The same, of calls received.
    pub duration_inbound: DurationView,
    /// The same, of calls that we made.
    pub duration_outbound: DurationView,
    /// T21: handed over to somebody else.
    pub transferred: TransferredView,
    /// T22: of those answered, without a transfer.
    pub handled_without_transfer: ShareView,
    /// T23: calls begun by a command of JKC.
    pub started_from_jkc: u64,
    /// T24: transfers by the department that was chosen.
    pub departments: Vec<DepartmentView>,
    /// In none of the figures above: between two devices of ours.
    pub internal: u64,
    /// In none of the figures above: second legs of customers who are counted already.
    pub second_legs: u64,
}

/// A number and its share.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Share)]
pub struct ShareView {
    /// How many.
    pub number: u64,
    /// Of a hundred, with one decimal, halves up; null where there is nothing to be a share of.
    pub percentage: Option<f64>,
}

/// Received, and neither answered nor abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReceivedRest)]
pub struct RestView {
    /// The caller gave up before the threshold of a short abandon.
    pub short_abandoned: u64,
    /// Went on to a destination that is not ours: overflow, forwarding, voicemail.
    pub overflowed: u64,
    /// Was answered at a device that is not watched.
    pub answered_elsewhere: u64,
    /// Was ended by the telephone system: busy, not answered in time, out of order.
    pub not_completed: u64,
    /// What became of it was not seen: the link was down, or the telephone system told its end to nobody.
    pub unknown: u64,
}

/// How long conversations took.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationDuration)]
pub struct DurationView {
    /// Contacts with such a conversation.
    pub contacts: u64,
    /// Their conversations together, in seconds, with one decimal.
    pub total_seconds: f64,
    /// The mean of a contact, in seconds, with one decimal, halves up; null where there is none.
    pub mean_seconds: Option<f64>,
    /// Of the total: with the customer on hold, in seconds, with one decimal.
    pub held_seconds: f64,
}

/// What was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transferred)]
pub struct TransferredView {
    /// Contacts received and answered with at least one completed transfer; the share is of those answered.
    pub contacts: ShareView,
    /// Contacts that we began with at least one completed transfer.
    pub outbound_contacts: u64,
    /// Completed transfers of both: one contact can be handed over more than once.
    pub transfers: u64,
    /// Of those: after speaking to the colleague.
    pub warm: u64,
    /// Of those: straight away.
    pub cold: u64,
}

/// Transfers to one department.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DepartmentTransfers)]
pub struct DepartmentView {
    /// As it was chosen in JKC; null where none was chosen.
    pub department: Option<String>,
    /// Completed transfers; the share is of all completed transfers of the group.
    pub transfers: ShareView,
}

/// A contact behind a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReportedContact)]
pub struct ReportedContactView {
    /// Its id: /contacts/{contact} and its timeline have the story, as long as it is kept.
    pub contact: Uuid,
    /// When it began.
    pub received_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What it counts as: the outcome of one received, `outbound`, `internal` or `secondLeg`.
    pub counted_as: String,
    /// The queue that it came to first.
    pub queue: Option<String>,
    /// The agents who spoke to the customer, in order; none where they were anonymised.
    pub agents: Vec<String>,
    /// Completed transfers.
    pub transfers: u64,
    /// Something of it was concluded rather than seen.
    pub reconstructed: bool,
}
