//! The eight reports on telephony (T17 to T24), from facts alone.
//!
//! ```text
//! core ──ContactFact──► engine ──► journal (table facts) ──► ReportMaker ──► TelephonyReportView ──► JSON · CSV · HTML · table
//!                                                        └─► Finder ──► the contacts behind a figure
//! ```
//!
//! A [fact](schakel_core::fact::ContactFact) is what one contact of a customer came to. The crate is pure: the same
//! facts, rules and period give the same figures, on any machine and in any year; the time zones come with the program.
//!
//! # What is counted
//!
//! The unit is the **contact**: a customer's one call with everything that became of it (queue, telephones that rang,
//! consultations, transfers, a link that was lost meanwhile). So a call that rings at five telephones, waits in two
//! queues and is handed over twice is *one*. It belongs to the day and hour in which it **began**, also when it ended
//! the next day. A contact that still goes on is in no figure; the report says how many there are (`underWay`) and
//! whether the figures are final (`complete`).
//!
//! Every contact has one [`Standing`]:
//!
//! | standing | when |
//! | --- | --- |
//! | second leg | it went up in another contact of the same outside caller |
//! | internal | between two devices of ours, or from a number of at most `internal_digits_max` digits (a colleague's extension that is not watched) |
//! | outbound | we called |
//! | received | all others: an outside party called us |
//!
//! and a received one has exactly one [`Outcome`], the first of this list that fits:
//!
//! | outcome | when |
//! | --- | --- |
//! | answered | a telephone of ours had the customer. A queue that plays music is nobody |
//! | answered elsewhere | the telephone system says that another device took it, and none of ours did |
//! | overflowed | it had gone on to a destination that is not ours (overflow, forwarding, voicemail), or somebody outside answered it |
//! | unknown | its end was not seen: found gone after a lost link, or its last deadline passed |
//! | not completed | the telephone system or the network ended it: busy, not answered in time, out of order … and the caller was not waiting in a queue |
//! | short abandoned | the caller gave up within `short_abandon_seconds`; without that setting (0, the default) nobody did |
//! | abandoned | the caller gave up |
//!
//! # The eight figures
//!
//! | | figure | formula |
//! | --- | --- | --- |
//! | T17 | received | contacts that are *received*. Always: received = answered + abandoned + short abandoned + overflowed + answered elsewhere + not completed + unknown |
//! | T18 | answered | received with outcome *answered*; of T17 |
//! | T19 | abandoned | received with outcome *abandoned*; of T17. Not: the rest of the list above, internal calls, second legs |
//! | T20 | mean duration | seconds of conversation / contacts with a conversation. A conversation is the time in which at least one telephone had the customer at which JKC had **registered** an agent: from answer (of a call that we made: the customer's) to leaving, hold included; after a transfer the receiver's part counts from when he got the customer. Two agents at once count once. Consultations, ringing and queues are not part of it. Received and outbound; each apart as well |
//! | T21 | transferred | answered contacts with at least one **completed** transfer, warm or cold. Not: taken back, failed. Outbound contacts that were handed over are counted apart |
//! | T22 | handled without transfer | (T18 − T21) / T18 |
//! | T23 | started from JKC | contacts that began with a dial command of JKC, to a customer, a colleague or a number; not those dialled at the telephone, not consultations |
//! | T24 | per chosen department | completed transfers by the department that was chosen in JKC, of all completed transfers (of received and outbound contacts). Transfers without one, as those made at the telephone, are the row without a department: the rows add up to all of them |
//!
//! Percentages and seconds have one decimal, halves up, computed in whole numbers; a share of nothing is null.
//! Whatever was **reconstructed** (found in a snapshot after a lost link, or ended by one) counts like the rest, and
//! every row says how many there were.
//!
//! # Groups
//!
//! | by | a contact is in | the row's figures are |
//! | --- | --- | --- |
//! | day, hour | the local day or hour in which it began. Days have 23, 24 or 25 hours; the hour that comes twice in October is two rows, `02:00+02:00` and `02:00+01:00` | of the whole contact |
//! | queue | the row of the queue that it came to first (queues of one number at two telephone systems share a row) | of the whole contact |
//! | agent | the row of each agent who spoke to the customer or dialled; else in the row without a key (nobody, nobody registered, or anonymised) | what this agent did: his conversation, his transfers, his dialling |
//! | department | the row of each department that it was handed over to; else in the row without a key | of the whole contact, but of the transfers those to this department |
//!
//! Rows of days, hours and queues add up to the total. Rows of agents and departments overlap where a contact had more
//! than one of them: the total counts each contact once. Anonymising takes agents out of the facts: then their contacts
//! are in the row without a key, and the total is what it was.
//!
//! # Example
//!
//! ```
//! use schakel_contract::views::GroupBy;
//! use schakel_reports::{Period, ReportMaker, Rules};
//! # fn facts() -> Vec<schakel_core::fact::ContactFact> { Vec::new() }
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let rules = Rules::new("Europe/Amsterdam", 5, 5)?;
//! let now = schakel_core::model::time::Time(1_793_000_000_000);
//! let period = Period::named("2026-10", now, &rules)?;
//! let mut maker = ReportMaker::new(period, GroupBy::Day, rules, Default::default())?;
//! facts().iter().for_each(|fact| maker.add(fact));
//! let report = maker.finish(now)?;
//! assert_eq!(report.rows.len(), 31);
//! # Ok(())
//! # }
//! # example().unwrap();
//! ```

mod counted;
mod csv;
mod figures;
mod group;
mod html;
mod period;
mod report;
mod rules;
mod table;
mod words;

pub use counted::{Counted, Outcome, Standing, Talk, View, standing};
pub use csv::csv;
pub use group::{ROWS_MAX, TooManyRows};
pub use html::{escaped, html};
pub use period::{Bound, Period, PeriodError};
pub use report::{Behind, Finder, ReportMaker, UnknownRow, under_way};
pub use rules::{Rules, UnknownTimeZone};
pub use table::table;
pub use words::Language;
