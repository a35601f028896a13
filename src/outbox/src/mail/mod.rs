//! Mail: messages that visitors leave while nobody can chat (C15).
//!
//! ```text
//! journal ──mails──► one task ─► compose (headers, text, JSON) ─► SMTP
//!    ▲                   └─ settled: sent · failed, due later · given up ─┘
//! ```
//!
//! A mail has a row in the journal from the transaction that accepted the message until a server took it. It is sent at
//! least once: when a connection breaks after the message was given over, it is sent again, byte for byte and under the
//! same Message-ID, by which a mailbox knows it again.
//!
//! What a server refuses for good is given up and told as an alarm; everything else is tried for days. While a server
//! cannot be reached one mail at a time tries it.

mod compose;
mod send;
mod settings;
mod task;

pub use settings::{Credentials, MailSettings, QueueMail, Tls};
pub use task::{Decode, MailAlarm, MailAlarmKind, MailErrorKind, MailStatus, Mailer};
