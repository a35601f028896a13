//! What the mailer is told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::compose::mailbox;
use crate::retry::Retry;
use crate::settings::Trust;

/// A mail server, and who gets what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// The server's name, which its certificate must have.
    pub host: String,
    /// Its port: 465 for [`Tls::Implicit`], 587 for [`Tls::StartTls`] usually.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Who we are to the server, where it wants to know.
    pub credentials: Option<Credentials>,
    /// Who we say that we are (EHLO); none for the name of this machine's address.
    pub hello: Option<String>,
    /// From which address: `chat@gemeente.example` or `Chat <chat@gemeente.example>`.
    pub from: String,
    /// To whom, by the queue's name in the configuration.
    pub queues: BTreeMap<String, QueueMail>,
    /// For one answer of the server.
    pub timeout: Duration,
    /// When to try again, and when no more.
    pub retry: Retry,
}

impl MailSettings {
    /// Whether mails can be made with these settings.
    ///
    /// # Errors
    /// What is wrong, and how to mend it.
    pub fn check(&self) -> Result<(), String> {
        let destinations = self.queues.values().flat_map(|queue| &queue.to);
        for address in destinations.chain([&self.from]) {
            mailbox(address).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Pauses that suit servers which let a stranger wait (greylisting): most want five minutes.
    #[must_use]
    pub fn usual_retry() -> Retry {
        Retry {
            pauses: [30, 60, 300, 600, 1_800, 3_600].map(Duration::from_secs).to_vec(),
            ..Retry::default()
        }
    }
}

/// Who gets the messages of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMail {
    /// What people call the queue.
    pub name: String,
    /// The addresses.
    pub to: Vec<String>,
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// STARTTLS, and nothing without it (RFC 3207).
    StartTls,
    /// Not at all: for a server on this machine.
    None,
}

/// Who we are to a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// Where the password stands; read for each try, so that it can change.
    pub password_file: PathBuf,
}
